"""Reading the values of a column one by one, each different text once."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._checks import is_missing


def each(items: np.ndarray, read: Callable, missing: Any) -> list:
    """Return what `read` makes of each item, and `missing` for those that are not there."""
    known: dict = {}
    found = []
    for item in items:
        if isinstance(item, str):
            if item not in known:
                known[item] = read(item)
            found.append(known[item])
        else:
            found.append(missing if is_missing(item) else read(item))
    return found
