"""The jobs that extract the features of a view: rows by an extractor that needs no fit, or a fit on training rows.

A block of features has one row per sample: dense float32 with NaN where the view is missing, or CSR.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._checks import BadItemsError, BadItemsWarning
from .._estimators import learns_from_labels
from .._modalities import MODALITIES
from .._routing import row_params, whole_groups
from .._rows import MANY_ROWS, LazyRows, give_back, let_go
from ..data import ColumnOnDisk, take_rows
from ..store import BlockFolder, Cache, content_key, row_keys, versions, with_contents
from ._execute import Job
from ._joined import ROWS, as_block, joined_parts, spread_rows, stacked
from ._plan import Extraction


def merges(extractor) -> bool:
    """Tell whether an extractor is fitted part by part; one that only inherits this or wants labels does more."""
    own = all(name in vars(type(extractor)) for name in ("summarize", "merge", "finish"))
    return own and not learns_from_labels(extractor)


def _learns_by(how, extractor, column) -> bool:
    """Tell whether an extractor of ours may learn of many rows by `fit_parts`, or of a table by `fit_columns`."""
    if how == "fit_columns":
        is_right = column.is_table if isinstance(column, ColumnOnDisk) else isinstance(column, pd.DataFrame)
    else:
        is_right = not sparse.issparse(column)
    return is_right and column.shape[0] >= MANY_ROWS and how in vars(type(extractor))


def at_hand(column, extractor, folder):
    """Return the items of a view on disk as they are best read: from there where the extractor learns from parts.

    Vectors are then made a memory map once, which takes most of the time.
    """
    if not isinstance(column, ColumnOnDisk):
        return column
    by_parts = merges(extractor) or any(_learns_by(how, extractor, column) for how in ("fit_parts", "fit_columns"))
    return column if by_parts and not column.are_vectors else column.read(folder if by_parts else None)


class _Learned:
    """The items that an extractor learns from, some rows after the other."""

    def __init__(self, job, learns):
        self._job, self._learns = job, learns

    def __len__(self):
        return len(self._job.train)

    def __iter__(self):
        for rows, items in self._job._parts():
            some = self._learns[rows]
            if some.any():
                yield take_rows(items, some)

    def take(self, places):
        column, rows = self._job.column, self._job.train[places]
        return column.take(rows) if isinstance(column, ColumnOnDisk) else take_rows(column, rows)


def _picked(extractor, items, some):
    return lent(extractor, items) if some.all() else take_rows(items, some)


def _in_memory(column):
    return column.read() if isinstance(column, ColumnOnDisk) else column


def _check_rows(block, n_rows):
    if block.shape[0] != n_rows:
        raise ValueError(
            f"it gave {block.shape[0]} rows of features for {n_rows} samples: an extractor keeps the rows. It is given "
            "an array of texts or files, or a DataFrame of numbers and categories."
        )


def lent(extractor, items):
    """Return items for an extractor to read: one of another package may write into them, so it gets a copy."""
    is_ours = type(extractor).__module__.partition(".")[0] == __name__.partition(".")[0]
    return items if is_ours else items.copy()


def transform_chunk(extractor, chunk):
    """Extract the features of some rows with an extractor that needs no fit.

    Returns `(block, bad)`. `bad` lists the items that cannot be read (None: all can), by their places in the chunk:
    who called knows those in the whole column. Without a block they are an error; else they are taken as missing.
    """
    bad = None
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            block = as_block(extractor.transform(lent(extractor, chunk)))
        _check_rows(block, chunk.shape[0])
    except BadItemsError as error:
        return None, error
    for told in caught:
        if isinstance(told.message, BadItemsWarning):
            bad = told.message.error
        else:
            warnings.warn_explicit(told.message, told.category, told.filename, told.lineno)
    return block, bad


@dataclass(frozen=True)
class Chunk(Job):
    """Some rows of a view, for an extractor that needs no fit; gives what `transform_chunk` does."""

    view: str
    extractor: Any
    column: Any
    rows: np.ndarray  # their places in the view
    cache: Cache | None = None

    @property
    def name(self):
        return f"View {self.view!r}: extract rows {self.rows[0]} to {self.rows[-1]}"

    @property
    def group(self):
        return f"view {self.view!r}"

    @property
    def cost(self):
        return len(self.rows)

    def run(self):
        return cached_chunk(self.extractor, self.cache, self.column)


def by_content(extractor, column, cache=None):
    """Return the items of a column as keys are made of them: files by content, where the extractor may open them."""
    named = MODALITIES.files(extractor)
    return column if named is None else with_contents(column, named, cache)


def cached_chunk(extractor, cache, chunk):
    """Extract some rows as `transform_chunk` does; rows that the cache knows are not looked at."""
    if cache is None:
        return transform_chunk(extractor, chunk)
    config, keys = content_key("rows", extractor, versions()), row_keys(by_content(extractor, chunk, cache))
    known, found = cache.get_rows(config, keys)
    if found.all():
        return known, None
    whole = content_key(config, keys)  # for what is kept as a whole: sparse features, and those of other precision
    block = None if found.any() else cache.get(whole)
    if block is not None and block.ndim == 2 and block.shape[0] == len(keys):  # else not written by us
        return block, None
    new = np.flatnonzero(~found)
    fresh, bad, readable = _fresh(extractor, chunk, new, keys)
    if fresh is None:
        return None, bad
    if sparse.issparse(fresh) or fresh.dtype != np.float32:
        if readable.all():
            cache.put(whole, fresh)
        return fresh, bad
    if readable.any():
        cache.put_rows(config, keys[new[readable]], fresh[readable])
    elif found.any():  # of bad items alone, the width is not known
        fresh = np.full((len(new), known.shape[1]), np.nan, dtype=np.float32)
    if not found.any():
        return fresh, bad
    if known.shape[1] != fresh.shape[1]:  # what was found is not by this extractor
        return transform_chunk(extractor, chunk)
    known[new] = fresh
    return known, bad


def _fresh(extractor, chunk, rows, keys):
    """Extract some rows as `transform_chunk` does, and tell which of them may be kept."""
    part = take_rows(chunk, rows)
    fresh, bad = transform_chunk(extractor, part)
    readable = _unchanged(extractor, part, keys[rows])
    if bad is not None:  # not kept: the files may be mended, and are told of each time until then
        readable[bad.rows] = False
        bad = BadItemsError(bad.what, [int(rows[row]) for row in bad.rows], bad.reasons)
    return fresh, bad, readable


def _unchanged(extractor, chunk, keys):
    """Tell which rows still have their keys: a file that changed while it was read is not kept."""
    now = by_content(extractor, chunk)
    if now is chunk:  # no texts
        return np.ones(len(keys), dtype=bool)
    if hasattr(now, "iloc"):
        return row_keys(now) == keys
    # What is in memory is the same object, and not hashed again.
    rows = zip(now, chunk, keys, strict=True)
    return np.array([item is own or row_keys([item])[0] == key for item, own, key in rows], dtype=bool)


@dataclass(frozen=True)
class FitExtractor(Job):
    """Fit an extractor (None: the column holds features already) and its reducer on the training rows.

    Gives `(extractor, reducer, blocks)`, where `blocks` maps a form to a block that is filled in `train` and `rest`.
    """

    mark: Extraction
    extractor: Any
    reducer: Any
    column: Any
    train: np.ndarray
    rest: np.ndarray
    y: np.ndarray | None
    weight: np.ndarray | None
    groups: np.ndarray | None
    forms: tuple[str, ...]
    cache: Cache | None = None
    column_key: str = ""
    folder: BlockFolder | None = None  # where blocks are written; None: they stay in memory

    @property
    def name(self):
        return f"View {self.mark.view!r}: {self.mark}"

    @property
    def group(self):
        return f"view {self.mark.view!r}"

    @property
    def cost(self):
        return len(self.train)

    def run(self):
        here = replace(self, column=at_hand(self.column, self.extractor, self.folder))
        extractor, reducer, blocks = here._found()
        if self.folder is not None:
            blocks = {form: self.folder.keep(block) for form, block in blocks.items()}
            let_go(blocks.values())
            give_back()
        return extractor, reducer, blocks

    def _found(self):
        """Fit, or take what an equal extraction left in the cache."""
        if self.cache is None:
            return self.fit()
        rows = self.train, self.rest, self.y, self.weight, self.groups
        key = content_key(self.column_key, self.extractor, self.reducer, *rows, self.forms)
        found = self.cache.get(key)
        if found is None:
            found = self.fit()
            self.cache.put(key, found)
        return found

    def fit(self):
        places, n_rows = [rows for rows in (self.train, self.rest) if len(rows)], self.column.shape[0]
        native, blocks = self._learned(places)
        if self.reducer is not None:
            parts = (self.column[rows] for rows in places) if native is None else native
            blocks["reduced"] = joined_parts(self._reduced(zip(places, parts, strict=True)), n_rows, self.folder)
        if self.extractor is not None and "native" not in blocks and ("native" in self.forms or not blocks):
            blocks["native"] = joined_parts(zip(places, native, strict=True), n_rows, self.folder)
        return self.extractor, self.reducer, blocks

    def _learned(self, places):
        """Fit the extractor; return its features of some places (None: there is no extractor), and what is a block."""
        if merges(self.extractor) and not sparse.issparse(self.column):
            block = self._by_parts()
        elif _learns_by("fit_columns", self.extractor, self.column) and self._is_in_order:
            block = self._of_columns()
        elif self._has_learned_from_parts():
            block = stacked(self._read(), self.column.shape[0], self.folder)
            return (self._rows_of(block, rows) for rows in places), {"native": block}
        elif self.extractor is not None:
            native = replace(self, column=_in_memory(self.column))._native()
            for part, rows in zip(native, places, strict=True):
                _check_rows(part, len(rows))
            return native, {}
        else:
            return None, {}
        return (block[rows] for rows in places), {"native": block}

    def _reduced(self, parts):
        """Yield few columns of the training rows, on which the reducer is fitted, and of the others, with their places.

        `parts` yields the places and the features of both.
        """
        for place, (rows, part) in enumerate(parts):
            if not place:
                self.reducer.fit(part)
            for start in range(0, len(rows), ROWS):
                yield rows[start : start + ROWS], as_block(self.reducer.transform(part[start : start + ROWS]))

    def _by_parts(self):
        """Fit an extractor that merges what it learns of parts; return the block of what it makes of them, in turn."""
        learns, summary = self._marked(self.train), None
        for rows, items in self._parts():
            some = learns[rows]
            if some.any():
                weight = None if self.weight is None else self.weight[rows][some]
                told = _picked(self.extractor, items, some)
                own = self.extractor.summarize(told, **row_params(self.extractor, sample_weight=weight))
                summary = own if summary is None else self.extractor.merge(summary, own)
        self.extractor.finish(summary)
        return joined_parts(self._read(), len(learns), self.folder)

    def _of_columns(self):
        """Fit an extractor on one column of a table after the other; return the block of what it makes of the rows."""
        column = self.column
        tables = column.by_column() if isinstance(column, ColumnOnDisk) else [column]
        columns = ((label, values.iloc[self.train]) for table in tables for label, values in table.items())
        labels, _, params = self._told()
        averages = self.extractor.fit_columns(next(self._parts())[1].iloc[:1], columns, labels, **params)
        parts = self._read(self.extractor.transform_part)
        if averages is not None:
            parts = self._with_averages(parts, averages)
        return joined_parts(parts, column.shape[0], self.folder)

    def _with_averages(self, parts, averages):
        """Yield parts of the features, the last of which are averages of labels: those of training rows are given."""
        end, learns = 0, self._marked(self.train)
        for rows, part in parts:
            own = np.flatnonzero(learns[rows])
            if len(own):
                part[own, part.shape[1] - averages.shape[1] :] = averages[end : end + len(own)]
                end += len(own)
            yield rows, part

    def _told(self):
        """Return labels and groups of the training rows, and what the extractor takes beside labels."""
        parts = self.y, self.weight, self.groups
        labels, weight, groups = (None if part is None else part[self.train] for part in parts)
        return labels, groups, row_params(self.extractor, sample_weight=weight, groups=groups)

    def _has_learned_from_parts(self):
        """Fit an extractor that can learn from parts in its own way; tell whether it could."""
        if not _learns_by("fit_parts", self.extractor, self.column) or not self._is_in_order:
            return False
        return self.extractor.fit_parts(_Learned(self, self._marked(self.train)))

    def _marked(self, rows):
        """Return a mask of some rows."""
        mask = np.zeros(self.column.shape[0], dtype=bool)
        mask[rows] = True
        return mask

    @property
    def _is_in_order(self):
        return bool((self.train[1:] > self.train[:-1]).all())

    def _rows_of(self, block, rows):
        """Return some rows of a block for the reducer: as they are read, where it takes them so."""
        lazily = getattr(type(self.reducer), "reads_by_rows", False) and sparse.issparse(block)
        return LazyRows([block], rows, [None], dense=False) if lazily else block[rows]

    def _read(self, transform=None):
        """Yield the places of some rows after the other, and the features of those that are read, in their places."""
        transform = transform or self.extractor.transform
        wanted = self._marked(self.train) | self._marked(self.rest)
        for rows, items in self._parts():
            yield rows, self._read_part(transform, items, wanted[rows])

    def _read_part(self, transform, items, some):
        """Return the features of some items, in the places that they have among all; None where there are none."""
        if not some.any():
            return None
        part = as_block(transform(_picked(self.extractor, items, some)))
        _check_rows(part, some.sum())
        return spread_rows(part, np.flatnonzero(some), len(some))

    def _parts(self):
        """Yield the places of some rows after the other, and their items: the same rows in memory and on disk."""
        if isinstance(self.column, ColumnOnDisk):
            yield from self.column.parts(ROWS)
            return
        n_rows = self.column.shape[0]
        for start in range(0, n_rows, ROWS):
            rows = slice(start, min(start + ROWS, n_rows))
            yield rows, take_rows(self.column, rows)
            let_go((self.column,))  # vectors on disk are read again when they are wanted

    def _native(self):
        """Fit the extractor; return the features of the training rows, and of the others where there are some."""
        labels, groups, params = self._told()
        every = not len(self.rest) and np.array_equal(self.train, np.arange(self.column.shape[0]))
        rows = lent(self.extractor, self.column) if every else take_rows(self.column, self.train)
        with whole_groups(self.extractor, labels, groups):
            if hasattr(self.extractor, "fit_transform"):
                native = as_block(self.extractor.fit_transform(rows, labels, **params))
            else:  # a frozen extractor, say
                native = as_block(self.extractor.fit(rows, labels, **params).transform(rows))
        if not len(self.rest):
            return [native]
        del rows
        return [native, as_block(self.extractor.transform(take_rows(self.column, self.rest)))]
