"""Single-task, multi-task and ensemble learning side by side, on the same folds and the same features."""

import pandas as pd

from ._level import Level, has_both, paired_gain, shares_of
from ._multioutput import MultiOutputStack

Z_95 = 1.959964  # two-sided 95 % of the normal distribution


def compare_strategies(X, Y, *, sample_weight=None, groups=None, **params):
    """Compare ways to learn the same tasks, from one fit.

    Every strategy is judged on the same out-of-fold rows, weighted as in the fit; what combines learners is itself
    fitted fold by fold. With `groups`, intervals take the groups for independent, not their rows.

    - "best single view": the ensemble of the learners that read one view, for the best view of the task
    - "early fusion": the learners that read all views side by side
    - "late fusion": the plain mean of the learners that read one view each
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
        Index (task, strategy); columns `score_name`, `score`, `loss` (log loss or squared error), `difference` (mean
        paired loss minus that of "ensemble": below 0 is better), `low` and `high` (its 95 % interval), `n` rows.

    Examples
    --------
    >>> from ensemble_mm import compare_strategies, make_multimodal
    >>> X, Y = make_multimodal(n_samples=60, random_state=0)
    >>> table = compare_strategies(X, Y, learners="fast", cv=3, random_state=0)
    >>> table.index.names
    FrozenList(['task', 'strategy'])
    """
    model = _Comparison(**params)
    model.fit(X, Y, sample_weight=sample_weight, groups=groups)
    return model.comparison_


class _Comparison(MultiOutputStack):
    """A stack that keeps the out-of-fold predictions of every strategy; it refits nothing."""

    def _learn(self, run, members):
        run.refit = False
        super()._learn(run, members)
        first = self.levels_[0]
        found = {"ensemble": first.oof}
        singles = {
            view.name: self._restricted(run, first, lambda m, v=view.name: m.views == (v,)) for view in run.views
        }
        found["best single view"] = self._best(run, singles)
        if len(run.views) > 1:
            names = tuple(view.name for view in run.views)
            found["early fusion"] = self._restricted(run, first, lambda m: m.views == names)
            found["late fusion"] = self._restricted(run, first, lambda m: len(m.views) == 1, meta="mean")
        if len(run.tasks) > 1 and self.strategy != "independent":
            found["multi-task"] = self.levels_[-1].oof
        self.comparison_ = _table(run, found)

    def _restricted(self, run, first, reads, meta=None):
        """Return the out-of-fold predictions {task: array} of ensembles of some members; tasks without one are out."""
        chosen = [m for m in first.members if reads(m)]
        names = {m.task for m in chosen}
        if not names:
            return {}
        level = Level(chosen, first.table, {})
        only = {name: [(m.learner, m.reads) for m in chosen if m.task == name] for name in names}
        settings = self._meta_settings(run.tasks)
        if meta is not None:
            settings = {name: setting | {"spec": meta} for name, setting in settings.items()}
        kept, run.tasks = run.tasks, {name: task for name, task in run.tasks.items() if name in names}
        try:
            level.weigh(run, settings, only=only)
        finally:
            run.tasks = kept
        return level.oof

    def _best(self, run, singles):
        best = {}
        for name, task in run.tasks.items():
            scores = {v: _judged(run, task, oof[name])[0] for v, oof in singles.items() if name in oof}
            if scores:
                best[name] = singles[min(scores, key=scores.get)][name]
        return best


def _judged(run, task, out):
    """Return the mean loss, the score, and the number of rows behind them."""
    y = run.targets[task.name]
    rows = has_both(y, out)
    share = shares_of(run, task.name, rows)
    return share @ task.rules.losses(y[rows], out[rows]), task.rules.score(y[rows], out[rows], share), rows.sum()


def _table(run, found):
    rows = []
    for name, task in run.tasks.items():
        for strategy, oof in found.items():
            if name not in oof:
                continue
            loss, score, n = _judged(run, task, oof[name])
            gain, error = paired_gain(run, name, oof[name], found["ensemble"][name])
            rows.append((name, strategy, task.rules.score_name, score, loss, gain, gain - Z_95 * error,
                         gain + Z_95 * error, n))  # fmt: skip
    columns = ["task", "strategy", "score_name", "score", "loss", "difference", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns).set_index(["task", "strategy"])
