"""A linear classifier whose cost hardly grows with the number of classes."""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.covariance import ledoit_wolf
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import POSITIVE, check_params, check_sample_weight


class PooledGaussian(ClassifierMixin, BaseEstimator):
    """Gaussian classes that share one shrunk covariance matrix.

    This is linear discriminant analysis, made for hundreds and thousands of classes of few rows:
    the covariance is estimated once, from all rows less the mean of their class, with the
    shrinkage of Ledoit and Wolf, so a class may have a single row.

    Parameters
    ----------
    min_variance : float, default=1e-6
        Added to the diagonal of the covariance, as a share of its mean.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coef_ : ndarray of shape (n_classes, n_features)
        Weights of the columns for the log posterior of each class.
    intercept_ : ndarray of shape (n_classes,)
        Intercepts, in nats.

    References
    ----------
    .. [1] Ledoit, O. and Wolf, M. (2004). A well-conditioned estimator for large-dimensional
       covariance matrices. Journal of Multivariate Analysis 88, 365-411.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ensemble_mm.learners import PooledGaussian
    >>> X, y = load_iris(return_X_y=True)
    >>> PooledGaussian().fit(X, y).score(X, y) > 0.95
    True
    """

    _parameter_constraints = {"min_variance": [POSITIVE]}

    def __init__(self, *, min_variance=1e-6):
        self.min_variance = min_variance

    def fit(self, X, y, sample_weight=None):
        """Estimate the means of the classes and their common covariance; X is of shape (n_samples, n_features)."""
        check_params(self)
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        weight = check_sample_weight(sample_weight, X, ensure_non_negative=True)
        X, y, weight = X[weight > 0], np.asarray(y)[weight > 0], weight[weight > 0]
        self.classes_, codes = np.unique(y, return_inverse=True)
        n_classes = len(self.classes_)
        if n_classes < 2:
            raise ValueError(
                "PooledGaussian needs samples of at least 2 classes, but the data contains only one class."
            )
        totals = np.bincount(codes, weight)
        means = np.zeros((n_classes, X.shape[1]))
        np.add.at(means, codes, X * weight[:, np.newaxis])
        means /= totals[:, np.newaxis]
        residuals = (X - means[codes]) * np.sqrt(weight * len(weight) / weight.sum())[:, np.newaxis]
        # Every class has used up one row for its mean.
        residuals *= np.sqrt(len(X) / max(len(X) - n_classes, 1))
        if residuals.any():
            covariance, _ = ledoit_wolf(residuals, assume_centered=True)
        else:
            covariance = np.eye(X.shape[1])
        size = np.trace(covariance) / X.shape[1]
        covariance[np.diag_indices_from(covariance)] += self.min_variance * size
        self.coef_ = np.linalg.solve(covariance, means.T).T
        self.intercept_ = np.log(totals / totals.sum()) - 0.5 * (means * self.coef_).sum(axis=1)
        return self

    def _scores(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X @ self.coef_.T + self.intercept_

    def decision_function(self, X):
        """Return log posteriors up to a constant (n_samples, n_classes), or their difference for two classes."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X):
        """Return class probabilities of shape (n_samples, n_classes)."""
        return softmax(self._scores(X), axis=1)

    def predict(self, X):
        """Return the most probable label of each row."""
        return self.classes_[self._scores(X).argmax(axis=1)]
