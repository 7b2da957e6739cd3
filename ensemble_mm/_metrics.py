"""Metrics of kinds of task: each is given a kind, encoded labels, whole predictions and weights of rows (or None)."""

import numpy as np
from sklearn.metrics import f1_score, mean_absolute_error, recall_score, roc_auc_score, root_mean_squared_error

MOST_OTHERS = 2000  # rows that each row is compared with: all of them tell hardly more
PAIRS = 500_000  # that are compared at once
TINY = 1e-12


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


def ndcg(kind, y, out, weight):
    """Return the mean of the queries' NDCG; NaN where no query has anything to order."""
    return _mean_of_queries(kind, y, out, weight, None)


def ndcg_at_10(kind, y, out, weight):
    return _mean_of_queries(kind, y, out, weight, 10)


def _mean_of_queries(kind, y, out, weight, first):
    query, place, n_rows = np.unique(kind.units(y), return_inverse=True, return_counts=True)
    gains = ndcg_by_query(place, kind.relevance(y), out[:, 0], first)
    counts = np.ones(len(query)) if weight is None else np.bincount(place, weight) / n_rows
    some = ~np.isnan(gains)
    return np.average(gains[some], weights=counts[some]) if (counts[some] > 0).any() else np.nan


def ndcg_by_query(query, relevance, scores, first=None):
    """Return the NDCG of each query, in rising order; NaN where all rows are as relevant.

    Gains are the relevances, and rows of equal score share their places, as in `sklearn.metrics.ndcg_score`.
    """
    _, query = np.unique(query, return_inverse=True)
    most, least = np.full(query.max() + 1, -np.inf), np.full(query.max() + 1, np.inf)
    np.maximum.at(most, query, relevance)
    np.minimum.at(least, query, relevance)
    got, best = (_gained(query, relevance, by, first) for by in (scores, relevance))
    return np.where(most > least, got / np.maximum(best, TINY), np.nan)


def _gained(query, relevance, scores, first):
    """Return the discounted gains of each query in the order of some scores."""
    order = np.lexsort((-scores, query))
    query, relevance, scores = query[order], relevance[order], scores[order]
    starts = np.searchsorted(query, np.arange(query[-1] + 1))
    place = np.arange(len(query)) - starts[query]
    discount = 1 / np.log2(place + 2)
    if first is not None:
        discount[place >= first] = 0
    tie = np.cumsum(np.r_[True, (query[1:] != query[:-1]) | (scores[1:] != scores[:-1])]) - 1
    shared = np.bincount(tie, discount) / np.bincount(tie)
    return np.bincount(query, relevance * shared[tie])


def concordance_in_queries(kind, y, out, weight):
    """Return the share of pairs of a query, of different relevance, whose order is told; NaN without any."""
    wrong, known = pairs_in_queries(kind.units(y), kind.relevance(y), out[:, 0])
    weight = np.ones(len(y)) if weight is None else weight
    return 1 - weight @ wrong / total if (total := weight @ known) > 0 else np.nan


def pairs_in_queries(query, relevance, scores):
    """Return, of each row, how many others of its query it is in the wrong order to, and how many differ from it.

    Of many rows of a query some, evenly spaced, are the others.
    """
    wrong, known = np.zeros(len(query)), np.zeros(len(query))
    order = np.argsort(query, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(query[order])) + 1):
        other = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_OTHERS)).astype(np.intp)]
        apart = np.sign(relevance[rows, np.newaxis] - relevance[other])
        said = np.sign(scores[rows, np.newaxis] - scores[other])
        known[rows] = (apart != 0).sum(axis=1)
        wrong[rows] = (np.abs(apart - said) * (apart != 0)).sum(axis=1) / 2
    return wrong, known


def within(query, values):
    """Return values less the mean of their query, in units of what they vary by within queries."""
    _, place, n_rows = np.unique(query, return_inverse=True, return_counts=True)
    apart = values - (np.bincount(place, values) / n_rows)[place]
    return apart / max(np.sqrt(np.mean(apart**2)), TINY)
