"""What do data on disk cost against data in memory, and is the model the same?

Rows of 20 numbers, 2 categories, a text of 8 words and a vector of 64 numbers; two tasks, "fast", three folds, one job.
The question is lost when a prediction of the two differs in a bit, when data on disk take more memory than those in
memory, or when the speed on disk is below 0.8 of that in memory (seconds of work, CPU).

    python benchmarks/bench_size.py [rows] [memory]

With "numbers" it asks what rows of 40 numbers in memory take without a limit: at most 2.5 GB for a million.

    python benchmarks/bench_size.py numbers [rows]

With "bits" it asks whether data in memory, in chunks of 1,000, 7,000 and 65,000 rows, on one, two and four Dask workers
and on Ray, which read them from disk, give the same model to the bit; of few learners. Words leave ways out: "memory"
and "ray" ask of these alone. It shows seconds on the clock, too: two workers are to be 1.7 times as fast as one, where
two cores are free. With one worker joblib runs all jobs in the process that asks for them.

    python benchmarks/bench_size.py bits [rows] [word ...]

With "kills" it asks whether a fit on disk that is killed at one of ten moments, and goes on from its checkpoint, ends
in the same model to the bit; of few learners.

    python benchmarks/bench_size.py kills [rows]

With "limit" it asks whether a fit of two jobs keeps to `memory`: all its processes together, beside what the first held
before, take at most a tenth more.

    python benchmarks/bench_size.py limit [rows] [memory ...]

With "slope" it asks how seconds and memory on disk grow with rows: the log-log slope of the seconds is to be at most
1.1.

    python benchmarks/bench_size.py slope [rows ...]

With "large" it asks whether a fit of 10 million rows on disk ends within 4 GB of all its processes, and what it told
before of memory and disk. A folder keeps the rows for the next time; `rounds` stops boosting after so many, whose
memory does not grow with them. Every minute it shows what is taken.

    python benchmarks/bench_size.py large [rows] [memory] [rounds] [folder]
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import psutil
from _measure import alone, report
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.pipeline import make_pipeline

from ensemble_mm import ChunkedData, MultiOutputStack, StackedClassifier
from ensemble_mm._checks import bytes_of
from ensemble_mm.learners import ViewScaler

WORDS = np.array([f"word{i}" for i in range(3000)])
PART = 50_000  # rows of a file


def make(n_rows, seed):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n_rows, 20)).astype(np.float32)
    picks = (rng.pareto(1.0, size=(n_rows, 8)) * 20).astype(int) % len(WORDS)
    vectors = rng.normal(size=(n_rows, 64)).astype(np.float32)
    X = pd.DataFrame(numbers, columns=[f"n{i}" for i in range(20)])
    X["shop"] = rng.choice([f"shop{i}" for i in range(30)], n_rows)
    X["town"] = rng.choice(["north", "south", "west"], n_rows)
    X["text"] = [" ".join(WORDS[row]) for row in picks]
    X["vector"] = list(vectors)
    y = numbers[:, 0] + vectors[:, 0] + (picks[:, 0] % 3) + rng.normal(size=n_rows)
    return X, pd.DataFrame({"size": y, "large": np.where(y + rng.normal(size=n_rows) > 1, "yes", "no")})


def write(folder, n_rows):
    for part, start in enumerate(range(0, n_rows, PART)):
        X, Y = make(min(PART, n_rows - start), part)
        X.join(Y).to_parquet(folder / f"{part:05d}.parquet")


def halves(folder, **settings):
    """Return the inputs in a folder, on disk, and the targets."""
    data, targets = ChunkedData(folder, **settings), ["size", "large"]
    return data.drop(columns=targets), data[targets]


def mark_of(model, step=1):
    """Return what differs where a prediction, of new rows or of each `step`-th row out of fold, differs in a bit."""
    found, table = model.predict(make(500, 10**6)[0]), np.ascontiguousarray(model.table_.values[::step])
    return hashlib.md5(found["size"].to_numpy().tobytes() + table.tobytes()).hexdigest()


def fit(folder, where, memory, learners="fast", chunk_rows=65_536, workers="0"):
    data, Y = halves(folder, chunk_rows=chunk_rows)
    with cluster(workers):
        started, clock = time.process_time(), time.perf_counter()
        X, settings = (data, {"memory": memory}) if where == "disk" else (data.to_pandas(), {})
        model = MultiOutputStack(learners=learners, cv=3, strategy="independent", random_state=0, **settings)
        model.fit(X, Y)
        spent, seconds = time.process_time() - started, time.perf_counter() - clock
    return {"cpu_s": spent, "clock_s": seconds, "mark": mark_of(model), "views": len(model.views_)}


@contextmanager
def cluster(workers):
    """Let a Dask cluster of so many workers, of one thread each, run the jobs, or "ray" two of Ray; 0: this process."""
    if workers == "0":
        yield
        return
    from joblib import parallel_config

    if workers == "ray":
        import ray
        from ray.util.joblib import register_ray

        os.environ.setdefault("RAY_worker_niceness", "0")  # with Ray's own, 15, they hardly run on busy cores
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        register_ray()
        with parallel_config(backend="ray", n_jobs=2):
            yield
        ray.shutdown()
        return
    from distributed import Client

    n_workers = int(workers)
    with Client(n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=None) as client:
        client.wait_for_workers(n_workers)
        with parallel_config(backend="dask"):
            yield


def few_learners():
    """Return learners of each way in which rows are read: by parts, all at once, and sparse."""
    settings = {"n_estimators": 10, "verbose": -1, "deterministic": True, "force_col_wise": True}
    linear = (
        ("linear", make_pipeline(ViewScaler(), Ridge())),
        ("words", SGDClassifier(loss="log_loss"), "text", "native"),
    )
    return {
        "regression": [linear[0], ("gbm", LGBMRegressor(**settings), "all", "reduced")],
        "classification": [linear[1], ("gbm", LGBMClassifier(**settings), "all", "reduced")],
    }


def bits(n_rows=100_000, *words):
    ways = {"memory": ("memory", 65_536, "0")}
    ways |= {f"chunks of {n}": ("disk", n, "0") for n in (1000, 7000, 65_000)}
    ways |= {f"{n} Dask worker(s)": ("disk", 65_536, str(n)) for n in (1, 2, 4)}
    ways |= {"two of ray": ("disk", 65_536, "ray")}
    ways = {name: way for name, way in ways.items() if not words or any(word in name for word in words)}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), n_rows)
        found = {name: alone(__file__, "--bits", folder, *way) for name, way in ways.items()}
    same = len({r["mark"] for r in found.values()}) == 1
    rows = [{"rows": n_rows, "way": name, "clock_s": r["clock_s"], "peak_MB": r["peak_bytes"] / 1e6}
            for name, r in found.items()]  # fmt: skip
    report("size_bits", rows, same=same)
    print(f"the same to the bit: {same}")
    raise SystemExit(not same)


def fit_kept(folder, checkpoint):
    """Fit few learners on disk with a checkpoint, and tell when the fit began, for who kills it."""
    data, Y = halves(folder)
    print("begun", flush=True)
    started = time.perf_counter()
    settings = {"memory": "8GB", "workdir": checkpoint, "checkpoint": checkpoint}
    model = MultiOutputStack(learners=few_learners(), cv=3, strategy="independent", random_state=0, **settings)
    model.fit(data, Y)
    return {"mark": mark_of(model), "clock_s": time.perf_counter() - started}


def kills(n_rows=30_000, n_kills=10):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), n_rows)
        with tempfile.TemporaryDirectory() as checkpoint:
            whole = alone(__file__, "--kept", folder, checkpoint)
        shares, found = np.random.default_rng(0).uniform(0.05, 0.98, n_kills), []
        for share in shares:
            with tempfile.TemporaryDirectory() as checkpoint:
                command = [sys.executable, "-W", "ignore", __file__, "--kept", folder, checkpoint]
                process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                process.stdout.readline()
                time.sleep(share * whole["clock_s"])
                process.kill()
                process.communicate()
                kept = sum(1 for path in Path(checkpoint).rglob("*") if path.is_file())
                found.append({"killed_at": share, "was_killed": process.returncode != 0, "files_kept": kept}
                             | alone(__file__, "--kept", folder, checkpoint))  # fmt: skip
    same = all(result["mark"] == whole["mark"] for result in found)
    names = ("killed_at", "was_killed", "files_kept", "clock_s")
    report("size_kills", [{name: result[name] for name in names} for result in found], same=same)
    print(f"{sum(result['was_killed'] for result in found)} killed; the same to the bit: {same}")
    raise SystemExit(not same)


def fit_within(folder, memory):
    data, Y = halves(folder)
    before = psutil.Process().memory_full_info().pss
    started = time.process_time()
    settings = {"memory": memory, "n_jobs": 2, "cv": 3, "strategy": "independent", "random_state": 0}
    model = MultiOutputStack(learners="fast", **settings)
    told = model.plan(data, Y).notes[-1]
    model.fit(data, Y)
    return {"before": before, "told": told, "cpu_s": time.process_time() - started}


def limit(n_rows=60_000, *limits):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), n_rows)
        for memory in limits or ("700MB", "2GB"):
            found = alone(__file__, "--limit", folder, memory)
            taken = found["peak_bytes"] - found["before"]
            print(found["told"])
            share = taken / bytes_of("memory", memory)
            rows.append({"rows": n_rows, "memory": memory, "taken_MB": taken / 1e6, "share": share})
    report("size_limit", rows)
    raise SystemExit(max(row["share"] for row in rows) > 1.1)


def slope(*sizes):
    rows = []
    for n_rows in sizes or (30_000, 100_000, 300_000):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), n_rows)
            found = alone(__file__, "--role", folder, "disk", "8GB")
        rows.append({"rows": n_rows, "cpu_s": found["cpu_s"], "peak_MB": found["peak_bytes"] / 1e6})
    x, y = (np.log([row[name] for row in rows]) for name in ("rows", "cpu_s"))
    steepest = max(np.diff(y) / np.diff(x), default=np.nan)
    report("size_slope", rows, slope=steepest)
    print(f"steepest slope of seconds in rows {steepest:.2f}")
    raise SystemExit(steepest > 1.1)


class Told(MultiOutputStack):
    """The stack, which tells what it needs before anything is fitted."""

    def _needs(self, run, members):
        needs = super()._needs(run, members)
        print(f"told before: {needs}", file=sys.stderr, flush=True)
        return needs


def fit_large(folder, memory, rounds, workdir):
    if rounds:
        own = lightgbm.train
        lightgbm.train = lambda *given, num_boost_round, **more: own(
            *given, num_boost_round=min(rounds, num_boost_round), **more
        )
    data, Y = halves(folder)
    started, clock = time.process_time(), time.perf_counter()
    settings = {"memory": memory, "workdir": workdir, "cv": 3, "strategy": "independent", "random_state": 0}
    model = Told(learners="fast", **settings).fit(data, Y)
    found = {"cpu_s": time.process_time() - started, "clock_s": time.perf_counter() - clock}
    return found | {"mark": mark_of(model, step=1000), "report": model.fit_report_["seconds"].round(1).to_dict()}


def large(n_rows="10_000_000", memory="4GB", rounds="0", folder=""):
    with tempfile.TemporaryDirectory() as made:
        place = Path(folder or made)
        place.mkdir(exist_ok=True)
        if len(list(place.glob("*.parquet"))) != -(-int(n_rows) // PART):
            write(place, int(n_rows))
        print("the rows are there", file=sys.stderr, flush=True)
        found = alone(__file__, "--large", place, memory, rounds, made, every=60)
    row = {"rows": int(n_rows), "rounds": rounds or "all", "cpu_s": found["cpu_s"], "clock_s": found["clock_s"]}
    report("size_large", [row | {"peak_MB": found["peak_bytes"] / 1e6}], mark=found["mark"], stages=found["report"])
    raise SystemExit(found["peak_bytes"] > bytes_of("memory", memory))


def fit_numbers(n_rows):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 40)).astype(np.float32)
    y = X[:, 0] + np.abs(X[:, 1]) + rng.normal(size=n_rows) > 0.5
    started = time.process_time()
    StackedClassifier(learners="fast", cv=3, random_state=0).fit(X, y)
    return {"cpu_s": time.process_time() - started, "X_MB": X.nbytes / 1e6}


def numbers(n_rows=1_000_000):
    found = alone(__file__, "--numbers", n_rows)
    row = {"rows": n_rows, "X_MB": found["X_MB"], "cpu_s": found["cpu_s"], "peak_MB": found["peak_bytes"] / 1e6}
    report("size_numbers", [row])
    raise SystemExit(found["peak_bytes"] > 0.5e9 + 2000 * n_rows)


def main(n_rows=100_000, memory="8GB"):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), n_rows)
        found = {where: alone(__file__, "--role", folder, where, memory) for where in ("memory", "disk")}
    rows = [{"rows": n_rows, "where": where, "cpu_s": r["cpu_s"], "peak_MB": r["peak_bytes"] / 1e6, "views": r["views"]}
            for where, r in found.items()]  # fmt: skip
    speed = found["memory"]["cpu_s"] / found["disk"]["cpu_s"]
    same = found["memory"]["mark"] == found["disk"]["mark"]
    report("size", rows, speed=speed, same=same)
    print(f"speed on disk against in memory {speed:.2f}; the same to the bit: {same}")
    lost = not same or speed < 0.8 or found["disk"]["peak_bytes"] > found["memory"]["peak_bytes"]
    raise SystemExit(lost)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--role"]:
        print(json.dumps(fit(Path(sys.argv[2]), *sys.argv[3:])))
    elif sys.argv[1:2] == ["--numbers"]:
        print(json.dumps(fit_numbers(int(sys.argv[2]))))
    elif sys.argv[1:2] == ["--bits"]:
        where, chunk_rows, workers = sys.argv[3:]
        print(json.dumps(fit(Path(sys.argv[2]), where, "8GB", few_learners(), int(chunk_rows), workers)))
    elif sys.argv[1:2] == ["--kept"]:
        print(json.dumps(fit_kept(*sys.argv[2:])))
    elif sys.argv[1:2] == ["--limit"]:
        print(json.dumps(fit_within(*sys.argv[2:])))
    elif sys.argv[1:2] == ["--large"]:
        folder, memory, rounds, workdir = sys.argv[2:]
        print(json.dumps(fit_large(Path(folder), memory, int(rounds), workdir)))
    elif sys.argv[1:2] == ["large"]:
        large(*sys.argv[2:])
    elif sys.argv[1:2] == ["kills"]:
        kills(*map(int, sys.argv[2:]))
    elif sys.argv[1:2] == ["limit"]:
        limit(*map(int, sys.argv[2:3]), *sys.argv[3:])
    elif sys.argv[1:2] == ["slope"]:
        slope(*map(int, sys.argv[2:]))
    elif sys.argv[1:2] == ["bits"]:
        bits(*map(int, sys.argv[2:3]), *sys.argv[3:])
    elif sys.argv[1:2] == ["numbers"]:
        numbers(*map(int, sys.argv[2:3]))
    else:
        main(*(int(sys.argv[1]),) if sys.argv[1:] else (), *sys.argv[2:3])
