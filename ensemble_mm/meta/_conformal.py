"""Intervals and sets that cover as often as they say, from out-of-fold predictions, by what a row has."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from .._checks import check_params, one_of
from ._calibration import check_proba
from ._columns import TINY, rows_worth

FEWEST_ROWS = 50  # of an availability pattern that gets a quantile of its own


class _ByPattern:
    """Scores of the out-of-fold rows, by which views the rows have; a rare pattern uses all rows."""

    def _keep(self, scores, pattern, weight, groups):
        weight, self.scores_, self.worth_ = rows_worth(weight, len(scores)), {}, {}
        kept = {None: np.flatnonzero(weight > 0)}
        if pattern is not None:
            pattern = _check_pattern(pattern, len(scores))
            kept |= {value.item(): kept[None][pattern[kept[None]] == value] for value in np.unique(pattern)}
        for key, rows in kept.items():
            rows = rows[np.argsort(scores[rows], kind="stable")]
            worth = np.cumsum(weight[rows])
            if groups is not None:  # rows of a group err together: they tell as much as one does
                worth *= len(np.unique(np.asarray(groups)[rows])) / worth[-1:]
            if key is None or worth[-1:].sum() >= FEWEST_ROWS:
                self.scores_[key], self.worth_[key] = scores[rows], worth
        if (self.worth_[None] == np.arange(1, len(self.worth_[None]) + 1)).all():
            self.worth_ = None
        return self

    def _quantiles(self, coverage, pattern, n_rows):
        if not isinstance(coverage, Real) or not 0 < coverage < 1:
            raise ValueError(f"coverage={coverage!r} must be a number above 0 and below 1.")
        worth = getattr(self, "worth_", None) or {}  # models of before have none
        quantile = {key: finite_quantile(scores, coverage, worth.get(key)) for key, scores in self.scores_.items()}
        # Too few rows of a pattern for this coverage: the pooled rows, but not below what was seen.
        for key, scores in self.scores_.items():
            if np.isinf(quantile[key]):
                quantile[key] = max(quantile[None], scores[-1])
        if pattern is None:
            return np.full(n_rows, quantile[None])
        pattern = _check_pattern(pattern, n_rows)
        return np.array([quantile.get(value, quantile[None]) for value in pattern.tolist()])


class ConformalIntervals(_ByPattern, BaseEstimator):
    """Intervals from out-of-fold residuals: cross-conformal prediction [1]_, by availability pattern.

    An interval is the prediction plus and minus a quantile of the residuals, with the correction for a finite sample.
    It assumes that new rows are drawn like those of `fit`.

    Attributes
    ----------
    scores_ : dict
        Sorted absolute residuals of all rows (key None) and of every pattern with at least 50 rows.
    worth_ : dict or None
        How many rows the scores up to each are worth; None: each is worth one.

    References
    ----------
    .. [1] Vovk, V. (2015). Cross-conformal predictors. Annals of Mathematics and Artificial Intelligence 74, 9-28.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import ConformalIntervals
    >>> intervals = ConformalIntervals().fit(np.zeros(99), np.arange(99) / 99)
    >>> intervals.interval(np.array([0.0]), 0.9).round(2)
    array([[-0.9,  0.9]])
    """

    def fit(self, oof, y, pattern=None, sample_weight=None, groups=None):
        """Learn the residuals.

        Parameters
        ----------
        oof, y : array-like of shape (n_samples,)
            Out-of-fold predictions and true numbers, both without NaN.
        pattern : array-like of shape (n_samples,) or None, default=None
            One value per row that tells which views the row has.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How often each row counts.
        groups : array-like of shape (n_samples,) or None, default=None
            Rows of a group err together: all of them tell how sure a quantile is as one row does.
        """
        oof, y = _numbers(oof, "oof"), _numbers(y, "y")
        check_consistent_length(oof, y)
        return self._keep(np.abs(y - oof), pattern, sample_weight, groups)

    def interval(self, prediction, coverage=0.9, pattern=None):
        """Return lower and upper bounds, shape (n_samples, 2); infinite where too few rows were seen for `coverage`."""
        check_is_fitted(self)
        prediction = _numbers(prediction, "prediction")
        half = self._quantiles(coverage, pattern, len(prediction))
        return np.c_[prediction - half, prediction + half]


class ConformalSets(_ByPattern, BaseEstimator):
    """Sets of classes from out-of-fold probabilities, never empty, by availability pattern.

    The most probable class is always in the set: where a model is right more often than `coverage`, sets cover more.

    Parameters
    ----------
    method : {"lac", "adaptive"}, default="lac"
        "lac": the smallest sets on average, all classes above one probability [1]_. "adaptive": classes in order of
        probability until their sum reaches a level [2]_, which covers hard rows better and is larger on average.

    Attributes
    ----------
    scores_ : dict
        Sorted scores of the true classes of all rows (key None) and of every pattern with at least 50 rows.
    worth_ : dict or None
        How many rows the scores up to each are worth; None: each is worth one.
    n_classes_ : int

    References
    ----------
    .. [1] Sadinle, M., Lei, J., Wasserman, L. (2019). Least ambiguous set-valued classifiers with bounded error levels.
       Journal of the American Statistical Association 114, 223-234.
    .. [2] Romano, Y., Sesia, M., Candes, E. (2020). Classification with valid and adaptive coverage. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import ConformalSets
    >>> proba = np.array([[0.9, 0.1], [0.2, 0.8]] * 20)
    >>> ConformalSets().fit(proba, [0, 1] * 20).sets(proba[:1], 0.9)
    array([[ True, False]])
    """

    _parameter_constraints = {"method": [one_of("lac", "adaptive")]}

    def __init__(self, *, method="lac"):
        self.method = method

    def fit(self, oof, y, pattern=None, sample_weight=None, groups=None):
        """Learn the scores of the true classes.

        Parameters
        ----------
        oof : array-like of shape (n_samples, n_classes)
            Out-of-fold probabilities.
        y : array-like of shape (n_samples,)
            Class positions.
        pattern : array-like of shape (n_samples,) or None, default=None
            One value per row that tells which views the row has.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How often each row counts.
        groups : array-like of shape (n_samples,) or None, default=None
            Rows of a group err together: all of them tell how sure a quantile is as one row does.
        """
        check_params(self)
        oof, y = check_proba(oof, y)
        self.n_classes_ = oof.shape[1]
        return self._keep(self._scores(oof)[np.arange(len(y)), y], pattern, sample_weight, groups)

    def sets(self, proba, coverage=0.9, pattern=None):
        """Return which classes are in the set of each row: bool, shape (n_samples, n_classes)."""
        check_is_fitted(self)
        proba = check_proba(proba, n_classes=self.n_classes_)
        limit = self._quantiles(coverage, pattern, len(proba))
        inside = self._scores(proba) <= limit[:, np.newaxis] + TINY
        inside[np.arange(len(proba)), proba.argmax(axis=1)] = True
        return inside

    def _scores(self, proba):
        """Return how unusual each class would be: 1 - p, or the probability of likelier classes and half its own."""
        if self.method == "lac":
            return 1 - proba
        order = np.argsort(-proba, axis=1, kind="stable")
        down = np.take_along_axis(proba, order, axis=1)
        scores = np.empty_like(proba)
        np.put_along_axis(scores, order, np.cumsum(down, axis=1) - down / 2, axis=1)
        return scores


def finite_quantile(scores, coverage, worth=None):
    """Return the smallest of sorted scores that covers, corrected for a finite sample; infinite with too few rows.

    `worth` tells how many rows the scores up to each are worth; None: each is worth one. A new row is worth one [1]_.

    References
    ----------
    .. [1] Tibshirani, R., Foygel Barber, R., Candes, E., Ramdas, A. (2019). Conformal prediction under covariate
       shift. NeurIPS.
    """
    worth = np.arange(1, len(scores) + 1) if worth is None else worth
    rank = np.searchsorted(worth, (worth[-1:].sum() + 1) * coverage - 1e-9)
    return scores[rank] if rank < len(scores) else np.inf


def _numbers(values, name):
    values = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    if values.ndim != 1:
        raise ValueError(f"{name} has shape {values.shape}, expected one number per row.")
    return values


def _check_pattern(pattern, n_rows):
    pattern = np.asarray(pattern)
    if pattern.shape != (n_rows,):
        raise ValueError(f"pattern has shape {pattern.shape}, expected ({n_rows},): one value per row.")
    return pattern
