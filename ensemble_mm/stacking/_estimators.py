"""StackedClassifier and StackedRegressor: one task, as scikit-learn's estimators have it."""

from typing import Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.callback import with_callbacks
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from .._checks import warn
from ..data import Classes, Numbers, task_weights
from ._base import BaseStack
from ._parameters import shared_words
from ._regions import said


class _SingleStack(BaseStack):
    """What a stack of one task adds: y is one column and predictions are one array."""

    def _one_column(self, y):
        shape = getattr(y, "shape", ())
        if len(shape) == 2 and shape[1] == 1:
            if hasattr(y, "iloc"):  # as read_table gives one target
                return y.iloc[:, 0]
            warn(
                "A column-vector y was passed when a 1d array was expected: pass y of shape (n_samples,).",
                DataConversionWarning,
            )
            return np.ravel(y)
        if len(shape) == 2:
            raise ValueError(
                f"y should be a 1d array, got an array of shape {shape}: use MultiOutputStack for several."
            )
        return y

    def _labels(self, Y):
        return dict.fromkeys(self.tasks_, self._one_column(Y))

    def _only_prediction(self, X, cascade=None):
        check_is_fitted(self)
        out, _ = self._predict_classes(X, cascade)
        (name,) = out
        return name, out[name]

    def _judged(self, X, y, sample_weight):
        """Return rules, labels, predictions and weights of the rows whose label is known."""
        name, out = self._only_prediction(X)
        weight = task_weights(sample_weight, self.tasks_, len(out))[name]
        rules, target, out, weight = self.tasks_[name].judged(self._one_column(y), out, weight)
        if not len(target):
            raise ValueError("y has no known label (with a positive weight): a score needs at least one.")
        return rules, target, out, weight


@shared_words
class StackedClassifier(ClassifierMixin, _SingleStack):
    """Classify from several views with a cross-fitted ensemble.

    Every view is turned into features by its extractor, base learners are cross-fitted on them, and a
    meta-learner combines their out-of-fold predictions (stacked generalization [1]_).

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    {attributes}

    References
    ----------
    .. [1] Wolpert, D. (1992). Stacked generalization. Neural Networks 5, 241-259.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ensemble_mm import StackedClassifier
    >>> X = pd.DataFrame({"review": [f"a {mood} coat, number {i}" for i in range(20) for mood in ("good", "bad")]})
    >>> y = ["up", "down"] * 20
    >>> model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=3, random_state=0).fit(X, y)
    >>> model.views_
    {'review': 'text'}
    >>> model.predict(X[:2]).tolist()
    ['up', 'down']
    """

    _only = Classes.family

    @with_callbacks
    def fit(self, X, y, sample_weight=None, groups=None, **metadata) -> Self:
        """Fit the ensemble.

        Parameters
        ----------
        X : DataFrame, ChunkedData, dict of views, MultimodalData, or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Classes; None or NaN where the label is not known.
        sample_weight : array-like of shape (n_samples,), default=None
        groups : array-like of shape (n_samples,), default=None
            Rows of a group stay in the same fold.
        **metadata : what learners ask for by `set_fit_request`, with scikit-learn's metadata routing
            What has one value per row is cut to the rows of each fit.

        Returns
        -------
        self
        """
        self._fit(X, self._one_column(y), sample_weight, groups, metadata)
        (task,) = self.tasks_.values()
        self.classes_ = task.classes
        return self

    def predict_proba(self, X, cascade=None) -> np.ndarray:
        """Return class probabilities, shape (n_samples, n_classes), in the order of `classes_`.

        `cascade` is that of `predict`.
        """
        return self._only_prediction(X, cascade)[1]

    def predict(self, X, cascade=None, abstain=None) -> np.ndarray:
        """Return classes, shape (n_samples,): the most probable, or those that `threshold` or `class_weight` chooses.

        Parameters
        ----------
        X : as in `fit`
        cascade : float in (0, 1), default=None
            Read the cheapest view of all rows, and further views, in the order of `view_seconds_`, only of rows whose
            most probable class is less probable than this. Views that were not read count as missing. None: read all
            views. `CascadeDisplay` shows what this saves and costs.
        abstain : float in (0, 1), "sets", "disagreement" or "both", default=None
            Predict None for unsure rows. A coverage: rows for which `predict_set` gives several classes ("sets" is
            0.9). "disagreement": rows where members with more than a fifth of the weight predict another class.
            "both": rows where either is the case. None: predict all rows. `RiskCoverageDisplay` shows how many errors
            are left.
        """
        check_is_fitted(self)
        out, _, silent = self._silent(X, abstain, cascade)
        ((name, proba),) = out.items()
        return said(self.tasks_[name].decode(proba), silent.get(name))

    def score(self, X, y, sample_weight=None) -> float:
        """Return the accuracy on rows whose label is known; a class that `fit` did not see counts as wrong."""
        rules, target, proba, weight = self._judged(X, y, sample_weight)
        return float(np.average(rules.decide(proba) == target, weights=weight))

    def predict_set(self, X, coverage=0.9) -> np.ndarray:
        """Return the classes that hold the true one with probability `coverage`: bool (n_samples, n_classes)."""
        (inside,) = self._regions(X, coverage, ("sets",)).values()
        return inside


@shared_words
class StackedRegressor(RegressorMixin, _SingleStack):
    """Predict a number from several views with a cross-fitted ensemble.

    Every view is turned into features by its extractor, base learners are cross-fitted on them, and a
    meta-learner combines their out-of-fold predictions (stacked generalization [1]_).

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    References
    ----------
    .. [1] Wolpert, D. (1992). Stacked generalization. Neural Networks 5, 241-259.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from ensemble_mm import StackedRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0).fit(X, y)
    >>> model.predict_interval(X[:2], coverage=0.9).shape
    (2, 2)
    """

    _only = Numbers.family

    @with_callbacks
    def fit(self, X, y, sample_weight=None, groups=None, **metadata) -> Self:
        """Fit the ensemble.

        Parameters
        ----------
        X : DataFrame, ChunkedData, dict of views, MultimodalData, or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Numbers; NaN where the label is not known.
        sample_weight : array-like of shape (n_samples,), default=None
        groups : array-like of shape (n_samples,), default=None
            Rows of a group stay in the same fold.
        **metadata : what learners ask for by `set_fit_request`, with scikit-learn's metadata routing
            What has one value per row is cut to the rows of each fit.

        Returns
        -------
        self
        """
        return self._fit(X, self._one_column(y), sample_weight, groups, metadata)

    def predict(self, X) -> np.ndarray:
        """Return numbers in the unit of y, shape (n_samples,)."""
        return self._only_prediction(X)[1]

    def score(self, X, y, sample_weight=None) -> float:
        """Return R2 on rows whose label is known."""
        _, target, out, weight = self._judged(X, y, sample_weight)
        return float(r2_score(target, out, sample_weight=weight))

    def predict_interval(self, X, coverage=0.9) -> np.ndarray:
        """Return bounds that hold the true number with probability `coverage`: shape (n_samples, 2)."""
        (bounds,) = self._regions(X, coverage, ("intervals",)).values()
        return bounds
