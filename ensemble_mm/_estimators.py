"""What is asked of an estimator before it is fitted: seed, threads, cost, and whether it learns."""

from inspect import signature

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

EARLY_STOPPING = ("early_stopping_rounds", "early_stopping_round")  # settings of boosting
FORESTS = (ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor)


def seeded(estimator, seed):
    """Return a clone with every `random_state` that is None set from `seed`, and one thread where none was set."""
    copy, settings = clone(estimator), {}
    params = copy.get_params(deep=True)
    drawing = any(key.rpartition("__")[2] == "random_state" for key in params)
    rng = np.random.RandomState(seed) if drawing else None  # which takes longer than a trivial fit
    for key, value in sorted(params.items()):
        owner, _, last = key.rpartition("__")
        if last == "random_state":
            if value is None:
                settings[key] = int(rng.randint(np.iinfo(np.int32).max))
            elif isinstance(value, np.random.RandomState):
                settings[key] = int(check_random_state(value).randint(np.iinfo(np.int32).max))
        elif last in ("n_jobs", "nthread", "thread_count") and value is None:
            # In scikit-learn None means one already, and some of its classes warn when it is set.
            if not _has_from_sklearn(params.get(owner, copy), last):
                settings[key] = 1
    return copy.set_params(**settings) if settings else copy


def _has_from_sklearn(part, name) -> bool:
    """Tell whether a parameter comes from a class of scikit-learn, of which the part may be a subclass."""
    owners = [cls for cls in type(part).__mro__ if cls.__module__.startswith("sklearn.")]
    return any(name in cls._get_param_names() for cls in owners if hasattr(cls, "_get_param_names"))


def fitted_part(estimator):
    """Return the part of an estimator that is fitted and stays so when it is cloned; None where there is none.

    That is what a `FrozenEstimator` holds, at any depth, and a fitted estimator whose method is a parameter.
    """
    if not hasattr(estimator, "get_params"):
        return None
    copy = clone(estimator)
    for value in (copy, *copy.get_params(deep=True).values()):
        part = getattr(value, "__self__", value)
        if not isinstance(part, BaseEstimator):
            continue
        keeps = part is not value or type(part).__sklearn_clone__ is not BaseEstimator.__sklearn_clone__
        if keeps and _is_fitted(part):
            return part.estimator if isinstance(part, FrozenEstimator) else part
    return None


def is_fitted_whole(estimator) -> bool:
    """Tell whether an estimator was fitted before, and no part of it is still to be fitted."""
    if isinstance(estimator, Pipeline):
        return all(is_fitted_whole(step) for _, step in estimator.steps if step not in (None, "passthrough"))
    return isinstance(estimator, FrozenEstimator) or getattr(estimator, "was_fitted_before", False)


def known_before(estimator):
    """Return what the parts of an estimator that were fitted before know: names of columns, and classes or None."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    frozen = [part for part in parts if isinstance(part, FrozenEstimator) or getattr(part, "was_fitted_before", False)]
    names = [part.feature_names_in_ for part in frozen if hasattr(part, "feature_names_in_")]
    classes = [part.classes_ for part in frozen if hasattr(part, "classes_")]
    return tuple(names[0]) if names else (), classes[0] if classes else None


def _is_fitted(part) -> bool:
    try:
        check_is_fitted(part)
    except (NotFittedError, TypeError):
        return False
    return not _needs_no_fit(part)


def thread_params(estimator) -> list[str]:
    """Return the parameters by which an estimator may be fitted on more threads without a change of its answer.

    These are forests of scikit-learn, and LightGBM that is asked to be deterministic, where no number was set. The sums
    of other learners, and those of BLAS, depend on the number of threads in the last digits.
    """
    params = estimator.get_params(deep=True)
    keys = []
    for key, value in params.items():
        owner, _, last = key.rpartition("__")
        part = params[owner] if owner else estimator
        boosting = type(part).__module__.startswith("lightgbm.") and part.get_params(deep=False).get("deterministic")
        if last == "n_jobs" and value is None and (isinstance(part, FORESTS) or boosting):
            keys.append(key)
    return keys


def most_rows(estimator) -> float:
    """Return how many rows an estimator is to be fitted on at most: the least that a part of it says as `most_rows`."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    said = (getattr(part, "most_rows", np.inf) for part in parts if isinstance(part, BaseEstimator))
    return min(said, default=np.inf)


def cost_of(estimator) -> float:
    """Return a rough cost of a fit, only to order jobs."""
    cost = 1.0
    for key, value in estimator.get_params(deep=True).items():
        if key.rpartition("__")[2] in ("n_estimators", "iterations") and isinstance(value, int):
            cost *= max(value, 1) / 5
    return cost


def split_stateless(extractor):
    """Split an extractor in a leading part that needs no fit and the rest; either may be None."""
    if not isinstance(extractor, Pipeline):
        return (extractor, None) if _needs_no_fit(extractor) else (None, extractor)
    steps = [(name, step) for name, step in extractor.steps if step is not None and step != "passthrough"]
    n = 0
    while n < len(steps) and _needs_no_fit(steps[n][1]):
        n += 1
    return (Pipeline(steps[:n]) if n else None), (Pipeline(steps[n:]) if n < len(steps) else None)


def learns_from_labels(extractor) -> bool:
    """Tell whether an extractor, or any part of it, wants y.

    A part says so by its tags or by the signature of its `fit`. So does a score function that takes X and y: the
    selectors which hold one leave it open. What is asked without need costs time, as the view is then read per task.
    """
    if extractor is None:
        return False
    parts = extractor.get_params(deep=True).values() if hasattr(extractor, "get_params") else ()
    return any(map(_wants_labels, [extractor, *parts]))


def _wants_labels(part) -> bool:
    if isinstance(part, type) or not (callable(part) or hasattr(part, "fit")):
        return False
    if hasattr(part, "__sklearn_tags__") and get_tags(part).target_tags.required:
        return True
    try:
        given = signature(part.fit if hasattr(part, "fit") else part).parameters.values()
    except ValueError:  # written in C
        return False
    needed = [p for p in given if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(needed) > 1


def _needs_no_fit(step) -> bool:
    return not get_tags(step).requires_fit
