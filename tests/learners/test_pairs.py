import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline

from ensemble_mm._stopping import fit_learner
from ensemble_mm.crossfit._quick import predicted
from ensemble_mm.learners import ColumnPairs, portfolio


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(300, 5)) * [1, 10, 0.1, 1, 1] + [0, 50, 0, 0, 9]


def test_what_two_columns_tell_together_is_a_column(X):
    for y in (X[:, 1] / 10 - X[:, 4], (X[:, 1] - 50) * X[:, 2]):
        made = ColumnPairs(n_pairs=1).fit(X, y)
        more = made.transform(X)[:, 5:]
        assert sorted(made.places_[0]) in ([1, 4], [1, 2])
        assert LinearRegression().fit(more, y).score(more, y) > 0.95


def test_few_rows_are_predicted_the_same_without_checks(X):
    model = make_pipeline(ColumnPairs(), Ridge()).fit(X, X[:, 0] * X[:, 3])
    np.testing.assert_array_equal(predicted(model, X[:3], "predict"), model.predict(X[:3]))


def test_what_one_column_tells_is_in_no_pair(X):
    assert not (ColumnPairs().fit(X, X[:, 0] ** 3).places_ == 0).any()


def test_constant_and_equal_columns_make_no_pairs():
    x = np.arange(50.0)
    for X in (np.c_[x, x], np.c_[x, np.ones(50)], x[:, np.newaxis]):
        made = ColumnPairs().fit(X, x)
        assert len(made.places_) == 0 and made.transform(X).shape == X.shape


def test_classes_and_categories_have_no_pairs_of_their_own(X):
    sides = (X[:, :2] > [0, 50]).astype(float)  # of two values
    assert len(ColumnPairs().fit(sides, sides[:, 0] != sides[:, 1]).places_) == 0
    made = ColumnPairs().fit(X, (X[:, 0] * X[:, 3] > 0).astype(int))
    assert sorted(made.places_[0]) == [0, 3]


def test_rows_of_weight_zero_teach_nothing_and_whole_weights_are_repeated_rows(X):
    rng = np.random.default_rng(2)
    y, weight = X[:, 0] * X[:, 3] + rng.normal(size=300), rng.integers(0, 3, size=300)
    weighed, repeated = ColumnPairs().fit(X, y, weight), ColumnPairs().fit(X.repeat(weight, 0), y.repeat(weight))
    np.testing.assert_array_equal(weighed.places_, repeated.places_)
    np.testing.assert_allclose(weighed.transform(X), repeated.transform(X))
    model = make_pipeline(ColumnPairs(), Ridge())
    fit_learner(model, X, y, weight, 0)
    np.testing.assert_array_equal(model[0].weights_, weighed.weights_)


def test_boosting_of_plain_tables_reads_pairs():
    def reads_pairs(kind, views, **facts):
        learners = portfolio("fast", kind, **{"n_rows": 2000, "n_classes": 2} | facts, views=views)
        return {name for name, learner, *_ in learners if "pairs" in getattr(learner, "named_steps", {})}

    table = {"facts": "table"}
    assert reads_pairs("regression", table) == reads_pairs("binary", table | {"photo": "media"}) == {"gbm"}
    assert not reads_pairs("regression", table | {"name": "words"})  # films lost by them
    for kind, facts in (("multiclass", {"n_classes": 3}), ("ranking", {}), ("regression", {"n_rows": 50_000})):
        assert not reads_pairs(kind, table, **facts)
