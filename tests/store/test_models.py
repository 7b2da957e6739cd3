"""Models come back as they were; nothing in a file is run, and a bad file is refused in words."""

import io
import json
import pickle
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

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
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier, XGBRegressor

from ensemble_mm import StackedClassifier
from ensemble_mm.store import ModelFileError, load, read_manifest, save

X, y = make_classification(90, 6, n_informative=4, n_classes=3, random_state=0)
HERE = Path(__file__).parent

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
    assert manifest["format_number"] == 1 and manifest["model"].endswith("LogisticRegression")
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
    model = make_pipeline(FunctionTransformer(thing), Ridge())
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
        "subprocess.Popen",
        "ensemble_mm.__main__.main",
        "ensemble_mm._cli.main",
        "ensemble_mm.store._arrays.write_atomic",
        "ensemble_mm.store._jobs.JobStore",
        "ensemble_mm.features.os",
        "sklearn.metrics._classification.warnings",
        "joblib.load",
        "pickle.loads",
    ],
)
def test_types_that_do_things_are_refused(saved, tmp_path, name):
    """A forged schema with right hashes: the type is refused before it is built."""
    module, _, attribute = name.rpartition(".")
    for loader in ("FunctionNode", "TypeNode", "ObjectNode"):
        state = {"__class__": attribute, "__module__": module, "__loader__": loader, "protocol": 2, "content": None}
        forge(saved, tmp_path / "forged", {"schema.json": json.dumps(state).encode()})
        with pytest.raises(ModelFileError, match="not trusted"):
            load(tmp_path / "forged")


def forge(source, target, members, manifest=None):
    """Write a model file with other inner members and a manifest that agrees."""
    part = io.BytesIO()
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    write_model(source, target, part.getvalue(), manifest=manifest)


def write_model(source, target, part, compression=zipfile.ZIP_STORED, manifest=None):
    stated = read_manifest(source) | (manifest or {})
    stated["parts"] = {"model.skops": {"sha256": sha256(part).hexdigest(), "bytes": len(part)}}
    with zipfile.ZipFile(target, "w", compression) as archive:
        archive.writestr("manifest.json", json.dumps(stated))
        archive.writestr("model.skops", part)


def node(loader, name, content=None):
    """The description of an object, as a file holds it."""
    module, _, attribute = name.rpartition(".")
    return {"__class__": attribute, "__module__": module, "__loader__": loader, "content": content}


def nothing():
    return node("TupleNode", "builtins.tuple", [])


def empty():
    return node("DictNode", "builtins.dict", {}) | {"key_types": node("ListNode", "builtins.list", [])}


def text(word):
    return node("JsonNode", "builtins.str", json.dumps(word))


@pytest.mark.parametrize(
    "schema",
    [
        node("ConstructorFromReduceNode", "subprocess.Popen", nothing()),
        node("ConstructorFromReduceNode", "xgboost.core.Booster", nothing()),  # its constructor reads a file
        node("ConstructorFromReduceNode", "lightgbm.basic.Booster", nothing()),
        node("ConstructorFromReduceNode", "sklearn.linear_model._base.LinearRegression", nothing()),
        node("ConstructorFromReduceNode", "ensemble_mm.stacking._estimators.StackedClassifier", nothing()),
        node("TypeNode", "xgboost.core.Booster"),
        node("FunctionNode", "lightgbm.basic.Booster"),
        node("MethodNode", "sklearn.linear_model._ridge.Ridge",
             {"func": "fit", "obj": node("ObjectNode", "sklearn.linear_model._ridge.Ridge")}),
        node("OperatorFuncNode", "operator.methodcaller")
        | {"attrs": node("TupleNode", "builtins.tuple", [text("fit")])},
        node("PartialNode", "functools.partial", {"func": node("FunctionNode", "os.system"), "args": nothing(),
             "kwds": empty(), "namespace": empty()}),
        node("ListNode", "builtins.list", [node("TupleNode", "os.terminal_size", [])]),
    ],
    ids=lambda schema: schema["__loader__"] + " " + schema["__class__"],
)  # fmt: skip
def test_no_way_of_building_calls_what_a_file_names(saved, tmp_path, schema):
    for holder in (schema, {**node("ObjectNode", "sklearn.linear_model._ridge.Ridge"), "content": schema}):
        forged = json.dumps({"protocol": 2, "_skops_version": "0.13"} | holder)
        forge(saved, tmp_path / "forged", {"schema.json": forged})
        with pytest.raises(ModelFileError, match="not trusted"):
            load(tmp_path / "forged")


class Boom:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return open, (self.trace, "w")


def test_pickles_are_never_read(saved, tmp_path):
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
    array = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode", "type": "numpy"}
    schema = json.dumps(array | {"file": "a.npy", "protocol": 2})
    forge(saved, path, {"schema.json": schema, "a.npy": buffer.getvalue()})
    with pytest.raises(ModelFileError, match="cannot be rebuilt"):
        load(path)
    assert not trace.exists()


def test_bombs_are_refused(saved, tmp_path):
    zeros = bytes(300 * 2**20)
    with zipfile.ZipFile(tmp_path / "outer", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", zeros)
    forge(saved, tmp_path / "inner", {"schema.json": b"{}", "a.npy": zeros})
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.npy", zeros)
    forge(saved, tmp_path / "npz", {"schema.json": b"{}", "a.npz": inner.getvalue()})
    for name in ("outer", "inner", "npz"):
        with pytest.raises(ModelFileError, match="bomb"):
            load(tmp_path / name)


def test_bombs_within_bombs_are_refused(saved, tmp_path):
    """Many archives, each below the limit, and a part that was packed twice."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.npy", bytes(100 * 2**20))
    forge(saved, tmp_path / "many", {"schema.json": b"{}"} | {f"{i}.npz": inner.getvalue() for i in range(3)})
    with pytest.raises(ModelFileError, match="bomb"):
        load(tmp_path / "many")
    forge(saved, tmp_path / "renamed", {"schema.json": b"{}"} | {f"{i}.bin": inner.getvalue() for i in range(3)})
    with pytest.raises(ModelFileError, match="bomb"):
        load(tmp_path / "renamed")
    part = io.BytesIO()  # what a file packs twice may not unpack to a hundred times a hundred times its size
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"{}")
        archive.writestr("padding", bytes(4 * 2**20), zipfile.ZIP_STORED)
        archive.writestr("a.npy", bytes(300 * 2**20))
    write_model(saved, tmp_path / "twice", part.getvalue(), zipfile.ZIP_DEFLATED)
    assert (tmp_path / "twice").stat().st_size < 2**20 < len(part.getvalue())
    with pytest.raises(ModelFileError, match="bomb"):
        load(tmp_path / "twice")


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/../../b", "..\\escape", "c:\\x"])
def test_names_outside_are_refused(saved, tmp_path, name):
    content = saved.read_bytes()
    (tmp_path / "bad").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "bad", "a") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(ModelFileError, match="outside itself"):
        load(tmp_path / "bad")


@pytest.mark.parametrize(
    "manifest, words",
    [
        ({"format_number": 99}, "upgrade"),
        ({"format": "another"}, "not one of ours"),
        ({"format_number": "1"}, "not one of ours"),
        ({"parts": {"model.skops": {"sha256": "0" * 64}}}, "does not match its hash"),
        ({"parts": {}}, "not one of ours"),
        ([], "not one of ours"),
        ("[" * 100_000, "not one of ours"),
    ],
)
def test_manifests_are_checked(saved, tmp_path, manifest, words):
    with zipfile.ZipFile(saved) as archive:
        stated, part = json.loads(archive.read("manifest.json")), archive.read("model.skops")
    text = manifest if isinstance(manifest, str) else json.dumps(stated | manifest if manifest else manifest)
    with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
        archive.writestr("manifest.json", text)
        archive.writestr("model.skops", part)
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


def test_folders_of_a_machine_are_not_saved(tmp_path):
    class Fake(BaseEstimator):
        def __init__(self, cache=None, checkpoint=None):
            self.cache, self.checkpoint = cache, checkpoint

    from ensemble_mm.store._packing import pack, unpack

    Fake.__module__ = "ensemble_mm.stacking._fake"
    model = Fake("/somewhere", "/else")
    assert vars(pack(model)) == {"cache": None, "checkpoint": None} == vars(unpack(Fake("/planted", "/too")))
    assert model.cache == "/somewhere"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_the_first_format_stays_readable():
    model = load(HERE / "format_1.emm")
    assert model.predict([[2.0]]) == [5.0]
    assert model.table_.equals(pd.DataFrame({"a": [1, 2], "b": ["x", None]})) and model.pairs_ == {("a", 1): [2.5]}


def test_saving_and_loading_import_only_what_they_need():
    heavy = ("skops", "mlflow", "sqlalchemy", "lightgbm")
    code = f"import sys, ensemble_mm.store; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
