"""Lines on the error output that tell what is being worked on, where `verbose` of an estimator asks for them."""

import sys

from ._checks import printable


def say(estimator, words: str) -> None:
    """Print a line that names the estimator, if it is to tell what it does."""
    if getattr(estimator, "verbose", 0):
        print(f"[{type(estimator).__name__}] {printable(words)}", file=sys.stderr, flush=True)
