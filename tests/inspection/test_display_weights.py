"""What members give and how they agree is shown as it was given, and sums to what it should."""

import numpy as np
import pandas as pd

from ensemble_mm.inspection import ContributionDisplay, TableDisplay, TaskContributionDisplay


def test_contributions_sum_the_rows_that_are_not_shown(ax):
    weights = pd.DataFrame({"y": [0.5, 0.3, 0.2, 0.0]}, index=pd.MultiIndex.from_product([["v"], list("abcd")]))
    display = ContributionDisplay(contributions=weights).plot(ax, max_rows=1)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["v · a", "2 others together"]
    assert np.allclose(display.image_.get_array(), [[0.5], [0.5]])
    assert "1 more have none" in ax.get_title(loc="left")


def test_agreement_of_equal_and_opposed_members(ax):
    errors = np.random.default_rng(0).normal(size=200)
    names = [("a", "x"), ("b", "x"), ("c", "x")]
    display = TableDisplay.from_errors(np.c_[errors, 2 * errors, -errors], names, ax=ax)
    assert np.allclose(display.agreement, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])


def test_q_statistic_of_members_that_never_err_together(ax):
    wrong = np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
    display = TableDisplay.from_errors(wrong, [("a", "x"), ("b", "x")], statistic="q", ax=ax)
    assert display.agreement.iloc[0, 1] == -1


def test_tasks_that_do_not_help_each_other_are_no_grid_of_zeros(ax):
    matrix = pd.DataFrame(0.004, index=["a", "b"], columns=["a", "b"])
    display = TaskContributionDisplay(contributions=matrix).plot(ax)
    assert display.image_ is None and "do not help each other" in display.ax_.texts[0].get_text()
