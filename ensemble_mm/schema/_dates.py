"""Dates: how those of one column are written, learnt once and held to."""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from .._checks import is_missing

FEW_PARSED = 0.9  # share of a column that must read as dates to be one


@dataclass(frozen=True)
class DateRule:
    """How the dates of a column are written."""

    noun: ClassVar[str] = "dates"
    strict: ClassVar[bool] = False
    day_first: bool = False

    def read(self, values: pd.Series) -> pd.Series:
        """Return the dates; those of a dtype for dates as they are."""
        if pd.api.types.is_datetime64_any_dtype(values):
            return values
        texts = pd.Series(values.to_numpy(object), index=values.index, name=values.name)
        return pd.to_datetime(texts, errors="coerce", format="mixed", dayfirst=self.day_first, utc=True)

    def is_blank(self, value) -> bool:
        """Tell whether a value stands for none."""
        return is_missing(value)

    def __str__(self) -> str:
        return "day first" if self.day_first else "as ISO 8601, or month first"


def learn_dates(known: list) -> DateRule | None:
    """Return how some known values are written as dates; None where they are none."""
    sample = pd.Series(known[:200], dtype=object).astype(str)
    if not (sample.str.contains(r"\d", regex=True).all() and (sample.str.len() <= 35).all()):
        return None
    if pd.to_datetime(sample, errors="coerce", format="mixed", utc=True).notna().mean() < FEW_PARSED:
        return None
    first = pd.Series(known, dtype=object).astype(str).str.extract(r"^\s*(\d{1,2})[/.-]\d{1,2}[/.-]\d{2,4}")[0]
    return DateRule(day_first=bool((pd.to_numeric(first) > 12).any()))
