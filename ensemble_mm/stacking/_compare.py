"""Single-task, multi-task and ensemble learning side by side, on the same folds and the same features."""

from functools import partial
from numbers import Integral

import numpy as np
import pandas as pd

from ..data import Problem, as_source, task_weights, views_of
from ..meta import alternatives, cross_fitted, make_meta_learner, simpler
from ._board import judge_of
from ._level import paired_gain
from ._multioutput import MultiOutputStack

Z_95 = 1.959964  # two-sided 95 % of the normal distribution


def compare_strategies(X, Y, *, sample_weight=None, groups=None, **params) -> pd.DataFrame:
    """Compare ways to learn the same tasks, from one fit.

    Every strategy is judged on the same out-of-fold rows, weighted as in the fit, and before any calibration; what
    combines learners is itself fitted fold by fold. With `groups`, intervals take the groups for independent, not their
    rows.

    - "best single view": the ensemble of the learners that read one view, for the best view of the task, which is
      chosen for each fold on the others
    - "early fusion": the learners that read all views side by side
    - "late fusion": the plain mean of the learners that read one view each
    - "multi-task network": the learners that learn all tasks at once, such as `MultiTaskNetwork`, where there are any
    - "ensemble": all learners, a task at a time
    - "multi-task": all learners and the estimates of the other tasks, where these help

    Parameters
    ----------
    X, Y, sample_weight, groups : as in `MultiOutputStack.fit`
    **params : parameters of `MultiOutputStack`
        Such as `views`, `learners`, `cv`, `random_state`; `strategy` says how tasks help each other.

    Returns
    -------
    DataFrame
        Index (task, strategy); columns `score_name`, `score` (as in `leaderboard`), `loss` (log loss or squared error),
        `difference` (mean paired loss minus that of "ensemble": below 0 is better), `low` and `high` (its 95 %
        interval), `n` rows.

    Examples
    --------
    >>> from ensemble_mm import compare_strategies, make_multimodal
    >>> X, Y = make_multimodal(n_samples=60, random_state=0)
    >>> table = compare_strategies(X, Y, learners=["linear"], cv=3, random_state=0)
    >>> table.index.names
    FrozenList(['task', 'strategy'])
    """
    if isinstance(params.get("cv", 5), Integral):  # each row is tested once, whatever predicts new ones
        params = params | {"refit": False}
    model = MultiOutputStack(**params | {"calibration": None})
    model.fit(X, Y, sample_weight=sample_weight, groups=groups)
    weights = task_weights(sample_weight, model.tasks_, len(next(iter(model.targets_.values()))))
    problem = Problem(
        as_source(X), tuple(views_of(model)), model.tasks_, model.targets_, weights, groups, schema=model.schema_
    )
    predictions = {name: {"ensemble": model.oof_[name]} | _simpler(problem, model, name) for name in model.tasks_}
    if len(model.tasks_) > 1 and model.strategy != "independent":
        for name, strategies in predictions.items():
            strategies |= {"ensemble": _alone(problem, model, name), "multi-task": model.oof_[name]}
    return _table(problem, predictions, {name: judge_of(model, name) for name in model.tasks_})


def _simpler(problem, model, name):
    """Return {strategy: out-of-fold predictions} of ensembles of some of the first level; only those that exist."""
    level, views, task, given = model.levels_[0], tuple(model.views_), problem.tasks[name], _given(problem, model, name)
    members, kind = level.table.members(name), task.rules
    apart = alternatives([member.views for member in members], views)

    def block_of(some, fold):
        return level.table.block([members[m] for m in some], fold)

    outs, best = simpler(level.metas[name], block_of, apart, *given)
    simple = {} if best is None else {"best single view": best[1]}
    if len(views) > 1 and views in outs:
        simple["early fusion"] = outs[views]
    if len(views) > 1 and best is not None:
        mean = make_meta_learner("mean", kind=task.kind, n_classes=kind.n_classes)
        alone = sorted(m for names, some in apart.items() if len(names) == 1 for m in some)
        _, simple["late fusion"] = cross_fitted(mean, partial(block_of, alone), *given)
    together = [m for m, member in enumerate(members) if getattr(member.estimator, "learns_all_tasks", False)]
    if together and len(model.tasks_) > 1:
        mean = make_meta_learner("mean", kind=task.kind, n_classes=kind.n_classes)
        _, simple["multi-task network"] = cross_fitted(mean, partial(block_of, together), *given)
    return {strategy: kind.given(out) for strategy, out in simple.items()}


def _alone(problem, model, name):
    """Return the out-of-fold predictions of the ensemble of a task that reads nothing of other tasks."""
    level = model.levels_[0]
    if model.prune is not None:  # what is kept was chosen fold by fold
        return level.oof[name]
    block_of = partial(level.table.block, level.table.members(name))
    return problem.tasks[name].rules.given(cross_fitted(level.metas[name], block_of, *_given(problem, model, name))[1])


def _given(problem, model, name):
    return (
        problem.targets[name], problem.tasks[name].rules, model.folds_, problem.weights[name], problem.group_codes
    )  # fmt: skip


def _table(problem, predictions, judges):
    parts = {}
    for name, outs in predictions.items():
        own = judges[name].compare(list(outs.values())).set_index(pd.Index(outs, name="strategy"))
        found = [paired_gain(problem, name, out, outs["ensemble"]) for out in outs.values()]
        gain, error = np.transpose(found)
        parts[name] = own[["score_name", "score", "loss"]].assign(
            difference=gain, low=gain - Z_95 * error, high=gain + Z_95 * error, n=own["n"]
        )
    return pd.concat(parts, names=["task"])
