"""One cross-fitting run: features, then members on the folds, then the table."""

from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial

import numpy as np

from .._checks import warn
from .._estimators import cost_of, known_before, seeded
from ..data import Problem
from ..store import BlockFolder, content_key
from ._execute import Failure, JobError, Skipped, check_failures
from ._features import TrainingFeatures
from ._jobs import Blanks, FitMember
from ._patterns import Tried, missing_of, patterns_to_try
from ._plan import ALL_ROWS, MISSING, Fit, failure_of, seed_of
from ._shared import shared
from ._table import Table
from ._unseen import Unseen

FIT_SHARE = 0.8  # of the time: what is left is for the meta-learners, calibration and the rows that lack views


@dataclass
class CrossFit:
    """What all members of a run share: a problem, folds, seed and runner."""

    problem: Problem
    folds: list
    refit: bool
    seed: int
    runner: object
    on_error: str = "raise"
    on_bad: str = "raise"
    n_copies: int = 0
    cache: object = None
    keys: object = None  # callable: job -> key of its kept result
    folder: BlockFolder | None = None  # for features on disk; None: they stay in memory
    failures: list = field(default_factory=list)
    seconds: dict = field(default_factory=dict)  # member -> seconds to predict a row, as measured on the folds
    features: TrainingFeatures | None = None
    tried: Tried | None = None  # patterns of missing views
    blanked: dict = field(default_factory=dict)  # (member, pattern) -> its cells of the tried rows
    unseen: Unseen | None = None
    known: dict = field(default_factory=dict)  # member -> what its learner was fitted on before

    def extract(self, members):
        """Extract every view in the forms that the members read."""
        forms = {view.name: set() for view in self.problem.views}
        for member in members:
            for name in member.views:
                forms[name].add(member.form)
        self.features = TrainingFeatures(self, forms)
        self.features.extract()
        self.tried = patterns_to_try(self.features.present, self.folds)
        p = self.problem
        self.unseen = Unseen(self.folds, p.n_rows, p.tasks, p.targets, p.weights, p.group_codes)

    def readable(self, members):
        """Return the members that read views which were extracted in time; what they read together may be less."""
        there = self.features.readers
        members = [replace(m, views=tuple(view for view in m.views if view in there)) for m in members]
        return [member for member in members if member.views or member.inputs]

    def fit(self, members, *, estimates=None, tried=None, refit=None, stage="fit", required=None, optional=False):
        """Cross-fit members; return `(table, models)`.

        `estimates` maps an Estimate to its values, shape (n_rows, n_columns), for members with inputs, or is a callable
        that returns this for a fold; `tried` maps a pattern that is tried to those of the tried rows.
        `models` maps a member to {fold: FittedMember or None}. Members that are not in `required` (None:
        all are) are left out when the time is over; fold models serve where only the refit was too late.
        Of `optional` members none is required, and those that fail are left out whatever `on_error` says.
        """
        refit = self.refit if refit is None else refit
        required = () if optional else required
        keep_folds = not self.refit or (required is not None and self.runner.deadline is not None)
        folds = [*range(len(self.folds)), *([ALL_ROWS] if refit else [])]
        fits = [Fit(member, fold) for member in members for fold in folds]
        jobs = self._jobs(fits, estimates, tried, keep_folds, required)
        return self._collect(members, jobs, self._run(stage, jobs), required, optional)

    def refit_members(self, members, estimates=None):
        """Fit members on all rows, without folds; return models as `fit` does."""
        jobs = self._jobs([Fit(member, ALL_ROWS) for member in members], estimates)
        return self._collect(members, jobs, self._run("refit", jobs))[1]

    def _jobs(self, fits, estimates, tried=None, keep_folds=True, required=None):
        by_fold = cache(partial(self._shared_estimates, fits, estimates))
        threads = max(1, self.runner.n_workers // max(len(fits), 1))  # more than one where cores would idle
        needed = {fit.member for fit in fits} if required is None else set(required)
        jobs = []
        for fit in fits:
            keep, given = fit.fold == ALL_ROWS or keep_folds, by_fold(fit.fold if callable(estimates) else None)
            job = self._job(fit, keep, given, threads, fit.member in needed)
            jobs.append(replace(job, blanks=tuple(self._blanks(fit, tried))))
        return jobs

    def _run(self, stage, jobs):
        unique, places = _once(jobs)
        outcomes = self.runner.run(stage, unique, share=FIT_SHARE)
        found = [outcomes[place] for place in places]
        return [
            out[job.fit.member.task] if isinstance(out, dict) else out for job, out in zip(jobs, found, strict=True)
        ]

    def seed_of(self, name, task):
        """Return the seed of a job of a task; what a lone task is called does not matter."""
        return seed_of(self.seed, name if len(self.problem.tasks) == 1 else f"{name}, task {task!r}")

    def rows_of_fold(self, fold):
        """Return the training and the held-out rows of a fold; the refit holds none out."""
        return self._all_rows if fold == ALL_ROWS else self.folds[fold]

    @cached_property
    def _all_rows(self):
        return np.arange(self.problem.n_rows), np.empty(0, np.intp)

    def rows_of(self, fit):
        """Return the training and the held-out rows of a fit (copies of augmented rows come later)."""
        train, test = self.rows_of_fold(fit.fold)
        here = self.features.readable(fit.member)
        useful = here & ~np.isnan(self.problem.targets[fit.member.task])
        return _those(train, useful), _those(test, here)

    def _shared_estimates(self, fits, estimates, fold):
        """Return the estimates that members read: one array, which the jobs share, and the places of each."""
        names = list(dict.fromkeys(name for fit in fits for name in fit.member.inputs))
        if not names:
            return None, {}
        estimates = estimates(fold) if callable(estimates) else estimates or {}
        estimates = {MISSING: missing_of(self.features.present), **estimates}
        blocks = [estimates[name].reshape(self.problem.n_rows, -1).astype(np.float32) for name in names]
        ends = np.cumsum([block.shape[1] for block in blocks])
        places = {n: range(end - b.shape[1], end) for n, b, end in zip(names, blocks, ends.tolist(), strict=True)}
        return np.tile(np.hstack(blocks), (1 + self.n_copies, 1)), places

    def _job(self, fit, keep, shared, threads, required):
        member, task = fit.member, self.problem.tasks[fit.member.task]
        train, test = self.rows_of(fit)
        blocks = {view: self.features.block(view, fit.fold, member.task, member.form) for view in member.views}
        blocks = {view: block for view, block in blocks.items() if block is not None}
        views, blocks, columns = tuple(blocks), tuple(blocks.values()), None
        if member.views and not blocks:
            train = test = np.empty(0, np.intp)  # every view was missing in all training rows
        if member.inputs:
            whole, places = shared
            blocks, columns = (*blocks, whole), tuple(column for name in member.inputs for column in places[name])
        y, weight, groups, metadata = self._told(member)
        if self.n_copies:
            train = np.concatenate([train + self.problem.n_rows * c for c in range(1 + self.n_copies)])
        name = f"learner {member.learner!r} reads {member.reads!r}, fold {fit.fold}"
        return FitMember(
            fit, self.seed_of(name, member.task), task.rules.n_classes, y, weight, train, test, views, blocks, columns,
            threads, keep, groups, key=self.keys and self.keys(fit, keep), required=required,
            class_weight=task.class_weight, metadata=metadata, before=self._before(member), folder=self.folder,
        )  # fmt: skip

    def _told(self, member):
        """Return targets, weights, groups and metadata of the rows, those of copies after those of the rows."""
        y, weight = self.problem.targets[member.task], self.problem.weights[member.task]
        groups, metadata = self.problem.group_codes, self.problem.metadata
        if metadata is not None and metadata.asked_by(member.estimator) is None:
            metadata = None
        if not self.n_copies:
            return y, weight, groups, metadata
        again = np.tile(np.arange(len(y)), 1 + self.n_copies)
        return (
            y[again],
            None if weight is None else weight[again],
            again if groups is None else groups[again],  # a row and its copies
            metadata and metadata[again],
        )

    def _before(self, member):
        """Return what a learner knows from before: names of columns, and labels if they are those of its task."""
        if member not in self.known:  # once for all folds
            names, known = known_before(member.estimator)
            labels = None if known is None else self.problem.tasks[member.task].labels_of(known)
            self.known[member] = (names, labels) if names or labels is not None else None
        return self.known[member]

    def _blanks(self, fit, estimates):
        """Yield what the model of a fit predicts beside its held-out rows: rows that it learned from, and held-out ones
        once more as if they lacked views that they have."""
        tried, member, done = self.tried, fit.member, set()
        if fit.fold != ALL_ROWS and self.unseen.asks(member) and len(rows := self.rows_of(fit)[0]):
            yield Blanks(None, rows, rows, (), None)
        for pattern in tried.patterns:
            absent, key = tried.absent(member, pattern), tried.key(member, pattern)
            if key in done or tried.abstains(member, pattern) or not (absent or member.inputs):
                continue
            done.add(key)
            places = np.flatnonzero((tried.folds == fit.fold) & tried.having(key))
            if len(places):
                given = {MISSING: tried.missing(pattern), **(estimates or {}).get(pattern, {})}
                inputs = [given[name].reshape(len(tried.rows), -1)[places] for name in member.inputs]
                inputs = np.hstack(inputs).astype(np.float32) if inputs else None
                yield Blanks(key, places, tried.rows[places], absent, inputs)

    def cells(self, table, members, pattern):
        """Return the table of the tried rows as if these had no more views than a pattern; NaN where they lack one."""
        tried = self.tried
        places = np.flatnonzero(tried.having(pattern))
        cells = Table(len(tried.rows), members, self.problem.tasks)
        for member in members:
            if pattern in tried.patterns and (tried.absent(member, pattern) or member.inputs):
                own = self.blanked.get((member, tried.key(member, pattern)))
            else:
                own = table[member][tried.rows]
            if own is not None and not tried.abstains(member, pattern):
                cells.write(member, [(places, own[places])])
        return cells

    def _collect(self, members, jobs, results, required=None, optional=False):
        """Return the table and the models of the members whose folds were all fitted."""
        pairs = list(zip(jobs, results, strict=True))
        failed = [(job.fit, result) for job, result in pairs if isinstance(result, Failure)]
        late = {job.fit.member for job, result in pairs if isinstance(result, Skipped) and job.fit.fold != ALL_ROWS}
        if failed:
            self._report(jobs, failed, optional)
        lost = late | {fit.member for fit, _ in failed}
        done = {member: [] for member in members if member not in lost}
        _check_served(members if required is None else required, done, failed)
        for job, result in pairs:
            if job.fit.member in done and not isinstance(result, Skipped):
                done[job.fit.member].append((job, *result))
        table = Table(self.problem.n_rows, list(done), self.problem.tasks, folder=self.folder)
        table.unseen_folds = self.unseen
        return table, {member: self._keep(table, member, fitted) for member, fitted in done.items()}

    def _keep(self, table, member, fitted):
        """Write what the fits of a member predicted, and return its models by fold."""
        predicted = [(job.test, out, seconds / len(out)) for job, _, out, seconds, _ in fitted if out is not None]
        # One model will predict after a refit: means over repeated splits would pass the bag of many for it.
        table.write(member, [(rows, out) for rows, out, _ in predicted], once=self.refit)
        if predicted:
            self.seconds[member] = float(np.median([seconds for *_, seconds in predicted]))
        for job, *_, blanked in fitted:
            for part, out in zip(job.blanks, blanked, strict=False):
                if part.key is None:
                    self.unseen.write(member, job.fit.fold, part.rows, out)
                    continue
                cells = self.blanked.setdefault(
                    (member, part.key), np.full((len(self.tried.rows), table[member].shape[1]), np.nan)
                )
                cells[part.places] = out.reshape(len(out), -1)
        models = {job.fit.fold: model for job, model, *_ in fitted}
        if ALL_ROWS in models:  # fold models were kept in case it came too late
            return {ALL_ROWS: models[ALL_ROWS]}
        return {fold: model for fold, model in models.items() if model is not None}

    def _report(self, jobs, failed, optional):
        """Raise the first failure, or warn and take note of all."""
        if self.on_error == "raise" and not optional:
            check_failures(jobs, [failure for _, failure in failed])
        names = dict.fromkeys(f"{fit.member}: {failure.words}" for fit, failure in failed)
        warn("Left out, because a fit failed: " + "; ".join(names), UserWarning)
        for (member, fold), words in (((fit.member, fit.fold), failure.words) for fit, failure in failed):
            where = "all rows" if fold == ALL_ROWS else fold
            self.failures.append(failure_of(member, where, words))


def _those(rows, wanted):
    """Return the rows that are wanted, as a mask says; the same array, which all jobs share, where all are."""
    kept = wanted[rows]
    return rows if kept.all() else rows[kept]


def in_time_order(members):
    """Return the members, the cheap ones first and the tasks in turn, and those that come first of each task."""
    ranked = {}
    for member in sorted(members, key=lambda m: (not m.views, cost_of(m.estimator) * len(m.views))):
        ranked.setdefault(member.task, []).append(member)
    order = sorted(((i, m) for own in ranked.values() for i, m in enumerate(own)), key=lambda pair: pair[0])
    return [member for _, member in order], {own[0] for own in ranked.values()}


def _check_served(required, kept, failed):
    """Raise an error unless some member is left of every task that a required one serves."""
    served = {member.task for member in kept}
    alone = next((member.task for member in required if member.task not in served), None)
    if alone is not None:
        words = failed[0][1].words if failed else "the time was over before the first was done"
        raise JobError(f"No learner of task {alone!r} is left: {words}")


def _once(jobs):
    """Return the jobs without repeats, and for every job the place of its result.

    Those of a learner that learns all tasks at once are one.
    """
    unique, places, place_of, contents = [], [], {}, {}
    for job in jobs:
        m = job.fit.member
        together = getattr(m.estimator, "learns_all_tasks", False)
        if m not in contents:  # two members have the same seed in all folds or in none
            contents[m] = m.learner if together else content_key(seeded(m.estimator, job.seed))
        mark = (contents[m], m.views, m.form, m.inputs, None if together else m.task, job.fit.fold)
        if mark not in place_of:
            place_of[mark] = len(unique)
            unique.append([] if together else job)
        if together:
            unique[place_of[mark]].append(job)
        places.append(place_of[mark])
    return [shared(job) if isinstance(job, list) else job for job in unique], places
