"""Learners that were fitted before, on columns as they are: a view hands on these columns, or what such a learner says.

Features are numbers, so columns that are none, such as texts for a fitted pipeline, are read by the view.
"""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin


class AsGiven(TransformerMixin, BaseEstimator):
    """Hand on numbers as they are, or what a fitted estimator says of rows.

    Parameters
    ----------
    estimator : fitted estimator or None, default=None
        In a `FrozenEstimator`, or a pipeline of such. None: the columns are numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm.learners import AsGiven
    >>> AsGiven().fit_transform(pd.DataFrame({"age": pd.array([31, None], dtype="Int64")})).tolist()
    [[31.0], [nan]]
    """

    is_own = True  # see `View`

    def __init__(self, estimator=None):
        self.estimator = estimator

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def transform(self, X):
        """Return numbers, shape (n_samples, n_columns): of a classifier, one column per class."""
        if self.estimator is None:
            return X.to_numpy(dtype=np.float64, na_value=np.nan) if hasattr(X, "to_numpy") else X
        lacks = pd.isna(X).to_numpy() if isinstance(X, pd.DataFrame) else np.zeros((X.shape[0], 1), dtype=bool)
        if not lacks.any():
            return self._said(X)
        # Rows that lack the same cells are asked together, so that a row has one answer whatever is beside it.
        cells, place = np.unique(lacks, axis=0, return_inverse=True)
        parts = {}
        for own, lacking in enumerate(cells.any(axis=1)):
            rows = np.flatnonzero(place.ravel() == own)
            try:
                parts[own] = rows, self._said(X.iloc[rows])
            except Exception:  # whatever a pipeline says of None
                if not lacking:
                    raise
        width = next((said.shape[1] for _, said in parts.values()), len(getattr(self.estimator, "classes_", [0])))
        out = np.full((len(X), width), np.nan)
        for rows, said in parts.values():
            out[rows] = said
        return out

    def _said(self, X):
        if hasattr(self.estimator, "predict_proba"):
            return np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
        said = np.reshape(self.estimator.predict(X), (X.shape[0], -1))
        return (said == self.estimator.classes_ if hasattr(self.estimator, "classes_") else said).astype(float)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = tags.input_tags.sparse = tags.input_tags.allow_nan = True
        return tags


class SaidClasses(ClassifierMixin, BaseEstimator):
    """Say the probabilities of classes that the columns are.

    Parameters
    ----------
    classes : array-like
        The label of each column.

    Examples
    --------
    >>> from ensemble_mm.learners import SaidClasses
    >>> SaidClasses(["no", "yes"]).fit([[0.2, 0.8]]).predict([[0.2, 0.8]]).tolist()
    ['yes']
    """

    was_fitted_before = True

    def __init__(self, classes):
        self.classes = classes

    @property
    def classes_(self):
        """The label of each column."""
        return np.asarray(self.classes)

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def predict_proba(self, X):
        """Return the columns, shape (n_samples, n_classes)."""
        return np.asarray(X)

    def predict(self, X):
        """Return the most probable label of each row."""
        return self.classes_[np.argmax(X, axis=1)]


class SaidNumbers(RegressorMixin, BaseEstimator):
    """Say the numbers that the column is.

    Examples
    --------
    >>> from ensemble_mm.learners import SaidNumbers
    >>> SaidNumbers().fit([[2.5]]).predict([[2.5]]).tolist()
    [2.5]
    """

    was_fitted_before = True

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def predict(self, X):
        """Return the column, shape (n_samples,)."""
        return np.ravel(X)
