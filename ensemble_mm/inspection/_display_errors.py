"""Displays of the errors of one task: reliability, confusion, residuals."""

from dataclasses import replace
from typing import Self

import numpy as np
import pandas as pd
from sklearn.metrics import ConfusionMatrixDisplay

from .._checks import check_count
from .._kinds import Classes, Numbers
from .._plain_words import class_name, percent
from ..data import labels_by_task
from ._cells import cells_of, check_task, tasks_of
from ._drawing import GREY, PALETTE, SEQUENTIAL, cycle, finish, ink, legend_below, new_axes, shorten, tidy


def predictions_of(estimator, task, X=None, Y=None, *, decided=False):
    """Return `(task, truth, prediction, weight)` of the rows with a known label; the weight may be None.

    Without X and Y these are the out-of-fold predictions of the training rows; with them, predictions of new rows.
    Those that are to be `decided` are scaled to what thresholds of other folds decide for.
    """
    name = check_task(estimator, task)
    info = estimator.tasks_[name]
    if (X is None) != (Y is None):
        raise ValueError("Give both X and Y, or neither (then the out-of-fold predictions of the training rows serve).")
    if X is None:
        cells = cells_of(estimator, name)
        if decided:
            cells = replace(cells, ensemble=cells.scorer.view(cells.ensemble))
        cells = cells.take(cells.scored)
        return info, cells.truth, cells.ensemble, cells.weight
    truths = truth_of(estimator, Y)
    if name not in truths:
        raise ValueError(f"Y has no column {name!r}: it has labels of {', '.join(map(repr, truths))}.")
    truth, known = truths[name], ~np.isnan(truths[name])
    prediction = estimator._predict_tasks(X)[0][name]  # `predict_proba` has one table for all tags of a column
    return info, truth[known], np.asarray(prediction, dtype=float).reshape(len(truth), -1)[known], None


def truth_of(estimator, Y) -> dict:
    """Return {task: class positions or numbers} of the tasks that Y has the labels of."""
    found = labels_by_task(estimator.tasks_, Y, named=False)
    return {name: estimator.tasks_[name].encode(column) for name, column in found.items()}


class ReliabilityDisplay:
    """Reliability curves: is what is predicted with 80 % right 8 times in 10?

    For two classes a point compares the mean predicted probability of the positive class with its frequency; for
    more classes, the probability of the predicted class with the share of right predictions. Bins hold equally
    many rows; the size of a point grows with its rows.

    Parameters
    ----------
    curves : dict of str to DataFrame
        By task: columns "predicted", "observed", "rows". For two classes the entry "of" of `attrs` names the class
        whose probability it is.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    errors_ : dict of str to float
        Expected calibration error by task: the mean distance to the diagonal, weighted by rows.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm import ReliabilityDisplay
    >>> p = np.linspace(0.05, 0.95, 200)
    >>> y = np.random.default_rng(0).random(200) < p
    >>> display = ReliabilityDisplay.from_predictions(y, np.c_[1 - p, p])
    >>> display.errors_[""] < 0.15
    True
    """

    def __init__(self, *, curves):
        self.curves = curves

    @classmethod
    def from_estimator(cls, estimator, X=None, Y=None, *, task=None, n_bins=10, ax=None) -> Self:
        """Draw the curves of one task, or of all classification tasks (`task=None`), of a fitted stack.

        Without X and Y the out-of-fold predictions of the training rows are shown.
        """
        first, curves = check_task(estimator, task, Classes.family), {}
        for name in tasks_of(estimator, Classes.family) if task is None else [first]:
            info, truth, prediction, weight = predictions_of(estimator, name, X, Y)
            curves[name] = curve_of(truth, prediction, weight, n_bins)
            if len(info.classes) == 2:
                curves[name].attrs["of"] = class_name(info.classes[1])
        return cls(curves=curves).plot(ax=ax)

    @classmethod
    def from_predictions(cls, y_true, y_pred, *, sample_weight=None, name="", n_bins=10, ax=None) -> Self:
        """Draw the curve of class positions `y_true` and probabilities `y_pred` of shape (n_samples, n_classes)."""
        y_pred = np.asarray(y_pred, dtype=float)
        y_pred = np.c_[1 - y_pred, y_pred] if y_pred.ndim == 1 else y_pred
        return cls(curves={name: curve_of(np.asarray(y_true, dtype=float), y_pred, sample_weight, n_bins)}).plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw the curves on `ax`, or on a new figure; return self."""
        ax = new_axes(ax, "ReliabilityDisplay.plot", (5.2, 5.0))
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="perfectly calibrated")
        self.errors_ = {}
        for i, (name, curve) in enumerate(self.curves.items()):
            share = curve["rows"] / max(1, curve["rows"].sum())
            self.errors_[name] = calibration_error(curve)
            style, text = cycle(i), f"error {self.errors_[name]:.3f}"
            of = f": {shorten(curve.attrs['of'], 12)}" if "of" in curve.attrs else ""
            label = f"{shorten(name, 22)}{of} ({text})" if name else text
            line = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.6}
            ax.plot(curve["predicted"], curve["observed"], **line)
            sizes = 18 + 60 * np.sqrt(share)
            ax.scatter(
                curve["predicted"], curve["observed"], s=sizes, color=style["color"], marker=style["marker"], zorder=3
            )
            ax.plot([], [], marker=style["marker"], label=label, **line)
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="predicted probability", ylabel="observed frequency")
        ax.legend(loc="upper left", fontsize=8, frameon=True, framealpha=0.9, edgecolor="none")
        tidy(ax, grid="both")
        return finish(self, ax, "Reliability")


def calibration_error(curve) -> float:
    """Return the mean distance of a reliability curve to the diagonal; bins count by their rows."""
    share = curve["rows"] / max(1, curve["rows"].sum())
    return float((share * (curve["predicted"] - curve["observed"]).abs()).sum())


def curve_of(truth, prediction, weight=None, n_bins=10):
    """Return mean prediction, frequency and rows, by their weights, of bins that hold equally many."""
    check_count("n_bins", n_bins, minimum=1)
    if prediction.shape[1] == 2:
        sure, right = prediction[:, 1], truth == 1
    else:
        sure, right = prediction.max(axis=1), prediction.argmax(axis=1) == truth
    weight = np.ones(len(sure)) if weight is None else np.asarray(weight, dtype=float)
    # By rank, so that bins hold equally many rows; equal predictions share a rank and so a bin.
    _, value = np.unique(sure, return_inverse=True)
    mass = np.bincount(value, weight)
    place = np.floor((np.cumsum(mass) - mass / 2) / max(mass.sum(), 1e-300) * n_bins)[value]
    _, place = np.unique(place, return_inverse=True)
    rows = np.bincount(place, weight)
    predicted, observed = (np.bincount(place, weight * part) / rows for part in (sure, right))
    return pd.DataFrame({"predicted": predicted, "observed": observed, "rows": rows})


class ConfusionDisplay(ConfusionMatrixDisplay):
    """Confusion matrix of a classification task, as scikit-learn draws it, from the out-of-fold predictions.

    Parameters
    ----------
    confusion_matrix : ndarray of shape (n_classes, n_classes)
    display_labels : ndarray of shape (n_classes,), default=None

    Attributes
    ----------
    ax_, figure_, im_, text_ : matplotlib Axes, Figure, AxesImage, array of Text

    Examples
    --------
    >>> from ensemble_mm import ConfusionDisplay
    >>> display = ConfusionDisplay.from_predictions(["no", "yes", "yes"], ["no", "no", "yes"])
    >>> display.confusion_matrix.tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """

    @classmethod
    def from_estimator(cls, estimator, X=None, Y=None, *, task=None, normalize="true", ax=None, **kwargs) -> Self:
        """Draw the matrix of one task (default: the first classification task) of a fitted stack.

        Without X and Y the out-of-fold predictions of the training rows are shown. Further parameters go to
        scikit-learn's `ConfusionMatrixDisplay.from_predictions`.
        """
        name = check_task(estimator, task, Classes.family)
        info, truth, prediction, weight = predictions_of(estimator, name, X, Y, decided=True)
        labels, names = np.arange(len(info.classes)), list(map(class_name, info.classes))
        return cls.from_predictions(
            truth.astype(int), info.rules.decide(prediction), labels=labels, display_labels=names,
            sample_weight=weight, normalize=normalize, ax=ax, task=info.name, **kwargs,
        )  # fmt: skip

    @classmethod
    def from_predictions(cls, y_true, y_pred, *, labels=None, display_labels=None, normalize="true", ax=None,
                         task="", **kwargs) -> Self:  # fmt: skip
        """Draw the matrix of true and predicted labels; rows sum to 1 with `normalize="true"`."""
        if display_labels is None:
            display_labels = np.unique(np.r_[np.asarray(y_true), np.asarray(y_pred)]) if labels is None else labels
        n = len(display_labels)
        side = 2.4 + 0.5 * max(3, n)
        ax = new_axes(ax, "ConfusionDisplay.plot", (side + 1.0, side))
        kwargs = {"cmap": SEQUENTIAL, "values_format": ".0f" if normalize is None else ".2f", "colorbar": True} | kwargs
        if n > 10:
            kwargs["text_kw"] = {"fontsize": 7} | (kwargs.get("text_kw") or {})
        display = super().from_predictions(
            y_true, y_pred, labels=labels, display_labels=[shorten(c, 18) for c in display_labels],
            normalize=normalize, ax=ax, xticks_rotation=45 if n > 3 else "horizontal", **kwargs,
        )  # fmt: skip
        if n > 3:
            for tick in ax.get_xticklabels():
                tick.set(ha="right", rotation_mode="anchor")
        ax.set(xlabel="predicted", ylabel="true")
        ax.spines[:].set_visible(False)
        return finish(display, ax, "Confusion", task)


class ResidualDisplay:
    """Residuals of a regression against the predictions, with the interval around each prediction.

    Parameters
    ----------
    predicted, residual : ndarray of shape (n_samples,)
        Prediction, and truth minus prediction, in the unit of the target.
    sample_weight : ndarray of shape (n_samples,) or None
    low, high : ndarray of shape (n_samples,) or None
        Bounds of the interval relative to the prediction.
    coverage : float or None
        What the intervals are to cover.
    task : str
    unit : str
        What the numbers are counted in, such as "€"; it stands at both axes.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    covered_ : float
        Share of the residuals inside their interval.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm import ResidualDisplay
    >>> y = np.arange(10.0)
    >>> ResidualDisplay.from_predictions(y, y + 0.5, low=y, high=y + 1).covered_
    1.0
    """

    def __init__(
        self, *, predicted, residual, sample_weight=None, low=None, high=None, coverage=None, task="", unit=""
    ):
        self.predicted = predicted
        self.residual = residual
        self.sample_weight = sample_weight
        self.low = low
        self.high = high
        self.coverage = coverage
        self.task = task
        self.unit = unit

    @classmethod
    def from_estimator(cls, estimator, X=None, Y=None, *, task=None, coverage=0.9, ax=None) -> Self:
        """Draw the residuals of one task (default: the first regression task) of a fitted stack.

        With X and Y the intervals are those of `predict_interval`. Without them the out-of-fold predictions of the
        training rows are shown, with the band that holds `coverage` of these residuals.
        """
        info, truth, prediction, weight = predictions_of(estimator, check_task(estimator, task, Numbers.family), X, Y)
        prediction = prediction[:, 0]
        if X is None:
            width = _width(np.abs(truth - prediction), weight, coverage) if len(truth) else 0.0
            low, high = prediction - width, prediction + width
        else:
            bounds = estimator.predict_interval(X, coverage)
            bounds = np.asarray(bounds[info.name] if isinstance(bounds, dict) else bounds, dtype=float)
            known = ~np.isnan(truth_of(estimator, Y)[info.name])
            bounds = bounds.reshape(len(known), -1)[known]
            low, high = bounds[:, 0], bounds[:, 1]
        display = cls(
            predicted=prediction, residual=truth - prediction, sample_weight=weight, low=low - prediction,
            high=high - prediction, coverage=coverage, task=info.name, unit=info.rules.unit,
        )  # fmt: skip
        return display.plot(ax=ax)

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, *, sample_weight=None, low=None, high=None, coverage=None, task="", ax=None
    ) -> Self:
        """Draw true and predicted numbers, with the bounds `low` and `high` of the interval of each row."""
        y_true, y_pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
        low = None if low is None else np.asarray(low, dtype=float) - y_pred
        high = None if high is None else np.asarray(high, dtype=float) - y_pred
        display = cls(
            predicted=y_pred, residual=y_true - y_pred, sample_weight=sample_weight, low=low, high=high,
            coverage=coverage, task=task,
        )  # fmt: skip
        return display.plot(ax=ax)

    def plot(self, ax=None) -> Self:
        """Draw the residuals on `ax`, or on a new figure; return self."""
        ax = new_axes(ax, "ResidualDisplay.plot", (6.4, 4.2))
        inside = np.ones(len(self.residual), dtype=bool)
        if self.low is not None and self.high is not None:
            inside = (self.low <= self.residual) & (self.residual <= self.high)
            order = np.argsort(self.predicted)
            label = f"{percent(self.coverage, 0)} interval" if self.coverage else "interval"
            ax.fill_between(
                self.predicted[order], self.low[order], self.high[order], step="mid",
                color=PALETTE[4], alpha=0.35, linewidth=0, label=label,
            )  # fmt: skip
        self.covered_ = float(np.average(inside, weights=self.sample_weight)) if len(inside) else float("nan")
        size = 26 if len(inside) < 300 else 10
        ax.axhline(0, color=ink(ax), linewidth=0.8)
        ax.scatter(self.predicted[inside], self.residual[inside], s=size, color=PALETTE[0], alpha=0.7, linewidth=0)
        ax.scatter(
            self.predicted[~inside], self.residual[~inside], s=size + 6, color=PALETTE[1], marker="x",
            label=f"outside ({percent(1 - self.covered_, 0)})" if len(inside) else "outside",
        )  # fmt: skip
        unit = f" ({shorten(self.unit)})" if self.unit else ""
        ax.set(xlabel=f"predicted{unit}", ylabel=f"true − predicted{unit}")
        if self.low is not None:
            legend_below(ax, ncols=2)
        tidy(ax, grid="both")
        return finish(self, ax, "Residuals", self.task)


def _width(away, weight, coverage):
    """Return the smallest of some distances that holds a share of them."""
    order = np.argsort(away)
    mass = np.cumsum(np.ones(len(away)) if weight is None else weight[order])
    return away[order][min(np.searchsorted(mass, coverage * mass[-1] - 1e-9), len(away) - 1)]
