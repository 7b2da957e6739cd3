"""Trees as a few arrays: only lists of like trees are packed, and what a file claims of them is checked."""

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ensemble_mm.store._forests import build_forest, check_built_tree, check_tree, check_width, pack_forest

X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 3


def as_is(part):
    return part


@pytest.fixture
def trees():
    return list(ExtraTreesClassifier(12, max_depth=4, random_state=0).fit(X, y).estimators_)


def test_a_forest_comes_back_tree_by_tree(trees):
    back = build_forest(pack_forest(trees, as_is))
    assert len(back) == 12 and all(a is not b and type(a) is type(b) for a, b in zip(trees, back, strict=True))
    for one, other in zip(trees, back, strict=True):
        assert np.array_equal(one.predict_proba(X), other.predict_proba(X))
        assert one.random_state == other.random_state and one.get_params() == other.get_params()


def test_the_trees_that_come_back_share_no_memory(trees):
    first, second = build_forest(pack_forest(trees, as_is))[:2]
    assert not np.shares_memory(first.tree_.value, second.tree_.value)


def test_other_lists_are_left_alone(trees):
    mixed = [*trees, DecisionTreeRegressor().fit(X, y)]
    odd = [*trees, DecisionTreeClassifier().fit(X, y)]
    odd[-1].extra_ = 1
    for parts in ([], trees[:3], mixed, odd, [1] * 20, ["word"] * 20):
        assert pack_forest(parts, as_is) is None


@pytest.mark.parametrize("counts", [[5, -5], [0, 10], [3, 3], [10, 10]])
def test_counts_that_do_not_add_up_are_refused(trees, counts):
    template, n_trees, columns = pack_forest(trees, as_is)
    kind, (tree, nodes, values, _, depths) = columns["tree_"]
    forged = [tree, nodes[:10], values[:10], np.array(counts), depths[:2]]
    with pytest.raises(ValueError, match="do not add up|decision tree"):
        build_forest([template, 2, columns | {"tree_": [kind, forged]}])


@pytest.mark.parametrize("n_trees", [10**12, 2, 0])
def test_as_many_trees_as_there_are(trees, n_trees):
    template, _, columns = pack_forest(trees, as_is)
    with pytest.raises(ValueError, match="do not add up"):
        build_forest([template, n_trees, columns])
    shared = {name: column for name, column in columns.items() if column[0] == "same"}
    with pytest.raises(ValueError, match="do not add up"):  # else a few bytes would ask for any number of them
        build_forest([template, n_trees, shared])


def test_a_forest_is_made_of_trees(trees):
    """A booster whose handle is a number of the file's choice would be freed at that place in memory."""
    _, n_trees, columns = pack_forest(trees, as_is)
    booster = object.__new__(type("Booster", (), {"__module__": "lightgbm.basic"}))
    with pytest.raises(ValueError, match="made of Booster, which is no tree"):
        build_forest([booster, n_trees, columns | {"_handle": ["numbers", np.arange(n_trees)]}])


def test_a_tree_has_no_more_nodes_than_there_are(trees):
    tree = trees[0].tree_
    state = tree.__getstate__()
    check_built_tree(tree)
    tree.__setstate__(state | {"node_count": state["node_count"] + 10**6})
    with pytest.raises(ValueError, match="more nodes than there are"):
        check_built_tree(tree)


@pytest.mark.parametrize(
    "model",
    [DecisionTreeRegressor(), RandomForestRegressor(3), GradientBoostingRegressor(n_estimators=2),
     HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=5)],
    ids=lambda model: type(model).__name__,
)  # fmt: skip
def test_trees_ask_for_the_columns_of_their_model(model):
    """scikit-learn checks a row against the model's number of columns, not against its trees'."""
    model.fit(X, y)
    check_width(model)
    model.n_features_in_ = 1
    with pytest.raises(ValueError, match="decision tree asks for"):
        check_width(model)


@pytest.mark.parametrize(
    "left, right, feature, words",
    [
        ([1, -1, -1], [3, -1, -1], [0, -2, -2], "outside"),
        ([0, -1, -1], [2, -1, -1], [0, -2, -2], "outside"),  # round and round
        ([-5, -1, -1], [2, -1, -1], [0, -2, -2], "outside"),
        ([1, -1, -1], [2, -1, -1], [7, -2, -2], "feature"),
        ([1, -1, -1], [2, -1, -1], [-3, -2, -2], "feature"),
        ([], [], [], "no nodes"),
    ],
)
def test_a_walk_that_would_leave_the_tree_is_refused(left, right, feature, words):
    nodes = np.zeros(len(left), dtype=[("left", int), ("right", int), ("feature", int)])
    nodes["left"], nodes["right"], nodes["feature"] = left, right, feature
    with pytest.raises(ValueError, match=words):
        check_tree(nodes, "left", "right", "feature", 3)


def test_a_sound_tree_passes(trees):
    for tree in trees:
        check_tree(tree.tree_.__getstate__()["nodes"], "left_child", "right_child", "feature", 3)
