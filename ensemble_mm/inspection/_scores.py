"""The score of a task beside what simpler choices give, with bootstrap intervals, from the table alone."""

import numpy as np
import pandas as pd

from ..meta import alternatives, cross_fitted

WORDS = {
    "accuracy": "share right",
    "log_loss": "log loss",
    "mae": "mean absolute error",
    "r2": "R²",
    "roc_auc": "ROC AUC",
}  # other metrics are shown by their names


def compare_choices(cells, views, *, n_bootstrap=500, coverage=0.95, random_state=0):
    """Compare the ensemble with those of the learners of each view alone, with early fusion and with a constant.

    All are scored on the same rows, on out-of-fold predictions; what has none for a row is given the prior there. The
    learners of one view, and those that read all views side by side, are combined as those of the ensemble are, by
    meta-learners of the same kind that are fitted fold by fold.

    Parameters
    ----------
    cells : Cells
    views : list of str
    n_bootstrap : int, default=500
    coverage : float, default=0.95
    random_state : int or None, default=0

    Returns
    -------
    DataFrame
        One row per choice: "choice", "learner" (the names of all that it has), "score" (accuracy or R2), "low", "high",
        "difference" (to the ensemble), "difference_low", "difference_high", "second" (the second metric of the kind:
        ROC AUC of two classes, mean absolute error of a number, else NaN), "gain" (share of the prior's loss removed).
    """
    rows = cells.scored
    simpler = [(name, learners, out[rows]) for name, learners, out in _simpler(cells, views)] if len(rows) else []
    cells = cells.take(rows)
    choices = [("ensemble", "", cells.ensemble), *simpler, (f"always {cells.kind.usual}", "", cells.constant)]
    n, kind = len(cells.truth), cells.kind
    rng = np.random.default_rng(random_state)
    counts = cells.resamples(n_bootstrap, rng) if n else np.zeros((0, 0))
    tails = [(1 - coverage) / 2, (1 + coverage) / 2]
    prior_loss = cells.mean(cells.losses(cells.constant)) if n else np.nan
    rows, draws_of_ensemble, score_of_ensemble = [], None, None
    for name, learner, prediction in choices:
        score = kind.metric(kind.main, cells.truth, prediction, cells.weight)
        draws = kind.draws(cells.truth, prediction, counts, cells.weight) if n else np.full(1, np.nan)
        if draws_of_ensemble is None:
            draws_of_ensemble, score_of_ensemble = draws, score
        low, high = _interval(draws, tails)
        apart_low, apart_high = _interval(draws - draws_of_ensemble, tails)
        gain = 1 - cells.mean(cells.losses(prediction)) / prior_loss if n and prior_loss > 0 else np.nan
        rows.append(
            (name, learner, score, low, high, score - score_of_ensemble, apart_low, apart_high,
             kind.metric(kind.second, cells.truth, prediction, cells.weight) if kind.second else np.nan, gain)
        )  # fmt: skip
    names = ["choice", "learner", "score", "low", "high", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=[*names, "second", "gain"])


def words_of(metric):
    """Return what a metric is called in a report."""
    return WORDS.get(metric, metric)


def _simpler(cells, views):
    """Yield (choice, learners, out-of-fold predictions) of the members of each view alone, and of all side by side."""
    for names, members in alternatives(cells.reads, views).items():
        learners = dict.fromkeys(cells.members[m].learner for m in members)
        block = cells.kind.flat(cells.cube[:, members])
        _, out = cross_fitted(cells.meta, block, cells.truth, cells.kind, cells.folds, cells.weight, cells.groups)
        absent = np.isnan(out).any(axis=1)
        out[absent] = cells.prior
        choice = f"only {names[0]!r}" if len(names) == 1 else "all views side by side"
        yield choice, ", ".join(learners), out


def _interval(draws, tails):
    draws = draws[np.isfinite(draws)]
    return tuple(np.quantile(draws, tails)) if len(draws) else (np.nan, np.nan)
