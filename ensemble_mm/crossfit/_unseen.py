"""What members would say of held-out rows if one more fold had been held out, from the fits that there are.

A meta-learner is judged on a fold by the weights that it learns on the others. But what members say of these comes from
models that learned from the rows of the fold, and one whose models happen to suit them looks good outside, too: on
noise, twenty linear members of 120 rows had an area under the curve of .58. Fits that leave out every two folds would
end that, at several times the cost. To first order the effects of leaving out folds add up [1]_, and what leaving one
out does to a row is seen in the models of the folds that do not test it: with K folds, on rows of fold l,

    without k and l = without l - (K - 1) / (K - 2) * (mean over m != l of without m - without k)

That asks for fold models that are alike. One that chose a weaker penalty than the others repeats the labels of the rows
that it learned from, and the difference carries these into the table, as if the member knew them: on noise, where new
rows had an R2 of -.02, three folds of linear models, Gaussian processes and trees told -.11. What the labels of a fold
add to predictions of other rows goes with the labels of these by chance alone. So a member whose correction does so
more clearly, or goes against them, as in the other folds of a loose model, stays as it is: they told -.04.

It is for what is told of rows of the fit, where they know little: see `Level.told`. It takes three folds, and is rough
then: twelve linear members of 120 rows of noise had .47 where they had .55 without it, and on a signal .73 for .75,
where new rows had .78.

References
----------
.. [1] Efron, B., Stein, C. (1981). The jackknife estimate of variance. Annals of Statistics 9, 586-596.
"""

from copy import copy

import numpy as np

from .._weights import mean_and_error

MOST_ROWS = 2000  # beyond, the fold is too small a part of what makes a member look good to pay for predictions
MOST_TOLD = 3.0  # standard errors: how far a correction may go with the labels of the rows that it corrects
MOST_NUMBERS = 100_000  # of each member: rows, folds and columns
MOST_KEPT = 30_000  # numbers of all members in a file: more would be much of it, and matter little


class Unseen:
    """Predictions of members on the rows that their fold models learned from, and what these tell.

    Parameters
    ----------
    folds : list of (train, test)
    n_rows : int
    tasks : dict of str to Task
    targets : dict of str to ndarray of shape (n_rows,), default=None
        Class positions or numbers of each task; NaN where the label is not known.
    weights : dict of str to ndarray of shape (n_rows,) or None, default=None
        What each row counts in each task.
    groups : ndarray of shape (n_rows,) or None, default=None

    Attributes
    ----------
    is_known : bool
        Whether each row is tested by one fold, and learned from by all others, of which there are two at least; no
        fold tests nothing.
    """

    def __init__(self, folds, n_rows, tasks, targets=None, weights=None, groups=None):
        self._n_folds, self._n_rows, self._tasks, self._seen = len(folds), n_rows, tasks, {}
        tested = np.bincount(np.concatenate([np.empty(0, np.intp), *(test for _, test in folds)]), minlength=n_rows)
        whole = all(len(test) and len(train) + len(test) == n_rows for train, test in folds)
        self.is_known = len(folds) > 2 and whole and (tested == 1).all() and n_rows <= MOST_ROWS
        self._targets, self._weights, self._groups = targets or {}, weights or {}, groups

    def __getstate__(self):
        """Return what a file keeps: all of few rows, and nothing of many."""
        is_small = self.is_known and sum(seen.size for seen in self._seen.values()) <= MOST_KEPT
        return vars(self) | ({} if is_small else {"_seen": {}, "_targets": {}, "_weights": {}, "_groups": None})

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
        for name in ("_seen", "_tasks", "_targets", "_weights"):
            setattr(both, name, getattr(self, name, {}) | getattr(other, name, {}))  # an old file has no targets
        return both

    def knows(self, members):
        """Tell whether it is known of all of some members what their models say of rows that they learned from."""
        return all(member in self._seen for member in members)

    def without(self, cells, member, fold):
        """Return the out-of-fold predictions of a member as if its models had not seen the rows of a fold."""
        seen, n_others = self._seen[member], self._n_folds - 1
        # Rows of which all models but that of their fold say something.
        own = np.isnan(seen).all(axis=2).sum(axis=0) == 1
        mean = np.nansum(seen, axis=0) / n_others
        out = cells - n_others / (n_others - 1) * (mean - seen[fold])
        known = own[:, np.newaxis] & np.isfinite(out)
        out = np.where(known, _possible(out, self._tasks[member.task].rules), cells)
        return cells if self._carries_labels(member.task, cells, out) else out

    def _carries_labels(self, name, before, after):
        """Tell whether a correction goes with the labels of its rows, or against them, by more than chance."""
        if name not in (targets := getattr(self, "_targets", {})):
            return False
        y, rules, weight = targets[name], self._tasks[name].rules, self._weights.get(name)
        rows = np.flatnonzero(~np.isnan(y) & (before != after).any(axis=1) & ~np.isnan(after).any(axis=1))
        weight = np.ones(len(rows)) if weight is None else weight[rows]
        if not weight.any():
            return False
        truth = rules.perfect(y[rows])
        truth = truth - np.average(truth, axis=0, weights=weight)
        together = ((rules.whole(after[rows]) - rules.whole(before[rows])) * truth).sum(axis=1)
        mean, error = mean_and_error(together, weight, None if self._groups is None else self._groups[rows])
        return abs(mean) > MOST_TOLD * error


def _possible(out, kind):
    """Return predictions without what cannot be."""
    if not kind.n_classes:
        return kind.within(out)
    # Differences lose digits, and bootstrap samples of equal rows are drawn by their contents.
    out = np.round(np.clip(out, 0, 1), 4)
    return out / out.sum(axis=1, keepdims=True) if out.shape[1] > 1 else out
