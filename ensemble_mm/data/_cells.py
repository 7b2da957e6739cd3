"""The cells of a table as plain objects: texts, and None where nothing is known."""

import numpy as np
import pandas as pd

from .._checks import as_items
from .._items import text_of


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return text columns as objects with None where a value is missing; categories stay such."""
    frame = frame.copy(deep=False)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            continue
        if pd.api.types.is_string_dtype(frame[name]) or frame[name].dtype == object:
            items = frame[name].to_numpy(object, copy=True)
            items[pd.isna(items)] = None  # a list in a cell is there
            frame[name] = pd.Series(items, index=frame.index, dtype=object)
    return frame


def with_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with texts where bytes hold such, as files of other libraries have them."""
    read = {}
    for place, dtype in enumerate(frame.dtypes):
        values = frame.iloc[:, place].to_numpy() if pd.api.types.is_object_dtype(dtype) else None
        if values is not None and (texts := as_texts(values)) is not values:
            read[place] = pd.Series(texts, frame.index, dtype=object)
    if read:
        frame = frame.copy(deep=False)
        for place, column in read.items():
            frame.isetitem(place, column)
    return frame


def as_texts(items: np.ndarray) -> np.ndarray:
    """Return items with texts where bytes hold such; the same array where none do."""
    return as_items(list(map(text_of, items))) if bytes in set(map(type, items)) else items
