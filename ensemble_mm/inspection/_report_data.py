"""The rows that a report is handed: are they those of the fit, what is in them, and what is missing?"""

import warnings
from contextlib import suppress
from functools import cached_property

import numpy as np

from .._checks import DataWarning, did_you_mean
from ..data import as_fitted, column_names, column_of, labels_by_task, present_rows, views_of
from ._media import looks_at

N_EXAMPLES = 3
MOST_COLUMNS = 200  # that are listed


class ReportRows:
    """X and Y of a report, beside the fitted model.

    Attributes
    ----------
    source : DataFrame, MultimodalData, array or None
    names : ndarray or None
        What the rows are called.
    of_fit : bool
        Whether these are the rows of the fit, in the same order.
    labels : dict of str to Series
        The labels of the tasks that Y has.
    targets : dict of str to ndarray
        The same as class positions or numbers; NaN where one is not known, infinite for a class that the fit did not
        see.
    """

    def __init__(self, model, X, Y, id=None):
        self.model = model
        self.source = None if X is None else as_fitted(X, model)
        if self.source is not None and not hasattr(self.source, "shape"):
            self.source = np.asarray(self.source)
        self.labels = {} if Y is None else labels_by_task(model.tasks_, Y, named=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # of strange classes, which scores count as wrong
            self.targets = {name: model.tasks_[name].encode(y, unseen=np.inf) for name, y in self.labels.items()}
        if self.source is not None and self.targets:
            n = self.source.shape[0]
            for name, target in self.targets.items():
                if len(target) != n:
                    raise ValueError(f"X has {n} rows, task {name!r} has {len(target)} labels: give one label per row.")
        self.of_fit = self.source is not None and self._is_fit_data()
        self.names = None if id is None else _names_of(X, id)

    @cached_property
    def predicted(self) -> dict:
        """Predictions of these rows by task: probabilities of the classes, or numbers."""
        return {name: np.asarray(out).reshape(self.source.shape[0], -1) for name, out in
                self.model._predict_tasks(self.source)[0].items()}  # fmt: skip

    @property
    def are_new(self) -> bool:
        """Whether these are rows with labels that are not those of the fit."""
        return self.source is not None and not self.of_fit and bool(self.targets)

    def name_of(self, row: int) -> str:
        """Return what a row is called: what stands in the column that names the rows, or its position."""
        return f"row {row}" if self.names is None else str(self.names[row])

    def _is_fit_data(self):
        fitted = self.model.targets_
        n = len(next(iter(fitted.values())))
        if self.source.shape[0] != n:
            return False
        if self.targets:
            return all(np.array_equal(target, fitted[name], equal_nan=True) for name, target in self.targets.items())
        return all(np.array_equal(self.present(view), rows) for view, rows in self.model.present_.items())

    def column(self, view):
        """Return the column(s) of a view."""
        return column_of(self.source, next(own for own in views_of(self.model) if own.name == view), self.model.schema_)

    def present(self, view):
        """Tell for every row whether the view is there."""
        try:
            return present_rows(self.column(view))
        except KeyError:  # new rows may lack a whole view
            return np.zeros(self.source.shape[0], dtype=bool)

    def looks(self, rows):
        """Return, for every given row, a dict view name -> `Look`."""
        columns = {}
        for view in self.model.views_:
            with suppress(KeyError):
                columns[view] = self.column(view)
        return looks_at(columns, self.model.views_, rows)


def _names_of(X, id):
    """Return the names of the rows: a column of X, or one name per row."""
    if X is None:
        raise ValueError(f"id={id!r} names the rows of X: give X, too.")
    if not isinstance(id, str):
        names = np.asarray(id, dtype=object)
        n = len(X) if hasattr(X, "__len__") and not isinstance(X, dict) else len(names)
        if names.shape != (n,):
            raise ValueError(f"id has shape {names.shape}, X has {n} rows: give one name per row.")
        return names
    if not hasattr(X, "columns") or id not in X.columns:
        near = did_you_mean(id, list(getattr(X, "columns", ())))
        raise ValueError(f"X has no column {id!r} to name the rows by.{near}")
    return np.asarray(X[id], dtype=object)


def view_rows(rows):
    """Return one dict per view: name, modality, columns, share present in the fit and in other rows, examples."""
    model, entries = rows.model, []
    for view, modality in model.views_.items():
        fitted = model.present_[view]
        entry = {
            "name": view,
            "modality": modality,
            "columns": column_names(model.view_columns_[view]),
            "present": float(fitted.mean()),
            "n_missing": int((~fitted).sum()),
            "new_present": None,
            "examples": [],
        }
        if rows.source is not None:
            present = rows.present(view)
            if not rows.of_fit and len(present):
                entry["new_present"] = float(present.mean())
            picks = np.flatnonzero(present)[:N_EXAMPLES]
            entry["examples"] = [look[view] for look in rows.looks(picks)]
        entries.append(entry)
    return entries


def schema_rows(model):
    """Return one list of texts per column of X: what it was taken for, why, how it is read, and how much is missing."""
    return [
        [c.title, c.taken_as, c.because, str(c.reading or ""), f"{100 * c.missing:.1f} %", c.example]
        for c in model.schema_.columns[:MOST_COLUMNS]
    ]
