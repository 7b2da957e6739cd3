"""Rows of features from blocks side by side: as one array, or put together only while they are read.

All rows of a fit in one array take as much memory again as the blocks, and learners copy them. Learners that read some
rows at a time are given `LazyRows` where there are many; see `_by_rows`.
"""

import ctypes
import mmap
import os
import sys
from contextlib import contextmanager
from copy import copy
from functools import cache
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite

MANY_ROWS = 50_000  # from which they are read some at a time, and a fit is compared with the memory that is free
PREFIX = "ensemble_mm-"  # of the name of a folder for blocks on disk
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # what malloc.h calls them
MOST_HELD = 2**25  # bytes of an array for which free memory is held, as the C library sets it by itself
SHOWN = 2**26  # bytes that are read of blocks on disk before their memory is let go
FAR = 4  # times the rows that are read lie between the first and the last of them


def assemble(blocks, rows, fills, dense):
    """Set blocks side by side for some rows: one array, or CSR when a block is sparse and `dense` is not asked for."""
    parts = (_filled(block, rows, fill) for block, fill in zip(blocks, fills, strict=True))
    if dense or not any(sparse.issparse(block) for block in blocks):
        full = (part.toarray() if sparse.issparse(part) else part for part in parts)
        return np.ascontiguousarray(next(full)) if len(blocks) == 1 else _side_by_side(full, blocks, len(rows))
    joined = next(parts) if len(blocks) == 1 else sparse.hstack(list(parts), format="csr")
    joined.sort_indices()  # XGBoost's histograms crash the process on a CSR matrix with unsorted columns
    return joined


def _filled(block, rows, fill):
    """Return some rows of a block, as a learner may write into them: a copy, but of a whole sparse one on disk."""
    if sparse.issparse(block) and len(rows) == block.shape[0] and (rows[1:] > rows[:-1]).all():
        return block if isinstance(whole_of(block.data), np.memmap) else block.copy()
    part = block[rows]
    if fill is not None:
        hole = np.isnan(part)
        if hole.any():
            return np.where(hole, fill, part)
    return part


def _side_by_side(parts, blocks, n_rows):
    """Return `np.hstack(parts)`, with one part at a time in memory beside the result."""
    joined = np.empty((n_rows, sum(block.shape[1] for block in blocks)), np.result_type(*(b.dtype for b in blocks)))
    end = 0
    for part in parts:
        start, end = end, end + part.shape[1]
        joined[:, start:end] = part
    return joined


def narrowed(rows):
    """Return a CSR matrix with places of 32 bits where they fit; scikit-learn's learners take no others."""
    large = max(rows.nnz, *rows.shape) > np.iinfo(np.int32).max
    if large or rows.indices.dtype == rows.indptr.dtype == np.int32:
        return rows
    narrow = copy(rows)  # that shares the values
    narrow.indices, narrow.indptr = (part.astype(np.int32, copy=False) for part in (rows.indices, rows.indptr))
    return narrow


def size_of(result) -> int:
    """Return the bytes of the arrays and CSR matrices in a result."""
    if hasattr(result, "nbytes"):
        return int(result.nbytes)
    if hasattr(result, "data") and hasattr(result, "indptr"):
        return int(result.data.nbytes + result.indices.nbytes + result.indptr.nbytes)
    if isinstance(result, (tuple, list)):
        return sum(size_of(part) for part in result)
    if isinstance(result, dict):
        return sum(size_of(part) for part in result.values())
    return 0


class LazyRows:
    """Rows that are made when they are read: `rows[2:5]` is an array, and `np.asarray(rows)` holds all.

    Parameters
    ----------
    blocks : sequence of ndarray or CSR matrix
    rows : ndarray of int
        Their places in the blocks.
    fills : list
        Per block, what stands for a missing view; None: nothing.
    dense : bool, default=True
        Whether sparse blocks give arrays.
    """

    ndim = 2

    def __init__(self, blocks, rows, fills, dense=True):
        self._blocks, self._rows, self._fills, self._dense = blocks, rows, fills, dense
        self.is_sparse = not dense and any(sparse.issparse(block) for block in blocks)
        self.shape = len(rows), sum(block.shape[1] for block in blocks)
        self.dtype = np.result_type(*(block.dtype for block in blocks))
        self._row = sum(size_of(block) / max(block.shape[0], 1) for block in blocks)
        self._n_read = 0.0  # bytes since blocks on disk were let go

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, some):
        rows = self._rows[some]
        # Rows far apart bring much of what lies between them into memory, too.
        spanned = (np.ptp(rows) + 1) * self._row if len(rows) else 0
        if FAR * len(rows) * self._row < spanned > SHOWN:
            parts = [self._read(few) for few in np.array_split(rows, min(len(rows), int(spanned // SHOWN) + 1))]
            return sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts)
        self._n_read += spanned
        return self._read(rows, self._n_read > SHOWN or not isinstance(some, slice))

    def _read(self, rows, then_go=True):
        part = assemble(self._blocks, rows, self._fills, self._dense)
        if then_go:
            let_go(self._blocks)
            self._n_read = 0.0
        return part

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)


class MadeRows(LazyRows):
    """What a function makes of `LazyRows` when they are read; it keeps the number of columns."""

    def __init__(self, rows, made):
        self._of, self._made = rows, made
        self.shape, self.dtype, self.is_sparse = rows.shape, rows.dtype, rows.is_sparse

    def __len__(self):
        return len(self._of)

    def __getitem__(self, some):
        return self._made(self._of[some])


def let_go(blocks) -> bool:
    """Let the system take back the memory in which files are shown by some blocks; they are read again when wanted.

    Tells whether there were any.
    """
    some = False
    for block in blocks:
        for array in (block.data, block.indices, block.indptr) if sparse.issparse(block) else (block,):
            shown = whole_of(array)
            if isinstance(shown, np.memmap) and hasattr(mmap, "MADV_DONTNEED") and _is_as_written(shown):
                shown._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
                some = True
    return some


@contextmanager
def keeping_free():
    """Let this process keep freed memory for a while, if its environment asks to give it back at once.

    Dask starts its workers so. Each large array is then new memory, page by page: texts took twice the time.
    """
    told, mallopt = os.environ.get("MALLOC_TRIM_THRESHOLD_", ""), _of_c_library("mallopt")
    if not told.isdecimal() or mallopt is None:
        yield
        return
    mallopt(TRIM_THRESHOLD, 2 * MOST_HELD), mallopt(MMAP_THRESHOLD, MOST_HELD)
    try:
        yield
    finally:
        mallopt(TRIM_THRESHOLD, int(told)), mallopt(MMAP_THRESHOLD, 2**17)
        give_back()


def give_back():
    """Give free memory of this process back to the system: allocators keep most of it after many small items."""
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)
    if (arrow := sys.modules.get("pyarrow")) is not None:
        arrow.default_memory_pool().release_unused()


@cache
def _of_c_library(name):
    """Return a function of the C library; None where it has none, as outside of Linux."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None


def _is_as_written(array) -> bool:
    """Tell whether a memory map cannot hold what its file does not: a user's own may have been changed in memory."""
    return array.mode == "r" or Path(array.filename or "").parent.name.startswith(PREFIX)


def whole_of(array):
    """Return the array that an array is a part of."""
    while isinstance(getattr(array, "base", None), np.ndarray):
        array = array.base
    return array


def parts_of(X, n):
    """Yield `n` rows of an array or of `LazyRows` at a time, which hold no infinite values."""
    for start in range(0, len(X), n):
        part = X[start : start + n]
        assert_all_finite(part, allow_nan=True)
        yield part
