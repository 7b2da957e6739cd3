"""Times to an event: what tells them, a column of times and one of events, as one column of numbers.

A time counts as negative where the event had not happened when the row was last seen.
"""

import numpy as np
import pandas as pd

SURVIVAL = "survival"
NESTED = (
    "Y holds records, or lists of different lengths or depths: give one label per row, or a column per task "
    'with one label per row. Lists of tags belong into a named column, as in pd.DataFrame({"tags": Y}).'
)


def signed(name: str, time: pd.Series, event: pd.Series) -> pd.Series:
    """Return times, negative where the event is false; NaN where one of both is not known."""
    happened = event[event.notna()].infer_objects()
    if not happened.isin([0, 1]).all():
        raise ValueError(
            f"Task {name!r} has events such as {happened[~happened.isin([0, 1])].iloc[0]!r}: give true or 1 "
            "where it happened, false or 0 where it had not when the row was last seen."
        )
    if time.dtype.kind in "mM":  # of moments pandas makes nanoseconds
        raise ValueError(f"Task {name!r} has times of type {time.dtype}: give numbers, such as days that passed.")
    try:
        times = pd.to_numeric(time).astype(float)
    except (ValueError, TypeError) as error:
        raise ValueError(f"Task {name!r} has times that are not numbers ({error}): give numbers.") from error
    if (known := times[event.notna()]).le(0).any():
        raise ValueError(
            f"Task {name!r} has a time of {known.min():g}: give times above 0, such as half a unit in the place of 0."
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
