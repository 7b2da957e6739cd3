"""Blends of quantiles do not cross, and conformal quantiles hold as often as they say."""

import numpy as np
import pytest
from scipy.stats import norm

from ensemble_mm._kinds import LEVELS, Quantiles
from ensemble_mm.meta import ConformalQuantiles, GreedyQuantiles, MeanQuantiles, make_meta_learner, select_members

RNG = np.random.default_rng(0)
TRUE = norm.ppf(LEVELS)


def test_the_loss_is_the_mean_pinball_loss():
    from sklearn.metrics import mean_pinball_loss

    y, out = RNG.normal(size=30), RNG.normal(size=(30, len(LEVELS)))
    losses = [mean_pinball_loss(y, out[:, i], alpha=level) for i, level in enumerate(LEVELS)]
    assert Quantiles().mean_loss(y, out) == pytest.approx(np.mean(losses))
    assert Quantiles().score(y, np.tile(Quantiles().prior(y), (30, 1))) == 0


def test_the_better_member_gets_the_weight_and_blends_do_not_cross():
    y = RNG.normal(size=300)
    table = np.c_[np.tile(TRUE, (300, 1)), np.tile(3 * TRUE, (300, 1)), np.full((300, 7), 5.0)]
    table[:9, :7] = np.nan
    model = GreedyQuantiles().fit(table, y)
    assert model.weights_[0] > 0.8 and model.weights_.sum() == pytest.approx(1)
    assert (np.diff(model.predict(table)[:, np.argsort(LEVELS)], axis=1) >= 0).all()
    assert np.isfinite(MeanQuantiles().fit(table, y).predict(np.full((2, 21), np.nan))).all()
    best = np.c_[np.zeros((50, 7)), np.tile(y[:50, np.newaxis], 7)]
    assert select_members(1, best, y[:50], kind="quantile") == [1]


def test_what_cannot_blend_quantiles_is_refused():
    from sklearn.linear_model import Ridge

    assert isinstance(make_meta_learner("auto", kind="quantile"), GreedyQuantiles)
    with pytest.raises(ValueError, match="use one of mean, greedy, auto"):
        make_meta_learner("simplex", kind="quantile")
    with pytest.raises(ValueError, match="does not fit a quantile task"):
        make_meta_learner(Ridge(), kind="quantile")


@pytest.mark.parametrize("wrong", [0.5, 2.0])
def test_quantiles_that_are_too_near_or_too_far_are_corrected(wrong):
    y, new = RNG.normal(size=(2, 2000))
    out = np.tile(wrong * TRUE, (2000, 1))
    quantiles = ConformalQuantiles().fit(out, y)
    for level in (0.01, 0.1, 0.5, 0.8, 0.99):
        assert (new <= quantiles.quantile(out, level)).mean() == pytest.approx(level, abs=0.03)
    low, high = quantiles.interval(out, 0.9).T
    assert ((low <= new) & (new <= high)).mean() == pytest.approx(0.9, abs=0.03)
    covered = quantiles.levels(out, new, np.zeros(2000, dtype=int))
    assert (covered <= 0.9).mean() == pytest.approx(0.9, abs=0.03)


def test_levels_beyond_the_rows_are_finite_and_equal_quantiles_are_no_division_by_zero():
    quantiles = ConformalQuantiles().fit(np.zeros((5, 7)), np.arange(5.0))
    found = [quantiles.quantile(np.zeros((1, 7)), level)[0] for level in (0.001, 0.5, 0.999)]
    assert np.isfinite(found).all() and found == sorted(found)


def test_no_quantile_lies_below_a_lower_one_where_tried_out_rows_lie_farther_than_all_others():
    out, y = np.tile(TRUE, (60, 1)), RNG.normal(size=60) / 2
    quantiles = ConformalQuantiles().fit(out, y, np.full(60, 3)).add(1, out, 8 * y)
    for pattern in (None, np.array([1]), np.array([3])):
        found = [
            quantiles.quantile(out[:1], level, pattern)[0] for level in (0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999)
        ]
        assert found == sorted(found)
    with pytest.raises(ValueError, match="^level=1.5 must be"):
        quantiles.quantile(out, 1.5)
    with pytest.raises(ValueError, match="^coverage=1.5 must be"):
        quantiles.interval(out, 1.5)
