"""Tasks: the kind, the classes and the missing labels of every target.

`resolve_targets` turns whatever the user hands over as Y into named tasks and one float array a
task: class positions or numbers, NaN where the label is not known. `labels_by_task` finds the labels of tasks that are
known in another Y.
"""

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .._checks import DataWarning, did_you_mean, tell
from .._kinds import KINDS, LABEL_SETS, LEVELS, Classes, Numbers, name_of_classes
from .._plain_words import plural
from ..schema import NumberRule, blanks_of, is_blank, learn_dates, learn_numbers, units_of
from ._labels import (
    as_column,
    check_labels,
    known_labels,
    moments_error,
    numbers_of,
    some,
    target_columns,
)
from ._merged import merged, split_kinds
from ._tags import has_tag, lists_of, separator_of, tags_of

MOST_INTEGER_CLASSES = 20
FEWEST_OF_TAG = 5  # rows that have a tag, and that lack it
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

    @property
    def declared(self):
        """The kind as `tasks` of a stack takes it."""
        return self.kind if self.parts is None else (self.kind, *self.parts)

    @property
    def rules(self):
        """What is so for tasks of this kind: see `ensemble_mm._kinds`."""
        rules = KINDS[self.kind](0 if self.classes is None else len(self.classes))
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
        out[known] = numbers = _as_numbers(self.name, values[known], self.reading)
        lost = values[known][np.isnan(numbers)]
        if len(lost) and unseen is not None:
            warnings.warn(_lost_labels(self.name, lost, len(numbers)), DataWarning, stacklevel=4)

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
            warnings.warn(
                f"Task {self.name!r}: {len(strange)} of {len(plain)} labels, such as {strange[0]!r}, were not among "
                f"its classes in fit ({some(self.classes)}) and count as wrong. Correct them, or mark them as not "
                "known with None.",
                DataWarning,
                stacklevel=4,
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

    def decode(self, prediction) -> np.ndarray:
        """Return labels (of class probabilities, shape (n, n_classes)) or the numbers as they are."""
        decided = self.rules.decide(np.reshape(prediction, (len(prediction), -1)))
        return decided if self.classes is None else self.classes[decided]


def setting_of(setting, task):
    """Return the setting of one task where a dict by task, column or kind is given; None where it has no entry."""
    if not isinstance(setting, dict):
        return setting
    return next(
        (setting[key] for key in (task.name, task.column, task.kind, task.rules.family) if key in setting), None
    )


def resolve_targets(Y, kinds="auto", *, only: str | None = None, told: list[str] | None = None):
    """Return `(tasks, encoded)`: the tasks in order, and one float array per task.

    Parameters
    ----------
    Y : DataFrame, Series, 2-D array, 1-D array or dict of 1-D columns
        Targets; NaN or None marks a label that is not known. Of a column whose cells list tags there is one task per
        tag.
    kinds : "auto" or dict
        Kind of some or all tasks, by name.
    only : {"classification", "regression"} or None
        What a single-task estimator takes; decides the kind of an "auto" task.
    told : list of str or None, default=None
        Takes what a person should know; None: it is warned of.

    Returns
    -------
    tasks : dict of str to Task
    encoded : dict of str to ndarray of shape (n_samples,)
    named : bool
        Whether Y came with names.
    """
    columns, named = target_columns(Y)
    notes: list[str] = [] if told is None else told
    said, parts = split_kinds(kinds, columns)
    columns = merged(columns, parts)
    marks = {name: separator_of(column) for name, column in columns.items() if said.get(name) == LABEL_SETS}
    columns = {name: _with_lists(column, marks.get(name)) for name, column in columns.items()}
    listed = {} if only else _listed_tags(columns, marks, notes)
    names = [name for column in columns for name in listed.get(column, [column])]
    kinds = _declared(said if isinstance(kinds, Mapping) else kinds, names, listed)
    tasks: dict[str, Task] = {}
    for name, column in columns.items():
        if name in listed:
            tasks |= listed[name]
            continue
        if only and tags_of(column) is not None:
            raise ValueError(f"{name!r} lists tags: MultiOutputStack reads them, in a DataFrame as one task per tag.")
        task = _task_of(name, column, kinds.get(name) or only, notes)
        tasks[name] = replace(task, parts=parts[name][1:] if name in parts else None)
    if told is None:
        tell(notes, stacklevel=2)
    return tasks, {name: task.encode(columns[task.column or name]) for name, task in tasks.items()}, named


def _declared(kinds, names: list[str], listed) -> dict[str, str]:
    """Return the kinds that tasks are declared to be of; raise a ValueError where one, or a name, cannot be.

    Of the columns that are `listed` as label sets this must be the kind.
    """
    if not isinstance(kinds, Mapping) and not (isinstance(kinds, str) and kinds == "auto"):
        raise ValueError(f'tasks={kinds!r} is not known: use "auto" or a dict from task name to kind.')
    kinds = {} if isinstance(kinds, str) else dict(kinds)
    if len(set(names)) < len(names):
        raise ValueError(f"Task names must differ, found {some(names)}: rename a column of Y.")
    for name, kind in kinds.items():
        if name in listed and kind != LABEL_SETS:
            raise ValueError(f"Column {name!r} lists tags, and has kind {kind!r}: use {LABEL_SETS!r}, or leave it out.")
        if name in listed:
            continue
        if kind == LABEL_SETS and name in names:
            raise ValueError(
                f"Task {name!r} has kind {LABEL_SETS!r}, but its cells list no tags: give lists of texts or of whole "
                'numbers, or texts such as "drama|comedy"; [] has no tag, and None is not known.'
            )
        if name not in names:
            raise ValueError(f"tasks names {name!r}, but Y has the columns {some(names)}: correct the name.")
        if kind not in (*KINDS, Classes.family):
            raise ValueError(f"Task {name!r} has kind {kind!r}: use one of {', '.join([*KINDS, LABEL_SETS])}.")
    return kinds


def without_rare(tasks: dict[str, Task], targets: dict[str, np.ndarray], told: list[str]):
    """Return tasks and targets without the classes that have one row, or none, whose labels count as not known."""
    tasks, targets = dict(tasks), dict(targets)
    for name, task in tasks.items():
        if task.classes is None:
            continue
        target = targets[name]
        counts = np.bincount(target[~np.isnan(target)].astype(np.intp), minlength=len(task.classes))
        kept = np.flatnonzero(counts > 1)
        if len(kept) == len(counts):
            continue
        if len(kept) < task.rules.least:
            raise ValueError(
                f"Task {name!r} has {len(kept)} classes with more than one row: a classifier needs at least two. Merge "
                "rare classes, or give more rows."
            )
        told.append(f"Task {name!r}: classes of one row are left out: {some(task.classes[counts < 2])}.")
        position = np.full(len(counts) + 1, np.nan)  # the last is that of a label that is not known
        position[kept] = np.arange(len(kept))
        targets[name] = position[np.nan_to_num(target, nan=len(counts)).astype(np.intp)]
        kind = name_of_classes(len(kept)) if task.kind == name_of_classes(len(counts)) else task.kind
        tasks[name] = replace(task, kind=kind, classes=task.classes[kept])
    return tasks, targets


def _task_of(name, column, declared, notes) -> Task:
    """Return the task of a column, whose kind may be declared; `notes` takes what a person should know."""
    check_labels(name, column)
    kind = declared or column.attrs.get("kind") or _infer_kind(name, column, notes)
    task = _make_task(name, column, kind)
    notes += _reading_notes(task, known_labels(column).to_numpy(object), declared=declared is not None)
    notes += _blank_classes(task)
    return task


def labels_by_task(tasks: dict[str, Task], Y, *, named: bool = True) -> dict[str, pd.Series]:
    """Return the columns of Y that hold the labels of tasks; of tasks with names, Y may lack some.

    Columns go by name, and in the order of the tasks where Y, or the Y of the fit (`named`), came without names.
    """
    columns, has_names = target_columns(Y)
    columns = merged(columns, {name: (task.kind, *task.parts) for name, task in tasks.items() if task.parts})
    whole = list(dict.fromkeys(task.column or name for name, task in tasks.items()))
    if not (has_names and (named or {*whole, *tasks} & set(columns))):
        columns = _in_order(columns, whole, list(tasks))
    separators = {task.column: task.separator for task in tasks.values() if task.column in columns}
    columns |= {name: _with_lists(columns[name], separator) for name, separator in separators.items()}
    found = {name: columns[name if name in columns else task.column or name] for name, task in tasks.items()
             if name in columns or task.column in columns}  # fmt: skip
    if not found:
        raise ValueError(f"Y has none of the tasks {', '.join(map(repr, tasks))}: give at least one of them.")
    _check_strange([name for name in columns if name not in {*whole, *tasks}], found, tasks)
    return found


def _in_order(columns, whole: list[str], tasks: list[str]) -> dict[str, pd.Series]:
    """Return columns under the names that those of the fit, or its tasks, have in the same places."""
    names = next((names for names in (whole, tasks) if len(names) == len(columns)), None)
    if names is None:
        raise ValueError(
            f"Y has {len(columns)} columns, but the model has {len(whole)} tasks, {some(whole)}: give one column "
            "per task, in this order, or a DataFrame with the names of some."
        )
    return dict(zip(names, columns.values(), strict=True))


def _check_strange(strange: list[str], found, tasks) -> None:
    """Warn of columns that are no tasks; raise a ValueError where one may be a task that is lacking."""
    if strange and len(found) < len(tasks):
        absent = [name for name in tasks if name not in found]
        raise ValueError(
            f"Y has the column {strange[0]!r}, which is not a task, and lacks the task {absent[0]!r}: correct the "
            f"name, or drop the column.{did_you_mean(strange[0], absent)}"
        )
    if strange:
        warnings.warn(
            f"These columns of Y are not tasks of this model and are ignored: {some(strange)}. Drop them, or fit them "
            "too.",
            DataWarning,
            stacklevel=4,
        )


def _with_lists(column: pd.Series, separator: str | None) -> pd.Series:
    """Return a column of label sets with lists as its cells; others as they are."""
    lists = lists_of(column, separator)
    return column if tags_of(lists) is None else lists


def _listed_tags(columns: dict[str, pd.Series], marks, told: list[str]) -> dict[str, dict[str, Task]]:
    """Return, of the columns whose cells list tags, one task per tag that enough rows have and lack."""
    found = {}
    for name, column in columns.items():
        tags = tags_of(column)
        if tags is None:
            continue
        rows = {tag: has_tag(column, tag).dropna() for tag in tags}
        kept = [tag for tag in tags if FEWEST_OF_TAG <= rows[tag].sum() <= len(rows[tag]) - FEWEST_OF_TAG]
        if not kept:
            raise ValueError(
                f"The lists of column {name!r} hold no tag that {FEWEST_OF_TAG} rows have and {FEWEST_OF_TAG} lack: "
                "give more rows."
            )
        if len(kept) < len(tags):
            told.append(
                f"Column {name!r} lists tags, which are one task each; {len(tags) - len(kept)} of {len(tags)} are left "
                f"out, because fewer than {FEWEST_OF_TAG} rows have them or lack them: "
                f"{some(tag for tag in tags if tag not in kept)}. Merge them, or give more rows."
            )
        classes = np.array([False, True])
        found[name] = {
            f"{name}={tag}": Task(f"{name}={tag}", name_of_classes(2), classes, name, tag, separator=marks.get(name))
            for tag in kept
        }
    return found


def _infer_kind(name: str, column: pd.Series, told: list[str]) -> str:
    known = known_labels(column)
    if not len(known):
        return Numbers.family  # which is refused as any kind is
    labels = known.to_numpy(object)
    numbers = known if pd.api.types.is_numeric_dtype(known) else numbers_of(labels)
    if numbers is None and _reading_of(name, [label for label in labels if isinstance(label, str)], told):
        return Numbers.family
    if numbers is None or pd.api.types.is_bool_dtype(known):
        return Classes.family
    n_values = numbers.nunique()
    whole = bool((numbers == np.floor(numbers)).all())
    if n_values <= (MOST_INTEGER_CLASSES if pd.api.types.is_integer_dtype(numbers) else 2) and whole:
        return Classes.family
    if isinstance(labels[0], str):
        told.append(
            f"Task {name!r} holds numbers as text, such as {labels[0]!r}, and is taken as a regression. "
            f'If these are classes, say tasks={{{name!r}: "multiclass"}}.'
        )
    elif whole and n_values <= MOST_INTEGER_CLASSES:
        told.append(
            f"Task {name!r} holds floats with {n_values} different whole values and is taken as a regression. "
            f'If these are classes, say tasks={{{name!r}: "multiclass"}}.'
        )
    return Numbers.family


def _reading_of(name: str, texts: list[str], told: list[str]) -> NumberRule | None:
    """Return how texts are read where they are numbers of a regression; raise a ValueError where they are dates."""
    counts = Counter(texts)
    if len(counts) <= MOST_INTEGER_CLASSES:
        rule = learn_numbers(counts)
        if rule is not None and rule.units:
            told.append(
                f"Task {name!r} holds numbers with a unit, such as {texts[0]!r}, but only {len(counts)} different "
                f'ones, and is taken as classes. If a number is to be predicted, say tasks={{{name!r}: "regression"}}.'
            )
        return None
    if learn_dates(counts) is not None:
        raise moments_error(name, "dates as text", texts[0])
    if units := units_of(counts):
        raise ValueError(
            f"Task {name!r} holds numbers of several units ({', '.join(units)}): bring them to one unit, or say "
            f'tasks={{{name!r}: "multiclass"}} if they are classes.'
        )
    return learn_numbers(counts)


def _reading_notes(task: Task, labels: np.ndarray, *, declared: bool):
    """Yield what to know of numbers that came as text."""
    if task.reading is None:
        return
    read = _as_numbers(task.name, labels, task.reading)
    lost = np.isnan(read)
    mixed = next((unit for unit, worth in task.reading.units if worth == 1 and len(task.reading.units) > 1), "")
    yield " ".join(
        [
            f"Task {task.name!r} holds numbers as text, such as {labels[~lost][0]!r}, and is taken as a {task.kind} "
            f"({task.reading}).",
            *([f"Predictions are in {mixed}."] if mixed else []),
            *([f"{task.reading.doubt}, give the labels as numbers."] if task.reading.doubt else []),
            *([_lost_labels(task.name, labels[lost], len(labels))] if lost.any() else []),
            *([] if declared else [f'If these are classes, say tasks={{{task.name!r}: "multiclass"}}.']),
        ]
    )


def _lost_labels(name: str, lost, n: int) -> str:
    return f"{len(lost)} of {n} labels of task {name!r} are no numbers, such as {lost[0]!r}, and count as not known."


def _make_task(name: str, column: pd.Series, kind: str) -> Task:
    known = known_labels(column)
    if not len(known):
        raise ValueError(f"Task {name!r} has no known label: drop it from Y, or give it labels.")
    rules = KINDS.get(kind, Classes)
    if issubclass(rules, Numbers):
        labels = known.to_numpy(object)
        reading = None if all(map(_is_number, labels)) else learn_numbers(Counter(labels))
        fault = rules().fault(_as_numbers(name, labels, reading))
        if fault is not None:
            raise ValueError(f"Task {name!r} is a {kind}, but {fault}.")
        return Task(name, kind, reading=reading)
    if rules.is_ordered:
        return Task(name, kind, _ordered_classes(name, column, known, kind))
    if pd.api.types.is_float_dtype(known):
        values = _as_numbers(name, known)
        if (values != np.floor(values)).any():
            if kind == Classes.family:
                raise ValueError(
                    f"Unknown label type: continuous. Task {name!r} holds numbers such as {float(values[0])!r}, "
                    "which are no classes: use a regressor, or turn them into classes."
                )
            raise ValueError(
                f'Task {name!r} is declared {kind!r} but holds numbers such as {float(values[0])!r}: use "regression", '
                "or turn them into classes."
            )
    classes = _classes_of(name, known)
    if len(classes) < 2:
        raise ValueError(
            f"Task {name!r} has one class only ({classes.tolist()[0]!r}) in {plural(len(known), 'row')}: a classifier "
            "needs at least two, with several rows each. Drop the task, or give rows of another class."
        )
    if kind == name_of_classes(2) and len(classes) > 2:
        raise ValueError(f'Task {name!r} is declared "binary" but has the classes {some(classes)}: use "multiclass".')
    if rules is Classes:
        kind = name_of_classes(len(classes))
    return Task(name, kind, classes)


def _classes_of(name: str, known: pd.Series) -> np.ndarray:
    try:
        if known.dtype == object and len({isinstance(label, (bool, np.bool_)) for label in known}) > 1:
            raise TypeError("True is not 1")
        return np.unique(known.to_numpy() if known.dtype.kind in "biuf" else known.to_numpy(object))
    except (TypeError, ValueError) as error:  # a ValueError where labels are arrays
        raise ValueError(
            f"Task {name!r} mixes labels of different types, or holds what is no label (such as {some(known)}): make "
            "them all text."
        ) from error


def _ordered_classes(name: str, column: pd.Series, known: pd.Series, kind: str) -> np.ndarray:
    """Return the classes that occur, in their order."""
    if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered:
        there = set(column[column.notna()])
        classes = np.asarray([label for label in column.cat.categories if label in there])
        classes = classes if classes.dtype.kind in "biuf" else classes.astype(object)
    elif known.dtype.kind in "biuf":
        classes = np.unique(known.to_numpy())
    else:
        raise ValueError(
            f"Task {name!r} is {kind}, but its labels, such as {known.iloc[0]!r}, have no order: give numbers, or an "
            "ordered pandas.Categorical."
        )
    if len(classes) < 2:
        raise ValueError(
            f"Task {name!r} has one class only ({classes.tolist()[0]!r}): a classifier needs at least two."
        )
    return classes


def _blank_classes(task: Task):
    """Yield what to know of classes that look like labels that are not known, or like each other."""
    texts = [label for label in ([] if task.classes is None else task.classes.tolist()) if isinstance(label, str)]
    blanks = blanks_of(texts) if texts else ()
    found = [text for text in texts if text.strip() in blanks]
    if found:
        yield f"Task {task.name!r} has the class {some(found)}: if these labels are not known, mark them with None."
    alike = [text for text in texts if text != " ".join(text.split()) and " ".join(text.split()) in texts]
    if alike:
        yield f"Task {task.name!r} has classes that differ from others by spaces alone: {some(alike)}. Take these off."


def _as_numbers(name: str, values, reading: NumberRule | None = None) -> np.ndarray:
    """Return labels as floats; NaN where `reading` finds no number in a text."""
    if reading is not None:
        numbers = reading.read(pd.Series(values, dtype=object)).to_numpy()
    else:
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            strange = [value for value in values if not _is_number(value)]
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


def _is_number(value) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
