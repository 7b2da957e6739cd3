"""Any estimator as a meta-learner: what it is shown, and what its weights are."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ensemble_mm.meta import WrappedClassifier, WrappedRegressor
from ensemble_mm.meta._columns import TableMixin


class Recorder(RegressorMixin, BaseEstimator):
    """Keep what fit was given."""

    def fit(self, X, y, sample_weight=None):
        self.seen_ = X.copy(), np.array(y), sample_weight
        return self

    def predict(self, X):
        return X[:, 0]


def numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    return X, 2 * X[:, 0] + 0.1 * X[:, 2]


def test_the_estimator_sees_columns_as_they_came_and_rows_with_a_member():
    X, y = numbers()
    X[3] = np.nan
    weight = np.r_[0.0, np.ones(49)]
    seen, labels, weights = WrappedRegressor(Recorder()).fit(X, y, sample_weight=weight).estimator_.seen_
    used = np.setdiff1d(np.arange(50), [0, 3])
    np.testing.assert_array_equal(seen, X[used])
    np.testing.assert_array_equal(labels, y[used])
    np.testing.assert_array_equal(weights, np.ones(48))


def test_the_given_estimator_is_left_unfitted():
    given = LinearRegression()
    WrappedRegressor(given).fit(*numbers())
    assert not hasattr(given, "coef_")


def test_weights_of_coefficients_are_in_units_of_what_they_move():
    X, y = numbers()
    scaled = X * [10, 1, 1]
    one, two = (WrappedRegressor(LinearRegression()).fit(t, y).weights_ for t in (X, scaled))
    np.testing.assert_allclose(one, two, atol=1e-9)
    assert one[0] > 0.9 > 0.2 > one[2] > one[1]


@pytest.mark.parametrize("estimator", [KNeighborsRegressor(3), make_pipeline(StandardScaler(), KNeighborsRegressor(3))])
def test_an_estimator_that_tells_nothing_is_asked_by_shuffling(estimator):
    assert WrappedRegressor(estimator).fit(*numbers()).weights_.argmax() == 0


def test_an_estimator_that_reads_nothing_gives_even_weights():
    np.testing.assert_allclose(WrappedRegressor(DummyRegressor()).fit(*numbers()).weights_, 1 / 3)


def test_decisions_without_probabilities_are_certain():
    y = np.arange(30) % 3
    X = np.eye(3)[y] * 0.8 + 0.2 / 3
    for estimator in (RidgeClassifier(), LogisticRegression()):
        out = WrappedClassifier(estimator, n_classes=3).fit(X, y).predict_proba(X)
        assert (out.argmax(axis=1) == y).all() and out.sum(axis=1) == pytest.approx(1)
        assert set(np.unique(out)) == {0.0, 1.0} or isinstance(estimator, LogisticRegression)


@pytest.mark.parametrize(
    "estimator", [make_pipeline(StandardScaler(), Ridge()), GridSearchCV(Ridge(), {"alpha": [1.0]})], ids=str
)
def test_weights_reach_an_estimator_that_hides_their_keyword(estimator):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    weight = np.repeat([1.0, 9.0], 20)
    plain, weighted = (WrappedRegressor(estimator).fit(X, y, sample_weight=w).predict(X) for w in (None, weight))
    assert not np.allclose(plain, weighted)


def test_an_estimator_of_the_user_gets_all_rows_of_a_large_table(monkeypatch):
    monkeypatch.setattr(TableMixin, "most_rows", 20)
    X, y = numbers()
    assert len(WrappedRegressor(Recorder()).fit(X, y).estimator_.seen_[0]) == 50
