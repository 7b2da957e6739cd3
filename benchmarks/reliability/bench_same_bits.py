"""Does a change of the engine leave every answer as it was, bit for bit?

Some 30 small fits go through all modalities, strategies, portfolios and kinds of task, with weights, groups, missing
views, unknown labels, pruning, calibration, checkpoint and cache. `--record` keeps their tables, out-of-fold and other
predictions, weights and scores in a file; `--compare` runs them again and names every array that differs.

    python benchmarks/reliability/bench_same_bits.py --record truth.npz       # with the code before a change
    python benchmarks/reliability/bench_same_bits.py --compare truth.npz      # with the code after it
    python benchmarks/reliability/bench_same_bits.py --compare truth.npz --only text media
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold, TimeSeriesSplit
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ensemble_mm import (
    MultiOutputStack,
    StackedClassifier,
    StackedRegressor,
    compare_strategies,
    load_demo,
    make_multimodal,
    view_contributions,
)

ROWS = 70
QUICK = {
    "classification": [("linear", LogisticRegression()), ("near", KNeighborsClassifier(), "all", "reduced")],
    "regression": [("linear", Ridge()), ("near", KNeighborsRegressor(), "all", "reduced")],
}
TREES = [
    ("trees", ExtraTreesClassifier(8, min_samples_leaf=3), "all", "reduced"),
    ("numbers", ExtraTreesRegressor(8, min_samples_leaf=3), "all", "reduced"),
    ("linear", LogisticRegression()),
    ("ridge", Ridge()),
]
CASES = {}


def case(fit):
    """Add a function without arguments that returns a fitted model and rows to predict, or a frame."""
    CASES[fit.__name__] = fit
    return fit


def samples(**settings):
    X, Y = make_multimodal(ROWS + 20, **{"random_state": 0, "image_size": 8} | settings)
    return X[:ROWS], Y[:ROWS], X[ROWS:].reset_index(drop=True)


def plain():
    """Return samples without pictures, which take longest to read."""
    X, Y, new = samples()
    return X.drop(columns="photo"), Y[["mood", "level"]], new.drop(columns="photo")


def twins():
    """Return tasks that tell each other, so that a second level is kept."""
    X, Y, new = samples(n_tasks=2, noise=2.0)
    Y = Y.assign(twin=Y["level"] * 2 + 1, third=np.digitize(Y["level"], [-1, 1]).astype(str))
    Y.loc[:20, "twin"] = Y.loc[30:50, "third"] = None
    return X, Y, new


def vectors():
    X = np.random.default_rng(0).normal(size=(ROWS, 6))
    return X, X[:, 0] - 2 * X[:, 1] ** 2 + 0.3 * np.sin(9 * X[:, 2])


def digits():
    """Pictures, sounds and clips, some of them missing, and one column of numbers."""
    X, Y = load_demo("moving_digits")
    X = X.assign(number=np.random.default_rng(0).normal(size=len(X)))
    return X[:60], Y[:60], X[60:70].reset_index(drop=True)


def one(cls, task, *, fit=None, data=None, **settings):
    X, Y, new = data or samples()
    settings = {"learners": QUICK, "cv": 3, "random_state": 0} | settings
    return cls(**settings).fit(X, Y[task], **(fit or {})), new


def several(*, fit=None, data=None, **settings):
    X, Y, new = data or samples()
    settings = {"learners": QUICK, "cv": 3, "random_state": 0} | settings
    return MultiOutputStack(**settings).fit(X, Y, **(fit or {})), new


@case
def fast_binary():
    return one(StackedClassifier, "mood", learners="fast", calibration="temperature")


@case
def fast_multiclass():
    return one(StackedClassifier, "kind", learners="fast", calibration="isotonic")


@case
def fast_number():
    return one(StackedRegressor, "level", learners="fast")


@case
def balanced_number():
    X, y = vectors()
    return one(StackedRegressor, "y", learners="balanced", data=(X, {"y": y}, X[:20] + 0.1))


@case
def balanced_classes():
    X, Y, new = samples()
    columns = ["review", "age", "price"]
    return one(StackedClassifier, "kind", learners="balanced", data=(X[columns], Y, new[columns]), cv=2)


@case
def fast_stacked():
    return several(data=plain(), learners="fast", strategy="stacked")


@case
def quick_independent():
    return several(strategy="independent")


@case
def quick_stacked():
    return several(strategy="stacked", learners=TREES)


@case
def quick_chain():
    return several(strategy="chain", learners=TREES, meta_learner="greedy")


@case
def stacked_helps():
    return several(data=twins(), strategy="stacked")


@case
def stacked_helps_pruned():
    return several(data=twins(), strategy="stacked", prune=4)


@case
def chain_helps_pruned():
    return several(data=twins(), strategy="chain", prune=6)


@case
def fold_models():
    return several(refit=False, strategy="stacked", learners=TREES)


@case
def media():
    X, Y, new = digits()
    return several(data=(X, Y[["speaker", "speed"]], new), learners=TREES[1:], cv=2)


@case
def media_pictures():
    X, Y, new = digits()
    return one(StackedClassifier, "digit", data=(X[["picture", "number"]], Y, new[["picture", "number"]]), cv=2)


@case
def missing_and_unknown():
    return several(data=samples(missing=0.3, unknown=0.2), learners=TREES)


@case
def weighted():
    weight = np.random.default_rng(0).integers(0, 3, ROWS).astype(float)
    return several(fit={"sample_weight": weight}, learners=TREES, prune=2)


@case
def weighted_by_task():
    weight = np.random.default_rng(0).integers(0, 3, (ROWS, 3)).astype(float)
    return several(fit={"sample_weight": weight}, strategy="chain")


@case
def grouped():
    return several(fit={"groups": np.arange(ROWS) // 4}, strategy="stacked")


@case
def repeated_folds():
    X, y = vectors()
    return one(StackedRegressor, "y", data=(X, {"y": y}, X[:9] * 1.1), cv=RepeatedKFold(n_splits=2, n_repeats=2,
               random_state=0))  # fmt: skip


@case
def folds_of_time():
    X, y = vectors()
    return one(StackedRegressor, "y", data=(X, {"y": y}, X[:9] * 1.1), cv=TimeSeriesSplit(3), refit=False)


@case
def views_by_hand():
    views = [
        ("words", "auto", "review"),
        ("table", make_pipeline(StandardScaler(), PCA(2)), ["age", "price"]),
        ("plain", FunctionTransformer(np.tanh), ["price"]),
        ("gone", "drop", "photo"),
    ]
    X, Y, new = samples()
    return several(data=(X, Y, new), views=views, learners=[*TREES, ("pair", LogisticRegression(), ["words", "plain"])])


@case
def extractor_with_labels():
    views = [("table", LinearDiscriminantAnalysis(n_components=1), ["age", "price"]), ("words", "auto", "review")]
    X, Y, new = samples()
    return several(data=(X, Y[["mood", "kind"]], new), views=views, learners=TREES, strategy="stacked")


@case
def augmented():
    X, Y, new = samples()
    return one(StackedClassifier, "mood", data=(X[["photo", "review"]], Y, new[["photo", "review"]]), augment=1)


@case
def dict_of_views():
    X, Y, new = samples()

    def parts(frame):
        return {"words": list(frame["review"]), "vector": frame[["age", "price"]].to_numpy()}

    return several(data=(parts(X), Y, parts(new)), meta_learner={"mood": "simplex", "regression": "linear"})


@case
def pruned_auto():
    return several(prune="auto", strategy="independent", learners=TREES)


@case
def dropped_learner():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bad = ("bad", make_pipeline(FunctionTransformer(_fail), LogisticRegression()))
        return one(StackedClassifier, "mood", learners=[*TREES, bad], on_error="drop")


@case
def short_of_time():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return several(time_budget=1e-6, learners=TREES)


@case
def cached():
    """The second fit takes everything from the cache, and the third resumes from a checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            several(data=plain(), cache=f"{folder}/cache")
        for _ in range(2):
            model, new = several(data=plain(), cache=f"{folder}/cache", checkpoint=f"{folder}/jobs")
        model.predict(new)
        predicted = model.predict(new)
        model.set_params(cache=None, checkpoint=None)
        assert predicted.equals(model.predict(new)), "the cache changes what is predicted"
    return model, new


@case
def two_processes():
    return several(data=plain(), n_jobs=2, learners=TREES, strategy="chain")


@case
def compared():
    X, Y, _ = samples()
    weight = np.random.default_rng(0).integers(1, 3, ROWS).astype(float)
    return compare_strategies(X, Y[["mood", "level"]], sample_weight=weight, learners=TREES, cv=3, random_state=0)


def _fail(X):
    raise RuntimeError("meant to fail")


def arrays_of(result):
    """Return {name: array} of everything that a fit says."""
    if isinstance(result, pd.DataFrame):
        return dict(_frame("frame", result))
    model, new = result
    found = dict(_frame("table", model.table_.to_frame()))
    found |= _frame("table of new rows", model.predict_members(new).to_frame())
    found |= _frame("contributions", model.contributions_) | _frame("scores", model.cv_results_)
    found |= _frame("views", view_contributions(model, n_bootstrap=3, random_state=0))
    found |= {f"oof {name}": out for name, out in model.oof_.items()}
    for what in ("predict", "predict_proba", "predict_interval", "predict_set"):
        if hasattr(model, what):
            out = getattr(model, what)(new)
            for task, part in out.items() if hasattr(out, "items") else [("", out)]:
                found[f"{what} {task}".strip()] = np.asarray(part)
    for name in ("strategy_", "task_contributions_"):
        if hasattr(model, name):
            found |= _frame(name, getattr(model, name))
    found["failures"] = np.array([failure["learner"] for failure in model.failures_])
    found["extractions"] = np.array(model.n_extractions_)
    return {name: array.astype(str) if array.dtype == object else array for name, array in found.items()}


def _frame(name, frame):
    numbers = frame.select_dtypes("number").to_numpy(np.float64)
    words = frame.select_dtypes(exclude="number").astype(str).to_numpy(str)
    index = np.array([*map(str, frame.index)]) if name not in ("table", "table of new rows") else np.empty(0)
    return {name: numbers, f"{name}: words": words, f"{name}: columns": np.array([*map(str, frame.columns)]),
            f"{name}: index": index}  # fmt: skip


def differs(before, after):
    """Say how two arrays differ; an empty text where they are the same to the bit."""
    if before is None or after is None:
        return "is new" if before is None else "is gone"
    if before.shape != after.shape or before.dtype.kind != after.dtype.kind:
        return f"was {before.dtype.kind}{before.shape}, is {after.dtype.kind}{after.shape}"
    if before.dtype.kind == "f":
        same = (before == after) | (np.isnan(before) & np.isnan(after))
        return "" if same.all() else f"{(~same).sum()} of {same.size} differ, by {np.nanmax(abs(after - before)):.3g}"
    return "" if (before == after).all() else f"{(before != after).sum()} of {before.size} differ"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--record", type=Path, metavar="FILE")
    what.add_argument("--compare", type=Path, metavar="FILE")
    parser.add_argument("--only", nargs="+", default=[""], help="cases whose names hold one of these texts")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    wanted = [name for name in CASES if any(part in name for part in args.only)]
    found, started = {}, time.perf_counter()
    truth = {} if args.record else dict(np.load(args.compare))
    wrong = 0
    for name in wanted:
        begun = time.perf_counter()
        own = {f"{name} / {what}": np.asarray(array) for what, array in arrays_of(CASES[name]()).items()}
        found |= own
        seconds = time.perf_counter() - begun
        if args.record:
            print(f"{name}: {len(own)} arrays in {seconds:.1f} s", flush=True)
            continue
        known = {key: array for key, array in truth.items() if key.startswith(f"{name} / ")}
        told = {key: differs(known.get(key), own.get(key)) for key in {**known, **own}}
        told = {key: words for key, words in told.items() if words}
        wrong += len(told)
        print(f"{name}: {len(told)} of {len(own)} arrays differ ({seconds:.1f} s)", flush=True)
        for key, words in told.items():
            print(f"    {key}: {words}", flush=True)
    if args.record:
        args.record.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(args.record, **{key: array for key, array in found.items()})
    print(f"{len(wanted)} cases, {len(found)} arrays, {wrong} differ, {time.perf_counter() - started:.0f} s")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
