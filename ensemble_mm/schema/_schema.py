"""The schema of X: one record per column, shown, saved with the model, and what new data are read by."""

from dataclasses import dataclass

import pandas as pd

from .._plain_words import NBSP, percent
from ._column import Column


@dataclass(frozen=True)
class Schema:
    """What every column of X is taken for, why, and how its values are read.

    Parameters
    ----------
    columns : tuple of Column
    raw : tuple of str, default=()
        Views whose values are handed over as they are, to a transformer of the user's own.
    """

    columns: tuple[Column, ...] = ()
    raw: tuple[str, ...] = ()

    def _find(self, name) -> Column | None:
        return next((c for c in self.columns if name == (c.name if c.within is None else (c.within, c.name))), None)

    def __getitem__(self, name) -> Column:
        """Return the record of a column by its label, or by (view, label) in a table of a dict of views."""
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name) -> bool:
        return self._find(name) is not None

    @property
    def notes(self) -> list[str]:
        """What a person should know of the data, one line per note."""
        return [f"{column.title}: {note}" for column in self.columns for note in column.notes]

    def read(self, frame: pd.DataFrame, within: str | None = None, *, again=False) -> tuple[pd.DataFrame, list[str]]:
        """Return a table with its values as they are meant, and what to tell of those that cannot be read.

        A column that is to be dropped is not there any more. Where a table is read `again`, nothing is told of columns
        that stay as they are.
        """
        own = {column.name: column for column in self.columns if column.within == within}
        read: dict[int, pd.Series] = {}
        told: list[str] = []
        kept = [not (label in own and own[label].taken_as == "drop") for label in frame.columns]
        frame = frame if all(kept) else frame.loc[:, kept]
        for place, (label, values) in enumerate(frame.items()):
            if label in own:
                new, lost = own[label].read(values)
                if new is not values:
                    read[place] = new
                told += filter(None, [None if again and new is values else own[label].trouble(new, lost)])
        if read:
            frame = frame.copy(deep=False)
            for place, new in read.items():
                frame.isetitem(place, new)
        return frame, told

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per column of X."""
        rows = [
            (
                c.title,
                c.taken_as,
                c.because,
                "" if c.reading is None else str(c.reading),
                c.missing,
                c.distinct,
                c.example,
            )
            for c in self.columns
        ]
        names = ["column", "taken_as", "because", "read_as", "missing", "distinct", "example"]
        return pd.DataFrame(rows, columns=names).astype({"distinct": "Int64"})

    def __repr__(self) -> str:
        table = self.to_frame()
        table["missing"] = table["missing"].map(lambda share: percent(share, 0).replace(NBSP, " "))
        table["distinct"] = table["distinct"].astype(object).where(table["distinct"].notna(), "")
        return "\n".join([table.to_string(index=False, max_colwidth=44), *self.notes])

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(index=False)
