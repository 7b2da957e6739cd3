"""X: views that share their rows.

`select`, `take_rows` and `present_rows` read one view of it. Nothing here opens a media file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._checks import (
    DataWarning,
    as_items,
    as_pandas,
    check_unique,
    did_you_mean,
    first_names,
    is_missing,
    name_of,
    warn,
)
from .._items import plain_column
from ..schema import FewRows
from ._cells import as_texts
from ._chunked import TABLES, ChunkedData


@dataclass(frozen=True)
class View:
    """One input of the samples: its name, its modality and the column(s) of X that hold it."""

    name: str
    modality: str
    columns: Any
    extractor: Any = field(default=None, compare=False)

    @property
    def is_own(self) -> bool:
        """Whether it is of a learner that was fitted before, and read by no other."""
        return getattr(self.extractor, "is_own", False)


class MultimodalData:
    """Aligned views of the same samples, sliced by row as an array is.

    It has `shape`, `len` and row indexing, so that scikit-learn's `train_test_split`,
    `cross_validate` and `GridSearchCV` take it as it is.

    Parameters
    ----------
    views : dict of str to column
        A column is a 2-D array or sparse matrix (vectors), a DataFrame (a table), or a sequence with one item
        per row (texts, paths, bytes, arrays, PIL images). All have the same number of rows, in the same order.

    Attributes
    ----------
    views : dict of str to column
        The columns, as arrays, CSR matrices or DataFrames.
    shape : tuple (n_samples, n_views)
    index : Index or None
        That of the first column which has one.

    Raises
    ------
    ValueError
        If the views differ in length, or there is none.

    Examples
    --------
    >>> from ensemble_mm import MultimodalData
    >>> data = MultimodalData({"review": ["good", "bad", None], "facts": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]})
    >>> data.shape
    (3, 2)
    >>> data[[0, 2]].views["review"].tolist()
    ['good', None]
    """

    def __init__(self, views):
        self.index = None
        if isinstance(views, MultimodalData):
            self.index, views = views.index, views.views
        views = dict(views)
        if not views:
            raise ValueError("X holds no view: give at least one.")
        check_unique("View", [name_of(name) for name in views])
        if self.index is None:
            self.index = _common_index(views)
        self.views = {name_of(label): _as_column(name_of(label), column) for label, column in views.items()}
        first, n_first = None, 0
        for name, column in self.views.items():
            n = column.shape[0]
            if first is None:
                first, n_first = name, n
            elif n != n_first:
                raise ValueError(
                    f"View {name!r} has {n} rows, but {first!r} has {n_first}: all views describe the same "
                    "samples, in the same order. Mark a missing item with None instead of leaving its row out."
                )

    @property
    def shape(self):
        return len(self), len(self.views)

    def __len__(self):
        return next(iter(self.views.values())).shape[0]

    def __getitem__(self, rows):
        if isinstance(rows, tuple):
            rows = rows[0]  # scikit-learn asks for [rows, ...]
        if isinstance(rows, (int, np.integer)):
            rows = [rows]
        rows = np.arange(len(self))[rows]
        taken = MultimodalData({name: take_rows(column, rows) for name, column in self.views.items()})
        taken.index = None if self.index is None else self.index[rows]
        return taken

    def __repr__(self):
        return f"MultimodalData({len(self)} rows; views: {', '.join(self.views)})"


def select(source, columns):
    """Return the column(s) of one view: a 1-D array of items, a DataFrame, a 2-D array or a CSR matrix."""
    if isinstance(source, ChunkedData):
        source = source[columns if isinstance(columns, list) else [columns]]
    if isinstance(source, MultimodalData):
        if isinstance(columns, list) and len(columns) > 1:
            return pd.DataFrame({c: as_items(source.views[c]) for c in columns})
        name = columns[0] if isinstance(columns, list) else columns
        return source.views[name]
    if isinstance(source, pd.DataFrame):
        return take_columns(source, columns) if isinstance(columns, list) else as_items(source[columns])
    if columns is None:
        return source
    return source[:, columns]


def take_columns(frame: pd.DataFrame, labels: list) -> pd.DataFrame:
    """Return some columns of a table, in the order of their labels."""
    places = {label: place for place, label in enumerate(frame.columns)}
    if len(places) < frame.shape[1] or not places.keys() >= set(labels):
        return frame[labels]
    return frame.take([places[label] for label in labels], axis=1)  # three times as fast, of few rows


def find_columns(source, name: str, columns):
    """Return the column(s) that view `name` asks for: by their names, where X has names.

    Raises
    ------
    ValueError
        When X does not have one of them.
    """
    several = isinstance(columns, (list, tuple, np.ndarray, pd.Index))
    if isinstance(source, (MultimodalData, *TABLES)):
        there = list(source.views) if isinstance(source, MultimodalData) else list(source.columns)
        if isinstance(columns, tuple) and name_of(columns) in there:  # the levels of one name
            return name_of(columns)
    elif columns is None or isinstance(columns, slice):
        return columns
    else:
        there = list(range(source.shape[1]))
    wanted = list(columns) if several else [columns]
    if wanted and all(isinstance(c, (bool, np.bool_)) for c in wanted) and len(wanted) == len(there):
        wanted = list(np.flatnonzero(wanted))
    found = [_find_column(c, there) for c in wanted]
    if None in found:
        asked = wanted[found.index(None)]
        raise ValueError(
            f"View {name!r} reads the column {asked!r}, which X does not have. X has: {first_names(there)}. Correct "
            f"the name.{did_you_mean(asked, there)}"
        )
    return found if several else found[0]


def _find_column(column, there: list):
    """Return the name, or the place where there are no names, of a column that is asked for by either."""
    if name_of(column) in there:
        return name_of(column)
    by_place = isinstance(column, (int, np.integer)) and -len(there) <= column < len(there)
    return there[column] if by_place else None


def take_rows(column, rows):
    """Return the given rows of one view's column."""
    return column.iloc[rows] if hasattr(column, "iloc") else column[rows]


def present_rows(column) -> np.ndarray:
    """Tell for every row whether the view is there: shape (n_samples,), bool."""
    if sparse.issparse(column):
        return np.ones(column.shape[0], dtype=bool)
    if isinstance(column, FewRows):
        return column.present()
    if isinstance(column, pd.DataFrame):
        empty = np.ones(len(column), dtype=bool)
        for _, values in column.items():
            if not empty.any():
                break
            here = pd.isna(values.array)
            if values.dtype == object:
                here = here | np.fromiter(map(is_missing, values), bool, len(values))
            elif not pd.api.types.is_numeric_dtype(values):
                here = here | (values == "").fillna(True).to_numpy(bool)
            empty &= here
        return ~empty
    if column.dtype == object:
        return ~np.fromiter(map(is_missing, column), bool, len(column))
    if column.dtype.kind == "f":
        return ~np.isnan(column.reshape(len(column), -1)).all(axis=1)
    return np.ones(len(column), dtype=bool)


def in_another_order(index: pd.Index, other: pd.Index) -> bool:
    """Tell whether two indexes have the same labels, each at another place."""
    return len(other) == len(index) and not other.equals(index) and set(other) == set(index)


def _common_index(views: dict) -> pd.Index | None:
    """Return the index of the first column that has one; warn where others have the same labels in another order."""
    indexes = {name: view.index for name, view in views.items() if isinstance(view, (pd.Series, pd.DataFrame))}
    if not indexes:
        return None
    (first, index), *others = indexes.items()
    for name, other in others:
        if in_another_order(index, other):
            warn(
                f"The rows of {name!r} have the labels of those of {first!r}, in another order. They go by their "
                "places: sort one of them, or put both in one DataFrame, where labels count.",
                DataWarning,
            )
    return index


def _is_typed(column: pd.Series) -> bool:
    """Tell whether a column is a table by itself: of numbers, categories or dates."""
    types = pd.api.types
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    return is_category or types.is_numeric_dtype(column) or types.is_datetime64_any_dtype(column)


def _as_column(name, column):
    if isinstance(column, Mapping) and not sparse.issparse(column):  # as DataFrame.to_dict gives it
        column = pd.Series(column)
    column = plain_column(as_pandas(column))
    if isinstance(column, pd.DataFrame):
        return column.set_axis([name_of(label) for label in column.columns], axis=1).reset_index(drop=True)
    if sparse.issparse(column):
        return column.tocsr()
    if isinstance(column, pd.Series):
        return column.reset_index(drop=True).to_frame(name) if _is_typed(column) else as_texts(as_items(column))
    return _from_sequence(name, column)


def _from_sequence(name, column):
    """Return an array or a list as a column: of numbers a table or a matrix, else items."""
    is_array = isinstance(column, np.ndarray)
    try:
        array = column if is_array else np.asarray(column)
    except ValueError:  # items of different shapes
        return as_texts(as_items(column))
    if array.ndim == 1 and array.dtype.kind in "biufM":
        return pd.DataFrame({name: array})
    if is_array and array.ndim == 2 and array.dtype == object:  # cells of any kind: a table
        return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])]).infer_objects()
    return array if array.ndim > 1 and (is_array or array.dtype.kind in "biuf") else as_texts(as_items(column))
