"""Quantile learners give the quantiles of their regressor, in one order and without crossing."""

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import QuantileRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

from ensemble_mm._kinds import LEVELS
from ensemble_mm.learners import QuantileLearner

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2))
Y = X[:, 0] + RNG.normal(size=200)


@pytest.mark.parametrize(
    "regressor",
    [
        QuantileRegressor(alpha=0.0),
        HistGradientBoostingRegressor(max_iter=20),
        LGBMRegressor(n_estimators=20, verbose=-1, n_jobs=1),
        XGBRegressor(n_estimators=20, n_jobs=1),
        make_pipeline(StandardScaler(), QuantileRegressor(alpha=0.0)),
    ],
)
def test_a_share_of_level_lies_below_each_quantile(regressor):
    out = QuantileLearner.around(regressor).fit(X, Y).predict(X)
    below = (Y[:, np.newaxis] <= out + 1e-6).mean(axis=0)
    np.testing.assert_allclose(below, LEVELS, atol=0.1)
    assert (np.diff(out[:, np.argsort(LEVELS)], axis=1) >= 0).all()


@pytest.mark.parametrize(
    "regressor", [QuantileRegressor(alpha=0.0), LGBMRegressor(n_estimators=2, verbose=-1, n_jobs=1)]
)
def test_lists_are_learned_as_arrays_are(regressor):
    model = QuantileLearner(regressor).fit(X.tolist(), Y.tolist())
    assert model.n_features_in_ == 2
    np.testing.assert_array_equal(model.predict(X), QuantileLearner(regressor).fit(X, Y).predict(X))


def test_weights_count_and_what_knows_no_quantiles_is_left_as_it_is():
    weight = np.where(Y > 0, 1.0, 0.0)
    weighed = QuantileLearner(QuantileRegressor(alpha=0.0)).fit(X, Y, sample_weight=weight).predict(X)
    alone = QuantileLearner(QuantileRegressor(alpha=0.0)).fit(X[Y > 0], Y[Y > 0]).predict(X)
    np.testing.assert_allclose(weighed, alone, atol=0.1)
    assert isinstance(QuantileLearner.around(Ridge()), Ridge)
    with pytest.raises(ValueError, match="knows no quantile loss"):
        QuantileLearner(Ridge()).fit(X, Y)
