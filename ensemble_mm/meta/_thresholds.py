"""Decisions: which class is said where another rule than the most probable class is asked for.

A rule is a weight per class: what is said is the class with the largest product of weight and probability. Of two
classes, weights t and 1 - t say the second where its probability is above the threshold t.
"""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from .._kinds import Classes
from .._scorers import scored
from ._calibration import check_proba
from ._columns import TINY, rows_worth

MOST_THRESHOLDS = 100  # that are tried, as in TunedThresholdClassifierCV
ROUNDS = 2  # over the classes, of more than two


def decision_threshold(proba, y, scoring="balanced_accuracy", sample_weight=None):
    """Return the threshold on the second class's probability that maximises a metric.

    Of equally good thresholds, the one in the middle of the widest gap between probabilities is taken.

    Parameters
    ----------
    proba : array-like of shape (n_samples,) or (n_samples, 2)
        Out-of-fold probabilities (of the second class).
    y : array-like of shape (n_samples,)
        0 or 1.
    scoring : str or callable, default="balanced_accuracy"
        A scikit-learn scorer that judges decisions, such as "f1".
    sample_weight : array-like of shape (n_samples,) or None, default=None

    Returns
    -------
    float
        Decide for the second class where the probability is at least this.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import decision_threshold
    >>> round(decision_threshold(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1])), 3)
    0.25
    """
    proba = np.asarray(proba, dtype=np.float64)
    proba, y = check_proba(proba if proba.ndim == 2 else np.c_[1 - proba, proba], y)
    threshold, _ = _best(proba[:, -1], np.zeros(len(y), np.intp), 1, y, rows_worth(sample_weight, len(y)), scoring, 2)
    return threshold


def decision_weights(rule, proba, y, classes, sample_weight=None):
    """Return the weight of each class by which it is decided: a tuple that sums to one.

    Parameters
    ----------
    rule : float, str, callable or mapping
        A threshold on the probability of the second of two classes; a scikit-learn scorer that decisions should
        maximise; or what an error on a row of each class costs (1 unless named), which needs no data [1]_.
    proba : ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities.
    y : ndarray of shape (n_samples,)
        Class positions.
    classes : ndarray of shape (n_classes,)
    sample_weight : ndarray of shape (n_samples,) or None, default=None

    References
    ----------
    .. [1] Elkan, C. (2001). The foundations of cost-sensitive learning. IJCAI.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import decision_weights
    >>> proba, y = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]), np.array([0, 0, 1])
    >>> decision_weights({"ill": 4.0}, proba, y, np.array(["ill", "well"]))
    (0.8, 0.2)
    >>> np.round(decision_weights("f1", proba, y, np.array(["no", "yes"])), 2).tolist()
    [0.25, 0.75]
    """
    n_classes = len(classes)
    if isinstance(rule, Mapping):
        weights = np.array([rule.get(label, 1.0) for label in classes.tolist()], dtype=np.float64)
    elif isinstance(rule, Real):
        weights = np.array([rule, 1 - rule])
    else:
        proba, y = check_proba(proba, y)
        worth, weights = rows_worth(sample_weight, len(y)), np.ones(n_classes)
        best = -np.inf
        for c in [1] if n_classes == 2 else [*range(n_classes)] * ROUNDS:
            others = proba * weights
            others[:, c] = -1
            rest = others.argmax(axis=1)
            most = others[np.arange(len(y)), rest]
            share = proba[:, c] / np.maximum(proba[:, c] + most, TINY)
            threshold, score = _best(share, rest, c, y, worth, rule, n_classes)
            if score > best + TINY:
                best, weights[c] = score, (1 - threshold) / max(threshold, TINY)
    return tuple((weights / weights.sum()).tolist())


def _best(share, rest, c, y, weight, scoring, n_classes):
    """Return the best threshold on the share of class `c`, below which `rest` is decided for, and its score."""
    edges = np.unique(share)
    if len(edges) > MOST_THRESHOLDS:
        edges = np.unique(np.quantile(share, np.linspace(0, 1, MOST_THRESHOLDS)))
    # Below all shares and above them, too: what is best for no row, or for all, is so for a new one that lies outside.
    edges = np.r_[0.0, edges, [1.0] if edges[-1] < 1 else []]
    trials = (edges[1:] + edges[:-1]) / 2
    metric = BY_COUNTS.get(scoring) if isinstance(scoring, str) else None
    if metric is None:
        score, sides = scored(scoring, y, weight, Classes(n_classes)), np.eye(n_classes)
        scores = np.array([score(sides[np.where(share >= t, c, rest)]) for t in trials])
    else:
        scores = metric(*_counts(trials, share, rest, c, y, weight, n_classes))
    best = np.lexsort((np.diff(edges), scores.round(12)))[-1]
    return float(trials[best]), float(scores[best])


def _counts(trials, share, rest, c, y, weight, n_classes):
    """Return the weights of the rows of each class that are right, that are decided for, and that there are.

    The first two have shape (n_trials, n_classes), the last has shape (n_classes,).
    """
    order = np.argsort(share)
    place = np.searchsorted(share[order], trials)  # rows before it are decided for `rest`
    rest, y, weight = rest[order], y[order], weight[order]
    decided = np.zeros((len(y) + 1, n_classes))
    decided[np.arange(1, len(y) + 1), rest] = weight
    right = decided * np.r_[False, rest == y][:, np.newaxis]
    decided, right = decided.cumsum(axis=0)[place], right.cumsum(axis=0)[place]
    for table, counted in ((decided, weight), (right, weight * (y == c))):
        table[:, c] = counted.sum() - np.r_[0.0, counted.cumsum()][place]
    return right, decided, np.bincount(y, weight, minlength=n_classes)


def _f1(right, decided, there):
    return 2 * right / np.maximum(decided + there, TINY)


# What sklearn.metrics gives, for all thresholds at once.
BY_COUNTS = {
    "accuracy": lambda right, decided, there: right.sum(axis=1) / there.sum(),
    "balanced_accuracy": lambda right, decided, there: (right[:, there > 0] / there[there > 0]).mean(axis=1),
    "f1": lambda right, decided, there: _f1(right, decided, there)[:, 1],
    "f1_macro": lambda right, decided, there: _f1(right, decided, there).mean(axis=1),
}
