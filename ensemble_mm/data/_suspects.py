"""Columns that a person should look at: they tell a target exactly, repeat another column, or say nothing."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import beta

from ..schema import IN_TABLE, LEFT_OUT, STRINGS, Column, Schema
from ._chunked import ChunkedData
from ._inputs import MultimodalData
from ._schema import call_each

FEWEST_ROWS = 50  # with fewer, columns agree by chance
MOST_ROWS = 100_000  # that are looked at: more, evenly spaced, say the same of a column in ten times the time
FEW_ROWS = 200  # by which nearly all columns differ
FEWEST_OTHERS = 10  # rows whose label is not the most frequent one
EACH = 5  # rows per value, on average, from which values are more than names of rows
MOST_NOTES = 3  # columns of a kind that are told one by one
EXACT = 1e-9  # by how much squared correlations of copies may miss 1
# A column that tells nearly all labels: what it surely tells of all rows, and of those not of the most frequent class.
# An honest test that is right in 95 % of the rows and a leak whose labels are wrong in 5 % are the same column.
NEARLY, GAIN, DOUBT = 0.97, 0.94, 0.1
VALUES_PER_CLASS = 3
MOST_HOLES = 0.1  # share of the rows without an entry that are left out; more say something themselves
MIDDLE, FEWEST_THERE = 0.4, 2  # share and number of the errors that lie in the middle half of the rows of their side
LEAST_RATE = 1 / 3  # of the usual share of errors, which half of the rows have values of


def note_suspects(schema: Schema, source, tasks, targets, *, listed=False, each=call_each) -> Schema:
    """Return a schema with notes on the columns of X that a person should look at; `listed`: in views of their own."""
    if source.shape[0] < FEWEST_ROWS:
        return schema
    alike: dict[str, list[int]] = {"have one value each": [], "say in every row what others say": []}
    constants, repeats = alike.values()
    firsts: dict[bytes, list[Column]] = {}  # by what they say of few rows
    notes: list[list[str]] = [[] for _ in schema.columns]
    rows = np.linspace(0, source.shape[0] - 1, min(source.shape[0], MOST_ROWS)).astype(np.intp)
    targets = {name: task.rules.values(targets[name])[rows] for name, task in tasks.items()}
    looks = each(partial(_look, source, [*targets]), schema.columns, rows, *targets.values())
    for place, (column, look) in enumerate(zip(schema.columns, looks, strict=True)):
        if look is None:
            continue
        if column.taken_as == "constant":
            constants.append(place)
            notes[place].append("every value is the same, and says nothing; to leave it out")
            continue
        said, told = look
        others = firsts.setdefault(said, [])
        first = next((other for other in others if _says_so(source, column, other, rows)), None)
        if first is None:
            others.append(column)
        else:
            repeats.append(place)
            notes[place].append(f"says in every row the same as {first.title!r}; to leave it out")
        notes[place] += told
    for words, places in alike.items():
        if len(places) > MOST_NOTES:
            for place in places:
                del notes[place][0]
            shown = ", ".join(repr(schema.columns[place].title) for place in places[1:MOST_NOTES])
            notes[places[0]].insert(0, f"it and {len(places) - 1} more columns ({shown} ...) {words}; to leave it out")
    return replace(schema, columns=tuple(map(partial(_noted, listed=listed), schema.columns, notes)))


def _look(source, names, column: Column, rows, *targets):
    """Return what a column says of few rows, and in words which targets it tells; None of one that is not looked at."""
    looked_at = _looked_at(source, column, rows)
    if looked_at is None:
        return None
    values, codes, n_values = looked_at
    told: list[str] = []
    if column.taken_as != "constant":
        read = column.read(values)[0]  # "12.50 EUR" is 12.5
        told = _told_targets(read, codes, n_values, dict(zip(names, targets, strict=True)))
    return _said(values, codes, n_values, max(1, len(rows) // FEW_ROWS)), told


def _told_targets(values, codes, n_values, targets) -> list[str]:
    """Return in words which targets the values of a column tell, first those that they tell exactly."""
    exactly = [name for name, target in targets.items() if _tells(values, codes, n_values, target)]
    shares = {name: nearly_tells(values, codes, target) for name, target in targets.items() if name not in exactly}
    return [f"tells the target {name!r} exactly; if it is known only afterwards" for name in exactly] + [
        f"tells the target {name!r} in {share:.0%} of the rows; if it is known only afterwards"
        for name, share in shares.items() if share
    ]  # fmt: skip


def _noted(column: Column, notes, listed) -> Column:
    remedy = "take it out of the view" if listed else f"write columns={{{column.name!r}: 'drop'}}"
    return replace(column, notes=column.notes + tuple(f"{note}, {remedy}" for note in notes))


def _values(source, column: Column, rows):
    """Return some values of a column of words or numbers; None of any other."""
    if column.taken_as in LEFT_OUT or column.taken_as not in (*IN_TABLE, *STRINGS):
        return None
    if isinstance(source, MultimodalData):
        part = source.views[column.name if column.within is None else column.within]
        values = part if column.within is None else part[column.name]
    elif isinstance(source, ChunkedData) and len(rows) < len(source):
        return source.take(rows, [column.name])[column.name]
    else:
        values = source[column.name]
    if values.ndim > 1:
        return None
    return pd.Series(values).iloc[rows] if len(rows) < len(values) else pd.Series(values)


def _looked_at(source, column: Column, rows):
    """Return the values of a column at some rows, their places among the different values, and how many these are."""
    values = _values(source, column, rows)
    return None if values is None else (values, *_codes(values))


def _said(values, codes, n_values, step=1) -> bytes:
    """Return what one in `step` values says: the same of two columns that say the same."""
    # Of values that hardly repeat the order of rows would be compared: those are compared as they are.
    if _repeats(codes, n_values):
        return codes[::step].tobytes()
    return pd.util.hash_array(values.iloc[::step].astype(str).to_numpy(object)).tobytes()


def _says_so(source, column: Column, other: Column, rows) -> bool:
    """Tell whether a column says in every row what another one does."""
    return _said(*_looked_at(source, column, rows)) == _said(*_looked_at(source, other, rows))


def _codes(values):
    try:
        codes, different = pd.factorize(values, use_na_sentinel=False)
    except TypeError:  # dicts, lists
        return np.arange(len(values)), len(values)
    return codes, len(different)


def _repeats(codes, n_values) -> bool:
    return 1 < n_values <= len(codes) / EACH


def _tells(values, codes, n_values, target) -> bool:
    """Tell whether each value stands for one label, a hole does, or numbers tell the label by where they lie.

    Such numbers are the target's own in another unit or on another scale, or thresholds cut them into the classes.
    """
    known = ~np.isnan(target)
    labels = target[known]
    _, counts = np.unique(labels, return_counts=True)
    if len(labels) < FEWEST_ROWS or len(labels) - counts.max() < FEWEST_OTHERS:
        return False
    if _repeats(codes, n_values) and _is_function(codes[known], labels):
        return True
    holes = values.isna().to_numpy()[known]
    if FEWEST_OTHERS <= holes.sum() <= len(holes) - FEWEST_OTHERS and _is_function(holes, labels):
        return True
    if not pd.api.types.is_numeric_dtype(values.dtype) or holes.any() or n_values <= 2:
        return False
    return _orders(values.to_numpy(float)[known], labels, len(counts))


def nearly_tells(values, codes, target) -> float:
    """Return the share of rows whose class a column tells, where these are nearly all; else 0.

    Errors must be so few that the column surely tells nearly all, and lie everywhere, as wrong labels do. Those of an
    honest strong column lie where classes meet, or, where its noise has outliers, at the ends of the other class.

    Parameters
    ----------
    values : Series
        As they are read.
    codes : ndarray of int
        The same by their places among the different values.
    target : ndarray
        Class positions or numbers; NaN where the label is not known.
    """
    known = ~np.isnan(target)
    entered = known & values.notna().to_numpy()
    some, most = np.count_nonzero(entered), np.count_nonzero(known)
    tried = [known, entered] if (1 - MOST_HOLES) * most <= some < most else [known]
    right = max(_n_right(values[rows], codes[rows], target[rows]) for rows in tried)
    return right / max(1, known.sum())


def _n_right(values, codes, target) -> int:
    """Return how many rows a column tells; 0 where it does not tell nearly all, or its errors do not lie everywhere."""
    labels, counts = np.unique(target, return_inverse=True, return_counts=True)[1:]
    n_rows, others = len(labels), len(labels) - counts.max(initial=0)
    if n_rows < FEWEST_ROWS or others < FEWEST_OTHERS or len(counts) > n_rows / EACH:
        return 0
    codes = np.unique(codes, return_inverse=True)[1]
    n_values, are_numbers, holes = codes.max() + 1, pd.api.types.is_numeric_dtype(values.dtype), values.isna().any()
    if 1 < n_values <= (len(counts) + holes if are_numbers else len(counts) * VALUES_PER_CLASS):
        table = np.zeros((n_values, len(counts)))
        np.add.at(table, (codes, labels), 1)
        wrong = table.argmax(axis=1)[codes] != labels
        rate = 1 - table.max(axis=1) / table.sum(axis=1)
        everywhere = len(np.unique(table.argmax(axis=1))) == len(counts) and (
            n_values == len(counts) or (rate >= LEAST_RATE * wrong.mean())[codes].mean() >= 0.5
        )
    elif len(counts) == 2 and are_numbers and n_values > 2 and not holes:
        wrong, there = _beside_threshold(values.to_numpy(float), labels)
        everywhere = there >= max(FEWEST_THERE, MIDDLE * wrong.sum())
    else:
        return 0
    n_wrong = wrong.sum()
    most = n_rows * beta.ppf(1 - DOUBT, n_wrong + 1, n_rows - n_wrong)  # Clopper and Pearson's bound
    return int(n_rows - n_wrong) if everywhere and most <= min((1 - NEARLY) * n_rows, (1 - GAIN) * others) else 0


def _beside_threshold(numbers, labels):
    """Return which rows lie on the wrong side of the best threshold, and how many in the middle half of that side."""
    order = np.argsort(numbers, kind="stable")
    ones = np.r_[0, labels[order].cumsum()]
    begins = np.r_[False, np.diff(numbers[order]) > 0]
    places = np.flatnonzero(begins)  # of which rows before are below
    right = places - ones[places] + ones[-1] - ones[places]  # ones lie above
    best = places[np.abs(right - len(labels) / 2).argmax()] if len(places) else len(labels)
    above = np.arange(len(labels)) >= best
    wrong = above != labels[order]
    wrong = ~wrong if wrong.mean() > 0.5 else wrong
    ends = np.r_[0, places, len(labels)]
    place = ((ends[:-1] + ends[1:]) / 2)[begins.cumsum()]  # of equal numbers the middle
    distance = np.where(above, (place - best) / max(1, len(labels) - best), place / max(1, best))
    out = np.zeros(len(labels), dtype=bool)
    out[order] = wrong
    return out, int((wrong & (np.abs(distance - 0.5) <= 0.25)).sum())


def _orders(numbers, labels, n_labels) -> bool:
    """Tell whether numbers tell the label by where they lie."""
    steps = np.diff(labels[np.argsort(numbers, kind="stable")])
    cut = n_labels <= len(labels) / EACH and np.count_nonzero(steps) == n_labels - 1
    if (cut or (steps >= 0).all() or (steps <= 0).all()) and _is_function(numbers, labels):
        return True
    with np.errstate(all="ignore"):
        return bool(n_labels > 2 and np.corrcoef(numbers, labels)[0, 1] ** 2 > 1 - EXACT)


def _is_function(codes, labels) -> bool:
    return bool((pd.Series(labels).groupby(codes).nunique() == 1).all())
