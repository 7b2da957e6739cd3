"""Does a fit that is killed at random moments resume to the model of an unbroken fit, bit for bit?

Fits with `checkpoint=` are killed by SIGKILL, then started again and left alone. The question is lost when one resumed
fit fails or has another table or other predictions than the unbroken one, when a kept result cannot be read after a
kill, or when a file that was half written is opened to be read. The kills:

- writing: a fit in one process, while it writes a checkpoint (on the way, before the rename, or just after it)
- alone: a fit in one process, at any moment
- loky: a fit with two worker processes, and these with it
- loky worker: one of these workers; the fit itself must end, with the same answer
- dask: a fit on a cluster of two workers, which live on and may still write what they had begun
- dask worker: one of these workers; the fit itself must end, with the same answer
- on disk: a fit of rows that stay on disk, whose features lie there, too, at any moment; the answer is that of the same
  rows in memory

    python benchmarks/reliability/bench_killed.py [n_kills [kind ...]]
"""

import hashlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import ChunkedData, MultiOutputStack
from ensemble_mm.store import JobStore, _blocks

RESULTS = Path(__file__).parent.parent / "results"
SHARES = {
    "writing": 0.35,
    "alone": 0.2,
    "loky": 0.15,
    "loky worker": 0.05,
    "dask": 0.15,
    "dask worker": 0.05,
    "on disk": 0.05,
}
FORK = multiprocessing.get_context("fork")  # a fit without the seconds that imports take
SPAWN = multiprocessing.get_context("spawn")


def data():
    rng = np.random.default_rng(0)
    X = {"left": rng.normal(size=(60, 3)), "right": rng.normal(size=(60, 4))}
    score = X["left"][:, 0] + X["right"][:, 1] ** 2
    return X, {"size": score, "kind": np.where(score > 1, "a", "b")}


def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(3000, 4)), columns=list("abcd"))
    X["shop"], X["vector"] = rng.choice(["north", "south"], 3000), list(rng.normal(size=(3000, 16)).astype(np.float32))
    X["text"] = [" ".join(row) for row in rng.choice([f"word{i}" for i in range(200)], (3000, 6))]
    score = X["a"] + X["text"].str.contains("word7") + rng.normal(size=3000)
    return X, {"size": score.to_numpy(), "kind": np.where(score > 1, "a", "b")}


def fit(checkpoint, pipe, *how):
    """Fit, and send what `fitted` does, or how it failed."""
    os.setsid()
    sys.stderr = open(os.devnull, "w")
    try:
        fitted(checkpoint, pipe, *how)
    except Exception:
        pipe.send(traceback.format_exc())


def fitted(checkpoint, pipe, kind="alone", address=None, moment=None):
    """Fit, and send a digest of the table and of the predictions, and how many files were read half written; "begun"
    before that."""
    warnings.simplefilter("ignore")
    if moment is not None:
        sys.addaudithook(killer(*moment))
    partial = []
    sys.addaudithook(lambda event, args: partial.append(args[0]) if reads_partial(event, args) else None)
    learners = {
        "regression": [("linear", Ridge()), ("trees", ExtraTreesRegressor(8))],
        "classification": [("linear", LogisticRegression()), ("trees", ExtraTreesClassifier(8))],
    }
    X, Y = table() if kind in ("on disk", "in memory") else data()
    model = MultiOutputStack(learners=learners, cv=3, random_state=0, checkpoint=checkpoint)
    if kind.startswith("dask"):
        from distributed import Client

        with Client(address, set_as_default=True) as client, parallel_config("dask", wait_for_workers_timeout=120):
            client.wait_for_workers(2, timeout=300)  # those killed before come back, which takes seconds
            pipe.send("begun")
            model.fit(X, Y)
    elif kind == "on disk":
        _blocks.LEAST = 1  # bytes of features that are written
        rows = ChunkedData(Path(checkpoint).parent / "rows.parquet", chunk_rows=500)
        pipe.send("begun")
        model.set_params(memory="8GB", workdir=Path(checkpoint).parent).fit(rows, Y)
    else:
        pipe.send("begun")
        model.set_params(n_jobs=2 if kind.startswith("loky") else 1).fit(X, Y)
    digest = hashlib.sha256(model.table_.to_frame().to_numpy().tobytes())
    digest.update(model.predict(X).to_csv().encode())
    pipe.send((digest.hexdigest(), len(partial)))
    if kind.startswith(("loky", "dask")):  # where one worker of Dask is left, the fit starts some of its own
        get_reusable_executor().shutdown(wait=True)  # a forked process would wait for its workers, which wait for work


def reads_partial(event, args):
    return event == "open" and str(args[0]).endswith(".part") and "r" in str(args[1])


def killer(count, delay):
    """Return a hook that kills this process some time after a checkpoint has begun to be written."""
    opened = []

    def hook(event, args):
        if event == "open" and str(args[0]).endswith(".part"):
            opened.append(1)
            if len(opened) == count:
                threading.Thread(target=lambda: (time.sleep(delay), os.kill(os.getpid(), signal.SIGKILL))).start()

    return hook


def start(*args):
    here, there = FORK.Pipe(duplex=False)
    process = FORK.Process(target=fit, args=(args[0], there, *args[1:]))
    process.start()
    there.close()
    return process, here


def answer(process, pipe):
    """Return what a fit sent last, or None when it failed (how is printed) or was killed."""
    last = None
    try:
        while True:
            last = pipe.recv()
    except EOFError:
        process.join()
    if isinstance(last, str) and last != "begun":
        print(last, flush=True)
    return last if isinstance(last, tuple) else None


def children(pid):
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def workers_of(process):
    """Return the worker processes of a fit or of a cluster; a resource tracker is none."""
    return [p for p in children(process.pid) if b"resource_tracker" not in Path(f"/proc/{p}/cmdline").read_bytes()]


def hold_cluster(pipe):
    """Hold a Dask cluster until the pipe is closed."""
    import dask
    import distributed

    # On a busy machine workers take long to start and to answer, and would be given up.
    dask.config.set({"distributed.comm.timeouts.connect": "300s", "distributed.scheduler.worker-ttl": None})
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**settings) as cluster:
        cluster.wait_for_workers(2)
        pipe.send(cluster.scheduler_address)
        pipe.poll(None)


@contextmanager
def cluster_for(kind):
    """Give the process that holds a cluster and its address, for the kinds that need one."""
    if not kind.startswith("dask"):
        yield None, None
        return
    here, there = SPAWN.Pipe()
    cluster = SPAWN.Process(target=hold_cluster, args=(there,))
    cluster.start()
    try:
        yield cluster, here.recv()
    finally:
        here.send("the end")
        cluster.join()


def kill(kind, process, pipe, seconds, rng, cluster):
    """Kill something of a fit at a random moment; return whether it was there to be killed."""
    try:
        pipe.recv()
        if pipe.poll(rng.uniform(0, seconds)):
            return False  # it was done before
        victims = [process.pid]
        if kind == "loky":
            victims = [*workers_of(process), process.pid]
        elif kind == "loky worker":
            victims = workers_of(process)[:1]
        elif kind == "dask worker":
            victims = workers_of(cluster)[:1]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        return bool(victims)
    except (EOFError, ProcessLookupError, FileNotFoundError):
        return False


def whole(folder):
    """Tell whether every kept result of a folder can be read."""
    store = JobStore(folder)
    return all(store.load(path.stem) is not None for path in store.folder.glob("*.job"))


def ask(kind, n_kills, base, expected, rng):
    """Kill `n_kills` fits of a kind, and count what came of them."""
    with cluster_for(kind) as (_, address):
        process, pipe = start(Path(base, f"{kind} unbroken"), kind, address)
        pipe.recv()
        started = time.time()
        first = answer(process, pipe)
        seconds = time.time() - started
    count = Counter({"fits": 1, "equal": first is not None and first[0] == expected})
    while count["kills"] < n_kills:
        if count["fits"] > 20 + 10 * n_kills:
            raise SystemExit(f"{kind}: of {count['fits']} fits, only {count['kills']} were killed")
        with cluster_for(kind) as (cluster, address):  # one may stay without a worker that was killed early
            one_fit(kind, Path(base, f"{kind} {count['fits']}"), expected, rng, count, seconds, cluster, address)
    print(kind, dict(count), flush=True)
    return count


def one_fit(kind, folder, expected, rng, count, seconds, cluster, address):
    """Kill a fit up to three times, let it end, and count what came of it."""
    hit = 0
    for _ in range(int(rng.integers(1, 4))):
        moment = (int(rng.integers(1, 60)), rng.uniform(0, 0.001)) if kind == "writing" else None
        process, pipe = start(folder, kind, address, moment)
        hit = kind != "writing" and kill(kind, process, pipe, seconds, rng, cluster)
        done = answer(process, pipe)
        if kind == "writing":
            hit = process.exitcode == -signal.SIGKILL
        count["kills"] += hit
        count["left a file half written"] += hit and any(folder.glob("*.part"))
        count["folders with a result that cannot be read"] += not whole(folder)
        if not hit or kind.endswith("worker"):
            break  # it has ended by itself
    else:
        done = answer(*start(folder, "on disk" if kind == "on disk" else "alone"))  # left alone now
    count["fits"] += 1
    count["equal"] += done is not None and done[0] == expected
    count["half-written files read"] += 0 if done is None else done[1]


def main(n_kills=200, *kinds):
    """Kill, print the figures and write benchmarks/results/killed.json."""
    rng, counts = np.random.default_rng(0), {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as base:
        table()[0].to_parquet(Path(base, "rows.parquet"))
        for kind in kinds or SHARES:
            how = "in memory" if kind == "on disk" else "alone"
            expected, _ = answer(*start(Path(base, f"{kind}, expected"), how))
            counts[kind] = ask(kind, round(SHARES[kind] * int(n_kills)), base, expected, rng)
    total = sum(counts.values(), Counter())
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "killed.json").write_text(json.dumps({"all": total, **counts}, indent=1))
    print("all", dict(total))
    lost = total["folders with a result that cannot be read"] + total["half-written files read"]
    return total["fits"] == total["equal"] and not lost


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
