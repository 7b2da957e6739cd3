"""Meta-learners with exact weights, one per member: the mean, and the best weights on the simplex.

All weights are non-negative and sum to one, so that they can be read as what each member contributes.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, nnls

from .._checks import SHARE, whole
from ._columns import TINY, TableClassifier, TableRegressor, relevant, spread

FLOOR = 1e-7  # a probability of 0 for the true class counts as this much
REFILLS = 10  # rounds of filling cells of members that abstained and finding the weights again


class MeanClassifier(TableClassifier):
    """Give every member the same weight.

    Parameters
    ----------
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (n_classes,)
        Class frequencies: the answer for a row without any member.
    classes_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import MeanClassifier
    >>> table = np.array([[0.2, 0.4], [0.9, np.nan], [0.1, 0.3]])
    >>> MeanClassifier().fit(table, [0, 1, 0]).predict_proba(table)[:, 1].round(2)
    array([0.3, 0.9, 0.2])
    """

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members * n_columns)."""
        self.weights_ = self._check(X, y, sample_weight).even
        return self


class MeanRegressor(TableRegressor):
    """Give every member the same weight; see `MeanClassifier`.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (1,)
        Mean of y: the answer for a row without any member.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import MeanRegressor
    >>> MeanRegressor().fit([[1.0, 3.0], [2.0, 4.0]], [2.0, 3.0]).predict([[0.0, 1.0], [5.0, np.nan]])
    array([0.5, 5. ])
    """

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members)."""
        self.weights_ = self._check(X, y, sample_weight).even
        return self


@dataclass(repr=False, eq=False, kw_only=True)
class SimplexClassifier(TableClassifier):
    """Blend probabilities with the weights on the simplex that minimise the log loss of the blend.

    Without abstentions the loss is convex, and the weights are those of a mixture with known components: some steps
    of expectation maximisation [1]_, then a quasi-Newton search to the optimum.

    Parameters
    ----------
    shrinkage : float in [0, 1], default=0.0
        Share of the weight that is spread evenly over the members, as a guard against few rows.
    max_iter : int, default=500
        Most iterations of the search.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        They are at least 0 and sum to 1.
    n_iter_ : int
        Iterations of the search.
    prior_ : ndarray of shape (n_classes,)
    classes_ : ndarray of shape (n_classes,)

    References
    ----------
    .. [1] Dempster, A., Laird, N., Rubin, D. (1977). Maximum likelihood from incomplete data via the EM algorithm.
       Journal of the Royal Statistical Society B 39, 1-38.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import SimplexClassifier
    >>> y = np.array([0, 1] * 50)
    >>> table = np.c_[np.where(y, 0.8, 0.2), np.full(100, 0.5)]
    >>> SimplexClassifier().fit(table, y).weights_.round(2)
    array([1., 0.])
    """

    shrinkage: float = 0.0
    max_iter: int = 500

    learns_weights = True
    _parameter_constraints = {"shrinkage": [SHARE], "max_iter": [whole(1)]}

    def fit(self, X, y, sample_weight=None):
        """Find the weights on a table of shape (n_samples, n_members * n_columns)."""
        rows = self._check(X, y, sample_weight)
        weights, self.n_iter_ = rows.even, 1
        if len(rows.y):
            gain, here = relevant(rows.cells, rows.y, self._kind)
            weights, self.n_iter_ = best_mixture(gain, here, rows.weight, self.max_iter)
        self.weights_ = rows.back((1 - self.shrinkage) * weights + self.shrinkage * rows.even)
        return self


class SimplexRegressor(TableRegressor):
    """Blend predictions with weights that are non-negative and sum to one [1]_.

    Parameters
    ----------
    shrinkage : float in [0, 1], default=0.0
        Share of the weight that is spread evenly over the members, as a guard against few rows. 0 gives least
        squares, 1 the plain mean.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        Weight of each member; they sum to 1 and have no unit.
    prior_ : ndarray of shape (1,)

    References
    ----------
    .. [1] Breiman, L. (1996). Stacked regressions. Machine Learning 24, 49-64.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import SimplexRegressor
    >>> table = np.array([[0.0, 2.0], [1.0, 3.0], [2.0, 4.0]])
    >>> SimplexRegressor().fit(table, [0.5, 1.5, 2.5]).weights_.round(2)
    array([0.75, 0.25])
    """

    learns_weights = True
    _parameter_constraints = {"shrinkage": [SHARE]}

    def __init__(self, *, shrinkage=0.0):
        self.shrinkage = shrinkage

    def fit(self, X, y, sample_weight=None):
        """Find the weights on a table of shape (n_samples, n_members)."""
        rows = self._check(X, y, sample_weight)
        weights = rows.even
        if len(rows.y):
            weights = best_average(rows.cells, rows.y, rows.weight)
        self.weights_ = rows.back((1 - self.shrinkage) * weights + self.shrinkage * rows.even)
        return self


def best_average(cells, y, weight):
    """Return the weights on the simplex that minimise the squared error of the average, shape (n_members,)."""
    n_members = cells.shape[1]
    root = np.sqrt(weight)[:, np.newaxis]
    never = np.isnan(cells[:, :, 0]).all(axis=0)
    weights = np.where(never, 0.0, 1.0)
    # What an empty cell is worth depends on the weights of the row's other members.
    for _ in range(REFILLS if np.isnan(cells).any() else 1):
        residuals = (spread(cells, weights)[:, :, 0] - y[:, np.newaxis]) * root
        residuals = residuals[:, ~never] / (np.linalg.norm(residuals) or 1.0)
        # When the weights sum to 1, table @ w - y is residuals @ w. One extra row asks for that sum;
        # whatever sum NNLS settles on, only its direction matters, and that is exact.
        if len(residuals) > residuals.shape[1]:
            residuals = np.linalg.qr(residuals, mode="r")
        stacked = np.vstack([residuals, np.ones(residuals.shape[1])])
        solution, _ = nnls(stacked, np.r_[np.zeros(len(residuals)), 1.0], maxiter=10 * n_members)
        old, weights = weights / weights.sum(), np.zeros(n_members)
        weights[~never] = solution / solution.sum()
        if np.abs(weights - old).max() < 1e-6:
            break
    return weights


def best_mixture(gain, here, weight, max_iter=500, tol=1e-8):
    """Return the weights on the simplex that minimise the log loss of the mixture, and the number of iterations.

    Parameters
    ----------
    gain : ndarray of shape (n_rows, n_members)
        Probability that each member gives to the true class; 0 where it abstains.
    here : ndarray of shape (n_rows, n_members)
        1 where it does not abstain.
    weight : ndarray of shape (n_rows,)
    """
    gain, share = np.maximum(gain, FLOOR * here), weight / weight.sum()
    weights = np.full(gain.shape[1], 1 / gain.shape[1])
    whole = bool(here.all())

    def slopes(w):
        """Return the blends of all rows, and how much each member lowers and raises the loss."""
        top, bottom = gain @ w, w.sum() if whole else np.maximum(here @ w, TINY)
        up = gain.T @ (share / np.maximum(top, TINY))
        down = 1 / max(bottom, TINY) if whole else here.T @ (share / bottom)
        return np.maximum(top, TINY), bottom, up, down

    for n_iter in range(1, 21):
        *_, up, down = slopes(weights)
        weights = weights * up / np.maximum(down, TINY)
        weights /= weights.sum()
        if (up - down).max() < tol:  # the optimum: no member would lower the loss
            return weights, n_iter

    def loss(w):
        # The loss does not change when all weights grow alike: the last term holds their sum at 1.
        top, bottom, up, down = slopes(w)
        value = share @ (np.log(bottom) - np.log(top)) + 0.5 * (w.sum() - 1) ** 2
        return value, down - up + w.sum() - 1

    options = {"maxiter": max_iter, "maxfun": 2 * max_iter, "ftol": 1e-15, "gtol": tol, "maxcor": 30}
    optimum = minimize(loss, weights, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(weights), options=options)
    w = np.where(optimum.x < 1e-7, 0.0, optimum.x)
    if w.sum() > 0 and np.isfinite(w).all():
        weights = w / w.sum()
    return weights, n_iter + int(optimum.nit)
