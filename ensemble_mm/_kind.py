"""What a kind of task is: everything that differs between classes and numbers, in one place.

A kind knows how the columns of a table belong to members, what a prediction costs in a row, what stands in for it where
there is none, and by which metrics it is judged. `_kinds` has those that derive from `Classes` and `Numbers`, and lists
them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import get_tags

from . import _metrics
from ._plain_words import Distances, RightAnswers

FLOOR = 1e-12  # of a probability: a certain and wrong prediction costs 27.6 nats, not infinity


def by_row(out) -> np.ndarray:
    """Return predictions with one row per row, of which there may be none, and the rest side by side."""
    return np.reshape(out, (len(out), int(np.prod(np.shape(out)[1:]))))


class Kind:
    """What both families share; `y` holds class positions or numbers of known labels, `out` predictions of these rows.

    Attributes
    ----------
    family : {"classification", "regression"}
        Key of settings by kind, and of what else there is one of for classes and one for numbers.
    learner : {"classifier", "regressor"}
        Which estimators suit.
    method : {"predict_proba", "predict"}
        What gives the predictions.
    least : int
        Different labels that a fit needs.
    is_stratified : bool
        Whether rows of every label must be in every fold.
    region : {"sets", "intervals", "shortlists"} or None
        What holds the truth as often as it is asked to; None: there is no such thing.
    words : str
        What the labels are, for reports.
    width : int
        Columns of a prediction: one per class, or one.
    n_columns : int
        Columns that a member fills in a table: two classes take one, of the second class.
    scoring : None, str or callable
        What meta-learners maximise unless told otherwise; None: minus the loss of `Classes` or `Numbers`.
    same_as_loss : tuple
        Names of scorers that order predictions as that loss does.
    second, error : str or None
        Names of the metrics that reports show beside the main one, and on new rows.
    usual, lost : str
        What the prior and the loss are, for reports.
    plain : type
        How errors are told in plain words, for reports.
    is_ordered : bool
        Whether classes have an order that the labels must tell.
    least_number : float
        The lowest number that there may be.
    is_apart : bool
        Whether what is drawn and done for the kind that it derives from is not for it.
    predicts : str or None
        The attribute by which the last step of a learner says that it predicts what is asked for; None: any does.
    """

    is_ordered: ClassVar = False
    least_number: ClassVar = -np.inf
    is_apart: ClassVar = False
    predicts: ClassVar[str | None] = None

    scoring = None
    family: ClassVar[str]
    region: ClassVar[str | None]
    learner: ClassVar[str]
    method: ClassVar[str]
    metrics: ClassVar[dict[str, Callable]]
    plain: ClassVar[Any]
    n_classes: int
    width: ClassVar[Any]
    n_columns: ClassVar[Any]
    whole: Callable
    picked: Callable
    loss: Callable
    encoded: Callable

    @property
    def families(self) -> tuple[str, ...]:
        """The family, and those of the kinds that this one derives from: quantiles are of a number, too."""
        if self.is_apart:
            return (self.family,)
        return tuple(dict.fromkeys(vars(kind)["family"] for kind in type(self).__mro__ if "family" in vars(kind)))

    def suits(self, estimator) -> bool:
        """Tell whether an estimator can learn such a task."""
        if getattr(estimator, "learns_all_tasks", False):
            return True
        last = getattr(estimator, "steps", [("", estimator)])[-1][1]
        if self.predicts is not None and not getattr(last, self.predicts, False):
            return False
        tags = get_tags(estimator)
        return tags.estimator_type == self.learner and (self.n_classes <= 2 or tags.classifier_tags.multi_class)

    def units(self, y):
        """Return which rows belong together, as numbers, so that no fold may part them; None: each stands alone."""
        return None

    def values(self, y):
        """Return labels without what tells which rows belong together: what extractors learn, and columns may tell."""
        return y

    def as_read(self, y):
        """Return labels as a person reads them."""
        return self.values(y)

    def decisive(self, y) -> np.ndarray:
        """Return which rows tell how often regions hold the truth, as a mask."""
        return np.ones(len(y), dtype=bool)

    def columns(self, members) -> np.ndarray:
        """Return the columns of the members at some positions of a table."""
        return (np.asarray(members)[:, np.newaxis] * self.n_columns + np.arange(self.n_columns)).ravel()

    def ask(self, model, table) -> np.ndarray:
        """Return what a fitted meta-learner predicts, shape (n_rows, width)."""
        return np.asarray(getattr(model, self.method)(table), dtype=np.float64).reshape(len(table), self.width)

    def losses(self, y, out) -> np.ndarray:
        """Return the loss of every row."""
        return self.loss(self.picked(self.whole(out), y), y)

    def mean_loss(self, y, out, weight=None):
        """Return the mean of the losses."""
        return np.average(self.losses(y, out), weights=weight)

    def within(self, region) -> np.ndarray:
        """Return sets or intervals without what cannot be."""
        return np.maximum(region, self.least_number) if self.region == "intervals" else region

    @property
    def main(self) -> str:
        """Name of the metric that comes first."""
        return next(iter(self.metrics))

    def metric(self, name, y, out, weight=None) -> float:
        """Return one metric; NaN without rows."""
        return self.metrics[name](self, self.encoded(y), self.whole(out), weight) if len(y) else np.nan

    def evaluate(self, y, out, weight=None) -> dict:
        """Return all metrics by name."""
        return {name: self.metric(name, y, out, weight) for name in self.metrics}


@dataclass(frozen=True)
class Classes(Kind):
    """One of two or more classes: log loss, accuracy. Predictions have one column per class.

    What is decided for is the most probable class, or the largest product of probability and `decision`.
    """

    n_classes: int = 2
    decision: tuple[float, ...] | None = None  # a weight per class
    family: ClassVar = "classification"
    learner: ClassVar = "classifier"
    method: ClassVar = "predict_proba"
    least: ClassVar = 2
    is_stratified: ClassVar = True
    region: ClassVar = "sets"
    same_as_loss: ClassVar = ("neg_log_loss", "d2_log_loss_score")
    usual: ClassVar = "the most frequent"
    lost: ClassVar = "log loss of classes"
    error: ClassVar = "log_loss"
    plain: ClassVar = RightAnswers
    metrics: ClassVar = {
        "accuracy": _metrics.accuracy,
        "balanced_accuracy": _metrics.balanced_accuracy,
        "f1_macro": _metrics.f1,
        "roc_auc": _metrics.roc_auc,
        "log_loss": Kind.mean_loss,
    }

    @property
    def words(self):
        return "two classes" if self.n_classes == 2 else "several classes"

    @property
    def second(self):
        return "roc_auc" if self.n_classes == 2 else None  # of thousands of classes it takes long

    @property
    def width(self):
        return self.n_classes

    @property
    def n_columns(self):
        return 1 if self.n_classes == 2 else self.n_classes

    def cells(self, block):
        """Return the columns of a table as (n_rows, n_members, width); a member that lacks a column abstains."""
        block = np.clip(block, 0, 1)
        if self.n_columns == 1:
            return np.stack([1 - block, block], axis=2)
        if block.shape[1] % self.n_classes:
            raise ValueError(
                f"The table has {block.shape[1]} columns, not a multiple of its {self.n_classes} classes: give "
                "every member one column per class."
            )
        cells = block.reshape(len(block), -1, self.n_classes)
        cells[np.isnan(cells).any(axis=2)] = np.nan
        return cells

    def flat(self, cells):
        """Return cells as the columns of a table."""
        return cells[:, :, 1] if self.n_columns == 1 else cells.reshape(len(cells), -1)

    def whole(self, out):
        """Return predictions, or one member's columns, with one column per class whose sum is one."""
        out = by_row(out)
        out = np.c_[1 - out, out] if out.shape[1] == 1 else out
        return out / np.maximum(out.sum(axis=1, keepdims=True), FLOOR)

    def of_member(self, out, codes):
        """Return the columns of a member that knows the classes at some positions: (n_rows, n_columns) or (n_rows,).

        One at -1 is no class of the task: what is said of it goes to the others.
        """
        codes = np.asarray(codes, dtype=np.intp)
        if len(codes) and not np.array_equal(codes, np.arange(self.n_classes)):
            known, out = out, np.zeros((len(out), self.n_classes))
            out[:, codes[codes >= 0]] = known[:, codes >= 0]
            out = self.whole(out) if (codes < 0).any() else out
        return out[:, 1] if self.n_columns == 1 else out

    def given(self, out):
        """Return predictions as users get them: one column per class."""
        return out

    def encoded(self, y):
        """Return known labels in the type that learners and metrics take."""
        return np.asarray(y).astype(np.intp)

    def checked(self, y):
        """Return labels as `encoded` does; raise a ValueError unless they are class positions."""
        y = np.asarray(y)
        if y.dtype.kind not in "biuf" or (y != np.round(y)).any() or y.min() < 0 or y.max() >= self.n_classes:
            raise ValueError(
                f"With {self.n_classes} classes, y must hold class positions from 0 to {self.n_classes - 1}, found "
                f"{np.unique(y)[:5].tolist()}: leave out rows without a label, and encode the labels."
            )
        return self.encoded(y)

    def off(self, y, out, likeliest=False):
        """Return 1 for each row with a wrong class, the decided or the `likeliest` one, 0 for the others."""
        return ((self.whole(out).argmax(axis=1) if likeliest else self.decide(self.whole(out))) != y).astype(float)

    def decide(self, out):
        """Return the positions of the classes that are decided for."""
        return (out if self.decision is None else out * self.decision).argmax(axis=1)

    def perfect(self, y):
        """Return the truth as a prediction."""
        return np.eye(self.n_classes)[y.astype(np.intp)]

    def worthless(self, y):
        """Return predictions of wrong classes."""
        return self.perfect((y + 1) % self.n_classes)

    def prior(self, y, weight=None):
        """Return the frequencies of the classes."""
        return np.bincount(y, weight, minlength=self.n_classes) / (len(y) if weight is None else weight.sum())

    def picked(self, cells, y):
        """Return what decides the loss, shape (n_rows, ...): the probability of the true class."""
        return cells[np.arange(len(y)), ..., y.astype(np.intp)]

    def errors(self, cells, y):
        """Return what is wrong with predictions, shape (n_rows, ...): the probability of all other classes."""
        return 1 - self.picked(cells, y)

    def loss(self, picked, y):
        """Return the log loss in nats."""
        return -np.log(np.maximum(picked, FLOOR))

    def made_up(self):
        """Return six labels and predictions of them, to try a scorer on."""
        y = np.arange(6) % min(self.n_classes, 3)
        return y, (np.eye(max(y) + 1)[np.r_[y[:5], 0]] + 0.5) / (1 + 0.5 * (max(y) + 1))

    def worst(self, y, weight=None):
        """Return the mean loss of the prior."""
        prior = self.prior(y, weight)
        return -np.log(prior[prior > 0]) @ prior[prior > 0]


@dataclass(frozen=True)
class Numbers(Kind):
    """A number: squared error, R2. Predictions have one column."""

    n_classes: int = 0
    unit: str = ""  # of the labels, where they are written with one
    family: ClassVar = "regression"
    learner: ClassVar = "regressor"
    method: ClassVar = "predict"
    least: ClassVar = 1
    is_stratified: ClassVar = False
    region: ClassVar[str | None] = "intervals"
    words: ClassVar = "a number"
    width: ClassVar = 1
    n_columns: ClassVar = 1
    same_as_loss: ClassVar[tuple[str, ...]] = ("r2", "neg_mean_squared_error", "neg_root_mean_squared_error")
    usual: ClassVar = "the mean"
    lost: ClassVar = "squared error of numbers"
    second: ClassVar = "mae"
    error: ClassVar = "mae"

    @property
    def plain(self):
        return Distances(self.unit)

    def cells(self, block):
        """Return the columns of a table as (n_rows, n_members, 1)."""
        return block[:, :, np.newaxis]

    def flat(self, cells):
        """Return cells as the columns of a table."""
        return cells[:, :, 0]

    def whole(self, out):
        """Return predictions, or one member's column, with one column."""
        return np.reshape(out, (len(out), 1))

    def of_member(self, out, codes):
        """Return the column of a member, shape (n_rows,), or its quantiles."""
        return out[:, 0] if out.shape[1] == 1 else out

    def given(self, out):
        """Return predictions as users get them: without columns."""
        return out[:, 0]

    def ask(self, model, table):
        """Return what a fitted meta-learner predicts, shape (n_rows, 1)."""
        return self.whole(super().ask(model, table))

    def encoded(self, y):
        """Return known labels in the type that learners and metrics take."""
        return np.asarray(y, dtype=np.float64)

    checked = encoded

    def fault(self, numbers):
        """Return in words what known labels cannot be; None where they can."""
        low = np.nanmin(numbers)
        return f"holds {low:g}: give numbers from {self.least_number:g} on" if low < self.least_number else None

    def off(self, y, out, likeliest=False):
        """Return how far each number is from the truth."""
        return np.abs(self.decide(self.whole(out)) - y)

    def decide(self, out):
        """Return the numbers themselves."""
        return out[:, 0]

    def perfect(self, y):
        """Return the truth as a prediction."""
        return self.whole(y)

    def worthless(self, y):
        """Return the truth: no number is the most wrong."""
        return self.perfect(y)

    def prior(self, y, weight=None):
        """Return the mean."""
        return np.atleast_1d(np.average(y, weights=weight))

    def picked(self, cells, y):
        """Return what decides the loss, shape (n_rows, ...): the number."""
        return cells[..., 0]

    def errors(self, cells, y):
        """Return what is wrong with predictions, shape (n_rows, ...): how far above the number they are."""
        return self.picked(cells, y) - y.reshape(-1, *[1] * (cells.ndim - 2))

    def loss(self, picked, y):
        """Return the squared error."""
        return (picked - y.reshape(-1, *[1] * (picked.ndim - 1))) ** 2

    def made_up(self):
        """Return six labels and predictions of them, to try a scorer on."""
        y = np.linspace(0.5, 2, 6)
        return y, y[:, np.newaxis] + 0.1

    def worst(self, y, weight=None):
        """Return the mean loss of the prior."""
        return np.average(self.loss(np.broadcast_to(self.prior(y, weight), len(y)), y), weights=weight)

    def score(self, y, out, weight=None):
        """Return the share of the prior's loss that is removed: R2, of squared errors. NaN where there is none."""
        worst = self.worst(y, weight)
        return 1 - self.mean_loss(y, out, weight) / worst if worst > 0 else np.nan

    metrics: ClassVar = {"r2": score, "mae": _metrics.mae, "rmse": _metrics.rmse}
