"""Which meta-learner: by name, by nested cross-validation, or the user's own."""

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import KFold

from .._checks import check_choice
from ._columns import TINY, TableClassifier, TableRegressor
from ._linear import LinearClassifier, LinearRegressor, WrappedClassifier, WrappedRegressor
from ._weights import (
    GreedyClassifier,
    GreedyRegressor,
    MeanClassifier,
    MeanRegressor,
    SimplexClassifier,
    SimplexRegressor,
    scored,
)

CLASSIFIERS = {  # simplest first
    "mean": MeanClassifier,
    "simplex": SimplexClassifier,
    "greedy": GreedyClassifier,
    "linear": LinearClassifier,
}
REGRESSORS = {"mean": MeanRegressor, "simplex": SimplexRegressor, "greedy": GreedyRegressor, "linear": LinearRegressor}
NAMES = (*CLASSIFIERS, "auto")


class _Auto:
    def fit(self, X, y, sample_weight=None):
        """Choose and fit on a table of shape (n_samples, n_members * n_columns)."""
        cells, encoded, weight, n_members = self._check(X, y, sample_weight)
        X = np.asarray(X, dtype=np.float64)
        y = np.asarray(y)
        names = list(self._choices)
        weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        losses = {name: [] for name in names}
        n_splits = min(self.cv, len(y))
        if n_splits > 1 and n_members > 1:
            for train, test in KFold(n_splits, shuffle=True, random_state=self.random_state).split(X):
                for name in names:
                    losses[name].append(self._judge(name, X, y, weights, train, test))
        self.losses_ = {name: float(np.mean(np.concatenate(parts))) if parts else 0.0 for name, parts in losses.items()}
        self.choice_ = self._simplest_of_the_best(names, losses)
        self.chosen_ = self._make(self.choice_).fit(X, y, sample_weight=sample_weight)
        self.weights_ = self.chosen_.weights_
        return self

    def _simplest_of_the_best(self, names, losses):
        best = min(names, key=lambda name: self.losses_[name])
        if not losses[best]:
            return names[0]
        for name in names:
            difference = np.concatenate(losses[name]) - np.concatenate(losses[best])
            if name == best or difference.mean() <= difference.std(ddof=1) / np.sqrt(len(difference)):
                return name
        return best

    def _judge(self, name, X, y, weights, train, test):
        try:
            model = self._make(name).fit(X[train], y[train], sample_weight=weights[train])
        except ValueError:  # a part of the rows with one class only
            return np.full(len(test), np.log(1 / TINY))
        if isinstance(self, TableRegressor):
            return (model.predict(X[test]) - y[test]) ** 2
        if self.scoring is not None:
            out = model.predict_proba(X[test])
            return np.full(len(test), -scored(self.scoring, y[test], weights[test], out.shape[1])(out))
        proba = model.predict_proba(X[test])
        place = {label: i for i, label in enumerate(model.classes_.tolist())}
        true = [proba[i, place[label]] if label in place else 0 for i, label in enumerate(y[test].tolist())]
        return -np.log(np.clip(true, TINY, 1))

    def _make(self, name):
        settings = {"scoring": self.scoring, "random_state": self.random_state} if name == "greedy" else {}
        if isinstance(self, TableClassifier):
            settings["n_classes"] = self.n_classes
        return self._choices[name](**settings)

    def _mix(self, cells):
        return self.chosen_._mix(cells)


class AutoClassifier(_Auto, TableClassifier):
    """Choose the meta-learner by cross-validation on the table; the simplest within one standard error wins.

    Parameters
    ----------
    cv : int, default=5
    scoring : None, str or callable, default=None
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None reads them from y.
    random_state : int or None, default=0

    Attributes
    ----------
    choice_ : str
        Name of the meta-learner that was chosen.
    losses_ : dict of str to float
        Mean loss of each on held-out rows.
    weights_ : ndarray of shape (n_members,)
    """

    _choices = CLASSIFIERS

    def __init__(self, *, cv=5, scoring=None, n_classes=None, random_state=0):
        self.cv = cv
        self.scoring = scoring
        self.n_classes = n_classes
        self.random_state = random_state


class AutoRegressor(_Auto, TableRegressor):
    """Choose the meta-learner by cross-validation on the table; see `AutoClassifier`."""

    _choices = REGRESSORS

    def __init__(self, *, cv=5, scoring=None, random_state=0):
        self.cv = cv
        self.scoring = scoring
        self.random_state = random_state


def make_meta_learner(spec, *, kind, n_classes=None, scoring=None, random_state=None):
    """Return an unfitted meta-learner for a task.

    Parameters
    ----------
    spec : {"greedy", "simplex", "linear", "mean", "auto"} or estimator
    kind : {"binary", "multiclass", "regression"}
    n_classes : int or None, default=None
        Of a classification.
    scoring : None, str or callable, default=None
        What "greedy" and "auto" maximise.
    random_state : int or None, default=None

    Returns
    -------
    estimator
        It takes a table and has `weights_` after fit.

    Examples
    --------
    >>> from ensemble_mm.meta import make_meta_learner
    >>> make_meta_learner("simplex", kind="regression")
    SimplexRegressor()
    """
    check_choice("kind", kind, ("binary", "multiclass", "regression"))
    classes = kind != "regression"
    settings = {"n_classes": n_classes} if classes else {}
    if isinstance(spec, str):
        check_choice("meta_learner", spec, NAMES)
        if spec in ("greedy", "auto"):
            settings |= {"scoring": scoring, "random_state": random_state}
        if spec == "auto":
            return (AutoClassifier if classes else AutoRegressor)(**settings)
        return (CLASSIFIERS if classes else REGRESSORS)[spec](**settings)
    if not hasattr(spec, "fit"):
        raise TypeError(f"meta_learner={spec!r} is no estimator: use one of {', '.join(NAMES)}, or a scikit-learn estimator.")
    if not (is_classifier(spec) if classes else is_regressor(spec)):
        wanted = "a classifier" if classes else "a regressor"
        raise ValueError(f"meta_learner={spec!r} does not fit a {kind} task: give {wanted}, or a dict by task or kind.")
    if isinstance(spec, TableClassifier | TableRegressor):
        return clone(spec).set_params(**settings)
    return WrappedClassifier(spec, **settings) if classes else WrappedRegressor(spec)
