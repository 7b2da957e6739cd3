"""A view that goes missing costs what it is worth."""

import numpy as np

from ensemble_mm.inspection import MissingDisplay


def test_missing_views_cost_what_they_are_worth(hand_made, ax):
    scores = MissingDisplay.from_estimator(hand_made, ax=ax).scores
    assert np.isclose(scores.loc[1.0, "any view"], 0) and (scores.loc[0.0] == scores.loc[0.0].iloc[0]).all()
    assert scores.loc[1.0, "review"] < scores.loc[1.0, "photo"]
