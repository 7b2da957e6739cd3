"""Runs jobs: joblib, checkpoints, deadline, progress. The only module that knows of processes.

A `Job` is plain data that knows how to run. `Runner.run` sends a list of them, longest first, through
one `joblib.Parallel` and gives back their results in the order of the list, whatever runs them.
"""

import multiprocessing
import os
import re
import sys
import threading
import time
import traceback
import warnings
from abc import ABC, abstractmethod
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from tempfile import TemporaryDirectory

import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend
from sklearn import config_context
from threadpoolctl import ThreadpoolController

from .._checks import BadItemsError, printable, warn
from .._rows import give_back, keeping_free, let_go, size_of
from ..store import named, shown
from ._watch import Watch

LISTEN_EVERY = 1.0  # seconds between two looks at whether the other processes are there
PATIENCE = 20.0  # seconds without a result after which jobs are sent again, once a worker has died


class JobError(RuntimeError):
    """A job failed; the message names the job and carries the words of what failed in it."""


class LostWorker(RuntimeError):
    """A worker of a cluster died, and what it had to do will not come."""


@dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """One piece of work: a dataclass whose `run()` does it, with a `name` for messages.

    Jobs of one `group` are left out together; `cost` only decides the order.
    """

    key: str | None = None  # of its result in a checkpoint
    required: bool = True  # False: may be left out when the time is over

    group = ""
    cost = 1.0

    @abstractmethod
    def run(self):
        """Do the work; return what came of it."""


@dataclass(frozen=True)
class Failure:
    """What a failed job leaves: its error as words, and the error itself where it can travel."""

    name: str
    words: str
    trace: str
    error: BaseException | None = None


class Skipped:
    """Stands for the result of a job that was left out when the time was over."""


class Runner:
    """Runs lists of jobs and keeps account of them.

    Parameters
    ----------
    n_jobs : int or None
        As in joblib; None obeys `joblib.parallel_config`.
    store : JobStore or None
        Where finished jobs are kept.
    deadline : float or None
        Moment (`time.time()`) after which jobs that are not required are left out.
    started : float or None
        Moment from which shares of the time count; None: now.
    job_timeout : float or None
        Seconds after which a job has failed; its worker process is ended. Jobs then always run in processes of
        their own.
    progress : object or None
        With `stage(name, n_jobs)` -> context manager that gives a callable for each finished job.
    """

    def __init__(self, *, n_jobs=None, store=None, deadline=None, started=None, job_timeout=None, progress=None):
        self.n_jobs, self.store, self.deadline, self.progress = n_jobs, store, deadline, progress
        self.job_timeout = job_timeout
        self.started = time.time() if started is None else started
        self.report = {}
        self.done = {}  # (stage, group of jobs) -> seconds, and sum of the costs of jobs
        self.warned = set()

    def run(self, stage, jobs, *, share=1.0):
        """Return the results of `jobs`, in their order; a failed job gives a `Failure`, a left-out one `Skipped`.

        Jobs that are not required are left out when a `share` of the time is over.
        """
        started = time.perf_counter()
        results = [None] * len(jobs)
        seconds = 0.0
        order = range(len(jobs))
        if self.deadline is None:
            order = sorted(order, key=lambda i: -jobs[i].cost)
        with self._stage(stage, len(jobs)) as tick:
            # Closed at once when something fails here: jobs that still run are of no use then.
            with closing(self._outcomes(jobs, list(order), self._end(share))) as outcomes:
                for i, result, spent, messages in outcomes:
                    results[i] = shown(result)
                    seconds += spent
                    done = self.done.setdefault((stage, jobs[i].group), [0.0, 0.0])
                    done[0], done[1] = done[0] + spent, done[1] + jobs[i].cost
                    self._warn(messages)
                    tick(jobs[i].name)
        left_out = {job.group or job.name for job, r in zip(jobs, results, strict=True) if isinstance(r, Skipped)}
        size = sum(size_of(result) for result in results)
        self._add(stage, len(jobs), time.perf_counter() - started, seconds, size, left_out)
        return results

    def run_whole(self, stage, jobs, *, share=1.0):
        """Return what `run` gives, of jobs that are of use together only: the first tells if all fit the time.

        Where there is not, the others are left out, and all are `Skipped`.
        """
        if self.deadline is None or len(jobs) < 2 or jobs[0].required:
            return self.run(stage, jobs, share=share)
        started = time.time()
        first, rest = self.run(stage, jobs[:1], share=share), jobs[1:]
        spent, costs = time.time() - started, sum(job.cost for job in rest)
        if time.time() + spent / max(jobs[0].cost, 1.0) * costs / self.n_workers > self._end(share):
            self.leave_out(stage, jobs[0].group or jobs[0].name)
            return [Skipped()] * len(jobs)
        return first + self.run(stage, rest, share=share)

    def seconds_each(self, group):
        """Return the seconds that jobs of a group took per unit of their cost, over all stages."""
        return sum(seconds / max(cost, 1.0) for (_, name), (seconds, cost) in self.done.items() if name == group)

    def in_threads(self, call, items):
        """Return `call(*item)` of every item, with a thread for each of `n_jobs`."""
        with _controller().limit(limits=1):
            if self.n_workers == 1:
                return _by_itself(lambda: [call(*item) for item in items])
            return Parallel(n_jobs=self.n_jobs, require="sharedmem")(delayed(_by_itself)(call, *item) for item in items)

    def leave_out(self, stage, what):
        """Say in the report that something was left out, because the time is over."""
        self._add(stage, left_out={what})

    def _add(self, stage, jobs=0, seconds=0.0, job_seconds=0.0, size=0, left_out=()):
        row = self.report.setdefault(stage, {"jobs": 0, "seconds": 0.0, "job_seconds": 0.0, "bytes": 0, "left_out": []})
        row["jobs"] += jobs
        row["seconds"] += seconds
        row["job_seconds"] += job_seconds
        row["bytes"] += size
        row["left_out"] += sorted(left_out)

    def is_over(self, share=1.0):
        """Tell whether a share of the time is over."""
        return self.deadline is not None and time.time() > self._end(share)

    def _end(self, share):
        return None if self.deadline is None else self.started + share * (self.deadline - self.started)

    @property
    def n_workers(self):
        """Number of jobs that run at the same time."""
        return effective_n_jobs(self.n_jobs)

    @property
    def is_on_cluster(self):
        """Whether jobs run in processes of a cluster, which may be other machines."""
        return self.n_workers > 1 and not _is_local(get_active_backend()[0])

    @property
    def sends_files(self):
        """Whether jobs run in other processes of this machine, which get large arrays as files in any case."""
        backend, _ = get_active_backend()
        return self.n_workers > 1 and _is_local(backend) and not getattr(backend, "supports_sharedmem", False)

    def to_frame(self):
        """Return the account of the stages: seconds on the clock, seconds in the jobs, bytes, what was left out."""
        columns = ["jobs", "seconds", "job_seconds", "bytes", "left_out"]
        frame = pd.DataFrame.from_dict(self.report, orient="index", columns=columns).rename_axis("stage")
        return frame.assign(left_out=frame["left_out"].map(", ".join))

    def _outcomes(self, jobs, missing, deadline):
        """Yield what `_run_one` gives for every job, as they finish.

        When a worker dies, the jobs without a result are sent once more, then one at a time: a job that ends its worker
        even then has failed. A job that took too long is known, and costs the others no try.
        """
        with nullcontext() if self.job_timeout is None else TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            watch = None if folder is None else Watch(self.job_timeout, folder)
            tries = 0
            while tries < 2:
                late = set() if watch is None else watch.late()
                try:
                    for outcome in self._sent(jobs, missing, deadline, watch, apart=watch is not None or tries > 0):
                        missing = [i for i in missing if i != outcome[0]]
                        yield outcome
                    return
                except Exception as error:
                    if not _is_lost_worker(error):
                        raise
                    tries += watch is None or watch.late() == late
            yield from self._one_by_one(jobs, missing, deadline, watch)

    def _one_by_one(self, jobs, missing, deadline, watch):
        for i in missing:
            try:
                yield from self._sent(jobs, [i], deadline, watch, apart=True)
            except Exception as error:
                if not _is_lost_worker(error):
                    raise
                yield i, _too_long(watch, i, jobs[i].name) or _lost(jobs[i].name, error), 0.0, []

    def _sent(self, jobs, order, deadline, watch, apart):
        """Yield outcomes of jobs in any order; `apart` keeps them out of this process, which they might end."""
        backend, _ = get_active_backend()
        settings = {"n_jobs": self.n_jobs}
        n, local = self.n_workers, _is_local(backend)
        if n == 1 and local and not apart:
            yield from (_run_one(i, self.store, deadline, os.getpid(), watch, jobs[i], {}) for i in order)
            return
        if apart and (n == 1 or local and getattr(backend, "supports_sharedmem", False)):
            # joblib starts no process for one job at a time, nor sends it to the only worker of a cluster (which may
            # have lost its others a moment ago): two of our own, of which one waits.
            settings = {"backend": "loky", "n_jobs": max(n, 2), "pre_dispatch": 1 if n == 1 else "2 * n_jobs"}
        calls = ((i, self.store, deadline, os.getpid(), watch, *_apart(jobs[i])) for i in order)
        yield from _in_parallel(calls, backend, local, settings)

    def _stage(self, stage, n_jobs):
        return nullcontext(lambda name: None) if self.progress is None else self.progress.stage(stage, n_jobs)

    def _warn(self, messages):
        for words, category in messages:
            if (words, category) not in self.warned:
                self.warned.add((words, category))
                warn(words, category)


def check_failures(jobs, results):
    """Raise a JobError for the first job that failed."""
    for result in results:
        if isinstance(result, Failure):
            if isinstance(result.error, BadItemsError):
                raise result.error
            raise JobError(f"{result.name} failed: {result.words}") from result.error


def _is_local(backend) -> bool:
    """Tell whether a backend is one of joblib's own, no cluster's."""
    return type(backend).__module__ == "joblib._parallel_backends"


def _in_parallel(calls, backend, local, settings):
    """Yield what `_run_one` gives for each of some arguments; an interrupt ends the workers of this machine."""
    # Some backends (Ray's) can only give back a whole list.
    how = "generator_unordered" if getattr(backend, "supports_return_generator", False) else "list"
    parallel = Parallel(return_as=how, **settings)
    with _listening(parallel, None if "backend" in settings else getattr(backend, "client", None)):
        try:
            yield from parallel(delayed(_run_one)(*call) for call in calls)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            if local:
                _end_workers()
            raise


@contextmanager
def _listening(parallel, client):
    """Raise `LostWorker` where a worker of Dask died and nothing has been heard for a while.

    joblib does not hear of a job whose data died with a worker, and would wait for it for ever.
    """
    if client is None:
        yield
        return
    workers, over = set(client.ncores()), threading.Event()

    def listen():
        while not over.wait(LISTEN_EVERY):
            if not workers <= set(client.ncores()):
                parallel.timeout = PATIENCE
                return

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield
    except multiprocessing.TimeoutError as error:  # joblib's, which is no TimeoutError of Python
        if parallel.timeout is None:
            raise
        raise LostWorker("a worker of the cluster died, and jobs with it") from error
    finally:
        over.set()


def _end_workers():
    """Kill the worker processes of this process, where joblib's own way to do it was interrupted.

    In a thread, which a second interrupt does not reach.
    """
    loky = sys.modules.get("joblib.externals.loky")
    if loky is not None:
        end = threading.Thread(
            target=lambda: loky.get_reusable_executor(reuse=True, kill_workers=True).shutdown(kill_workers=True)
        )
        end.start()
        end.join()


@lru_cache(maxsize=1)
def _follow(main_pid):
    """End this worker soon after the process that sent its jobs has ended: it would go on, and hold its output open."""

    def look():
        while os.getppid() == main_pid:
            time.sleep(LISTEN_EVERY)
        os._exit(1)

    if os.getppid() == main_pid:  # not on a cluster
        threading.Thread(target=look, daemon=True).start()


def _is_lost_worker(error) -> bool:
    """Tell whether a pool lost a process; what fails in a job itself comes back as a `Failure`."""
    pool = type(error).__module__.partition(".")[0]
    return isinstance(error, LostWorker) or pool in ("concurrent", "distributed", "joblib", "ray")


def _lost(name, error) -> Failure:
    """Return the failure of a job that ended its worker; loky tells by which signals."""
    ends = re.findall(r"(SIG\w+)\(-\d+\)", str(error))
    how = f"{type(error).__name__}{', ' if ends else ''}{', '.join(dict.fromkeys(ends))}"
    words = f"its worker process died ({how}): it crashed, or ran out of memory"
    return Failure(name, words, traceback.format_exc())


def _too_long(watch, i, name) -> Failure | None:
    """Return the failure of a job that took too long before; None for any other."""
    place = None if watch is None else watch.place(i)
    return place and Failure(name, f"it took longer than job_timeout={watch.seconds:g} seconds", place)


def _apart(job):
    """Return a job without its arrays, which of its fields they are, and the arrays: those on disk by name.

    A cluster sends an argument that many calls share to each worker once; what lies deeper goes with each job.
    """
    lengths, arrays = {}, []
    for name, value in _arrays_of(job):
        lengths[name] = len(value) if isinstance(value, tuple) else None
        arrays += value if isinstance(value, tuple) else [value]
    return replace(job, **dict.fromkeys(lengths)), lengths, *map(named, arrays)


def _arrays_of(job):
    """Yield the names and values of the fields of a job that are arrays, or several of them."""
    for part in fields(job):
        value = getattr(job, part.name)
        several = isinstance(value, tuple) and any(hasattr(item, "shape") for item in value)
        if several or hasattr(value, "shape"):
            yield part.name, value


def _together(job, lengths, arrays):
    arrays = map(shown, arrays)
    return replace(job, **{
        name: next(arrays) if n is None else tuple(next(arrays) for _ in range(n)) for name, n in lengths.items()
    })  # fmt: skip


def _run_one(i, store, deadline, main_pid, watch, job, lengths, *arrays):
    """Run one job where it landed: kept result first, one thread, warnings carried home."""
    started, job, away = time.perf_counter(), _together(job, lengths, arrays), os.getpid() != main_pid
    if away:
        _follow(main_pid)
    store = None if job.key is None else store
    known = _known(i, store, deadline, watch, job)
    if known is not None:
        return i, known, 0.0, []
    messages = []
    try:
        with (
            _controller().limit(limits=1),
            config_context(enable_metadata_routing=False, transform_output="default"),
            watch.over(i) if away and watch is not None else nullcontext(),
            keeping_free() if away else nullcontext(),
        ):
            result, messages = _with_warnings(job.run) if away else (_by_itself(job.run), [])
    except Exception as error:
        words = printable(f"{type(error).__name__}: {error}", keep="\n")
        result = Failure(job.name, words, traceback.format_exc(), error if _travels(error) else None)
    else:
        if store is not None:
            store.save(job.key, result)
    if any([let_go(value if isinstance(value, tuple) else (value,)) for _, value in _arrays_of(job)]):
        give_back()
    return i, named(result) if away else result, time.perf_counter() - started, messages


def _known(i, store, deadline, watch, job):
    """Return what is known of a job without a run: its kept result, or why it is not run; None where it must be."""
    kept = None if store is None else store.load(job.key)
    if kept is not None:
        return kept
    if deadline is not None and not job.required and time.time() > deadline:
        return Skipped()
    return _too_long(watch, i, job.name)


def _with_warnings(call):
    """Return what a call gives, and its warnings: another process would print them there, once per worker."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = _by_itself(call)
    return result, list({(str(w.message), w.category) for w in caught})


def _by_itself(call, *args):
    """Call with one job for what uses joblib itself and has no number of its own.

    A cluster's setting would reach such learners otherwise, and a forest that adds up its trees on several threads
    adds them in any order: its last digit then changes.
    """
    with parallel_config(backend="threading", n_jobs=1):
        return call(*args)


@lru_cache(maxsize=1)
def _controller():
    return ThreadpoolController()


def _travels(error) -> bool:
    return isinstance(error, BadItemsError) or type(error).__module__ == "builtins"
