"""Times of the day and lengths of time, in hours: "12:30", `datetime.time`, `timedelta`."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import time, timedelta
from typing import ClassVar

import numpy as np
import pandas as pd

from ._accents import digits_of_any_script
from ._blanks import is_blank, is_too_long
from ._each import each

ENOUGH = 0.9  # share of the values that must read as times
CLOCK = re.compile(
    r"(?:(?P<days>-?\d+)\s*days?,?\s*)?(?:(?P<minus>-)?\+?(?P<h>\d{1,3}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d(?:[.,]\d+)?))?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?(?:\s*(?:uhr|h|hrs?|hours?|o'clock))?",
    re.IGNORECASE,
)
PERIOD = re.compile(  # of ISO: P1Y2M, P3W, P1DT12H, PT30.5S
    r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?"
)
HOURS_OF = (8766, 730.5, 168, 24, 1, 1 / 60, 1 / 3600)  # of its parts; of years and months on average
SPLIT_BY_H = re.compile(r"(\d{1,3})\s?h\s?([0-5]\d)", re.IGNORECASE)  # 1h30
WORDS = re.compile(  # 2h 50m, 1 hour 5 minutes; of ISO: PT1H30M
    r"(?:P(?:(\d+)D)?T?|(?:(\d+)\s*d(?:ays?)?\s*)?)(?:(\d+)\s*h(?:(?:ou)?rs?)?\s*)?(?:(\d+)\s*m(?:in(?:ute)?s?)?\s*)?"
    r"(?:(\d+(?:\.\d+)?)\s*s(?:ec(?:ond)?s?)?)?",
    re.IGNORECASE,
)
ONE_UNIT = re.compile(r"\d+(?:\.\d+)?\s*[^\W\d_]+")
HALF = re.compile(r"(\d{1,2})\s*([ap])\.?m\.?", re.IGNORECASE)  # 3 pm


@dataclass(frozen=True)
class TimeRule:
    """How the times of a column are written."""

    noun: ClassVar[str] = "times"
    strict: ClassVar[bool] = True
    doubt: ClassVar[str] = ""

    def read(self, values: pd.Series) -> pd.Series:
        """Return the times in hours."""
        if isinstance(values.dtype, np.dtype) and values.dtype.kind == "m":
            hours = values.to_numpy() / np.timedelta64(1, "h")
        else:
            hours = np.asarray(each(values.to_numpy(object), self.value, np.nan), dtype=np.float64)
        return pd.Series(hours, index=values.index, name=values.name)

    def form(self, item):
        """Return what decides whether a value can be read."""
        return item

    def value(self, item) -> float:
        """Return the hours that a value stands for; NaN where it stands for none."""
        if isinstance(item, time):
            return item.hour + item.minute / 60 + (item.second + item.microsecond / 1e6) / 3600
        if isinstance(item, timedelta):
            return item / timedelta(hours=1)
        if isinstance(item, np.timedelta64):
            return float(item / np.timedelta64(1, "h"))
        unread = not isinstance(item, str) or is_blank(item) or is_too_long(item)
        return np.nan if unread else _hours(digits_of_any_script(item).strip())

    def __str__(self) -> str:
        return "in hours"


def _hours(text: str) -> float:
    found = HALF.fullmatch(text)
    if found is not None:
        return int(found[1]) % 12 + 12.0 * (found[2] in "pP")
    if (found := PERIOD.fullmatch(text)) is not None:
        return sum(n * float((part or "0").replace(",", ".")) for n, part in zip(HOURS_OF, found.groups(), strict=True))
    if (found := SPLIT_BY_H.fullmatch(text)) is not None:
        return int(found[1]) + int(found[2]) / 60
    found = WORDS.fullmatch(text)
    if found is not None and any(found.groups()):
        parts = [float(part or 0) for part in (found[1] or found[2], *found.groups()[2:])]
        return 24 * parts[0] + parts[1] + parts[2] / 60 + parts[3] / 3600
    found = CLOCK.fullmatch(text)
    return np.nan if found is None or (found["h"] is None and found["days"] is None) else _clock(found)


def _clock(found: re.Match) -> float:
    """Return the hours of a time such as "1 day, 2:30 pm"."""
    hour = int(found["h"] or 0)
    if found["half"]:
        hour = hour % 12 + 12 * (found["half"] in "pP")
    hours = hour + int(found["m"] or 0) / 60 + float((found["s"] or "0").replace(",", ".")) / 3600
    return 24 * int(found["days"] or 0) + (-hours if found["minus"] else hours)


def learn_times(counts: Counter, *, sure: bool = False) -> TimeRule | None:
    """Return how the values of a column are written as times; None where they are none."""
    rule, n, total, plain = TimeRule(), 0, 0, True
    least = sum(counts.values()) * (1 - ENOUGH)
    for item, count in counts.items():
        if is_blank(item):
            continue
        total += count
        n += 0 if np.isnan(rule.value(item)) else count
        plain = plain and isinstance(item, str) and ONE_UNIT.fullmatch(item.strip()) is not None
        if not sure and total - n > least:
            return None
    # 90 min are a number with a unit, as 12 m are, unless a value of the column has several.
    return rule if n and (sure or (n >= ENOUGH * total and not plain)) else None
