from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from xgboost import XGBRegressor

from ensemble_mm.crossfit import (
    CrossFit,
    LearnerSpec,
    Member,
    Runner,
    _memory,
    free_memory,
    members_of,
    needs_disk,
    needs_within,
)
from ensemble_mm.crossfit._memory import _bytes_of_fits
from ensemble_mm.data import ChunkedData, as_source, read_problem
from ensemble_mm.learners import RidgePath, SampledKernel, TailRegressor, ViewScaler


def run_of(n_rows, n_jobs=1):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(n_rows, 4)), columns=list("abcd"))
    problem = read_problem(X, {"y": X["a"]})
    folds = [(np.arange(n_rows // 2), np.arange(n_rows // 2, n_rows))]
    run = CrossFit(problem, folds, True, 0, Runner(n_jobs=n_jobs))
    return run, members_of(problem.tasks["y"], [LearnerSpec("r", Ridge())], ["tabular"])


def test_as_many_jobs_run_as_fit_into_the_limit():
    run, members = run_of(1000, n_jobs=3)
    found = [needs_within(limit, run, members) for limit in (7e7, 6e8, 2e9)]
    assert [needs.n_jobs for needs in found] == [1, 2, 3]
    assert "already, 1 job at a time" in str(found[0]) and "already, 2 jobs at a time" in str(found[1])
    with pytest.raises(ValueError, match="takes about 64.* MB .* memory allows 5 MB"):
        needs_within(5e6, run, members)


def test_more_rows_take_more():
    run, members = run_of(20_000)
    with pytest.raises(ValueError, match="memory allows 65 MB"):
        needs_within(6.5e7, run, members)


def test_a_disk_that_is_too_small_is_told(tmp_path):
    run, members = run_of(1000)
    run.folder = SimpleNamespace(free=1000, path=tmp_path / "of_this_fit")
    with pytest.raises(ValueError, match="1000 rows in 2 folds take about 48 kB on disk.*has 1 kB: name a workdir"):
        needs_within(1e9, run, members)


def test_vectors_on_disk_are_a_file_once_for_all_workers(tmp_path):
    pytest.importorskip("pyarrow")
    X = pd.DataFrame({"v": list(np.random.default_rng(0).normal(size=(500, 8)))})
    X.to_parquet(tmp_path / "t.parquet")
    found = []
    for source, n_jobs in ((as_source(X), 1), (ChunkedData(tmp_path), 1), (ChunkedData(tmp_path), 2)):
        problem = read_problem(source, {"y": np.arange(500.0)})
        run = CrossFit(problem, [(np.arange(250), np.arange(250, 500))], True, 0, Runner(n_jobs=n_jobs))
        members = members_of(problem.tasks["y"], [LearnerSpec("r", Ridge())], ["v"])
        found.append(needs_within(1e9, run, members).disk)
    table = 500 * 16
    np.testing.assert_allclose(np.array(found) - table, [64000, 96000, 96000], rtol=0.01)


def test_learners_whose_fit_does_not_fit_are_named_and_left_out_where_that_is_asked_for():
    rng = np.random.default_rng(0)
    X = {"small": rng.normal(size=(1000, 2)), "a": rng.normal(size=(1000, 1500)), "b": rng.normal(size=(1000, 1500))}
    problem = read_problem(as_source(X), {"y": X["small"][:, 0]})
    folds = [(np.arange(500), np.arange(500, 1000))]
    run = CrossFit(problem, folds, True, 0, Runner(n_jobs=1))
    specs = [LearnerSpec("few", Ridge(), ["small"]), LearnerSpec("many", Ridge(2.0), "all")]
    members = members_of(problem.tasks["y"], specs, list(X))
    assert needs_within(2e8, run, members).members == tuple(members)
    with pytest.raises(ValueError, match="learners takes about so much .* 150 MB .*'many'.*: 160 MB.*on_error='drop'"):
        needs_within(1.5e8, run, members)
    run.on_error = "drop"
    with pytest.warns(UserWarning, match="Left out, because .*'many'"):
        assert needs_within(1.5e8, run, members).members == (members[0],)
    assert [row["learner"] for row in run.failures] == ["many"]
    with pytest.raises(ValueError, match="'many'"):  # nobody else is there
        needs_within(1.5e8, run, members[1:])
    SmallRidge = type("SmallRidge", (Ridge,), {"most_rows": 100})
    asks = members_of(problem.tasks["y"], [LearnerSpec("s", SmallRidge(), "all")], list(X))
    assert needs_within(1.5e8, run, asks).members == tuple(asks)


def test_what_the_map_of_a_kernel_takes_is_counted():
    run, members = run_of(20_000)
    kernel = make_pipeline(ViewScaler(), SampledKernel(n_components=300), Ridge())
    few = make_pipeline(ViewScaler(), type("Few", (SampledKernel,), {"most_rows": 1000})(n_components=300), Ridge())
    wide, small = ([replace(member, estimator=learner) for member in members] for learner in (kernel, few))
    plain, mapped, least = (needs_within(1e9, run, some).memory for some in (members, wide, small))
    assert 2 < (mapped - plain) / (20_000 * 300 * 4) < 4 and least - plain < 4e6


def test_what_is_free_decides_where_features_lie_and_how_many_jobs_run():
    run, members = run_of(1000, n_jobs=3)
    assert not needs_disk(2e9, run, members) and run.runner.n_workers == 3
    assert not needs_disk(6e8, run, members) and run.runner.n_workers == 2
    run, members = run_of(20_000)
    needs = needs_within(1e9, run, members)
    assert needs_disk(needs.memory + needs.disk - 1, run, members) and not needs_disk(1e9, run, members)
    with pytest.warns(UserWarning, match="may take more memory than is free. To read view 'tabular' takes"):
        assert needs_disk(5e6, run, members) and not run.failures


def test_what_is_free_is_that_of_the_container(tmp_path, monkeypatch):
    if free_memory() is None:
        pytest.skip("the system does not tell")
    told = {"memory.max": "max\n", "memory.current": "100000\n", "memory.stat": "anon 6\ninactive_file 20000\nslab 1\n"}
    for name, text in told.items():
        (tmp_path / name).write_text(text)
    container, *_ = _memory.CONTAINERS
    monkeypatch.setattr(_memory, "CONTAINERS", ((tmp_path, *container[1:]), (tmp_path / "none", *container[1:])))
    assert free_memory() > 1e6
    for limit, free in ((123456, 43456), (50000, 0)):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        assert free_memory() == free


def test_boosting_takes_a_byte_for_a_number_and_linear_models_of_many_rows_hold_few():
    learners = {"light": TailRegressor(LGBMRegressor()), "xgb": XGBRegressor(), "ridge": Ridge(),
                "linear": make_pipeline(ViewScaler(), RidgePath())}  # fmt: skip
    members = [Member("y", name, "v", ("v",), learner) for name, learner in learners.items()]
    n_rows, blocks = 10**7, {("v", 0, None, "native"): 400.0}  # bytes of the 100 numbers of a row
    taken = {member.learner: size / n_rows for member, size in _bytes_of_fits(n_rows, members, blocks).items()}
    assert 100 < taken["light"] < 200 < taken["xgb"] < 300 and taken["linear"] < 50 and taken["ridge"] >= 1600
