"""One level of a stack: its members, their table, and one meta-learner per task."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from .._estimators import seeded
from .._routing import row_params
from ..crossfit import Estimate, FittedMember, Job, check_failures, patterns_of, pieces
from ..data import setting_of
from ..meta import CALIBRATORS, constant_of, for_members, knows_more, make_meta_learner, select_members, thinned
from ._judged import SIGNIFICANT, first_part, has_both, outside, paired_gain, parts
from ._parameters import calibrator_of

AUTO_SHARES = (0.5, 0.75, 1.0)  # of the members that "auto" keeps


@dataclass(frozen=True)
class FitMeta(Job):
    """Fit a meta-learner on its task's columns of some rows of the table."""

    task: str
    fold: int | None  # whose rows it does not see; None: it sees all
    meta: Any
    block: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    groups: np.ndarray | None
    rows: np.ndarray | None = None  # of these, from which it learns; None: all

    @property
    def name(self):
        return f"meta-learner of task {self.task!r}, " + ("all rows" if self.fold is None else f"fold {self.fold}")

    @property
    def cost(self):
        return len(self.y)

    def run(self):
        rows = slice(None) if self.rows is None else self.rows
        y = self.y[rows] if not hasattr(self.meta, "predict_proba") else self.y[rows].astype(np.intp)
        weight, groups = (None if part is None else part[rows] for part in (self.weight, self.groups))
        return self.meta.fit(self.block[rows], y, **row_params(self.meta, sample_weight=weight, groups=groups))


@dataclass(frozen=True)
class Weighed:
    """A fitted meta-learner and the members that it reads; rows of some patterns of views have others in its place."""

    meta: Any
    members: list
    apart: dict = field(default_factory=dict)  # pattern -> Weighed

    def of(self, pattern):
        """Return what serves rows of a pattern."""
        return self.apart.get(pattern, self)

    @property
    def worth(self):
        """The weight of every member."""
        return dict(zip(self.members, self.meta.weights_, strict=True))


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
        self.apart = {}  # task -> pattern of views -> Weighed, which serves its rows
        self.there = -1  # bits of the views that rows of the fit had
        self.seconds = {}  # member -> seconds to predict a row, as measured in the fit

    @property
    def whole(self):
        """The table that the meta-learners read: of this level, and of those below."""
        return self.table if self.below is None else self.below.whole.join(self.table)

    def weigh(self, run, settings, prune=None, only=None):
        """Fit the meta-learner of every task on all covered rows and, for honest estimates, without those of each fold.

        What `prune` keeps for the estimates of a fold is chosen without its rows, too; of "auto" see `_halved`. They
        read the table as it is: calibrators, intervals and a next level are to meet what new rows will give. What is
        told of the rows of the fit is from `told`.

        Parameters
        ----------
        run : CrossFit
        settings : dict of str to dict
            "spec" and "scoring" of the meta-learner of each task.
        prune : as in the stacks, default=None
        only : dict of (str, int or None) to list of Member, default=None
            What may be read, by task and fold whose rows are left out (None: none are). None: all members.

        Returns
        -------
        dict of (str, int or None) to Weighed
            What `settle` makes the level of.
        """
        if only is None:
            every = {name: self.whole.members(name) for name in settings}
            only = {(name, fold): every[name] for name in every for fold in (None, *range(len(parts(run))))}
        fitted = self._fit_metas(run, settings, only)
        if prune is not None:
            fitted = self._pruned(run, settings, fitted, prune)
        self.settle(run, fitted)
        return fitted

    def settle(self, run, fitted):
        """Take fitted meta-learners as those of this level, with the out-of-fold predictions that they give."""
        for name in dict.fromkeys(name for name, _ in fitted):
            self.columns[name], self.metas[name] = fitted[name, None].members, fitted[name, None].meta
            self.oof[name] = self._out_of_fold(run, name, fitted)

    def adapt(self, run, fitted, oof):
        """Take meta-learners that serve some patterns of views by others; return `oof` with what these predict."""
        apart = {name: weighed.apart for (name, fold), weighed in fitted.items() if fold is None and weighed.apart}
        self.apart = self.apart | apart  # those of tasks that are not fitted now stay
        patterns, oof = patterns_of(run.features.present), dict(oof)
        self.there = int(np.bitwise_or.reduce(patterns))
        for name in dict.fromkeys(name for (name, _), weighed in fitted.items() if weighed.apart):
            rows = np.zeros(run.problem.n_rows, dtype=bool)
            for fold, (_, test) in enumerate(parts(run)):
                rows[test] |= np.isin(patterns[test], list(fitted.get((name, fold), fitted[name, None]).apart))
            oof[name] = oof[name].copy()
            oof[name][rows] = self._out_of_fold(run, name, fitted)[rows]
        return oof

    def told(self, run, settings, fitted, oof):
        """Return out-of-fold predictions, by task, of meta-learners that did not hear of the labels of the fold.

        Members heard of them. That matters where there is little else to hear; see `knows_more`. There meta-learners
        are fitted again, on the table as if the members had not seen the fold.
        """
        if not run.unseen.is_known:
            return oof
        told, problem, folds, there = dict(oof), run.problem, parts(run), set(self.whole.members())
        for name in dict.fromkeys(name for name, _ in fitted):
            task, y, weight = problem.tasks[name], problem.targets[name], problem.weights[name]
            constant = constant_of(y, task.rules, run.folds, weight)
            given = weight, problem.group_codes
            unclear = [fold for fold, (others, _) in enumerate(folds)
                       if not knows_more(task.rules, y, oof[name], constant, others, *given)]  # fmt: skip
            own = {(name, fold): fitted.get((name, fold), fitted[name, None]) for fold in unclear}
            # A second level that serves some folds only may have left its members out.
            own = {key: w if there.issuperset(w.members) else fitted[name, None] for key, w in own.items()}
            again = self._fit_metas(run, settings, {key: weighed.members for key, weighed in own.items()}, unseen=True)
            again = {key: replace(weighed, apart=own[key].apart) for key, weighed in again.items()}
            rows = np.concatenate([np.empty(0, np.intp), *(folds[fold][1] for _, fold in again)])
            told[name] = oof[name].copy()
            told[name][rows] = self._out_of_fold(run, name, {(name, None): fitted[name, None]} | again)[rows]
        return told

    def _fit_metas(self, run, settings, reads, unseen=False):
        """Fit one meta-learner per entry of `reads`: {(task, fold that is left out): members}.

        They read the table as it is, or as if its models had not seen the fold.
        """
        jobs, whole = [], self.whole
        metas = {name: self._unfitted(run, settings, name) for name in dict.fromkeys(name for name, _ in reads)}
        for (name, fold), members in reads.items():
            y, meta = run.problem.targets[name], for_members(metas[name], members)
            rows = np.flatnonzero(~np.isnan(y) & whole.covered(members) & outside(run, fold))
            rows = thinned(rows, getattr(meta, "most_rows", np.inf))
            if len(rows):
                given = y, run.problem.weights[name], run.problem.group_codes
                block = whole.block(members, fold if unseen else None, rows)
                jobs.append(FitMeta(name, fold, meta, block, *(None if part is None else part[rows] for part in given)))
            elif fold is None:
                raise ValueError(
                    f"Task {name!r} has no row with both a known label and an out-of-fold prediction: "
                    "use folds that test more rows, give more labels, or an X in which fewer items are missing."
                )
        fitted = run.runner.run("meta", jobs)
        check_failures(jobs, fitted)
        return {(job.task, job.fold): Weighed(meta, list(reads[job.task, job.fold]))
                for job, meta in zip(jobs, fitted, strict=True)}  # fmt: skip

    def _unfitted(self, run, settings, name):
        """Return the meta-learner of a task, to be fitted."""
        task, seed = run.problem.tasks[name], run.seed_of("meta-learner", name)
        spec = "auto" if settings[name]["spec"] is None else settings[name]["spec"]
        if not isinstance(spec, dict) and hasattr(below := self.below and self.below.metas[name], "shares_"):
            # Else another choice would pass for a gain by more columns.
            spec = clone(below).set_params(candidates=below.shares_)
        meta = make_meta_learner(
            spec, kind=task.kind, n_classes=task.rules.n_classes, scoring=settings[name]["scoring"], random_state=seed
        )
        return seeded(meta, seed)  # one of the user's own, too

    def _out_of_fold(self, run, name, fitted):
        task, whole, patterns = run.problem.tasks[name], self.whole, patterns_of(run.features.present)
        n, width = run.problem.n_rows, task.rules.width
        total, count = np.zeros((n, width)), np.zeros(n, np.int32)
        for fold, (_, test) in enumerate(parts(run)):
            weighed = fitted.get((name, fold), fitted[name, None])
            for rows in pieces(test[whole.covered(weighed.members)[test]]):
                if len(rows):
                    total[rows] += _combine(weighed, whole, task, patterns, rows).reshape(len(rows), width)
                    count[rows] += 1
        total /= np.where(count > 0, count, np.nan)[:, np.newaxis]
        return task.rules.given(total)

    def _pruned(self, run, settings, fitted, prune):
        """Fit the meta-learners again on fewer members, which rows of other folds choose for the estimates of a fold.

        With "auto" the tasks share one choice of learners and what they read: half of them, and more only while a task
        loses significantly by it.
        """
        specs = {name: setting_of(prune, run.problem.tasks[name]) for name, _ in fitted}
        specs = {name: spec for name, spec in specs.items() if spec is not None}
        auto = [name for name, spec in specs.items() if isinstance(spec, str) and spec == "auto"]
        reads = {(name, fold): self._chosen(run, name, fold, weighed.members, specs[name])
                 for (name, fold), weighed in fitted.items() if name in specs and name not in auto}  # fmt: skip
        again = fitted | self._fit_metas(run, settings, reads)
        return self._halved(run, settings, again, auto) if auto else again

    def _chosen(self, run, name, fold, members, spec):
        """Return what a number, a share, a selector or a callable keeps of a task's members without a fold's rows."""
        task, whole, y = run.problem.tasks[name], self.whole, run.problem.targets[name]
        rows = ~np.isnan(y) & whole.covered(members) & outside(run, fold)
        chosen = select_members(
            spec, whole.block(members, fold, rows), y[rows], kind=task.kind,
            n_classes=task.rules.n_classes,
            sample_weight=None if run.problem.weights[name] is None else run.problem.weights[name][rows],
            seconds=[run.seconds.get(member, 0.0) for member in members],
            names=[f"{member.learner} ({member.reads})" for member in members], random_state=run.seed_of("prune", name),
        )  # fmt: skip
        return [members[i] for i in sorted(chosen)]

    def _halved(self, run, settings, fitted, names):
        """Keep half of the members of some tasks, and more for folds in which rows outside of it say that it costs.

        What is said of these rows comes from meta-learners that learned from the fold, so the choice among the shares
        hears of its labels. On noise that was nothing: an AUC of .493, against .492 without pruning.
        """
        before = {name: self._out_of_fold(run, name, fitted) for name in names}
        waiting, final = list(dict.fromkeys(fold for _, fold in fitted)), dict(fitted)
        for share in AUTO_SHARES:
            tried = self._fit_metas(run, settings, _halves(fitted, names, share))
            after = {name: self._out_of_fold(run, name, tried) for name in names}
            done = [fold for fold in waiting if share == AUTO_SHARES[-1] or not _costs(run, before, after, fold)]
            final |= {key: weighed for key, weighed in tried.items() if key[1] in done}
            waiting = [fold for fold in waiting if fold not in done]
            if not waiting:
                break
        return final

    def used(self):
        """Return the members of this level that a meta-learner reads."""
        read = {member for members in self.columns.values() for member in members}
        return [member for member in self.table.members() if member in read]

    def counting(self, name):
        """Return the members that count for a task, or may: those of a chain are there to be read."""
        idle = self.idle(name)
        return [member for member in self.columns[name] if member.chain is not None or member not in idle]

    def idle(self, name):
        """Return the members that never count for a task.

        They have no weight, and whenever they read a row, a member that has some reads it, too.
        """
        members, weighed, idle = self.columns[name], self.metas[name].weighed(), []
        for own in self.apart.get(name, {}).values():
            blends, mine = own.meta.weighed(), np.isin(range(len(members)), [members.index(m) for m in own.members])
            weighed = np.vstack([weighed, np.zeros((len(blends), len(members)), dtype=bool)])
            weighed[-len(blends) :, mine] = blends
        for m in np.flatnonzero(~weighed.any(axis=0)):
            also = np.array([_reads_wherever(other, members[m]) for other in members])
            if (weighed & also).any(axis=1).all():
                idle.append(members[m])
        return idle

    def weights(self, name):
        """Return {member: weight} of the members that the meta-learner of a task reads, for rows that lack no view."""
        weighed = Weighed(self.metas[name], self.columns[name], self.apart.get(name, {})).of(self.there)
        return dict.fromkeys(self.columns[name], 0.0) | weighed.worth

    def contributions(self):
        """Return the weights: DataFrame with index (reads, learner), one column per task; each column sums to one."""
        index = list(dict.fromkeys((member.reads, member.learner) for member in self.whole.members()))
        shares = np.zeros((len(index), len(self.metas)))
        for column, name in enumerate(self.metas):
            for member, weight in self.weights(name).items():
                shares[index.index((member.reads, member.learner)), column] = weight
        index = pd.MultiIndex.from_tuples(index, names=["reads", "learner"])
        return pd.DataFrame(shares, index, columns=list(self.metas))

    def tried(self, run, fitted):
        """Return {pattern: {task: out-of-fold predictions of the tried rows}} of all patterns that are tried out.

        Rows are predicted as if they had the views of the pattern and no others; NaN where they lack one of them.
        """
        out, whole, first = {}, self.whole, first_part(run)
        members = list(dict.fromkeys(member for weighed in fitted.values() for member in weighed.members))
        for pattern in run.tried.patterns:
            cells, having, out[pattern] = run.cells(whole, members, pattern), run.tried.having(pattern), {}
            for name, task in run.problem.tasks.items():
                found = np.full((len(having), task.rules.width), np.nan)
                for fold in np.unique(first):
                    # Rows without any view share one prediction: it must be that of new rows, to the last digit.
                    own = fold if pattern else None
                    weighed, rows = fitted.get((name, own), fitted[name, None]).of(pattern), having & (first == fold)
                    if rows.any():
                        block = cells.block(weighed.members, rows=rows)
                        found[rows] = combined(weighed.meta, block, task).reshape(len(block), -1)
                out[pattern][name] = task.rules.given(found)
        return out

    def calibrate(self, run, how, oof, tried=None, told=None):
        """Fit calibrators on out-of-fold predictions; return these as they are then, and those of `tried` and `told`.

        Calibrators for new rows learn from all rows. An out-of-fold prediction is calibrated by one that learned from
        the rows outside of its fold.
        """
        oof, told = dict(oof), dict(oof if told is None else told)
        tried = {pattern: dict(out) for pattern, out in (tried or {}).items()}
        for name, task in run.problem.tasks.items():
            y, weight, calibrator = run.problem.targets[name], run.problem.weights[name], calibrator_of(how, task)
            if calibrator is None:
                continue
            blank, plain, rows = CALIBRATORS[calibrator](), oof[name], has_both(y, oof[name])
            self.calibrators[name] = _calibrator(blank, plain, y, weight, rows)
            total, count, out_of = np.zeros((2, *plain.shape)), np.zeros(len(y)), np.stack([plain, told[name]])
            for fold, (_, test) in enumerate(parts(run)):
                others, test = rows & outside(run, fold), test[np.isfinite(plain[test]).all(axis=1)]
                fitted = _calibrator(blank, plain, y, weight, others) if others.any() else self.calibrators[name]
                if len(test):
                    total[:, test] += [fitted.predict_proba(out) for out in out_of[:, test]]
                    count[test] += 1
                for pattern, out in tried.items():
                    some = (first_part(run) == fold) & np.isfinite(out[name]).all(axis=1)
                    if some.any():
                        out[name] = out[name].copy()
                        own = fitted if pattern else self.calibrators[name]
                        out[name][some] = own.predict_proba(out[name][some])
            oof[name], told[name] = total / np.where(count > 0, count, np.nan)[:, np.newaxis]
        return oof, tried, told

    def calibrated(self, name, proba):
        """Return calibrated probabilities of a task (as they are where nothing was asked for)."""
        if name not in self.calibrators:
            return proba
        rows = np.isfinite(proba).all(axis=1)
        out = np.array(proba, copy=True)
        if rows.any():
            out[rows] = self.calibrators[name].predict_proba(proba[rows])
        return out

    def combine(self, table, tasks, patterns):
        """Return the predictions {task: array} that the meta-learners make of a joined table, by the rows' patterns."""
        weighed = {name: Weighed(self.metas[name], self.columns[name], self.apart.get(name, {})) for name in tasks}
        known = patterns & self.there  # a view that is first there now says nothing
        return {name: _combine(weighed[name], table, task, known) for name, task in tasks.items()}

    def estimates(self, predictions, tasks):
        """Return predictions as inputs of a next level: all but one class, the number, or its quantiles."""
        flat = {name: out.reshape(len(out), -1) for name, out in predictions.items()}
        return {Estimate(name): out[:, 1:] if tasks[name].rules.n_classes else out for name, out in flat.items()}


def forget_idle(levels):
    """Take the learners of members that never count, for any task on any level, out of fitted levels."""
    counting = {member for level in levels for name in level.columns for member in level.counting(name)}
    read = {(e.task, e.learner, e.reads) for member in counting for e in member.inputs}
    counting |= {member for level in levels for member in level.models if (member.task, *member) in read}
    for level in levels:
        for member in level.models.keys() - counting:
            fitted = {fold: model for fold, model in level.models[member].items() if model is not None}
            level.models[member] = {fold: FittedMember(None, model.n_classes) for fold, model in fitted.items()}


def outlasting(folder, table, levels):
    """Return a table that stays when the folder of its numbers has gone, of which fitted levels get their parts."""
    table = table.outlasting(folder)
    for level in levels:
        level.table = table.part(level.table.members())
    return table


def _reads_wherever(other, member):
    """Tell whether a member reads each row that another one reads: any view of a row is enough for both."""
    return set(member.views) <= set(other.views) if member.views else not other.views


def _halves(fitted, names, share):
    """Return the members that a share keeps, by task and fold whose rows are left out."""
    reads = {}
    for fold in dict.fromkeys(fold for _, fold in fitted):
        weighed = {name: fitted.get((name, fold)) for name in names}
        reads |= {(name, fold): kept for name, kept in _useful(weighed, share).items()}
    return reads


def _costs(run, before, after, fold):
    """Tell whether rows outside of a fold say of some task that the predictions after are significantly worse."""
    some = outside(run, fold)
    gains = [paired_gain(run.problem, name, before[name], after[name], some) for name in before]
    return not all(gain >= -SIGNIFICANT * error for gain, error in gains)


def _useful(weighed, share):
    """Return the members with a weight in each task, among a share of what is read that weighs most in all tasks.

    `weighed` maps a task to a Weighed, or to None, which says nothing.
    """
    worth, total = {name: own.worth for name, own in weighed.items() if own is not None}, Counter()
    for own in worth.values():
        total.update({(member.reads, member.learner): weight for member, weight in own.items()})
    order = [mark for mark, _ in total.most_common()]  # of equals those that come first
    some = set(order[: max(1, int(share * len(order)))])
    kept = {}
    for name, own in worth.items():
        kept[name] = [m for m, weight in own.items() if (m.reads, m.learner) in some and weight > 0]
        kept[name] = kept[name] or [max(own, key=own.get)]  # where the half serves other tasks only
    return kept


def _calibrator(blank, proba, y, weight, rows):
    return clone(blank).fit(proba[rows], y[rows], None if weight is None else weight[rows])


def combined(meta, block, task):
    """Return what a fitted meta-learner predicts from columns of the table, as users get it."""
    return task.rules.given(task.rules.ask(meta, block))


def _combine(weighed, table, task, patterns, rows=slice(None)):
    """Return what is predicted for some rows, by the pattern of views that each of them has."""
    out = combined(weighed.meta, table.block(weighed.members, rows=rows), task)
    for value, own in weighed.apart.items():
        place = patterns[rows] == value
        if place.any():
            some = place if isinstance(rows, slice) else rows[place]
            out[place] = combined(own.meta, table.block(own.members, rows=some), task)
    return out
