"""What reading cheap views first saves in seconds, and what it costs in score."""

from typing import Self

import numpy as np
import pandas as pd

from ..data import Classes
from ._cells import cells_of, check_task
from ._drawing import PALETTE, finish, new_axes, tidy
from ._scores import words_of

NEAR = 0.06  # of the plot: points that are nearer share a label
CERTAIN = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


class CascadeDisplay:
    """Score against seconds per row, when slow views are read only of rows that are not yet certain.

    Parameters
    ----------
    curve : DataFrame
        One row per level of certainty from which a row is predicted by what was read: "certain", "seconds" (per row),
        "read" (share of the rows of which all views are read) and "score". At 1 all views of all rows are read.
    score_name : str
    task : str

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import CascadeDisplay
    >>> curve = pd.DataFrame({"certain": [0.8, 1.0], "seconds": [0.01, 0.2], "read": [0.1, 1.0], "score": [0.7, 0.8]})
    >>> CascadeDisplay(curve=curve, score_name="share right").plot().ax_.get_ylabel()
    'share right'
    """

    def __init__(self, *, curve, score_name="score", task=""):
        self.curve = curve
        self.score_name = score_name
        self.task = task

    @classmethod
    def from_estimator(cls, estimator, *, task=None, ax=None) -> Self:
        """Draw the curve of one task of classes (default: the first) of a fitted stack, from its table.

        No learner is fitted again: learners of a view that is left out abstain, and each row is judged by meta-learners
        that did not see it. Seconds were measured in the fit.
        """
        cells = cells_of(estimator, check_task(estimator, task, Classes.family))
        order = list(estimator.view_seconds_)
        seconds = np.cumsum([_seconds(estimator, order[: depth + 1]) for depth in range(len(order))])
        curve = _curve(cells, order, seconds)
        return cls(curve=curve, score_name=words_of(cells.metric.name), task=cells.task.name).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw the curve on `ax`, or on a new figure; return self."""
        ax = new_axes(ax, "CascadeDisplay.plot", (6.4, 4.2))
        ax.plot(1000 * self.curve["seconds"], self.curve["score"], color=PALETTE[0], marker="o")
        for points in self._apart():
            first, last = points[0], points[-1]
            words = f"{first.certain:g}" if first is last else f"{first.certain:g} to {last.certain:g}"
            place = (1000 * last.seconds, max(point.score for point in points))
            # On the left: from there to the next point the line mostly rises, and would cross a label above the point.
            ax.annotate(words, place, (-4, 5), textcoords="offset points", fontsize=8, ha="right")
        ax.set(xlabel="milliseconds per row", ylabel=self.score_name)
        ax.margins(x=0.08, y=0.12)
        tidy(ax, grid="both")
        return finish(self, ax, "Score by the certainty that is asked for", self.task)

    def _apart(self):
        """Return the points as lists of neighbours that lie on one another, whose labels would collide."""
        width, height = (NEAR * np.ptp(self.curve[name].to_numpy(float)) for name in ("seconds", "score"))
        found: list[list] = []
        for row in self.curve.itertuples():
            last = found[-1][0] if found else None
            if last and abs(row.seconds - last.seconds) <= width and abs(row.score - last.score) <= height:
                found[-1].append(row)
            else:
                found.append([row])
        return found


def _seconds(model, views):
    """Return what it takes per row to read the last of some views, and to ask the members that read no others."""
    asked = [seconds for level in model.levels_ for member, seconds in level.seconds.items()
             if set(member.views) <= set(views)]  # fmt: skip
    return model.view_seconds_[views[-1]] + sum(asked)


def _curve(cells, order, seconds):
    blends = [cells.blend([bool(own) and set(own) <= set(order[:depth]) for own in cells.reads])
              for depth in range(1, len(order))]  # fmt: skip
    known, points = ~np.isnan(cells.ensemble).any(axis=1), []
    for certain in CERTAIN:
        out, read = cells.ensemble.copy(), np.full(len(known), len(blends))
        for place in reversed(range(len(blends))):
            sure = known & (blends[place].max(axis=1) >= certain) & (certain < 1)
            out[sure], read[sure] = blends[place][sure], place
        read = read[cells.scored]
        points.append((certain, seconds[read].mean(), (read == len(blends)).mean(), cells.judge().score(out)))
    return pd.DataFrame(points, columns=["certain", "seconds", "read", "score"])
