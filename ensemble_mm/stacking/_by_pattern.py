"""Meta-learners of their own for the patterns of missing views, where rows that were held out say that these help.

A member that reads several views fills in those that are missing, and is then as sure of itself as ever; of the members
that abstain nobody says who should take their weight. What the table knows of both is asked here: rows are predicted as
if they had the views of a pattern and no others, and a linear meta-learner is fitted on what the members say then. It
serves the rows of this pattern only where its held-out losses are clearly lower.

Where some rows of the fit lack views, those that have all are a pattern, too: one set of weights for all rows is a
compromise that serves neither. It is left as it is where the user named a meta-learner or a score.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..crossfit import LossesByViews, check_failures
from ..data import Problem
from ..meta import FEWEST_ROWS, make_meta_learner
from ._judged import first_part, has_both, outside, paired_gain, parts, worth_of
from ._level import FitMeta, Weighed, combined

CLEAR = 1.0  # standard errors: the one that serves all patterns is the simpler one


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
    spec: str = ""  # of the meta-learner that is tried


def adapted(level, run, fitted, tried, oof):
    """Return fitted meta-learners, by task and by the fold that is left out, with those of their own for patterns.

    Parameters
    ----------
    level : Level
    run : CrossFit
    fitted : dict of (str, int or None) to Weighed
    tried : dict of int to dict of str to ndarray
        What `level.tried` returns of them.
    oof : dict of str to ndarray
        Their out-of-fold predictions, by task.
    """
    cases = _cases(level, run, fitted, [*tried.items(), *_complete(run, fitted, oof)])
    # On the rows that it was fitted on: what does not help there helps nowhere.
    hopeful = [(case, weighed)
               for case, (weighed, out) in zip(cases, _fit(run, fitted, [(case, None) for case in cases]), strict=True)
               if weighed is not None and _gain(run, case, out, None) > 0]  # fmt: skip
    best, apart = {}, {}
    for case, own, after in _by_fold(run, fitted, hopeful):
        for fold, weighed in own.items():
            key = case.task, fold
            if weighed is not None and key in fitted:
                gain = _gain(run, case, after, fold)
                if gain > best.get((*key, case.pattern), 0):
                    best[*key, case.pattern] = gain
                    apart.setdefault(key, {})[case.pattern] = weighed
    return fitted | {key: replace(fitted[key], apart=own) for key, own in apart.items()}


def losses_by_views(run, tried):
    """Return {task: losses of the rows that patterns are tried out on}; empty where not all patterns are."""
    if len(tried) < (1 << run.tried.there.bit_count()) - 1:
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
    for pattern, before in tried if names else ():
        if pattern:
            cells = run.cells(level.whole, members, pattern)
            found = [_case(run, name, pattern, problem, cells, before[name]) for name in names if name in before]
            cases += [replace(case, spec=spec) for case in found for spec in _specs(run.problem.tasks[case.task])]
    return cases


def _complete(run, fitted, oof):
    """Yield the pattern of rows that lack no view, where others do, and what is said of its rows, by task."""
    lacks = run.tried.own != run.tried.there
    if lacks.any() and not lacks.all():
        free = [name for name, fold in fitted if fold is None and getattr(fitted[name, fold].meta, "minds_the_loss", 0)]
        found = {name: oof[name][run.tried.rows] for name in free}
        for out in found.values():
            out[lacks] = np.nan
        yield run.tried.there, found


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


def _specs(task):
    """Return what is tried: a member that takes a class for another is unmixed by others, which a row may lack."""
    return ("linear", "multinomial") if task.rules.n_classes > 2 else ("linear",)


def _case(run, name, pattern, problem, cells, before):
    own = (run.tried.own == pattern) & has_both(problem.targets[name], before)
    return _Case(name, pattern, problem, cells, before, own, worth_of(problem, name, own) >= FEWEST_ROWS)


def _gain(run, case, after, fold):
    """Return by how much losses are lower, 0 where that is not clear: of rows of the pattern, or of all with its views.

    The latter stand for the former only where views are missing for no reason. So the rows of the pattern, however few
    there are, must not say the contrary: a row may lack a view because of its label.
    """
    judged = outside(run, fold)[run.tried.rows]
    own = case.own & judged
    gain, error = paired_gain(case.problem, case.task, case.before, after, own if case.are_enough else judged)
    if gain <= CLEAR * error:
        return 0
    others = not case.are_enough and own.any()
    return 0 if others and paired_gain(case.problem, case.task, case.before, after, own)[0] <= 0 else gain


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
    meta = make_meta_learner(case.spec, kind=task.kind, n_classes=task.rules.n_classes)
    return FitMeta(case.task, fold, meta, block, y, weight, case.problem.group_codes, np.flatnonzero(rows))


def _there(case, fitted, fold):
    """Return the members that say anything of rows of a pattern."""
    members = fitted.get((case.task, fold), fitted[case.task, None]).members
    return [m for m in members if not np.isnan(case.cells[m]).all()]
