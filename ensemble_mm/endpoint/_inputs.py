"""Records of a request -> rows as the model reads them: names and kinds of cells are checked, files are unpacked."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .._checks import as_items, name_of, nearest, shown
from .._items import DATA_URI, text_of
from .._modalities import cell_kinds_of
from ..data import Names, as_fitted, columns_of, present_rows, views_of
from ._refusal import Refusal

STRANGERS = 50  # names that the model does not know and that are looked at: one may be a slip of the pen

LONGEST_NAME = 1000  # characters: accents of longer ones take long to sort


@dataclass(frozen=True)
class RequestRows:
    """The rows of a request.

    Parameters
    ----------
    columns : dict of str to list
        The cells of all columns that the model reads.
    n_rows : int
    """

    columns: dict[str, list]
    n_rows: int

    def __len__(self) -> int:
        return self.n_rows


@dataclass(frozen=True)
class Findings:
    """What reading some rows tells.

    Parameters
    ----------
    told : list of str
        What is to be known of values that cannot be read.
    missing : dict of str to ndarray of shape (n_rows,)
        Whether a row has no item, per view.
    unseen : dict of str to list of str
        Values that the fit did not have, one per row that has such, per column of categories.
    """

    told: list[str]
    missing: dict[str, np.ndarray]
    unseen: dict[str, list[str]]

    @property
    def new(self) -> list[str]:
        """What is to be known of categories that the fit did not have."""
        return [f"{column}: {shown(values[0])} was not a category in fit."
                for column, values in self.unseen.items() if values]  # fmt: skip

    @property
    def warns(self) -> bool:
        """Whether a sender has to be told of anything but views that are missing."""
        return bool(self.told or self.new)


class Inputs:
    """What a fitted stack reads, by the names of its columns.

    Parameters
    ----------
    model : estimator
        A fitted stack.

    Attributes
    ----------
    columns : dict of str to {"file", "numbers", "value"}
        What the cells of each column are; empty for a model that was fitted on an array of numbers.
    order : tuple of str or None
        Columns that rows without names have, in this order; None where rows have names.
    """

    def __init__(self, model):
        names: Names = model._names
        self._model, self._views = model, views_of(model)
        self.columns = cell_kinds_of(model)
        self._known: set[tuple[str, ...]] = set()  # columns of requests without others, which are as they may be
        self.order = None if names.given else names.columns or tuple(map(str, range(model.n_features_in_)))

    def read(self, records: list) -> RequestRows:
        """Return the rows that the records of a request hold; raise a `Refusal` where they cannot be meant."""
        if self.order is not None:
            records = [self._by_place(row, record) for row, record in enumerate(records)]
        if not self.columns:
            numbers = [_vector(list(record.values()), f"Row {row}") for row, record in enumerate(records)]
            return RequestRows({"": numbers}, len(records))
        records = [_spelt(record) if isinstance(record, dict) else record for record in records]
        there = self._check_names(records)
        rows = RequestRows({name: self._cells(name, records) for name in self.columns}, len(records))
        if len(there) < len(self.columns) and there not in self._known:
            try:
                as_fitted(pd.DataFrame(dict.fromkeys(there, [None]), dtype=object), self._model)
            except ValueError as error:
                raise Refusal(400, self._lacking(there) or str(error)) from None
            self._known.add(there)
        return rows

    def _lacking(self, there) -> str:
        """Return which columns of a table were not sent although others of it were, in words."""
        for view in self._views:
            own = view.columns if isinstance(view.columns, list) else [view.columns]
            absent = [name for name in map(str, own) if name in self.columns and name not in there]
            if absent and len(absent) < len(own):
                listed = ", ".join(map(repr, absent[:20]))
                return (
                    f"The rows lack {listed}. Send each column that the model reads, with null where it is not known."
                )
        return ""

    def join(self, parts: Sequence[RequestRows]):
        """Return the rows of some requests as X."""
        columns = {name: [cell for part in parts for cell in part.columns[name]] for name in parts[0].columns}
        if not self.columns:
            return np.array(columns[""], dtype=np.float64)
        return pd.DataFrame({name: as_items(cells) for name, cells in columns.items()}, dtype=object)

    def look(self, X) -> Findings:
        """Read rows as the model will; raise a `Refusal` where they cannot be read."""
        if not self.columns:
            return Findings([], {}, {})
        told: list[str] = []
        try:
            columns = columns_of(as_fitted(X, self._model), self._views, self._model.schema_, told=told)
        except ValueError as error:
            raise Refusal(400, str(error)) from None
        missing, unseen, counted = {}, {}, set()  # what is counted of categories is told by their values
        for view in self._views:
            values = columns[view.name]
            missing[view.name] = ~present_rows(values)
            for column in self._categories(values, view) if isinstance(values, pd.DataFrame) else ():
                unseen[column.title] = column.reading.unseen(values[column.name])
                counted.add(column.trouble(values[column.name], []))
        return Findings([line for line in told if line not in counted], missing, unseen)

    def _check_names(self, records) -> tuple[str, ...]:
        """Return the columns that some record has."""
        found: dict[str, None] = {}
        for row, record in enumerate(records):
            if not isinstance(record, dict):
                raise Refusal(400, f"Row {row} must be an object of column to value, such as {self._example()}.")
            found.update(dict.fromkeys(record))
        strangers = [name for name in found if name not in self.columns][:STRANGERS]
        for stranger in strangers:
            near = nearest(stranger, list(self.columns))
            meant = [i for i, record in enumerate(records) if stranger in record and near not in record]
            if near is not None and meant:
                words = f"Row {meant[0]} has {stranger[:100]!r}, which the model does not read. Did you mean {near!r}?"
                raise Refusal(400, words)
        there = tuple(name for name in self.columns if name in found)
        if not there:
            listed = ", ".join(map(repr, list(self.columns)[:20]))
            raise Refusal(400, f"The rows have none of the columns that the model reads: {listed}.")
        return there

    def _cells(self, name: str, records) -> list:
        cells: list = [None] * len(records)
        check = _CELLS[self.columns[name]]
        for row, record in enumerate(records):
            value = record.get(name)
            if value is not None and value != "":
                cells[row] = check(value, f"Row {row}, column {name!r}")
        return cells

    def _by_place(self, row: int, record) -> dict:
        """Return a row of a model whose columns have no names as a record."""
        values = list(record.values()) if isinstance(record, dict) else record
        if not isinstance(values, list) or len(values) != len(self.order):
            words = f"Row {row} must be a list of {len(self.order)} values: the model has no names of columns."
            raise Refusal(400, words)
        return dict(zip(self.order, values, strict=True))

    def _categories(self, values, view) -> list:
        return [
            column
            for column in self._model.schema_.columns
            if column.taken_as == "category" and column.name in values and column.within in (None, view.columns)
        ]

    def _example(self) -> str:
        return "{" + ", ".join(f'"{name}": ...' for name in list(self.columns)[:3]) + "}"


def _spelt(record: dict) -> dict:
    """Return a record whose names are spelt as those of columns are: accents can be written in two ways."""
    if all(map(str.isascii, record)):
        return record
    return {name_of(name) if len(name) <= LONGEST_NAME else name: value for name, value in record.items()}


def _value(value, where: str):
    if isinstance(value, int) and value.bit_length() > 1000:
        raise Refusal(400, f"{where} holds a number of {len(str(value))} digits: it is too large to be read.")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refusal(400, f"{where} holds half of a character, which is not valid text.") from None
    if not isinstance(value, (str, int, float)):
        noun = "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "a file"
        raise Refusal(400, f"{where} holds {noun}: give one text, number, true, false or null.")
    return value


def _vector(value, where: str):
    if isinstance(value, str):
        return _value(value, where)
    good = isinstance(value, list) and all(part is None or isinstance(part, (int, float)) for part in value)
    if not good:
        raise Refusal(400, f"{where} must be a list of numbers.")
    return [_value(part, where) for part in value]


def file_of(value, where: str) -> bytes:
    """Return the bytes of a file that is sent. A text is base64 and nothing else, and bytes that hold a text are no
    file: what reads the rows would take both for the name of one, and open it.
    """
    uri = DATA_URI.match(value) if isinstance(value, str) else None
    text = "" if not isinstance(value, str) else value[uri.end() :] if uri else value
    try:
        if not isinstance(value, bytes) and (not text or (uri and not uri[0].lower().endswith(";base64,"))):
            raise ValueError
        content = value if isinstance(value, bytes) else base64.b64decode(re.sub(r"\s", "", text), validate=True)
        if content and text_of(content) is not content:
            raise ValueError
        return content
    except (binascii.Error, ValueError):
        sent = "What was sent is a text" if isinstance(value, bytes) else "Names and addresses of files are not opened"
        raise Refusal(400, f"{where} must be a file: its bytes in base64, or as a part of a form. {sent}.") from None


_CELLS = {"value": _value, "numbers": _vector, "file": file_of}
