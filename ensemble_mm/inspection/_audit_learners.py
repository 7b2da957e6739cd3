"""The check of an audit that looks at learners which were fitted before: did they see the rows that are held out?

Such a learner is compared with a like one that is fitted here. One that saw the rows predicts them as the like one
predicts the rows of its fit, and better than that predicts held-out rows. Or it is the same as the like one that is
fitted on all rows, and another than those that are fitted on the rows of a fold. What a calibrator or a final step
would hide shows where the fitted part predicts by itself.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import FunctionTransformer

from .._estimators import fitted_part
from ..data import parted
from ._audit_extractors import with_inner


def check_learners(model, members, problem, cv):
    """Return the findings on the members of a plan that hold something fitted before."""
    frozen = {m: inner for m in members if (inner := fitted_part(m.estimator)) is not None}
    checks = []
    for member, inner in frozen.items():
        check = f"learner {member.learner!r} on {member.reads!r} for {member.task!r}"
        words = f"Learner {member.learner!r} was fitted before ({type(inner).__name__}) and stays as it is"
        found, faults = [], []
        for given, like in _pairs(member.estimator, inner):
            try:
                found.append(_judge(words, *_outcome(model, member, given, like, problem, cv)))
            except Exception as error:  # what reads features of its own making cannot be asked on its own
                faults.append(error)
        if found:
            checks.append((check, *min(found, key=lambda judged: judged[0] != "fail")))
            continue
        why = faults[0] if faults else "how to fit it anew is not known"
        words = f"{words}. It could not be compared with a like one: {why}. Make sure that it saw none of these rows."
        checks.append((check, "warn", np.nan, words[:400]))
    return checks


def _pairs(estimator, inner):
    """Yield what is compared: the learner, and its fitted part where that predicts, each with a like unfitted one."""
    like = with_inner(estimator, inner, clone(inner))
    if like is not None:
        yield estimator, like
    if hasattr(inner, "predict") and not isinstance(estimator, FrozenEstimator):
        yield FrozenEstimator(inner), clone(inner)


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


def _outcome(model, member, given, like, problem, cv):
    """Return the errors of a fitted learner, and of a like one on held-out rows and on those of its fit.

    And whether on all rows both predict the same, and in no fold.
    """
    task = problem.tasks[member.task]
    reads = member.views[0] if len(member.views) == 1 else list(member.views)
    learners = [("given", given, reads, member.form), ("like", like, reads, member.form)]
    own = problem.only([member.task])
    alone = [(view.name, FunctionTransformer(), view.columns) for view in problem.views
             if view.name == reads and view.is_own]  # fmt: skip
    settings = {"views": alone} if alone else {}
    twin = fitted_twin(model, own, cv, learners=learners, meta_learner="mean", refit=True, **settings)
    y, every = problem.targets[member.task], twin.predict_members(problem.source)
    first, second = (twin.table_[m] for m in twin.table_.members(next(iter(twin.tasks_))))
    whole, seen = (every[m] for m in every.members())
    rows = np.flatnonzero(~np.isnan(np.c_[y, first, second, whole, seen]).any(axis=1))
    same = np.allclose(whole[rows], seen[rows], atol=1e-7) and not any(
        np.allclose(first[test], second[test], equal_nan=True) for _, test in twin.folds_
    )
    errors = (np.abs(task.rules.errors(task.rules.whole(out[rows]), y[rows])) for out in (first, second, seen))
    return *errors, same


def _judge(words, given, apart, seen, same):
    """Judge by errors, which have no long tail as losses have."""
    if same:
        return (
            "fail",
            1.0,
            f"{words}: one that is fitted on all of these rows is the same. It saw them: give a clone.",
        )
    gap, gain = apart - seen, apart - given
    sure = all(part.mean() > 3 * part.std() / np.sqrt(max(1, len(part))) for part in (gap, gain))
    if sure and gain.mean() > gap.mean() / 2:
        words += (
            f": its mean error on held-out rows is {given.mean():.3g}, that of a like learner {apart.mean():.3g}, and "
            f"{seen.mean():.3g} on the rows of its fit. It saw these rows: give a clone."
        )
        return "fail", 1.0, words
    return "warn", 0.0, f"{words}. Nothing shows that it saw these rows; make sure that none was among those it saw."
