"""Tasks that are told by two columns of Y each, which are brought to one column of numbers."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from .._checks import did_you_mean, listed
from .._kinds import GRADES
from ._labels import target_columns
from ._ranking import numbers_of_queries, ranked
from ._survival import SURVIVAL, signed

RANKING, COUNT = "ranking", "count"


def rates(name: str, count: pd.Series, exposure: pd.Series) -> pd.Series:
    """Return counts per unit of what they were counted in, such as years; NaN where one of both is not known."""
    try:
        counts, exposures = (pd.to_numeric(part).astype(float) for part in (count, exposure))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"Task {name!r} is told by counts or exposures that are no numbers ({error}): give numbers."
        ) from error
    bad = exposures[((exposures <= 0) | np.isinf(exposures)) & counts.notna()]
    if len(bad):
        raise ValueError(
            f"Task {name!r} has an exposure of {bad.min():g}: give what was counted in, such as years, as finite "
            "numbers above 0, or leave it empty."
        )
    return counts / exposures.where(exposures > 0)


MERGED = {SURVIVAL: signed, RANKING: ranked, COUNT: rates}  # what makes one column of two, by kind
TOLD_BY = {
    SURVIVAL: "column of times, column of events",
    RANKING: "column of relevances, column of queries",
    COUNT: "column of counts, column of exposures",
}


def split_kinds(kinds, columns) -> tuple[dict[str, str], dict[str, tuple[str, str, str]]]:
    """Return the kinds by name, and of those that are told by two columns the kind and the names of these."""
    plain, parts = {}, {}
    for name, kind in kinds.items() if isinstance(kinds, Mapping) else ():
        plain[name] = kind
        if kind == RANKING:
            raise ValueError(f'Task {name!r} needs queries: give ("ranking", {TOLD_BY[RANKING]}) as its kind.')
        if not isinstance(kind, (tuple, list)):
            continue
        if len(kind) != 3 or kind[0] not in MERGED:
            forms = " or ".join(f'("{word}", {columns})' for word, columns in TOLD_BY.items())
            raise ValueError(f"Task {name!r} has kind {kind!r}: use one word, or {forms}.")
        absent = [column for column in kind[1:] if column not in columns]
        if absent:
            known = listed([repr(column) for column in columns], 5)
            near = did_you_mean(absent[0], list(columns))
            raise ValueError(f"Task {name!r} needs the column {absent[0]!r}, but Y has the columns {known}.{near}")
        if name in columns and name not in kind[1:]:
            raise ValueError(
                f"Task {name!r} reads the columns {kind[1:]}, but Y also has a column of its name: rename one of both."
            )
        plain[name], parts[name] = kind[0], tuple(kind)
    return plain, parts


def merged(columns, parts) -> dict[str, pd.Series]:
    """Return columns of Y, with those that tell one task as one column where both are there."""
    there = {name: said for name, said in parts.items() if {*said[1:]} <= {*columns}}
    used = {column for _, *names in there.values() for column in names}
    rest = {name: column for name, column in columns.items() if name not in used}
    return rest | {
        name: MERGED[kind](name, columns[first], columns[second]) for name, (kind, first, second) in there.items()
    }


def queries_of(tasks, Y) -> dict[str, np.ndarray]:
    """Return, of tasks that rank, labels that tell the query of each row, its relevance known or not."""
    columns = target_columns(Y)[0]
    return {
        name: GRADES * numbers_of_queries(columns[task.parts[1]]).to_numpy()
        for name, task in tasks.items() if task.kind == RANKING
    }  # fmt: skip


def with_exposures(tasks, Y):
    """Return tasks that know the mean exposure of a fit."""
    means = {name: float(np.nanmean(exposure)) for name, exposure in exposures_of(tasks, Y).items()}
    return {name: replace(task, exposure=means[name]) if name in means else task for name, task in tasks.items()}


def exposures_of(tasks, Y) -> dict[str, np.ndarray]:
    """Return, of tasks of counts with exposures, those of the rows of Y, in means of the fit; NaN where not known."""
    there = {name: task for name, task in tasks.items() if task.kind == COUNT and task.parts}
    columns = target_columns(Y)[0] if there else {}
    found = {
        name: pd.to_numeric(columns[task.parts[1]]).to_numpy(float, na_value=np.nan) / task.exposure
        for name, task in there.items() if task.parts[1] in columns
    }  # fmt: skip
    return {name: np.where((own > 0) & np.isfinite(own), own, np.nan) for name, own in found.items()}


def parted(task, target) -> dict[str, pd.Series]:
    """Return the columns of Y that tell a task, of its labels as numbers: what `merged` makes one column of."""
    if task.parts is None:
        return {task.name: pd.Series(task.labels(target))}
    known = ~np.isnan(target)
    both = {
        SURVIVAL: (np.abs(target), target > 0),
        RANKING: (target % GRADES, target // GRADES),
        COUNT: (target, np.ones(len(target))),  # whose exposures are in the weights
    }
    return {column: pd.Series(part).where(known) for column, part in zip(task.parts, both[task.kind], strict=True)}
