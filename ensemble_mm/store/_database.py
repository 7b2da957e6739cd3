"""Tasks, runs and models in a database: a thin face on MLflow's tracking store and model registry.

A task is an experiment, a fit is a run (parameters, fold scores, contributions, seconds, the fingerprint of the data,
versions), a model is a registered version, kept as a model file next to the database. Everything that is
written is also what ``mlflow ui --backend-store-uri URL`` shows.
"""

import contextlib
import json
import logging
import os
import random
import re
import sqlite3
import tempfile
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from .._checks import require
from ._models import load, save
from ._runs import describe_run, interval

_MODEL, _RECORD = "model.emm", "run.json"
_TAG = "ensemble_mm."
_MOST_METRICS = 1000
_TRIES = 20
_DRIVERS = {"psycopg": "ensemble_mm[postgresql]"}
_LOCK = 0x656D6D  # any number that others are unlikely to lock


class TaskDatabase:
    """Keep tasks, runs and models in a database.

    Parameters
    ----------
    url : str, default="sqlite:///runs.db"
        A SQLAlchemy URL. A SQLite file is made on first use; several processes may log to it at once.
        PostgreSQL: ``"postgresql://user:password@host/name"``, with the extra ``postgresql``.
    artifacts : path-like, str or None, default=None
        Folder (or URI) of the model files. None: beside the SQLite file, in a folder of its name with the
        suffix ``.artifacts``; other databases need it given.

    Notes
    -----
    Needs the extra ``store``. MLflow's telemetry is off in these calls, unless the environment variable
    ``MLFLOW_DISABLE_TELEMETRY`` says ``false``.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.linear_model import Ridge
    >>> db = TaskDatabase(f"sqlite:///{tempfile.mkdtemp()}/runs.db")
    >>> run = db.log(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), name="slope")
    >>> db.tasks()["runs"].to_dict()
    {'slope': 1}
    >>> db.load("slope").predict([[0.5]])
    array([0.5])
    """

    def __init__(self, url: str = "sqlite:///runs.db", artifacts: str | os.PathLike | None = None):
        self._file = _sqlite_file(url)
        # The driver is named, since SQLAlchemy's default is another one from version 2.1 on.
        self.url = (
            re.sub("^postgres(ql)?://", "postgresql+psycopg://", str(url)) if self._file is None
            else f"sqlite:///{self._file.as_posix()}"
        )  # fmt: skip
        if artifacts is None:
            if self._file is None:
                raise ValueError(f"{url!r} holds no files: name a folder for the models with artifacts=.")
            artifacts = self._file.with_suffix(".artifacts")
        remote = "://" in str(artifacts) and not str(artifacts).startswith("file:")
        self._folder = None if remote else Path(str(artifacts).removeprefix("file://")).absolute()
        self._artifacts = str(artifacts) if remote else self._folder.as_uri()
        self._client = None

    def log(self, model, X=None, Y=None, *, name: str, tags: Mapping | None = None, alias: str | None = None) -> str:
        """Record a fitted model as a run of the task `name`, and register it as the next version of that name.

        Parameters
        ----------
        model : estimator
            A fitted stack, or any other fitted scikit-learn estimator.
        X, Y : as in fit, or None
            The data it was fitted on; their fingerprint is kept, not they themselves.
        name : str
            Name of the task.
        tags : mapping of str to str or None
        alias : str or None
            A name for this version, such as "production"; it moves here from an older version.

        Returns
        -------
        run : str
            The id of the run.
        """
        name, tags = _check_name(name), _check_tags(tags or {})
        if alias is not None:
            _check_alias(alias)
        record = describe_run(model, X, Y, name)
        with self._session() as client:
            run = client.create_run(self._experiment(client, name), run_name=f"{name[:200]}").info
        try:
            self._fill(run, model, record, name, tags, alias)
        except BaseException:
            with contextlib.suppress(_mlflow_error()), self._session() as client:
                client.set_terminated(run.run_id, "FAILED")
            raise
        return run.run_id

    def tasks(self) -> pd.DataFrame:
        """Return a DataFrame, one row a task: the number of runs, the latest version, when it was last fitted."""
        runs = self.runs()
        rows = {
            name: {"runs": len(part), "version": part["version"].max(), "last": part["created"].max()}
            for name, part in runs.groupby("task", sort=False)
        }
        found = pd.DataFrame.from_dict(rows, orient="index", columns=["runs", "version", "last"])
        return found.rename_axis("task").sort_values("last", ascending=False)

    def runs(self, task: str | None = None) -> pd.DataFrame:
        """Return a DataFrame, one row a finished run, the newest first.

        Parameters
        ----------
        task : str or None
            Only the runs of this task.

        Returns
        -------
        runs : DataFrame
            Index: the ids of the runs. Columns: task, version, created (UTC), seconds, data (fingerprint), tags, and
            the out-of-fold scores of the ensemble, as ``"target score"``.
        """
        with self._session() as client:
            experiments = {e.experiment_id: e.name for e in _pages(client.search_experiments)}
            if task is not None:
                experiments = {key: name for key, name in experiments.items() if name == task}
                if not experiments:
                    raise ValueError(f"There is no task {task!r} in {self._shown()}: tasks() lists them.")
            found = _pages(client.search_runs, experiment_ids=list(experiments)) if experiments else []
        rows = {}
        for run in found:
            labels = run.data.tags
            if run.info.status != "FINISHED" or _TAG + "version" not in labels:
                continue
            rows[run.info.run_id] = {
                "task": experiments[run.info.experiment_id],
                "version": int(labels[_TAG + "version"]),
                "created": pd.Timestamp(run.info.start_time, unit="ms", tz="UTC"),
                "seconds": run.data.metrics.get("seconds", np.nan),
                "data": labels.get(_TAG + "data", ""),
                "tags": {key: value for key, value in labels.items() if not key.startswith((_TAG, "mlflow."))},
                **json.loads(labels.get(_TAG + "scores", "{}")),
            }
        columns = ["task", "version", "created", "seconds", "data", "tags"]
        table = pd.DataFrame.from_dict(rows, orient="index", columns=None if rows else columns)
        return table.rename_axis("run").sort_values(["created", "version"], ascending=False)

    def compare(self, run_a: str, run_b: str, coverage: float = 0.95) -> pd.DataFrame:
        """Compare the out-of-fold scores of two runs, target by target.

        Runs on the same data with the same folds are compared fold by fold; the interval of the difference allows
        for the rows that the folds' training sets share [1]_. Others are compared by their means alone.

        Returns
        -------
        comparison : DataFrame
            Index: the targets. Columns: score_name, a, b, difference (b - a), low, high (NaN when not paired), n_folds,
            paired.

        References
        ----------
        .. [1] Nadeau, C. & Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52, 239-281.
        """
        a, b = self.record(run_a), self.record(run_b)
        same = a["folds"] is not None and a["folds"] == b["folds"] and a["data"] == b["data"]
        rows = {}
        for target in [target for target in a["scores"] if target in b["scores"]]:
            one, other = a["scores"][target], b["scores"][target]
            if one["score_name"] != other["score_name"]:
                continue
            folds = np.subtract(other["folds"], one["folds"]) if same else np.array([])
            folds = folds[~np.isnan(folds)]
            difference = other["mean"] - one["mean"]
            low, high = interval(folds, a["test_share"], coverage)
            rows[target] = {"score_name": one["score_name"], "a": one["mean"], "b": other["mean"],
                            "difference": difference, "low": low, "high": high,
                            "n_folds": len(folds), "paired": bool(same)}  # fmt: skip
        columns = ["score_name", "a", "b", "difference", "low", "high", "n_folds", "paired"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("target")

    def load(self, name: str, version: int | str | None = None, trusted=()):
        """Return a model: the latest version, the one of that number, or the one with that alias.

        `trusted` is handed to `load`. Raises ValueError when there is no such model.
        """
        with self._session() as client, _worded(f"There is no model {name!r}, version {version!r}, in {self._shown()}"):
            found = self._version(client, _check_name(name), version)
        return self._read(found.run_id, _MODEL, lambda path: load(path, trusted=trusted))

    def record(self, run: str) -> dict:
        """Return all that is known of a run: parameters, fold scores, contributions, seconds, environment."""
        with self._session() as client:
            self._run(client, run)
        return self._read(run, _RECORD, lambda path: json.loads(Path(path).read_text(encoding="utf-8")))

    def delete(self, run: str) -> None:
        """Delete a run, its model version and its files."""
        with self._session() as client:
            info = self._run(client, run)
            name = _model_name(client.get_experiment(info.info.experiment_id).name)
            if version := info.data.tags.get(_TAG + "version"):
                with contextlib.suppress(_mlflow_error()):  # it may have been deleted in MLflow's own page
                    client.delete_model_version(name, version)
            client.delete_run(run)
        if self._folder is not None:
            for file in (_MODEL, _RECORD):
                (self._folder / run / "artifacts" / file).unlink(missing_ok=True)
            for folder in (self._folder / run / "artifacts", self._folder / run):
                with contextlib.suppress(OSError):  # something of the user's lies in it
                    folder.rmdir()

    def set_tag(self, run: str, key: str, value: str) -> None:
        """Set a tag of a run."""
        tags = _check_tags({key: value})
        with self._session() as client:
            self._run(client, run)
            for key, value in tags.items():
                client.set_tag(run, key, value)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Let an alias such as "production" stand for a version of a model; it moves if it stood for another."""
        _check_alias(alias)
        with self._session() as client, _worded(f"There is no version {version!r} of {name!r} in {self._shown()}"):
            client.get_model_version(_model_name(name), str(version))
            client.set_registered_model_alias(_model_name(name), alias, str(version))

    def _shown(self) -> str:
        """The URL as it may be shown: without a password."""
        return repr(str(self._file)) if self._file else repr(self.url.rpartition("@")[2])

    @contextlib.contextmanager
    def _session(self):
        """Give MLflow's client, quiet, without telemetry, and for SQLite one process at a time.

        SQLite lets one writer in and turns others away after a while; here they queue, so that none is lost.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(_without_telemetry())
            stack.enter_context(_quiet())
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(_one_at_a_time(self._file.with_name(self._file.name + ".lock")))
            if self._client is None:
                self._client = self._connect()
            yield self._client

    def _connect(self):
        alchemy = require("sqlalchemy", extra="store", caller="TaskDatabase")
        tracking = require("mlflow.tracking", extra="store", caller="TaskDatabase")
        errors = require("sqlalchemy.exc", extra="store", caller="TaskDatabase")
        try:
            # A server that is away is told at once: MLflow itself would try again for minutes.
            engine = alchemy.create_engine(self.url, poolclass=alchemy.pool.NullPool)
            with engine.connect() as connection:
                if engine.dialect.name == "postgresql":  # of several processes, one makes the tables
                    connection.execute(alchemy.text(f"SELECT pg_advisory_lock({_LOCK})"))
                client = tracking.MlflowClient(tracking_uri=self.url, registry_uri=self.url)
                client.search_experiments(max_results=1)
                return client
        except ModuleNotFoundError as error:
            package = _DRIVERS.get(error.name, error.name)
            raise ImportError(
                f"{self._shown()} needs the driver {error.name!r}: pip install {package!r}."
            ) from error
        except (errors.SQLAlchemyError, _mlflow_error()) as error:
            reason = str(error).splitlines()[0][:300]
            raise ValueError(f"{self._shown()} cannot be used as a database of runs: {reason}") from error

    def _experiment(self, client, name: str) -> str:
        for _ in range(2):
            found = client.get_experiment_by_name(name)
            if found is not None:
                if found.lifecycle_stage == "deleted":
                    client.restore_experiment(found.experiment_id)
                return found.experiment_id
            with contextlib.suppress(_mlflow_error()):  # another process was quicker
                return client.create_experiment(name, artifact_location=self._artifacts)
        raise ValueError(f"The task {name!r} cannot be made in {self._shown()}.")

    def _fill(self, run, model, record: dict, name: str, tags: Mapping, alias: str | None) -> None:
        """Give a new run its files, its numbers and the version of its model."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) if self._folder is None else self._folder / run.run_id / "artifacts"
            save(model, folder / _MODEL)
            (folder / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
            with self._session() as client:
                if self._folder is None:
                    client.log_artifacts(run.run_id, scratch)
                self._write(client, run.run_id, record, tags)
                version = self._register(client, name, run)
                client.set_tag(run.run_id, _TAG + "version", version)
                if alias is not None:
                    client.set_registered_model_alias(_model_name(name), alias, version)
                client.set_terminated(run.run_id)

    def _write(self, client, run: str, record: dict, tags: Mapping) -> None:
        from mlflow.entities import Metric, Param, RunTag

        metrics = [("seconds", record["seconds"], 0), ("extractions", record["n_extractions"], 0)]
        for target, score in record["scores"].items():
            key = _metric_name(f"{target}/{score['score_name']}")
            metrics += [(key, score["mean"], 0), (key + "/std", score["std"], 0)]
            metrics += [(key + "/fold", value, fold) for fold, value in enumerate(score["folds"])]
        for target, shares in record["contributions"].items():
            for member, share in shares.items():
                metrics.append((_metric_name(f"contribution/{target}/{member}"), share, 0))
        metrics = [Metric(k, float(v), 0, s) for k, v, s in metrics if v is not None and np.isfinite(v)]
        labels = {**tags, _TAG + "data": record["data"], _TAG + "model": record["model"]}
        labels[_TAG + "scores"] = json.dumps({f"{t} {s['score_name']}": s["mean"] for t, s in record["scores"].items()})
        settings = {**record["params"], **{f"version.{k}": v for k, v in record["versions"].items()}}
        settings = [Param(_metric_name(key)[:250], str(value)[:500]) for key, value in settings.items()]
        client.log_batch(run, tags=[RunTag(key, str(value)[:5000]) for key, value in labels.items()])
        for start in range(0, len(settings), 100):
            client.log_batch(run, params=settings[start : start + 100])
        for start in range(0, min(len(metrics), _MOST_METRICS), 500):
            client.log_batch(run, metrics=metrics[start : start + 500])

    def _register(self, client, name: str, run) -> str:
        model = _model_name(name)
        with contextlib.suppress(_mlflow_error()):  # it exists
            client.create_registered_model(model)
        source = f"{run.artifact_uri}/{_MODEL}"
        for again in reversed(range(_TRIES)):
            try:
                return str(client.create_model_version(model, source, run.run_id, await_creation_for=0).version)
            except _mlflow_error():  # other processes took the number that it had counted to
                if not again:
                    raise
                time.sleep(random.uniform(0, 0.2))

    def _version(self, client, name: str, version):
        model = _model_name(name)
        if version is None:
            found = [v for v in _pages(client.search_model_versions, filter_string=f"name='{model}'") if v.run_id]
            if not found:
                raise ValueError(f"There is no model {name!r} in {self._shown()}: tasks() lists them.")
            return max(found, key=lambda v: int(v.version))
        if isinstance(version, str) and not version.isdecimal():
            return client.get_model_version_by_alias(model, version)
        return client.get_model_version(model, str(version))

    def _run(self, client, run: str):
        with _worded(f"There is no run {run!r} in {self._shown()}: runs() lists them"):
            found = client.get_run(run)
        if found.info.lifecycle_stage == "deleted":
            raise ValueError(f"The run {run!r} was deleted.")
        return found

    def _read(self, run: str, file: str, reader):
        """Read a file of a run. What the database says of its place is not followed: it could be anywhere."""
        if self._folder is not None:
            path = self._folder / Path(run).name / "artifacts" / file
            if not path.exists():
                raise FileNotFoundError(
                    f"{file} of run {run!r} is not in {str(self._folder)!r}: name its folder with artifacts=."
                )
            return reader(path)
        with tempfile.TemporaryDirectory() as scratch, self._session() as client:
            return reader(client.download_artifacts(run, file, scratch))


def _sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for other databases."""
    scheme, found, rest = str(url).partition("://")
    if not found or not rest and scheme != "sqlite":
        raise ValueError(f"{url!r} is not a database URL: write, for example, sqlite:///runs.db.")
    if scheme.partition("+")[0] != "sqlite":
        return None
    path = rest.partition("?")[0][1:]
    if not path or path == ":memory:":
        raise ValueError(f"{url!r} names no file: write, for example, sqlite:///runs.db.")
    return Path(path).absolute()


def _check_name(name: str) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
        raise ValueError(f"name={name!r} cannot name a task: use 1 to 200 printable characters.")
    return name


def _check_tags(tags: Mapping) -> dict[str, str]:
    for key in tags:
        kept = isinstance(key, str) and all(c.isalnum() or c in "_-. /" for c in key) and 0 < len(key) <= 200
        if not kept or key != key.strip() or key.startswith((_TAG, "mlflow.", "/", ".")) or key.endswith(("/", ".")):
            raise ValueError(
                f"{key!r} cannot name a tag: use letters, digits, _ and -, and neither {_TAG} nor mlflow. in front."
            )
    return {key: str(value)[:5000] for key, value in tags.items()}


def _check_alias(alias: str) -> None:
    if not isinstance(alias, str) or not alias.replace("-", "").replace("_", "").isalnum() or not alias.isascii():
        raise ValueError(f"alias={alias!r} must be made of letters, digits, - and _.")
    if alias.isdecimal() or alias.lower() == "latest" or alias.lower().lstrip("v").isdecimal():
        raise ValueError(f"alias={alias!r} could be taken for a version: use a word such as 'production'.")


def _model_name(name: str) -> str:
    """Name of a registered model: the registry takes nothing that could be a path, and its filters no quotes."""
    quoted = urllib.parse.quote(name, safe=" ").replace("%", "=")
    return "=2E" + quoted[1:] if quoted.startswith(".") else quoted


def _metric_name(name: str) -> str:
    """A name that MLflow takes: letters, digits and a few signs."""
    kept = "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)[:200]
    parts = [part.strip(" .") or "_" for part in kept.split("/")]
    return "/".join(parts)


def _pages(search, **arguments) -> list:
    found = search(max_results=1000, **arguments)
    items = list(found)
    while found.token:
        found = search(max_results=1000, page_token=found.token, **arguments)
        items += found
    return items


def _mlflow_error():
    return require("mlflow.exceptions", extra="store", caller="TaskDatabase").MlflowException


@contextlib.contextmanager
def _worded(sentence: str):
    try:
        yield
    except _mlflow_error() as error:
        raise ValueError(f"{sentence}.") from error


@contextlib.contextmanager
def _without_telemetry():
    """MLflow reads its switch from the environment, at import and at each call: set for that long, then put back."""
    name = "MLFLOW_DISABLE_TELEMETRY"
    before = os.environ.get(name)
    os.environ.setdefault(name, "true")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _quiet():
    """Hold back MLflow's and alembic's notes on the tables they make; their warnings and errors come through."""
    before = {name: logging.getLogger(name).level for name in ("mlflow", "mlflow.store.db.utils", "alembic")}
    for name in before:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def _one_at_a_time(path: Path, seconds: float = 600.0):
    """Queue the processes that use a file. The lock is SQLite's own on an empty file: it works on every
    system, and it goes with the process that held it."""
    connection = sqlite3.connect(path, timeout=seconds, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()
