"""Can the numbers of a report be trusted? One verdict per question, and notes that ask for nothing."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp

from .._inner_folds import folds_of
from .._kinds import Classes
from .._plain_words import percent
from ..data import column_of, views_of
from ._audit_repeats import check_duplicates
from ._audit_rows import check_classes
from ._cells import cells_of, tasks_of
from ._display_errors import calibration_error, curve_of

FEW_LABELS, FEW_ITEMS = 0.8, 0.5  # shares below which a note says so
MOVED = 0.1  # change of the share of rows that have a view, beyond which other rows are not like those of the fit
N_DRAWS = 199  # of labels, as the probabilities have it: how far from them calibrated ones are by chance
MOST_ROWS = 5_000  # whose probabilities are looked at


@dataclass(frozen=True)
class Verdict:
    """The answer to one question.

    Attributes
    ----------
    question, answer : str
    words : list of str
        What was found, a sentence each.
    is_good : bool or None
        Whether the answer is the one to hope for; None where nothing could be looked at.
    """

    question: str
    answer: str
    words: list
    is_good: bool | None = True


def trust_section(model, rows, scores, new, audit) -> dict:
    """Return "verdicts", a list of `Verdict`; "notes", a list of str; and "audit", the rows of a leak audit."""
    checks = [] if audit is None else audit.to_dict("records")
    repeats, notes = _repeats(model, rows)
    verdicts = [
        _verdict("Is it better than a guess?", "not for certain", [w for part in scores for w in _no_better(part)]),
        _verdict("Is the ensemble at least as good as its parts?", "not everywhere",
                 [words for part in scores for words in _beaten(part)]),
        *_probabilities(model),
        repeats,
        *([_verdict("Are other rows like those of the fit?", "no", _moved(model, rows, scores, new))] if new else []),
        _verdict("Did all learners finish?", "no", list(_failures(model))),
        *_classes(model),
        *([_verdict("Did the leak audit pass?", "no", [row["words"] for row in checks if row["verdict"] == "fail"])]
          if checks else []),
    ]  # fmt: skip
    return {"verdicts": verdicts, "notes": [*_notes(model), *notes], "audit": checks}


def _verdict(question, otherwise, found):
    """Return the verdict "yes" where nothing was found that speaks against it."""
    return Verdict(question, otherwise if found else "yes", found, not found)


def _no_better(part):
    if not part["is_right"] and not part["is_surer"]:
        simple = part["choices"].iloc[-1]["choice"].removeprefix("always ")
        yield f"{part['name']}: the ensemble is not clearly better than {simple}."


def _beaten(part):
    better = [row for row in part["choices"].iloc[1:-1].itertuples() if row.difference_low > 0]
    for row in better:
        if f"only {row.learner!r}" not in [other.choice for other in better]:  # the best single view is one of these
            yield f"{part['name']}: {row.choice} scores better."


def _probabilities(model):
    names = tasks_of(model, Classes.family)
    found = []
    for name in names:
        cells = cells_of(model, name)
        cells = cells.take(cells.scored[:: 1 + len(cells.scored) // MOST_ROWS])
        error = calibration_error(curve_of(cells.truth, cells.ensemble, cells.weight))
        if error > _by_chance(cells):
            points = f"{100 * error:.0f} points"
            found.append(f"{name}: probabilities are off by {points} on average; calibration='temperature' may help.")
    return [_verdict("Can probabilities be taken at their word?", "not quite", found)] if names else []


def _by_chance(cells):
    """Return the calibration error that 99 in 100 calibrated predictions of as many rows stay below."""
    rng, sums = np.random.default_rng(0), cells.ensemble.cumsum(axis=1)
    draws = ((rng.random(len(sums))[:, np.newaxis] > sums[:, :-1]).sum(axis=1) for _ in range(N_DRAWS))
    errors = [calibration_error(curve_of(truth, cells.ensemble, cells.weight)) for truth in draws]
    return np.quantile(errors, 0.99) if len(sums) else np.inf


def _repeats(model, rows):
    """Return whether rows repeat, and notes on items that do though their rows do not."""
    question = "Are held-out rows new to the models?"
    if not rows.of_fit or not hasattr(rows.source, "shape"):
        return Verdict(question, "not looked at", ["Give the X of the fit to find rows that repeat."], None), []
    views = views_of(model)
    columns = {view.name: column_of(rows.source, view, model.schema_) for view in views}
    checks = check_duplicates(views, columns, folds_of(model.folds_))
    found = [words for _, verdict, _, words in checks if verdict == "fail"]
    return _verdict(question, "no", found), [words for _, verdict, _, words in checks if verdict == "warn"]


def _moved(model, rows, scores, new):
    found = []
    for view, present in model.present_.items():
        before, now = np.mean(present), np.mean(rows.present(view))
        if abs(now - before) > MOVED:
            words = f"View {view!r} is there in {percent(now)} of the other rows, but was in"
            found.append(f"{words} {percent(before)} of the rows of the fit.")
    for row in new["rows"]:
        first = next(part for part in scores if part["name"] == row["task"])["choices"].iloc[0]
        if row["n"] >= 30 and row["value"] < first["low"] - (first["high"] - first["low"]):
            words = f"{row['task']} scores {row['score']} on other rows, clearly below its interval in the fit:"
            found.append(f"{words} these rows differ, or the rows of the fit repeat each other.")
        gap = _drift(cells_of(model, row["task"]), row["prediction"])
        if gap:
            words = f"Predictions of {row['task']} are spread differently on the other rows than they were in the fit"
            found.append(f"{words} (largest gap {percent(gap)}).")
    return found


def _drift(cells, prediction):
    """Return the largest Kolmogorov-Smirnov distance of new predictions to those of the fit; 0 where it may be chance.

    Distances below 0.2 do not count: a refit on all rows is a little surer than the models of the folds.
    """
    columns = list(zip(cells.ensemble[cells.scored].T, prediction.T, strict=False))  # of quantiles the medians alone
    tests = [ks_2samp(old, new) for old, new in columns if len(old) and len(new)]
    return max((f.statistic for f in tests if f.statistic > 0.2 and f.pvalue * len(tests) < 0.001), default=0.0)


def _failures(model):
    for failure in model.failures_:
        where = ", ".join(str(failure[key]) for key in ("learner", "reads", "task") if failure.get(key))
        yield f"A learner failed and was left out ({where}): {failure.get('error', '')}"


def _classes(model):
    checks = check_classes(model.tasks_, model.targets_, folds_of(model.folds_), getattr(model, "cv", None))
    if checks:
        rare = [words for _, verdict, _, words in checks if verdict != "pass"]
        yield _verdict("Are there enough rows of each class?", "no", rare)


def _notes(model):
    yield from model.schema_.notes
    for name, target in model.targets_.items():
        known = np.mean(~np.isnan(np.asarray(target, dtype=float)))
        if known < FEW_LABELS:
            yield f"Only {percent(known)} of the labels of {name} are known."
    for view, present in model.present_.items():
        if np.mean(present) < FEW_ITEMS:
            yield f"{view} is missing in {percent(1 - np.mean(present))} of the rows."
    if getattr(model, "random_state", 0) is None:
        yield "random_state was not set: another fit gives slightly different numbers."
