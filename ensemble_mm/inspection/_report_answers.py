"""The first screen of a report: how good, what drives it, where it fails, what to do next."""

from dataclasses import dataclass
from functools import partial, singledispatch

import numpy as np
import pandas as pd

from .._checks import listed
from .._kinds import Classes
from .._modalities import TABULAR
from .._plain_words import SHARES, class_name, of_hundred, percent, plural, score_text
from ..meta import cross_fitted
from ._cells import cells_of
from ._scores import words_of
from ._weak_groups import facts_of, weak_groups

MOST_STEPS = 3
LEAST = 0.005  # share of the loss that a view must remove to be named: less is told as 0 %
N_PARTS = 3  # columns, words or regions that are named of a view
SURE = 2.6  # standard errors beyond which a difference is told: several are looked at
FEW_PRESENT = 0.9  # share of the rows that have a view, below which more of it may help
FEW_KNOWN = 0.95  # share of labels that are known, below which the others are worth filling in
LOOKED_AT = 3_000  # rows in which weak groups are looked for
_COLUMNS = "the columns "
NO_STEP = "Nothing stands out. More rows, or columns that say more about the target, may raise the score."
FEW_ROWS = 10  # of a class, below which it is not told how well it is recognised


@dataclass(frozen=True)
class Answers:
    """What a task's part of the first screen says.

    Attributes
    ----------
    task : str
    good, drives, fails : list of str
        One sentence each.
    steps : list of (int, str)
        What to do next; the lowest number is the most urgent.
    worth : list of (str, str)
        Views that some rows lack: what is to be said of each, and what the task has where it is there.
    """

    task: str
    good: list
    drives: list
    fails: list
    steps: list
    worth: list


def answers_of(model, rows, scores, new, shares, parts) -> dict:
    """Return the first screen.

    Parameters
    ----------
    model : fitted stack
    rows : ReportRows
    scores : list of dict
        As `scores_section` returns it.
    new : dict or None
        As `new_rows_section` returns it.
    shares : DataFrame
        As `view_contributions` returns it.
    parts : DataFrame or None
        As `strongest_parts` returns it.

    Returns
    -------
    dict with "tasks", a list of `Answers`, "steps", a list of str, and "is_known", whether rows are those of the fit
    """
    found = [_answers(model, rows, score, new, shares[score["name"]], parts) for score in scores]
    steps = [
        *(step for answers in found for step in answers.steps),
        *_idle_views(model, shares),
        *_views_to_collect(found),
    ]
    if not new:
        steps.append((9, "Score the model on rows that it has never seen: ensemble-mm report MODEL --data TABLE."))
    steps = list(dict.fromkeys(words for _, words in sorted(steps, key=lambda step: step[0]))) or [NO_STEP]
    return {"tasks": found, "steps": steps[:MOST_STEPS], "is_known": rows.of_fit}


def _answers(model, rows, score, new, shares, parts):
    name, cells = score["name"], cells_of(model, score["name"])
    is_right, is_better = score["is_right"], score["is_right"] or score["is_surer"]
    good = [*_goodness(cells, score, is_right, is_better), *_held(model, cells, name), *_on_new_rows(name, new)]
    drives = list(_drives(model, shares, parts, cells, name, rows.of_fit)) if is_better else ["Nothing clearly does."]
    own = next((row for row in new["rows"] if row["task"] == name), None) if new else None
    # What was learned of noise is wrong wherever labels are even, on held-out rows: that is no weak group.
    groups = _groups(model, rows, cells, own) if is_better or own else []
    fails = [_group_words(cells, group, "of the other rows" if own else "") for group in groups]
    fails += _weak_labels(cells.kind, cells)
    if not fails:
        fails = [_no_group(model, rows) if is_better or own else "Everywhere: it is not clearly better than a guess."]
    return Answers(name, good, drives, fails, *_next(model, cells, name, shares, is_better, groups))


# -- how good ------------------------------------------------------------------------------------------------------


def _goodness(cells, score, is_right, is_better):
    """Yield how good a task is predicted; `is_right` where answers beat a guess, `is_better` where probabilities do."""
    plain, rows = cells.scorer.plain(cells.ensemble), plural(score["n"], "held-out row")
    good = f"{plain.say.good(plain.error)}; {plain.beside}."
    yield f"{good[0].upper()}{good[1:]}"
    if not is_right:
        removed = percent(score["choices"].iloc[0]["gain"], 0)
        surer = f", but its probabilities are better: they remove {removed} of the guess's log loss"
        yield f"The difference to that guess may be chance{surer if is_better else ''}."
    area = cells.judge("roc_auc").score(cells.ensemble) if is_better and cells.kind.second == "roc_auc" else np.nan
    if np.isfinite(area):
        no, yes = map(class_name, cells.task.classes)
        yield f"Of one row of {yes} and one of {no}, it tells which is which in {of_hundred(area)} pairs."
    words = f"{f'{plain.interval}, on' if plain.interval else 'On'} {rows}"
    metric, first = score["metric"], score["choices"].iloc[0]
    if metric not in SHARES:
        low, middle, high = (score_text(metric, first[key]) for key in ("low", "score", "high"))
        words += f"; {words_of(metric)} {middle} ({low} to {high})"
    yield f"{words}."


def _held(model, cells, name):
    """Yield what bounds or lists of 90 % say of the held-out rows, where a kind tells of these."""
    region, out = getattr(model, "conformal_", {}).get(name), cells.ensemble[cells.scored]
    if region is not None and len(out) and (words := cells.kind.plain.held(region, out)):
        yield f"{words}."


def _on_new_rows(name, new):
    for row in new["rows"] if new else []:
        if row["task"] == name:
            words = str(row["plain"]).replace(f"when always guessing {row['plain'].usual}", "by that guess")
            yield f"On {plural(row['n'], 'other row')}: {words}."


# -- what drives it ------------------------------------------------------------------------------------------------


def _drives(model, shares, parts, cells, name, is_known):
    """Yield what drives a task. How far a part moves predictions is not told of rows that the model knows by heart."""
    shares, say = shares.sort_values("value", ascending=False), cells.kind.plain
    helps = shares[(shares["low"] > 0) & (shares["value"] >= LEAST)]
    if len(shares) > 1 and len(helps):
        # What other views spoil, these make good: their parts are told of what is removed in the end.
        part = min(1.0, shares["value"].sum() / helps["value"].sum())
        words = ", ".join(
            f"{_title(model, view)} ({percent(part * value, 0)})" for view, value in helps["value"].items()
        )
        yield f"T{words[1:]}" if words.startswith(_COLUMNS) else words
    if len(shares) > 1 and len(idle := shares.index.difference(helps.index, sort=False)):
        yield f"No clear gain from {', '.join(_title(model, view) for view in idle)}."
    if parts is not None:
        parts = parts[parts["task"] == name]
        yield from _strongest(model, parts, helps.index if len(helps) else shares.index[:1], say, is_known)


def _strongest(model, parts, views, say, is_known):
    """Yield which parts of each of some views move the predictions of a task most."""
    for view in views:
        title, own = _title(model, view), parts[parts["view"] == view]
        shifts = [(row.part, say.shift(row.moved)) for row in own.itertuples() if row.moved > own["moved"].max() / 10]
        named = [part if is_known else f"{part} ({shift})" for part, shift in shifts if shift][:N_PARTS]
        if named and own["part"].tolist() != [title]:  # a single column is the strongest of its table anyway
            place = "columns" if title.startswith(_COLUMNS) else f"in {title}"
            yield f"Strongest {place}: {', '.join(named)}."


def _title(model, view) -> str:
    """Return what a reader knows a view by: its name, or the columns of a table that the reader did not name."""
    columns = model.view_columns_.get(view)
    if not isinstance(columns, list) or model.views_.get(view) != TABULAR:
        return str(view)
    named = listed(map(str, columns), 3 if len(columns) == 3 else 2)
    return named if len(columns) == 1 else f"{_COLUMNS}{named}"


# -- where it fails ------------------------------------------------------------------------------------------------


def _groups(model, rows, cells, new):
    """Return the groups of rows that are predicted worse than the others: of the `new` ones, else of the fit."""
    if not isinstance(rows.source, pd.DataFrame) or not (new or rows.of_fit):
        return []
    known = new["known"] if new else cells.scored
    errors = new["off"] if new else cells.kind.off(cells.truth[known], cells.ensemble[known])
    some = slice(None, None, max(1, len(known) // LOOKED_AT))
    return weak_groups(facts_of(model.schema_, rows.source.iloc[known[some]]), errors[some])[:2]


def _group_words(cells, group, of):
    say = cells.kind.plain
    rows = f"{f'{group.n:,} {of}' if of else plural(group.n, 'row')} where {group.words}"
    return f"{rows}: {say.good(group.error)}, {say.amount(group.overall)} overall."


@singledispatch
def _weak_labels(kind, cells):
    """Return which labels are predicted worse than others, in words."""
    return ()


@_weak_labels.register
def _(kind: Classes, cells):
    """Tell of the class that is recognised worst, where that is no chance."""
    part = cells.take(cells.scored)
    right, truth = 1 - kind.off(part.truth, part.ensemble), part.truth.astype(int)
    n = np.bincount(truth, minlength=len(cells.task.classes))
    recall = np.bincount(truth, right, minlength=len(n)) / np.maximum(n, 1)
    recall[n < FEW_ROWS] = 1.0
    worst = int(recall.argmin())
    if n[worst] and recall[worst] < right.mean() - SURE * np.sqrt(right.mean() * (1 - right.mean()) / n[worst]):
        found = round(float(recall[worst] * n[worst]))
        share = f" ({percent(recall[worst], 0)})" if found else ""
        name, rows = class_name(cells.task.classes[worst]), plural(n[worst], "row")
        yield f"Class {name}: {found:,} of its {rows} are recognised{share}."


def _no_group(model, rows):
    if (rows.of_fit or rows.are_new) and isinstance(rows.source, pd.DataFrame) and len(model.schema_.columns):
        return f"No group of the {'other ' if rows.are_new else ''}rows has clearly larger errors than the rest."
    return (
        "Not known here: give write_report a table with the targets, and this names the rows with the largest errors."
    )


# -- what to do next -----------------------------------------------------------------------------------------------


def _views_apart(model, cells):
    """Yield each view that some members do without, which rows have it, and which members do not read it."""
    for view in model.views_:
        reads = np.array([view in read or not read for read in cells.reads])
        if reads.any() and not reads.all() and len(cells.scored):
            yield view, model.present_[view], ~reads


def _harm_of_view(cells, name, title, others):
    """Yield a step where the members that do not read a view are better without those that do, fold by fold."""
    if _loss(cells, cells.ensemble) > _loss(cells, cells.blend(others)):
        without = _combined(cells, others)
        if _gain(cells, without, cells.scored) < -SURE:
            saved = percent(1 - _loss(cells, without) / _loss(cells, cells.ensemble), 0)
            yield 1, f"Leave {title} out when predicting {name}: without it the held-out loss is {saved} lower."


def _views_to_collect(found):
    """Yield a step for each view that some rows lack and that helps where it is there, with all its tasks."""
    words: dict = {}
    for missing, worth in (pair for answers in found for pair in answers.worth):
        words.setdefault(missing, []).append(worth)
    for missing, worths in words.items():
        yield 2, f"{missing} Where it is there, {' and '.join(worths)}: collect more of it."


def _combined(cells, members):
    """Return out-of-fold predictions of some members, combined as the ensemble is; where all abstain, the prior."""
    some = np.flatnonzero(members)
    given = cells.truth, cells.kind, cells.folds, cells.weight, cells.groups
    _, out = cross_fitted(cells.meta_of(some), partial(cells.block, some), *given)
    return np.where(np.isnan(out), cells.constant, out)


def _loss(cells, out):
    rows = cells.scored
    return cells.take(rows).mean(cells.kind.losses(cells.truth[rows], out[rows]))


def _gain(cells, without, rows):
    """Return how much lower the loss of the ensemble is, in standard errors."""
    part = cells.take(rows)
    gain = cells.kind.losses(part.truth, without[rows]) - part.losses(part.ensemble)
    return part.mean(gain) / (part.error(gain) or np.inf)


def _worth(cells, there, others):
    """Return in words what a view gives to the rows that have it; nothing where that may be chance."""
    rows = cells.scored[there[cells.scored]]
    if not len(rows):
        return ""
    say, part, without = cells.kind.plain, cells.take(rows), _combined(cells, others)
    before, after = (part.mean(cells.kind.off(part.truth, out[rows])) for out in (without, cells.ensemble))
    return say.saved(before - after) if _gain(cells, without, rows) > SURE and after < before else ""


def _next(model, cells, name, shares, is_better, groups):
    """Return the steps to take for a task, and what views that some rows lack are worth to it."""
    steps, worth = [*_steps_of_labels(cells, name, is_better)], []
    for view, there, others in _views_apart(model, cells):
        steps += _harm_of_view(cells, name, _title(model, view), others)
        if there.mean() < FEW_PRESENT and shares.loc[view, "low"] > 0 and (words := _worth(cells, there, others)):
            title = _title(model, view)
            is_missing = f"{title[0].upper()}{title[1:]} are" if title.startswith(_COLUMNS) else f"{title} is"
            missing = f"{is_missing} missing in {percent(1 - there.mean(), 0)} of the rows."
            worth.append((missing, f"{name} has {words}"))
    if not is_better:
        usual = cells.scorer.plain(cells.ensemble).usual
        words = f"{name}: not clearly better than always guessing {usual}. Add columns or rows, or check its labels."
        steps.append((0, words))
    elif groups and not any(missing.startswith(groups[0].words) for missing, _ in worth):
        words = f"Look at the {groups[0].n:,} rows where {groups[0].words}: is their {name} right? If so, "
        steps.append((4, f"{words}more rows like these may help."))
    return steps, worth


def _steps_of_labels(cells, name, is_better):
    n, known = len(cells.truth), int((~np.isnan(cells.truth)).sum())
    if known < FEW_KNOWN * n and is_better:
        yield 7, f"Label more rows: {n - known:,} of {n:,} have no {name}."


def _idle_views(model, shares):
    """Yield a step about the views that no task gains from, where some other view helps."""
    gains = (shares.xs("low", axis=1, level="statistic") > 0).any(axis=1)
    if len(idle := [_title(model, view) for view in shares.index[~gains]]) and gains.any():
        them = "it" if len(idle) == 1 and not idle[0].startswith(_COLUMNS) else "them"
        yield 6, f"Fit once without {listed(idle, 3)}: no target clearly gains from {them}, and the fit gets shorter."
