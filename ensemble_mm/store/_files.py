"""What files hold, as short digests: a file that changed has another one, whatever its name, size and time say.

A file is hashed once. Its digest is remembered under what changes with the file: path, device, inode, size, time of
writing and time of change (`ctime`, which no program can set back). A file that changed within the last two seconds
is hashed each time, since the clocks of file systems are coarse.
"""

import dataclasses
import hashlib
import os
import stat
import time
from collections.abc import Iterable

import numpy as np
import pandas as pd

BYTES = 16  # of a digest: the first of SHA-256, for which most processors have instructions
SETTLED = 2 * 10**9  # nanoseconds; FAT counts in two seconds
MOST_KNOWN = 2**17  # digests that a process remembers
DEPTH = 3  # of pairs, lists and changed copies, in which paths are looked for
_KEPT = "files"  # where a cache keeps digests, as rows of eight whole numbers
_known: dict[bytes, bytes] = {}


def with_contents(column, named: str, cache=None):
    """Return a column of items in which each path is replaced by what its file holds.

    Columns of numbers come back as they are, and so does a text that names no file.

    Parameters
    ----------
    column : DataFrame, sparse matrix, array or sequence of items
        Paths are texts and path-like objects, also in pairs, lists and changed copies of items.
    named : {"content", "suffix", "path"}
        What of a file's name counts beside its content: nothing, its suffix, or all of it.
    cache : Cache or None
        Where digests are kept for other processes.
    """
    if isinstance(column, pd.DataFrame):
        kinds = pd.api.types
        numbers = [kinds.is_numeric_dtype(d) or kinds.is_datetime64_any_dtype(d) for d in column.dtypes]
        parts = {i: column.iloc[:, i].astype(object).tolist() for i, number in enumerate(numbers) if not number}
    elif getattr(getattr(column, "dtype", None), "kind", "O") not in "OUT" or hasattr(column, "tocsr"):
        return column
    else:
        parts = {0: list(column)}
    paths: dict = {}
    for items in parts.values():
        for item in items:
            _replaced(item, lambda path: paths.setdefault(path, path))
    digests = file_digests(paths, cache)

    def content(path):
        if digests[path] is None:
            return path
        name = os.path.basename(os.fsdecode(path))
        words = {"content": "", "suffix": name[name.rfind(".") :].lower() if "." in name else "", "path": path}
        return "file", words[named], digests[path]

    parts = {i: [_replaced(item, content) for item in items] for i, items in parts.items()}
    if not isinstance(column, pd.DataFrame):
        return parts[0]
    out = column.copy()
    for i, items in parts.items():
        out.isetitem(i, pd.Series(items, index=out.index, dtype=object))
    return out


def _replaced(item, new, depth=DEPTH):
    """Return an item whose paths are replaced by what `new` gives for each."""
    if isinstance(item, (str, os.PathLike)):
        return new(item)
    if isinstance(item, (list, tuple)) and depth:
        return type(item).__name__, [_replaced(part, new, depth - 1) for part in item]
    if dataclasses.is_dataclass(item) and not isinstance(item, type) and depth:
        parts = [getattr(item, field.name) for field in dataclasses.fields(item)]
        return type(item), [_replaced(part, new, depth - 1) for part in parts]
    return item


def open_regular(path):
    """Open a regular file to read bytes, or raise OSError: a pipe, say, would be waited for without end."""
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("not a regular file")
    return file


def file_digests(paths: Iterable, cache=None) -> dict:
    """Return {path: digest of what the file holds}; None where there is no regular file that can be read."""
    keys = {path: _identity(path) for path in paths}
    unknown = [key for key in keys.values() if key is not None and key not in _known]
    if cache is not None and unknown:
        _recall(cache, unknown)
    digests: dict = {}
    fresh: dict = {}
    for path, key in keys.items():
        digests[path] = None if key is None else _known.get(key)
        if digests[path] is None and key is not None:
            digests[path], settled = _hashed(path, key)
            if settled:
                fresh[key] = digests[path]
    _remember(fresh)
    if cache is not None and fresh:
        numbers = np.frombuffer(b"".join(fresh.values()), "<u2").reshape(len(fresh), -1)
        cache.put_rows(_KEPT, list(fresh), numbers)
    return digests


def tree_of(path):
    """Return what a path leads to: the digest of a file, those of all files of a folder by name, or None."""
    if not os.path.isdir(path):
        return file_digests([path])[path]
    files, visited = [], set()
    for place, folders, names in os.walk(path, followlinks=True):
        if (target := os.path.realpath(place)) in visited:  # links may lead in a circle
            folders.clear()
            continue
        visited.add(target)
        folders.sort()
        files += [os.path.join(place, name) for name in names]
    digests = file_digests(files)
    return sorted((os.path.relpath(file, path), digest or b"") for file, digest in digests.items())


def _identity(path) -> bytes | None:
    """Return a key of a regular file as it is now."""
    try:
        status = os.stat(path)
        words = (
            os.path.abspath(path),
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
    except (OSError, ValueError):  # a text with NUL, say
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return hashlib.sha256(repr(words).encode()).hexdigest()[: 2 * BYTES].encode()


def _hashed(path, key: bytes) -> tuple[bytes | None, bool]:
    """Return the digest of a file, and whether it may be remembered under its key."""
    started = time.time_ns()
    try:
        with open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256").digest()[:BYTES]
            age = started - os.fstat(file.fileno()).st_ctime_ns
    except OSError:
        return None, False
    # On Windows `ctime` is the time of creation, and does not tell of a change.
    return digest, age > SETTLED and os.name != "nt" and _identity(path) == key


def _remember(digests: dict) -> None:
    if len(_known) + len(digests) > MOST_KNOWN:
        _known.clear()
    _known.update(digests)


def _recall(cache, keys: list[bytes]) -> None:
    """Remember what the cache knows of some files."""
    rows, hits = cache.get_rows(_KEPT, keys)
    if rows.shape[1] == BYTES // 2:
        whole = hits & (rows == np.clip(np.rint(rows), 0, 2**16 - 1)).all(axis=1)
        recalled = zip(np.array(keys)[whole], rows[whole].astype("<u2"), strict=True)
        _remember({bytes(key): row.tobytes() for key, row in recalled})
