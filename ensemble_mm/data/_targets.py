"""Tasks of what is handed over as Y: of which kind each column is, and its labels.

`resolve_targets` turns whatever the user hands over as Y into named tasks and one float array a
task: class positions or numbers, NaN where the label is not known. `labels_by_task` finds the labels of tasks that are
known in another Y.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from .._checks import DataWarning, did_you_mean, tell, warn
from .._kinds import KINDS, LABEL_SETS, Classes, Numbers, name_of_classes
from .._plain_words import plural
from ..schema import NumberRule, blanks_of, learn_dates, learn_numbers, units_of
from ._labels import check_labels, known_labels, moments_error, numbers_of, some, target_columns
from ._merged import merged, split_kinds
from ._tags import has_tag, lists_of, separator_of, tags_of
from ._task import Task, as_numbers, is_number, lost_labels

MOST_INTEGER_CLASSES = 20
FEWEST_OF_TAG = 5  # rows that have a tag, and that lack it


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
    marks = {name: separator_of(columns[name]) for name, kind in said.items() if kind == LABEL_SETS and name in columns}
    columns = {name: _with_lists(column, marks.get(name)) for name, column in columns.items()}
    if only:
        _check_no_tags(columns)
    listed = {} if only else _listed_tags(columns, marks, notes)
    names = [name for column in columns for name in listed.get(column, [column])]
    kinds = dict.fromkeys(columns, only) | _declared(said if isinstance(kinds, Mapping) else kinds, names, listed)
    tasks = _tasks_of(columns, listed, kinds, parts, notes)
    if told is None:
        tell(notes)
    return tasks, {name: task.encode(columns[task.column or name]) for name, task in tasks.items()}, named


def _check_no_tags(columns) -> None:
    for name, column in columns.items():
        if tags_of(column) is not None:
            raise ValueError(f"{name!r} lists tags: MultiOutputStack reads them, in a DataFrame as one task per tag.")


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
            raise ValueError(
                f"tasks names {name!r}, but Y has the columns {some(names)}: correct the name."
                f"{did_you_mean(name, names)}"
            )
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


def _tasks_of(columns, listed, kinds, parts, notes) -> dict[str, Task]:
    """Return the tasks of all columns; of those that list tags one per tag."""
    tasks: dict[str, Task] = {}
    for name, column in columns.items():
        if name in listed:
            tasks |= listed[name]
        else:
            task = _task_of(name, column, kinds[name], notes)
            tasks[name] = replace(task, parts=parts[name][1:] if name in parts else None)
    return tasks


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
    whole = list(dict.fromkeys(task.column or name for name, task in tasks.items()))
    columns = _named_columns(tasks, Y, whole, named)
    separators = {task.column: task.separator for task in tasks.values() if task.column in columns}
    columns |= {name: _with_lists(columns[name], separator) for name, separator in separators.items()}
    found = {name: columns[name if name in columns else task.column or name] for name, task in tasks.items()
             if name in columns or task.column in columns}  # fmt: skip
    if not found:
        raise ValueError(f"Y has none of the tasks {', '.join(map(repr, tasks))}: give at least one of them.")
    _check_strange([name for name in columns if name not in {*whole, *tasks}], found, tasks)
    return found


def _named_columns(tasks: dict[str, Task], Y, whole: list[str], named: bool) -> dict[str, pd.Series]:
    """Return the columns of Y by the names that they had in the fit; what two tell of one task is one."""
    columns, has_names = target_columns(Y)
    columns = merged(columns, {name: (task.kind, *task.parts) for name, task in tasks.items() if task.parts})
    is_named = has_names and (named or bool({*whole, *tasks} & set(columns)))
    return columns if is_named else _in_order(columns, whole, list(tasks))


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
        warn(
            f"These columns of Y are not tasks of this model and are ignored: {some(strange)}. Drop them, or fit them "
            "too.",
            DataWarning,
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
    read = as_numbers(task.name, labels, task.reading)
    lost = np.isnan(read)
    mixed = task.reading.unit if len(task.reading.units) > 1 else ""
    doubt = task.reading.doubt
    if task.reading.remedy == "category":  # of a column: of a target the last sentence says it
        doubt = f"{doubt.partition(';')[0]}."
    elif doubt:
        doubt += ", give the labels as numbers."
    yield " ".join(
        [
            f"Task {task.name!r} holds numbers as text, such as {labels[~lost][0]!r}, and is taken as a {task.kind} "
            f"({task.reading}).",
            *([f"Predictions are in {mixed}."] if mixed else []),
            *([doubt] if doubt else []),
            *([lost_labels(task.name, labels[lost], len(labels))] if lost.any() else []),
            *([] if declared else [f'If these are classes, say tasks={{{task.name!r}: "multiclass"}}.']),
        ]
    )


def _make_task(name: str, column: pd.Series, kind: str) -> Task:
    known = known_labels(column)
    if not len(known):
        raise ValueError(f"Task {name!r} has no known label: drop it from Y, or give it labels.")
    rules = KINDS.get(kind, Classes)
    if issubclass(rules, Numbers):
        labels = known.to_numpy(object)
        reading = None if all(map(is_number, labels)) else learn_numbers(Counter(labels))
        fault = rules().fault(as_numbers(name, labels, reading))
        if fault is not None:
            raise ValueError(f"Task {name!r} is a {kind}, but {fault}.")
        return Task(name, kind, reading=reading)
    if rules.is_ordered:
        return Task(name, kind, _ordered_classes(name, column, known, kind))
    if pd.api.types.is_float_dtype(known):
        values = as_numbers(name, known)
        if (values != np.floor(values)).any():
            if kind == Classes.family:
                raise ValueError(
                    f"Unknown label type: continuous. Task {name!r} holds numbers such as {float(values[0])!r}, "
                    "which are not classes: use a regressor, or turn them into classes."
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
            f"Task {name!r} mixes labels of different types, or holds something that is not a label (such as "
            f"{some(known)}): make them all text."
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
