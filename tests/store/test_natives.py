"""Compiled parts of scikit-learn come back to the bit, and a forged one is refused before it runs."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LassoLars
from sklearn.neighbors import BallTree, KDTree, KernelDensity, KNeighborsClassifier
from sklearn.preprocessing import SplineTransformer
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeRegressor

from ensemble_mm.store import ModelFileError, _decoding, _trees, load, save
from ensemble_mm.store._classes import Finder
from ensemble_mm.store._decoding import Decoder
from ensemble_mm.store._encoding import Encoder
from ensemble_mm.store._trees import check_walk, pack_trees, read_trees

X = np.random.default_rng(0).normal(size=(80, 4))
y = np.arange(80) % 3


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(20, random_state=0),
        ExtraTreesRegressor(3, random_state=0),
        GradientBoostingClassifier(n_estimators=3, random_state=0),
        GradientBoostingRegressor(n_estimators=3, loss="huber", random_state=0),
        GradientBoostingRegressor(n_estimators=3, loss="quantile", random_state=0),
        HistGradientBoostingRegressor(max_iter=2, loss="quantile", quantile=0.3),
        IsolationForest(n_estimators=12, max_features=2, random_state=0),
        KNeighborsClassifier(metric="minkowski", p=3, algorithm="kd_tree"),
        KNeighborsClassifier(metric="seuclidean", metric_params={"V": np.ones(4)}, algorithm="ball_tree"),
        KernelDensity(),
        SplineTransformer(),
        SVC(),
        SVR(),
        LassoLars(),  # whose class has an attribute of the name of a parameter
        IsotonicRegression(),
        KMeans(3, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_models_come_back_to_the_bit(model, tmp_path):
    rows = X[:, 0] if isinstance(model, IsotonicRegression) else X
    model.fit(rows, y)
    save(model, tmp_path / "file")
    again = load(tmp_path / "file")
    for method in ("predict", "transform", "score_samples", "kneighbors"):
        if hasattr(model, method):
            assert np.array_equal(getattr(again, method)(rows), getattr(model, method)(rows))


@pytest.mark.parametrize("kind", [KDTree, BallTree])
def test_trees_of_neighbours_are_built_from_their_points(kind, tmp_path):
    """What is kept are the points: no order of them that a file could forge."""
    model = KernelDensity().fit(X)
    model.tree_ = kind(X, leaf_size=5)
    save(model, tmp_path / "file")
    again = load(tmp_path / "file").tree_
    assert type(again) is kind
    assert all(np.array_equal(a, b) for a, b in zip(again.query(X, 3), model.tree_.query(X, 3), strict=True))


def test_the_depth_of_a_tree_is_its_own(tmp_path):
    """`decision_path` makes room by it."""
    model = DecisionTreeRegressor(max_leaf_nodes=9, random_state=0).fit(X, y)
    model.tree_.__setstate__(model.tree_.__getstate__() | {"max_depth": 0})
    save(model, tmp_path / "file")
    with pytest.raises(ModelFileError, match="depth"):
        load(tmp_path / "file")


@pytest.mark.parametrize(
    "left, right, feature, words",
    [
        ([1, -1, -1], [3, -1, -1], [0, -2, -2], "outside"),
        ([0, -1, -1], [2, -1, -1], [0, -2, -2], "outside"),  # round and round
        ([-5, -1, -1], [2, -1, -1], [0, -2, -2], "outside"),
        ([1, -1, -1], [2, -1, -1], [7, -2, -2], "feature"),
        ([1, -1, -1], [2, -1, -1], [-3, -2, -2], "feature"),
        ([], [], [], "no nodes"),
        ([1, -1, -1], [1, -1, -1], [0, -2, -2], "parents"),
    ],
)
def test_a_walk_that_would_leave_the_tree_is_refused(left, right, feature, words):
    nodes = np.zeros(len(left), dtype=[("left", int), ("right", int), ("feature", int)])
    nodes["left"], nodes["right"], nodes["feature"] = left, right, feature
    with pytest.raises(ValueError, match=words):
        check_walk(nodes, "left", "right", "feature", 3, nodes["left"] == -1)


def test_the_trees_of_a_forest_add_up(forge, describe):
    node, arrays = describe(RandomForestClassifier(10, random_state=0).fit(X, y))
    members = node["object"][1]["estimators_"]["list"]["forest"]
    assert members[1] == 10
    load(forge(node, arrays))
    for n_trees in (0, 9, 11, 10**7):
        members[1] = n_trees
        with pytest.raises(ModelFileError, match="do not add up"):
            load(forge(node, arrays))
    members[1] = 10
    members[0] = "sklearn.linear_model.Ridge"
    with pytest.raises(ModelFileError, match="not a tree"):
        load(forge(node, arrays))


def test_trees_of_the_first_files_are_read():
    """In these the nodes of a tree are one array, with ways as places."""
    tree = DecisionTreeRegressor(random_state=0).fit(X, y).tree_
    state, encoder = tree.__getstate__(), Encoder()
    parts = [tree.n_classes, state["nodes"], state["values"], [state["node_count"]], [state["max_depth"]]]
    content = [4, 1, *(encoder.array(part) for part in parts)]
    (again,) = read_trees(content, Decoder(b"".join(encoder.blocks), Finder()))
    np.testing.assert_array_equal(again.apply(X.astype(np.float32)), tree.apply(X.astype(np.float32)))


@pytest.mark.parametrize("counts", [[2**62, 2**62, 2**62, 2**62 + 5], [6, -1], [0, 5], [5.0], [[5]]])
def test_counts_of_nodes_that_add_up_by_overflow_alone_are_refused(counts):
    tree = DecisionTreeRegressor(max_leaf_nodes=3, random_state=0).fit(X, y).tree_
    assert tree.node_count == 5
    encoder = Encoder()
    content = pack_trees([tree], encoder.array)
    start, n_last = len(encoder.blocks), len(content) - 4
    content[4:] = [encoder.array(np.array(counts)), encoder.array(np.full(np.shape(counts), 2))][:n_last]
    blocks = encoder.blocks[: start - n_last] + encoder.blocks[start:][:n_last]
    with pytest.raises(ValueError, match="do not add up"):
        read_trees(content, Decoder(b"".join(blocks), Finder()))


TARGETS = {"one": X[:, 0], "far": 1e6 + X[:, 0], "classes": y, "two": np.c_[y, y % 2]}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("settings", [{}, {"bootstrap": True}, {"max_leaf_nodes": 7}])
def test_trees_come_back_from_their_leaves(target, settings, tmp_path):
    """Predictions to the bit, and what inner nodes say to rounding; those that were built otherwise are kept whole."""
    regression = X[:, 0].dtype == TARGETS[target].dtype
    forest = (ExtraTreesRegressor if regression else RandomForestClassifier)(9, random_state=0, **settings)
    forest.fit(X, TARGETS[target], sample_weight=1 + np.arange(80) % 3)
    content = pack_trees([member.tree_ for member in forest.estimators_], Encoder().array)
    if not settings and target in ("one", "classes"):
        assert list(content[3]) == ["leaves"]
    save(forest, tmp_path / "file")
    again = load(tmp_path / "file")
    assert np.array_equal(again.predict(X), forest.predict(X))
    for new, old in zip(again.estimators_, forest.estimators_, strict=True):
        for name in ("children_left", "children_right", "n_node_samples", "feature"):
            assert np.array_equal(getattr(new.tree_, name), getattr(old.tree_, name))
        np.testing.assert_allclose(new.tree_.value, old.tree_.value, rtol=1e-5, atol=1e-5)
        assert new.tree_.max_depth == old.tree_.max_depth


def test_forged_leaves_are_refused():
    """Which nodes are leaves, and how many: no walk, no sum and no array goes beyond what is there."""
    trees = [member.tree_ for member in RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, y).estimators_]
    encoder = Encoder()
    *head, leaves, counts = pack_trees(trees, encoder.array)
    parts = [Decoder(b"".join(encoder.blocks), Finder())]
    n_classes, *parts = [parts[0].array(described) for described in (head[2], *leaves["leaves"], counts)]
    for place in range(len(parts)):
        for forged in (parts[place][:-1], parts[place][:0], parts[place].astype("f4"), 1 - parts[place][::-1], None):
            own, encoder = list(parts), Encoder()
            own[place] = np.ones_like(parts[place]) if forged is None else forged
            content = [4, 1, encoder.array(n_classes), {"leaves": list(map(encoder.array, own[:-1]))}]
            content.append(encoder.array(own[-1]))
            try:
                again = read_trees(content, Decoder(b"".join(encoder.blocks), Finder()))
            except ValueError:
                continue
            for tree in again:
                assert tree.predict(X.astype(np.float32)).shape[0] == len(X)
                check_walk(tree.__getstate__()["nodes"], "left_child", "right_child", "feature", 4,
                           tree.children_left == -1)  # fmt: skip


@pytest.mark.parametrize("forged", [np.zeros((1, 1, 9)), np.zeros((1, 9, 1)), np.zeros((1, 1, 1), dtype=np.uint8)])
def test_what_leaves_predict_is_looked_at_before_trees_grow(forged, monkeypatch):
    """Else a small file could make far more of it than it holds."""
    tree = DecisionTreeRegressor(random_state=0).fit(X, X[:, 0]).tree_
    encoder = Encoder()
    content = pack_trees([tree], encoder.array)
    n_leaves = content[3]["leaves"][-1][1][0]
    content[3]["leaves"][-1] = [forged.dtype.str, [n_leaves, *forged.shape[1:]]]
    encoder.blocks[-2] = np.repeat(forged, n_leaves, axis=0).tobytes()
    monkeypatch.setattr(_trees, "_grown", lambda *_: pytest.fail("it grew"))
    with pytest.raises(ValueError, match="values of a decision tree do not fit"):
        read_trees(content, Decoder(b"".join(encoder.blocks), Finder()))


def test_large_forests_are_no_bombs(monkeypatch, tmp_path):
    """A node takes ten bytes in a file, and ten times as many in memory."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2))
    forest = ExtraTreesRegressor(10, random_state=0).fit(X, rng.normal(size=4000))
    save(forest, tmp_path / "file")
    monkeypatch.setattr(_decoding, "FREE", 2**20)
    assert np.array_equal(load(tmp_path / "file").predict(X), forest.predict(X))


@pytest.mark.parametrize("size", [1.0, 1e25, 1e-30])
def test_importances_of_a_forest_come_back_whatever_the_size_of_its_targets(size, tmp_path):
    forest = ExtraTreesRegressor(5, random_state=0).fit(X, size * X[:, 0])
    save(forest, tmp_path / "file")
    np.testing.assert_allclose(load(tmp_path / "file").feature_importances_, forest.feature_importances_, rtol=1e-5)


def test_thresholds_part_numbers_as_they_did(tmp_path):
    """Of numbers of single precision that lie beside a threshold each goes the same way."""
    tree = ExtraTreesRegressor(1, bootstrap=True, random_state=0).fit(X, y).estimators_[0]
    ends = tree.tree_.threshold[tree.tree_.feature >= 0]
    near = np.unique([np.nextafter(ends.astype(np.float32), np.float32(side)) for side in (-np.inf, np.inf)])
    rows = np.repeat(np.r_[near, ends.astype(np.float32)][:, np.newaxis], X.shape[1], axis=1)
    save(tree, tmp_path / "file")
    np.testing.assert_array_equal(load(tmp_path / "file").apply(rows), tree.apply(rows))
