"""One cross-fitting run: features, then members on the folds, then the table; and the same models on new rows."""

import warnings
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from ..data import Problem, present_rows
from ..store import content_key
from ._execute import Failure, Job, JobError, Skipped, check_failures
from ._features import Features, read_fitted, read_new
from ._jobs import FittedMember, fit_and_predict, seeded, weight_keyword
from ._plan import ALL_ROWS, Fit, seed_of
from ._table import Table


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
    failures: list = field(default_factory=list)
    seconds: dict = field(default_factory=dict)  # member -> seconds to predict a row, as measured on the folds
    features: Features | None = None

    def extract(self, members):
        """Extract every view in the forms that the members read."""
        forms = {view.name: set() for view in self.problem.views}
        for member in members:
            for name in member.views:
                forms[name].add(member.form)
        self.features = Features(
            self.problem,
            forms,
            seed=self.seed,
            n_copies=self.n_copies,
            cache=self.cache,
            on_bad=self.on_bad,
        )
        self.features.extract(self.runner, self.folds, self.refit, self.keys)

    def readable(self, members):
        """Return the members that read views which were extracted in time; what they read together may be less."""
        there = self.features.readers
        members = [replace(m, views=tuple(view for view in m.views if view in there)) for m in members]
        return [member for member in members if member.views]

    def fit(self, members, *, estimates=None, refit=None, stage="fit", required=None, optional=False):
        """Cross-fit members; return `(table, models)`.

        `estimates` maps an Estimate to its values, shape (n_rows, n_columns), for members with inputs.
        `models` maps a member to {fold: FittedMember or None}. Members that are not in `required` (None:
        all are) are left out when the time is over; fold models serve where only the refit was too late.
        Of `optional` members none is required, and those that fail are left out whatever `on_error` says.
        """
        refit = self.refit if refit is None else refit
        required = () if optional else required
        keep_folds = not self.refit or (required is not None and self.runner.deadline is not None)
        folds = [*range(len(self.folds)), *([ALL_ROWS] if refit else [])]
        fits = [Fit(member, fold) for member in members for fold in folds]
        threads = self._threads(fits)
        beside = self._beside(members, estimates)
        jobs = [
            self._job(
                fit, fit.fold == ALL_ROWS or keep_folds, beside, threads,
                required=required is None or fit.member in required,
            )
            for fit in fits
        ]  # fmt: skip
        return self._collect(members, fits, jobs, self._run(stage, fits, jobs), required, optional)

    def refit_members(self, members, estimates=None):
        """Fit members on all rows, without folds; return models as `fit` does."""
        fits = [Fit(member, ALL_ROWS) for member in members]
        beside = self._beside(members, estimates)
        jobs = [self._job(fit, True, beside, self._threads(fits)) for fit in fits]
        return self._collect(members, fits, jobs, self._run("refit", fits, jobs))[1]

    def _threads(self, fits):
        """Return how many threads each job may have: more than one where cores would idle."""
        return max(1, self.runner.n_workers // max(len(fits), 1))

    def _run(self, stage, fits, jobs):
        unique, places = _once(fits, jobs)
        outcomes = self.runner.run(stage, unique)
        return [outcomes[place] for place in places]

    def seed_of(self, name, task):
        """Return the seed of a job of a task; what a lone task is called does not matter."""
        return seed_of(self.seed, name if len(self.problem.tasks) == 1 else f"{name}, task {task!r}")

    def rows_of(self, fit):
        """Return the training and the held-out rows of a fit (copies of augmented rows come later)."""
        member, n = fit.member, self.features.n_rows
        train, test = (np.arange(n), np.empty(0, np.intp)) if fit.fold == ALL_ROWS else self.folds[fit.fold]
        here = self._readable(member)
        useful = here & ~np.isnan(self.problem.targets[member.task])
        return train[useful[train]], test[here[test]]

    def _readable(self, member):
        if not member.views:
            return np.ones(self.features.n_rows, dtype=bool)
        return np.any([self.features.present[view] for view in member.views], axis=0)

    def _beside(self, members, estimates):
        """Return the estimates that members read: one array, which all jobs share, and the places of each."""
        names = list(dict.fromkeys(name for member in members for name in member.inputs))
        if not names:
            return None, {}
        blocks = [estimates[name].reshape(self.features.n_rows, -1).astype(np.float32) for name in names]
        ends = np.cumsum([block.shape[1] for block in blocks])
        places = {n: range(end - b.shape[1], end) for n, b, end in zip(names, blocks, ends.tolist(), strict=True)}
        return np.tile(np.hstack(blocks), (1 + self.n_copies, 1)), places

    def _job(self, fit, keep, beside, threads=1, required=True):
        member = fit.member
        train, test = self.rows_of(fit)
        found = [(view, self.features.block(view, fit.fold, member.task, member.form)) for view in member.views]
        found = [(view, block) for view, block in found if block is not None]
        views, blocks = [view for view, _ in found], [block for _, block in found]
        if member.views and not blocks:
            train = test = np.empty(0, np.intp)  # every view was missing in all training rows
        n, columns = self.features.n_rows, None
        if member.inputs:
            whole, places = beside
            blocks, columns = [*blocks, whole], [column for name in member.inputs for column in places[name]]
        y, weight = self.problem.targets[member.task], self.problem.weights[member.task]
        if self.n_copies:
            y = np.tile(y, 1 + self.n_copies)
            weight = None if weight is None else np.tile(weight, 1 + self.n_copies)
            train = np.concatenate([train + n * c for c in range(1 + self.n_copies)])
        task = self.problem.tasks[member.task]
        n_classes = task.rules.n_classes
        args = (
            member.estimator,
            self.seed_of(f"learner {member.learner!r} reads {member.reads!r}, fold {fit.fold}", member.task),
            threads,
            n_classes,
            y,
            weight,
            train,
            test,
            keep,
            views,
            columns,
            *blocks,
        )
        width = sum(block.shape[1] if isinstance(block, np.ndarray) else block.nnz / max(n, 1) for block in blocks)
        cost = cost_of(member.estimator) * max(n_classes, 1) * (1 + len(train)) * (1 + width)
        return Job(str(fit), fit_and_predict, args, cost, self.keys and self.keys(fit, keep), str(member), required)

    def _collect(self, members, fits, jobs, results, required=None, optional=False):
        lost = {}
        for fit, result in zip(fits, results, strict=True):
            if isinstance(result, Failure):
                lost.setdefault(fit.member, []).append((fit, result))
            elif isinstance(result, Skipped) and fit.fold != ALL_ROWS:
                lost.setdefault(fit.member, [])
        failed = [(fit, failure) for pairs in lost.values() for fit, failure in pairs]
        if failed and self.on_error == "raise" and not optional:
            check_failures(jobs, [failure for _, failure in failed])
        if failed:
            names = dict.fromkeys(f"{fit.member}: {failure.words}" for fit, failure in failed)
            warnings.warn("Left out, because a fit failed: " + "; ".join(names), UserWarning, stacklevel=2)
        for fit, failure in failed:
            where = "all rows" if fit.fold == ALL_ROWS else fit.fold
            m = fit.member
            self.failures.append(
                {"learner": m.learner, "reads": m.reads, "task": m.task, "fold": where, "error": failure.words}
            )
        kept = [member for member in members if member not in lost]
        for name in dict.fromkeys(member.task for member in (members if required is None else required)):
            if not any(member.task == name for member in kept):
                words = failed[0][1].words if failed else "the time was over before the first was done"
                raise JobError(f"No learner of task {name!r} is left: {words}")
        table = Table(self.features.n_rows, kept, self.problem.tasks)
        pieces, models = {member: [] for member in kept}, {member: {} for member in kept}
        spent = {member: [] for member in kept}
        for fit, result in zip(fits, results, strict=True):
            if fit.member in lost or isinstance(result, Skipped):
                continue
            model, predictions, seconds = result
            if predictions is not None:
                pieces[fit.member].append((self.rows_of(fit)[1], predictions))
                spent[fit.member].append(seconds / len(predictions))
            if fit.fold == ALL_ROWS:
                models[fit.member] = {ALL_ROWS: model}  # its fold models were kept in case this came too late
            elif model is not None:
                models[fit.member][fit.fold] = model
        for member in kept:
            table.write(member, pieces[member])
        self.seconds |= {member: float(np.median(values)) for member, values in spent.items() if values}
        return table, models


class NewRows:
    """Views of new rows, extracted once, for the models of a run.

    Parameters
    ----------
    readers : dict of str to FittedView
    columns : dict of str to column of X
    folds : list of folds whose models predict (ALL_ROWS alone after a refit)
    """

    def __init__(self, readers, columns, forms, runner, cache=None):
        self.readers, self.columns, self.forms, self.runner = readers, columns, forms, runner
        self.n_rows = len(present_rows(next(iter(columns.values()))))
        self.merged, self.present = read_new(readers, columns, runner, cache)
        self._blocks = {}

    def block(self, view, fold, task, form):
        """Return a block as `Features.block` does; extracted on first use."""
        reader = self.readers[view]
        mark = (fold, task) if (fold, task) in reader.fitted else (fold, None)
        if (view, *mark) not in self._blocks:
            self._blocks[view, *mark] = read_fitted(
                reader, view, *mark, self.columns[view], self.merged, self.present[view], self.forms[view]
            )
        blocks = self._blocks[view, *mark]
        return blocks.get(form, blocks.get("native"))

    def predict(self, members, models, tasks, estimates=None):
        """Return the Table of the members' predictions for the new rows."""
        table = Table(self.n_rows, members, tasks)
        calls, owners = [], []
        for member in members:
            rows = np.arange(self.n_rows)
            if member.views:
                rows = np.flatnonzero(np.any([self.present[view] for view in member.views], axis=0))
            for fold, model in models.get(member, {}).items():
                if model is None or not len(rows):
                    continue
                blocks = self._blocks_of(member, fold, model)
                if member.inputs:
                    extra = [estimates[name].reshape(self.n_rows, -1) for name in member.inputs]
                    blocks = [*blocks, np.hstack(extra).astype(np.float32)]
                calls.append((model, blocks, rows))
                owners.append(member)
        pieces = {member: [] for member in members}
        predictions = self.runner.in_threads(FittedMember.predict_columns, calls)
        for member, (_, _, rows), predicted in zip(owners, calls, predictions, strict=True):
            pieces[member].append((rows, predicted))
        for member in members:
            table.write(member, pieces[member])
        return table

    def _blocks_of(self, member, fold, model):
        blocks = []
        for view, width, is_sparse in zip(model.views, model.widths, model.sparse, strict=False):
            block = self.block(view, fold, member.task, member.form)
            if block is None:  # a view that no row has here still takes its columns: as holes
                shape = (self.n_rows, width)
                block = sparse.csr_matrix(shape, dtype=np.float32) if is_sparse else np.full(shape, np.nan, np.float32)
            blocks.append(block)
        return blocks


def in_time_order(members):
    """Return the members, the cheap ones first and the tasks in turn, and those that come first of each task."""
    ranked = {}
    for member in sorted(members, key=lambda member: cost_of(member.estimator) * len(member.views)):
        ranked.setdefault(member.task, []).append(member)
    order = sorted(((i, m) for own in ranked.values() for i, m in enumerate(own)), key=lambda pair: pair[0])
    return [member for _, member in order], {own[0] for own in ranked.values()}


def cost_of(estimator) -> float:
    """Return a rough cost of a fit, only to order jobs."""
    cost = 1.0
    for key, value in estimator.get_params(deep=True).items():
        if key.rpartition("__")[2] in ("n_estimators", "iterations") and isinstance(value, int):
            cost *= max(value, 1) / 5
    return cost


def unweighted(members):
    """Return the names of the learners that take no sample weights."""
    return list(dict.fromkeys(m.learner for m in members if weight_keyword(m.estimator) is None))


def _once(fits, jobs):
    """Return the jobs without repeats, and for every fit the place of its result."""
    unique, places, seen = [], [], {}
    for fit, job in zip(fits, jobs, strict=True):
        estimator, seed, *_ = job.args
        m = fit.member
        mark = (content_key(seeded(estimator, seed)), m.views, m.form, m.inputs, m.task, fit.fold)
        if mark not in seen:
            seen[mark] = len(unique)
            unique.append(job)
        places.append(seen[mark])
    return unique, places
