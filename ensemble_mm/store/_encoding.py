"""Fitted objects as plain data: a tree of JSON, and the bytes of all arrays end to end; `_decoding` reads them.

A node is None, a number or a text as itself, or ``{tag: content}``, where the tag names a reader of `_decoding`. What
stands in several places has an ``"id"`` beside its tag where it is met first, and is ``{"ref": id}`` elsewhere. The
bytes of an array are not pointed at: they stand in the order of the tree.
"""

import functools
import types
import zlib
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from ._boosters import booster_kind, booster_state
from ._classes import name_of, without_places
from ._handed import check_object
from ._natives import native_node
from ._trees import pack_trees
from ._values import as_text

MANY = 16  # words or numbers, from where a list of them is kept as an array
MANY_TREES = 8  # trees, from where they are kept column by column
LONG = 1000  # characters, from where a text is kept among the arrays
NARROW = {"f": ("<f2", "<f4"), "i": ("|u1", "<u2", "<i4")}  # in which numbers are kept that they hold
WIDE = {"f": ("<f4", "<f8"), "i": ("<i2", "<i4", "<i8")}  # of what is kept in fewer bytes
LOWER = "lower"
PLANES, SAMPLE = "planes", 2**17  # bytes of numbers apart; how many bytes tell whether they take less room so
DEPTH = 100  # levels of containers and objects
KINDS = "biufcMmSUV"  # of arrays that are plain bytes


class Encoder:
    """Turn a model into nodes (`node`) and the bytes of its arrays (`blocks`)."""

    def __init__(self):
        self.blocks: list = []
        self._met: dict = {}  # id -> (the item, kept alive, and its node)
        self._equal: dict = {}  # arrays by what is in them: learners of several tasks hold the same
        self._open: set = set()  # ids of things that cannot refer to themselves
        self._n_shared = 0
        self._depth = 0

    def node(self, item):
        """Return the node of a thing.

        Raises
        ------
        ValueError
            When it has no place in a file.
        """
        if item is None or type(item) in (bool, int, float) or (type(item) is str and len(item) < LONG):
            return item
        if type(item) is np.ndarray and item.nbytes > LONG and item.dtype.kind in KINDS:
            place = "F" if item.flags.f_contiguous else "C"
            content = sha256(item.tobytes("A")).digest()
            item = self._equal.setdefault((item.dtype.str, item.shape, place, content), item)
        if id(item) in self._met:
            node = self._met[id(item)][1]
            if id(item) in self._open:
                raise ValueError(f"A {type(item).__name__} refers to itself, and such a thing cannot be saved.")
            if "id" not in node:
                self._n_shared += 1
                node["id"] = self._n_shared
            return {"ref": node["id"]}
        if self._depth > DEPTH:
            raise ValueError(f"It is nested more than {DEPTH} levels deep.")
        node: dict = {}
        self._met[id(item)] = item, node
        self._depth += 1
        changed_in_place = isinstance(item, (list, dict)) or _is_plain_object(item)
        if not changed_in_place:
            self._open.add(id(item))
        node.update(self._write(item))
        self._open.discard(id(item))
        self._depth -= 1
        return node

    def inner(self, item) -> dict | None:
        """Return the node of a part of a pandas object, which is not shared: pandas copies it when it is read."""
        return self._write(item) if item is not None else None

    def array(self, values) -> list:
        """Keep the bytes of an array; return their dtype, its shape, "F" where it lies column by column in memory, its
        own dtype where its numbers are kept in fewer bytes, PLANES where all first bytes of numbers come first,
        and LOWER where only what lies on and below the diagonal is kept.

        The order is kept since sums depend on it, in their last bits.
        """
        values = np.asarray(values)
        if values.dtype.names:  # what lies between the fields is whatever was in memory before
            values, fields = np.zeros(values.shape, values.dtype), values
            for name in values.dtype.names:
                values[name] = fields[name]
        order = ["F"] if values.flags.f_contiguous and not values.flags.c_contiguous else []
        kept = _narrowed(values)
        content, half = kept.tobytes(*order), []
        if _is_symmetric(kept):
            content, half = kept[np.tril_indices(len(kept))].tobytes(), [LOWER]
        planes = _in_planes(content, kept.dtype.itemsize) if kept.dtype.kind in "fiu" else None
        self.blocks.append(content if planes is None else planes)
        wide = [] if kept is values else [values.dtype.str]
        return [
            _spell_dtype(kept.dtype),
            list(values.shape),
            *order,
            *wide,
            *half,
            *([] if planes is None else [PLANES]),
        ]

    def many(self, parts: list):
        """Return the nodes of a sequence, or one column where all are words, numbers of one type, or trees."""
        kinds = set(map(type, parts)) if len(parts) >= MANY_TREES else set()
        if len(kinds) != 1 or (len(parts) < MANY and kinds & {str, int, float}):
            return [self.node(part) for part in parts]
        return self._column(parts, kinds.pop())

    def _column(self, parts: list, kind: type):
        """Return parts of one type as one column where there is one for it."""
        if kind is str:
            text = [part.encode("utf-8", "surrogatepass") for part in parts]
            lengths = np.array([len(part) for part in text], dtype=np.int32)
            return {"words": [self.raw(b"".join(text)), self.array(lengths)]}
        if kind is int and parts == list(range(parts[0], parts[0] + len(parts))):
            return {"counted": [parts[0], len(parts)]}
        if kind is float or (kind is int and -(2**63) <= min(parts) <= max(parts) < 2**63):
            return {"numbers": self.array(np.array(parts, dtype=np.int64 if kind is int else np.float64))}
        if len(parts) >= MANY and issubclass(kind, (np.number, np.bool_)):
            return {"scalars": self.array(np.array(parts))}
        if kind.__module__ == "sklearn.tree._tree":
            return {"trees": pack_trees(parts, self.array)}
        if kind.__module__.startswith("sklearn.tree."):
            return self._forest(parts, kind)
        return [self.node(part) for part in parts]

    def raw(self, content: bytes) -> list:
        return self.array(np.frombuffer(content, np.uint8))

    def _forest(self, parts, cls):
        """Return the estimators of a forest, each attribute once for all of them."""
        states = [_state_of(part) for part in parts]
        names = list(states[0])
        if any(list(state) != names for state in states):
            return [self.node(part) for part in parts]
        columns = []
        for name in names:
            values = [state[name] for state in states]
            same = all(_same(values[0], value) for value in values)
            columns.append({"same": self.node(values[0])} if same else self.many(values))
        return {"forest": [name_of(cls), len(parts), names, columns]}

    def _write(self, item) -> dict:
        kind = type(item)
        if isinstance(item, _FUNCTIONS):
            return {"function": name_of(item)}
        if kind in _WRITERS:
            return _WRITERS[kind](self, item)
        if (text := as_text(item)) is not None:
            return text
        for family, write in _FAMILIES:
            if isinstance(item, family):
                return write(self, item)
        if (library := booster_kind(item)) is not None:
            model, kept = booster_state(item)
            return {"booster": [library, self.raw(model), self.node(kept)]}
        native = native_node(item, self.array)
        if native is not None:
            return native
        if hasattr(item, "_fields") and isinstance(item, tuple):
            return {"named": [name_of(kind), self.many(list(item))]}
        if _is_plain_object(item) and _sets_its_state(kind):
            return {"own": [name_of(kind), self.node(item.__getstate__())]}
        state = _state_of(item)
        if state is None:
            raise ValueError(f"A {kind.__module__}.{kind.__qualname__} has no place in a model file.")
        check_object(item)
        return {"object": [name_of(kind), {name: self.node(value) for name, value in state.items()}]}


def _is_plain_object(item) -> bool:
    """Tell whether `pickle`, too, would make an object empty and give it a state."""
    cls = type(item)
    plain = cls.__reduce__ is object.__reduce__ and cls.__reduce_ex__ is object.__reduce_ex__
    return plain and not isinstance(item, (tuple, list, dict, set, frozenset, np.ndarray, np.generic))


def _state_of(item) -> dict | None:
    """Return the attributes that describe an object; None where it makes its state, or itself, in its own way."""
    if not _is_plain_object(item) or _sets_its_state(type(item)):
        return None
    state = item.__reduce_ex__(2)[2]  # TypeError for what is written in C and says nothing of its state
    if isinstance(state, tuple):  # slots
        state = {**(state[0] or {}), **state[1]}
    if state is None:
        return {}
    if not isinstance(state, dict):
        return None
    state = {name: value for name, value in state.items() if name != "_sklearn_version"}
    if type(item).__module__.startswith("sklearn.linear_model"):
        state.pop("_loss_function_", None)  # compiled, and made anew by each fit
    return without_places(state)


def _sets_its_state(cls) -> bool:
    """Tell whether a class has a way of its own to take its state; what scikit-learn's do, `_natives` does."""
    setter = getattr(cls, "__setstate__", BaseEstimator.__setstate__)
    return setter is not BaseEstimator.__setstate__ and not cls.__module__.startswith("sklearn.")


def _same(a, b) -> bool:
    """Tell whether two plain values are equal, of one type; False for what is not plain."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and not a.dtype.hasobject and a.shape == b.shape and a.tobytes() == b.tobytes()
    return isinstance(a, (type(None), bool, int, float, str)) and (a is b or a == b)


def _narrowed(values):
    """Return numbers in the fewest bytes that hold them as they are."""
    if values.size >= MANY and values.dtype.str in WIDE.get(values.dtype.kind, ()):
        with np.errstate(over="ignore", invalid="ignore"):
            for narrow in NARROW[values.dtype.kind]:
                kept = values.astype(narrow)
                if kept.itemsize < values.itemsize and np.array_equal(kept, values, equal_nan=True):
                    return kept
    return values


def _is_symmetric(values) -> bool:
    """Tell whether a matrix of numbers is its own transpose, to the bit: 0.0 is not -0.0."""
    square = values.ndim == 2 and MANY <= values.shape[0] == values.shape[1] and values.dtype.kind in "fiu"
    return square and np.array_equal(values, values.T) and values.tobytes() == values.T.tobytes()


def _in_planes(content: bytes, size: int) -> bytes | None:
    """Return the first bytes of all numbers, then their second bytes, and so on; None where that takes no less room."""
    if size == 1 or len(content) < LONG:
        return None
    some = content[: SAMPLE // size * size]
    apart, planes = (np.frombuffer(part, np.uint8).reshape(-1, size).T.tobytes() for part in (some, content))
    return planes if len(zlib.compress(apart, 1)) < len(zlib.compress(some, 1)) else None


def _spell_dtype(dtype) -> str | list:
    if dtype.names:
        if any(dtype[name].names or dtype[name].shape for name in dtype.names):
            raise ValueError(f"Arrays of the nested type {dtype} cannot be saved.")
        offsets = [dtype.fields[name][1] for name in dtype.names]
        return [list(dtype.names), [dtype[name].str for name in dtype.names], offsets, dtype.itemsize]
    if dtype.kind not in KINDS or not dtype.itemsize:
        raise ValueError(f"Arrays of type {dtype} cannot be saved.")
    return dtype.str


def _array(encoder, item):
    if type(item) is not np.ndarray:
        item = np.asarray(item).view(np.ndarray)  # a memory map points to a file of this machine
    if item.dtype.kind in "OT":
        return {"objects": [item.dtype.kind, list(item.shape), encoder.many(item.ravel().tolist())]}
    if item.dtype.kind in "SU" and not item.dtype.itemsize:
        item = item.astype(item.dtype.kind + "1")
    return {"array": encoder.array(item)}


def _frame(encoder, item):
    columns = [encoder.inner(_values(item.iloc[:, j])) for j in range(item.shape[1])]
    return {"frame": [columns, _index(encoder, item.index, item.shape[1]), encoder.inner(item.columns)]}


def _index(encoder, index, n_columns=0):
    """The index of a frame; a plain range takes no room where columns tell its length."""
    if n_columns and isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
        return {"count": index.name} if index.name is None or type(index.name) is str else encoder.inner(index)
    return encoder.inner(index)


def _values(column):
    """The values of a column or an index: an ndarray where it holds them so, else its own array."""
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array


def _sparse(encoder, item):
    name = type(item).__name__
    if name[:3] not in ("csr", "csc"):
        item, name = (sp.csr_array if isinstance(item, sp.sparray) else sp.csr_matrix)(item), "csr_" + name[4:]
    parts = [encoder.array(part) for part in (item.data, item.indices, item.indptr)]
    return {"sparse": [name, list(item.shape), *parts]}


def _dtype(encoder, item):
    if isinstance(item, pd.CategoricalDtype):
        return {"category": [encoder.inner(item.categories), item.ordered]}
    return {"dtype": [True, str(item)] if isinstance(item, pd.api.extensions.ExtensionDtype) else [False, item.str]}


def _order(item):
    """Sets have no order, and files of equal models are equal."""
    return type(item).__name__, repr(item)


_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, np.ufunc, type(np.mean), type)
_WRITERS = {  # of exact types
    str: lambda e, x: {"text": e.raw(x.encode("utf-8", "surrogatepass"))},
    complex: lambda e, x: {"complex": [x.real, x.imag]},
    bytes: lambda e, x: {"bytes": e.raw(x)},
    bytearray: lambda e, x: {"bytearray": e.raw(bytes(x))},
    list: lambda e, x: {"list": e.many(x)},
    tuple: lambda e, x: {"tuple": e.many(list(x))},
    set: lambda e, x: {"set": e.many(sorted(x, key=_order))},
    frozenset: lambda e, x: {"frozenset": e.many(sorted(x, key=_order))},
    dict: lambda e, x: {"dict": [e.many(list(x)), e.many(list(x.values()))]},
    OrderedDict: lambda e, x: {"ordered": [e.many(list(x)), e.many(list(x.values()))]},
    Counter: lambda e, x: {"counter": [e.many(list(x)), e.many(list(x.values()))]},
    Bunch: lambda e, x: {"bunch": [e.many(list(x)), e.many(list(x.values()))]},
    defaultdict: lambda e, x: {"default": [e.node(x.default_factory), e.many(list(x)), e.many(list(x.values()))]},
    range: lambda e, x: {"range": [x.start, x.stop, x.step]},
    slice: lambda e, x: {"slice": [e.node(x.start), e.node(x.stop), e.node(x.step)]},
    functools.partial: lambda e, x: {"partial": [e.node(x.func), e.node(x.args), e.node(x.keywords)]},
    pd.Interval: lambda e, x: {"interval": [e.node(x.left), e.node(x.right), x.closed]},
    pd.RangeIndex: lambda e, x: {"index": [{"array": e.array(np.asarray(x))}, e.node(x.name)]},
}
_FAMILIES: list[tuple[Any, Callable]] = [
    (np.generic, lambda e, x: {"scalar": e.array(np.asarray(x))}),
    (np.ndarray, _array),
    (pd.DataFrame, _frame),
    (pd.Series, lambda e, x: {"series": [e.inner(_values(x)), _index(e, x.index, 1), e.node(x.name)]}),
    (pd.MultiIndex, lambda e, x: {"multiindex": [[e.inner(level) for level in x.levels],
                                                 [e.array(np.asarray(codes)) for codes in x.codes],
                                                 [e.node(name) for name in x.names]]}),
    (pd.Index, lambda e, x: {"index": [e.inner(_values(x)), e.node(x.name)]}),
    (pd.Categorical, lambda e, x: {"categorical": [e.array(x.codes), e.inner(x.categories), x.ordered]}),
    (pd.arrays.PeriodArray, lambda e, x: {"periods": [e.array(x.asi8), str(x.dtype)]}),
    (pd.api.extensions.ExtensionArray, lambda e, x: {"extension": [str(x.dtype), e.many(x.to_numpy(object).tolist())]}),
    ((np.dtype, pd.api.extensions.ExtensionDtype), _dtype),
    ((sp.sparray, sp.spmatrix), _sparse),
]  # fmt: skip
