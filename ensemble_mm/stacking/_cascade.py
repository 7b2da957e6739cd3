"""Cheap views first: dear ones are read only of rows whose prediction is not yet certain."""

from math import log10

import numpy as np

from .._checks import PART, check_param
from .._modalities import MODALITIES
from ..crossfit import NewRows
from ..data import take_rows

EVEN = 0.01  # seconds per row up to which views cost the same: what is measured below depends on the machine's mood


def measured_views(views, runner):
    """Return {view: seconds per row that its extraction took in a fit}, the cheapest first.

    Views of one order of magnitude go by what their modalities usually cost.
    """
    seconds = {name: runner.seconds_each(f"view {name!r}") for name in views}

    def cost(name):
        return max(0, int(log10(max(seconds[name], EVEN) / EVEN))), MODALITIES[views[name]].cost

    return {name: seconds[name] for name in sorted(views, key=cost)}


def cascaded(model, columns, certain):
    """Return predictions {task: probabilities} of rows, of which views are read one by one as long as it is needed.

    Parameters
    ----------
    model : fitted stack
    columns : dict of str to column of X
    certain : float
        Probability of the most probable class from which a row is certain, in every task.
    """
    check_param("cascade", certain, [PART], type(model).__name__)
    number = next((name for name, task in model.tasks_.items() if task.rules.region != "sets"), None)
    if number is not None:
        raise ValueError(f"cascade={certain} is for classes, but task {number!r} has no classes: leave cascade out.")
    first, *others = model.view_seconds_
    new = _reading(model, first, columns)
    out = model._predicted(new)
    rest = unsure = _unsure(new, out, certain)
    for view in others:
        if not len(rest):
            break
        new = new.varied(unsure, view, take_rows(columns[view], rest))
        found = model._predicted(new)
        for name, proba in found.items():
            out[name][rest] = proba
        unsure = _unsure(new, found, certain)
        rest = rest[unsure]
    return out


def _unsure(new, found, certain):
    """Return the positions of rows that are not certain in every task, or of which nothing was read."""
    sure = np.min([proba.max(axis=1) for proba in found.values()], axis=0) >= certain
    return np.flatnonzero(~(sure & np.any(list(new.present.values()), axis=0)))


def _reading(model, view, columns):
    """Return the rows as if they had one view only; the others are not read."""
    new = NewRows({view: model.readers_[view]}, {view: columns[view]}, model._runner(), model._cache())
    new.readers = model.readers_
    new.present = {name: new.present.get(name, np.zeros(new.n_rows, dtype=bool)) for name in model.views_}
    return new
