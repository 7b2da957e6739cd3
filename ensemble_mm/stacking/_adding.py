"""Tasks that are added to a fitted stack: fitted on the same rows and folds, and put beside those that are there."""

from copy import copy

import numpy as np
import pandas as pd
from sklearn.base import clone

from ..crossfit import Reader
from ..store import content_key
from ._board import fold_scores
from ._level import Level
from ._parameters import BY_TASK
from ._seen import marks_of

OF_TASKS = ("tasks_", "targets_", "row_weights_", "oof_", "conformal_", "meta_learners_", "calibrators_")


def fit_beside(model, X, Y, sample_weight, tasks):
    """Return a stack of further tasks, fitted on the rows and the folds of a fitted one."""
    other = clone(model).set_params(cv=model.folds_, checkpoint=None, tasks=tasks)
    for name in ("learners", *BY_TASK):
        setting = getattr(model, name)
        if isinstance(setting, dict):  # other tasks than those of the fit are not known to it
            setting = {key: value for key, value in setting.items() if key not in model.tasks_}
            other.set_params(**{name: setting or (model.learners if name == "learners" else None)})
    problem = other._problem(X, Y, sample_weight, model.groups_)
    there = [name for name in problem.tasks if name in model.tasks_]
    if there:
        raise ValueError(f"The model has the task {there[0]!r} already: give Y of other tasks only.")
    marks = np.sort(marks_of(problem.views, problem.columns))
    if not np.array_equal(marks, model.row_marks_):
        raise ValueError(
            "X holds other rows than the fit: a task is added on the rows of the fit, in their order, so that all "
            "tasks share the folds. Mark labels that are not known with None, or fit all tasks anew."
        )
    return other.fit(X, Y, sample_weight, model.groups_)


def joined(model, other):
    """Return a stack with the tasks of two that share their rows and folds; the first ones predict what they did."""
    out = copy(model)
    out.readers_ = {view: _both(reader, other.readers_[view], other.tasks_) for view, reader in model.readers_.items()}
    for name in OF_TASKS:
        setattr(out, name, getattr(model, name) | getattr(other, name))
    out.table_ = model.table_.join(other.table_)
    out.levels_, below = [], None
    for depth in range(max(len(model.levels_), len(other.levels_))):
        below = _level(model, other, depth, out.table_, below)
        out.levels_.append(below)
    out.contributions_ = below.contributions()
    out.joint_ = None  # of all tasks at once, which were never judged together
    out.n_extractions_ = model.n_extractions_ + other.n_extractions_
    out.failures_ = [*model.failures_, *other.failures_]
    out.strategy_ = pd.concat([model.strategy_, other.strategy_])
    matrices = [model.task_contributions_, other.task_contributions_]
    out.task_contributions_ = pd.concat(matrices).fillna(0.0)[[*out.tasks_]]
    report = pd.concat([model.fit_report_, other.fit_report_]).groupby(level=0, sort=False)
    sums = dict.fromkeys(model.fit_report_.columns.drop("left_out"), "sum")
    out.fit_report_ = report.agg({**sums, "left_out": lambda words: ", ".join(filter(None, words))})
    out.cv_results_ = fold_scores(out)
    return out


def _level(model, other, depth, table, below):
    """Return a level of both stacks; one that has fewer has its last meta-learners on all that are above."""
    parts = [stack.levels_[depth] for stack in (model, other) if depth < len(stack.levels_)]
    level = Level(table.part([member for part in parts for member in part.table.members()]), {}, below)
    for part in parts:
        level.models |= part.models
    for stack in (model, other):
        last = stack.levels_[min(depth, len(stack.levels_) - 1)]
        for name in ("metas", "oof", "columns", "calibrators", "apart"):
            setattr(level, name, getattr(level, name) | getattr(last, name))
        level.there = last.there  # the same rows, so the same views
    return level


def _both(first, second, tasks):
    """Return a reader for the tasks of two; what the second reads in another way serves its own tasks alone."""
    own = {
        place: read
        for place, read in second.fitted.items()
        if content_key(read) != content_key(first.fitted.get(place))
    }
    keyed = {(fold, name): read for (fold, task), read in own.items() for name in (tasks if task is None else [task])}
    return Reader(first.stateless, first.fitted | keyed)
