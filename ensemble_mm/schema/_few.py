"""Few rows of a table without pandas, whose objects take nearly all of the time that reading such rows takes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from .._checks import is_missing
from ._blanks import is_blank
from ._categories import CategoryRule
from ._column import ALL_UNREADABLE, Column

FEW = ALL_UNREADABLE - 1  # rows, of which nothing is told as a batch
PLAIN = {str, float, int, bool, type(None), type(pd.NA), type(pd.NaT), pd.Timestamp, datetime}


@dataclass(frozen=True)
class FewRows:
    """The columns of a table of few rows, as they are meant: numbers (NaN: missing), else objects (None: missing)."""

    columns: dict[Any, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, rows) -> "FewRows":
        return FewRows({label: values[rows] for label, values in self.columns.items()})

    def items(self):
        return self.columns.items()

    def present(self) -> np.ndarray:
        """Tell for every row whether it has a value: shape (n_rows,), bool."""
        known = [~np.isnan(v) if v.dtype == np.float64 else v != None for v in self.columns.values()]  # noqa: E711
        return np.any(known, axis=0)


def are_plain(values: list) -> bool:
    """Tell whether nothing can be wrong with values but that a column does not hold such."""
    return all(type(value) in PLAIN for value in values) and all(
        value.isascii() or _is_whole(value) for value in values if type(value) is str
    )


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def read_few(columns: dict[Any, list], records: dict[Any, Column]) -> FewRows | None:
    """Return the values of columns as their records mean them; None where something is to be told of one."""
    read = {}
    for label, values in columns.items():
        column = _read(values, records[label].reading) if label in records else None
        if column is None or records[label].taken_as == "drop":
            return None
        read[label] = column
    return FewRows(read)


def _read(values: list, rule) -> np.ndarray | None:
    if rule is None or not are_plain(values):
        return None
    if isinstance(rule, CategoryRule):
        return _words(values, rule)
    found = [None if is_missing(value) else rule.value(value) for value in values]
    if any(is_missing(new) and not is_blank(value) for new, value in zip(found, values, strict=True)):
        return None
    if rule.noun == "dates":
        return _objects(found)
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def _words(values: list, rule: CategoryRule) -> np.ndarray | None:
    words = [None if is_missing(value) else rule.word(value) for value in values]
    known = rule.known if rule.is_closed else None
    return _objects(words) if known is None or {*words} <= {None, *known} else None


def _objects(values: list) -> np.ndarray:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made
