"""Linear stackers with one non-negative weight a member, and any estimator of the user's as a meta-learner."""

import numpy as np
from scipy.optimize import lsq_linear, minimize
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter

from ._columns import TINY, TableClassifier, TableRegressor, spread

MOST_ROWS = 20_000  # rows that are enough for one weight a member
FLOOR = 1e-6  # probabilities are kept this far from 0 and 1 before their logarithm is taken


class LinearClassifier(TableClassifier):
    """Combine the logarithms of the members' probabilities: a logistic regression with one weight a member.

    The score of a class is its bias plus the weighted sum of its log probabilities; weights are at least 0. Since
    their sum is free, the blend may also sharpen or soften what the members say.

    Parameters
    ----------
    alpha : float, default=3.0
        L2 penalty, in rows, on the distance of the weights from the plain mean and of the biases from 0.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None reads them from y.

    Attributes
    ----------
    coef_ : ndarray of shape (n_members,)
        Weights as fitted.
    intercept_ : ndarray of shape (n_classes,)
    weights_ : ndarray of shape (n_members,)
        The same, summing to 1.
    prior_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import LinearClassifier
    >>> y = np.array([0, 1] * 50)
    >>> table = np.c_[np.where(y, 0.6, 0.4), np.full(100, 0.5)]
    >>> proba = LinearClassifier().fit(table, y).predict_proba(table)
    >>> bool(proba[1, 1] > 0.6)
    True
    """

    def __init__(self, *, alpha=3.0, n_classes=None):
        self.alpha = alpha
        self.n_classes = n_classes

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members * n_columns)."""
        cells, y, weight, n_members = self._check(X, y, sample_weight)
        n_classes = self._n_classes
        start = np.r_[np.full(n_members, 1 / n_members), np.zeros(n_classes)]
        self.coef_, self.intercept_ = start[:n_members], start[n_members:]
        if len(y):
            if len(y) > MOST_ROWS:
                rows = np.linspace(0, len(y) - 1, MOST_ROWS).astype(np.intp)
                cells, y, weight = cells[rows], y[rows], weight[rows]
            logs = spread(_logs(cells))
            true = np.eye(n_classes)[y]
            total = weight.sum()

            def loss(theta):
                w, bias = theta[:n_members], theta[n_members:]
                scores = np.einsum("nmc,m->nc", logs, w) + bias
                log_p = scores - logsumexp(scores, axis=1, keepdims=True)
                away = theta - start
                value = -(weight @ (log_p * true).sum(axis=1)) + 0.5 * self.alpha * n_members * away @ away
                wrong = (np.exp(log_p) - true) * weight[:, np.newaxis]
                slope = np.r_[np.einsum("nmc,nc->m", logs, wrong), wrong.sum(axis=0)] + self.alpha * n_members * away
                return value / total, slope / total

            bounds = [(0, None)] * n_members + [(None, None)] * n_classes
            found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"gtol": 1e-9, "ftol": 1e-13})
            self.coef_, self.intercept_ = found.x[:n_members], found.x[n_members:]
        sum_ = self.coef_.sum()
        self.weights_ = self.coef_ / sum_ if sum_ > TINY else np.full(n_members, 1 / n_members)
        return self

    def _mix(self, cells):
        logs = _logs(cells)
        here = ~np.isnan(logs[:, :, 0])
        share = np.where(here, self.coef_, 0)
        present = share.sum(axis=1)
        # Members that abstain leave their weight to the others: the sum of the weights stays.
        lost = (present <= TINY) & here.any(axis=1)
        share[lost] = here[lost]
        present = share.sum(axis=1)
        share *= (self.coef_.sum() / np.where(present == 0, np.nan, present))[:, np.newaxis]
        scores = np.einsum("nm,nmc->nc", share, np.where(np.isnan(logs), 0, logs)) + self.intercept_
        return np.exp(scores - logsumexp(scores, axis=1, keepdims=True))


class LinearRegressor(TableRegressor):
    """Combine the members' numbers by non-negative least squares with an intercept.

    Parameters
    ----------
    alpha : float, default=3.0
        L2 penalty, in rows, on the distance of the weights from the plain mean.

    Attributes
    ----------
    coef_ : ndarray of shape (n_members,)
        Weights as fitted.
    intercept_ : float
    weights_ : ndarray of shape (n_members,)
        The same, summing to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import LinearRegressor
    >>> y = np.arange(40.0)
    >>> model = LinearRegressor(alpha=0.0).fit(np.c_[y / 2, np.cos(y)], y)
    >>> model.coef_.round(3)
    array([2., 0.])
    """

    def __init__(self, *, alpha=3.0):
        self.alpha = alpha

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members)."""
        cells, y, weight, n_members = self._check(X, y, sample_weight)
        uniform = np.full(n_members, 1 / n_members)
        self.coef_, self.intercept_ = uniform, 0.0
        if len(y) > 1:
            table = spread(cells)[:, :, 0]
            never = np.isnan(table).any(axis=0)
            table = np.where(never, 0.0, table)
            means, middle = np.average(table, axis=0, weights=weight), np.average(y, weights=weight)
            root = np.sqrt(weight)[:, np.newaxis]
            A, b = (table - means) * root, (y - middle) * root[:, 0]
            scale = np.sqrt((A**2).sum(axis=0).mean() / weight.sum()) or 1.0
            pull = np.sqrt(self.alpha * n_members) * scale * np.eye(n_members)
            if self.alpha > 0:
                A, b = np.vstack([A, pull]), np.r_[b, pull @ uniform]
            self.coef_ = lsq_linear(A, b, bounds=(0, np.inf), tol=1e-12).x
            self.coef_[never | (self.coef_ < 1e-8)] = 0.0
            self.intercept_ = float(middle - means @ self.coef_)
        sum_ = self.coef_.sum()
        self.weights_ = self.coef_ / sum_ if sum_ > TINY else uniform
        return self

    def _mix(self, cells):
        self_sum = self.coef_.sum()
        here = ~np.isnan(cells[:, :, 0])
        share = np.where(here, self.coef_, 0)
        present = share.sum(axis=1)
        lost = (present <= TINY) & here.any(axis=1)
        share[lost] = here[lost]
        present = share.sum(axis=1)
        share *= (self_sum / np.where(present == 0, np.nan, present))[:, np.newaxis]
        mixed = (share * np.where(here, cells[:, :, 0], 0)).sum(axis=1, keepdims=True)
        return mixed + self.intercept_


class _Wrapped:
    """Fits an estimator on the filled table; its weights are what it makes of each member."""

    def fit(self, X, y, sample_weight=None):
        """Fit the estimator to a table of shape (n_samples, n_members * n_columns)."""
        cells, y, weight, n_members = self._check(X, y, sample_weight)
        table = self._table(spread(cells))
        self.estimator_ = clone(self.estimator)
        if has_fit_parameter(self.estimator_, "sample_weight") and sample_weight is not None:
            self.estimator_.fit(table, y, sample_weight=weight)
        else:
            self.estimator_.fit(table, y)
        strength = self._strength(table, y).reshape(n_members, -1).sum(axis=1)
        strength = np.where(np.isfinite(strength), np.maximum(strength, 0), 0)
        self.weights_ = strength / strength.sum() if strength.sum() > 0 else np.full(n_members, 1 / n_members)
        return self

    def _table(self, cells):
        cells = np.where(np.isnan(cells), self.prior_, cells)
        return cells[:, :, 1] if cells.shape[2] == 2 else cells.reshape(len(cells), -1)

    def _strength(self, table, y):
        for name in ("coef_", "feature_importances_"):
            values = getattr(self.estimator_, name, None)
            if values is not None and np.shape(values)[-1] == table.shape[1]:
                values = np.abs(np.atleast_2d(values)).mean(axis=0)
                return values * table.std(axis=0) if name == "coef_" else values
        rng = check_random_state(0)
        base = self.estimator_.score(table, y)
        loss = np.zeros(table.shape[1])
        for j in range(table.shape[1]):
            shuffled = table.copy()
            shuffled[:, j] = rng.permutation(shuffled[:, j])
            loss[j] = base - self.estimator_.score(shuffled, y)
        return loss


class WrappedClassifier(_Wrapped, TableClassifier):
    """Let any classifier combine the members.

    A cell of a member that abstained holds the mean of the row's other members.

    Parameters
    ----------
    estimator : classifier
        With `predict_proba`, else its decisions count as certain.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None reads them from y.

    Attributes
    ----------
    estimator_ : the fitted estimator
    weights_ : ndarray of shape (n_members,)
        From `coef_` (times the spread of the column), `feature_importances_`, or what shuffling a column costs.
    """

    def __init__(self, estimator, *, n_classes=None):
        self.estimator = estimator
        self.n_classes = n_classes

    def _mix(self, cells):
        gone = np.isnan(cells[:, :, 0]).all(axis=1)
        table = self._table(spread(cells))
        out = np.zeros((len(table), self._n_classes))
        known = self.estimator_.classes_.astype(np.intp)
        if hasattr(self.estimator_, "predict_proba"):
            out[:, known] = self.estimator_.predict_proba(table)
        else:
            out[np.arange(len(table)), self.estimator_.predict(table).astype(np.intp)] = 1.0
        out[gone] = np.nan
        return out


class WrappedRegressor(_Wrapped, TableRegressor):
    """Let any regressor combine the members; see `WrappedClassifier`."""

    def __init__(self, estimator):
        self.estimator = estimator

    def _mix(self, cells):
        gone = np.isnan(cells[:, :, 0]).all(axis=1)
        out = np.asarray(self.estimator_.predict(self._table(spread(cells))), dtype=np.float64).reshape(-1, 1).copy()
        out[gone] = np.nan
        return out


def _logs(cells):
    return np.log(np.clip(cells, FLOOR, 1 - FLOOR))
