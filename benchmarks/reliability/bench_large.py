"""What does it take to fit what is large, and is anything left behind?

Each case is fitted with two workers and predicts, in a process of its own. Its peak memory (all processes, shared pages
once) is shown beside the bytes that cannot be spared: X, and the table of out-of-fold predictions. Where scikit-learn
can do the same work, with the same pipelines, learners and folds, it runs too. The question is lost when a case fails,
when it takes more memory than scikit-learn, when 64 tasks take over 1.2 times the memory of eight, or when a process,
an open file or a temporary file is there after the fit and the end of its workers that was not there before.

    python benchmarks/reliability/bench_large.py [case ...]
"""

import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from lightgbm import LGBMRegressor
from PIL import Image
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import ensemble_mm as em
from ensemble_mm.features import TabularExtractor, TextExtractor, VectorExtractor

sys.path.insert(0, str(Path(__file__).parent.parent))
from _measure import alone, report  # noqa: E402

CV = KFold(3, shuffle=True, random_state=0)
WORDS = np.array([f"word{i}" for i in range(3_000)])


def sentences(rng, n, length):
    return [" ".join(row) for row in WORDS[rng.integers(0, len(WORDS), (n, length))]]


def rows(rng):
    """100,000 rows x three views: a vector, a table and a short text."""
    n = 100_000
    X = pd.DataFrame(rng.normal(size=(n, 20)).astype(np.float32), columns=[f"v{i}" for i in range(20)])
    X["age"], X["shop"] = rng.integers(18, 90, n), rng.choice(["north", "south", "west"], n)
    X["note"] = sentences(rng, n, 8)
    y = X["v0"] + X["age"] / 20 + (X["shop"] == "west") + rng.normal(size=n)
    views = [
        ("vector", VectorExtractor(), [f"v{i}" for i in range(20)]),
        ("facts", TabularExtractor(), ["age", "shop"]),
        ("note", TextExtractor(), "note"),
    ]
    learners = [("ridge", Ridge()), ("gbm", LGBMRegressor(n_estimators=20, verbose=-1), ["vector", "facts"])]
    return X, y.to_numpy(), em.StackedRegressor(views, learners, cv=CV, random_state=0)


def rows_peer(rng):
    """The same by scikit-learn: a pipeline for every learner and what it reads."""
    X, y, model = rows(rng)
    pipes = [
        (f"{name} {view}", make_pipeline(ColumnTransformer([(view, extractor, columns)]), learner))
        for view, extractor, columns in model.views
        for name, learner in model.learners[:1]
    ]
    wide = ColumnTransformer([(view, extractor, columns) for view, extractor, columns in model.views[:2]])
    pipes.append(("gbm", make_pipeline(wide, model.learners[1][1])))
    return X, y, StackingRegressor(pipes, Ridge(), cv=CV, n_jobs=2)


def columns(rng):
    """A view of 1,000 columns, numbers and categories."""
    X = pd.DataFrame(rng.normal(size=(5_000, 900)), columns=[f"c{i}" for i in range(900)])
    X = pd.concat([X, pd.DataFrame(rng.choice(list("abcd"), (5_000, 100))).add_prefix("k")], axis=1)
    y = X["c0"].to_numpy() + rng.normal(size=len(X))
    learners = [("ridge", Ridge()), ("gbm", LGBMRegressor(n_estimators=20, verbose=-1))]
    return X, y, em.StackedRegressor([("facts", TabularExtractor(), list(X))], learners, cv=CV, random_state=0)


def columns_peer(rng):
    """The same by scikit-learn."""
    X, y, model = columns(rng)
    pipes = [(name, make_pipeline(model.views[0][1], learner)) for name, learner in model.learners]
    return X, y, StackingRegressor(pipes, Ridge(), cv=CV, n_jobs=2)


def members(rng):
    """1,000 columns in the table: 100 learners on ten views."""
    X = {f"view{i}": rng.normal(size=(2_000, 5)) for i in range(10)}
    y = X["view0"][:, 0] + X["view3"][:, 1] + rng.normal(size=2_000)
    learners = [(f"ridge{i}", Ridge(1.1**i)) for i in range(100)]
    return X, y, em.StackedRegressor("auto", learners, cv=CV, random_state=0)


def tasks(rng, n=64):
    """64 tasks of two kinds, each of which may read the estimates of the others."""
    X = rng.normal(size=(3_000, 40))
    scores = X @ rng.normal(size=(40, n)) + 3 * rng.normal(size=(3_000, n))
    Y = pd.DataFrame({f"t{i}": scores[:, i] if i % 2 else scores[:, i] > 0 for i in range(n)})
    learners = {"regression": [("ridge", Ridge())], "classification": [("linear", LogisticRegression(max_iter=50))]}
    return X, Y, em.MultiOutputStack("auto", learners, cv=CV, random_state=0)


def tasks_8(rng):
    """Eight of these tasks."""
    return tasks(rng, 8)


def classes(rng):
    """5,000 classes, three rows of each: a table of 0.6 GB per member."""
    centres = rng.normal(size=(5_000, 30)).astype(np.float32)
    y = np.tile(np.arange(5_000), 3)
    X = centres[y] + 0.2 * rng.normal(size=(15_000, 30)).astype(np.float32)
    learners = [("near", KNeighborsClassifier(2)), ("bayes", GaussianNB(var_smoothing=1e-2))]
    return X, y, em.StackedClassifier("auto", learners, cv=3, random_state=0)


def texts(rng):
    """A column of one-megabyte texts."""
    X = pd.DataFrame({"book": sentences(rng, 60, 115_000)})
    y = np.arange(60) % 2
    X["book"] = [("war " if label else "sea ") * 3_000 + text for label, text in zip(y, X["book"], strict=True)]
    learners = [("linear", SGDClassifier(loss="log_loss"))]
    return X, y, em.StackedClassifier([("book", TextExtractor(), "book")], learners, cv=3, random_state=0)


def pictures(rng):
    """Paths of 20,000 pictures of 256 x 256 pixels: 3.9 GB when decoded."""
    folder = Path(tempfile.mkdtemp())
    for i in range(100):
        pixels = rng.integers(0, 256, size=(32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((256, 256)).save(folder / f"{i}.jpg")
    X = pd.DataFrame({"photo": [str(folder / f"{i % 100}.jpg") for i in range(20_000)]})
    learners = [("linear", SGDClassifier(loss="log_loss"))]
    return X, np.arange(20_000) % 2, em.StackedClassifier([("photo", "auto", "photo")], learners, cv=CV, random_state=0)


ALL = (rows, rows_peer, columns, columns_peer, members, tasks, tasks_8, classes, texts, pictures)
CASES = {case.__name__: case for case in ALL}
PEERS = {"rows": "rows_peer", "columns": "columns_peer", "tasks": "tasks_8"}
BARS = {"tasks": 1.2}  # of the memory of the peer; others 1


def left():
    """Return what a process holds: open files, children, and temporary files of its own."""
    gc.collect()
    files = {os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.exists()}
    folders = [tempfile.gettempdir(), "/dev/shm"]
    # Others write there too: what is ours carries our name or our number.
    mine = [path for folder in folders for path in Path(folder).glob(f"*{os.getpid()}*")]
    temporary = {str(path) for folder in mine for path in [folder, *folder.rglob("*")] if path.is_file()}
    children = set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    return files, temporary, children


def run(name):
    """Fit a case and predict; print what it took."""
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch  # whatever is written here is ours
        X, y, model = CASES[name](np.random.default_rng(0))
        if not name.endswith("_peer"):
            model.set_params(n_jobs=2)
        Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))
        get_reusable_executor().shutdown(wait=True)  # what watches over workers is started once, and stays
        before, n_scratch = left(), len(os.listdir(scratch))
        started = time.process_time()
        model.fit(X, y)
        model.predict(X)
        seconds = time.process_time() - started
        get_reusable_executor().shutdown(wait=True)
        time.sleep(2)
        found = [len(after - then) for after, then in zip(left(), before, strict=True)]
        found[1] += len(os.listdir(scratch)) - n_scratch
    size = sum(x.memory_usage(deep=True).sum() if hasattr(x, "columns") else x.nbytes
               for x in (X.values() if isinstance(X, dict) else [X]))  # fmt: skip
    table = model.table_.to_frame().to_numpy().nbytes if hasattr(model, "table_") else 0
    sizes = {"X_MB": size / 1e6, "table_MB": table / 1e6}
    print(json.dumps({"cpu_seconds": seconds, **sizes, "left": found, "pid": os.getpid()}))


def main(names):
    """Run the cases, print the table and write benchmarks/results/large.json."""
    found, lines, good = {}, [], True
    for name in names:
        try:
            found[name] = alone(__file__, "--run", name)
            # joblib's folders, empty by now, go with the process
            found[name]["left"][1] += len(list(Path("/dev/shm").glob(f"*_{found[name]['pid']}_*")))
        except SystemExit as error:
            found[name] = {"failed": str(error)}
        print(name, found[name], flush=True)
    for name in names:
        here, peer = found[name], found.get(PEERS.get(name))
        line = {"case": name, "MB": here.get("peak_bytes", 0) / 1e6, "X_MB": here.get("X_MB", ""),
                "table_MB": here.get("table_MB", ""), "CPU s of main": here.get("cpu_seconds", "failed")}  # fmt: skip
        line["of peer"] = here["peak_bytes"] / peer["peak_bytes"] if peer and "failed" not in (*here, *peer) else ""
        files, temporary, children = here.get("left", ["", "", ""])
        line |= {"files left": files, "temporary files left": temporary, "processes left": children}
        lines.append(line)
        if name.endswith("_peer"):
            continue
        good = good and "failed" not in here and not any(here["left"])
        good = good and (line["of peer"] == "" or line["of peer"] <= BARS.get(name, 1.0))
    report("large", lines)
    return good


if __name__ == "__main__":
    if "--run" in sys.argv:
        run(sys.argv[-1])
    else:
        sys.exit(not main(sys.argv[1:] or list(CASES)))
