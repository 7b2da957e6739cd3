"""Which members to keep: selectors over the table that drop what does not help."""

import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator

from .._checks import check_count
from ._columns import TINY, relevant, split, spread


class OrderedPruner(BaseEstimator):
    """Order members so that each next one helps the mean of those before it most, and keep the first [1]_.

    Parameters
    ----------
    n_members : int or None, default=None
        How many to keep; None: the fewest (at most half) whose mean is not significantly worse than the best.
    n_classes : int or None, default=None
        None or 0 for a regression.

    Attributes
    ----------
    order_ : ndarray of int
        Members in the order in which they were taken.
    support_ : ndarray of int
        Sorted positions of the kept members.

    References
    ----------
    .. [1] Martinez-Munoz, G., Suarez, A. (2006). Pruning in ordered bagging ensembles. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import OrderedPruner
    >>> y = np.arange(30.0)
    >>> OrderedPruner(n_members=1).fit(np.c_[np.zeros(30), y], y).support_
    array([1])
    """

    def __init__(self, n_members=None, *, n_classes=None):
        self.n_members = n_members
        self.n_classes = n_classes

    def fit(self, X, y):
        """Order the members of a table of shape (n_samples, n_members * n_columns)."""
        n_classes = self.n_classes or 0
        gain, here = relevant(split(np.asarray(X, dtype=float), n_classes), np.asarray(y), n_classes)
        y, n = np.asarray(y, dtype=float), gain.shape[1]
        total, count, weight = np.zeros(len(y)), np.zeros(len(y)), np.ones((len(y), 1))
        left, order, rows = list(range(n)), [], []
        while left:
            trial = _mean_loss(
                total[:, np.newaxis] + gain[:, left],
                count[:, np.newaxis] + here[:, left],
                y[:, np.newaxis],
                weight,
                n_classes,
            )
            best = left.pop(int(np.argmin(trial)))
            total, count = total + gain[:, best], count + here[:, best]
            order.append(best)
            rows.append(_row_losses(total, count, y, n_classes))
        self.order_ = np.array(order)
        keep = self.n_members if self.n_members is not None else self._fewest(rows)
        self.support_ = np.sort(self.order_[:keep])
        return self

    def _fewest(self, rows):
        most = max(1, len(rows) // 2)
        best = int(np.argmin([r.mean() for r in rows]))
        for k in range(most):
            difference = rows[k] - rows[best]
            if difference.mean() <= difference.std(ddof=1) / np.sqrt(len(difference)) + TINY:
                return k + 1
        return most


class RedundancyPruner(BaseEstimator):
    """Drop of every pair of members that say nearly the same the worse one.

    Parameters
    ----------
    limit : float, default=0.98
        Correlation of ranks of two members' cells above which they count as the same.
    n_classes : int or None, default=None

    Attributes
    ----------
    correlation_ : ndarray of shape (n_members, n_members)
    support_ : ndarray of int

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import RedundancyPruner
    >>> y = np.arange(30.0)
    >>> table = np.c_[y, y + 0.01, np.sin(y)]
    >>> len(RedundancyPruner().fit(table, y).support_)
    2
    """

    def __init__(self, limit=0.98, *, n_classes=None):
        self.limit = limit
        self.n_classes = n_classes

    def fit(self, X, y):
        """Compare the members of a table of shape (n_samples, n_members * n_columns)."""
        n_classes = self.n_classes or 0
        cells = split(np.asarray(X, dtype=float), n_classes)
        filled = spread(cells)
        filled = filled[~np.isnan(filled).any(axis=(1, 2))]
        flat = filled[:, :, 1:] if n_classes == 2 else filled
        ranks = np.array([rankdata(flat[:, m].ravel()) for m in range(flat.shape[1])])
        with np.errstate(invalid="ignore", divide="ignore"):
            self.correlation_ = np.atleast_2d(np.nan_to_num(np.corrcoef(ranks)))
        gain, here = relevant(cells, np.asarray(y), n_classes)
        y = np.asarray(y, dtype=float)
        losses = [_row_losses(gain[:, m], here[:, m], y, n_classes).mean() for m in range(gain.shape[1])]
        kept = []
        for m in np.argsort(losses, kind="stable"):
            if all(self.correlation_[m, other] <= self.limit for other in kept):
                kept.append(int(m))
        self.support_ = np.sort(kept)
        return self


class CostPruner(BaseEstimator):
    """Keep the members that lower the loss most for their seconds a row.

    Parameters
    ----------
    seconds : array-like of shape (n_members,)
        Cost of predicting one row, in seconds (any common unit will do).
    budget : float in (0, 1], default=0.5
        Share of the summed seconds that the kept members may take; the best member always stays.
    n_classes : int or None, default=None

    Attributes
    ----------
    support_ : ndarray of int
    """

    def __init__(self, seconds, budget=0.5, *, n_classes=None):
        self.seconds = seconds
        self.budget = budget
        self.n_classes = n_classes

    def fit(self, X, y):
        """Weigh loss against seconds on a table of shape (n_samples, n_members * n_columns)."""
        seconds = np.asarray(self.seconds, dtype=float)
        n_classes = self.n_classes or 0
        gain, here = relevant(split(np.asarray(X, dtype=float), n_classes), np.asarray(y), n_classes)
        if len(seconds) != gain.shape[1]:
            raise ValueError(f"seconds has {len(seconds)} values for {gain.shape[1]} members: give one a member.")
        y = np.asarray(y, dtype=float)
        total, count, kept, spent = np.zeros(len(y)), np.zeros(len(y)), [], 0.0
        now = np.inf
        while True:
            best = None
            for m in range(gain.shape[1]):
                if m in kept or (kept and spent + seconds[m] > self.budget * seconds.sum()):
                    continue
                loss = _row_losses(total + gain[:, m], count + here[:, m], y, n_classes).mean()
                worth = -loss if not kept else (now - loss) / max(seconds[m], TINY)
                if (not kept or loss < now) and (best is None or worth > best[0]):
                    best = (worth, m, loss)
            if best is None:
                break
            _, m, now = best
            kept.append(m)
            spent += seconds[m]
            total, count = total + gain[:, m], count + here[:, m]
        self.support_ = np.sort(kept)
        return self


def select_members(prune, X, y, *, kind, n_classes=None, seconds=None, names=None, random_state=None):
    """Return the sorted positions of the members to keep.

    Parameters
    ----------
    prune : None, "auto", int, or selector
        None keeps all; "auto" at most half, at no significant loss; a number keeps that many in the order of use; a
        selector is fitted on the table and has `support_` (positions or a mask); a callable is `(X, y) -> positions`.
    X : ndarray of shape (n_samples, n_members * n_columns)
        Table of one task.
    y : ndarray of shape (n_samples,)
        Class positions or numbers.
    kind : {"binary", "multiclass", "regression"}
    n_classes : int or None, default=None

    Returns
    -------
    list of int
    """
    classes = n_classes if kind != "regression" else 0
    n_members = X.shape[1] // (classes if classes and classes > 2 else 1)
    y = np.asarray(y).astype(np.intp) if classes else np.asarray(y, dtype=float)
    if prune is None:
        return list(range(n_members))
    if isinstance(prune, str):
        if prune != "auto":
            raise ValueError(f'prune={prune!r} is not known: use None, "auto", a number of members or a selector.')
        return OrderedPruner(n_classes=classes).fit(X, y).support_.tolist()
    if isinstance(prune, (int, np.integer)) and not isinstance(prune, bool):
        check_count("prune", prune, minimum=1)
        return OrderedPruner(min(int(prune), n_members), n_classes=classes).fit(X, y).support_.tolist()
    if hasattr(prune, "fit"):
        from sklearn.base import clone

        selector = clone(prune)
        if "n_classes" in selector.get_params():
            selector.set_params(n_classes=classes)
        selector.fit(X, y)
        support = selector.get_support() if hasattr(selector, "get_support") else np.asarray(selector.support_)
        if hasattr(selector, "get_support") and classes and classes > 2:
            support = support.reshape(n_members, classes).any(axis=1)
    elif callable(prune):
        support = np.asarray(prune(X, y))
    else:
        raise ValueError(f'prune={prune!r} is not known: use None, "auto", a number of members or a selector.')
    kept = np.flatnonzero(support) if support.dtype == bool else np.sort(support)
    if not len(kept):
        raise ValueError(f"prune={prune!r} keeps no member: loosen it.")
    return [int(m) for m in kept]


def _row_losses(total, count, y, n_classes):
    empty = count <= TINY
    mixed = total / np.where(empty, 1.0, count)
    if n_classes:
        return -np.log(np.clip(np.where(empty, 1 / n_classes, mixed), TINY, 1))
    return np.where(empty, np.var(y), (mixed - y) ** 2)


def _mean_loss(total, count, y, weight, n_classes):
    empty = count <= TINY
    mixed = total / np.where(empty, 1.0, count)
    if n_classes:
        loss = -np.log(np.clip(np.where(empty, 1 / n_classes, mixed), TINY, 1))
    else:
        spread_of_y = np.average((y - np.average(y, weights=weight[:, 0], axis=0)) ** 2, weights=weight[:, 0], axis=0)
        loss = np.where(empty, spread_of_y, (mixed - y) ** 2)
    return (loss * weight).sum(axis=0) / weight.sum()
