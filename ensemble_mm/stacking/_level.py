"""One level of a stack: its members, their table, and one meta-learner per task."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from .._routing import row_params
from ..crossfit import Estimate, Job, check_failures, seeded
from ..meta import (
    CALIBRATORS,
    ConformalIntervals,
    ConformalSets,
    make_meta_learner,
    select_members,
)

REGIONS = {"sets": ConformalSets, "intervals": ConformalIntervals}
SIGNIFICANT = 1.645  # standard errors: one-sided, 5 %
AUTO_SHARES = (0.5, 0.75, 1.0)  # of the members that "auto" keeps


@dataclass(frozen=True)
class FitMeta(Job):
    """Fit a meta-learner on some rows of its task's columns of the table."""

    task: str
    fold: int | None  # whose rows it does not see; None: it sees all
    meta: Any
    block: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    groups: np.ndarray | None
    rows: np.ndarray

    @property
    def name(self):
        return f"meta-learner of task {self.task!r}, " + ("all rows" if self.fold is None else f"fold {self.fold}")

    @property
    def cost(self):
        return len(self.rows)

    def run(self):
        y = self.y[self.rows] if not hasattr(self.meta, "predict_proba") else self.y[self.rows].astype(np.intp)
        weight, groups = (None if part is None else part[self.rows] for part in (self.weight, self.groups))
        return self.meta.fit(self.block[self.rows], y, **row_params(self.meta, sample_weight=weight, groups=groups))


class Level:
    """Members, their models and table, and the meta-learners that were fitted on the table.

    Parameters
    ----------
    table : Table
        Out-of-fold predictions of this level's members.
    models : dict of Member to {fold: FittedMember}
    below : Level or None, default=None
        Whose columns the meta-learners read too.
    """

    def __init__(self, table, models, below=None):
        self.table, self.models, self.below = table, models, below
        self.metas, self.oof, self.columns, self.calibrators = {}, {}, {}, {}

    @property
    def whole(self):
        """The table that the meta-learners read: of this level, and of those below."""
        return self.table if self.below is None else self.below.whole.join(self.table)

    def weigh(self, run, settings, prune=None, only=None):
        """Fit the meta-learner of every task, on all covered rows and, for honest estimates, fold by fold.

        `only` maps a task to the members that its meta-learner may read.
        """
        whole = self.whole
        allowed = {name: whole.members(name) if only is None else only[name] for name in run.problem.tasks}
        self._fit_metas(run, settings, whole, allowed)
        if prune is not None:
            self._prune(run, settings, whole, allowed, prune)
        return self

    def _fit_metas(self, run, settings, whole, allowed):
        jobs = []
        for name, task in run.problem.tasks.items():
            block = whole.block(allowed[name])
            y, weight = run.problem.targets[name], run.problem.weights[name]
            spec = "auto" if settings[name]["spec"] is None else settings[name]["spec"]
            if hasattr(below := self.below and self.below.metas[name], "shares_"):
                # Else another choice would pass for a gain by more columns.
                spec = clone(below).set_params(candidates=below.shares_)
            seed = run.seed_of("meta-learner", name)
            meta = make_meta_learner(
                spec,
                kind=task.kind,
                n_classes=task.rules.n_classes,
                scoring=settings[name]["scoring"],
                random_state=seed,
            )
            meta = seeded(meta, seed)  # one of the user's own, too
            known = ~np.isnan(y) & ~np.isnan(block).all(axis=1)
            for fold in [None, *range(len(run.folds))]:
                rows = known if fold is None else known & ~_among(run.folds[fold][1], len(y))
                if not rows.any():
                    continue
                jobs.append(
                    FitMeta(name, fold, clone(meta), block, y, weight, run.problem.group_codes, np.flatnonzero(rows))
                )
        fitted = run.runner.run("meta", jobs)
        check_failures(jobs, fitted)
        made = {(job.task, job.fold): meta for job, meta in zip(jobs, fitted, strict=True)}
        for name, task in run.problem.tasks.items():
            self.columns[name] = list(allowed[name])
            if (name, None) not in made:
                raise ValueError(
                    f"Task {name!r} has no row with both a known label and an out-of-fold prediction: "
                    "use folds that test more rows, give more labels, or an X in which fewer items are missing."
                )
            self.metas[name] = made[name, None]
            block = whole.block(allowed[name])
            self.oof[name] = self._out_of_fold(
                run, task, block, {f: made.get((name, f)) for f in range(len(run.folds))}
            )

    def _out_of_fold(self, run, task, block, metas):
        n = len(block)
        width = task.rules.width
        total, count = np.zeros((n, width)), np.zeros(n)
        covered = ~np.isnan(block).all(axis=1)
        for fold, (_, test) in enumerate(run.folds):
            meta = metas[fold] if metas[fold] is not None else self.metas[task.name]
            rows = test[covered[test]]
            if len(rows):
                total[rows] += _combine(meta, block[rows], task).reshape(len(rows), width)
                count[rows] += 1
        out = np.full((n, width), np.nan)
        out[count > 0] = total[count > 0] / count[count > 0, np.newaxis]
        return task.rules.given(out)

    def _prune(self, run, settings, whole, allowed, prune):
        """Fit the meta-learners again on fewer members.

        With "auto" the tasks share one choice of learners and what they read: half of them, and more only while a task
        loses significantly by it.
        """
        specs = {name: setting_of(prune, task) for name, task in run.problem.tasks.items()}
        auto = [name for name, spec in specs.items() if isinstance(spec, str) and spec == "auto"]
        worth, before = {name: self.weights(name) for name in auto}, dict(self.oof)
        kept = {name: allowed[name] if name in auto else self._chosen(run, whole, name, allowed[name], specs[name])
                for name in run.problem.tasks}  # fmt: skip
        order = self.contributions()[auto].sum(axis=1).sort_values(ascending=False, kind="stable").index
        for share in AUTO_SHARES if auto else [1.0]:
            some = set(order[: max(1, int(share * len(order)))])
            for name in auto:
                own = worth[name]
                kept[name] = [m for m, share in own.items() if (m.reads, m.learner) in some and share > 0]
                kept[name] = kept[name] or [max(own, key=own.get)]  # where the half serves other tasks only
            self._fit_metas(run, settings, whole, kept)
            gains = [paired_gain(run.problem, name, before[name], self.oof[name]) for name in auto]
            if all(gain >= -SIGNIFICANT * error for gain, error in gains):
                break

    def _chosen(self, run, whole, name, members, spec):
        """Return the members that a number, a share, a selector or a callable keeps of a task."""
        if spec is None:
            return members
        task, block = run.problem.tasks[name], whole.block(members)
        rows = ~np.isnan(run.problem.targets[name]) & ~np.isnan(block).all(axis=1)
        chosen = select_members(
            spec, block[rows], run.problem.targets[name][rows], kind=task.kind,
            n_classes=task.rules.n_classes,
            seconds=[run.seconds[member] for member in members],
            names=[f"{member.learner} ({member.reads})" for member in members], random_state=run.seed_of("prune", name),
        )  # fmt: skip
        return [members[i] for i in sorted(chosen)]

    def used(self):
        """Return the members of this level that a meta-learner reads."""
        read = {member for members in self.columns.values() for member in members}
        return [member for member in self.table.members() if member in read]

    def weights(self, name):
        """Return {member: weight} of the members that the meta-learner of a task reads."""
        return dict(zip(self.columns[name], self.metas[name].weights_, strict=True))

    def contributions(self):
        """Return the weights: DataFrame with index (reads, learner), one column per task; each column sums to one."""
        index = list(dict.fromkeys((member.reads, member.learner) for member in self.whole.members()))
        index = pd.MultiIndex.from_tuples(index, names=["reads", "learner"])
        frame = pd.DataFrame(0.0, index=index, columns=list(self.metas))
        for name in self.metas:
            for member, weight in self.weights(name).items():
                frame.loc[(member.reads, member.learner), name] = weight
        return frame

    def calibrate(self, run, how):
        """Fit calibrators and conformal scores on the out-of-fold predictions; return both as dicts by task."""
        conformal = {}
        for name, task in run.problem.tasks.items():
            y, out = run.problem.targets[name], self.oof[name]
            rows, groups = has_both(y, out), run.problem.group_codes
            pattern = availability_of(run.features.present)
            calibrator = calibrator_of(how, task)
            weight = None if run.problem.weights[name] is None else run.problem.weights[name][rows]
            groups = None if groups is None else groups[rows]
            if calibrator is not None:
                self.calibrators[name] = CALIBRATORS[calibrator]().fit(out[rows], y[rows], weight)
            # One width: the members' disagreement made intervals wider on every set that it was tried on.
            region = REGIONS[task.rules.region]()
            conformal[name] = region.fit(self.calibrated(name, out[rows]), y[rows], pattern[rows], weight, groups)
        return self.calibrators, conformal

    def calibrated(self, name, proba):
        """Return calibrated probabilities of a task (as they are where nothing was asked for)."""
        if name not in self.calibrators:
            return proba
        rows = np.isfinite(proba).all(axis=1)
        out = np.array(proba, copy=True)
        if rows.any():
            out[rows] = self.calibrators[name].predict_proba(proba[rows])
        return out

    def predict_table(self, new, tasks, estimates):
        """Return this level's table for new rows."""
        return new.predict(self.table.members(), self.models, tasks, estimates)

    def combine(self, table, tasks):
        """Return the predictions {task: array} that the meta-learners make of a joined table."""
        return {name: _combine(self.metas[name], table.block(self.columns[name]), task) for name, task in tasks.items()}

    def estimates(self, predictions):
        """Return predictions as inputs of a next level: all but one class, or the number."""
        return {Estimate(name): p[:, 1:] if p.ndim == 2 else p[:, np.newaxis] for name, p in predictions.items()}


def setting_of(setting, task):
    """Return the setting of one task where a dict by task or kind is given; None where it has no entry."""
    if not isinstance(setting, dict):
        return setting
    return next((setting[key] for key in (task.name, task.kind, task.rules.family) if key in setting), None)


def calibrator_of(setting, task):
    """Return the name of the calibrator of a task's probabilities; None without one, and for numbers."""
    return setting_of(setting, task) if task.rules.width > 1 else None


def availability_of(present):
    """Return one number per row that tells which views it has: shape (n_rows,), one bit per view."""
    code = np.zeros(len(next(iter(present.values()))), dtype=np.int64)
    for bit, rows in enumerate(present.values()):
        code |= rows.astype(np.int64) << min(bit, 62)
    return code


def paired_gain(problem, name, before, after):
    """Return by how much the loss of a task is lower with the second of two predictions, and its standard error.

    Rows count by their weights, where both predictions and the label are there. Rows of a group err together: the
    error is that of the groups' sums [1]_, as without groups of the rows. Fewer than two of them give (0, inf).

    References
    ----------
    .. [1] Liang, K.-Y., Zeger, S. (1986). Longitudinal data analysis using generalized linear models. Biometrika 73,
       13-22.
    """
    task, y = problem.tasks[name], problem.targets[name]
    rows = has_both(y, before) & has_both(y, after)
    group = np.arange(rows.sum())
    if problem.groups is not None:
        _, group = np.unique(problem.group_codes[rows], return_inverse=True)
    n_groups = group.max(initial=-1) + 1
    if n_groups < 2:
        return 0.0, np.inf
    difference = task.rules.losses(y[rows], before[rows]) - task.rules.losses(y[rows], after[rows])
    share = shares_of(problem, name, rows)
    gain = share @ difference
    sums = np.bincount(group, share * (difference - gain))
    return float(gain), float(np.sqrt(sums @ sums * n_groups / (n_groups - 1)))


def has_both(y, out):
    """Return which rows have a label and a prediction."""
    return ~np.isnan(y) & np.isfinite(out.reshape(len(y), -1)).all(axis=1)


def shares_of(problem, name, rows):
    """Return what each of some rows counts in a mean: the weights of the task, which sum to one."""
    weight = problem.weights[name]
    weight = np.ones(rows.sum()) if weight is None else weight[rows]
    return weight / weight.sum()


def _among(rows, n):
    mask = np.zeros(n, dtype=bool)
    mask[rows] = True
    return mask


def _combine(meta, block, task):
    return task.rules.given(task.rules.ask(meta, block))
