"""Compiled parts of scikit-learn and NumPy in model files, and what has to hold before they may run.

Compiled code trusts its arrays: a tree whose node points outside of them reads, or writes, where it should not. Trees
are therefore built and checked in `_trees`; those of neighbours are built anew from their points. What an
estimator hands to compiled code when it predicts is checked in `_handed`.
"""

import numpy as np

from ._trees import pack_trees, read_trees, require

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
_NEIGHBORS = {"KDTree", "KDTree32", "KDTree64", "BallTree", "BallTree32", "BallTree64"}


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


def _read_neighbors(content, decoder):
    import sklearn.neighbors._ball_tree
    import sklearn.neighbors._kd_tree

    name, points, leaf_size, metric, value, weight = content
    require(name in _NEIGHBORS and type(leaf_size) is int and leaf_size > 0, "a tree of neighbours is invalid")
    points = decoder.array_of(points, "f", 2)
    parameter = dict(_METRICS.values()).get(metric)
    require(parameter is not None and points.size, "a tree of neighbours is invalid")
    if parameter == "V":
        value = decoder.array_of(value, "f", 1)
    require(parameter != "p" or type(value) is float and value >= 1, "a tree of neighbours is invalid")
    home = sklearn.neighbors._kd_tree if name.startswith("KD") else sklearn.neighbors._ball_tree
    weight = {} if weight is None else {"sample_weight": decoder.array_of(weight, "f", 1)}
    return getattr(home, name)(points, leaf_size, metric=metric, **weight, **({parameter: value} if parameter else {}))


def _read_loss(content, decoder):
    import sklearn._loss.loss

    name, settings = content
    require(name in _LOSSES and set(settings) == set(_LOSSES[name]), "a loss is invalid")
    require(all(type(value) in (int, float, type(None)) for value in settings.values()), "a loss is invalid")
    return getattr(sklearn._loss.loss, name)(**settings)


def _read_spline(content, decoder):
    from scipy.interpolate import BSpline

    knots, coefficients, degree, extrapolate = content
    knots, coefficients = decoder.array_of(knots, "f", 1), decoder.array(coefficients)
    require(type(degree) is int and 0 <= degree < 100 and coefficients.dtype.kind == "f", "a spline is invalid")
    return BSpline(knots, coefficients, degree, extrapolate is True)


def _read_random(content, decoder):
    key, pos, has_gauss, gauss = content
    key = decoder.array_of(key, "u", 1)
    require(key.shape == (624,) and type(pos) is int and 0 <= pos <= 624 and type(gauss) is float, "a seed is invalid")
    made = np.random.RandomState(0)
    state = {"bit_generator": "MT19937", "state": {"key": key, "pos": pos}}
    made.set_state(state | {"has_gauss": int(has_gauss == 1), "gauss": gauss})
    return made


def _read_generator(content, decoder):
    require(all(type(number) is int and 0 <= number < 2**128 for number in content), "a seed is invalid")
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
