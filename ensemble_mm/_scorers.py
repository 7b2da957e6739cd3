"""Scorers of scikit-learn: run on predictions that are known, and refused where they judge another kind of target."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer, get_scorer_names

from ._checks import did_you_mean
from ._kinds import Classes, Numbers


class _GivenClassifier(ClassifierMixin, BaseEstimator):
    """Probabilities that are known already: lets any scorer judge them."""

    def __init__(self, out, kind):
        self.out = out
        self.kind = kind
        self.classes_ = np.arange(out.shape[1])

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.kind.decide(self.out)

    def predict_proba(self, X):
        return self.out


class _GivenRegressor(RegressorMixin, BaseEstimator):
    """Numbers that are known already: lets any scorer judge them."""

    def __init__(self, out, kind):
        self.out = out
        self.kind = kind
        self.fitted_ = True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.out[:, 0]


GIVEN = {Classes.learner: _GivenClassifier, Numbers.learner: _GivenRegressor}


def weighted_score(scorer, model, X, y, weight=None):
    """Return what a scorer says of a model on rows, which count by their weights; metrics that know none go without."""
    if weight is None or (weight == weight[0]).all():
        return scorer(model, X, y)
    try:
        return scorer(model, X, y, sample_weight=weight)
    except TypeError:
        return scorer(model, X, y)


def scored(scoring, y, weight, kind):
    """Return a function from blends, shape (n_samples, n_classes or 1), to the score that a scorer gives.

    A score that is not finite counts as the lowest. Metrics that know no weights go without.
    """
    scorer = _scorer(scoring)
    given = GIVEN[kind.learner]

    def score(out):
        value = weighted_score(scorer, given(out, kind), np.zeros((len(y), 1)), y, weight)
        return value if np.isfinite(value) else -np.finfo(float).max

    return score


@dataclass(frozen=True)
class Metric:
    """What scores of a task are called, and how they are taken: `score(y, out, weight)`, higher is better.

    It is NaN where the metric is not defined, as the area under the curve of one class is not.
    """

    name: str
    score: Callable[..., float]
    # Makes it for another kind: one of more classes, where new rows have some that the fit did not know.
    of_kind: Callable[..., "Metric"] | None = None


def metric_of(scoring, kind) -> Metric:
    """Return the metric that a user chose with `scoring`; None: the main one of the kind, as in `score`."""
    name = kind.main if scoring is None else scoring if isinstance(scoring, str) else _name_of(scoring)

    def score(y, out, weight=None):
        y, out = kind.encoded(y), kind.whole(out)
        weight = np.ones(len(y)) if weight is None else weight
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UndefinedMetricWarning)
                given = GIVEN[kind.learner](out, kind)
                value = weighted_score(_scorer(scoring), given, np.zeros((len(y), 1)), y, weight)
        except Exception:  # too few rows or classes; and a metric that fails must not cost a fit
            return np.nan
        return float(value) if np.isfinite(value) else np.nan

    if name in kind.metrics and not callable(scoring):
        return Metric(name, lambda y, out, weight=None: kind.metric(name, y, out, weight))  # the same, but quicker
    if scoring == "neg_log_loss":  # that of scikit-learn needs rows of all classes
        return Metric(name, lambda y, out, weight=None: -kind.metric("log_loss", y, out, weight))
    return Metric(name, score)


def _name_of(scorer):
    function = getattr(scorer, "_score_func", scorer)
    return str(getattr(function, "__name__", type(function).__name__))


def judges_decisions(scoring) -> bool:
    """Tell whether a scorer judges what is decided, not how probable it was; a callable of one's own may do both."""
    return scoring is None or getattr(_scorer(scoring), "_response_method", "predict") == "predict"


def check_scorer(scoring, kind, parameter="scoring"):
    """Raise an error unless a parameter is None or can judge tasks of a kind.

    A callable that can be called as a scorer is taken at its word.
    """
    if scoring is None:
        return
    scorer = _scorer(scoring, parameter)
    if not isinstance(scoring, str):
        if not _takes_estimator(scorer):
            raise TypeError(
                f"{parameter}={scoring!r} is not called as a scorer is, with an estimator, X and y: a function of "
                "labels and predictions becomes one by sklearn.metrics.make_scorer."
            )
        return
    faults = {other: _fault(scoring, other) for other in (Numbers(), kind)}
    reason = faults[kind]
    suited = next((other for other, fault in faults.items() if fault is None), kind)
    if reason is None and not isinstance(kind, type(suited)):  # class positions are numbers, too
        reason = f"it is for {suited.words}"
    if reason is not None:
        raise ValueError(f"{parameter}={scoring!r} cannot judge {kind.words} ({reason}): use another scorer, or None.")


def _scorer(scoring, parameter="scoring"):
    if isinstance(scoring, str) and scoring not in get_scorer_names():
        raise ValueError(
            f"{parameter}={scoring!r} is not known: use a name that sklearn.metrics.get_scorer_names() lists, or None."
            f"{did_you_mean(scoring, get_scorer_names())}"
        )
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    if not callable(scorer):
        raise TypeError(
            f"{parameter}={scoring!r} is not a scorer: give a name that scikit-learn knows, or a scorer of its kind."
        )
    return scorer


def _takes_estimator(scorer) -> bool:
    """Tell whether a callable takes what a scorer does; one whose parameters cannot be looked at is believed to."""
    try:
        signature(scorer).bind("estimator", "X", "y")
    except TypeError:
        return False
    except ValueError:  # written in C
        pass
    return not isinstance(scorer, type)


def _fault(scoring, kind):
    """Return why a scorer cannot judge tasks of a kind, tried on made-up predictions; None where it can."""
    y, out = kind.made_up()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # metrics of clusters only warn of numbers
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            scored(scoring, y, np.ones(len(y)), kind)(out)
    except Exception as error:  # whatever a metric raises
        return str(error)
    return None
