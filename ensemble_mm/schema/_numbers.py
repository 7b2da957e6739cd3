"""Numbers: how those of one column are written, learnt once and held to."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .._checks import is_missing

FEW_PARSED = 0.9  # share of a column that must read as numbers to be one


@dataclass(frozen=True)
class NumberRule:
    """How the numbers of a column are written."""

    noun: ClassVar[str] = "numbers"
    strict: ClassVar[bool] = True

    def read(self, values: pd.Series) -> pd.Series:
        """Return the numbers; those of a plain dtype as they are."""
        if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biuf":
            return values
        numbers: Any = pd.to_numeric(values, errors="coerce")
        read = pd.Series(numbers.to_numpy(dtype=np.float64, na_value=np.nan), index=values.index, name=values.name)
        return read

    def is_blank(self, value) -> bool:
        """Tell whether a value stands for none."""
        return is_missing(value)

    def __str__(self) -> str:
        return "decimal point"


def learn_numbers(known: list) -> NumberRule | None:
    """Return how some known values are written as numbers; None where they are none."""
    if all(isinstance(item, bool | np.bool_ | int | float | np.number) for item in known):
        return NumberRule()
    parsed = pd.to_numeric(pd.Series(known, dtype=object), errors="coerce")
    return NumberRule() if parsed.notna().mean() >= FEW_PARSED else None
