"""Do processes that share folders and a database lose anything, or change each other's answers?

Eight processes fit at once on one cache folder and one checkpoint folder, three times each: the same fit, which all of
them want to write, and fits of seeds of their own; the cache is small, so that some remove what others want to read.
Each records its models in one SQLite database, and loads them again. Then the eight write the same key of a cache
over and over and read it. The question is lost when a process fails, when a fit differs from that of a process alone,
when a run, a version or a model is missing or another's, or when something half written is read or stays behind.

    python benchmarks/reliability/bench_shared.py [n_processes]
"""

import hashlib
import json
import multiprocessing
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ensemble_mm import StackedClassifier, TaskDatabase
from ensemble_mm.store import FeatureCache, content_key

RESULTS = Path(__file__).parent.parent / "results"
FORK = multiprocessing.get_context("fork")
ROUNDS, WRITES = 3, 100


def data():
    X = np.random.default_rng(0).normal(size=(300, 8))
    return {"plain": X[:, :4], "scaled": X[:, 4:]}, np.where(X[:, 0] + X[:, 5] > 0, "up", "down")


def fitted(seed, folder=None):
    """Return a fit, and a digest of all it says."""
    X, y = data()
    views = [("plain", FunctionTransformer(np.tanh), "plain"), ("scaled", StandardScaler(), "scaled")]
    learners = [("linear", LogisticRegression()), ("trees", ExtraTreesClassifier(10))]
    model = StackedClassifier(views, learners, cv=3, random_state=seed)
    if folder is not None:
        model.set_params(checkpoint=folder / "jobs", cache=FeatureCache(folder / "cache", max_bytes=100_000))
    model.fit(X, y)
    model.set_params(cache=None)
    return model, digest(model, X)


def digest(model, X):
    return hashlib.sha256(model.table_.to_frame().to_numpy().tobytes() + model.predict_proba(X).tobytes()).hexdigest()


def work(folder, number, begin, results):
    """Fit, record and load; tell what came out."""
    warnings.simplefilter("ignore")
    X, _ = data()
    seen, runs, wrong, partial = [], [], 0, []
    sys.addaudithook(
        lambda event, args: (
            partial.append(args[0])
            if event == "open" and str(args[0]).endswith(".part") and "r" in str(args[1])
            else None
        )
    )
    begin.wait()
    for turn in range(ROUNDS):
        for seed in (turn, 1000 * (number + 1) + turn):
            model, found = fitted(seed, folder)
            seen.append((seed, found))
        db = TaskDatabase(f"sqlite:///{folder}/runs.db")
        run = db.log(model, name="shared", tags={"digest": found})
        runs.append((run, found))
        version = int(db.runs("shared").loc[run, "version"])
        wrong += digest(db.load("shared", version), X) != found
    cache = FeatureCache(folder / "contested")
    for _ in range(WRITES):
        cache.put(content_key("contested"), np.full((200, 20), number))
        block = cache.get(content_key("contested"))
        wrong += block is None or len(np.unique(block)) != 1 or block.shape != (200, 20)
    results.put((number, seen, runs, wrong, len(partial)))


def main(n_processes=8):
    """Run them all, print the figures and write benchmarks/results/shared.json."""
    import mlflow.tracking  # noqa: F401  (once, before the forks: it takes seconds)

    started = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        folder, begin, results = Path(name), FORK.Event(), FORK.Queue()
        processes = [FORK.Process(target=work, args=(folder, i, begin, results)) for i in range(n_processes)]
        for process in processes:
            process.start()
        begin.set()
        found = []
        while len(found) < n_processes and (any(p.is_alive() for p in processes) or not results.empty()):
            try:
                found.append(results.get(timeout=5))
            except Exception:  # empty so far
                continue
        for process in processes:
            process.join()
        seeds = {seed for _, seen, *_ in found for seed, _ in seen}
        alone = {seed: fitted(seed)[1] for seed in seeds}
        db = TaskDatabase(f"sqlite:///{folder}/runs.db")
        listed = db.runs("shared")
        wanted = [run for _, _, runs, *_ in found for run, _ in runs]
        row = {
            "processes": n_processes,
            "that failed": n_processes - len(found),
            "fits": sum(len(seen) for _, seen, *_ in found),
            "fits equal to those alone": sum(got == alone[seed] for _, seen, *_ in found for seed, got in seen),
            "runs recorded": n_processes * ROUNDS,
            "runs found": len(set(wanted) & set(listed.index)),
            "versions": listed["version"].nunique(),
            "wrong or missing reads": sum(wrong for *_, wrong, _ in found),
            "half-written files read": sum(partial for *_, partial in found),
            "half-written files left": len(list(folder.rglob("*.part"))),
            "cpu_seconds": round(time.process_time() - started, 1),
        }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "shared.json").write_text(json.dumps(row, indent=1))
    print(row)
    nothing = ("that failed", "wrong or missing reads", "half-written files read", "half-written files left")
    return (
        not any(row[name] for name in nothing)
        and row["fits"] == row["fits equal to those alone"]
        and row["runs recorded"] == row["runs found"] == row["versions"]
    )


if __name__ == "__main__":
    sys.exit(not main(*map(int, sys.argv[1:])))
