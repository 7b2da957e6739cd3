"""The score of a task beside what simpler choices give, from the table alone."""

import numpy as np
import pandas as pd

from ..meta import alternatives, simpler

WORDS = {
    "accuracy": "share right",
    "d2_pinball": "pinball loss removed",
    "d2_poisson": "Poisson deviance removed",
    "log_loss": "log loss",
    "mae": "mean absolute error",
    "ndcg": "NDCG",
    "ndcg_at_10": "NDCG of the first 10",
    "quadratic_kappa": "quadratic kappa",
    "r2": "R²",
    "roc_auc": "ROC AUC",
}  # other metrics are shown by their names


def compare_choices(cells, views, *, coverage=0.95):
    """Compare the ensemble with those of the learners of each view alone, with early fusion and with a constant.

    Numbers are those of the leaderboard: scores are means over the folds, and differences to the ensemble are taken
    on the rows that both have. The learners of one view, and those that read all views side by side, are combined as
    those of the ensemble are, by meta-learners of the same kind that are fitted fold by fold.

    Parameters
    ----------
    cells : Cells
    views : list of str
    coverage : float, default=0.95

    Returns
    -------
    DataFrame
        One row per choice: "choice", "learner" (the names of all that it has, or the view that is best alone), the
        columns of `Judge.compare`, "second" (the second metric of the kind: ROC AUC of two classes, mean absolute error
        of a number, else NaN) and "gain" (share of the constant's loss that is removed on the rows that were scored).
    """
    kind, judge = cells.kind, cells.judge()
    others = _simpler(cells, views) if len(cells.scored) else []
    choices = [("ensemble", "", cells.ensemble), *others, (f"always {kind.usual}", "", judge.constant)]
    outs = [out for *_, out in choices]
    judged = judge.compare(outs, coverage)
    second = cells.judge(kind.second)
    judged["second"] = [second.score(out) if kind.second and len(second.known) else np.nan for out in outs]
    judged["gain"] = [_gain(cells, out, judge.constant) for out in outs]
    return pd.DataFrame([choice[:2] for choice in choices], columns=["choice", "learner"]).join(judged)


def _gain(cells, out, constant):
    """Return the share of the constant's loss that a prediction removes, on the rows where both are."""
    rows = np.flatnonzero(~np.isnan(np.c_[cells.truth, out, constant]).any(axis=1))
    part = cells.take(rows)
    prior = part.mean(part.losses(constant[rows])) if len(rows) else 0.0
    return 1 - part.mean(part.losses(out[rows])) / prior if prior > 0 else np.nan


def words_of(metric):
    """Return what a metric is called in a report."""
    return WORDS.get(metric, metric)


def _simpler(cells, views):
    """Return (choice, learners, out-of-fold predictions) of the members of each view alone, of the best, and of all."""
    apart = alternatives(cells.reads, views)
    outs, best = simpler(
        cells.meta_of, cells.block, apart, cells.truth, cells.kind, cells.folds,
        cells.weight, cells.groups,
    )  # fmt: skip
    found = [
        (
            f"only {names[0]!r}" if len(names) == 1 else "all views side by side",
            ", ".join(dict.fromkeys(cells.members[m].learner for m in apart[names])),
            out,
        )
        for names, out in outs.items()
    ]
    n_alone = sum(len(names) == 1 for names in outs)
    return found[:n_alone] + ([("best single view", *best)] if n_alone > 1 else []) + found[n_alone:]
