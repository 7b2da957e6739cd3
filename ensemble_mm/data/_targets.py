"""Tasks: the kind, the classes and the missing labels of every target.

`resolve_targets` turns whatever the user hands over as Y into named tasks and one float array a
task: class positions or numbers, NaN where the label is not known.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import column_or_1d

from .._checks import as_pandas
from .._kinds import KINDS
from ._values import check_values

MOST_INTEGER_CLASSES = 20
SINGLE = np.finfo(np.float32)


@dataclass(frozen=True)
class Task:
    """One target: its name, its kind and, for a classification, its classes in sorted order."""

    name: str
    kind: str
    classes: np.ndarray | None = None

    @property
    def rules(self):
        """What is so for tasks of this kind: see `ensemble_mm._kinds`."""
        return KINDS[self.kind](0 if self.classes is None else len(self.classes))

    @property
    def column_classes(self) -> list:
        """What the columns of a learner are called: the classes, for two the second; "" for a number."""
        return [""] if self.classes is None else list(self.classes[-self.rules.n_columns :])

    def encode(self, y) -> np.ndarray:
        """Return labels as floats: class positions or numbers; NaN for a label that is not known.

        A class that was not there in fit is an error.
        """
        column = pd.Series(_as_column(y))
        _check_labels(self.name, column)
        values = np.asarray(column.to_numpy(object), dtype=object)
        known = ~pd.isna(values)
        out = np.full(len(values), np.nan)
        if self.classes is None:
            out[known] = _as_numbers(self.name, values[known])
            return out
        position = {label: i for i, label in enumerate(np.asarray(self.classes).tolist())}
        plain = [label.item() if isinstance(label, np.generic) else label for label in values[known]]
        strange = [label for label in plain if label not in position]
        if strange:
            raise ValueError(
                f"Task {self.name!r} has the label {strange[0]!r}, which was not among its classes in fit "
                f"({_some(self.classes)}): correct it, or mark it as not known with None."
            )
        out[known] = [position[label] for label in plain]
        return out

    def labels(self, encoded) -> np.ndarray:
        """Return the labels that `encode` turns into these floats; None for a class that is not known."""
        if self.classes is None:
            return encoded
        known, out = ~np.isnan(encoded), np.full(len(encoded), None, dtype=object)
        out[known] = np.asarray(self.classes, dtype=object)[encoded[known].astype(np.intp)]
        return out

    def decode(self, prediction) -> np.ndarray:
        """Return labels (of class probabilities, shape (n, n_classes)) or the numbers as they are."""
        decided = self.rules.decide(np.reshape(prediction, (len(prediction), -1)))
        return decided if self.classes is None else self.classes[decided]


def resolve_targets(Y, kinds="auto", *, only: str | None = None):
    """Return `(tasks, encoded)`: the tasks in order, and one float array per task.

    Parameters
    ----------
    Y : DataFrame, Series, 2-D array, 1-D array or dict of 1-D columns
        Targets; NaN or None marks a label that is not known.
    kinds : "auto" or dict
        Kind of some or all tasks, by name.
    only : {"classification", "regression"} or None
        What a single-task estimator takes; decides the kind of an "auto" task.

    Returns
    -------
    tasks : dict of str to Task
    encoded : dict of str to ndarray of shape (n_samples,)
    named : bool
        Whether Y came with names.
    """
    columns, named = _columns(Y)
    if not isinstance(kinds, Mapping) and not (isinstance(kinds, str) and kinds == "auto"):
        raise ValueError(f'tasks={kinds!r} is not known: use "auto" or a dict from task name to kind.')
    kinds = {} if isinstance(kinds, str) else dict(kinds)
    for name, kind in kinds.items():
        if name not in columns:
            raise ValueError(f"tasks names {name!r}, but Y has the columns {_some(list(columns))}: correct the name.")
        if kind not in (*KINDS, "classification"):
            raise ValueError(f"Task {name!r} has kind {kind!r}: use one of {', '.join(KINDS)}.")
    tasks, encoded = {}, {}
    for name, column in columns.items():
        _check_labels(name, column)
        kind = kinds.get(name) or (only if only else _infer_kind(name, column))
        task = _make_task(name, column, kind)
        tasks[name], encoded[name] = task, task.encode(column)
    return tasks, encoded, named


def _columns(Y) -> tuple[dict, bool]:
    Y = as_pandas(Y)
    if isinstance(Y, pd.Series):
        return {_name(Y.name): Y.reset_index(drop=True)}, Y.name is not None
    if isinstance(Y, pd.DataFrame):
        if not Y.columns.is_unique:
            raise ValueError(f"Task names must differ, found {_some(list(Y.columns))}: rename a column of Y.")
        columns = {_name(name): Y[name].reset_index(drop=True) for name in Y.columns}
    elif isinstance(Y, dict):
        columns = {_name(name): pd.Series(_as_column(column)) for name, column in Y.items()}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"The tasks of Y have different lengths: {lengths}. All describe the same samples; "
                "mark a label that is not known with None."
            )
    else:
        array = _as_array(Y)
        if array.ndim == 1:
            return {"y": pd.Series(array)}, False
        if array.ndim != 2:
            raise ValueError(f"Y must have one or two dimensions, found {array.ndim}: give one column per task.")
        return {f"y{i}": pd.Series(array[:, i]) for i in range(array.shape[1])}, False
    if not columns:
        raise ValueError("Y has no columns: give at least one task.")
    return columns, True


def _name(name) -> str:
    return "y" if name is None else str(name)


def _as_column(y):
    y = as_pandas(y)
    if isinstance(y, (pd.Series, pd.Index)):
        return y
    array = _as_array(y)
    return column_or_1d(array) if array.ndim == 2 else array


def _as_array(y) -> np.ndarray:
    if sparse.issparse(y):
        raise ValueError("Y is a sparse matrix, in which a label that is not known cannot be marked: use Y.toarray().")
    try:
        array = np.asarray(y)
        if array.dtype.names is None:
            return array
        raise ValueError("records")
    except ValueError as error:
        raise ValueError(
            "Y holds records, or lists of different lengths or depths: give one label per row, or a column per task "
            "with one label per row."
        ) from error


def _check_labels(name: str, column: pd.Series) -> None:
    """Raise a ValueError for what can be neither a class nor a number."""
    remedy = "Give one class or number per row, and None where it is not known."
    check_values(f"Task {name!r}", column, remedy, several=False)


def _infer_kind(name: str, column: pd.Series) -> str:
    known = column.dropna()
    if known.dtype == object:
        known = known.infer_objects()
    if known.dtype == object or not pd.api.types.is_numeric_dtype(known) or pd.api.types.is_bool_dtype(known):
        return "classification"
    n_values = known.nunique()
    if pd.api.types.is_integer_dtype(known):
        return "classification" if n_values <= MOST_INTEGER_CLASSES else "regression"
    whole = bool((known == np.floor(known)).all())
    if whole and n_values <= 2 and len(known):
        return "classification"
    if whole and n_values <= MOST_INTEGER_CLASSES:
        warnings.warn(
            f"Task {name!r} holds floats with {n_values} different whole values and is taken as a regression. "
            f'If these are classes, say tasks={{{name!r}: "multiclass"}}.',
            UserWarning,
            stacklevel=2,
        )
    return "regression"


def _make_task(name: str, column: pd.Series, kind: str) -> Task:
    known = column[column.notna()]
    if not len(known):
        raise ValueError(f"Task {name!r} has no known label: drop it from Y, or give it labels.")
    if kind in KINDS and KINDS[kind].family == "regression":
        _as_numbers(name, known.to_numpy(object))
        return Task(name, kind)
    if known.dtype == object:
        known = known.infer_objects()
    if pd.api.types.is_float_dtype(known):
        values = _as_numbers(name, known)
        if (values != np.floor(values)).any():
            if kind == "classification":
                raise ValueError(
                    f"Unknown label type: continuous. Task {name!r} holds numbers such as {float(values[0])!r}, "
                    "which are no classes: use a regressor, or turn them into classes."
                )
            raise ValueError(
                f'Task {name!r} is declared {kind!r} but holds numbers such as {float(values[0])!r}: use "regression", '
                "or turn them into classes."
            )
    plain = known.astype(object) if isinstance(known.dtype, pd.CategoricalDtype) else known
    try:
        classes = np.unique(plain.to_numpy() if plain.dtype.kind in "biuf" else plain.to_numpy(object))
    except (TypeError, ValueError) as error:  # a ValueError where labels are arrays
        raise ValueError(
            f"Task {name!r} mixes labels of different types, or holds what is no label (such as {_some(plain)}): make "
            "them all text."
        ) from error
    if len(classes) < 2:
        raise ValueError(
            f"Task {name!r} has one class only ({classes[0]!r}): a classifier needs at least two. "
            "Drop the task, or give rows of another class."
        )
    if kind == "binary" and len(classes) > 2:
        raise ValueError(f'Task {name!r} is declared "binary" but has the classes {_some(classes)}: use "multiclass".')
    if kind in ("classification", "binary", "multiclass"):
        kind = "binary" if len(classes) == 2 else "multiclass"
    return Task(name, kind, classes)


def _as_numbers(name: str, values) -> np.ndarray:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Task {name!r} is a regression, but holds {_some(values)}: give numbers, or declare it a classification."
        ) from error
    if np.isinf(numbers).any():
        raise ValueError(
            f"Input y contains infinity: task {name!r} holds infinite values. Correct them, or mark them as not known "
            "with NaN."
        )
    largest = np.abs(numbers[~np.isnan(numbers)]).max(initial=0.0)
    if largest and not SINGLE.tiny <= largest <= SINGLE.max:
        raise ValueError(
            f"The largest number of task {name!r} is {largest:.3g}: learners that compute in single precision, and "
            f"squared errors, need one between {SINGLE.tiny:.0e} and {SINGLE.max:.0e}. Give the task in another unit."
        )
    return numbers


def _some(values, n=5) -> str:
    values = list(values)
    return ", ".join(repr(v.item() if isinstance(v, np.generic) else v) for v in values[:n]) + (
        f" and {len(values) - n} more" if len(values) > n else ""
    )
