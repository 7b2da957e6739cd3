"""How the columns of X were called in fit, and how they are found again in new rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._checks import DataWarning, as_items, as_pandas, check_unique, first_names, listed, name_of, nearest, warn
from ._chunked import TABLES
from ._containers import as_source, has_names
from ._inputs import MultimodalData, View, take_columns


@dataclass(frozen=True)
class Names:
    """The container and the columns of X in fit.

    Parameters
    ----------
    container : {"frame", "views", "array"}
    given : bool
        Whether X had names. Columns without names go by their places.
    columns : tuple of str, default=()
        Columns of the frame, or views.
    inner : dict of str to tuple of str, default={}
        Columns of the views that are tables.
    """

    container: str
    given: bool
    columns: tuple[str, ...] = ()
    inner: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, source, given: bool) -> "Names":
        """Return the names of X, which `as_source` gave."""
        if isinstance(source, MultimodalData):
            tables = {name: view for name, view in source.views.items() if isinstance(view, pd.DataFrame)}
            return cls("views", True, tuple(source.views), {name: tuple(view) for name, view in tables.items()})
        if isinstance(source, TABLES):
            check_unique("Column", list(source.columns))
            return cls("frame", given, tuple(source.columns))
        return cls("array", False)

    def find(self, X, views: list[View], caller: str) -> Any:
        """Return new rows in the container of the fit, with the columns that the views read, by name.

        Order and other columns do not matter. Where one side has no names, columns go by their places, with a warning
        in scikit-learn's words. A view that is not there at all counts as missing, with a warning, too.
        """
        X = as_pandas(X)
        if isinstance(X, pd.Series) and self.given and _columns_of(views).keys() <= set(map(name_of, X.index)):
            X = X.to_frame().T.infer_objects()  # one row of a frame
        source = as_source(X)
        if self.container == "array":
            if isinstance(source, MultimodalData):
                source = self._one_table(source)
            elif isinstance(source, pd.DataFrame) and not has_names(X):
                source = source.set_axis(range(source.shape[1]), axis=1)  # of which scikit-learn expects no names
            return source
        named = has_names(X)
        if not named or not (self.given or _columns_of(views).keys() <= _pool(source).keys()):
            source = self._by_place(source, named, caller)
        return self._by_name(source, views)

    def _by_place(self, source, named: bool, caller: str):
        """Return X with the names that its columns had in fit, in the same order."""
        if isinstance(source, MultimodalData) and self.container == "frame":
            source = self._one_table(source)
        if isinstance(source, MultimodalData):
            (source,) = source.views.values()  # one array of more dimensions than a table has
        if sparse.issparse(source):
            source = source.toarray() if self.container == "frame" else source
        elif not isinstance(source, pd.DataFrame):
            source = np.asarray(source)
        if self.container == "frame":
            source = pd.DataFrame(source)
        width = source.shape[1] if self.container == "frame" else 1
        if width != len(self.columns):
            raise ValueError(
                f"X has {width} features, but {caller} is expecting {len(self.columns)} features as input: give "
                f"{'a dict' if self.container == 'views' else 'a DataFrame'} with {first_names(self.columns)}."
            )
        if named != self.given:
            had, has = ("fitted without", "has") if named else ("fitted with", "does not have valid")
            words = f"X {has} feature names, but {caller} was {had} feature names: its columns are read by position."
            warn(words, DataWarning)
        if self.container == "frame":
            return source.set_axis(list(self.columns), axis=1)
        return MultimodalData({self.columns[0]: source})

    def _by_name(self, source, views: list[View]):
        wanted = _columns_of(views)
        if isinstance(source, pd.DataFrame):
            if self.container == "frame" and source.columns.is_unique and wanted.keys() <= set(source.columns):
                return take_columns(source, list(wanted))
            check_unique("Column", [name for name in source.columns if name in wanted])
        pool = _pool(source)
        found = {name: column for name in wanted if (column := self._find(name, pool)) is not None}
        if len(found) < len(wanted):
            self._check_absent(found, pool, views)
        if self.container == "views":
            absent = np.full(source.shape[0], None, dtype=object)
            new = MultimodalData({name: found.get(name, absent) for name in wanted})
            new.index = source.index
            return new
        index = source.index if source.index is not None else pd.RangeIndex(len(source))
        columns = {name: _as_series(name, column).set_axis(index) for name, column in found.items()}
        missing = pd.Series(None, index, dtype=object)
        return pd.DataFrame({name: columns.get(name, missing) for name in wanted}, index)

    def _find(self, name: str, pool: dict[str, Any]):
        """Return a column or a view of X as it was in fit; None where X has it not."""
        inner = self.inner.get(name)
        if inner is None:
            column = pool.get(name)
            if self.container == "views" and isinstance(column, pd.DataFrame) and column.shape[1] == 1:
                return as_items(column)  # a list of nothing but None, where there were texts
            return column
        if name in pool:
            return _as_table(name, pool[name], inner)
        there = {label: _as_series(label, pool[label]) for label in inner if label in pool}
        return _as_table(name, pd.DataFrame(there), inner) if there else None

    def _check_absent(self, found, pool, views: list[View]) -> None:
        """Warn of the views that X lacks; raise a ValueError where something else may have been meant."""
        known = {*self.columns, *(label for inner in self.inner.values() for label in inner)}
        strangers = [name for name in pool if name not in known]
        gone = {}
        for view, absent in _absent_by_view(views, found):
            near = any(nearest(name, strangers) for name in absent)
            if near or len(absent) < len(_columns_of([view])) or not found:
                raise _absent(view.name, absent[0], strangers, pool)
            gone[view.name] = absent
        told = "; ".join(f"view {name!r} ({first_names(columns)})" for name, columns in gone.items())
        warn(
            f"X has none of the columns of these views, which count as missing in every row: {told}. Give the columns, "
            "or columns of None, which say that nothing is known.",
            DataWarning,
        )

    def _one_table(self, source: MultimodalData):
        """Return views of one column each as one table; one array as it is."""
        if len(source.views) == 1:
            return next(iter(source.views.values()))
        return pd.DataFrame({name: _as_series(name, column) for name, column in source.views.items()})


def columns_read(columns) -> list:
    """Return the columns of a view as a list."""
    return list(columns) if isinstance(columns, (list, tuple, np.ndarray, pd.Index)) else [columns]


def column_names(columns, most: int = 12) -> str:
    """Return in words which columns a view reads."""
    if columns is None:
        return "all columns"
    return listed(map(str, columns_read(columns)), most)


def _columns_of(views: Iterable[View]) -> dict[str, None]:
    return dict.fromkeys(name for view in views for name in columns_read(view.columns))


def _absent_by_view(views: list[View], found) -> Iterator[tuple[View, list[str]]]:
    """Yield each view some of whose columns were not found, and these."""
    # Strings that come again are in the table, too: a whole view of theirs is lacking, and no column of the table.
    alone = {name for view in views if len(columns_read(view.columns)) == 1 for name in _columns_of([view])}
    for view in views:
        read = _columns_of([view])
        absent = [name for name in read if name not in found]
        if len(absent) < len(read):
            absent = [name for name in absent if name not in alone]
        if absent:
            yield view, absent


def _pool(source) -> dict[str, Any]:
    """Return what X holds by name: its columns, or its views and the columns of those that are tables."""
    if isinstance(source, pd.DataFrame):
        return {label: source.iloc[:, place] for place, label in enumerate(source.columns)}
    pool = dict(source.views)
    for view in source.views.values():
        for label in view if isinstance(view, pd.DataFrame) else ():
            pool.setdefault(label, view[label])
    return pool


def _as_series(name: str, column) -> pd.Series:
    if isinstance(column, pd.Series):
        return column
    if isinstance(column, pd.DataFrame) and column.shape[1] == 1:
        return column.iloc[:, 0]
    if isinstance(column, pd.DataFrame) or sparse.issparse(column):
        raise ValueError(f"{name!r} is a table in X, in fit it was one column: give one value per row.")
    return pd.Series(as_items(column)).infer_objects()


def _as_table(name: str, table, inner) -> pd.DataFrame:
    """Return a view as the table that it was in fit, with these columns."""
    if isinstance(table, pd.Series) or getattr(table, "ndim", 2) == 1:
        table = pd.DataFrame({inner[0]: _as_series(name, table)})
    if not isinstance(table, pd.DataFrame):
        if table.shape[1] != len(inner):
            raise ValueError(
                f"View {name!r} has {table.shape[1]} columns, in fit it had {first_names(inner)}: give these."
            )
        words = f"View {name!r} is an array, in fit it was a table: its columns are read by position."
        warn(words, DataWarning)
        table = pd.DataFrame(table, columns=list(inner))
    for label in inner:
        if label not in table:
            raise _absent(name, label, [other for other in table if other not in inner], table)
    return table[list(inner)]


def _absent(view: str, name: str, strangers: list[str], there: Iterable[str]) -> ValueError:
    near = nearest(name, strangers)
    if near is not None:
        hint = f"It has {near!r}, which was not there in fit: correct the name."
    else:
        hint = f"X has: {first_names(there)}. Correct the name, or give a column of None where nothing is known."
    return ValueError(f"View {view!r} reads the column {name!r}, which X does not have. {hint}")
