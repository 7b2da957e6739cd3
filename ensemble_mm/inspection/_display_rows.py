"""The hardest rows of a task, with what is in them."""

import textwrap
from typing import Self

import numpy as np
import pandas as pd

from .._checks import check_count, require
from .._modalities import TEXT
from .._plain_words import percent, plain
from ..data import as_fitted, select
from ._cells import cells_of, check_task
from ._display_errors import predictions_of, truth_of
from ._drawing import GREY, PALETTE, entitle, finish, new_axes, shorten
from ._media import look_at, looks_at

DRAWN = ("picture", "wave")  # of what a look may hold


def hardest_rows(model, task=None, n_rows=5):
    """Return the training rows with the largest out-of-fold loss.

    Parameters
    ----------
    model : fitted stack
    task : str, default=None
        None: the first task.
    n_rows : int, default=5

    Returns
    -------
    DataFrame
        Columns: "row" (position), "truth", "predicted" (labels or numbers; of a time that is not known until when
        nothing had happened), "probability" (of the predicted class; NaN for others), "loss"; the worst row first.
    """
    cells = cells_of(model, task)
    rows = cells.scored
    return worst_of(cells.task, cells.truth[rows], cells.ensemble[rows], rows, n_rows)


def worst_of(task, truth, prediction, rows, n_rows):
    """Return the frame that `hardest_rows` describes, of given truths and predictions."""
    check_count("n_rows", n_rows, minimum=1)
    losses = task.rules.losses(truth, prediction)
    worst = np.argsort(-losses, kind="stable")[:n_rows]
    sure = prediction[worst].max(axis=1) if task.rules.region == "sets" else np.full(len(worst), np.nan)
    return pd.DataFrame(
        {"row": rows[worst], "truth": task.labels(task.rules.as_read(truth[worst])),
         "predicted": task.decode(prediction[worst]), "probability": sure, "loss": losses[worst]}
    )  # fmt: skip


def looks_of(model, X, rows):
    """Return, for every given row, a dict view name -> `Look`."""
    source = as_fitted(X, model)
    columns = {view: select(source, columns) for view, columns in model.view_columns_.items()}
    return looks_at(columns, model.views_, rows)


class HardestRowsDisplay:
    """The rows with the largest loss: their text, picture, wave or facts beside what was predicted.

    Parameters
    ----------
    rows : DataFrame
        As `hardest_rows` gives it: "row", "truth", "predicted", "probability", "loss".
    looks : list of dict of str to Look
        For every row, what can be shown of each view.
    task : str

    Attributes
    ----------
    ax_ : matplotlib Axes
        The whole area; its frame is hidden.
    axes_ : list of list of matplotlib Axes
        One list per row: the words, then one per picture or wave.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import HardestRowsDisplay
    >>> X = pd.DataFrame({"review": ["lovely coat", "torn sleeve"]})
    >>> display = HardestRowsDisplay.from_predictions(["good", "bad"], ["bad", "bad"], [2.0, 0.1], X["review"])
    >>> display.rows["row"].tolist()
    [0, 1]
    """

    def __init__(self, *, rows, looks, task=""):
        self.rows = rows
        self.looks = looks
        self.task = task

    @classmethod
    def from_estimator(cls, estimator, X, Y=None, *, task=None, n_rows=5, ax=None) -> Self:
        """Draw the hardest rows of one task (default: the first).

        Without Y these are rows of the fit, judged out of fold: `X` is what the model was fitted on. With Y the rows of
        X are predicted, and judged by their labels in Y.
        """
        task = check_task(estimator, task)
        source = as_fitted(X, estimator)
        if Y is not None:
            info, truth, prediction, _ = predictions_of(estimator, task, X, Y)
            rows = worst_of(info, truth, prediction, np.flatnonzero(~np.isnan(truth_of(estimator, Y)[task])), n_rows)
            return cls(rows=rows, looks=looks_of(estimator, source, rows["row"].to_numpy()), task=task).plot(ax=ax)
        n_fitted = len(estimator.targets_[task])
        if source.shape[0] != n_fitted:
            raise ValueError(
                f"X has {source.shape[0]} rows, but the model was fitted on {n_fitted}: give the X of the fit, "
                "or other rows with their labels as Y."
            )
        rows = hardest_rows(estimator, task, n_rows)
        return cls(rows=rows, looks=looks_of(estimator, source, rows["row"].to_numpy()), task=task).plot(ax=ax)

    @classmethod
    def from_predictions(cls, y_true, y_pred, loss, items, *, modality=TEXT, task="", n_rows=5, ax=None) -> Self:
        """Draw the rows with the largest `loss`; `items` is the column of one view of the given modality."""
        loss = np.asarray(loss, dtype=float)
        worst = np.argsort(-loss, kind="stable")[:n_rows]
        truth, predicted = np.asarray(y_true, dtype=object)[worst], np.asarray(y_pred, dtype=object)[worst]
        column = items.iloc if hasattr(items, "iloc") else items
        rows = pd.DataFrame(
            {"row": worst, "truth": truth, "predicted": predicted, "probability": np.nan, "loss": loss[worst]}
        )
        return cls(rows=rows, looks=[{modality: look_at(column[int(i)], modality)} for i in worst], task=task).plot(ax)

    def plot(self, ax=None) -> Self:
        """Draw one strip per row on `ax`, or on a new figure; return self."""
        n = len(self.rows)
        drawn = [[(view, look) for view, look in looks.items() if look.kind in DRAWN] for looks in self.looks]
        pictures = max(map(len, drawn), default=0)
        spoken = any(look.kind == "words" for looks in self.looks for look in looks.values())
        size = (7.2 if spoken else 3.2 + 1.4 * pictures, 0.5 + (1.35 if pictures else 1.0) * max(1, n))
        ax = new_axes(ax, "HardestRowsDisplay.plot", size)
        gridspec = require("matplotlib.gridspec", extra="report", caller="HardestRowsDisplay.plot")
        ax.set_axis_off()
        grid = gridspec.GridSpecFromSubplotSpec(
            max(1, n), 1 + pictures, ax.get_subplotspec(),
            width_ratios=[3.4 if spoken else 1.8, *[1.0] * pictures], hspace=0.12, wspace=0.06,
        )  # fmt: skip
        self.axes_ = []
        for i in range(n):
            row, looks = self.rows.iloc[i], self.looks[i]
            cells = [ax.figure.add_subplot(grid[i, j]) for j in range(1 + pictures)]
            for cell in cells:
                cell.set_axis_off()
            _write(cells[0], row, looks, wide=104 if not pictures else 92 - 8 * pictures)
            for cell, (view, look) in zip(cells[1:], drawn[i], strict=False):
                _draw(cell, view, look)
            self.axes_.append(cells)
        entitle(self.axes_[0][0] if n else ax, "Hardest rows", self.task, pad=10)
        return finish(self, ax)


def verdict_of(row) -> str:
    """Return in words what a row of `hardest_rows` says."""
    truth, predicted = ((plain(v) if isinstance(v, float) else str(v)) for v in (row["truth"], row["predicted"]))
    sure = f" ({percent(row['probability'], 0)})" if np.isfinite(row["probability"]) else ""
    return f"true: {truth}, predicted: {predicted}{sure}"


def _write(cell, row, looks, wide):
    """Write what was predicted, and the texts and facts of a row."""
    cell.text(0, 1, f"row {int(row['row'])}", fontsize=8, color=GREY, va="top", transform=cell.transAxes)
    cell.text(0, 0.84, shorten(verdict_of(row), wide), fontsize=9, weight="bold", va="top", transform=cell.transAxes)
    words = [f"{view}: {look.content}" for view, look in looks.items() if look.kind in ("words", "absent")]
    lines = [part for text in words for part in textwrap.wrap(shorten(text, 3 * wide - 12), wide)[:3]]
    if len(lines) > 5:
        lines = [*lines[:4], lines[4][: wide - 2] + " …"]
    cell.text(0, 0.64, "\n".join(lines), fontsize=8, va="top", linespacing=1.25, transform=cell.transAxes)


def _draw(cell, view, look):
    """Draw a picture or a wave."""
    if look.kind == "picture":
        cell.imshow(look.content)
    else:
        place = np.arange(len(look.content))
        cell.fill_between(place, look.content[:, 0], look.content[:, 1], color=PALETTE[0], linewidth=0.4)
        cell.set_ylim(-1.05, 1.05)
    cell.set_title(shorten(view, 16), fontsize=8, color=GREY, pad=2)
