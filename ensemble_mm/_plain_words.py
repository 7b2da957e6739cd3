"""Numbers, scores and errors in plain words, as reports have them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

NBSP = "\u00a0"  # keeps a number and its unit on one line
LEADING = ("$", "£", "¥", "₹", "₩")  # units that stand before their number
SHARES = ("accuracy",)  # metrics that are shown in percent


def percent(share, decimals=1):
    """Return a share as words, such as "83.1 %"; a dash for what is not known."""
    return (
        "–"
        if share is None or not np.isfinite(share)
        else _minus(f"{round(100 * share, decimals) + 0.0:.{decimals}f}{NBSP}%")
    )


def number(value, digits=3):
    """Return a number with some significant digits; a dash for what is not known."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.{digits}g}"


def plain(value) -> str:
    """Return a number as a person writes it: "12,300", "23.5", "0.0042"."""
    return number(value) if not 1000 <= abs(value) < np.inf else _minus(f"{value:,.0f}")


def aligned(value) -> str:
    """Return a number as `plain` does, with its last zeros, as in a column of a table: "0.540" below "0.533"."""
    return f"{value:#.3g}".rstrip(".") if 0.001 <= abs(value) < 1000 else plain(value)


def written(value: float) -> str:
    """Return a number of the data as a table holds it: "9000000", not "9e+06"."""
    text = f"{value:.6g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 1e15 else text


def in_unit(words, unit) -> str:
    """Return a number that is written with its unit: "$12", "12 €", "12 %"."""
    return f"{unit}{words}" if unit in LEADING else f"{words}{NBSP}{unit}" if unit else words


def class_name(label) -> str:
    """Return a class as words; 4.0 is the class 4 in a column that has holes."""
    return f"{label:g}" if isinstance(label, float) else str(label)


def score_text(metric, value):
    """Return a score in words."""
    if metric in SHARES:
        return percent(value)
    return _minus(f"{value + 0.0:.3f}".replace("-0.000", "0.000")) if np.isfinite(value) else "–"


def of_hundred(share) -> str:
    """Return a share as a count: "84 of 100"."""
    return f"{100 * share:.{1 if 0.98 < share < 1 else 0}f} of 100" if np.isfinite(share) else "–"


def plural(n, noun) -> str:
    """Return a count with its noun: "1 view", "3 views"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _minus(text):
    return text.replace("-", "−")


class RightAnswers:
    """Errors of classes in plain words: an answer is right or wrong."""

    @staticmethod
    def good(error) -> str:
        """Return in words how good predictions of a mean error are."""
        return f"right in {of_hundred(1 - error)}"

    @staticmethod
    def held(region, out) -> str:
        """Return in words what a fitted region of 90 % says of many rows; nothing where it is for single rows."""
        return ""

    @staticmethod
    def amount(error) -> str:
        """Return a mean error as words, beside one that `good` tells."""
        return of_hundred(1 - error)

    @staticmethod
    def between(low, high) -> str:
        """Return an interval of a mean error as words, beside what `good` tells."""
        best, worst = (100 * float(np.clip(1 - error, 0, 1)) for error in (low, high))
        return f"{worst:.0f} to {best:.0f}"

    @staticmethod
    def saved(error) -> str:
        """Return in words what lowers the mean error by so much."""
        return f"{100 * error:.0f} more right answers in 100"

    @staticmethod
    def apart(one, other) -> np.ndarray:
        """Return how far two predictions of each row are apart: the share of probability that moves."""
        return np.abs(one - other).sum(axis=1) / 2

    @staticmethod
    def shift(apart) -> str:
        """Return how far predictions are apart as words; nothing where it cannot be seen."""
        return f"±{100 * apart:.0f} points" if apart >= 0.005 else ""


@dataclass(frozen=True)
class Distances:
    """Errors of numbers in plain words: how far an answer is off, in the unit of the target. See `RightAnswers`.

    Attributes
    ----------
    unit : str
        What the labels were written with, such as "€"; nothing where they came as numbers.
    """

    unit: str = ""
    held = staticmethod(RightAnswers.held)

    def good(self, error) -> str:
        return f"off by {self.amount(error)} on average"

    def amount(self, error) -> str:
        return in_unit(plain(error), self.unit)

    def between(self, low, high) -> str:
        return f"{plain(max(low, 0.0))} to {self.amount(high)}"

    def saved(self, error) -> str:
        return f"an error that is {self.amount(error)} smaller"

    @staticmethod
    def apart(one, other) -> np.ndarray:
        return np.abs(one - other)[:, 0]

    def shift(self, apart) -> str:
        return f"±{self.amount(apart)}"


class Orders(RightAnswers):
    """Errors of times to an event in plain words: of two rows, which one has it first is told or not."""

    @staticmethod
    def held(region, out) -> str:
        low = plain(np.median(region.interval(out[:, 0], 0.9)[:, 0]))
        return f"Nine of ten have it later than their lower bound, which is {low} or more for half of them"

    @staticmethod
    def good(error) -> str:
        return f"which of two comes first is told in {of_hundred(1 - error)} pairs"

    @staticmethod
    def saved(error) -> str:
        return f"{100 * error:.0f} more pairs in 100 in the right order"

    @staticmethod
    def apart(one, other) -> np.ndarray:
        return np.abs(one - other)[:, 0]

    @staticmethod
    def shift(apart) -> str:
        return f"hazard times or over {plain(np.exp(apart))}" if apart >= 0.005 else ""


class OrdersInQueries(Orders):
    """Errors of scores within queries in plain words: of two rows of a query, the more relevant one is told or not."""

    @staticmethod
    def held(region, out) -> str:
        share = of_hundred(np.mean(region.sets(out[:, 0], 0.9)))
        return f"{share} rows may be the most relevant of their query; nine of ten queries have such a row among these"

    @staticmethod
    def good(error) -> str:
        return f"which of two rows of a query is more relevant is told in {of_hundred(1 - error)} pairs"

    @staticmethod
    def shift(apart) -> str:
        return f"score ±{plain(apart)}" if apart >= 0.005 else ""


class Words(str):
    """A text that a notebook and a prompt show as it is, without quotes."""

    def __repr__(self):
        """Return the text itself."""
        return str(self)


@dataclass(frozen=True)
class PlainScore:
    """How good predictions of a task are, in the unit of the target.

    Attributes
    ----------
    say : object
        `RightAnswers`, `Orders` or a `Distances`.
    usual : str
        What a guess always says.
    error, low, high : float
        Mean error with its 95 % interval.
    guess : float
        Mean error of the guess, on the same rows.
    is_surer : bool, default=False
        Whether probabilities are clearly better than the guess, though answers are not.
    """

    say: Any
    usual: str
    error: float
    low: float
    high: float
    guess: float
    is_surer: bool = False

    @property
    def interval(self) -> str:
        """The interval in words; nothing where there are too few rows for one."""
        return f"95 % interval {self.say.between(self.low, self.high)}" if np.isfinite(self.low) else ""

    @property
    def beside(self) -> str:
        """What the guess reaches, in words."""
        return f"{self.say.amount(self.guess)} when always guessing {self.usual}"

    def __str__(self):
        """Return the error, its interval and that of the guess."""
        inside = f" ({self.interval})" if self.interval else ""
        useless = ", so it is no better than this guess" if self.error >= self.guess else ""
        if self.is_surer:
            useless = ", so its answers are no better than this guess, but its probabilities are"
        return f"{self.say.good(self.error)}{inside}; {self.beside}{useless}"
