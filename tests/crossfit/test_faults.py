"""Learners that use up the memory or hang: the error names them, or the fit goes on without them.

Workers that die are in `test_execute`, those of Dask in `test_cluster`.
"""

import errno
import os
import re
import resource
import time
from dataclasses import dataclass

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

import ensemble_mm.store._jobs
from ensemble_mm import StackedRegressor
from ensemble_mm.crossfit import Runner
from ensemble_mm.crossfit._execute import Failure, Job, JobError
from ensemble_mm.crossfit._watch import Watch
from ensemble_mm.store import write_atomic


class Faulty(RegressorMixin, BaseEstimator):
    """Break in its own way, in a worker process only."""

    def __init__(self, fault, pid):
        self.fault = fault
        self.pid = pid

    def fit(self, X, y):
        assert os.getpid() != self.pid, "it would take the tests with it"
        if self.fault == "memory":
            before = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (2**33, before[1]))
            try:
                self.block_ = np.ones(2**31)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, before)
        else:
            re.match(r"(a+)+$", "a" * 60 + "b")  # takes years, and never gives the interpreter back
        return self

    def predict(self, X):
        raise AssertionError("never fitted")


@pytest.mark.slow
def test_learners_that_hang_or_use_up_the_memory_are_named_and_left_out(vectors):
    X, y = vectors
    faulty = [("greedy", Faulty("memory", os.getpid())), ("endless", Faulty("hang", os.getpid()))]
    cv = [(np.arange(75), np.arange(75, 150))]
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=cv, refit=False, random_state=0).fit(X, y)
    faulted = StackedRegressor(
        learners=[*faulty, ("ridge", Ridge())], cv=cv, refit=False, random_state=0, on_error="drop", job_timeout=3
    )  # n_jobs=1: its jobs get processes all the same
    with pytest.warns(UserWarning, match="Left out"):
        faulted.fit(X, y)
    errors = {failure["learner"]: failure["error"] for failure in faulted.failures_}
    assert errors["endless"] == "it took longer than job_timeout=3 seconds"
    assert "MemoryError: Unable to allocate 16.0 GiB" in errors["greedy"]
    assert [member.learner for member in faulted.table_.members()] == ["ridge"]
    np.testing.assert_array_equal(faulted.predict(X), model.predict(X))


@dataclass(frozen=True)
class SomeHang(Job):
    name = "hang"
    i: int

    def run(self):
        time.sleep(0 if self.i % 3 else 100)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_several_that_hang_cost_one_limit_each_and_no_tries_of_the_others(backend):
    with parallel_config(backend=backend):
        results = Runner(n_jobs=2, job_timeout=3.0).run("stage", [SomeHang(i) for i in range(8)])
    assert [isinstance(r, Failure) for r in results] == [i % 3 == 0 for i in range(8)]
    assert {r.words for r in results[::3]} == {"it took longer than job_timeout=3 seconds"}
    assert all("in run" in r.trace for r in results[::3])  # where it was


def test_jobs_that_keep_to_the_limit_are_left_alone(tmp_path):
    watch = Watch(1.0, str(tmp_path))
    with watch.over(0), watch.over(1):
        pass
    time.sleep(1.2)  # this process is still there
    assert not watch.late() and watch.place(0) is None and watch.place(7) is None


def test_a_fit_goes_on_after_space_was_made_on_a_full_disk(vectors, tmp_path, monkeypatch):
    X, y = vectors
    written = []

    def fills_up(path, content):
        def write(file):
            if len(written) == 3:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            content(file)

        written.append(write_atomic(path, write))

    model = StackedRegressor(learners=[("ridge", Ridge()), ("strong", Ridge(100.0))], cv=3, random_state=0)
    whole = clone(model).fit(X, y)
    model.set_params(checkpoint=tmp_path)
    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"Could not write .*\.job' \(No space left"):
        patch.setattr(ensemble_mm.store._jobs, "write_atomic", fills_up)
        model.fit(X, y)
    assert len(list(tmp_path.iterdir())) == 3
    np.testing.assert_array_equal(model.fit(X, y).table_.to_frame(), whole.table_.to_frame())
    np.testing.assert_array_equal(model.predict(X), whole.predict(X))
    assert len(list(tmp_path.iterdir())) == 12  # extractions too


def test_an_extractor_that_gives_other_rows_is_told():
    first = FunctionTransformer(lambda column: np.ones((1, 2)))  # as one that goes over the columns of a table
    with pytest.raises(JobError, match="gave 1 rows of features for 8 samples: .* keeps the rows"):
        StackedRegressor([("x", first)], [("ridge", Ridge())], cv=2).fit({"x": np.ones((8, 2))}, np.arange(8.0))
