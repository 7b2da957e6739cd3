"""Which rows of a fit judge what was made of others, and whether one prediction of them is clearly better."""

import numpy as np

from ..meta import mean_and_error, parts_of, rows_worth

SIGNIFICANT = 1.645  # standard errors: one-sided, 5 %


def paired_gain(problem, name, before, after, some=True):
    """Return by how much the loss of a task is lower with the second of two predictions, and its standard error.

    Rows count by their weights, where both predictions and the label are there and the mask `some` is true: one of
    weight two is as sure as two equal ones. Fewer than two rows or groups give (0, inf).
    """
    task, y = problem.tasks[name], problem.targets[name]
    rows = has_both(y, before) & has_both(y, after) & some
    if problem.weights[name] is not None:
        rows &= problem.weights[name] > 0
    if not rows.any():
        return 0.0, np.inf
    difference = task.rules.losses(y[rows], before[rows]) - task.rules.losses(y[rows], after[rows])
    return mean_of(problem, name, difference, rows)


def mean_of(problem, name, values, rows):
    """Return the mean of one value for each of some rows of a task, and its standard error."""
    return mean_and_error(values, *(None if part is None else part[rows]
                                    for part in (problem.weights[name], problem.group_codes)))  # fmt: skip


def has_both(y, out):
    """Return which rows have a label and a prediction."""
    return ~np.isnan(y) & np.isfinite(out.reshape(len(y), -1)).all(axis=1)


def worth_of(problem, name, rows):
    """Return how many independent rows, or groups, some rows are worth."""
    if problem.groups is not None:
        return len(np.unique(problem.group_codes[rows]))
    weight = problem.weights[name]
    return rows_worth(None if weight is None else weight[rows], rows.sum()).sum() if rows.any() else 0


def parts(run):
    """Return pairs (others, rows): what meta-learners and choices learn from, and the rows of a fold or of its part."""
    labels = next(iter(run.problem.strata.values()), None)
    return parts_of(run.folds, run.problem.n_rows, run.problem.group_codes, labels, once=run.refit)


def first_part(run):
    """Return the first of `parts` that each row belongs to on which patterns are tried out."""
    first = np.full(run.problem.n_rows, -1)
    for part, (_, rows) in reversed(list(enumerate(parts(run)))):
        first[rows] = part
    return first[run.tried.rows]


def outside(run, fold):
    """Return which rows are among the others of a fold (by its place in `parts`); all for None."""
    mask = np.full(run.problem.n_rows, fold is None)
    if fold is not None:
        mask[parts(run)[fold][0]] = True
    return mask
