"""What a report says, section by section, as plain data that the template lays out."""

from functools import singledispatch

import numpy as np

from .._checks import listed
from .._inner_folds import folds_of
from .._kinds import Classes, Numbers, Ranking, Survival
from .._plain_words import SHARES, aligned, class_name, number, percent, plain, plural, score_text
from ..store import data_key, versions
from ._cells import cells_of
from ._display_cascade import CascadeDisplay
from ._display_costs import ScoreDisplay
from ._display_errors import ConfusionDisplay, ReliabilityDisplay, ResidualDisplay
from ._display_missing import MissingDisplay
from ._display_risk import RiskCoverageDisplay
from ._display_rows import hardest_rows, verdict_of, worst_of
from ._display_weights import ContributionDisplay, TaskContributionDisplay, ViewContributionDisplay, has_help
from ._report_pictures import Picture, drawn
from ._scores import compare_choices, words_of

MOST_PARTS = 6  # of a view that are listed
MOST_CLASSES = 24  # of a confusion matrix that can be read


def tasks_section(model):
    """Return one dict per task: what was asked, and how many labels are known."""
    entries = []
    for name, task in model.tasks_.items():
        truth = np.asarray(model.targets_[name], dtype=float)
        known = truth[~np.isnan(truth)]
        labels = _labels_of(task.rules, task, known)
        entries.append(
            {"name": name, "kind": task.rules.words, "labels": labels, "loss": task.rules.lost, "n_known": len(known),
             "n_rows": len(truth)}
        )  # fmt: skip
    return entries


@singledispatch
def _labels_of(kind, task, known):
    """Return in words which labels there are."""
    low, middle, high = (kind.plain.amount(value) for value in np.quantile(known, [0, 0.5, 1]))
    return f"from {low} to {high}, half of them below {middle}"


@_labels_of.register
def _(kind: Survival, task, known):
    low, middle, high = np.quantile(np.abs(known), [0, 0.5, 1])
    times = f"from {plain(low)} to {plain(high)}, half of them below {plain(middle)}"
    return f"times {times}; it happened in {(known > 0).sum():,} of {plural(len(known), 'row')}"


@_labels_of.register
def _(kind: Ranking, task, known):
    grades, counts = np.unique(kind.relevance(known), return_counts=True)
    shares = listed([f"{grade:g} ({percent(n / len(known))})" for grade, n in zip(grades, counts, strict=True)], 8)
    return f"relevances {shares} in {len(np.unique(kind.units(known))):,} queries"


@_labels_of.register
def _(kind: Classes, task, known):
    shares = kind.prior(kind.encoded(known))
    order = np.argsort(-shares, kind="stable")
    return listed([f"{class_name(task.classes[i])} ({percent(shares[i])})" for i in order], 8)


def scores_section(model):
    """Return one dict per task: the comparison with single views, early fusion and a constant, and its picture."""
    parts = []
    for name, task in model.tasks_.items():
        cells = cells_of(model, name)
        choices = compare_choices(cells, list(model.views_))
        metric, second = cells.metric.name, task.rules.second
        second = None if second == metric else second
        main = words_of(metric)
        rows = [
            {
                "choice": row.choice,
                "learner": row.learner,
                "n": str(row.n),
                "score": score_text(metric, row.score),
                "interval": f"{score_text(metric, row.low)} to {score_text(metric, row.high)}",
                "difference": "" if i == 0 else _difference_text(metric, row),
                "second": aligned(row.second),
                "gain": percent(row.gain),
            }
            for i, row in enumerate(choices.itertuples())
        ]
        summary = "; ".join(f"{row['choice']}: {row['score']} ({row['interval']})" for row in rows)

        display = ScoreDisplay(choices=choices, score_name=main, task=name)
        picture = drawn(display.plot, f"{main} of {name} with 95 % intervals. {summary}.")
        parts.append(
            {"name": name, "metric": metric, "main": main, "second": words_of(second), "rows": rows, "choices": choices,
             "n": len(cells.scored), "picture": picture, "is_right": cells.scorer.is_right(cells.ensemble),
             "is_surer": cells.scorer.is_surer(cells.ensemble)}
        )  # fmt: skip
    return parts


def _difference_text(metric, row):
    """Return what a choice is above (+) or below (-) the ensemble, and whether the interval leaves a doubt."""
    if metric in SHARES:
        low, middle, high = (100 * v for v in (row.difference_low, row.difference, row.difference_high))
        text = f"{middle:+.1f} points ({low:+.1f} to {high:+.1f})"
    else:
        text = f"{row.difference:+.3f} ({row.difference_low:+.3f} to {row.difference_high:+.3f})"
    return text.replace("-", "−")


def new_rows_section(rows):
    """Return the scores on rows that are not those of the fit; None when there are none with labels."""
    if not rows.are_new:
        return None
    entries = []
    for name, labels in rows.labels.items():
        kind, truth, prediction, _ = rows.model.tasks_[name].judged(labels, rows.predicted[name])
        if not len(prediction):
            continue
        judge = rows.model.judged_by(name).of_new(kind, truth)
        metric, prediction = judge.metric, kind.whole(prediction)
        score, error = metric.score(truth, prediction), float(kind.metric(kind.error, truth, prediction))
        entries.append(
            {"task": name, "value": score, "score": score_text(metric.name, score),
             "main": words_of(metric.name), "error": f"{words_of(kind.error)} {plain(error)}",
             "n": len(prediction), "prediction": prediction, "plain": judge.plain(prediction),
             "known": np.flatnonzero(~np.isnan(rows.targets[name])), "off": kind.off(truth, prediction)}
        )  # fmt: skip
    return {"rows": entries, "n": rows.source.shape[0]} if entries else None


def weights_section(model, shares, parts=None):
    """Return the pictures of what views, members and tasks give, and the tables behind them."""
    pictures, tasks = [], list(model.tasks_)
    if len(model.views_) > 1:
        summary = "; ".join(
            f"{task}: " + ", ".join(f"{view} {percent(shares.loc[view, (task, 'value')])}" for view in shares.index)
            for task in tasks
        )
        pictures.append(
            drawn(
                ViewContributionDisplay(contributions=shares).plot,
                f"What each view gives to each task. {summary}.",
                "Each bar is the part of a constant guess's loss that a view removes, averaged over all orders in "
                "which views can be added (Shapley value). Below 0 a view did harm, and others may then be above "
                "100 %; the first screen takes such harm off the others. The whiskers are 95 % intervals.",
            )
        )
    weights = model.contributions_
    top = "; ".join(f"{task}: most weight on {' · '.join(weights[task].idxmax())}" for task in tasks)
    pictures.append(
        drawn(
            lambda axes: ContributionDisplay.from_estimator(model, ax=axes),
            f"Weight of each member in each task. {top}.",
            "A member is a learner with what it reads: a view, all views, or estimates of other tasks. The weights "
            "sum to 1 per task.",
        )
    )
    matrix = getattr(model, "task_contributions_", None)
    if matrix is not None and len(tasks) > 1 and has_help(matrix):
        pictures.append(
            drawn(
                lambda axes: TaskContributionDisplay.from_estimator(model, ax=axes),
                "What the estimates of each task give to each other task.",
                "Where a column has numbers, that task is predicted better with estimates of the other tasks.",
            )
        )
    table = {
        "headers": ["view", *tasks],
        "rows": [[view, *(_share_text(shares.loc[view, task]) for task in tasks)] for view in shares.index],
    }
    return {"pictures": pictures, "views": table, "parts": _parts_table(parts)}


def _parts_table(parts):
    """Return, for each task and view, the columns, words or regions that move predictions most."""
    found = (
        [] if parts is None else parts.groupby(["task", "view"], sort=False).head(MOST_PARTS).itertuples(index=False)
    )
    rows = sorted(([row.task, row.view, row.part, plain(row.moved)] for row in found), key=lambda row: row[:2])
    return {"headers": ["task", "view", "part", "moves predictions by"], "rows": rows}


def _share_text(share):
    return f"{percent(share['value'])} ({percent(share['low'])} to {percent(share['high'])})"


def hardest_section(rows, n_rows):
    """Return, for each task, the rows with the largest loss; with their content when X was handed over."""
    model, parts = rows.model, []
    for name in model.tasks_:
        use_new = rows.are_new and name in rows.targets
        if use_new:
            truth = rows.targets[name]
            known = np.flatnonzero(np.isfinite(truth))
            worst = worst_of(model.tasks_[name], truth[known], rows.predicted[name][known], known, n_rows)
        else:
            worst = hardest_rows(model, name, n_rows)
        shown = rows.looks(worst["row"]) if rows.source is not None and (use_new or rows.of_fit) else [{}] * len(worst)
        entries = [
            {
                "row": rows.name_of(int(row["row"])) if use_new or rows.of_fit else f"row {int(row['row'])}",
                "verdict": verdict_of(row),
                "looks": list(look.items()),
            }
            for (_, row), look in zip(worst.iterrows(), shown, strict=True)
        ]
        parts.append({"name": name, "rows": entries, "new": use_new})
    return parts


PICTURES = [
    Picture(
        ResidualDisplay,
        lambda display, name: f"Residuals of {name} against its predictions, with the band that holds 90 % of them.",
        "True value minus prediction of rows that were held out.",
        family=Numbers.family,
    ),
    Picture(
        ReliabilityDisplay,
        lambda display, name: f"Reliability curve of {name}: expected calibration error {display.errors_[name]:.3f}.",
        "On the dotted line, what is predicted with 80 % is right 8 times in 10.",
        family=Classes.family,
    ),
    Picture(
        ConfusionDisplay,
        lambda display, name: f"Confusion matrix of {name}: shares of each true class by predicted class.",
        "Each row is a true class; its shares sum to 1.",
        family=Classes.family,
        when=lambda model, task: len(task.classes) <= MOST_CLASSES,
    ),
    Picture(
        MissingDisplay,
        lambda display, name: f"Expected score of {name} as more and more items of a view are missing.",
        "Expected from rows that were held out, as what each view gives is.",
        when=lambda model, task: len(model.views_) > 1,
    ),
    Picture(
        RiskCoverageDisplay,
        lambda display, name: f"Share of wrong answers of {name} among the rows that the model is surest of.",
        "To the left the model is silent about the rows that it is least sure of.",
        family=Classes.family,
    ),
    Picture(
        CascadeDisplay,
        lambda display, name: f"Score of {name} against the time per row, when slow views are read only where needed.",
        "Beside each point: how probable a class must be so that no further view of a row is read.",
        family=Classes.family,
        when=lambda model, task: len(model.views_) > 1,
    ),
]


def calibration_section(model):
    """Return the pictures of each task: its calibration, confusion or residuals, missing views, and those entered."""
    return [
        {"name": name, "pictures": [entry.drawn(model, name) for entry in PICTURES if entry.suits(model, task)]}
        for name, task in model.tasks_.items()
    ]


def timings_section(model):
    """Return the account of the fit: one row per stage, and counts."""
    frame = model.fit_report_
    rows = []
    for row in frame.itertuples():
        size = f"{row.bytes / 1e6:.1f}" if row.bytes else "–"
        rows.append([str(row.Index), number(row.jobs, 6), f"{row.seconds:.1f}", size])
    total, n_members = frame["seconds"].sum(), len(model.table_.members())
    return {
        "headers": ["stage", "jobs", "seconds", "megabytes"],
        "rows": rows,
        "words": f"{total:.1f} seconds in all; {plural(model.n_extractions_, 'extraction')}, "
        f"{plural(n_members, 'member')}, {plural(len(folds_of(model.folds_)), 'fold')}.",
    }


def reproduce_section(model, rows):
    """Return what is needed to get these numbers again."""
    cls = type(model).__name__
    code = f"import ensemble_mm as em\n\nmodel = em.{model.__repr__(N_CHAR_MAX=6000)}\nmodel.fit(X, Y)"
    parameters = [(name, repr(value)[:400]) for name, value in model.get_params(deep=False).items()]
    key = None
    if rows.of_fit:
        try:
            key = data_key(model, rows.source)
        except TypeError:  # items that have no fixed content, such as open files
            key = None
    return {"code": code, "class": cls, "parameters": parameters, "versions": list(versions().items()), "key": key}
