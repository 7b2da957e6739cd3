"""Weights of its own for each row: members count by how well they did on rows of which they said much the same."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.neighbors import KDTree

from .._checks import whole
from .._inner_folds import inner_pairs
from .._weights import mean_and_error
from ._columns import TINY, blend, relevant, spread, thinned
from ._greedy import GreedyClassifier, GreedyRegressor, keys_of

MOST_NEIGHBORS = 2_000  # rows that are kept to look among
EVEN_SHARE = 0.1  # of the weight, so that a member which is of no use on average may be of use somewhere
TEMPER = 0.5  # of the likelihoods: neighbours are fewer than the members that could be lucky with them
N_FOLDS = 5
SIGNIFICANT = 1.645  # standard errors: one-sided, 5 %


@dataclass(repr=False, eq=False, kw_only=True)
class _Dynamic:
    n_neighbors: int = 10

    _parameter_constraints: ClassVar[dict[str, Any]] = {"n_neighbors": [whole(1)]}

    def fit(self, X, y, sample_weight=None, groups=None):
        """Find the weights of all rows, and whether those of a row's own are better on rows that are held out.

        `groups` are rows that are held out together.
        """
        super().fit(X, y, sample_weight, groups)
        rows = self._check(X, y, sample_weight)
        self.order_, self.is_dynamic_ = rows.order, False
        self.points_ = self.gains_ = None
        if len(rows.order) < 2 or len(rows.y) <= self.n_neighbors:
            return self
        points, gains, plain = self._known(rows)
        groups = keys_of(rows) if groups is None else np.asarray(groups)[rows.where]
        after = np.full(len(plain), np.nan)
        pairs = inner_pairs(rows.y, N_FOLDS, 0, classes=self._kind.is_stratified, groups=groups)
        for train, test in pairs:
            train, test = (thinned(part, MOST_NEIGHBORS) for part in (train, test))
            self.points_, self.gains_ = points[train], gains[train]
            after[test] = self._losses(self._blend_near(rows.cells[test], points[test]), rows.y[test])
        judged = ~np.isnan(after)
        gain, error = mean_and_error((plain - after)[judged], rows.weight[judged], groups[judged])
        self.is_dynamic_ = bool(judged.any() and gain > SIGNIFICANT * error)
        some = thinned(np.arange(len(plain)), MOST_NEIGHBORS) if self.is_dynamic_ else slice(0)
        self.points_, self.gains_ = points[some], gains[some]
        return self

    def _known(self, rows):
        """Return where rows lie, how much more each member knew of each than the plain blend, and its losses."""
        order, kind = self.order_, self._kind
        plain = self._losses(blend(rows.cells, self.weights_[order]), rows.y)
        picked, here = relevant(rows.cells, rows.y, kind)
        alone = np.stack([kind.loss(picked[:, m], rows.y) for m in range(picked.shape[1])], axis=1)
        # Differences of log-likelihoods: of numbers those of a normal distribution with the errors of the blend.
        unit = 1.0 if kind.is_stratified else max(2 * np.average(plain, weights=rows.weight), TINY)
        gains = np.where(here > 0, plain[:, np.newaxis] - alone, 0.0) * TEMPER / unit * rows.weight[:, np.newaxis]
        points = self._flat(rows.cells)
        self.scale_ = np.maximum(points.std(axis=0), TINY)
        return points / self.scale_, gains / max(rows.weight.mean(), TINY), plain

    def _flat(self, cells):
        cells = spread(cells)
        return self._kind.flat(np.where(np.isnan(cells), self.prior_, cells))

    def _losses(self, out, y):
        return self._kind.losses(y, out)

    def _blend_near(self, cells, points):
        """Return blends by the product of the plain weights and of the likelihoods of the nearest rows."""
        near = KDTree(self.points_).query(points, k=min(self.n_neighbors, len(self.points_)), return_distance=False)
        worth = self.gains_[near].sum(axis=1)
        here = ~np.isnan(cells[:, :, 0])
        worth = np.where(here, worth, -np.inf)
        most = worth.max(axis=1, keepdims=True)
        plain = (1 - EVEN_SHARE) * self.weights_[self.order_] + EVEN_SHARE / len(self.order_)
        share = plain * np.exp(worth - np.where(np.isfinite(most), most, 0.0))
        share /= np.maximum(share.sum(axis=1, keepdims=True), TINY)
        mixed = np.einsum("nm,nmc->nc", share, np.where(here[:, :, np.newaxis], cells, 0.0))
        mixed[~here.any(axis=1)] = np.nan
        return mixed

    def _mix(self, cells):
        if not self.is_dynamic_ or not len(cells):
            return blend(cells, self.weights_)
        cells = cells[:, self.order_]
        return self._blend_near(cells, self._flat(cells) / self.scale_)

    def weighed(self):
        """Return which members have a weight: all where rows have weights of their own."""
        return ((self.weights_ > 0) | self.is_dynamic_)[np.newaxis]


@dataclass(repr=False, eq=False, kw_only=True)
class DynamicClassifier(_Dynamic, GreedyClassifier):
    """Select members for each row anew, by how well they did on the rows that they said most alike of [1]_.

    Greedy selection gives the weights of all rows. Those of one row are multiplied by the likelihoods that the members
    gave to the labels of its nearest rows in the table. Where the losses of rows that are held out are not
    significantly lower for it, the weights of all rows stay.

    Parameters
    ----------
    n_neighbors : int, default=10
        Nearest rows that are asked, of at most 2000 that are kept.
    n_steps, n_bags, shrinkage, scoring, random_state
        See `GreedyClassifier`.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        Weights of all rows: at least 0, and they sum to 1.
    is_dynamic_ : bool
        Whether rows have weights of their own.
    prior_ : ndarray of shape (n_classes,)
    classes_ : ndarray of shape (n_classes,)

    References
    ----------
    .. [1] Ko, A., Sabourin, R., Britto, A. (2008). From dynamic classifier selection to dynamic ensemble selection.
       Pattern Recognition 41, 1718-1731.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import DynamicClassifier
    >>> rng = np.random.default_rng(0)
    >>> y, left = np.arange(400) % 2, np.arange(400) < 200
    >>> right, guess = np.where(y, 0.9, 0.1), rng.uniform(0.3, 0.7, 400)
    >>> table = np.c_[np.where(left, right, guess), np.where(left, guess, right)]  # each member knows one half
    >>> DynamicClassifier().fit(table, y).is_dynamic_
    True
    """


@dataclass(repr=False, eq=False, kw_only=True)
class DynamicRegressor(_Dynamic, GreedyRegressor):
    """Select members for each row anew; see `DynamicClassifier`.

    Parameters
    ----------
    n_neighbors, n_steps, n_bags, shrinkage, scoring, random_state
        See `DynamicClassifier` and `GreedyRegressor`.

    Attributes
    ----------
    weights_, is_dynamic_
        See `DynamicClassifier`.
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import DynamicRegressor
    >>> y = np.linspace(-1, 1, 400)
    >>> table = np.c_[np.minimum(y, 0), np.maximum(y, 0)]  # each member knows one half
    >>> DynamicRegressor().fit(table, y).predict([[-0.5, 0.0], [0.0, 0.5]]).round(1)
    array([-0.5,  0.5])
    """
