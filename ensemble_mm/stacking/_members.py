"""Which members a fit has: the learners of each task, as they were listed or from a portfolio, and what they read."""

from dataclasses import replace

import numpy as np

from .._checks import check_choice, warn
from .._modalities import MODALITIES, VECTOR
from ..crossfit import MISSING_VIEWS, LearnerSpec, check_learners, members_of
from ..data import present_rows, setting_of
from ..learners import OWN_LOSS, PORTFOLIOS, named_learner, portfolio
from ._cautions import check_weighed_tasks, idle_learners, repeated_learners, splitting_groups, unweighted
from ._prefit import reading_own


def learners_of(stack, task, problem):
    """Return the learners of a task, as they were listed or as its portfolio has them."""
    learners = stack.learners
    if isinstance(learners, dict):
        learners = setting_of(learners, task)
        if learners is None:
            raise ValueError(
                f"learners has no entry for task {task.name!r} (nor for {task.kind!r}): add one, or give one list."
            )
    facts = facts_of(stack, task, problem)
    if isinstance(learners, str):
        check_choice("learners", learners, PORTFOLIOS)
        return [LearnerSpec(*entry) for entry in portfolio(learners, **facts)]
    if isinstance(learners, (list, tuple)):
        learners = [named_learner(entry, **facts) if isinstance(entry, str) else entry for entry in learners]
    specs = [reading_own(spec, problem.views) for spec in check_learners(learners)]
    made = OWN_LOSS.get(task.rules.family)
    if made is None:
        return specs
    own = [spec for spec in specs if not getattr(spec.estimator, "learns_all_tasks", False)]
    return [replace(spec, estimator=made(spec.estimator)) for spec in own]


def facts_of(stack, task, problem):
    """Return what learners that are called by name depend on."""
    views = [view for view in problem.views if not view.is_own]
    natures = {view.name: MODALITIES[view.modality].nature(view.extractor) for view in views}
    natures |= dict.fromkeys(_told_missing(stack, problem), MODALITIES[VECTOR].like)
    n_rows = int((~np.isnan(problem.targets[task.name])).sum())
    return {"kind": task.kind, "n_rows": n_rows, "n_classes": task.rules.n_classes, "views": natures}


def _told_missing(stack, problem):
    """Return what learners may read beside the views, as a list: which of them a row lacks, if any row does."""
    lacking = stack.missing_indicator and not all(present_rows(column).all() for column in problem.columns.values())
    if lacking and any(view.name == MISSING_VIEWS for view in problem.views):
        raise ValueError(f"With missing_indicator no view may be called {MISSING_VIEWS!r}: give it another name.")
    return [MISSING_VIEWS] if lacking else []


def members_of_fit(stack, problem):
    """Return the members of a fit, and warn of learners that would do nothing or repeat others."""
    own = [view.name for view in problem.views if view.is_own]
    names = [view.name for view in problem.views if view.name not in own] + _told_missing(stack, problem)
    tasks = problem.tasks
    listed = {name: learners_of(stack, task, problem) for name, task in tasks.items()}
    check_weighed_tasks(listed, tasks)
    members = [member for name, task in tasks.items() for member in members_of(task, listed[name], names, own)]
    listings = stack.learners.values() if isinstance(stack.learners, dict) else [stack.learners]
    asked = {} if any(isinstance(learners, str) for learners in listings) else listed  # portfolios repeat by design
    for words in (*idle_learners(listed, tasks), *repeated_learners(asked, tasks, members)):
        warn(words, UserWarning)
    return members


def untold(members, metas, problem, sample_weight):
    """Yield what to tell of learners and meta-learners that take no weights of rows, or split groups."""
    learners = [(member.learner, member.estimator) for member in members]
    learners += [(type(meta).__name__, meta) for meta in metas.values() if hasattr(meta, "fit")]
    if sample_weight is not None:
        yield from unweighted(learners)
    elif any(task.class_weight is not None for task in problem.tasks.values()):
        yield from unweighted((m.learner, m.estimator) for m in members if problem.tasks[m.task].class_weight)
    if problem.groups is not None:
        yield from splitting_groups(learners, problem.n_rows)
