"""New rows for a fitted stack: learners go on learning, and weights, calibration and intervals hear of them.

The fitted models did not see the new rows: what they say of them before they learn from them is out of fold, and the
new rows are one more fold. The cells of the old rows stay what they were.
"""

from copy import copy
from dataclasses import replace

import numpy as np
from scipy import sparse

from .._checks import tell, warn
from .._metadata import Metadata, check_asked, has_rows
from ..crossfit import ALL_ROWS, CrossFit, Features, Fit, Unseen, UpdateMember, check_failures, patterns_to_try
from ..data import Problem, task_weights, units_of, views_of, whole_units
from ._adding import accounted, check_shared, contributions_with, copies_of, known_patterns, readable
from ._decisions import decided
from ._level import forget_idle
from ._seen import has_rows_of_fit, marks_of, told_of_seen


def updated(model, X, Y, sample_weight, groups, old, metadata):
    """Return a stack that learned from new rows, too; see `BaseStack.update`."""
    check_shared(model)
    ways = ("fit", "partial_fit")
    check_asked(metadata, model._named_parts("learners"), ways, sample_weight=sample_weight, groups=groups)
    new = model._new_rows(X)
    tell(told_of_seen(model, new.columns))
    fresh = _labels(model, Y, sample_weight, new.n_rows)
    table = model._run_levels(new)[0]
    run, whole = _joint_run(model, new, fresh, groups, table)
    jobs = _updates(model, run, new, old, metadata)
    results = run.runner.run("update", jobs)
    check_failures(jobs, results)
    models, stayed = {}, []
    for job, result in zip(jobs, results, strict=True):
        member = job.fit.member
        models.setdefault(member, dict(model.levels_[0].models[member]))
        if result is None:
            stayed.append(str(member))
        else:
            models[member][job.fit.fold] = result
    if stayed:
        names = "; ".join(dict.fromkeys(stayed))
        warn(
            f"Learners that cannot go on learning stay as they are, and are weighed anew: {names}. Give the rows of "
            "the fit as old= to fit them anew, or fit all on old and new rows.",
            UserWarning,
        )
    out = copy(model)
    vars(out).pop("_board", None)
    out.levels_ = copies_of(model.levels_, run.problem.tasks)
    for level in out.levels_:
        level.table = whole.part(level.table.members())
    out.levels_[0].models |= models
    last = out.levels_[-1]
    settings = model._meta_settings(run.problem.tasks, final=bool(model.passthrough))
    fitted = last.weigh(run, settings, model.prune, readable(run, out.levels_))
    out.folds_, out.targets_, out.row_weights_ = run.folds, run.problem.targets, run.problem.weights
    out.groups_, out.present_ = run.problem.group_codes, run.features.present
    out._finish(run, out.levels_, last.oof, fitted)
    if model.passthrough:  # the final estimator is what it was, and so is what moves it
        out.contributions_ = model.contributions_
    if hasattr(model, "task_contributions_"):
        out.task_contributions_ = contributions_with(model, out)
    if model.prune is not None:
        forget_idle(out.levels_)
    out.tasks_ = decided(model.threshold, run.problem, out.oof_)
    out.row_marks_ = np.concatenate([model.row_marks_, marks_of(views_of(model), new.columns)])
    return accounted(out, 0, [], run.runner.to_frame())


def _labels(model, Y, sample_weight, n_rows):
    """Return {task: (labels as numbers, weights or None)} of new rows; what Y lacks is not known."""
    labels, weights = model._labels(Y), task_weights(sample_weight, model.tasks_, n_rows, Y)
    found = {}
    for name, task in model.tasks_.items():
        y = task.encode(labels[name]) if name in labels else np.full(n_rows, np.nan)
        if len(y) != n_rows:
            raise ValueError(f"X has {n_rows} rows, but Y has {len(y)}: they describe the same samples.")
        found[name] = np.where(weights[name] == 0, np.nan, y) if weights[name] is not None else y, weights[name]
    return found


def _joint_run(model, new, fresh, groups, table):
    """Return a run of old and new rows, of which the new ones are one more fold, and the table of both."""
    n_old, n = len(next(iter(model.targets_.values()))), new.n_rows
    rows, targets, weights = np.arange(n_old + n), {}, {}
    for name, (y, weight) in fresh.items():
        before = model.row_weights_[name]
        targets[name] = np.concatenate([model.targets_[name], y])
        plain = before is None and weight is None
        parts = ((before, n_old), (weight, n))
        weights[name] = None if plain else np.concatenate([np.ones(k) if w is None else w for w, k in parts])
    groups = _joint_groups(model, groups, targets, n)
    tasks = {name: replace(task, decision=None) for name, task in model.tasks_.items()}
    problem = Problem(np.empty((n_old + n, 0)), tuple(views_of(model)), tasks, targets, weights, groups)
    folds = [*model.folds_, (rows[:n_old], rows[n_old:])]
    run = CrossFit(problem, folds, bool(model.refit), model._seed(), model._runner())
    present = {view: np.concatenate([model.present_[view], new.present[view]]) for view in model.present_}
    run.features = Features(present)
    run.tried = known_patterns(model, patterns_to_try(present, folds))
    run.unseen = Unseen([], problem.n_rows, tasks)  # nothing is known of models that are not kept
    for level in model.levels_:
        run.seconds |= level.seconds
    values = np.full((n_old + n, model.table_.values.shape[1]), np.nan)
    values[:n_old] = model.table_.values
    whole = model.table_._with(n_rows=n_old + n, values=values, index=None, unseen_folds=None)
    for member in whole.members():
        whole[member][n_old:] = table[member]
    return run, whole


def _joint_groups(model, groups, targets, n):
    """Return the groups of old and new rows, which are others; None without any."""
    units = units_of(model.tasks_, targets)
    for name, unit in units.items():
        if np.isin(unit[-n:], unit[:-n]).any():
            raise ValueError(f"The new rows of task {name!r} are of queries of the fit: give those of other queries.")
    if units and groups is None:  # the queries may be all that the groups of the fit were
        groups = np.arange(n)
    if (model.groups_ is None) is not (groups is None):
        raise ValueError("groups are given where the fit had groups, and only there: new rows are of other groups.")
    if groups is None:
        return None
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    return whole_units(np.concatenate([model.groups_, codes + model.groups_.max() + 1]), model.tasks_, targets)


def _updates(model, run, new, old, metadata):
    """Return the jobs by which members of the first level learn from new rows."""
    parts = [new] if old is None else [_old_rows(model, old), new]
    n_rows = sum(part.n_rows for part in parts)
    of_new = [name for name, value in metadata.items() if len(parts) > 1 and has_rows(value, new.n_rows)]
    if of_new and new.n_rows != n_rows:
        raise ValueError(
            f"{of_new[0]!r} has a value for each of the {new.n_rows} new rows alone: with old= give those of the rows "
            "of the fit first, then those of the new ones."
        )
    given = Metadata.of(metadata, n_rows)
    jobs = [
        _update(model, run, parts, given, Fit(member, fold), fitted)
        for member, models in model.levels_[0].models.items()
        for fold, fitted in models.items()
        if fitted is not None and fitted.estimator is not None
    ]
    return [job for job in jobs if job is not None]


def _update(model, run, parts, metadata, fit, fitted):
    """Return the job by which a fitted member learns from parts of the rows, the last new; None where it has none."""
    n_new, task = parts[-1].n_rows, fit.member.task
    n_rows = sum(part.n_rows for part in parts)
    y, weight, groups = (
        None if part is None else part[-n_rows:]
        for part in (run.problem.targets[task], run.problem.weights[task], run.problem.group_codes)
    )
    there = np.concatenate([part.readable(fit.member) for part in parts]) & ~np.isnan(y)
    if len(parts) > 1 and fit.fold != ALL_ROWS:  # what the model of a fold did not see it is still not to see
        there[np.setdiff1d(np.arange(n_rows - n_new), model.folds_[fit.fold][0])] = False
    rows = np.flatnonzero(there)
    is_new = rows >= n_rows - n_new
    if not is_new.any():
        return None
    blocks = [part.blocks_of(fit.member, fit.fold, fitted) for part in parts]
    share = is_new.sum() / max(1, int((~np.isnan(model.targets_[task])).sum()))
    return UpdateMember(
        fit, fitted, tuple(map(_stacked, zip(*blocks, strict=True))), rows, y[rows],
        None if weight is None else weight[rows], is_new, share,
        run.seed_of(f"update of {fit.member.learner}", task), None if groups is None else groups[rows],
        metadata and metadata[rows],
    )  # fmt: skip


def _old_rows(model, old):
    rows = model._new_rows(old)
    if not has_rows_of_fit(model, marks_of(views_of(model), rows.columns)):
        raise ValueError("old holds other rows than the fit: give those of the fit, in their order, or none.")
    return rows


def _stacked(blocks):
    if len(blocks) == 1:
        return blocks[0]
    return sparse.vstack(blocks, format="csr") if sparse.issparse(blocks[0]) else np.concatenate(blocks)
