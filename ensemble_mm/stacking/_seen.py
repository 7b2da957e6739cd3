"""Marks of the rows of a fit: a number per row, by which a fitted stack knows rows that it has seen."""

from functools import partial
from itertools import chain

import numpy as np
import pandas as pd

from .._modalities import MODALITIES
from ..data import ColumnsOnDisk, call_each, take_rows, views_of
from ..store import content_key, row_keys, with_contents

MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit is lost
ROWS = 8192  # that are marked at a time: what lies between takes ten times their room


def marks_of(views, columns, each=call_each):
    """Return a number of 64 bits per row, made of all that the views read: shape (n_rows,), uint64.

    Equal rows have equal numbers, in whatever container and precision they come.
    """
    once = {content_key(view.columns): view for view in views}  # of views that read the same columns, one
    each = each if isinstance(columns, ColumnsOnDisk) else call_each
    marks = np.uint64(0)
    for own in each(partial(_marks_of_view, columns), once.values()):
        marks = marks * MIX + own
    return np.asarray(marks)


def _pieces(columns, name):
    """Return an iterator over the items of a view: of data on disk parts of its rows, or its columns, are in memory."""
    if not isinstance(columns, ColumnsOnDisk):
        return iter([columns[name]])
    return columns.pieces(name)


def _marks_of_view(columns, view):
    """Return the marks of tables that stand side by side, or of other items one below the other."""
    pieces, modality = _pieces(columns, view.name), MODALITIES[view.modality]
    first = next(pieces)
    if not isinstance(first, pd.DataFrame):
        return np.concatenate([_marks(part, modality) for items in chain([first], pieces) for part in _cut(items)])
    marks = np.zeros(len(first), dtype=np.uint64)
    for table in chain([first], pieces):
        for place in range(table.shape[1]):
            marks = marks * MIX + np.concatenate([_of_values(part) for part in _cut(table.iloc[:, place])])
    return marks


def _cut(items):
    for start in range(0, max(items.shape[0], 1), ROWS):
        yield take_rows(items, slice(start, start + ROWS))


def _marks(column, modality):
    if modality.like == "words":
        return _of_values(pd.Series(np.asarray(column, dtype=object)))
    if getattr(column, "dtype", None) is not None and column.dtype.kind == "f":
        column = column.astype(np.float32)
    keys = row_keys(with_contents(column, "content") if modality.files else column)
    return np.array([int(key[:16], 16) for key in keys], dtype=np.uint64)


def _of_values(values):
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.astype("int64").where(values.notna()) if values.dt.tz is None else values.map(str)
    if pd.api.types.is_numeric_dtype(values) and not isinstance(values.dtype, pd.CategoricalDtype):
        with np.errstate(over="ignore"):  # what no float32 can hold becomes infinite
            numbers = values.to_numpy(dtype=np.float32, na_value=np.nan) + np.float32(0)  # one zero, without a sign
        return pd.util.hash_array(numbers)
    return pd.util.hash_array(values.astype(object).where(values.notna(), "").map(str).to_numpy(object))


def has_rows_of_fit(model, marks) -> bool:
    """Tell whether rows with some marks are those of the fit, in whatever order."""
    return np.array_equal(np.sort(marks), np.sort(model.row_marks_))


def places_in_fit(model, columns):
    """Return the place of each row in the table of the fit, -1 where no label of it was learned: shape (n_rows,).

    Of rows that repeat it is that of the first. In files of before, marks are sorted, or not there: places are not
    known.
    """
    marks, fitted = marks_of(views_of(model), columns), getattr(model, "row_marks_", np.empty(0, np.uint64))
    learned = np.flatnonzero(np.any([~np.isnan(y) for y in model.targets_.values()], axis=0))
    if len(fitted) != model.table_.n_rows or (fitted[1:] >= fitted[:-1]).all() or not len(learned):
        return np.full(len(marks), -1)
    order = learned[np.argsort(fitted[learned], kind="stable")]
    found = order[np.searchsorted(fitted[order], marks).clip(max=len(order) - 1)]
    return np.where(fitted[found] == marks, found, -1)


def told_of_seen(model, columns):
    """Return in words, as a list, that rows are those of the fit; empty where they are not, or where rows repeat."""
    fitted = getattr(model, "row_marks_", None)
    if fitted is None:
        return []
    _, counts = np.unique(fitted, return_counts=True)
    repeating = counts[counts > 1].sum() / max(1, len(fitted))
    seen = np.isin(marks_of(views_of(model), columns), fitted)
    if not seen.any() or seen.mean() <= 2 * repeating:  # rows of few values are equal by chance
        return []
    return [
        f"{seen.sum()} of these {len(seen)} rows were in the fit, so that scores on them are too good. Score rows that "
        "the fit did not see; model.leaderboard() has honest scores of those that it did."
    ]
