"""What blends have in common that give one weight of at least 0 per member, whatever the columns of a member mean."""

import numpy as np

from .._checks import whole
from .._kinds import Numbers
from ._columns import TableRegressor, spread, thinned

MOST_ROWS = 10_000  # rows that are enough for one weight per member


class EvenBlend(TableRegressor):
    """Give every member the same weight. What inherits says of which kind the members are."""

    _kind: Numbers

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members * n_columns)."""
        self.weights_ = self._check(X, y, sample_weight).even
        return self

    def predict(self, X):
        """Return the blend, shape (n_samples, n_columns), for a table."""
        return self._mixed(X)

    def _order(self, cells, y, weight):
        """Keep the order of the columns: equal members share their weight in any order."""
        return np.arange(cells.shape[1])


class GreedyBlend(EvenBlend):
    """Add one member at a time, with replacement, while the mean loss of the blend falls."""

    _parameter_constraints = {"n_steps": [whole(1)]}

    def __init__(self, *, n_steps=50):
        self.n_steps = n_steps

    def fit(self, X, y, sample_weight=None):
        """Find the weights on a table of shape (n_samples, n_members * n_columns)."""
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
