"""Blends that learn no weights from labels: fixed weights, the median, and the mean of ranks."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from ._columns import TableClassifier, TableRegressor
from ._hazards import MeanHazards
from ._quantiles import MeanQuantiles
from ._ranks import MeanRanks
from ._weights import MeanClassifier, MeanRegressor

N_MARKS = 201  # quantiles of what a member says, by which its values become ranks


@dataclass(repr=False, eq=False)
class _Fixed:
    weights: Mapping
    _: KW_ONLY
    members: list | None = None

    _parameter_constraints: ClassVar[dict[str, Any]] = {"weights": [Mapping], "members": [None, list]}

    def fit(self, X, y, sample_weight=None):
        """Share the weight of each learner out to its members; see `FixedClassifier`."""
        even = self._check(X, y, sample_weight).even
        names = list(range(len(even))) if self.members is None else list(self.members)
        keys = [name if name in self.weights or not isinstance(name, tuple) else name[0] for name in names]
        share = np.array([self.weights.get(key, 0.0) / keys.count(key) for key in keys], dtype=float)
        self.weights_ = share / share.sum() if share.sum() > 0 else even
        return self


@dataclass(repr=False, eq=False)
class FixedClassifier(_Fixed, TableClassifier):
    """Blend probabilities with weights that are given.

    Parameters
    ----------
    weights : dict of str or (str, str) to float
        Weight of each learner, which its members share evenly, or of one member, as (learner, what it reads); those
        that are not named have none. They need not sum to 1.
    members : list of str or (str, str), or None, default=None
        Each member of the table: its learner, or its learner and what it reads; a stack sets it. None: their positions.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        They sum to 1.
    prior_ : ndarray of shape (n_classes,)
    classes_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> from ensemble_mm.meta import FixedClassifier
    >>> model = FixedClassifier({"linear": 3, "gbm": 1}, members=["linear", "gbm"]).fit(
    ...     [[0.2, 0.6], [0.4, 0.8]], [0, 1]
    ... )
    >>> model.predict_proba([[0.2, 0.6]]).round(2)
    array([[0.7, 0.3]])
    """


class FixedRegressor(_Fixed, TableRegressor):
    """Blend numbers with weights that are given; see `FixedClassifier`.

    Parameters
    ----------
    weights, members
        See `FixedClassifier`.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> from ensemble_mm.meta import FixedRegressor
    >>> FixedRegressor({0: 3, 1: 1}).fit([[0.0, 4.0], [1.0, 5.0]], [0.0, 1.0]).predict([[0.0, 4.0]])
    array([1.])
    """


class FixedQuantiles(_Fixed, MeanQuantiles):
    """Blend quantiles with weights that are given; see `FixedClassifier`.

    Parameters
    ----------
    weights, members
        See `FixedClassifier`.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (n_levels,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import FixedQuantiles
    >>> table = np.tile(np.r_[np.zeros(7), np.ones(7)], (3, 1))
    >>> FixedQuantiles({0: 3, 1: 1}).fit(table, [0.0, 1.0, 2.0]).predict(table[:1]).max()
    np.float64(0.25)
    """


class FixedHazards(_Fixed, MeanHazards):
    """Blend logarithms of hazards with weights that are given; see `FixedClassifier`.

    Parameters
    ----------
    weights, members
        See `FixedClassifier`.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> from ensemble_mm.meta import FixedHazards
    >>> FixedHazards({0: 3, 1: 1}).fit([[0.0, 1.0]] * 3, [1.0, 2.0, -3.0]).predict([[0.0, 1.0]])
    array([[0.25]])
    """


class FixedRanks(_Fixed, MeanRanks):
    """Blend scores within queries with weights that are given; see `FixedClassifier`.

    Parameters
    ----------
    weights, members
        See `FixedClassifier`.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> from ensemble_mm.meta import FixedRanks
    >>> FixedRanks({0: 3, 1: 1}).fit([[0.0, 1.0]] * 3, [1.0, 2.0, 33.0]).predict([[0.0, 1.0]])
    array([[0.25]])
    """


class _Median:
    def _mix(self, cells):
        some = ~np.isnan(cells[:, :, 0]).all(axis=1)
        out = np.full((len(cells), cells.shape[2]), np.nan)
        out[some] = np.nanmedian(cells[some], axis=1)
        return out


class MedianClassifier(_Median, MeanClassifier):
    """Take the median of the members' probabilities, of each class; then they are made to sum to one.

    Parameters
    ----------
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        All the same.
    prior_ : ndarray of shape (n_classes,)
    classes_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> from ensemble_mm.meta import MedianClassifier
    >>> MedianClassifier().fit([[0.2, 0.3, 0.9], [0.7, 0.8, 0.1]], [0, 1]).predict_proba([[0.2, 0.3, 0.9]]).round(2)
    array([[0.7, 0.3]])
    """


class MedianRegressor(_Median, MeanRegressor):
    """Take the median of the members' numbers.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        All the same.
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> from ensemble_mm.meta import MedianRegressor
    >>> MedianRegressor().fit([[1.0, 2.0, 9.0], [2.0, 3.0, 4.0]], [2.0, 3.0]).predict([[1.0, 2.0, 9.0]])
    array([2.])
    """


class _Rank:
    def fit(self, X, y, sample_weight=None):
        """Learn what each member says, on a table of shape (n_samples, n_members * n_columns)."""
        rows = self._check(X, y, sample_weight)
        self.weights_ = rows.even
        grid = np.linspace(0, 1, N_MARKS)
        self.marks_ = np.full((N_MARKS, *rows.cells.shape[1:]), np.nan)
        for place, member in enumerate(rows.order):
            some = ~np.isnan(rows.cells[:, place, 0])
            if some.any():  # by steps: a weight of two is the row twice
                own = {"weights": rows.weight[some], "method": "inverted_cdf", "axis": 0}
                self.marks_[:, member] = np.quantile(rows.cells[some, place], grid, **own)
        return self

    def _mix(self, cells):
        grid, ranks = np.linspace(0, 1, N_MARKS), np.full(cells.shape, np.nan)
        here = ~np.isnan(self.marks_[0, :, 0])
        for m in np.flatnonzero(here):
            for c in range(cells.shape[2]):
                marks = self.marks_[:, m, c]
                low, high = (np.searchsorted(marks, cells[:, m, c], side) for side in ("left", "right"))
                exact = (low + np.maximum(high - 1, low)) / 2 / (N_MARKS - 1)  # of equal values the middle
                between = np.interp(cells[:, m, c], marks, grid)
                ranks[:, m, c] = np.where(high > low, exact, between)
        ranks[np.isnan(cells)] = np.nan
        mean = super()._mix(ranks)
        common = self.marks_[:, here].mean(axis=1)  # what members say at a rank
        return np.column_stack([np.interp(mean[:, c], grid, common[:, c]) for c in range(cells.shape[2])])

    def weighed(self):
        """Return which members have a weight: all."""
        return np.ones((1, len(self.weights_)), dtype=bool)


class RankClassifier(_Rank, MeanClassifier):
    """Average the ranks of the members' probabilities, and say what members say on average at that rank.

    Members that are unlike sure of themselves count the same: right for the area under a curve, not for probabilities,
    which `calibration` of a stack mends. Ranks are those among the rows of `fit`, so that a row is ranked alone as
    beside others.

    Parameters
    ----------
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        All the same.
    marks_ : ndarray of shape (n_marks, n_members, n_classes)
        Quantiles of what each member said.
    prior_ : ndarray of shape (n_classes,)
    classes_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import RankClassifier
    >>> p = np.linspace(0, 1, 11)
    >>> RankClassifier().fit(np.c_[p, p / 10], p > 0.5).predict_proba([[0.5, 0.05]])[:, 1].round(3)
    array([0.275])
    """


class RankRegressor(_Rank, MeanRegressor):
    """Average the ranks of the members' numbers, and say what members say on average at that rank.

    Attributes
    ----------
    weights_, marks_
        See `RankClassifier`.
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import RankRegressor
    >>> y = np.arange(11.0)
    >>> RankRegressor().fit(np.c_[y, 3 * y], y).predict([[5.0, 15.0]])
    array([10.])
    """
