"""Kinds of task: everything that differs between classes and numbers, in one place.

A kind knows how the columns of a table belong to members, what a prediction costs in a row, what stands in for it where
there is none, and by which metrics it is judged. `KINDS` maps the names of kinds to classes, which are made with the
number of classes of a task (0 for numbers). A kind of your own derives from `Classes` or `Numbers` and enters `KINDS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import xlogy
from sklearn.utils import get_tags

from . import _metrics
from ._plain_words import Distances, Orders, OrdersInQueries, RightAnswers

FEWEST = 1e-3  # expected counts
LEVELS = (0.5, 0.05, 0.1, 0.25, 0.75, 0.9, 0.95)  # of quantiles: the median comes first, as the number that is said
MOST_HAZARD = 30.0  # of the logarithm of a hazard: what is beyond costs as much
GRADES = 32  # of relevance, one more than there may be: a label is a query times this, plus its relevance
FLOOR = 1e-12  # of a probability: a certain and wrong prediction costs 27.6 nats, not infinity


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
    region : {"sets", "intervals"} or None
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
    usual : str
        What the prior is, for reports.
    plain : type
        How errors are told in plain words, for reports.
    is_ordered : bool
        Whether classes have an order that the labels must tell.
    least_number : float
        The lowest number that there may be.
    """

    is_ordered: ClassVar = False
    least_number: ClassVar = -np.inf

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
        return tuple(dict.fromkeys(vars(kind)["family"] for kind in type(self).__mro__ if "family" in vars(kind)))

    def suits(self, estimator) -> bool:
        """Tell whether an estimator can learn such a task."""
        if getattr(estimator, "learns_all_tasks", False):
            return True
        tags = get_tags(estimator)
        return tags.estimator_type == self.learner and (self.n_classes <= 2 or tags.classifier_tags.multi_class)

    def units(self, y):
        """Return which rows belong together, as numbers, so that no fold may part them; None: each stands alone."""
        return None

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
                f"The table has {block.shape[1]} columns, which is no multiple of its {self.n_classes} classes: give "
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
        out = np.reshape(out, (len(out), -1))
        out = np.c_[1 - out, out] if out.shape[1] == 1 else out
        return out / np.maximum(out.sum(axis=1, keepdims=True), FLOOR)

    def of_member(self, out, codes):
        """Return the columns of a member that knows the classes at some positions: (n_rows, n_columns) or (n_rows,)."""
        if out.shape[1] < self.n_classes:
            known, out = out, np.zeros((len(out), self.n_classes))
            out[:, codes] = known
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
    second: ClassVar = "mae"
    error: ClassVar = "mae"
    plain: ClassVar[Any] = Distances

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


@dataclass(frozen=True)
class OrderedClasses(Classes):
    """One of some classes in order, such as stars: log loss, quadratic kappa.

    What is decided for is the middle class, with as much chance below it as above: of all it is the nearest to the
    truth on average.
    """

    is_ordered: ClassVar = True
    words: ClassVar = "ordered classes"
    error: ClassVar = "mae"
    metrics: ClassVar = {
        "quadratic_kappa": _metrics.quadratic_kappa,
        "accuracy": _metrics.accuracy,
        "mae": _metrics.steps,
        "log_loss": Kind.mean_loss,
    }

    def decide(self, out):
        """Return the positions of the middle classes, or of those that `decision` asks for."""
        if self.decision is not None:
            return super().decide(out)
        return (out.cumsum(axis=1) >= out.sum(axis=1, keepdims=True) / 2).argmax(axis=1)


@dataclass(frozen=True)
class Counts(Numbers):
    """How often something occurs, 0, 1, 2 and so on: Poisson deviance, D2. Predictions are at least 0."""

    least_number: ClassVar = 0.0
    words: ClassVar = "a count"
    same_as_loss: ClassVar = ("neg_mean_poisson_deviance",)

    def given(self, out):
        """Return predictions as users get them: without columns, none below 0."""
        return np.maximum(out[:, 0], 0)

    def decide(self, out):
        """Return the expected counts."""
        return self.given(out)

    def loss(self, picked, y):
        """Return the Poisson deviance; an expected count below 0.001 costs as much as that."""
        y, mean = y.reshape(-1, *[1] * (picked.ndim - 1)), np.maximum(picked, FEWEST)
        return 2 * (xlogy(y, y / mean) - y + mean)

    metrics: ClassVar = {"d2_poisson": Numbers.score, "mae": _metrics.mae, "rmse": _metrics.rmse}


@dataclass(frozen=True)
class Quantiles(Numbers):
    """A number whose quantiles are predicted: mean pinball loss. Predictions have one column per entry of `LEVELS`."""

    family: ClassVar = "quantile"
    words: ClassVar = "quantiles of a number"
    usual: ClassVar = "the quantiles of all rows"
    width: ClassVar = len(LEVELS)
    n_columns: ClassVar = len(LEVELS)
    same_as_loss: ClassVar = ()

    def suits(self, estimator):
        """Tell whether an estimator, or the last step of one, predicts quantiles."""
        last = getattr(estimator, "steps", [("", estimator)])[-1][1]
        return super().suits(estimator) and getattr(last, "predicts_quantiles", False)

    def cells(self, block):
        """Return the columns of a table as (n_rows, n_members, width)."""
        return block.reshape(len(block), -1, self.width)

    def flat(self, cells):
        """Return cells as the columns of a table."""
        return cells.reshape(len(cells), -1)

    def whole(self, out):
        """Return predictions with all columns; of one number each, all quantiles are this number."""
        out = np.reshape(out, (len(out), -1))
        return np.broadcast_to(out, (len(out), self.width)) if out.shape[1] == 1 else out

    def given(self, out):
        """Return all quantiles."""
        return out

    def prior(self, y, weight=None):
        """Return the quantiles of all labels."""
        return np.quantile(y, LEVELS, weights=weight, method="inverted_cdf")

    def picked(self, cells, y):
        """Return what decides the loss: all quantiles."""
        return cells

    def errors(self, cells, y):
        """Return how far above the number the medians are, shape (n_rows, ...)."""
        return cells[..., 0] - y.reshape(-1, *[1] * (cells.ndim - 2))

    def loss(self, picked, y):
        """Return the pinball loss, as the mean over the quantiles."""
        above = y.reshape(-1, *[1] * (picked.ndim - 1)) - picked
        return np.maximum(np.multiply(LEVELS, above), np.subtract(LEVELS, 1) * above).mean(axis=-1)

    def worst(self, y, weight=None):
        """Return the mean loss of the prior."""
        return self.mean_loss(y, np.tile(self.prior(y, weight), (len(y), 1)), weight)

    def made_up(self):
        """Return six labels and predictions of them, to try a scorer on."""
        y, out = super().made_up()
        return y, self.whole(out)

    metrics: ClassVar = {"d2_pinball": Numbers.score, "pinball": Kind.mean_loss, "mae": _metrics.mae}


@dataclass(frozen=True)
class Survival(Numbers):
    """How long it takes until something happens, if it does: hazards, Harrell's concordance.

    Labels are times above 0. They are negative where the row was watched so long and it had not happened. Predictions
    are logarithms of hazards, in events per unit of time: the higher, the sooner. Losses are those of hazards that do
    not change with time, which are Poisson deviances of the event.
    """

    family: ClassVar = "survival"
    region: ClassVar = None
    words: ClassVar = "a time to an event"
    usual: ClassVar = "the same hazard"
    same_as_loss: ClassVar = ()
    second: ClassVar = "deviance"
    error: ClassVar = "deviance"
    plain: ClassVar = Orders
    metrics: ClassVar = {"concordance": _metrics.concordance, "deviance": Kind.mean_loss}

    @property
    def families(self):
        """What is drawn and done for numbers is not for these."""
        return (self.family,)

    def suits(self, estimator):
        """Tell whether an estimator, or the last step of one, predicts hazards."""
        last = getattr(estimator, "steps", [("", estimator)])[-1][1]
        return super().suits(estimator) and getattr(last, "predicts_hazards", False)

    def fault(self, numbers):
        """Return in words what known labels cannot be; None where they can."""
        if (numbers == 0).any():
            return "holds a time of 0: give times above 0, such as half a unit"
        return None if (numbers > 0).any() else "nothing happened in any row: give rows with an event"

    def loss(self, picked, y):
        """Return the deviance of the event in the time that a row was watched."""
        y, hazard = y.reshape(-1, *[1] * (picked.ndim - 1)), np.clip(picked, -MOST_HAZARD, MOST_HAZARD)
        log_mean = np.log(np.maximum(np.abs(y), FLOOR)) + hazard
        return 2 * (np.exp(log_mean) - (y > 0) * (1 + log_mean))

    def errors(self, cells, y):
        """Return how many more events were expected than happened, shape (n_rows, ...)."""
        y, hazard = y.reshape(-1, *[1] * (cells.ndim - 2)), np.clip(cells[..., 0], -MOST_HAZARD, MOST_HAZARD)
        return np.abs(y) * np.exp(hazard) - (y > 0)

    def off(self, y, out, likeliest=False):
        """Return for each row to how many others it is in the wrong order; the mean is the share of all such pairs."""
        wrong, known = _metrics.pairs(y, self.decide(self.whole(out)), np.ones(len(y)))
        return np.full(len(y), 0.5) if likeliest or not known.any() else wrong / known.mean()

    def perfect(self, y):
        """Return a prediction that tells the order of all rows."""
        return self.whole(1e-9 * (y > 0) - np.log(np.maximum(np.abs(y), FLOOR)))  # of equal times an event is first

    def prior(self, y, weight=None):
        """Return the logarithm of events per unit of time."""
        happened, time = np.average(np.c_[y > 0, np.abs(y)], axis=0, weights=weight)
        return np.atleast_1d(np.log(max(happened, FEWEST) / max(time, FLOOR)))


@dataclass(frozen=True)
class Ranking(Numbers):
    """How relevant a row is among those of its query, such as one search: scores, NDCG.

    A label is the number of its query times `GRADES`, plus its relevance, a whole number from 0 on. Predictions are
    scores, of which only the order within a query counts. The loss of a row is what the NDCG of its query lacks of 1.
    """

    family: ClassVar = "ranking"
    region: ClassVar = None
    words: ClassVar = "a ranking within queries"
    usual: ClassVar = "any order"
    same_as_loss: ClassVar = ()
    second: ClassVar = "ndcg_at_10"
    error: ClassVar = "concordance"
    plain: ClassVar = OrdersInQueries
    metrics: ClassVar = {
        "ndcg": _metrics.ndcg,
        "ndcg_at_10": _metrics.ndcg_at_10,
        "concordance": _metrics.concordance_in_queries,
    }

    @property
    def families(self):
        """What is drawn and done for numbers is not for these."""
        return (self.family,)

    def suits(self, estimator):
        """Tell whether an estimator, or the last step of one, predicts scores."""
        last = getattr(estimator, "steps", [("", estimator)])[-1][1]
        return super().suits(estimator) and getattr(last, "predicts_ranks", False)

    def units(self, y):
        """Return the query of each row."""
        return np.floor(y / GRADES)

    def relevance(self, y):
        """Return the relevance of each row."""
        return np.mod(y, GRADES)

    def fault(self, numbers):
        """Return in words what known labels cannot be; None where they can."""
        if np.isfinite(_metrics.ndcg_by_query(self.units(numbers), self.relevance(numbers), numbers)).any():
            return None
        return "no query has rows of different relevance: give queries of several rows, of which some are more relevant"

    def loss(self, picked, y):
        """Return what the NDCG of the query of each row lacks of 1; 0 where nothing is to be ordered."""
        _, place = np.unique(self.units(y), return_inverse=True)
        flat = np.reshape(picked, (len(y), -1))
        gains = [_metrics.ndcg_by_query(place, self.relevance(y), scores) for scores in flat.T]
        return np.stack([1 - np.nan_to_num(gain, nan=1.0)[place] for gain in gains], axis=1).reshape(np.shape(picked))

    def errors(self, cells, y):
        """Return how far above its relevance, among the rows of its query, each score is, shape (n_rows, ...)."""
        wanted = _metrics.within(self.units(y), self.relevance(y))
        return cells[..., 0] - wanted.reshape(-1, *[1] * (cells.ndim - 2))

    def off(self, y, out, likeliest=False):
        """Return for each row to how many of its query it is in the wrong order; the mean is the share of pairs."""
        wrong, known = _metrics.pairs_in_queries(self.units(y), self.relevance(y), self.decide(self.whole(out)))
        return np.full(len(y), 0.5) if likeliest or not known.any() else wrong / known.mean()

    def perfect(self, y):
        """Return a prediction that tells the order of all rows."""
        return self.whole(self.relevance(y))

    def prior(self, y, weight=None):
        """Return one score for all rows."""
        return np.zeros(1)

    def made_up(self):
        """Return six labels and predictions of them, to try a scorer on."""
        y = np.array([0.0, 1, 2, GRADES, GRADES + 1, GRADES])
        return y, self.whole(self.relevance(y) + 0.1)


KINDS: dict[str, Any] = {
    "binary": Classes,
    "multiclass": Classes,
    "ordinal": OrderedClasses,
    "regression": Numbers,
    "count": Counts,
    "quantile": Quantiles,
    "survival": Survival,
    "ranking": Ranking,
}

LABEL_SETS = "labels"  # a column that lists tags: not one task of a kind, but one of two classes per tag


def name_of_classes(n_classes):
    """Return the name of the kind of so many classes without an order."""
    return "multiclass" if n_classes > 2 else "binary"


def kind_of(n_classes):
    """Return the kind of labels that are positions of some classes, or numbers (0 or None)."""
    return Classes(n_classes) if n_classes else Numbers()
