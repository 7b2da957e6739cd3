"""Learners of times to an event find hazards, whatever part of the rows was not watched to the end."""

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

from ensemble_mm._kinds import Survival
from ensemble_mm.learners import HazardLearner

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 2))
TIMES, WATCHED = RNG.exponential(np.exp(-X[:, 0])) ** 0.5, RNG.exponential(1.5, 600)
Y = np.where(TIMES <= WATCHED, TIMES, -WATCHED)


@pytest.mark.parametrize("regressor", [
    PoissonRegressor(alpha=0), LGBMRegressor(n_estimators=30, num_leaves=4, verbose=-1),
    XGBRegressor(n_estimators=30, max_depth=2), HistGradientBoostingRegressor(max_iter=30, max_leaf_nodes=4),
])  # fmt: skip
def test_the_order_of_times_is_told(regressor):
    out = HazardLearner.around(regressor).fit(X[:400], Y[:400]).predict(X[400:])
    best = Survival().metric("concordance", Y[400:], X[400:, 0])
    assert Survival().metric("concordance", Y[400:], out) > best - 0.04


def test_hazards_are_those_of_the_rows():
    model = HazardLearner(PoissonRegressor(alpha=0)).fit(X, Y)
    strong, none = model.estimator_.coef_  # of proportional hazards, whatever the times
    assert 0.7 < strong < 1.1 and abs(none) < 0.1
    assert np.abs(Y) @ np.exp(model.predict(X)) == pytest.approx((Y > 0).sum())
    twice = HazardLearner(PoissonRegressor(alpha=0)).fit(X, Y, np.repeat([2.0, 0.0], 300))
    half = HazardLearner(PoissonRegressor(alpha=0)).fit(X[:300], Y[:300])
    np.testing.assert_allclose(twice.predict(X), half.predict(X), atol=1e-3)


@pytest.mark.parametrize("regressor", [PoissonRegressor(), LGBMRegressor(), HistGradientBoostingRegressor()])
def test_rows_without_an_event_have_a_fit(regressor):
    assert np.isfinite(HazardLearner(regressor).fit(X[:60], -np.abs(Y[:60])).predict(X)).all()


def test_what_knows_no_poisson_loss_is_left_as_it_is():
    assert isinstance(HazardLearner.around(Ridge()), Ridge)
    assert Survival().suits(HazardLearner.around(make_pipeline(StandardScaler(), PoissonRegressor())))
    assert not Survival().suits(HazardLearner.around(make_pipeline(StandardScaler(), Ridge())))
    with pytest.raises(ValueError, match="knows no Poisson loss"):
        HazardLearner(Ridge()).fit(X, Y)
