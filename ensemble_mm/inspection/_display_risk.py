"""How many errors are left when a model is silent about the rows that it is least sure of."""

from typing import Self

import numpy as np
import pandas as pd

from ..data import Classes
from ..meta import rows_worth
from ._cells import check_task
from ._display_errors import predictions_of
from ._drawing import PALETTE, finish, new_axes, tidy

FEWEST = 20  # rows from which the curve begins


class RiskCoverageDisplay:
    """Share of wrong classes among the rows that are answered, against the share of rows that are.

    Parameters
    ----------
    curve : DataFrame
        "answered": share of the rows, the surest first; "risk": share of wrong classes among them; "certain": the
        probability of the most probable class of the last of them.
    task : str

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import RiskCoverageDisplay
    >>> curve = pd.DataFrame({"answered": [0.5, 1.0], "risk": [0.0, 0.1], "certain": [0.9, 0.5]})
    >>> RiskCoverageDisplay(curve=curve).plot().ax_.get_xlabel()
    'share of rows answered'
    """

    def __init__(self, *, curve, task=""):
        self.curve = curve
        self.task = task

    @classmethod
    def from_estimator(cls, estimator, X=None, Y=None, *, task=None, ax=None) -> Self:
        """Draw the curve of one task of classes (default: the first) of a fitted stack.

        Without X and Y it is that of out-of-fold predictions. It begins where 20 rows are answered.
        """
        name = check_task(estimator, task, Classes.family)
        info, truth, out, weight = predictions_of(estimator, name, X, Y)
        worth = rows_worth(weight, len(truth))  # one of weight two is two rows, one without any is none
        some = worth > 0
        truth, out, worth = truth[some], out[some], worth[some]
        certain = out.max(axis=1)
        order = np.argsort(-certain, kind="stable")
        mass = np.cumsum(worth[order])
        wrong = (info.rules.decide(out) != truth)[order] * np.diff(mass, prepend=0)
        last = np.flatnonzero(np.diff(certain[order], append=-1) != 0)  # rows that are as sure are answered together
        # The share of a few rows is chance: one wrong row among the first would draw a spike.
        last = last[mass[last] >= min(FEWEST, mass[-1])]
        curve = {"answered": mass[last] / mass[-1], "risk": np.cumsum(wrong)[last] / mass[last],
                 "certain": certain[order][last]}  # fmt: skip
        return cls(curve=pd.DataFrame(curve), task=name).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw the curve on `ax`, or on a new figure; return self."""
        ax = new_axes(ax, "RiskCoverageDisplay.plot", (5.4, 4.2))
        ax.plot(self.curve["answered"], self.curve["risk"], color=PALETTE[0], drawstyle="steps-post")
        ax.set(xlabel="share of rows answered", ylabel="share of these that is wrong", xlim=(0, 1))
        ax.set_ylim(bottom=0)
        tidy(ax, grid="both")
        return finish(self, ax, "Errors among the surest rows", self.task)
