"""Members join by weight; strategies are compared with the ensemble."""

import pandas as pd
import pytest

from ensemble_mm.inspection import PruningDisplay, StrategyDisplay


def test_members_join_in_the_order_of_their_weight(hand_made, ax):
    path = PruningDisplay.from_estimator(hand_made, seconds={("review", "linear"): 2.0}, ax=ax).path
    assert path["reads"].tolist() == ["review", "photo", "noise"] and path["seconds"].tolist() == [2.0, 2.0, 2.0]


def test_strategies_are_drawn_in_percent_of_the_ensemble(ax):
    index = pd.MultiIndex.from_product([["y"], ["ensemble", "late fusion"]])
    frame = pd.DataFrame({"loss": [2.0, 3.0], "difference": [0.0, 1.0], "low": [0.0, 0.5], "high": [0.0, 1.5]}, index)
    StrategyDisplay(comparison=frame).plot(ax)
    assert [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() in "os"] == [0.0, 50.0]


def test_strategies_of_a_model_are_refused_with_what_to_give(hand_made):
    with pytest.raises(TypeError, match=r"was given a HandMadeStack: give it the table that compare_strategies"):
        StrategyDisplay(hand_made).plot()
