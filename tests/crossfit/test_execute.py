import faulthandler
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import parallel_config
from joblib.parallel import TimeoutError as TimeoutOfJoblib
from scipy import sparse

import ensemble_mm
from ensemble_mm.crossfit import JobError, Runner, _execute
from ensemble_mm.crossfit._execute import Failure, Job, Skipped, check_failures
from ensemble_mm.store import BlockFolder, JobStore


@dataclass(frozen=True)
class Call(Job):
    """A job that calls a function."""

    name: str
    call: Callable
    args: tuple
    cost: float = 1.0
    group: str = ""

    def run(self):
        return self.call(*self.args)


@dataclass(frozen=True)
class Total(Job):
    """A job with arrays in it."""

    name = "total"
    rows: np.ndarray
    blocks: tuple
    word: str
    weight: np.ndarray | None = None

    def run(self):
        return float(sum(block[self.rows].sum() for block in self.blocks)), self.word, self.weight


@pytest.mark.parametrize(("seconds", "n_run"), [(10.0, 5), (3.0, 1)])
def test_what_is_of_use_together_only_is_left_out_where_the_first_shows_that_it_takes_too_long(
    monkeypatch, seconds, n_run
):
    moment, ran = 0.0, []

    def work(i):
        nonlocal moment
        moment += 1.0
        ran.append(i)
        return i

    monkeypatch.setattr(_execute, "time", SimpleNamespace(**vars(time) | {"time": lambda: moment}))
    runner = Runner(n_jobs=1, started=0.0, deadline=seconds)
    results = runner.run_whole("read", [Call("job", work, (i,), group="view", required=False) for i in range(5)])
    assert ran == list(range(n_run))
    assert results == ran if n_run == 5 else all(isinstance(result, Skipped) for result in results)
    assert runner.to_frame().loc["read", "left_out"] == ("" if n_run == 5 else "view")


def test_arrays_travel_beside_their_job():
    """On a cluster, an array that many jobs share is then sent to a worker once."""
    shared = np.arange(4.0)[:, np.newaxis]
    job = Total(np.array([0, 3]), (shared, sparse.csr_matrix(shared)), "x", key="k")
    light, lengths, *arrays = _execute._apart(job)
    assert len(arrays) == 3 and arrays[1] is shared and len(pickle.dumps(light)) < 1000 and light.key == "k"
    assert _execute._together(light, lengths, arrays).run() == job.run() == (6.0, "x", None)


def test_blocks_on_disk_travel_by_name(tmp_path):
    with BlockFolder(tmp_path) as folder:
        block = folder.keep(np.arange(250_000.0)[:, np.newaxis])
        *_, array = _execute._apart(Total(np.array([0, 3]), (block,), "x"))
        assert len(pickle.dumps(array)) < 1000
        jobs = [Call(f"job {i}", kept, (folder, block, i)) for i in range(2)]
        for i, result in enumerate(Runner(n_jobs=2).run("stage", jobs)):
            assert isinstance(result["block"], np.memmap) and result["block"][9, 0] == 9 + i


def kept(folder, block, more):
    return {"block": folder.keep(np.asarray(block) + more)}


def double(x):
    return 2 * x


def fail(x):
    raise KeyError("its own words")


def complain(x):
    warnings.warn("hear me", UserWarning, stacklevel=1)
    return x


@pytest.mark.parametrize(("backend", "n_jobs"), [("loky", 1), ("loky", 2), ("threading", 2)])
def test_results_keep_the_order_of_the_jobs(backend, n_jobs):
    jobs = [Call(f"job {i}", double, (np.full(3, i),), cost=i % 3) for i in range(9)]
    with parallel_config(backend=backend):
        results = Runner(n_jobs=n_jobs).run("stage", jobs)
    assert [int(r[0]) for r in results] == [2 * i for i in range(9)]


def test_a_failure_names_the_job_and_carries_the_words():
    jobs = [Call("good", double, (1,)), Call("learner 'x', fold 3", fail, (1,))]
    results = Runner().run("stage", jobs)
    assert results[0] == 2 and isinstance(results[1], Failure)
    with pytest.raises(JobError, match="learner 'x', fold 3 failed: KeyError: 'its own words'"):
        check_failures(jobs, results)


def test_a_warning_comes_home_once_from_other_processes():
    jobs = [Call(f"job {i}", complain, (i,)) for i in range(4)]
    with pytest.warns(UserWarning, match="hear me") as heard:
        Runner(n_jobs=2).run("stage", jobs)
    assert len([w for w in heard if "hear me" in str(w.message)]) == 1


def die_once(x, mark):
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def die(x):
    faulthandler.disable()  # quiet
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.slow
def test_a_worker_that_dies_once_costs_nothing(tmp_path):
    jobs = [Call(f"job {i}", die_once, (i, tmp_path / "mark")) for i in range(6)]
    assert Runner(n_jobs=2).run("stage", jobs) == list(range(6))


@pytest.mark.slow
def test_a_job_that_ends_every_worker_is_named_and_the_others_are_done():
    jobs = [Call("good", double, (1,)), Call("learner 'bad', fold 0", die, (2,)), Call("fine", double, (3,))]
    good, bad, fine = Runner(n_jobs=2).run("stage", jobs)
    assert (good, fine) == (2, 6)
    with pytest.raises(JobError, match="learner 'bad', fold 0 failed: its worker process died .*SIGSEGV"):
        check_failures(jobs, [good, bad, fine])


def test_kept_results_are_not_computed_again(tmp_path):
    store = JobStore(tmp_path)
    assert Runner(store=store).run("stage", [Call("job", double, (1,), key="a" * 64)]) == [2]
    assert Runner(store=store).run("stage", [Call("job", fail, (1,), key="a" * 64)]) == [2]


def test_jobs_that_may_be_left_out_are_left_out_when_time_is_over():
    runner = Runner(deadline=time.time() - 1)
    needed, spare = runner.run("stage", [Call("a", double, (1,)), Call("b", double, (1,), required=False, group="b")])
    assert needed == 2 and isinstance(spare, Skipped)
    assert runner.to_frame()["left_out"].tolist() == ["b"]


def test_silence_after_a_worker_of_a_cluster_died_ends(monkeypatch):
    """Python's own TimeoutError was waited for, and joblib's ended the fit."""
    monkeypatch.setattr(_execute, "LISTEN_EVERY", 0.001)
    cluster, waits = {"a": 1, "b": 1}, SimpleNamespace(timeout=None)
    client = SimpleNamespace(ncores=lambda: dict(cluster))
    with pytest.raises(TimeoutOfJoblib), _execute._listening(waits, client):
        raise TimeoutOfJoblib("no worker")  # all were there: it is joblib's own
    with pytest.raises(_execute.LostWorker) as found, _execute._listening(waits, client):
        cluster.pop("a"), cluster.update(c=1)  # died, and came back under another name
        while waits.timeout is None:
            time.sleep(0.001)
        raise TimeoutOfJoblib
    assert waits.timeout == _execute.PATIENCE and _execute._is_lost_worker(found.value)


BUSY = """
import os
import time
from joblib._parallel_backends import LokyBackend
from ensemble_mm.crossfit import Job, Runner

class Work(Job):
    name = "work"

    def run(self):
        os.write(1, b"busy\\n")  # at once: two workers share the pipe
        time.sleep(300)

def again(self, ensure_ready=True):
    raise KeyboardInterrupt  # a second one, while joblib ends its workers after the first

def main(end):
    if end == "twice":
        LokyBackend.abort_everything = again
    Runner(n_jobs=2).run("fit", [Work(), Work()])
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("end", ["once", "twice", "killed"])
def test_workers_end_with_the_process_that_sent_their_jobs(tmp_path, end):
    """After an interrupt, workers held the output open for as long as their jobs took."""
    (tmp_path / "busy.py").write_text(BUSY)
    ours = os.pathsep.join([str(tmp_path), str(Path(ensemble_mm.__file__).parents[1])])
    with subprocess.Popen(
        [sys.executable, "-c", f"import busy; busy.main({end!r})"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": ours}, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as main:  # fmt: skip
        for _ in range(2):
            assert main.stdout.readline() == b"busy\n"
        started = time.perf_counter()
        main.send_signal(signal.SIGKILL if end == "killed" else signal.SIGINT)
        assert main.stdout.read() == b""  # which every worker holds open, too
        assert main.wait() != 0 and time.perf_counter() - started < 60
