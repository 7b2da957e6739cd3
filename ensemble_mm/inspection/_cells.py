"""One task's part of a fitted stack as plain arrays: what every picture and number of this folder is made of.

`cells_of` reads a fitted model; `blend` weighs members as the meta-learner does when some abstain;
`row_losses` scores a prediction row by row. Nothing here fits or changes anything.
"""

import re
from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import check_is_fitted

CROSS_TASK = re.compile(r"(^|\+)(tasks|chain\d+)$")
SMALLEST_PROBABILITY = 1e-6  # a certain and wrong prediction costs 13.8 nats, not infinity


@dataclass(frozen=True)
class Cells:
    """The table of one task, with what is needed to read it.

    Attributes
    ----------
    task : Task
    members : list of (learner, reads)
    views : list of frozenset of str
        The views that each member reads.
    cube : ndarray of shape (n_rows, n_members, n_classes) or (n_rows, n_members, 1)
        Probabilities of all classes, or numbers; NaN where a member abstained.
    weights : ndarray of shape (n_members,)
        What the meta-learner gives to each member; they sum to 1.
    truth : ndarray of shape (n_rows,)
        Class positions or numbers; NaN where the label is not known.
    ensemble : ndarray of shape (n_rows, n_classes) or (n_rows, 1)
        Out-of-fold predictions of the ensemble; NaN where no fold covers the row.
    prior : ndarray of shape (n_classes,) or (1,)
        Class frequencies, or the mean.
    """

    task: object
    members: list
    views: list
    cube: np.ndarray
    weights: np.ndarray
    truth: np.ndarray
    ensemble: np.ndarray
    prior: np.ndarray

    @property
    def scored(self) -> np.ndarray:
        """Rows that have a known label and an out-of-fold prediction, as positions."""
        return np.flatnonzero(~np.isnan(self.truth) & ~np.isnan(self.ensemble).any(axis=1))

    def take(self, rows) -> "Cells":
        """Return the cells of the given rows."""
        return Cells(
            self.task, self.members, self.views, self.cube[rows], self.weights,
            self.truth[rows], self.ensemble[rows], self.prior,
        )  # fmt: skip


def check_task(model, task) -> str:
    """Return the name of a task of a fitted model: the given one, or the first when `task` is None."""
    check_is_fitted(model, "tasks_")
    names = list(model.tasks_)
    if task is None:
        return names[0]
    if task not in names:
        raise ValueError(f"Task {task!r} is not known: the model has {', '.join(map(repr, names))}.")
    return task


def cells_of(model, task: str | None = None) -> Cells:
    """Read the cells of one task of a fitted model."""
    name = check_task(model, task)
    task = model.tasks_[name]
    members = list(model.table_.members(name))
    block = np.asarray(model.table_.block(name), dtype=float)
    cube = block.reshape(len(block), len(members), -1)
    if task.kind == "binary":
        cube = np.concatenate([1 - cube, cube], axis=2)
    truth = np.asarray(model.targets_[name], dtype=float)
    ensemble = np.asarray(model.oof_[name], dtype=float).reshape(len(truth), -1)
    if task.kind == "binary" and ensemble.shape[1] == 1:
        ensemble = np.hstack([1 - ensemble, ensemble])
    shares = model.contributions_[name].to_dict()  # pruned members are not listed and weigh nothing
    weights = np.array([shares.get((reads, learner), 0.0) for learner, reads in members], dtype=float)
    total = weights.sum()
    weights = weights / total if total > 0 else np.full(len(members), 1 / max(1, len(members)))
    views = [views_read(reads, list(model.views_)) for _, reads in members]
    return Cells(task, members, views, cube, weights, truth, ensemble, prior_of(truth, task))


def views_read(reads: str, views: list[str]) -> frozenset:
    """Return the views behind what a member reads: "review", "all", "review+facts", "tasks" or "all+chain0".

    Estimates of other tasks come from all views.
    """
    if reads in views:
        return frozenset([reads])
    if CROSS_TASK.search(reads) or reads == "all":
        return frozenset(views)
    named = [view for view in views if f"+{view}+" in f"+{reads}+"]
    return frozenset(named or views)


def prior_of(truth, task) -> np.ndarray:
    """Return class frequencies or the mean of the known labels."""
    known = truth[~np.isnan(truth)]
    if task.kind == "regression":
        return np.array([known.mean() if len(known) else 0.0])
    counts = np.bincount(known.astype(int), minlength=len(task.classes)).astype(float)
    return counts / max(1.0, counts.sum())


def blend(cells: Cells, weights=None, present=None) -> np.ndarray:
    """Return the weighted mean of the members that did not abstain, shape (n_rows, n_classes or 1).

    Parameters
    ----------
    cells : Cells
    weights : ndarray of shape (n_members,), default=None
        None: those of the meta-learner.
    present : bool ndarray of shape (n_members,) or (n_rows, n_members), default=None
        Members that take part. A row where the remaining weight is 0 takes the plain mean of its
        remaining members; a row without any takes the prior.
    """
    weights = cells.weights if weights is None else weights
    there = ~np.isnan(cells.cube).any(axis=2)
    if present is not None:
        there = there & present
    share = there * weights
    lost = share.sum(axis=1) <= 1e-12
    share[lost] = there[lost]
    total = share.sum(axis=1, keepdims=True)
    filled = np.where(there[:, :, np.newaxis], cells.cube, 0.0)
    out = np.einsum("nm,nmk->nk", share, filled) / np.where(total > 0, total, 1)
    out[total[:, 0] <= 0] = cells.prior
    return out


def row_losses(prediction, truth, kind: str) -> np.ndarray:
    """Return the log loss (nats) or the squared error (unit of the target, squared) of every row."""
    if kind == "regression":
        return (np.ravel(prediction) - truth) ** 2
    chosen = prediction[np.arange(len(truth)), truth.astype(int)]
    return -np.log(np.clip(chosen, SMALLEST_PROBABILITY, 1))
