"""The score of a task beside what simpler choices give, with bootstrap intervals, from the table alone."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from ._cells import CROSS_TASK, row_losses


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
        "difference_low", "difference_high", "second" (ROC AUC of two classes, mean absolute error of a number, else
        NaN), "gain" (share of the prior's loss removed).
    """
    cells = cells.take(cells.scored)
    choices = [("ensemble", "", cells.ensemble)]
    choices += [(f"only {view!r}", *_best(cells, frozenset([view]))) for view in views]
    if len(views) > 1:
        choices.append(("all views side by side", *_best(cells, frozenset(views))))
    constant = np.broadcast_to(cells.prior, cells.ensemble.shape)
    choices.append(("always the mean" if cells.task.kind == "regression" else "always the most frequent", "", constant))
    choices = [choice for choice in choices if choice[2] is not None]
    n = len(cells.truth)
    rng = np.random.default_rng(random_state)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=n_bootstrap) if n else np.zeros((0, 0))
    tails = [(1 - coverage) / 2, (1 + coverage) / 2]
    prior_loss = row_losses(constant, cells.truth, cells.task.kind)
    rows, draws_of_ensemble, score_of_ensemble = [], None, None
    for name, learner, prediction in choices:
        score, draws = _scores(cells, prediction, counts)
        if draws_of_ensemble is None:
            draws_of_ensemble, score_of_ensemble = draws, score
        low, high = _interval(draws, tails)
        apart_low, apart_high = _interval(draws - draws_of_ensemble, tails)
        loss = row_losses(prediction, cells.truth, cells.task.kind)
        gain = 1 - loss.mean() / prior_loss.mean() if n and prior_loss.mean() > 0 else np.nan
        rows.append(
            (name, learner, score, low, high, score - score_of_ensemble, apart_low, apart_high,
             _second(cells, prediction), gain)
        )  # fmt: skip
    names = ["choice", "learner", "score", "low", "high", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=[*names, "second", "gain"])


def score_words(kind) -> tuple[str, str]:
    """Return what the two scores of a kind of task are called."""
    if kind == "regression":
        return "R²", "mean absolute error"
    return "share right", "ROC AUC" if kind == "binary" else ""


def _best(cells, wanted):
    """Return (learner, predictions) of the best member that reads exactly these views; None where there is none."""
    best, best_loss, best_prediction = "", np.inf, None
    for m, (learner, reads) in enumerate(cells.members):
        if cells.views[m] != wanted or CROSS_TASK.search(reads):
            continue
        column = cells.cube[:, m]
        absent = np.isnan(column).any(axis=1)
        prediction = np.where(absent[:, np.newaxis], cells.prior, column)
        loss = row_losses(prediction, cells.truth, cells.task.kind).mean() if len(prediction) else 0.0
        if loss < best_loss:
            best, best_loss, best_prediction = learner, loss, prediction
    return best, best_prediction


def _scores(cells, prediction, counts):
    """Return the score and its bootstrap draws: accuracy, or R2 with the spread of each resample."""
    truth = cells.truth
    if not len(truth):
        return np.nan, np.full(1, np.nan)
    if cells.task.kind != "regression":
        right = (prediction.argmax(axis=1) == truth).astype(float)
        return right.mean(), counts @ right / len(truth)
    error = (prediction[:, 0] - truth) ** 2
    spread = np.var(truth) * len(truth)
    means = counts @ truth / len(truth)
    spreads = counts @ truth**2 - len(truth) * means**2
    draws = 1 - (counts @ error) / np.where(spreads > 0, spreads, np.nan)
    return (1 - error.sum() / spread if spread > 0 else np.nan), draws


def _second(cells, prediction):
    truth = cells.truth
    if cells.task.kind == "regression":
        return np.abs(prediction[:, 0] - truth).mean() if len(truth) else np.nan
    if cells.task.kind == "binary" and len(np.unique(truth)) == 2:
        return roc_auc_score(truth, prediction[:, 1])
    return np.nan


def _interval(draws, tails):
    draws = draws[np.isfinite(draws)]
    return tuple(np.quantile(draws, tails)) if len(draws) else (np.nan, np.nan)
