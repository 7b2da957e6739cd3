"""The cache: what was computed before is found again by the key of what it was made from.

What is read is bounded by what `FeatureCache` writes, so that a planted file cannot fill the memory.
"""

import contextlib
import os
import pickle
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import scipy.sparse as sp

from .._checks import warn
from ._arrays import READ_ERRORS, file_name, make_folder, pack_arrays, read_bounded, sweep, unpack_arrays, write_atomic
from ._jobs import JobStore

_DENSE, _SPARSE, _ROWS = b"EMMdens1", b"EMMspar1", b"EMMrows1"


@runtime_checkable
class Cache(Protocol):
    """What `cache=` takes: any object with these methods that can be sent to other processes.

    Keys are texts of letters and digits that tell everything that a value depends on. A value that is not there any
    more costs work, no more; one that cannot be kept is no error. Two kinds are kept: whole values, as a fitted
    extractor with its features, and rows of an extractor whose rows do not depend on each other.
    """

    def get(self, key: str) -> Any:
        """Return what was put under a key, or None."""

    def put(self, key: str, value: Any) -> None:
        """Keep a value: an array, a sparse matrix, or fitted estimators and their features."""

    def get_rows(self, config_key: str, row_keys) -> tuple[np.ndarray, np.ndarray]:
        """Return rows of features, float32, and which of them were found."""

    def put_rows(self, config_key: str, row_keys, array) -> None:
        """Keep rows of features, shape (n_rows, n_features)."""


class FeatureCache:
    """A `Cache` in a folder, which several processes may share.

    Files are immutable and appear whole; an entry that is damaged is removed and counts as absent. Arrays are kept as
    such, rows in batches. What else is kept, as fitted extractors, is a pickle that is signed as checkpoints are.

    Parameters
    ----------
    folder : path-like
        Made when it does not exist.
    max_bytes : int or None, default=None
        Bytes on disk; the oldest files go first when there are more. None: no limit.

    Examples
    --------
    >>> import tempfile
    >>> cache = FeatureCache(tempfile.mkdtemp())
    >>> cache.put("a" * 32, np.ones((2, 3), dtype=np.float32))
    >>> cache.get("a" * 32).shape
    (2, 3)
    >>> cache.get("b" * 32) is None
    True
    """

    max_batches = 64  # small ones, of one configuration, before they are written together
    most_read = 2**28  # bytes of a file; larger ones are neither written nor read
    most_columns = 2**18  # of kept rows; and 64 times as many of sparse matrices

    def __init__(self, folder: str | os.PathLike, max_bytes: int | None = None):
        if max_bytes is not None and max_bytes <= 0:
            raise ValueError(f"max_bytes={max_bytes!r} must be positive, or None for no limit.")
        self.folder = make_folder(folder, "cache")
        self.max_bytes = max_bytes
        self.writes = True
        for kind in ("arrays", "rows"):
            make_folder(self.folder / kind, "cache")
        for place in (self.folder / "arrays", *self.folder.glob("rows/*")):
            sweep(place)
        self._jobs = JobStore(self.folder / "fitted")

    def get(self, key: str):
        """Return what was put under a key, or None."""
        path = self._array_path(key)
        try:
            content = read_bounded(path, self.most_read)
            if content.startswith(_SPARSE):
                shape, indptr, indices, data = unpack_arrays(content, _SPARSE, 4)
                n_rows, n_columns = shape.tolist()
                if len(indptr) != n_rows + 1 or not 0 <= n_columns <= 64 * self.most_columns:
                    raise ValueError("not a matrix of ours")
                matrix = sp.csr_matrix((data, indices, indptr), shape=(n_rows, n_columns))
                matrix.check_format(full_check=True)
                return matrix
            return unpack_arrays(content, _DENSE, 1)[0]
        except FileNotFoundError:
            return self._jobs.load(key)
        except READ_ERRORS:
            with contextlib.suppress(OSError):  # a folder of that name
                path.unlink(missing_ok=True)
            return None

    def put(self, key: str, value) -> None:
        """Keep an array, a sparse matrix or any other picklable value under a key, unless it is too large."""
        is_array = isinstance(value, np.ndarray) or sp.issparse(value)
        self._keep(self._put_array if is_array else self._put_job, key, value)

    def _put_job(self, key: str, value) -> None:
        try:
            self._jobs.save(key, value)
        except (pickle.PicklingError, AttributeError, TypeError):  # as of a class that a function holds
            return
        if self.max_bytes is not None:
            self._evict(self.max_bytes)

    def _put_array(self, key: str, array) -> None:
        if sp.issparse(array):
            array = array.tocsr()
            if array.shape[1] > 64 * self.most_columns:
                return
            content = pack_arrays(_SPARSE, [np.array(array.shape, np.int64), array.indptr, array.indices, array.data])
        else:
            content = pack_arrays(_DENSE, [array])
        self._write(self._array_path(key), content)

    def get_rows(self, config_key: str, row_keys) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that are known.

        Parameters
        ----------
        config_key : str
            Key of the extractor's configuration.
        row_keys : sequence of str, or ndarray of dtype "S32"
            Key of each row's content; see `row_keys`.

        Returns
        -------
        rows : ndarray of shape (n_rows, n_features), float32
            NaN where nothing is known; of shape (n_rows, 0) when no row is.
        found : ndarray of shape (n_rows,), bool
        """
        wanted = np.asarray(row_keys, dtype="S32")
        hits = np.zeros(len(wanted), dtype=bool)
        rows = np.empty((len(wanted), 0), dtype=np.float32)
        for path in self._batches(config_key):
            if hits.all():
                break
            batch = self._read_batch(path)
            if batch is None:
                continue
            keys, features = batch  # keys are sorted
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            hit = ~hits & (keys[place] == wanted)
            if not hit.any():
                continue
            if not hits.any():
                rows = np.full((len(wanted), features.shape[1]), np.nan, dtype=np.float32)
            elif features.shape[1] != rows.shape[1]:
                continue
            rows[hit] = features[place[hit]]
            hits |= hit
        return rows, hits

    def put_rows(self, config_key: str, row_keys, array) -> None:
        """Keep rows of features of shape (n_rows, n_features), unless they are too wide."""
        keys, first = np.unique(np.asarray(row_keys, dtype="S32"), return_index=True)
        array = np.asarray(array, dtype=np.float32)
        if array.ndim != 2 or len(array) != len(row_keys):
            raise ValueError(f"Rows of shape {array.shape} do not go with {len(row_keys)} keys: give one row a key.")
        if not len(keys) or array.shape[1] > self.most_columns:
            return
        self._keep(self._put_batch, config_key, keys, array[first])

    def _put_batch(self, config_key: str, keys, array) -> None:
        self._write_batch(config_key, keys, array)
        small = [path for path in self._batches(config_key) if _size(path) < self.most_read // (2 * self.max_batches)]
        if len(small) > self.max_batches:
            self._merge(config_key, small)

    def _array_path(self, key: str) -> Path:
        return self.folder / "arrays" / f"{file_name(key)}.npc"

    def _batches(self, config_key: str) -> list[Path]:
        return sorted((self.folder / "rows" / file_name(config_key)).glob("*.npc"))

    def _read_batch(self, path: Path):
        try:
            keys, features = unpack_arrays(read_bounded(path, self.most_read), _ROWS, 2)
            fits = keys.dtype == "S32" and keys.ndim == 1 and features.dtype == np.float32 and features.ndim == 2
            if not (fits and 0 < len(keys) == len(features) and features.shape[1] <= self.most_columns):
                raise ValueError("not a batch of rows")
            return keys, features
        except FileNotFoundError:  # merged or evicted by another process
            return None
        except READ_ERRORS:
            with contextlib.suppress(OSError):  # a folder of that name
                path.unlink(missing_ok=True)
            return None

    def _write_batch(self, config_key: str, keys, features) -> None:
        n = max(1, (self.most_read - 2**10) // (keys.itemsize + features.itemsize * features.shape[1]))
        for i in range(0, len(keys), n):
            content = pack_arrays(_ROWS, [keys[i : i + n], features[i : i + n]])
            name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:12]}.npc"
            self._write(self.folder / "rows" / file_name(config_key) / name, content)

    def _merge(self, config_key: str, batches) -> None:
        """Write many batches as one; a reader that comes between finds a row twice or computes it again."""
        read = [batch for batch in map(self._read_batch, batches) if batch is not None]
        width = read[0][1].shape[1] if read else 0
        read = [batch for batch in read if batch[1].shape[1] == width]
        if not read:
            return
        keys, first = np.unique(np.concatenate([keys for keys, _ in read]), return_index=True)
        self._write_batch(config_key, keys, np.concatenate([features for _, features in read])[first])
        for path in batches:
            path.unlink(missing_ok=True)

    def _write(self, path: Path, content: bytes) -> None:
        if len(content) > self.most_read:
            return
        if self.max_bytes is not None:
            if len(content) > self.max_bytes:
                return
            self._evict(self.max_bytes - len(content))
        write_atomic(path, content)

    def _keep(self, write: Callable, *args) -> None:
        """Call `write(*args)`; where it cannot write, warn, and write no more by this object.

        What is kept only spares work: a full disk is no reason to lose what was done.
        """
        if not self.writes:
            return
        try:
            write(*args)
        except OSError as error:
            self.writes = False
            reason = os.strerror(error.errno) if error.errno else error  # its own words name one file of many
            warn(
                f"Could not write to the cache in {str(self.folder)!r} ({reason}): what is not kept will be computed "
                "again next time. Make room there, or give another folder.",
                UserWarning,
            )

    def _evict(self, room: int) -> None:
        """Remove the oldest files until those that stay take at most `room` bytes."""
        files = []
        for path in (p for kind in ("arrays/*.npc", "rows/*/*.npc", "fitted/*.job") for p in self.folder.glob(kind)):
            with contextlib.suppress(OSError):
                stat = path.stat()
                files.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= room:
                break
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            total -= size


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):  # merged or evicted by another process
        return path.stat().st_size
    return 0
