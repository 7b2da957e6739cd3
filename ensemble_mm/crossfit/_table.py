"""The table of out-of-fold predictions: a cell comes from models that never saw its row."""

from copy import copy
from itertools import pairwise

import numpy as np
import pandas as pd

from .._rows import let_go, whole_of
from ._plan import Member
from ._unseen import Unseen

LEVELS = ["task", "learner", "reads", "class"]
ROWS = 65_536  # of a table on disk among which those lie that are read at a time


class Table:
    """Predictions of every member for every row; NaN where a member abstained. `table[member]` is a member's part.

    Parameters
    ----------
    n_rows : int
    members : list of Member
    tasks : dict of str to Task
    index : Index or None, default=None
        Labels of the rows.
    folder : BlockFolder or None, default=None
        Where the numbers of many rows lie; None: in memory.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns), float64
        Probabilities of classes, or numbers in the unit of the target; on disk it shows a file.
    columns : MultiIndex (task, learner, reads, class)
        One column per member for a number or two classes (the second class), else one per class.
    unseen_folds : Unseen or None
        What the models of members say of rows that they learned from.
    """

    unseen_folds: Unseen | None

    def __init__(self, n_rows, members, tasks, index=None, folder=None):
        self.n_rows, self.index = n_rows, index
        self._spans, self.unseen_folds, names = {}, None, []
        for member in members:
            task = tasks[member.task]
            self._spans[member] = slice(len(names), len(names) + task.rules.n_columns)
            names += [(member.task, member.learner, member.reads, label) for label in task.column_classes]
        self._names = names
        shape = n_rows, len(names)
        self.values = np.full(shape, np.nan) if folder is None else np.asarray(folder.room(shape, np.float64))

    @property
    def columns(self):  # made when it is asked for: it takes longer than a prediction of one row
        names = list(zip(*self._names, strict=True)) or [[]] * len(LEVELS)
        return pd.MultiIndex.from_arrays(names, names=LEVELS)

    def names(self, members):
        """Return one text per column of some members, such as "mood=good linear(review)" or "price ridge(facts)"."""
        told = {label: "" if str(label) in ("", "True") else f"={label}" for *_, label in self._names}
        return [
            f"{task}{told[label]} {learner}({reads})"
            for member in members for task, learner, reads, label in self._names[self._spans[member]]
        ]  # fmt: skip

    def __getitem__(self, member):
        return self.values[:, self._spans[member]]

    def write(self, member, pieces, *, once=False):
        """Fill the columns of a member with `pieces`: (rows, predictions) pairs.

        A row that several pieces have is averaged; with `once` the first counts alone, as one model predicts.
        """
        span = self._spans[member]
        once = once or len(pieces) < 2
        count = None if once else np.bincount(np.concatenate([rows for rows, _ in pieces]))
        if once or count.max(initial=0) < 2:
            for rows, predictions in reversed(pieces):  # so that the first is what stays
                self.values[rows, span] = np.reshape(predictions, (len(rows), -1))
                let_go((predictions, self.values))
            return
        total = np.zeros((len(count), span.stop - span.start))
        for rows, predictions in pieces:
            total[rows] += np.reshape(predictions, (len(rows), -1))
        written = np.flatnonzero(count)
        self.values[written, span] = total[written] / count[written, np.newaxis]
        let_go((self.values,))

    def members(self, task=None) -> list[Member]:
        """Return the members of a task (None: of all), in the order of their columns."""
        return [member for member in self._spans if task is None or member.task == task]

    def block(self, members, fold=None, rows=slice(None)):
        """Return the columns of some members side by side for some rows, shape (n_rows, n_columns).

        With the position of a fold they are as if the models had not seen its rows, where that is known of all members.
        """
        unseen = getattr(self, "unseen_folds", None)  # a table in an old file has none
        if fold is not None and members and unseen is not None and unseen.knows(members):
            return np.hstack([unseen.without(self[member], member, fold)[rows] for member in members])
        if not self._is_on_disk:
            return self._columns(members, rows)
        places = np.arange(self.n_rows)[rows]
        block = np.empty((len(places), sum(self[member].shape[1] for member in members)))
        for some, part in self._stretches(members, places):
            block[some] = part
        return block

    def each(self, members):
        """Yield members with copies of their columns, one after the other."""
        for member in members:
            yield member, self.block([member])

    def covered(self, members):
        """Return which rows some of the members say something of."""
        covered = np.zeros(self.n_rows, dtype=bool)
        for some, part in self._stretches(members, np.arange(self.n_rows)):
            covered[some] = ~np.isnan(part).all(axis=1)
        return covered

    @property
    def _is_on_disk(self):
        return isinstance(whole_of(self.values), np.memmap)

    def _columns(self, members, rows):
        columns = [self.values[rows, :0], *(self.values[rows, self._spans[member]] for member in members)]
        return np.ascontiguousarray(np.hstack(columns))  # sums of columns hang on how they lie in memory

    def _stretches(self, members, places):
        """Yield some of the rows at `places`, as a slice of these, with the columns of some members side by side.

        Columns of a member lie between those of all: read at once, they would bring a whole file into memory.
        """
        n = -(-int(np.ptp(places) + 1) // ROWS) if self._is_on_disk and len(places) else 1
        for start, end in pairwise(np.linspace(0, len(places), n + 1, dtype=np.intp)):
            yield slice(start, end), self._columns(members, places[start:end])
            let_go((self.values,))

    def to_frame(self):
        """Return the table as a DataFrame with columns (task, learner, reads, class)."""
        return pd.DataFrame(self.values, self.index, self.columns)

    def join(self, other):
        """Return a table with the columns of both."""
        if other.values is self.values:  # parts of one table
            return self._with(_spans=self._spans | other._spans)
        shift = len(self._names)
        moved = {member: slice(s.start + shift, s.stop + shift) for member, s in other._spans.items()}
        unseen, more = (getattr(table, "unseen_folds", None) for table in (self, other))
        return self._with(
            _spans=self._spans | moved, _names=self._names + other._names,
            values=np.hstack([self.values, other.values]), unseen_folds=more if unseen is None else unseen.joined(more),
        )  # fmt: skip

    def part(self, members):
        """Return a table of some members that shares the numbers, and the columns, of this one."""
        return self._with(_spans={member: self._spans[member] for member in members})

    def followed_by(self, others):
        """Return a table of the rows of this one and of others with the same columns, counted from 0."""
        values = np.vstack([self.values, *(other.values for other in others)])
        return self._with(n_rows=len(values), index=pd.RangeIndex(len(values)), values=values, unseen_folds=None)

    def keep(self, members):
        """Return the table with some of its members only."""
        spans, picked = {}, []
        for member, span in self._spans.items():
            if member in members:
                spans[member] = slice(len(picked), len(picked) + span.stop - span.start)
                picked += range(span.start, span.stop)
        return self._with(_spans=spans, _names=[self._names[i] for i in picked], values=self.values[:, picked])

    def outlasting(self, folder):
        """Return a table that stays when the folder of its numbers has gone."""
        return self._with(values=folder.unnamed(self.values))

    def _with(self, **state):
        """Return a table that differs in some of its state."""
        other = copy(self)
        vars(other).update(state)
        return other

    def __repr__(self):
        return f"Table({self.n_rows} rows x {len(self._names)} columns, {len(self._spans)} members)"
