"""Fitted learners as parts of an ONNX graph: linear models, kernels, trees, and what stands before and behind them.

They are worked out in double precision, as the learners do. What is not known here is left to skl2onnx.
"""

import json
from itertools import count
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import logit

from .._checks import require
from .._kinds import LEVELS
from .._products import LARGEST

OPSET, TREES_OPSET = 18, 3
# Of Matern's kernel: a polynomial of the distance, by its smoothness.
MATERN = {0.5: (1.0,), 1.5: (1.0, 1.0), 2.5: (1.0, 1.0, 1 / 3)}
# Objectives of boosting by what the sums of its trees are.
ODDS = {"binary", "binary:logistic"}
LOGARITHMS = {"poisson", "gamma", "tweedie", "count:poisson", "reg:gamma", "reg:tweedie"}
PLAIN = {"regression", "regression_l1", "huber", "fair", "quantile", "mape", "reg:squarederror", "reg:absoluteerror",
         "reg:pseudohubererror", "reg:quantileerror"}  # fmt: skip
NEAREST = 1e-30  # squared distance of a row to one of the fit that is the same


class NotExportedError(ValueError):
    """Parts of a model have no form in ONNX, or what was exported does not predict what the model does."""


class Graph:
    """Nodes and constants of a graph; what an operation gives is known by a name, unlike those that are `taken`."""

    def __init__(self, taken=()):
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        prefix = "t"
        while any(name.startswith(prefix) for name in taken):
            prefix += "_"
        self._names = map(f"{prefix}{{}}".format, count())

    def __call__(self, operation, *inputs, **attributes) -> str:
        """Add an operation on names and numbers; return the name of what it gives."""
        from onnx import helper

        named = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        out = next(self._names)
        self.nodes.append(helper.make_node(operation, named, [out], **attributes))
        return out

    def _constant(self, value) -> str:
        from onnx import numpy_helper

        value, name = np.asarray(value), next(self._names)
        kind = np.int64 if value.dtype.kind in "iu" else np.float64
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=kind), name))
        return name

    def cast(self, x, kind="DOUBLE") -> str:
        """Return numbers in another precision, by its name in ONNX."""
        from onnx import TensorProto

        return self("Cast", x, to=getattr(TensorProto, kind))

    def linear(self, x, matrix, constant) -> str:
        """Return a product and a constant."""
        return self("Add", self("MatMul", x, matrix), constant)

    def inline(self, model, x) -> str:
        """Add the graph of another model, which reads `x`; return its last output."""
        here, graph = next(self._names), model.graph
        names = {graph.input[0].name: x, "": ""}

        def renamed(name):
            return names.setdefault(name, f"{here}_{name}")

        for constant in graph.initializer:
            constant.name = renamed(constant.name)
            self.constants.append(constant)
        for node in graph.node:
            own = [renamed(name) for name in node.input], [renamed(name) for name in node.output]
            node.input[:], node.output[:], node.name = *own, ""
            self.nodes.append(node)
        return renamed(graph.output[-1].name)


def add_learner(graph, model, x) -> str:
    """Add a fitted learner, or a step before it; return what it makes of `x`, shape (n_rows, n_columns), double."""
    if hasattr(model, "best_estimator_"):  # of a search
        return add_learner(graph, model.best_estimator_, x)
    return _OWN.get(type(model).__name__, _by_library)(graph, model, x)


def _by_library(graph, model, x):
    tools = require("skl2onnx", extra="onnx", caller="Export to ONNX")
    from skl2onnx.common.data_types import FloatTensorType

    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    try:
        types, opsets = [("X", FloatTensorType([None, model.n_features_in_]))], {"": OPSET, "ai.onnx.ml": TREES_OPSET}
        whole = tools.to_onnx(model, initial_types=types, target_opset=opsets, options=options)
    except Exception as error:  # whatever a converter says of what it does not know
        raise NotExportedError(type(model).__name__) from error
    return graph.cast(graph.inline(whole, graph.cast(x, "FLOAT")))


def _steps(graph, model, x):
    for _, step in model.steps:
        x = add_learner(graph, step, x)
    return x


def _scaler(graph, model, x):
    if model.mean_ is not None:
        x = graph("Div", graph("Sub", x, model.mean_), model.scale_)
        x = x if model.clip is None else graph("Clip", x, -float(model.clip), float(model.clip))
    x = graph("Mul", x, model.factor_)
    return graph.cast(graph.cast(graph("Clip", x, -LARGEST, LARGEST), "FLOAT16")) if model.half else x


def _pairs(graph, model, x):
    if not len(model.places_):
        return x
    columns = [graph("Gather", x, places, axis=1) for places in model.places_.T]
    one, two = (graph("Div", graph("Sub", column, model.mean_[places]), model.scale_[places])
                for column, places in zip(columns, model.places_.T, strict=True))  # fmt: skip
    of_one, of_two, of_both = model.weights_.T
    more = graph("Add", graph("Mul", one, of_one), graph("Mul", two, of_two))
    return graph("Concat", x, graph("Add", more, graph("Mul", graph("Mul", one, two), of_both)), axis=1)


def _classes(graph, model, x):
    coef, constant = model.coef_, model.intercept_
    if len(coef) == 1:  # the score of the second class
        coef, constant = np.vstack([np.zeros_like(coef), coef]), np.r_[0.0, constant]
    return graph("Softmax", graph.linear(x, coef.T, constant), axis=1)


def _number(graph, model, x):
    return graph.linear(x, np.reshape(model.coef_, (-1, 1)), float(model.intercept_))


def _squares(graph, x, rows):
    """Return the squared distances of rows to those of the fit."""
    rows = (rows.toarray() if sparse.issparse(rows) else np.asarray(rows)).astype(np.float64)
    own = graph("ReduceSumSquare", x, np.array([1]), keepdims=1)
    squares = graph("Add", graph.linear(x, -2 * rows.T, (rows**2).sum(axis=1)), own)
    return graph("Max", squares, 0.0)


def _kernel(graph, model, x):
    gamma = 1 / model.components_.shape[1] if model.gamma is None else float(model.gamma)
    likeness = graph("Exp", graph("Mul", _squares(graph, x, model.components_), -gamma))
    return graph("MatMul", likeness, model.spread())


def _process(graph, model, x):
    process = model.regressor_
    height, shape = process.kernel_.k1.k1.constant_value, process.kernel_.k1.k2
    squares = _squares(graph, graph("Div", x, shape.length_scale), process.X_train_ / shape.length_scale)
    if shape.nu == np.inf:
        likeness = graph("Exp", graph("Mul", squares, -0.5))
    else:
        far = graph("Sqrt", graph("Mul", squares, 2 * shape.nu))
        powers = [graph("Mul", graph("Pow", far, float(k)), part) for k, part in enumerate(MATERN[shape.nu])]
        likeness = graph("Mul", graph("Sum", *powers), graph("Exp", graph("Neg", far)))
    unit, middle = process._y_train_std, process._y_train_mean
    return graph.linear(likeness, height * unit * np.reshape(process.alpha_, (-1, 1)), middle)


def _neighbors(graph, model, x):
    if model.weights not in ("uniform", "distance") or model.effective_metric_ != "euclidean":
        raise NotExportedError(type(model).__name__)
    labels = np.eye(len(model.classes_))[model._y] if hasattr(model, "classes_") else np.reshape(model._y, (-1, 1))
    nearest = _two(graph, "TopK", _squares(graph, x, model._fit_X), np.array([model.n_neighbors]), axis=1, largest=0)
    squares, places = nearest
    weight = graph("Pow", graph("Max", squares, NEAREST), -0.5 if model.weights == "distance" else 0.0)
    share = graph("Div", weight, graph("ReduceSum", weight, np.array([1]), keepdims=1))
    told = graph("Gather", labels, places, axis=0)
    weighed = graph("Mul", graph("Unsqueeze", share, np.array([2])), told)
    return graph("ReduceSum", weighed, np.array([1]), keepdims=0)


def _two(graph, operation, *inputs, **attributes):
    """Return both of what an operation gives."""
    first, second = graph(operation, *inputs, **attributes), next(graph._names)
    graph.nodes[-1].output.append(second)
    return first, second


def _target(graph, model, x):
    out, scaler = add_learner(graph, model.regressor_, x), model.transformer_
    kind = type(scaler).__name__
    if kind == "StandardScaler":
        out = graph("Add", graph("Mul", out, scaler.scale_), scaler.mean_)
    elif kind != "TailScaler":
        raise NotExportedError(kind)
    elif (unit := scaler.units_[0]) > 0:
        large = graph("Mul", graph("Sub", graph("Exp", graph("Abs", out)), 1.0), unit)
        out = graph("Mul", graph("Sign", out), large)
    return graph("Mul", out, getattr(model, "factor_", 1.0))


def _quantiles(graph, model, x):
    out = graph("Concat", *(add_learner(graph, part, x) for part in model.estimators_), axis=1)
    rising, _ = _two(graph, "TopK", out, np.array([len(LEVELS)]), axis=1, largest=0)
    return graph("Gather", rising, np.argsort(np.argsort(LEVELS)), axis=1)


# -- trees ------------------------------------------------------------------------------------------------------------


def _ensemble(graph, x, trees, n_targets, less="BRANCH_LEQ") -> str:
    """Add trees; return the sums of their leaves, shape (n_rows, n_targets).

    A tree is (features, thresholds, left, right, whether a hole goes left, leaves of shape (n_nodes, n_targets) or
    values, first target); a node without a left child (-1) is a leaf.
    """
    from onnx import numpy_helper

    names = ("featureids", "values", "truenodeids", "falsenodeids", "missing_value_tracks_true", "treeids", "nodeids")
    nodes: dict[str, list] = {name: [] for name in (*names, "modes")}
    leaves: dict[str, list] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for place, (features, thresholds, left, right, holes_left, values, target) in enumerate(trees):
        is_leaf, size = left < 0, len(left)
        columns = [np.where(is_leaf, 0, part) for part in (features, thresholds, left, right, holes_left)]
        columns += [np.full(size, place), np.arange(size), np.where(is_leaf, "LEAF", less)]
        for name, column in zip(nodes, columns, strict=True):
            nodes[name] += column.tolist()
        values = np.reshape(values, (size, -1))[is_leaf]
        ids = np.tile(np.arange(values.shape[1]) + target, len(values))
        where = np.repeat(np.flatnonzero(is_leaf), values.shape[1])
        for name, column in zip(leaves, (np.full(len(ids), place), where, ids, values.ravel()), strict=True):
            leaves[name] += column.tolist()
    doubles = {"nodes_values_as_tensor": nodes.pop("values"), "target_weights_as_tensor": leaves.pop("weights")}
    told = {f"nodes_{name}": values for name, values in nodes.items()}
    told |= {f"target_{name}": values for name, values in leaves.items()}
    told |= {name: numpy_helper.from_array(np.array(values, dtype=np.float64)) for name, values in doubles.items()}
    out = graph("TreeEnsembleRegressor", x, domain="ai.onnx.ml", n_targets=n_targets, **told)
    return graph.cast(out)


def _forest(graph, model, x):
    if model.n_outputs_ > 1:
        raise NotExportedError(type(model).__name__)
    n_targets = getattr(model, "n_classes_", 1)
    trees = [(tree.feature, tree.threshold, tree.children_left, tree.children_right, tree.missing_go_to_left,
              tree.value[:, 0] / len(model.estimators_), 0)
             for tree in (fitted.tree_ for fitted in model.estimators_)]  # fmt: skip
    return _ensemble(graph, graph.cast(graph.cast(x, "FLOAT")), trees, n_targets)


def _lightgbm(graph, model, x):
    whole = model.booster_.dump_model()
    if whole.get("average_output"):
        raise NotExportedError("a random forest of LightGBM")
    width = whole["num_tree_per_iteration"]
    trees = [(*_flat(tree["tree_structure"]), place % width) for place, tree in enumerate(whole["tree_info"])]
    objective, *settings = whole.get("objective", "").split()
    scale = float(dict(setting.split(":") for setting in settings).get("sigmoid", 1.0))
    return _linked(graph, model, _ensemble(graph, x, trees, width), objective, scale)


def _flat(root):
    """Return the nodes of a tree of LightGBM as arrays."""
    rows, waiting = [], [root]
    for node in waiting:  # grows
        if "leaf_coeff" in node:
            raise NotExportedError("LightGBM with linear trees")
        if "leaf_value" in node:
            rows.append((0, 0.0, -1, -1, False, node["leaf_value"]))
            continue
        if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
            raise NotExportedError("LightGBM with categories or with zeros as holes")
        hole_left = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
        rows.append((node["split_feature"], node["threshold"], len(waiting), len(waiting) + 1, hole_left, 0.0))
        waiting += [node["left_child"], node["right_child"]]
    return tuple(map(np.array, zip(*rows, strict=True)))


def _xgboost(graph, model, x):
    learner = json.loads(model.get_booster().save_raw("json"))["learner"]
    booster, objective = learner["gradient_booster"], learner["objective"]["name"]
    if booster["name"] != "gbtree":
        raise NotExportedError(f"XGBoost with booster {booster['name']!r}")
    booster, base = booster["model"], np.atleast_1d(json.loads(learner["learner_model_param"]["base_score"]))
    base = logit(base) if objective in ODDS else np.log(base) if objective in LOGARITHMS else base
    n_trees = booster["iteration_indptr"][getattr(model, "best_iteration", -2) + 1]
    if any(tree["categories"] for tree in booster["trees"]):
        raise NotExportedError("XGBoost with categories")
    names = "split_indices", "split_conditions", "left_children", "right_children", "default_left", "split_conditions"
    trees = [(*(np.array(tree[name], dtype=np.float32 if "condition" in name else int) for name in names), target)
             for tree, target in zip(booster["trees"][:n_trees], booster["tree_info"], strict=False)]  # fmt: skip
    width = max(booster["tree_info"]) + 1
    scores = _ensemble(graph, graph.cast(graph.cast(x, "FLOAT")), trees, width, "BRANCH_LT")
    return _linked(graph, model, graph("Add", scores, base), objective)


def _linked(graph, model, scores, objective, scale=1.0):
    """Return what boosting makes of the sums of its trees."""
    if objective in ODDS:
        second = graph("Sigmoid", graph("Mul", scores, scale))
        return graph("Concat", graph("Sub", 1.0, second), second, axis=1)
    if objective in ("multiclass", "multi:softprob"):
        return graph("Softmax", scores, axis=1)
    if objective in LOGARITHMS:
        return graph("Exp", scores)
    if objective in PLAIN:
        return scores
    raise NotExportedError(f"{type(model).__name__} with objective {objective!r}")


_OWN = {  # by name: what no model needs is not imported
    "Pipeline": _steps,
    "ColumnPairs": _pairs,
    "ViewScaler": _scaler,
    "NaiveBayesScaler": lambda graph, model, x: graph("Mul", x, model.weights_),
    "SampledKernel": _kernel,
    "LogisticPath": _classes,
    "LogisticRegression": _classes,
    "PooledGaussian": _classes,
    "RidgePath": _number,
    "Ridge": _number,
    "GaussianProcess": _process,
    "KNeighborsClassifier": _neighbors,
    "KNeighborsRegressor": _neighbors,
    "TransformedTargetRegressor": _target,
    "TailRegressor": _target,
    "QuantileLearner": _quantiles,
    "ExtraTreesClassifier": _forest,
    "ExtraTreesRegressor": _forest,
    "RandomForestClassifier": _forest,
    "RandomForestRegressor": _forest,
    "LGBMClassifier": _lightgbm,
    "LGBMRegressor": _lightgbm,
    "XGBClassifier": _xgboost,
    "XGBRegressor": _xgboost,
}
