"""Is what a model says of itself what new rows say, on noise and on a signal?

120 rows in three views, five folds; every figure beside the same model on 2,000 new rows, mean over the seeds and
standard error. On noise a figure above that of new rows flatters: it was chosen or fitted on rows that it was scored
on. On a signal a figure far below that of new rows is shrunk; a little below it is what training on four of five folds
costs. The score is the area under the ROC curve, but for thresholds, which have the balanced accuracy: chance is .5.

    python benchmarks/bench_honest.py [SEEDS] [noise | signal]
"""

import os
import sys
import tempfile
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from _measure import report
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from ensemble_mm import StackedClassifier, TunedLearner, compare_strategies
from ensemble_mm.meta import decision_threshold

N_ROWS, N_NEW = 120, 2_000
TREES = [DecisionTreeClassifier(max_depth=3, max_features=1, random_state=seed) for seed in range(3)]
LEARNERS = [*((f"tree{i}", tree) for i, tree in enumerate(TREES)), ("linear", LogisticRegression())]
SETTINGS = {
    "meta_learner='auto'": {},
    "meta_learner='mean'": {"meta_learner": "mean"},
    "meta_learner='greedy'": {"meta_learner": "greedy"},
    "meta_learner='linear'": {"meta_learner": "linear"},
    "greedy, temperature": {"meta_learner": "greedy", "calibration": "temperature"},
    "greedy, isotonic": {"meta_learner": "greedy", "calibration": "isotonic"},
    "greedy, prune='auto'": {"meta_learner": "greedy", "prune": "auto"},
    "greedy, prune=1": {"meta_learner": "greedy", "prune": 1},
    "greedy, prune=3, isotonic": {"meta_learner": "greedy", "prune": 3, "calibration": "isotonic"},
    "greedy, cv=3": {"meta_learner": "greedy", "cv": 3},
    "greedy, cv=2": {"meta_learner": "greedy", "cv": 2},
    "greedy, a lone fold": {"meta_learner": "greedy", "cv": [(np.arange(60), np.arange(60, 120))]},
}
GRID = {"max_depth": [1, 2, 3, None], "min_samples_leaf": [1, 3, 10], "max_features": [1, 2, None]}


def draw(seed, signal):
    """Return views and labels of rows of a fit and of new ones; two of three views tell a little, where they do."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, N_ROWS + N_NEW)
    X = rng.normal(size=(len(y), 6))
    X[:, [0, 2]] += signal * (y - 0.5)[:, np.newaxis]
    views = pd.DataFrame(X[:, :2]), pd.DataFrame(X[:, 2:4]), pd.DataFrame(X[:, 4:])
    parts = [
        dict(zip("abc", (view[rows] for view in views), strict=True)) for rows in (slice(N_ROWS), slice(N_ROWS, None))
    ]
    return *parts, y[:N_ROWS], y[N_ROWS:], X


def judged(y, proba):
    rows = np.isfinite(proba[:, 1])
    return roc_auc_score(y[rows], proba[rows, 1]), log_loss(y[rows], proba[rows], labels=[0, 1])


def figures(seed, signal):
    """Yield (what is said by whom, what it says, what new rows say): pairs of a score and a log loss."""
    views, new, y, y_new, X = draw(seed, signal)
    with tempfile.TemporaryDirectory() as kept:  # the members of most settings are the same
        for name, settings in SETTINGS.items():
            settings = {"cv": 5} | settings
            model = StackedClassifier(learners=LEARNERS, random_state=seed, checkpoint=kept, **settings)
            proba = model.fit(views, y).predict_proba(new)
            oof = model.oof_["y"] if isinstance(model.oof_, dict) else model.oof_
            yield name, judged(y, oof), judged(y_new, proba)
            if name == "meta_learner='greedy'":
                chosen = [decision_threshold(oof[train], y[train]) for train, _ in model.folds_]
                decided = np.zeros(len(y))
                for threshold, (_, test) in zip(chosen, model.folds_, strict=True):
                    decided[test] = oof[test, 1] >= threshold
                threshold = decision_threshold(oof, y)
                fresh = balanced_accuracy_score(y_new, proba[:, 1] >= threshold)
                yield "threshold, chosen on other folds", (balanced_accuracy_score(y, decided), np.nan), (fresh, np.nan)
    tuned = TunedLearner(TREES[0], GRID, search="grid", scoring="roc_auc", random_state=seed).fit(X[:N_ROWS], y)
    fresh = roc_auc_score(y_new, tuned.predict_proba(X[N_ROWS:])[:, 1])
    yield "TunedLearner: best_score_", (tuned.best_score_, np.nan), (fresh, np.nan)
    rng = np.random.default_rng(10_000 + seed)  # another task: four in ten labels as those of the first, or noise
    copy = np.where(rng.random(N_ROWS) < (0.4 if signal else 0), y, rng.integers(0, 2, N_ROWS))
    few = {"learners": LEARNERS[2:], "meta_learner": "greedy", "scoring": "roc_auc", "random_state": seed}
    for strategy, row in compare_strategies(views, pd.DataFrame({"y": y, "copy": copy}), **few).loc["y"].iterrows():
        yield f"compare_strategies: {strategy}", (row["score"], row["loss"]), (np.nan, np.nan)


def one(seed, signal):
    warnings.simplefilter("ignore")
    return list(figures(seed, signal))


def table(seeds, signal):
    found = [one(seed, signal) for seed in seeds]
    for entries in zip(*found, strict=True):
        told, fresh = (np.array([entry[i] for entry in entries]) for i in (1, 2))
        error = told.std(axis=0, ddof=1) / len(told) ** 0.5
        yield {
            "what": entries[0][0], "score": told[:, 0].mean(), "error": error[0], "of new rows": fresh[:, 0].mean(),
            "log loss": told[:, 1].mean(), "its error": error[1], "its of new rows": fresh[:, 1].mean(),
        }  # fmt: skip


if __name__ == "__main__":
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    for name, signal in (("noise", 0.0), ("signal", 0.8)):
        if name in sys.argv[2:] or not sys.argv[2:]:
            print(f"\n{name}, {n_seeds} seeds")
            report(f"honest_{name}", list(table(range(n_seeds), signal)), seeds=n_seeds)
