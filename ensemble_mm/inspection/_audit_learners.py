"""The check of an audit that looks at learners which were fitted before: did they see the rows that are held out?

Such a learner is compared with a like one that is fitted here. One that saw the rows predicts them as the like one
predicts the rows of its fit, and better than that predicts held-out rows.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone

from .._estimators import fitted_part
from ..data import parted
from ._audit_extractors import with_inner


def check_learners(model, members, problem, cv):
    """Return the findings on the members of a plan that hold something fitted before."""
    frozen = {m: inner for m in members if (inner := fitted_part(m.estimator)) is not None}
    checks, likes = [], {m: with_inner(m.estimator, inner, clone(inner)) for m, inner in frozen.items()}
    for member, inner in frozen.items():
        check = f"learner {member.learner!r} on {member.reads!r} for {member.task!r}"
        words = f"Learner {member.learner!r} was fitted before ({type(inner).__name__}) and stays as it is"
        try:
            if likes[member] is None:
                raise TypeError("how to fit it anew is not known")
            checks.append((check, *_judge(words, *_errors(model, member, likes[member], problem, cv))))
        except Exception as error:
            words = (
                f"{words}. It could not be compared with a like one: {error}. Make sure that it saw none of these rows."
            )
            checks.append((check, "warn", np.nan, words[:400]))
    return checks


def fitted_twin(model, problem, cv, **settings):
    """Return a clone of a stack, fitted on a problem without what costs time and is not asked for."""
    twin = clone(model).set_params(
        cache=None, checkpoint=None, time_budget=None, calibration=None, prune=None, cv=cv, **settings
    )
    labels: dict[str, pd.Series] = {}
    for name, task in problem.tasks.items():
        for column, part in parted(task, problem.targets[name]).items():
            labels[column] = labels[column].combine_first(part) if column in labels else part
    if twin._only:
        labels = next(iter(labels.values()))
    else:
        twin.set_params(tasks={name: task.declared for name, task in problem.tasks.items()})
        labels = pd.DataFrame(labels)
    weights = [weight for weight in problem.weights.values() if weight is not None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit of the user has said it
        return twin.fit(problem.source, labels, np.column_stack(weights) if weights else None, problem.groups)


def _errors(model, member, like, problem, cv):
    """Return the errors of a fitted learner, and of a like one on rows that are held out and on those of its fit."""
    task = problem.tasks[member.task]
    reads = member.views[0] if len(member.views) == 1 else list(member.views)
    learners = [("given", member.estimator, reads, member.form), ("like", like, reads, member.form)]
    own = problem.only([member.task])
    twin = fitted_twin(model, own, cv, learners=learners, meta_learner="mean", refit=True)
    y = problem.targets[member.task]
    given, apart = (twin.table_[m] for m in twin.table_.members(next(iter(twin.tasks_))))
    seen = twin.predict_members(problem.source)
    seen = seen[seen.members()[1]]
    rows = np.flatnonzero(~np.isnan(np.c_[y, given, apart, seen]).any(axis=1))
    return tuple(np.abs(task.rules.errors(task.rules.whole(out[rows]), y[rows])) for out in (given, apart, seen))


def _judge(words, given, apart, seen):
    """Judge by errors, which have no long tail as losses have."""
    gap, gain = apart - seen, apart - given
    sure = all(part.mean() > 3 * part.std() / np.sqrt(max(1, len(part))) for part in (gap, gain))
    if (sure and gain.mean() > gap.mean() / 2) or np.allclose(given, seen):
        words += (
            f": its mean error on held-out rows is {given.mean():.3g}, that of a like learner {apart.mean():.3g}, and "
            f"{seen.mean():.3g} on the rows of its fit. It saw these rows: hand over a clone."
        )
        return "fail", 1.0, words
    return "warn", 0.0, f"{words}. Nothing shows that it saw these rows; make sure that none was among those it saw."
