"""The score of a task as items go missing, from the table or measured."""

from itertools import combinations
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from ..data import MultimodalData, as_fitted
from ._cells import cells_of, check_task
from ._contributions import MOST_EXACT_VIEWS, SAMPLED_ORDERS, worth_of
from ._display_errors import predictions_of
from ._drawing import GAIN, GREY, cycle, finish, ink, legend_below, new_axes, shorten, tidy

ANY = "any view"


class MissingDisplay:
    """Score of a task as items go missing, one line per view and one for all views at once.

    Parameters
    ----------
    scores : DataFrame
        Index: share of the items that are missing, from 0 to 1. Columns: the views, and "any view". Values: share
        of a constant guess's loss that is removed (1 is perfect, 0 is no better than the guess).
    task : str

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import MissingDisplay
    >>> scores = pd.DataFrame({"review": [0.5, 0.1], "photo": [0.5, 0.4]}, index=[0.0, 1.0])
    >>> MissingDisplay(scores=scores).plot().ax_.get_xlabel()
    'share of items missing'
    """

    def __init__(self, *, scores, task=""):
        self.scores = scores
        self.task = task

    @classmethod
    def from_estimator(cls, estimator, X=None, Y=None, *, task=None, rates=(0.0, 0.25, 0.5, 0.75, 1.0),
                       random_state=0, ax=None) -> Self:  # fmt: skip
        """Draw the score of one task (default: the first) of a fitted stack against the missing rate.

        Without X and Y nothing is computed anew: the expected score comes from held-out rows, as `view_contributions`
        takes it. With X and Y the items are really hidden, at random, and the model predicts.
        """
        task = check_task(estimator, task)
        rates = np.asarray(rates, dtype=float)
        if X is None and Y is None:
            scores = _expected(worth_of(estimator, task), list(estimator.views_), rates)
        else:
            scores = _measured(estimator, task, X, Y, rates, np.random.default_rng(random_state))
        return cls(scores=scores, task=task).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw the lines on `ax`, or on a new figure; return self."""
        ax = new_axes(ax, "MissingDisplay.plot", (6.4, 4.2))
        for i, name in enumerate(self.scores.columns):
            style = cycle(i)
            if name == ANY:
                style = {"color": ink(ax), "marker": "", "linestyle": "-", "linewidth": 2.2}
            ax.plot(self.scores.index, self.scores[name], label=shorten(name), **style)
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.set(xlabel="share of items missing", ylabel=GAIN)
        legend_below(ax, ncols=min(4, len(self.scores.columns)))
        tidy(ax)
        return finish(self, ax, "Score as items go missing", self.task)


def _expected(worth, views, rates):
    """Return the expected score at each rate when every item is missing independently, from the worth of sets."""
    cells = worth.cells
    n, base = len(views), -cells.mean(worth(frozenset()))

    def gain(kept):
        return 1 + cells.mean(worth(frozenset(kept))) / base if base > 0 else 0.0

    whole = gain(range(n))
    scores = {view: (1 - rates) * whole + rates * gain(set(range(n)) - {j}) for j, view in enumerate(views) if n > 1}
    if n <= MOST_EXACT_VIEWS:
        sets = [kept for size in range(n + 1) for kept in combinations(range(n), size)]
        gains, sizes = np.array([gain(kept) for kept in sets]), np.array([len(kept) for kept in sets])
        scores[ANY] = [float(gains @ ((1 - rate) ** sizes * rate ** (n - sizes))) for rate in rates]
    else:
        rng = np.random.default_rng(0)
        drawn = rng.random((SAMPLED_ORDERS, n))
        scores[ANY] = [np.mean([gain(np.flatnonzero(row >= rate).tolist()) for row in drawn]) for rate in rates]
    return pd.DataFrame(scores, index=pd.Index(rates, name="missing"))


def _measured(model, task, X, Y, rates, rng):
    """Return the score of predictions with items really hidden; the same rows are hidden first at every rate."""
    source, views = as_fitted(X, model), list(model.views_)
    order = {view: rng.random(source.shape[0]) for view in views}
    scores = {view: [] for view in views if len(views) > 1} | {ANY: []}
    for name, line in scores.items():
        for rate in rates:
            hidden = source
            for view in views if name == ANY else [name]:
                hidden = hide(hidden, model.view_columns_[view], order[view] < rate)
            info, truth, prediction, _ = predictions_of(model, task, hidden, Y)
            base = np.broadcast_to(cells_of(model, task).prior, prediction.shape)
            base = info.rules.losses(truth, base).mean()
            line.append(1 - info.rules.losses(truth, prediction).mean() / base if base > 0 else 0.0)
    return pd.DataFrame(scores, index=pd.Index(rates, name="missing"))


def hide(source, columns, rows):
    """Return a copy of X in which the items of one view are missing in the given rows (a bool array)."""
    if isinstance(source, MultimodalData):
        names = columns if isinstance(columns, list) else [columns]
        return MultimodalData(source.views | {name: _hide_items(source.views[name], rows) for name in names})
    if isinstance(source, pd.DataFrame):
        columns = list(columns) if isinstance(columns, (list, tuple, np.ndarray, pd.Index)) else [columns]
        hidden = source.copy()
        for label in columns:
            hidden[label] = source[label].mask(np.asarray(rows))
        return hidden
    hidden = _hide_items(source[:, slice(None) if columns is None else columns], rows)
    if columns is None:
        return hidden
    whole = np.array(source, dtype=float)
    whole[:, columns] = hidden
    return whole


def _hide_items(column, rows):
    if sparse.issparse(column):
        raise ValueError("A sparse matrix cannot hold missing rows: give a dense one.")
    if isinstance(column, pd.DataFrame):
        return column.mask(np.repeat(np.asarray(rows)[:, np.newaxis], column.shape[1], axis=1))
    if column.dtype == object:
        hidden = column.copy()
        hidden[rows] = None
        return hidden
    hidden = np.array(column, dtype=float)
    hidden[rows] = np.nan
    return hidden
