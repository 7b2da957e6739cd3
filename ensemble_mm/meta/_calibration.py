"""Calibrated probabilities, decision thresholds, and conformal sets and intervals, all from out-of-fold predictions."""

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.base import BaseEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.validation import check_is_fitted

from ._scoring import scored

TINY = 1e-12
FEWEST_ROWS = 50  # of an availability pattern that gets a quantile of its own


class TemperatureCalibrator(BaseEstimator):
    """Divide log probabilities by one temperature that minimises the log loss [1]_.

    Attributes
    ----------
    temperature_ : float
        Above 1: the probabilities were too sure of themselves.

    References
    ----------
    .. [1] Guo, C. et al. (2017). On calibration of modern neural networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import TemperatureCalibrator
    >>> proba = np.array([[0.99, 0.01]] * 10)
    >>> calibrator = TemperatureCalibrator().fit(proba, [0] * 8 + [1] * 2)
    >>> calibrator.predict_proba(proba[:1]).round(1)
    array([[0.8, 0.2]])
    """

    def fit(self, proba, y):
        """Fit to probabilities of shape (n_samples, n_classes) and class positions."""
        logs, y = np.log(np.clip(proba, TINY, 1)), np.asarray(y, dtype=np.intp)

        def loss(log_temperature):
            scores = logs / np.exp(log_temperature)
            top = scores.max(axis=1)
            return np.mean(np.log(np.exp(scores - top[:, np.newaxis]).sum(axis=1)) + top - scores[np.arange(len(y)), y])

        self.temperature_ = float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))
        return self

    def predict_proba(self, proba):
        """Return calibrated probabilities of the same shape."""
        check_is_fitted(self)
        powers = np.clip(proba, TINY, 1) ** (1 / self.temperature_)
        return powers / powers.sum(axis=1, keepdims=True)


class IsotonicCalibrator(BaseEstimator):
    """Map each class's probability by an isotonic regression, and make them sum to one again.

    Wants some hundred rows a class; with fewer, `TemperatureCalibrator` is the safer choice.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import IsotonicCalibrator
    >>> proba = np.c_[np.linspace(0, 1, 20), np.linspace(1, 0, 20)]
    >>> out = IsotonicCalibrator().fit(proba, [1] * 10 + [0] * 10).predict_proba(proba)
    >>> bool(out[0, 1] > 0.9)
    True
    """

    def fit(self, proba, y):
        """Fit to probabilities of shape (n_samples, n_classes) and class positions."""
        proba, y = np.asarray(proba, dtype=float), np.asarray(y, dtype=np.intp)
        columns = [1] if proba.shape[1] == 2 else range(proba.shape[1])
        floor = 1 / (len(y) + 2)  # never certain: as if one more row of each kind had been seen
        self.maps_ = [
            IsotonicRegression(y_min=floor, y_max=1 - floor, out_of_bounds="clip").fit(proba[:, c], y == c)
            for c in columns
        ]
        return self

    def predict_proba(self, proba):
        """Return calibrated probabilities of the same shape."""
        check_is_fitted(self)
        proba = np.asarray(proba, dtype=float)
        if proba.shape[1] == 2:
            second = self.maps_[0].predict(proba[:, 1])
            return np.c_[1 - second, second]
        out = np.column_stack([m.predict(proba[:, c]) for c, m in enumerate(self.maps_)])
        return out / out.sum(axis=1, keepdims=True)


def decision_threshold(proba, y, scoring="balanced_accuracy"):
    """Return the threshold on the second class's probability that maximises a metric.

    Parameters
    ----------
    proba : ndarray of shape (n_samples,)
        Out-of-fold probabilities of the second class.
    y : ndarray of shape (n_samples,), 0 or 1
    scoring : str or callable
        A scikit-learn scorer that judges decisions, such as "f1".

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import decision_threshold
    >>> threshold = decision_threshold(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1]))
    >>> bool(0.2 < threshold <= 0.3)
    True
    """
    proba, y = np.asarray(proba, dtype=float), np.asarray(y, dtype=np.intp)
    score = scored(scoring, y, np.ones(len(y)), 2)
    edges = np.unique(proba)
    if len(edges) > 200:
        edges = np.unique(np.quantile(proba, np.linspace(0, 1, 200)))
    trials = np.r_[edges[0], (edges[1:] + edges[:-1]) / 2]
    found = [score(np.c_[proba < t, proba >= t].astype(float)) for t in trials]
    return float(trials[int(np.argmax(found))])


class _ByPattern:
    """Scores of the out-of-fold rows, by which views the rows have; a rare pattern uses all rows."""

    def _keep(self, scores, pattern):
        self.scores_ = {None: np.sort(scores)}
        if pattern is not None:
            pattern = np.asarray(pattern)
            for value in np.unique(pattern):
                own = scores[pattern == value]
                if len(own) >= FEWEST_ROWS:
                    self.scores_[value.item()] = np.sort(own)

    def _quantiles(self, coverage, pattern, n_rows):
        if not 0 < coverage < 1:
            raise ValueError(f"coverage={coverage!r} must lie between 0 and 1.")
        quantile = {key: _finite_quantile(scores, coverage) for key, scores in self.scores_.items()}
        if pattern is None:
            return np.full(n_rows, quantile[None])
        return np.array([quantile.get(value, quantile[None]) for value in np.asarray(pattern).tolist()])


class ConformalIntervals(_ByPattern, BaseEstimator):
    """Intervals from out-of-fold residuals: cross-conformal prediction [1]_, by availability pattern.

    Attributes
    ----------
    scores_ : dict
        Sorted absolute residuals of all rows (None) and of every pattern with enough rows.

    References
    ----------
    .. [1] Vovk, V. (2015). Cross-conformal predictors. Annals of Mathematics and AI 74, 9-28.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import ConformalIntervals
    >>> intervals = ConformalIntervals().fit(np.zeros(99), np.arange(99) / 99)
    >>> intervals.interval(np.array([0.0]), 0.9).round(2)
    array([[-0.9,  0.9]])
    """

    def fit(self, oof, y, pattern=None):
        """Fit to out-of-fold predictions, true numbers, and a number a row that tells which views it has."""
        self._keep(np.abs(np.asarray(y, dtype=float) - np.asarray(oof, dtype=float)), pattern)
        return self

    def interval(self, prediction, coverage=0.9, pattern=None):
        """Return lower and upper bounds, shape (n_samples, 2)."""
        check_is_fitted(self)
        prediction = np.asarray(prediction, dtype=float)
        half = self._quantiles(coverage, pattern, len(prediction))
        return np.c_[prediction - half, prediction + half]


class ConformalSets(_ByPattern, BaseEstimator):
    """Sets of classes from out-of-fold probabilities: least ambiguous [1]_, never empty, by availability pattern.

    References
    ----------
    .. [1] Sadinle, M., Lei, J., Wasserman, L. (2019). Least ambiguous set-valued classifiers with bounded error levels.
       Journal of the American Statistical Association 114, 223-234.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import ConformalSets
    >>> proba = np.array([[0.9, 0.1], [0.2, 0.8]] * 20)
    >>> ConformalSets().fit(proba, [0, 1] * 20).sets(proba[:1], 0.9)
    array([[ True, False]])
    """

    def fit(self, oof, y, pattern=None):
        """Fit to out-of-fold probabilities, class positions, and a number a row that tells which views it has."""
        oof, y = np.asarray(oof, dtype=float), np.asarray(y, dtype=np.intp)
        self._keep(1 - oof[np.arange(len(y)), y], pattern)
        return self

    def sets(self, proba, coverage=0.9, pattern=None):
        """Return which classes are in the set of each row: bool, shape (n_samples, n_classes)."""
        check_is_fitted(self)
        proba = np.asarray(proba, dtype=float)
        limit = self._quantiles(coverage, pattern, len(proba))
        inside = 1 - proba <= limit[:, np.newaxis] + TINY
        inside[np.arange(len(proba)), proba.argmax(axis=1)] = True
        return inside


def _finite_quantile(scores, coverage):
    """Return the smallest score that covers with the finite-sample correction; infinite with too few rows."""
    rank = int(np.ceil((len(scores) + 1) * coverage))
    return scores[rank - 1] if rank <= len(scores) else np.inf
