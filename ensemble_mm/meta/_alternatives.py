"""What a stack is compared with: ensembles of the members of one view alone, and of those that read all views."""

import numpy as np
from sklearn.base import clone


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


def cross_fitted(meta, block, y, kind, folds=(), weight=None):
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
    weight : ndarray of shape (n_rows,) or None
    """
    here = ~np.isnan(block).all(axis=1)

    def fit(rows):
        rows = np.flatnonzero(rows)
        weights = None if weight is None else weight[rows]
        return clone(meta).fit(block[rows], kind.encoded(y[rows]), sample_weight=weights)

    known = here & ~np.isnan(y)
    whole, total, count = fit(known), np.zeros((len(y), kind.width)), np.zeros(len(y))
    for _, test in folds:
        training, rows = known.copy(), test[here[test]]
        training[test] = False
        if len(rows):
            total[rows] += kind.ask(fit(training) if training.any() else whole, block[rows])
            count[rows] += 1
    return whole, total / np.where(count > 0, count, np.nan)[:, np.newaxis]
