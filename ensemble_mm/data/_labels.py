"""Columns of Y: whatever it is handed over as, one column per target in the type of its own values.

A cell is a class, a number or missing. Dates and durations are refused here.
"""

import re
from numbers import Number

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import column_or_1d

from .._checks import as_pandas, listed
from ._survival import NESTED, of_records
from ._values import check_values

SEVERAL = (list, tuple, set, frozenset, np.ndarray)  # what may list the tags of a row
PLAIN_NUMBER = re.compile(r"\s*[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*")  # 007 is a code
MOMENTS = {
    **dict.fromkeys(("datetime64", "datetime", "date", "period"), "dates"),
    **dict.fromkeys(("timedelta64", "timedelta"), "durations"),
    "time": "times of day",
}  # by the names of `pandas.api.types.infer_dtype`


def target_columns(Y) -> tuple[dict[str, pd.Series], bool]:
    """Return the columns of Y by name, and whether Y came with names; without, they are y, or y0, y1, and so on."""
    if hasattr(Y, "get_columns"):  # polars, whose integers with holes would become floats
        Y = {column.name: column.to_list() for column in Y.get_columns()}
    Y = _without_records(as_pandas(Y))
    if isinstance(Y, pd.Series):
        return {_name(Y.name): Y.reset_index(drop=True)}, Y.name is not None
    if isinstance(Y, pd.DataFrame):
        return _by_name([(label, Y.iloc[:, i].reset_index(drop=True)) for i, label in enumerate(Y.columns)]), True
    if isinstance(Y, dict):
        return _by_name([(label, _as_series(label, column)) for label, column in Y.items()]), True
    if getattr(getattr(Y, "dtype", None), "names", None):
        return {"y": _as_series("y", Y)}, False
    if isinstance(Y, str):
        raise ValueError(f"Y is the text {Y!r}, but targets are wanted: give the column, as data[{Y!r}].")
    array = _as_array(Y)
    if array.ndim == 1:
        return {"y": pd.Series(array)}, False
    if array.ndim != 2:
        raise ValueError(f"Y must have one or two dimensions, found {array.ndim}: give one column per task.")
    return {f"y{i}": pd.Series(column).infer_objects() for i, column in enumerate(array.T)}, False


def _without_records(Y):
    """Return a list of dicts as a dict of columns."""
    if not (isinstance(Y, (list, tuple)) and len(Y) and all(isinstance(row, dict) for row in Y)):
        return Y
    return {name: [row.get(name) for row in Y] for name in dict.fromkeys(name for row in Y for name in row)}


def _by_name(labelled) -> dict[str, pd.Series]:
    """Return columns by their names, which must differ."""
    columns = {_name(label): column for label, column in labelled}
    if not columns:
        raise ValueError("Y has no columns: give at least one task.")
    if len(columns) < len(labelled):
        names = some(_name(label) for label, _ in labelled)
        raise ValueError(f"Task names must differ, found {names}: rename a column of Y.")
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"The tasks of Y have different lengths: {lengths}. All describe the same samples; "
            "mark a label that is not known with None."
        )
    return columns


def _name(name) -> str:
    return "y" if name is None else str(name)


def _as_series(label, column) -> pd.Series:
    """Return a column of a dict as a Series; records that tell times to an event as one of numbers."""
    is_records = getattr(getattr(column, "dtype", None), "names", None) is not None
    return of_records(column, _name(label)) if is_records else pd.Series(_listed(column))


def _listed(column):
    """Return a column of a dict, in which lists of tags are no rows of a matrix."""
    cells = [cell for cell in column if cell is not None] if isinstance(column, (list, tuple)) else []
    if not cells or not all(isinstance(cell, SEVERAL) for cell in cells) or all(np.size(cell) == 1 for cell in cells):
        return as_column(column)
    return pd.Series([*column, None], dtype=object).iloc[:-1]  # of lists of one length pandas makes columns, too


def as_column(y):
    """Return one column of labels as a Series, an Index or a 1-D array."""
    y = as_pandas(y)
    if isinstance(y, (pd.Series, pd.Index)):
        return y
    array = _as_array(y)
    return column_or_1d(array) if array.ndim == 2 else array


def _as_array(y) -> np.ndarray:
    if sparse.issparse(y):
        raise ValueError("Y is a sparse matrix, in which a label that is not known cannot be marked: use Y.toarray().")
    try:
        array = np.asarray(y)
        if isinstance(y, (list, tuple)) and (array.ndim > 1 or array.dtype.kind in "US"):  # one type of several
            array = np.asarray(y, dtype=object)
        if array.dtype.names is None:
            return array
        raise ValueError(array.dtype)
    except ValueError as error:
        raise ValueError(NESTED) from error


def known_labels(column: pd.Series) -> pd.Series:
    """Return the known labels of a column in the type of their values, which a Categorical or objects may hide."""
    known = column[column.notna()]
    if isinstance(known.dtype, pd.CategoricalDtype):
        known = known.astype(known.cat.categories.dtype)
    return known.infer_objects() if known.dtype == object else known


def check_labels(name: str, column: pd.Series) -> None:
    """Raise a ValueError for what can be neither a class nor a number."""
    remedy = "Give one class or number per row, and None where it is not known."
    check_values(f"Task {name!r}", column, remedy, several=False)
    words = MOMENTS.get(pd.api.types.infer_dtype(known := known_labels(column)))
    if words:
        raise moments_error(name, words, known.iloc[0])


def moments_error(name: str, words: str, label) -> ValueError:
    """Return the error of labels that are dates, durations or times of day."""
    return ValueError(
        f"Task {name!r} holds {words}, such as {str(label)!r}, which are neither classes nor numbers. For a regression "
        "give numbers, such as the days since a date, (y - y.min()) / pd.Timedelta(days=1), or the hours of durations, "
        "y / pd.Timedelta(hours=1); for classes give text, such as y.astype(str)."
    )


def numbers_of(known: np.ndarray) -> pd.Series | None:
    """Return objects, such as Decimal or text, as the integers or floats that they are written as; None where one is
    neither."""
    if all(isinstance(label, str) for label in known):
        if not all(PLAIN_NUMBER.fullmatch(label) for label in known):
            return None
        whole = all(label.strip().lstrip("+-").isdigit() for label in known)
    elif all(isinstance(label, Number) and not isinstance(label, (bool, np.bool_)) for label in known):
        whole = all(str(label).lstrip("+-").isdigit() for label in known)
    else:
        return None
    numbers = pd.Series(np.fromiter(map(float, known), np.float64, len(known)))
    return numbers.astype(np.int64) if whole and numbers.abs().max() < 2**53 else numbers


def plain(label):
    """Return a label as a type of Python, where it is one of numpy."""
    return label.item() if isinstance(label, np.generic) else label


def some(values) -> str:
    """Return the first of some values in words."""
    return listed([repr(plain(value)) for value in values], 5)
