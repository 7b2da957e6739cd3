"""Every display draws itself, keeps sklearn's convention and names what it cannot draw."""

import pytest
from matplotlib.figure import Figure

from ensemble_mm.inspection import (
    ConfusionDisplay,
    ContributionDisplay,
    MissingDisplay,
    PruningDisplay,
    ReliabilityDisplay,
    ResidualDisplay,
    ScoreDisplay,
    SelectionDisplay,
    TableDisplay,
    TaskContributionDisplay,
    ViewContributionDisplay,
)

FROM_ESTIMATOR = [
    ConfusionDisplay, ContributionDisplay, MissingDisplay, PruningDisplay, ReliabilityDisplay, ResidualDisplay,
    ScoreDisplay, SelectionDisplay, TableDisplay, TaskContributionDisplay, ViewContributionDisplay,
]  # fmt: skip


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
