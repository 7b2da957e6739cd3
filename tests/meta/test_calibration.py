"""Calibrated probabilities mean what they say; thresholds do what they promise."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from ensemble_mm.meta import ConformalSets, IsotonicCalibrator, TemperatureCalibrator

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


@pytest.mark.parametrize("calibrator", CALIBRATORS)
def test_a_weight_of_two_is_a_row_twice(calibrator):
    proba, y = classes_table(400, 3, sharpness=2.0)
    weight = np.where(y == proba.argmax(axis=1), 3, 1)  # those that were right count more
    weighted = calibrator().fit(proba, y, weight).predict_proba(proba)
    twice = calibrator().fit(np.repeat(proba, weight, axis=0), np.repeat(y, weight)).predict_proba(proba)
    np.testing.assert_allclose(weighted, twice, atol=0.005)  # the limits of isotonic maps count rows
    assert np.abs(weighted - calibrator().fit(proba, y).predict_proba(proba)).max() > 0.02


@pytest.mark.parametrize("calibrator", [TemperatureCalibrator, IsotonicCalibrator])
def test_a_weight_counts_as_so_many_rows(calibrator):
    rng = np.random.default_rng(0)
    proba, y, times = rng.dirichlet([1, 1], 60), rng.integers(0, 2, 60), rng.integers(0, 4, 60)
    weighted = calibrator().fit(proba, y, times).predict_proba(proba)
    repeated = calibrator().fit(np.repeat(proba, times, axis=0), np.repeat(y, times)).predict_proba(proba)
    np.testing.assert_allclose(weighted, repeated, atol=1e-4)


@pytest.mark.slow
def test_calibrated_noise_is_chance_in_each_fold_and_below_it_where_folds_share_one_order():
    """A row's label moves the maps of all folds but its own: that of the higher class meets the lower."""
    rng, fold = np.random.default_rng(0), np.arange(100) % 5
    by_fold, pooled = [], []
    for _ in range(60):
        y, second, out = rng.permutation(np.arange(100) % 2), rng.random(100), np.empty(100)
        proba = np.c_[1 - second, second]
        for f in range(5):
            fitted = IsotonicCalibrator().fit(proba[fold != f], y[fold != f])
            out[fold == f] = fitted.predict_proba(proba[fold == f])[:, 1]
        by_fold.append(np.mean([roc_auc_score(y[fold == f], out[fold == f]) for f in range(5)]))
        pooled.append(roc_auc_score(y, out))
    error = np.std(by_fold, ddof=1) / 60**0.5
    assert np.mean(by_fold) == pytest.approx(0.5, abs=3 * error)
    assert np.mean(pooled) < 0.5 - 3 * error
