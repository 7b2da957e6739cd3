"""Blends of quantiles: one weight of at least 0 per member, so that no quantile of a blend lies below a lower one."""

import numpy as np

from .._checks import whole
from .._kinds import Numbers, Quantiles
from ._columns import TableRegressor, spread, thinned

MOST_ROWS = 10_000  # rows that are enough for one weight per member


class MeanQuantiles(TableRegressor):
    """Give every member the same weight; see `TableQuantiles`.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (n_levels,)
        Quantiles of y: the answer for a row without any member.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import MeanQuantiles
    >>> table = np.tile(np.r_[np.zeros(7), np.ones(7)], (3, 1))
    >>> MeanQuantiles().fit(table, [0.0, 1.0, 2.0]).predict(table[:1])
    array([[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]])
    """

    family = Quantiles.family
    _kind: Numbers = Quantiles()

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members * n_levels)."""
        self.weights_ = self._check(X, y, sample_weight).even
        return self

    def predict(self, X):
        """Return quantiles, shape (n_samples, n_levels), for a table."""
        return self._mixed(X)

    def _order(self, cells, y, weight):
        """Keep the order of the columns: equal members share their weight in any order."""
        return np.arange(cells.shape[1])


class GreedyQuantiles(MeanQuantiles):
    """Add one member at a time, with replacement, while the mean pinball loss of the blend falls.

    Parameters
    ----------
    n_steps : int, default=50
        Most members that are added.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (n_levels,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import GreedyQuantiles
    >>> y = np.arange(30.0)
    >>> table = np.c_[np.tile(y[:, np.newaxis], 7), np.zeros((30, 7))]
    >>> GreedyQuantiles().fit(table, y).weights_
    array([1., 0.])
    """

    _parameter_constraints = {"n_steps": [whole(1)]}

    def __init__(self, *, n_steps=50):
        self.n_steps = n_steps

    def fit(self, X, y, sample_weight=None):
        """Find the weights on a table of shape (n_samples, n_members * n_levels)."""
        rows = self._check(X, y, sample_weight)
        self.weights_ = rows.even
        if not len(rows.y):
            return self
        some = thinned(np.arange(len(rows.y)), MOST_ROWS)
        cells, y, weight = spread(rows.cells)[some], rows.y[some], rows.weight[some]
        total, counts, best = np.zeros_like(cells[:, 0]), np.zeros(cells.shape[1]), np.inf
        for step in range(1, self.n_steps + 1):
            blends = (total[:, np.newaxis] + cells) / step
            losses = np.average(self._kind.loss(self._kind.picked(blends, y), y), axis=0, weights=weight)
            m = int(np.argmin(losses))
            total += cells[:, m]
            counts[m] += 1
            if losses[m] < best:
                best, self.weights_ = losses[m], counts / counts.sum()
        return self
