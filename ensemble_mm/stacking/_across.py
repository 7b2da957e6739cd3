"""What a second level is made of: members that read estimates of other tasks, and whether and how these help."""

from math import factorial

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from .._kinds import Classes, Numbers
from ..crossfit import ALL_ROWS, Estimate, Fit, Member, seed_of
from ..learners import ImageCNNClassifier, ImageCNNRegressor, TextCNNClassifier, TextCNNRegressor
from ..meta import rows_worth
from ._judged import SIGNIFICANT, has_both, mean_of, outside, paired_gain, parts

N_CHAINS = 4
BOUND = (ImageCNNClassifier, ImageCNNRegressor, TextCNNClassifier, TextCNNRegressor)  # read pixels or tokens, no more
LOOKED_AT = 20_000  # rows that are searched for something in errors
PENALTY = 5.0  # of what is found there: so many rows say nothing
MOST_PAIRED = 30  # columns whose products are looked at, too
MOVED_ROWS = 300  # rows on which a model is asked what moves its predictions


def chain_orders(names, rng):
    """Return different orders of the tasks, each followed by its reverse: every task reads every other in one of two.

    There are `N_CHAINS` of them, or as many as there are.
    """
    orders = []
    while len(orders) < min(N_CHAINS, factorial(len(names))):
        order = [names[i] for i in rng.permutation(len(names))]
        if order not in orders:
            orders += [order, order[::-1]]
    return orders


def members_reading(name, members, inputs, label="+tasks", chain=None):
    """Return a member per learner of a task that can read the estimates of other tasks beside its views, best first.

    Each keeps to the views that it was listed with. Those that read all views side by side come first.
    """
    own = [member for member in members if member.task == name and member.views]
    whole = set().union(*(member.views for member in own))
    own = [member for member in own if not _is_bound(member.estimator)]
    every = set().union(*(member.views for member in own))
    own = [m for m in own if set(m.views) == every and m.form == "reduced"] or own
    estimators, views = {}, {}
    for member in own:
        estimators.setdefault(member.learner, member.estimator)
        views.setdefault(member.learner, {}).update(dict.fromkeys(member.views))
    return [
        Member(
            name, learner, f"{'all' if set(views[learner]) == whole else '+'.join(views[learner])}{label}",
            tuple(views[learner]), estimators[learner], "reduced", tuple(inputs), chain,
        )
        for learner in sorted(views, key=lambda learner: -len(views[learner]))
    ]  # fmt: skip


def _is_bound(estimator):
    """Tell whether a learner learns all tasks, or, as what it wraps may, reads values of one view only, as pixels."""
    return getattr(estimator, "learns_all_tasks", False) or any(
        isinstance(part, BOUND) for part in (estimator, *estimator.get_params().values())
    )


def moved_by(run, member, models, estimates):
    """Return the share of each of a member's inputs in what moves its predictions, shape (n_inputs,).

    Each input in turn takes the values of other rows, and so do all views together: a share is the mean squared change
    of the predictions that an input makes, over the sum of these. It tells what the model reads, not what is true.
    """
    n_rows, weight = run.features.n_rows, run.problem.weights[member.task]
    inputs = [estimates[name].reshape(n_rows, -1) for name in member.inputs]
    usable = np.isfinite(np.hstack(inputs)).all(axis=1) & (True if weight is None else weight > 0)
    rng = np.random.RandomState(seed_of(run.seed, f"shuffled inputs of {member}"))
    changes = np.zeros(1 + len(inputs))
    for fold, model in models.items():
        rows = run.rows_of(Fit(member, fold))[1] if fold != ALL_ROWS else np.arange(n_rows)
        rows = rows[usable[rows]]
        if model is None or len(rows) < 2:
            continue
        rows = rng.permutation(rows)[:MOVED_ROWS]
        others = np.roll(rows, 1)  # of rows in random order: no row keeps its own
        often = None if weight is None else weight[rows] * weight[others]  # two rows meet, were they repeated
        blocks = [run.features.block(view, fold, member.task, member.form) for view in model.views]
        changes += _changes(model, blocks, inputs, rows, others, often)
    total = changes.sum()
    return changes[1:] / total if total > 0 else np.zeros(len(inputs))


def _changes(model, blocks, inputs, rows, others, often):
    """Return the mean squared changes that all views together, then each input make: shape (1 + n_inputs,)."""
    here, own, every = [block[rows] for block in blocks], [part[rows] for part in inputs], np.arange(len(rows))

    def predict(views, parts):
        return model.predict_columns([*views, np.hstack(parts).astype(np.float32)], every)

    def changed(after):
        change = ((after - plain) ** 2).reshape(len(plain), -1).mean(axis=1)
        return np.average(change, weights=often)

    plain = predict(here, own)
    by_views = changed(predict([block[others] for block in blocks], own)) if blocks else 0.0
    shuffled = ([*own[:i], inputs[i][others], *own[i + 1 :]] for i in range(len(inputs)))
    return np.array([by_views, *(changed(predict(here, parts)) for parts in shuffled)])


def promising(run, first):
    """Return the tasks of whose errors the estimates of others seem to tell something, by the fold that is left out.

    A second level takes a third of a fit, and helps few tasks. It is tried for those whose errors a linear model of
    estimates, their squares and products tells better, by one standard error, from what is said of all tasks than from
    what is said of the task alone. A kind with a loss of its own has no such errors, and is always tried.
    """
    problem, folds, gains = run.problem, parts(run), {}
    estimates = {estimate.task: values for estimate, values in first.estimates(first.oof, problem.tasks).items()}
    every = np.hstack(list(estimates.values()))
    for name, task in problem.tasks.items():
        if task.rules.family not in (Classes.family, Numbers.family):
            continue
        y, weight = problem.targets[name], problem.weights[name]
        known = has_both(y, every) & (True if weight is None else weight > 0)
        errors = np.zeros((len(y), task.rules.width))
        truth = task.rules.perfect(task.rules.encoded(y[known])).reshape(-1, task.rules.width)
        errors[known] = truth - first.oof[name].reshape(errors.shape)[known]
        worth = np.zeros(len(y))
        if known.any():
            worth[known] = rows_worth(None if weight is None else weight[known], known.sum())
        alone, helped = (_left(columns, errors, worth, folds) for columns in (estimates[name], every))
        gains[name] = alone - helped
    tried = {}
    for fold in (None, *range(len(folds))):
        rows = outside(run, fold)
        tried[fold] = [name for name in problem.tasks if name not in gains or _gains(problem, name, gains[name], rows)]
    return tried


def _left(columns, errors, worth, folds):
    """Return what is left of squared errors, per row, by a ridge of columns, squares and products from other folds.

    `worth` tells as how many rows each counts; those of 0 are left out. Trees would find more, but not the same from a
    row of weight two as from two rows.
    """
    total, count = np.zeros(len(errors)), np.zeros(len(errors))
    for others, test in folds:
        others, test = (part[worth[part] > 0] for part in (others, test))
        others, test = (part[:: len(part) // LOOKED_AT + 1] for part in (others, test))
        if not len(others) or not len(test):
            continue
        scaler = StandardScaler().fit(columns[others], sample_weight=worth[others])
        known, new = (_curved(np.clip(scaler.transform(columns[part]), -3, 3)) for part in (others, test))
        found = Ridge(alpha=PENALTY).fit(known, errors[others], sample_weight=worth[others]).predict(new)
        count[test] += 1
        total[test] += ((errors[test] - found.reshape(len(test), -1)) ** 2).sum(axis=1)
    return total / np.where(count > 0, count, np.nan)


def _curved(columns):
    if columns.shape[1] > MOST_PAIRED:
        return np.hstack([columns, columns**2])
    return PolynomialFeatures(2, include_bias=False).fit_transform(columns)


def _gains(problem, name, gain, rows):
    rows = rows & np.isfinite(gain)
    mean, error = mean_of(problem, name, gain[rows], rows)
    return mean > error


def guard(run, first, second, fold, tried):
    """Tell which tasks a second level helps, and by how much, from the rows that a fold does not hold out.

    None but those that are `tried` can be helped.

    It does where its paired out-of-fold losses are significantly lower. One standard error is too little: among gains
    of 1 to 1.6 errors most were losses on new rows.
    """
    rows, found = outside(run, fold), {}
    for name in run.problem.tasks:
        gain, error = 0.0, np.nan
        if name in second.oof and name in tried:
            gain, error = paired_gain(run.problem, name, first.oof[name], second.oof[name], rows)
        found[name] = gain > SIGNIFICANT * error, gain, error
    return pd.DataFrame.from_dict(found, orient="index", columns=["kept", "gain", "standard_error"])


def chain_estimates(table, tasks):
    """Return what the members of chains say: all classes but the first, the number, or its quantiles."""
    links = [member for member in table.members() if member.chain is not None]
    return {Estimate(member.task, member.chain): _said(table, member, tasks) for member in links}


def estimate_of(member):
    """Return what a member of the first level says as an input of a next one."""
    return Estimate(member.task, learner=member.learner, reads=member.reads)


def member_estimates(table, tasks, fold=None):
    """Return what each member says, as inputs of a next level; NaN where it abstains.

    With a fold it is as if the members had not seen its rows, where that is known.
    """
    return {estimate_of(member): _said(table, member, tasks, fold) for member in table.members()}


def _said(table, member, tasks, fold=None):
    said = table.block([member], fold)
    return (
        said[:, 1:] if tasks[member.task].rules.n_classes > 2 else said
    )  # of two classes a table has the second alone
