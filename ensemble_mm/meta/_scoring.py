"""What a blend of members is worth: losses of many blends at once, and any scikit-learn scorer of one."""

import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer

from ._columns import TINY, relevant, row_losses, worst_loss

# Scorers whose order of blends is that of the plain loss.
SAME_AS_LOSS = {
    True: (None, "neg_log_loss", "d2_log_loss_score"),
    False: (None, "r2", "neg_mean_squared_error", "neg_root_mean_squared_error"),
}
AT_ONCE = {
    True: ("accuracy", "balanced_accuracy", "neg_brier_score", "roc_auc"),
    False: ("neg_mean_absolute_error", "neg_median_absolute_error"),
}
# Share of the plain loss that is mixed into other metrics, to decide where they tie.
TIE_BREAK = 1e-4


class Objective:
    """Loss of blends on some rows, for many blends in one go; lower is better.

    Parameters
    ----------
    cells : ndarray of shape (n_rows, n_members, n_classes or 1)
    y, weight : ndarrays of shape (n_rows,)
    n_classes : int
        0 for numbers.
    scoring : None, str or callable
        None: log loss or squared error. Anything else is maximised.
    """

    def __init__(self, cells, y, weight, n_classes, scoring=None):
        self.cells, self.y, self.weight, self.n_classes = cells, y, weight / weight.sum(), n_classes
        self.gain, self.here = relevant(cells, y, n_classes)
        self.whole = bool(self.here.all())
        self.worst = worst_loss(y, self.weight, n_classes)
        kind = bool(n_classes)
        self.even = bool((weight == weight[0]).all())
        self.metric = None if scoring in SAME_AS_LOSS[kind] else scoring
        at_once = isinstance(scoring, str) and scoring in AT_ONCE[kind]
        if scoring == "roc_auc":
            at_once = n_classes == 2 and self.even and len(np.unique(y)) == 2  # ranks know no weights
        self.slow = self.metric is not None and not at_once
        if self.slow:
            self.score = scored(scoring, y, weight, n_classes)

    def alone(self):
        """Return the loss of every member on its own, shape (n_members,)."""
        return self.trials(np.zeros(self.cells.shape[1]), np.arange(self.cells.shape[1]))

    def trials(self, counts, pool):
        """Return the loss of the blends that one more of each member in `pool` gives, shape (len(pool),).

        Parameters
        ----------
        counts : ndarray of shape (n_members,)
            How often each member counts already.
        pool : ndarray of int
        """
        used = np.flatnonzero(counts)
        total = self.gain[:, used] @ counts[used]
        number = counts.sum() if self.whole else (self.here[:, used] @ counts[used])[:, np.newaxis]
        step = 1.0 if self.whole else self.here[:, pool]
        blends, number = total[:, np.newaxis] + self.gain[:, pool], number + step
        plain = self.weight @ row_losses(blends, np.asarray(number), self.y, self.n_classes, self.worst)
        if self.metric is None:
            return plain
        return self._metric(counts, used, pool) + TIE_BREAK * plain / max(self.worst, TINY)

    def _metric(self, counts, used, pool):
        filled = np.nan_to_num(self.cells)
        total = np.einsum("nmc,m->nc", filled[:, used], counts[used])[:, np.newaxis] + filled[:, pool]
        number = (self.here[:, used] @ counts[used])[:, np.newaxis] + self.here[:, pool]
        mixed = total / np.maximum(number, TINY)[:, :, np.newaxis]
        empty = number <= TINY
        if self.n_classes:
            prior = np.bincount(self.y, self.weight, minlength=self.n_classes)
        else:
            prior = np.atleast_1d(self.weight @ self.y)
        mixed[empty] = prior
        if self.slow:
            return -np.array([self.score(mixed[:, j]) for j in range(len(pool))])
        if self.metric == "neg_brier_score":
            return self.weight @ ((mixed - np.eye(self.n_classes)[self.y][:, np.newaxis]) ** 2).sum(axis=2)
        if self.metric in ("accuracy", "balanced_accuracy"):
            known = np.bincount(self.y, self.weight, minlength=self.n_classes)
            share = self.weight if self.metric == "accuracy" else self.weight / (known[self.y] * (known > 0).sum())
            return -(share @ (mixed.argmax(axis=2) == self.y[:, np.newaxis]))
        if self.metric == "roc_auc":
            one = self.y == 1
            ranks = rankdata(mixed[:, :, 1], axis=0)[one].sum(axis=0)
            return -(ranks - one.sum() * (one.sum() + 1) / 2) / (one.sum() * (~one).sum())
        away = np.abs(mixed[:, :, 0] - self.y[:, np.newaxis])
        return np.median(away, axis=0) if "median" in self.metric else self.weight @ away


class _GivenClassifier(ClassifierMixin, BaseEstimator):
    """Probabilities that are known already: lets any scorer judge them."""

    def __init__(self, out):
        self.out = out
        self.classes_ = np.arange(out.shape[1])

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.out.argmax(axis=1)

    def predict_proba(self, X):
        return self.out


class _GivenRegressor(RegressorMixin, BaseEstimator):
    """Numbers that are known already: lets any scorer judge them."""

    def __init__(self, out):
        self.out = out
        self.fitted_ = True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.out[:, 0]


def scored(scoring, y, weight, n_classes):
    """Return a function from blends, shape (n_samples, n_classes or 1), to the score that a scorer gives.

    A score that is not finite counts as the lowest. Metrics that know no weights go without.
    """
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    if not callable(scorer):
        raise TypeError(
            f"scoring={scoring!r} is no scorer: give a name that scikit-learn knows, or a scorer of its kind."
        )
    given = _GivenClassifier if n_classes else _GivenRegressor
    weights = {} if (weight == weight[0]).all() else {"sample_weight": weight}

    def score(out):
        rows = np.zeros((len(y), 1))
        try:
            found = scorer(given(out), rows, y, **weights)
        except TypeError:
            if not weights:
                raise
            weights.clear()
            found = scorer(given(out), rows, y)
        return found if np.isfinite(found) else -np.finfo(float).max

    return score
