import pickle

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV

from ensemble_mm import StackedClassifier, StackedRegressor, TabularExtractor, TextExtractor

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
