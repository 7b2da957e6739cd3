"""A task: the kind, the classes and the missing labels of one target, as positions of classes or numbers."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .._checks import DataWarning, warn
from .._kinds import KINDS, LABEL_SETS, LEVELS
from ..schema import NumberRule, is_blank, learn_numbers
from ._labels import as_column, check_labels, some
from ._tags import has_tag

SINGLE = np.finfo(np.float32)


@dataclass(frozen=True)
class Task:
    """One target: its name, its kind and, for a classification, its classes in sorted order.

    Where the cells of a column of Y list tags, there is one task per `tag` of that `column`.
    """

    name: str
    kind: str
    classes: np.ndarray | None = None
    column: str | None = None
    tag: Any = None
    reading: NumberRule | None = None  # how numbers are written where they came as text, such as "¥143"
    decision: tuple[float, ...] | None = None  # a weight per class; None: the most probable one is said
    parts: tuple[str, str] | None = None  # the columns of Y that tell it, where there are two
    separator: str | None = None  # of the tags in a text, where such texts were declared to be label sets
    class_weight: str | tuple[float, ...] | None = None  # what a row of each class counts in learners, or "balanced"
    exposure: float = 1.0  # in which things were counted, on average over the fit

    @property
    def declared(self):
        """The kind as `tasks` of a stack takes it."""
        return self.kind if self.parts is None else (self.kind, *self.parts)

    @property
    def keys(self) -> tuple[str, ...]:
        """By what a dict of settings may name it, the most exact first: task, column of tags, kinds."""
        of_tags = () if self.column is None else (self.column, LABEL_SETS)
        return (self.name, *of_tags, self.kind, self.rules.family)

    @property
    def has_numbers(self) -> bool:
        """Whether the classes are numbers, or texts that read as such, as prices do."""
        return self.classes is not None and learn_numbers(Counter(map(str, self.classes.tolist()))) is not None

    @property
    def rules(self):
        """What is so for tasks of this kind: see `ensemble_mm._kinds`."""
        rules = KINDS[self.kind](0 if self.classes is None else len(self.classes))
        if self.reading is not None and self.classes is None:
            rules = replace(rules, unit=self.reading.unit)
        if self.parts is not None and self.kind == "count":
            rules = replace(rules, unit=f"per {self.parts[1]}")
        return rules if self.decision is None else replace(rules, decision=self.decision)

    @property
    def column_classes(self) -> list:
        """What the columns of a learner are called: the classes, for two the second; "" for a number, or levels."""
        if self.classes is None:
            return [""] if self.rules.n_columns == 1 else list(LEVELS)
        return list(self.classes[-self.rules.n_columns :])

    def encode(self, y, *, unseen: float | None = None) -> np.ndarray:
        """Return labels as floats: class positions or numbers; NaN for a label that is not known.

        A class that was not there in fit becomes `unseen`; None: it is an error.
        """
        column = pd.Series(as_column(y))
        if self.column is not None:
            column = has_tag(column, self.tag)
        check_labels(self.name, column)
        values = np.asarray(column.to_numpy(object), dtype=object)
        out = np.full(len(values), np.nan)
        (self._write_numbers if self.classes is None else self._write_positions)(out, values, ~pd.isna(values), unseen)
        return out

    def _write_numbers(self, out, values, known, unseen):
        """Write the numbers that labels are; NaN where one is none, which is told of new rows."""
        out[known] = numbers = as_numbers(self.name, values[known], self.reading)
        lost = values[known][np.isnan(numbers)]
        if len(lost) and unseen is not None:
            warn(lost_labels(self.name, lost, len(numbers)), DataWarning)

    def _write_positions(self, out, values, known, unseen):
        """Write the positions of labels among the classes."""
        position = {label: i for i, label in enumerate(np.asarray(self.classes).tolist())}
        known &= [not (isinstance(label, str) and label not in position and is_blank(label)) for label in values]
        plain = [label.item() if isinstance(label, np.generic) else label for label in values[known]]
        strange = [label for label in plain if label not in position]
        if strange and unseen is None:
            raise ValueError(
                f"Task {self.name!r} has the label {strange[0]!r}, which was not among its classes in fit "
                f"({some(self.classes)}): correct it, or mark it as not known with None."
            )
        if strange:
            warn(
                f"Task {self.name!r}: {len(strange)} of {len(plain)} labels, such as {strange[0]!r}, were not among "
                f"its classes in fit ({some(self.classes)}) and count as wrong. Correct them, or mark them as not "
                "known with None.",
                DataWarning,
            )
        out[known] = [position.get(label, unseen) for label in plain]

    def judged(self, y, out, weight=None):
        """Return `(rules, labels, predictions, weights)` of the rows of predictions whose label is known.

        A class that was not there in fit is one more, to which the predictions give no chance.
        """
        target, rules = self.encode(y, unseen=self.rules.n_classes), self.rules
        if len(target) != len(out):
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X has {len(out)} rows, task "
                f"{self.name!r} has {len(target)} labels. Give one label per row; mark one that is not known with None."
            )
        rows = ~np.isnan(target) if weight is None else ~np.isnan(target) & (weight > 0)
        target, out, weight = target[rows], out[rows], None if weight is None else weight[rows]
        if self.classes is not None and target.max(initial=0) == rules.n_classes:
            decision = None if self.decision is None else (*self.decision, 0.0)
            rules, out = type(rules)(rules.n_classes + 1, decision), np.c_[out, np.zeros(len(out))]
        return rules, target, out, weight

    def evaluate(self, y, out, weight=None) -> dict:
        """Return the number of known labels and every metric of predictions, shape (n,) or (n, n_classes)."""
        rules, target, out, weight = self.judged(y, out, weight)
        return {"n": len(target)} | rules.evaluate(target, out, weight)

    def labels(self, encoded) -> np.ndarray:
        """Return the labels that `encode` turns into these floats; None for a class that is not known."""
        if self.classes is None:
            return encoded
        known, out = ~np.isnan(encoded), np.full(len(encoded), None, dtype=object)
        out[known] = np.asarray(self.classes, dtype=object)[encoded[known].astype(np.intp)]
        return out

    def labels_of(self, known) -> np.ndarray | None:
        """Return the labels of the classes, if a model that knows some was fitted on these names of them."""
        labels = np.asarray(self.classes)
        return labels if np.isin(labels.astype(object), np.asarray(known).astype(object)).any() else None

    def decode(self, prediction) -> np.ndarray:
        """Return labels (of class probabilities, shape (n, n_classes)) or the numbers as they are."""
        decided = self.rules.decide(np.reshape(prediction, (len(prediction), -1)))
        return decided if self.classes is None else self.classes[decided]


def setting_of(setting, task):
    """Return the setting of one task where a dict by task, column or kind is given; None where it has no entry."""
    if not isinstance(setting, dict):
        return setting
    return next((setting[key] for key in task.keys if key in setting), None)


def lost_labels(name: str, lost, n: int) -> str:
    return f"{len(lost)} of {n} labels of task {name!r} are not numbers, such as {lost[0]!r}, and count as not known."


def as_numbers(name: str, values, reading: NumberRule | None = None) -> np.ndarray:
    """Return labels as floats; NaN where `reading` finds no number in a text."""
    if reading is not None:
        numbers = reading.read(pd.Series(values, dtype=object)).to_numpy()
    else:
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            strange = [value for value in values if not is_number(value)]
            raise ValueError(
                f"Task {name!r} is a regression, but holds {some(strange)} ({len(strange)} of {len(values)} labels): "
                "give numbers, all in one unit, or declare it a classification."
            ) from error
    if np.isinf(numbers).any():
        raise ValueError(
            f"Input y contains infinity: task {name!r} holds infinite values. Correct them, or mark them as not known "
            "with NaN."
        )
    largest = np.abs(numbers[~np.isnan(numbers)]).max(initial=0.0)
    if largest and not SINGLE.tiny <= largest <= SINGLE.max:
        raise ValueError(
            f"The largest number of task {name!r} is {largest:.3g}: learners that compute in single precision, and "
            f"squared errors, need one between {SINGLE.tiny:.0e} and {SINGLE.max:.0e}. Give the task in another unit."
        )
    return numbers


def is_number(value) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
