"""Do two Dask workers do twice the work of one?

Learner-heavy: vectors, boosting and forests, five folds, on a Dask cluster of one and of two worker processes of one
thread each. The question is lost when two are less than 1.7 times as fast, or when an answer differs from that
without a cluster. The ceiling is what two fits side by side reach, without any cluster.

    python benchmarks/bench_dask.py [n_repeats]
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from _measure import Clock, alone, report
from joblib import parallel_config
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from ensemble_mm import StackedClassifier

LEARNERS = [
    ("gbm", LGBMClassifier(n_estimators=300, random_state=0, verbose=-1)),
    ("forest", RandomForestClassifier(200, min_samples_leaf=2, random_state=0)),
    ("trees", ExtraTreesClassifier(300, min_samples_leaf=2, random_state=0)),
]


def fit(n_workers):
    X, y = make_classification(5000, 50, n_informative=20, flip_y=0.1, random_state=0)
    model = StackedClassifier(learners=LEARNERS, cv=5, random_state=0)
    if not n_workers:
        model.fit(X, y)
        return {"seconds": None, "answer": model.predict_proba(X)[:, 1].tolist()}
    from distributed import Client

    with Client(n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=None) as client:
        client.wait_for_workers(n_workers)
        with parallel_config(backend="dask"):
            StackedClassifier(learners=[LEARNERS[0]], cv=2).fit(X[:100], y[:100])  # imports, on every worker
            with Clock() as clock:
                model.fit(X, y)
    return {"seconds": clock.seconds, "answer": model.predict_proba(X)[:, 1].tolist()}


def main(n_repeats=2):
    here = alone(__file__, "--role", 0)["answer"]
    rows = []
    for _ in range(n_repeats):
        one, two = alone(__file__, "--role", 1), alone(__file__, "--role", 2)
        with ThreadPoolExecutor(2) as pool:  # what two cores of this machine can do at all
            both = list(pool.map(lambda _: alone(__file__, "--role", 1)["seconds"], range(2)))
        worst = max(float(np.abs(np.subtract(here, found["answer"])).max()) for found in (one, two))
        rows.append(
            {
                "one_s": one["seconds"],
                "two_s": two["seconds"],
                "ratio": one["seconds"] / two["seconds"],
                "ceiling": 2 * one["seconds"] / max(both),
                "difference": worst,
            }
        )
    report("dask", rows)


if __name__ == "__main__":
    if "--role" in sys.argv:
        print(json.dumps(fit(int(sys.argv[-1]))))
    else:
        main(*map(int, sys.argv[1:]))
