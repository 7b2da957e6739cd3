"""Is a fit with shared extraction faster than scikit-learn's own composition, at the same table?

Three views (text, picture, facts), three tasks, three linear learners, five folds. The peer is a `StackingClassifier`
over `make_pipeline(ColumnTransformer, learner)`, one a task, with the same extractors, folds and learners. The question
is lost when the ratio falls below 1, or when the two tables differ by more than 1e-6.

    python benchmarks/bench_extraction.py [n_samples]
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from ensemble_mm import (
    ImageExtractor,
    MultiOutputStack,
    TabularExtractor,
    TextExtractor,
    make_multimodal,
)

N_JOBS = 2
VIEWS = [
    ("review", TextExtractor(), "review"),
    ("photo", ImageExtractor(), "photo"),
    ("facts", TabularExtractor(), ["age", "price", "shop"]),
]
LEARNERS = [(f"linear{c}", LogisticRegression(C=c, max_iter=300)) for c in (0.01, 0.1, 1.0)]


def main(n_samples=400):
    """Run both, print a table and write benchmarks/results/extraction.json."""
    X, Y = make_multimodal(n_samples=n_samples, image_size=64, random_state=0)
    Y["level"] = np.where(Y["level"] > 0, "up", "down")
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, Y["mood"]))

    started = time.perf_counter()
    model = MultiOutputStack(VIEWS, LEARNERS, cv=folds, strategy="independent", n_jobs=N_JOBS, random_state=0)
    model.fit(X, Y)
    ours = time.perf_counter() - started
    started = time.perf_counter()
    model.predict(X)
    ours_predict = time.perf_counter() - started

    peers = []
    started = time.perf_counter()
    for name in Y:
        pairs = [
            (f"{learner}-{view}", make_pipeline(ColumnTransformer([(view, extractor, columns)]), estimator))
            for learner, estimator in LEARNERS
            for view, extractor, columns in VIEWS
        ]
        peer = StackingClassifier(pairs, LogisticRegression(), cv=folds, n_jobs=N_JOBS)
        peers.append(peer.fit(X, Y[name]))
    theirs = time.perf_counter() - started
    started = time.perf_counter()
    for peer in peers:
        peer.predict(X)
    theirs_predict = time.perf_counter() - started

    # scikit-learn throws its table away: its cells are computed once more, outside of the clock, for the first task.
    worst = max(
        np.abs(cross_val_predict(pipe, X, Y["mood"], cv=folds, method="predict_proba")[:, 1] - _cell(model, name)).max()
        for name, pipe in peers[0].estimators
    )
    result = {
        "n_samples": n_samples,
        "n_jobs": N_JOBS,
        "fit": {"scikit_learn_s": theirs, "ensemble_mm_s": ours},
        "predict": {"scikit_learn_s": theirs_predict, "ensemble_mm_s": ours_predict},
        "largest_difference_of_the_tables": float(worst),
        "n_extractions": model.n_extractions_,
    }
    for part in ("fit", "predict"):
        result[part]["ratio"] = result[part]["scikit_learn_s"] / result[part]["ensemble_mm_s"]
    for part in ("fit", "predict"):
        row = result[part]
        print(f"{part:8} scikit-learn {row['scikit_learn_s']:7.1f} s   ensemble_mm {row['ensemble_mm_s']:6.1f} s   "
              f"{row['ratio']:5.1f} x")  # fmt: skip
    print(f"largest difference of the tables {worst:.1e}, {model.n_extractions_} extractions")
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "extraction.json").write_text(json.dumps(result, indent=1))
    return result


def _cell(model, name):
    """Return our column of the first task for a peer's name."""
    learner, _, view = name.partition("-")
    return model.table_.block("mood", {(learner, view)})[:, 0]


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
