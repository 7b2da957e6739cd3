"""Every display draws itself, keeps sklearn's convention and names what it cannot draw."""

from inspect import signature

import pytest
from matplotlib.figure import Figure

from ensemble_mm import inspection
from ensemble_mm.inspection import (
    PICTURES,
    ConfusionDisplay,
    MissingDisplay,
    Picture,
    ReliabilityDisplay,
    ResidualDisplay,
    ScoreDisplay,
    TableDisplay,
)
from ensemble_mm.inspection._report_sections import calibration_section

DISPLAYS = [getattr(inspection, name) for name in inspection.__all__ if name.endswith("Display")]
FROM_ESTIMATOR = [  # strategies are compared by fits of their own; the hardest rows want X
    display for display in DISPLAYS if display.__name__ not in ("StrategyDisplay", "HardestRowsDisplay")
]


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


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda d: d.__name__)
def test_predictions_mean_predictions(display):
    """As in scikit-learn: truths and predictions. Finished frames go to the constructor, and `plot` draws them."""
    if hasattr(display, "from_predictions"):
        assert list(signature(display.from_predictions).parameters)[:2] == ["y_true", "y_pred"]


def test_a_display_that_is_entered_is_in_the_report(hand_made):
    entry = Picture(TableDisplay, lambda display, name: f"{name}: {len(display.agreement)} members agree", "How alike?",
                    family="regression")  # fmt: skip
    PICTURES.append(entry)
    try:
        found = {part["name"]: part["pictures"][-1] for part in calibration_section(hand_made)}
    finally:
        PICTURES.remove(entry)
    assert found["stars"]["alt"] == "stars: 3 members agree" and found["stars"]["caption"] == "How alike?"
    assert found["liked"]["caption"] != "How alike?"
