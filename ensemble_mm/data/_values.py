"""Values that neither a view nor a task can hold, told before anything is read.

numpy, pandas and file formats stumble over these one by one, late and in words of their own, or drop a part of them
without a word.
"""

from functools import partial
from numbers import Number

import numpy as np
import pandas as pd
from scipy import sparse

from .._checks import shown

COLLECTIONS = (tuple, list, set, frozenset, dict)


def check_values(what: str, column, remedy: str, *, several: bool = True) -> None:
    """Raise a ValueError that shows the first value of a column which cannot be read.

    Parameters
    ----------
    what : str
        What the column is called in the message.
    column : array, sparse matrix, Series or DataFrame
    remedy : str
        What to do, as a sentence.
    several : bool, default=True
        Whether a cell may hold several values, as a sound does.
    """
    if isinstance(column, pd.DataFrame):
        for place, (label, dtype) in enumerate(zip(column.columns, column.dtypes, strict=True)):
            if isinstance(dtype, np.dtype) and dtype.kind in "cO":
                check_values(f"{what}, column {label!r},", column.iloc[:, place], remedy, several=several)
        return
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "cO":
        return
    values = column.data if sparse.issparse(column) else np.asarray(column).ravel()
    values = values if column.dtype.kind == "O" else values[:1]  # complex numbers, one and all
    values = [value for value in values if type(value) is not str or not value.isascii()]
    trouble = next(filter(None, map(partial(_trouble_with, several=several), values)), None)
    if trouble:
        raise ValueError(f"{what} holds {trouble}. {remedy}")


def _trouble_with(value, several: bool) -> str | None:
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                return f"a text with half of a character (a lone surrogate), such as {shown(value)}"
    elif isinstance(value, (complex, np.complexfloating)):
        return f"complex numbers, such as {shown(value)}"
    elif isinstance(value, Number):
        try:
            float(value)  # type: ignore[arg-type]
        except OverflowError:
            return "a number too large for any float"
        except (TypeError, ValueError):  # a signalling NaN
            return f"something that is not a number, such as {shown(value)}"
    elif not several and (isinstance(value, COLLECTIONS) or (isinstance(value, np.ndarray) and value.ndim)):
        return f"several values in one place, such as the {type(value).__name__} {shown(value)} ({_remedy(value)})"
    return None


def _remedy(value) -> str:
    """Return how several values become what a table can hold."""
    if isinstance(value, dict):
        return "a column per key, as pd.json_normalize makes them, can be read"
    if all(isinstance(item, str) for item in value):
        return 'texts can be read, as column.map(", ".join) makes them'
    return "a column per place, or a list of numbers of one length in a view of its own, can be read"
