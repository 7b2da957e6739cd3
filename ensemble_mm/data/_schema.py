"""From X to its schema, and from that to views: which columns are read together, and by what."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from .._checks import did_you_mean, first_names, name_of
from .._modalities import TABULAR, TEXT, VECTOR
from .._rows import MANY_ROWS
from ..schema import IN_TABLE, LEFT_OUT, LOOKED_AT, STRINGS, Column, Schema, check_kind, infer_column, infer_sentences
from ._chunked import TABLES, ChunkedData
from ._containers import as_source
from ._inputs import MultimodalData, View
from ._names import columns_read


def infer_schema(X, columns=None) -> Schema:
    """Return what every column of X is taken for, why, and how its values are read.

    Parameters
    ----------
    X : DataFrame, ChunkedData, dict of views, MultimodalData, or array-like of shape (n_samples, n_features)
    columns : dict of column to str, default=None
        What some columns are: "number", "category", "date", "time", "text", "short text", "image", "audio", "video",
        "vector", "identifier"; "drop" leaves a column out.

    Returns
    -------
    Schema
        It prints as a table; `to_frame` gives it as one.

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import infer_schema
    >>> X = pd.DataFrame({"zip": [1067, 10115, 20095], "size": [1.5, 2.5, 3.0]})
    >>> infer_schema(X, columns={"zip": "category"}).to_frame()["taken_as"].tolist()
    ['category', 'number']
    """
    source = as_source(X)
    return schema_of(source, check_said(columns, source))


def call_each(call, items, *shared) -> Iterator:
    """Yield what `call(item, *shared)` returns of each item; a stack on a cluster gives another way to do so."""
    return (call(item, *shared) for item in items)


def schema_of(source, said, each=call_each) -> Schema:
    """Return what every column of X is taken for; `said` is what `check_said` returns."""
    return Schema(tuple(_records(source, said, each=each)))


def infer_views(source, schema: Schema | None = None) -> list[View]:
    """Name the views of X and their modalities, as its schema says."""
    schema = infer_schema(source) if schema is None else schema
    if not isinstance(source, (MultimodalData, *TABLES)):
        return [View(VECTOR, VECTOR, None)]
    kept = [column for column in schema.columns if column.taken_as not in LEFT_OUT] or list(schema.columns)
    if isinstance(source, MultimodalData):
        modalities = {c.name if c.within is None else c.within: modality_of(c) for c in kept}
        return [View(name, modality, name) for name, modality in modalities.items()]
    return _views_of_table(kept)


def _views_of_table(columns) -> list[View]:
    views: list[View] = []
    plain = []
    for column in columns:
        modality = modality_of(column)
        if modality != TABULAR:
            views.append(View(str(column.name), modality, column.name))
        # Codes of digits have an order, and of names that repeat the labels so far tell something: texts show neither.
        if modality == TABULAR or (column.is_string and column.reading is not None):
            plain.append(column.name)
    if plain:
        name = TABULAR
        while name in {view.name for view in views}:
            name += "_"
        views.append(View(name, TABULAR, plain))
    return views


def modality_of(column: Column) -> str:
    """Return the modality of the view that reads a column."""
    if column.taken_as in IN_TABLE or column.taken_as in LEFT_OUT:
        return TABULAR
    return TEXT if column.is_string else column.taken_as


def schema_of_views(views, source, said, tables) -> Schema:
    """Return the schema of the columns that some views read; those that `tables` names read them as a table."""
    found: dict = {}
    for view in views:
        for column in _records(columns_as_source(source, view.columns), said, view.name in tables):
            found.setdefault((column.within, column.name), _read_by(view, column))
    return Schema(tuple(found.values()))


def _read_by(view, column):
    """Return the record of a column that a listed view reads: paths are pictures to it, whatever they look like."""
    if column.taken_as not in (*LEFT_OUT, *STRINGS) or modality_of(column) == view.modality:
        return column
    because = f"view {view.name!r} reads it so"
    return replace(column, taken_as=view.modality, because=because, reading=None, notes=())


def columns_as_source(source, columns):
    """Return the part of X that a view reads, in a container of the same kind; of a ChunkedData as a DataFrame."""
    if not isinstance(source, (MultimodalData, *TABLES)):
        return source
    if isinstance(source, MultimodalData):
        return MultimodalData({name: source.views[name] for name in columns_read(columns)})
    return source[columns_read(columns)]


def check_said(columns, source) -> dict:
    """Return what the user says of single columns; raise a ValueError where it cannot be meant."""
    if columns is None:
        return {}
    if not isinstance(columns, Mapping):
        raise ValueError(f"columns={columns!r} must be a dict of column to what it is, such as {{'zip': 'category'}}.")
    if isinstance(source, MultimodalData):
        tables = [table for table in source.views.values() if isinstance(table, pd.DataFrame)]
        there = [*source.views, *(label for table in tables for label in table.columns)]
    else:
        there = list(source.columns) if isinstance(source, TABLES) else []
    columns = {name_of(label): kind for label, kind in columns.items()}
    for name, kind in columns.items():
        if name not in there:
            found = f"X has: {first_names(there)}." if there else "X has no names: give a DataFrame."
            words = f"columns={{{name!r}: {kind!r}}} names {name!r}, which X does not have."
            raise ValueError(f"{words}{did_you_mean(name, there)} {found}")
        check_kind(name, kind)
    return columns


def _records(source, said, in_table=False, each=call_each) -> Iterator[Column]:
    if isinstance(source, ChunkedData):  # columns that take long come first: the others fill the gaps between jobs
        labels = sorted(source.columns, key=lambda label: not (source.holds_texts(label) or source.holds_lists(label)))
        found = dict(zip(labels, each(partial(_record_of, source, said, in_table, None), labels), strict=True))
        yield from map(found.__getitem__, source.columns)
    elif isinstance(source, pd.DataFrame):
        yield from each(partial(_record_of, source, said, in_table, None), source.columns)
    elif isinstance(source, MultimodalData):
        for name, column in source.views.items():
            if isinstance(column, pd.DataFrame):
                yield from each(partial(_record_of, column, said, True, name), column.columns)
            elif column.ndim > 1 and (not hasattr(column, "dtype") or column.ndim == 2) and column.dtype != object:
                yield _vectors(name, column)
            else:
                items = pd.Series(list(column), dtype=object)
                yield infer_column(items, name, taken_as=said.get(name), in_table=in_table)
    else:
        yield _vectors(VECTOR, source if hasattr(source, "shape") else np.asarray(source))


def _record_of(table, said, in_table, within, label) -> Column:
    column = None
    if not in_table and label not in said and isinstance(table, ChunkedData):
        column = _seen_in_parts(table, label)
    return column or infer_column(table[label], label, within=within, taken_as=said.get(label), in_table=in_table)


def _seen_in_parts(table, label) -> Column | None:
    """Return the record of a column on disk without all of it in memory: of lists, or of very many sentences."""
    if table.holds_lists(label):
        column = infer_column(table.first_of(label, LOOKED_AT), label)
        return column if modality_of(column) != TABULAR else None  # which more of them would not change
    if not table.holds_texts(label) or len(table) < MANY_ROWS:
        return None
    parts = (chunk[label].to_numpy(object) for chunk in table.chunks([label]))
    return infer_sentences(parts, lambda rows: table.take(rows, [label])[label].to_numpy(object), label)


def _vectors(name, matrix):
    shape = " x ".join(map(str, matrix.shape))
    return Column(name=name, taken_as=VECTOR, because=f"it is a matrix of numbers, {shape}")
