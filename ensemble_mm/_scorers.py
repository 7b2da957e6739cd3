"""Scorers of scikit-learn: run on predictions that are known, and refused where they judge another kind of target."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer, get_scorer_names

from ._checks import did_you_mean
from ._kinds import Numbers


class _GivenClassifier(ClassifierMixin, BaseEstimator):
    """Probabilities that are known already: lets any scorer judge them."""

    def __init__(self, out):
        self.out = out
        self.classes_ = np.arange(out.shape[1])

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.out.argmax(axis=1)

    def predict_proba(self, X):
        return self.out


class _GivenRegressor(RegressorMixin, BaseEstimator):
    """Numbers that are known already: lets any scorer judge them."""

    def __init__(self, out):
        self.out = out
        self.fitted_ = True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.out[:, 0]


GIVEN = {"classification": _GivenClassifier, "regression": _GivenRegressor}


def scored(scoring, y, weight, kind):
    """Return a function from blends, shape (n_samples, n_classes or 1), to the score that a scorer gives.

    A score that is not finite counts as the lowest. Metrics that know no weights go without.
    """
    scorer = _scorer(scoring)
    given = GIVEN[kind.family]
    weights = {} if (weight == weight[0]).all() else {"sample_weight": weight}

    def score(out):
        rows = np.zeros((len(y), 1))
        try:
            value = scorer(given(out), rows, y, **weights)
        except TypeError:
            if not weights:
                raise
            weights.clear()
            value = scorer(given(out), rows, y)
        return value if np.isfinite(value) else -np.finfo(float).max

    return score


def check_scorer(scoring, kind):
    """Raise an error unless `scoring` is None or can judge tasks of a kind; a callable is taken at its word."""
    if scoring is None:
        return
    _scorer(scoring)
    if not isinstance(scoring, str):
        return
    faults = {other: _fault(scoring, other) for other in (Numbers(), kind)}
    reason = faults[kind]
    suited = next((other for other, fault in faults.items() if fault is None), kind)
    if reason is None and not isinstance(kind, type(suited)):  # class positions are numbers, too
        reason = f"it is for {suited.words}"
    if reason is not None:
        raise ValueError(f"scoring={scoring!r} cannot judge {kind.words} ({reason}): use another scorer, or None.")


def _scorer(scoring):
    if isinstance(scoring, str) and scoring not in get_scorer_names():
        raise ValueError(
            f"scoring={scoring!r} is not known: use a name that sklearn.metrics.get_scorer_names() lists, or None."
            f"{did_you_mean(scoring, get_scorer_names())}"
        )
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    if not callable(scorer):
        raise TypeError(
            f"scoring={scoring!r} is no scorer: give a name that scikit-learn knows, or a scorer of its kind."
        )
    return scorer


def _few_classes(n_classes):
    y = np.arange(6) % min(n_classes, 3)
    return y, (np.eye(max(y) + 1)[np.r_[y[:5], 0]] + 0.5) / (1 + 0.5 * (max(y) + 1))


def _few_numbers(n_classes):
    y = np.linspace(0.5, 2, 6)
    return y, y[:, np.newaxis] + 0.1


MADE_UP = {"classification": _few_classes, "regression": _few_numbers}  # six labels and predictions of them


def _fault(scoring, kind):
    """Return why a scorer cannot judge tasks of a kind, tried on made-up predictions; None where it can."""
    y, out = MADE_UP[kind.family](kind.n_classes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # metrics of clusters only warn of numbers
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            scored(scoring, y, np.ones(len(y)), kind)(out)
    except Exception as error:  # whatever a metric raises
        return str(error)
    return None
