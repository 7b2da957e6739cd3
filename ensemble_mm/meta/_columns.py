"""The columns of one task's table: how they group by member, and what a row without some of them is worth.

A table has shape (n_samples, n_members * n_columns): one column a member for a number or for the probability of the
second of two classes, a column a class for more classes, all classes of the first member first. NaN marks a
member that abstained; a row's weight is then spread over the members that did not.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

TINY = 1e-12


def split(X, n_classes):
    """Return the table as (n_samples, n_members, n_classes) probabilities, or (n_samples, n_members, 1) numbers."""
    if not n_classes:
        return X[:, :, np.newaxis]
    if n_classes == 2:
        return np.stack([1 - X, X], axis=2)
    if X.shape[1] % n_classes:
        raise ValueError(
            f"The table has {X.shape[1]} columns, which is no multiple of its {n_classes} classes: give every member "
            "one column a class."
        )
    return X.reshape(len(X), -1, n_classes)


def spread(cells):
    """Fill the cells of members that abstained with the mean of the row's other members; all-empty rows stay NaN."""
    hole = np.isnan(cells)
    if not hole.any():
        return cells
    count = (~hole).sum(axis=1, keepdims=True)
    mean = np.where(hole, 0, cells).sum(axis=1, keepdims=True) / np.where(count == 0, np.nan, count)
    return np.where(hole, mean, cells)


def blend(cells, weights):
    """Return the weighted mean of the members of every row, over those that did not abstain; else NaN."""
    here = ~np.isnan(cells[:, :, 0])
    share = np.where(here, weights, 0.0)
    total = share.sum(axis=1)
    # Where only members of weight zero are left, they count alike.
    lost = (total <= TINY) & here.any(axis=1)
    share[lost] = here[lost]
    total = share.sum(axis=1)
    mixed = np.einsum("nm,nmc->nc", share, np.where(np.isnan(cells), 0, cells))
    return mixed / np.where(total == 0, np.nan, total)[:, np.newaxis]


class TableMixin:
    """Checks, prior and empty rows that all meta-learners share."""

    def _check(self, X, y, sample_weight):
        kind = {"y_numeric": True} if isinstance(self, RegressorMixin) else {}
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", **kind)
        weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if isinstance(self, ClassifierMixin):
            found = np.unique(y)
            n_classes = self.n_classes
            if n_classes is None:
                self.classes_, y = np.unique(y, return_inverse=True)
            else:
                if found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= n_classes:
                    raise ValueError(f"y must hold class positions 0 to {n_classes - 1}, found {found[:5]}.")
                self.classes_ = np.arange(n_classes)
            if len(self.classes_) < 2:
                raise ValueError(f"y has one class only ({found[0]!r}): at least two are needed.")
            self.prior_ = np.bincount(y, weight, minlength=len(self.classes_)) / weight.sum()
        else:
            self.prior_ = np.atleast_1d(np.average(y, weights=weight))
        cells = split(X, self._n_classes)
        used = ~np.isnan(cells[:, :, 0]).all(axis=1) & (weight > 0)
        return cells[used], y[used], weight[used], cells.shape[1]

    @property
    def _n_classes(self):
        return len(self.classes_) if isinstance(self, ClassifierMixin) else 0

    def _cells(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return split(X, self._n_classes)

    def _with_prior(self, mixed):
        gone = np.isnan(mixed).any(axis=1)
        mixed[gone] = self.prior_
        return mixed

    def _mix(self, cells):
        return blend(cells, self.weights_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        if tags.classifier_tags is not None:
            tags.classifier_tags.poor_score = True
        if tags.regressor_tags is not None:
            tags.regressor_tags.poor_score = True
        return tags


class TableClassifier(TableMixin, ClassifierMixin, BaseEstimator):
    """Base of the meta-learners for classes."""

    def predict_proba(self, X):
        """Return class probabilities, shape (n_samples, n_classes), for a table."""
        mixed = self._with_prior(self._mix(self._cells(X)))
        mixed = np.clip(mixed, 0, None)
        total = mixed.sum(axis=1, keepdims=True)
        return np.where(total > 0, mixed / np.where(total > 0, total, 1), self.prior_)

    def predict(self, X):
        """Return the most probable classes, shape (n_samples,)."""
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]


class TableRegressor(TableMixin, RegressorMixin, BaseEstimator):
    """Base of the meta-learners for numbers."""

    def predict(self, X):
        """Return numbers, shape (n_samples,), for a table."""
        return self._with_prior(self._mix(self._cells(X)))[:, 0]
