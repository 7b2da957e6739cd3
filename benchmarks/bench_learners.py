"""Does the engine cost anything where the learners cost most?

Vectors (five thousand rows, fifty columns), LightGBM, a forest and a linear model, five folds and a refit, two jobs.
The peer is scikit-learn's `StackingClassifier` over the same learners on the same folds. The bound is what the
learners' own fits and predictions take, shared by the cores: measured in two processes side by side, since two busy
cores of one processor are slower than one. The question is lost when ours is slower than the peer, when it takes more
than 1.15 times the bound, or when the two tables differ by more than 1e-6.

    python benchmarks/bench_learners.py [n_repeats]
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from _measure import Clock, alone, report
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from ensemble_mm import StackedClassifier

N_JOBS = 2
LEARNERS = [
    ("gbm", LGBMClassifier(n_estimators=300, random_state=0, n_jobs=1, verbose=-1)),
    ("forest", RandomForestClassifier(300, min_samples_leaf=2, random_state=0, n_jobs=1)),
    ("linear", LogisticRegression(max_iter=200)),
]
X, Y = make_classification(5000, 50, n_informative=20, n_classes=2, flip_y=0.1, random_state=0)
FOLDS = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, Y))


def ours():
    views = [("vectors", FunctionTransformer(), list(range(X.shape[1])))]  # as they are
    model = StackedClassifier(views, LEARNERS, cv=FOLDS, n_jobs=N_JOBS)
    with Clock() as clock:
        model.fit(X, Y)
    return {"fit_s": clock.seconds, "table": model.table_.to_frame().to_numpy().tolist()}


def peer():
    model = StackingClassifier(LEARNERS, LogisticRegression(), cv=FOLDS, n_jobs=N_JOBS)
    with Clock() as clock:
        model.fit(X, Y)
    return {"fit_s": clock.seconds}


def bound():
    """Return the seconds of the learners alone, and the table that they give."""
    table = np.empty((len(X), len(LEARNERS)))
    with threadpool_limits(1), Clock() as clock:
        for column, (_, learner) in enumerate(LEARNERS):
            for train, test in FOLDS:
                table[test, column] = clone(learner).fit(X[train], Y[train]).predict_proba(X[test])[:, 1]
            clone(learner).fit(X, Y)
    return {"fit_s": clock.seconds, "table": table.tolist()}


def main(n_repeats=3):
    rows = []
    for _ in range(n_repeats):
        a, b = (alone(__file__, "--role", role) for role in ("ours", "peer"))
        with ThreadPoolExecutor(N_JOBS) as pool:
            both = list(pool.map(lambda _: alone(__file__, "--role", "bound"), range(N_JOBS)))
        own = np.mean([c["fit_s"] for c in both]) / N_JOBS
        rows.append(
            {
                "fit_s": a["fit_s"],
                "peer_s": b["fit_s"],
                "peer/ours": b["fit_s"] / a["fit_s"],
                "ours/bound": float(a["fit_s"] / own),
                "table_difference": float(np.abs(np.subtract(a["table"], both[0]["table"])).max()),
            }
        )
    rows.append({name: float(np.median([row[name] for row in rows])) for name in rows[0]})
    report("learners", rows, n_jobs=N_JOBS, last_row="median")


if __name__ == "__main__":
    if "--role" in sys.argv:
        print(json.dumps(globals()[sys.argv[-1]]()))
    else:
        main(*map(int, sys.argv[1:]))
