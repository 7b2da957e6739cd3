"""Fitted objects as plain data: what a model file cannot hold otherwise, and back.

skops writes estimators, arrays and plain containers. `pack` returns the same graph with all else replaced by `Packed`
notes: pandas objects, dicts whose keys are not text, paths, times. So are long lists of text or of NumPy's numbers, as
arrays instead of a node for each, the trees of a forest, and what several places share, which skops would write once a
place. Objects are copied where something below them is replaced; the model that is saved is not touched. `unpack` puts
the things back.
"""

import datetime
import types
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from ._forests import build_forest, check_built_tree, check_tree, check_width, is_tree, pack_forest

_LONG = 16  # words, from where a list of text is packed
_FOLDERS = ("cache", "checkpoint")  # places on one machine, not part of a model
_SKLEARN_FOLDERS = ("memory",)  # the same, of pipelines: joblib would unpickle what lies there
_LEAVES = (
    str, bytes, bytearray, bool, int, float, complex, type(None), type, np.generic, np.dtype, np.random.RandomState,
    np.random.Generator, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, np.ufunc,
    sp.spmatrix, sp.sparray, slice, range,
)  # fmt: skip


class Packed:
    """One thing that was replaced: what it was, and its content as plain data."""

    def __init__(self, kind: str, content):
        self.kind = kind
        self.content = content


def pack(item):
    """Return `item` with everything replaced that skops cannot hold, or holds badly."""
    first = _Packer()
    first.visit(item)
    return _Packer(first.twice).visit(item)


def unpack(item):
    """Put back what `pack` replaced. Containers and objects are changed in place.

    Raises
    ------
    ValueError
        When a note makes no sense, or a tree points outside itself.
    """
    return _Unpacker().visit(item)


def _has_plain_state(item) -> bool:
    """Tell whether an object is its ``__dict__``: no state, slots or constructor of its own making."""
    cls = type(item)
    if not hasattr(item, "__dict__") or getattr(cls, "__reduce__", None) is not object.__reduce__:
        return False
    return getattr(cls, "__getstate__", None) in (object.__getstate__, BaseEstimator.__getstate__)


def _is_changed_in_place(item) -> bool:
    """Tell whether `unpack` gives back the very object, so that what lies below it can refer to it."""
    if isinstance(item, dict):
        return all(type(key) is str for key in item)
    return isinstance(item, list) or (_has_plain_state(item) and not isinstance(item, (tuple, set, frozenset)))


def _own_state(item) -> dict:
    """The ``__dict__`` of an object, without what belongs to a machine or a session."""
    state = {name: value for name, value in vars(item).items() if name != "_skl_callbacks"}
    folders = {"ensemble_mm": _FOLDERS, "sklearn": _SKLEARN_FOLDERS}.get(type(item).__module__.partition(".")[0], ())
    state.update((name, None) for name in folders if name in state)
    if folders is _FOLDERS and "allow_download" in state:
        state["allow_download"] = False  # whether anything is fetched is said on the machine that would fetch it
    return state


class _Packer:
    def __init__(self, shared=()):
        self.done = {}  # id -> (the item, kept alive; its packed form, or its number)
        self.open = set()
        self.twice = set()  # ids that were met more than once
        self.shared = {key: number for number, key in enumerate(shared)}

    def visit(self, item):
        if isinstance(item, _LEAVES) and type(item).__name__ != "memmap":
            return item
        if id(item) in self.done:
            if not isinstance(item, np.ndarray) and not (isinstance(item, (tuple, list, dict)) and not item):
                self.twice.add(id(item))
            return self.done[id(item)][1]
        if id(item) in self.open:
            if not _is_changed_in_place(item):
                raise ValueError(f"A {type(item).__name__} refers to itself, and such a thing cannot be saved.")
            self.twice.add(id(item))
            return Packed("again", self.shared.get(id(item)))
        self.open.add(id(item))
        packed = again = self._pack(item)
        self.open.discard(id(item))
        if id(item) in self.shared:
            number = self.shared[id(item)]
            packed, again = Packed("shared", [number, packed]), Packed("again", number)
        self.done[id(item)] = item, again
        return packed

    def _pack(self, item):
        if isinstance(item, np.ndarray):
            return self._array(item)
        if isinstance(item, dict):
            return self._dict(item)
        if isinstance(item, (list, tuple, set, frozenset)):
            return self._sequence(item)
        if isinstance(item, pd.DataFrame):
            columns = [self.visit(_values(item.iloc[:, j])) for j in range(item.shape[1])]
            return Packed("frame", [self.visit(item.columns), self.visit(item.index), columns])
        if isinstance(item, pd.MultiIndex):
            return Packed("multiindex", [self.visit(list(item.names)), [self.visit(level) for level in item.levels],
                                         [np.asarray(codes) for codes in item.codes]])  # fmt: skip
        if isinstance(item, pd.RangeIndex):
            return Packed("range", [item.start, item.stop, item.step, self.visit(item.name)])
        if isinstance(item, pd.Index):
            return Packed("index", [self.visit(_values(item)), self.visit(item.name)])
        if isinstance(item, pd.Series):
            return Packed("series", [self.visit(_values(item)), self.visit(item.index), self.visit(item.name)])
        if isinstance(item, pd.Categorical):
            return Packed("categorical", [np.asarray(item.codes), self.visit(item.categories), bool(item.ordered)])
        if isinstance(item, pd.arrays.PeriodArray):
            return Packed("periods", [np.asarray(item.asi8), str(item.dtype)])
        if isinstance(item, pd.api.extensions.ExtensionArray):
            return Packed("extension", [self.visit(item.to_numpy(object)), str(item.dtype)])
        if isinstance(item, pd.api.extensions.ExtensionDtype) and not isinstance(item, pd.CategoricalDtype):
            return Packed("dtype", str(item))
        if isinstance(item, pd.CategoricalDtype):
            return Packed("category", [self.visit(item.categories), item.ordered])
        if item is pd.NA or item is pd.NaT:
            return Packed("missing", str(item))
        if isinstance(item, PurePath):
            return Packed("path", str(item))
        if isinstance(item, (datetime.date, datetime.time, datetime.timedelta)):
            return _pack_time(item)
        if _has_plain_state(item):
            return self._object(item)
        return item

    def _array(self, item):
        if type(item) is not np.ndarray and not isinstance(item, np.ma.MaskedArray):
            item = np.asarray(item).view(np.ndarray)  # a memory map points to a file of this machine
        if item.dtype.kind == "T":
            return Packed("words", [*_pack_words(item.ravel().tolist()), list(item.shape), "T"])
        if not item.dtype.hasobject or item.dtype.names:
            return item
        flat = item.ravel().tolist()
        if _are_words(flat):
            return Packed("words", [*_pack_words(flat), list(item.shape), "O"])
        forest = pack_forest(flat, self.visit)
        packed = [self.visit(part) for part in flat] if forest is None else Packed("forest", forest)
        if item.ndim == 1 and forest is None and all(a is b for a, b in zip(flat, packed, strict=True)):
            return item
        return Packed("objects", [packed, list(item.shape)])

    def _dict(self, item):
        keys, values = list(item), list(item.values())
        if type(item) is dict and _are_words(keys) and set(map(type, values)) == {int}:
            return Packed("counts", [*_pack_words(keys), np.array(values, dtype=np.int64)])
        if type(item) is dict and _are_words(keys) and _are_scalars(values):
            return Packed("dict", [self.visit(keys), Packed("scalars", np.array(values))])
        packed = [self.visit(value) for value in values]
        if not all(type(key) is str for key in keys) or (type(item) is dict and _are_words(keys)):
            if type(item) is not dict:
                raise ValueError(f"A {type(item).__name__} whose keys are not text cannot be saved.")
            return Packed("dict", [self.visit(keys), packed])
        if all(a is b for a, b in zip(values, packed, strict=True)):
            return item
        new = type(item)()
        if hasattr(item, "default_factory"):
            new.default_factory = item.default_factory
        new.update(zip(keys, packed, strict=True))
        return new

    def _sequence(self, item):
        parts = list(item)
        if type(item) is list and _are_words(parts):
            return Packed("words", [*_pack_words(parts), None, "list"])
        if type(item) is list and _are_scalars(parts):
            return Packed("scalars", np.array(parts))
        if type(item) is list and (forest := pack_forest(parts, self.visit)) is not None:
            return Packed("forest", forest)
        packed = [self.visit(part) for part in parts]
        if isinstance(item, frozenset):
            return Packed("frozenset", packed)
        if all(a is b for a, b in zip(parts, packed, strict=True)):
            return item
        if isinstance(item, set):
            return Packed("set", packed)
        return type(item)(*packed) if hasattr(item, "_fields") else type(item)(packed)

    def _object(self, item):
        packed = {name: self.visit(value) for name, value in _own_state(item).items()}
        if all(packed.get(name, self) is value for name, value in vars(item).items()):
            return item
        new = object.__new__(type(item))
        new.__dict__.update(packed)
        return new


class _Unpacker:
    def __init__(self):
        self.done = {}
        self.shared = {}

    def visit(self, item):
        if isinstance(item, _LEAVES):
            if sp.issparse(item) and hasattr(item, "check_format"):
                item.check_format(full_check=True)  # SciPy's loops trust the indices
            return item
        if id(item) in self.done:
            return self.done[id(item)][1]
        self.done[id(item)] = item, item
        new = self._unpack(item)
        self.done[id(item)] = item, new
        return new

    def _unpack(self, item):
        if isinstance(item, Packed):
            if item.kind == "shared":
                number, content = item.content
                self.shared[number] = content  # what lies below may refer to it
                self.shared[number] = self.visit(content)
                return self.shared[number]
            if item.kind == "again":
                return self.shared[item.content]
            builder = _BUILDERS.get(item.kind)
            if builder is None:
                raise ValueError(f"it holds a {item.kind!r}, which this version does not know")
            return builder(self.visit(item.content))
        if isinstance(item, dict):
            for key, value in list(item.items()):
                item[key] = self.visit(value)
        elif isinstance(item, list):
            item[:] = [self.visit(value) for value in item]
        elif isinstance(item, tuple):
            packed = [self.visit(value) for value in item]
            if any(a is not b for a, b in zip(item, packed, strict=True)):
                return type(item)(*packed) if hasattr(item, "_fields") else tuple(packed)
        elif isinstance(item, np.ndarray):
            if item.dtype == object:
                for place, value in enumerate(item.ravel().tolist()):
                    item.flat[place] = self.visit(value)
        elif is_tree(item):
            check_built_tree(item)
        elif _has_plain_state(item):
            state = vars(item)
            new = {name: self.visit(value) for name, value in _own_state(item).items()}
            state.clear()
            state.update(new)
            if type(item).__name__ == "TreePredictor" and type(item).__module__.startswith("sklearn."):
                nodes = item.nodes
                check_tree(nodes, "left", "right", "feature_idx", None, nodes["is_leaf"])
            if type(item).__module__.startswith("sklearn."):
                check_width(item)
        return item


def _values(column):
    """The values of a column or an index: an ndarray where it holds them so, else its own array."""
    values = column.array
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else values


def _are_words(parts) -> bool:
    return len(parts) >= _LONG and set(map(type, parts)) == {str}


def _are_scalars(parts) -> bool:
    """Tell whether these are many numbers of one NumPy type, such as the places of a vocabulary."""
    kinds = set(map(type, parts))
    return len(parts) >= _LONG and len(kinds) == 1 and issubclass(kinds.pop(), (np.number, np.bool_))


def _pack_words(parts) -> list[np.ndarray]:
    """Text as its bytes, end to end, and the length of each piece."""
    pieces = [part.encode("utf-8", "surrogatepass") for part in parts]
    return [np.frombuffer(b"".join(pieces), dtype=np.uint8), np.array([len(piece) for piece in pieces], dtype=np.int32)]


def _read_words(text: np.ndarray, lengths: np.ndarray) -> list[str]:
    if (lengths < 0).any() or lengths.sum(dtype=np.int64) != len(text):
        raise ValueError("the lengths of its texts do not add up")
    text, ends = text.astype(np.uint8).tobytes(), np.cumsum(lengths, dtype=np.int64).tolist()
    starts = [0, *ends[:-1]] if ends else []
    return [text[a:b].decode("utf-8", "surrogatepass") for a, b in zip(starts, ends, strict=True)]


def _pack_time(item) -> Packed:
    if isinstance(item, pd.Timedelta):
        return Packed("timedelta", item.isoformat())
    if isinstance(item, datetime.timedelta):
        return Packed("pytimedelta", [item.days, item.seconds, item.microseconds])
    return Packed(type(item).__name__.lower(), item.isoformat())


def _build_words(content):
    text, lengths, shape, kind = content
    words = _read_words(text, lengths)
    if kind == "list":
        return words
    return np.array(words, dtype=np.dtypes.StringDType() if kind == "T" else object).reshape(tuple(shape))


def _build_objects(content):
    parts, shape = content
    array = np.empty(len(parts), dtype=object)
    for place, part in enumerate(parts):
        array[place] = part
    return array.reshape(tuple(shape))


def _build_frame(content):
    columns, index, values = content
    series = {i: pd.Series(column, index=index, dtype=column.dtype) for i, column in enumerate(values)}
    frame = pd.DataFrame(series, index=index, columns=range(len(columns)))
    frame.columns = columns
    return frame


def _build_multiindex(content):
    names, levels, codes = content
    return pd.MultiIndex(levels=levels, codes=codes, names=names)


def _build_index(content):
    values, name = content
    return pd.Index(values, name=name, dtype=values.dtype)


def _build_extension(content):
    values, name = content
    if name == "str" and not isinstance(pd.api.types.pandas_dtype(name), pd.api.extensions.ExtensionDtype):
        # Before pandas 3 text is of type object; "str" would make texts of its holes.
        return np.where(pd.isna(values), None, values)
    return pd.array(values, dtype=name)


_BUILDERS = {
    "words": _build_words,
    "objects": _build_objects,
    "forest": build_forest,
    "counts": lambda c: dict(zip(_read_words(c[0], c[1]), c[2].tolist(), strict=True)),
    "scalars": list,
    "dict": lambda c: dict(zip(c[0], c[1], strict=True)),
    "set": set,
    "frozenset": frozenset,
    "frame": _build_frame,
    "series": lambda c: pd.Series(c[0], index=c[1], name=c[2], dtype=c[0].dtype),
    "index": _build_index,
    "range": lambda c: pd.RangeIndex(c[0], c[1], c[2], name=c[3]),
    "multiindex": _build_multiindex,
    "categorical": lambda c: pd.Categorical.from_codes(c[0], categories=c[1], ordered=c[2]),
    "category": lambda c: pd.CategoricalDtype(c[0], c[1]),
    "periods": lambda c: pd.arrays.PeriodArray(c[0], dtype=c[1]),
    "extension": _build_extension,
    "dtype": lambda c: _build_extension([np.empty(0, object), c]).dtype,
    "missing": lambda c: pd.NA if c == "<NA>" else pd.NaT,
    "path": lambda c: Path(c),
    "timestamp": pd.Timestamp,
    "timedelta": pd.Timedelta,
    "pytimedelta": lambda c: datetime.timedelta(*c),
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
}
