"""Do the values that `view_contributions` reads from the table agree with fits on every set of views?

For every task, a view's Shapley value is computed twice: from the table of one fit with all views, and from fits on
every set of views, whose out-of-fold loss is what the set is worth. The question is lost where the rank correlation of
the two, over views and tasks, is below 0.9. The same is told of "unique": what leaving a view out costs.

    python benchmarks/bench_contributions.py [FOLDER] [rows]

Sets are mfeat (some rows, four of its views) and nutrimouse from FOLDER (default ../shared/data where it is), the
packaged moving_digits, and a synthetic one of three modalities. Every fit has a linear learner a view, and a forest on
all views.
"""

import json
import os
import sys
import tempfile
import warnings
from itertools import combinations
from math import factorial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from bench_transfer import LEARNERS
from scipy.stats import spearmanr

from ensemble_mm import MultiOutputStack, load_demo, make_multimodal, view_contributions

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "contributions.json"
BAR = 0.9


def sets(rows, folder):
    """Yield (name, views, Y) of every set: of the folder where it is, then packaged and synthetic ones."""
    rng = np.random.default_rng(0)
    if (folder / "mfeat").exists():
        part = np.load(folder / "mfeat" / "views.npz")
        digits = pd.read_csv(folder / "mfeat" / "table.csv.gz")
        some = np.sort(rng.choice(len(digits), rows, replace=False))
        views = {name: part[name][some] for name in ("fou", "kar", "zer", "mor")}
        yield "mfeat", views, pd.DataFrame({"digit": digits["y_digit"].iloc[some].to_numpy()})
    if (folder / "nutrimouse").exists():
        part = np.load(folder / "nutrimouse" / "views.npz")
        Y = pd.read_csv(folder / "nutrimouse" / "table.csv.gz")[["y_diet", "y_genotype"]]
        yield "nutrimouse", {name: part[name] for name in part}, Y
    X, Y = load_demo("moving_digits")
    yield "moving_digits", {name: X[name] for name in X}, Y
    X, Y = make_multimodal(n_samples=rows, random_state=0)
    yield "synthetic", {"review": X["review"], "photo": X["photo"], "facts": X[["age", "price", "shop"]]}, Y


def fitted(views, names, Y, cache):
    """Return a stack of quick learners on some of the views."""
    model = MultiOutputStack(learners=LEARNERS, strategy="independent", cv=3, refit=False, cache=cache, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit({name: views[name] for name in names}, Y)


def losses(model):
    """Return {task: share of the prior's loss that the ensemble removes out of fold}."""
    values = view_contributions(model, n_bootstrap=0)
    return {task: values[task]["value"].sum() for task in model.tasks_}


def compare(views, Y, cache):
    """Return a frame of values from the table and from fits: a row a (task, view)."""
    names = list(views)
    worth = {(): dict.fromkeys(Y, 0.0)}
    for size in range(1, len(names) + 1):
        for some in combinations(names, size):
            model = fitted(views, some, Y, cache)
            worth[some] = losses(model)
    found = view_contributions(model, n_bootstrap=0)
    n, rows = len(names), []
    for task in model.tasks_:
        for view in names:
            others = [other for other in names if other != view]
            value = 0.0
            for size in range(n):
                share = factorial(size) * factorial(n - size - 1) / factorial(n)
                for some in combinations(others, size):
                    joined = tuple(name for name in names if name in (*some, view))
                    value += share * (worth[joined][task] - worth[some][task])
            unique = worth[tuple(names)][task] - worth[tuple(others)][task]
            own = found[task].loc[view]
            rows.append((task, view, own["value"], value, own["unique"], unique))
    return pd.DataFrame(rows, columns=["task", "view", "value", "value of fits", "unique", "unique of fits"])


def main(folder=ROOT / ".." / "shared" / "data", rows=300):
    """Compare on every set, print the correlations and write them."""
    result = {}
    with tempfile.TemporaryDirectory() as cache:
        for name, views, Y in sets(int(rows), Path(folder)):
            table = compare(views, Y, cache)
            result[name] = {
                "value": float(spearmanr(table["value"], table["value of fits"]).statistic),
                "unique": float(spearmanr(table["unique"], table["unique of fits"]).statistic),
                "pairs": len(table),
            }
            print(table.round(3).to_string(index=False))
            told = result[name]
            print(f"{name}: rank correlation {told['value']:.3f} (bar {BAR}), of unique {told['unique']:.3f}, "
                  f"{told['pairs']} pairs of task and view\n")  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1))
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
