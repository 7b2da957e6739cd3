"""The sets of `bench_accuracy`: each gives (X, Y, {task: metric}, list of (train rows, test rows))."""

from functools import partial

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from ensemble_mm import MultimodalData, load_demo


def imdb_ten(folder):
    """imdb_genre: the 800 official training rows, ten random tenths held out."""
    X, Y, part = _imdb(folder)
    rows = np.flatnonzero(part == "train")
    return X, Y, {"drama": "auc"}, [train_test_split(rows, test_size=0.1, random_state=42 + k) for k in range(10)]


def imdb_official(folder):
    """imdb_genre: 800 and 200 rows."""
    X, Y, part = _imdb(folder)
    return X, Y, {"drama": "auc"}, [(np.flatnonzero(part == "train"), np.flatnonzero(part == "test"))]


def _imdb(folder):
    table = pd.read_parquet(folder / "imdb_genre" / "table.parquet")
    Y = pd.DataFrame({"drama": table["y_is_drama"]})
    return table.drop(columns=["Genre", "y_is_drama", "split_shi2021"]), Y, table["split_shi2021"].to_numpy(object)


def posters(folder):
    """movie_posters: text, poster and facts; five tasks, two of them partly unknown."""
    table = pd.read_parquet(folder / "movie_posters" / "table.parquet")
    table["poster"] = [str(folder / "movie_posters" / path) for path in table["poster"]]
    metrics = {"main_genre": "auc", "genre_romance": "auc", "imdb_score": "r2", "log10_revenue": "r2",
               "content_rating": "log_loss"}  # fmt: skip
    Y = table[[f"y_{task}" for task in metrics]].set_axis(list(metrics), axis=1)
    part = table["split"].to_numpy(object)
    X = table[[c for c in table if not c.startswith("y_") and c not in ("imdb_id", "split")]]
    return X, Y, metrics, [(np.flatnonzero(part == "train"), np.flatnonzero(part == "test"))]


def zh_hotel(folder):
    """zh_hotel: five random fifths held out."""
    table = pd.read_parquet(folder / "zh_hotel" / "table.parquet")
    y, rows = table["y_sentiment"], np.arange(len(table))
    splits = [train_test_split(rows, test_size=0.2, random_state=k, stratify=y) for k in range(5)]
    return table[["text"]], pd.DataFrame({"sentiment": y}), {"sentiment": "accuracy"}, splits


def av_digits(folder):
    """av_digits: a digit seen and heard; the takes that its authors test on."""
    if folder is None:
        X, Y = load_demo("av_digits")
        X = X[["sound", "picture"]].set_axis(["audio", "image"], axis=1)
        rows = np.arange(len(Y))
        splits = list(StratifiedKFold(5, shuffle=True, random_state=0).split(rows, Y["digit"]))
        return X, Y[["digit"]], {"digit": "accuracy"}, splits
    table = pd.read_parquet(folder / "av_digits" / "table.parquet")
    X = pd.DataFrame({c: [str(folder / "av_digits" / path) for path in table[c]] for c in ("audio", "image")})
    part = table["split"].to_numpy(object)
    splits = [(np.flatnonzero(part == "train"), np.flatnonzero(part == "test"))]
    return X, pd.DataFrame({"digit": table["y_digit"]}), {"digit": "accuracy"}, splits


def moving_digits(folder):
    """moving_digits: clips with sound, three tasks, five folds."""
    if folder is None:
        X, Y = load_demo("moving_digits")
        X, Y = X[["clip", "sound"]].set_axis(["video", "audio"], axis=1), Y[["digit", "direction", "speed"]]
    else:
        table = pd.read_csv(folder / "moving_digits" / "table.csv.gz")
        X = pd.DataFrame({c: [str(folder / "moving_digits" / path) for path in table[c]] for c in ("video", "audio")})
        Y = table[["y_digit", "y_direction", "y_speed"]].set_axis(["digit", "direction", "speed"], axis=1)
    metrics = {"digit": "accuracy", "direction": "accuracy", "speed": "r2"}
    return X, Y, metrics, list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, Y["digit"]))


def mfeat(folder):
    """mfeat: six vector views of a digit, five folds."""
    views = dict(np.load(folder / "mfeat" / "views.npz"))
    y = pd.read_csv(folder / "mfeat" / "table.csv.gz")["y_digit"]
    splits = list(StratifiedKFold(5, shuffle=True, random_state=0).split(y, y))
    return MultimodalData(views), pd.DataFrame({"digit": y}), {"digit": "accuracy"}, splits


def goodreads(folder):
    """goodreads: descriptions, names and dirty columns; five splits of its authors."""
    table = pd.read_parquet(folder / "goodreads" / "table.parquet")
    parts = [f"split_{k}" for k in range(5)]
    splits = [_rows(table[part]) for part in parts]
    return table.drop(columns=["Rating", *parts]), table[["Rating"]], {"Rating": "r2"}, splits


def midwest_survey(folder):
    """midwest_survey: one free answer, categories, ZIP codes."""
    return _split_once(folder, "midwest_survey", {"Census_Region": "accuracy"})


def open_payments(folder):
    """open_payments: names with thousands of spellings."""
    return _split_once(folder, "open_payments", {"status": "auc"})


def molecules(folder):
    """molecules: strings of SMILES; three tasks, partly unknown."""
    metrics = {"log_solubility": "r2", "approved": "auc", "toxic": "auc"}
    X, Y, metrics, splits = _split_once(folder, "molecules", metrics)
    return (
        X,
        Y.assign(**{c: Y[c].map({0: "no", 1: "yes"}).astype(object) for c in ("approved", "toxic")}),
        metrics,
        splits,
    )


def tweet_emotions(folder):
    """tweet_emotions: eleven labels of tweets."""
    table = pd.read_parquet(folder / "tweet_emotions" / "table.parquet")
    emotions = [c for c in table if c not in ("ID", "Tweet", "split")]
    return table[["Tweet"]], table[emotions], dict.fromkeys(emotions, "auc"), [_rows(table["split"])]


def houses(folder):
    """houses: four pictures and facts, logarithm of the price; five folds."""
    table = pd.read_parquet(folder / "houses" / "table.parquet").drop(columns="house")
    for room in ("bathroom", "bedroom", "frontal", "kitchen"):
        table[room] = [str(folder / "houses" / path) for path in table[room]]
    Y = pd.DataFrame({"price": np.log(table["price"])})
    splits = list(KFold(5, shuffle=True, random_state=0).split(Y))
    return table.drop(columns="price"), Y, {"price": "r2"}, splits


def esc10(folder):
    """esc10: sounds of five seconds; one of its five folds held out at a time."""
    table = pd.read_parquet(folder / "esc10" / "table.parquet")
    X = pd.DataFrame({"sound": [str(folder / "esc10" / path) for path in table["sound"]]})
    fold = table["fold"].to_numpy()
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
    return X, table[["kind"]], {"kind": "accuracy"}, splits


def mtr(folder, name):
    """One of the sets of mtr: many targets of one table; five folds."""
    table = pd.read_parquet(folder / "mtr" / f"{name}.parquet")
    tasks = [c for c in table if c.startswith("y_")]
    Y = table[tasks].astype(float)
    return (
        table.drop(columns=tasks),
        Y,
        dict.fromkeys(tasks, "r2"),
        list(KFold(5, shuffle=True, random_state=0).split(Y)),
    )


def _split_once(folder, name, metrics):
    table = pd.read_parquet(folder / name / "table.parquet")
    return table.drop(columns=[*metrics, "split"]), table[list(metrics)], metrics, [_rows(table["split"])]


def _rows(part):
    train = part.to_numpy(object) == "train"
    return np.flatnonzero(train), np.flatnonzero(~train)


SETS = {
    f.__name__: f
    for f in (imdb_ten, imdb_official, posters, zh_hotel, av_digits, moving_digits, mfeat, goodreads, midwest_survey,
              open_payments, molecules, tweet_emotions, houses, esc10)
} | {f"mtr_{name}": partial(mtr, name=name) for name in ("edm", "jura", "atp1d")}  # fmt: skip
PACKAGED = ("av_digits", "moving_digits")
