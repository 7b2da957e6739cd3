"""Calibration, and what intervals hold, are counted right."""

import numpy as np

from ensemble_mm import StackedClassifier
from ensemble_mm.inspection import ReliabilityDisplay, ResidualDisplay


def test_reliability_of_a_calibrated_and_of_an_overconfident_prediction(ax):
    rng = np.random.default_rng(0)
    p = rng.random(5000)
    y = rng.random(5000) < p
    good = ReliabilityDisplay.from_predictions(y, np.c_[1 - p, p], ax=ax).errors_[""]
    bold = (p > 0.5).astype(float)
    poor = ReliabilityDisplay.from_predictions(y, np.c_[1 - bold, bold], ax=ax).errors_[""]
    assert good < 0.03 < 0.2 < poor


def test_a_curve_of_two_classes_names_the_class_whose_probability_it_is(ax):
    y = ["no", "yes"] * 20
    model = StackedClassifier(learners=["linear"], cv=2, random_state=0).fit(np.arange(40.0)[:, np.newaxis], y)
    legend = ReliabilityDisplay.from_estimator(model, ax=ax).ax_.get_legend()
    assert legend.get_texts()[1].get_text().startswith("y: yes (error ")


def test_residuals_count_what_the_interval_holds(ax):
    y = np.zeros(10)
    display = ResidualDisplay.from_predictions(y, y, low=y - 1, high=np.r_[np.full(8, 1.0), -0.5, -0.5], ax=ax)
    assert display.covered_ == 0.8
