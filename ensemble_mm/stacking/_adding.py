"""Tasks and learners that are added to a fitted stack: fitted on its rows and folds, beside what is there."""

from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.base import clone

from ..crossfit import Reader, patterns_to_try
from ..data import kinds_by_column
from ..store import content_key
from ._decisions import decided, of_classes, threshold_of
from ._judged import parts
from ._level import Level, forget_idle
from ._members import learners_of, members_of_fit
from ._parameters import BY_TASK
from ._seen import has_rows_of_fit, marks_of


def fit_beside(model, X, Y, sample_weight, tasks, metadata):
    """Return a stack of further tasks, fitted on the rows and the folds of a fitted one."""
    check_shared(model)
    other = clone(model).set_params(cv=model.folds_, checkpoint=None, tasks=tasks)
    for name in ("learners", "task_weight", *BY_TASK):
        setting = getattr(model, name)
        if isinstance(setting, dict):  # other tasks than those of the fit are not known to it
            known = {*model.tasks_, *kinds_by_column(model.tasks_)}
            setting = {key: value for key, value in setting.items() if key not in known}
            other.set_params(**{name: setting or (model.learners if name == "learners" else None)})
    problem = other._problem(X, Y, sample_weight, None, metadata)
    for name, rule_of in (("threshold", threshold_of), ("class_weight", of_classes)):
        setting = getattr(model, name)  # what suits classes of the old tasks may suit no numbers, nor other classes
        if all(rule_of(setting, task) is None for task in problem.tasks.values()):
            other.set_params(**{name: None})
    there = [name for name in problem.tasks if name in model.tasks_]
    if there:
        raise ValueError(f"The model has the task {there[0]!r} already: give Y of other tasks only.")
    _check_rows(model, problem)
    return other.fit(X, Y, sample_weight, model.groups_, **metadata)


def check_shared(model):
    """Raise a ValueError where tasks have folds of their own: what comes later is fitted on those that all share."""
    if isinstance(model.folds_, dict):
        raise ValueError(
            f"The tasks of this model have folds of their own, by cv={model.cv!r}: nothing can be added to it. Fit "
            "anew with what is to be added, or with one cv for all tasks."
        )


def joined(model, other):
    """Return a stack with the tasks of two that share their rows and folds; the first ones predict what they did."""
    out = copy(model)
    vars(out).update(_by_task(model._fitted(), other._fitted(), model.tasks_, other.tasks_))
    out.readers_ = {view: _both(reader, other.readers_[view], other.tasks_) for view, reader in model.readers_.items()}
    out.table_ = model.table_.join(other.table_)
    out.levels_, below = [], None
    for depth in range(max(len(model.levels_), len(other.levels_))):
        below = _level(model, other, depth, out.table_, below)
        out.levels_.append(below)
    out.contributions_ = below.contributions()
    out.joint_ = None  # of all tasks at once, which were never judged together
    out.strategy_ = pd.concat([model.strategy_, other.strategy_])
    matrices = [model.task_contributions_, other.task_contributions_]
    out.task_contributions_ = pd.concat(matrices).fillna(0.0)[[*out.tasks_]]
    return accounted(out, other.n_extractions_, other.failures_, other.fit_report_)


def with_learner(model, X, Y, entry, metadata):
    """Return a stack with the members of one more learner; those that are there predict what they did."""
    check_shared(model)
    if model.passthrough:
        raise ValueError(
            "The final estimator of a stack with passthrough reads the learners that it was fitted on: fit anew with "
            "the new one."
        )
    problem, other = _problem_of(model, X, Y, entry, metadata)
    members = members_of_fit(other, problem)
    if any(member.learner == members[0].learner for member in model.table_.members()):
        raise ValueError(f"The model has a learner {members[0].learner!r} already: give the new one another name.")
    run = _run_beside(model, other, problem, members)
    table, models = run.fit(members)
    out = copy(model)
    out.readers_, models = _read_beside(model.readers_, run.features.readers, models)
    out.levels_ = _levels_with(model.levels_, table, models, problem.tasks)
    last = out.levels_[-1]
    fitted = last.weigh(run, model._meta_settings(problem.tasks), model.prune, readable(run, out.levels_))
    out._finish(run, out.levels_, last.oof, fitted)
    if model.prune is not None:
        forget_idle(out.levels_)
    kept = {name: losses for name, losses in model.losses_by_views_.items() if name not in problem.tasks}
    out.losses_by_views_ = kept | out.losses_by_views_
    out.tasks_ = model.tasks_ | decided(model.threshold, problem, out.oof_)
    out.oof_ = model.oof_ | {name: out.oof_[name] for name in problem.tasks}  # the level's own are not calibrated
    out.conformal_ = model.conformal_ | out.conformal_
    out.joint_ = out.joint_ if len(problem.tasks) == len(model.tasks_) else None
    if hasattr(model, "task_contributions_"):
        out.task_contributions_ = contributions_with(model, out)
    if isinstance(model.learners, list):
        out.learners = [*model.learners, entry]
    return accounted(out, run.features.n_extractions, run.failures, run.runner.to_frame())


def _run_beside(model, other, problem, members):
    """Return the run that fits members on the rows and folds of a fitted stack, with what is known of its own."""
    read = {view for member in members for view in member.views}
    views = tuple(view for view in problem.views if view.name in read)
    run = other._crossfit(replace(problem, views=views), model.folds_, other._seed(), other._runner())
    run.extract(members)
    run.features.present = model.present_
    run.tried = known_patterns(model, patterns_to_try(model.present_, model.folds_))
    for level in model.levels_:
        run.seconds |= level.seconds
    return run


def _problem_of(model, X, Y, entry, metadata):
    """Return the problem of the tasks in Y that a learner suits, and an unfitted stack with this learner alone."""
    labels = model._labels(Y)
    other = clone(model).set_params(cv=model.folds_, checkpoint=None, learners=[entry])
    if hasattr(other, "tasks"):
        other.tasks = {name: model.tasks_[name].declared for name in labels}
    problem = other._problem(X, Y, None, None, metadata)
    if any(view.is_own and view.name not in model.views_ for view in problem.views):
        raise ValueError(
            f"Learner {entry[0]!r} was fitted before, and reads columns as they are, as no learner of the model does: "
            "fit anew with it."
        )
    problem = replace(problem, views=tuple(view for view in problem.views if view.name in model.views_))
    _check_rows(model, problem)
    for name, column in labels.items():
        known = ~np.isnan(model.targets_[name])
        if not np.array_equal(model.tasks_[name].encode(column)[known], model.targets_[name][known]):
            raise ValueError(
                f"Task {name!r} has other labels than in the fit: a learner is added with the rows and labels of the "
                "fit, in their order. Fit anew where labels have changed."
            )
    problem = replace(
        problem, tasks={name: replace(model.tasks_[name], decision=None) for name in labels}, targets=model.targets_,
        weights=model.row_weights_, groups=model.groups_,
    )  # fmt: skip
    suited = [
        n for n, task in problem.tasks.items() if task.rules.suits(learners_of(other, task, problem)[0].estimator)
    ]
    return problem.only(suited or labels), other


def _check_rows(model, problem):
    if not has_rows_of_fit(model, marks_of(problem.views, problem.columns)):
        raise ValueError(
            "X holds other rows than the fit: tasks and learners are added on the rows of the fit, in their order, so "
            "that all share the folds. Mark labels that are not known with None, or fit all anew."
        )


def known_patterns(model, tried):
    """Return the patterns of missing views in which it is known what the members of a fitted stack say.

    They say what they did where they read nothing that is missing, and nothing where they lack all that they read.
    """
    members = [member for level in model.levels_ for member in level.models]
    return replace(tried, patterns=tuple(
        pattern for pattern in tried.patterns
        if all(tried.abstains(m, pattern) or not (m.inputs or tried.absent(m, pattern)) for m in members)
    ))  # fmt: skip


def _levels_with(levels, table, models, tasks):
    """Return copies of levels, with a table and models in the first; the last is to be weighed anew for some tasks."""
    out = copies_of(levels, tasks)
    out[0].table, out[0].models = out[0].table.join(table), out[0].models | models
    return out


def copies_of(levels, tasks):
    """Return copies of levels, of which the last is to be weighed anew for some tasks."""
    out, below = [], None
    for level in levels:
        new = copy(level)
        vars(new).update({name: dict(part) for name, part in vars(level).items() if isinstance(part, dict)})
        new.below, below = below, new
        out.append(new)
    for name in tasks:
        out[-1].apart.pop(name, None)
        out[-1].calibrators.pop(name, None)
    return out


def readable(run, levels):
    """Return the members that meta-learners may read, by task and fold that is left out: those that have models."""
    kept = {member for level in levels for member, models in level.models.items()
            if any(model is not None and model.estimator is not None for model in models.values())}  # fmt: skip
    names, folds = run.problem.tasks, [None, *range(len(parts(run)))]
    only = {name: [member for member in levels[-1].whole.members(name) if member in kept] for name in names}
    return {(name, fold): only[name] for name in names for fold in folds}


def _read_beside(readers, new, models):
    """Return readers that read what two do, and the models of the second; these get folds of their own where the two
    read in different ways, as with another seed."""
    reads = {view: {(fold, member.task, member.form) for member, own in models.items() for fold in own} for view in new}
    new = {view: reader.only(reads[view]) for view, reader in new.items()}
    tasks = {member.task for member in models}
    if not all(_agree(readers[view].fitted, reader.fitted, tasks) for view, reader in new.items()):
        folds = [fold for reader in (*readers.values(), *new.values()) for fold, _ in reader.fitted]
        shift = min(folds) - max(folds) - 1
        models = {member: {fold + shift: model for fold, model in own.items()} for member, own in models.items()}
        new = {
            view: Reader(reader.stateless, {(fold + shift, task): read for (fold, task), read in reader.fitted.items()})
            for view, reader in new.items()
        }
    return {view: _merged(reader, new.get(view, reader)) for view, reader in readers.items()}, models


def _agree(old, new, tasks):
    """Tell whether two ways to read a view are one, as far as tasks are read in both."""
    for (fold, task), (extractor, reducer) in new.items():
        for name in tasks if task is None else [task]:
            place = (fold, name) if (fold, name) in old else (fold, None)
            if place in old:
                there = old[place]
                free = there[1] is None and place == (fold, task)  # to take a reducer
                if content_key(there[0]) != content_key(extractor):
                    return False
                if reducer is not None and not free and content_key(there[1]) != content_key(reducer):
                    return False
    return True


def _merged(old, new):
    fitted = dict(old.fitted)
    for place, read in new.fitted.items():
        if fitted.get(place, (None, None))[1] is None:
            fitted[place] = read
    return Reader(old.stateless, fitted)


def contributions_with(model, out):
    """Return what tasks owe to each other, by what the weights of the members that read them have become."""
    factors = {}
    for name in model.tasks_:
        was, now = (sum(weight for member, weight in stack.levels_[-1].weights(name).items() if member.is_across)
                    for stack in (model, out))  # fmt: skip
        factors[name] = now / was if was > 0 else 0.0
    return model.task_contributions_ * pd.Series(factors)


def accounted(out, n_extractions, failures, report):
    """Return a stack whose account of the fit, and whose scores, are also of what was added."""
    out.n_extractions_ += n_extractions
    out.failures_ = [*out.failures_, *failures]
    sums = dict.fromkeys(out.fit_report_.columns.drop("left_out"), "sum")
    stages = pd.concat([out.fit_report_, report]).groupby(level=0, sort=False)
    out.fit_report_ = stages.agg({**sums, "left_out": lambda words: ", ".join(filter(None, words))})
    out._score_folds()
    return out


def _by_task(one, other, own_tasks, other_tasks):
    """Return the attributes of two objects that are by task, each for the tasks of both: only these differ."""
    pairs = {name: (part, other.get(name)) for name, part in one.items()}
    dicts = {name: pair for name, pair in pairs.items() if all(isinstance(part, dict) for part in pair)}
    return {name: a | b for name, (a, b) in dicts.items() if set(a) <= set(own_tasks) and set(b) <= set(other_tasks)}


def _level(model, other, depth, table, below):
    """Return a level of both stacks; one that has fewer has its last meta-learners on all that are above."""
    stacks = (model, other)
    own = [stack.levels_[depth] for stack in stacks if depth < len(stack.levels_)]
    level = Level(table.part([member for part in own for member in part.table.members()]), {}, below)
    first, second = (stack.levels_[min(depth, len(stack.levels_) - 1)] for stack in stacks)
    vars(level).update(_by_task(vars(first), vars(second), model.tasks_, other.tasks_))
    for part in own:
        level.models = level.models | part.models
    level.there = second.there  # the same rows, so the same views
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
