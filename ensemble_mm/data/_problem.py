"""What a fit is about, in one object that is taken apart and never changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .._checks import as_pandas
from .._metadata import Metadata
from ..schema import Schema
from ._chunked import ChunkedData
from ._groups import check_groups, whole_units
from ._inputs import View, in_another_order, take_rows
from ._merged import exposures_of, queries_of, with_exposures
from ._schema import call_each
from ._suspects import note_suspects
from ._tags import kinds_by_column
from ._targets import resolve_targets, without_rare
from ._task import Task
from ._views import ColumnsOnDisk, columns_of, read_views


@dataclass(frozen=True)
class Problem:
    """The views and the tasks of one fit.

    Parameters
    ----------
    source : DataFrame, ChunkedData, MultimodalData, ndarray or CSR matrix
        X.
    views : tuple of View
    tasks : dict of str to Task
    targets : dict of str to ndarray of shape (n_rows,)
        Class positions or numbers; NaN where the label is not known, or has no weight.
    weights : dict of str to ndarray of shape (n_rows,) or None
    groups : array-like of shape (n_rows,) or None
        Rows of a group err together, and are held out together.
    named : bool
        Whether Y came with names.
    schema : Schema
        What each column of X is taken for, and how its values are read.
    notes : tuple of str
        What a person should know of the targets.
    metadata : Metadata or None
        What learners ask for beside X, y, weights and groups.
    there : dict of str to ndarray of shape (n_rows,), or None
        Of data on disk which rows have each view, once it is known that these can be read.
    """

    source: Any
    views: tuple[View, ...]
    tasks: dict[str, Task]
    targets: dict[str, np.ndarray]
    weights: dict[str, np.ndarray | None]
    groups: Any = None
    named: bool = True
    schema: Schema = Schema()
    notes: tuple[str, ...] = ()
    metadata: Metadata | None = None
    there: dict[str, np.ndarray] | None = None

    @property
    def n_rows(self) -> int:
        return self.source.shape[0]

    @cached_property
    def columns(self) -> Mapping[str, Any]:
        """What the extractor of each view reads; of data on disk it is read anew whenever it is asked for."""
        if isinstance(self.source, ChunkedData):
            return ColumnsOnDisk(self.source, self.views, self.schema)
        return columns_of(self.source, self.views, self.schema)

    def checked(self, each=call_each) -> "Problem":
        """Return the problem with what is there; raise a ValueError where values cannot be read."""
        if not isinstance(self.columns, ColumnsOnDisk):  # those in memory are read by now
            return self
        return replace(self, there=self.columns.there(each))

    @cached_property
    def group_codes(self) -> np.ndarray | None:
        """The groups as numbers from 0, one per row; None without groups."""
        return None if self.groups is None else np.unique(np.asarray(self.groups), return_inverse=True)[1]

    def take(self, rows) -> "Problem":
        """Return the problem of some rows."""
        by_place = isinstance(self.source, ChunkedData)
        return replace(
            self,
            source=self.source.take(rows) if by_place else take_rows(self.source, rows),
            targets={name: target[rows] for name, target in self.targets.items()},
            weights={name: None if weight is None else weight[rows] for name, weight in self.weights.items()},
            groups=None if self.groups is None else np.asarray(self.groups)[rows],
            metadata=self.metadata and self.metadata[rows],
            there=None,
        )

    def only(self, names) -> "Problem":
        """Return the problem of some tasks."""

        def some(part: dict) -> dict:
            return {name: value for name, value in part.items() if name in names}

        return replace(self, tasks=some(self.tasks), targets=some(self.targets), weights=some(self.weights))

    @property
    def strata(self) -> dict[str, np.ndarray]:
        """The targets whose classes each fold should have its share of."""
        return {name: target for name, target in self.targets.items() if self.tasks[name].rules.is_stratified}

    @property
    def row_weight(self) -> np.ndarray | None:
        """One weight per row, for what learns from no task alone: the mean over tasks; None without weights."""
        weights = [weight for weight in self.weights.values() if weight is not None]
        return np.mean(weights, axis=0) if len(weights) == len(self.weights) else None


@dataclass(frozen=True)
class Said:
    """What a user says of X and Y.

    Parameters
    ----------
    views : "auto" or list of (name, extractor, column(s)), default="auto"
    encoded : bool, default=False
        Whether "auto" may add second views by pretrained encoders.
    columns : dict of column to str, default=None
        What single columns of X are.
    kinds : "auto" or dict of str to str, default="auto"
        Kind of some or all tasks.
    only : {"classification", "regression"} or None, default=None
        What an estimator of one task takes.
    rare : {"keep", "drop"}, default="keep"
        Whether the label of a class of one row counts as one that is not known.
    """

    views: Any = "auto"
    encoded: bool = False
    columns: Any = None
    kinds: Any = "auto"
    only: str | None = None
    rare: str = "keep"


def read_problem(source, Y, *, sample_weight=None, groups=None, each=call_each, **said) -> Problem:
    """Return the Problem of X, as `as_source` gives it, and Y; every mistake in them is found here.

    Parameters
    ----------
    source, Y : inputs and labels
    sample_weight : array-like of shape (n_rows,) or (n_rows, n_tasks), default=None
        A label without weight counts as one that is not known.
    groups : array-like of shape (n_rows,), default=None
    each : callable, default=call_each
        What calls a function for each column of data on disk.
    **said : what `Said` takes
    """
    notes: list[str] = []
    user = Said(**said)
    tasks, targets, named = resolve_targets(Y, user.kinds, only=user.only, told=notes)
    if user.only and len(tasks) > 1:
        raise ValueError(
            f"y should be a 1d array, got the {len(tasks)} tasks {', '.join(map(repr, tasks))}: use MultiOutputStack."
        )
    n_rows = source.shape[0]
    for name, target in targets.items():
        if len(target) != n_rows:
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X has {n_rows} rows, task {name!r} "
                f"has {len(target)} labels. Give one label per row; mark one that is not known with None."
            )
    ours, theirs = getattr(source, "index", None), getattr(Y, "index", None)
    if isinstance(ours, pd.Index) and isinstance(theirs, pd.Index) and in_another_order(ours, theirs):
        notes.append(
            "The rows of Y have the labels of those of X, in another order. They go by their places: if labels count, "
            "give Y.loc[X.index]; if places do, Y.set_axis(X.index)."
        )
    if isinstance(source, ChunkedData) and each is not call_each:
        source.look_at_files(each)
    else:
        each = call_each
    views, schema = read_views(user.views, source, user.encoded, user.columns, each)
    tasks = with_exposures(tasks, Y)
    weights = task_weights(sample_weight, tasks, n_rows, Y)
    for name, weight in weights.items():
        if weight is not None:
            targets[name] = _weighted(tasks[name], targets[name], weight)
    if user.rare == "drop":
        tasks, targets = without_rare(tasks, targets, notes)
    schema = note_suspects(schema, source, tasks, targets, listed=not isinstance(user.views, str), each=each)
    check_groups(groups, n_rows)
    groups = whole_units(groups, tasks, targets | queries_of(tasks, Y))
    problem = Problem(source, tuple(views), tasks, targets, weights, groups, named, schema, tuple(notes))
    return problem.checked(each)


def task_weights(sample_weight, tasks, n_rows, Y=None):
    """Return {task: weights of shape (n_rows,)} of one weight per row, or a column per task; None without weights.

    There may also be one column per column of Y: the tags of one share it. A row in which things were counted for
    longer counts more.
    """
    weights = _given_weights(sample_weight, tasks, n_rows)
    for name, exposure in exposures_of(tasks, Y).items():
        own = np.nan_to_num(exposure, nan=1.0)  # the label is not known either
        weights[name] = own if weights[name] is None else weights[name] * own
    return weights


def _given_weights(sample_weight, tasks, n_rows):
    if sample_weight is None:
        return dict.fromkeys(tasks)
    columns = list(kinds_by_column(tasks))
    wanted = f"give ({n_rows},) or ({n_rows}, {len(columns)}), one per task."
    try:
        weight = np.asarray(as_pandas(sample_weight), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"sample_weight is not an array of numbers: {wanted}") from error
    if (
        weight.ndim not in (1, 2)
        or len(weight) != n_rows
        or weight.shape[1:] not in ((), (len(tasks),), (len(columns),))
    ):
        raise ValueError(f"sample_weight has shape {weight.shape}: {wanted}")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("sample_weight holds negative or non-finite values: give weights of at least 0.")
    if weight.ndim == 1:
        return dict.fromkeys(tasks, weight)
    if weight.shape[1] == len(tasks):
        return dict(zip(tasks, weight.T, strict=True))
    return {name: weight[:, columns.index(task.column or name)] for name, task in tasks.items()}


def _weighted(task, target, weight):
    """Return a target without the labels that have no weight."""
    target = np.where(weight == 0, np.nan, target)
    left = np.unique(target[~np.isnan(target)])
    if not len(left):
        raise ValueError(f"All sample weights of task {task.name!r} are zero: give some rows a positive weight.")
    if len(left) < task.rules.least:
        raise ValueError(f"Task {task.name!r} has one class only among the rows with a positive weight.")
    return target
