"""Does a search of 50 trials over LightGBM, inside the stack, beat the settings that it has without one?

A stack of the "gbm" learner of "balanced" alone, and of the same learner in a `TunedLearner(search="optuna")` with
its shipped space; a third of the rows is held out. The question is lost where the mean over sets of the share of the
held-out loss (squared error, log loss) that the search saves is not positive.

    python benchmarks/bench_tuning.py [FOLDER] [seeds]

Sets are three of scikit-learn's and, from FOLDER (default ../shared/data where it is), four of mtr (one target each),
and films by texts and facts. Seconds are CPU seconds of one thread.
"""

import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from _measure import DATA, report
from _sets import imdb_official
from bench_targets import load
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from ensemble_mm import StackedClassifier, StackedRegressor, TunedLearner
from ensemble_mm.data import take_rows
from ensemble_mm.learners import portfolio


def sets(folder):
    """Yield (name, X, y, kind, modalities of the views)."""
    tables = {"X": "tabular"}
    for name, read, kind in (("diabetes", load_diabetes, "regression"), ("cancer", load_breast_cancer, "binary"),
                             ("wine", load_wine, "multiclass")):  # fmt: skip
        X, y = read(return_X_y=True)
        yield name, X, y, kind, tables
    if (folder / "mtr").exists():
        for name in ("slump", "jura", "edm", "enb"):
            X, Y = load(name, folder)
            yield name, X, Y.iloc[:, 0].to_numpy(), "regression", tables
    if (folder / "imdb_genre").exists():
        X, Y, *_ = imdb_official(folder)
        yield "films", X, Y["drama"].to_numpy(), "binary", {"text": "words", "facts": "table"}


def held_out_loss(learner, X, y, kind, seed):
    """Return the loss on a third of the rows, and CPU seconds of the fit."""
    train, test = train_test_split(np.arange(len(y)), test_size=1 / 3, random_state=seed)
    started = time.process_time()
    model = (StackedRegressor if kind == "regression" else StackedClassifier)(
        learners=[("gbm", learner, "all", "reduced")], cv=3, random_state=seed, n_jobs=1
    ).fit(take_rows(X, train), y[train])
    spent, X = time.process_time() - started, take_rows(X, test)
    if kind == "regression":
        return float(np.mean((model.predict(X) - y[test]) ** 2)), spent
    return float(log_loss(y[test], model.predict_proba(X), labels=model.classes_)), spent


def main(folder=DATA, n_seeds=1):
    """Run all, print and write them."""
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, X, y, kind, views in sets(Path(folder)):
            for seed in range(int(n_seeds)):
                entries = portfolio("balanced", kind, n_rows=2 * len(y) // 3, n_classes=len(np.unique(y)), views=views,
                                    random_state=seed)  # fmt: skip
                gbm = next(learner for name, learner, *_ in entries if name == "gbm")
                tuned = TunedLearner(gbm, search="optuna", n_trials=50, random_state=seed)
                (plain, before), (searched, after) = (held_out_loss(one, X, y, kind, seed) for one in (gbm, tuned))
                rows.append({"set": name, "seed": seed, "default": plain, "searched": searched,
                             "saved": 1 - searched / plain, "cpu_s": before, "cpu_s searched": after})  # fmt: skip
                print(rows[-1], flush=True)
    saved = pd.DataFrame(rows).groupby("set")["saved"].mean()
    report("tuning", rows, saved=float(saved.mean()))
    print(f"share of the loss that the search saves, mean over {len(saved)} sets: {saved.mean():+.4f} (bar: above 0)")


if __name__ == "__main__":
    main(*sys.argv[1:])
