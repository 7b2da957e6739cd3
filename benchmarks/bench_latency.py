"""How long does one row take, and how many rows go through in batches, beside pipelines of scikit-learn?

Films of `movie_posters` (see `bench_accuracy`): texts and facts, each of both alone, and with their posters; sounds of
5 s of `esc10`, clips of `moving_digits`, and made ones of 2 s; a plain table of numbers; one core. The peers, in the
same run: words and a logistic regression on the plot, and a `ColumnTransformer` before LightGBM on the facts. The
question is lost where the 50th of 100 single rows takes more than 5 ms (15 the 99th), with a poster 25, a sound 20, a
clip 40, where fewer than 20,000 rows per second go through in batches, or where a predictor differs from its model by
more than 1e-6.

    python benchmarks/bench_latency.py DATA [n_rows]
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import pandas as pd
from _sets import moving_digits, posters
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

from ensemble_mm import MultiOutputStack

N_SINGLE, N_BATCHES, TARGET = 100, 7, "main_genre"


def measured(predict, X, many):
    """Return CPU milliseconds of single rows (50th and 99th of a hundred), and rows per CPU second in batches (median).

    The rows of a batch are different ones: values that repeat are read once. What is made once is made before.
    """
    predict(X.iloc[:1])
    predict(X.iloc[:20])
    spent = []
    for i in range(N_SINGLE):
        row, start = X.iloc[[i % len(X)]], time.process_time()
        predict(row)
        spent.append(1e3 * (time.process_time() - start))
    seconds = []
    for _ in range(N_BATCHES):
        start = time.process_time()
        predict(many)
        seconds.append(time.process_time() - start)
    rows_per_s = len(many) / np.median(seconds)
    return {"median_ms": np.median(spent), "p99_ms": np.percentile(spent, 99), "rows_per_s": rows_per_s}


def sounds(folder):
    """esc10: sounds of 5 seconds and what makes them."""
    table = pd.read_parquet(folder / "esc10" / "table.parquet")
    return pd.DataFrame({"sound": [str(folder / "esc10" / path) for path in table["sound"]]}), table[["kind"]]


def clips(folder, n=120):
    """Made clips of 2 seconds, 320 x 240, 25 pictures per second: a square that moves to the left or to the right."""
    rows, sides = [], ["left", "right"] * (n // 2)
    for place, side in enumerate(sides):
        path, rng = str(folder / f"{place}.mp4"), np.random.default_rng(place)
        ground, top = rng.integers(0, 120, (240, 320, 3), dtype=np.uint8), rng.integers(0, 190)
        with av.open(path, "w") as file:
            stream = file.add_stream("mpeg4", rate=25)
            stream.width, stream.height = 320, 240
            for i in range(50):
                picture, left = ground.copy(), 5 * (i if side == "right" else 49 - i)
                picture[top : top + 50, left : left + 50] = 255
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            file.mux(stream.encode())
        rows.append(path)
    return pd.DataFrame({"clip": rows}), pd.DataFrame({"side": sides})


def main(data, n_rows=1490):
    X, Y, _, [(train, test)] = posters(Path(data))
    train, y = train[:n_rows], Y[TARGET]
    facts = ["year", "duration", "country", "language", "cast_total_facebook_likes", "budget_usd"]
    peers = {
        "words, logistic": (make_pipeline(TfidfVectorizer(), LogisticRegression()), lambda X: X["overview"].fillna("")),
        "facts, LightGBM": (
            make_pipeline(
                make_column_transformer(
                    (OneHotEncoder(handle_unknown="ignore"), ["country", "language"]), remainder="passthrough"
                ),
                LGBMClassifier(n_jobs=1, verbose=-1),
            ),
            lambda X: X[facts],
        ),
    }
    found = {}
    with threadpool_limits(1):
        for name, (model, pick) in peers.items():
            fitted = model.fit(pick(X.iloc[train]), y.iloc[train])
            found[name] = measured(fitted.predict_proba, pick(X.iloc[test]), pick(X.iloc[:2000]))
        small, digits, *_ = moving_digits(Path(data))
        numbers = load_diabetes(as_frame=True)
        folder = Path(tempfile.mkdtemp())
        sets = {
            "texts and facts": (X.drop(columns="poster"), Y[[TARGET]], train, test),
            "texts": (X[["title", "overview", "tagline", "plot_keywords"]], Y[[TARGET]], train, test),
            "facts": (X[facts], Y[[TARGET]], train, test),
            "one text": (X[["overview"]], Y[[TARGET]], train, test),
            "numbers": (numbers.data, (numbers.target > 140).to_frame(), range(0, 300), range(300, 442)),
            "with posters": (X, Y[[TARGET]], train, test),
            "sounds": (*sounds(Path(data)), range(0, 300), range(300, 400)),
            "clips of 16 small frames": (small[["video"]], digits[["digit"]], range(0, 300), range(300, 400)),
            "clips of 2 s": (*clips(folder), range(0, 80), range(80, 120)),
        }
        for name, (views, labels, fitted, others) in sets.items():
            model = MultiOutputStack(learners="fast", cv=5, random_state=0)
            model.fit(views.iloc[list(fitted)[:n_rows]], labels.iloc[list(fitted)[:n_rows]])
            quick, new = model.compiled(), views.iloc[list(others)]
            many = new.iloc[:100] if {"poster", "sound", "video", "clip"} & {*views} else views.iloc[:2000]
            found[name] = measured(quick.predict_proba, new, many)
            (task,) = labels.columns
            wanted, got = model.predict_proba(new)[task], quick.predict_proba(new)[task]
            found[name]["differs_by"] = float(np.abs(wanted - got).max())
        shutil.rmtree(folder)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
