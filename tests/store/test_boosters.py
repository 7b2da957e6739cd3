"""Boosters of senders that are not known are read in a process of their own; what ends it is an error."""

import copy
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.pipeline import Pipeline
from xgboost import XGBClassifier, XGBRegressor

from ensemble_mm.store import ModelFileError, _boosters, load, save
from ensemble_mm.store._boosters import (
    booster_kind,
    booster_state,
    check_text,
    check_trees,
    empty_booster,
    fill_booster,
    try_out,
)

rng = np.random.default_rng(0)
X, y = rng.normal(size=(200, 5)), rng.integers(0, 3, 200)
CODES = np.c_[X[:, :2], rng.integers(0, 12, size=(200, 1))]
MODELS = {
    "lightgbm": LGBMClassifier(n_estimators=3, num_leaves=5, verbose=-1, n_jobs=1).fit(X, y),
    "categories": LGBMRegressor(n_estimators=3, num_leaves=5, min_data_per_group=1, verbose=-1, n_jobs=1).fit(
        CODES, CODES[:, 2] % 4, categorical_feature=[2]
    ),
    "linear trees": LGBMRegressor(n_estimators=3, num_leaves=5, linear_tree=True, verbose=-1, n_jobs=1).fit(X, y),
    "stumps": LGBMRegressor(n_estimators=2, min_child_samples=500, verbose=-1, n_jobs=1).fit(X, y),
    "xgboost": XGBClassifier(n_estimators=3, max_depth=3, n_jobs=1).fit(X, y),
    "dart": XGBRegressor(n_estimators=3, max_depth=3, booster="dart", n_jobs=1).fit(X, y),
    "linear": XGBRegressor(n_estimators=3, booster="gblinear", n_jobs=1).fit(X, y),
    "targets": XGBRegressor(n_estimators=3, max_depth=3, multi_strategy="multi_output_tree", n_jobs=1).fit(X, X[:, :2]),
}


def text_of(name):
    model = MODELS[name]
    booster = model.booster_ if hasattr(model, "booster_") else model.get_booster()
    whole = booster.model_to_string().encode() if hasattr(model, "booster_") else booster_state(booster)[0]
    return booster_kind(booster), whole


def test_models_of_another_user_predict_the_same(tmp_path, forge):
    save(Pipeline(list(MODELS.items())), tmp_path / "file")
    again = load(forge(source=tmp_path / "file", manifest={"signature": None}))
    assert list(again.named_steps) == list(MODELS)
    for name, model in again.steps:
        rows = CODES if name == "categories" else X
        np.testing.assert_array_equal(model.predict(rows), MODELS[name].predict(rows), err_msg=name)


@pytest.mark.parametrize("name", ["lightgbm", "categories", "linear trees"])
def test_what_a_text_leaves_out_nothing_reads(name):
    booster, rows = MODELS[name].booster_, CODES if name == "categories" else X
    text, state = booster_state(booster)
    assert len(text) < len(text_of(name)[1])
    again = empty_booster("lightgbm")
    fill_booster(again, text, state)
    assert booster_state(again)[0] == text
    np.testing.assert_array_equal(again.predict(rows), booster.predict(rows))
    if name != "linear trees":  # which LightGBM does not explain
        np.testing.assert_array_equal(again.predict(rows, pred_contrib=True), booster.predict(rows, pred_contrib=True))
    for kind in ("split", "gain"):
        np.testing.assert_array_equal(again.feature_importance(kind), booster.feature_importance(kind))


def change(text, old, new):
    assert old in text, old
    return text.replace(old, new, 1)


def line(text, name):
    return next(line for line in text.splitlines() if line.startswith(name + "="))


@pytest.mark.parametrize(
    "name, key, value",
    [
        ("lightgbm", "left_child", "900 -2 -3 -4"),
        ("lightgbm", "left_child", "0 -2 -3 -4"),
        ("lightgbm", "right_child", "-900 -2 -3 -4"),
        ("lightgbm", "split_feature", "900 0 0 0"),
        ("lightgbm", "split_feature", "-1 0 0 0"),
        ("lightgbm", "split_feature", "0"),
        ("lightgbm", "threshold", "nan 0 0 0"),
        ("lightgbm", "num_leaves", "500"),
        ("lightgbm", "num_leaves", "0"),
        ("lightgbm", "leaf_value", "1"),
        ("lightgbm", "num_class", "70000"),
        ("lightgbm", "num_tree_per_iteration", "70000"),
        ("lightgbm", "max_feature_idx", "2000000000"),
        ("lightgbm", "max_feature_idx", "0"),
        ("lightgbm", "objective", "multiclass num_class:70000"),
        ("lightgbm", "tree_sizes", "5 5 5"),
        ("categories", "cat_boundaries", "0 900000 900001 900002 900003"),
        ("categories", "num_cat", "0"),
        ("linear trees", "leaf_features", "900"),
        ("linear trees", "num_features", "900 0 0 0 0"),
    ],
)
def test_a_text_whose_trees_could_be_left_is_refused(name, key, value):
    text = text_of(name)[1].decode()
    check_text(text)
    with pytest.raises((ValueError, KeyError)):
        check_text(change(text, line(text, key), f"{key}={value}"))


def without_sizes(name):
    """A text whose trees LightGBM reads one after the other, which it also takes."""
    text = text_of(name)[1].decode()
    return change(text, line(text, "tree_sizes") + "\n", "")


@pytest.mark.parametrize("hidden", ["\x0c", "\x1c", "\u2028"])
def test_lines_are_those_of_the_library(hidden):
    """Python would end a line where LightGBM does not, and the check would read another tree."""
    text = without_sizes("lightgbm")
    old = line(text, "left_child")
    with pytest.raises(ValueError, match="outside"):
        check_text(change(text, old, f"left_child=900 -2 -3 -4\nx={hidden}{old}"))


def test_a_tree_of_another_number_is_a_tree():
    text = change(without_sizes("categories"), "Tree=0\n", "Tree=x\n")
    check_text(text)
    with pytest.raises(ValueError, match="outside"):
        check_text(change(text, line(text, "left_child"), "left_child=900 -2 -3 -4"))


def test_what_is_read_is_what_the_library_wrote(tmp_path, forge):
    """Not the settings of a file: so many threads, say, that the process ends when it predicts."""
    one, two = copy.deepcopy(MODELS["xgboost"]), copy.deepcopy(MODELS["lightgbm"])
    one.get_booster().set_param({"nthread": 123_456})
    two.booster_.predict = np.mean
    save(Pipeline([("one", one), ("two", two)]), tmp_path / "file")
    one_again, two_again = load(forge(source=tmp_path / "file", manifest={"signature": None}))
    assert "123456" in one.get_booster().save_config() and "123456" not in one_again.get_booster().save_config()
    assert "predict" not in vars(two_again.booster_)


def test_the_trial_imports_nothing_that_lies_beside_it(monkeypatch, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(Path(_boosters.__file__).read_text())
    (tmp_path / "json.py").write_text(f"open({os.fspath(tmp_path / 'trace')!r}, 'w')")
    monkeypatch.setattr(_boosters, "__file__", os.fspath(program))
    try_out([text_of("lightgbm")])
    assert not (tmp_path / "trace").exists()


@pytest.mark.slow
def test_what_ends_the_reader_is_an_error(monkeypatch):
    """A child that dies, hangs or complains: each is a ValueError here, and this process lives on."""
    kind, model = text_of("xgboost")
    for content in (model[: len(model) // 2], b"", b"{}", model.replace(b"split_indices", b"split_indicez", 1)):
        with pytest.raises(ValueError, match="not whole"):
            try_out([(kind, content)])
    monkeypatch.setattr(_boosters, "SECONDS", 0.01)
    with pytest.raises(ValueError, match="within"):
        try_out([(kind, model)])


def test_a_death_is_told(monkeypatch, tmp_path):
    program = tmp_path / "dies.py"
    program.write_text(f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})")
    monkeypatch.setattr(_boosters, "__file__", os.fspath(program))
    with pytest.raises(ValueError, match="ended with -11"):
        try_out([text_of("xgboost")])


def test_a_forged_booster_is_an_error_of_load(tmp_path, forge, describe):
    node, arrays = describe(MODELS["lightgbm"])
    old = line(text_of("lightgbm")[1].decode(), "split_feature").encode()
    new = b"split_feature=" + b"9" * (len(old) - len(b"split_feature="))
    assert old in arrays
    load(forge(node, arrays))
    with pytest.raises(ModelFileError, match="not whole"):
        load(forge(node, arrays.replace(old, new)))


def padded(model):
    tree = model["trees"][0]
    for name in ("left_children", "right_children", "split_indices", "parents"):
        tree[name] = [*tree[name], 10**9]
    tree["tree_param"]["num_nodes"] = str(len(tree["left_children"]))


def set_in(name, place, value):
    return lambda model: model["trees"][1][name].__setitem__(place, value)


@pytest.mark.parametrize(
    "change",
    [
        padded,
        lambda model: model.update(iteration_indptr=[0, 10**6]),
        set_in("parents", 2, 62721),
        set_in("parents", 0, 1),
        set_in("right_children", -1, 255),
        set_in("tree_param", "num_feature", "6"),
    ],
)
def test_trees_that_point_outside_themselves_are_refused(change):
    """A tree that says more nodes than it has is filled from whatever the memory held; parents are read, too."""
    model = json.loads(bytes(MODELS["xgboost"].get_booster().save_raw("json")))
    check_trees(model, 5)
    change(model["learner"]["gradient_booster"]["model"])
    with pytest.raises(ValueError, match="not whole"):
        check_trees(model, 5)
