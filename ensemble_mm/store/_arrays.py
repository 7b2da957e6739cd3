"""Arrays on disk: atomic writes, memory maps for hand-over, and the feature cache.

Nothing here is ever unpickled: a file of the cache holds plain arrays, their types and shapes, and a checksum. A file
that is cut, altered or foreign counts as absent. What is read is bounded by what `FeatureCache` writes, so that
a planted file cannot fill the memory.
"""

import contextlib
import math
import os
import re
import struct
import time
import uuid
import warnings
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from ._files import open_regular

_SUM_BYTES = 16
_HEAD = struct.Struct("<4sB")  # of an array: type and number of axes
_TYPES = {np.dtype(kind).newbyteorder("<").str.encode(): np.dtype(kind).itemsize
          for kind in "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 S32".split()}  # fmt: skip
_READ_ERRORS = (ValueError, OSError, TypeError, OverflowError, struct.error)
_DENSE, _SPARSE, _ROWS = b"EMMdens1", b"EMMspar1", b"EMMrows1"
_PART = ".part"
_OWN_PART = re.compile(r"\..+\.\d+\.[0-9a-f]{32}\.part")  # the names that `write_atomic` gives


def write_atomic(path: str | os.PathLike, content: bytes | Callable) -> None:
    """Write a file so that it is there as a whole or not at all, whatever happens meanwhile.

    The content is written beside the file, forced to disk and renamed into place; then the folder is forced
    to disk too. Folders are made as needed.

    Parameters
    ----------
    path : str or path-like
        The file; one that exists is replaced.
    content : bytes, or callable
        The bytes, or a function that is given the open binary file and writes into it.

    Raises
    ------
    OSError
        When the file cannot be written, for example because the disk is full; what was there before is untouched.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_atomic(path, b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    path = Path(path)
    beside = path.with_name(f".{path.name[:100]}.{os.getpid()}.{uuid.uuid4().hex}{_PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = f"Could not write {str(path)!r} ({error.strerror or error}); what was there before is unchanged"
        raise type(error)(error.errno, reason) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power loss; Windows has no such call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path, older_than: float = 3600.0) -> None:
    """Remove what killed writers left half written in a folder, `older_than` seconds ago or more."""
    limit = time.time() - older_than
    for path in folder.glob(f".*{_PART}"):
        with contextlib.suppress(OSError):
            if _OWN_PART.fullmatch(path.name) and path.stat().st_mtime < limit:
                path.unlink()


def _pack(magic: bytes, arrays) -> bytes:
    """Return an entry: magic, then of every array its type, shape and bytes, then a checksum."""
    parts = [magic]
    for array in map(np.asarray, arrays):
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        if array.dtype.str.encode() not in _TYPES:
            raise ValueError(f"Arrays of {array.dtype} values are not kept in a cache: give numbers.")
        parts += [_HEAD.pack(array.dtype.str.encode(), array.ndim), np.array(array.shape, "<i8").tobytes(), array.data]
    digest = blake2b(digest_size=_SUM_BYTES)
    for part in parts:
        digest.update(part)
    return b"".join([*parts, digest.digest()])


def _unpack(content: bytearray, magic: bytes, count: int) -> list[np.ndarray]:
    """Return the `count` arrays of an entry, which share its memory; ValueError for what `_pack` did not write."""
    body, end = memoryview(content)[:-_SUM_BYTES], len(content) - _SUM_BYTES
    if body[: len(magic)] != magic or blake2b(body, digest_size=_SUM_BYTES).digest() != content[end:]:
        raise ValueError("not a whole entry")
    arrays, place = [], len(magic)
    for _ in range(count):
        kind, n_axes = _HEAD.unpack(body[place : place + _HEAD.size])
        kind, place = kind.rstrip(b"\0"), place + _HEAD.size
        shape = np.frombuffer(body[place : place + 8 * n_axes], "<i8").tolist()
        size, place = math.prod(shape), place + 8 * n_axes
        # Nothing is made whose bytes are not there.
        if kind not in _TYPES or len(shape) != n_axes or min(shape, default=0) < 0 or place + size * _TYPES[kind] > end:
            raise ValueError("not an array")
        arrays.append(np.frombuffer(content, kind.decode(), size, place).reshape(shape))
        place += size * _TYPES[kind]
    if place != end:
        raise ValueError("more than its arrays")
    return arrays


def _read_file(path: Path, most: int) -> bytearray:
    """Return what a regular file holds; one of more than `most` bytes is not ours, and not read."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError("too long")
        content = bytearray(size)
        if file.readinto(content) != size:
            raise ValueError("cut off while it was read")
    return content


def make_folder(given, what: str) -> Path:
    """Return a folder that is there and absolute; `what` names it in errors: "cache"."""
    remedy = "Give the path of a folder that can be made, or that is yours to write to."
    if not isinstance(given, (str, os.PathLike)) or not os.fspath(given):
        raise ValueError(f"The {what} is {given!r}, which names no folder. {remedy}")
    try:
        folder = Path(given).absolute()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        reason = getattr(error, "strerror", None) or error
        kind = type(error) if isinstance(error, OSError) else ValueError
        raise kind(f"No folder for the {what} can be made at {os.fspath(given)!r} ({reason}). {remedy}") from error
    return folder


class FeatureCache:
    """Features on disk, found again by the key of what they were made from.

    Several processes may share a folder: files are immutable and appear whole. An entry
    that is damaged is removed and counts as absent. Of two kinds: whole arrays (`get`, `put`), and rows of an
    extractor whose rows do not depend on each other (`get_rows`, `put_rows`), kept in batches.

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

    def get(self, key: str):
        """Return the array or CSR matrix of a key, or None."""
        path = self._array_path(key)
        try:
            content = _read_file(path, self.most_read)
            if content.startswith(_SPARSE):
                shape, indptr, indices, data = _unpack(content, _SPARSE, 4)
                n_rows, n_columns = shape.tolist()
                if len(indptr) != n_rows + 1 or not 0 <= n_columns <= 64 * self.most_columns:
                    raise ValueError("not a matrix of ours")
                found = sp.csr_matrix((data, indices, indptr), shape=(n_rows, n_columns))
                found.check_format(full_check=True)
                return found
            return _unpack(content, _DENSE, 1)[0]
        except FileNotFoundError:
            return None
        except _READ_ERRORS:
            with contextlib.suppress(OSError):  # a folder of that name
                path.unlink(missing_ok=True)
            return None

    def put(self, key: str, array) -> None:
        """Keep an array or a sparse matrix under a key, unless it is too large."""
        if sp.issparse(array):
            array = array.tocsr()
            if array.shape[1] > 64 * self.most_columns:
                return
            content = _pack(_SPARSE, [np.array(array.shape, np.int64), array.indptr, array.indices, array.data])
        else:
            content = _pack(_DENSE, [array])
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
        found = np.zeros(len(wanted), dtype=bool)
        rows = np.empty((len(wanted), 0), dtype=np.float32)
        for path in self._batches(config_key):
            if found.all():
                break
            batch = self._read_batch(path)
            if batch is None:
                continue
            keys, features = batch  # keys are sorted
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            hit = ~found & (keys[place] == wanted)
            if not hit.any():
                continue
            if not found.any():
                rows = np.full((len(wanted), features.shape[1]), np.nan, dtype=np.float32)
            elif features.shape[1] != rows.shape[1]:
                continue
            rows[hit] = features[place[hit]]
            found |= hit
        return rows, found

    def put_rows(self, config_key: str, row_keys, array) -> None:
        """Keep rows of features of shape (n_rows, n_features), unless they are too wide."""
        keys, first = np.unique(np.asarray(row_keys, dtype="S32"), return_index=True)
        array = np.asarray(array, dtype=np.float32)
        if array.ndim != 2 or len(array) != len(row_keys):
            raise ValueError(f"Rows of shape {array.shape} do not go with {len(row_keys)} keys: give one row a key.")
        if not len(keys) or array.shape[1] > self.most_columns:
            return
        self._write_batch(config_key, keys, array[first])
        small = [path for path in self._batches(config_key) if _size(path) < self.most_read // (2 * self.max_batches)]
        if len(small) > self.max_batches:
            self._merge(config_key, small)

    def _array_path(self, key: str) -> Path:
        return self.folder / "arrays" / f"{_safe(key)}.npc"

    def _batches(self, config_key: str) -> list[Path]:
        return sorted((self.folder / "rows" / _safe(config_key)).glob("*.npc"))

    def _read_batch(self, path: Path):
        try:
            keys, features = _unpack(_read_file(path, self.most_read), _ROWS, 2)
            fits = keys.dtype == "S32" and keys.ndim == 1 and features.dtype == np.float32 and features.ndim == 2
            if not (fits and 0 < len(keys) == len(features) and features.shape[1] <= self.most_columns):
                raise ValueError("not a batch of rows")
            return keys, features
        except FileNotFoundError:  # merged or evicted by another process
            return None
        except _READ_ERRORS:
            with contextlib.suppress(OSError):  # a folder of that name
                path.unlink(missing_ok=True)
            return None

    def _write_batch(self, config_key: str, keys, features) -> None:
        n = max(1, (self.most_read - 2**10) // (keys.itemsize + features.itemsize * features.shape[1]))
        for i in range(0, len(keys), n):
            content = _pack(_ROWS, [keys[i : i + n], features[i : i + n]])
            name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:12]}.npc"
            self._write(self.folder / "rows" / _safe(config_key) / name, content)

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

    def keep(self, write: Callable, *args) -> None:
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
            warnings.warn(
                f"Could not write to the cache in {str(self.folder)!r} ({reason}): what is not kept will be computed "
                "again next time. Make room there, or give another folder.",
                UserWarning,
                stacklevel=3,
            )

    def trim(self) -> None:
        """Remove the oldest entries, whoever wrote them, until `max_bytes` are kept."""
        if self.max_bytes is not None:
            self._evict(self.max_bytes)

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


def _safe(key: str) -> str:
    """Refuse a key that could name a file elsewhere."""
    if not (isinstance(key, str) and key.isalnum() and key.isascii() and len(key) <= 128):
        raise ValueError(f"{key!r} is not a key: use what content_key returns.")
    return key
