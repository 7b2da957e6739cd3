"""Learners that go on with new rows: a copy learns, the fitted one stays as it was."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ensemble_mm.crossfit._continued import continued

RNG = np.random.default_rng(0)
X, NEW = RNG.normal(size=(60, 3)), RNG.normal(3, 2, size=(120, 3))  # LightGBM wants 20 rows in a leaf
Y, NEW_Y = X[:, 0] > 0, NEW[:, 0] > 3


def n_trees(model):
    return model.booster_.num_trees() if hasattr(model, "booster_") else model.get_booster().num_boosted_rounds()


def boosters():
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    return [lightgbm.LGBMClassifier(n_estimators=10, verbose=-1), xgboost.XGBClassifier(n_estimators=10)]


def test_a_pipeline_goes_on_behind_its_steps_and_stays_as_it_was():
    fitted = make_pipeline(StandardScaler(), SGDClassifier(random_state=0)).fit(X, Y)
    before = fitted.decision_function(NEW)
    more = continued(fitted, NEW, NEW_Y, None, 0.3)
    np.testing.assert_array_equal(fitted.decision_function(NEW), before)
    assert more[0] is fitted[0] and (more.decision_function(NEW) != before).all()
    alone = continued(fitted[-1], fitted[0].transform(NEW), NEW_Y, None, 0.3)
    np.testing.assert_array_equal(alone.coef_, more[-1].coef_)


def test_weights_reach_a_learner_that_takes_them():
    fitted = SGDRegressor(random_state=0).fit(X, X[:, 0])
    weights = None, np.ones(120), np.arange(120.0)
    plain, even, uneven = (continued(fitted, NEW, NEW[:, 0], weight, 0.3).coef_ for weight in weights)
    np.testing.assert_array_equal(plain, even)
    assert (plain != uneven).all()


@pytest.mark.parametrize(("share", "more"), [(0.3, 3), (0.001, 1), (7.0, 10)])
def test_boosting_adds_as_many_trees_per_row_as_it_has(share, more):
    for learner in boosters():
        fitted = learner.fit(X, Y)
        before = fitted.predict_proba(NEW)
        assert n_trees(continued(fitted, NEW, NEW_Y, None, share)) == 10 + more
        assert n_trees(fitted) == 10
        np.testing.assert_array_equal(fitted.predict_proba(NEW), before)


def test_boosting_that_stopped_early_goes_on_without_rows_to_be_judged_on():
    for learner in boosters():
        fitted = learner.set_params(early_stopping_rounds=3).fit(X, Y, eval_set=[(X, Y)])
        assert n_trees(continued(fitted, NEW, NEW_Y, None, 1.0)) > n_trees(fitted)


def test_what_cannot_go_on_is_told():
    for learner in boosters():  # which would forget the class that the new rows lack
        assert continued(learner.fit(X, Y), NEW[NEW_Y], NEW_Y[NEW_Y], None, 0.3) is None
    assert continued(Ridge().fit(X, X[:, 0]), NEW, NEW[:, 0], None, 0.3) is None
    whole = make_pipeline(StandardScaler(), LinearRegression()).fit(X, X[:, 0])
    assert continued(whole, NEW, NEW[:, 0], None, 0.3) is None
