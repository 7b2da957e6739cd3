"""Does any input crash, hang, fill the memory, give a wrong answer in silence, or end in an error without a cause?

Each case is made from the seed and its number alone, so that it can be made again: a table X, targets Y, parameters,
new rows for a fitted model, whole columns, a manifest, the bytes of a media file, the bytes of a model file, or a
command line, most of them sound but for one or a few odd things. It runs in a worker process that may use so many CPU
seconds and so much memory. The question is lost when a case

- ends the worker (a crash of the interpreter), or uses up its time or memory,
- ends in an error that says nothing to a user: a bare KeyError, IndexError, AttributeError and the like, also as the
  cause of another error, or the words of a broadcast deep inside; ValueError, TypeError, OSError and errors of
  ours are fine,
- gives an answer of the wrong shape, that is not finite, classes that there are not, probabilities that do not sum to
  one, a path outside the root, or other predictions from a damaged file than from the whole one.

    python benchmarks/reliability/bench_fuzz.py [n_cases] [--seed N] [--case K] [--family NAME]

--case runs one case in this process and shows the whole trace.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from fuzz_columns import Fault, as_objects, case_columns, check, pick
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, LeaveOneOut, TimeSeriesSplit
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor, read_table
from ensemble_mm._cli import main as command_line
from ensemble_mm.features import AudioExtractor, ImageExtractor, TabularExtractor, TextExtractor, VideoExtractor
from ensemble_mm.store import ModelFileError, load, save

RESULTS = Path(__file__).parent.parent / "results"
CPU_SECONDS, WALL_SECONDS = 20, 600  # of one case; the second is for what waits without working
MEMORY = 1.5 * 2**30  # bytes that a case may ask for beyond what the worker has
BARE = (LookupError, AttributeError, AssertionError, ArithmeticError, RecursionError, NameError, StopIteration,
        SystemError, BufferError, MemoryError)  # fmt: skip
FINE = (ValueError, TypeError, OSError, ImportError)
DEEP = re.compile(
    r"could not be broadcast|could not broadcast|shape mismatch|out of bounds|object is not subscriptable|"
    r"unsupported operand|object has no attribute|not supported between|unhashable type|is not iterable|"
    r"has no len|cannot unpack|unpack \(expected|truth value of a|takes \d+ positional|unexpected keyword|"
    r"cannot convert float|inhomogeneous shape|zero-size array|need at least one array|cannot reshape|"
    r"not callable|must be real number|integer is required|object cannot be interpreted|ambiguous for a Series"
)


# -- what cases are made of ---------------------------------------------------------------------------------------


ODD_NUMBERS = [0, -1, 1, 2, 3, 7, 10**6, 2**31, 2**63, -(2**63), 0.0, -0.0, 0.5, 1.5, -0.5, 1e-320, 1e300, -1e300,
               np.inf, -np.inf, np.nan, True, False, np.float32(0.5), np.int8(3)]  # fmt: skip
ODD_TEXTS = ["", " ", "a", "auto", "none", "é", "评论 很好", "\x00", "\ud800", "a\nb", "=1+1", "nan", "1e5",
             "2024-01-01", "../x", "<b>", "x" * 3000, "\u202e", "🙂" * 5, "a.png", "%s", "{}"]  # fmt: skip
ODD_THINGS = [None, (), [], {}, set(), b"", b"bytes", object(), len, np.array([]), np.array(3), np.zeros((2, 2)), pd.NA,
              pd.NaT, pd.Timestamp("2024-01-01"), slice(None), 1j, [None], ["a", 1], {"a": 1}, LogisticRegression,
              Ridge(), "drop", "passthrough", range(3), [[1], [2, 3]]]  # fmt: skip


def odd(rng):
    return pick(rng, pick(rng, [ODD_NUMBERS, ODD_TEXTS, ODD_THINGS]))


def odd_column(rng, n):
    """A column of one odd kind; sometimes of a wrong length."""
    if rng.random() < 0.05:
        n = max(0, n + int(rng.integers(-2, 3)))
    kind = int(rng.integers(17))
    normal = rng.normal(size=n)
    some = rng.random(n) < 0.3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            lambda: normal * 10.0 ** rng.integers(-320, 308),
            lambda: np.where(some, np.nan, normal),
            lambda: np.full(n, pick(rng, [0.0, np.nan, 1e308, -1.0, np.inf])),
            lambda: np.where(some, pick(rng, [np.inf, -np.inf, 1e308]), normal),
            lambda: rng.integers(0, pick(rng, [1, 2, 5, 2**40]), n).astype(pick(rng, [np.int8, np.int64, np.uint64])),
            lambda: normal > 0,
            lambda: np.array([pick(rng, ODD_TEXTS) for _ in range(n)], dtype=object),
            lambda: np.array([pick(rng, ["a", "b", "c"]) for _ in range(n)], dtype=object),
            lambda: np.array([None if hit else "a b c d " * 3 + str(i) for i, hit in enumerate(some)], dtype=object),
            lambda: as_objects([odd(rng) for _ in range(n)]),
            lambda: pd.Categorical([pick(rng, ["u", "v", None]) for _ in range(n)]),
            lambda: pd.to_datetime(rng.integers(0, 2**50, n), errors="coerce"),
            lambda: pd.array([pick(rng, [1, 2, None]) for _ in range(n)], dtype="Int64"),
            lambda: as_objects([np.full((int(rng.integers(1, 9)), 6, 3), 9, np.uint8) for _ in range(n)]),
            lambda: as_objects([rng.normal(size=3) for _ in range(n)]),
            lambda: pd.Series(normal, index=rng.permutation(n)),
            lambda: as_objects([pick(rng, [1, "1", 1.5, None, True]) for _ in range(n)]),
        ][kind]()


def table(rng, n):
    """A sound X of two columns of numbers and perhaps odd ones, in one of the forms that are taken."""
    X = rng.normal(size=(n, int(rng.integers(1, 4))))
    form = int(rng.integers(9))
    if form == 0:
        return X
    if form == 1:
        return sp.random(n, 5, 0.4, format=pick(rng, ["csr", "coo", "csc", "lil"]), random_state=int(rng.integers(99)))
    if form == 2:
        names = [f"v{i}" for i in range(int(rng.integers(1, 4)))]
        return {name: pick(rng, [X, odd_column(rng, n), X[:, :0], X.tolist()]) for name in names}
    if form == 3:
        return pick(rng, [X.tolist(), X.astype(np.float16), X.astype(object), X[:, 0], X[:, :0], X[np.newaxis], X[:0],
                          np.asfortranarray(X), np.ma.masked_less(X, 0), np.asmatrix(X), X.astype("U"), X > 0,
                          X.astype("datetime64[s]"), X + 1j])  # fmt: skip
    columns = {pick(rng, ["x", 0, "é", ("a", 1), "[<]", None, 2.5, "x\n"]): X[:, 0]}
    for place in range(int(rng.integers(1, 4))):
        column = odd_column(rng, n)
        if len(column) == n:
            columns[f"c{place}"] = column
    columns = {name: np.asarray(c) if isinstance(c, pd.Series) else c for name, c in columns.items()}
    frame = pd.DataFrame({str(i): pd.Series(c, dtype=object if c.dtype == object else None)
                          for i, c in enumerate(columns.values())})  # fmt: skip
    frame.columns = list(columns)
    if form == 4:
        frame.index = pick(rng, [np.zeros(n, int), np.arange(n)[::-1], [f"r{i}" for i in range(n)]])
    if form == 5:
        frame.columns = ["same"] * frame.shape[1]
    return frame


def targets(rng, n):
    """A sound Y, or one with something odd."""
    number, label = rng.normal(size=n), np.array(["a", "b", "c"], dtype=object)[rng.integers(0, 3, n)]
    form = int(rng.integers(10))
    if form > 7:
        return dressed_labels(rng, n)
    if form < 2:
        return pick(rng, [number, label, label == "a", rng.integers(0, 3, n), label.tolist(), number[:, np.newaxis]])
    if form == 2:
        return pd.DataFrame({"n": np.where(rng.random(n) < 0.3, np.nan, number), "k": label})
    if form == 3:
        return {"n": number, "k": odd_column(rng, n)}
    if form == 4:
        return pd.DataFrame({f"t{i}": pd.Series(np.asarray(odd_column(rng, n), dtype=object)).reindex(range(n))
                             for i in range(int(rng.integers(1, 3)))})  # fmt: skip
    if form == 5:
        y = label.copy()
        y[: int(rng.integers(0, n))] = pick(rng, [None, np.nan, "only", 1, "", True, pd.NaT])
        return y
    return pick(rng, [odd_column(rng, n), odd(rng), np.column_stack([number, odd_of_numbers(rng, n)]), number[:-1],
                      np.full(n, "a"), np.arange(n), np.zeros(n), [None] * n,
                      pd.Series(label, name=("a", 1))])  # fmt: skip


def dressed_labels(rng, n):
    """A Y whose labels are not of the plainest type."""
    codes, holes = rng.integers(0, int(pick(rng, [2, 3, 40])), n), rng.random(n) < float(pick(rng, [0, 0.2]))
    dress = pick(
        rng,
        [
            Decimal,
            str,
            bool,
            float,
            "{}.5".format,
            "{} kg".format,
            "2024-01-{:02d}".format,
            "{:03d}".format,
            lambda c: Decimal(int(c)) / 4,
            lambda c: Fraction(int(c), 3),
            lambda c: str(c).encode(),
            lambda c: pd.Interval(c, c + 1),
            lambda c: pd.Timestamp(2024, 1, 1) + pd.Timedelta(days=c),
            lambda c: ["red", "new", "big"][: c % 4],
            lambda c: {int(c) % 3},
            lambda c: np.arange(c % 3),
        ],
    )
    labels = pd.Series(
        [None if hole else dress(int(code)) for code, hole in zip(codes, holes, strict=True)], dtype=object
    )
    wrap = pick(
        rng,
        [
            lambda y: y,
            list,
            lambda y: y.astype("category"),
            pd.Series.convert_dtypes,
            pd.Series.infer_objects,
            lambda y: y.to_frame("t"),
            lambda y: {"t": y.tolist(), "n": codes},
            lambda y: y.to_numpy(),
            lambda y: [[label, code / 7] for label, code in zip(y, codes, strict=True)],
        ],
    )
    try:
        return wrap(labels)
    except (TypeError, ValueError):  # lists are no categories
        return labels


def odd_of_numbers(rng, n):
    return np.where(rng.random(n) < 0.5, pick(rng, [np.nan, np.inf, 1e300, 0.0]), rng.normal(size=n))


CLASSIFIERS = [("linear", LogisticRegression(max_iter=20)), ("tree", DecisionTreeClassifier(max_depth=2)),
               ("prior", DummyClassifier())]  # fmt: skip
REGRESSORS = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2)), ("mean", DummyRegressor())]


def learners(rng, kind):
    chosen = {"c": CLASSIFIERS, "r": REGRESSORS}[kind]
    return [chosen[i] for i in rng.permutation(3)[: int(rng.integers(1, 3))]]


def stack(rng, **options):
    kind = int(rng.integers(3))
    common = {"cv": 2, "random_state": 0, "meta_learner": pick(rng, ["greedy", "mean", "simplex"])} | options
    if kind == 0:
        return StackedClassifier(**{"learners": learners(rng, "c")} | common)
    if kind == 1:
        return StackedRegressor(**{"learners": learners(rng, "r")} | common)
    both = {"classification": learners(rng, "c"), "regression": learners(rng, "r")}
    return MultiOutputStack(**{"learners": both, "strategy": pick(rng, ["independent", "stacked", "chain"])} | common)


def rows_of(X):
    if isinstance(X, dict):
        return rows_of(next(iter(X.values()), []))
    return X.shape[0] if hasattr(X, "shape") else len(X)


def check_answers(model, X):
    """What holds for any answer."""
    predicted, n = model.predict(X), rows_of(X)
    check(len(predicted) == n, f"{len(predicted)} predictions for {n} rows")
    several = isinstance(model, MultiOutputStack)
    frame = pd.DataFrame(predicted)
    check(frame.shape[1] == len(model.tasks_), f"{frame.shape[1]} columns for {len(model.tasks_)} tasks")
    for place, (name, task) in enumerate(model.tasks_.items()):
        column = frame.iloc[:, place]
        if task.classes is None:
            check(np.isfinite(column.to_numpy(float)).all(), f"predictions of {name!r} are not finite")
        else:
            check(column.isin(list(task.classes)).all(), f"predictions of {name!r} are no classes of it")
    if any(task.classes is not None for task in model.tasks_.values()):
        probabilities = model.predict_proba(X)
        for name, proba in (probabilities if several else {next(iter(model.tasks_)): probabilities}).items():
            check(proba.shape == (n, len(model.tasks_[name].classes)), f"probabilities of shape {proba.shape}")
            check(np.isfinite(proba).all() and (proba >= 0).all(), "probabilities that are none")
            check(np.allclose(proba.sum(axis=1), 1, atol=1e-6), "probabilities that do not sum to one")


# -- families of cases: each takes a generator and a folder of its own ---------------------------------------------


def case_x(rng, folder):
    n = int(pick(rng, [0, 1, 2, 3, 12, 20, 30]))
    X, label = table(rng, n), np.array(["a", "b"])[np.arange(n) % 2]
    model = stack(rng)
    y = label if isinstance(model, StackedClassifier) else np.arange(n) + 0.5
    model.fit(X, y)
    check_answers(model, X)


def case_y(rng, folder):
    n = int(pick(rng, [6, 15, 25]))
    X = rng.normal(size=(n, 2))
    options = {}
    if rng.random() < 0.3:
        weights = [np.zeros(n), np.ones(n), rng.normal(size=n), odd(rng), odd_column(rng, n)]
        options["sample_weight"] = pick(rng, weights)
    if rng.random() < 0.2:
        options["groups"] = pick(rng, [np.arange(n) % 3, np.zeros(n), odd(rng), odd_column(rng, n)])
    model = stack(rng)
    Y = targets(rng, n)
    model.fit(X, Y, **options)
    check_answers(model, X)
    score = model.score(X, Y)
    check(not score > 1, f"a score of {score}")


def case_parameters(rng, folder):
    n = 16
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n),
                      "t": ["some words here " + "xy"[i % 2] * 3 for i in range(n)]})  # fmt: skip
    model = stack(rng)
    y = np.array(["a", "b"])[np.arange(n) % 2] if isinstance(model, StackedClassifier) else np.arange(n) + 0.5
    likely = {
        "cv": [3, LeaveOneOut(), TimeSeriesSplit(2), KFold(20), [(np.arange(8), np.arange(8, 16))], [([0], [99])]],
        "views": ["auto", [("a", TabularExtractor(), ["a"])], [("t", TextExtractor(), "t")], [("t", "drop", "t")],
                  [("t", ImageExtractor(), "t")], [("a", TabularExtractor(), "zz")], [("a", Ridge(), "a")],
                  [("all", None, slice(None))], [("x", TextExtractor(ngram_range=(2, 1)), "t")]],
        "learners": [[], [("a", None)], [("a", Ridge(), "nothing")], [("a", Ridge()), ("a", Ridge())], ["linear"],
                     {"y": CLASSIFIERS}, [("a", Ridge(alpha="x"))], CLASSIFIERS + REGRESSORS,
                     [("a b/c", Ridge(), ["a"])]],
        "meta_learner": ["auto", "linear", LogisticRegression(), Ridge(), {"y": "mean"}],
        "prune": ["auto", 1, 5], "calibration": ["temperature", "isotonic"], "augment": [1], "refit": [True, False],
        "on_error": ["drop"], "on_bad": ["missing"], "time_budget": [1e-6, 5], "n_jobs": [1],
        "scoring": ["accuracy", "r2"],
        "strategy": ["chain"], "tasks": [{"y": "regression"}, {"y": "multiclass"}, {"z": "binary"}], "verbose": [0, 1],
        "checkpoint": [str(folder / "c"), str(folder)], "cache": [str(folder / "k")],
    }  # fmt: skip
    known = sorted(set(likely) & set(model.get_params(deep=False)))
    for name in rng.permutation(known)[: int(rng.integers(1, 4))]:
        value = pick(rng, likely[str(name)]) if rng.random() < 0.5 else odd(rng)
        if name == "n_jobs" and isinstance(value, (int, float)) and not -2 < value <= 2:
            value = 1  # so many processes are no case
        if name in ("cache", "checkpoint") and isinstance(value, str):
            value = str(folder / value.strip("./\x00")) if value else value
        model.set_params(**{str(name): value})
    extractor = pick(rng, [TextExtractor, ImageExtractor, AudioExtractor, VideoExtractor, TabularExtractor])()
    names = sorted(set(extractor.get_params()) - {"encoder", "device", "allow_download"})
    if rng.random() < 0.4:
        extractor.set_params(**{pick(rng, names): odd(rng)})
        view = {"TextExtractor": "t", "TabularExtractor": ["a", "b"]}.get(type(extractor).__name__)
        if view is None:
            X = X.assign(m=as_objects([item for item in [*media_items(type(extractor).__name__)] * n][:n]))
        model.set_params(views=[("v", extractor, view or "m")])
    model.fit(X, y)
    check_answers(model, X)
    if rng.random() < 0.3:
        coverage = pick(rng, [0.9, 0.5, odd(rng)])
        call = pick(rng, ["predict_interval", "predict_set"])
        if hasattr(model, call):
            bounds = getattr(model, call)(X, coverage=coverage)
            for part in bounds.values() if isinstance(bounds, dict) else [bounds]:
                check(len(part) == n, "as many sets or intervals as rows")


@lru_cache
def media_items(name):
    tone = np.sin(np.arange(900) / 5).astype(np.float32)
    return {
        "ImageExtractor": [np.full((8, 8, 3), 20 * i, np.uint8) for i in range(4)],
        "AudioExtractor": [tone, tone[:400]],
        "VideoExtractor": [np.zeros((5, 8, 8, 3), np.uint8), np.full((4, 8, 8, 3), 90, np.uint8)],
    }[name]


@lru_cache
def fitted():
    """A model of three views, and the rows it was fitted on."""
    rng = np.random.default_rng(0)
    n = 24
    X = pd.DataFrame({
        "age": rng.normal(size=n), "shop": np.array(["n", "s"], dtype=object)[rng.integers(0, 2, n)],
        "text": [f"words of row {i} " + ("good" if i % 2 else "bad") for i in range(n)],
        "photo": as_objects([np.full((8, 8, 3), 10 * i, np.uint8) for i in range(n)]),
    })  # fmt: skip
    Y = pd.DataFrame({"kind": np.array(["a", "b"], dtype=object)[np.arange(n) % 2], "size": np.arange(n) + 0.5})
    views = [("facts", TabularExtractor(), ["age", "shop"]), ("text", TextExtractor(), "text"),
             ("photo", ImageExtractor(features=["thumbnail"]), "photo")]  # fmt: skip
    models = [MultiOutputStack(views, [*CLASSIFIERS[:1], *REGRESSORS[:1]], cv=2, random_state=0).fit(X, Y)]
    learner = [("tree", DecisionTreeClassifier(max_depth=3))]
    models.append(StackedClassifier(learners=learner, cv=2).fit(X[["age"]].to_numpy(), Y["kind"]))
    return models, X


def case_new_rows(rng, folder):
    models, X = fitted()
    if rng.random() < 0.2:
        new = table(rng, int(rng.integers(0, 5)))
        check_answers(models[1], new)
        return
    new = X.iloc[rng.integers(0, len(X), int(rng.integers(0, 6)))].copy()
    for _ in range(int(rng.integers(1, 3))):
        name = pick(rng, list(X.columns))
        how = int(rng.integers(6))
        if how == 0:
            new = new.drop(columns=name, errors="ignore")
        elif how == 1:
            new = new.assign(extra=1)[rng.permutation([*new.columns, "extra"]).tolist()]
        elif how == 2:
            new[name] = [None] * len(new)
        elif how == 3 and len(new):
            new[name] = new[name].astype(object) if name in new else None
            new.iat[0, list(new.columns).index(name)] = odd(rng)
        else:
            column = odd_column(rng, len(new))
            if len(column) == len(new):
                new[name] = column.to_numpy() if isinstance(column, pd.Series) else column
    if rng.random() < 0.1:
        new = pick(rng, [new.to_numpy(), new.to_dict("list"), {}, [], None, new.T])
    check_answers(models[0], new)


SOUND = (
    "photo,age,text,kind\na.png,1.5,some words here,a\nsub/b.png,,more of them,b\n,3,,a\nc.jpg,2,and the last,b\n",
    '{"photo": "a.png", "age": 1, "kind": "a"}\n{"photo": null, "age": 2.5, "kind": "b"}\n',
)
PATHS = ["../x.png", "/etc/passwd", "/etc/x.png", "link/x.png", "a.png", "./a.png", "sub/../a.png", "sub/../../b.png",
         "~/x.png", "file:///etc/x.png", "C:\\x.png", "\\\\host\\x.png", "..", ".", "a\x00b.png",
         "x" * 300 + ".png", "%2e%2e/x.png"]  # fmt: skip


def mutated_text(rng, text):
    for _ in range(int(rng.integers(1, 5))):
        place = int(rng.integers(len(text) + 1))
        words = pick(rng, [",", "\n", '"', "\t", "\x00", "\ufeff", "nan", "1e999", *ODD_TEXTS, *PATHS])
        end = place + int(pick(rng, [0, 0, 1, 5, 20]))
        text = text[:place] + str(words) + text[end:]
    return text


def case_manifest(rng, folder):
    root = folder / "root"
    root.mkdir(exist_ok=True)
    if not (root / "link").is_symlink():
        (root / "link").symlink_to("/etc")
    kind = int(rng.integers(2))
    content = mutated_text(rng, SOUND[kind]).encode("utf-8", "surrogatepass")
    if rng.random() < 0.3:
        content = mutated(rng, content)
    path = root / ("t" + pick(rng, [[".csv", ".tsv"], [".jsonl", ".ndjson"]][kind]))
    path.write_bytes(content)
    if rng.random() < 0.2:
        X, Y = read_table({"view": path})
        columns = X.views
    else:
        options = {"targets": pick(rng, [[], ["kind"], "kind", "kind, age", odd(rng)])}
        if rng.random() < 0.3:
            options["media"] = pick(rng, [["photo"], ["age", "text"], []])
        X, Y = read_table(path, root=pick(rng, [None, str(root), root / "sub"]), **options)
        check(len(Y) == len(X) or not Y.shape[1], "as many labels as rows")
        columns = X
    for name in columns:
        for item in columns[name]:
            taken = isinstance(item, str) and item.lower().endswith((".png", ".jpg")) and os.path.isabs(item)
            if taken and len([i for i in columns[name] if isinstance(i, str) and i.endswith((".png", ".jpg"))]) > \
                    0.8 * len([i for i in columns[name] if isinstance(i, str) and i]):  # fmt: skip
                inside = Path(item).resolve().is_relative_to(root.resolve())
                check(inside, f"{item!r} lies outside of the root")


def mutated(rng, content):
    """Bytes with a few changed, cut out, put in or repeated, or cut off."""
    content = bytearray(content)
    for _ in range(int(pick(rng, [1, 1, 2, 4, 16]))):
        place, how = int(rng.integers(max(1, len(content)))), int(rng.integers(7))
        length = int(pick(rng, [1, 2, 4, 8, 64]))
        if how == 0:
            content[place : place + 1] = bytes([int(rng.integers(256))])
        elif how == 1 and place < len(content):
            content[place] ^= 1 << int(rng.integers(8))
        elif how == 2:
            content[place : place + length] = pick(rng, [b"\xff", b"\x00", b"\x7f"]) * length
        elif how == 3:
            del content[place : place + length]
        elif how == 4:
            content[place:place] = rng.bytes(length)
        elif how == 5:
            content[place : place + length] = content[: length * 2]
        elif rng.random() < 0.3:
            del content[place:]
    return bytes(content)


@lru_cache
def media_files():
    """Small sound files of each kind: (kind of extractor, suffix, bytes)."""
    import av
    import soundfile
    from PIL import Image

    files, rng = [], np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (12, 10, 3)).astype(np.uint8))
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA", "JPEG2000"):
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        files.append(("image", kind.lower(), buffer.getvalue()))
    tone = 0.5 * np.sin(np.arange(2000) / 8)
    for kind in ("WAV", "FLAC", "OGG", "MP3", "AIFF"):
        buffer = io.BytesIO()
        soundfile.write(buffer, tone, 8000, format=kind)
        files.append(("audio", kind.lower(), buffer.getvalue()))
    for kind, codec, pixels in (("mp4", "mpeg4", "yuv420p"), ("gif", "gif", "rgb8"), ("webm", "libvpx", "yuv420p"),
                                ("avi", "mpeg4", "yuv420p"), ("mov", "mjpeg", "yuvj420p")):  # fmt: skip
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=kind) as container:
            stream = container.add_stream(codec, rate=10)
            stream.width = stream.height = 32
            stream.pix_fmt = pixels
            for i in range(8):
                frame = np.full((32, 32, 3), 20 * i, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode(None))
        files.append(("video", kind, buffer.getvalue()))
    return files


def case_media(rng, folder):
    kind, suffix, content = pick(rng, media_files())
    content = mutated(rng, content)
    if rng.random() < 0.05:
        kind = pick(rng, ["image", "audio", "video"])
    item = content
    if rng.random() < 0.3:
        item = folder / f"m.{suffix}"
        item.write_bytes(content)
    on_bad = pick(rng, ["raise", "missing"])
    extractor = {"image": ImageExtractor, "audio": AudioExtractor, "video": VideoExtractor}[kind](on_bad=on_bad)
    items = [None, item]
    if rng.random() < 0.1:
        items = [None, next(iter(extractor.augment([item], random_state=0)))]
    X = extractor.transform(as_objects(items))
    width = len(extractor.get_feature_names_out())
    check(X.shape == (2, width), f"features of shape {X.shape}, and {width} names")
    check(np.isnan(X[0]).all() and (np.isfinite(X[1]).all() or np.isnan(X[1]).all()), "features that are partly NaN")


@lru_cache
def model_file():
    models, X = fitted()
    with tempfile.TemporaryDirectory() as folder:
        save(models[1], Path(folder) / "m.emm")
        return (Path(folder) / "m.emm").read_bytes(), models[1].predict_proba(X[["age"]].to_numpy())


def case_model(rng, folder):
    """A model file that was damaged on its way; forged ones are those of bench_forged.py."""
    content, expected = model_file()
    path = folder / "m.emm"
    path.write_bytes(mutated(rng, content))
    try:
        model = load(path)
    except ModelFileError:
        return
    X = fitted()[1][["age"]].to_numpy()
    check(np.array_equal(model.predict_proba(X), expected), "another model than the one that was saved")


@lru_cache
def shop():
    """A folder with a table, new rows and a model."""
    folder = Path(tempfile.mkdtemp(prefix="emm-fuzz-"))
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(size=20), "shop": ["n", "s"] * 10, "size": np.arange(20) + 0.5,
                          "kind": ["a", "b"] * 10})  # fmt: skip
    frame.to_csv(folder / "t.csv", index=False)
    frame.drop(columns=["size", "kind"]).to_csv(folder / "new.csv", index=False)
    (folder / "bad.csv").write_bytes(b"\xff\xfe\x00,\n\x00")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "bad.emm").write_bytes(b"PK\x03\x04nothing")
    learners = [*CLASSIFIERS[:1], *REGRESSORS[:1]]
    model = MultiOutputStack(learners=learners, cv=2).fit(frame[["age", "shop"]], frame[["size", "kind"]])
    save(model, folder / "m.emm")
    return folder


WORDS = {
    "predict": ["m.emm", "new.csv", "--out", "p.csv", "--proba", "--interval", "0.8", "--id", "age"],
    "evaluate": ["m.emm", "t.csv", "--out", "s.csv"],
    "report": ["m.emm", "--data", "t.csv", "--out", "nowhere/r.html"],
    "plan": ["t.csv", "--targets", "size,kind", "--learners", "fast", "--cv", "2", "--drop", "shop"],
    "fit": ["t.csv", "--targets", "size,kind", "--out", "nowhere/m.emm"],
    "runs": ["--db", "sqlite:///none.db", "--tasks"],
    "completion": ["bash"],
}
ODD_WORDS = [*ODD_TEXTS, "t.csv", "bad.csv", "empty.csv", "bad.emm", "m.emm", "new.csv", ".", "/", "/dev/null",
             "--help", "--debug", "--targets", "age", "--kind", "kind=binary", "kind=", "size=multiclass", "--groups",
             "shop", "--cv", "-1", "1e9", "--prune", "--seed", "--root", "..", "--trust", "os.system", "p.jsonl",
             "p.xyz", "p.parquet", "sqlite:///t.csv::x", "sqlite://", "--interval", "2", "--on-bad", "missing",
             "--version", "-", "--", "=x", "a,b,,c"]  # fmt: skip


def case_command(rng, folder):
    os.chdir(shop())
    command = pick(rng, list(WORDS))
    words = list(WORDS[command])
    for _ in range(int(rng.integers(1, 4))):
        place, how = int(rng.integers(len(words) + 1)), int(rng.integers(3))
        words[place : place + (how != 0)] = [pick(rng, ODD_WORDS)] if how != 1 else []
    if command == "runs" and "--db" not in words:
        words += ["--db", "sqlite:///none.db"]
    if command == "fit" and not any(word.startswith("nowhere") for word in words):
        words += ["--out", "nowhere/m.emm"]
    if "--cv" in words or "--jobs" in words:
        words += ["--cv", "2"] if command in ("fit", "plan") else []
    argv = [command, *words]
    if "--debug" not in argv and command != "completion" and rng.random() < 0.9:
        argv.insert(1, "--debug")  # errors come out whole
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command_line(argv)
    check(code in (0, 1, 2), f"exit code {code!r}")
    check(code == 0 or len(err.getvalue().strip()) > 10, "failed without a word")


FAMILIES = {
    "x": (case_x, 0.12), "y": (case_y, 0.13), "parameters": (case_parameters, 0.11), "new rows": (case_new_rows, 0.09),
    "columns": (case_columns, 0.15), "manifest": (case_manifest, 0.1), "media": (case_media, 0.12),
    "model": (case_model, 0.1), "command": (case_command, 0.08),
}  # fmt: skip


# -- running and judging -------------------------------------------------------------------------------------------


def judged(error):
    """Return why an error is a fault, or None when it is a fair one."""
    seen = error
    while seen is not None:
        if isinstance(seen, Fault):
            return f"wrong answer: {seen}"
        own = isinstance(seen, FINE) or type(seen).__module__.startswith("ensemble_mm.")
        if isinstance(seen, BARE) and not isinstance(seen, FileNotFoundError) and seen is error:
            return f"bare {type(seen).__name__}: {str(seen)[:100]}"
        if not own and seen is error:
            return f"strange {type(seen).__name__}: {str(seen)[:100]}"
        if not str(seen).strip() and seen is error:
            return f"no words: {type(seen).__name__}"
        if (match := DEEP.search(str(seen))) and seen is error:
            return f"words from deep inside ({match.group()}): {type(seen).__name__}: {str(seen)[:100]}"
        named = type(seen).__module__.endswith("_execute") and seen.__cause__ is not None
        if not named:
            return None
        error = seen = seen.__cause__  # a job's error is as good as its cause
    return None


def place_of(error):
    """The last line of ours that an error went through."""
    while type(error).__module__.endswith("_execute") and error.__cause__ is not None:
        error = error.__cause__
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "ensemble_mm/" in f.filename.replace(os.sep, "/")]
    return f"{ours[-1].filename.rpartition('ensemble_mm/')[2]}:{ours[-1].lineno}" if ours else "outside"


def family_of(seed, case, family=None):
    rng = np.random.default_rng([seed, case])
    drawn = rng.choice(list(FAMILIES), p=[share for _, share in FAMILIES.values()])
    return rng, family or str(drawn)


def run_case(seed, case, folder, family=None):
    """Run one case; return its family, and the fault or None, and where."""
    rng, family = family_of(seed, case, family)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            with tempfile.TemporaryDirectory(dir=folder) as own:
                FAMILIES[family][0](rng, Path(own))
        except Exception as error:
            return family, judged(error), place_of(error)
    return family, None, ""


def work(seed, pipe, family, log):
    """Run the cases that come through the pipe; the worker is thrown away when one goes wrong."""
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    folder = tempfile.mkdtemp(prefix="emm-fuzz-")
    fitted(), media_files(), model_file(), shop()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (int(used + MEMORY),) * 2)
    pipe.send("ready")
    while (case := pipe.recv()) is not None:
        pipe.send(run_case(seed, case, folder, family))


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_all(cases, seed, family=None, told=print):
    """Run cases in a worker process; return the counts by family, and the faults."""
    counts, faults, worker = Counter(), [], None
    log = os.open(os.devnull, os.O_WRONLY)
    context = multiprocessing.get_context("fork")
    started = time.time()
    for number, case in enumerate(cases):
        if worker is None:
            pipe, theirs = context.Pipe()
            worker = context.Process(target=work, args=(seed, theirs, family, log))
            worker.start()
            theirs.close()
            pipe.recv()
        pipe.send(case)
        begun, cpu, why = time.time(), cpu_seconds(worker.pid), None
        try:
            while not pipe.poll(1):
                if cpu_seconds(worker.pid) - cpu > CPU_SECONDS or time.time() - begun > WALL_SECONDS:
                    why = f"hang: more than {CPU_SECONDS} CPU seconds"
                    break
            found = (family_of(seed, case, family)[1], why, "") if why else pipe.recv()
        except EOFError:
            worker.join()
            found = (family_of(seed, case, family)[1], f"crash: exit code {worker.exitcode}", "")
            why = "crash"
        counts[found[0]] += 1
        if found[1]:
            faults.append({"case": case, "family": found[0], "why": found[1], "where": found[2]})
            told(f"seed {seed} case {case} ({found[0]}): {found[1]} at {found[2]}")
        if why:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
            worker.join()
            worker = None
        if (number + 1) % 1000 == 0:
            told(f"{number + 1} cases, {len(faults)} faults, {time.time() - started:.0f} s")
    if worker is not None:
        pipe.send(None)
        worker.join()
    os.close(log)
    return counts, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("n_cases", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--case", type=int)
    parser.add_argument("--family", choices=list(FAMILIES))
    args = parser.parse_args()
    if args.case is not None:
        rng, family = family_of(args.seed, args.case, args.family)
        with tempfile.TemporaryDirectory() as folder:
            FAMILIES[family][0](rng, Path(folder))
        return
    cases = range(args.first, args.first + args.n_cases)
    counts, faults = run_all(cases, args.seed, args.family, told=lambda text: print(text, flush=True))
    for name, count in counts.items():
        print(f"{name:12}{count:7} cases{sum(f['family'] == name for f in faults):6} faults")
    print(f"{sum(counts.values())} cases with seed {args.seed}: {len(faults)} faults")
    RESULTS.mkdir(exist_ok=True)
    content = {"seed": args.seed, "cases": counts, "faults": faults, "memory_bytes": MEMORY, "cpu_seconds": CPU_SECONDS}
    (RESULTS / "fuzz.json").write_text(json.dumps(content, indent=1))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
