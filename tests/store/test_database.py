"""What is logged is found again, by several processes, whatever it is called."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from ensemble_mm.store import ModelFileError, TaskDatabase, load

X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)


def make_model(scores=(0.4, 0.6), alpha=1.0):
    """A fitted estimator with what the database reads of a stack."""
    model = Ridge(alpha=alpha).fit(X, y)
    folds = {f"fold_{i}": score for i, score in enumerate(scores)}
    row = {"task": "price €", "learner": "ensemble", "reads": "", "score_name": "r2", **folds}
    row |= {"mean": np.mean(scores), "std": np.std(scores)}
    model.cv_results_ = pd.DataFrame([row, row | {"learner": "ridge"}])
    model.folds_ = [(np.arange(3), np.arange(3, 6)), (np.arange(3, 6), np.arange(3))]
    index = pd.MultiIndex.from_tuples([("facts", "ridge"), ("all", "gbm")], names=["reads", "learner"])
    model.contributions_ = pd.DataFrame({"price €": [0.25, 0.75]}, index=index)
    model.fit_report_ = pd.DataFrame({"seconds": [1.5, 2.0]}, index=["extract", "fit"])
    return model


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("db")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def db(request, place):
    """A database in a file, and one on a server; each starts without tables."""
    if request.param == "sqlite":
        return TaskDatabase(f"sqlite:///{place}/runs.db")
    return TaskDatabase(request.getfixturevalue("new_database")(), artifacts=place / "of_server")


def folder_of(db, place):
    """Where the files of the models are."""
    return place / ("runs.artifacts" if db.url.startswith("sqlite") else "of_server")


def test_nothing_is_said_while_a_run_is_kept(db, recwarn):
    """SQLAlchemy told every user what is to change in MLflow."""
    db.log(make_model(), X, y, name="quiet")
    db.load("quiet")
    assert not recwarn.list


def test_runs_are_found_again(db, place):
    first = db.log(make_model(), X, y, name="first", tags={"who": "me"}, alias="production")
    second = db.log(make_model(alpha=2.0), X, y, name="first")
    runs = db.runs("first")
    assert list(runs.index) == [second, first] and list(runs["version"]) == [2, 1]
    assert runs.loc[first, "price € r2"] == 0.5 and runs.loc[first, "seconds"] == 3.5
    assert runs.loc[first, "tags"] == {"who": "me"} and runs.loc[first, "data"] == runs.loc[second, "data"] != ""
    assert db.tasks().loc["first", ["runs", "version"]].to_list() == [2, 2]
    record = db.record(first)
    assert record["contributions"] == {"price €": {"facts/ridge": 0.25, "all/gbm": 0.75}}
    assert record["params"]["alpha"] == "1.0" and "numpy" in record["versions"]
    assert [db.load("first", v).alpha for v in (None, 1, "2", "production")] == [2.0, 1.0, 2.0, 1.0]
    db.set_alias("first", "production", 2)
    assert db.load("first", "production").alpha == 2.0
    db.set_tag(second, "stage", "checked")
    assert db.runs("first").loc[second, "tags"] == {"stage": "checked"}
    assert TaskDatabase(db.url, folder_of(db, place)).load("first").alpha == 2.0
    assert load(folder_of(db, place) / second / "artifacts" / "model.emm").alpha == 2.0


def test_a_deleted_run_is_gone_with_its_model_and_files(db, place):
    run = db.log(make_model(), name="short")
    other = db.log(make_model(alpha=3.0), name="short")
    db.delete(other)
    assert list(db.runs("short").index) == [run] and db.load("short").alpha == 1.0
    assert not (folder_of(db, place) / other).exists()
    for action in (db.delete, db.record):
        with pytest.raises(ValueError, match="was deleted"):
            action(other)


def test_runs_on_equal_folds_are_compared_in_pairs(db):
    a = db.log(make_model((0.40, 0.60)), X, y, name="compare")
    b = db.log(make_model((0.51, 0.70)), X, y, name="compare")
    other = db.log(make_model((0.51, 0.70)), X + 1, y, name="compare")
    row = db.compare(a, b).loc["price €"]
    assert row["paired"] and row["n_folds"] == 2 and row["difference"] == pytest.approx(0.105)
    assert row["low"] < 0.105 < row["high"] and row["high"] - 0.105 == pytest.approx(0.105 - row["low"])
    wide = db.compare(a, b, coverage=0.99).loc["price €"]
    assert wide["high"] > row["high"]
    row = db.compare(a, other).loc["price €"]
    assert not row["paired"] and np.isnan(row["low"]) and row["difference"] == pytest.approx(0.105)


@pytest.mark.parametrize("name", ["x'; DROP TABLE runs;--", 'a"b', "a/b: 5 %", "评论", "../../up", "..", "name='a'"])
def test_names_are_data(db, place, name):
    before = len(db.runs())
    db.log(make_model(alpha=7.0), name=name)
    assert len(db.runs()) == before + 1 and len(db.runs(name)) == 1 and db.load(name).alpha == 7.0
    assert set(os.listdir(place)) <= {"runs.artifacts", "runs.db", "runs.db.lock", "of_server"}


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda db: db.log(make_model(), name=""), "cannot name a task"),
        (lambda db: db.log(make_model(), name="a\nb"), "cannot name a task"),
        (lambda db: db.log(make_model(), name="x", tags={"mlflow.user": "me"}), "cannot name a tag"),
        (lambda db: db.log(make_model(), name="x", alias="v1"), "taken for a version"),
        (lambda db: db.log(make_model(), name="x", alias="a b"), "letters, digits"),
        (lambda db: db.load("nothing"), "no model 'nothing'"),
        (lambda db: db.load("first", 99), "version 99"),
        (lambda db: db.load("first", "nobody"), "version 'nobody'"),
        (lambda db: db.runs("nothing"), "tasks\\(\\) lists them"),
        (lambda db: db.delete("nothing"), "runs\\(\\) lists them"),
        (lambda db: db.record("../../../etc"), "runs\\(\\) lists them"),
    ],
)
def test_mistakes_are_told(db, call, words):
    with pytest.raises(ValueError, match=words):
        call(db)


def test_a_planted_model_is_not_run(db, place):
    import pickle

    trace = place.parent / "trace"

    class Boom:
        def __reduce__(self):
            return open, (str(trace), "w")

    run = db.log(make_model(), name="planted")
    (folder_of(db, place) / run / "artifacts" / "model.emm").write_bytes(pickle.dumps(Boom()))
    with pytest.raises(ModelFileError):
        db.load("planted")
    assert not trace.exists()


LOG = """
import os, sys, numpy as np
from sklearn.linear_model import Ridge
from ensemble_mm.store import TaskDatabase
db = TaskDatabase(*sys.argv[1:])
for i in range(2):
    db.log(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), name="shared")
import mlflow.telemetry.client as telemetry
assert telemetry.get_telemetry_client() is None
assert "MLFLOW_DISABLE_TELEMETRY" not in os.environ
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_log_at_once_lose_nothing(kind, tmp_path, request):
    """On a database that is not there yet; MLflow's telemetry is off in both and the environment as it was."""
    args = [f"sqlite:///{tmp_path}/runs.db"]
    if kind == "postgresql":
        args = [request.getfixturevalue("new_database")(), str(tmp_path / "models")]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "PYTEST")) and k != "CI"}
    start = {"env": env, "cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", LOG, *args], **start) for _ in range(2)]
    for process in both:
        out, _ = process.communicate(timeout=600)
        assert process.returncode == 0, out
        assert out == ""
    runs = TaskDatabase(*args).runs()
    assert sorted(runs["version"]) == [1, 2, 3, 4]
    assert not (tmp_path / "mlruns").exists()


def test_versions_that_others_took_are_asked_for_again(db, monkeypatch):
    """MLflow counts versions by itself, and gives up where several processes ask for the same one at once."""
    from mlflow.exceptions import MlflowException

    run = db.log(make_model(), name="asked")
    tries = []

    def taken(name, *args, **kwargs):
        tries.append(name)
        if len(tries) < 4:
            raise MlflowException("Model Version creation error (name=asked). Giving up after 3 attempts.")
        return create(name, *args, **kwargs)

    create = db._connection.client.create_model_version
    monkeypatch.setattr(db._connection.client, "create_model_version", taken)
    again = db.log(make_model(), name="asked")
    assert len(tries) == 4 and db.runs("asked")["version"].to_dict() == {again: 2, run: 1}


def test_a_run_that_cannot_be_finished_is_marked_and_not_listed(db, monkeypatch):
    model = make_model()
    model.words_ = lambda: "no name, no place in a file"
    with pytest.raises(ModelFileError, match="cannot be saved"):
        db.log(model, name="halfway")
    assert len(db.runs("halfway")) == 0
    (experiment,) = db._connection.client.search_experiments(filter_string="name = 'halfway'")
    assert [run.info.status for run in db._connection.client.search_runs([experiment.experiment_id])] == ["FAILED"]
