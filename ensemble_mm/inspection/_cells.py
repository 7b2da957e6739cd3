"""One task's part of a fitted stack as plain arrays: what every picture and number of this folder is made of.

`cells_of` reads a fitted model; `Cells.blend` predicts as the meta-learner does when some members abstain;
`Cells.losses` scores a prediction row by row. No learner is fitted here, and nothing changes.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._inner_folds import folds_of
from .._kinds import Classes, Numbers, Ranking, Survival
from .._scorers import Metric
from ..data import Task
from ..meta import CrossFitted, Judge, for_members, rows_worth

DRAWN = {
    Classes.family: "use ConfusionDisplay or ReliabilityDisplay",
    Numbers.family: "use ResidualDisplay",
    Ranking.family: "use ScoreDisplay",
    Survival.family: "use ScoreDisplay",
}  # what shows the errors of a task


@dataclass(frozen=True)
class Cells:
    """The table of one task, with what is needed to read it.

    Attributes
    ----------
    task : Task
    members : list of Member
    views : list of frozenset of str
        The views that each member reads; estimates of other tasks come from all views.
    cube : ndarray of shape (n_rows, n_members, n_classes) or (n_rows, n_members, 1)
        Probabilities of all classes, or numbers; NaN where a member abstained.
    weights : ndarray of shape (n_members,)
        What the meta-learner gives to each member; they sum to 1.
    truth : ndarray of shape (n_rows,)
        Class positions or numbers; NaN where the label is not known.
    ensemble : ndarray of shape (n_rows, n_classes) or (n_rows, 1)
        Out-of-fold predictions of the ensemble; NaN where no fold covers the row.
    prior : ndarray of shape (n_classes,) or (1,)
        Class frequencies, or the mean.
    meta : meta-learner
        What combines the members that read views only.
    folds : list of (train, test)
        Positions in the whole table.
    weight : ndarray of shape (n_rows,) or None
        What each row counts.
    groups : ndarray of shape (n_rows,) or None
        Rows of a group err together.
    scorer : Judge or None
        What scores predictions of all rows under the metric of the user.
    table : Table or None
        Of all rows.
    whole : Cells or None
        Of all rows, where these are some of them.
    rows : ndarray or None
        Which of all rows these are.
    """

    task: Task
    members: list
    views: list
    cube: np.ndarray
    weights: np.ndarray
    truth: np.ndarray
    ensemble: np.ndarray
    prior: np.ndarray
    meta: object
    folds: list
    weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    scorer: Any = None
    table: Any = None
    whole: Any = None
    rows: np.ndarray | None = None

    @property
    def reads(self) -> list:
        """The views of each member; none for one that reads estimates of other tasks."""
        return [() if member.inputs else member.views for member in self.members]

    @property
    def scored(self) -> np.ndarray:
        """Rows that have a known label and an out-of-fold prediction, as positions."""
        return np.flatnonzero(~np.isnan(self.truth) & ~np.isnan(self.ensemble).any(axis=1))

    @property
    def kind(self):
        """What is so for tasks of this kind: losses, metrics, words."""
        return self.task.rules

    @property
    def metric(self) -> Metric:
        """What scores are called and how they are taken."""
        return self.scorer.metric

    def judge(self, name=None) -> Judge:
        """Return what scores predictions of all rows under the metric of the user, or another of the kind."""
        if name is None:
            return self.scorer
        metric = Metric(name, partial(self.kind.metric, name))
        return Judge(self.kind, metric, self.truth, self.folds, self.weight, self.groups)

    def losses(self, prediction) -> np.ndarray:
        """Return the log loss (nats) or the squared error (unit of the target, squared) of every row."""
        return self.kind.losses(self.truth, prediction)

    def mean(self, values) -> np.ndarray:
        """Return the mean over the rows, which count by their weights."""
        return np.average(values, axis=0, weights=self.weight if len(values) else None)

    def error(self, values) -> float:
        """Return the standard error of the mean of one value per row."""
        apart = values - self.mean(values)
        if self.groups is None:
            worth = rows_worth(self.weight, len(values)).sum() if len(values) else 1
            return float(np.sqrt(self.mean(apart**2) / worth))
        weight = np.ones(len(values)) if self.weight is None else self.weight
        return float(np.linalg.norm(np.bincount(self.groups, weight / weight.sum() * apart)))

    def resamples(self, n, rng) -> np.ndarray:
        """Return how often each row comes in `n` bootstrap samples, shape (n, n_rows); groups come whole."""
        n_rows = len(self.truth)
        unit = np.arange(n_rows) if self.groups is None else np.unique(self.groups, return_inverse=True)[1]
        n_units = unit.max(initial=-1) + 1
        return rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n)[:, unit]

    @property
    def constant(self) -> np.ndarray:
        """The prior as the prediction of every row."""
        return np.broadcast_to(self.prior, self.ensemble.shape)

    def blend(self, speak) -> np.ndarray:
        """Return out-of-fold predictions where some members speak and the others abstain; the prior where all do.

        No learner is fitted anew, and what combines the members did not see the rows.

        Parameters
        ----------
        speak : ndarray of bool, or callable
            The members, or what returns them for a meta-learner that was fitted without the rows that it predicts.
        """
        whole = self if self.whole is None else self.whole
        out = whole.fitted.told(speak if callable(speak) else lambda meta: np.asarray(speak, dtype=bool))
        out = np.where(np.isnan(out), self.prior, out)
        return out if self.rows is None else out[self.rows]

    @cached_property
    def fitted(self) -> CrossFitted:
        """What combines all members, for each fold without its rows."""
        members, given = range(len(self.members)), (self.truth, self.kind, self.folds, self.weight, self.groups)
        return CrossFitted(self.meta_of(members), partial(self.block, members), *given)

    def meta_of(self, members):
        """Return what combines some members, given by positions, before it is fitted."""
        return for_members(self.meta, [self.members[m] for m in members])

    def block(self, members, fold=None) -> np.ndarray:
        """Return the table of some members, given by positions; with a fold as if no model had seen its rows."""
        return self.table.block([self.members[m] for m in members], fold)

    def take(self, rows) -> "Cells":
        """Return the cells of the given rows."""
        weight, groups = (None if part is None else part[rows] for part in (self.weight, self.groups))
        return replace(
            self, cube=self.cube[rows], truth=self.truth[rows], ensemble=self.ensemble[rows], weight=weight,
            groups=groups, whole=self.whole or self, rows=rows if self.rows is None else self.rows[rows],
        )  # fmt: skip


def tasks_of(model, family=None) -> list[str]:
    """Return the names of the tasks of a family; None: all."""
    return [name for name, task in model.tasks_.items() if family in (None, *task.rules.families)]


def check_task(model, task, family=None) -> str:
    """Return the name of a task of a fitted model: the given one, or the first (of a family) when `task` is None."""
    check_is_fitted(model, "tasks_")
    names, suitable = list(model.tasks_), tasks_of(model, family)
    if task is None:
        task = (suitable or names)[0]
    if task not in names:
        raise ValueError(f"Task {task!r} is not known: the model has {', '.join(map(repr, names))}.")
    if task not in suitable:
        *_, own = model.tasks_[task].rules.families
        raise ValueError(f"Task {task!r} is a {own}, and this needs a {family}: {DRAWN[own]}.")
    return task


def cells_of(model, task: str | None = None) -> Cells:
    """Read the cells of one task of a fitted model."""
    name = check_task(model, task)
    record = model.tasks_[name]
    members = model.table_.members(name)
    cube = record.rules.cells(model.table_.block(members))
    truth = np.asarray(model.targets_[name], dtype=float)
    ensemble = np.asarray(model.oof_[name], dtype=float).reshape(len(truth), -1)
    shares = model.contributions_[name].to_dict()  # pruned members are not listed and weigh nothing
    weights = np.array([shares.get((m.reads, m.learner), 0.0) for m in members], dtype=float)
    total = weights.sum()
    weights = weights / total if total > 0 else np.full(len(members), 1 / max(1, len(members)))
    views = [frozenset(model.views_ if member.inputs else member.views) for member in members]
    meta, folds = model.levels_[0].metas[name], folds_of(model.folds_, name)
    judge = model.judged_by(name)
    return Cells(record, members, views, cube, weights, truth, ensemble, judge.prior, meta, folds,
                 model.row_weights_[name], model.groups_, judge, model.table_)  # fmt: skip
