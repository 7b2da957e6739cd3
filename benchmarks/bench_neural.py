"""What are the neural learners worth: alone, beside "balanced", and pruned?

1. Alone: accuracy of `TextCNNClassifier` on zh_hotel (a random fifth held out; bar .87) and of `ImageCNNClassifier` on
   the pictures of av_digits (its own test rows; bar .93).
2. Pruned: half of the filters taken out and the network fine-tuned. Lost where prediction is not 1.5 times as fast
   or the accuracy falls by more than .01.
3. Added: the same learner beside "balanced" on the same folds. Lost where accuracy or log loss get worse by more than
   two standard errors of the paired difference.

    python benchmarks/bench_neural.py [FOLDER] [sets]

Without FOLDER (default ../shared/data where it is) the packaged part of av_digits is read. Seconds are CPU seconds of
one thread.
"""

import copy
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import bench_accuracy
import numpy as np
import pandas as pd
from _measure import DATA, report

from ensemble_mm import ImageExtractor, StackedClassifier, TextExtractor
from ensemble_mm.learners import ImageCNNClassifier, TextCNNClassifier, portfolio


def zh_hotel(folder):
    """Return texts and labels, rows, the two views of a text, the learner, its bar."""
    X, Y, _, splits = bench_accuracy.zh_hotel(folder)
    tokens = TextExtractor(output="tokens", max_length=200)
    readers = ("words", TextExtractor(), tokens)
    return X["text"].to_numpy(object), Y["sentiment"].to_numpy(), splits[0], readers, TextCNNClassifier(), 0.87


def av_digits(folder):
    """The same for pictures of digits."""
    X, Y, _, splits = bench_accuracy.av_digits(folder if folder.is_dir() else None)
    readers = ("media", ImageExtractor(), ImageExtractor(output="pixels"))
    return X["image"].to_numpy(object), Y["digit"].to_numpy(), splits[0], readers, ImageCNNClassifier(), 0.93


def alone(name, X, y, rows, reader, learner, bar):
    """Return rows of the table: accuracy and speed of the network, whole and pruned."""
    train, test = rows
    started = time.process_time()
    features = reader.fit_transform(X[train])
    model = learner.fit(features, y[train])
    spent, held_out = time.process_time() - started, reader.transform(X[test])
    whole = model.score(held_out, y[test])
    yield {"set": name, "what": "alone", "score": whole, "bar": bar, "cpu_s": spent, "lost": whole < bar}
    pruned = copy.deepcopy(model).prune(0.5, structured=True, X=features, y=y[train])
    half = pruned.score(held_out, y[test])
    speed = times_as_fast(model, pruned, held_out[:200])
    yield {"set": name, "what": "half of the filters", "score": half, "bar": whole - 0.01, "times as fast": speed,
           "megabytes": float(pruned.pruning_.loc["after", "megabytes"] / pruned.pruning_.loc["before", "megabytes"]),
           "lost": half < whole - 0.01 or speed < 1.5}  # fmt: skip


def times_as_fast(one, other, X, n_times=20):
    """Return the median ratio of the seconds of two models, which predict in turn."""
    ratios = []
    for _ in range(n_times):
        spent = []
        for model in (one, other):
            started = time.process_time()
            model.predict_proba(X)
            spent.append(time.process_time() - started)
        ratios.append(spent[0] / spent[1])
    return float(np.median(ratios))


def added(name, X, y, rows, nature, plain, reader, learner):
    """Return a row of the table: "balanced" with the network and without it."""
    train, test = rows
    learners = portfolio("balanced", "classification", n_rows=len(train), n_classes=len(np.unique(y)),
                         views={"plain": nature}, random_state=0)  # fmt: skip
    learners = [(key, learner, ["plain"], form) for key, learner, _, form in learners]
    views = [("plain", plain, "x"), ("raw", reader, "x")]
    scores, losses = [], []
    with tempfile.TemporaryDirectory() as kept:  # what both have in common is fitted once
        for more in ([], [("network", learner, ["raw"])]):
            model = StackedClassifier(views, [*learners, *more], checkpoint=kept, random_state=0, n_jobs=1)
            proba = model.fit(pd.DataFrame({"x": X[train]}), y[train]).predict_proba(pd.DataFrame({"x": X[test]}))
            place = np.searchsorted(model.classes_, y[test])
            scores.append(proba.argmax(axis=1) == place)
            losses.append(-np.log(np.clip(proba[np.arange(len(test)), place], 1e-6, 1)))
    worse = losses[1] - losses[0]
    missed = scores[0].astype(float) - scores[1]
    errors = [2 * d.std(ddof=1) / np.sqrt(len(d)) for d in (worse, missed)]
    weight = float(model.contributions_["y"].xs("network", level="learner").sum())
    return {"set": name, "what": "added to balanced", "score": float(scores[1].mean()), "bar": float(scores[0].mean()),
            "log loss": float(losses[1].mean()), "without": float(losses[0].mean()), "weight": weight,
            "lost": bool(worse.mean() > errors[0] or missed.mean() > errors[1])}  # fmt: skip


def main(folder=DATA, names=None):
    """Run all, print and write them."""
    folder, rows = Path(folder), []
    sets = {"zh_hotel": zh_hotel, "av_digits": av_digits} if folder.is_dir() else {"av_digits": av_digits}
    for name in names.split(",") if names else sets:
        X, y, parts, (nature, plain, reader), learner, bar = sets[name](folder)
        learner.set_params(random_state=0, device="cpu")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for row in alone(name, X, y, parts, reader, learner, bar):
                print(row, flush=True)
                rows.append(row)
            rows.append(added(name, X, y, parts, nature, plain, reader, learner))
            print(rows[-1], flush=True)
    report("neural", rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
