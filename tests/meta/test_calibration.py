"""Calibrated probabilities mean what they say; thresholds, sets and intervals do what they promise."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from ensemble_mm.meta import (
    ConformalIntervals,
    ConformalSets,
    IsotonicCalibrator,
    TemperatureCalibrator,
    decision_threshold,
)

CALIBRATORS = [TemperatureCalibrator, IsotonicCalibrator]


def classes_table(n_rows, n_classes, sharpness=1.0, seed=0):
    """Return probabilities that are right for sharpness 1 and too sure above, and classes drawn from the right ones."""
    rng = np.random.default_rng(seed)
    scores = 1.5 * rng.normal(size=(n_rows, n_classes))
    true = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    said = np.exp(sharpness * scores) / np.exp(sharpness * scores).sum(axis=1, keepdims=True)
    y = (true.cumsum(axis=1) > rng.random((n_rows, 1))).argmax(axis=1)
    return said, y


def calibration_error(proba, y, n_bins=10):
    error = 0.0
    for c in range(proba.shape[1]):
        place = np.digitize(proba[:, c], np.linspace(0, 1, n_bins + 1)[1:-1])
        for b in np.unique(place):
            rows = place == b
            error += rows.mean() * abs(proba[rows, c].mean() - (y[rows] == c).mean()) / proba.shape[1]
    return error


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("calibrator", CALIBRATORS)
@pytest.mark.parametrize("sharpness", [0.4, 3.0])
def test_calibration_halves_the_error_on_fresh_rows(calibrator, n_classes, sharpness):
    proba, y = classes_table(4000, n_classes, sharpness)
    fitted = calibrator().fit(proba[:2000], y[:2000])
    out = fitted.predict_proba(proba[2000:])
    assert out.sum(axis=1) == pytest.approx(1)
    assert calibration_error(out, y[2000:]) < 0.5 * calibration_error(proba[2000:], y[2000:])
    assert log_loss(y[2000:], out) < log_loss(y[2000:], proba[2000:])


def test_temperature_is_what_was_applied_and_keeps_decisions():
    proba, y = classes_table(4000, 3, sharpness=2.5)
    calibrator = TemperatureCalibrator().fit(proba, y)
    assert calibrator.temperature_ == pytest.approx(2.5, rel=0.1)
    np.testing.assert_array_equal(calibrator.predict_proba(proba).argmax(axis=1), proba.argmax(axis=1))


@pytest.mark.parametrize("calibrator", CALIBRATORS)
def test_calibrators_survive_certainty_and_missing_classes(calibrator):
    proba = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    out = calibrator().fit(proba, [0, 1, 0, 0]).predict_proba(proba)
    assert np.isfinite(out).all()
    assert out.sum(axis=1) == pytest.approx(1)
    assert (out[:, 2] < 0.4).all()


@pytest.mark.parametrize("make", [*CALIBRATORS, ConformalSets])
def test_wrong_probabilities_and_labels_are_told(make):
    with pytest.raises(ValueError, match="lie in 0 to 1"):
        make().fit(np.array([[0.5, 1.5]]), [0])
    with pytest.raises(ValueError, match="y must hold class positions from 0 to 1"):
        make().fit(np.array([[0.5, 0.5]]), [2])
    with pytest.raises(ValueError, match="at least two columns"):
        make().fit(np.array([[0.5]]), [0])


@pytest.mark.parametrize("scoring", ["f1", "balanced_accuracy", "accuracy"])
def test_threshold_is_the_best_there_is(scoring):
    rng = np.random.default_rng(0)
    y = (rng.random(150) < 0.15).astype(int)
    proba = np.clip(0.1 + 0.25 * y + 0.1 * rng.normal(size=150), 0, 1)
    best = decision_threshold(proba, y, scoring)
    if scoring == "f1":
        assert f1_score(y, proba >= best) + 1e-9 >= max(f1_score(y, proba >= t) for t in np.linspace(0, 1, 101))
        assert f1_score(y, proba >= best) > f1_score(y, proba >= 0.5) + 0.2
    assert decision_threshold(np.c_[1 - proba, proba], y, scoring) == pytest.approx(best)


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("normalised", [False, True])
def test_intervals_cover_as_often_as_they_say(coverage, normalised):
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scale = rng.uniform(0.2, 2, size=1200)
        y = scale * rng.normal(size=1200)
        spread = [{"spread": part} for part in (scale[:200], scale[200:])] if normalised else [{}, {}]
        bounds = ConformalIntervals().fit(np.zeros(200), y[:200], **spread[0])
        low, high = bounds.interval(np.zeros(1000), coverage, **spread[1]).T
        shares.append(((low <= y[200:]) & (y[200:] <= high)).mean())
    assert np.mean(shares) == pytest.approx(coverage, abs=0.015)


def test_spread_makes_intervals_narrower_where_the_members_agree():
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.1, 2, size=500)
    y = scale * rng.normal(size=500)
    plain = ConformalIntervals().fit(np.zeros(500), y).interval(np.zeros(500))
    fitted = ConformalIntervals().fit(np.zeros(500), y, spread=scale)
    own = fitted.interval(np.zeros(500), spread=scale)
    assert np.diff(own, axis=1).mean() < np.diff(plain, axis=1).mean()
    assert np.corrcoef(np.diff(own, axis=1)[:, 0], scale)[0, 1] > 0.99
    with pytest.raises(ValueError, match="spread must be given to both"):
        fitted.interval(np.zeros(3))


def test_patterns_have_their_own_quantile_and_rare_ones_the_pooled():
    rng = np.random.default_rng(0)
    pattern = np.repeat([3, 1, 2], [300, 300, 49])
    y = np.where(pattern == 3, 0.1, 5.0) * rng.normal(size=649)
    model = ConformalIntervals().fit(np.zeros(649), y, pattern=pattern)
    width = np.diff(model.interval(np.zeros(4), 0.9, pattern=[3, 1, 2, 9]), axis=1)[:, 0]
    assert width[0] < 0.5 < 10 < width[1]
    assert width[2] == width[3] == np.diff(model.interval(np.zeros(1), 0.9))[0, 0]


def test_too_few_rows_for_a_coverage_give_the_whole_line():
    model = ConformalIntervals().fit(np.zeros(8), np.arange(8.0))
    assert np.isfinite(model.interval([0.0], 0.8)).all()
    assert np.isinf(model.interval([0.0], 0.9)).all()
    pattern = np.repeat([0, 1], [60, 300])
    model = ConformalIntervals().fit(np.zeros(360), np.r_[np.full(60, 9.0), np.ones(300)], pattern=pattern)
    assert model.interval([0.0], 0.99, pattern=[0])[0, 1] == 9.0  # 60 rows do not tell of one in a hundred


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("method", ["lac", "adaptive"])
def test_sets_cover_as_often_as_they_say(coverage, method):
    shares = []
    for seed in range(20):
        proba, y = classes_table(1200, 5, sharpness=1.5, seed=seed)
        sets = ConformalSets(method=method).fit(proba[:200], y[:200]).sets(proba[200:], coverage)
        assert sets.any(axis=1).all()
        shares.append(sets[np.arange(1000), y[200:]].mean())
    assert np.mean(shares) == pytest.approx(coverage, abs=0.02)


@pytest.mark.parametrize("coverage", [0, 1, 1.5, "a"])
def test_coverage_is_checked(coverage):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        ConformalIntervals().fit(np.zeros(9), np.zeros(9)).interval(np.zeros(2), coverage)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="pattern has shape"):
        ConformalIntervals().fit(np.zeros(9), np.zeros(9), pattern=np.zeros(3))
    with pytest.raises(ValueError, match="expected 3 columns, as in fit"):
        ConformalSets().fit(np.full((9, 3), 1 / 3), np.zeros(9, int)).sets(np.full((9, 2), 0.5))
