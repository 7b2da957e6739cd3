"""Whether one prediction of a fit is better than another is told by pairs of losses."""

import numpy as np
import pytest

from ensemble_mm.data import Problem, Task
from ensemble_mm.stacking._judged import paired_gain

NUMBER = Task("size", "regression")


def problem_of(y, weight=None, groups=None):
    return Problem(np.zeros((len(y), 1)), (), {"size": NUMBER}, {"size": y}, {"size": weight}, groups)


def test_paired_gain_is_the_mean_difference_and_its_error():
    rng = np.random.default_rng(0)
    y, before, after = rng.normal(size=(3, 40))
    before[3] = np.nan
    difference = np.delete((before - y) ** 2 - (after - y) ** 2, 3)
    gain, error = paired_gain(problem_of(y), "size", before, after)
    assert gain == pytest.approx(difference.mean())
    assert error == pytest.approx(difference.std(ddof=1) / np.sqrt(39))
    weighted = problem_of(y, np.r_[np.full(20, 2.0), np.zeros(20)])
    np.testing.assert_allclose(paired_gain(weighted, "size", before, after)[0], difference[:19].mean())
    lone = problem_of(np.r_[y[0], np.full(39, np.nan)])
    assert paired_gain(lone, "size", before, after) == (0.0, np.inf)


def test_rows_of_a_group_err_together():
    rng = np.random.default_rng(0)
    y, before, after = rng.normal(size=(3, 40))
    alone, copies = paired_gain(problem_of(y), "size", before, after), (np.repeat(before, 9), np.repeat(after, 9))
    grouped = problem_of(np.repeat(y, 9), groups=np.repeat(np.arange(40), 9))
    assert paired_gain(grouped, "size", *copies) == pytest.approx(alone)  # copies tell nothing new
    assert paired_gain(problem_of(np.repeat(y, 9), groups=np.zeros(360)), "size", *copies) == (0.0, np.inf)
