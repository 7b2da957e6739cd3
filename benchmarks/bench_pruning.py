"""What does `prune="auto"` save at predict, and what does it cost in score?

"balanced" with and without pruning on the same folds and the same table; half of the rows are held out. Seconds are
CPU seconds of predict, the two models in turn, the least of some rounds. The question is lost where predict is less
than twice as fast, or where the score (accuracy or R2, mean over splits) falls by 0.002 or more.

    python benchmarks/bench_pruning.py [splits]

Sets are scikit-learn's: breast_cancer, digits (600 rows), diabetes, and numbers made by `make_friedman1`.
"""

import json
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_friedman1
from sklearn.model_selection import train_test_split

from ensemble_mm import StackedClassifier, StackedRegressor

RESULTS = Path(__file__).parent / "results" / "pruning.json"
ROUNDS = 5


def sets():
    """Yield (name, estimator, X, y)."""
    yield "breast_cancer", StackedClassifier, *load_breast_cancer(return_X_y=True)
    yield "diabetes", StackedRegressor, *load_diabetes(return_X_y=True)
    yield "friedman1", StackedRegressor, *make_friedman1(600, random_state=0)
    X, y = load_digits(return_X_y=True)
    yield "digits", StackedClassifier, X[:600], y[:600]


def main(n_splits=2):
    """Run all sets, print a table and write it."""
    result = {}
    for name, cls, X, y in sets():
        rows = []
        for seed in range(n_splits):
            train, test = train_test_split(np.arange(len(y)), test_size=0.5, random_state=seed)
            with tempfile.TemporaryDirectory() as kept, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                models = {}
                for prune in (None, "auto"):
                    model = cls(learners="balanced", prune=prune, checkpoint=kept, random_state=0)
                    models[prune] = model.fit(X[train], y[train])
            spent = {prune: [] for prune in models}
            for _ in range(ROUNDS):
                for prune, model in models.items():
                    started = time.process_time()
                    model.predict(X[test])
                    spent[prune].append(time.process_time() - started)
            scores = {prune: model.score(X[test], y[test]) for prune, model in models.items()}
            used = [int((m.contributions_.to_numpy() > 0).sum()) for m in models.values()]
            rows.append((min(spent[None]) / min(spent["auto"]), scores[None] - scores["auto"], *used,
                         len(models[None].contributions_)))  # fmt: skip
        ratio, loss, before, after, members = np.mean(rows, axis=0)
        result[name] = {"predict_ratio": ratio, "score_lost": loss, "splits": n_splits}
        print(f"{name:14} predict {ratio:4.1f} x as fast (bar 2), score lost {loss:+.4f} (bar 0.002), "
              f"weights above 0: {before:.1f} -> {after:.1f} of {members:.0f} members")  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1))
    return result


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
