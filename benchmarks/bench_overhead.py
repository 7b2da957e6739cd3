"""What does the engine itself cost: a trivial job, a checkpoint, an import?

The question is lost when one of 200 trivial jobs costs more than 10 ms, when a checkpoint costs more than 3 % of a
fit of about a minute, or when importing the package takes more than 1.25 times the import of scikit-learn's ensembles
and LightGBM.

    python benchmarks/bench_overhead.py [n_repeats]
"""

import subprocess
import sys
import tempfile
import time

import numpy as np
from _measure import report
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier

from ensemble_mm import StackedClassifier, StackedRegressor

IMPORTS = ("import ensemble_mm", "import sklearn.ensemble, lightgbm")


class Constant(RegressorMixin, BaseEstimator):
    """Learn nothing; `name` makes each one a job of its own."""

    def __init__(self, name=0):
        self.name = name

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


def a_job():
    """Return CPU milliseconds per job of a fit of 200 jobs, beyond what the same fits take by themselves."""
    X, y = np.random.default_rng(0).normal(size=(100, 3)), np.arange(100.0)
    learners = [(f"c{i}", Constant(i)) for i in range(40)]
    model = StackedRegressor(learners=learners, meta_learner="mean", cv=4, n_jobs=1)
    started = time.process_time()
    model.fit(X, y)
    return (time.process_time() - started) / 200 * 1000


def a_checkpoint():
    """Return the share by which a checkpoint makes a fit longer."""
    X, y = make_classification(6000, 60, n_informative=20, flip_y=0.1, random_state=0)
    learners = [(f"trees{i}", ExtraTreesClassifier(250, min_samples_leaf=4, random_state=i)) for i in range(3)]
    spent = {}
    for kept in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            model = StackedClassifier(learners=learners, cv=5, checkpoint=folder if kept else None, random_state=0)
            started = time.process_time()
            model.fit(X, y)
            spent[kept] = time.process_time() - started
    return spent[True] / spent[False] - 1, spent[False]


def an_import(n_repeats):
    """Return how much longer our import takes, as the median ratio of processes in turn."""
    ratios = []
    for _ in range(n_repeats):
        spent = []
        for line in IMPORTS:
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", line], check=True)
            spent.append(time.perf_counter() - started)
        ratios.append(spent[0] / spent[1])
    return float(np.median(ratios))


def main(n_repeats=5):
    share, seconds = a_checkpoint()
    job = float(np.median([a_job() for _ in range(n_repeats)]))
    report(
        "overhead",
        [{"ms_a_job": job, "checkpoint_share": share, "of_s": seconds, "import_ratio": an_import(n_repeats)}],
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
