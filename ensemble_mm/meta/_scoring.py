"""What a blend of members is worth: the losses of many blends at once."""

import numpy as np
from scipy.stats import rankdata

from .._kinds import Classes, Numbers
from .._scorers import scored
from ._columns import TINY, relevant, row_losses

# Share of the plain loss that is mixed into other metrics, to decide where they tie.
TIE_BREAK = 1e-4
MOST_PRODUCTS = 500  # members of whose errors all products are taken


class Objective:
    """Loss of blends on some rows, for many blends in one go; lower is better.

    Parameters
    ----------
    cells : ndarray of shape (n_rows, n_members, n_classes or 1)
    y, weight : ndarrays of shape (n_rows,)
    kind : Kind
    scoring : None, str or callable
        None: log loss or squared error. Anything else is maximised.
    """

    def __init__(self, cells, y, weight, kind, scoring=None):
        self.cells, self.y, self.weight, self.kind = cells, y, weight / weight.sum(), kind
        self.gain, self.here = relevant(cells, y, kind)
        self.whole = bool(self.here.all())
        self.worst = kind.worst(y, self.weight)
        self.plain = is_the_loss(scoring, kind)
        self.metric = AT_ONCE[kind.family].get(scoring) if isinstance(scoring, str) else None
        if scoring == "roc_auc" and not ((weight == weight[0]).all() and kind.n_classes == len(np.unique(y)) == 2):
            self.metric = None  # ranks know no weights
        self.slow = not self.plain and self.metric is None
        self.products = None
        if self.plain and self.whole and type(kind).loss is Numbers.loss and cells.shape[1] <= MOST_PRODUCTS:
            apart = self.gain - y[:, np.newaxis]
            self.products = (apart * self.weight[:, np.newaxis]).T @ apart
        if self.slow:
            self.score = scored(scoring, y, weight, kind)

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
        if self.products is not None:  # the squared error of a mean, from the products of its members' errors
            total = self.products @ counts
            together = counts @ total + 2 * total[pool] + self.products.diagonal()[pool]
            return together / (counts.sum() + 1) ** 2
        used = np.flatnonzero(counts)
        total = self.gain[:, used] @ counts[used]
        number = counts.sum() if self.whole else (self.here[:, used] @ counts[used])[:, np.newaxis]
        step = 1.0 if self.whole else self.here[:, pool]
        blends, number = total[:, np.newaxis] + self.gain[:, pool], number + step
        plain = self.weight @ row_losses(blends, np.asarray(number), self.y, self.kind, self.worst)
        if self.plain:
            return plain
        mixed = self._mixed(counts, used, pool)
        judged = (
            -np.array([self.score(mixed[:, j]) for j in range(len(pool))])
            if self.slow
            else self.metric(self.y, mixed, self.weight)
        )
        return judged + TIE_BREAK * plain / max(self.worst, TINY)

    def _mixed(self, counts, used, pool):
        filled = np.nan_to_num(self.cells)
        total = np.einsum("nmc,m->nc", filled[:, used], counts[used])[:, np.newaxis] + filled[:, pool]
        number = (self.here[:, used] @ counts[used])[:, np.newaxis] + self.here[:, pool]
        mixed = total / np.maximum(number, TINY)[:, :, np.newaxis]
        mixed[number <= TINY] = self.kind.prior(self.y, self.weight)
        return mixed


def is_the_loss(scoring, kind):
    """Tell whether a scorer orders blends as the plain loss does."""
    return scoring is None or scoring in kind.same_as_loss


def _accuracy(y, mixed, share):
    return -(share @ (mixed.argmax(axis=2) == y[:, np.newaxis]))


def _balanced_accuracy(y, mixed, share):
    known = np.bincount(y, share)
    return _accuracy(y, mixed, share / (known[y] * (known > 0).sum()))


def _brier(y, mixed, share):
    return share @ ((mixed - np.eye(mixed.shape[2])[y][:, np.newaxis]) ** 2).sum(axis=2)


def _roc_auc(y, mixed, share):
    one = y == 1
    ranks = rankdata(mixed[:, :, 1], axis=0)[one].sum(axis=0)
    return -(ranks - one.sum() * (one.sum() + 1) / 2) / (one.sum() * (~one).sum())


def _mean_away(y, mixed, share):
    return share @ np.abs(mixed[:, :, 0] - y[:, np.newaxis])


def _median_away(y, mixed, share):
    return np.median(np.abs(mixed[:, :, 0] - y[:, np.newaxis]), axis=0)


# Minus the scores of many blends at once, from y, the blends of shape (n_rows, n_blends, width) and shares of the rows.
AT_ONCE = {
    Classes.family: {
        "accuracy": _accuracy,
        "balanced_accuracy": _balanced_accuracy,
        "neg_brier_score": _brier,
        "roc_auc": _roc_auc,
    },
    Numbers.family: {"neg_mean_absolute_error": _mean_away, "neg_median_absolute_error": _median_away},
}
