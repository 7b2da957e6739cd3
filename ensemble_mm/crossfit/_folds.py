"""Folds, drawn once: a list of (train, test) index arrays that every view, learner and task shares."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold


def draw_folds(cv, problem, seed):
    """Return the folds of a Problem as a list of `(train, test)` index arrays.

    A number of folds is stratified on the first classification task whose labels allow it, keeps `groups` together
    and shuffles; a splitter and a list of pairs are taken as they are.
    """
    n_rows, tasks, targets, groups = problem.n_rows, problem.tasks, problem.targets, problem.groups
    _check_groups(groups, n_rows)
    if isinstance(cv, Integral) and not isinstance(cv, bool):
        labels, splitter = _splitter(int(cv), problem, seed)
        pairs = splitter.split(np.zeros(n_rows), labels, groups)
    elif hasattr(cv, "split") and not isinstance(cv, str):
        labels = next((t for name, t in targets.items() if tasks[name].rules.is_stratified), None)
        labels = next(iter(targets.values())) if labels is None else labels
        pairs = cv.split(np.zeros((n_rows, 1)), np.nan_to_num(labels, nan=-1.0), groups)
    elif hasattr(cv, "__iter__") and not isinstance(cv, str):
        pairs = cv
    else:
        raise ValueError(f"cv={cv!r} is not known: use a number of folds, a splitter or a list of (train, test) pairs.")
    folds = [_check_pair(pair, n_rows) for pair in pairs]
    if not folds:
        raise ValueError("cv gives no fold: give at least one (train, test) pair.")
    for name, target in targets.items():
        for f, (train, _) in enumerate(folds):
            known = target[train][~np.isnan(target[train])]
            if len(np.unique(known)) < tasks[name].rules.least:
                content = "no known label" if not len(known) else "one class only"
                raise ValueError(
                    f"Task {name!r} has {content} in the training rows of fold {f}: use fewer folds, "
                    "or give more rows with a known label."
                )
    return folds


def _check_groups(groups, n_rows):
    if groups is None:
        return
    try:
        groups = np.asarray(groups)
        fits = groups.shape == (n_rows,) and bool(len(np.unique(groups)))
    except (TypeError, ValueError):  # of different types, or arrays
        fits = False
    if not fits:
        raise ValueError(
            f"groups of shape {np.shape(groups)} cannot group {n_rows} rows: give one name or number per row, "
            "all of one type."
        )


def _splitter(n_splits, problem, seed):
    n_rows, tasks, targets, groups = problem.n_rows, problem.tasks, problem.targets, problem.groups
    if n_splits < 2:
        raise ValueError(f"cv={n_splits} must be at least 2 folds.")
    if n_rows < n_splits:
        raise ValueError(
            f"Cannot make {n_splits} folds: found n_samples={n_rows} with minimum of {n_splits} required "
            f"(one row per fold). Give more rows than {n_rows} sample or use a smaller cv."
        )
    rarest = {}
    for name, task in tasks.items():
        if task.rules.is_stratified:
            known = targets[name][~np.isnan(targets[name])].astype(np.intp)
            rarest[name] = np.bincount(known, minlength=len(task.classes))
    allowed = [name for name, counts in rarest.items() if counts.min() >= n_splits]
    chosen = allowed[0] if allowed else max(rarest, key=lambda name: rarest[name].min(), default=None)
    if chosen is None:
        splitter = GroupKFold(n_splits) if groups is not None else KFold(n_splits, shuffle=True, random_state=seed)
        return None, splitter
    counts = rarest[chosen]
    if counts.min() < n_splits:
        label = tasks[chosen].classes[int(counts.argmin())]
        words = f"Task {chosen!r}: class {label!r} has {counts.min()} rows, fewer than cv={n_splits} folds"
        remedy = "Merge or drop rare classes, give more rows of them, or use a smaller cv."
        if counts.min() < 2 and len(tasks) == 1:
            raise ValueError(f"{words}, so that no model could be both trained and judged on it. {remedy}")
        if counts.min() >= 2:
            n_splits = int(counts.min())
            warnings.warn(f"{words}: {n_splits} folds are used. {remedy}", UserWarning, stacklevel=2)
    labels = np.nan_to_num(targets[chosen], nan=-1.0)
    if counts.min() < 2 or np.bincount((labels + 1).astype(np.intp)).max() < n_splits:
        return None, KFold(n_splits, shuffle=True, random_state=seed)
    if (labels == -1).sum() not in (0, *range(n_splits, n_rows)):
        labels[labels == -1] = counts.argmax()  # too few unknown labels to be a stratum of their own
    if groups is not None:
        return labels, StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    return labels, StratifiedKFold(n_splits, shuffle=True, random_state=seed)


def _check_pair(pair, n_rows):
    try:
        train, test = (np.asarray(rows) for rows in pair)
    except (TypeError, ValueError) as error:
        raise ValueError(f"cv holds {pair!r}: each fold is a pair (train rows, test rows).") from error
    train, test = (np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp) for rows in (train, test))
    for rows in (train, test):
        if rows.ndim != 1 or (len(rows) and (rows.min() < 0 or rows.max() >= n_rows)):
            raise ValueError(f"cv names rows outside of the {n_rows} rows of X: give positions from 0 to {n_rows - 1}.")
    both = np.intersect1d(train, test)
    if len(both):
        raise ValueError(
            f"cv has row {both[0]} in both the training and the test rows of a fold ({len(both)} such rows): "
            "a model would be judged on rows that it saw. Make them disjoint."
        )
    return train, test
