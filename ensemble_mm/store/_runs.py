"""What is kept of a run in the task database, as plain data, and the statistics of comparing two."""

import sys

import numpy as np
import pandas as pd
from scipy import stats

from .._inner_folds import folds_of
from .._modalities import MODALITIES
from ._files import with_contents
from ._keys import content_key, versions


def interval(differences: np.ndarray, test_share: float | None, coverage: float) -> tuple[float, float]:
    """Return the interval of the mean of paired differences per fold; `test_share`: rows tested per row trained on."""
    n = len(differences)
    if n < 2 or not test_share:
        return np.nan, np.nan
    spread = np.sqrt((1 / n + test_share) * differences.var(ddof=1))
    half = stats.t.ppf(0.5 + coverage / 2, n - 1) * spread
    return differences.mean() - half, differences.mean() + half


def data_key(model, X, Y=None) -> str:
    """Return a key of the data that a model was fitted on: files that its views read count by content."""
    X = X.to_pandas() if hasattr(X, "chunks") else getattr(X, "views", X)  # data on disk are read
    media = _columns_of_files(model)
    if media and hasattr(X, "get_columns"):  # a polars frame
        X = {column.name: column.to_list() for column in X.get_columns()}
    if isinstance(X, dict):
        X = {name: with_contents(column, "content") if name in media else column for name, column in X.items()}
    elif media and isinstance(X, pd.DataFrame):
        files = [label for label in X.columns if label in media]
        X = X.drop(columns=files), with_contents(X[files], "content")
    elif media:
        X = with_contents(X, "content")
    return content_key(X, Y)


def _columns_of_files(model) -> set:
    views = getattr(model, "view_columns_", {}).items()
    return {column for view, columns in views if MODALITIES[model.views_[view]].files
            for column in (columns if isinstance(columns, list) else [columns])}  # fmt: skip


def describe_run(model, X, Y, name: str) -> dict:
    """What is kept of a run, as plain data."""
    report = getattr(model, "fit_report_", None)
    folds = folds_of(model.folds_) if hasattr(model, "folds_") else None
    return {
        "task": name,
        "model": f"{type(model).__module__}.{type(model).__qualname__}",
        "params": {key: _short(value) for key, value in model.get_params(deep=False).items()},
        "views": {str(k): str(v) for k, v in getattr(model, "views_", {}).items()},
        "targets": {str(k): str(t.kind) for k, t in getattr(model, "tasks_", {}).items()},
        "scores": _scores(getattr(model, "cv_results_", None)),
        "contributions": _contributions(model),
        "seconds": None if report is None else float(report["seconds"].sum()),
        "stages": {} if report is None else {str(k): float(v) for k, v in report["seconds"].items()},
        "n_extractions": getattr(model, "n_extractions_", None),
        "data": "" if X is None else data_key(model, X, Y),
        "rows": None if X is None else _n_rows(X),
        "folds": None if folds is None else content_key([(np.asarray(a), np.asarray(b)) for a, b in folds]),
        "test_share": None if not folds else float(np.mean([len(test) / len(train) for train, test in folds])),
        "versions": versions(),
        "python": sys.version,
    }


def _n_rows(X) -> int:
    if isinstance(X, dict):  # of views
        return _n_rows(next(iter(X.values())))
    return int(X.shape[0] if hasattr(X, "shape") else len(X))


def _scores(results) -> dict:
    """Return the scores of the ensemble on each fold, per target."""
    if results is None:
        return {}
    results = results.reset_index()
    results = results[results["learner"] == "ensemble"]
    columns = sorted((c for c in results.columns if str(c).startswith("fold_")), key=lambda c: int(str(c)[5:]))
    return {
        str(row["task"]): {"score_name": str(row["score_name"]), "mean": float(row["mean"]), "std": float(row["std"]),
                           "folds": [float(row[c]) for c in columns]}
        for _, row in results.iterrows()
    }  # fmt: skip


def _contributions(model) -> dict:
    """Weights of the members of each target; those of other targets have none."""
    table = getattr(model, "table_", None)
    weights = {}
    for target, column in getattr(model, "contributions_", {}).items():
        own = None if table is None else {(member.reads, member.learner) for member in table.members(target)}
        weights[str(target)] = {
            f"{reads}/{learner}": float(share)
            for (reads, learner), share in column.items()
            if own is None or (reads, learner) in own
        }
    return weights


def _short(value) -> str:
    text = repr(value)
    return " ".join(text.split()) if len(text) <= 2000 else text[:2000] + "..."
