"""One place fits learners: boosting that stops early does so on whole groups and by weights, whoever holds it."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from xgboost import XGBRegressor

from ensemble_mm import TunedLearner
from ensemble_mm._stopping import fit_learner
from ensemble_mm.learners import HazardLearner, QuantileLearner

LEARNERS = {
    "lightgbm": LGBMRegressor(n_estimators=100, early_stopping_round=5, verbose=-1),
    "xgboost": XGBRegressor(n_estimators=100, early_stopping_rounds=5),
    "scikit-learn": HistGradientBoostingRegressor(max_iter=100, early_stopping=True, n_iter_no_change=5),
}


def n_rounds(model):
    names = ("best_iteration_", "best_iteration", "n_iter_")
    return next(value for name in names if (value := getattr(model, name, None)) is not None)


@pytest.mark.parametrize("name", ["lightgbm", "scikit-learn"])
def test_boosting_stops_early_on_whole_groups(name):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    X, y = rng.normal(size=(40, 3))[groups], rng.normal(size=40)[groups]  # noise: what a twin tells is all there is
    apart, together = (n_rounds(fit_learner(clone(LEARNERS[name]), X, y, None, 0, g)) for g in (None, groups))
    assert apart > 50 > 30 > together


@pytest.mark.parametrize(
    "holder",
    [QuantileLearner, HazardLearner, lambda m: TunedLearner(m, {}, search="grid", random_state=0)],
    ids=["quantiles", "hazards", "search"],
)
@pytest.mark.parametrize("name", LEARNERS)
def test_what_holds_boosting_lets_it_stop_early_too(name, holder):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    X, y = rng.normal(size=(40, 3))[groups], np.exp(rng.normal(size=40))[groups]
    model = holder(clone(LEARNERS[name])).fit(X, y, groups=groups)
    inner = [*getattr(model, "estimators_", []), *(getattr(model, n, None) for n in ("estimator_", "best_estimator_"))]
    rounds = [n_rounds(part) for part in inner if part is not None]
    assert rounds and max(rounds) < 40
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("name", LEARNERS)
def test_rows_without_weight_do_not_decide_when_to_stop(name):
    """The rows that are kept aside count by their weights, too."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 4)
    X = rng.normal(size=(240, 2))
    y, weight = X[:, 0] + 0.3 * rng.normal(size=240), np.ones(240)
    weight[::2] = 0
    odd = np.where(weight > 0, y, 50 * rng.normal(size=240))
    one, other = (fit_learner(clone(LEARNERS[name]), X, target, weight, 0, groups) for target in (y, odd))
    assert n_rounds(one) == n_rounds(other) > 5
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-5)


def test_rows_and_labels_may_be_those_of_pandas():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"])
    y = (X["a"] > 0).astype(int)
    learner = LGBMClassifier(n_estimators=20, early_stopping_round=3, verbose=-1)
    model = TunedLearner(learner, {"max_depth": [2]}, search="grid").fit(X, y)
    assert model.score(X, y) > 0.8
