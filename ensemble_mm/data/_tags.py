"""Label sets: a column of Y whose cells list tags is one task of two classes per tag, and is given back as one.

A cell is a list, a tuple, a set, an array, or text: a list as JSON or Python write it and, where that is asked for,
"drama|comedy". An empty list is a known set; None is one that is not known.
"""

import ast
import contextlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from .._checks import DataWarning, is_missing, warn
from .._kinds import LABEL_SETS
from ..schema import is_blank
from ._labels import SEVERAL, plain, some

MAIN = "f1_macro"  # the metric that comes first
SEPARATORS = "|;,"  # the first one that a column has separates its tags


def lists_of(column: pd.Series, separator: str | None = None) -> pd.Series:
    """Return a column whose cells are lists of tags as text with lists, and None where the text is blank; others as
    they are. With a `separator` any text is such a list."""
    if not all(
        is_blank(cell) if not isinstance(cell, str) else separator or cell.lstrip()[:1] == "[" or is_blank(cell)
        for cell in column
    ):
        return column
    texts = [None if is_blank(cell) and str(cell) != "[]" else cell.strip() for cell in column]
    cells = [None if text is None else _read(text, separator) for text in texts]
    if any(cell is None and text is not None for cell, text in zip(cells, texts, strict=True)):
        return column
    return pd.Series([*cells, None], dtype=object).iloc[:-1]  # of lists of one length pandas makes columns


def separator_of(column: pd.Series) -> str:
    """Return what separates the tags in the texts of a column."""
    texts = [cell for cell in column if isinstance(cell, str)]
    return next((mark for mark in SEPARATORS if any(mark in text for text in texts)), SEPARATORS[0])


def tags_of(column: pd.Series) -> list | None:
    """Return what the cells of a column list, sorted; None where they are not all lists of classes."""
    if not _is_listed(column):
        return None
    tags = [tag for cell in column if isinstance(cell, SEVERAL) for tag in _tags_in(cell)]
    texts = all(isinstance(tag, str) for tag in tags)
    if not tags or not (texts or all(isinstance(tag, int) and not isinstance(tag, bool) for tag in tags)):
        return None
    return sorted(set(tags))


def has_tag(column: pd.Series, tag) -> pd.Series:
    """Return for every row whether its cell lists a tag; None where the cell is missing. Flags stay as they are."""
    if not _is_listed(column):
        return column

    def has(cell):
        tags = _tags_in(cell) if isinstance(cell, SEVERAL) else []
        known = isinstance(cell, SEVERAL) and (tags or len(cell) == 0)  # [None] tells nothing
        return any(type(item) is type(tag) and item == tag for item in tags) if known else None

    return pd.Series([has(cell) for cell in column], dtype=object)


def folded(found: Mapping[str, Any], tasks, fold: Callable[[list, np.ndarray], Any]) -> dict[str, Any]:
    """Return what was found by task by column of Y: of the tags of one column what `fold` makes of all of theirs.

    Parameters
    ----------
    found : dict of str to anything
    tasks : dict of str to Task
    fold : callable
        Takes what was found for each tag, and the tags.
    """
    out: dict[str, Any] = {}
    for name, value in found.items():
        column = tasks[name].column
        if column is None:
            out[name] = value
        elif column not in out:
            names = [other for other in found if tasks[other].column == column]
            out[column] = fold([found[other] for other in names], tags_among(tasks, names))
    return out


def tags_among(tasks, names) -> np.ndarray:
    """Return the tags of some tasks, as classes are."""
    tags = [tasks[name].tag for name in names]
    return np.array(tags, dtype=object if isinstance(tags[0], str) else None)


def classes_by_column(tasks) -> dict[str, np.ndarray]:
    """Return the classes of each column of Y that has some: the tags of one that lists tags."""
    return folded({name: task.classes for name, task in tasks.items() if task.rules.region == "sets"}, tasks,
                  lambda _, tags: tags)  # fmt: skip


def kinds_by_column(tasks) -> dict[str, str]:
    """Return the kind of each column of Y."""
    return folded({name: task.kind for name, task in tasks.items()}, tasks, lambda _, tags: LABEL_SETS)


def as_lists(flags: list[np.ndarray], tags: np.ndarray) -> np.ndarray:
    """Return the lists of the tags that rows have, shape (n_rows,); None where nothing is said of one of them."""
    table, out = np.column_stack(flags), np.full(len(flags[0]), None, dtype=object)
    for row, has in enumerate(table):
        out[row] = None if any(flag is None for flag in has) else tags[has.astype(bool)].tolist()
    return out


def of_having(columns: list[np.ndarray], tags: np.ndarray) -> np.ndarray:
    """Return the second column of each array, shape (n_rows, n_tags): what is told of having a tag."""
    return np.column_stack([column[:, 1] for column in columns])


def evaluate_sets(tasks, labels, predictions, weights) -> dict[str, float]:
    """Return the number of known label sets and their metrics, from what each tag has: lists of one entry per tag.

    A set that lists a tag which is no task is not right, and f1_micro counts one more tag that was not found.

    Parameters
    ----------
    tasks : list of Task
    labels, predictions, weights : list of arrays of all rows
        As `Task.judged` takes them.
    """
    others = _lists_others(labels[0], [task.tag for task in tasks])
    truth = np.column_stack([task.encode(column) for task, column in zip(tasks, labels, strict=True)])
    weight = np.mean([np.ones(len(truth)) if one is None else one for one in weights], axis=0)
    rows = ~np.isnan(truth).any(axis=1) & (weight > 0)
    if not rows.any():
        return {"n": 0} | dict.fromkeys(("f1_macro", "f1_micro", "accuracy", "log_loss"), np.nan)
    truth, weight, outs = truth[rows].astype(int), weight[rows], [out[rows] for out in predictions]
    others = others[rows]
    said = np.column_stack([task.rules.decide(out) for task, out in zip(tasks, outs, strict=True)])
    losses = [task.rules.mean_loss(y, out, weight) for task, y, out in zip(tasks, truth.T, outs, strict=True)]
    # A tag that no row has and that is said of none tells nothing.
    f1 = partial(f1_score, sample_weight=weight, zero_division=np.nan)
    return {
        "n": len(truth),
        MAIN: float(f1(truth, said, average="macro")),
        "f1_micro": float(f1(np.c_[truth, others], np.c_[said, np.zeros_like(others)], average="micro")),
        "accuracy": float(np.average((truth == said).all(axis=1) & ~others, weights=weight)),
        "log_loss": float(np.mean(losses)),
    }


def _lists_others(column: pd.Series, tags: list) -> np.ndarray:
    """Return which rows list a tag that is none of these, and warn of them."""
    if not _is_listed(column):
        return np.zeros(len(column), dtype=bool)
    found = [[tag for tag in _tags_in(cell) if tag not in tags] if isinstance(cell, SEVERAL) else [] for cell in column]
    others = np.array([bool(row) for row in found], dtype=bool)
    if others.any():
        strange = next(row[0] for row in found if row)
        warn(
            f"{others.sum()} of {column.notna().sum()} label sets list tags, such as {strange!r}, that the model does "
            f"not know ({some(tags)}). These sets count as wrong in accuracy, and as not found in f1_micro; other "
            "scores are of the tags that it knows. Correct them, or fit the model on rows that have them.",
            DataWarning,
        )
    return others


def _is_listed(column: pd.Series) -> bool:
    lists = column.dtype == object or isinstance(column.dtype, pd.ArrowDtype)
    return lists and all(isinstance(cell, SEVERAL) or is_missing(cell) for cell in column)


def _read(text: str, separator: str | None) -> list | None:
    """Return the list that is written in a text; None where there is none."""
    if text.startswith("[") and text.endswith("]"):
        for read in (json.loads, ast.literal_eval):
            with contextlib.suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return read(text)
    return None if separator is None else [tag for tag in map(str.strip, text.split(separator)) if tag]


def _tags_in(cell) -> list:
    """Return the tags of a cell; an empty place in a list, as a query of a database may leave it, is none."""
    return [plain(tag) for tag in (cell.ravel() if isinstance(cell, np.ndarray) else cell) if not is_missing(tag)]
