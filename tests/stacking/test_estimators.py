import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from ensemble_mm import DataWarning, StackedClassifier, StackedRegressor, TabularExtractor, TextExtractor

VIEWS = [("review", TextExtractor(), "review"), ("facts", TabularExtractor(), ["age", "price", "shop"])]
LINEAR = [("linear", LogisticRegression())]


def test_parameters_of_named_parts_are_reached_and_the_users_list_is_left_alone():
    learners = [("linear", LogisticRegression(C=1.0))]
    model = StackedClassifier(views=VIEWS, learners=learners)
    assert model.get_params()["linear__C"] == 1.0 and model.get_params()["review__counts"] is True
    model.set_params(linear=LogisticRegression(C=5.0), review="drop")
    assert learners[0][1].C == 1.0 and VIEWS[0][1] != "drop"
    copy = clone(model)
    assert copy.get_params()["linear__C"] == 5.0 and copy.views[0][1] == "drop"


@pytest.mark.slow
def test_grid_search_reaches_learners_and_extractors(reviews):
    X, Y = reviews
    model = StackedClassifier(views=VIEWS, learners=LINEAR, cv=2, random_state=0)
    grid = {"linear__C": [0.1, 1.0], "review__counts": [True, False]}
    search = GridSearchCV(model, grid, cv=2).fit(X, Y["recommended"])
    assert search.best_score_ > 0.6 and set(search.best_params_) == set(grid)


def test_a_fitted_model_pickles_and_predicts_the_same(reviews):
    X, Y = reviews
    model = StackedClassifier(views=VIEWS, learners=LINEAR, cv=3, random_state=0).fit(X, Y["tone"])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_intervals_and_sets_grow_with_coverage(reviews):
    X, Y = reviews
    reg = StackedRegressor(views=VIEWS, learners=[("ridge", Ridge())], cv=3, random_state=0).fit(X, Y["stars"])
    narrow, wide = (reg.predict_interval(X, coverage=c) for c in (0.5, 0.9))
    assert (wide[:, 0] < narrow[:, 0]).all() and (narrow[:, 1] < wide[:, 1]).all()
    clf = StackedClassifier(views=VIEWS, learners=LINEAR, cv=3, random_state=0).fit(X, Y["tone"])
    small, large = (clf.predict_set(X, coverage=c) for c in (0.5, 0.95))
    assert (small <= large).all() and small.any(axis=1).all() and small.dtype == bool


def test_pruned_members_are_neither_refitted_nor_run(reviews):
    X, Y = reviews
    learners = [(f"c{i}", LogisticRegression(C=10.0 ** (i - 2))) for i in range(5)]
    model = StackedClassifier(views=VIEWS, learners=learners, cv=3, prune=2, meta_learner="mean", random_state=0)
    model.fit(X, Y["tone"])
    assert len(model.levels_[0].models) == 2 and (model.contributions_["tone"] > 0).sum() == 2
    assert model.score(X, Y["tone"]) > 0.5


@pytest.fixture
def numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    return X, X[:, 0] + 0.3 * rng.normal(size=60)


def test_rows_without_a_label_are_left_out_of_the_score(numbers):
    X, y = numbers
    known = np.arange(60) % 6 > 0
    kind, weight = np.where(y > 0, "up", "down"), np.arange(60.0)
    clf = StackedClassifier(learners=LINEAR, cv=3, random_state=0).fit(X, np.where(known, kind, None))
    expected = accuracy_score(kind[known], clf.predict(X)[known], sample_weight=weight[known])
    assert clf.score(X, np.where(known, kind, None), sample_weight=weight) == pytest.approx(expected)
    reg = StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0).fit(X, np.where(known, y, np.nan))
    expected = r2_score(y[known], reg.predict(X)[known], sample_weight=weight[known])
    assert reg.score(X, np.where(known, y, np.nan), sample_weight=weight) == pytest.approx(expected)
    for model, holes in ((clf, np.where(known, kind, None)), (reg, np.where(known, y, np.nan))):
        assert np.isfinite(cross_val_score(model, X, holes, cv=3, error_score="raise")).all()
        with pytest.raises(ValueError, match="y has no known label"):
            model.score(X, np.full(60, None))
        with pytest.raises(ValueError, match="X has 60 rows, task 'y' has 59 labels"):
            model.score(X, holes[1:])


def test_labels_that_the_classifier_never_saw_are_wrong(numbers):
    X, y = numbers
    model = StackedClassifier(learners=LINEAR, cv=3, random_state=0).fit(X, y > 0)
    strange = np.where(np.arange(60) < 15, "up", (y > 0).astype(object))
    with pytest.warns(DataWarning, match="15 of 60 labels, such as 'up'"):
        assert model.score(X, strange) == np.mean((model.predict(X) == (y > 0)) & (np.arange(60) >= 15))


@pytest.mark.parametrize(
    "labels",
    [[b"no", b"yes"], [Fraction(1, 3), Fraction(2, 3)], [pd.Interval(0, 1), pd.Interval(1, 2)], [7, 3], [False, True]],
)
@pytest.mark.parametrize("wrap", [list, pd.Categorical])
def test_what_is_taken_in_fit_is_predicted_and_scored_in_its_own_type(numbers, labels, wrap):
    X, y = numbers
    truth = [labels[int(v > 0)] for v in y]
    model = StackedClassifier(learners=LINEAR, cv=3, random_state=0).fit(X, wrap(truth))
    predicted = model.predict(X)
    assert set(predicted.tolist()) == set(labels) and {type(p) for p in predicted.tolist()} == {type(labels[0])}
    assert model.score(X, wrap(truth)) == np.mean([p == t for p, t in zip(predicted, truth, strict=True)]) > 0.8


def test_classes_of_one_row_are_refused_or_left_out(numbers):
    X, y = numbers
    kind = np.where(y > 0, "up", "down").astype(object)
    kind[7] = "once"
    with pytest.raises(ValueError, match="class 'once' has 1 row, fewer than cv=3 folds.*rare=\"drop\""):
        StackedClassifier(learners=LINEAR, cv=3).fit(X, kind)
    with pytest.warns(DataWarning, match="classes of one row are left out: 'once'"):
        model = StackedClassifier(learners=LINEAR, cv=3, rare="drop").fit(X, kind)
    assert model.classes_.tolist() == ["down", "up"] and np.isnan(model.targets_["y"][7])


def test_evaluate_of_one_task_shows_the_metrics_of_its_kind_and_tells_rows_of_the_fit(vectors):
    X, y = vectors
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=2, random_state=0).fit(X[:80], y[:80])
    found = model.evaluate(X[80:], y[80:])
    assert list(found.columns) == ["n", "r2", "mae", "rmse"] and found["n"].tolist() == [len(X) - 80]
    assert found["r2"].item() == pytest.approx(model.score(X[80:], y[80:]))
    assert {(learner, reads) for learner, reads in model.table_.members()} == {("ridge", "vector")}
    with pytest.warns(DataWarning, match="were in the fit"):
        model.evaluate(X, pd.Series(y, name="another name"))
