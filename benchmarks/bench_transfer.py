"""Does `stacked` help tasks with few labels, and does it leave the others alone?

The packaged moving_digits (a picture, a spoken digit and a clip; digit, speaker, direction and speed): 21, 50 and 80 %
of the labels of every task are hidden at random in the training rows, each task's own. The same with a task of pure
noise added. The question is lost where the mean paired loss of `stacked` is above that of `independent` by more than
two standard errors, on any task; or where no task gains at 50 and 80 %. A synthetic set with two tasks of one cause, of
which one hides its labels, shows what there is to be gained where tasks do share something. Last, the twelve mixed
tasks of movie_posters from FOLDER (default ../shared/data where it is), by texts and facts and "fast" learners: lost
where the mean over tasks of the share of the loss that `stacked` saves is not positive.

    python benchmarks/bench_transfer.py [splits] [FOLDER]
"""

import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from _measure import DATA
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from ensemble_mm import MultiOutputStack, load_demo
from ensemble_mm.learners import ViewScaler

RESULTS = Path(__file__).parent / "results" / "transfer.json"
NUMBERS = ("speed", "costly", "cheap", "own", "noise", "imdb_score", "log10_revenue")
FOREST = {"n_estimators": 60, "min_samples_leaf": 2}
LEARNERS = [
    ("linear", make_pipeline(ViewScaler(), LogisticRegression(max_iter=300)), "each", "reduced"),
    ("ridge", make_pipeline(ViewScaler(), RidgeCV(np.logspace(-2, 3, 6))), "each", "reduced"),
    ("trees", ExtraTreesClassifier(**FOREST), "all", "reduced"),
    ("forest", ExtraTreesRegressor(**FOREST), "all", "reduced"),
]


def digits():
    """Return clips with their four tasks."""
    X, Y = load_demo("moving_digits")
    return X, Y


def twins():
    """Return a table of numbers with two tasks of one cause, which is hard to learn, and one of its own."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 8))
    cause = np.tanh(X[:, 0] * X[:, 1]) + np.abs(X[:, 2])
    Y = {"costly": cause + 0.1 * rng.normal(size=600), "cheap": cause + 0.1 * rng.normal(size=600), "own": X[:, 5]}
    return pd.DataFrame(X).add_prefix("x"), pd.DataFrame(Y)


def posters(folder):
    """Return films, by texts and facts, with twelve tasks."""
    table = pd.read_parquet(folder / "movie_posters" / "table.parquet")
    Y = table[[c for c in table if c.startswith("y_")]].rename(columns=lambda name: name.removeprefix("y_"))
    X = table[[c for c in table if not c.startswith("y_") and c not in ("imdb_id", "split", "poster")]]
    return X, Y


def losses(model, X, Y):
    """Return {task: loss of every row, NaN where the label is not known}."""
    numbers, probabilities = model.predict(X), model.predict_proba(X)
    out = {}
    for name, task in model.tasks_.items():
        y = task.encode(Y[name])
        known = ~np.isnan(y)
        loss = np.full(len(y), np.nan)
        if task.classes is not None:
            chosen = probabilities[name][known, y[known].astype(int)]
            loss[known] = -np.log(np.clip(chosen, 1e-6, 1))
        else:
            loss[known] = (np.asarray(numbers[name], dtype=float)[known] - y[known]) ** 2
        out[name] = loss
    return out


def compare(X, Y, hidden, share, n_splits, cache, learners=LEARNERS):
    """Return {task: loss of independent, mean paired gain of stacked, its standard error, in how many splits kept}."""
    found = {name: ([], []) for name in Y}
    kept = dict.fromkeys(Y, 0)
    for seed in range(n_splits):
        rng = np.random.default_rng(seed)
        train, test = train_test_split(np.arange(len(Y)), test_size=1 / 3, random_state=seed)
        known = Y.iloc[train].reset_index(drop=True).astype(object)
        for name in hidden:
            known.loc[rng.random(len(known)) < share, name] = None
        with tempfile.TemporaryDirectory() as jobs:  # the first level is fitted once for both
            for strategy, place in (("independent", 0), ("stacked", 1)):
                model = MultiOutputStack(
                    learners=learners, strategy=strategy, cv=4, tasks=_kinds(Y), cache=cache, checkpoint=jobs,
                    random_state=seed,
                )  # fmt: skip
                model.fit(X.iloc[train].reset_index(drop=True), known)
                for name, loss in losses(model, X.iloc[test], Y.iloc[test]).items():
                    found[name][place].append(loss)
        for name in Y:
            kept[name] += int(model.strategy_.loc[name, "kept"])
    result = {}
    for name, (alone, together) in found.items():
        alone, together = np.concatenate(alone), np.concatenate(together)
        gain = (alone - together)[~np.isnan(alone)]
        result[name] = {
            "independent": float(np.nanmean(alone)), "gain": float(gain.mean()),
            "standard_error": float(gain.std(ddof=1) / np.sqrt(len(gain))), "kept": kept[name],
        }  # fmt: skip
    return result


def _kinds(Y):
    return {name: "regression" for name in Y if name in NUMBERS}


def _show(case, rows):
    for name, row in rows.items():
        print(f"{case:38} {name:14} independent {row['independent']:7.4f}  gain {row['gain']:+.4f} "
              f"+- {row['standard_error']:.4f}  kept {row['kept']}", flush=True)  # fmt: skip


def main(n_splits=2, folder=DATA):
    """Run all, print and write them."""
    n_splits, folder, result = int(n_splits), Path(folder), {}
    with tempfile.TemporaryDirectory() as cache, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for label, (X, Y), hidden in (("moving_digits", digits(), None), ("twins", twins(), ["costly"])):
            for share in (0.21, 0.5, 0.8):
                for extra in (False, True):
                    if extra:
                        noise = np.random.default_rng(1).normal(size=len(Y))
                    told = Y.assign(noise=noise) if extra else Y
                    case = f"{label}, {share:.0%} hidden" + (", noise added" if extra else "")
                    result[case] = compare(X, told, hidden or list(Y), share, n_splits, cache)
                    _show(case, result[case])
        if (folder / "movie_posters").exists():
            X, Y = posters(folder)
            result["posters"] = compare(X, Y, [], 0, n_splits, cache, "fast")
            _show("posters", result["posters"])
            saved = [row["gain"] / row["independent"] for row in result["posters"].values()]
            print(f"posters: share of the loss that stacked saves, mean over {len(saved)} tasks {np.mean(saved):+.4f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1))
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
