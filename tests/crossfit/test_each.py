"""Calls for each of several items: here, and in jobs on a cluster."""

import numpy as np
import pytest
from joblib import parallel_config, register_parallel_backend
from joblib.parallel import ThreadingBackend

from ensemble_mm.crossfit import JobError, Runner, each_by
from ensemble_mm.data import call_each


class Elsewhere(ThreadingBackend):
    """Threads that pass for a cluster."""


@pytest.fixture
def cluster():
    register_parallel_backend("elsewhere", Elsewhere)
    with parallel_config(backend="elsewhere", n_jobs=2):
        yield


def times(item, *arrays):
    return item * sum(map(np.sum, arrays))


def test_calls_are_jobs_on_a_cluster_and_give_the_same(cluster):
    runner = Runner()
    assert each_by(runner)(times, [3, 1, 2], np.ones(4), np.ones(2)) == [18.0, 6.0, 12.0]
    assert runner.to_frame().loc["look", "jobs"] == 3
    assert each_by(runner)(times, [1, 2]) == [*call_each(times, [1, 2])] == [0, 0]


@pytest.mark.parametrize("settings", [{"n_jobs": 1}, {"n_jobs": 2}])
def test_calls_are_no_jobs_elsewhere(settings):
    with parallel_config(**settings):
        assert each_by(Runner()) is call_each


class OwnError(Exception):
    pass


@pytest.mark.parametrize(("error", "raised"), [(ValueError, ValueError), (OwnError, JobError)])
def test_an_error_comes_back_as_it_is_where_it_can_travel(cluster, error, raised):
    def fail(item):
        raise error(f"{item} is wrong")

    with pytest.raises(raised, match="first is wrong"):
        each_by(Runner())(fail, ["first", "second"])
