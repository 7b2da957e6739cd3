"""Vectors that arrive ready made."""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import check_params, check_sample_weight

ROWS = 8192  # that are read at a time: the steps between take several times the memory of what comes out
MOST = 1e30  # larger sizes are cut: float32 ends at 3e38, and squares of z-scores must not overflow


class VectorExtractor(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fill and standardise vectors that arrive ready made; sparse ones are scaled and stay sparse.

    Parameters
    ----------
    standardize : bool, default=True
        Subtract the mean and divide by the standard deviation (sparse: divide by the largest size).

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Stands for a missing value.
    scale_ : ndarray of shape (n_features,)
        What each column is divided by.
    n_features_in_ : int

    Examples
    --------
    >>> from ensemble_mm import VectorExtractor
    >>> VectorExtractor().fit_transform([[0.0, 1.0], [2.0, 1.0]])
    array([[-1.,  0.],
           [ 1.,  0.]])
    """

    _parameter_constraints = {"standardize": ["boolean"]}

    def __init__(self, standardize=True):
        self.standardize = standardize

    def fit(self, X, y=None, sample_weight=None) -> Self:
        """Learn means and scales of vectors, shape (n_samples, n_features)."""
        check_params(self)
        X = self._read(X, reset=True)
        if not sparse.issparse(X):
            return self._learned(_moments(X, check_sample_weight(sample_weight, X)[:, np.newaxis]))
        # A row of weight zero counts as one that is not there.
        counted = X if sample_weight is None else X[np.flatnonzero(np.asarray(sample_weight) > 0)]
        largest = np.asarray(abs(counted).max(axis=0).todense()).ravel().astype(np.float64)
        return self._learned((None, np.zeros(X.shape[1]), largest))

    def summarize(self, X, sample_weight=None) -> tuple:
        """Return what is learned of a part of the rows, dense ones, for `merge` and `finish`."""
        check_params(self)
        X = self._read(X, reset=True)
        return _moments(X, check_sample_weight(sample_weight, X)[:, np.newaxis])

    def merge(self, first, second) -> tuple:
        """Return what `summarize` says of the rows of two parts, of what it says of each."""
        (known, mean, scale), (others, theirs, other) = first, second
        total = np.maximum(known + others, np.finfo(float).tiny)
        share, apart = others / total, theirs - mean
        between = np.sqrt(share * (1 - share)) * apart
        scale = np.hypot(np.hypot(np.sqrt(1 - share) * scale, np.sqrt(share) * other), between)
        return known + others, mean + share * apart, scale

    def finish(self, summary) -> Self:
        """Take what was learned of all rows, so that `transform` can be called."""
        return self._learned(summary)

    def _learned(self, summary):
        _, self.mean_, scale = summary
        scale = np.where(scale > 1e-14 * np.abs(self.mean_), scale, 0.0)  # what rounding alone makes differ is constant
        self.scale_ = np.where(scale > 0, scale, 1.0)
        return self

    def transform(self, X) -> Any:
        """Return the vectors, finite, in their own precision; sparse ones as CSR."""
        check_is_fitted(self)
        X = self._read(X, reset=False)
        if sparse.issparse(X) and self.mean_.any():  # fitted on dense vectors
            X = X.toarray()
        if sparse.issparse(X):
            if not self.standardize:
                return X
            return sparse.csr_matrix(X.multiply(1 / self.scale_))
        out = np.empty(X.shape, X.dtype)
        for start in range(0, len(X), ROWS):  # the steps between take memory for some rows only
            some = X[start : start + ROWS]
            filled = np.where(np.isnan(some), self.mean_, some)
            if self.standardize:
                filled = np.clip((filled - self.mean_) / self.scale_, -MOST, MOST)
            out[start : start + ROWS] = filled
        return out

    def augment(self, X, random_state=None) -> Any:
        """Return the vectors with noise of a twentieth of a standard deviation (sparse ones as they are)."""
        if sparse.issparse(X):
            return X
        rng, X = check_random_state(random_state), np.asarray(X, dtype=float)
        return X + 0.05 * np.nan_to_num(np.nanstd(X, axis=0)) * rng.normal(size=X.shape)

    def _read(self, X, reset):
        X = validate_data(
            self, X, reset=reset, accept_sparse="csr", ensure_all_finite="allow-nan", dtype=[np.float64, np.float32]
        )
        if sparse.issparse(X) and np.isnan(X.data).any():
            X = X.copy()
            X.data[np.isnan(X.data)] = 0.0
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _moments(X, weight):
    """Return the weight of what is known of each column, and its weighted means and standard deviations."""
    parts = [slice(start, start + ROWS) for start in range(0, max(len(X), 1), ROWS)]
    total, mean, size, squares = np.zeros((4, X.shape[1]))
    for some in parts:
        known = ~np.isnan(X[some])
        total += (weight[some] * known).sum(axis=0)
        mean += (weight[some] * np.where(known, X[some], 0)).sum(axis=0)
    known, total = total, np.maximum(total, np.finfo(float).tiny)
    mean /= total
    for some in parts:
        size = np.maximum(size, np.abs(_centred(X[some], mean)).max(axis=0, initial=0.0))
    size = np.where(size > 0, size, 1.0)
    for some in parts:
        squares += (weight[some] * (_centred(X[some], mean) / size) ** 2).sum(axis=0)
    return known, mean, size * np.sqrt(squares / total)


def _centred(X, mean):
    return np.where(np.isnan(X), 0, X - mean)
