"""What model files cannot hold comes back as it was."""

import dataclasses
import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from ensemble_mm.features import TextExtractor
from ensemble_mm.store import ModelFileError, load, read_manifest, save
from ensemble_mm.store._packing import pack, unpack

INDEX = pd.MultiIndex.from_tuples([("a", 1.0), ("b", 2.0), ("a", 3.0)], names=["task", None])
FRAMES = {
    "frame": pd.DataFrame({"x": [1, 2, 3], "y": ["u", None, "w"], 3: [0.5, np.nan, 2.0]}),
    "columns": pd.DataFrame(np.arange(9.0).reshape(3, 3), columns=INDEX, index=INDEX),
    "category": pd.DataFrame({"c": pd.Categorical(["u", "v", "u"], categories=["v", "u", "w"], ordered=True)}),
    "nullable": pd.DataFrame({"i": pd.array([1, None, 3], dtype="Int64"), "b": pd.array([True, None, False])}),
    "times": pd.DataFrame({"t": pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin")}),
    "spans": pd.DataFrame({"n": pd.to_timedelta([1, 2, 3]), "p": pd.period_range("2024-01", periods=3, freq="M")}),
    "no rows": pd.DataFrame({"x": np.array([], dtype=np.int64)}),
    "twice": pd.DataFrame([[1, "a"]], columns=["x", "x"]),
    "many words": pd.DataFrame({"w": [f"word {i}" for i in range(50)]}),
    "objects": pd.DataFrame({"o": ["u", None, 1], "w": ["u", None, "v"]}, dtype=object),
}


@dataclasses.dataclass(frozen=True)
class Holder:
    content: object


@pytest.mark.parametrize("name", FRAMES)
def test_frames_come_back(name, tmp_path):
    save(Holder({"inside": [FRAMES[name], FRAMES[name]]}), tmp_path / "file")
    back = load(tmp_path / "file", trusted=[Holder]).content["inside"]
    pd.testing.assert_frame_equal(back[0], FRAMES[name])
    assert back[0] is back[1]


@pytest.mark.parametrize(
    "item",
    [
        {("a", "b"): 1, None: 2, 3: [4]},
        {f"word{i}": i for i in range(100)},
        {f"word{i}": float(i) for i in range(100)},
        {f"word{i}": np.int64(i) for i in range(100)},
        [np.float32(i) / 3 for i in range(40)],
        [np.float64(1), *range(40)],
        [f"\ud800 word {i}" for i in range(40)],
        frozenset({"x", 2}),
        {"x", frozenset({1})},
        (Path("a/b"), pd.Timestamp("2024-01-01", tz="UTC"), pd.NaT, pd.NA),
        [datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 3), datetime.time(1), datetime.timedelta(3, 5)],
        slice(1, 3),
        {"nan": float("inf"), "empty": [], "none": None},
    ],
)
def test_values_come_back(item, tmp_path):
    save(Holder(item), tmp_path / "file")
    back = load(tmp_path / "file", trusted=[Holder]).content
    assert repr(back) == repr(item) or back == item


@pytest.mark.parametrize("dtype", [object, np.dtypes.StringDType(), "U8"])
def test_arrays_of_words_come_back(dtype, tmp_path):
    words = np.array([f"w{i}" for i in range(60)], dtype=dtype).reshape(20, 3)
    save(Holder(words), tmp_path / "file")
    back = load(tmp_path / "file", trusted=[Holder]).content
    assert back.dtype == words.dtype and np.array_equal(back, words)


def test_memory_maps_are_saved_as_arrays(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(5.0))
    save(Holder(np.load(tmp_path / "x.npy", mmap_mode="r")), tmp_path / "file")
    (tmp_path / "x.npy").unlink()
    assert type(load(tmp_path / "file", trusted=[Holder]).content) is np.ndarray


def test_what_is_saved_is_not_changed():
    inner = {"frame": FRAMES["frame"], (1, 2): "x"}
    item = Holder([inner])
    assert pack(item) is not item
    assert item.content == [inner] and inner["frame"] is FRAMES["frame"]


def test_what_is_shared_stays_shared(tmp_path):
    inner = DecisionTreeClassifier().fit([[0], [1]], [0, 1])
    pair, empty = (inner, [inner]), []
    save(Holder([pair, {"k": pair}, inner, empty, empty, {1: inner}]), tmp_path / "file")
    a, b, c, d, e, f = load(tmp_path / "file", trusted=[Holder]).content
    assert b["k"] is a and c is a[0] is a[1][0] is f[1] and c.predict([[1]]) == [1] and d == e == []
    many = Holder([pair] * 60)
    save(many, tmp_path / "many")
    assert (tmp_path / "many").stat().st_size < 2 * (tmp_path / "file").stat().st_size


def test_equal_models_give_equal_parts(tmp_path):
    parts = []
    for name in "ab":
        model = DecisionTreeClassifier(random_state=0).fit(np.arange(9.0)[:, None], np.arange(9) % 3)
        model.names_ = {"x": b"1", "y": np.arange(3)}
        save(model, tmp_path / name)
        parts.append(read_manifest(tmp_path / name)["parts"])
    assert parts[0] == parts[1]


def test_plain_things_are_not_copied():
    item = Holder([np.arange(3), {"a": "b"}, DecisionTreeClassifier()])
    assert pack(item) is item


def test_objects_that_refer_to_each_other_come_back(tmp_path):
    owner, ring = DecisionTreeClassifier(), ["x"]
    owner.parts_ = [Holder({"owner": owner, 1: ring})]
    ring.append(ring)
    save(owner, tmp_path / "file")
    back = load(tmp_path / "file", trusted=[Holder])
    assert back.parts_[0].content["owner"] is back
    again = back.parts_[0].content[1]
    assert again[0] == "x" and again[1] is again


def test_a_ring_that_cannot_be_closed_again_is_refused(tmp_path):
    ring = {1: []}
    ring[1].append(ring)
    with pytest.raises(ModelFileError, match="refers to itself"):
        save(Holder(ring), tmp_path / "file")


@pytest.mark.parametrize("field, value", [("left_child", 9999), ("right_child", 0), ("feature", 77), ("feature", -5)])
def test_a_forged_tree_is_refused(field, value):
    tree = DecisionTreeClassifier(random_state=0).fit(np.arange(20.0)[:, None], np.arange(20) % 3)
    state = tree.tree_.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][field][0] = value
    tree.tree_.__setstate__(state)
    with pytest.raises(ValueError, match="decision tree"):
        unpack(tree)


@pytest.mark.parametrize(
    "forest",
    [
        RandomForestClassifier(20, random_state=0),
        ExtraTreesRegressor(20, random_state=0),
        GradientBoostingClassifier(n_estimators=10, random_state=0),
    ],
    ids=lambda forest: type(forest).__name__,
)
def test_forests_come_back(forest, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4))
    forest.fit(X, np.arange(60) % 3)
    save(forest, tmp_path / "file")
    back = load(tmp_path / "file")
    assert np.array_equal(back.predict(X), forest.predict(X))
    assert np.shape(back.estimators_) == np.shape(forest.estimators_)
    for one, other in zip(np.ravel(forest.estimators_), np.ravel(back.estimators_), strict=True):
        assert type(other) is type(one) and set(vars(other)) == set(vars(one))
        assert other.tree_.max_depth == one.tree_.max_depth and (other.apply(X) == one.apply(X)).all()


def test_a_forged_forest_is_refused():
    forest = RandomForestClassifier(20, random_state=0).fit(np.arange(40.0)[:, None], np.arange(40) % 3)
    packed = pack(forest)
    packed.estimators_.content[2]["tree_"][1][1]["left_child"][0] = 10_000
    with pytest.raises(ValueError, match="decision tree"):
        unpack(packed)


def test_a_forged_histogram_tree_is_refused():
    X = np.arange(200.0)[:, None]
    model = HistGradientBoostingClassifier(max_iter=2).fit(X, np.arange(200) > 90)
    assert unpack(model) is model
    model._predictors[0][0].nodes["left"][0] = 10_000
    with pytest.raises(ValueError, match="decision tree"):
        unpack(model)


@pytest.mark.parametrize("part, value", [("indices", 10**6), ("indices", -5), ("indptr", 10**6)])
def test_a_forged_sparse_matrix_is_refused(part, value):
    matrix = sp.random(20, 9, 0.3, format="csr", random_state=0)
    assert unpack(Holder(matrix)).content is matrix
    getattr(matrix, part)[-1] = value
    with pytest.raises(ValueError, match="ind"):
        unpack(Holder(matrix))


def test_folders_of_pipelines_are_not_taken_from_a_file():
    """joblib would unpickle what lies in them."""
    pipeline = make_pipeline(StandardScaler(), memory="/somewhere")
    assert pack(pipeline).memory is None and pipeline.memory == "/somewhere"
    assert unpack(pipeline).memory is None


def test_a_file_cannot_allow_downloads():
    extractor = TextExtractor(encoder="somebody/something", allow_download=True)
    assert pack(extractor).allow_download is False and extractor.allow_download is True
    assert unpack(extractor).allow_download is False
