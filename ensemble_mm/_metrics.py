"""Metrics of kinds of task: each is given a kind, encoded labels, whole predictions and weights of rows (or None)."""

import numpy as np
from sklearn.metrics import f1_score, mean_absolute_error, recall_score, roc_auc_score, root_mean_squared_error

MOST_OTHERS = 2000  # rows that each row is compared with: all of them tell hardly more
PAIRS = 500_000  # that are compared at once


def accuracy(kind, y, out, weight):
    return np.average(kind.decide(out) == y, weights=weight)


def balanced_accuracy(kind, y, out, weight):
    # Recalls over the classes that occur: balanced_accuracy_score warns of predicted ones that do not.
    return recall_score(y, kind.decide(out), labels=np.unique(y), average="macro", sample_weight=weight)


def f1(kind, y, out, weight):
    return f1_score(y, kind.decide(out), average="macro", zero_division=0, sample_weight=weight)


def roc_auc(kind, y, out, weight):
    if len(np.unique(y)) < kind.n_classes:
        return np.nan
    if kind.n_classes == 2:
        return roc_auc_score(y, out[:, 1], sample_weight=weight)
    return roc_auc_score(y, out, multi_class="ovr", labels=np.arange(kind.n_classes), sample_weight=weight)


def mae(kind, y, out, weight):
    return mean_absolute_error(y, out[:, 0], sample_weight=weight)


def rmse(kind, y, out, weight):
    return root_mean_squared_error(y, out[:, 0], sample_weight=weight)


def steps(kind, y, out, weight):
    return np.average(np.abs(kind.decide(out) - y), weights=weight)


def quadratic_kappa(kind, y, out, weight):
    """Return cohen_kappa_score(weights="quadratic"); NaN where all labels and decisions are one class."""
    said = kind.decide(out)
    middle, middle_said = np.average(y, weights=weight), np.average(said, weights=weight)
    apart = np.average((y - middle) ** 2 + (said - middle_said) ** 2, weights=weight) + (middle - middle_said) ** 2
    return 1 - np.average((said - y) ** 2, weights=weight) / apart if apart > 0 else np.nan


def concordance(kind, y, out, weight):
    """Return the share of pairs whose order is told, of those of which it is known which one came first (Harrell's C);
    NaN without any. Equal predictions tell half."""
    weight = np.ones(len(y)) if weight is None else weight
    wrong, known = pairs(y, out[:, 0], weight)
    return 1 - weight @ wrong / total if (total := weight @ known) > 0 else np.nan


def pairs(y, risk, weight):
    """Return, of each row, the weight of others to which it is in the wrong order, and to which the order is known.

    Of many rows some, evenly spaced, are the others.
    """
    time, event, wrong, known = np.abs(y), y > 0, np.zeros(len(y)), np.zeros(len(y))
    step = max(1, PAIRS // max(len(y), 1))
    others = np.linspace(0, len(y) - 1, min(len(y), MOST_OTHERS)).astype(np.intp)
    for start in range(0, len(others), step):
        other = others[start : start + step]
        later, same = time[:, np.newaxis] < time[other], time[:, np.newaxis] == time[other]
        first = event[:, np.newaxis] & (later | same & ~event[other])
        second = event[other] & (~later & ~same | same & ~event[:, np.newaxis])
        higher = (np.sign(risk[:, np.newaxis] - risk[other]) + 1) / 2
        known += (first | second) @ weight[other]
        wrong += (first * (1 - higher) + second * higher) @ weight[other]
    return wrong, known
