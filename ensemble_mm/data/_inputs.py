"""X: views that share their rows.

`as_source` makes one container of whatever the user hands over; `select`, `take_rows` and `present_rows` read one view
of it. Nothing here opens a media file.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._checks import as_items, as_pandas, check_unique, is_missing


@dataclass(frozen=True)
class View:
    """One input of the samples: its name, its modality and the column(s) of X that hold it."""

    name: str
    modality: str
    columns: Any
    extractor: Any = field(default=None, compare=False)


class MultimodalData:
    """Aligned views of the same samples, sliced by row as an array is.

    It has `shape`, `len` and row indexing, so that scikit-learn's `train_test_split`,
    `cross_validate` and `GridSearchCV` take it as it is.

    Parameters
    ----------
    views : dict of str to column
        A column is a 2-D array or sparse matrix (vectors), a DataFrame (a table), or a sequence with one item
        a row (texts, paths, bytes, arrays, PIL images). All have the same number of rows, in the same order.

    Attributes
    ----------
    views : dict of str to column
        The columns, as arrays, CSR matrices or DataFrames.
    shape : tuple (n_samples, n_views)

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
        if isinstance(views, MultimodalData):
            views = views.views
        if not views:
            raise ValueError("X holds no view: give at least one.")
        check_unique("View", [str(name) for name in views])
        self.views = {str(name): _as_column(column) for name, column in views.items()}
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
        return MultimodalData({name: take_rows(column, rows) for name, column in self.views.items()})

    def __repr__(self):
        return f"MultimodalData({len(self)} rows; views: {', '.join(self.views)})"


def as_source(X):
    """Return X as a DataFrame, a MultimodalData, a 2-D array or a CSR matrix."""
    X = as_pandas(X)
    if isinstance(X, (pd.DataFrame, MultimodalData)):
        return X
    if sparse.issparse(X):  # first: one kind of sparse matrix is a dict
        return X.tocsr() if X.ndim == 2 else X
    if isinstance(X, dict):
        return MultimodalData(X)
    if isinstance(X, pd.Series):
        return X.to_frame(X.name if X.name is not None else "x")
    if isinstance(X, (list, tuple)) and len(X) and all(isinstance(item, (str, bytes, type(None))) for item in X):
        return MultimodalData({"x": as_items(X)})
    return X


def select(source, columns):
    """Return the column(s) of one view: a 1-D array of items, a DataFrame, a 2-D array or a CSR matrix."""
    if isinstance(source, MultimodalData):
        if isinstance(columns, list) and len(columns) > 1:
            return pd.DataFrame({c: as_items(source.views[c]) for c in columns})
        name = columns[0] if isinstance(columns, list) else columns
        return source.views[name]
    if isinstance(source, pd.DataFrame):
        if isinstance(columns, (list, np.ndarray, pd.Index, tuple)):
            columns = list(columns)
            if columns and all(isinstance(c, (int, np.integer)) for c in columns) and not set(columns) <= set(source):
                return source.iloc[:, columns]
            return source[columns]
        return as_items(source[columns])
    if columns is None:
        return source
    return source[:, columns]


def check_columns(source, name: str, columns) -> None:
    """Raise a ValueError when view `name` asks for a column that X does not have."""
    wanted = list(columns) if isinstance(columns, (list, tuple, np.ndarray, pd.Index)) else [columns]
    if isinstance(source, (MultimodalData, pd.DataFrame)):
        there = list(source.views) if isinstance(source, MultimodalData) else list(source.columns)
        by_position = isinstance(source, pd.DataFrame) and all(isinstance(c, (int, np.integer)) for c in wanted)
        missing = [c for c in wanted if c not in there and not (by_position and c < len(there))]
    else:
        there = list(range(source.shape[1]))
        if columns is None or isinstance(columns, slice):
            return
        missing = [c for c in wanted if not isinstance(c, (int, np.integer)) or not -len(there) <= c < len(there)]
    if missing:
        shown = ", ".join(map(repr, there[:10])) + (" ..." if len(there) > 10 else "")
        raise ValueError(
            f"View {name!r} reads the column {missing[0]!r}, which X does not have. X has: {shown}. Correct the name."
        )


def take_rows(column, rows):
    """Return the given rows of one view's column."""
    return column.iloc[rows] if hasattr(column, "iloc") else column[rows]


def present_rows(column) -> np.ndarray:
    """Tell for every row whether the view is there: shape (n_samples,), bool."""
    if sparse.issparse(column):
        return np.ones(column.shape[0], dtype=bool)
    if isinstance(column, pd.DataFrame):
        empty = column.isna()
        for label in column.columns:
            if column[label].dtype == object:
                empty[label] |= np.fromiter(map(is_missing, column[label]), bool, len(column))
            elif not pd.api.types.is_numeric_dtype(column[label]):
                empty[label] |= (column[label] == "").fillna(True).to_numpy(bool)
        return ~empty.to_numpy().all(axis=1)
    if column.dtype == object:
        return np.fromiter((not is_missing(item) for item in column), bool, len(column))
    if column.dtype.kind == "f":
        return ~np.isnan(column.reshape(len(column), -1)).all(axis=1)
    return np.ones(len(column), dtype=bool)


def _as_column(column):
    column = as_pandas(column)
    if isinstance(column, pd.DataFrame):
        return column.reset_index(drop=True)
    if sparse.issparse(column):
        return column.tocsr()
    if isinstance(column, pd.Series):
        numeric = pd.api.types.is_numeric_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype)
        if numeric or pd.api.types.is_datetime64_any_dtype(column):
            return column.reset_index(drop=True).to_frame(str(column.name))
        return as_items(column)
    if isinstance(column, np.ndarray):
        if column.ndim == 1 and column.dtype.kind in "biufM":
            return pd.DataFrame({"value": column})
        if column.ndim == 2 and column.dtype == object:  # cells of any kind: a table
            return pd.DataFrame(column, columns=[f"x{i}" for i in range(column.shape[1])]).infer_objects()
        return column if column.ndim > 1 else as_items(column)
    try:
        array = np.asarray(column)
    except ValueError:  # items of different shapes
        return as_items(column)
    if array.ndim == 1 and array.dtype.kind in "biufM":
        return pd.DataFrame({"value": array})
    return array if array.ndim > 1 and array.dtype.kind in "biuf" else as_items(column)
