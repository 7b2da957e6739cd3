"""Calibration, and what intervals hold, are counted right."""

import numpy as np

from ensemble_mm.inspection import ReliabilityDisplay, ResidualDisplay


def test_reliability_of_a_calibrated_and_of_an_overconfident_prediction(ax):
    rng = np.random.default_rng(0)
    p = rng.random(5000)
    y = rng.random(5000) < p
    good = ReliabilityDisplay.from_predictions(y, np.c_[1 - p, p], ax=ax).errors_[""]
    bold = (p > 0.5).astype(float)
    poor = ReliabilityDisplay.from_predictions(y, np.c_[1 - bold, bold], ax=ax).errors_[""]
    assert good < 0.03 < 0.2 < poor


def test_residuals_count_what_the_interval_holds(ax):
    y = np.zeros(10)
    display = ResidualDisplay.from_predictions(y, y, low=y - 1, high=np.r_[np.full(8, 1.0), -0.5, -0.5], ax=ax)
    assert display.covered_ == 0.8
