"""The columns of one task's table: how they group by member, and what a row without some of them is worth.

A table has shape (n_samples, n_members * n_columns): one column per member for a number or for the probability of the
second of two classes, one column per class for more classes, all classes of the first member first. NaN marks a
member that abstained; a row's weight is then spread over the members that did not.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from .._checks import ConstraintsMixin, check_params, whole
from .._kinds import Classes, Numbers
from .._weights import rows_worth

MOST_NUMBERS = 10_000_000  # 80 MB: of a search, which goes over them many times
PART_NUMBERS = 1_000_000  # 8 MB: of what is gone over once
TINY = 1e-12  # a sum of weights that is none


@dataclass(frozen=True)
class UsedRows:
    """What a meta-learner is fitted on: the rows that have a member and a weight.

    Parameters
    ----------
    cells : ndarray of shape (n_rows, n_members, n_classes or 1)
        Members stand in an order of their own, which does not depend on that of the columns.
    y : ndarray of shape (n_rows,)
        Class positions or numbers.
    weight : ndarray of shape (n_rows,)
        They sum to the number of rows that they are worth.
    order : ndarray of shape (n_members,)
        Column position of each member.
    where : ndarray of shape (n_rows,)
        Positions of the rows in the table.
    """

    cells: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    order: np.ndarray
    where: np.ndarray

    @property
    def even(self):
        """The same weight for every member."""
        return np.full(len(self.order), 1 / len(self.order))

    def back(self, values):
        """Return values, one per member, in the order of the columns."""
        out = np.empty(len(values))
        out[self.order] = values
        return out

    def some(self, places):
        """Return some of the rows, as rows of a table of their own whose columns stand in the order of the members."""
        order, where = np.arange(len(self.order)), np.arange(len(places))
        return UsedRows(self.cells[places], self.y[places], self.weight[places], order, where)


def rows_of_numbers(cells):
    """Return how many rows of a table are enough, where classes are thousands: a search holds copies of all numbers."""
    return max(500, MOST_NUMBERS // cells[0].size)


def parts(n_rows, n_columns):
    """Return slices of the rows of a table, so that a copy of one is small."""
    step = max(1, PART_NUMBERS // n_columns)
    return [slice(start, start + step) for start in range(0, n_rows, step)]


def thinned(rows, most):
    """Return positions of rows, evenly spaced ones of them where there are more than `most`."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.intp)]


def spread(cells, weights=None):
    """Fill the cells of members that abstained with the weighted mean of the row's others; all-empty rows stay NaN."""
    hole = np.isnan(cells)
    if not hole.any():
        return cells
    weights = np.ones(cells.shape[1]) if weights is None else weights
    return np.where(hole, blend(cells, weights)[:, np.newaxis], cells)


def filled(cells, kind, prior):
    """Return a table without holes: the mean of the row's other members, else the prior."""
    cells = spread(cells)
    return kind.flat(np.where(np.isnan(cells), prior, cells))


def shares(here, weights):
    """Return what each member counts in each row, shape (n_samples, n_members): those that abstain leave it to others.

    Rows sum to one; where only members of weight zero are left, they count alike; a row without any is NaN.
    """
    share = here * weights
    total = share.sum(axis=1)
    lost = (total <= TINY * max(weights.sum(), TINY)) & here.any(axis=1)
    share[lost] = here[lost]
    total = share.sum(axis=1)
    return share / np.where(total == 0, np.nan, total)[:, np.newaxis]


def blend(cells, weights):
    """Return the weighted mean of the members of every row, over those that did not abstain; else NaN."""
    hole = np.isnan(cells[:, :, 0])
    if not hole.any():
        return np.einsum("nmc,m->nc", cells, weights / weights.sum())
    share = shares((~hole).astype(float), weights)
    return np.einsum("nm,nmc->nc", share, np.where(np.isnan(cells), 0, cells))


def relevant(cells, y, kind):
    """Return what decides the loss: each member's probability of the true class (or number), and where it is there."""
    picked = kind.picked(cells, y)
    here = ~np.isnan(picked)
    return np.where(here, picked, 0.0).astype(np.float64, copy=False), here.astype(float)


def row_losses(total, count, y, kind, worst):
    """Return the losses of blends `total / count`; `worst` where no member is there.

    `total` and `count` have shape (n_rows, ...) and come from sums of what `relevant` gives.
    """
    empty = count <= TINY
    some = empty.any()
    loss = kind.loss(total / (np.where(empty, 1.0, count) if some else count), y)
    return np.where(empty, worst, loss) if some else loss


class TableMixin(ConstraintsMixin):
    """Checks, prior and empty rows that all meta-learners share."""

    def _check(self, X, y, sample_weight):
        """Check parameters and data, set `prior_` and `classes_`, and return the `UsedRows` to fit on.

        `UsedRows` in the place of X come from a meta-learner that tries this one out: it has checked them.
        """
        if isinstance(X, UsedRows):
            if isinstance(self, ClassifierMixin):
                self.classes_ = np.arange(self.n_classes)
            self.prior_ = self._kind.prior(X.y, X.weight)
            self.n_features_in_ = len(X.order) * self._kind.n_columns
            return X
        check_params(self)
        X, y = validate_data(
            self, X, y, dtype=self._precision, ensure_all_finite="allow-nan", y_numeric=isinstance(self, RegressorMixin)
        )
        check_consistent_length(X, y)
        weight = rows_worth(sample_weight, len(X))
        y = self._encode(y)
        self.prior_ = self._kind.prior(y, weight)
        cells = self._kind.cells(X)
        used = np.flatnonzero(~np.isnan(cells[:, :, 0]).all(axis=1) & (weight > 0))
        used = thinned(used, self.most_rows)
        if len(used) < len(y):
            cells, y, weight = cells[used], y[used], weight[used]
        order = self._order(cells, y, weight)
        return UsedRows(cells.take(order, axis=1), y, weight, order, used)

    def _order(self, cells, y, weight):
        """Order the members by their loss, then by what is in them: the order of the columns does not matter."""
        if not len(y):
            return np.arange(cells.shape[1])
        gain, here = relevant(cells, y, self._kind)
        loss = weight @ row_losses(gain, here, y, self._kind, self._kind.worst(y, weight))
        keys = [blake2b(np.ascontiguousarray(cells[:, m]).tobytes()).digest() for m in range(cells.shape[1])]
        rounded = [float(f"{value:.9e}") for value in loss]
        return np.array(sorted(range(len(keys)), key=lambda m: (rounded[m], keys[m])))

    _precision = np.float64
    most_rows: ClassVar[float] = 100_000  # that are enough for a few weights: copies of a table of more take gigabytes
    learns_weights = False  # whether its weights may be others where views are missing

    def _checked(self, X):
        check_is_fitted(self)
        plain = type(X) is np.ndarray and X.dtype == np.float64 and X.ndim == 2 and X.size and not np.isinf(X).any()
        if plain and X.shape[1] == self.n_features_in_ and not hasattr(self, "feature_names_in_"):
            return X  # of few rows the check takes longer than all the rest
        return validate_data(self, X, dtype=self._precision, ensure_all_finite="allow-nan", reset=False)

    def _mixed(self, X):
        """Return what the members make of every row; the prior where there is none."""
        X = self._checked(X)
        mixed = np.concatenate([self._mix(self._kind.cells(X[part])) for part in parts(*X.shape)])
        mixed[np.isnan(mixed).any(axis=1)] = self.prior_
        return mixed

    def _mix(self, cells):
        return blend(cells, self.weights_)

    def weighed(self):
        """Return which members have a weight, in each of the blends that are averaged: bool, (n_blends, n_members).

        The others change nothing in a row that has one of these. One that writes `_mix` may ask all, unless it says so.
        """
        plain = type(self)._mix is TableMixin._mix
        return (self.weights_ > 0 if plain else np.ones(len(self.weights_), dtype=bool))[np.newaxis]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


@dataclass(repr=False, eq=False, kw_only=True)
class TableClassifier(TableMixin, ClassifierMixin, BaseEstimator):
    """Base of the meta-learners for classes, which read columns of a table and predict by weights of its members.

    A subclass writes `fit`, as `MeanClassifier` does, and may have more parameters: `self._check(X, y,
    sample_weight)` gives the `UsedRows` to learn from, and what was learned are the weights of the members,
    `weights_`, in the order of the columns (see `UsedRows.back`). One whose predictions are not the weighted mean of
    the members writes `_mix` too, from cells of shape (n_samples, n_members, n_classes) to (n_samples, n_classes).
    Parameters named `scoring` and `random_state` are set for each task.
    """

    n_classes: int | None = None

    family = Classes.family
    _parameter_constraints: ClassVar[dict[str, Any]] = {"n_classes": [None, whole(2)]}

    @property
    def _kind(self):
        return Classes(len(self.classes_))

    @property
    def _precision(self):
        """Tables of many columns keep theirs: a double of the largest thing in memory would be one too many."""
        return [np.float64, np.float32] if (self.n_classes or 2) > 2 else np.float64

    def _encode(self, y):
        if self.n_classes is None:
            check_classification_targets(y)
            target_type = type_of_target(y, input_name="y", raise_unknown=True)
            if target_type != "binary":
                raise ValueError(
                    f"Only binary classification is supported. The type of the target is {target_type}. Give the "
                    "number of classes as n_classes, and y as positions 0 to n_classes - 1."
                )
            self.classes_, y = np.unique(y, return_inverse=True)
            if len(self.classes_) < 2:
                raise ValueError(f"y has one class only ({self.classes_[0]!r}): at least two are needed.")
            return y
        self.classes_ = np.arange(self.n_classes)
        return self._kind.checked(y)

    def predict_proba(self, X):
        """Return class probabilities, shape (n_samples, n_classes), for a table."""
        mixed = self._mixed(X)
        total = mixed.sum(axis=1, keepdims=True)
        return np.where(total > TINY, mixed / np.maximum(total, TINY), self.prior_)

    def predict(self, X):
        """Return the most probable classes, shape (n_samples,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        tags.classifier_tags.multi_class = (self.n_classes or 2) > 2
        return tags


class TableRegressor(TableMixin, RegressorMixin, BaseEstimator):
    """Base of the meta-learners for numbers; see `TableClassifier`. Cells have one column in the place of classes."""

    family = Numbers.family
    _kind = Numbers()

    def _encode(self, y):
        return y.astype(np.float64)

    def predict(self, X):
        """Return numbers, shape (n_samples,), for a table."""
        return self._mixed(X)[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


def by_family(*classes):
    """Return meta-learners by the family of the tasks that they are for."""
    return {made.family: made for made in classes}
