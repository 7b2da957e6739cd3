"""How much each view gives to each task: Shapley values over the views, from the table alone."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._checks import check_count
from ._cells import cells_of

MOST_EXACT_VIEWS = 10  # 1,024 subsets; beyond, orders of the views are sampled
SAMPLED_ORDERS = 200


def view_contributions(model, *, n_bootstrap=200, coverage=0.95, random_state=0) -> pd.DataFrame:
    """Say what each view gives to each task: Shapley values, with bootstrap intervals.

    Nothing is fitted. The worth of a set of views is the share of a constant guess's loss (log loss of the class
    frequencies, squared error of the mean) that predictions of held-out rows remove when only these views are there.
    The value of a view is what it adds to this worth, on average over all orders in which the views can be added; the
    values of a task sum to the worth of all views together.

    With up to five views these are the predictions that `predict` gives where the others are missing, which the fit has
    tried out on held-out rows: on all, or on some 8,000 divided by the number of sets. With more views they come from
    the table: the members that read a view that is left out abstain, and what combines the others is found without
    the rows. A member that reads several views side by side then abstains as soon as one is left out, so each of
    its views is credited with it: values of weak views are too high where such members carry the weight. With more than
    ten views, 200 orders are sampled, each with its reverse.

    Views with the same information share the credit: each has a value, though leaving one of them out costs little.
    "unique" is this cost, and "alone" the worth of the view by itself.

    Parameters
    ----------
    model : fitted StackedClassifier, StackedRegressor or MultiOutputStack
    n_bootstrap : int, default=200
        Resamples of the rows, or of the groups, behind the intervals; 0 leaves the intervals out (NaN).
    coverage : float, default=0.95
        Share of the resamples that an interval holds.
    random_state : int, RandomState or None, default=0
        Seeds the resamples and the sampled orders.

    Returns
    -------
    DataFrame
        Index: the views. Columns: (task, statistic), statistic in "value" (Shapley), "low" and "high" (its
        interval), "alone" (worth of the view by itself), "unique" (worth of all views minus that of all
        others). The unit is the share of a constant guess's loss that is removed: 0 for a view that gives
        nothing, 1 for one that makes every prediction perfect by itself; a view below 0 does harm.

    References
    ----------
    .. [1] Shapley, L. S. (1953). A value for n-person games. Contributions to the Theory of Games 2, 307-317.
    .. [2] Castro, J., Gomez, D., Tejada, J. (2009). Polynomial calculation of the Shapley value based on sampling.
       Computers and Operations Research 36, 1726-1730.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from ensemble_mm import StackedRegressor, view_contributions
    >>> rng = np.random.default_rng(0)
    >>> X = {"useful": rng.normal(size=(90, 3)), "noise": rng.normal(size=(90, 3))}
    >>> model = StackedRegressor(learners=[("ridge", Ridge())], cv=3).fit(X, X["useful"].sum(axis=1))
    >>> shares = view_contributions(model, random_state=0)["y"]
    >>> bool(shares.loc["useful", "low"] > shares.loc["noise", "high"])
    True
    """
    check_is_fitted(model, "table_")
    check_count("n_bootstrap", n_bootstrap)
    if not 0 < coverage < 1:
        raise ValueError(f"coverage={coverage!r} must be a number between 0 and 1.")
    rng = check_random_state(random_state)
    views = list(model.views_)
    columns = {}
    for name in model.tasks_:
        worth = worth_of(model, name)
        cells = worth.cells
        gains, prior = shapley_rows(worth, rng), -worth(frozenset())
        base = cells.mean(prior) if len(prior) else np.nan
        columns[name, "value"] = _ratio(cells.mean(gains) if len(gains) else np.full(len(views), np.nan), base)
        low = high = np.full(len(views), np.nan)
        if n_bootstrap and len(gains):
            counts = cells.resamples(n_bootstrap, rng) * (1 if cells.weight is None else cells.weight)
            draws = _ratio(counts @ gains, (counts @ prior)[:, np.newaxis])
            low, high = np.quantile(draws, [(1 - coverage) / 2, (1 + coverage) / 2], axis=0)
        columns[name, "low"], columns[name, "high"] = low, high
        every: frozenset = frozenset(range(len(views)))
        sets: list = [(frozenset(), frozenset([j]), every - {j}, every) for j in range(len(views))]
        means = np.array([[cells.mean(worth(kept)) for kept in four] for four in sets])
        columns[name, "alone"] = _ratio(means[:, 1] - means[:, 0], base)
        columns[name, "unique"] = _ratio(means[:, 3] - means[:, 2], base)
    frame = pd.DataFrame(columns, index=pd.Index(views, name="view"))
    frame.columns = pd.MultiIndex.from_tuples(list(columns), names=["task", "statistic"])
    return frame


def _ratio(part, whole):
    """Divide; a task whose prior is never wrong has nothing to be gained."""
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(np.shape(part), np.shape(whole))), where=whole > 0)


def shapley_rows(worth, rng):
    """Return the gain of every row from every view, shape (n_rows, n_views); `worth` is that of the scored rows.

    The Shapley value is linear in the worth of a set, and that worth is a mean over rows; so it is taken row by
    row, and a bootstrap costs no more than means of rows.
    """
    n = worth.n_views
    gains = np.zeros((len(worth.cells.truth), n))
    if n <= MOST_EXACT_VIEWS:
        for size in range(n):
            coefficient = factorial(size) * factorial(n - size - 1) / factorial(n)
            for others in combinations(range(n), size):
                before = worth(frozenset(others))
                for j in set(range(n)) - set(others):
                    gains[:, j] += coefficient * (worth(frozenset((*others, j))) - before)
    else:
        for _ in range(SAMPLED_ORDERS):
            order = rng.permutation(n)
            for path in (order, order[::-1]):
                before = worth(frozenset())
                for position, j in enumerate(path):
                    after = worth(frozenset(path[: position + 1].tolist()))
                    gains[:, j] += after - before
                    before = after
        gains /= 2 * SAMPLED_ORDERS
    return gains


def worth_of(model, task):
    """Return what sets of views are worth to a task of a fitted stack, on rows that were held out."""
    cells, views = cells_of(model, task), list(model.views_)
    tried = getattr(model, "losses_by_views_", {}).get(task)
    if tried is None:
        return WorthOfMembers(cells.take(cells.scored), views)
    tried, places = tried.among(cells.scored)
    return WorthAsTried(cells.take(cells.scored[places]), len(views), tried)


class WorthAsTried:
    """Minus the loss of every row when only the views at the given positions are there, as the fit has tried it out."""

    def __init__(self, cells, n_views, tried):
        self.cells, self.n_views, self._tried = cells, n_views, tried
        self._whole, self._known = cells.losses(cells.ensemble), {}

    def __call__(self, kept: frozenset) -> np.ndarray:
        if kept not in self._known:
            self._known[kept] = -self._tried.when_left(sum(1 << place for place in kept), self._whole)
        return self._known[kept]


class WorthOfMembers:
    """The same from the table alone: members that read another view abstain."""

    def __init__(self, cells, views):
        self.cells, self.n_views, self._known = cells, len(views), {}
        self._reads = np.array([[view in read for view in views] for read in cells.views], dtype=bool)
        self._reads = self._reads.reshape(len(cells.members), len(views))

    def __call__(self, kept: frozenset) -> np.ndarray:
        gone = np.ones(self.n_views, dtype=bool)
        gone[list(kept)] = False
        members = ~self._reads[:, gone].any(axis=1)
        key = members.tobytes()
        if key not in self._known:
            self._known[key] = -self.cells.losses(self.cells.blend(members))
        return self._known[key]
