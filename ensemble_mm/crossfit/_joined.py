"""Joins the features of parts of the rows to one block, in memory or, part by part, in a folder."""

import numpy as np
from scipy import sparse

from .._rows import let_go, narrowed

ROWS = 8192  # of features that are put in their places at a time
LONG = 2**24  # places of values that are made numbers of 64 bits at a time
MOST = np.iinfo(np.int32).max  # values of sparse features, up to which their places are numbers of 32 bits
FLOATS = (np.float32, np.float64)


def as_block(features) -> np.ndarray | sparse.csr_matrix:
    """Return what an extractor gave as a 2-D array or a CSR matrix: float32, unless it chose float64."""
    if sparse.issparse(features):
        features = narrowed(features.tocsr())
        return features if features.dtype in FLOATS else features.astype(np.float32)
    if hasattr(features, "to_numpy"):
        features = features.to_numpy()
    features = np.asarray(features)
    if features.dtype not in FLOATS:
        features = features.astype(np.float32)
    return features.reshape(len(features), -1) if features.ndim != 2 else features


def spread_rows(features, rows, n_rows):
    """Return a block of `n_rows` rows that holds `features` in `rows`, and nothing (NaN, or empty CSR) elsewhere."""
    in_order = (rows[1:] > rows[:-1]).all()
    if len(rows) == n_rows and in_order:
        return features
    if sparse.issparse(features) and in_order:
        sizes = np.zeros(n_rows + 1, features.indptr.dtype)
        sizes[rows + 1] = np.diff(features.indptr)
        return sparse.csr_matrix(
            (features.data, features.indices, sizes.cumsum(dtype=sizes.dtype)), (n_rows, features.shape[1])
        )
    if sparse.issparse(features):
        picked = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, np.arange(len(rows)))), (n_rows, len(rows)))
        return (picked @ features).tocsr()
    block = np.full((n_rows, features.shape[1]), np.nan, dtype=features.dtype)
    block[rows] = features
    return block


def joined_parts(parts, n_rows, folder):
    """Return one block from parts: pairs of the places of some rows, and their features (None: they have none).

    With a folder, dense features are written into their places there.
    """
    block, found, places, every = None, [], [], np.arange(n_rows)
    for some, part in parts:
        if part is None:
            continue
        rows = every[some]
        if len(rows) == n_rows:
            return spread_rows(part, rows, n_rows)
        if sparse.issparse(part):
            found.append(part)
            places.append(rows)
            continue
        if block is None:
            shape = n_rows, part.shape[1]
            block = np.full(shape, np.nan, part.dtype) if folder is None else folder.room(shape, part.dtype)
        for start in range(0, len(rows), ROWS):
            block[rows[start : start + ROWS]] = part[start : start + ROWS]
            let_go((block,))  # what is written need not stay in memory
    if found:
        return joined_rows(found, places, n_rows, folder)
    if block is None:
        return np.full((n_rows, 1), np.nan, np.float32)
    return block if folder is None else folder.sealed(block)


def stacked(parts, n_rows, folder):
    """Return one CSR matrix from parts of consecutive rows: pairs of a slice, and its features (None: it has none).

    With a folder, the parts are written there one by one, so that only one is in memory.
    """
    ends, found = [np.zeros(1, np.int64)], []

    def cells():
        for rows, part in parts:
            there = np.zeros(len(range(*rows.indices(n_rows))), np.int64) if part is None else part.indptr[1:]
            ends.append(there + ends[-1][-1])
            if part is not None:
                found[:] = [part.shape[1]]
                yield part.data, part.indices

    written = _joined if folder is None else folder.written
    data, indices = written(cells(), (np.float32, np.int32))
    block = sparse.csr_matrix((n_rows, found[0]), dtype=data.dtype)
    block.data, block.indices, block.indptr = data, indices, np.concatenate(ends)
    if len(data) < MOST:
        block.indptr = block.indptr.astype(np.int32)
    else:
        some = (slice(start, start + LONG) for start in range(0, len(data), LONG))
        (block.indices,) = written(((indices[part],) for part in some), (np.int64,))
    return _with_places_kept(block, folder)


def _joined(parts, dtypes):
    parts = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return [part.astype(dtype, copy=False) for part, dtype in zip(parts, dtypes, strict=True)]


def joined_rows(parts, places, n_rows, folder=None):
    """Return a block of `n_rows` rows that holds each part in its places, and nothing elsewhere, as `spread_rows`."""
    if len(parts) == 1:
        return spread_rows(parts[0], places[0], n_rows)
    if sparse.issparse(parts[0]):
        return _joined_sparse(parts, places, n_rows, folder)
    block = np.full((n_rows, parts[0].shape[1]), np.nan, np.result_type(*parts))
    for part, rows in zip(parts, places, strict=True):  # without a copy of all of them in between
        block[rows] = part
    return block


def _joined_sparse(parts, places, n_rows, folder):
    """Return one CSR matrix with the rows of all parts in their places; with a folder it is there, not in memory."""
    ends = np.zeros(n_rows + 1, dtype=np.int64)
    for part, rows in zip(parts, places, strict=True):
        ends[rows + 1] = np.diff(part.indptr)
    ends = np.cumsum(ends)
    joined = sparse.csr_matrix((n_rows, parts[0].shape[1]), dtype=np.result_type(*(part.dtype for part in parts)))
    joined.indptr = ends.astype(np.int32 if ends[-1] < MOST else np.int64)
    room = np.empty if folder is None else folder.room
    joined.data, joined.indices = (room((int(ends[-1]),), dtype) for dtype in (joined.dtype, joined.indptr.dtype))
    for part, rows in zip(parts, places, strict=True):
        for start in range(0, len(rows), ROWS):
            cells = part.indptr[start : start + ROWS + 1]
            here, shift = slice(cells[0], cells[-1]), ends[rows[start : start + ROWS]] - cells[:-1]
            where = np.repeat(shift, np.diff(cells)) + np.arange(cells[0], cells[-1])
            joined.data[where], joined.indices[where] = part.data[here], part.indices[here]
            let_go((joined,))
    if folder is not None:
        joined.data, joined.indices = folder.sealed(joined.data), folder.sealed(joined.indices)
    return _with_places_kept(joined, folder)


def _with_places_kept(block, folder):
    """Return a CSR matrix whose `indptr` is in the folder, too, if there is one."""
    if folder is not None:
        block.indptr = folder.keep(block.indptr)
    return block
