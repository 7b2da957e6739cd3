"""Numbers and scores in the words of a report."""

import numpy as np

NBSP = "\u00a0"  # keeps a number and its unit on one line
SHARES = ("accuracy",)  # metrics that are shown in percent


def percent(share, decimals=1):
    """Return a share as words, such as "83.1 %"; a dash for what is not known."""
    return "–" if share is None or not np.isfinite(share) else _minus(f"{100 * share:.{decimals}f}{NBSP}%")


def number(value, digits=3):
    """Return a number with some significant digits; a dash for what is not known."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.{digits}g}"


def plain(value) -> str:
    """Return a number as a person writes it: "12,300", "23.5", "0.0042"."""
    return number(value) if not 1000 <= abs(value) < np.inf else _minus(f"{value:,.0f}")


def score_text(metric, value):
    """Return a score in words."""
    if metric in SHARES:
        return percent(value)
    return _minus(f"{value + 0.0:.3f}".replace("-0.000", "0.000")) if np.isfinite(value) else "–"


def of_hundred(share) -> str:
    """Return a share as a count: "84 of 100"."""
    return f"{100 * share:.{1 if 0.98 < share < 1 else 0}f} of 100" if np.isfinite(share) else "–"


def how_good(kind, value) -> str:
    """Return in plain words what an accuracy of classes, or a mean absolute error of numbers, says."""
    return f"right in {of_hundred(value)}" if kind.n_classes else f"off by {plain(value)} on average"


def plural(n, noun) -> str:
    """Return a count with its noun: "1 view", "3 views"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _minus(text):
    return text.replace("-", "−")
