"""Whatever holds X, as one of few containers: a DataFrame, views, a 2-D array of numbers or a CSR matrix."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._checks import as_items, as_pandas, is_missing, name_of
from .._items import plain_column
from .._modalities import MODALITIES
from ._cells import with_texts
from ._chunked import ChunkedData
from ._inputs import MultimodalData

ALONE = "x"  # name of a column that has none


def as_source(X) -> Any:
    """Return X as a DataFrame, a MultimodalData, a 2-D array or a CSR matrix; columns have texts as names.

    A ChunkedData stays one.

    Lists and arrays of numbers are left to scikit-learn's own checks.
    """
    if isinstance(X, ChunkedData):
        return X
    X = _parted(plain_column(as_pandas(X)))
    if isinstance(X, pd.DataFrame):
        names = [name_of(label) for label in X.columns]
        return with_texts(X if names == list(X.columns) else X.set_axis(names, axis=1))
    if sparse.issparse(X):  # first: one kind of sparse matrix is a dict
        return X.tocsr() if X.ndim == 2 else X
    if isinstance(X, Mapping):
        one = len(X) > 0 and all(pd.api.types.is_scalar(value) and not np.ndim(value) for value in X.values())
        return as_source([X]) if one else MultimodalData(X)
    if isinstance(X, (str, bytes, set, frozenset)) or not (hasattr(X, "__len__") or hasattr(X, "__array__")):
        raise ValueError(
            f"X is a {type(X).__name__}, which cannot be read: give a DataFrame, a dict of views, or an array. "
            "Put one item, or what comes one by one, in a list. A file is read by read_table, and a large one, or "
            "DataFrames that come one by one, by ChunkedData."
        )
    return X


def _parted(X):
    """Return what lists rows or items as a table where it is no matrix of numbers."""
    if isinstance(X, pd.Series):
        return X.to_frame(ALONE if X.name is None else X.name)
    if isinstance(X, np.ndarray):
        return _from_array(X)
    return _from_rows(X) if isinstance(X, (list, tuple)) and len(X) else X


def has_names(X) -> bool:
    """Tell whether the columns of X have names, which numbers from 0 on are not: they are places."""
    if isinstance(X, pd.Series):
        return X.name is not None
    if isinstance(X, pd.DataFrame):
        return list(X.columns) != list(range(X.shape[1]))
    if isinstance(X, np.ndarray):
        return X.dtype.names is not None
    if isinstance(X, (list, tuple)):
        return _is_record(_first_known(X))
    return isinstance(X, (Mapping, MultimodalData, ChunkedData))


def _from_array(X):
    if X.dtype.names is not None:
        return pd.DataFrame.from_records(X)
    if X.dtype.kind == "S":
        X = np.char.decode(X, "utf-8")
    if X.ndim > 2:
        return MultimodalData({ALONE: X})
    if X.ndim == 0 or _is_numeric(X):
        return X
    frame = pd.DataFrame(as_items(X) if X.ndim == 1 else X).infer_objects()
    return frame.set_axis([ALONE], axis=1) if frame.shape[1] == 1 else frame


def _is_numeric(array) -> bool:
    if array.dtype != object:
        return array.dtype.kind in "biufc"
    if array.ndim == 1:
        return False
    try:
        array.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _from_rows(X):
    """Return a list of records, of rows or of items."""
    known = _first_known(X)
    if _is_record(known):
        there = [place for place, row in enumerate(X) if not is_missing(row)]
        return pd.DataFrame([X[i] for i in there]).set_axis(there).reindex(range(len(X))).infer_objects()
    if isinstance(known, (bool, int, float, complex, np.number)):
        return X  # scikit-learn says what to do with numbers in one row
    if not _is_row(known):
        return pd.DataFrame({ALONE: as_items(X)})
    lengths = sorted({len(row) for row in X})
    if len(lengths) > 1:
        raise ValueError(f"The rows of X have different lengths ({', '.join(map(str, lengths))}): make them equal.")
    array = np.asarray([list(row) for row in X], dtype=object)
    return X if _is_numeric(array) and not any(isinstance(v, str) for v in array.ravel()) else _from_array(array)


def _first_known(X):
    return next((item for item in X if not is_missing(item)), None)


def _is_record(item) -> bool:
    if isinstance(item, Mapping) and MODALITIES.recognise([item]):  # a picture of a data-set library
        return False
    return isinstance(item, (Mapping, pd.Series)) or is_dataclass(item) or hasattr(item, "_fields")


def _is_row(item) -> bool:
    return isinstance(item, (list, tuple, np.ndarray)) and all(np.ndim(value) == 0 for value in item)
