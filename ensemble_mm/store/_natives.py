"""Compiled parts of scikit-learn and NumPy in model files, and what has to hold before they may run.

Compiled code trusts its arrays: a tree whose node points outside of them reads, or writes, where it should not. Trees
are therefore built and checked here, wherever they stand; trees of neighbours are built anew from their points; and
what an estimator hands to compiled code when it predicts is checked for its size (`check_object`).
"""

import re
from functools import lru_cache, partial
from pathlib import PurePath

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array

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
_PROTOCOLS = {"__sklearn_is_fitted__", "__sklearn_clone__", "__array__", "__array_function__", "__len__"}
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


# -- what estimators hand to compiled code ----------------------------------------------------------------------------


def check_object(item) -> None:
    """Refuse an estimator of scikit-learn that would send its compiled parts beyond their arrays."""
    shadows = _names_of_class(type(item)) & getattr(item, "__dict__", {}).keys()  # type: ignore[arg-type]  # a class can be hashed
    require(not shadows, f"a {type(item).__name__} has a {min(shadows, default='')!r} of its own")
    for family in _families(type(item)):  # type: ignore[arg-type]  # a class can be hashed
        _CHECKS[family](vars(item))
    if type(item).__module__ == "sklearn.isotonic" and "X_thresholds_" in vars(item):
        item._build_f(item.X_thresholds_, item.y_thresholds_)  # its function is no part of its state


@lru_cache(maxsize=2048)
def _names_of_class(cls) -> set[str]:
    """Return what an object of a library's class may not hold itself: its methods, say, which would be called."""
    if cls.__module__.partition(".")[0] not in ("ensemble_mm", "sklearn", "lightgbm", "xgboost"):
        return set()
    fields = {*getattr(cls, "__dataclass_fields__", {}), *getattr(cls, "_get_param_names", list)()}
    return {name for parent in cls.__mro__ for name in vars(parent) if name not in fields} | _PROTOCOLS


@lru_cache(maxsize=2048)
def _families(cls) -> tuple[str, ...]:
    names = {parent.__name__ for parent in cls.__mro__ if parent.__module__.startswith(("sklearn.", "lightgbm."))}
    return tuple(name for name in _CHECKS if name in names)


def _is_tree(item) -> bool:
    return "BaseDecisionTree" in _families(type(item)) and "tree_" in vars(item)  # type: ignore[arg-type]


def _check_decision_tree(state):
    tree = state.get("tree_")
    if tree is not None:
        require(type(tree).__module__ == "sklearn.tree._tree", "a decision tree is none")
        require(tree.n_features == state.get("n_features_in_"), "a tree asks for other features than its model")


def _check_forest(state):
    members = state.get("estimators_", [])
    require(type(members) is list and all(map(_is_tree, members)), "a forest is made of what is no tree")
    width = state.get("n_features_in_")
    require(all(member.n_features_in_ == width for member in members), "a tree asks for other features than its forest")


def _check_boosting(state):
    if "estimators_" not in state:
        return
    members, width = state["estimators_"], state.get("n_features_in_")
    stages = isinstance(members, np.ndarray) and members.dtype == object and members.ndim == 2 and members.size
    require(stages and all(map(_is_tree, members.ravel().tolist())), "the stages of a boosting are made of no trees")
    require(all(member.n_features_in_ == width for member in members.ravel().tolist()),
            "a tree asks for other features than its forest")  # fmt: skip
    require(state["_loss"].__class__.__module__ == "sklearn._loss.loss", "the loss of a boosting is none")
    several = state["_loss"].n_classes if state["_loss"].is_multiclass else 1
    require(members.shape[1] == several == state.get("n_trees_per_iteration_"), "a boosting writes beyond its output")
    start = state.get("init_")  # what it gives is written over, so that its width has to be known
    if isinstance(start, str):
        return
    known, given = vars(start) if type(start).__name__ in ("DummyClassifier", "DummyRegressor") else {}, None
    if type(start).__name__ == "DummyClassifier" and known.get("strategy") == "prior":
        given, wanted = _shape(known.get("class_prior_")), (max(several, 2),)
    elif several == 1:
        given, wanted = _shape(known.get("constant_")), (1, 1)
    fits = given is not None and given == wanted and known.get("n_outputs_") == 1
    require(fits, "a boosting starts from other classes, or from an estimator of its own")


def _check_isolation(state):
    members, columns = state.get("estimators_", []), state.get("estimators_features_", [])
    width = state.get("n_features_in_")
    require(type(members) is list and type(columns) is list and all(map(_is_tree, members)), "a forest is none")
    for member, used in zip(members, columns, strict=True):
        fits = isinstance(used, np.ndarray) and used.ndim == 1 and used.dtype.kind in "iu"
        fits = fits and len(used) == member.n_features_in_ == state.get("_max_features")
        require(fits, "a forest does not fit its trees")
        require(not len(used) or 0 <= used.min() and used.max() < width, "a forest does not fit its trees")


def _check_predictor(state):
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    nodes, bits = state.get("nodes"), state.get("raw_left_cat_bitsets")
    fits = isinstance(nodes, np.ndarray) and nodes.dtype == PREDICTOR_RECORD_DTYPE and nodes.ndim == 1
    require(fits, "a tree is none")
    check_walk(nodes, "left", "right", "feature_idx", 2**31, nodes["is_leaf"] != 0)
    require((nodes["is_leaf"] <= 1).all() and not np.isnan(nodes["num_threshold"]).any(), "a tree is none")
    for part in (bits, state.get("binned_left_cat_bitsets")):
        fits = isinstance(part, np.ndarray) and part.dtype == np.uint32 and part.ndim == 2 and part.shape[1] == 8
        require(fits, "the categories of a tree are none")
        chosen = (nodes["is_categorical"] != 0) & (nodes["is_leaf"] == 0)
        require((nodes["bitset_idx"][chosen] < len(part)).all(), "a tree asks for categories that it does not have")


def _check_histograms(state):
    if "_predictors" not in state:
        return
    width, per_stage, bins = state.get("n_features_in_"), state.get("n_trees_per_iteration_"), state.get("_bin_mapper")
    require(type(width) is int and width == state.get("_n_features"), "a boosting does not fit its columns")
    categorical = getattr(bins, "is_categorical_", None)
    fits = isinstance(categorical, np.ndarray) and categorical.shape == (width,)
    require(fits, "a boosting does not fit its columns")
    require(type(state["_predictors"]) is list, "the stages of a boosting are none")
    for stage in state["_predictors"]:
        require(type(stage) is list and len(stage) == per_stage, "a boosting writes beyond its output")
        for predictor in stage:
            require(type(predictor).__name__ == "TreePredictor", "the stages of a boosting are made of no trees")
            inner = predictor.nodes[predictor.nodes["is_leaf"] == 0]
            require((inner["feature_idx"] < width).all(), "a tree asks for other features than its model")
            by_category = inner["feature_idx"][inner["is_categorical"] != 0]
            require((categorical[by_category] != 0).all(), "a tree asks for categories that it does not have")
    sorter = state.get("_preprocessor")
    if sorter is not None:  # it brings the categories to the front, one column for one
        require(type(sorter).__name__ == "ColumnTransformer", "a boosting does not fit its columns")
        places = vars(sorter).get("_transformer_to_input_indices", {})
        require(type(places) is dict, "a boosting does not fit its columns")
        steps = []
        for name, step, columns in sorter.transformers_:
            require(type(columns) in (list, np.ndarray), "a boosting does not fit its columns")
            steps += [(step, np.asarray(columns), places.get(name))] if step != "drop" else []
        kept = all(
            columns.dtype == bool
            and _keeps_columns(step)
            and type(places) in (list, np.ndarray)
            and np.array_equal(places, np.flatnonzero(columns))
            for step, columns, places in steps
        )
        require(kept, "a boosting does not fit its columns")
        require(sum(int(columns.sum()) for _, columns, _ in steps) == width, "a boosting does not fit its columns")


def _keeps_columns(step) -> bool:
    if type(step).__name__ == "FunctionTransformer":
        checks = type(step.func) is partial and step.func.func is check_array and not step.func.args
        return step.func is None or (checks and not step.kw_args)
    return type(step).__name__ == "OrdinalEncoder"


def _check_vectors(state):
    if "support_vectors_" not in state:
        return
    vectors, n_support, coefficients = (state.get(k) for k in ("support_vectors_", "_n_support", "_dual_coef_"))
    plain = type(vectors) is np.ndarray and vectors.ndim == 2 and not state.get("_sparse")
    require(plain or (sp.issparse(vectors) and vectors.format == "csr"), "the vectors do not add up")
    _check_counts(state, n_support, coefficients, vectors.shape[0])
    if not state.get("_sparse") and not callable(state.get("kernel")) and state.get("kernel") != "precomputed":
        require(vectors.shape[1] == state.get("n_features_in_"), "the vectors do not fit the columns")


def _check_counts(state, n_support, coefficients, n_vectors):
    """Check that there is a number for each vector, class and pair of classes."""
    classes = len(state.get("classes_", ())) or 2
    fits = type(n_support) is np.ndarray and n_support.dtype == np.int32 and n_support.shape == (classes,)
    require(fits and (n_support >= 0).all(), "the vectors of a support vector machine do not add up")
    rows = classes - 1 if "classes_" in state else 1
    total = n_support.sum(dtype=np.int64) if "classes_" in state else n_vectors
    pairs = classes * (classes - 1) // 2
    require(total == n_vectors == len(state.get("support_", ())) or n_vectors == 0, "the vectors do not add up")
    require(_shape(coefficients) == (rows, n_vectors), "the vectors of a support vector machine do not add up")
    require(_shape(state.get("_intercept_")) == (pairs,), "the vectors of a support vector machine do not add up")
    for name in ("_probA", "_probB"):
        require(_shape(state.get(name)) in ((0,), (pairs,)), "the vectors of a support vector machine do not add up")


def _check_isotonic(state):
    for name in ("X_thresholds_", "y_thresholds_"):
        values = state.get(name, np.zeros(0))
        require(type(values) is np.ndarray and values.dtype.kind == "f" and values.ndim == 1, "a curve is none")


def _check_vocabulary(state):
    words = state.get("vocabulary_", {})
    require(isinstance(words, dict), "a vocabulary is none")
    places = set(words.values())
    require(all(type(place) in (int, np.int64, np.int32) for place in places), "a vocabulary is none")
    require(not places or (min(places) >= 0 and max(places) < len(words)), "a vocabulary points outside itself")


def _check_source(state):
    """A vectorizer that opens what its texts name would open what a step before it says."""
    require(state.get("input", "content") == "content", "a vectorizer reads files, not texts")


def _check_hasher(state):
    n_features = state.get("n_features")
    require(isinstance(n_features, (int, np.integer)) and 0 < n_features < 2**31, "a hasher has no columns")


def _check_onehot(state):
    """Refuse codes beyond the columns that are made for them."""
    if "_n_features_outs" not in state:
        return
    categories, widths, drops = (state.get(k) for k in ("categories_", "_n_features_outs", "_drop_idx_after_grouping"))
    n = len(categories)
    seldom = state.get("_infrequent_enabled")
    groups, firsts = (
        state.get(k, []) if seldom else [None] * n for k in ("_default_to_infrequent_mappings", "_infrequent_indices")
    )
    drops = [None] * n if drops is None else drops
    for values, width, drop, group, first in zip(categories, widths, drops, groups, firsts, strict=True):
        require(type(values) is np.ndarray and (group is None) == (first is None), "the columns of codes do not add up")
        size = len(values)
        if group is not None:
            fits = type(group) is np.ndarray and group.dtype.kind == "i" and group.shape == (size,) and group.min() >= 0
            require(fits, "the columns of codes do not add up")
            size = int(group.max()) + 1
        fits = width == size - (drop is not None) and (drop is None or 0 <= drop < size)
        require(fits, "the columns of codes do not add up")


def _check_neighbours(state):
    points, labels = state.get("_fit_X"), state.get("_y")
    if points is None:
        return
    fits = (type(points) is np.ndarray or sp.issparse(points)) and points.ndim == 2
    require(fits and points.shape[1] == state.get("n_features_in_"), "neighbours do not fit the columns")
    if "classes_" in state:
        fits = type(labels) is np.ndarray and labels.dtype.kind == "i" and len(labels) == points.shape[0]
        require(fits, "neighbours have other labels")
        classes = state["classes_"] if type(state["classes_"]) is list else [state["classes_"]]
        for column, known in zip(labels.reshape(len(labels), -1).T, classes, strict=True):
            require(not len(column) or 0 <= column.min() <= column.max() < len(known), "neighbours have other labels")


def _check_function(state):
    settings = state.get("kw_args") or {}
    require(isinstance(settings, dict) and "out" not in settings, "a function writes to what a file holds")


def _check_lightgbm(state):
    """Its settings become one text, in which a word could turn off the check of the columns."""
    others = state.get("_other_params", {})
    require(type(others) is dict, "the settings of LightGBM are none")
    waiting = [part for item in (state | others).items() for part in item]
    while waiting:
        part = waiting.pop()
        if type(part) in (list, tuple, set, frozenset):
            waiting += part
        elif isinstance(part, (str, PurePath)):
            require(not re.search(r"shape_check|[\s=]", str(part)), f"a setting of LightGBM is {str(part)[:50]!r}")


def _shape(values) -> tuple | None:
    return values.shape if type(values) is np.ndarray or sp.issparse(values) else None


def _check_centres(state):
    centres = state.get("cluster_centers_")
    if isinstance(centres, np.ndarray):
        require(centres.ndim == 2 and centres.shape[1] == state.get("n_features_in_"), "centres do not fit the columns")


_CHECKS = {
    "BaseDecisionTree": _check_decision_tree,
    "BaseForest": _check_forest,
    "BaseGradientBoosting": _check_boosting,
    "IsolationForest": _check_isolation,
    "TreePredictor": _check_predictor,
    "BaseHistGradientBoosting": _check_histograms,
    "BaseLibSVM": _check_vectors,
    "CountVectorizer": _check_vocabulary,
    "DictVectorizer": _check_vocabulary,
    "_VectorizerMixin": _check_source,
    "FeatureHasher": _check_hasher,
    "HashingVectorizer": _check_hasher,
    "OneHotEncoder": _check_onehot,
    "NeighborsBase": _check_neighbours,
    "FunctionTransformer": _check_function,
    "LGBMModel": _check_lightgbm,
    "_BaseKMeans": _check_centres,
    "IsotonicRegression": _check_isotonic,
}
