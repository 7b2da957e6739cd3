"""Do probabilities, sets and intervals mean what they say, on rows that no part of the fit saw?

1. Calibration: expected calibration error (15 bins of equal width, mean over classes) of the stack with
   `calibration="temperature"`, and of the uncalibrated stack with logistic regression as meta-learner, on the same
   table and folds, each row held out once. Lost where ours is more than half of that. Rows are finite: beside it stands
   the error that perfect probabilities would show, the mean over labels that are drawn from ours.
2. Coverage: share of new rows inside `predict_interval` and `predict_set` at 80, 90 and 95 %, mean over 20 splits, for
   all rows and for every pattern of missing views with at least 100 new rows in all. Lost where it is more than two
   points off; sets may cover more, because the most probable class is always in them.
3. What is harder, at 90 %: patterns of missing views that no row of the fit had, joint sets and intervals of two tasks
   (with each task on its own beside them), rows of new groups, and repeated splits with a refit.

    python benchmarks/bench_calibration.py [splits] [coverage | harder | calibration ...]

Without a name, coverage and what is harder are run, which takes some minutes for 20 splits. Calibration takes far
longer: it fits the portfolio "fast" ten times per set. It reads imdb_genre and movie_posters (text and facts) and
zh_hotel (2,000 rows) from ../shared/data where it is, else scikit-learn's digits with wrong labels. Coverage reads
scikit-learn's diabetes and digits as two views each, of which a quarter of the rows lacks the one and a quarter the
other.
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
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import RepeatedKFold, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import ExtraTreeRegressor

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "calibration.json"
COVERAGES = (0.8, 0.9, 0.95)
FEWEST = 100


def texts(folder):
    """Yield (name, X, y) of the sets whose probabilities are judged."""
    if not (folder / "imdb_genre").exists():
        X, y = load_digits(return_X_y=True)
        rng = np.random.default_rng(0)
        yield "digits, a fifth wrong", X, np.where(rng.random(len(y)) < 0.2, rng.integers(0, 10, len(y)), y)
        return
    table = pd.read_parquet(folder / "imdb_genre" / "table.parquet")
    yield "imdb_genre drama", table.drop(columns=["Genre", "y_is_drama", "split_shi2021"]), table["y_is_drama"]
    table = pd.read_parquet(folder / "movie_posters" / "table.parquet")
    X = table[[c for c in table if not c.startswith("y_") and c not in ("imdb_id", "split", "poster")]]
    yield "movie_posters main_genre", X, table["y_main_genre"]
    table = pd.read_parquet(folder / "zh_hotel" / "table.parquet").sample(2000, random_state=0)
    yield "zh_hotel sentiment", table[["text"]].reset_index(drop=True), table["y_sentiment"].reset_index(drop=True)


def calibration_error(proba, y, n_bins=15):
    """Return the expected calibration error of the classes (of two, the second), weighted by rows."""
    errors = []
    for c in range(1 if proba.shape[1] == 2 else 0, proba.shape[1]):
        place = np.minimum((proba[:, c] * n_bins).astype(int), n_bins - 1)
        gap = proba[:, c] - (y == c)
        errors.append(sum(abs(gap[place == b].mean()) * (place == b).mean() for b in np.unique(place)))
    return float(np.mean(errors))


def calibration(folder, n_folds):
    """Return the errors of both stacks, one pair per set."""
    result = {}
    for name, X, y in texts(folder):
        classes, codes = np.unique(np.asarray(y, dtype=object), return_inverse=True)
        found = {method: np.zeros((len(y), len(classes))) for method in ("temperature", "logistic stacker")}
        for train, test in StratifiedKFold(n_folds, shuffle=True, random_state=0).split(codes, codes):
            with tempfile.TemporaryDirectory() as kept:  # both stacks weigh the same table, which is made once
                for method, settings in (
                    ("temperature", {"calibration": "temperature"}),
                    ("logistic stacker", {"meta_learner": LogisticRegression()}),
                ):
                    model = StackedClassifier(learners="fast", checkpoint=kept, random_state=0, **settings)
                    model.fit(_rows(X, train), classes[codes[train]])
                    found[method][test] = model.predict_proba(_rows(X, test))
        ours, theirs = (calibration_error(proba, codes) for proba in found.values())
        perfect = _error_of_perfect(found["temperature"])
        result[name] = {"temperature": ours, "logistic stacker": theirs, "ratio": ours / theirs, "perfect": perfect}
        print(f"{name:26} ECE temperature {ours:.4f}, logistic stacker {theirs:.4f}, perfect {perfect:.4f}, "
              f"ratio {ours / theirs:.2f} (bar 0.5)", flush=True)  # fmt: skip
    return result


def _error_of_perfect(proba, n_draws=20):
    rng = np.random.default_rng(0)
    draws = [(rng.random((len(proba), 1)) > proba.cumsum(axis=1)).sum(axis=1) for _ in range(n_draws)]
    return float(np.mean([calibration_error(proba, np.minimum(y, proba.shape[1] - 1)) for y in draws]))


def _rows(X, rows):
    return X.iloc[rows].reset_index(drop=True) if isinstance(X, pd.DataFrame) else X[rows]


def coverage(n_splits):
    """Return the share of new rows that are covered, by set, pattern and coverage, and how many rows there were."""
    hits = {}
    for seed in range(n_splits):
        for name, (X, y), half in (("diabetes", load_diabetes(return_X_y=True), 5), ("digits", _few_digits(seed), 32)):
            rng = np.random.default_rng(seed)
            views = {"left": X[:, :half].astype(float), "right": X[:, half:].astype(float)}
            lot = rng.random(len(X))
            views["left"][lot < 0.25] = np.nan
            views["right"][lot > 0.75] = np.nan
            pattern = np.digitize(lot, [0.25, 0.75])
            train, test = train_test_split(np.arange(len(X)), test_size=0.5, random_state=seed)
            parts = [{view: values[rows] for view, values in views.items()} for rows in (train, test)]
            model = _model(name).fit(parts[0], y[train])
            for level in COVERAGES:
                if name == "diabetes":
                    low, high = model.predict_interval(parts[1], level).T
                    inside = (low <= y[test]) & (y[test] <= high)
                else:
                    codes = np.searchsorted(model.classes_, y[test])
                    inside = model.predict_set(parts[1], level)[np.arange(len(test)), codes]
                for value, label in ((None, "all rows"), (0, "no left"), (1, "both"), (2, "no right")):
                    some = inside if value is None else inside[pattern[test] == value]
                    hits.setdefault((name, label, level), []).extend(some.tolist())
    result = {}
    for (name, label, level), inside in hits.items():
        if len(inside) >= FEWEST:
            share = float(np.mean(inside))
            result[f"{name}, {label}, {level:g}"] = {"covered": share, "rows": len(inside)}
            print(f"{name:10} {label:9} asked {level:.2f} covered {share:.3f} of {len(inside)} rows")
    return result


def harder(n_splits, n_train=300, n_new=300):
    """Return the share of new rows that are covered at 90 %, by what makes it hard."""
    hits = {}
    for seed in range(n_splits):
        X, Y, groups = _drawn(seed, n_train + n_new)
        train, new = slice(n_train), slice(n_train, None)
        first, later = ({name: column[rows] for name, column in X.items()} for rows in (train, new))
        learners = [("ridge", RidgeCV()), ("linear", LogisticRegression()), ("all", RidgeCV(), "all")]
        model = MultiOutputStack(learners=learners, cv=4, strategy="independent", random_state=0).fit(first, Y[train])
        for label, gone in (("complete", ()), ("new: no strong", ("strong",)), ("new: no weak", ("weak",)),
                            ("new: no view", ("strong", "weak"))):  # fmt: skip
            rows = {name: np.full_like(column, np.nan) if name in gone else column for name, column in later.items()}
            for joint in (False, True):
                inside = _inside(model, rows, Y[new], joint)
                both = np.logical_and(*inside.values())
                found = {"joint": both} if joint else inside | {"both, each on its own": both}
                for name, covered in found.items():
                    hits.setdefault(f"{label}, {name}", []).extend(covered)
        noise = np.random.default_rng(seed).normal(size=groups.max() + 1)[groups]
        y = Y["size"].to_numpy() + 3 * noise
        model = StackedRegressor(learners=learners, cv=4, random_state=0).fit(first, y[train], groups=groups[train])
        hits.setdefault("new groups", []).extend(_within(model.predict_interval(later), y[new]))
        trees, cv = [("tree", ExtraTreeRegressor(random_state=0))], RepeatedKFold(n_repeats=5, random_state=0)
        model = StackedRegressor(learners=trees, cv=cv, random_state=0).fit(first, y[train])
        hits.setdefault("repeated splits", []).extend(_within(model.predict_interval(later), y[new]))
    result = {name: float(np.mean(inside)) for name, inside in hits.items()}
    for name, share in result.items():
        print(f"{name:40} asked 0.90 covered {share:.3f} of {len(hits[name])} rows")
    return result


def _drawn(seed, n_rows):
    rng = np.random.default_rng(seed)
    X = {name: rng.normal(size=(n_rows, 2)) for name in ("strong", "weak")}
    y = 3 * X["strong"][:, 0] + X["weak"][:, 0] + 0.5 * rng.normal(size=n_rows)
    kind = np.array(["high", "low", "mid"])[np.digitize(y + rng.normal(size=n_rows), [-2, 2])]
    return X, pd.DataFrame({"size": y, "kind": kind}), np.arange(n_rows) // 5


def _inside(model, rows, Y, joint):
    sets = model.predict_set(rows, 0.9, joint=joint)["kind"]
    codes = np.searchsorted(model.classes_["kind"], Y["kind"])
    numbers = _within(model.predict_interval(rows, 0.9, joint=joint)["size"], Y["size"].to_numpy())
    return {"size": numbers, "kind": sets[np.arange(len(codes)), codes]}


def _within(bounds, y):
    return (bounds[:, 0] <= y) & (y <= bounds[:, 1])


def _few_digits(seed):
    X, y = load_digits(return_X_y=True)
    some = np.random.default_rng(seed).choice(len(y), 500, replace=False)
    noise = 6 * np.random.default_rng(seed).normal(size=(500, 64))  # so that there is something to be unsure of
    return X[some] + noise, y[some]


def _model(name):
    if name == "diabetes":
        trees = ExtraTreesRegressor(30, min_samples_leaf=3)
        learners = [("ridge", RidgeCV(np.logspace(-2, 2, 5))), ("trees", trees, "all")]
        return StackedRegressor(learners=learners, random_state=0)
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    learners = [("linear", linear), ("trees", ExtraTreesClassifier(30, min_samples_leaf=2), "all")]
    return StackedClassifier(learners=learners, calibration="temperature", random_state=0)


PARTS = {
    "coverage": coverage,
    "harder": harder,
    "calibration": lambda n_splits: calibration(ROOT / ".." / "shared" / "data", 5),
}


def main(n_splits=20, *names):
    """Run some parts, print and write them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = {name: PARTS[name](int(n_splits)) for name in names or ("coverage", "harder")}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1))
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
