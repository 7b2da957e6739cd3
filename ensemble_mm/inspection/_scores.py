"""The score of a task beside what simpler choices give, with bootstrap intervals, from the table alone."""

import numpy as np
import pandas as pd

from ._cells import CROSS_TASK

WORDS = {
    "accuracy": "share right",
    "log_loss": "log loss",
    "mae": "mean absolute error",
    "r2": "R²",
    "roc_auc": "ROC AUC",
}  # other metrics are shown by their names


def compare_choices(cells, views, *, n_bootstrap=500, coverage=0.95, random_state=0):
    """Compare the ensemble with the best learner on each view, with early fusion and with a constant.

    All are scored on the same rows, on out-of-fold predictions; a learner that abstains on a row is given the
    prior there. The best learner of each input is chosen by its loss on these very rows: that flatters it.

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
        A row a choice: "choice", "learner", "score" (accuracy or R2), "low", "high", "difference" (to the ensemble),
        "difference_low", "difference_high", "second" (the second metric of the kind: ROC AUC of two classes,
        mean absolute error of a number, else NaN), "gain" (share of the prior's loss removed).
    """
    cells = cells.take(cells.scored)
    choices = [("ensemble", "", cells.ensemble)]
    choices += [(f"only {view!r}", *_best(cells, frozenset([view]))) for view in views]
    if len(views) > 1:
        choices.append(("all views side by side", *_best(cells, frozenset(views))))
    choices.append((f"always {cells.kind.usual}", "", cells.constant))
    choices = [choice for choice in choices if choice[2] is not None]
    n, kind = len(cells.truth), cells.kind
    rng = np.random.default_rng(random_state)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=n_bootstrap) if n else np.zeros((0, 0))
    tails = [(1 - coverage) / 2, (1 + coverage) / 2]
    prior_loss = cells.losses(cells.constant)
    rows, draws_of_ensemble, score_of_ensemble = [], None, None
    for name, learner, prediction in choices:
        score = kind.metric(kind.main, cells.truth, prediction)
        draws = kind.draws(cells.truth, prediction, counts) if n else np.full(1, np.nan)
        if draws_of_ensemble is None:
            draws_of_ensemble, score_of_ensemble = draws, score
        low, high = _interval(draws, tails)
        apart_low, apart_high = _interval(draws - draws_of_ensemble, tails)
        loss = cells.losses(prediction)
        gain = 1 - loss.mean() / prior_loss.mean() if n and prior_loss.mean() > 0 else np.nan
        rows.append(
            (name, learner, score, low, high, score - score_of_ensemble, apart_low, apart_high,
             kind.metric(kind.second, cells.truth, prediction) if kind.second else np.nan, gain)
        )  # fmt: skip
    names = ["choice", "learner", "score", "low", "high", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=[*names, "second", "gain"])


def words_of(metric):
    """Return what a metric is called in a report."""
    return WORDS.get(metric, metric)


def _best(cells, wanted):
    """Return (learner, predictions) of the best member that reads exactly these views; None where there is none."""
    best, best_loss, best_prediction = "", np.inf, None
    for m, (learner, reads) in enumerate(cells.members):
        if cells.views[m] != wanted or CROSS_TASK.search(reads):
            continue
        column = cells.cube[:, m]
        absent = np.isnan(column).any(axis=1)
        prediction = np.where(absent[:, np.newaxis], cells.prior, column)
        loss = cells.losses(prediction).mean() if len(prediction) else 0.0
        if loss < best_loss:
            best, best_loss, best_prediction = learner, loss, prediction
    return best, best_prediction


def _interval(draws, tails):
    draws = draws[np.isfinite(draws)]
    return tuple(np.quantile(draws, tails)) if len(draws) else (np.nan, np.nan)
