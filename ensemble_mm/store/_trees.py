"""Decision trees of scikit-learn in model files: the leaves and the splits, from which the rest is made anew.

A tree lies in memory with every node before its left child, and the left child's nodes before the right one's. Which
nodes are leaves says then how all hang together, and what a node counts and predicts is that of its leaves together.
Trees that were built otherwise, as those of boosting, are kept whole.
"""

import numpy as np

_SIDES = ("left_child", "right_child")
_SPLIT = ("feature", "threshold", "missing_go_to_left")  # of nodes that are no leaves
_COUNTED = ("n_node_samples", "weighted_n_node_samples")  # of leaves, whose sums are those of the nodes above
_NO_SPLIT = {"left_child": -1, "right_child": -1, "feature": -2, "threshold": -2.0}  # what scikit-learn gives a leaf
_NEAR = 1e-6  # of the largest number, up to which what is made anew is the same


def require(holds, words: str):
    """Refuse a file: ValueError with what is wrong, unless it holds."""
    if not holds:
        raise ValueError(words)


def pack_trees(trees, array) -> list:
    """Return decision trees as a few arrays for all of them."""
    states = [tree.__getstate__() for tree in trees]
    n_features, n_classes, n_outputs = trees[0].__reduce__()[1]
    require(all(_shape_of(tree) == _shape_of(trees[0]) for tree in trees), "the trees of a forest differ in shape")
    nodes = np.concatenate([_slim(state["nodes"]) for state in states], dtype=states[0]["nodes"].dtype)
    values = np.concatenate([state["values"] for state in states])
    counts, depths = (np.array([int(state[name]) for state in states]) for name in ("node_count", "max_depth"))
    head = [n_features, n_outputs, array(n_classes)]
    parts = _leaves_of(nodes, values)
    if _is_near(parts, nodes, values, counts):
        return [*head, {"leaves": [array(part) for part in parts]}, array(counts)]
    for side in _SIDES:  # steps from node to node take few bytes
        nodes[side] = np.where(nodes[side] < 0, 0, nodes[side] - _places(counts))
    fields = {"fields": [array(nodes[name]) for name in nodes.dtype.names or ()]}
    return [*head, fields, *map(array, (values, counts, depths))]


def read_trees(content, decoder) -> list:
    """Build decision trees, and check that no walk leaves them."""
    from sklearn.tree._tree import NODE_DTYPE, Tree

    n_features, n_outputs, n_classes, described, *arrays = content
    n_classes = decoder.array(n_classes)
    require(type(n_features) is int and 0 < n_features < 2**31 and type(n_outputs) is int, "a decision tree is invalid")
    require(n_classes.dtype == np.intp and n_classes.shape == (n_outputs,) and (n_classes > 0).all() and n_outputs > 0,
            "a decision tree is invalid")  # fmt: skip
    if type(described) is dict and list(described) == ["leaves"]:
        parts, (counts,) = [decoder.array(part) for part in described["leaves"]], map(decoder.array, arrays)
        _check_counts(counts, len(parts[0]))
        _check_values(parts[-1], n_classes)  # before they grow
        decoder.spend(len(parts[0]) * (NODE_DTYPE.itemsize + 8 * n_outputs * int(n_classes.max())))
        (nodes, values), depths = _grown(parts, NODE_DTYPE, counts), None
    else:
        nodes, values, counts, depths = _whole(described, arrays, decoder, NODE_DTYPE)
    _check_values(values, n_classes)
    require(nodes.dtype == NODE_DTYPE, "a decision tree is of another version")
    require(len(values) == len(nodes), "the values of a decision tree do not fit it")
    require(not np.isnan(nodes["threshold"]).any(), "a decision tree compares with what is not a number")
    trees, start = [], 0
    for place, count in enumerate(counts.tolist()):
        part = slice(start, start + count)
        check_walk(nodes[part], "left_child", "right_child", "feature", n_features, nodes["left_child"][part] == -1)
        state = {"node_count": count, "nodes": nodes[part].copy(), "values": values[part].copy()}
        tree = Tree(n_features, n_classes, n_outputs)
        tree.__setstate__({"max_depth": count if depths is None else min(int(depths[place]), count), **state})
        depth = int(tree.compute_node_depths().max()) - 1
        require(depths is None or depth == depths[place], "the depth of a decision tree is another")
        if depths is None:
            tree.__setstate__({"max_depth": depth, **state})
        trees.append(tree)
        start += count
    return trees


def _whole(nodes, arrays, decoder, dtype):
    """Return the nodes of trees, what they predict, how many each has and how deep it is, as they were written."""
    fields = [decoder.array(part) for part in nodes["fields"]] if type(nodes) is dict else None
    nodes = decoder.array(nodes) if fields is None else nodes  # in the first files they are one array
    values, counts, depths = map(decoder.array, arrays)
    _check_counts(counts, len(values))
    require(depths.dtype.kind == "i" and counts.shape == depths.shape, "the trees of a forest do not add up")
    return nodes if fields is None else _joined(fields, dtype, counts), values, counts, depths


def check_walk(nodes, left, right, feature, n_features, is_leaf) -> None:
    """Refuse a tree whose walk could leave its arrays or go round: scikit-learn itself does not look."""
    inner = np.flatnonzero(~np.asarray(is_leaf, dtype=bool))
    require(len(nodes), "a decision tree has no nodes")
    for side in (left, right):
        child = nodes[side][inner].astype(np.int64)
        require((child > inner).all() and (child < len(nodes)).all(), "a decision tree points outside itself")
    children = np.sort(np.concatenate([nodes[side][inner] for side in (left, right)]))
    require(np.array_equal(children, np.arange(1, len(nodes))), "a decision tree has nodes of no or of two parents")
    used = nodes[feature][inner].astype(np.int64)
    require((used >= 0).all() and (used < n_features).all(), "a decision tree asks for a feature that it does not have")


def _check_counts(counts, n_nodes):
    fits = counts.dtype.kind == "i" and counts.ndim == 1 and len(counts) and (counts > 0).all()
    require(fits and (counts <= n_nodes).all() and counts.sum() == n_nodes, "the trees of a forest do not add up")


def _check_values(values, n_classes):
    fits = values.dtype == np.float64 and values.shape[1:] == (len(n_classes), n_classes.max())
    require(fits, "the values of a decision tree do not fit it")


def _shape_of(tree):
    n_features, n_classes, n_outputs = tree.__reduce__()[1]
    return n_features, n_classes.tolist(), n_outputs


def _places(counts):
    """Return the place of each node in its tree."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _slim(nodes):
    """Return the nodes of a tree with numbers that take few bytes: thresholds that part numbers of single precision as
    their own do (a forest reads no others), and impurities in single precision where that holds them: those of very
    large or small targets stay."""
    nodes = nodes.copy()
    with np.errstate(over="ignore"):
        near, rounded = (nodes[name].astype(np.float32) for name in ("threshold", "impurity"))
    nodes["threshold"] = np.where(near > nodes["threshold"], np.nextafter(near, np.float32(-np.inf)), near)
    if np.abs(rounded - nodes["impurity"]).max() <= _NEAR * nodes["impurity"].max():
        nodes["impurity"] = rounded
    return nodes


def _joined(fields, dtype, counts) -> np.ndarray:
    """Return the nodes of the trees of a forest, end to end, of their fields, in which ways are steps."""
    n_nodes = int(counts.sum())
    fits = len(fields) == len(dtype.names) and all(field.shape == (n_nodes,) for field in fields)
    require(fits and all(field.dtype == dtype[name] for name, field in zip(dtype.names, fields, strict=True)),
            "a decision tree is of another version")  # fmt: skip
    nodes, own = np.zeros(n_nodes, dtype), _places(counts)
    for name, field in zip(dtype.names, fields, strict=True):
        nodes[name] = np.where(field == 0, -1, field + own) if name in _SIDES else field
    return nodes


# -- trees of their leaves --------------------------------------------------------------------------------------------


def _leaves_of(nodes, values) -> list:
    """Return which nodes are leaves, what the others ask, and what the leaves count and predict."""
    leaf = nodes["left_child"] < 0
    parts = [nodes[name][~leaf] for name in _SPLIT] + [nodes[name][leaf] for name in _COUNTED]
    return [leaf.astype(np.uint8), *parts, nodes["impurity"][leaf], values[leaf]]


def _is_near(parts, nodes, values, counts) -> bool:
    """Tell whether trees that are made of their leaves are those that are there, to `_NEAR` of what nodes say."""
    try:
        made, said = _grown(parts, nodes.dtype, counts)
    except ValueError:
        return False
    exact = [*_SIDES, "n_node_samples"]
    return all(np.array_equal(made[name], nodes[name]) for name in exact) and all(
        np.allclose(new, old, rtol=0, atol=_NEAR * np.abs(old).max(), equal_nan=True)
        for new, old in [(said, values), *((made[name], nodes[name]) for name in ("impurity", _COUNTED[1]))]
    )


def _grown(parts, dtype, counts):
    """Return the nodes of trees, end to end, and what they predict, of what `_leaves_of` gives."""
    leaf, *split, n, weight, impurity, said = parts
    require(
        leaf.dtype == np.uint8 and leaf.ndim == 1 and (leaf <= 1).all(), "the leaves of a decision tree are invalid"
    )
    leaf, n_nodes = leaf.astype(bool), len(leaf)
    fields = dict(zip((*_SPLIT, *_COUNTED, "impurity"), (*split, n, weight, impurity), strict=True))
    require(all(part.dtype == dtype[name] for name, part in fields.items()), "a decision tree is of another version")
    n_leaves = int(leaf.sum())
    fits = all(part.shape == (n_nodes - n_leaves,) for part in split) and said.ndim == 3 and len(said) == n_leaves
    fits = fits and all(part.shape == (n_leaves,) for part in (n, weight, impurity))
    require(fits, "the leaves of a decision tree do not add up")
    first, after = _reach(leaf, counts)
    nodes = np.zeros(n_nodes, dtype)
    for name, value in _NO_SPLIT.items():
        nodes[name][leaf] = value
    for name, part in zip(_SPLIT, split, strict=True):
        nodes[name][~leaf] = part
    own, inner = _places(counts), np.flatnonzero(~leaf)
    nodes["left_child"][inner] = own[inner] + 1
    nodes["right_child"][inner] = own[inner] + after[inner + 1] - inner

    def totals(part):
        """Return for each node the sum over its leaves of what they have."""
        sums = np.concatenate([np.zeros((1, *part.shape[1:]), part.dtype), np.cumsum(part, axis=0)])
        return sums[first[after]] - sums[first[:-1]]

    nodes["n_node_samples"], nodes["weighted_n_node_samples"] = totals(n), totals(weight)
    values = np.empty((n_nodes, *said.shape[1:]))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        centre = (weight[:, None, None] * said).sum(axis=0) / weight.sum()  # sums of what lies around 0 are exact
        heavy = nodes["weighted_n_node_samples"][:, None, None]
        values[:] = centre + totals(weight[:, None, None] * (said - centre)) / heavy
        values[leaf] = said
        if said.shape[2] > 1:  # Gini's, of the shares of classes
            nodes["impurity"] = (1 - (values**2).sum(axis=2)).mean(axis=1)
        else:
            squares = totals(weight[:, None, None] * (said - centre) ** 2) / heavy - (values - centre) ** 2
            within = totals(weight * impurity) / nodes["weighted_n_node_samples"]
            nodes["impurity"] = within + squares.mean(axis=(1, 2))
    nodes["impurity"][leaf] = impurity
    return nodes, values


def _reach(leaf, counts):
    """Return how many leaves are before each node, and before the end, and the place behind what hangs from each."""
    steps = np.where(leaf, -1, 1)
    open_ = np.concatenate([[0], np.cumsum(steps)])  # nodes that are waited for; a tree ends one below where it began
    ends = np.cumsum(counts)
    require(len(leaf) == ends[-1] and np.array_equal(open_[ends], -np.arange(1, len(ends) + 1)),
            "the leaves of a tree do not add up")  # fmt: skip
    places, n = np.arange(len(open_)), len(open_)
    order = np.lexsort((places, open_))
    keys = (open_[order] - open_.min() + 1) * n + order
    found = np.searchsorted(keys, (open_ - open_.min()) * n + places)  # the next place with one less to wait for
    after = order[np.minimum(found, n - 1)]
    require((after[:-1] > places[:-1]).all(), "the leaves of a tree do not add up")
    first = np.concatenate([[0], np.cumsum(leaf)])
    return first, after[:-1]
