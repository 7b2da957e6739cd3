"""Linear stackers with one non-negative weight per member, whose sum is free."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.optimize import minimize, nnls
from scipy.special import softmax

from .._checks import AT_LEAST_0
from ._columns import TINY, TableClassifier, TableRegressor, rows_of_numbers, shares, spread, thinned
from ._completing import completed, learn_relations

MOST_ROWS = 20_000  # rows that are enough for one weight per member
FLOOR = 1e-5  # probabilities are kept this far from 0 and 1 before their logarithm is taken
MOST_EXACT = 500  # members up to which least squares are solved exactly
REFILLS = 3  # rounds of filling cells of members that abstained and fitting again
STEPS = 10  # towards the best matrix: what is learned later is noise for the most part


@dataclass(repr=False, eq=False, kw_only=True)
class _Linear:
    """What both linear stackers share: members that abstain leave their weight to the others; the sum stays.

    Log-odds of members that are nearly sure are no normal numbers: taking those of a member from those of the others,
    as numbers are, lost 4 points of accuracy on digits seen and heard.
    """

    alpha: float = 1.0

    learns_weights = True
    _parameter_constraints: ClassVar[dict[str, Any]] = {"alpha": [AT_LEAST_0]}

    def _share(self, cells):
        return shares((~np.isnan(cells[:, :, 0])).astype(float), self.coef_) * self.coef_.sum()

    def weighed(self):
        """Return which members have a weight: bool, shape (1, n_members)."""
        return (self.coef_ > 0)[np.newaxis]

    def _keep(self, rows, coef):
        self.coef_ = rows.back(coef)
        total = coef.sum()
        self.weights_ = self.coef_ / total if total > TINY else rows.even


@dataclass(repr=False, eq=False, kw_only=True)
class LinearClassifier(_Linear, TableClassifier):
    """Combine the logarithms of the members' probabilities: a logistic regression with one weight per member.

    The score of a class is its bias plus the weighted sum of the members' log probabilities; weights are at least 0.
    For two classes that is a weighted sum of log-odds [1]_. Since the sum of the weights is free, the blend can also be
    surer or less sure than its members.

    Parameters
    ----------
    alpha : float, default=1.0
        L2 penalty on what the weights differ from one another (times the number of members), on the distance of their
        sum from 1, and on the biases. In units of the log loss of one row.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.

    Attributes
    ----------
    coef_ : ndarray of shape (n_members,)
        Weights as fitted.
    intercept_ : ndarray of shape (n_classes,)
        Bias of each class.
    weights_ : ndarray of shape (n_members,)
        `coef_`, made to sum to 1.
    prior_ : ndarray of shape (n_classes,)
    classes_ : ndarray of shape (n_classes,)

    References
    ----------
    .. [1] Satopaa, V. et al. (2014). Combining multiple probability predictions using a simple logit model.
       International Journal of Forecasting 30, 344-356.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import LinearClassifier
    >>> y = np.array([0, 1] * 50)
    >>> table = np.c_[np.where(y, 0.6, 0.4), np.full(100, 0.5)]
    >>> proba = LinearClassifier().fit(table, y).predict_proba(table)
    >>> bool(proba[1, 1] > 0.7)
    True
    """

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members * n_columns)."""
        rows = self._check(X, y, sample_weight)
        coef, self.intercept_ = rows.even, np.zeros(self._kind.width)
        if len(rows.y):
            some = thinned(np.arange(len(rows.y)), min(MOST_ROWS, rows_of_numbers(rows.cells)))
            logs = _logs(rows.cells[some].astype(np.float64, copy=False))
            for _ in range(REFILLS if np.isnan(logs).any() else 1):
                filled = spread(logs, coef if coef.sum() > TINY else rows.even)
                coef, self.intercept_ = self._search(filled, rows.y[some], rows.weight[some], coef)
        self._keep(rows, coef)
        return self

    def _search(self, logs, y, weight, start):
        n, n_members, n_classes = logs.shape
        # Rows come last: sums over classes are fast then.
        flat = np.ascontiguousarray(logs.transpose(1, 2, 0)).reshape(n_members, -1)
        place = y, np.arange(n)
        total = weight.sum()

        def loss(theta):
            w, bias = theta[:n_members], theta[n_members:]
            scores = (w @ flat).reshape(n_classes, n) + bias[:, np.newaxis]
            scores -= scores.max(axis=0)
            wrong = np.exp(scores)
            size = wrong.sum(axis=0)
            log_p = scores[place] - np.log(size)
            wrong *= weight / size
            wrong[place] -= weight
            apart, away = w - w.mean(), w.sum() - 1
            value = 0.5 * self.alpha * (n_members * apart @ apart + away**2 + bias @ bias) - weight @ log_p
            slope = np.r_[
                flat @ wrong.ravel() + self.alpha * (n_members * apart + away), wrong.sum(axis=1) + self.alpha * bias
            ]
            return value / total, slope / total

        bounds = [(0, None)] * n_members + [(None, None)] * n_classes
        options = {"gtol": 1e-8, "ftol": 1e-12, "maxiter": 500}
        begin = np.r_[start, self.intercept_]
        optimum = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        return np.where(optimum[:n_members] < TINY, 0.0, optimum[:n_members]), optimum[n_members:]

    def _scores(self, logs):
        return np.einsum("nmc,m->nc", logs, self.coef_) + self.intercept_

    def _mix(self, cells):
        return softmax(self._scores(spread(_logs(cells), self.coef_)), axis=1)


@dataclass(repr=False, eq=False, kw_only=True)
class MultinomialClassifier(LinearClassifier):
    """Let what members say of one class tell of others, too: a multinomial logistic regression [1]_.

    Where a member takes the sevens for ones, its ones are partly sevens, which no weight of a member can say. A matrix
    can: it adds to the scores of `LinearClassifier`, with a penalty on all that it adds. With very many classes there
    is none.

    Parameters
    ----------
    alpha : float, default=1.0
        See `LinearClassifier`.
    ridge : float, default=12.0
        L2 penalty on the matrix, per member. In units of the log loss of one row.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.

    Attributes
    ----------
    matrix_ : ndarray of shape (n_members, n_classes, n_classes) or None
        What the log probability of each class (second axis) adds to the score of each (third).
    coef_, intercept_, weights_, prior_, classes_
        See `LinearClassifier`.

    References
    ----------
    .. [1] Böhning, D. (1992). Multinomial logistic regression algorithm. Annals of the Institute of Statistical
       Mathematics 44, 197-200.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import MultinomialClassifier
    >>> y = np.arange(300) % 3
    >>> turned = np.full((300, 3), 0.2)
    >>> turned[np.arange(300), (y + 1) % 3] = 0.6  # each class is taken for the next
    >>> bool((MultinomialClassifier(n_classes=3).fit(turned, y).predict(turned) == y).all())
    True
    """

    ridge: float = 12.0

    _parameter_constraints: ClassVar[dict[str, Any]] = {"ridge": [AT_LEAST_0]}

    def fit(self, X, y, sample_weight=None, linear=None):
        """Fit to a table of shape (n_samples, n_members * n_columns).

        `linear` is a `LinearClassifier` that was fitted on the same rows, where there is one.
        """
        rows = self._check(X, y, sample_weight)
        if linear is None:
            linear = LinearClassifier(alpha=self.alpha, n_classes=self.n_classes).fit(X, y, sample_weight)
        self.coef_, self.intercept_, self.weights_ = linear.coef_, linear.intercept_, linear.weights_
        n_members, n_classes, self.matrix_ = len(self.coef_), len(self.classes_), None
        if len(rows.y) and n_members * n_classes <= MOST_EXACT:
            self.matrix_ = np.empty((n_members, n_classes, n_classes))
            self.matrix_[rows.order] = self._matrix(rows)
        return self

    def _matrix(self, rows):
        """Return what members add, in the order of `rows`."""
        some = thinned(np.arange(len(rows.y)), min(MOST_ROWS, rows_of_numbers(rows.cells)))
        coef, weight, truth = self.coef_[rows.order], rows.weight[some, np.newaxis], np.eye(len(self.classes_))
        logs = spread(_logs(rows.cells[some].astype(np.float64, copy=False)), coef)
        scores, truth = np.einsum("nmc,m->nc", logs, coef) + self.intercept_, truth[rows.y[some]]
        logs -= logs.mean(axis=2, keepdims=True)  # what all classes share tells nothing
        logs = logs.reshape(len(some), -1)
        ridge, matrix = self.ridge * len(coef) + TINY, np.zeros((logs.shape[1], truth.shape[1]))
        # Half of the inner products bounds the curvature of the loss [1]_: each step lowers it.
        inverse = np.linalg.inv((logs * weight).T @ logs / 2 + ridge * np.eye(len(matrix)))
        for _ in range(STEPS):
            missing = (truth - softmax(scores + logs @ matrix, axis=1)) * weight
            matrix += inverse @ (logs.T @ missing - ridge * matrix)
        matrix = matrix.reshape(-1, *[truth.shape[1]] * 2)
        return matrix - matrix.mean(axis=1, keepdims=True)

    def weighed(self):
        """Return which members have a weight, or add something: bool, shape (1, n_members)."""
        return super().weighed() if self.matrix_ is None else np.ones((1, len(self.coef_)), dtype=bool)

    def _scores(self, logs):
        scores = super()._scores(logs)
        return scores if self.matrix_ is None else scores + np.einsum("nmk,mkc->nc", logs, self.matrix_)


class LinearRegressor(_Linear, TableRegressor):
    """Combine the members' numbers by non-negative least squares with an intercept [1]_.

    What members that abstain would say is taken from what the others say: members that say the same stand for each
    other, and one that adds its part leaves the others their weights. Of very many members, those that abstain leave
    their weight to the others, and the sum stays.

    Parameters
    ----------
    alpha : float, default=1.0
        L2 penalty on what the weights differ from one another (times the number of members) and on the distance of
        their sum from 1. In rows: it is scaled by the variance of the members.

    Attributes
    ----------
    coef_ : ndarray of shape (n_members,)
        Weights as fitted; their sum is free.
    intercept_ : float
    means_, relations_ : ndarray of shape (n_members, 1) and (n_members, n_members), or None
        Means and covariances of what the members say, by which holes are filled; None with very many members.
    weights_ : ndarray of shape (n_members,)
        `coef_`, made to sum to 1.
    prior_ : ndarray of shape (1,)

    References
    ----------
    .. [1] Breiman, L. (1996). Stacked regressions. Machine Learning 24, 49-64.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import LinearRegressor
    >>> y = np.arange(40.0)
    >>> model = LinearRegressor(alpha=0.0).fit(np.c_[y / 2, np.cos(y)], y)
    >>> model.coef_.round(3)
    array([2., 0.])
    """

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members)."""
        rows = self._check(X, y, sample_weight)
        coef, self.intercept_ = rows.even, 0.0
        self.means_ = self.relations_ = None
        if len(rows.y):
            if rows.cells.shape[1] <= MOST_EXACT:
                self.means_, self.relations_, cells = learn_relations(rows.cells, rows.weight)
                place = np.argsort(rows.order)
                self.means_, self.relations_ = self.means_[place], self.relations_[np.ix_(place, place)]
            else:
                cells = spread(rows.cells)
            coef, self.intercept_ = self._solve(cells[:, :, 0], rows.y, rows.weight)
        self._keep(rows, coef)
        return self

    def _solve(self, table, y, weight):
        n_members = table.shape[1]
        means, middle = np.average(table, axis=0, weights=weight), np.average(y, weights=weight)
        root = np.sqrt(weight)
        A, b = (table - means) * root[:, np.newaxis], (y - middle) * root
        penalty = self.alpha * ((A**2).sum(axis=0) / weight.sum()).mean()
        search = _least_squares if n_members <= MOST_EXACT else _least_squares_by_search
        coef = search(A, b, penalty)
        return coef, float(middle - means @ coef)

    def _mix(self, cells):
        if self.relations_ is not None:
            cells = completed(cells, self.means_, self.relations_, self.coef_ > 0)
        mixed = np.einsum("nm,nmc->nc", self._share(cells), np.nan_to_num(cells))
        return mixed + self.intercept_


def _least_squares(A, b, penalty):
    """Return non-negative weights that minimise squared error and penalties, shape (n_members,)."""
    n_members = A.shape[1]
    if penalty > 0:
        scale = np.sqrt(penalty)
        apart = np.eye(n_members) - 1 / n_members
        A = np.vstack([A, scale * np.sqrt(n_members) * apart, np.full((1, n_members), scale)])
        b = np.r_[b, np.zeros(n_members), scale]
    if len(A) > n_members:
        q, A = np.linalg.qr(A)
        b = q.T @ b
    return nnls(A, b, maxiter=20 * n_members)[0]


def _least_squares_by_search(A, b, penalty):
    """Return what `_least_squares` does, nearly, without a square matrix of the members."""
    n_members, unit = A.shape[1], (b @ b) or 1.0

    def loss(w):
        wrong, apart, away = A @ w - b, w - w.mean(), w.sum() - 1
        value = wrong @ wrong + penalty * (n_members * apart @ apart + away**2)
        return value / unit, 2 * (A.T @ wrong + penalty * (n_members * apart + away)) / unit

    start, bounds = np.full(n_members, 1 / n_members), [(0, None)] * n_members
    optimum = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500, "gtol": 1e-9})
    return np.where(optimum.x < 1e-9, 0.0, optimum.x)


def _logs(cells):
    logs = np.clip(cells, FLOOR, 1 - FLOOR)
    return np.log(logs, out=logs)
