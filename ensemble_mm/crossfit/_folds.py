"""Folds, drawn once: a list of (train, test) index arrays that every view, learner and task shares."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from .._checks import tell
from .._plain_words import plural
from ..data import check_groups, units_of

MANY_NUMBERS = 20  # classes that are numbers, from which they may be meant as numbers
N_DRAWS = 100  # of folds, until every model learns from two classes at least


def draw_folds(cv, problem, seed, told=None):
    """Return the folds of a Problem as a list of `(train, test)` index arrays.

    A number of folds keeps `groups` together, is stratified on the first classification task whose labels allow it,
    and shuffles; a splitter and a list of pairs are taken as they are. `told` takes what a person should know, such
    as classes that training rows lack; None: it is warned of.
    """
    notes = [] if told is None else told
    check_groups(problem.groups, problem.n_rows)
    folds = [_check_pair(pair, problem.n_rows) for pair in _pairs(cv, problem, seed, notes)]
    if not folds:
        raise ValueError("cv gives no fold: give at least one (train, test) pair.")
    _check_whole(folds, problem)
    for name, f, left in _too_few(folds, problem):
        content = "no known label" if not left else "one class only"
        grouped = "" if problem.groups is None else " in more groups"
        raise ValueError(
            f"Task {name!r} has {content} in the training rows of fold {f}: use fewer folds, "
            f"or give more rows with a known label{grouped}."
        )
    notes += _lacking(folds, problem)
    notes += _splitting(folds, problem.group_codes)
    if told is None:
        tell(notes)
    return folds


def _pairs(cv, problem, seed, told):
    """Return the pairs of rows that a number of folds, a splitter or a list of pairs gives."""
    if isinstance(cv, Integral) and not isinstance(cv, bool):
        return _draw(*_splitter(int(cv), problem, seed, told), problem)
    if hasattr(cv, "split") and not isinstance(cv, str):
        labels = next(iter((problem.strata or problem.targets).values()))
        return cv.split(np.zeros((problem.n_rows, 1)), np.nan_to_num(labels, nan=-1.0), problem.groups)
    if isinstance(cv, Mapping):
        raise ValueError(
            f"cv={cv!r} is a dict, which tells the folds of single tasks of a MultiOutputStack: give one cv here."
        )
    if hasattr(cv, "__iter__") and not isinstance(cv, str):
        return cv
    raise ValueError(f"cv={cv!r} is not known: use a number of folds, a splitter or a list of (train, test) pairs.")


def _draw(labels, splitter, problem):
    """Return the first draw in which all training rows have enough classes of every task; else the first of all."""
    first = None
    for _ in range(N_DRAWS):
        pairs = list(splitter.split(np.zeros(problem.n_rows), labels, problem.groups))
        first = pairs if first is None else first
        if next(_too_few(pairs, problem), None) is None:
            return pairs
        if getattr(splitter, "random_state", None) is None:
            break
        splitter.random_state += 1
    return first


def _too_few(folds, problem):
    """Yield (task, fold, number of classes) where training rows have fewer different labels than a fit needs."""
    for name, target in problem.targets.items():
        for f, (train, _) in enumerate(folds):
            known, least = target[train], problem.tasks[name].rules.least
            known = known[~np.isnan(known)]
            if least <= 2 and len(known) and (least < 2 or known.min() < known.max()):
                continue  # without a sort of all
            n_left = len(np.unique(known))
            if n_left < least:
                yield name, f, n_left


def _check_whole(folds, problem):
    """Raise a ValueError where a fold has rows of one query both in its training and in its test rows."""
    for name, units in units_of(problem.tasks, problem.targets).items():
        for f, (train, test) in enumerate(folds):
            if np.isin(units[test], units[train]).any():
                raise ValueError(
                    f"Task {name!r} ranks within queries, and fold {f} of cv has rows of one query both in its "
                    "training and in its test rows: give a number of folds, or a splitter that keeps the queries "
                    "whole, such as GroupKFold. A task that is added later has the folds of the fit: fit anew with it."
                )


def _lacking(folds, problem):
    """Return in words which classes the training rows of some folds lack."""
    lines = []
    for name, target in problem.strata.items():
        known = np.unique(target[~np.isnan(target)])
        lacking = {f: np.setdiff1d(known, target[train]).astype(np.intp) for f, (train, _) in enumerate(folds)}
        where = [f for f, classes in lacking.items() if len(classes)]
        if where:
            label = problem.tasks[name].classes.tolist()[lacking[where[0]][0]]
            n_classes = len(np.unique(np.concatenate(list(lacking.values()))))
            more = f" and {n_classes - 1} more classes have" if n_classes > 1 else " has"
            lines.append(
                f"Task {name!r}: class {label!r}{more} no training row in {len(where)} of {len(folds)} folds (first in "
                f"fold {where[0]}), whose models never predict it."
            )
    if lines:
        lines.append('Give more rows of such classes, merge them, or leave out those of one row with rare="drop".')
    return lines


def _splitting(folds, groups):
    """Return in words how many groups a splitter or a list of folds splits; a number of folds splits none."""
    if groups is None:
        return []
    crossing = set().union(*(np.intersect1d(groups[train], groups[test]).tolist() for train, test in folds))
    if not crossing:
        return []
    return [
        f"cv splits {len(crossing)} of {groups.max() + 1} groups: models learn from other rows of groups that they are "
        "judged on, so that scores may be too good. Use a number of folds or GroupKFold, which keep groups whole, or "
        "leave groups out."
    ]


def _splitter(n_splits, problem, seed, told):
    """Return the labels by which a number of folds is stratified (None: by none), and what draws them."""
    groups = problem.groups
    n_splits = _fitting(n_splits, problem, told)
    chosen, counts = _stratum(n_splits, problem)
    if chosen is None:
        return None, _unstratified(n_splits, groups, seed)
    n_splits = _of_rarest(n_splits, chosen, counts, problem.tasks, told)
    labels = np.nan_to_num(problem.targets[chosen], nan=-1.0)
    if groups is not None:  # rare classes are no stratum of their own
        labels[np.isin(labels, np.flatnonzero(counts < n_splits))] = counts.argmax()
    if (groups is None and counts.min() < 2) or np.bincount((labels + 1).astype(np.intp)).max() < n_splits:
        return None, _unstratified(n_splits, groups, seed)
    if (labels == -1).sum() not in (0, *range(n_splits, problem.n_rows)):
        labels[labels == -1] = counts.argmax()  # nor are too few unknown labels
    stratified = StratifiedKFold if groups is None else StratifiedGroupKFold
    return labels, stratified(n_splits, shuffle=True, random_state=seed)


def _stratum(n_splits, problem):
    """Return the first task of which every class has a row per fold, else that with most rows of its rarest class,
    and how many rows its classes have."""
    counts = {}
    for name, target in problem.strata.items():
        known = target[~np.isnan(target)].astype(np.intp)
        counts[name] = np.bincount(known, minlength=problem.tasks[name].rules.n_classes)
    chosen = max(counts, key=lambda name: min(counts[name].min(), n_splits), default=None)
    return chosen, counts.get(chosen)


def _of_rarest(n_splits, name, counts, tasks, told):
    """Return a number of folds of which each can test a row of the rarest class of a task, where it has several."""
    if counts.min() >= n_splits:
        return n_splits
    label = tasks[name].classes.tolist()[counts.argmin()]
    words = f"Task {name!r}: class {label!r} has {plural(counts.min(), 'row')}, fewer than cv={n_splits} folds"
    if counts.min() < 2 and len(tasks) == 1:
        if len(counts) > MANY_NUMBERS and tasks[name].has_numbers:
            words = f"Its {len(counts)} labels are numbers: to predict a number, use a regressor. {words}"
        raise ValueError(
            f"{words}, so that no model could be both trained and judged on it. Give more rows of it, merge it "
            'with another class, or leave out classes of one row with rare="drop".'
        )
    if counts.min() < 2:
        return n_splits
    remedy = "Merge or drop rare classes, give more rows of them, or use a smaller cv."
    told.append(f"{words}: {counts.min()} folds are used. {remedy}")
    return int(counts.min())


def _unstratified(n_splits, groups, seed):
    return KFold(n_splits, shuffle=True, random_state=seed) if groups is None else GroupKFold(n_splits)


def _fitting(n_splits, problem, told):
    """Return a number of folds of which each can test a row, and a group."""
    n_rows = problem.n_rows
    if n_splits < 2:
        raise ValueError(f"cv={n_splits} must be at least 2 folds.")
    if n_rows < n_splits:
        raise ValueError(
            f"Cannot make {n_splits} folds: found n_samples={n_rows} with minimum of {n_splits} required "
            f"(one row per fold). Give more rows than {plural(n_rows, 'sample')}, or use a smaller cv."
        )
    if problem.groups is None:
        return n_splits
    n_groups = len(np.unique(problem.groups))
    if n_groups < 2:
        raise ValueError(
            "groups holds one group only, so that no model could be both trained and judged on other groups: give "
            "groups of which there are several, or none."
        )
    if n_groups < n_splits:
        told.append(
            f"There are {n_groups} groups, fewer than cv={n_splits} folds: {n_groups} folds are used. Use a smaller "
            "cv, or give more groups."
        )
    return min(n_splits, n_groups)


def _check_pair(pair, n_rows):
    try:
        train, test = (np.asarray(rows) for rows in pair)
    except (TypeError, ValueError) as error:
        raise ValueError(f"cv holds {pair!r}: each fold is a pair (train rows, test rows).") from error
    train, test = (np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp) for rows in (train, test))
    for rows in (train, test):
        if rows.ndim != 1 or (len(rows) and (rows.min() < 0 or rows.max() >= n_rows)):
            raise ValueError(f"cv names rows outside of the {n_rows} rows of X: give positions from 0 to {n_rows - 1}.")
    learns = np.zeros(n_rows, dtype=bool)
    learns[train] = True
    both = np.unique(test[learns[test]])
    if len(both):
        raise ValueError(
            f"cv has row {both[0]} in both the training and the test rows of a fold ({len(both)} such rows): "
            "a model would be judged on rows that it saw. Make them disjoint."
        )
    return train, test
