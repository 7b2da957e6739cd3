"""Any estimator of the user's as a meta-learner."""

from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from .._checks import having
from .._stopping import fit_learner
from ._columns import TINY, TableClassifier, TableRegressor, filled

MOST_SHUFFLES = 200  # columns that are shuffled to see what they are worth; with more, those that vary most


@dataclass(repr=False, eq=False)
class _Wrapped:
    """Fits an estimator on the filled table; the weights are what it makes of each member."""

    estimator: Any

    _parameter_constraints = {"estimator": [having("fit", "predict")]}
    most_rows: ClassVar[float] = np.inf  # what it learns may be much

    def fit(self, X, y, sample_weight=None, groups=None):
        """Fit the estimator to a table of shape (n_samples, n_members * n_columns).

        Weights go to where the estimator, or the last step of it, takes them. `groups` are rows that stay together in
        what it holds aside of them.
        """
        rows = self._check(X, y, sample_weight)
        cells = rows.cells[:, np.argsort(rows.order)]  # the estimator sees the columns as they came
        if not len(rows.y):
            raise ValueError("No row of the table has a prediction of any member: there is nothing to fit.")
        table = self._table(cells)
        self.estimator_ = clone(self.estimator)
        weight = None if sample_weight is None else rows.weight
        groups = None if groups is None else np.asarray(groups)[rows.where]
        fit_learner(self.estimator_, table, rows.y, weight, 0, groups)
        strength = self._strength(table, rows.y, rows.weight).reshape(len(rows.order), -1).sum(axis=1)
        strength = np.where(np.isfinite(strength), np.maximum(strength, 0), 0)
        self.weights_ = strength / strength.sum() if strength.sum() > TINY else rows.even
        return self

    def _table(self, cells):
        return filled(cells, self._kind, self.prior_)

    def _strength(self, table, y, weight):
        """Return what each column is worth to the estimator: from its coefficients, importances, or by shuffling."""
        last, middle = self.estimator_, np.average(table, axis=0, weights=weight)
        spreads = np.sqrt(np.average((table - middle) ** 2, axis=0, weights=weight))
        while hasattr(last, "steps"):
            last = last.steps[-1][1]
        for name in ("coef_", "feature_importances_"):
            values = getattr(last, name, None)
            if values is not None and np.shape(values)[-1] == table.shape[1]:
                values = np.abs(np.atleast_2d(np.asarray(values, dtype=float))).mean(axis=0)
                scaled = name == "coef_" and last is self.estimator_  # a pipeline may have scaled the columns
                return values * spreads if scaled else values
        rng = check_random_state(0)
        score = self.estimator_.score
        weights = {"sample_weight": weight} if "sample_weight" in signature(score).parameters else {}
        base = score(table, y, **weights)
        drop = np.zeros(table.shape[1])
        for j in np.argsort(-spreads, kind="stable")[:MOST_SHUFFLES]:
            shuffled = table.copy()
            shuffled[:, j] = rng.permutation(shuffled[:, j])
            drop[j] = base - score(shuffled, y, **weights)
        return np.maximum(drop, 0)


@dataclass(repr=False, eq=False)
class WrappedClassifier(_Wrapped, TableClassifier):
    """Let any classifier combine the members.

    A cell of a member that abstained holds the mean of the row's other members.

    Parameters
    ----------
    estimator : classifier
        With `predict_proba`, else its decisions count as certain.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.

    Attributes
    ----------
    estimator_ : the fitted estimator
    weights_ : ndarray of shape (n_members,)
        From `coef_` (times the spread of the column), `feature_importances_`, or what shuffling a column costs; made to
        sum to 1.
    prior_ : ndarray of shape (n_classes,)
    classes_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ensemble_mm.meta import WrappedClassifier
    >>> y = np.array([0, 1] * 20)
    >>> table = np.c_[np.where(y, 0.8, 0.2), np.full(40, 0.5)]
    >>> WrappedClassifier(LogisticRegression()).fit(table, y).weights_
    array([1., 0.])
    """

    def _mix(self, cells):
        gone = np.isnan(cells[:, :, 0]).all(axis=1)
        table = self._table(cells)
        out = np.zeros((len(table), self._kind.width))
        known = np.asarray(self.estimator_.classes_).astype(np.intp)
        if hasattr(self.estimator_, "predict_proba"):
            out[:, known] = self.estimator_.predict_proba(table)
        else:
            out[np.arange(len(table)), np.asarray(self.estimator_.predict(table)).astype(np.intp)] = 1.0
        out[gone] = np.nan
        return out


class WrappedRegressor(_Wrapped, TableRegressor):
    """Let any regressor combine the members; see `WrappedClassifier`.

    Parameters
    ----------
    estimator : regressor

    Attributes
    ----------
    estimator_ : the fitted estimator
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from ensemble_mm.meta import WrappedRegressor
    >>> y = np.arange(20.0)
    >>> WrappedRegressor(LinearRegression()).fit(np.c_[2 * y, np.ones(20)], y).predict([[8.0, 1.0]]).round(3)
    array([4.])
    """

    def _mix(self, cells):
        gone = np.isnan(cells[:, :, 0]).all(axis=1)
        out = np.array(self.estimator_.predict(self._table(cells)), dtype=np.float64).reshape(-1, 1)
        out[gone] = np.nan
        return out
