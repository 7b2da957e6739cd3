"""Every display draws itself, keeps sklearn's convention, and shows the numbers that it was given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from ensemble_mm.inspection import (
    ConfusionDisplay,
    ContributionDisplay,
    HardestRowsDisplay,
    MissingDisplay,
    PruningDisplay,
    ReliabilityDisplay,
    ResidualDisplay,
    ScoreDisplay,
    SelectionDisplay,
    StrategyDisplay,
    TableDisplay,
    TaskContributionDisplay,
    ViewContributionDisplay,
    hardest_rows,
)
from ensemble_mm.inspection._drawing import shorten

FROM_ESTIMATOR = [
    ConfusionDisplay, ContributionDisplay, MissingDisplay, PruningDisplay, ReliabilityDisplay, ResidualDisplay,
    ScoreDisplay, SelectionDisplay, TableDisplay, TaskContributionDisplay, ViewContributionDisplay,
]  # fmt: skip


@pytest.fixture
def ax():
    return Figure(layout="constrained").add_subplot()


@pytest.mark.parametrize("display", FROM_ESTIMATOR, ids=lambda d: d.__name__)
def test_displays_draw_on_the_given_axes(hand_made, ax, display):
    drawn = display.from_estimator(hand_made, ax=ax)
    assert drawn.ax_ is ax and drawn.figure_ is ax.figure
    assert drawn.plot(ax=Figure().add_subplot()).ax_ is not ax
    drawn.figure_.draw_without_rendering()


@pytest.mark.parametrize("display", [ConfusionDisplay, MissingDisplay, ReliabilityDisplay, TableDisplay, ScoreDisplay])
def test_displays_name_a_task_that_is_not_there(hand_made, ax, display):
    with pytest.raises(ValueError, match="'price' is not known: the model has 'liked'"):
        display.from_estimator(hand_made, task="price", ax=ax)


def test_displays_of_another_kind_of_task_say_which_one_to_use(hand_made, ax):
    with pytest.raises(ValueError, match="use ResidualDisplay"):
        ReliabilityDisplay.from_estimator(hand_made, task="stars", ax=ax)
    with pytest.raises(ValueError, match="use ConfusionDisplay"):
        ResidualDisplay.from_estimator(hand_made, task="liked", ax=ax)
    with pytest.raises(ValueError, match="use 'correlation'"):
        TableDisplay.from_estimator(hand_made, task="stars", statistic="q", ax=ax)


def test_contributions_sum_the_rows_that_are_not_shown(ax):
    weights = pd.DataFrame({"y": [0.5, 0.3, 0.2, 0.0]}, index=pd.MultiIndex.from_product([["v"], list("abcd")]))
    display = ContributionDisplay.from_predictions(weights, max_rows=1, ax=ax)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["v · a", "2 others together"]
    assert np.allclose(display.image_.get_array(), [[0.5], [0.5]])
    assert "1 more have none" in ax.get_title(loc="left")


def test_agreement_of_equal_and_opposed_members(ax):
    errors = np.random.default_rng(0).normal(size=200)
    names = [("a", "x"), ("b", "x"), ("c", "x")]
    display = TableDisplay.from_predictions(np.c_[errors, 2 * errors, -errors], names, ax=ax)
    assert np.allclose(display.agreement, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])


def test_q_statistic_of_members_that_never_err_together(ax):
    wrong = np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
    display = TableDisplay.from_predictions(wrong, [("a", "x"), ("b", "x")], statistic="q", ax=ax)
    assert display.agreement.iloc[0, 1] == -1


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


def test_missing_views_cost_what_they_are_worth(hand_made, ax):
    scores = MissingDisplay.from_estimator(hand_made, ax=ax).scores
    assert np.isclose(scores.loc[1.0, "any view"], 0) and (scores.loc[0.0] == scores.loc[0.0].iloc[0]).all()
    assert scores.loc[1.0, "review"] < scores.loc[1.0, "photo"]


def test_members_join_in_the_order_of_their_weight(hand_made, ax):
    path = PruningDisplay.from_estimator(hand_made, seconds={("review", "linear"): 2.0}, ax=ax).path
    assert path["reads"].tolist() == ["review", "photo", "noise"] and path["seconds"].tolist() == [2.0, 2.0, 2.0]


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


def test_hardest_rows_are_those_with_the_largest_loss(hand_made):
    rows = hardest_rows(hand_made, "liked", n_rows=240)
    truth = hand_made.targets_["liked"].astype(int)
    losses = -np.log(hand_made.oof_["liked"][np.arange(240), truth])
    assert rows["row"].tolist() == np.argsort(-losses, kind="stable").tolist()
    assert (rows["truth"] == np.array(["no", "yes"])[truth[rows["row"]]]).all()
    assert not set(range(20)) & set(hardest_rows(hand_made, "tone", 240)["row"])  # labels not known


def test_hardest_rows_show_pictures_and_texts(hand_made, data_of_hand_made, ax):
    display = HardestRowsDisplay.from_estimator(hand_made, data_of_hand_made, n_rows=3, ax=ax)
    for looks, row in zip(display.looks, display.rows["row"], strict=True):
        assert looks["photo"].kind == ("picture" if row % 5 else "absent")
        assert f"number {row}:" in looks["review"].content
    display.figure_.draw_without_rendering()


def test_hardest_rows_want_the_rows_of_the_fit(hand_made, data_of_hand_made):
    with pytest.raises(ValueError, match="hand over the X of the fit"):
        HardestRowsDisplay.from_estimator(hand_made, data_of_hand_made[:10])


def test_strategies_are_drawn_in_percent_of_the_ensemble(ax):
    index = pd.MultiIndex.from_product([["y"], ["ensemble", "late fusion"]])
    frame = pd.DataFrame({"loss": [2.0, 3.0], "difference": [0.0, 1.0], "low": [0.0, 0.5], "high": [0.0, 1.5]}, index)
    StrategyDisplay.from_predictions(frame, ax=ax)
    assert [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() in "os"] == [0.0, 50.0]


@pytest.mark.parametrize(
    "label, shown", [("a$b$", r"a\$b\$"), ("two\nlines\x00", "two lines"), ("x" * 40, "x" * 27 + "…")]
)
def test_labels_are_one_short_line_without_formulas(label, shown):
    assert shorten(label) == shown
