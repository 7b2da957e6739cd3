"""What a stack is compared with: a constant, the members of one view alone, and those that read all views."""

import numpy as np
from sklearn.base import clone

from .._routing import row_params

N_PARTS = 5  # of a lone fold


def parts_of(folds, groups=None, *, once=False):
    """Return the sets of rows of which each is judged by meta-learners and choices that the other rows made.

    They are the test rows of the folds. Of a lone fold they are five parts, which keep groups whole: there are no other
    rows that the members did not see.

    Parameters
    ----------
    folds : list of (train, test)
    groups : ndarray of shape (n_rows,) or None, default=None
    once : bool, default=False
        Whether a row that several folds test is judged in the first of them only.

    Returns
    -------
    list of ndarray
    """
    tests = [test for _, test in folds]
    if once and len(tests) > 1:
        before = [np.concatenate([tests[0][:0], *tests[:place]]) for place in range(len(tests))]
        tests = [test[~np.isin(test, seen)] for test, seen in zip(tests, before, strict=True)]
        tests = [test for test in tests if len(test)]
    if len(folds) != 1:
        return tests
    rows = tests[0]
    _, group = np.unique(rows if groups is None else groups[rows], return_inverse=True)
    place = np.random.RandomState(0).permutation(group.max(initial=-1) + 1)[group] % N_PARTS
    return [rows[place == part] for part in range(N_PARTS) if (place == part).any()]


def alternatives(reads, views):
    """Return {views: positions of the members that read exactly these}, of each view alone and of all side by side.

    Parameters
    ----------
    reads : list of collection of str
        The views of each member; empty for a member that reads estimates of other tasks too.
    views : list of str
    """
    wanted = dict.fromkeys([*((view,) for view in views), tuple(views)])
    members_of = {names: [m for m, read in enumerate(reads) if set(read) == set(names)] for names in wanted}
    return {names: members for names, members in members_of.items() if members}


def cross_fitted(meta, block, y, kind, folds=(), weight=None, groups=None):
    """Return a meta-learner fitted on a table, and its out-of-fold predictions, shape (n_rows, width).

    Parameters
    ----------
    meta : meta-learner
        Is cloned.
    block : ndarray of shape (n_rows, n_columns)
        Table of some members of one task.
    y : ndarray of shape (n_rows,)
        Class positions or numbers; NaN where the label is not known.
    kind : Kind
    folds : list of (train, test)
    weight, groups : ndarray of shape (n_rows,) or None
    """
    here = ~np.isnan(block).all(axis=1)

    def fit(rows):
        rows = np.flatnonzero(rows)
        own = {"sample_weight": weight, "groups": groups}
        params = row_params(meta, **{name: None if part is None else part[rows] for name, part in own.items()})
        return clone(meta).fit(block[rows], kind.encoded(y[rows]), **params)

    known = here & ~np.isnan(y)
    whole, total, count = fit(known), np.zeros((len(y), kind.width)), np.zeros(len(y))
    for test in parts_of(folds, groups):
        training, rows = known.copy(), test[here[test]]
        training[test] = False
        if len(rows):
            total[rows] += kind.ask(fit(training) if training.any() else whole, block[rows])
            count[rows] += 1
    return whole, total / np.where(count > 0, count, np.nan)[:, np.newaxis]


def constant_of(y, kind, folds, weight=None):
    """Return the prior of the training rows as the prediction of the test rows of each fold: NaN where none tests.

    Parameters
    ----------
    y, kind, folds, weight : as in `cross_fitted`

    Returns
    -------
    ndarray of shape (n_rows, width)
    """
    total, count, known = np.zeros((len(y), kind.width)), np.zeros(len(y)), ~np.isnan(y)
    for train, test in folds:
        rows = train[known[train]]
        total[test] += kind.prior(kind.encoded(y[rows]), None if weight is None else weight[rows])
        count[test] += 1
    return total / np.where(count > 0, count, np.nan)[:, np.newaxis]


def best_alone(alone, y, kind, folds, weight=None, groups=None):
    """Return the view that does best by itself, and what the choice of a view predicts, shape (n_rows, width).

    The view is chosen for each fold on the rows of the others: chosen on the rows that it is judged by, the luckiest of
    several would win. Where a view has no prediction it is charged the loss of the constant.

    Parameters
    ----------
    alone : dict of str to ndarray of shape (n_rows, width)
        Out-of-fold predictions of the members of each view; NaN where there is none.
    y, kind, folds, weight, groups : as in `cross_fitted`
    """
    views, constant = list(alone), constant_of(y, kind, folds, weight)
    known = np.flatnonzero(~np.isnan(y) & ~np.isnan(constant).any(axis=1))
    losses = np.zeros((len(y), len(views)))
    for v, out in enumerate(alone.values()):
        filled = np.where(np.isnan(out).any(axis=1, keepdims=True), constant, out)
        losses[known, v] = kind.losses(y[known], filled[known])
    losses *= 1.0 if weight is None else weight[:, np.newaxis]
    best = views[losses.sum(axis=0).argmin()]
    chosen = alone[best].copy()
    for test in parts_of(folds, groups):
        rest = losses.sum(axis=0) - losses[test].sum(axis=0)
        chosen[test] = alone[views[rest.argmin()] if rest.any() else best][test]
    return best, chosen
