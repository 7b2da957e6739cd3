"""Can a forged model file run code, end the interpreter, hang or fill the memory, at load or at predict?

Two kinds of files with right hashes and without the signature of the user who loads them:

- mutants: a file of a fitted model (boosters, trees of all kinds, support vectors, neighbours, text, a stack) in which
  some bytes, some numbers of its arrays, or some nodes of its state were changed,
- nodes: states that no model ever had, of all tags, with names that do things, numbers that are large, parts that refer
  to each other, and arrays of any type.

Each file is loaded in a worker process; what loads also predicts. The question is lost when a file makes the worker
start a process, open a file to write, connect, or look up a class of a pickle; when the worker ends; when it works for
more than some CPU seconds; or when its memory grows by more than three times the unpacked file and 200 MB.

    python benchmarks/reliability/bench_forged.py [--mutants 1000] [--nodes 5000] [--seed N]
    python benchmarks/reliability/bench_forged.py --family mutant --case K
"""

import argparse
import contextlib
import json
import sys
import tempfile
import zipfile
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import bench_fuzz
import numpy as np
from bench_fuzz import Fault, check, mutated, pick
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from ensemble_mm import StackedClassifier
from ensemble_mm.store import ModelFileError, load, save

SPARE = 200 * 2**20
NAMES = [
    "os.system", "builtins.eval", "builtins.open", "subprocess.Popen", "pickle.loads", "joblib.load", "socket.socket",
    "numpy.load", "numpy.fromfile", "numpy.log1p", "numpy.memmap", "pandas.read_pickle", "functools.partial",
    "sklearn.linear_model.Ridge", "sklearn.pipeline.Pipeline", "sklearn.preprocessing.FunctionTransformer",
    "sklearn.ensemble.RandomForestClassifier", "sklearn.tree.DecisionTreeClassifier", "sklearn.svm.SVC",
    "sklearn.ensemble.GradientBoostingClassifier", "sklearn.feature_extraction.text.TfidfVectorizer",
    "sklearn.datasets.load_files", "sklearn.utils.Bunch", "sklearn.metrics.log_loss", "sklearn.metrics._scorer._Scorer",
    "lightgbm.LGBMClassifier", "lightgbm.Booster", "xgboost.XGBClassifier", "xgboost.Booster",
    "ensemble_mm.StackedClassifier", "ensemble_mm.TunedLearner", "ensemble_mm.TextExtractor", "ensemble_mm.Level",
    "ensemble_mm.TaskDatabase", "ensemble_mm.features._encoders.encode", "ensemble_mm.store._arrays.write_atomic",
    "ensemble_mm.learners._tuning._cross_validated", "builtins.dict", "builtins.str", "collections.OrderedDict", "",
    "x" * 300,
]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 3, 7, 100, 2**31 - 1, 2**31, 2**32, 2**63, 10**12, -(2**62), 4 * 10**9, 0.5, 1e308,
           float("nan")]  # fmt: skip
TEXTS = ["a", "memory", "/tmp/planted", "sqlite:////tmp/planted.db", "postgresql://127.0.0.1:1/x", "tolist", "str",
         "euclidean", "category", "period[D]", "csr_matrix", "MT19937", "1e999999999", "9" * 4000,
         "\x1b[2J"]  # fmt: skip
DTYPES = ["<f8", "<f4", "<i8", "<i4", "|u1", "|b1", "<U3", "|S0", "|O", "<M8[ns]", "|V8", "(9,)f8", "f8,O", 5, None,
          [["a", "b"], ["<f8", "<i4"], [0, 0], 8], [["a"], ["|O"], [0], 8]]  # fmt: skip
TAGS = (
    "object object object named own function partial booster text complex bytes list tuple set frozenset dict ordered "
    "bunch counter default range slice scalar array objects frame series index multiindex categorical category periods "
    "interval extension dtype sparse trees neighbors loss spline random generator decimal fraction timestamp timedelta "
    "period date path missing ref"
).split()
ATTRIBUTES = ["memory", "cache", "checkpoint", "storage", "allow_download", "encoder", "n_jobs", "tolist", "predict",
              "predict_proba", "transform", "__class__", "__dict__", "__reduce__", "steps", "estimators_", "tree_",
              "classes_", "func", "coef_", "n_features_in_", "levels_", "views", "learners", "_loss"]  # fmt: skip


@lru_cache
def models():
    """Fitted models of all kinds: (file, rows to predict)."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 4)), np.arange(90) % 3
    codes = np.c_[y, X[:, 0], np.arange(90) % 7]
    texts = [f"word{i % 7} other{i % 5}" for i in range(90)]
    light = {"n_estimators": 4, "num_leaves": 5, "verbose": -1, "n_jobs": 1}
    fitted = [
        (LGBMClassifier(**light), X), (LGBMRegressor(linear_tree=True, **light), X),
        (LGBMRegressor(min_data_per_group=1, min_child_samples=2, **light), codes),
        (XGBClassifier(n_estimators=4, n_jobs=1), X), (XGBRegressor(n_estimators=4, booster="dart", n_jobs=1), X),
        (DecisionTreeRegressor(), X), (RandomForestRegressor(3), X), (ExtraTreesClassifier(12), X),
        (GradientBoostingClassifier(n_estimators=3), X), (IsolationForest(n_estimators=3, max_features=2), X),
        (HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2, categorical_features=[0, 2]), codes),
        (SVC(), X), (KNeighborsClassifier(algorithm="kd_tree"), X), (make_pipeline(SplineTransformer(), Ridge()), X),
        (make_pipeline(TfidfVectorizer(use_idf=False), LogisticRegression()), texts),
        (StackedClassifier(learners=[("linear", LogisticRegression()), ("trees", ExtraTreesClassifier(9))], cv=2), X),
    ]  # fmt: skip
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for model, rows in fitted:
            by_category = {"categorical_feature": [0, 2]} if rows is codes and isinstance(model, LGBMRegressor) else {}
            save(model.fit(rows, y, **by_category), Path(folder) / "m.emm")
            with zipfile.ZipFile(Path(folder) / "m.emm") as archive:
                files.append(({name: archive.read(name) for name in archive.namelist()}, rows))
    return files


def write(path, manifest, state, arrays):
    parts = {"state.json": state, "arrays.bin": arrays}
    manifest |= {"parts": {n: {"sha256": sha256(p).hexdigest(), "bytes": len(p)} for n, p in parts.items()},
                 "signature": None}  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, part in parts.items():
            archive.writestr(name, part)


watched = {"on": False, "seen": []}


def watch(event, args):
    """Note what only code of a file could do; imports of trusted libraries, and the trial of boosters, are ours."""
    if not watched["on"]:
        return
    if event in ("os.system", "os.exec", "os.posix_spawn", "socket.connect", "pickle.find_class", "shutil.rmtree"):
        watched["seen"].append(f"{event} {args!r:.100}")
    if event == "subprocess.Popen" and not str(args[1]).endswith("_boosters.py']"):
        watched["seen"].append(f"{event} {args!r:.100}")
    written = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if written and isinstance(args[0], (str, bytes)) and "__pycache__" not in str(args[0]):
        watched["seen"].append(f"write {args[0]!r:.100}")


def peak(reset=False):
    """Bytes that this process held at most since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024


def try_file(path, rows):
    unpacked = sum(info.file_size for info in zipfile.ZipFile(path).infolist())
    before = peak(reset=True)
    watched.update(on=True, seen=[])
    try:
        model = load(path)
        with contextlib.suppress(Exception):  # a forged model may fail in any way, but not end the process
            getattr(model, "predict_proba", model.predict)(rows)
        with contextlib.suppress(Exception):
            model.transform(rows)
    except ModelFileError as error:
        check("\x1b" not in str(error), "control characters in the error")
    finally:
        watched["on"] = False
    if watched["seen"]:
        raise Fault(f"it ran code: {watched['seen'][:3]}")
    check(peak() - before < 3 * unpacked + SPARE, f"{(peak() - before) / 2**20:.0f} MB for {unpacked} bytes")


def case_mutant(rng, folder):
    parts, rows = pick(rng, models())
    state, arrays = parts["state.json"], parts["arrays.bin"]
    how = rng.integers(4)
    if how == 0:
        state = mutated(rng, state)
    elif how == 1:
        state = json.dumps(changed(rng, json.loads(state))).encode()
    else:
        arrays = changed_bytes(rng, arrays)
    write(folder / "m.emm", json.loads(parts["manifest.json"]), bytes(state), bytes(arrays))
    try_file(folder / "m.emm", rows)


def changed_bytes(rng, content):
    """Change a few bytes or words, or digits where they are text, such as a booster's."""
    content = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(content)))
        how = rng.integers(4)
        if how == 0:
            content[place] = int(rng.integers(256))
        elif how == 1:
            number = int(pick(rng, [n for n in NUMBERS if isinstance(n, int)]))
            content[place : place + 8] = (number % 2**64).to_bytes(8, "little")
        else:
            digits = [i for i in range(place, min(place + 2000, len(content))) if content[i] in b"0123456789"]
            if digits:
                content[pick(rng, digits)] = pick(rng, list(b"0123456789-e ."))
    return bytes(content)


def places(node, found):
    if isinstance(node, (dict, list)):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            found.append((node, key))
            places(node[key], found)
    return found


def changed(rng, state):
    """Change, drop or exchange some nodes."""
    for _ in range(int(rng.integers(1, 4))):
        (node, key), (other, its) = pick(rng, found := places(state, [])), pick(rng, found)
        how = rng.integers(5)
        if how == 0:
            node[key] = pick(rng, NUMBERS)
        elif how == 1:
            node[key] = forged(rng, 2)
        elif how == 2:
            node[key] = json.loads(json.dumps(other[its]))
        elif how == 3:
            node[key] = pick(rng, [*NAMES, *TEXTS])
        elif isinstance(node, dict):
            node[str(pick(rng, ATTRIBUTES))] = node.pop(key)
        else:
            del node[key]
    return state


def forged(rng, depth):
    """A node of any tag, with parts that fit it more often than not."""

    def part():
        return forged(rng, depth - 1) if depth > 0 else pick(rng, [*NUMBERS[:8], *TEXTS, None, True])

    def described():
        shape = [pick(rng, NUMBERS if rng.random() < 0.3 else [0, 1, 2, 5]) for _ in range(int(rng.integers(3)))]
        return [pick(rng, DTYPES[:6] if rng.random() < 0.7 else DTYPES), shape]

    def many():
        if rng.random() < 0.7:
            return [part() for _ in range(int(rng.integers(4)))]
        columns = [{"same": part()}, [part()]]
        return pick(rng, [{"words": [described(), described()]}, {"numbers": described()}, {"scalars": described()},
                          {"forest": [pick(rng, NAMES), pick(rng, NUMBERS), ["tree_", "x"], columns]},
                          {"trees": [pick(rng, NUMBERS), 1, *(described() for _ in range(5))]}])  # fmt: skip

    tag = pick(rng, TAGS)
    content = {
        "object": lambda: [pick(rng, NAMES), {pick(rng, ATTRIBUTES): part() for _ in range(int(rng.integers(4)))}],
        "named": lambda: [pick(rng, NAMES), many()], "own": lambda: [pick(rng, NAMES), part()],
        "function": lambda: pick(rng, NAMES), "partial": lambda: [{"function": pick(rng, NAMES)}, part(), part()],
        "booster": lambda: [pick(rng, ["lightgbm", "xgboost", "os"]), described(), part()],
        "dict": lambda: [many(), many()], "ordered": lambda: [many(), many()], "bunch": lambda: [many(), many()],
        "counter": lambda: [many(), many()], "default": lambda: [{"function": pick(rng, NAMES)}, many(), many()],
        "objects": lambda: [pick(rng, ["O", "T"]), [pick(rng, NUMBERS)], many()],
        "frame": lambda: [[part()], part(), part()], "series": lambda: [part(), part(), part()],
        "index": lambda: [part(), part()], "multiindex": lambda: [[part()], [described()], [part()]],
        "categorical": lambda: [described(), part(), True], "category": lambda: [part(), True],
        "periods": lambda: [described(), pick(rng, TEXTS)], "extension": lambda: [pick(rng, TEXTS), many()],
        "interval": lambda: [part(), part(), "right"], "dtype": lambda: [bool(rng.integers(2)), pick(rng, TEXTS)],
        "sparse": lambda: ["csr_matrix", [pick(rng, NUMBERS), 5], described(), described(), described()],
        "trees": lambda: [pick(rng, NUMBERS), pick(rng, NUMBERS), *(described() for _ in range(5))],
        "neighbors": lambda: ["KDTree", described(), pick(rng, NUMBERS), "euclidean", None, None],
        "loss": lambda: [pick(rng, ["HalfMultinomialLoss", "PinballLoss"]), {"n_classes": pick(rng, NUMBERS)}],
        "spline": lambda: [described(), described(), pick(rng, NUMBERS), True],
        "random": lambda: [described(), pick(rng, NUMBERS), 0, 0.5],
        "generator": lambda: [pick(rng, NUMBERS) for _ in range(4)],
        "range": lambda: [pick(rng, NUMBERS) for _ in range(3)], "slice": lambda: [part(), part(), part()],
        "list": many, "tuple": many, "set": many, "frozenset": many, "ref": lambda: int(rng.integers(6)),
        "text": described, "bytes": described, "array": described, "scalar": described,
        "complex": lambda: [pick(rng, NUMBERS), 1.0],
    }.get(tag, lambda: pick(rng, TEXTS))()  # fmt: skip
    node = {tag: content}
    if rng.random() < 0.2:
        node["id"] = int(rng.integers(6))
    return node


def case_node(rng, folder):
    state = json.dumps(forged(rng, int(rng.integers(1, 5)))).encode()
    arrays = rng.bytes(int(pick(rng, [0, 8, 64, 1000, 10_000])))
    manifest = json.loads(models()[0][0]["manifest.json"])
    write(folder / "m.emm", manifest, state, arrays)
    try_file(folder / "m.emm", np.zeros((2, 4)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", choices=["mutant", "node"])
    parser.add_argument("--case", type=int)
    options = parser.parse_args()
    sys.addaudithook(watch)  # the models are made in the workers: threads of OpenMP do not outlive a fork
    bench_fuzz.FAMILIES.update({"mutant": (case_mutant, 0), "node": (case_node, 0)})
    if options.case is not None:
        rng, family = bench_fuzz.family_of(options.seed, options.case, options.family)
        with tempfile.TemporaryDirectory() as folder:
            bench_fuzz.FAMILIES[family][0](rng, Path(folder))
        return
    lost = 0
    for family, n_cases in (("mutant", options.mutants), ("node", options.nodes)):
        if options.family in (None, family):
            _, faults = bench_fuzz.run_all(range(n_cases), options.seed, family, told=lambda *words: None)
            print(f"{family}: {n_cases} files, {len(faults)} of them ran code, ended the worker, hung or took memory")
            for fault in faults:
                print("  ", fault)
            lost += len(faults)
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
