"""Times to an event: what tells them, a column of times and one of events, as one column of numbers.

A time counts as negative where the event had not happened when the row was last seen.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .._checks import did_you_mean, listed

SURVIVAL = "survival"
NESTED = (
    "Y holds records, or lists of different lengths or depths: give one label per row, or a column per task "
    'with one label per row. Lists of tags belong into a named column, as in pd.DataFrame({"tags": Y}).'
)


def split_kinds(kinds, columns) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Return the kinds by name, and of those that are told by two columns the names of these, time and event."""
    plain, parts = {}, {}
    for name, kind in kinds.items() if isinstance(kinds, Mapping) else ():
        plain[name] = kind
        if not isinstance(kind, (tuple, list)):
            continue
        if len(kind) != 3 or kind[0] != SURVIVAL:
            raise ValueError(
                f'Task {name!r} has kind {kind!r}: use one word, or ("survival", column of times, column of events).'
            )
        absent = [column for column in kind[1:] if column not in columns]
        if absent:
            known = listed([repr(column) for column in columns], 5)
            near = did_you_mean(absent[0], list(columns))
            raise ValueError(f"Task {name!r} is told by {absent[0]!r}, but Y has the columns {known}.{near}")
        if name in columns and name not in kind[1:]:
            raise ValueError(
                f"Task {name!r} is told by {kind[1:]}, but Y has a column of its name: rename one of both."
            )
        plain[name], parts[name] = SURVIVAL, (kind[1], kind[2])
    return plain, parts


def merged(columns, parts) -> dict[str, pd.Series]:
    """Return columns of Y, with those that tell times to an event as one column where both are there."""
    there = {name: names for name, names in parts.items() if {*names} <= {*columns}}
    used = {column for names in there.values() for column in names}
    rest = {name: column for name, column in columns.items() if name not in used}
    return rest | {name: signed(name, columns[time], columns[event]) for name, (time, event) in there.items()}


def signed(name: str, time: pd.Series, event: pd.Series) -> pd.Series:
    """Return times, negative where the event is false; NaN where one of both is not known."""
    happened = event[event.notna()].infer_objects()
    if not happened.isin([0, 1]).all():
        raise ValueError(
            f"Task {name!r} is told by events such as {happened[~happened.isin([0, 1])].iloc[0]!r}: give true or 1 "
            "where it happened, false or 0 where it had not when the row was last seen."
        )
    if time.dtype.kind in "mM":  # of moments pandas makes nanoseconds
        raise ValueError(
            f"Task {name!r} is told by times of type {time.dtype}: give numbers, such as days that passed."
        )
    try:
        times = pd.to_numeric(time).astype(float)
    except (ValueError, TypeError) as error:
        raise ValueError(f"Task {name!r} is told by times that are no numbers ({error}): give numbers.") from error
    if (times <= 0).any():
        raise ValueError(
            f"Task {name!r} has a time of {times.min():g}: give times above 0, such as half a unit in the place of 0."
        )
    sign = event.map(lambda cell: np.nan if pd.isna(cell) else 1.0 if cell else -1.0).astype(float)
    return times * sign


def of_records(array, name: str) -> pd.Series:
    """Return what `signed` does of an array of records, as scikit-survival has them: an event and a time."""
    flags = [field for field in array.dtype.names if array.dtype[field].kind == "b"]
    others = [field for field in array.dtype.names if field not in flags]
    if len(flags) != 1 or len(others) != 1:
        raise ValueError(NESTED)
    column = signed(name, pd.Series(array[others[0]]), pd.Series(array[flags[0]]))
    column.attrs["kind"] = SURVIVAL
    return column
