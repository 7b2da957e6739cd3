"""What a stack is compared with: a constant, the members of one view alone, and those that read all views."""

from functools import partial

import numpy as np
from sklearn.base import clone

from .._routing import row_params
from .._weights import mean_and_error

CLEAR = 3.0  # standard errors
N_PARTS = 4  # of a fold, where folds are too few to judge each other


def parts_of(folds, n_rows, groups=None, y=None, *, once=False):
    """Return pairs (others, rows): what a meta-learner or a choice learns from, and the rows that it is judged by.

    Rows are those that a fold tests, others are all that it does not. The two are not quite independent, as members
    that predicted the others learned from these rows. With two folds the one even tells how the other will end: the
    best of many members on noise looks as good as if it had been chosen on the rows that judge it. With one there are
    no others. In both cases a fold is judged by parts of its own, and the others are its other parts.

    Parameters
    ----------
    folds : list of (train, test)
    n_rows : int
    groups : ndarray of shape (n_rows,) or None, default=None
        Parts keep them whole.
    y : ndarray of shape (n_rows,) or None, default=None
        Classes or numbers, which are spread evenly over the parts.
    once : bool, default=False
        Whether a row that several folds test is judged in the first of them only.

    Returns
    -------
    list of (ndarray, ndarray)
    """
    tests, pairs, free = [], [], np.ones(n_rows, dtype=bool)
    for _, test in folds:
        tests.append(test[free[test]] if once else test)
        free[test] = False
    tests = [test for test in tests if len(test)]
    if len(tests) > 2:
        for test in tests:
            others = np.ones(n_rows, dtype=bool)
            others[test] = False
            pairs.append((np.flatnonzero(others), test))
        return pairs
    for rows in tests:
        _, first, group = np.unique(rows if groups is None else groups[rows], return_index=True, return_inverse=True)
        chance = np.random.RandomState(0).permutation(len(first))
        order = np.lexsort((chance, chance if y is None else np.nan_to_num(y[rows][first], nan=-1)))
        place = np.empty(len(first), dtype=np.intp)
        place[order] = np.arange(len(first)) % N_PARTS
        pairs += [(rows[place[group] != part], rows[place[group] == part]) for part in range(min(N_PARTS, len(first)))]
    return pairs


def alternatives(reads, views):
    """Return {views: positions of the members that read exactly these}, of each view alone and of all side by side.

    Parameters
    ----------
    reads : list of collection of str
        The views of each member; empty for a member that reads estimates of other tasks too.
    views : list of str
    """
    wanted = dict.fromkeys([*((view,) for view in views), tuple(views)])
    members_of = {names: [m for m, read in enumerate(reads) if set(read) == set(names)] for names in wanted}
    return {names: members for names, members in members_of.items() if members}


class CrossFitted:
    """A meta-learner fitted on a table, and for each fold without its rows; tells what these predict of them.

    Parameters
    ----------
    meta : meta-learner
        Is cloned.
    block_of : callable
        Returns the table of some members of one task, shape (n_rows, n_columns), as it is (None) or as if no model had
        seen the rows of a fold, given by its position.
    y : ndarray of shape (n_rows,)
        Class positions or numbers; NaN where the label is not known.
    kind : Kind
    folds : list of (train, test)
    weight, groups : ndarray of shape (n_rows,) or None

    Attributes
    ----------
    whole : meta-learner
        Fitted on all rows.
    """

    def __init__(self, meta, block_of, y, kind, folds=(), weight=None, groups=None):
        self._meta, self._block_of, self._y, self._kind = meta, block_of, y, kind
        self._own = {"sample_weight": weight, "groups": groups}
        self._block, self._unseen = block_of(None), {}
        self._known = ~np.isnan(self._block).all(axis=1) & ~np.isnan(y)
        self._constant, self._parts = constant_of(y, kind, folds, weight), parts_of(folds, len(y), groups, y)
        self.whole = self._fit(np.flatnonzero(self._known), self._block)
        trainings = [others[self._known[others]] for others, _ in self._parts]
        self._fitted = [self._fit(rows, self._block) if len(rows) else self.whole for rows in trainings]

    def _fit(self, rows, block):
        params = row_params(self._meta, **{k: None if part is None else part[rows] for k, part in self._own.items()})
        return clone(self._meta).fit(block[rows], self._kind.encoded(self._y[rows]), **params)

    def told(self, speak=None):
        """Return out-of-fold predictions, shape (n_rows, width); NaN where no member speaks.

        Parameters
        ----------
        speak : callable, default=None
            Takes a meta-learner fitted without the rows that it predicts and returns a mask: the members that do not
            abstain. None: all speak.
        """
        total, count = np.zeros((len(self._y), self._kind.width)), np.zeros(len(self._y))
        for (_, test), meta in zip(self._parts, self._fitted, strict=True):
            rows, asked = self._asked(test, meta, speak)
            if len(rows):
                total[rows] += self._kind.ask(meta, asked)
                count[rows] += 1
        plain = total / np.where(count > 0, count, np.nan)[:, np.newaxis]
        told = plain.copy()
        for fold, (others, test) in enumerate(self._parts):
            judged, given = others[self._known[others]], self._own.values()
            if not len(judged) or knows_more(self._kind, self._y, plain, self._constant, others, *given):
                continue
            if fold not in self._unseen:  # which is made only where it serves: it is as large as the table
                unseen = self._block_of(fold)
                same = np.array_equal(unseen, self._block, equal_nan=True)
                self._unseen[fold] = None if same else self._fit(judged, unseen)
            meta = self._unseen[fold]
            if meta is not None:
                rows, asked = self._asked(test, meta, speak)
                if len(rows):
                    told[rows] = self._kind.ask(meta, asked)
        return told

    def _asked(self, rows, meta, speak):
        """Return the rows of which some member says something, and what is said of them."""
        asked = self._block[rows]
        if speak is not None:
            cells = self._kind.cells(asked)
            asked = self._kind.flat(np.where(speak(meta)[:, np.newaxis], cells, np.nan))
        here = ~np.isnan(asked).all(axis=1)
        return rows[here], asked[here]


def for_members(meta, members):
    """Return a meta-learner that is not fitted, for some members: one with a weight for each is told their names."""
    meta = clone(meta)
    return meta.set_params(members=list(map(tuple, members))) if "members" in meta.get_params(deep=False) else meta


def cross_fitted(*given, **options):
    """Return a meta-learner fitted on a table, and its out-of-fold predictions; takes what `CrossFitted` does."""
    fitted = CrossFitted(*given, **options)
    return fitted.whole, fitted.told()


def knows_more(kind, y, out, constant, rows, weight=None, groups=None):
    """Tell whether losses of some rows are clearly lower than those of a constant.

    What members tell of a fold that they learned from is a small part of what they know then. On noise it is all. To
    correct for it always would cost more than it mends: the corrected table is less exact than the one that new rows
    get, and on ten classes a log loss of 1.28 became 1.43, where new rows had 1.17.
    """
    rows = rows[np.isfinite(np.c_[y, out.reshape(len(y), -1), constant.reshape(len(y), -1)][rows]).all(axis=1)]
    if not len(rows):
        return False
    losses = [kind.losses(y[rows], what.reshape(len(y), -1)[rows]) for what in (constant, out)]
    own = (None if part is None else np.asarray(part)[rows] for part in (weight, groups))
    gain, error = mean_and_error(losses[0] - losses[1], *own)
    return gain > CLEAR * error


def constant_of(y, kind, folds, weight=None):
    """Return the prior of the training rows as the prediction of the test rows of each fold: NaN where none tests.

    Parameters
    ----------
    y, kind, folds, weight : as in `CrossFitted`

    Returns
    -------
    ndarray of shape (n_rows, width)
    """
    total, count, known = np.zeros((len(y), kind.width)), np.zeros(len(y)), ~np.isnan(y)
    for train, test in folds:
        rows = train[known[train]]
        total[test] += kind.prior(kind.encoded(y[rows]), None if weight is None else weight[rows])
        count[test] += 1
    return total / np.where(count > 0, count, np.nan)[:, np.newaxis]


def best_alone(alone, y, kind, folds, weight=None, groups=None):
    """Return the view that does best by itself, and what the choice of a view predicts, shape (n_rows, width).

    The view is chosen for each fold on the rows of the others: chosen on the rows that it is judged by, the luckiest of
    several would win. Where a view has no prediction it is charged the loss of the constant.

    Parameters
    ----------
    alone : dict of str to ndarray of shape (n_rows, width)
        Out-of-fold predictions of the members of each view; NaN where there is none.
    y, kind, folds, weight, groups : as in `CrossFitted`
    """
    views, constant = list(alone), constant_of(y, kind, folds, weight)
    known = np.flatnonzero(~np.isnan(y) & ~np.isnan(constant).any(axis=1))
    losses = np.zeros((len(y), len(views)))
    for v, out in enumerate(alone.values()):
        filled = np.where(np.isnan(out).any(axis=1, keepdims=True), constant, out)
        losses[known, v] = kind.losses(y[known], filled[known])
    losses *= 1.0 if weight is None else weight[:, np.newaxis]
    best = views[losses.sum(axis=0).argmin()]
    chosen = alone[best].copy()
    for others, test in parts_of(folds, len(y), groups, y):
        rest = losses[others].sum(axis=0)
        chosen[test] = alone[views[rest.argmin()] if rest.any() else best][test]
    return best, chosen


def simpler(meta_of, block_of, apart, y, kind, folds, weight=None, groups=None):
    """Return what is simpler than the ensemble: predictions of some members each, and those of the best single view.

    Parameters
    ----------
    meta_of, block_of : callable
        Return a meta-learner for some members, given by their positions, and the table of these, as in `CrossFitted`.
    apart : dict of tuple of str to list of int
        What `alternatives` returns, or a part of it.
    y, kind, folds, weight, groups : as in `CrossFitted`

    Returns
    -------
    dict of tuple of str to ndarray of shape (n_rows, width)
        Out-of-fold predictions by the views that are read.
    (str, ndarray) or None
        What `best_alone` returns; None where no member reads one view only.
    """
    given = y, kind, folds, weight, groups
    outs = {names: cross_fitted(meta_of(some), partial(block_of, some), *given)[1] for names, some in apart.items()}
    alone = {names[0]: out for names, out in outs.items() if len(names) == 1}
    return outs, best_alone(alone, *given) if alone else None
