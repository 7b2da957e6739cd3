"""Tasks with folds of their own: one fit for all that share them, joined as tasks that are added later are."""

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from functools import reduce
from tempfile import TemporaryDirectory

from ..crossfit import Plan
from ..data import setting_of
from ..store import content_key
from ._adding import joined
from ._parameters import check_entries, usual_folds


def folds_by_task(cv, tasks, usual=5) -> list[tuple[object, list[str]]]:
    """Return what draws folds, each with the names of the tasks that have these folds, in the order of the tasks.

    `usual` is the number of folds of tasks without an entry.
    """
    check_entries("cv", cv, tasks)
    cv = {key: list(own) if isinstance(own, Iterator) else own for key, own in cv.items()}
    found: dict[str, tuple[object, list[str]]] = {}
    for name, task in tasks.items():
        own = setting_of(cv, task)
        own = usual if own is None else own
        found.setdefault(content_key(own), (own, []))[1].append(name)
    return list(found.values())


def fit_by_folds(model, problem, members, told, *given):
    """Fit a stack, by tasks that share their folds.

    Features that are the same in several folds are read from a cache, which lasts as long as the fit unless one is
    given. What is to be told of the data is told once, with the first of them.
    """
    groups = folds_by_task(model.cv, problem.tasks, usual_folds(model.learners))
    with TemporaryDirectory(prefix="ensemble-mm-", dir=model.workdir) as folder:
        parts = []
        for i, (cv, names) in enumerate(groups):
            part = copy(model)
            part.cv, part.cache = cv, folder if model.cache is None and len(groups) > 1 else model.cache
            part.time_budget = model.time_budget and model.time_budget * (i + 1) / len(groups)
            mine = [member for member in members if member.task in names]
            part._fit_problem(problem.only(names), mine, [] if i else told, *given)
            if len(groups) > 1:
                part.folds_ = dict.fromkeys(names, part.folds_)
            parts.append(part)
    fitted = reduce(joined, parts)
    vars(model).update(fitted._fitted())
    if len(groups) > 1:
        _in_order(model, list(problem.tasks))


def _in_order(model, names):
    """Bring what is by task into the order of the columns of Y."""
    for name, value in model._fitted().items():
        if isinstance(value, dict) and {*value} == {*names}:
            setattr(model, name, {task: value[task] for task in names})
    model.strategy_ = model.strategy_.loc[names]
    model.task_contributions_ = model.task_contributions_.loc[names, names]


def plan_by_folds(model, problem, members, *given):
    """Return the plan of a fit by folds."""
    plans = []
    for cv, names in folds_by_task(model.cv, problem.tasks, usual_folds(model.learners)):
        part = copy(model)
        part.cv = cv
        plans.append(part._plan_of(problem.only(names), [m for m in members if m.task in names], *given))
    return replace(reduce(Plan.joined, plans), problem=problem)
