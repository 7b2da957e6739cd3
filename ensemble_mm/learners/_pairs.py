"""Columns made of two others, in front of boosting: trees split one column at a time."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import check_params, check_sample_weight, whole
from .._weights import rows_worth, weighted_ranks

FAR = 4.0  # standard deviations from the mean beyond which a value counts as that far
ALIKE = 0.999  # correlation from which two columns are one


class ColumnPairs(TransformerMixin, BaseEstimator):
    """Add to a table the sums and products of two columns that say more of the target than either column.

    A tree needs many splits for the difference of two prices, or for what one number does to the effect of another.
    Of the columns of more than two values that go best with the target, each pair is tried: its best linear
    combination, and the product of the two standardised columns. Those whose correlation with the ranks of the target
    is larger than that of each of the two, by a standard error, are added.

    Parameters
    ----------
    n_columns : int, default=12
        Columns of which pairs are tried.
    n_pairs : int, default=8
        Most pairs that are added.

    Attributes
    ----------
    places_ : ndarray of shape (n_added, 2)
        The columns of each pair.
    weights_ : ndarray of shape (n_added, 3)
        What the first column, the second and the product of the two count, in standardised columns.
    mean_, scale_ : ndarray of shape (n_features_in_,)
        Mean and standard deviation of each column, in its own unit.
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.learners import ColumnPairs
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> ColumnPairs().fit(X, X[:, 1] * X[:, 3]).places_
    array([[1, 3]])
    """

    _parameter_constraints = {"n_columns": [whole(2)], "n_pairs": [whole(0)]}
    weighs_rows = True

    def __init__(self, *, n_columns=12, n_pairs=8):
        self.n_columns = n_columns
        self.n_pairs = n_pairs

    def fit(self, X, y, sample_weight=None):
        """Choose pairs of columns of X, (n_samples, n_features), by numbers or the codes of two classes."""
        check_params(self)
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], y_numeric=True)
        weight = np.ones(len(X)) if sample_weight is None else check_sample_weight(sample_weight, X)
        some = weight > 0
        X, weight = X[some].astype(np.float64), weight[some]
        y, share = weighted_ranks(y[some], weight), weight / weight.sum()
        self.mean_ = share @ X
        self.scale_ = np.sqrt(share @ (X - self.mean_) ** 2)
        self.scale_[self.scale_ < np.finfo(np.float32).tiny] = 1.0
        Z, y = _standard(np.clip((X - self.mean_) / self.scale_, -FAR, FAR), share), _standard(y, share)
        said = np.abs(share * y @ Z)
        numbers = np.flatnonzero(((X > X.min(axis=0)) & (X < X.max(axis=0))).any(axis=0))
        columns = numbers[np.argsort(-said[numbers], kind="stable")[: self.n_columns]]
        first, second = np.triu_indices(len(columns), 1)
        gains, weights = _gains(Z[:, columns], y, share, first, second)
        chosen = np.argsort(-gains, kind="stable")[: self.n_pairs]
        chosen = chosen[
            gains[chosen] > 1 / np.sqrt(rows_worth(weight, len(weight)).sum())
        ]  # a standard error of a correlation
        self.places_ = np.tile(np.column_stack([columns[first], columns[second]]), (2, 1))[chosen]
        self.weights_ = weights[chosen]
        return self

    def transform(self, X):
        """Return the columns and those of the pairs, shape (n_samples, n_features + n_added), in the precision of X."""
        check_is_fitted(self)
        return self.unchecked(validate_data(self, X, reset=False, dtype=[np.float64, np.float32]))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def unchecked(self, X):
        """Return what `transform` does of an array that needs no check."""
        if not len(self.places_):
            return X
        one, two = (((X[:, c] - self.mean_[c]) / self.scale_[c]) for c in self.places_.T)
        more = one * self.weights_[:, 0] + two * self.weights_[:, 1] + one * two * self.weights_[:, 2]
        return np.hstack([X, more.astype(X.dtype)])


def _standard(values, share):
    """Return columns of mean 0 and mean square 1, as shares of the rows weigh them; constant ones are 0."""
    values = values - share @ values
    size = np.sqrt(share @ values**2)
    return values / np.where(size > 0, size, 1.0)


def _gains(Z, y, share, first, second):
    """Return what sums, and then products, of pairs of columns gain in correlation, and their `weights_`."""
    of_y, both = share * y @ Z, (share[:, np.newaxis] * Z).T @ Z
    a, b, r = of_y[first], of_y[second], both[first, second]
    alone = np.maximum(np.abs(a), np.abs(b))
    free = np.where(np.abs(r) < ALIKE, 1 - r**2, np.inf)
    sums = np.column_stack([(a - r * b) / free, (b - r * a) / free, np.zeros(len(r))])
    told = np.sqrt(np.maximum(sums[:, 0] * a + sums[:, 1] * b, 0.0))
    of_products = ((share * y)[:, np.newaxis] * Z).T @ Z
    spread = np.sqrt(np.maximum((share[:, np.newaxis] * Z**2).T @ Z**2 - both**2, 0.0))[first, second]
    shown = np.abs(of_products[first, second]) / np.where(spread > 0, spread, np.inf)
    products = np.column_stack([np.zeros((len(r), 2)), np.ones(len(r))])
    return np.concatenate([told - alone, shown - alone]), np.vstack([sums, products])
