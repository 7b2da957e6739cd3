"""What members would say of held-out rows if one more fold had been held out, from the fits that there are.

A meta-learner is judged on a fold by the weights that it learns on the others. But what members say of these comes from
models that learned from the rows of the fold, and one whose models happen to suit them looks good outside, too: on
noise, twenty linear members of 120 rows had an area under the curve of .58. Fits that leave out every two folds would
end that, at several times the cost. To first order the effects of leaving out folds add up [1]_, and what leaving one
out does to a row is seen in the models of the folds that do not test it: with K folds, on rows of fold l,

    without k and l = without l - (K - 1) / (K - 2) * (mean over m != l of without m - without k)

That asks for fold models that are alike. One that chose a weaker penalty than the others repeats the labels of the rows
that it learned from, and the difference would carry these into the table: on 200 posters, where the ensemble had an R2
of .20 out of fold and of .30 on new rows, the corrected one was -.08. Such members stay as they are.

It is for what is told of rows of the fit, where they know little: see `Level.told`. It takes three folds, and is rough
then: twelve linear members of 120 rows of noise had .47 where they had .55 without it, and on a signal .73 for .75,
where new rows had .78.

References
----------
.. [1] Efron, B., Stein, C. (1981). The jackknife estimate of variance. Annals of Statistics 9, 586-596.
"""

from copy import copy

import numpy as np

MOST_ROWS = 2000  # beyond, the fold is too small a part of what makes a member look good to pay for predictions
MOST_APART = 2.0  # how many times the spread of one fold model may be that of another
LOOSE = 1.5  # how many times the spread on rows that a model learned from may be that on others
MOST_NUMBERS = 100_000  # of each member: rows, folds and columns
MOST_KEPT = 30_000  # numbers of all members in a file: more would be much of it, and matter little


class Unseen:
    """Predictions of members on the rows that their fold models learned from, and what these tell.

    Parameters
    ----------
    folds : list of (train, test)
    n_rows : int
    tasks : dict of str to Task
    weights : dict of str to ndarray of shape (n_rows,) or None, default=None
        What each row counts in each task.

    Attributes
    ----------
    is_known : bool
        Whether each row is tested by one fold, and learned from by all others, of which there are two at least; no
        fold tests nothing.
    """

    def __init__(self, folds, n_rows, tasks, weights=None):
        self._n_folds, self._n_rows, self._tasks, self._seen = len(folds), n_rows, tasks, {}
        tested = np.bincount(np.concatenate([np.empty(0, np.intp), *(test for _, test in folds)]), minlength=n_rows)
        whole = all(len(test) and len(train) + len(test) == n_rows for train, test in folds)
        self.is_known = len(folds) > 2 and whole and (tested == 1).all() and n_rows <= MOST_ROWS
        self._weights = {
            name: weight for name, weight in (weights or {}).items() if self.is_known and weight is not None
        }

    def __getstate__(self):
        """Return what a file keeps: all of few rows, and nothing of many."""
        is_small = sum(seen.size for seen in self._seen.values()) <= MOST_KEPT
        return vars(self) | ({} if is_small else {"_seen": {}})

    def asks(self, member):
        """Tell whether the fold models of a member are to predict what they learned from."""
        n_numbers = self._n_rows * self._n_folds * self._tasks[member.task].rules.n_columns
        return self.is_known and n_numbers <= MOST_NUMBERS

    def write(self, member, fold, rows, out):
        """Keep what the model of a fold predicts of rows that it learned from."""
        width = self._tasks[member.task].rules.n_columns
        if member not in self._seen:
            self._seen[member] = np.full((self._n_folds, self._n_rows, width), np.nan)
        self._seen[member][fold, rows] = out.reshape(len(rows), -1)

    def joined(self, other):
        """Return what is known of the members of two; the other may be None."""
        if other is None or other is self:
            return self
        both = copy(self)
        for name in ("_seen", "_tasks", "_weights"):
            setattr(both, name, getattr(self, name, {}) | getattr(other, name, {}))  # an old file has no weights
        return both

    def knows(self, members):
        """Tell whether it is known of all of some members what their models say of rows that they learned from."""
        return all(member in self._seen for member in members)

    def without(self, cells, member, fold):
        """Return the out-of-fold predictions of a member as if its models had not seen the rows of a fold."""
        seen, n_others = self._seen[member], self._n_folds - 1
        weight = getattr(self, "_weights", {}).get(member.task, np.ones(self._n_rows))
        if _are_unlike(seen, cells, weight):
            return cells
        # Rows of which all models but that of their fold say something.
        own = np.isnan(seen).all(axis=2).sum(axis=0) == 1
        mean = np.nansum(seen, axis=0) / n_others
        out = cells - n_others / (n_others - 1) * (mean - seen[fold])
        known = own[:, np.newaxis] & np.isfinite(out)
        return np.where(known, _possible(out, self._tasks[member.task].rules), cells)


def _are_unlike(seen, cells, weight):
    """Tell whether a fold model says much more of rows that it learned from than of others, and another says little.

    They chose unlike settings, such as a penalty. What a loose one says of such rows is their labels, and the
    difference to a strict one would put these into the table.
    """
    learned = [~np.isnan(one).any(axis=1) for one in seen]
    spreads = [_spread(one[rows], weight[rows]) for one, rows in zip(seen, learned, strict=True)]
    loosest = int(np.argmax(spreads))
    others = ~np.isnan(cells).any(axis=1) & ~learned[loosest]
    return spreads[loosest] > max(MOST_APART * min(spreads), LOOSE * _spread(cells[others], weight[others]))


def _spread(out, weight):
    if not weight.any():
        return 0.0
    return np.sqrt(np.average((out - np.average(out, axis=0, weights=weight)) ** 2, axis=0, weights=weight).sum())


def _possible(out, kind):
    """Return predictions without what cannot be."""
    if not kind.n_classes:
        return kind.within(out)
    # Differences lose digits, and bootstrap samples of equal rows are drawn by their contents.
    out = np.round(np.clip(out, 0, 1), 4)
    return out / out.sum(axis=1, keepdims=True) if out.shape[1] > 1 else out
