"""What a fitted stack decides by: chosen on out-of-fold predictions, and judged by what other folds would choose."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from numbers import Real

import numpy as np

from .._checks import Number
from .._inner_folds import folds_of
from .._scorers import Metric, check_scorer, judges_decisions, metric_of
from ..crossfit import counted_classes
from ..data import setting_of
from ..meta import decision_weights, parts_of
from ._judged import has_both

OF_CLASSES = ("threshold", "class_weight")  # parameters that say something of classes
MOST_CLASSES = 100  # a choice goes over all of them


def of_classes(setting, task):
    """Return a setting of a task of classes, which may be by class, or by task or kind; None for other tasks."""
    if task.rules.region != "sets":
        return None
    return setting if is_by_class(setting, task) else setting_of(setting, task)


def is_for_any(setting):
    """Tell whether a setting is for all tasks that it suits, and says nothing of single ones."""
    return not isinstance(setting, Mapping)


def threshold_of(setting, task):
    """Return the rule by which a task is decided; None where a rule for all tasks does not suit it."""
    rule = of_classes(setting, task)
    if rule is not None and is_for_any(setting):
        with suppress(TypeError, ValueError):
            check_threshold(setting, task)
            return rule
        return None
    return rule


def is_by_class(setting, task):
    """Tell whether a setting says something of some classes of a task."""
    return isinstance(setting, Mapping) and task.rules.region == "sets" and set(setting) <= set(task.classes.tolist())


def check_threshold(setting, task):
    """Raise an error unless a task can be decided by what `threshold` asks for."""
    rule = of_classes(setting, task)
    words = f"threshold={rule!r} of task {task.name!r}"
    if rule is None:
        return
    if isinstance(rule, Mapping):
        _check_classes(words, rule, task)
    elif isinstance(rule, Real) and not isinstance(rule, bool):
        if task.rules.n_classes > 2 or not 0 < rule < 1:
            raise ValueError(f"{words} is for two classes and lies between 0 and 1: use a metric or costs of classes.")
    else:
        check_scorer(rule, task.rules, "threshold")
        if not judges_decisions(rule):
            raise ValueError(f"{words} judges probabilities, not decisions: use a metric such as 'balanced_accuracy'.")
        if task.rules.n_classes > MOST_CLASSES:
            raise ValueError(f"{words} has too many classes ({task.rules.n_classes}): give costs of classes, or None.")


def check_class_weight(setting, task):
    """Raise an error unless rows of a task can count by `class_weight`."""
    rule = of_classes(setting, task)
    words = f"class_weight={rule!r} of task {task.name!r}"
    if isinstance(rule, Mapping):
        _check_classes(words, rule, task)
    elif rule is not None and not (isinstance(rule, str) and rule == "balanced"):
        raise ValueError(f'{words} is not known: use "balanced", a dict from class to weight, or None.')


def _check_classes(words, rule, task):
    strange = [label for label in rule if label not in task.classes.tolist()]
    if strange:
        raise ValueError(f"{words} names {strange[0]!r}, which is not a class: use some of {task.classes.tolist()}.")
    if not all(Number(Real, 0, None, closed="neither").is_satisfied_by(value) for value in rule.values()):
        raise ValueError(f"{words}: give each class a number above 0.")


def with_class_weights(setting, problem):
    """Return a problem whose tasks know what a row of each class counts in the fits of learners."""
    if setting is None:
        return problem
    tasks = dict(problem.tasks)
    for name, task in problem.tasks.items():
        rule = of_classes(setting, task)
        if isinstance(rule, Mapping):
            rule = tuple(float(rule.get(label, 1.0)) for label in task.classes.tolist())
        tasks[name] = replace(task, class_weight=rule)
    return replace(problem, tasks=tasks)


def decided(setting, problem, oof):
    """Return the tasks of a problem, with what they decide by where that is asked for.

    Without a threshold it is the class weights: probabilities are corrected for them, and decisions are those that
    classifiers of scikit-learn take with them.
    """
    tasks = dict(problem.tasks)
    for name, task in problem.tasks.items():
        rule, y, weight = threshold_of(setting, task), problem.targets[name], problem.weights[name]
        if rule is not None:
            decision = _weights(rule, task, oof[name], y, weight, has_both(y, oof[name]))
        elif task.class_weight is not None:
            known = ~np.isnan(y)
            counted = counted_classes(task.class_weight, y[known].astype(np.intp), len(task.classes),
                                      None if weight is None else weight[known])  # fmt: skip
            decision = tuple((np.array(counted) / np.sum(counted)).tolist())
        else:
            continue
        tasks[name] = replace(task, decision=decision)
    return tasks


def metric_for(model, task, kind=None):
    """Return the metric by which a task of a fitted stack is judged: of `scoring`, else what `threshold` maximises.

    `kind` is that of rows with a class that the fit did not see, which costs 1; None: that of the task.
    """
    kind = task.rules if kind is None else kind
    scoring, rule = setting_of(model.scoring, task), threshold_of(model.threshold, task)
    if scoring is None and isinstance(rule, Mapping):
        cost = np.ones(kind.n_classes)
        cost[: len(task.classes)] = [rule.get(label, 1.0) for label in task.classes.tolist()]

        def score(y, out, weight=None):
            return -np.average(cost[y.astype(np.intp)] * (kind.decide(kind.whole(out)) != y), weights=weight)

        return Metric("neg_cost", score)
    return metric_of(rule if scoring is None and not isinstance(rule, Real) else scoring, kind)


def honest(model, name):
    """Return a function that scales out-of-fold probabilities of a task: it then decides as rows of other folds say.

    None where nothing was chosen from the rows, or where probabilities are judged.
    """
    task = model.tasks_[name]
    rule = threshold_of(model.threshold, task)
    chosen = rule is not None and not isinstance(rule, (Mapping, Real))
    if not chosen or not judges_decisions(setting_of(model.scoring, task)):
        return None
    y, weight = model.targets_[name], model.row_weights_[name]
    labels = next(target for n, target in model.targets_.items() if model.tasks_[n].rules.is_stratified)
    pairs = parts_of(folds_of(model.folds_, name), len(y), model.groups_, labels, once=bool(model.refit))

    def shown(out):
        whole = np.full((len(y), task.rules.width), np.nan)
        there = np.isfinite(out.reshape(len(y), -1)).all(axis=1)
        whole[there] = task.rules.whole(out[there])
        scaled, rows = whole.copy(), has_both(y, whole)
        for others, test in reversed(pairs):
            some = np.zeros(len(y), dtype=bool)
            some[others] = rows[others]
            if some.any():
                own = _weights(rule, task, whole, y, weight, some)
                scaled[test] = whole[test] * own / task.decision
        return scaled / np.maximum(scaled.sum(axis=1, keepdims=True), np.finfo(float).tiny)

    return shown


def _weights(rule, task, out, y, weight, rows):
    own = None if weight is None else weight[rows]
    return decision_weights(rule, out[rows], y[rows].astype(np.intp), task.classes, own)
