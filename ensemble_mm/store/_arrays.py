"""Files that appear whole, and entries of plain arrays in them: types, shapes, bytes and a checksum.

Nothing here is ever unpickled. A file that is cut, altered or foreign is no entry.
"""

import contextlib
import math
import os
import re
import struct
import time
import uuid
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np

from ._files import open_regular

_SUM_BYTES = 16
_HEAD = struct.Struct("<4sB")  # of an array: type and number of axes
_TYPES = {np.dtype(kind).newbyteorder("<").str.encode(): np.dtype(kind).itemsize
          for kind in "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 S32".split()}  # fmt: skip
READ_ERRORS = (ValueError, OSError, TypeError, OverflowError, struct.error)
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
    partial = path.with_name(f".{path.name[:100]}.{os.getpid()}.{uuid.uuid4().hex}{_PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = f"Could not write {str(path)!r} ({error.strerror or error}); what was there before is unchanged"
        raise type(error)(error.errno, reason) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


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


def pack_arrays(magic: bytes, arrays) -> bytes:
    """Return an entry: magic, then of every array its type, shape and bytes, then a checksum."""
    parts: list = [magic]
    for array in map(np.asarray, arrays):
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        if array.dtype.str.encode() not in _TYPES:
            raise ValueError(f"Arrays of {array.dtype} values are not kept in a cache: give numbers.")
        parts += [_HEAD.pack(array.dtype.str.encode(), array.ndim), np.array(array.shape, "<i8").tobytes(), array.data]
    digest = blake2b(digest_size=_SUM_BYTES)
    for part in parts:
        digest.update(part)
    return b"".join([*parts, digest.digest()])


def unpack_arrays(content: bytearray, magic: bytes, count: int) -> list[np.ndarray]:
    """Return the `count` arrays of an entry, which share its memory; ValueError unless `pack_arrays` wrote it."""
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


def read_bounded(path: Path, most: int) -> bytearray:
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


def file_name(key: str) -> str:
    """Refuse a key that could name a file elsewhere."""
    if not (isinstance(key, str) and key.isalnum() and key.isascii() and len(key) <= 128):
        raise ValueError(f"{key!r} is not a key: use what content_key returns.")
    return key
