"""What a model says of rows -> an answer as JSON can hold it, one entry per row."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..data import classes_by_column, kinds_by_column
from ._bodies import Options


def answer(model, tasks, X, options: Options) -> dict[str, list[dict]]:
    """Return the predictions for some rows, and what else is asked for.

    Parameters
    ----------
    model : estimator or Predictor
        What predicts: a fitted stack, or one that is compiled.
    tasks : dict of str to Task
        The tasks of the stack.
    X : DataFrame or array
        All columns that the model reads.
    options : Options

    Returns
    -------
    answer : dict of str to list of length n_samples
        "predictions": {task: value} per row. By option, "probabilities": {task: {class: probability}},
        "intervals": {task: [low, high]} and "sets": {task: [classes]} of the tasks that have them; of a ranking true
        where the row may be the most relevant of its query.
    """
    parts = by_task(model, tasks, "predict", X)
    found = {"predictions": {n: _plain(values) for n, values in parts.items()}}
    classes = classes_by_column(tasks)
    if options.probabilities:
        parts = by_task(model, tasks, "predict_proba", X)
        found["probabilities"] = {n: [dict(zip(map(str, classes[n]), row, strict=True)) for row in _plain(p)]
                                  for n, p in parts.items()}  # fmt: skip
    if options.interval:
        parts = by_task(model, tasks, "predict_interval", X, options.coverage)
        found["intervals"] = {n: _plain(pairs) for n, pairs in parts.items()}
    if options.set:
        parts = by_task(model, tasks, "predict_set", X, options.coverage)
        found["sets"] = {n: [_plain(classes[n][row]) for row in rows] if n in classes else _plain(rows)
                         for n, rows in parts.items()}  # fmt: skip
    return {what: [{n: column[row] for n, column in columns.items()} for row in range(len(X))]
            for what, columns in found.items()}  # fmt: skip


def table_of(model, X, probabilities: bool = False, coverage: float | None = None) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the values of each column of a table of predictions.

    One per task; beside it, where they are asked for, the bounds of a number, whether a row may be the first of its
    query, and the probability of each class.
    """
    tasks = getattr(model, "tasks_", None)
    predicted = by_task(model, tasks, "predict", X)
    proba = by_task(model, tasks, "predict_proba", X) if probabilities else {}
    bounds = {} if coverage is None else by_task(model, tasks, "predict_interval", X, coverage)
    has_lists = coverage is not None and any(task.rules.region == "shortlists" for task in (tasks or {}).values())
    lists = by_task(model, tasks, "predict_set", X, coverage) if has_lists else {}
    for name, values in predicted.items():
        yield name, values
        if name in bounds:
            yield f"{name} low", bounds[name][:, 0]
            yield f"{name} high", bounds[name][:, 1]
        if name in lists and lists[name].ndim == 1:
            yield f"{name} may be first", lists[name]
        if name in proba:
            for label, column in zip(
                classes_by_column(tasks)[name] if tasks else model.classes_, proba[name].T, strict=True
            ):
                yield f"{name}={label}", column


def by_task(model, tasks, method: str, X, *rest) -> dict[str, np.ndarray]:
    """Return {task: values} of a method that predicts; nothing where the model has no such method.

    Stacks of several tasks give a dict, a DataFrame or one column per task, and others the values of their only one.
    """
    if not hasattr(model, method):
        return {}
    found = getattr(model, method)(X, *rest)
    if isinstance(found, dict):
        return {str(name): values for name, values in found.items()}
    if isinstance(found, pd.DataFrame):
        return {str(name): found[name].to_numpy() for name in found.columns}
    parts = list(found.T) if method == "predict" and found.ndim == 2 else [found]
    names = kinds_by_column(tasks or {}) or (["prediction"] if len(parts) == 1 else range(len(parts)))
    return dict(zip(map(str, names), parts, strict=True))


def _plain(values: np.ndarray) -> list:
    """Return an array as a list of what JSON has: what it has not becomes text, and what is no number null."""
    return [_plain_item(item) for item in np.asarray(values).tolist()]


def _plain_item(item):
    if isinstance(item, list):
        return [_plain_item(part) for part in item]
    if isinstance(item, float):
        return item if math.isfinite(item) else None
    return item if isinstance(item, (str, int)) else None if item is None else str(item)
