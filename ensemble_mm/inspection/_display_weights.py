"""Displays of what the members, the views and the tasks give: weights, Shapley values, agreement."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .._checks import check_choice
from .._kinds import Classes
from ._cells import cells_of, check_task
from ._contributions import view_contributions
from ._drawing import DIVERGING, GAIN, cycle, finish, heat_map, ink, legend_below, member_name, new_axes, shorten, tidy

LEAST = 0.005  # weight that is written into a cell: less would read 0.00


class ContributionDisplay:
    """Heat map of the weight of every (reads, learner) in every task.

    Use `from_estimator` to make one.

    Parameters
    ----------
    contributions : DataFrame
        Index (reads, learner), one column per task; each column sums to 1.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import ContributionDisplay
    >>> index = pd.MultiIndex.from_tuples([("review", "linear"), ("all", "gbm")], names=["reads", "learner"])
    >>> display = ContributionDisplay(contributions=pd.DataFrame({"stars": [0.25, 0.75]}, index=index)).plot()
    >>> display.ax_.get_yticklabels()[0].get_text()
    'all · gbm'
    """

    def __init__(self, *, contributions):
        self.contributions = contributions

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, max_rows=24) -> Self:
        """Draw the weights of a fitted stack; see `plot` for the parameters."""
        check_is_fitted(estimator, "contributions_")
        return cls(contributions=estimator.contributions_).plot(ax=ax, max_rows=max_rows)

    def plot(self, ax=None, *, max_rows=24) -> Self:
        """Draw the heat map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a new figure.
        max_rows : int, default=24
            Rows with the largest weights that are shown; the others are summed in a last row. Rows
            without any weight are counted, not drawn.

        Returns
        -------
        self
        """
        weights = self.contributions
        order = np.argsort(-weights.max(axis=1).fillna(0).to_numpy(), kind="stable")
        weights = weights.iloc[order]
        used = weights[(weights > 0.0005).any(axis=1)]
        n_idle = len(weights) - len(used)
        shown, rest = used.iloc[:max_rows], used.iloc[max_rows:]
        shown = shown.astype(float).set_axis([member_name(reads, learner) for reads, learner in shown.index])
        if len(rest):
            shown.loc[f"{len(rest)} others together"] = rest.sum(axis=0)
        size = (3.4 + 0.85 * len(weights.columns), 1.6 + 0.34 * max(3, len(shown)))
        ax = new_axes(ax, "ContributionDisplay.plot", size)
        limit = max(0.5, float(np.nanmax(shown, initial=0)))
        self.image_ = heat_map(ax, shown, limits=(0, limit), label="weight", blank=LEAST)
        gap = "\n" if len(weights.columns) < 3 else " "  # a narrow figure has no room for both on a line
        note = f"{gap}({n_idle} more have none)" if n_idle else ""
        return finish(self, ax, f"Weight of each member{note}")


def has_help(matrix) -> bool:
    """Tell whether any task gives another one what can be seen in a picture."""
    return bool((matrix.to_numpy(dtype=float) >= LEAST).any())


class TaskContributionDisplay:
    """Heat map of what each task's estimates give to each other task.

    Parameters
    ----------
    contributions : DataFrame
        Square: one row per task that gives, one column per task that takes.

    Attributes
    ----------
    ax_, figure_, image_ : matplotlib Axes, Figure, AxesImage

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import TaskContributionDisplay
    >>> shares = pd.DataFrame([[0.9, 0.3], [0.1, 0.7]], index=["a", "b"], columns=["a", "b"])
    >>> TaskContributionDisplay(contributions=shares).plot().ax_.get_xlabel()
    'task that is helped'
    """

    def __init__(self, *, contributions):
        self.contributions = contributions

    @classmethod
    def from_estimator(cls, estimator, *, ax=None) -> Self:
        """Draw `task_contributions_` of a fitted MultiOutputStack."""
        check_is_fitted(estimator, "contributions_")
        matrix = getattr(estimator, "task_contributions_", None)
        if matrix is None:
            raise ValueError(
                "This model has no task_contributions_: fit a MultiOutputStack with strategy='stacked' or 'chain'."
            )
        return cls(contributions=matrix).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw the matrix on `ax`, or on a new figure; return self."""
        matrix = self.contributions
        if not has_help(matrix):
            self.image_, ax = None, new_axes(ax, "TaskContributionDisplay.plot", (5.0, 1.4))
            ax.set_axis_off()
            ax.text(0, 0.5, "Tasks do not help each other here.", fontsize=11, transform=ax.transAxes)
            return finish(self, ax, "What tasks give to each other")
        n = len(matrix.columns)
        ax = new_axes(ax, "TaskContributionDisplay.plot", (2.8 + 0.75 * n, 2.0 + 0.5 * n))
        limit = max(0.5, float(np.nanmax(matrix.to_numpy(dtype=float), initial=0)))
        self.image_ = heat_map(ax, matrix, limits=(0, limit), label="share", blank=LEAST)
        ax.set_xlabel("task that is helped")
        ax.set_ylabel("task that gives")
        return finish(self, ax, "What tasks give to each other")


class ViewContributionDisplay:
    """Bars of the Shapley value of every view in every task, with intervals.

    Parameters
    ----------
    contributions : DataFrame
        As `view_contributions` returns it.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from ensemble_mm import ViewContributionDisplay
    >>> columns = pd.MultiIndex.from_product([["stars"], ["value", "low", "high"]])
    >>> shares = pd.DataFrame([[0.3, 0.2, 0.4], [0.1, 0.0, 0.2]], index=["review", "photo"], columns=columns)
    >>> len(ViewContributionDisplay(contributions=shares).plot().ax_.patches)
    2
    """

    def __init__(self, *, contributions):
        self.contributions = contributions

    @classmethod
    def from_estimator(cls, estimator, *, n_bootstrap=200, random_state=0, ax=None) -> Self:
        """Compute `view_contributions` of a fitted stack and draw them."""
        shares = view_contributions(estimator, n_bootstrap=n_bootstrap, random_state=random_state)
        return cls(contributions=shares).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw the bars on `ax`, or on a new figure; return self."""
        shares = self.contributions
        tasks = list(dict.fromkeys(shares.columns.get_level_values(0)))
        n_views = len(shares)
        height = 1.4 + len(tasks) * (0.26 * n_views + 0.25) + 0.25 * n_views
        ax = new_axes(ax, "ViewContributionDisplay.plot", (6.4, min(height, 18)))
        step = 0.8 / n_views
        for i, view in enumerate(shares.index):
            rows = np.arange(len(tasks)) - 0.4 + step * (i + 0.5)
            value, low, high = (
                np.array([shares.loc[view, (task, what)] for task in tasks], float) for what in ("value", "low", "high")
            )
            style = cycle(i)
            hatch = ["", "//", "..", "xx", "\\\\", "--", "++"][i % 7]
            ax.barh(rows, value, 0.9 * step, color=style["color"], hatch=hatch, edgecolor="white", label=shorten(view))
            if np.isfinite(low).all():
                whiskers = np.abs([value - low, high - value])
                ax.errorbar(value, rows, xerr=whiskers, fmt="none", ecolor=ink(ax), elinewidth=1, capsize=2)
        ax.set_yticks(range(len(tasks)), [shorten(task) for task in tasks])
        ax.invert_yaxis()
        ax.axvline(0, color=ink(ax), linewidth=0.8)
        ax.set_xlabel(f"{GAIN}, by each view")
        legend_below(ax, ncols=min(4, n_views))
        tidy(ax, grid="x")
        return finish(self, ax, "What each view gives")


class TableDisplay:
    """Agreement between the members of a task: how alike are their out-of-fold mistakes?

    Members that err together add little to each other. With `statistic="correlation"` a cell is the
    correlation of the errors (probability of the true class, or residual); with `"q"` it is Yule's Q-statistic
    of being right (classification only) [1]_.

    Parameters
    ----------
    agreement : DataFrame
        Square, from -1 to 1: index and columns (reads, learner).
    statistic : {"correlation", "q"}
    task : str

    Attributes
    ----------
    ax_, figure_, image_ : matplotlib Axes, Figure, AxesImage

    References
    ----------
    .. [1] Kuncheva, L., Whitaker, C. (2003). Measures of diversity in classifier ensembles. Machine Learning 51,
       181-207.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm import TableDisplay
    >>> errors = np.random.default_rng(0).normal(size=(50, 2))
    >>> display = TableDisplay.from_errors(errors, [("review", "linear"), ("photo", "linear")])
    >>> display.agreement.shape
    (2, 2)
    """

    def __init__(self, *, agreement, statistic="correlation", task=""):
        self.agreement = agreement
        self.statistic = statistic
        self.task = task

    @classmethod
    def from_estimator(cls, estimator, *, task=None, statistic="correlation", max_members=24, ax=None) -> Self:
        """Draw the agreement of the members of one task (default: the first) of a fitted stack.

        At most `max_members` are shown: those with the largest weights.
        """
        check_choice("statistic", statistic, ("correlation", "q"))
        task = check_task(estimator, task)
        cells = cells_of(estimator, task)
        cells = cells.take(np.flatnonzero(~np.isnan(cells.truth)))
        if statistic == "q" and not isinstance(cells.kind, Classes):
            raise ValueError(f"Task {task!r} is a regression: the Q-statistic needs classes; use 'correlation'.")
        errors = cells.kind.errors(cells.cube, cells.truth)
        if statistic == "q":
            wrong = np.nan_to_num(cells.cube, nan=-1).argmax(axis=2) != cells.truth[:, np.newaxis]
            errors = np.where(np.isnan(errors), np.nan, wrong)
        heaviest = np.sort(np.argsort(-cells.weights, kind="stable")[:max_members])
        by_input = sorted(heaviest, key=lambda m: (cells.members[m].reads, m))
        names = [(cells.members[m].reads, cells.members[m].learner) for m in by_input]
        return cls.from_errors(errors[:, by_input], names, statistic=statistic, task=task, ax=ax)

    @classmethod
    def from_errors(cls, errors, members, *, statistic="correlation", task="", ax=None):
        """Draw the agreement of columns of errors.

        Parameters
        ----------
        errors : array of shape (n_samples, n_members)
            Errors, NaN where a member abstained; for "q", 1 where it is wrong and 0 where it is right.
        members : list of (reads, learner)
        statistic : {"correlation", "q"}, default="correlation"
        task : str, default=""
        ax : matplotlib Axes, default=None
        """
        check_choice("statistic", statistic, ("correlation", "q"))
        errors = np.asarray(errors, dtype=float)
        index = pd.MultiIndex.from_tuples([tuple(m) for m in members], names=["reads", "learner"])
        matrix = pd.DataFrame(errors).corr(min_periods=3).to_numpy() if statistic == "correlation" else _q(errors)
        return cls(agreement=pd.DataFrame(matrix, index, index), statistic=statistic, task=task).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw the matrix on `ax`, or on a new figure; return self."""
        n = len(self.agreement)
        side = 2.6 + 0.42 * max(3, n)
        ax = new_axes(ax, "TableDisplay.plot", (side + 1.6, side))
        names = [member_name(reads, learner, 32) for reads, learner in self.agreement.index]
        below: list = names
        if n > 4:  # numbers below, with the names beside them: so many names below would be cut to the same beginning
            names, below = [f"{name}  {i}" for i, name in enumerate(names, 1)], list(range(1, n + 1))
        label = "correlation of errors" if self.statistic == "correlation" else "Q-statistic"
        fmt = "{:.1f}" if n > 6 else "{:.2f}"
        frame = self.agreement.set_axis(names).set_axis(below, axis=1)
        self.image_ = heat_map(ax, frame, cmap=DIVERGING, limits=(-1, 1), fmt=fmt, annotate=n <= 16, label=label)
        return finish(self, ax, "Agreement of members", self.task)


def _q(wrong):
    """Return Yule's Q of every pair of columns of 0 / 1 / NaN: (ad - bc) / (ad + bc)."""
    right, bad = (wrong == 0).astype(float), (wrong == 1).astype(float)
    agree = (right.T @ right) * (bad.T @ bad)
    differ = (right.T @ bad) * (bad.T @ right)
    total = agree + differ
    return np.divide(agree - differ, total, out=np.full(total.shape, np.nan), where=total > 0)
