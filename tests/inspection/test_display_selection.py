"""The selection is judged on rows that it did not see."""

from dataclasses import replace

import numpy as np
import pytest

from ensemble_mm.inspection import SelectionDisplay


@pytest.mark.parametrize("task", ["liked", "tone", "stars"])
def test_the_selection_starts_with_the_best_member(hand_made, ax, task):
    path = SelectionDisplay.from_estimator(hand_made, task=task, n_steps=6, ax=ax).path
    assert path["reads"][0] == "review" and path["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert (path["seen"] > 0.1).all() and (path["held_out"] > 0.1).all()
    assert (path["low"] < path["held_out"]).all() and (path["held_out"] < path["high"]).all()


def test_a_selection_learns_nothing_from_noise_alone(hand_made, ax):
    """The rows that choose believe that they learn; those held out show that there is nothing to learn."""
    hand_made.table_.values[:] = np.random.default_rng(0).random(hand_made.table_.values.shape)
    path = SelectionDisplay.from_estimator(hand_made, task="liked", ax=ax).path
    assert path["held_out"].max() <= 0.02 and (path["held_out"] <= path["seen"] + 0.02).all()


def test_rows_whose_members_all_abstain_take_the_prior(hand_made, ax):
    hand_made.table_.values[:60] = np.nan
    path = SelectionDisplay.from_estimator(hand_made, task="liked", n_steps=3, ax=ax).path
    assert np.isfinite(path["held_out"]).all()


def test_quantiles_have_no_such_steps(hand_made, ax):
    hand_made.tasks_["stars"] = replace(hand_made.tasks_["stars"], kind="quantile")
    with pytest.raises(ValueError, match="'stars' is of quantiles, .* use PruningDisplay"):
        SelectionDisplay.from_estimator(hand_made, task="stars", ax=ax)
