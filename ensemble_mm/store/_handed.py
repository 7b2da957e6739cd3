"""What estimators in model files hand to compiled code when they predict, and what has to hold before they may.

Compiled code trusts the sizes and places that it is given: those that would lead beyond an array are refused.
"""

import re
from functools import lru_cache, partial
from pathlib import PurePath

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array

from ._trees import check_walk, require

_PROTOCOLS = {"__sklearn_is_fitted__", "__sklearn_clone__", "__array__", "__array_function__", "__len__"}


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
    params = cls._get_param_names() if issubclass(cls, BaseEstimator) else []
    fields = {*getattr(cls, "__dataclass_fields__", {}), *params}
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
        require(type(tree).__module__ == "sklearn.tree._tree", "a decision tree is invalid")
        require(tree.n_features == state.get("n_features_in_"), "a tree asks for other features than its model")


def _check_forest(state):
    members = state.get("estimators_", [])
    require(type(members) is list and all(map(_is_tree, members)), "a forest is made of what is not a tree")
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
    require(state["_loss"].__class__.__module__ == "sklearn._loss.loss", "the loss of a boosting is invalid")
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
    require(type(members) is list and type(columns) is list and all(map(_is_tree, members)), "a forest is invalid")
    for member, used in zip(members, columns, strict=True):
        fits = isinstance(used, np.ndarray) and used.ndim == 1 and used.dtype.kind in "iu"
        fits = fits and len(used) == member.n_features_in_ == state.get("_max_features")
        require(fits, "a forest does not fit its trees")
        require(not len(used) or 0 <= used.min() and used.max() < width, "a forest does not fit its trees")


def _check_predictor(state):
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    nodes, bits = state.get("nodes"), state.get("raw_left_cat_bitsets")
    fits = isinstance(nodes, np.ndarray) and nodes.dtype == PREDICTOR_RECORD_DTYPE and nodes.ndim == 1
    require(fits, "a tree is invalid")
    check_walk(nodes, "left", "right", "feature_idx", 2**31, nodes["is_leaf"] != 0)
    require((nodes["is_leaf"] <= 1).all() and not np.isnan(nodes["num_threshold"]).any(), "a tree is invalid")
    for part in (bits, state.get("binned_left_cat_bitsets")):
        fits = isinstance(part, np.ndarray) and part.dtype == np.uint32 and part.ndim == 2 and part.shape[1] == 8
        require(fits, "the categories of a tree are invalid")
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
    require(type(state["_predictors"]) is list, "the stages of a boosting are invalid")
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
        require(type(values) is np.ndarray and values.dtype.kind == "f" and values.ndim == 1, "a curve is invalid")


def _check_vocabulary(state):
    words = state.get("vocabulary_", {})
    require(isinstance(words, dict), "a vocabulary is invalid")
    places = set(words.values())
    require(all(type(place) in (int, np.int64, np.int32) for place in places), "a vocabulary is invalid")
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
