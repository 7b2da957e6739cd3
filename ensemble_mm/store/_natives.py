"""Compiled parts of scikit-learn and NumPy in model files, and what has to hold before they may run.

Compiled code trusts its arrays: a tree whose node points outside of them reads, or writes, where it should not. Trees
are therefore built and checked here, wherever they stand; trees of neighbours are built anew from their points. What an
estimator hands to compiled code when it predicts is checked in `_handed`.
"""

import numpy as np

_LOSSES = {  # of gradient boosting and of generalised linear models; what their constructors take
    "AbsoluteError": (), "ExponentialLoss": (), "HalfBinomialLoss": (), "HalfGammaLoss": (), "HalfPoissonLoss": (),
    "HalfSquaredError": (), "HalfMultinomialLoss": ("n_classes",), "HalfTweedieLoss": ("power",),
    "HalfTweedieLossIdentity": ("power",), "HuberLoss": ("quantile", "delta"), "PinballLoss": ("quantile",),
}  # fmt: skip
_METRICS = {  # of trees of neighbours, and what they take
    "Euclidean": ("euclidean", ""), "Manhattan": ("manhattan", ""), "Chebyshev": ("chebyshev", ""),
    "Minkowski": ("minkowski", "p"), "Haversine": ("haversine", ""), "SEuclidean": ("seuclidean", "V"),
    "Hamming": ("hamming", ""), "Canberra": ("canberra", ""), "BrayCurtis": ("braycurtis", ""),
}  # fmt: skip
_SIDES = ("left_child", "right_child")
_NEIGHBORS = {"KDTree", "KDTree32", "KDTree64", "BallTree", "BallTree32", "BallTree64"}


def require(holds, words: str):
    """Refuse a file: ValueError with what is wrong, unless it holds."""
    if not holds:
        raise ValueError(words)


# -- writing ----------------------------------------------------------------------------------------------------------


def native_node(item, array) -> dict | None:
    """Return the node of a compiled object, whose arrays are kept by `array`; None for any other thing."""
    module, name = type(item).__module__, type(item).__name__
    if module == "sklearn.tree._tree" and name == "Tree":
        return {"trees": pack_trees([item], array)}
    if module.startswith("sklearn.neighbors._") and name in _NEIGHBORS:
        return {"neighbors": _pack_neighbors(item, name, array)}
    if module == "sklearn._loss.loss" and name in _LOSSES:
        return {"loss": [name, {k: getattr(item if hasattr(item, k) else item.closs, k) for k in _LOSSES[name]}]}
    if module == "scipy.interpolate._bsplines" and name == "BSpline":
        return {"spline": [array(item.t), array(item.c), int(item.k), bool(item.extrapolate)]}
    if isinstance(item, np.random.RandomState) and item.get_state(legacy=False)["bit_generator"] == "MT19937":
        state = item.get_state(legacy=False)
        return {"random": [array(state["state"]["key"]), state["state"]["pos"], state["has_gauss"], state["gauss"]]}
    if isinstance(item, np.random.Generator) and type(item.bit_generator).__name__ == "PCG64":
        state = dict(item.bit_generator.state)
        return {"generator": [*state["state"].values(), state["has_uint32"], state["uinteger"]]}
    return None


def pack_trees(trees, array) -> list:
    """Return decision trees as a few arrays for all of them."""
    states = [tree.__getstate__() for tree in trees]
    n_features, n_classes, n_outputs = trees[0].__reduce__()[1]
    require(all(_shape_of(tree) == _shape_of(trees[0]) for tree in trees), "the trees of a forest differ in shape")
    nodes = np.concatenate([_slim(state["nodes"]) for state in states], dtype=states[0]["nodes"].dtype)
    values = np.concatenate([state["values"] for state in states])
    counts, depths = ([int(state[name]) for state in states] for name in ("node_count", "max_depth"))
    names = states[0]["nodes"].dtype.names
    head = [n_features, n_outputs, array(n_classes), {"fields": [array(nodes[name]) for name in names]}]
    return [*head, *map(array, (values, np.array(counts), np.array(depths)))]


def _slim(nodes):
    """Return the nodes of a tree with numbers that take few bytes: ways as steps from node to node, thresholds that
    part numbers of single precision as their own do (a forest reads no others), and impurities in single precision
    where that holds them: those of very large or small targets stay."""
    nodes, own = nodes.copy(), np.arange(len(nodes))
    for side in _SIDES:
        nodes[side] = np.where(nodes[side] < 0, 0, nodes[side] - own)
    with np.errstate(over="ignore"):
        near, rounded = (nodes[name].astype(np.float32) for name in ("threshold", "impurity"))
    nodes["threshold"] = np.where(near > nodes["threshold"], np.nextafter(near, np.float32(-np.inf)), near)
    if np.abs(rounded - nodes["impurity"]).max() <= 1e-6 * nodes["impurity"].max():
        nodes["impurity"] = rounded
    return nodes


def _joined(fields, dtype, counts) -> np.ndarray:
    """Return the nodes of the trees of a forest, end to end, of what `_slim` made of each of their fields."""
    n_nodes = int(counts.sum())
    fits = len(fields) == len(dtype.names) and all(field.shape == (n_nodes,) for field in fields)
    require(fits and all(field.dtype == dtype[name] for name, field in zip(dtype.names, fields, strict=True)),
            "a decision tree is of another version")  # fmt: skip
    nodes, own = np.zeros(n_nodes, dtype), np.arange(n_nodes) - np.repeat(np.cumsum(counts) - counts, counts)
    for name, field in zip(dtype.names, fields, strict=True):
        nodes[name] = np.where(field == 0, -1, field + own) if name in _SIDES else field
    return nodes


def _shape_of(tree):
    n_features, n_classes, n_outputs = tree.__reduce__()[1]
    return n_features, n_classes.tolist(), n_outputs


def _pack_neighbors(tree, name, array) -> list:
    state = tree.__getstate__()
    points, leaf_size, metric, weight = np.asarray(state[0]), int(state[4]), state[-2], state[-1]
    kind = type(metric).__name__.partition("Distance")[0]
    require(kind in _METRICS, f"A {name} with the metric {type(metric).__name__} cannot be saved.")
    spelt, parameter = _METRICS[kind]
    p, vector, _ = metric.__getstate__()
    points = array(points)
    value = array(np.asarray(vector)) if parameter == "V" else float(p) if parameter else None
    return [name, points, leaf_size, spelt, value, None if weight is None else array(np.asarray(weight))]


# -- reading ----------------------------------------------------------------------------------------------------------


def read_trees(content, decoder) -> list:
    """Build decision trees, and check that no walk leaves them."""
    from sklearn.tree._tree import NODE_DTYPE, Tree

    n_features, n_outputs, n_classes, nodes, *arrays = content
    n_classes = decoder.array(n_classes)
    fields = [decoder.array(part) for part in nodes["fields"]] if type(nodes) is dict else None
    nodes = decoder.array(nodes) if fields is None else nodes  # in the first files they are one array
    values, counts, depths = map(decoder.array, arrays)
    require(type(n_features) is int and 0 < n_features < 2**31 and type(n_outputs) is int, "a decision tree is none")
    require(n_classes.dtype == np.intp and n_classes.shape == (n_outputs,) and (n_classes > 0).all() and n_outputs > 0,
            "a decision tree is none")  # fmt: skip
    require(counts.dtype.kind == depths.dtype.kind == "i" and counts.ndim == 1 and counts.shape == depths.shape
            and (counts > 0).all() and (counts <= len(values)).all() and counts.sum() == len(values),
            "the trees of a forest do not add up")  # fmt: skip
    nodes = nodes if fields is None else _joined(fields, NODE_DTYPE, counts)
    require(nodes.dtype == NODE_DTYPE and values.dtype == np.float64, "a decision tree is of another version")
    require(values.shape == (len(nodes), n_outputs, n_classes.max()), "the values of a decision tree do not fit it")
    require(not np.isnan(nodes["threshold"]).any(), "a decision tree compares with what is no number")
    trees, start = [], 0
    for count, depth in zip(counts.tolist(), depths.tolist(), strict=True):
        part = slice(start, start + count)
        check_walk(nodes[part], "left_child", "right_child", "feature", n_features, nodes["left_child"][part] == -1)
        tree = Tree(n_features, n_classes, n_outputs)
        tree.__setstate__({"max_depth": min(depth, count), "node_count": count, "nodes": nodes[part].copy(),
                           "values": values[part].copy()})  # fmt: skip
        require(tree.compute_node_depths().max() == depth + 1, "the depth of a decision tree is another")
        trees.append(tree)
        start += count
    return trees


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


def _read_neighbors(content, decoder):
    import sklearn.neighbors._ball_tree
    import sklearn.neighbors._kd_tree

    name, points, leaf_size, metric, value, weight = content
    require(name in _NEIGHBORS and type(leaf_size) is int and leaf_size > 0, "a tree of neighbours is none")
    points = decoder.array_of(points, "f", 2)
    parameter = dict(_METRICS.values()).get(metric)
    require(parameter is not None and points.size, "a tree of neighbours is none")
    if parameter == "V":
        value = decoder.array_of(value, "f", 1)
    require(parameter != "p" or type(value) is float and value >= 1, "a tree of neighbours is none")
    home = sklearn.neighbors._kd_tree if name.startswith("KD") else sklearn.neighbors._ball_tree
    weight = {} if weight is None else {"sample_weight": decoder.array_of(weight, "f", 1)}
    return getattr(home, name)(points, leaf_size, metric=metric, **weight, **({parameter: value} if parameter else {}))


def _read_loss(content, decoder):
    import sklearn._loss.loss

    name, settings = content
    require(name in _LOSSES and set(settings) == set(_LOSSES[name]), "a loss is none")
    require(all(type(value) in (int, float, type(None)) for value in settings.values()), "a loss is none")
    return getattr(sklearn._loss.loss, name)(**settings)


def _read_spline(content, decoder):
    from scipy.interpolate import BSpline

    knots, coefficients, degree, extrapolate = content
    knots, coefficients = decoder.array_of(knots, "f", 1), decoder.array(coefficients)
    require(type(degree) is int and 0 <= degree < 100 and coefficients.dtype.kind == "f", "a spline is none")
    return BSpline(knots, coefficients, degree, extrapolate is True)


def _read_random(content, decoder):
    key, pos, has_gauss, gauss = content
    key = decoder.array_of(key, "u", 1)
    require(key.shape == (624,) and type(pos) is int and 0 <= pos <= 624 and type(gauss) is float, "a seed is none")
    made = np.random.RandomState(0)
    state = {"bit_generator": "MT19937", "state": {"key": key, "pos": pos}}
    made.set_state(state | {"has_gauss": int(has_gauss == 1), "gauss": gauss})
    return made


def _read_generator(content, decoder):
    require(all(type(number) is int and 0 <= number < 2**128 for number in content), "a seed is none")
    state, inc, has_uint32, uinteger = content
    made = np.random.Generator(np.random.PCG64(0))
    made.bit_generator.state = {
        "bit_generator": "PCG64", "state": {"state": state, "inc": inc | 1}, "has_uint32": int(has_uint32 == 1),
        "uinteger": uinteger % 2**32,
    }  # fmt: skip
    return made


NATIVE_READERS = {
    "trees": lambda content, decoder: read_trees(content, decoder)[0],
    "neighbors": _read_neighbors,
    "loss": _read_loss,
    "spline": _read_spline,
    "random": _read_random,
    "generator": _read_generator,
}
