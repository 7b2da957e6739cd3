"""What reads each kind of node of a model file; see `_decoding` for who asks.

A reader is given the `Decoder`, the content of the node, and the number under which the thing is known elsewhere."""

import functools
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils import Bunch

from ._boosters import empty_booster
from ._encoding import KINDS, LONG
from ._natives import NATIVE_READERS
from ._trees import require
from ._values import FROM_TEXT, check_type_name


def read_dtype(spelt) -> np.dtype:
    if type(spelt) is str:
        dtype = np.dtype(spelt)
        require(dtype.names is None and dtype.subdtype is None, "a type is invalid")
    else:
        names, formats, offsets, size = spelt
        require(all(type(part) is str and np.dtype(part).kind in KINDS for part in formats), "a type is invalid")
        require(len(names) == len(formats) == len(offsets) and type(size) is int and size < 2**20, "a type is invalid")
        require(all(type(at) is int for at in offsets), "a type is invalid")
        ends = [0, *(at + np.dtype(part).itemsize for at, part in zip(offsets, formats, strict=True))]
        fits = all(end <= at for end, at in zip(ends, [*offsets, size], strict=True))
        require(fits, "a type is invalid")  # NumPy's own check of it overflows
        dtype = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})
    require(dtype.kind in KINDS and 0 < dtype.itemsize < 2**31 and not dtype.hasobject, "a type is invalid")
    return dtype


def _read_object(d, content, number):
    name, nodes = content
    cls = d.finder.find_class(name)
    if cls is None:
        return d.state(nodes) and None  # goes on, to tell all the names that are refused
    require(
        cls.__reduce__ is object.__reduce__ and not issubclass(cls, (tuple, list, dict)), f"{name} is not an object"
    )
    made = d.hold(number, cls.__new__(cls))
    return d.fill(made, name, d.state(nodes))


def _read_own(d, content, number):
    """An object that takes its state in a way of its own, which only the user can trust."""
    name, state = content
    cls, state = d.finder.find_class(name), d.node(state)
    if cls is None:
        return None
    require(d.finder.is_trusted(name), f"{name} is not an object with a state of its own")
    made = cls.__new__(cls)
    made.__setstate__(state)
    return made


def _read_function(d, content, number):
    require(type(content) is str, "a function is invalid")
    return d.finder.find_function(content)


def _read_partial(d, content, number):
    function, args, keywords = (d.node(part) for part in content)
    require(type(args) is tuple and type(keywords) is dict, "a partial is invalid")
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
    require(isinstance(names, pd.Index) and isinstance(index, pd.Index), "a table is invalid")
    require(len(names) == len(series) and all(len(column) == len(index) for column in series), "a table is invalid")
    d.spend(2000 * len(series))
    series = [pd.Series(column, index=index, dtype=column.dtype) for column in series]  # else objects become text
    frame = pd.DataFrame(dict(enumerate(series)), index=index)
    frame.columns = names
    return frame


def _column_of(values):
    require(
        isinstance(values, (np.ndarray, pd.api.extensions.ExtensionArray)) and values.ndim == 1, "a column is invalid"
    )
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
    require(all(isinstance(level, pd.Index) for level in levels), "an index is invalid")
    codes = [d.array_of(part, "i", 1) for part in content[1]]
    return pd.MultiIndex(levels=levels, codes=codes, names=[d.node(name) for name in content[2]])


def _read_categorical(d, content, number):
    codes, categories, ordered = d.array_of(content[0], "i", 1), d.node(content[1]), content[2]
    require(isinstance(categories, pd.Index), "categories are invalid")
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
    return pd.api.types.pandas_dtype(name) if extends else read_dtype(name)


def _read_sparse(d, content, number):
    name, shape, *parts = content
    classes = {cls.__name__: cls for cls in (sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.csc_array)}
    fits = name in classes and len(shape) == 2 and all(type(n) is int and 0 <= n < 2**31 for n in shape)
    require(fits, "a matrix is invalid")
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
    require(factory in (None, int, float, str, bool, list, dict, set, OrderedDict), "a default is invalid")
    return defaultdict(factory)


def _read_named(d, content, number):
    name, parts = content
    cls, parts = d.finder.find_class(name), d.many(parts)
    if cls is None:
        return None
    require(issubclass(cls, tuple) and len(getattr(cls, "_fields", ())) == len(parts), f"{name} is not a named tuple")
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
    require(type(content[1]) is str, "a type is invalid")
    return pd.arrays.PeriodArray(d.array_of(content[0], "i", 1), dtype=pd.PeriodDtype(content[1][7:-1]))


def _read_category(d, content, number):
    categories = d.node(content[0])
    require(categories is None or isinstance(categories, pd.Index), "categories are invalid")
    return pd.CategoricalDtype(categories, content[1] is True)


def _from_text(make):
    def read(d, content, number):
        require(type(content) is str and len(content) < 2 * LONG, "a value is invalid")
        return make(content)

    return read


def _read_range(d, content, number):
    require(type(content) is list and all(type(part) is int for part in content), "a range is invalid")
    made = range(*content)
    d.spend(32 * max(0, (made.stop - made.start) // made.step))  # whoever takes it may make a list of it
    return made


READERS = {
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
