"""Single-task, multi-task and ensemble learning side by side, on the same folds and the same features."""

from collections.abc import Mapping
from copy import copy
from functools import partial
from numbers import Integral

import numpy as np
import pandas as pd

from ..data import Problem, as_source, task_weights, views_of
from ..meta import alternatives, cross_fitted, for_members, make_meta_learner, simpler
from ._adding import copies_of
from ._board import judge_of
from ._judged import paired_gain
from ._multioutput import MultiOutputStack

Z_95 = 1.959964  # two-sided 95 % of the normal distribution


PLAIN = {"strategy": "independent", "layers": 1, "passthrough": None}
SECOND = {  # what learners may read beside their views: estimates of other tasks, or of the first layer
    "stacked": PLAIN | {"strategy": "stacked"},
    "chain": PLAIN | {"strategy": "chain"},
    "layered": PLAIN | {"layers": 2},
}


class _Compared(MultiOutputStack):
    """A stack of one ensemble per task that lets other second levels read its members, too, and forgets them."""

    def _learn(self, run, members):
        first, fitted = self._first_level(run, members)
        self.others_ = {}
        for name, settings in self._seconds.items():
            if len(run.problem.tasks) > 1 or settings["strategy"] == "independent":
                twin = copy(self).set_params(**settings)
                twin._first_level = lambda *_: (copies_of([first], {})[0], dict(fitted))
                super(_Compared, twin)._learn(run, members)
                self.others_[name] = twin.oof_
        self._first_level = lambda *_: (first, fitted)
        super(_Compared, self.set_params(**PLAIN))._learn(run, members)


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
    - "ensemble": single-task learning, all learners of a task
    - "stacked", "chain": multi-task learning, these and learners that read the estimates of the other tasks, all at
      once or one after the other, where these help
    - "layered": all learners of a task and a second layer that reads what they say, where it helps

    Parameters
    ----------
    X, Y, sample_weight, groups : as in `MultiOutputStack.fit`
    **params : parameters of `MultiOutputStack`
        Such as `views`, `learners`, `cv`, `random_state`. Given a `strategy`, "layered" and the other one are left out;
        given `passthrough`, a row "passthrough" is added.

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
    if isinstance(params.get("cv"), Mapping):
        raise ValueError(f"cv={params['cv']!r} is a dict, but strategies are compared on the same folds: give one cv.")
    if isinstance(params.get("cv") or 5, Integral):  # each row is tested once, whatever predicts new ones
        params = params | {"refit": False}
    model = _Compared(**params | {"calibration": None})
    model._seconds = _seconds_of(params)
    model.fit(X, Y, sample_weight=sample_weight, groups=groups)
    weights = task_weights(sample_weight, model.tasks_, len(next(iter(model.targets_.values()))), Y)
    problem = Problem(
        as_source(X), tuple(views_of(model)), model.tasks_, model.targets_, weights, model.groups_, schema=model.schema_
    )
    predictions = {
        name: {"ensemble": model.oof_[name]} | _simpler(problem, model, name)
        | {strategy: out[name] for strategy, out in model.others_.items()}
        for name in model.tasks_
    }  # fmt: skip
    return _table(problem, predictions, {name: judge_of(model, name) for name in model.tasks_})


def _seconds_of(params):
    """Return the second levels that are compared, by what their rows are called."""
    found = dict(SECOND)
    if "strategy" in params:
        found = {name: settings for name, settings in SECOND.items() if name == params["strategy"]}
    if params.get("layers", 1) != 1:
        found["layered"] = SECOND["layered"] | {"layers": params["layers"]}
    if params.get("passthrough"):
        strategy = params.get("strategy", "independent")
        found["passthrough"] = PLAIN | {"strategy": strategy, "passthrough": params["passthrough"]}
    return found


def _simpler(problem, model, name):
    """Return {strategy: out-of-fold predictions} of ensembles of some of the first level; only those that exist."""
    level, views, task, given = model.levels_[0], tuple(model.views_), problem.tasks[name], _given(problem, model, name)
    members, kind = level.table.members(name), task.rules
    apart = alternatives([member.views for member in members], views)

    def block_of(some, fold):
        return level.table.block([members[m] for m in some], fold)

    def meta_of(some):
        return for_members(level.metas[name], [members[m] for m in some])

    def averaged(some):
        mean = make_meta_learner("mean", kind=task.kind, n_classes=kind.n_classes)
        return cross_fitted(mean, partial(block_of, some), *given)[1]

    outs, best = simpler(meta_of, block_of, apart, *given)
    simple = {} if best is None else {"best single view": best[1]}
    if len(views) > 1 and views in outs:
        simple["early fusion"] = outs[views]
    if len(views) > 1 and best is not None:
        simple["late fusion"] = averaged(sorted(m for names, some in apart.items() if len(names) == 1 for m in some))
    together = [m for m, member in enumerate(members) if getattr(member.estimator, "learns_all_tasks", False)]
    if together and len(model.tasks_) > 1:
        simple["multi-task network"] = averaged(together)
    return {strategy: kind.given(out) for strategy, out in simple.items()}


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
