"""Displays of choices: what members add one after the other, and strategies side by side."""

from functools import partial
from typing import Self

import numpy as np
import pandas as pd

from ._cells import cells_of
from ._drawing import GAIN, PALETTE, cycle, finish, ink, legend_below, member_name, new_axes, shorten, tidy, wrap
from ._scores import compare_choices, words_of


class PruningDisplay:
    """Score of a task as members are added, heaviest first: how many are enough?

    Parameters
    ----------
    path : DataFrame
        One row per member in the order in which they join: "reads", "learner", "score" (share of a constant
        guess's loss that all so far remove), "low", "high" (mean minus and plus one standard error) and, when seconds
        are known, "seconds" (of all so far).
    task : str

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import PruningDisplay
    >>> path = pd.DataFrame({"reads": ["text", "all"], "learner": ["linear", "gbm"], "score": [0.2, 0.3]})
    >>> PruningDisplay(path=path).plot().ax_.get_xlabel()
    'members kept, heaviest first'
    """

    def __init__(self, *, path, task=""):
        self.path = path
        self.task = task

    @classmethod
    def from_estimator(cls, estimator, *, task=None, seconds=None, max_members=40, ax=None) -> Self:
        """Draw the path of one task (default: the first) of a fitted stack, from its table.

        No learner is fitted again: members that are not kept abstain. The order that is shown comes from all rows. To
        score a row, the order and the combination are found without this row.

        Parameters
        ----------
        estimator : fitted stack
        task : str, default=None
        seconds : dict of (reads, learner) to float, default=None
            Cost of each member; given, the horizontal axis is their sum instead of their number.
        max_members : int, default=40
        ax : matplotlib Axes, default=None
        """
        cells = cells_of(estimator, task)
        cells = cells.take(cells.scored)
        order = np.argsort(-cells.weights, kind="stable")[:max_members]
        order = order[cells.weights[order] > 0] if (cells.weights > 0).any() else order
        base = cells.mean(cells.losses(cells.constant))
        rows, spent = [], 0.0
        for n_kept, m in enumerate(order, 1):
            learner, reads = cells.members[m].learner, cells.members[m].reads
            gains = 1 - cells.losses(cells.blend(partial(_heaviest, n_kept))) / (base or 1.0)
            score, error = cells.mean(gains), cells.error(gains)
            row = {"reads": reads, "learner": learner, "score": score, "low": score - error, "high": score + error}
            if seconds is not None:
                spent += seconds.get((reads, learner), 0.0)
                row["seconds"] = spent
            rows.append(row)
        return cls(path=pd.DataFrame(rows), task=cells.task.name).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw the path on `ax`, or on a new figure; return self."""
        ax = new_axes(ax, "PruningDisplay.plot", (6.4, 4.2))
        path = self.path
        by_cost = "seconds" in path
        place = path["seconds"].to_numpy(float) if by_cost else np.arange(1, len(path) + 1)
        if "low" in path:
            ax.fill_between(place, path["low"], path["high"], color=PALETTE[4], alpha=0.3, linewidth=0,
                            label="± 1 standard error")  # fmt: skip
        ax.plot(place, path["score"], color=PALETTE[0], marker="o", label="score of those kept")
        # Listed where the curve leaves room: beside the points the names would collide.
        if by_cost:
            for i, row in enumerate(path.itertuples(), 1):
                ax.annotate(i, (row.seconds, row.score), (0, 5), textcoords="offset points", fontsize=8, ha="center")
        first = [f"{i}  {member_name(row.reads, row.learner, 32)}" for i, row in enumerate(path.itertuples(), 1)][:5]
        blank = [ax.plot([], [], linestyle="")[0] for _ in first]
        ax.add_artist(ax.legend(blank, first, loc="best", handlelength=0, handletextpad=0, fontsize=8, frameon=False))
        if not by_cost:
            ax.set_xticks(place if len(place) <= 15 else place[:: len(place) // 10])
        ax.set_xlabel("seconds" if by_cost else "members kept, heaviest first")
        ax.set_ylabel(GAIN)
        ax.margins(x=0.08)
        legend_below(ax, ncols=2)
        tidy(ax, grid="both")
        return finish(self, ax, "What members add", self.task)


def _heaviest(n_kept, meta):
    """Return a mask of the members that a fitted meta-learner weighs most."""
    kept = np.zeros(len(meta.weights_), dtype=bool)
    kept[np.argsort(-meta.weights_, kind="stable")[:n_kept]] = True
    return kept


class ScoreDisplay:
    """Score of the ensemble beside that of each view alone, of early fusion and of a constant, with intervals.

    Parameters
    ----------
    choices : DataFrame
        Columns "choice", "learner", "score", "low", "high"; the first row is the ensemble.
    score_name : str
    task : str

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import ScoreDisplay
    >>> choices = pd.DataFrame(
    ...     {
    ...         "choice": ["ensemble", "only 'review'"],
    ...         "learner": ["", "linear"],
    ...         "score": [0.8, 0.7],
    ...         "low": [0.75, 0.64],
    ...         "high": [0.85, 0.76],
    ...     }
    ... )
    >>> ScoreDisplay(choices=choices, score_name="share right").plot().ax_.get_xlabel()
    'share right'
    """

    def __init__(self, *, choices, score_name="score", task=""):
        self.choices = choices
        self.score_name = score_name
        self.task = task

    @classmethod
    def from_estimator(cls, estimator, *, task=None, ax=None) -> Self:
        """Draw the choices of one task (default: the first) of a fitted stack, from its table."""
        cells = cells_of(estimator, task)
        choices = compare_choices(cells, list(estimator.views_))
        return cls(choices=choices, score_name=words_of(cells.metric.name), task=cells.task.name).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw one point and interval per choice on `ax`, or on a new figure; return self."""
        choices = self.choices
        ax = new_axes(ax, "ScoreDisplay.plot", (5.4, 1.3 + 0.36 * len(choices)))
        place = np.arange(len(choices))
        for i, (_, row) in enumerate(choices.iterrows()):
            colour, marker = (PALETTE[1], "D") if i == 0 else (PALETTE[0], "o")
            spread = [[row["score"] - row["low"]], [row["high"] - row["score"]]]
            ax.errorbar(row["score"], i, xerr=np.nan_to_num(np.abs(spread)), fmt=marker, color=colour, capsize=3)
        names = [f"{row.choice} ({row.learner})" if row.learner else row.choice for row in choices.itertuples()]
        ax.set_yticks(place, [wrap(name, 26, 2) for name in names])
        ax.invert_yaxis()
        ax.axvline(choices["score"].iloc[0], color=PALETTE[1], linewidth=0.8, linestyle="--")
        ax.set_xlabel(self.score_name)
        tidy(ax, grid="x")
        return finish(self, ax, shorten(self.task, 40))


class StrategyDisplay:
    """Strategies side by side: how much each changes the loss of every task, with paired intervals.

    It is made of a table, since every strategy is a fit of its own:
    ``StrategyDisplay(compare_strategies(X, Y, learners="fast")).plot()``.

    Parameters
    ----------
    comparison : DataFrame
        As `compare_strategies` returns it: index (task, strategy), columns "difference", "low", "high" (mean paired
        loss minus that of the ensemble, with its interval) and "loss".

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import StrategyDisplay
    >>> index = pd.MultiIndex.from_product([["stars"], ["ensemble", "early fusion"]], names=["task", "strategy"])
    >>> comparison = pd.DataFrame(
    ...     {"loss": [1.0, 1.2], "difference": [0.0, 0.2], "low": [0.0, 0.1], "high": [0.0, 0.3]}, index=index
    ... )
    >>> len(StrategyDisplay(comparison=comparison).plot().ax_.get_yticks())
    2
    """

    def __init__(self, comparison):
        self.comparison = comparison

    def plot(self, ax=None) -> Self:
        """Draw one row per task and strategy on `ax`, or on a new figure; return self.

        Differences are in percent of the ensemble's loss, so that tasks share one axis.
        """
        table = self.comparison
        if not isinstance(table, pd.DataFrame):
            raise TypeError(
                f"StrategyDisplay was given a {type(table).__name__}: give it the table that compare_strategies(X, Y, "
                "...) returns, which fits the same data in several ways."
            )
        tasks = list(dict.fromkeys(table.index.get_level_values(0)))
        strategies = list(dict.fromkeys(table.index.get_level_values(1)))
        ax = new_axes(ax, "StrategyDisplay.plot", (6.6, 1.6 + 0.3 * (len(table) + len(tasks))))
        place, ticks, names = 0, [], []
        for task in tasks:
            rows = table.loc[task]
            base = rows["loss"].get("ensemble", rows["loss"].min())
            across = ax.get_yaxis_transform()
            ax.text(0.01, place, shorten(task, 40), fontsize=9, weight="bold", va="center", transform=across)
            place += 1
            for strategy, row in rows.iterrows():
                style = cycle(strategies.index(strategy))
                middle, low, high = (100 * row[c] / base if base else 0.0 for c in ("difference", "low", "high"))
                spread = np.abs(np.nan_to_num([[middle - low], [high - middle]]))
                ax.errorbar(middle, place, xerr=spread, fmt=style["marker"], color=style["color"], capsize=3)
                ticks.append(place)
                names.append(shorten(strategy, 26))
                place += 1
        ax.set_yticks(ticks, names)
        ax.set_ylim(place - 0.5, -0.7)
        ax.axvline(0, color=ink(ax), linewidth=0.8)
        ax.set_xlabel("loss above that of the ensemble, in percent of it (left is better)")
        tidy(ax, grid="x")
        return finish(self, ax, "Strategies on the same folds")
