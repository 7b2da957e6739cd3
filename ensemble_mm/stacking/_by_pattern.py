"""Meta-learners of their own for rows that lack views, where rows that were held out say that these help.

A member that reads several views fills in those that are missing, and is then as sure of itself as ever; of the members
that abstain nobody says who should take their weight. What the table knows of both is asked here: rows are predicted as
if they had the views of a pattern and no others, and a linear meta-learner is fitted on what the members say then. It
serves the rows of this pattern only where its held-out losses are significantly lower.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..crossfit import LossesByViews, check_failures, patterns_of
from ..data import Problem
from ..meta import FEWEST_ROWS, make_meta_learner
from ._judged import SIGNIFICANT, first_part, has_both, outside, paired_gain, parts, worth_of
from ._level import FitMeta, Weighed, combined


@dataclass(frozen=True)
class _Case:
    """A task and a pattern: what the members say of rows as if these had the pattern, and what is made of it now."""

    task: str
    pattern: int
    problem: Problem  # of the rows that patterns are tried out on, as all that follows
    cells: object  # table
    before: np.ndarray
    own: np.ndarray  # rows that have just this pattern
    are_enough: bool  # to judge by them alone


def adapted(level, run, fitted, tried):
    """Return fitted meta-learners, by task and by the fold that is left out, with those of their own for patterns.

    Parameters
    ----------
    level : Level
    run : CrossFit
    fitted : dict of (str, int or None) to Weighed
    tried : dict of int to dict of str to ndarray
        What `level.tried` returns of them.
    """
    cases = _cases(level, run, fitted, tried)
    # On the rows that it was fitted on: what does not help there helps nowhere.
    hopeful = [(case, weighed)
               for case, (weighed, out) in zip(cases, _fit(run, fitted, [(case, None) for case in cases]), strict=True)
               if weighed is not None and _helps(run, case, out, None)]  # fmt: skip
    apart = {}
    for case, own, after in _by_fold(run, fitted, hopeful):
        for fold, weighed in own.items():
            if weighed is not None and (case.task, fold) in fitted and _helps(run, case, after, fold):
                apart.setdefault((case.task, fold), {})[case.pattern] = weighed
    return fitted | {key: replace(fitted[key], apart=own) for key, own in apart.items()}


def losses_by_views(run, tried):
    """Return {task: losses of the rows that patterns are tried out on}; empty where not all patterns are."""
    there = int(np.bitwise_or.reduce(patterns_of(run.features.present)))
    if len(tried) < (1 << there.bit_count()) - 1:
        return {}
    found = {}
    for name, task in run.problem.tasks.items():
        y, losses = run.problem.targets[name][run.tried.rows], {}
        for pattern, out in tried.items():
            some, losses[pattern] = has_both(y, out[name]), np.full(len(y), np.nan, dtype=np.float32)
            if some.any():
                losses[pattern][some] = task.rules.losses(y[some], out[name][some])
        found[name] = LossesByViews(run.tried.rows, run.tried.own, losses)
    return found


def _cases(level, run, fitted, tried):
    there = set(level.whole.members())  # a second level that serves some folds only may have left its members out
    gone = {name for (name, _), weighed in fitted.items() if not there.issuperset(weighed.members)}
    names = [n for n in run.problem.tasks if n not in gone and getattr(fitted[n, None].meta, "learns_weights", False)]
    members = list(dict.fromkeys(m for (name, _), weighed in fitted.items() if name in names for m in weighed.members))
    cases, problem = [], _of_tried(run)
    for pattern in run.tried.patterns if names else ():
        if pattern:
            cells = run.cells(level.whole, members, pattern)
            cases += [_case(run, name, pattern, problem, cells, tried[pattern][name]) for name in names]
    return cases


def _of_tried(run):
    """Return what is learned from the rows that patterns are tried out on: few, where there are many."""
    problem, rows = run.problem, run.tried.rows
    return replace(
        problem,
        targets={name: target[rows] for name, target in problem.targets.items()},
        weights={name: None if weight is None else weight[rows] for name, weight in problem.weights.items()},
        groups=None if problem.groups is None else np.asarray(problem.groups)[rows],
    )


def _by_fold(run, fitted, hopeful):
    """Yield (case, its meta-learners by the fold that is left out, what they predict of the rows of these folds)."""
    folds, first = range(len(parts(run))), first_part(run)
    found = iter(_fit(run, fitted, [(case, fold) for case, _ in hopeful for fold in folds]))
    for case, weighed in hopeful:
        own, after = {None: weighed}, np.full_like(case.before, np.nan)
        for fold in folds:
            own[fold], out = next(found)
            rows = first == fold
            after[rows] = case.before[rows] if own[fold] is None else out[rows]
        yield case, own, after


def _case(run, name, pattern, problem, cells, before):
    own = (run.tried.own == pattern) & has_both(problem.targets[name], before)
    return _Case(name, pattern, problem, cells, before, own, worth_of(problem, name, own) >= FEWEST_ROWS)


def _helps(run, case, after, fold):
    """Tell whether losses are significantly lower: of the rows of a pattern, or of all rows that have its views.

    The latter stand for the former only where views are missing for no reason. So the rows of the pattern, however few
    there are, must not say the contrary: a row may lack a view because of its label.
    """
    judged = outside(run, fold)[run.tried.rows]
    own = case.own & judged
    gain, error = paired_gain(case.problem, case.task, case.before, after, own if case.are_enough else judged)
    if gain <= SIGNIFICANT * error:
        return False
    return case.are_enough or not own.any() or paired_gain(case.problem, case.task, case.before, after, own)[0] > 0


def _fit(run, fitted, wanted):
    """Return (Weighed or None, predictions of all rows that are tried out) of each case and fold that is left out."""
    jobs = [_job(run, fitted, case, fold) for case, fold in wanted]
    asked = [job for job in jobs if job is not None]
    metas = run.runner.run("missing views", asked) if asked else []
    check_failures(asked, metas)
    metas, found = iter(metas), []
    for (case, fold), job in zip(wanted, jobs, strict=True):
        out = np.full_like(case.before, np.nan)
        if job is None:
            found.append((None, out))
            continue
        weighed = Weighed(next(metas), _there(case, fitted, fold))
        rows = ~np.isnan(job.block).all(axis=1)
        out[rows] = combined(weighed.meta, job.block[rows], run.problem.tasks[case.task])
        found.append((weighed, out))
    return found


def _job(run, fitted, case, fold):
    """Return the job that fits a meta-learner to a pattern; None where no row or no member is there."""
    task, members = run.problem.tasks[case.task], _there(case, fitted, fold)
    if not members:
        return None
    block, y, weight = case.cells.block(members), case.problem.targets[case.task], case.problem.weights[case.task]
    rows = ~np.isnan(y) & ~np.isnan(block).all(axis=1) & outside(run, fold)[run.tried.rows]
    rows &= True if weight is None else weight > 0
    if not rows.any():
        return None
    meta = make_meta_learner("linear", kind=task.kind, n_classes=task.rules.n_classes)
    return FitMeta(case.task, fold, meta, block, y, weight, case.problem.group_codes, np.flatnonzero(rows))


def _there(case, fitted, fold):
    """Return the members that say anything of rows of a pattern."""
    members = fitted.get((case.task, fold), fitted[case.task, None]).members
    return [m for m in members if not np.isnan(case.cells[m]).all()]
