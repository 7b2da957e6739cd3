"""Lower bounds of times to an event that hold as often as they say, from out-of-fold hazards, by what a row has."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._kind import FLOOR
from .._weights import rows_worth
from ._conformal import ByPattern

ROWS_PER_PART, MOST_PARTS = 50, 10  # of rows of like hazards, which are censored alike


class ConformalTimes(ByPattern):
    """Lower bounds of times to an event, from out-of-fold hazards of rows that may be censored [1]_.

    The score of a row is the logarithm of its time, less that of the mean time at its predicted hazard. The time of a
    censored row is not known. So a row with an event also counts for those like it that were watched for a shorter
    time: by the inverse of the probability of having been watched so long, which is estimated after Kaplan and Meier
    among rows of like hazards. The longest watched of these count as if it had happened then, which is no later than
    it did.
    It assumes that new rows are drawn like those of `fit`, and that rows of like hazards are censored by chance.

    Attributes
    ----------
    scores_, worth_, seen_, added_ : as in `ConformalIntervals`

    References
    ----------
    .. [1] Davidov, H., Feldman, S., Shamai, G., Kimmel, R., Romano, Y. (2025). Conformalized survival analysis for
       general right-censored data. ICLR. It goes on from Candes, E., Lei, L., Ren, Z. (2023). Conformalized survival
       analysis. Journal of the Royal Statistical Society B 85, 24-45.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import ConformalTimes
    >>> bounds = ConformalTimes().fit(np.zeros(99), np.arange(1.0, 100))
    >>> bounds.interval(np.array([0.0]), 0.9).round(2)
    array([[10., inf]])
    """

    @staticmethod
    def _worth(sample_weight, n_samples):
        return sample_weight

    def fit(self, oof, y, pattern=None, sample_weight=None, groups=None):
        """Learn from out-of-fold logarithms of hazards and times, negative ones of censored rows; see the others."""
        return self._keep(_scores(oof, y), pattern, self._counted(oof, y, sample_weight), groups)

    def add(self, pattern, oof, y, sample_weight=None, groups=None):
        """Learn from rows that were predicted as if they had a pattern, whose bits tell the views."""
        return self._add(pattern, _scores(oof, y), self._counted(oof, y, sample_weight), groups)

    def levels(self, oof, y, pattern):
        """Return the coverage at which the bound of each row just holds its time, shape (n_samples,)."""
        return self._levels(_scores(oof, y), pattern)

    def interval(self, prediction, coverage=0.9, pattern=None):
        """Return lower bounds, and infinite upper ones, shape (n_samples, 2); 0 where too few rows were seen."""
        check_is_fitted(self)
        prediction = np.asarray(prediction, dtype=float)
        with np.errstate(over="ignore"):
            low = np.exp(-self._quantiles(coverage, pattern, len(prediction)) - prediction)
        return np.c_[low, np.full(len(prediction), np.inf)]

    def shares(self, oof, y, weight):
        """Return how often each row counts for itself and for censored rows like it."""
        oof, y = np.asarray(oof, dtype=float), np.asarray(y, dtype=float)
        weight, out = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float), np.zeros(len(y))
        some = np.flatnonzero(weight > 0)
        place = np.unique(oof[some], return_inverse=True)[1]
        mass = np.bincount(place, weight[some])
        n_parts = np.clip(rows_worth(weight, len(y)).sum() // ROWS_PER_PART, 1, MOST_PARTS) if len(some) else 1
        part = ((mass.cumsum() - mass / 2) / mass.sum() * n_parts).astype(np.intp)[place]
        for own in np.unique(part):
            rows = some[part == own]
            out[rows] = _for_censored(np.abs(y[rows]), y[rows] > 0, weight[rows])
        return out

    def _counted(self, oof, y, weight):
        worth = rows_worth(weight, len(y))
        return worth * self.shares(oof, y, worth)


def _scores(oof, y):
    return -np.log(np.maximum(np.abs(y), FLOOR)) - np.asarray(oof, dtype=float)


def _for_censored(time, happened, weight):
    """Return the inverse of the probability of having been watched until each event; 0 of censored rows."""
    happened = happened | (time == time.max())
    _, place = np.unique(time, return_inverse=True)
    lost, events = np.bincount(place, weight * ~happened), np.bincount(place, weight * happened)
    watched = (lost + events)[::-1].cumsum()[::-1] - events  # at the same time, what happens comes before what is lost
    kept = np.cumprod(1 - lost / np.maximum(watched, np.finfo(float).tiny))
    return happened / np.r_[1.0, kept[:-1]][place]
