"""What model files cannot hold comes back as it was."""

import dataclasses
import datetime
import json
import uuid
from collections import Counter, OrderedDict, defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from ensemble_mm.store import ModelFileError, load, read_manifest, save
from ensemble_mm.store._classes import Finder
from ensemble_mm.store._decoding import Decoder
from ensemble_mm.store._encoding import Encoder

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
        [Decimal("1.50"), Fraction(1, 3), uuid.UUID(int=5), pd.Period("2024-01", "M"), pd.Interval(0, 1), pd.NaT],
        [pd.Timestamp("2024-03-31 01:30", tz="Europe/Berlin"), pd.Timestamp("2024-01-01").as_unit("s")],
        [pd.Timedelta("1 days 00:00:01"), pd.Timedelta(5, unit="s").as_unit("s")],
        {"default": defaultdict(list, {1: [2]}), "counter": Counter("aab"), "ordered": OrderedDict(b=1, a=2)},
        (b"\x00\xff", bytearray(b"x"), complex(1, -2), range(2, 9, 3), slice(1, 3), "long " * 999, 10**40, -0.0),
        {Decimal(1): "a", (1, ("b",)): frozenset(range(20)), None: np.datetime64("2024-01-01", "D")},
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
    Encoder().node(item)
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
    ring = ([],)
    ring[0].append(ring)
    with pytest.raises(ModelFileError, match="refers to itself"):
        save(Holder(ring), tmp_path / "file")


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


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_lie_in_memory_as_they_did(order, tmp_path):
    """Sums depend on it, in their last bits."""
    save(Holder(np.asarray(np.arange(6.0).reshape(2, 3), order=order)), tmp_path / "file")
    back = load(tmp_path / "file", trusted=[Holder]).content
    assert back.flags.f_contiguous == (order == "F") and back.tolist() == [[0, 1, 2], [3, 4, 5]]
    back[0, 0] = 7  # and can be written to


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array, sp.coo_array])
def test_sparse_matrices_come_back(kind, tmp_path):
    matrix = kind(sp.random(20, 9, 0.3, random_state=0))
    save(Holder(matrix), tmp_path / "file")
    back = load(tmp_path / "file", trusted=[Holder]).content
    assert isinstance(back, sp.sparray) == isinstance(matrix, sp.sparray) and (back != matrix.tocsr()).nnz == 0


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    a: int
    b: list


class Empty:
    __slots__ = ()


class Slots:
    __slots__ = ("a",)


class Both(Slots):
    """Slots of its base, and attributes of its own."""


class OwnState:
    def __init__(self, content):
        self.content = content

    def __getstate__(self):
        return ["own", self.content]

    def __setstate__(self, state):
        assert state[0] == "own"
        self.content = state[1]


def test_objects_of_the_user_come_back(tmp_path):
    both = Both()
    both.a, both.c = 3, 4
    save(Holder([Slotted(1, [2]), OwnState(3), Empty(), both]), tmp_path / "file")
    slotted, own, empty, again = load(tmp_path / "file", trusted=[Holder, Slotted, OwnState, Empty, Both]).content
    assert slotted == Slotted(1, [2]) and own.content == 3 and type(empty) is Empty
    assert (again.a, again.c) == (3, 4)


def test_what_is_too_deep_is_not_saved(tmp_path):
    deep = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(ModelFileError, match="levels deep"):
        save(Holder(deep), tmp_path / "file")


def test_nodes_are_plain_json():
    """No number of a node depends on the place of an object in memory."""
    shared = [1.5]
    node = Encoder().node(Holder({"a": shared, "b": (shared, None)}))
    state = {"dict": [["a", "b"], [{"list": [1.5], "id": 1}, {"tuple": [{"ref": 1}, None]}]]}
    assert json.loads(json.dumps(node)) == {"object": [f"{__name__}.Holder", {"content": state}]}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_that_fewer_bytes_hold_are_kept_in_those(dtype, order):
    values = np.asarray(np.arange(300).reshape(20, 15) / 8, dtype=dtype, order=order)
    values[0, 0], values[0, 1], values[0, 2] = np.nan, np.inf, -0.0
    encoder = Encoder()
    node = encoder.node(values)
    assert len(encoder.blocks[0]) == 2 * values.size
    made = Decoder(b"".join(encoder.blocks), Finder()).whole(node)
    assert (
        made.dtype == values.dtype
        and made.tobytes("A") == values.tobytes("A")
        and made.flags.f_contiguous == (order == "F")
    )
    values[1, 1] = np.pi
    kept = Encoder()
    kept.node(values)
    assert len(kept.blocks[0]) == values.nbytes


@pytest.mark.parametrize(("most", "size"), [(200, 1), (60_000, 2), (70_000, 4), (2**40, 8)])
def test_whole_numbers_are_kept_in_few_bytes(most, size):
    values = np.r_[0:20, most].astype(np.int64)
    encoder = Encoder()
    node = encoder.node(values)
    assert len(encoder.blocks[0]) == size * len(values)
    made = Decoder(encoder.blocks[0], Finder()).whole(node)
    assert made.dtype == values.dtype and np.array_equal(made, values)


@pytest.mark.parametrize("wide", ["<f8", "|O", "<U9", ["<i8"], None])
def test_numbers_are_widened_to_numbers_of_their_kind_only(wide):
    encoder = Encoder()
    node = encoder.node(np.arange(20))
    node["array"][-1] = wide
    with pytest.raises((ValueError, TypeError)):
        Decoder(encoder.blocks[0], Finder()).whole(node)


def test_equal_arrays_are_kept_once():
    a, b = np.random.default_rng(0).normal(size=(2, 40, 40)), np.zeros((40, 40))
    encoder = Encoder()
    node = encoder.node([a[0], a[0].copy(), a[0].T.copy(), a[0].copy("F"), b])
    assert len(encoder.blocks) == 4
    made = Decoder(b"".join(encoder.blocks), Finder()).whole(node)
    assert [np.array_equal(x, y) for x, y in zip(made, [a[0], a[0], a[0].T, a[0], b], strict=True)] == [True] * 5
    assert made[3].flags.f_contiguous and made[1].flags.c_contiguous


def test_numbers_in_their_order_take_no_room():
    encoder, words = Encoder(), {f"w{i:04}": i for i in range(1000)}
    node = encoder.node(words)
    assert len(b"".join(encoder.blocks)) < 10_000
    assert Decoder(b"".join(encoder.blocks), Finder()).whole(node) == words


def test_a_symmetric_matrix_takes_half_and_comes_back_to_the_bit():
    values = np.random.default_rng(0).normal(size=(40, 40))
    for matrix, n in ((values + values.T, 820), (values, 1600)):
        encoder = Encoder()
        node = encoder.node(matrix)
        assert len(encoder.blocks[0]) == 8 * n
        again = Decoder(b"".join(encoder.blocks), Finder()).whole(node)
        assert again.tobytes() == matrix.tobytes()
    for shape in ([40, 41], [1600], [2**20, 2**20]):
        with pytest.raises(ValueError):
            Decoder(bytes(8 * 1600), Finder()).whole({"array": ["<f8", shape, "lower"]})


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i8", ">i4", np.longdouble])
def test_numbers_of_other_machines_come_back_to_the_bit(dtype):
    values, encoder = np.arange(100).astype(dtype), Encoder()
    node = encoder.node(values)
    again = Decoder(b"".join(encoder.blocks), Finder()).whole(node)
    assert again.dtype == values.dtype and again.tobytes() == values.tobytes()


def test_the_sign_of_zero_is_kept_above_the_diagonal():
    matrix, encoder = np.zeros((20, 20)), Encoder()
    matrix[0, 1] = -0.0
    node = encoder.node(matrix)
    assert Decoder(b"".join(encoder.blocks), Finder()).whole(node).tobytes() == matrix.tobytes()


def test_numbers_of_other_sizes_than_those_of_processors_are_saved():
    values = np.tile(np.array([1, 2, np.nan], dtype=np.longdouble), 9000)
    encoder = Encoder()
    described = encoder.array(values)
    again = Decoder(b"".join(encoder.blocks), Finder()).array(described)
    np.testing.assert_array_equal(again, values)
