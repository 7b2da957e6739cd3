"""The table of out-of-fold predictions: a cell is written once a fold, by a model that never saw its row."""

import numpy as np
import pandas as pd

LEVELS = ["task", "learner", "reads", "class"]


class Table:
    """Predictions of every member for every row; NaN where a member abstained.

    Parameters
    ----------
    n_rows : int
    members : list of Member
    tasks : dict of str to Task

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns), float64
        Probabilities of classes, or numbers in the unit of the target.
    columns : MultiIndex (task, learner, reads, class)
        One column a member for a number or two classes (the second class), else one a class.
    """

    def __init__(self, n_rows, members, tasks):
        self.n_rows = n_rows
        self._spans, names = {}, []
        for member in members:
            task = tasks[member.task]
            self._spans[self._key(member)] = slice(len(names), len(names) + task.n_columns)
            names += [(member.task, member.learner, member.reads, label) for label in task.column_classes]
        self.columns = pd.MultiIndex.from_arrays(list(zip(*names, strict=True)) or [[]] * len(LEVELS), names=LEVELS)
        self.values = np.full((n_rows, len(names)), np.nan)

    @staticmethod
    def _key(member):
        return member.task, member.learner, member.reads

    def write(self, member, pieces):
        """Fill the columns of a member with `pieces`: (rows, predictions) pairs; a row written twice is averaged."""
        span = self._spans[self._key(member)]
        width = span.stop - span.start
        total, count = np.zeros((self.n_rows, width)), np.zeros(self.n_rows)
        for rows, predictions in pieces:
            total[rows] += np.reshape(predictions, (len(rows), width))
            count[rows] += 1
        written = count > 0
        self.values[written, span] = total[written] / count[written, np.newaxis]

    def members(self, task=None):
        """Return (learner, reads) of the members of a task, in the order of their columns."""
        return [key[1:] for key in self._spans if task is None or key[0] == task]

    def block(self, task, members=None):
        """Return the columns of a task, shape (n_rows, n_members * columns a member)."""
        keys = [key for key in self._spans if key[0] == task and (members is None or key[1:] in members)]
        if not keys:
            return np.empty((self.n_rows, 0))
        return np.hstack([self.values[:, self._spans[key]] for key in keys])

    def to_frame(self):
        """Return the table as a DataFrame with columns (task, learner, reads, class)."""
        return pd.DataFrame(self.values, columns=self.columns)

    def join(self, other):
        """Return a table with the columns of both."""
        joined = Table.__new__(Table)
        joined.n_rows = self.n_rows
        shift = len(self.columns)
        joined._spans = dict(self._spans)
        joined._spans |= {key: slice(s.start + shift, s.stop + shift) for key, s in other._spans.items()}
        joined.columns = self.columns.append(other.columns)
        joined.values = np.hstack([self.values, other.values])
        return joined

    def keep(self, keys):
        """Return the table with the members (task, learner, reads) in `keys` only."""
        kept = Table.__new__(Table)
        kept.n_rows, kept._spans, picked = self.n_rows, {}, []
        for key, span in self._spans.items():
            if key in keys:
                kept._spans[key] = slice(len(picked), len(picked) + span.stop - span.start)
                picked += range(span.start, span.stop)
        kept.columns, kept.values = self.columns[picked], self.values[:, picked]
        return kept

    def __repr__(self):
        return f"Table({self.n_rows} rows x {len(self.columns)} columns, {len(self._spans)} members)"
