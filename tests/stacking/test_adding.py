"""What is added later predicts what a fit of its own would, and the others what they did."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ensemble_mm import MultiOutputStack, StackedClassifier, load, save

LEARNERS = [("logistic", LogisticRegression(), "all", "reduced"), ("ridge", Ridge(), "all", "reduced")]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    size = rng.normal(size=90)
    notes = [f"a {'big' if s > 0 else 'small'} box number {i % 7}" for i, s in enumerate(size)]
    X = pd.DataFrame({"x": size + 0.3 * rng.normal(size=90), "z": rng.normal(size=90), "note": notes})
    X.loc[size > 0.7, "note"] = None
    Y = pd.DataFrame({"size": size, "big": np.where(size > 0, "yes", "no"), "twice": 2 * size + X["z"], "z": X["z"]})
    return X, Y


@pytest.mark.parametrize("strategy", ["independent", "stacked", "chain"])
def test_added_tasks_are_as_if_fitted_alone_and_the_others_stay(data, strategy, tmp_path):
    X, Y = data
    first, second = ["size", "twice"], ["big", "z"]
    settings = {"cv": 3, "random_state": 0, "strategy": strategy, "calibration": {"big": "temperature"}}
    model = MultiOutputStack(learners=LEARNERS, **settings | {"calibration": None}).fit(X, Y[first])
    model.set_params(calibration="temperature")
    save(model, tmp_path / "m.emm")
    more = load(tmp_path / "m.emm").add_task(X, Y[second])
    alone = MultiOutputStack(learners=LEARNERS, **settings).set_params(cv=model.folds_).fit(X, Y[second])
    out = more.predict(X)
    assert list(out.columns) == first + second
    pd.testing.assert_frame_equal(out[first], model.predict(X))
    pd.testing.assert_frame_equal(out[second], alone.predict(X))
    blind = X.assign(note=None)
    pd.testing.assert_frame_equal(more.predict(blind)[first], model.predict(blind))
    pd.testing.assert_frame_equal(more.predict(blind)[second], alone.predict(blind))
    np.testing.assert_array_equal(more.predict_interval(X)["size"], model.predict_interval(X)["size"])
    np.testing.assert_array_equal(more.predict_set(X)["big"], alone.predict_set(X)["big"])
    assert set(more.leaderboard()["task"]) == set(first + second) == set(more.contributions_.columns)
    assert more.strategy_.index.tolist() == list(more.task_contributions_.columns) == first + second
    save(more, tmp_path / "more.emm")
    pd.testing.assert_frame_equal(load(tmp_path / "more.emm").predict(X), out)
    assert list(model.tasks_) == first
    with pytest.raises(ValueError, match="never judged together"):
        more.predict_interval(X, joint=True)


@pytest.mark.parametrize("groups", [None, 2], ids=str)
def test_other_rows_and_tasks_that_are_there_are_told_before_a_fit(data, groups):
    X, Y = data
    groups = groups and np.arange(len(X)) // groups
    model = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0).fit(X, Y[["size"]], groups=groups)
    with pytest.raises(ValueError, match="has the task 'size' already"):
        model.add_task(X, Y[["size", "z"]])
    with pytest.raises(ValueError, match="other rows than the fit"):
        model.add_task(X[:60], Y[["z"]][:60])
    with pytest.raises(ValueError, match="other rows than the fit"):
        model.add_learner(X[:60], Y[["size"]][:60], TREE)


def test_what_is_read_in_another_way_serves_the_new_tasks_alone(data):
    X, Y = data
    model = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0).fit(X, Y[["size"]])
    before = model.predict(X)
    more = model.set_params(random_state=5).add_task(X, Y[["z"]])
    pd.testing.assert_frame_equal(more.predict(X)[["size"]], before)
    assert more.evaluate(X, Y[["z"]]).loc["z", "r2"] > 0.9


TREE = ("tree", DecisionTreeRegressor(max_depth=3, random_state=0), "all", "reduced")


@pytest.mark.parametrize("strategy", ["independent", "chain"])
def test_members_that_are_there_predict_what_they_did_beside_a_new_learner(data, strategy, tmp_path):
    X, Y = data[0], data[1][["size", "big", "z"]]
    settings = {"learners": LEARNERS, "cv": 3, "random_state": 0, "strategy": strategy}
    model = MultiOutputStack(**settings).fit(X, Y)
    save(model, tmp_path / "m.emm")
    more = load(tmp_path / "m.emm").add_learner(X, Y, TREE)
    old, new = model.table_.members(), [m for m in more.table_.members() if m.learner == "tree"]
    assert {member.task for member in new} == {"size", "z"}
    for table, bigger in ((model.table_, more.table_), (model.predict_members(X), more.predict_members(X))):
        np.testing.assert_array_equal(bigger.block(old), table.block(old))
    np.testing.assert_array_equal(more.predict_proba(X)["big"], model.predict_proba(X)["big"])  # no classifier came
    assert "tree" in more.leaderboard().query("task == 'z'")["learner"].tolist()
    assert more.contributions_.sum().round(9).eq(1).all()
    assert more.task_contributions_.sum().max() <= 1
    save(more, tmp_path / "more.emm")
    pd.testing.assert_frame_equal(
        load(tmp_path / "more.emm").predict(X.assign(note=None)), more.predict(X.assign(note=None))
    )
    whole = MultiOutputStack(**settings | {"learners": [*LEARNERS, TREE], "cv": model.folds_}).fit(X, Y)
    fresh = [m for m in whole.table_.members() if m in new]
    np.testing.assert_array_equal(more.table_.block(new), whole.table_.block(fresh))
    if len(model.levels_) == 1 == len(whole.levels_):  # as if all had been fitted at once
        # What the first members say without a view that they read is not kept, so weights for its lack are not tried.
        complete = X[X["note"].notna()]
        pd.testing.assert_frame_equal(more.predict(complete), whole.predict(complete))
    with pytest.raises(ValueError, match="has a learner 'tree' already"):
        more.add_learner(X, Y, TREE)


def test_a_learner_of_another_seed_reads_in_its_own_way(data):
    X, Y = data
    model = StackedClassifier(learners=LEARNERS, cv=3, random_state=0, prune=1).fit(X, Y["big"])
    proba = model.predict_proba(X)
    tree = ("tree", DecisionTreeClassifier(max_depth=3, random_state=0), "each", "reduced")
    more = model.set_params(random_state=5).add_learner(X, Y["big"], tree)
    np.testing.assert_array_equal(model.predict_proba(X), proba)
    np.testing.assert_array_equal(
        more.predict_members(X).block(model.table_.members()), model.predict_members(X).block(model.table_.members())
    )
    assert more.score(X, Y["big"]) > 0.9


def test_a_learner_comes_with_the_rows_and_labels_of_the_fit(data):
    X, Y = data
    model = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="other labels than in the fit"):
        model.add_learner(X, Y.assign(size=Y["size"][::-1].to_numpy()), TREE)
    with pytest.raises(ValueError, match="other rows than the fit"):
        model.add_learner(X[:60], Y[:60], TREE)
    with pytest.raises(ValueError, match="No learner serves task 'big'"):
        model.add_learner(X, Y[["big"]], TREE)
    only = model.add_learner(X, Y[["z"]], TREE)
    assert [m.task for m in only.table_.members() if m.learner == "tree"] == ["z"]


def test_what_was_held_out_of_other_tasks_stays_calibrated_beside_a_new_learner(data):
    X, Y = data[0], data[1][["size", "big"]]
    settings = {"learners": LEARNERS, "cv": 3, "random_state": 0, "strategy": "independent"}
    model = MultiOutputStack(**settings, calibration="temperature").fit(X, Y)
    more = model.add_learner(X, Y, TREE)  # which serves numbers only
    np.testing.assert_array_equal(more.oof_["big"], model.oof_["big"])
    assert not np.array_equal(more.oof_["size"], model.oof_["size"])


@pytest.mark.parametrize("setting", ["balanced", {"yes": 5.0, "no": 1.0}])
def test_what_is_set_for_classes_says_nothing_of_an_added_number(data, setting):
    X, Y = data
    Y = Y.assign(other=np.where(Y["z"] > 0, "up", "down"))
    settings = {"class_weight": setting, "threshold": "balanced_accuracy" if setting == "balanced" else setting}
    model = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0, **settings).fit(X, Y[["big"]])
    for names in (["size"], ["other"], ["size", "other"]):
        more = model.add_task(X, Y[names])
        assert [*more.tasks_] == ["big", *names] and more.predict(X).shape == (len(X), 1 + len(names))
        assert (
            (more.tasks_["other"].class_weight == "balanced") is (setting == "balanced") if "other" in names else True
        )
