"""Checks of an audit that look at rows, columns and folds; they fit nothing but small trees."""

from functools import singledispatch
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from .._kinds import Classes
from .._plain_words import percent
from ..data import MultimodalData, nearly_tells

TELLING = 0.99  # share of the possible gain above which one column gives a task away
MOST_COLUMNS, MOST_WORDS = 200, 500
LARGEST = 0.6  # share of the rows in one group from which folds are no longer alike


def check_groups(groups, folds):
    """Look for groups with rows on both sides of a fold."""
    if groups is None:
        words = "No groups were given. If several rows come from one person, place or session, pass groups."
        return [("groups", "skip", np.nan, words)]
    codes = pd.factorize(np.asarray(groups))[0]
    counts = np.bincount(codes[codes >= 0])
    largest = counts.max(initial=0) / max(1, counts.sum())
    crossing = set()
    for train, test in folds:
        crossing |= set(np.intersect1d(codes[train], codes[test]).tolist())
    share = len(crossing) / max(1, len(np.unique(codes)))
    finding = f"{len(crossing)} of {len(np.unique(codes))} groups have rows on both sides of a fold"
    if not crossing and largest > LARGEST:
        words = (
            f"One group holds {percent(largest, 0)} of the rows, so one fold is nearly all of them, and its models "
            "learn from the few others. Are these the right groups?"
        )
        return [("groups", "warn", largest, words)]
    if not crossing:
        return [("groups", "pass", share, f"{finding}.")]
    return [("groups", "fail", share, f"{finding}: pass groups to fit, or use a splitter such as GroupKFold.")]


def check_classes(tasks, targets, folds, cv=None):
    """Look for classes that have fewer rows than there are folds, or than were asked for with `cv`."""
    checks = []
    n_folds = max(len(folds), int(cv)) if isinstance(cv, Integral) else len(folds)
    for name, task in tasks.items():
        if not task.rules.is_stratified:
            continue
        known = targets[name][~np.isnan(targets[name])].astype(int)
        counts = np.bincount(known, minlength=len(task.classes))
        rare = np.flatnonzero(counts < n_folds)
        check, smallest = f"classes of {name!r}", int(counts.min())
        finding = f"the smallest class, {task.classes[counts.argmin()]!r}, has {smallest} rows for {n_folds} folds"
        if len(rare):
            words = f"{len(rare)} classes are rarer than folds; {finding}: merge rare classes or use a smaller cv."
            checks.append((check, "warn", smallest, words))
        else:
            checks.append((check, "pass", smallest, f"{finding[0].upper()}{finding[1:]}."))
    return checks


def check_single_columns(source, tasks, targets, rows):
    """Look for a column that tells a task by itself."""
    columns = list(_plain_columns(source))[:MOST_COLUMNS]
    checks = []
    for name, task in tasks.items():
        telling, nearly, best, best_label = [], [], 0.0, None
        target = task.rules.values(targets[name][rows])
        for label, values in columns:
            gain = _telling(values[rows], target, task)
            if gain > best:
                best, best_label = gain, label
            if gain >= TELLING:
                telling.append((label, gain, values.ndim > 1))
            elif values.ndim == 1 and (share := _nearly(values[rows], target)):
                nearly.append((label, share))
        for label, gain, is_text in telling:
            alone = f"A few words of {label!r} give" if is_text else f"Column {label!r} alone gives"
            words = (
                f"{alone} {percent(gain)} of what there is to know about {name!r}. Will it be known before the label "
                "is? If not, leave it out."
            )
            checks.append((f"column {label!r} tells {name!r}", "warn" if is_text else "fail", gain, words))
        for label, share in nearly:
            words = (
                f"Column {label!r} alone tells {name!r} in {percent(share)} of the rows, and what it misses lies "
                "everywhere, as wrong entries do. Will it be known before the label is? If not, leave it out."
            )
            checks.append((f"column {label!r} nearly tells {name!r}", "warn", share, words))
        if not telling and not nearly:
            words = f"No single column tells {name!r}"
            words += f"; the most telling, {best_label!r}, gives {percent(best)}." if best_label is not None else "."
            checks.append((f"single columns for {name!r}", "pass", best, words))
    return checks


def _nearly(values, target):
    return nearly_tells(pd.Series(values), pd.factorize(values, use_na_sentinel=False)[0], target)


def _plain_columns(source):
    """Yield (label, numbers) of every plain column: categories as codes, NaN where missing, media as being there.

    Of texts it is which words they have, one column per word.
    """
    if isinstance(source, MultimodalData):
        for view, column in source.views.items():
            if isinstance(column, pd.DataFrame):
                for label in column.columns:
                    yield f"{view}: {label}", _as_numbers(column[label])
            elif getattr(column, "ndim", 0) == 1:
                yield view, _as_numbers(pd.Series(column))
        return
    frame = source if isinstance(source, pd.DataFrame) else None
    if frame is None:
        if not isinstance(source, np.ndarray) or source.ndim != 2:
            return
        frame = pd.DataFrame(source)
    for label in frame.columns:
        yield label, _as_numbers(frame[label])


def _as_numbers(series):
    if pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series):
        numbers = series.to_numpy(dtype=float, na_value=np.nan)
        numbers = np.where(np.isinf(numbers), np.nan, numbers)  # as extractors of tables read it
        with np.errstate(all="ignore"):  # no number is too large for a tree
            return numbers / max(np.nanmax(np.abs(numbers), initial=0), np.finfo(float).tiny)
    if pd.api.types.is_datetime64_any_dtype(series):
        numbers = series.astype("int64").to_numpy(dtype=float)
        numbers[series.isna().to_numpy()] = np.nan
        return numbers
    texts = series.map(lambda item: str(item) if isinstance(item, (str, int, float, bool)) else "object")
    codes = pd.factorize(texts.where(series.notna()), sort=True)[0].astype(float)
    distinct = len(np.unique(codes[codes >= 0]))
    missing = codes < 0
    if distinct > 0.5 * len(codes) and texts[~missing].str.contains(" ").mean() > 0.5:
        return np.c_[_words(texts.where(~missing, "")), missing]
    if distinct > 0.5 * len(codes):  # names and files: only that they are there can tell
        codes[~missing] = 0.0
    codes[missing] = np.nan
    return codes


def _words(texts):
    """Return which words each text has: (n_rows, n_words), of words that are in some texts and not in all."""
    counter = CountVectorizer(binary=True, min_df=0.02, max_df=0.98, max_features=MOST_WORDS, dtype=np.float32)
    try:
        return counter.fit_transform(texts).toarray()
    except ValueError:  # there is none
        return np.zeros((len(texts), 1))


def _telling(values, target, task):
    """Return the share of what the best constant gets wrong that a small tree (or a line) on one column gets right."""
    known = ~np.isnan(target)
    values, target = values[known], target[known]
    if values.ndim > 1:
        return _gain_of_small_model(task.rules, values, target) if len(target) >= 20 else 0.0
    if len(target) < 20 or len(np.unique(values[~np.isnan(values)])) + np.isnan(values).any() < 2:
        return 0.0
    column = np.nan_to_num(values, nan=np.nanmin(values) - 1.0 if (~np.isnan(values)).any() else 0.0)
    column = np.c_[column, np.isnan(values)]
    return _gain_of_small_model(task.rules, column, target)


@singledispatch
def _gain_of_small_model(kind, column, target):
    """Return the share of the error of the best constant that a tree or a line removes."""
    folds, spread = KFold(3, shuffle=True, random_state=0), np.var(target)
    models = LinearRegression(), DecisionTreeRegressor(max_leaf_nodes=256, min_samples_leaf=2, random_state=0)
    errors = [np.mean((target - cross_val_predict(model, column, target, cv=folds)) ** 2) for model in models]
    return float(max(0.0, 1 - min(errors) / spread)) if spread > 0 else 0.0


@_gain_of_small_model.register
def _(kind: Classes, column, target):
    counts = np.bincount(target.astype(int))
    usual = counts.max() / len(target)
    splits = int(min(3, counts[counts > 0].min()))
    if usual > 0.995 or splits < 2:
        return 0.0
    tree = DecisionTreeClassifier(max_leaf_nodes=max(16, 2 * len(counts)), random_state=0)
    folds = StratifiedKFold(splits, shuffle=True, random_state=0)
    right = accuracy_score(target, cross_val_predict(tree, column, target, cv=folds))
    return float(max(0.0, (right - usual) / (1 - usual)))
