"""Tasks, runs and models in a database: a thin face on MLflow's tracking store and model registry.

A task is an experiment, a fit is a run (parameters, fold scores, contributions, seconds, the fingerprint of the data,
versions), a model is a registered version, kept as a model file next to the database. Everything that is
written is also what ``mlflow ui --backend-store-uri URL`` shows.
"""

import contextlib
import json
import os
import random
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ._connection import Connection, mlflow_error, pages, worded
from ._models import load, save
from ._names import TAG, check_alias, check_name, check_tags, metric_name, model_name
from ._pyfunc import FILES, write_pyfunc
from ._runs import describe_run, interval

_MODEL, _RECORD = "model.emm", "run.json"
_MOST_METRICS = 1000
_TRIES = 20


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
        self._connection = Connection(url)
        self.url = self._connection.url
        if artifacts is None:
            if self._connection.file is None:
                raise ValueError(f"{url!r} holds no files: name a folder for the models with artifacts=.")
            artifacts = self._connection.file.with_suffix(".artifacts")
        remote = "://" in str(artifacts) and not str(artifacts).startswith("file:")
        folder = Path(str(artifacts).removeprefix("file://")).absolute()
        self._folder = None if remote else folder
        self._artifacts = str(artifacts) if remote else folder.as_uri()

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
        name, tags = check_name(name), check_tags(tags or {})
        if alias is not None:
            check_alias(alias)
        record = describe_run(model, X, Y, name)
        with self._connection.open() as client:
            run = client.create_run(self._experiment(client, name), run_name=f"{name[:200]}").info
        try:
            self._fill(run, model, record, name, tags, alias)
        except BaseException:
            with contextlib.suppress(mlflow_error()), self._connection.open() as client:
                client.set_terminated(run.run_id, "FAILED")
            raise
        return run.run_id

    def tasks(self) -> pd.DataFrame:
        """Return a DataFrame, one row per task: the number of runs, the latest version, when it was last fitted."""
        runs = self.runs()
        rows = {
            name: {"runs": len(part), "version": part["version"].max(), "last": part["created"].max()}
            for name, part in runs.groupby("task", sort=False)
        }
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=["runs", "version", "last"])
        return frame.rename_axis("task").sort_values("last", ascending=False)

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
        with self._connection.open() as client:
            experiments = {e.experiment_id: e.name for e in pages(client.search_experiments)}
            if task is not None:
                experiments = {key: name for key, name in experiments.items() if name == task}
                if not experiments:
                    raise ValueError(f"There is no task {task!r} in {self._connection}: tasks() lists them.")
            stored = pages(client.search_runs, experiment_ids=list(experiments)) if experiments else []
        rows = {}
        for run in stored:
            labels = run.data.tags
            if run.info.status != "FINISHED" or TAG + "version" not in labels:
                continue
            rows[run.info.run_id] = {
                "task": experiments[run.info.experiment_id],
                "version": int(labels[TAG + "version"]),
                "created": pd.Timestamp(run.info.start_time, unit="ms", tz="UTC"),
                "seconds": run.data.metrics.get("seconds", np.nan),
                "data": labels.get(TAG + "data", ""),
                "tags": {key: value for key, value in labels.items() if not key.startswith((TAG, "mlflow."))},
                **json.loads(labels.get(TAG + "scores", "{}")),
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

    def load(self, name: str, version: int | str | None = None, trusted=()) -> Any:
        """Return a model: the latest version, the one of that number, or the one with that alias.

        `trusted` is handed to `load`. Raises ValueError when there is no such model.
        """
        words = f"There is no model {name!r}, version {version!r}, in {self._connection}"
        with self._connection.open() as client, worded(words):
            chosen = self._version(client, check_name(name), version)
        return self._read(chosen.run_id, _MODEL, lambda path: load(path, trusted=trusted))

    def record(self, run: str) -> dict:
        """Return all that is known of a run: parameters, fold scores, contributions, seconds, environment."""
        with self._connection.open() as client:
            self._run(client, run)
        return self._read(run, _RECORD, lambda path: json.loads(Path(path).read_text(encoding="utf-8")))

    def delete(self, run: str) -> None:
        """Delete a run, its model version and its files."""
        with self._connection.open() as client:
            info = self._run(client, run)
            name = model_name(client.get_experiment(info.info.experiment_id).name)
            if version := info.data.tags.get(TAG + "version"):
                with contextlib.suppress(mlflow_error()):  # it may have been deleted in MLflow's own page
                    client.delete_model_version(name, version)
            client.delete_run(run)
        if self._folder is not None:
            for file in (_MODEL, _RECORD, *FILES):
                (self._folder / run / "artifacts" / file).unlink(missing_ok=True)
            for folder in (self._folder / run / "artifacts", self._folder / run):
                with contextlib.suppress(OSError):  # something of the user's lies in it
                    folder.rmdir()

    def set_tag(self, run: str, key: str, value: str) -> None:
        """Set a tag of a run."""
        tags = check_tags({key: value})
        with self._connection.open() as client:
            self._run(client, run)
            for key, value in tags.items():
                client.set_tag(run, key, value)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Let an alias such as "production" stand for a version of a model; it moves if it stood for another."""
        check_alias(alias)
        words = f"There is no version {version!r} of {name!r} in {self._connection}"
        with self._connection.open() as client, worded(words):
            client.get_model_version(model_name(name), str(version))
            client.set_registered_model_alias(model_name(name), alias, str(version))

    def _experiment(self, client, name: str) -> str:
        for _ in range(2):
            experiment = client.get_experiment_by_name(name)
            if experiment is not None:
                if experiment.lifecycle_stage == "deleted":
                    client.restore_experiment(experiment.experiment_id)
                return experiment.experiment_id
            with contextlib.suppress(mlflow_error()):  # another process was quicker
                kind = {"mlflow.experimentKind": "custom_model_development"}  # opens as training runs in MLflow's page
                return client.create_experiment(name, artifact_location=self._artifacts, tags=kind)
        raise ValueError(f"The task {name!r} cannot be made in {self._connection}.")

    def _fill(self, run, model, record: dict, name: str, tags: Mapping, alias: str | None) -> None:
        """Give a new run its files, its numbers and the version of its model."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) if self._folder is None else self._folder / run.run_id / "artifacts"
            folder.mkdir(parents=True, exist_ok=True)
            save(model, folder / _MODEL)
            with self._connection.quiet():
                write_pyfunc(model, folder, _MODEL, run.run_id)
            (folder / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
            with self._connection.open() as client:
                if self._folder is None:
                    client.log_artifacts(run.run_id, scratch)
                self._write(client, run.run_id, record, tags)
                version = self._register(client, name, run)
                client.set_tag(run.run_id, TAG + "version", version)
                if alias is not None:
                    client.set_registered_model_alias(model_name(name), alias, version)
                client.set_terminated(run.run_id)

    def _write(self, client, run: str, record: dict, tags: Mapping) -> None:
        from mlflow.entities import Metric, Param, RunTag

        metrics = [("seconds", record["seconds"], 0), ("extractions", record["n_extractions"], 0)]
        for target, score in record["scores"].items():
            key = metric_name(f"{target}/{score['score_name']}")
            metrics += [(key, score["mean"], 0), (key + "/std", score["std"], 0)]
            metrics += [(key + "/fold", value, fold) for fold, value in enumerate(score["folds"])]
        for target, shares in record["contributions"].items():
            for member, share in shares.items():
                metrics.append((metric_name(f"contribution/{target}/{member}"), share, 0))
        known = [Metric(k, float(v), 0, s) for k, v, s in metrics if v is not None and np.isfinite(v)]
        labels = {**tags, TAG + "data": record["data"], TAG + "model": record["model"]}
        labels[TAG + "scores"] = json.dumps({f"{t} {s['score_name']}": s["mean"] for t, s in record["scores"].items()})
        settings = {**record["params"], **{f"version.{k}": v for k, v in record["versions"].items()}}
        params = [Param(metric_name(key)[:250], str(value)[:500]) for key, value in settings.items()]
        client.log_batch(run, tags=[RunTag(key, str(value)[:5000]) for key, value in labels.items()])
        for start in range(0, len(params), 100):
            client.log_batch(run, params=params[start : start + 100])
        for start in range(0, min(len(known), _MOST_METRICS), 500):
            client.log_batch(run, metrics=known[start : start + 500])

    def _register(self, client, name: str, run) -> str:  # type: ignore[return]  # the last try returns or raises
        model = model_name(name)
        with contextlib.suppress(mlflow_error()):  # it exists
            client.create_registered_model(model)
        for again in reversed(range(_TRIES)):
            try:
                return str(
                    client.create_model_version(model, run.artifact_uri, run.run_id, await_creation_for=0).version
                )
            except mlflow_error():  # other processes took the number that it had counted to
                if not again:
                    raise
                time.sleep(random.uniform(0, 0.2))

    def _version(self, client, name: str, version):
        model = model_name(name)
        if version is None:
            versions = [v for v in pages(client.search_model_versions, filter_string=f"name='{model}'") if v.run_id]
            if not versions:
                raise ValueError(f"There is no model {name!r} in {self._connection}: tasks() lists them.")
            return max(versions, key=lambda v: int(v.version))
        if isinstance(version, str) and not version.isdecimal():
            return client.get_model_version_by_alias(model, version)
        return client.get_model_version(model, str(version))

    def _run(self, client, run: str):
        with worded(f"There is no run {run!r} in {self._connection}: runs() lists them"):
            stored = client.get_run(run)
        if stored.info.lifecycle_stage == "deleted":
            raise ValueError(f"The run {run!r} was deleted.")
        return stored

    def _read(self, run: str, file: str, reader):
        """Read a file of a run. What the database says of its place is not followed: it could be anywhere."""
        if self._folder is not None:
            path = self._folder / Path(run).name / "artifacts" / file
            if not path.exists():
                raise FileNotFoundError(
                    f"{file} of run {run!r} is not in {str(self._folder)!r}: name its folder with artifacts=."
                )
            return reader(path)
        with tempfile.TemporaryDirectory() as scratch, self._connection.open() as client:
            return reader(client.download_artifacts(run, file, scratch))
