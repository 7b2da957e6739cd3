"""Availability patterns: which views a row has, as the bits of one number, and which patterns a fit tries out.

A row that has more views than a pattern can be predicted as if it had no more. So what is said of rows of a pattern
comes from rows that no model saw, even where few rows of the fit have the pattern, or none.
"""

from dataclasses import dataclass

import numpy as np

MOST_PATTERNS = 32
MOST_PREDICTIONS = 8000  # of each member, over all patterns


def patterns_of(present):
    """Return the pattern of each row, shape (n_rows,): one bit per view, where {view: rows that have it} is given."""
    code = np.zeros(len(next(iter(present.values()))), dtype=np.int64)
    for bit, rows in enumerate(present.values()):
        code |= rows.astype(np.int64) << min(bit, 62)
    return code


def missing_of(present):
    """Return which views each row lacks, where {view: rows that have it} is given: 0 or 1, shape (n_rows, n_views)."""
    return ~np.column_stack(list(present.values())) * np.float32(1)


@dataclass(frozen=True)
class Tried:
    """Patterns, and the rows that they are tried out on.

    Parameters
    ----------
    views : tuple of str
        In the order of their bits.
    there : int
        The views that some row has.
    patterns : tuple of int
    rows : ndarray of shape (n_tried,)
        Positions of rows that some fold tests, ascending.
    own : ndarray of shape (n_tried,)
        The pattern that each of them has.
    folds : ndarray of shape (n_tried,)
        The first fold that tests each of them.
    """

    views: tuple[str, ...]
    there: int
    patterns: tuple[int, ...]
    rows: np.ndarray
    own: np.ndarray
    folds: np.ndarray

    def having(self, pattern):
        """Return which rows have all views of a pattern: bool, shape (n_tried,)."""
        return (self.own & pattern) == pattern

    def spread(self, values, n_rows):
        """Return values of the tried rows, an array of shape (n_tried, ...), among all rows: NaN for the others."""
        out = np.full((n_rows, *values.shape[1:]), np.nan)
        out[self.rows] = values
        return out

    def absent(self, member, pattern):
        """Return the views of a member that a pattern lacks."""
        return tuple(view for view in member.views if not pattern & self._bits([view]))

    def abstains(self, member, pattern):
        """Tell whether a member reads views, and a pattern has none of them."""
        return bool(member.views) and len(self.absent(member, pattern)) == len(member.views)

    def key(self, member, pattern):
        """Return the pattern that decides what a member predicts: that of its views, or the whole with estimates."""
        return pattern if member.inputs else pattern & self._bits(member.views)

    def missing(self, pattern):
        """Return what `missing_of` does, of rows that have the views of a pattern and no others."""
        here = {view: np.full(len(self.rows), bool(pattern & self._bits([view]))) for view in self.views}
        return missing_of(here)

    def _bits(self, views):
        return sum({1 << min(self.views.index(view), 62) for view in views})


@dataclass(frozen=True)
class LossesByViews:
    """Losses of one task on held-out rows, which were predicted as if they had no more views than a pattern.

    Parameters
    ----------
    rows : ndarray of shape (n_tried,)
        Positions of the rows, ascending.
    own : ndarray of shape (n_tried,)
        The pattern that each of them has.
    losses : dict of int to ndarray of shape (n_tried,)
        By pattern; NaN for rows that lack one of its views or a label.
    """

    rows: np.ndarray
    own: np.ndarray
    losses: dict

    def among(self, rows):
        """Return those of some rows, given by ascending positions, and the places of these that have any."""
        there = np.isin(self.rows, rows)
        own = {pattern: loss[there] for pattern, loss in self.losses.items()}
        return LossesByViews(self.rows[there], self.own[there], own), np.flatnonzero(np.isin(rows, self.rows))

    def when_left(self, bits, whole):
        """Return the losses where the views of some bits are left; `whole` are those of rows that lose none."""
        left, out = self.own & bits, whole.copy()
        for pattern in np.unique(left[left != self.own]).tolist():
            out[left == pattern] = self.losses[pattern][left == pattern]
        return out


def patterns_to_try(present, folds):
    """Return what to try out: all patterns that lack a view which some row has, or the most useful of very many.

    Parameters
    ----------
    present : dict of str to ndarray of shape (n_rows,)
        Which rows have each view.
    folds : list of (train, test)
    """
    own, views = patterns_of(present), tuple(present)
    every = (1 << min(len(views), 63)) - 1
    if 1 << len(views) <= MOST_PATTERNS:
        patterns = list(range(every + 1))
    else:  # none, those of the fit, all views but one, and single views
        found, counts = np.unique(own, return_counts=True)
        bits = [1 << bit for bit in range(min(len(views), 63))]
        patterns = [0, *found[np.argsort(-counts)].tolist(), *(every & ~bit for bit in bits), *bits]
    there = int(np.bitwise_or.reduce(own))
    patterns = [p for p in dict.fromkeys(patterns) if p != there and p & ~there == 0][:MOST_PATTERNS]
    fold = np.full(len(own), -1)
    for f in reversed(range(len(folds))):
        fold[folds[f][1]] = f
    rows = np.flatnonzero(fold >= 0)
    most = MOST_PREDICTIONS // max(len(patterns), 1)
    if len(rows) > most:
        rows = rows[np.linspace(0, len(rows) - 1, most).astype(np.intp)]
    return Tried(views, there, tuple(patterns), rows, own[rows], fold[rows])
