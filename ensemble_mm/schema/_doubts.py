"""What numbers of a table may stand for beside sizes: values that are not known, or points in time.

They are read as they are; a person is told.
"""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ._called import DATES, is_called

# Numbers that stand for no value: -99 and -999, the codes 98 and 998 of surveys, the ends of types.
ALL_NINES = re.compile(r"-9|-?9+[789]")
ENDS = {-128, -32768, 32767, 65535, -(2**31), 2**31 - 1, 2**32 - 1, -(2**63), 2**63 - 1}
LARGEST = 1e37  # of what is measured; pictures of the earth have -3.4e38, the least number of four bytes
FEWEST = 2  # rows that have such a number
LEAST = 3  # other numbers
EPOCHS = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
SINCE_2000, TO_2040 = 946_684_800, 2_208_988_800  # seconds since 1970
SERIALS = 20_000, 60_000  # days since 1899-12-30, from 1954 to 2064


def doubts_of(values: pd.Series, name) -> Iterator[str]:
    """Yield what to tell of the numbers of a column, and what to write if they stand for something else.

    Parameters
    ----------
    values : Series of a numeric dtype
    name : hashable
    """
    if not values.notna().any() or values.dtype.kind not in "iuf" or str(values.dtype) == "halffloat[pyarrow]":
        return  # of the last, Arrow knows no minimum
    low, high = float(values.min()), float(values.max())
    if _is_mark(low) or _is_mark(high):
        yield from _marks(values, name)
    yield from _moments(values, name, low, high)


def is_mark_text(item) -> bool:
    """Tell whether a value is written as a number that often stands for no value."""
    return ALL_NINES.match(str(item).strip()) is not None


def _is_mark(number) -> bool:
    if not np.isfinite(number) or number % 1:
        return False
    return abs(number) > LARGEST or int(number) in ENDS or ALL_NINES.fullmatch(str(int(number))) is not None


def _marks(values, name) -> Iterator[str]:
    """Yield what to tell of numbers that may stand for no value: they are far from all others, and come again."""
    counts = values.value_counts()  # without those that are missing
    found = [number for number in counts.index if _is_mark(number)]
    others = counts.index.difference(found)
    others = others[np.isfinite(others.to_numpy(dtype=float))]
    if len(others) < LEAST:
        return
    low, high = others.min(), others.max()
    far = [number for number in found if max(low - number, number - high) > high - low and counts[number] >= FEWEST]
    if far:
        n, shown = int(counts[far].sum()), " or ".join(f"{number:.12g}" for number in sorted(far))
        yield (
            f"{n} of {int(counts.sum())} values are {shown}, far from all others ({low:.6g} to {high:.6g}); if that "
            f"stands for no value, write X[{name!r}] = X[{name!r}].replace({[_plain(v) for v in sorted(far)]}, np.nan)"
        )


def _plain(number):
    return int(number) if abs(number) < 2**53 else float(number)


def _moments(values, name, low, high) -> Iterator[str]:
    """Yield what to tell of numbers that may count time from some day on."""
    if not 0 < low < high < 2**63:
        return
    unit = next((unit for unit, n in EPOCHS.items() if SINCE_2000 * n <= low and high <= TO_2040 * n), None)
    how, since = f"unit={unit!r}", "1970"
    if unit is None:
        if not (is_called(name, DATES) and SERIALS[0] <= low and high <= SERIALS[1]):
            return
        how, since = "unit='D', origin='1899-12-30'", "1900 as Excel does"
    yield (
        f"numbers that may count {_WORDS[unit]} since {since}, read as sizes; if they are dates, write X[{name!r}] = "
        f"pd.to_datetime(X[{name!r}], {how})"
    )


_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", None: "days"}
