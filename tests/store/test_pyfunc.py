"""A model that the database logged is one of MLflow's own, and loading it runs nothing that is not ours."""

import base64
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor, TaskDatabase
from ensemble_mm.endpoint import _load_pyfunc
from ensemble_mm.store import ModelFileError

mlflow = pytest.importorskip("mlflow")


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """X, a fitted model of texts, pictures and facts, and how to load what was logged of it."""
    rng = np.random.default_rng(0)
    good = rng.random(40) < 0.5
    files = []
    for shade in np.where(good, 200, 40):
        files.append(io.BytesIO())
        Image.new("RGB", (16, 16), (int(shade), 0, 0)).save(files[-1], "PNG")
    X = pd.DataFrame(
        {
            "review": [f"a {'soft warm' if g else 'torn cold'} coat, number {i}" for i, g in enumerate(good)],
            "photo": [file.getvalue() for file in files],
            "age": rng.integers(18, 80, 40),
            "shop": rng.choice(["north", "south"], 40),
        }
    )
    Y = pd.DataFrame({"kind": np.where(good, "up", "down"), "stars": good + rng.normal(size=40, scale=0.1)})
    learners = {"classification": [("linear", LogisticRegression())], "regression": [("linear", Ridge())]}
    model = MultiOutputStack(learners=learners, cv=2, random_state=0, strategy="independent").fit(X, Y)
    place = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{place}/runs.db"
    TaskDatabase(uri).log(model, X, Y, name="coats", alias="production")

    def load(name="models:/coats@production"):
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        return mlflow.pyfunc.load_model(name)

    return X, model, load, uri


def test_mlflow_loads_it_and_predicts_the_same(logged):
    X, model, load, _ = logged
    loaded, wanted = load(), model.predict(X[:6])
    found = loaded.predict(X[:6])
    assert found["kind"].tolist() == wanted["kind"].tolist() and np.allclose(found["stars"], wanted["stars"])
    found = loaded.predict(X[:6], params={"probabilities": True, "interval": True, "coverage": 0.8})
    assert np.allclose(found["kind=up"], model.predict_proba(X[:6])["kind"][:, 1])
    assert np.allclose(found["stars high"], model.predict_interval(X[:6], 0.8)["stars"][:, 1])


def test_its_signature_and_example_tell_what_it_takes(logged):
    X, model, load, _ = logged
    loaded = load()
    signature = loaded.metadata.signature
    assert set(signature.inputs.input_names()) == set(X) and signature.outputs.input_names() == ["kind", "stars"]
    example = loaded.input_example
    assert set(example) == set(X) and "coat" not in example.to_json()  # nothing of the training data
    assert loaded.predict(example).shape == (1, 2)
    assert loaded.predict(X[:3].drop(columns="photo")).shape == (3, 2)


def test_a_text_in_a_column_of_files_is_no_path(logged, tmp_path):
    X, _, _, uri = logged
    own = tmp_path / "own.png"
    own.write_bytes(X["photo"][0])
    function = _load_pyfunc(str(next(_files_below(uri)).with_name("model.emm")))  # as a schema enforces nothing here
    with pytest.raises(Exception, match="not\\s+opened"):
        function.predict(X[:1].assign(photo=str(own)))
    sent = X[:1].assign(photo=base64.b64encode(X["photo"][0]).decode())
    pd.testing.assert_frame_equal(function.predict(sent), function.predict(X[:1]))


def test_the_task_opens_as_training_runs(logged):
    client = mlflow.tracking.MlflowClient(logged[3])
    assert client.get_experiment_by_name("coats").tags["mlflow.experimentKind"] == "custom_model_development"


def test_other_estimators_have_no_signature_and_load_too(logged, tmp_path):
    uri = f"sqlite:///{tmp_path}/runs.db"
    db = TaskDatabase(uri)
    run = db.log(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), name="slope")
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    loaded = mlflow.pyfunc.load_model("models:/slope/1")
    assert loaded.predict(pd.DataFrame([[0.5]], columns=["x"]).to_numpy())["prediction"].tolist() == [0.5]
    db.delete(run)
    assert not (tmp_path / "runs.artifacts" / run).exists()


class Foreign(Ridge):
    """A class that nobody trusts."""


def test_loading_refuses_what_is_not_ours(tmp_path):
    uri = f"sqlite:///{tmp_path}/runs.db"
    TaskDatabase(uri).log(Foreign().fit([[0.0], [1.0]], [0.0, 1.0]), name="foreign")
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with pytest.raises(ModelFileError, match="not trusted"):
        mlflow.pyfunc.load_model("models:/foreign/1")


def test_files_beside_the_model_name_no_path(logged):
    folder = next(path.parent for path in _files_below(logged[3]))
    for name in ("MLmodel", "requirements.txt", "python_env.yaml", "input_example.json"):
        assert str(folder) not in (folder / name).read_text()
    assert any(line.startswith("ensemble_mm==") for line in (folder / "requirements.txt").read_text().splitlines())
    assert json.loads((folder / "python_env.yaml").read_text())["dependencies"] == ["-r requirements.txt"]


def _files_below(uri):
    return Path(uri.removeprefix("sqlite:///")).with_suffix(".artifacts").glob("*/artifacts/MLmodel")


@pytest.mark.slow
def test_mlflow_serves_it(logged):
    """By MLflow's own command, in a process of its own."""
    X, model, _, uri = logged
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/coats@production"]
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # MLflow runs uvicorn by name
    places = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_REGISTRY_URI": uri}  # MLflow notes those of this process there
    environment = {**os.environ, **places, "PATH": programs}
    with subprocess.Popen(
        [*command, "--env-manager", "local", "--port", str(port)], env=environment, start_new_session=True
    ) as process:
        try:
            rows = X[:4].assign(photo=[base64.b64encode(photo).decode() for photo in X["photo"][:4]])
            split = json.loads(rows.to_json(orient="split", index=False))
            body = json.dumps({"dataframe_split": {"columns": split["columns"], "data": split["data"]}}).encode()
            address = f"http://127.0.0.1:{port}/invocations"
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            answer = json.loads(_patient(request, process))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
    assert [row["kind"] for row in answer["predictions"]] == model.predict(X[:4])["kind"].tolist()


def _patient(request, process, seconds=240):
    """Return the answer to a request of a server that is starting."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read()) from error
        except OSError:
            assert time.monotonic() < until and process.poll() is None
            time.sleep(1)


def _judged(model, X, y, kind):
    # Its explanation of columns of texts fails in MLflow itself.
    settings = {"log_model_explainability": False}
    data = X.assign(label=np.asarray(y))
    with mlflow.start_run():
        found = mlflow.models.evaluate(model, data, targets="label", model_type=kind, evaluators="default",
                                       evaluator_config=settings)  # fmt: skip
    return found.metrics


@pytest.mark.parametrize(("stack", "learner", "kind", "metric"), [
    (StackedClassifier, LogisticRegression(), "classifier", "accuracy_score"),
    (StackedRegressor, Ridge(), "regressor", "r2_score"),
])  # fmt: skip
def test_mlflow_judges_a_logged_model(logged, stack, learner, kind, metric, tmp_path):
    X, _, load, uri = logged
    X = X.drop(columns="photo")
    y = np.where(X["review"].str.contains("soft"), "up", "down") if kind == "classifier" else X["age"].to_numpy()
    model = stack(learners=[("linear", learner)], cv=2, random_state=0).fit(X, y)
    TaskDatabase(uri).log(model, X, y, name=kind, alias="production")
    load(f"models:/{kind}@production")
    found = _judged(f"models:/{kind}@production", X, y, kind)
    assert found[metric] == pytest.approx(model.score(X, y))


def test_mlflow_judges_one_task_of_several(logged):
    X, model, load, _ = logged
    loaded, labels = load(), np.roll(model.predict(X)["kind"], 1)
    found = _judged(lambda X: loaded.predict(X)["kind"], X.drop(columns="photo"), labels, "classifier")
    assert found["accuracy_score"] == np.mean(labels == loaded.predict(X.drop(columns="photo"))["kind"])
