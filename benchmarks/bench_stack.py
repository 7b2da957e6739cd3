"""How much faster are a fit and a prediction than scikit-learn's own stack, in a minute?

A text, a picture and facts of 300 rows, three tasks of two classes, three learners, five folds, one job. The peer is a
`StackingClassifier` over `make_pipeline(ColumnTransformer, learner)` per task, with the same extractors, learners and
folds. "light" learners are linear, "mixed" ones are LightGBM, extra trees and a linear model. Both sides run in turn;
medians of CPU seconds count. The question is lost where a ratio is below 1. `bench_extraction.py` asks it of posters,
in several processes, and compares tables and memory.

    python benchmarks/bench_stack.py [n_repeats]
"""

import os
import sys
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from _measure import report  # noqa: E402
from bench_extraction import LEARNERS  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.ensemble import StackingClassifier  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import StratifiedKFold  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

from ensemble_mm import ImageExtractor, MultiOutputStack, TabularExtractor, TextExtractor, make_multimodal  # noqa: E402

VIEWS = [
    ("text", TextExtractor(), "review"),
    ("picture", ImageExtractor(), "photo"),
    ("facts", TabularExtractor(), ["age", "price", "shop"]),
]


def ours(X, Y, learners, folds):
    """Return what fits, and what predicts."""
    model = MultiOutputStack(VIEWS, learners, cv=folds, strategy="independent", random_state=0)
    return lambda: model.fit(X, Y), lambda: model.predict(X)


def peer(X, Y, learners, folds):
    """Return the same of scikit-learn: one stack per task."""
    pairs = [
        (f"{name} {view}", make_pipeline(ColumnTransformer([(view, extractor, columns)]), learner))
        for name, learner in learners
        for view, extractor, columns in VIEWS
    ]
    models = {task: StackingClassifier(pairs, LogisticRegression(), cv=folds) for task in Y}
    return lambda: [m.fit(X, Y[t]) for t, m in models.items()], lambda: [m.predict(X) for m in models.values()]


def main(n_repeats=3):
    X, Y = make_multimodal(n_samples=300, image_size=64, random_state=0)
    Y = pd.DataFrame({"mood": Y["mood"], "level": Y["level"] > 0, "kind": Y["kind"] == "high"})
    folds, rows = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, Y["mood"])), []
    for name, learners in zip(("light", "mixed"), LEARNERS.values(), strict=True):
        spent = {}
        for _ in range(n_repeats):
            for side in (ours, peer):
                for what, call in zip(("fit", "predict"), side(X, Y, learners, folds), strict=True):
                    started = time.process_time()
                    call()
                    spent.setdefault(f"{what} {side.__name__}", []).append(time.process_time() - started)
        medians = {what: float(np.median(seconds)) for what, seconds in spent.items()}
        ratios = {f"{what} ratio": medians[f"{what} peer"] / medians[f"{what} ours"] for what in ("fit", "predict")}
        rows.append({"learners": name} | medians | ratios)
    report("stack", rows, n_repeats=n_repeats)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*map(int, sys.argv[1:]))
