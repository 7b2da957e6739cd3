"""Which members to keep: selectors over the columns of a table that drop what does not help."""

from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import PART, ConstraintsMixin, Number, check_param, check_params, having, one_of, whole
from .._kinds import Classes, Numbers, kind_of
from .._routing import row_params
from .._weights import rows_worth, weighted_ranks
from ._choice import rules_of
from ._columns import TINY, filled, relevant, row_losses, spread, thinned

MOST_ROWS = 20_000
MOST_MEMBERS = 300  # the best ones, which are ordered by what they add to each other
MOST_STEPS = 100


@dataclass(repr=False, eq=False)
class _Pruner(ConstraintsMixin, SelectorMixin, BaseEstimator):
    """What pruners share: a table comes in, the columns of the kept members go out."""

    _: KW_ONLY
    n_classes: int | None = None

    _parameter_constraints: ClassVar[dict[str, Any]] = {"n_classes": [None, whole(0)]}

    def _read(self, X, y, sample_weight):
        """Return cells, y, the share of each row, the gains of members, where they are there, and the prior's loss."""
        check_params(self)
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        y = self._kind.checked(y)
        cells, weight = self._kind.cells(X), rows_worth(sample_weight, len(y))
        some = np.flatnonzero(~np.isnan(cells[:, :, 0]).all(axis=1) & (weight > 0))
        if not len(some):
            raise ValueError("No row of the table has a prediction of any member: there is nothing to choose by.")
        some = thinned(some, MOST_ROWS)
        cells, y, weight = cells[some], y[some], weight[some]
        return cells, y, weight / weight.sum(), *relevant(cells, y, self._kind), self._kind.worst(y, weight)

    @property
    def _kind(self):
        return kind_of(self.n_classes)

    def _keep(self, members):
        self.members_ = np.sort(np.asarray(members, dtype=np.intp))
        return self

    def _get_support_mask(self):
        check_is_fitted(self)
        mask = np.zeros(self.n_features_in_, dtype=bool)
        mask[self._kind.columns(self.members_)] = True
        return mask

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags


@dataclass(repr=False, eq=False)
class OrderedPruner(_Pruner):
    """Order members so that each next one helps the mean of those before it most, and keep the first [1]_.

    Parameters
    ----------
    n_members : int or float, default=0.5
        How many to keep: a number, or a share in (0, 1).
    n_classes : int or None, default=None
        None for numbers.

    Attributes
    ----------
    order_ : ndarray of int
        Members in the order in which they were taken.
    members_ : ndarray of int
        Sorted positions of the kept members.

    References
    ----------
    .. [1] Martinez-Munoz, G., Suarez, A. (2006). Pruning in ordered bagging ensembles. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import OrderedPruner
    >>> y = np.arange(30.0)
    >>> OrderedPruner(n_members=1).fit(np.c_[np.zeros(30), y], y).members_
    array([1])
    """

    n_members: int | float = 0.5

    _parameter_constraints: ClassVar[dict[str, Any]] = {"n_members": [whole(1), PART]}

    def fit(self, X, y, sample_weight=None):
        """Order the members of a table of shape (n_samples, n_members * n_columns)."""
        cells, y, share, gain, here, worst = self._read(X, y, sample_weight)
        wanted = self.n_members
        if not isinstance(wanted, Integral):
            wanted = max(1, int(wanted * cells.shape[1]))
        self.order_ = _ordered(gain, here, y, share, self._kind, worst, min(wanted, cells.shape[1]))
        return self._keep(self.order_)


@dataclass(repr=False, eq=False)
class RedundancyPruner(_Pruner):
    """Drop the worse of every two members with nearly the same predictions.

    Parameters
    ----------
    limit : float, default=0.98
        Likeness above which two members count as the same, from -1 to 1.
    measure : {"correlation", "q"}, default="correlation"
        Correlation of the ranks of the predictions, or Yule's Q-statistic of which rows both get right [1]_ (classes
        only; it asks for a lower limit, such as 0.9 with many errors).
    n_classes : int or None, default=None
        None for numbers.

    Attributes
    ----------
    likeness_ : ndarray of shape (n_members, n_members)
    members_ : ndarray of int
        Sorted positions of the kept members.

    References
    ----------
    .. [1] Kuncheva, L., Whitaker, C. (2003). Measures of diversity in classifier ensembles. Machine Learning 51,
       181-207.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import RedundancyPruner
    >>> y = np.arange(30.0)
    >>> RedundancyPruner().fit(np.c_[y, y + 0.01, np.sin(y)], y).members_
    array([0, 2])
    """

    limit: float = 0.98
    _: KW_ONLY
    measure: str = "correlation"

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "limit": [Number(Real, -1, 1, closed="both")],
        "measure": [one_of("correlation", "q")],
    }

    def fit(self, X, y, sample_weight=None):
        """Compare the members of a table of shape (n_samples, n_members * n_columns)."""
        cells, y, share, gain, here, worst = self._read(X, y, sample_weight)
        if self.measure == "q":
            if not isinstance(self._kind, Classes):
                raise ValueError('measure="q" compares decisions on classes: use "correlation" for numbers.')
            self.likeness_ = _q_statistics(cells, y, share)
        else:
            self.likeness_ = _rank_correlations(cells, share, self._kind)
        losses = share @ row_losses(gain, here, y, self._kind, worst)
        kept = []
        for m in np.argsort(losses.round(12), kind="stable"):
            if (self.likeness_[m, kept] <= self.limit).all():
                kept.append(int(m))
        return self._keep(kept)


@dataclass(repr=False, eq=False)
class CostPruner(_Pruner):
    """Keep the members that lower the loss most for their seconds.

    The best member stays. The others join in the order of loss saved a second, as long as they lower the loss of the
    mean and the budget lasts.

    Parameters
    ----------
    seconds : array-like of shape (n_members,) or None, default=None
        Cost of predicting one row, in seconds (any common unit will do). None: all cost the same.
    budget : float in (0, 1], default=0.5
        Share of the summed seconds that the kept members may take; the best member always stays.
    n_classes : int or None, default=None
        None for numbers.

    Attributes
    ----------
    members_ : ndarray of int
        Sorted positions of the kept members.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import CostPruner
    >>> y = np.arange(30.0)
    >>> table = np.c_[y + np.sin(y), y + np.cos(3 * y), y + np.cos(3 * y + 0.1)]
    >>> CostPruner([1.0, 9.0, 1.0], budget=0.9).fit(table, y).members_
    array([0, 2])
    """

    seconds: Any = None
    budget: float = 0.5

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "seconds": [None, "array-like"],
        "budget": [Number(Real, 0, 1, closed="right")],
    }

    def fit(self, X, y, sample_weight=None):
        """Weigh loss against seconds on a table of shape (n_samples, n_members * n_columns)."""
        cells, y, share, gain, here, worst = self._read(X, y, sample_weight)
        n_members = cells.shape[1]
        seconds = np.ones(n_members) if self.seconds is None else np.asarray(self.seconds, dtype=np.float64)
        if seconds.shape != (n_members,) or not (np.isfinite(seconds) & (seconds >= 0)).all():
            raise ValueError(
                f"seconds must hold one finite number of at least 0 for each of the {n_members} members, "
                f"found {seconds.tolist()[:5]} of shape {seconds.shape}."
            )
        kept, spent = [], 0.0
        total, count, now = np.zeros(len(y)), np.zeros(len(y)), np.inf
        while len(kept) < n_members:
            left = np.setdiff1d(np.arange(n_members), kept)
            if kept:
                left = left[spent + seconds[left] <= self.budget * seconds.sum() + TINY]
            loss = _trials(total, count, gain[:, left], here[:, left], y, share, self._kind, worst)
            left, loss = left[loss < now], loss[loss < now]
            if not len(left):
                break
            worth = (now - loss) / np.maximum(seconds[left], TINY) if kept else -loss
            best = np.lexsort((seconds[left], -worth.round(12)))[0]  # of equals the cheapest
            kept.append(left[best])
            spent, now = spent + seconds[left[best]], loss[best]
            total, count = total + gain[:, left[best]], count + here[:, left[best]]
        return self._keep(kept)


def _trials(total, count, gain, here, y, share, kind, worst):
    """Return the mean loss of the blends with one more member, shape (n_members,)."""
    return share @ row_losses(total[:, np.newaxis] + gain, count[:, np.newaxis] + here, y, kind, worst)


def _ordered(gain, here, y, share, kind, worst, most):
    """Return the first `most` members of a greedy order without replacement; a long tail stands in order of loss."""
    alone = (share @ row_losses(gain, here, y, kind, worst)).round(12)
    ranked = np.argsort(alone, kind="stable")
    left, order = np.sort(ranked[:MOST_MEMBERS]), []
    total, count = np.zeros(len(y)), np.zeros(len(y))
    while len(left) and len(order) < min(most, MOST_STEPS):
        best = int(np.argmin(_trials(total, count, gain[:, left], here[:, left], y, share, kind, worst).round(12)))
        total, count = total + gain[:, left[best]], count + here[:, left[best]]
        order.append(left[best])
        left = np.delete(left, best)
    return np.r_[order, ranked[~np.isin(ranked, order)]].astype(np.intp)[:most]


def _rank_correlations(cells, share, kind):
    flat = spread(cells)[:, :, -kind.n_columns :]
    weight = np.repeat(share, flat.shape[2])
    ranks = np.array([weighted_ranks(values, weight) for values in flat.transpose(1, 0, 2).reshape(flat.shape[1], -1)])
    ranks = (ranks - (ranks @ weight / weight.sum())[:, np.newaxis]) * np.sqrt(weight)
    norm = np.linalg.norm(ranks, axis=1, keepdims=True)
    ranks /= np.maximum(norm, TINY)  # a constant member is like no other
    return ranks @ ranks.T


def _q_statistics(cells, y, share):
    right = (np.nan_to_num(spread(cells)).argmax(axis=2) == y[:, np.newaxis]).astype(float)
    counted, wrong = right * share[:, np.newaxis], (1 - right) * share[:, np.newaxis]
    both, neither = right.T @ counted, (1 - right).T @ wrong
    one, other = right.T @ wrong, (1 - right).T @ counted
    return (both * neither - one * other) / np.maximum(both * neither + one * other, TINY)


def select_members(prune, X, y, *, kind, n_classes=None, sample_weight=None, names=None, **given):
    """Return the sorted positions of the members to keep.

    Parameters
    ----------
    prune : None, "auto", int, float, selector or callable
        None keeps all; a number or a share in (0, 1) that many, of those that help each other most; "auto" half of
        them, since fewer cost accuracy on fresh rows more often than a table of few rows can tell. A selector of
        scikit-learn's kind is cloned and fitted on the table, and keeps a member when it keeps one of its columns. A
        callable gets (X, y) and returns positions or a mask of members.
    X : ndarray of shape (n_samples, n_members * n_columns)
        Table of one task.
    y : ndarray of shape (n_samples,)
        Class positions or numbers.
    kind : {"binary", "multiclass", "regression"}
    n_classes : int or None, default=None
        Of a classification.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Handed to selectors that take it; a callable gets none.
    names : list of str or None, default=None
        Names of the members, for messages.
    **given : dict
        What is handed to a selector that has a parameter of that name and no value for it, such as `random_state` or
        the `seconds` of each member.

    Returns
    -------
    list of int

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import select_members
    >>> y = np.arange(30.0)
    >>> select_members(1, np.c_[np.sin(y), y], y, kind="regression")
    [1]
    """
    check_pruner(prune)
    kind = rules_of(kind, n_classes)
    X, y = np.asarray(X, dtype=np.float64), kind.encoded(np.asarray(y))
    if kind.n_columns > 1 and kind.region == "intervals":
        X, kind = kind.cells(X)[:, :, 0], Numbers()  # medians tell which members help each other
    n_members = X.shape[1] // kind.n_columns
    if prune is None or n_members == 1:
        return list(range(n_members))
    if isinstance(prune, str) and prune == "auto":
        kept = OrderedPruner(n_classes=kind.n_classes).fit(X, y, sample_weight).members_
    elif isinstance(prune, Real):
        kept = OrderedPruner(prune, n_classes=kind.n_classes).fit(X, y, sample_weight).members_
    elif hasattr(prune, "fit"):
        mask = _selected(prune, X, y, kind, sample_weight, given | {"n_classes": kind.n_classes})
        kept = np.flatnonzero(mask.reshape(n_members, -1).any(axis=1))
    else:
        kept = np.asarray(prune(X, y))
        kept = np.flatnonzero(kept) if kept.dtype == bool else np.unique(kept)
    if not len(kept):
        of = f" of {', '.join(map(str, names[:3]))}..." if names else ""
        raise ValueError(f"prune={prune!r} keeps no member{of}: loosen it.")
    return [int(m) for m in kept]


def _selected(selector, X, y, kind, sample_weight, given):
    """Return which columns of a table a selector keeps that is told what it leaves open of the given settings."""
    selector = clone(selector)
    known = selector.get_params(deep=False)
    # The number of classes is a fact of the task; the others are what the user left open.
    settings = {k: v for k, v in given.items() if k in known and (k == "n_classes" or known[k] is None)}
    table = X if get_tags(selector).input_tags.allow_nan else filled(kind.cells(X), kind, kind.prior(y))
    selector.set_params(**settings).fit(table, y, **row_params(selector, sample_weight=sample_weight))
    mask = np.asarray(selector.get_support() if hasattr(selector, "get_support") else selector.support_)
    return mask if mask.dtype == bool else np.isin(np.arange(X.shape[1]), mask)


def check_pruner(prune):
    """Raise an error unless `prune` is what `select_members` takes."""
    if isinstance(prune, type):
        raise TypeError(f"prune={prune!r} is a class: give an instance of it, {prune.__name__}(...).")
    check_param("prune", prune, [None, one_of("auto"), whole(1), PART, having("fit"), callable], "a stack")
    if hasattr(prune, "get_params"):
        check_params(prune)
