"""Does the feature cache pay in a grid search?

Twelve penalties of a linear learner, text and pictures, three outer folds: `GridSearchCV` over a
`StackedClassifier` with and without `cache=`. The question is lost when it is less than 8 times faster with a new
cache, or when one of the scores differs.

    python benchmarks/bench_grid_search.py [n_rows]
"""

import json
import sys
import tempfile

import numpy as np
from _measure import Clock, alone, report
from bench_extraction import load
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV

from ensemble_mm import StackedClassifier

GRID = {"linear__alpha": np.logspace(-1, 3, 12)}


def search(cached, n_rows):
    X, Y, views = load()
    X, y = X[:n_rows], Y.iloc[:n_rows, 0]
    with tempfile.TemporaryDirectory() as folder:
        model = StackedClassifier(
            views[:2],
            [("linear", RidgeClassifier())],
            cv=5,
            random_state=0,
            cache=folder if cached == "with" else None,
        )
        with Clock() as clock:
            found = GridSearchCV(model, GRID, cv=3, n_jobs=2).fit(X, y)
    return {"seconds": clock.seconds, "scores": found.cv_results_["mean_test_score"].tolist()}


def main(n_rows=600):
    without, cached = (alone(__file__, "--role", role, n_rows) for role in ("without", "with"))
    row = {
        "without_s": without["seconds"],
        "with_s": cached["seconds"],
        "ratio": without["seconds"] / cached["seconds"],
        "score_difference": float(np.abs(np.subtract(without["scores"], cached["scores"])).max()),
    }
    report("grid_search", [row], n_rows=n_rows, candidates=12)


if __name__ == "__main__":
    if "--role" in sys.argv:
        print(json.dumps(search(sys.argv[-2], int(sys.argv[-1]))))
    else:
        main(*map(int, sys.argv[1:]))
