"""Decision trees in model files: the trees of a forest as a few arrays, and a check that a tree is one.

skops writes some thirty nodes and four arrays for each tree; a forest of hundreds takes seconds and a file of thousands
of members. Here each attribute is written once for all trees.
"""

import numpy as np

_MANY = 8  # trees, from where they are a forest
_TREE_STATE = {"nodes", "values", "node_count", "max_depth"}


def pack_forest(parts: list, visit):
    """Return a list of decision trees as plain data, or None for any other list; `visit` packs what is not plain."""
    cls = type(parts[0]) if parts else None
    if len(parts) < _MANY or not cls.__module__.startswith("sklearn.tree."):
        return None
    names = list(vars(parts[0]))
    if any(type(part) is not cls or list(vars(part)) != names for part in parts):
        return None
    columns = {name: _pack_attribute([vars(part)[name] for part in parts], visit) for name in names}
    return [object.__new__(cls), len(parts), columns]


def _pack_attribute(values, visit):
    first = values[0]
    if all(_same(first, value) for value in values):
        return ["same", visit(first)]
    if set(map(type, values)) == {int} and max(map(abs, values)) < 2**63:
        return ["numbers", np.array(values, dtype=np.int64)]
    if is_tree(first):
        states = [value.__getstate__() for value in values]
        args = [value.__reduce__()[1] for value in values]
        if all(set(state) == _TREE_STATE and _same(args[0], arg) for state, arg in zip(states, args, strict=True)):
            stacked = [np.concatenate([state[name] for state in states]) for name in ("nodes", "values")]
            numbers = [np.array([state[name] for state in states]) for name in ("node_count", "max_depth")]
            return ["trees", [first, *stacked, *numbers]]
    return ["list", [visit(value) for value in values]]


def build_forest(content):
    template, n_trees, columns = content
    if not type(template).__module__.startswith("sklearn.tree."):
        raise ValueError(f"a forest is said to be made of {type(template).__name__}, which is no tree")
    values = {name: _build_attribute(kind, packed) for name, (kind, packed) in columns.items()}
    own = {name for name, (kind, _) in columns.items() if kind != "same"}
    if not own or {len(values[name]) for name in own} != {n_trees}:  # every tree has at least nodes of its own
        raise ValueError("the trees of a forest do not add up")
    forest = []
    for place in range(n_trees):
        member = object.__new__(type(template))
        member.__dict__.update((name, column[place if name in own else 0]) for name, column in values.items())
        forest.append(member)
    return forest


def _build_attribute(kind, packed):
    if kind == "same":
        return [packed]
    if kind == "numbers":
        return packed.tolist()
    if kind == "list":
        return packed
    template, nodes, values, counts, depths = packed
    ends = np.cumsum(counts, dtype=np.int64)
    if not is_tree(template) or (counts < 1).any() or not len(nodes) == len(values) == ends[-1]:
        raise ValueError("the trees of a forest do not add up")
    trees = []
    for end, count, depth in zip(ends.tolist(), counts.tolist(), depths.tolist(), strict=True):
        part = slice(end - count, end)
        tree = type(template)(*template.__reduce__()[1])
        check_tree(nodes[part], "left_child", "right_child", "feature", tree.n_features)
        state = {"max_depth": depth, "node_count": count, "nodes": nodes[part].copy(), "values": values[part].copy()}
        tree.__setstate__(state)
        trees.append(tree)
    return trees


def is_tree(item) -> bool:
    return type(item).__name__ == "Tree" and type(item).__module__ == "sklearn.tree._tree"


def _same(a, b) -> bool:
    """Tell whether two plain values are equal, of one type; False for what is not plain."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and not a.dtype.hasobject and a.shape == b.shape and a.tobytes() == b.tobytes()
    return isinstance(a, (type(None), bool, int, float, str)) and (a is b or a == b)


def check_tree(nodes, left, right, feature, n_features, is_leaf=None) -> None:
    """Refuse a tree whose walk could leave its arrays or go round: scikit-learn itself does not look."""
    if is_leaf is None:
        is_leaf = nodes[left] == -1
    inner = np.flatnonzero(~np.asarray(is_leaf, dtype=bool))
    if not len(nodes):
        raise ValueError("a decision tree has no nodes")
    for side in (left, right):
        child = nodes[side][inner].astype(np.int64)
        if (child <= inner).any() or (child >= len(nodes)).any():
            raise ValueError("a decision tree points outside itself")
    used = nodes[feature][inner].astype(np.int64)
    if (used < 0).any() or (n_features is not None and (used >= n_features).any()):
        raise ValueError("a decision tree asks for a feature that it does not have")


def check_built_tree(tree) -> None:
    """Refuse a tree of scikit-learn that was given more nodes than it has, or a walk that leaves them."""
    if tree.node_count > tree.capacity:
        raise ValueError("a decision tree says that it has more nodes than there are")
    check_tree(tree.__getstate__()["nodes"], "left_child", "right_child", "feature", tree.n_features)


def check_width(model) -> None:
    """Refuse trees that read columns which their model does not ask for: they would read beyond a row."""
    width, members = vars(model).get("n_features_in_"), vars(model).get("estimators_", [])
    members = [model, *(members.ravel().tolist() if isinstance(members, np.ndarray) else members)]
    trees = [vars(member)["tree_"] for member in members if "tree_" in getattr(member, "__dict__", {})]
    if any(tree.n_features != width for tree in trees):
        raise ValueError("a decision tree asks for other features than its model")
    for stage in vars(model).get("_predictors", []):
        if any(predictor.nodes["feature_idx"].max(initial=0) >= (width or 0) for predictor in stage):
            raise ValueError("a decision tree asks for a feature that its model does not have")
