"""Is what a model says of itself what new rows say, on noise and on a signal?

120 rows in two views of two columns, of which one column of each tells a little on the signal; two trees and a linear
model per view, five folds. Each figure stands beside what the same model scores on 2,000 new rows, as means over the
seeds. On noise a figure above .5, or a log loss below that of new rows, flatters: it was chosen or fitted on rows that
it was scored on; z is the distance from .5 in standard errors. On a signal a figure far below that of new rows is
shrunk; a little below it is what training on four of five folds costs.

The score is the area under the ROC curve; decisions have the balanced accuracy: chance is .5 for both. It is the mean
over the folds, as a stack tells it. "pooled" puts all rows of `oof_` in one order, which is below chance on noise: a
row's label moves what models and calibrators of all folds say but those of its own. Numbers that are one by design
(`leaderboard`, `cv_results_`, the page of `report`, a run in a `TaskDatabase`) are read once each, from the model of
"linear". Of rows that are answered only where the model is sure, and of views that are read only where it is not, it is
what the displays show. There is no sigmoid calibration: "temperature" is its form of one parameter.

    python benchmarks/bench_honest.py [SEEDS] [noise | signal]
"""

import os
import sys
import tempfile
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from _measure import report
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold, TimeSeriesSplit
from sklearn.tree import DecisionTreeClassifier

from ensemble_mm import (
    CascadeDisplay,
    MultiOutputStack,
    RiskCoverageDisplay,
    StackedClassifier,
    TunedLearner,
    compare_strategies,
)
from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.inspection._scores import compare_choices
from ensemble_mm.meta import parts_of, select_members
from ensemble_mm.store._runs import describe_run

N_ROWS, N_NEW = 120, 2_000
TREES = [(f"tree{i}", DecisionTreeClassifier(max_depth=3, max_features=1, random_state=i)) for i in range(2)]
LEARNERS = [*TREES, ("linear", LogisticRegression())]
GREEDY, LINEAR = {"meta_learner": "greedy"}, {"meta_learner": "linear"}
SETTINGS = {
    "linear": LINEAR,
    "greedy": GREEDY,
    "auto": {},
    "mean": {"meta_learner": "mean"},
    "linear, temperature": LINEAR | {"calibration": "temperature"},
    "greedy, isotonic": GREEDY | {"calibration": "isotonic"},
    "linear, prune='auto'": LINEAR | {"prune": "auto"},
    "greedy, prune=1": GREEDY | {"prune": 1},
    "greedy, prune=3, isotonic": GREEDY | {"prune": 3, "calibration": "isotonic"},
    "greedy, cv=2": GREEDY | {"cv": 2},
    "greedy, 2 x 5 folds": GREEDY | {"cv": RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)},
    "linear, class_weight": LINEAR | {"class_weight": "balanced"},
    "linear, threshold": LINEAR | {"threshold": "balanced_accuracy"},
    "dynamic": {"meta_learner": "dynamic"},
    "linear, layers=2": LINEAR | {"layers": 2},
    "auto, passthrough": {"passthrough": True},
    "linear, folds in time": LINEAR | {"cv": TimeSeriesSplit(5)},
}
GRID = {"max_depth": [1, 3], "min_samples_leaf": [1, 5]}
NONE = (np.nan, np.nan)


def draw(seed, signal):
    """Return views and labels of the rows of a fit and of new ones."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, N_ROWS + N_NEW)
    X = rng.normal(size=(len(y), 4))
    X[:, [0, 2]] += signal * (y - 0.5)[:, np.newaxis]
    parts = [{"a": X[rows, :2], "b": X[rows, 2:]} for rows in (slice(N_ROWS), slice(N_ROWS, None))]
    return *parts, y[:N_ROWS], y[N_ROWS:], rng


def judged(y, proba, folds=None):
    """Return the area under the curve, as the mean over folds where these are given, and the log loss."""
    parts = [np.arange(len(y))] if folds is None else [test for _, test in folds]
    areas = [roc_auc_score(y[part], proba[part, 1]) for part in parts]
    rows = np.unique(np.concatenate(parts))
    return np.average(areas, weights=[len(part) for part in parts]), log_loss(y[rows], proba[rows], labels=[0, 1])


def figures(seed, signal):
    """Yield (what says it, the score and the log loss that it says, those of new rows)."""
    views, new, y, y_new, rng = draw(seed, signal)
    with tempfile.TemporaryDirectory() as kept:  # the members of most settings are the same
        for name, settings in SETTINGS.items():
            common = {"cv": 5, "learners": LEARNERS, "random_state": seed, "scoring": "roc_auc", "checkpoint": kept}
            if "threshold" in settings:
                common["scoring"] = "balanced_accuracy"
            model = StackedClassifier(**common | settings).fit(views, y)
            proba = model.predict_proba(new)
            if "threshold" in settings:
                row = model.leaderboard().set_index("learner").loc["ensemble"]
                yield name, (row["score"], row["loss"]), (balanced_accuracy_score(y_new, model.predict(new)), np.nan)
                continue
            (out,) = model.oof_.values()
            yield f"oof_: {name}", judged(y, out, model.folds_), judged(y_new, proba)
            if "isotonic" in name:
                yield f"pooled: {name}", judged(y, out), judged(y_new, proba)
            if name == "linear":
                yield from told_by(model, judged(y_new, proba))
                yield from drawn_by(model, new, y_new)
                yield "select_members, 3 of the table", by_hand(model, y), NONE
    X, X_new = np.hstack(list(views.values())), np.hstack(list(new.values()))
    tuned = TunedLearner(TREES[0][1], GRID, search="grid", scoring="roc_auc", random_state=seed).fit(X, y)
    fresh = roc_auc_score(y_new, tuned.predict_proba(X_new)[:, 1])
    yield "TunedLearner: best_score_", (tuned.best_score_, np.nan), (fresh, np.nan)
    other = np.where(rng.random(N_ROWS) < (0.4 if signal else 0), y, rng.integers(0, 2, N_ROWS))
    few = LINEAR | {"learners": LEARNERS[1:], "scoring": "roc_auc", "random_state": seed}
    Y = pd.DataFrame({"y": y, "copy": other})
    for strategy, row in compare_strategies(views, Y, **few).loc["y"].iterrows():
        yield f"compare_strategies: {strategy}", (row["score"], row["loss"]), NONE
    model = MultiOutputStack(strategy="chain", **few).fit(views, Y)
    chained = model.leaderboard().query("task == 'y' and learner == 'ensemble'")[["score", "loss"]]
    yield "strategy='chain'", tuple(chained.iloc[0]), judged(y_new, model.predict_proba(new)["y"])
    tags = [["one"] * int(a) + ["two"] * int(b) for a, b in zip(y, other, strict=True)]
    model = MultiOutputStack(threshold={"tags": "balanced_accuracy"}, strategy="stacked", **few).fit(
        views, {"tags": tags}
    )
    own = judged(y, model.oof_["tags=one"], model.folds_)
    yield "label sets: one tag", own, judged(y_new, np.c_[1 - (p := model.predict_proba(new)["tags"][:, 0]), p])


def told_by(model, fresh):
    """Yield what a fitted stack says of itself in other places."""
    board = model.leaderboard()
    members = ~board["learner"].isin(["ensemble", "constant", "best single view"])
    own = board.set_index("learner")[["score", "loss"]]
    yield "leaderboard: ensemble", tuple(own.loc["ensemble"]), fresh
    yield "leaderboard: members, mean", tuple(board.loc[members, ["score", "loss"]].mean()), NONE
    yield "leaderboard: best single view", tuple(own.loc["best single view"]), NONE
    yield "leaderboard: constant", tuple(own.loc["constant"]), NONE
    folds = model.cv_results_.set_index("learner")["mean"]
    yield "cv_results_: ensemble", (folds["ensemble"], np.nan), fresh
    (kept,) = describe_run(model, None, None, "noise")["scores"].values()
    yield "TaskDatabase: ensemble", (kept["mean"], np.nan), fresh
    choices = compare_choices(cells_of(model), list(model.views_)).set_index("choice")[["score", "loss"]]
    yield "report: ensemble", tuple(choices.loc["ensemble"]), fresh
    for name in ("only 'a'", "best single view"):
        yield f"report: {name}", tuple(choices.loc[name]), NONE


def drawn_by(model, new, y_new):
    """Yield what a fitted stack says of answering some rows only, and of reading some views only."""
    halves = []
    for rows in ((), (new, y_new)):
        curve = RiskCoverageDisplay.from_estimator(model, *rows).curve
        halves.append((1 - curve.loc[curve["answered"] >= 0.5, "risk"].iloc[0], np.nan))
    yield "share right in the surest half", *halves
    curve = CascadeDisplay.from_estimator(model).curve.set_index("certain")["score"]
    yield "cascade, from .6 on", (curve[0.6], np.nan), judged(y_new, model.predict_proba(new, cascade=0.6))
    plt.close("all")


def by_hand(model, y):
    """Return what the mean of three members scores that are chosen on other folds."""
    block, out = model.table_.block(model.table_.members()), np.full((len(y), 2), np.nan)
    for others, rows in parts_of(model.folds_, len(y)):
        kept = select_members(3, block[others], y[others], kind="binary", n_classes=2)
        out[rows, 1] = block[rows][:, kept].mean(axis=1)
    out[:, 0] = 1 - out[:, 1]
    return judged(y, out)


def one(seed, signal):
    warnings.simplefilter("ignore")
    return list(figures(seed, signal))


def table(seeds, signal):
    found = [one(seed, signal) for seed in seeds]
    for entries in zip(*found, strict=True):
        told, fresh = (np.array([entry[i] for entry in entries], dtype=float) for i in (1, 2))
        error = told.std(axis=0, ddof=1) / len(told) ** 0.5
        yield {
            "what": entries[0][0], "score": told[:, 0].mean(), "error": error[0],
            "z": (told[:, 0].mean() - 0.5) / error[0] if error[0] else 0.0, "of new rows": fresh[:, 0].mean(),
            "log loss": told[:, 1].mean(), "its error": error[1], "its of new rows": fresh[:, 1].mean(),
        }  # fmt: skip


if __name__ == "__main__":
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    for name, signal in (("noise", 0.0), ("signal", 0.8)):
        if name in sys.argv[2:] or not sys.argv[2:]:
            print(f"\n{name}, {n_seeds} seeds")
            report(f"honest_{name}", list(table(range(n_seeds), signal)), seeds=n_seeds)
            print(f"{time.process_time():.0f} CPU seconds so far", flush=True)
