"""Display of the greedy selection: how the score grows with its steps, on rows that choose and on rows that do not."""

from functools import partial
from typing import Self

import numpy as np
import pandas as pd

from .._checks import check_count
from .._inner_folds import folds_of
from .._kinds import Quantiles
from ..meta import selection_path
from ._cells import cells_of, check_task
from ._drawing import GAIN, PALETTE, finish, legend_below, new_axes, shorten, tidy

MOST_ROWS = 5_000  # rows that take part, at most: a curve needs no more


class SelectionDisplay:
    """Score of a task as a greedy selection adds one member per step, with replacement: when does it stop learning?

    The selection is run again on the table, on all folds but one at a time. On the rows that choose, the score is too
    optimistic; those of the fold that was left out show what a step is worth. Where their line turns down, more steps
    only learn the noise.

    Parameters
    ----------
    path : DataFrame
        One row per step: "step" (from 1), "reads" and "learner" (what all rows choose at that step), "seen" (share of
        a constant guess's loss that is removed on the rows that choose), "held_out" (on the rows left out), "low" and
        "high" (of these, minus and plus one standard error over the folds; NaN where there is one fold).
    task : str

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure

    References
    ----------
    Caruana, R. et al. (2004). Ensemble selection from libraries of models. ICML.

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import SelectionDisplay
    >>> path = pd.DataFrame(
    ...     {
    ...         "step": [1, 2],
    ...         "reads": ["text", "all"],
    ...         "learner": ["linear", "gbm"],
    ...         "seen": [0.2, 0.3],
    ...         "held_out": [0.19, 0.26],
    ...     }
    ... )
    >>> SelectionDisplay(path=path).plot().ax_.get_xlabel()
    'step of the selection'
    """

    def __init__(self, *, path, task=""):
        self.path = path
        self.task = task

    @classmethod
    def from_estimator(cls, estimator, *, task=None, n_steps=20, random_state=0, ax=None) -> Self:
        """Run the selection on the table of one task (default: the first) of a fitted stack, and draw it.

        Parameters
        ----------
        estimator : fitted stack
        task : str, default=None
        n_steps : int, default=20
        random_state : int, default=0
            Chooses the rows where the table has more than 5,000.
        ax : matplotlib Axes, default=None
        """
        check_count("n_steps", n_steps, minimum=1)
        task = check_task(estimator, task)
        if isinstance(estimator.tasks_[task].rules, Quantiles):
            raise ValueError(f"Task {task!r} is of quantiles, whose blends have no such steps: use PruningDisplay.")
        cells = cells_of(estimator, task)
        rows = cells.scored
        if len(rows) > MOST_ROWS:
            rows = np.sort(np.random.default_rng(random_state).choice(rows, MOST_ROWS, replace=False))
        place = np.full(len(cells.truth), -1)
        place[rows] = np.arange(len(rows))
        cells = cells.take(rows)
        path_of = partial(selection_path, cells.cube, cells.truth, cells.kind, n_steps=n_steps, weight=cells.weight)
        chosen, _ = path_of(np.arange(len(rows)))
        tests = [place[np.asarray(test)] for _, test in folds_of(estimator.folds_, task)]
        used, left_out, mass = _gains(cells, path_of, [test[test >= 0] for test in tests])
        if not used:
            raise ValueError(f"Task {task!r} has no fold with known labels on both sides: there is nothing to draw.")
        seen, middle = (
            np.average(gains, axis=0, weights=w)
            for gains, w in zip((used, left_out), zip(*mass, strict=True), strict=True)
        )
        error = np.std(left_out, axis=0, ddof=1) / np.sqrt(len(left_out)) if len(left_out) > 1 else np.nan
        members = [cells.members[m] for m in chosen]
        path = pd.DataFrame({
            "step": np.arange(1, n_steps + 1), "reads": [member.reads for member in members],
            "learner": [member.learner for member in members], "seen": seen, "held_out": middle,
            "low": middle - error, "high": middle + error,
        })  # fmt: skip
        return cls(path=path, task=task).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw both lines on `ax`, or on a new figure; return self."""
        ax = new_axes(ax, "SelectionDisplay.plot", (6.4, 4.4))
        path = self.path
        step = path["step"].to_numpy()
        if "low" in path:
            ax.fill_between(step, path["low"], path["high"], color=PALETTE[4], alpha=0.3, linewidth=0,
                            label="± 1 standard error")  # fmt: skip
        ax.plot(step, path["seen"], color=PALETTE[1], marker="s", linestyle="--", markersize=4,
                label="rows that choose")  # fmt: skip
        ax.plot(step, path["held_out"], color=PALETTE[0], marker="o", markersize=5, label="rows held out")
        best = int(path["held_out"].to_numpy().argmax())
        ax.plot(step[best], path["held_out"].iloc[best], marker="*", markersize=14, color=PALETTE[0], linestyle="",
                label=f"best: step {step[best]}")  # fmt: skip
        first = shorten(f"first: {path['reads'].iloc[0]} · {path['learner'].iloc[0]}", 40)
        ax.text(0.99, 0.03, first, transform=ax.transAxes, ha="right", fontsize=8)
        ax.set_xticks(step if len(step) <= 20 else step[:: len(step) // 10])
        ax.set_xlabel("step of the selection")
        ax.set_ylabel(GAIN)
        legend_below(ax, ncols=2)
        tidy(ax, grid="both")
        return finish(self, ax, "Learning of the greedy selection", self.task)


def _gains(cells, path_of, tests):
    """Return the shares of the prior's loss that each step removes, of the rows that choose and of those left out, and
    what both weigh, by fold."""
    used: list = []
    left_out: list = []
    mass: list = []
    rows, prior = np.arange(len(cells.truth)), cells.losses(cells.constant)
    for out in tests:
        others = np.setdiff1d(rows, out)
        if not len(out) or not len(others):
            continue
        _, losses = path_of(others)
        mass.append([len(part) if cells.weight is None else cells.weight[part].sum() for part in (others, out)])
        for gains, part in ((used, others), (left_out, out)):
            some = cells.take(part)
            gains.append(1 - some.mean(losses[part]) / (some.mean(prior[part]) or 1.0))
    return used, left_out, mass
