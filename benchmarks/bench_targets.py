"""Several numbers from one table: does `stacked` predict them better than what people would otherwise use?

Peers on the same ten folds: a multi-output random forest, an ensemble of ten `RegressorChain(cv=5)` in random orders
over the same forest, one LightGBM a target, our own `strategy="independent"`, and the mean of the training rows.
Measured is aRRMSE: the root of the squared error over that of the training mean, pooled over the rows of all folds,
mean over targets. The question is lost on a set where a peer is lower; on sf1, whose targets are almost constant, where
ours is more than 1 % above the training mean.

    python benchmarks/bench_targets.py [--data FOLDER] [--sets A,B] [--methods A,B] [--folds 0,1] [--seeds 0] [--show]

The sets are those of the Mulan multi-target benchmark in FOLDER/mtr (default ../shared/data where it is); else a
synthetic one with six targets of one cause. Squared errors are added to benchmarks/results/targets.json fold by fold,
so that a long run can be done in pieces; --show prints the table of what is there. One process, one thread.
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ensemble_mm import MultiOutputStack

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "targets.json"
SETS = ("slump", "andro", "edm", "jura", "sf1", "enb", "atp1d")
BARS = {"edm": 0.625, "enb": 0.077, "slump": 0.545, "jura": 0.550, "sf1": 0.990, "andro": 0.385, "atp1d": 0.375}


def load(name, folder):
    """Return X and Y of a set."""
    if name == "synthetic":
        rng = np.random.default_rng(0)
        X = pd.DataFrame(rng.normal(size=(200, 8))).add_prefix("x")
        cause = np.tanh(X["x0"] * X["x1"]) + X["x2"].abs()
        return X, pd.DataFrame({f"y_{i}": cause + (0.2 + 0.1 * i) * rng.normal(size=200) for i in range(6)})
    table = pd.read_parquet(folder / "mtr" / f"{name}.parquet")
    targets = [c for c in table if c.startswith("y_")]
    return table.drop(columns=targets), table[targets].astype(float)


class Chains(RegressorMixin, BaseEstimator):
    """The mean of ten regressor chains in random orders."""

    def __init__(self, base, random_state=0):
        self.base = base
        self.random_state = random_state

    def fit(self, X, Y):
        """Fit the chains; every target reads out-of-fold estimates of those before it."""
        self.chains_ = [
            RegressorChain(self.base, order="random", cv=5, random_state=10 * self.random_state + k).fit(X, Y)
            for k in range(10)
        ]
        return self

    def predict(self, X):
        """Return the mean of the chains' predictions."""
        return np.mean([chain.predict(X) for chain in self.chains_], axis=0)


def models(targets, seed):
    """Return the methods: ours take the table as it is, the peers' columns of text are one-hot encoded."""
    kinds = dict.fromkeys(targets, "regression")
    forest = RandomForestRegressor(100, random_state=seed)
    lightgbm = LGBMRegressor(random_state=seed, n_jobs=1, verbose=-1, deterministic=True, force_col_wise=True)

    def encoded(model):
        words = make_column_selector(dtype_exclude="number")
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        return make_pipeline(make_column_transformer((encoder, words), remainder="passthrough"), model)

    return {
        "constant": DummyRegressor(),
        "forest": encoded(forest),
        "chains of forests": encoded(Chains(forest, seed)),
        "lightgbm a target": encoded(MultiOutputRegressor(lightgbm)),
        "independent": MultiOutputStack(strategy="independent", tasks=kinds, random_state=seed),
        "stacked": MultiOutputStack(strategy="stacked", tasks=kinds, random_state=seed),
    }


def main():
    """Run what is asked for, print the table of all results and write them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=ROOT / ".." / "shared" / "data")
    parser.add_argument("--sets")
    parser.add_argument("--methods")
    parser.add_argument("--folds", default=",".join(map(str, range(10))))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--show", action="store_true")
    asked = parser.parse_args()
    sets = asked.sets.split(",") if asked.sets else SETS if (asked.data / "mtr").exists() else ("synthetic",)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in () if asked.show else sets:
        X, Y = load(name, asked.data)
        for seed in map(int, asked.seeds.split(",")):
            folds = list(KFold(10, shuffle=True, random_state=seed).split(X))
            for fold in map(int, asked.folds.split(",")):
                for method, model in models(list(Y), seed).items():
                    if asked.methods and method not in asked.methods.split(","):
                        continue
                    key = f"{name}|{method}|{seed}|{fold}"
                    if key not in results:
                        results[key] = judge(model, X, Y, *folds[fold])
                        RESULTS.parent.mkdir(exist_ok=True)
                        RESULTS.write_text(json.dumps(results, indent=1))
    table = summary(results)
    print(table.round(4).to_string())
    return table


def judge(model, X, Y, train, test):
    """Return the squared errors of a model on a fold, those of the training mean, and the CPU seconds."""
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = np.asarray(model.fit(X.iloc[train], Y.iloc[train]).predict(X.iloc[test]), dtype=float)
    truth = Y.iloc[test].to_numpy()
    return {
        "errors": ((out.reshape(truth.shape) - truth) ** 2).sum(axis=0).tolist(),
        "base": ((Y.iloc[train].mean().to_numpy() - truth) ** 2).sum(axis=0).tolist(),
        "seconds": time.process_time() - started,
    }


def summary(results):
    """Return aRRMSE by set and method, over the folds that all methods of the set have."""
    frame = pd.DataFrame([(*key.split("|"), value) for key, value in results.items()],
                         columns=["set", "method", "seed", "fold", "found"])  # fmt: skip
    rows = {}
    for name, part in frame.groupby("set"):
        whole = part.pivot(index=["seed", "fold"], columns="method", values="found").dropna()
        scores = {}
        for method in whole:
            by_seed = []
            for _, folds in whole[method].groupby("seed"):
                errors, base = (np.sum([found[what] for found in folds], axis=0) for what in ("errors", "base"))
                by_seed.append(np.sqrt(errors / base).mean())
            scores[method] = np.mean(by_seed)
        rows[name] = {"folds": len(whole), "bar": BARS.get(name)} | scores
    table = pd.DataFrame.from_dict(rows, orient="index")
    methods = [c for c in table if c not in ("folds", "bar", "constant")]
    table.loc["mean rank", methods] = table[methods].rank(axis=1).mean()
    return table


if __name__ == "__main__":
    main()
