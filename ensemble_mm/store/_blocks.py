"""Blocks of features that lie on disk while a fit runs, as memory maps."""

import math
import mmap
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import numpy as np
from scipy import sparse

from .._checks import printable, writing_into
from .._rows import PREFIX, whole_of

LEAST = 1_000_000  # bytes of a block that is written
ROWS = 8192  # that are written at a time


class BlockFolder:
    """A folder of its own for features, which is removed when it is closed.

    Parameters
    ----------
    parent : path or None, default=None
        The folder that it lies in; None: that of the system for what is temporary.
    """

    def __init__(self, parent=None):
        with writing_into(parent, "features"):
            if parent is not None:
                Path(parent).mkdir(parents=True, exist_ok=True)
            self._folder = TemporaryDirectory(prefix=PREFIX, dir=parent, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)

    def __reduce__(self):
        return _reopened, (self.path,)  # in another process, which does not remove it

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._folder.cleanup()

    @property
    def free(self) -> int:
        """Bytes that can be written."""
        return shutil.disk_usage(self.path).free

    def keep(self, block):
        """Write a block, dense or CSR, and return it as a memory map; one that is on disk stays as it is.

        A small one stays in memory, and any where the disk is full. What is changed in it later is changed in memory
        alone.
        """
        parts = _parts_of(block)
        if not _is_mapped(parts[0]) and not self._takes(len(parts) * parts[0].nbytes):
            return block
        if all(map(_is_mapped, parts)):
            return block
        return _block_of([part if _is_mapped(part) else self._mapped(part) for part in parts], block.shape)

    def room(self, shape, dtype):
        """Return an array of NaN (of whole numbers: 0) to put rows into, on disk where `keep` would write one.

        Give it to `sealed` when all rows are there.
        """
        nothing = np.nan if np.dtype(dtype).kind == "f" else 0
        if not self._takes(np.dtype(dtype).itemsize * math.prod(shape)):
            return np.full(shape, nothing, dtype)
        path, rows = self._new_path(), ROWS
        with writing_into(self.path.parent, "features"), open(path, "wb") as file:
            _write_head(file, shape, dtype)
            for start in range(0, shape[0], rows):  # a hole in the file would end the process where the disk is full
                np.full((min(rows, shape[0] - start), *shape[1:]), nothing, dtype).tofile(file)
        return np.load(path, mmap_mode="r+")

    def written(self, parts, dtypes):
        """Write one array per dtype, of one axis; each item of `parts` holds the next piece of every array.

        Returns
        -------
        list of memmap
            One per dtype, as `keep` returns them.
        """
        paths, sizes = [self._new_path() for _ in dtypes], [0] * len(dtypes)
        with writing_into(self.path.parent, "features"), ExitStack() as stack:
            files = [stack.enter_context(open(path, "wb")) for path in paths]
            for file, dtype in zip(files, dtypes, strict=True):
                _write_head(file, (0,), dtype)
            for part in parts:
                for i, (array, dtype) in enumerate(zip(part, dtypes, strict=True)):
                    sizes[i] += len(array)
                    np.ascontiguousarray(array, dtype).tofile(files[i])
            for file, n, dtype in zip(files, sizes, dtypes, strict=True):
                file.seek(0)
                _write_head(file, (n,), dtype)  # as long as before: there is room for any number
        return [np.load(path, mmap_mode="c") for path in paths]

    def sealed(self, block):
        """Return a block that `room` made as `keep` returns blocks."""
        if not isinstance(block, np.memmap):
            return block
        block.flush()
        return np.load(block.filename, mmap_mode="c")

    def forget(self, block):
        """Remove the file of an array that is not read any more, if it has one here.

        Disk space is free again when nothing maps the file. Where an open file cannot be removed, it stays.
        """
        shown = whole_of(block)
        if (
            isinstance(shown, np.memmap)
            and Path(shown.filename or "").parent == self.path.resolve()
            and os.name != "nt"
        ):
            Path(shown.filename).unlink(missing_ok=True)

    def unnamed(self, block):
        """Return a block that can outlive the folder: other processes get its numbers, not the name of the file.

        Where an open file cannot be removed, the numbers are copied into memory.
        """
        shown = whole_of(block)
        if not isinstance(shown, np.memmap) or Path(shown.filename or "").parent != self.path.resolve():
            return block
        if os.name == "nt":
            return np.array(block)
        return np.ndarray(block.shape, block.dtype, shown._mmap, shown.offset % mmap.ALLOCATIONGRANULARITY)

    def _takes(self, size):
        return LEAST <= size <= self.free / 2

    def _new_path(self):
        return self.path / f"{uuid4().hex}.npy"

    def _mapped(self, array):
        path = self._new_path()
        with writing_into(self.path.parent, "features"):
            np.save(path, array)
        return np.load(path, mmap_mode="c")


def _reopened(path):
    folder = BlockFolder.__new__(BlockFolder)
    folder.path = path
    return folder


@dataclass(frozen=True)
class Named:
    """A block on disk as it goes to a process that sees the folder: by the names of its files."""

    paths: tuple[str, ...]
    shape: tuple[int, ...]


def named(value):
    """Return a value, which may hold blocks in tuples, lists and dicts, with those on disk by name."""
    return _each(value, _named)


def shown(value):
    """Return what `named` was given, in whatever process."""
    return _each(value, lambda part: _shown(part) if isinstance(part, Named) else part)


def _each(value, call):
    if type(value) in (tuple, list):
        return type(value)(_each(part, call) for part in value)
    if type(value) is dict:
        return {key: _each(part, call) for key, part in value.items()}
    return call(value)


def _named(block):
    if not isinstance(block, np.ndarray | sparse.csr_matrix):
        return block
    parts = _parts_of(block)
    return Named(tuple(str(part.filename) for part in parts), block.shape) if all(map(_is_file, parts)) else block


def _is_file(array) -> bool:
    """Tell whether an array is all that a file in such a folder holds."""
    is_whole = isinstance(array, np.memmap) and not isinstance(array.base, np.ndarray)
    return is_whole and Path(array.filename or "").parent.name.startswith(PREFIX)


def _shown(block):
    try:
        return _block_of([np.load(path, mmap_mode="c") for path in block.paths], block.shape)
    except FileNotFoundError as error:
        words = f"{printable(error.filename)}, a file of features, is not there: name a workdir that all workers see."
        raise FileNotFoundError(words) from error


def _parts_of(block):
    return [block.data, block.indices, block.indptr] if sparse.issparse(block) else [block]


def _block_of(parts, shape):
    if len(parts) == 1:
        return parts[0]
    block = sparse.csr_matrix(shape, dtype=parts[0].dtype)
    block.data, block.indices, block.indptr = parts  # the constructor would look at all of it
    return block


def _write_head(file, shape, dtype):
    form = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, form)


def _is_mapped(array) -> bool:
    """Tell whether an array shows a file; one that came back from a pickle has lost it."""
    return getattr(whole_of(array), "filename", None) is not None
