"""Is a fit with shared extraction faster than scikit-learn's own composition, at the same table and in no more memory?

Three views (text, picture, facts), three tasks, three learners, five folds, two jobs. The peer is a
`StackingClassifier` over `make_pipeline(ColumnTransformer, learner)`, one per task, with the same extractors, folds,
learners and seeds. With "linear" learners extraction costs most, with "mixed" ones (LightGBM, extra trees, a linear
model) the learners do. The question is lost when a ratio falls below 1, when the tables differ by more than 1e-6, or
when ours takes more memory.

    python benchmarks/bench_extraction.py [linear|mixed ...]

Rows: 1,863 movie posters where the real sets are, else synthetic ones.
"""

import json
import sys
import time

import numpy as np
import pandas as pd
from _measure import DATA, Clock, alone, report
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from ensemble_mm import ImageExtractor, MultiOutputStack, TabularExtractor, TextExtractor, make_multimodal

N_JOBS = 2
LEARNERS = {
    "linear": [
        ("logistic", LogisticRegression(max_iter=100)),
        ("strong", LogisticRegression(C=0.1, max_iter=100)),
        ("ridge", RidgeClassifier()),
    ],
    "mixed": [
        ("gbm", LGBMClassifier(n_estimators=100, random_state=0, n_jobs=1, verbose=-1)),
        ("trees", ExtraTreesClassifier(100, min_samples_leaf=2, random_state=0, n_jobs=1)),
        ("logistic", LogisticRegression(max_iter=100)),
    ],
}
CHECKED = [("logistic", "text"), ("logistic", "picture"), ("logistic", "facts")]


def load():
    """Return X, three targets of two classes, and the views."""
    if (DATA / "movie_posters").exists():
        X = pd.read_parquet(DATA / "movie_posters" / "table.parquet")
        X["poster"] = [str(DATA / "movie_posters" / path) for path in X["poster"]]
        Y = X[["y_main_genre", "y_genre_romance", "y_genre_thriller"]]
        text, picture, facts = "overview", "poster", ["year", "duration", "country", "language", "budget_usd"]
    else:
        X, Y = make_multimodal(n_samples=1000, image_size=128, random_state=0)
        Y = pd.DataFrame({"mood": Y["mood"], "level": Y["level"] > 0, "other": np.roll(Y["level"], 1) > 0})
        text, picture, facts = "review", "photo", ["age", "price", "shop"]
    extractors = {"text": TextExtractor(), "picture": ImageExtractor(), "facts": TabularExtractor()}
    return X, Y, [(*entry, column) for entry, column in zip(extractors.items(), (text, picture, facts), strict=True)]


def ours(X, Y, views, learners, folds):
    model = MultiOutputStack(views, learners, cv=folds, strategy="independent", n_jobs=N_JOBS, random_state=0)
    with Clock() as fit:
        model.fit(X, Y)
    with Clock() as predict:
        model.predict(X)
    own = model.fit_report_.loc["fit", "job_seconds"] / N_JOBS
    once = model.fit_report_.loc[["read", "extract"], "job_seconds"].sum() / N_JOBS
    name = Y.columns[0]
    members = {(member.learner, member.reads): member for member in model.table_.members(name)}
    cells = [model.table_[members[checked]][:, 0] for checked in CHECKED]
    return {
        "fit_s": fit.seconds, "predict_s": predict.seconds, "learners_s": own, "extraction_once_s": once,
        "n_extractions": model.n_extractions_, "cells": np.array(cells).tolist(),
    }  # fmt: skip


def peer(X, Y, views, learners, folds):
    fit_s, models = 0.0, []
    for name in Y:
        pairs = [
            (f"{learner}-{view}", make_pipeline(ColumnTransformer([(view, extractor, columns)]), estimator))
            for learner, estimator in learners
            for view, extractor, columns in views
        ]
        with Clock() as fit:
            models.append(StackingClassifier(pairs, LogisticRegression(), cv=folds, n_jobs=N_JOBS).fit(X, Y[name]))
        fit_s += fit.seconds
    with Clock() as predict:
        for model in models:
            model.predict(X)
    return {"fit_s": fit_s, "predict_s": predict.seconds}


def peers_table(X, Y, views, learners, folds):
    """Return the cells of the first task that scikit-learn's composition throws away."""
    pipes = {v: make_pipeline(ColumnTransformer([(v, e, c)]), dict(learners)["logistic"]) for v, e, c in views}
    y = Y[Y.columns[0]]
    cells = [cross_val_predict(pipes[v], X, y, cv=folds, method="predict_proba")[:, 1] for _, v in CHECKED]
    return {"cells": np.array(cells).tolist()}


def main(kinds):
    rows = []
    for kind in kinds:
        started = time.time()
        a, b = alone(__file__, "--role", "ours", kind), alone(__file__, "--role", "peer", kind)
        table = alone(__file__, "--role", "peers_table", kind)
        rows.append(
            {
                "learners": kind,
                "fit_peer_s": b["fit_s"],
                "fit_s": a["fit_s"],
                "fit_ratio": b["fit_s"] / a["fit_s"],
                "fit/bound": a["fit_s"] / (a["learners_s"] + a["extraction_once_s"]),
                "predict_ratio": b["predict_s"] / a["predict_s"],
                "MB_peer": b["peak_bytes"] / 1e6,
                "MB": a["peak_bytes"] / 1e6,
                "main_MB_peer": b["peak_main_bytes"] / 1e6,
                "main_MB": a["peak_main_bytes"] / 1e6,
                "extractions": a["n_extractions"],
                "table_difference": float(np.abs(np.subtract(a["cells"], table["cells"])).max()),
            }
        )
        print(f"{kind}: {time.time() - started:.0f} s", file=sys.stderr)
    report("extraction", rows, n_jobs=N_JOBS)


if __name__ == "__main__":
    if "--role" in sys.argv:
        role, kind = sys.argv[-2:]
        X, Y, views = load()
        folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, Y[Y.columns[0]]))
        print(json.dumps(globals()[role](X, Y, views, LEARNERS[kind], folds)))
    else:
        main(sys.argv[1:] or list(LEARNERS))
