from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from ensemble_mm.crossfit import CrossFit, LearnerSpec, Runner, members_of, needs_within
from ensemble_mm.data import read_problem


def run_of(n_rows, n_jobs=1):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(n_rows, 4)), columns=list("abcd"))
    problem = read_problem(X, {"y": X["a"]})
    folds = [(np.arange(n_rows // 2), np.arange(n_rows // 2, n_rows))]
    run = CrossFit(problem, folds, True, 0, Runner(n_jobs=n_jobs))
    return run, members_of(problem.tasks["y"], [LearnerSpec("r", Ridge())], ["tabular"])


def test_as_many_jobs_run_as_fit_into_the_limit():
    run, members = run_of(1000, n_jobs=3)
    assert [needs_within(limit, run, members).n_jobs for limit in (7e7, 6e8, 2e9)] == [1, 2, 3]
    with pytest.raises(ValueError, match="takes about 64.* MB .* memory allows 5 MB"):
        needs_within(5e6, run, members)


def test_more_rows_take_more():
    run, members = run_of(20_000)
    with pytest.raises(ValueError, match="memory allows 65 MB"):
        needs_within(6.5e7, run, members)


def test_a_disk_that_is_too_small_is_told(tmp_path):
    run, members = run_of(1000)
    run.folder = SimpleNamespace(free=1000, path=tmp_path / "of_this_fit")
    with pytest.raises(ValueError, match="1000 rows in 2 folds take about 32 kB on disk.*has 1 kB: name a workdir"):
        needs_within(1e9, run, members)
