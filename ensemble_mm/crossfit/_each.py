"""A function that is called for each of several items: here, or in jobs on a cluster, whose workers read the data."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from ..data import call_each
from ._execute import Failure, Job, check_failures


@dataclass(frozen=True)
class Call(Job):
    """A call for one item, with arrays that the calls of all items share."""

    call: Any
    item: Any
    shared: tuple

    name = "look at the data"

    def run(self):
        return self.call(self.item, *self.shared)


def each_by(runner):
    """Return what calls a function for each item, as `call_each` of the data does."""
    return partial(_in_jobs, runner) if runner.is_on_cluster else call_each


def _in_jobs(runner, call, items, *shared):
    jobs = [Call(call, item, shared) for item in items]
    results = runner.run("look", jobs)
    for result in results:
        if isinstance(result, Failure) and result.error is not None:
            raise result.error
    check_failures(jobs, results)
    return results
