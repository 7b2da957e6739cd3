"""Greedy selection of members with replacement: the default meta-learner."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state

from .._checks import SHARE, whole
from ._columns import TableClassifier, TableRegressor, parts, relevant, row_losses
from ._scoring import Objective

MOST_ROWS = 5_000  # rows that a bag holds on average, at most
MOST_MEMBERS = 60  # members that bags choose from, beside those that all rows chose
MOST_TRIALS = 800  # blends that a metric without a quick form may judge
MULTIPLIERS = np.random.RandomState(0).randint(1, 2**62, size=4099, dtype=np.int64).astype(np.uint64) * 2 + 1


@dataclass(repr=False, eq=False, kw_only=True)
class _Greedy:
    n_steps: int = 20
    n_bags: int = 10
    shrinkage: float = 0.0
    scoring: str | Callable | None = None
    random_state: int | np.random.RandomState | None = 0

    learns_weights = True
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_steps": [whole(1)],
        "n_bags": [whole(0)],
        "shrinkage": [SHARE],
        "scoring": [None, str, callable],
        "random_state": ["random_state"],
    }

    def fit(self, X, y, sample_weight=None, groups=None):
        """Choose the weights on a table of shape (n_samples, n_members * n_columns); rows of a group share a bag."""
        rows = self._check(X, y, sample_weight)
        groups = None if groups is None else np.unique(np.asarray(groups)[rows.where], return_inverse=True)[1]
        weights = rows.even
        if len(rows.y) and len(weights) > 1:
            weights = (1 - self.shrinkage) * self._bagged(rows, groups) + self.shrinkage * weights
        self.weights_ = rows.back(weights)
        return self

    def _bagged(self, rows, groups):
        whole = Objective(rows.cells, rows.y, rows.weight, self._kind, self.scoring)
        n_members, n_bags = rows.cells.shape[1], self.n_bags
        alone = whole.alone()
        best = np.argsort(alone, kind="stable")
        pool = np.arange(n_members)
        if whole.slow:  # members that look best, and fewer bags, so that the time stays in bounds
            pool = np.sort(best[: max(2, min(n_members, MOST_TRIALS // (2 * self.n_steps)))])
            n_bags = min(n_bags, MOST_TRIALS // (self.n_steps * len(pool)) - 1)
        bags = [self._select(whole, pool)]
        pool = np.union1d(np.intersect1d(best[:MOST_MEMBERS], pool), np.flatnonzero(bags[0]))
        for counts in self._bags(rows, n_bags, groups):
            bag, worth, lacks = np.flatnonzero(counts), counts[counts > 0], False
            if not whole.plain:  # some metrics know no weights, and some need all classes
                bag, worth = np.repeat(bag, worth), 1
                lacks = self._kind.is_stratified and len(np.unique(rows.y[bag])) < len(np.unique(rows.y))
            if len(bag) and not lacks:
                weight = rows.weight[bag] * worth
                part = Objective(rows.cells[np.ix_(bag, pool)], rows.y[bag], weight, self._kind, self.scoring)
                weights = np.zeros(n_members)
                weights[pool] = self._select(part, np.arange(len(pool)))
                bags.append(weights)
        return np.mean(bags, axis=0)

    def _select(self, objective, pool):
        """Return the shares of a greedy selection with replacement, cut at its best length."""
        steps, losses = greedy_steps(objective, self.n_steps, pool)
        length = int(np.argmin(losses)) + 1
        return np.bincount(steps[:length], minlength=objective.cells.shape[1]) / length

    def _bags(self, rows, n_bags, groups):
        """Yield how often each row counts in each bag: a Poisson bootstrap.

        The draw of a row depends on what is in it. So equal rows go together, a weight of 2 is the same as a row
        twice, and neither the order of rows nor that of columns matters. Rows of a group go by one of them.
        """
        key = keys_of(rows)
        if groups is not None:
            lowest = np.full(groups.max() + 1, np.iinfo(np.uint64).max, dtype=np.uint64)
            np.minimum.at(lowest, groups, key)
            key = lowest[groups]
        rate = min(1.0, MOST_ROWS / len(rows.y))
        steps = np.exp(-rate) * np.cumprod(np.r_[1.0, rate / np.arange(1, 12)])
        rng = check_random_state(self.random_state)
        for seed in rng.randint(1, 2**62, size=max(0, n_bags), dtype=np.int64):
            yield np.searchsorted(np.cumsum(steps), _uniform(key + np.uint64(seed)))


def greedy_steps(objective, n_steps, pool):
    """Return the members that a greedy selection with replacement takes from a pool, and the loss after each step."""
    counts, steps, losses = np.zeros(objective.cells.shape[1]), [], []
    for _ in range(n_steps):
        trial = objective.trials(counts, pool)
        best = int(np.argmin(trial))
        counts[pool[best]] += 1
        steps.append(pool[best])
        losses.append(trial[best])
    return steps, losses


def selection_path(cells, y, kind, rows, n_steps, weight=None):
    """Return the members that a greedy selection by some rows takes, and the losses of all rows after each step.

    `cells` has shape (n_rows, n_members, n_classes or 1); the losses have shape (n_rows, n_steps).
    """
    y = kind.encoded(y)
    weight = np.ones(len(y)) if weight is None else weight
    objective = Objective(cells[rows], y[rows], weight[rows], kind)
    steps, _ = greedy_steps(objective, n_steps, np.arange(cells.shape[1]))
    gain, here = (part[:, steps].cumsum(axis=1) for part in relevant(cells, y, kind))
    return steps, row_losses(gain, here, y, kind, objective.worst)


def keys_of(rows):
    """Return one 64-bit number per row: equal rows have the same."""
    size = rows.cells[0].size
    return np.concatenate([_key(rows.cells[part], rows.y[part]) for part in parts(len(rows.y), size)])


def _key(cells, y):
    """Return one 64-bit number per row, of its contents to six digits: the last ones differ between processors."""
    values = np.nan_to_num(cells.reshape(len(y), -1).astype(np.float64), nan=-7.0) + 0.0
    words = np.c_[values, y.astype(np.float64) + 0.0].view(np.uint64)
    words = (words + np.uint64(2**31)) >> np.uint64(32)
    words *= np.uint64(0x9E3779B97F4A7C15)
    words ^= words >> np.uint64(29)
    return (words * np.resize(MULTIPLIERS, words.shape[1])).sum(axis=1, dtype=np.uint64)


def _uniform(key):
    """Return numbers in [0, 1) from 64-bit keys, by the finaliser of splitmix64."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (key ^ (key >> np.uint64(31))) / 2.0**64


@dataclass(repr=False, eq=False, kw_only=True)
class GreedyClassifier(_Greedy, TableClassifier):
    """Select members greedily with replacement, by the score of their mean [1]_.

    The selection is done on all rows and on bootstrap samples of the rows, and the weights are averaged: a member
    that only luck made look good is not chosen in most of the samples.

    Parameters
    ----------
    n_steps : int, default=20
        Most selections; the best prefix counts.
    n_bags : int, default=10
        Bootstrap samples of the rows, beside the selection on all rows.
    shrinkage : float in [0, 1], default=0.0
        Share of the weight that is spread evenly over the members.
    scoring : None, str or callable, default=None
        What is maximised: a scorer, or None for minus the log loss. The loss decides where other metrics tie.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.
    random_state : int, RandomState instance or None, default=0

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        They are at least 0 and sum to 1.
    prior_ : ndarray of shape (n_classes,)
        Class frequencies: the answer for a row without any member.
    classes_ : ndarray of shape (n_classes,)

    References
    ----------
    .. [1] Caruana, R., Niculescu-Mizil, A., Crew, G., Ksikes, A. (2004). Ensemble selection from libraries of models.
       ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import GreedyClassifier
    >>> y = np.array([0, 1] * 50)
    >>> table = np.c_[np.where(y, 0.8, 0.2), np.full(100, 0.5)]
    >>> GreedyClassifier().fit(table, y).weights_
    array([1., 0.])
    """


class GreedyRegressor(_Greedy, TableRegressor):
    """Select members greedily with replacement, by the squared error of their mean; see `GreedyClassifier`.

    Parameters
    ----------
    n_steps, n_bags, shrinkage, random_state
        See `GreedyClassifier`.
    scoring : None, str or callable, default=None
        What is maximised: a scorer, or None for minus the squared error.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (1,)
        Mean of y: the answer for a row without any member.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import GreedyRegressor
    >>> y = np.arange(50.0)
    >>> GreedyRegressor().fit(np.c_[y, np.zeros(50)], y).weights_
    array([1., 0.])
    """
