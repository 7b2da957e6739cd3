"""The record of one column: what it is taken for, why, and how its values are read."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._checks import shown
from .._modalities import TEXT
from ._blanks import is_blank
from ._categories import CategoryRule

IN_TABLE = ("number", "category", "date", "time", "constant", "identifier")  # read as part of a table
LEFT_OUT = ("identifier", "drop")  # read by no view that is inferred
STRINGS = SENTENCES, SHORT = TEXT, "short text"
MANY_NEW = 0.2  # share of new rows whose category was not there in fit, beyond what is to be expected
ALL_UNREADABLE = 5  # values of a batch, none of which can be read: then the column is another one


@dataclass(frozen=True, kw_only=True)
class Column:
    """What one column of X is taken for.

    Parameters
    ----------
    name : hashable
        Its label.
    taken_as : str
        "number", "category", "date", "time", "constant", "identifier", "text", "short text", "drop", or the name of a
        modality such as "image".
    because : str
        Why, in words.
    reading : object, default=None
        The rule that its values are read by, of `_numbers`, `_dates` or `_categories`; None where they are handed over
        as they are.
    missing : float, default=0.0
        Share of the rows that have no value.
    distinct : int or None, default=None
        How many different values there are; None where they are not compared, as of pictures.
    example : str, default=""
        One or two values, as they are written.
    notes : tuple of str, default=()
        What a person should know, each with what to write to change it.
    within : str or None, default=None
        The view of a dict whose table holds the column.
    """

    name: Any
    taken_as: str
    because: str
    reading: Any = None
    missing: float = 0.0
    distinct: int | None = None
    example: str = ""
    notes: tuple[str, ...] = ()
    within: str | None = None

    @property
    def title(self) -> str:
        """The name, with the view that it stands in."""
        return str(self.name) if self.within in (None, self.name) else f"{self.within}: {self.name}"

    @property
    def is_string(self) -> bool:
        """Whether its values are texts, or short or coded strings."""
        return self.taken_as in STRINGS

    @property
    def is_sentences(self) -> bool:
        """Whether its values are texts of several words."""
        return self.taken_as == SENTENCES

    def read(self, values: pd.Series) -> tuple[pd.Series, list]:
        """Return the values as they are meant, and those that cannot be read; these count as missing."""
        if self.reading is None:
            return values, []
        read = self.reading.read(values)
        if read is values or isinstance(read.dtype, pd.CategoricalDtype):
            return read, []
        rows = np.flatnonzero(read.isna().to_numpy(bool) & values.notna().to_numpy(bool))
        return read, [value for value in values.iloc[rows] if not is_blank(value)]

    def trouble(self, read: pd.Series, lost: list) -> str | None:
        """Return what to tell of new values that cannot be read, or of categories that the fit did not have.

        Raises
        ------
        ValueError
            Where several are there and none can be read as a number.
        """
        if lost:
            n = int(read.notna().sum()) + len(lost)
            words = f"{self.title}: {len(lost)} of {n} values are not {self.reading.noun}, such as {shown(lost[0])}"
            if len(lost) == n >= ALL_UNREADABLE and self.reading.strict:
                raise ValueError(f"{words} (in fit: {self.example}). Give the column as it was in fit.")
            return f"{words} (in fit: {self.example}; {self.reading}). They count as missing."
        if self.taken_as == "category" and isinstance(self.reading, CategoryRule):
            new, n = self.reading.unseen(read), read.count()
            many = len(new) >= ALL_UNREADABLE and len(new) > n * (MANY_NEW + 2 * self.reading.rare)
            if many or (new and n < ALL_UNREADABLE and self.reading.is_closed):
                words = f"{self.title}: {len(new)} of {n} values are categories that fit did not have, such as"
                return f"{words} {shown(new[0])} (in fit: {self.example})."
        return None
