"""The kinds of task: those of `_kind`, and what derives from them, with decisions or losses of its own; one registry.

`KINDS` maps their names to classes, which are made with the number of classes of a task (0 for numbers). A kind of
your own derives from `Classes` or `Numbers` and enters `KINDS`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import xlogy

from . import _metrics
from ._kind import FLOOR, Classes, Kind, Numbers, by_row
from ._plain_words import Orders, OrdersInQueries, plain

FEWEST = 1e-3  # expected counts
LEVELS = (0.5, 0.05, 0.1, 0.25, 0.75, 0.9, 0.95)  # of quantiles: the median comes first, as the number that is said
MOST_HAZARD = 30.0  # of the logarithm of a hazard: what is beyond costs as much
GRADES = 32  # of relevance, one more than there may be: a label is a query times this, plus its relevance


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
    lost: ClassVar = "Poisson deviance of counts"
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
    predicts: ClassVar = "predicts_quantiles"
    words: ClassVar = "quantiles of a number"
    usual: ClassVar = "the quantiles of all rows"
    lost: ClassVar = "pinball loss of quantiles"
    width: ClassVar = len(LEVELS)
    n_columns: ClassVar = len(LEVELS)
    same_as_loss: ClassVar = ()

    def cells(self, block):
        """Return the columns of a table as (n_rows, n_members, width)."""
        return block.reshape(len(block), -1, self.width)

    def flat(self, cells):
        """Return cells as the columns of a table."""
        return cells.reshape(len(cells), -1)

    def whole(self, out):
        """Return predictions with all columns; of one number each, all quantiles are this number."""
        out = by_row(out)
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
    is_apart: ClassVar = True
    predicts: ClassVar = "predicts_hazards"
    words: ClassVar = "a time to an event"
    usual: ClassVar = "the same hazard"
    lost: ClassVar = "deviance of times"
    same_as_loss: ClassVar = ()
    second: ClassVar = "deviance"
    error: ClassVar = "deviance"
    plain: ClassVar = Orders
    metrics: ClassVar = {"concordance": _metrics.concordance, "deviance": Kind.mean_loss}

    def fault(self, numbers):
        """Return in words what known labels cannot be; None where they can."""
        if (numbers == 0).any():
            return "holds a time of 0: give times above 0, such as half a unit"
        return None if (numbers > 0).any() else "nothing happened in any row: give rows with an event"

    def as_read(self, y):
        """Return times, and in words until when nothing had happened."""
        return np.array([time if time > 0 else f"later than {plain(-time)}" for time in y], dtype=object)

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
    is_apart: ClassVar = True
    predicts: ClassVar = "predicts_ranks"
    region: ClassVar = "shortlists"
    words: ClassVar = "a ranking within queries"
    usual: ClassVar = "any order"
    lost: ClassVar = "what the NDCG of rankings lacks of 1"
    same_as_loss: ClassVar = ()
    second: ClassVar = "ndcg_at_10"
    error: ClassVar = "concordance"
    plain: ClassVar = OrdersInQueries
    metrics: ClassVar = {
        "ndcg": _metrics.ndcg,
        "ndcg_at_10": _metrics.ndcg_at_10,
        "concordance": _metrics.concordance_in_queries,
    }

    def units(self, y):
        """Return the query of each row."""
        return np.floor(y / GRADES)

    def relevance(self, y):
        """Return the relevance of each row."""
        return np.mod(y, GRADES)

    values = relevance

    def decisive(self, y):
        """Return the most relevant rows of queries whose rows differ in relevance."""
        _, place = np.unique(self.units(y), return_inverse=True)
        relevance, most, least = self.relevance(y), np.zeros(len(y)), np.full(len(y), np.inf)
        np.maximum.at(most, place, relevance)
        np.minimum.at(least, place, relevance)
        return (relevance == most[place]) & (most > least)[place]

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
