"""Members join by weight; strategies are compared with the ensemble."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ensemble_mm import StackedClassifier, view_contributions
from ensemble_mm.inspection import PruningDisplay, StrategyDisplay

LINEAR = [("linear", LogisticRegression())]


def test_members_join_in_the_order_of_their_weight(hand_made, ax):
    path = PruningDisplay.from_estimator(hand_made, seconds={("review", "linear"): 2.0}, ax=ax).path
    assert path["reads"].tolist() == ["review", "photo", "noise"] and path["seconds"].tolist() == [2.0, 2.0, 2.0]


def test_rows_that_are_scored_did_not_say_who_joins(hand_made, make_stack):
    """Weights of all rows had heard the labels: on noise all members removed .014 of the loss, where they add to it."""
    other = make_stack()
    other.contributions_.loc[:] = other.contributions_.to_numpy()[::-1]
    own, turned = (PruningDisplay.from_estimator(model).path for model in (hand_made, other))
    assert own["reads"].tolist() == turned["reads"].tolist()[::-1]
    np.testing.assert_array_equal(own["score"], turned["score"])


@pytest.mark.slow
@pytest.mark.parametrize("signal", [0.0, 0.8])
def test_of_noise_neither_members_nor_views_have_worth(signal):
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, 80)
        X = {name: rng.normal(size=(80, 2)) + signal * y[:, np.newaxis] * (name in "ab") for name in "abcdef"}
        model = StackedClassifier(learners=LINEAR, cv=5, meta_learner="greedy", random_state=0).fit(X, y)
        score = PruningDisplay.from_estimator(model).path["score"]
        model.losses_by_views_ = {}  # as of more views than a fit tries out
        values = view_contributions(model, n_bootstrap=0)["y"]["value"]
        found.append((score.iloc[0], score.iloc[-1], values.sum()))
    plt.close("all")
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / 12**0.5
    assert (mean > 0.15).all() if signal else (mean < 2 * error).all()


def test_strategies_are_drawn_in_percent_of_the_ensemble(ax):
    index = pd.MultiIndex.from_product([["y"], ["ensemble", "late fusion"]])
    frame = pd.DataFrame({"loss": [2.0, 3.0], "difference": [0.0, 1.0], "low": [0.0, 0.5], "high": [0.0, 1.5]}, index)
    StrategyDisplay(comparison=frame).plot(ax)
    assert [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() in "os"] == [0.0, 50.0]


def test_strategies_of_a_model_are_refused_with_what_to_give(hand_made):
    with pytest.raises(TypeError, match=r"was given a HandMadeStack: give it the table that compare_strategies"):
        StrategyDisplay(hand_made).plot()
