"""What do data on disk cost against data in memory, and is the model the same?

Rows of 20 numbers, 2 categories, a text of 8 words and a vector of 64 numbers; two tasks, "fast", three folds, one job.
The question is lost when a prediction of the two differs in a bit, when data on disk take more memory than those in
memory, or when the speed on disk is below 0.8 of that in memory (seconds of work, CPU).

    python benchmarks/bench_size.py [rows] [memory]

With "numbers" it asks what rows of 40 numbers in memory take without a limit: at most 2.5 GB for a million.

    python benchmarks/bench_size.py numbers [rows]
"""

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _measure import alone, report

from ensemble_mm import ChunkedData, MultiOutputStack, StackedClassifier

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


def fit(folder, where, memory):
    names = ["size", "large"]
    Y = pd.read_parquet(folder, columns=names)
    inputs = [name for name in ChunkedData(folder).columns if name not in names]
    started = time.process_time()
    if where == "disk":
        X, settings = ChunkedData(folder, inputs), {"memory": memory}
    else:
        X, settings = pd.read_parquet(folder, columns=inputs), {}
    model = MultiOutputStack(learners="fast", cv=3, strategy="independent", random_state=0, **settings)
    model.fit(X, Y)
    spent = time.process_time() - started
    found = model.predict(make(500, 10**6)[0])
    table = model.table_.to_frame().to_numpy()
    mark = hashlib.md5(found["size"].to_numpy().tobytes() + table.tobytes()).hexdigest()
    return {"cpu_s": spent, "mark": mark, "views": len(model.views_)}


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
    elif sys.argv[1:2] == ["numbers"]:
        numbers(*map(int, sys.argv[2:3]))
    else:
        main(*(int(sys.argv[1]),) if sys.argv[1:] else (), *sys.argv[2:3])
