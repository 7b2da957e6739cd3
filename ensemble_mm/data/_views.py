"""From X and the parameter `views` to views, each with its extractor, and to the items that these read."""

from collections import Counter
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from .._checks import as_items, check_choice, check_unique, is_missing, shown
from .._items import numbers_of, plain_items
from .._modalities import MODALITIES
from .._rows import let_go
from ..schema import FEW, are_plain, is_no_text, read_few
from ._chunked import ChunkedData
from ._containers import as_source
from ._inputs import MultimodalData, View, find_columns, present_rows, select
from ._names import Names, columns_read
from ._schema import call_each, check_said, columns_as_source, infer_schema, infer_views, schema_of, schema_of_views
from ._values import check_values

ENCODED_ROWS = 5_000  # pictures that encoders read
ENCODED_BYTES = 1_000_000  # of texts that encoders read, some 15 seconds of one core
ROWS = 8192  # of vectors in cells that are made a matrix at a time: they take several times its room
PARTS = 8  # of the columns of a table on disk, each of which tells at once which rows are there
SENTENCE = 20  # bytes of a short one


def read_views(setting, source, encoded, columns=None, each=call_each):
    """Return the views of the training data and the schema that they are read by; every mistake is found at once.

    `setting` is the parameter `views`; `encoded` allows second views by pretrained encoders where it is "auto";
    `columns` says what single columns are.
    """
    said = check_said(columns, source)
    if isinstance(setting, str):
        check_choice("views", setting, ("auto",))
        schema = schema_of(source, said, each)
        views = _inferred(source, schema, encoded)
    else:
        if not isinstance(setting, (list, tuple)):
            raise ValueError(f'views={setting!r} must be "auto" or a list of (name, extractor, column(s)).')
        views = [view for entry in setting if (view := _check_view(entry, source, said)) is not None]
        if not views:
            raise ValueError("Every view is dropped: leave at least one.")
        tables = [view.name for view in views if MODALITIES[view.modality].takes == "table"]
        schema = schema_of_views(views, source, said, tables)
        schema = replace(schema, raw=tuple(view.name for view in views if MODALITIES.of(view.extractor) is None))
    check_unique("View", [view.name for view in views])
    return views, schema


def _inferred(source, schema, encoded):
    """Return the views that a schema says, what else their items hold, and second views by encoders."""
    views = infer_views(source, schema)
    views += [view for v in views for view in _views_inside(v, source)]
    short = [column.name for column in schema.columns if column.taken_as == "short text"]
    views = [replace(view, extractor=_extractor_of(view, schema, short)) for view in views]
    coded = [column.name for column in schema.columns if column.name in short or _repeats(column)]
    return views + (_encoded_views(views, source, coded) if encoded else [])


def _repeats(column) -> bool:
    """Tell whether a column of strings is a category, too, so that what labels its values have had is known."""
    return column.is_string and column.reading is not None


def _extractor_of(view, schema, short):
    """Return the extractor of a view that was inferred; categories of many values are encoded by their labels."""
    record = MODALITIES[view.modality]
    extractor = ((record.short if view.columns in short else None) or record.extractor)()
    if record.takes == "table":
        read = columns_read(view.columns)
        words = [c for c in schema.columns if c.taken_as == "category" or c.is_string]
        many = any((c.distinct or 0) > extractor.max_categories for c in words if {c.name, c.within} & {*read})
        extractor.set_params(target_encoding=many)
    return extractor


def views_of(model):
    """Return the views of a fitted stack, without extractors."""
    return [View(name, modality, model.view_columns_[name]) for name, modality in model.views_.items()]


def as_fitted(X, model):
    """Return X in the container that X had in the fit of a stack, with the columns that the stack reads."""
    names: Names | None = getattr(model, "_names", None)
    return as_source(X) if names is None else names.find(X, views_of(model), type(model).__name__)


class ColumnsOnDisk(Mapping):
    """What `columns_of` returns of data on disk: the items of a view are read whenever they are asked for."""

    def __init__(self, source, views, schema):
        self.source, self.views, self.schema = source, {view.name: view for view in views}, schema

    def __getitem__(self, name):
        view = self.views[name]
        matrix = self._matrix(view, _holes) if self.are_vectors(name) else None
        if matrix is not None:
            return matrix
        return columns_of(columns_as_source(self.source, view.columns), [view], self.schema)[name]

    def there(self, each=call_each) -> dict[str, np.ndarray]:
        """Return which rows have each view; raise a ValueError where items of one cannot be read."""
        parts: list = []
        found: dict[str, np.ndarray] = {}
        for name in self:
            columns = self._side_by_side(name)
            parts += [(name, columns[i::PARTS]) for i in range(min(PARTS, len(columns)))]
        for (name, _), here in zip(parts, each(self._there, parts), strict=True):
            found[name] = found[name] | here if name in found else here
        return found

    def _there(self, part):
        name, columns = part
        seen = self._matrix(self.views[name], _Seen) if self.are_vectors(name) else None
        if seen is not None:
            return seen.there
        if self.in_rows(name) and not self.are_vectors(name):
            return np.concatenate([present_rows(items) for items in self.pieces(name)])
        return reduce(np.logical_or, (present_rows(self._items(name, some)) for some in columns))

    def by_column(self, name):
        """Yield the columns of a view that is a table one after the other, as tables; of another view all items."""
        for some in self._side_by_side(name):
            yield self._items(name, some)

    def _side_by_side(self, name):
        """Return what `by_column` reads at a time."""
        view = self.views[name]
        is_table = MODALITIES[view.modality].takes == "table" and isinstance(view.columns, list)
        return [[label] for label in view.columns] if is_table else [view.columns]

    def _items(self, name, some):
        view = replace(self.views[name], columns=some)
        return columns_of(columns_as_source(self.source, some), [view], self.schema)[name]

    def pieces(self, name):
        """Yield the items of a view: some rows after the others, or the columns of a table, as `in_rows` tells."""
        yield from (items for _, items in self.parts(name, ROWS)) if self.in_rows(name) else self.by_column(name)

    def in_rows(self, name) -> bool:
        """Tell whether `pieces` are some rows after the others: of vectors and of texts, one per cell."""
        view = self.views[name]
        are_texts = MODALITIES[view.modality].holds_texts and isinstance(view.columns, str)
        return self.are_vectors(name) or (are_texts and self.source.holds_texts(view.columns))

    def are_vectors(self, name) -> bool:
        """Tell whether a view holds vectors, one per cell, where they take several times their room."""
        view = self.views[name]
        return MODALITIES[view.modality].takes == "matrix" and isinstance(view.columns, str)

    def mapped(self, name, folder):
        """Return the items of a view; vectors as a memory map in a folder for blocks, without all of them in memory."""
        matrix = self._matrix(self.views[name], folder.room) if folder is not None and self.are_vectors(name) else None
        return self[name] if matrix is None else folder.sealed(matrix)

    def _matrix(self, view, room):
        """Return vectors as an array that `room` gives, read part by part.

        None where the chunks differ, or cannot be read: all rows together tell what is wrong.
        """
        matrix = None
        try:
            for rows, part in self.parts(view.name, ROWS):
                if np.isnan(part).all():
                    continue
                if matrix is None:
                    matrix = room((len(self.source), part.shape[1]), part.dtype)
                if (part.shape[1], part.dtype) != (matrix.shape[1], matrix.dtype):
                    return None
                matrix[rows] = part
                let_go((matrix,))  # what is written need not stay in memory
        except ValueError:
            return None
        return matrix

    def parts(self, name, n_rows):
        """Yield slices of rows, `n_rows` each, and the items of a view in them."""
        source, view = copy(self.source), self.views[name]
        source.chunk_rows, start = n_rows, 0
        are_lists = self.are_vectors(name) and source.holds_lists(view.columns) and name not in self.schema.raw
        for chunk in source.vectors(view.columns) if are_lists else source.chunks(columns_read(view.columns)):
            is_read = isinstance(chunk, np.ndarray)
            yield slice(start, start + len(chunk)), chunk if is_read else columns_of(chunk, [view], self.schema)[name]
            start += len(chunk)

    def take(self, name, rows):
        """Return the items of a view in some rows."""
        view = self.views[name]
        return columns_of(self.source.take(rows, columns_read(view.columns)), [view], self.schema)[name]

    def __iter__(self):
        return iter(self.views)

    def __len__(self):
        return len(self.views)


def _holes(shape, dtype):
    return np.full(shape, np.nan, dtype)


class _Seen:
    """A matrix of whose rows is only known which are there."""

    def __init__(self, shape, dtype):
        self.shape, self.dtype, self.there = shape, dtype, np.zeros(shape[0], dtype=bool)

    def __setitem__(self, rows, values):
        self.there[rows] = present_rows(values)


@dataclass(frozen=True)
class ColumnOnDisk:
    """The items of one view of data on disk, for a job that reads them where it runs."""

    columns: ColumnsOnDisk
    name: str

    @property
    def shape(self) -> tuple[int]:
        return (len(self.columns.source),)

    @property
    def are_vectors(self) -> bool:
        return self.columns.are_vectors(self.name)

    def read(self, folder=None) -> Any:
        """Return the items; vectors as a memory map in a folder for blocks, if there is one."""
        return self.columns.mapped(self.name, folder)

    def parts(self, n_rows):
        """Yield slices of rows, `n_rows` each, and their items."""
        return self.columns.parts(self.name, n_rows)

    def take(self, rows) -> Any:
        """Return the items of some rows."""
        return self.columns.take(self.name, rows)

    def by_column(self):
        """Yield the columns of a table one after the other, as tables."""
        return self.columns.by_column(self.name)

    @property
    def is_table(self) -> bool:
        return MODALITIES[self.columns.views[self.name].modality].takes == "table"


def columns_of(source, views, schema, *, told=None):
    """Return the items of each view, once it is known that they can be read.

    `told` is a list that is given what to tell of values that the schema cannot read.
    """
    columns, told = {}, [] if told is None else told
    for view in views:
        column = _select(source, view)
        remedy = "Correct it, mark it as missing with None, or leave the view out."
        several = MODALITIES[view.modality].takes != "table"
        check_values(f"View {view.name!r}", column, remedy, several=several)
        columns[view.name], lines = _read(column, source, view, schema)
        told += lines
    return columns


def columns_of_few(X, model):
    """Return what `columns_of` does of few rows, as a stack wants them; None where a table is not plain or not small.

    Nothing is to be told of such rows, and each table is read by extractors that take `FewRows`.
    """
    names: Names | None = getattr(model, "_names", None)
    if type(X) is not pd.DataFrame or not 0 < len(X) <= FEW or names is None:
        return None
    there, columns = dict(X.items()), {}
    if not (names.container == "frame" and names.given) or len(there) < X.shape[1]:
        return None
    for view in views_of(model):
        labels = columns_read(view.columns)
        cells = {label: there[label].tolist() for label in labels if label in there}
        if len(cells) < len(labels) or any(bytes in map(type, values) for values in cells.values()):
            return None
        columns[view.name] = _read_few(X, view, cells, model)
    return None if any(column is None for column in columns.values()) else columns


def _read_few(X, view, cells, model):
    own = view.name not in model.schema_.raw
    if own and MODALITIES[view.modality].takes == "table":
        known = {column.name: column for column in model.schema_.columns if column.within is None}
        return read_few(cells, known) if model.readers_[view.name].takes_few else None
    if own and MODALITIES[view.modality].holds_texts and len(cells) == 1:
        (values,) = cells.values()
        if not are_plain(values) or not all(type(v) is str or is_missing(v) for v in values):
            return None
        return as_items([None if is_no_text(value) else value for value in values])
    return columns_of(X, [view], model.schema_)[view.name]


def column_of(source, view, schema):
    """Return the items of a view: what its extractor reads."""
    return _read(_select(source, view), source, view, schema)[0]


def _read(column, source, view, schema):
    """Return the values of a view as its schema means them, and what to tell of those that it cannot read."""
    record, raw = MODALITIES[view.modality], view.name in schema.raw
    if record.holds_texts and not raw and not isinstance(column, pd.DataFrame):
        blank = np.fromiter(map(is_no_text, column), bool, len(column))
        return (np.where(blank, None, column) if blank.any() else column), []
    if record.takes != "table" or raw:
        return column, []
    if isinstance(column, pd.DataFrame):
        one = isinstance(source, MultimodalData) and not isinstance(view.columns, list)
        return schema.read(column, view.columns if one else None)
    if column.ndim == 1 and column.dtype == object:  # one column of a dict, which has no name of its own
        within = None if view.columns in schema else view.columns
        name = "value" if within else view.columns
        table, told = schema.read(pd.DataFrame({name: column}, dtype=object), within)
        return table.set_axis(["value"], axis=1), told
    return column, []


def _select(source, view):
    columns = view.columns
    takes = MODALITIES[view.modality].takes
    if takes == "table" and isinstance(source, pd.DataFrame) and not isinstance(columns, list):
        columns = [columns]
    column = select(source, columns)
    if takes == "matrix" and isinstance(column, np.ndarray) and column.ndim == 1:
        return _as_matrix(column, view.name)
    if MODALITIES[view.modality].files is not None and isinstance(column, np.ndarray) and column.dtype == object:
        return plain_items(column)  # of file objects, memory and tensors, those that can be sent to other processes
    return column


def _check_view(entry, source, said):
    if not isinstance(entry, (list, tuple)) or len(entry) not in (2, 3) or not isinstance(entry[0], str):
        raise ValueError(f"Each view is (name, extractor, column(s)), found {entry!r}.")
    name, extractor = entry[:2]
    columns = entry[2] if len(entry) == 3 else name
    how = extractor if isinstance(extractor, str) else ""
    if how == "drop":
        return None
    if "__" in name:
        raise ValueError(f"View names must not contain '__', found {name!r}: it separates parameters.")
    if callable(columns):
        columns = columns(next(source.chunks()) if isinstance(source, ChunkedData) else source)
    columns = find_columns(source, name, columns)
    modality = MODALITIES.of(extractor) or _modality_of(source, name, columns, said)
    if how == "auto":
        extractor = MODALITIES[modality].extractor()
    if not (hasattr(extractor, "fit") and hasattr(extractor, "transform")):
        raise TypeError(
            f"The extractor of view {name!r} is {extractor!r}, which has no fit and transform: "
            'give a transformer, "auto", or "drop".'
        )
    return View(name, modality, columns, extractor)


def _modality_of(source, name, columns, said) -> str:
    """Return the modality of a view as it is inferred, from what is said of its column where there is one."""
    part = MultimodalData({name: select(source, columns)})
    own = {name: said[columns]} if isinstance(columns, str) and columns in said else {}
    return infer_views(part, infer_schema(part, own))[0].modality


def _encoded_views(views, source, coded):
    """Return second views of the sentences and pictures, by pretrained encoders, where those are installed.

    What they know makes up for few rows, and for few words: many or long texts tell it themselves, at a tenth of the
    cost. Of codes encoders know nothing, and of names that come again the labels say more.
    """
    found = []
    for view in views:
        make = None if view.columns in coded else MODALITIES[view.modality].pretrained
        extractor = None if make is None else make()
        if extractor is not None and _is_cheap(view, source):
            found.append(replace(view, name=f"{view.name} (encoded)", extractor=extractor))
    return found


def _is_cheap(view, source):
    """Tell whether an encoder may read all items of a view: some thousands of pictures, or a number of bytes."""
    if not MODALITIES[view.modality].holds_texts:
        return source.shape[0] <= ENCODED_ROWS
    if source.shape[0] > ENCODED_BYTES / SENTENCE:
        return False
    texts = (text for text in as_items(_select(source, view)) if isinstance(text, str))
    return sum(len(text.encode(errors="replace")) for text in texts) <= ENCODED_BYTES


def _views_inside(view, source):
    """Return the views of what else the items of a view hold, such as the sound of clips."""
    inside = MODALITIES[view.modality].inside
    if inside is None:
        return []
    suffix, modality, holds = inside
    return [View(view.name + suffix, modality, view.columns)] if holds(select(source, view.columns)) else []


def _as_matrix(items, name):
    """Return vectors, one per cell as rows of a matrix; a missing one is a row of NaN.

    It is of single precision where all of them are.
    """
    vectors: dict[int, np.ndarray] = {}
    for row, item in enumerate(plain_items(items)):
        if is_missing(item):
            continue
        numbers = numbers_of(np.ravel(item) if isinstance(item, np.ndarray) else item)
        if numbers is None:
            raise ValueError(
                f"View {name!r} holds vectors, but row {row} holds {shown(item)}: give a list or an array of numbers, "
                "or None for a missing one."
            )
        if len(numbers):
            vectors[row] = numbers
    widths = Counter(map(len, vectors.values()))
    if len(widths) > 1:
        (width, n), *_ = widths.most_common(1)
        raise ValueError(
            f"View {name!r} holds vectors of different lengths, from {min(widths)} to {max(widths)} numbers "
            f"({n} of {len(vectors)} have {width}): a vector has as many in every row. Make them equal; give what you "
            f"count of them as columns of their own; or, if they are sounds, write columns={{{name!r}: 'audio'}}."
        )
    single = bool(vectors) and all(numbers.dtype in (np.float32, np.float16) for numbers in vectors.values())
    out = np.full((len(items), max(widths, default=1)), np.nan, np.float32 if single else np.float64)
    for row, numbers in vectors.items():
        out[row] = numbers
    return out
