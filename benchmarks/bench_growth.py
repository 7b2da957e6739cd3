"""How do time and memory grow with rows, learners and tasks?

Text and numbers, linear learners, three folds, one job. The question is lost when the log-log slope of the seconds in
the rows is above 1.1, when the seconds of extraction grow with learners or tasks (to 32), or when the peak memory of
eight learners or eight tasks is more than 1.2 times that of one.

    python benchmarks/bench_growth.py [most_rows]
"""

import json
import sys
import time

import numpy as np
import pandas as pd
from _measure import alone, report
from sklearn.linear_model import SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from ensemble_mm import MultiOutputStack, TabularExtractor, TextExtractor

WORDS = np.array([f"word{i}" for i in range(3000)])


def make(n_rows, n_tasks):
    rng = np.random.default_rng(0)
    picks = (rng.pareto(1.0, size=(n_rows, 12)) * 20).astype(int) % len(WORDS)
    numbers = rng.normal(size=(n_rows, 10))
    X = pd.DataFrame(numbers, columns=[f"n{i}" for i in range(10)])
    X["text"] = [" ".join(WORDS[row]) for row in picks]
    Y = pd.DataFrame(
        {f"task{t}": numbers[:, t % 10] + picks[:, 0] % 5 + rng.normal(size=n_rows) for t in range(n_tasks)}
    )
    return X, Y


def fit(n_rows, n_learners, n_tasks):
    X, Y = make(n_rows, n_tasks)
    learners = [
        (f"sgd{i}", make_pipeline(MaxAbsScaler(), SGDRegressor(alpha=10.0**-i / 100, max_iter=5, tol=None)))
        for i in range(n_learners)
    ]
    views = [("text", TextExtractor(ngram_range=(1, 1)), "text"), ("numbers", TabularExtractor(), list(X.columns[:10]))]
    started = time.process_time()
    model = MultiOutputStack(views, learners, meta_learner="mean", strategy="independent", cv=3, random_state=0)
    model.fit(X, Y)
    spent = time.process_time() - started
    return {"cpu_s": spent, "extraction_s": model.fit_report_.loc["extract", "job_seconds"],
            "extractions": model.n_extractions_}  # fmt: skip


def main(most_rows=100_000):
    sizes = [n for n in (1000, 3000, 10_000, 30_000, 100_000) if n <= most_rows]
    cases = [(n, 2, 1) for n in sizes] + [(10_000, k, 1) for k in (1, 8)] + [(10_000, 1, k) for k in (8, 32)]
    rows = []
    for case in cases:
        found = alone(__file__, "--role", *case)
        rows.append(dict(zip(("rows", "learners", "tasks"), case, strict=True)) | {
            "cpu_s": found["cpu_s"], "extraction_s": found["extraction_s"], "extractions": found["extractions"],
            "MB": found["peak_bytes"] / 1e6})  # fmt: skip
    by = {(row["rows"], row["learners"], row["tasks"]): row for row in rows}
    large = [row for row in rows[: len(sizes)] if row["rows"] >= 3000]
    slope = np.polyfit(np.log([r["rows"] for r in large]), np.log([r["cpu_s"] for r in large]), 1)[0]
    one = by[10_000, 1, 1]
    facts = {"slope_in_rows": float(slope)}
    for name, case in (("8_learners", (8, 1)), ("8_tasks", (1, 8)), ("32_tasks", (1, 32))):
        many = by[10_000, *case]
        facts[f"extraction_of_{name}"] = many["extraction_s"] / one["extraction_s"]
        facts[f"memory_of_{name}"] = many["MB"] / one["MB"]
    report("growth", rows, **facts)
    print({name: round(value, 2) for name, value in facts.items()})


if __name__ == "__main__":
    if "--role" in sys.argv:
        print(json.dumps(fit(*map(int, sys.argv[-3:]))))
    else:
        main(*map(int, sys.argv[1:]))
