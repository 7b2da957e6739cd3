"""What does each view say alone, with nothing set, and do all views together beat the best of them?

Every row of the table is one task of one set: a fit of "balanced" learners on each view alone with its default
extractor, one on all views together, and beside them the plain mean of the single views' predictions. Rows are scored
on the set's own test split, or in five folds where it has none. The question is lost where a view misses its bar, or
where all together are worse than the best single view by more than 0.005.

    python benchmarks/bench_views.py [folder of sets] [name of a set ...]

The bars are what the project aims at; without the folder, the packaged sets are read.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold

from ensemble_mm import MultimodalData, StackedClassifier, StackedRegressor, load_demo

FOLDER = Path(__file__).parents[1] / ".." / "shared" / "data"
ACCURACY, AUC, R2 = "accuracy", "AUC", "R2"


def av_digits(folder):
    """Return what the sets below return: X, the table of targets, (train, test) pairs, and the rows of the table."""
    table = pd.read_parquet(folder / "table.parquet")
    X = pd.DataFrame({"sound": table["audio"], "image": table["image"], "degraded": table["image_pca75"]})
    X = X.map(lambda path: str(folder / path)).astype(object)
    sound, image, degraded = ["sound"], ["image"], ["degraded"]
    tasks = [
        ("y_digit", ACCURACY, {"sound": (sound, 0.985), "image": (image, 0.93)}),
        ("y_digit", ACCURACY, {"sound": (sound, 0.985), "degraded": (degraded, 0.70)}),
        ("y_speaker", ACCURACY, {"sound": (sound, 0.99), "image": (image, None)}),
    ]
    return X, table, [_split(table["split"])], tasks


def moving_digits(folder):
    """Three tasks: both views know the digit, the clip alone its movement."""
    table = pd.read_csv(folder / "table.csv.gz")
    X = pd.DataFrame({"video": table["video"], "sound": table["audio"]}).map(lambda path: str(folder / path))
    views = {"video": (["video"], None), "sound": (["sound"], None)}
    tasks = [
        ("y_direction", ACCURACY, views | {"video": (["video"], 0.95)}),
        ("y_speed", R2, views | {"video": (["video"], 0.85)}),
        ("y_digit", ACCURACY, views),
    ]
    return X.astype(object), table, None, tasks


def movie_posters(folder):
    """Poster, four texts and facts."""
    table = pd.read_parquet(folder / "table.parquet")
    texts = ["title", "overview", "tagline", "plot_keywords"]
    facts = ["year", "duration", "country", "language", "director_facebook_likes", "actor_1_facebook_likes",
             "cast_total_facebook_likes", "budget_usd"]  # fmt: skip
    X = table[["poster", *texts, *facts]].copy()
    X["poster"] = [str(folder / path) for path in X["poster"]]
    views = {"poster": (["poster"], 0.76), "text": (texts, 0.83), "facts": (facts, None)}
    return X, table, [_split(table["split"])], [("y_main_genre", AUC, views)]


def zh_hotel(folder):
    """One Chinese text."""
    table = pd.read_parquet(folder / "table.parquet")
    return table[["text"]], table, None, [("y_sentiment", ACCURACY, {"text": (["text"], 0.90)})]


def mfeat(folder):
    """Six ready-made vectors."""
    with np.load(folder / "views.npz") as file:
        X = MultimodalData({name: file[name] for name in file})
    table = pd.read_csv(folder / "table.csv.gz")
    return X, table, None, [("y_digit", ACCURACY, {name: ([name], None) for name in X.views})]


def imdb_genre(folder):
    """Title, plot and names; facts."""
    table = pd.read_parquet(folder / "table.parquet")
    texts = ["Title", "Description", "Director", "Actors"]
    facts = ["Rank", "Year", "Runtime (Minutes)", "Rating", "Votes", "Revenue (Millions)", "Metascore"]
    views = {"text": (texts, 0.775), "facts": (facts, None)}
    return table[texts + facts], table, [_split(table["split_shi2021"])], [("y_is_drama", AUC, views)]


TOGETHER = {"mfeat": 0.985}  # bars of all views together
SETS = {f.__name__: f for f in (av_digits, moving_digits, movie_posters, zh_hotel, mfeat, imdb_genre)}


def packaged():
    """The packaged sets in the form of those above, without bars: they are small parts of them."""
    for name, tasks in (
        ("av_digits", [("digit", ACCURACY), ("speaker", ACCURACY)]),
        ("moving_digits", [("direction", ACCURACY), ("speed", R2)]),
    ):
        X, Y = load_demo(name)
        views = {view: ([view], None) for view in X}
        yield name, (X, Y, None, [(task, metric, views) for task, metric in tasks])


def main(folder=FOLDER, *names):
    """Score every view alone and all together; print a table and write benchmarks/results/views.json."""
    folder, rows = Path(folder), []
    sets = ((n, SETS[n](folder / n)) for n in names or SETS) if folder.is_dir() else packaged()
    for name, (X, table, folds, tasks) in sets:
        for task, metric, views in tasks:
            rows.append(_row(name, X, table, folds, task, metric, views))
            _show(rows[-1])
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "views.json").write_text(json.dumps(rows, indent=1))
    return rows


def _row(name, X, table, folds, task, metric, views):
    known = np.flatnonzero(table[task].notna())
    y = table[task].to_numpy(float) if metric == R2 else table[task].to_numpy()
    if folds is None:
        splitter = KFold if metric == R2 else StratifiedKFold
        folds = [(known[a], known[b]) for a, b in splitter(5, shuffle=True, random_state=0).split(known, y[known])]
    row = {"set": name, "task": task, "metric": metric, "views": {}}
    predictions = {}
    for view, (columns, bar) in views.items():
        predictions[view], seconds = _fit_and_predict(X, columns, y, folds, metric)
        row["views"][view] = {"score": _score(metric, y, folds, predictions[view]), "bar": bar, "cpu_s": seconds}
    row["best_view"] = max(entry["score"] for entry in row["views"].values())
    if len(views) > 1:
        row["mean_of_views"] = _score(metric, y, folds, [np.mean(p, axis=0) for p in zip(*predictions.values(),
                                                                                       strict=True)])  # fmt: skip
        columns = [column for view, _ in views.values() for column in view]
        together, row["cpu_s"] = _fit_and_predict(X, columns, y, folds, metric)
        row["together"], row["bar"] = _score(metric, y, folds, together), TOGETHER.get(name)
    return row


def _fit_and_predict(X, columns, y, folds, metric):
    """Return a prediction (probabilities, or numbers) a fold, and CPU seconds."""
    if isinstance(X, MultimodalData):
        X = MultimodalData({name: X.views[name] for name in columns})
    else:
        X = X[columns]
    started, out = time.process_time(), []
    for train, test in folds:
        rows = (lambda i: X[i]) if isinstance(X, MultimodalData) else (lambda i: X.iloc[i])
        model = (StackedRegressor if metric == R2 else StackedClassifier)(random_state=0, n_jobs=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(rows(train), y[train])
        out.append(model.predict(rows(test)) if metric == R2 else model.predict_proba(rows(test)))
    return out, time.process_time() - started


def _score(metric, y, folds, predictions):
    """Return the mean over folds."""
    scores = []
    for (train, test), p in zip(folds, predictions, strict=True):
        if metric == R2:
            scores.append(r2_score(y[test].astype(float), p))
            continue
        classes = np.unique(y[train])
        if metric == AUC:
            scores.append(roc_auc_score(y[test] == classes[1], p[:, 1]))
        else:
            scores.append(accuracy_score(y[test].tolist(), classes[p.argmax(axis=1)].tolist()))
    return float(np.mean(scores))


def _show(row):
    for view, entry in row["views"].items():
        bar = "" if entry["bar"] is None else f"bar {entry['bar']:.3f}" + (" MISSED" * (entry["score"] < entry["bar"]))
        print(f"{row['set']:14} {row['task']:12} {row['metric']:9} {view:10} {entry['score']:.4f}  "
              f"{entry['cpu_s']:6.0f} s  {bar}", flush=True)  # fmt: skip
    if "together" in row:
        lost = row["together"] < row["best_view"] - 0.005 or row["together"] < (row["bar"] or -np.inf)
        print(f"{row['set']:14} {row['task']:12} {row['metric']:9} {'together':10} {row['together']:.4f}  "
              f"{row['cpu_s']:6.0f} s  best view {row['best_view']:.4f}, mean of views {row['mean_of_views']:.4f}"
              + " MISSED" * lost, flush=True)  # fmt: skip


def _split(column):
    """Return the (train, test) pair of a column that says which rows train."""
    return np.flatnonzero(column == "train"), np.flatnonzero(column != "train")


if __name__ == "__main__":
    main(*sys.argv[1:])
