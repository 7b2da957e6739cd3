"""Truths that hold for any data: rows, columns, workers and names do not matter; nothing held out is seen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeRegressor

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor

few = settings(max_examples=15, deadline=None)


class Memoriser(RegressorMixin, BaseEstimator):
    """Predict 1 for a row seen in fit, 0 for any other."""

    def fit(self, X, y):
        self.seen_ = {row.tobytes() for row in X}
        return self

    def predict(self, X):
        return np.array([float(row.tobytes() in self.seen_) for row in X])


def data(seed, n=40):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, X[:, 0] - X[:, 1] + 0.3 * rng.normal(size=n)


@few
@given(seed=st.integers(0, 999), n=st.integers(12, 50), k=st.integers(2, 4), shuffle=st.booleans())
def test_no_cell_by_a_model_that_saw_its_row(seed, n, k, shuffle):
    X, y = data(seed, n)
    cv = KFold(k, shuffle=shuffle, random_state=seed if shuffle else None)
    model = StackedRegressor(learners=[("memory", Memoriser())], meta_learner="mean", cv=cv).fit(X, y)
    assert not model.table_.to_frame().to_numpy().any()


@few
@given(seed=st.integers(0, 999), meta=st.sampled_from(["greedy", "simplex", "linear", "mean"]))
def test_weights_are_shares(seed, meta):
    X, y = data(seed)
    learners = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2))]
    model = StackedRegressor(learners=learners, meta_learner=meta, cv=3, random_state=0).fit(X, y)
    weights = model.contributions_["y"].to_numpy()
    assert (weights >= 0).all() and np.isclose(weights.sum(), 1)


@few
@given(seed=st.integers(0, 999))
def test_rows_predict_the_same_alone_or_together(seed):
    X, y = data(seed)
    model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=3, random_state=0).fit(X, y > 0)
    order = np.random.default_rng(seed).permutation(len(X))
    whole = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X[order]), whole[order], atol=1e-12)
    np.testing.assert_allclose(model.predict_proba(X[:1]), whole[:1], atol=1e-12)


@few
@given(seed=st.integers(0, 999))
def test_row_order_does_not_matter_with_folds_that_follow(seed):
    X, y = data(seed)
    order = np.random.default_rng(seed).permutation(len(X))
    place = np.argsort(order)
    folds = list(KFold(3).split(X))
    moved = [(np.sort(place[train]), np.sort(place[test])) for train, test in folds]
    a = StackedRegressor(learners=[("ridge", Ridge())], cv=folds).fit(X, y)
    b = StackedRegressor(learners=[("ridge", Ridge())], cv=moved).fit(X[order], y[order])
    np.testing.assert_allclose(b.table_.values, a.table_.values[order], atol=1e-8)


@pytest.mark.slow
@few
@given(seed=st.integers(0, 999))
def test_order_of_tasks_and_learners_does_not_matter(seed):
    X, y = data(seed)
    Y = pd.DataFrame({"a": y, "b": -y + X[:, 2], "c": np.where(y > 0, "p", "q")})
    learners = [("ridge", Ridge()), ("strong", Ridge(alpha=9.0)), ("linear", LogisticRegression())]
    settings = {"strategy": "independent", "meta_learner": "simplex", "cv": KFold(3), "random_state": 0}
    one = MultiOutputStack(learners=learners, **settings).fit(X, Y)
    two = MultiOutputStack(learners=learners[::-1], **settings)
    two.fit(X, Y[["c", "b", "a"]])
    a, b = one.predict(X), two.predict(X)[["a", "b", "c"]]
    np.testing.assert_allclose(a[["a", "b"]], b[["a", "b"]], atol=1e-8)
    assert (a["c"] == b["c"]).all()


@few
@given(seed=st.integers(0, 999))
def test_labels_that_are_not_known_train_nothing(seed):
    X, y = data(seed)
    rng = np.random.default_rng(seed)
    hidden = np.where(rng.random(len(y)) < 0.3, np.nan, y)
    other = np.where(np.isnan(hidden), 1e6, hidden)
    folds = list(KFold(3).split(X))
    weight = (~np.isnan(hidden)).astype(float)
    learners = [("ridge", Ridge())]
    a = StackedRegressor(learners=learners, cv=folds).fit(X, hidden, sample_weight=weight)
    b = StackedRegressor(learners=learners, cv=folds).fit(X, other, sample_weight=weight)
    np.testing.assert_array_equal(a.table_.values, b.table_.values)


@pytest.mark.slow
def test_workers_do_not_matter(reviews):
    X, Y = reviews
    models = [MultiOutputStack(learners="fast", cv=3, random_state=7, n_jobs=n_jobs).fit(X, Y) for n_jobs in (1, 2)]
    np.testing.assert_array_equal(models[0].table_.values, models[1].table_.values)
    assert models[0].predict(X).equals(models[1].predict(X))
