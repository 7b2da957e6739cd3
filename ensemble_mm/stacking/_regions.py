"""What holds the truth of new rows as often as it is asked to, learned from held-out predictions by pattern of views.

Patterns that few rows of the fit have, or none, are learned from rows that were predicted as if they had them.
"""

import numpy as np

from .._checks import DataWarning, warn
from ..crossfit import patterns_of
from ..data import Classes, Numbers, Quantiles, Ranking, Survival
from ..meta import (
    FEWEST_ROWS,
    ConformalIntervals,
    ConformalQuantiles,
    ConformalSets,
    ConformalShortlists,
    ConformalTimes,
    JointCoverage,
)
from ._judged import SIGNIFICANT, has_both, paired_gain, worth_of

REGIONS = {
    Classes.family: ConformalSets,
    Numbers.family: ConformalIntervals,
    Quantiles.family: ConformalQuantiles,
    Survival.family: ConformalTimes,
    Ranking.family: ConformalShortlists,
}
METHODS = {"sets": "sets", "intervals": "interval", "shortlists": "sets"}
OF_UNITS = "shortlists"  # which hold what belongs together at once, not row by row


def fit_regions(run, oof, tried):
    """Return the fitted sets or intervals {task: ...}, and the joint coverage of all tasks (None for one task).

    Parameters
    ----------
    run : CrossFit
    oof : dict of str to ndarray
        Out-of-fold predictions of all rows, by task.
    tried : dict of int to dict
        The same of the rows that patterns of missing views are tried out on, as if they had a pattern.
    """
    pattern, regions = patterns_of(run.features.present), {}
    for name, task in run.problem.tasks.items():
        if task.rules.region is None:
            continue
        y = run.problem.targets[name]
        judged = _decisive(task.rules, y)
        rows = np.flatnonzero(has_both(y, oof[name]) & judged)
        regions[name] = REGIONS[task.rules.family]()
        guesses = {"guesses": _guesses(run, name, oof[name], tried, pattern)} if task.rules.region == "sets" else {}
        regions[name].fit(oof[name][rows], y[rows], pattern[rows], *_counted(run.problem, [name], rows), **guesses)
        for value, out in tried.items():
            some = has_both(y[run.tried.rows], out[name]) & judged[run.tried.rows]
            rows = run.tried.rows[some]
            regions[name].add(value, out[name][some], y[rows], *_counted(run.problem, [name], rows))
    by_row = {name: region for name, region in regions.items() if run.problem.tasks[name].rules.region != OF_UNITS}
    return regions, _fit_joint(run, by_row, oof, tried, pattern) if len(by_row) > 1 else None


def _decisive(kind, y):
    """Return which rows with a label tell how often regions hold the truth."""
    out, known = np.zeros(len(y), dtype=bool), ~np.isnan(y)
    out[known] = kind.decisive(y[known])
    return out


def _guesses(run, name, oof, tried, pattern):
    """Return {pattern: shares of the classes} where the views of a pattern tell nothing of a task."""
    task, y, weight = run.problem.tasks[name], run.problem.targets[name], run.problem.weights[name]
    known = ~np.isnan(y)
    prior = task.rules.prior(task.rules.encoded(y[known]), None if weight is None else weight[known])
    constant, found = np.broadcast_to(prior, oof.shape), {}
    for value in {*np.unique(pattern).tolist(), *tried}:
        own, out = pattern == value, oof
        if value in tried and worth_of(run.problem, name, own & has_both(y, oof)) < FEWEST_ROWS:
            own, out = np.ones(len(y), dtype=bool), run.tried.spread(tried[value][name], len(y))
        gain, error = paired_gain(run.problem, name, constant, out, own)
        if gain <= SIGNIFICANT * error:
            found[value] = prior
    return found


def _fit_joint(run, regions, oof, tried, pattern):
    rows, levels, weight = _levels(run.problem, regions, oof, np.arange(run.problem.n_rows), pattern)
    groups = _counted(run.problem, list(regions), rows)[1]
    joint = JointCoverage().fit(levels, pattern[rows], weight, groups)
    for value, out in tried.items():
        rows, levels, weight = _levels(run.problem, regions, out, run.tried.rows, np.full(len(run.tried.rows), value))
        joint.add(value, levels, weight, _counted(run.problem, list(regions), rows)[1])
    return joint


def _levels(problem, regions, out, rows, pattern):
    """Return the rows in which all tasks have a label and a prediction, when each task is just covered, and weights."""
    targets = {name: problem.targets[name][rows] for name in regions}
    some = np.all([has_both(targets[name], out[name]) for name in regions], axis=0)
    weight, _ = _counted(problem, list(regions), rows[some])
    levels = []
    for name, region in regions.items():
        oof, y = out[name][some], targets[name][some]
        levels.append(region.levels(oof, y, pattern[some]))
        share = region.shares(oof, y, weight)
        weight = share if weight is None else weight * share
    counts = weight > 0  # none where of two times one is censored in every row
    return rows[some][counts], np.column_stack(levels)[counts], weight[counts] if counts.any() else None


def _counted(problem, names, rows):
    """Return the weights of some rows, as a mean over some tasks, and their groups."""
    weights = [np.ones(problem.n_rows) if problem.weights[n] is None else problem.weights[n] for n in names]
    plain = all(problem.weights[name] is None for name in names)
    groups = problem.group_codes
    return None if plain else np.mean(weights, axis=0)[rows], None if groups is None else groups[rows]


def regions_of(model, out, present, coverage, wanted, joint=False):
    """Return {task: intervals, sets or shortlists} of predictions of new rows, of the tasks that have what is wanted.

    With `joint`, all tasks of a row are covered at once, those of other kinds with them. Shortlists are not of a row.
    """
    pattern = patterns_of(present)
    kinds = {name: model.tasks_[name].rules for name in out}
    has = {name: kind.region for name, kind in kinds.items() if name in model.conformal_}  # files of before lack some
    if not has:
        name, kind = next(iter(kinds.items()))
        raise ValueError(f"Task {name!r} is {kind.words}, for which there are neither intervals nor sets: use predict.")
    if not any(region in wanted for region in has.values()):
        return {}
    _warn_of_new(pattern, list(present), model.conformal_)
    n_of_rows = sum(region != OF_UNITS for region in has.values())
    of_row = _of_each(model.joint_, coverage, pattern, n_of_rows) if joint else coverage
    found = {}
    for name, region in has.items():
        if region in wanted:
            asked = coverage if region == OF_UNITS else of_row
            found[name] = getattr(model.conformal_[name], METHODS[region])(out[name], asked, pattern)
    return {name: kinds[name].within(region) for name, region in found.items()}


def _of_each(together, coverage, pattern, n_tasks):
    """Return the coverage to ask of each task of a row, so that all of them are covered at once."""
    if together is not None:
        return together.of_each(coverage, pattern)
    if n_tasks > 1:
        raise ValueError(
            "What was added to this model is not for all tasks, which were never judged together: fit all for joint "
            "coverage."
        )
    return coverage


def said(labels, silent):
    """Return what is said of rows: their labels, or None of those that are to be left out (a mask, or None)."""
    if silent is None:
        return labels
    labels = labels.astype(object)
    labels[silent] = None
    return labels


def _warn_of_new(pattern, views, regions):
    seen = set().union(*(region.seen_ for region in regions.values()))
    for value, n in zip(*np.unique(pattern, return_counts=True), strict=True):
        if value in seen:
            continue
        there = ", ".join(repr(view) for bit, view in enumerate(views) if value >> bit & 1)
        warn(
            f"{n} rows have {f'only {there}' if there else 'none of the views'}; no row of the fit was like that. "
            "Their intervals and sets come from rows with more views, predicted as if these views were missing.",
            DataWarning,
        )
