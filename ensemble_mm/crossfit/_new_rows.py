"""New rows: read by what was fitted on the training rows, and predicted by the models of a run."""

import numpy as np
from scipy import sparse

from ..data import take_rows
from ._extract import lent
from ._features import Features, present_of, read_rows
from ._jobs import FittedMember
from ._joined import as_block, spread_rows
from ._patterns import missing_of
from ._plan import MISSING
from ._table import Table


class NewRows(Features):
    """Views of new rows, read on first use by the readers of a run, for its models.

    Parameters
    ----------
    readers : dict of str to Reader
    columns : dict of str to column of X
    runner : Runner
    cache : Cache or None, default=None
    index : Index or None, default=None
        Labels of the rows, which predictions carry.
    """

    def __init__(self, readers, columns, runner, cache=None, index=None):
        super().__init__(present_of(columns))
        self.columns, self.index = columns, index
        self.readers, self.runner, self._seen = readers, runner, set()
        stateless = {name: reader.stateless for name, reader in readers.items() if reader.stateless is not None}
        self._read = read_rows(stateless, columns, self.present, self.n_rows, runner, cache)
        for name, block in self._read.items():
            if readers[name].is_read and self.present[name].any():
                self.blocks[name, None, None, "native"] = block

    def block(self, view, fold, task, form):
        fitted = self.readers[view].fitted
        place = (fold, task) if (fold, task) in fitted else (fold, None)
        if place in fitted and (view, *place) not in self._seen:
            self._seen.add((view, *place))
            self._extract(view, place, *fitted[place])
        return super().block(view, fold, task, form)

    def _extract(self, view, place, extractor, reducer):
        rows = np.flatnonzero(self.present[view])
        if not len(rows):
            return
        column = self._read.get(view, self.columns[view])
        some = column if len(rows) == self.n_rows else take_rows(column, rows)
        native = some if extractor is None else as_block(extractor.transform(lent(extractor, some)))
        if extractor is not None:
            self.blocks[view, *place, "native"] = spread_rows(native, rows, self.n_rows)
        if reducer is not None:
            self.blocks[view, *place, "reduced"] = spread_rows(as_block(reducer.transform(native)), rows, self.n_rows)

    def varied(self, order, view, column) -> "NewRows":
        """Return the rows at some positions with other items of one view; the other views are not read again.

        Call it when these rows have been predicted, so that all their views are read.
        """
        new = NewRows({view: self.readers[view]}, {view: column}, self.runner)
        others = [key for key in self.blocks if key[0] != view]
        new.blocks |= {key: self.blocks[key][order] for key in others}
        rest = {name: rows[order] for name, rows in self.present.items() if name != view}
        new.present = {name: rest.get(name, new.present[view]) for name in self.present}  # in their order
        new.readers, new._seen = self.readers, {key for key in self._seen if key[0] != view}
        return new

    def predict(self, members, models, tasks, estimates=None):
        """Return the Table of the members' predictions for the new rows."""
        table = Table(self.n_rows, members, tasks, self.index)
        calls, owners = [], []
        for member in members:
            rows = np.flatnonzero(self.readable(member))
            for fold, model in models.get(member, {}).items():
                if model is None or not len(rows):
                    continue
                calls.append((model, self.blocks_of(member, fold, model, estimates), rows))
                owners.append(member)
        pieces = {member: [] for member in members}
        predictions = self.runner.in_threads(FittedMember.predict_columns, calls)
        for member, (_, _, rows), predicted in zip(owners, calls, predictions, strict=True):
            pieces[member].append((rows, predicted))
        for member in members:
            table.write(member, pieces[member])
        return table

    def blocks_of(self, member, fold, model, estimates=None):
        """Return what the model of a member reads: a block per view, and one of what is said of other tasks."""
        blocks = []
        for view, width, is_sparse in zip(model.views, model.widths, model.sparse, strict=False):
            block = self.block(view, fold, member.task, member.form)
            if block is None:  # a view that no row has here still takes its columns: as holes
                shape = (self.n_rows, width)
                block = sparse.csr_matrix(shape, dtype=np.float32) if is_sparse else np.full(shape, np.nan, np.float32)
            blocks.append(block)
        if member.inputs:
            estimates = {MISSING: missing_of(self.present), **(estimates or {})}
            extra = [estimates[name].reshape(self.n_rows, -1) for name in member.inputs]
            blocks.append(np.hstack(extra).astype(np.float32))
        return blocks
