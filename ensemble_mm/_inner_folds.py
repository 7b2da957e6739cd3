"""Folds inside a fit, for what chooses a setting or stops early: classes are spread evenly, groups stay whole."""

import numpy as np
from sklearn.utils import check_random_state


def inner_folds(y, n_folds, random_state, *, classes, groups=None):
    """Return a fold number for each row; the rows of a class, or its groups, are spread evenly over the folds.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
    n_folds : int
        With fewer groups there are as many folds as groups: a single one leaves no row to train on.
    random_state : int, RandomState instance or None
    classes : bool
        Whether y holds classes.
    groups : array-like of shape (n_rows,) or None, default=None
        Rows of a group come into the same fold.

    Returns
    -------
    ndarray of int of shape (n_rows,)
    """
    if groups is not None:
        _, first, group = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
        if classes:  # a group stands for the rarest class in it
            _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
            order = np.lexsort((codes, counts[codes]))
            first = order[np.unique(group[order], return_index=True)[1]]
        return inner_folds(np.asarray(y)[first], n_folds, random_state, classes=classes)[group]
    rng = check_random_state(random_state)
    order = rng.permutation(len(y))
    if classes:
        order = order[np.argsort(y[order], kind="stable")]
    folds = np.empty(len(y), dtype=int)
    folds[order] = np.arange(len(y)) % n_folds
    return folds


def inner_pairs(y, n_folds, random_state, *, classes, groups=None):
    """Return (train, test) positions of the inner folds; what would leave training rows without a class stays in them.

    The parameters are those of `inner_folds`. The list is empty where no fold leaves rows on both sides.
    """
    y = np.asarray(y)
    folds = inner_folds(y, n_folds, random_state, classes=classes, groups=groups)
    group = np.arange(len(y)) if groups is None else np.asarray(groups)
    pairs = []
    for fold in range(folds.max(initial=-1) + 1):
        test = folds == fold
        if classes:
            test &= ~np.isin(group, group[test & ~np.isin(y, y[~test])])
        if test.any() and not test.all():
            pairs.append((np.flatnonzero(~test), np.flatnonzero(test)))
    return pairs


def folds_of(folds, task=None):
    """Return the folds of a task of a fitted stack, or of all its tasks, of its `folds_`: a list, or a dict by task."""
    if not isinstance(folds, dict):
        return folds
    if task is not None:
        return folds[task]
    return [pair for own in {id(own): own for own in folds.values()}.values() for pair in own]
