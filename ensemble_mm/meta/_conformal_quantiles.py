"""Quantiles and intervals that hold as often as they say, from out-of-fold quantiles, by what a row has."""

import numpy as np
from scipy.stats import norm
from sklearn.utils.validation import check_is_fitted

from .._kinds import LEVELS
from ._conformal import ByPattern, check_coverage

FARTHEST = 10.0  # standard errors from the median at which a number may lie


class ConformalQuantiles(ByPattern):
    """Quantiles and intervals that hold as often as they say, from out-of-fold quantiles, by availability pattern.

    A row's predicted quantiles are joined to a distribution, straight between them on the scale of a normal one, and
    going on so beyond them. The score of a row is where its true number lies in it, as that of a standard normal
    number. Quantiles of the scores tell which part of the distribution to take [1]_.

    Attributes
    ----------
    scores_, worth_, seen_, added_ : as in `ConformalIntervals`
        Of the scores; those of `below_` are of their negatives.
    below_ : ConformalQuantiles

    References
    ----------
    .. [1] Chernozhukov, V., Wuethrich, K., Zhu, Y. (2021). Distributional conformal prediction. PNAS 118.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import ConformalQuantiles
    >>> oof = np.tile([0.0, -1.6, -1.3, -0.7, 0.7, 1.3, 1.6], (99, 1))
    >>> quantiles = ConformalQuantiles().fit(oof, np.linspace(-3, 3, 99))
    >>> quantiles.interval(oof[:1], 0.8).round(1)
    array([[-2.4,  2.4]])
    """

    def fit(self, oof, y, pattern=None, sample_weight=None, groups=None):
        """Learn where true numbers lie in out-of-fold quantiles of shape (n_samples, n_levels); see the others."""
        scores = _normal_scores(oof, y)
        self.below_ = ConformalQuantiles()._keep(-scores, pattern, sample_weight, groups)
        return self._keep(scores, pattern, sample_weight, groups)

    def add(self, pattern, oof, y, sample_weight=None, groups=None):
        """Learn from rows that were predicted as if they had a pattern, whose bits tell the views."""
        scores = _normal_scores(oof, y)
        self.below_._add(pattern, -scores, sample_weight, groups)
        return self._add(pattern, scores, sample_weight, groups)

    def levels(self, oof, y, pattern):
        """Return the coverage at which the interval of each row just holds its true number, shape (n_samples,)."""
        scores = _normal_scores(oof, y)
        above, below = self._levels(scores, pattern), self.below_._levels(-scores, pattern)
        return np.clip(2 * np.maximum(above, below) - 1, 0, 1)

    def quantile(self, prediction, level, pattern=None):
        """Return the number below which a share `level` of new rows lies, shape (n_samples,)."""
        check_is_fitted(self)
        level = check_coverage(level, len(prediction), "level")
        above = self._quantiles(np.maximum(level, 0.5), pattern, len(prediction))
        below = self.below_._quantiles(np.maximum(1 - level, 0.5), pattern, len(prediction))
        # Beyond what was seen, the distribution goes on as it would.
        above = np.where(np.isinf(above), np.maximum(norm.ppf(level), self._farthest(pattern)), above)
        below = np.where(np.isinf(below), np.maximum(norm.ppf(1 - level), self.below_._farthest(pattern)), below)
        return _at_score(prediction, np.where(level >= 0.5, above, np.minimum(-below, above)))

    def interval(self, prediction, coverage=0.9, pattern=None):
        """Return lower and upper bounds, shape (n_samples, 2): as many rows are to lie below as above."""
        coverage = check_coverage(coverage, len(prediction))
        return np.column_stack(
            [self.quantile(prediction, side, pattern) for side in ((1 - coverage) / 2, (1 + coverage) / 2)]
        )


def _line(prediction):
    """Return the scores of the levels, and predicted quantiles that differ, both in ascending order."""
    order = np.argsort(LEVELS)
    values = np.asarray(prediction, dtype=float)[:, order]
    step = 1e-9 * np.maximum(np.abs(values).max(axis=1), np.finfo(float).tiny)
    return norm.ppf(np.sort(LEVELS)), values + step[:, np.newaxis] * np.arange(len(order))


def _normal_scores(prediction, y):
    """Return where numbers lie in predicted distributions, as standard normal numbers of at most `FARTHEST`."""
    scores, values = _line(prediction)
    y = np.asarray(y, dtype=float)
    part = np.clip((values < y[:, np.newaxis]).sum(axis=1) - 1, 0, len(scores) - 2)
    rows = np.arange(len(y))
    low, high = values[rows, part], values[rows, part + 1]
    with np.errstate(over="ignore"):  # where all quantiles are zero
        place = scores[part] + (y - low) / (high - low) * (scores[part + 1] - scores[part])
    return np.clip(place, -FARTHEST, FARTHEST)


def _at_score(prediction, score):
    """Return the numbers that lie at some scores of predicted distributions."""
    scores, values = _line(prediction)
    part = np.clip(np.searchsorted(scores, score) - 1, 0, len(scores) - 2)
    rows = np.arange(len(values))
    low, high = values[rows, part], values[rows, part + 1]
    return low + (score - scores[part]) / (scores[part + 1] - scores[part]) * (high - low)
