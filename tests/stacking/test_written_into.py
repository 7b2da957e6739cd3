"""Extractors and learners that write into what they are given, as `copy=False` of scikit-learn lets them."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from ensemble_mm import StackedClassifier

NAMES = list("abcd")
COLUMNS = {"dict": "v", "sparse": "v", "array": [0, 1, 2, 3], "frame": NAMES}


class Halved(TransformerMixin, BaseEstimator):
    def __init__(self, copy=True):
        self.copy = copy

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        X = X.copy() if self.copy else X
        X /= 2
        return X


class Summed(Halved):
    """One that merges what it learns of parts, which are slices of X."""

    def summarize(self, X):
        return self.transform(X).sum()

    def merge(self, first, second):
        return first + second

    def finish(self, summary):
        self.n_features_in_ = 4
        return self


def some_rows(form):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4)) + 5
    y = (X[:, 0] + rng.normal(size=40) > 5).astype(int)
    made = {
        "dict": {"v": X},
        "sparse": {"v": sparse.csr_matrix(X)},
        "array": X,
        "frame": pd.DataFrame(X, columns=NAMES),
    }
    return made[form], y


def numbers_of(X):
    X = X["v"] if isinstance(X, dict) else X
    return X.toarray() if sparse.issparse(X) else np.array(X)


def fitted(views, make, form, **settings):
    X, y = some_rows(form)
    before = numbers_of(X)
    model = StackedClassifier(views, make, cv=3, random_state=0, **settings).fit(X, y)
    said = [model.predict_proba(X) for _ in range(2)]
    assert np.array_equal(numbers_of(X), before)
    return [*said, *model.oof_.values()]


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize(
    "form, scaler",
    [
        *((form, StandardScaler(with_mean=False)) for form in COLUMNS),
        ("dict", Normalizer()),
        ("dict", Halved()),
        ("dict", Summed()),
    ],
)
def test_what_writes_into_its_input_changes_neither_X_nor_what_others_read(form, refit, scaler):
    def both(copy):
        own = scaler.__class__(**scaler.get_params() | {"copy": copy})
        plain = [("weak", LogisticRegression(C=0.01)), ("strong", LogisticRegression())]
        learners = [("first", make_pipeline(own, LogisticRegression())), *plain]
        by_extractor = fitted([("v", own, COLUMNS[form])], plain, form, refit=refit)
        return by_extractor + fitted("auto", learners, form, refit=refit)

    for written, copied in zip(both(False), both(True), strict=True):
        np.testing.assert_allclose(written, copied, atol=1e-9)
