"""Boosters of LightGBM and XGBoost in model files: their text, and the trial of one whose sender is not known.

Their readers and their trees are native code that trusts what it reads: a forged booster can end the interpreter, or
keep it busy for ever. One from a file that was not written with this user's own key is therefore read and tried in a
process of its own first; what ends or outlives that process is refused. What is read here is not the file's text but
what the library wrote of it there, so that both processes read the same, and no setting that was hidden in it is kept.
"""

import importlib
import json
import os
import re
import subprocess
import sys

import numpy as np

CLASSES = {"lightgbm": "lightgbm.basic", "xgboost": "xgboost.core"}
_BARE = {"params": {}, "best_iteration": -1, "best_score": {}, "pandas_categorical": None}  # what LightGBM reads
_HANDLES = {"lightgbm": "_handle", "xgboost": "handle"}
_UNREAD = re.compile(r"(?m)^(internal_value|internal_weight|leaf_weight|tree_sizes)=.*\n")
SECONDS = 60  # that the trial of a file's boosters may take, and as many for every 20 MB
MEMORY = 2**29  # bytes of addresses, beyond those of the libraries and three times the size of the boosters
ROWS = 64  # that a booster is tried on


def booster_kind(item) -> str | None:
    """Return "lightgbm" or "xgboost" for a booster, None for any other thing."""
    kind = type(item).__module__.partition(".")[0]
    return kind if type(item).__name__ == "Booster" and type(item).__module__ == CLASSES.get(kind) else None


def booster_state(item) -> tuple[bytes, dict]:
    """Return the text of a booster, as its library writes it, and what Python keeps beside it.

    Numbers of LightGBM's nodes that no prediction and no importance reads are left out, and the sizes of trees with
    them.
    """
    state, handle = item.__getstate__(), _HANDLES[str(booster_kind(item))]
    model = state.pop(handle)
    return (_UNREAD.sub("", model).encode() if isinstance(model, str) else bytes(model)), state


def empty_booster(kind: str):
    """Return a booster that `fill_booster` will fill."""
    if kind not in CLASSES:
        raise ValueError("a booster is of a library that this version does not know")
    cls = importlib.import_module(CLASSES[kind]).Booster
    return cls.__new__(cls)


def fill_booster(booster, model: bytes, state: dict) -> None:
    """Let the library read the text of a booster."""
    kind = str(booster_kind(booster))
    handle = model.decode() if kind == "lightgbm" else bytearray(model)
    booster.__setstate__({**state, _HANDLES[kind]: handle})


def fill_tried(booster, model: bytes, state: dict) -> None:
    """Let the library read what `try_out` returned; of the state, what a prediction needs is kept."""
    if booster_kind(booster) == "xgboost":
        booster.__init__(model_file=bytearray(model))
        return
    best = state.get("best_iteration")
    kept = {"best_iteration": best if type(best) is int else -1, "pandas_categorical": state.get("pandas_categorical")}
    fill_booster(booster, model, _BARE | kept)


def try_out(models: list[tuple[str, bytes]]) -> list[bytes]:
    """Read and try boosters in another process, and return how their libraries write them.

    Raises
    ------
    ValueError
        When one is not whole.
    """
    content = _joined(models)
    limit = SECONDS * (1 + len(content) // (20 * 2**20))
    # This file alone, without the package, is there sooner; -P: what lies beside it is not imported.
    command, setting = [sys.executable, "-P", __file__], os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=limit, env=setting)
    except subprocess.TimeoutExpired:
        raise ValueError(f"its boosters could not be read and tried within {limit} s") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        why = words[-1] if words and done.returncode > 0 else f"its trial ended with {done.returncode}"
        raise ValueError(f"one of its boosters is not whole ({why[:200]})")
    tried = _parted(done.stdout)
    _require([kind for kind, _ in tried] == [kind for kind, _ in models], "its trial did not end")
    return [model for _, model in tried]


def main() -> None:
    """Read boosters from standard input, try each, and write it; the process that `try_out` starts."""
    output = os.dup(1)
    os.dup2(2, 1)  # what the libraries print
    models = _parted(sys.stdin.buffer.read())
    boosters = [empty_booster(kind) for kind, _ in models]
    _limit(MEMORY + 3 * sum(len(model) for _, model in models))
    written = []
    for booster, (kind, model) in zip(boosters, models, strict=True):
        if kind == "lightgbm":
            check_text(model.decode())
        fill_booster(booster, model, dict(_BARE) if kind == "lightgbm" else {})
        written.append((kind, _TRIALS[kind](booster)))
    with open(output, "wb") as file:
        file.write(_joined(written))


def _joined(models: list[tuple[str, bytes]]) -> bytes:
    return b"".join(b"%s %d\n%s" % (kind.encode(), len(model), model) for kind, model in models)


def _parted(content: bytes) -> list[tuple[str, bytes]]:
    parts, start = [], 0
    while start < len(content):
        end = content.index(b"\n", start)
        kind, size = content[start:end].split()
        start = end + 1 + int(size)
        parts.append((kind.decode(), content[end + 1 : start]))
    return parts


def _limit(size: int) -> None:
    try:
        import resource

        with open("/proc/self/statm") as file:
            size += int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):  # no Linux: the time is limited, at least
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _rows(width: int) -> np.ndarray:
    """Rows that take many ways through a tree: numbers of all sizes, holes, and codes of categories."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROWS, width)) * 10.0 ** rng.integers(-3, 7, size=(ROWS, 1))
    rows[::4] = rng.integers(0, 50, size=rows[::4].shape)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[:4] = np.array([[0], [np.inf], [-np.inf], [np.nan]])
    return rows


def _try_lightgbm(booster) -> bytes:
    written = booster.model_to_string()  # walks every node
    check_text(written)
    booster.predict(_rows(booster.num_feature()), num_threads=1)
    return written.encode()


def _try_xgboost(booster) -> bytes:
    import xgboost

    width = booster.num_features()
    if not 0 < width < 2**20:
        raise ValueError("it has no number of columns")
    check_trees(json.loads(bytes(booster.save_raw("json"))), width)
    booster.set_param({"nthread": 1})
    booster.predict(xgboost.DMatrix(_rows(width).clip(-1e30, 1e30), nthread=1))
    return bytes(booster.save_raw("ubj"))


_TRIALS = {"lightgbm": _try_lightgbm, "xgboost": _try_xgboost}


def _require(holds, words="a tree points outside itself"):
    if not holds:
        raise ValueError(f"a booster is not whole: {words}")


# -- LightGBM's text --------------------------------------------------------------------------------------------------


def check_text(text: str) -> None:
    """Refuse a model of LightGBM whose trees could be left, whatever rows they are given."""
    head, *trees = re.split(r"(?m)^Tree=.*\n", text.partition("\nend of trees")[0])
    top = _values(head)
    width, n_classes = int(top["max_feature_idx"]) + 1, int(top["num_class"])
    per_stage = int(top.get("num_tree_per_iteration", n_classes))
    _require(0 < width <= len(head), "it has no number of columns")
    objective = dict(part.split(":", 1) for part in top.get("objective", "").split() if ":" in part)
    _require(0 < per_stage < 2**20 and n_classes == per_stage, "it has no number of classes")
    _require(int(objective.get("num_class", n_classes)) == n_classes, "its objective has other classes")
    _require(len(trees) % per_stage == 0, "its trees do not add up")
    if "tree_sizes" in top:
        blocks = re.findall(r"(?ms)^Tree=.*?(?=^Tree=|^end of trees)", text)
        _require([len(block.encode()) for block in blocks] == _ints(top["tree_sizes"]), "its trees do not add up")
    for tree in trees:
        _check_tree(_values(tree), width)


def _check_tree(tree: dict, width: int) -> None:
    n_leaves = int(tree["num_leaves"])
    _require(0 < n_leaves < 2**24 and len(tree["leaf_value"].split()) == n_leaves)
    _require(tree.get("is_linear", "0") in ("0", "1"))
    if tree.get("is_linear") == "1":
        _check_leaves(tree, n_leaves, width)
    if n_leaves > 1:
        _check_nodes(tree, n_leaves, width)


def _check_leaves(tree: dict, n_leaves: int, width: int) -> None:
    """Check the linear models in the leaves of a tree."""
    sizes, features = _ints(tree.get("num_features", "")), _ints(tree.get("leaf_features", ""))
    _require(len(sizes) == n_leaves and min(sizes, default=0) >= 0 and sum(sizes) == len(features))
    _require(len(tree.get("leaf_coeff", "").split()) == len(features))
    _require(len(tree.get("leaf_const", "").split()) == n_leaves)
    _require(all(0 <= feature < width for feature in features))


def _check_nodes(tree: dict, n_leaves: int, width: int) -> None:
    columns = {name: _ints(tree[name]) for name in ("split_feature", "decision_type", "left_child", "right_child")}
    thresholds = tree["threshold"].split()
    _require(all(len(values) == n_leaves - 1 for values in (*columns.values(), thresholds)))
    _require(all(0 <= feature < width for feature in columns["split_feature"]))
    for side in ("left_child", "right_child"):
        for place, child in enumerate(columns[side]):
            _require(place < child < n_leaves - 1 or (child < 0 and -child <= n_leaves))
    ends, words = _ints(tree.get("cat_boundaries", "")), tree.get("cat_threshold", "").split()
    n_categorical = int(tree.get("num_cat", 0))
    if n_categorical:
        _require(len(ends) == n_categorical + 1 and ends[0] == 0 and ends == sorted(ends) and ends[-1] == len(words))
    for kind, threshold in zip(columns["decision_type"], map(float, thresholds), strict=True):
        _require(0 <= threshold < n_categorical if kind & 1 else threshold == threshold)


def _values(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def _ints(text: str) -> list[int]:
    return list(map(int, text.split()))


# -- XGBoost's trees --------------------------------------------------------------------------------------------------


_NODES = ("left_children", "right_children", "split_indices", "parents")  # of an array each
_ROOT = 2**31 - 1  # the parent of the root


def check_trees(model: dict, width: int) -> None:
    """Refuse a model of XGBoost whose trees could be left, whatever rows they are given."""
    learner = model["learner"]
    booster = learner["gradient_booster"]
    model = booster.get("gbtree", booster).get("model", {})  # of a dart
    n_classes = int(learner["learner_model_param"].get("num_class", 0))
    if "trees" not in model:
        weights = model.get("weights", [])
        _require(len(weights) == (width + 1) * max(n_classes, 1), "its weights do not fit its columns")
        return
    groups = max(n_classes, int(learner["learner_model_param"].get("num_target", 1)), 1)
    trees, info = model["trees"], model["tree_info"]
    _require(len(info) == len(trees) and all(0 <= group < groups for group in info), "its trees do not add up")
    ends = model.get("iteration_indptr", [0, len(trees)])
    _require(ends[0] == 0 and ends == sorted(ends) and ends[-1] == len(trees), "its rounds do not add up")
    for tree in trees:
        _check_ways(tree, width)
        sizes, starts = tree.get("categories_sizes", []), tree.get("categories_segments", [])
        n_words = len(tree.get("categories", []))
        _require(all(0 <= a and 0 <= n and a + n <= n_words for a, n in zip(starts, sizes, strict=True)))


def _check_ways(tree: dict, width: int) -> None:
    """Check that each node of a tree is met once, and leads to nodes, leaves and columns that are there."""
    left, right, split, parents = (tree[name] for name in _NODES)
    n_nodes = len(left)
    _require(n_nodes == len(right) == len(split) == len(parents) == int(tree["tree_param"]["num_nodes"]) and n_nodes)
    _require(int(tree["tree_param"].get("num_feature", width)) == width, "a tree does not fit its columns")
    size = int(tree["tree_param"].get("size_leaf_vector", 1))
    n_leaves, rest = divmod(len(tree.get("leaf_weights", [])), max(size, 1))
    _require(size <= 1 or (n_leaves and not rest and len(tree["base_weights"]) == size * n_nodes))
    waiting, met = [(0, _ROOT if size <= 1 else -1)], 0
    while waiting:
        (node, parent), met = waiting.pop(), met + 1
        _require(met <= n_nodes and parents[node] == parent)  # the reader follows these ways back, too
        if left[node] == -1:
            # With several targets, it is the place of the leaf's numbers.
            _require(right[node] == -1 if size <= 1 else 0 <= right[node] < n_leaves)
            continue
        _require(0 < left[node] < n_nodes and 0 < right[node] < n_nodes and 0 <= split[node] < width)
        waiting += [(left[node], node), (right[node], node)]
    _require(met + int(tree["tree_param"].get("num_deleted", 0)) == n_nodes)  # what pads a tree is no node


if __name__ == "__main__":
    main()
