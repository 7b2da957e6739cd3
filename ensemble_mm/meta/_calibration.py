"""Probabilities that mean what they say, from out-of-fold predictions."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from .._kinds import Classes
from .._weights import rows_worth
from ._columns import TINY


class TemperatureCalibrator(BaseEstimator):
    """Divide log probabilities by one temperature that minimises the log loss [1]_.

    The order of the classes in a row stays, and so do decisions by the most probable class.

    Attributes
    ----------
    temperature_ : float
        From 0.05 to 20. Above 1: the probabilities were too sure of themselves.
    n_classes_ : int

    References
    ----------
    .. [1] Guo, C., Pleiss, G., Sun, Y., Weinberger, K. (2017). On calibration of modern neural networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import TemperatureCalibrator
    >>> proba = np.array([[0.99, 0.01]] * 10)
    >>> calibrator = TemperatureCalibrator().fit(proba, [0] * 8 + [1] * 2)
    >>> calibrator.predict_proba(proba[:1]).round(1)
    array([[0.8, 0.2]])
    """

    def fit(self, proba, y, sample_weight=None):
        """Fit to probabilities of shape (n_samples, n_classes) and class positions of shape (n_samples,)."""
        proba, y = check_proba(proba, y)
        check_consistent_length(proba, sample_weight)
        logs = np.log(np.clip(proba, TINY, 1))
        self.n_classes_ = proba.shape[1]

        def loss(log_temperature):
            scores = logs / np.exp(log_temperature)
            top = scores.max(axis=1, keepdims=True)
            losses = np.log(np.exp(scores - top).sum(axis=1)) + top[:, 0] - scores[np.arange(len(y)), y]
            return np.average(losses, weights=sample_weight)

        bound = np.log(20)
        self.temperature_ = float(np.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x))
        return self

    def predict_proba(self, proba):
        """Return calibrated probabilities of the same shape."""
        check_is_fitted(self)
        scores = np.log(np.clip(check_proba(proba, n_classes=self.n_classes_), TINY, 1)) / self.temperature_
        return softmax(scores, axis=1)


class IsotonicCalibrator(BaseEstimator):
    """Map each class's probability by an isotonic regression, and make them sum to one again [1]_.

    Wants some hundred rows per class; with fewer, `TemperatureCalibrator` is the safer choice.

    Attributes
    ----------
    maps_ : list of IsotonicRegression
        One per class; for two classes one, of the second.
    n_classes_ : int

    References
    ----------
    .. [1] Zadrozny, B., Elkan, C. (2002). Transforming classifier scores into accurate multiclass probability
       estimates. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import IsotonicCalibrator
    >>> proba = np.c_[np.linspace(0, 1, 20), np.linspace(1, 0, 20)]
    >>> out = IsotonicCalibrator().fit(proba, [1] * 10 + [0] * 10).predict_proba(proba)
    >>> bool(out[0, 1] > 0.9)
    True
    """

    def fit(self, proba, y, sample_weight=None):
        """Fit to probabilities of shape (n_samples, n_classes) and class positions of shape (n_samples,)."""
        proba, y = check_proba(proba, y)
        check_consistent_length(proba, sample_weight)
        self.n_classes_ = proba.shape[1]
        columns = [1] if self.n_classes_ == 2 else range(self.n_classes_)
        # Never certain: as if one more row of each kind had been seen.
        floor = 1 / (rows_worth(sample_weight, len(y)).sum() + 2)
        blank = IsotonicRegression(y_min=floor, y_max=1 - floor, out_of_bounds="clip")
        self.maps_ = [clone(blank).fit(proba[:, c], y == c, sample_weight) for c in columns]
        return self

    def predict_proba(self, proba):
        """Return calibrated probabilities of the same shape."""
        check_is_fitted(self)
        proba = check_proba(proba, n_classes=self.n_classes_)
        if self.n_classes_ == 2:
            second = self.maps_[0].predict(proba[:, 1])
            return np.c_[1 - second, second]
        out = np.column_stack([mapped.predict(proba[:, c]) for c, mapped in enumerate(self.maps_)])
        return out / out.sum(axis=1, keepdims=True)


CALIBRATORS = {"temperature": TemperatureCalibrator, "isotonic": IsotonicCalibrator}


def check_proba(proba, y=None, n_classes=None):
    """Return probabilities as a float array and, when given, class positions as an int array."""
    proba = check_array(proba, dtype=np.float64, input_name="proba")
    if proba.shape[1] < 2 or (n_classes is not None and proba.shape[1] != n_classes):
        wanted = "at least two columns, one per class" if n_classes is None else f"{n_classes} columns, as in fit"
        raise ValueError(f"proba has shape {proba.shape}, expected {wanted}.")
    if proba.min() < -1e-9 or proba.max() > 1 + 1e-9:
        raise ValueError(f"proba holds values from {proba.min():g} to {proba.max():g}: probabilities lie in 0 to 1.")
    if y is None:
        return proba
    check_consistent_length(proba, y)
    return proba, Classes(proba.shape[1]).checked(y)
