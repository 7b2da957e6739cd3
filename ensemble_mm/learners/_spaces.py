"""Search spaces of the learners of the portfolios, found by class name.

A space maps a parameter to a list of values or to a scipy distribution. Classes are named, not
imported, so that nothing heavy is loaded before it is used.
"""

from scipy.stats import loguniform, randint, uniform
from sklearn.pipeline import Pipeline

_FOREST = {"min_samples_leaf": [2, 3, 5, 10], "max_features": ["sqrt", 0.1, 0.3, 0.6, 1.0]}
_LIGHTGBM = {
    "learning_rate": loguniform(0.02, 0.2),
    "n_estimators": randint(50, 400),
    "num_leaves": randint(4, 64),
    "min_child_samples": randint(2, 40),
    "colsample_bytree": uniform(0.1, 0.9),
    "subsample": uniform(0.5, 0.5),
    "reg_lambda": loguniform(1e-3, 30.0),
    "reg_alpha": loguniform(1e-4, 3.0),
}
_XGBOOST = {
    "learning_rate": loguniform(0.02, 0.2),
    "n_estimators": randint(50, 400),
    "max_depth": randint(2, 9),
    "min_child_weight": loguniform(0.5, 20.0),
    "colsample_bytree": uniform(0.1, 0.9),
    "subsample": uniform(0.5, 0.5),
    "reg_lambda": loguniform(1e-2, 30.0),
}
_NET = {"learning_rate": loguniform(5e-4, 1e-2), "dropout": uniform(0.0, 0.6), "weight_decay": loguniform(1e-4, 0.1)}
_TEXT_NET = {**_NET, "embedding_dim": [32, 64, 128], "n_filters": [32, 64, 128]}
_IMAGE_NET = {**_NET, "width": [8, 16, 32]}
_NEIGHBORS = {"n_neighbors": randint(1, 40), "weights": ["uniform", "distance"], "p": [1, 2]}

SPACES = {
    "ExtraTreesClassifier": _FOREST,
    "ExtraTreesRegressor": _FOREST,
    "RandomForestClassifier": _FOREST,
    "RandomForestRegressor": _FOREST,
    "GaussianProcess": {"anisotropic": [True, False], "smoothness": [0.5, 1.5, 2.5]},
    "ImageCNNClassifier": _IMAGE_NET,
    "ImageCNNRegressor": _IMAGE_NET,
    "KNeighborsClassifier": _NEIGHBORS,
    "KNeighborsRegressor": _NEIGHBORS,
    "LGBMClassifier": _LIGHTGBM,
    "LGBMRegressor": _LIGHTGBM,
    "LogisticPath": {"n_folds": [3, 5]},
    "LogisticRegression": {"C": loguniform(1e-2, 300.0)},
    "Nystroem": {"gamma": loguniform(0.05, 5.0), "n_components": [100, 200, 400]},
    "PooledGaussian": {"min_variance": [1e-6, 1e-3, 1e-2, 1e-1]},
    "RidgePath": {"n_folds": [3, 5]},
    "Ridge": {"alpha": loguniform(1e-3, 100.0)},
    "SVC": {"C": loguniform(0.1, 100.0), "gamma": loguniform(0.05, 5.0)},
    "SVR": {"C": loguniform(0.1, 100.0), "gamma": loguniform(0.05, 5.0), "epsilon": loguniform(0.01, 0.3)},
    "TextCNNClassifier": _TEXT_NET,
    "TextCNNRegressor": _TEXT_NET,
    "NaiveBayesScaler": {"smoothing": [0.3, 1.0, 3.0]},
    "ViewScaler": {"clip": [3.0, 8.0, None]},
    "XGBClassifier": _XGBOOST,
    "XGBRegressor": _XGBOOST,
}


def default_space(learner) -> dict:
    """Return the search space shipped for a learner, a Pipeline's being that of its steps.

    Parameters
    ----------
    learner : estimator
        A learner of a portfolio, or one of a class that a portfolio uses.

    Returns
    -------
    dict of str to list or scipy distribution
        Parameter names, with the step's or the inner estimator's prefix, and what to try.

    Raises
    ------
    ValueError
        If no space is known for the class.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from ensemble_mm.learners import default_space
    >>> sorted(default_space(KNeighborsRegressor()))
    ['n_neighbors', 'p', 'weights']
    """
    space = _find(learner)
    if not space:
        raise ValueError(
            f"No search space is known for {type(learner).__name__}: give one, as a dict of parameter names "
            "to lists of values or scipy distributions."
        )
    return space


def _find(learner):
    if isinstance(learner, Pipeline):
        return {f"{name}__{key}": value for name, step in learner.steps for key, value in _find(step).items()}
    for cls in type(learner).__mro__:
        if cls.__name__ in SPACES:
            return dict(SPACES[cls.__name__])
    for inner in ("regressor", "estimator"):
        if hasattr(learner, inner) and hasattr(getattr(learner, inner), "get_params"):
            return {f"{inner}__{key}": value for key, value in _find(getattr(learner, inner)).items()}
    return {}
