"""Small data and small learners that several tests share."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.linear_model import PoissonRegressor, Ridge

from ensemble_mm import MultiOutputStack


class Memoriser(RegressorMixin, BaseEstimator):
    """Predict 1 for a row seen in fit, 0 for any other."""

    def fit(self, X, y):
        self.seen_ = {np.asarray(row).tobytes() for row in X}
        return self

    def predict(self, X):
        return np.array([float(np.asarray(row).tobytes() in self.seen_) for row in X])


class Failing(ClassifierMixin, BaseEstimator):
    """Fail in fit, with words of its own."""

    def fit(self, X, y):
        raise RuntimeError("the learner's own words")

    def predict(self, X):
        raise AssertionError("never fitted")


class Centre(TransformerMixin, BaseEstimator):
    """Learn a mean; count the fits of the class."""

    fits = 0

    def fit(self, X, y=None):
        type(self).fits += 1
        self.mean_ = np.asarray(X, dtype=float).mean(axis=0)
        return self

    def transform(self, X):
        return np.asarray(X, dtype=float) - self.mean_


class Squares(TransformerMixin, BaseEstimator):
    """Need no fit; count the rows of the class."""

    rows = 0

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        type(self).rows += len(X)
        X = np.asarray(X, dtype=float)
        return np.hstack([X, X**2])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags

    def __sklearn_is_fitted__(self):
        return True


@pytest.fixture
def make():
    """The learners and extractors above, with their counts at zero."""
    Centre.fits = Squares.rows = 0

    class Names:
        memoriser, failing, centre, squares = Memoriser, Failing, Centre, Squares

    return Names


@pytest.fixture
def vectors():
    """150 rows of 6 numbers, and a number that depends on the first two."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(150, 6))
    return X, X[:, 0] - 2 * X[:, 1] + 0.3 * rng.normal(size=150)


@pytest.fixture
def reviews():
    """Sentences and facts with three tasks of mixed kind that share a cause."""
    rng = np.random.default_rng(0)
    mood = rng.normal(size=160)
    good, bad, other = "lovely soft warm bright".split(), "torn cold dull sad".split(), "coat sleeve shop order".split()
    texts = []
    for m in mood:
        words = [rng.choice(good if rng.random() < 1 / (1 + np.exp(-2 * m)) else bad) for _ in range(6)]
        texts.append(" ".join([*words, *rng.choice(other, 4)]))
    X = pd.DataFrame(
        {
            "review": texts,
            "age": rng.integers(18, 80, 160).astype(float),
            "price": 40 + 12 * mood + rng.normal(scale=10, size=160),
            "shop": rng.choice(["north", "south"], 160),
        }
    )
    Y = pd.DataFrame(
        {
            "recommended": np.where(mood + 0.3 * rng.normal(size=160) > 0, "yes", "no"),
            "stars": mood * 2 + 0.3 * rng.normal(size=160),
            "tone": np.digitize(mood + 0.3 * rng.normal(size=160), [-0.6, 0.6]),
        }
    )
    return X, Y


@pytest.fixture
def times_and_queries():
    """120 rows, and a model of their times to an event and of their order within queries."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(120, 2)), columns=["a", "b"])
    Y = pd.DataFrame({
        "days": rng.exponential(np.exp(-X["a"])), "left": rng.random(120) < 0.8, "query": np.arange(120) // 6,
        "clicked": (X["b"] + rng.normal(size=120) / 4 > 0.5).astype(int),
    })  # fmt: skip
    kinds = {"churn": ("survival", "days", "left"), "order": ("ranking", "clicked", "query")}
    learners = {"churn": [("poisson", PoissonRegressor())], "order": [("ridge", Ridge())]}
    settings = {"learners": learners, "tasks": kinds, "strategy": "independent"}
    return X, MultiOutputStack(cv=3, random_state=0, **settings).fit(X, Y)
