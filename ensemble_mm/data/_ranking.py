"""Relevances within queries: what tells them, a column of relevances and one of queries, as one column of numbers."""

import numpy as np
import pandas as pd

from .._kinds import GRADES

MOST_QUERIES = 2**47  # numbers of queries, which a float holds together with a relevance


def ranked(name: str, relevance: pd.Series, query: pd.Series) -> pd.Series:
    """Return numbers of queries times `GRADES`, plus the relevances; NaN where one of both is not known.

    The number of a query comes from its name alone, so that it is the same in new rows.
    """
    try:
        grades = pd.to_numeric(relevance).astype(float)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"Task {name!r} has relevances that are not numbers ({error}): give whole numbers from 0, not "
            f"relevant, to {GRADES - 2}."
        ) from error
    known = grades[grades.notna() & query.notna()]
    strange = known[(known != np.round(known)) | (known < 0) | (known > GRADES - 2)]
    if len(strange):
        raise ValueError(
            f"Task {name!r} has relevances such as {strange.iloc[0]:g}: give whole numbers from 0, not "
            f"relevant, to {GRADES - 2}."
        )
    return numbers_of_queries(query) * GRADES + grades


def numbers_of_queries(query: pd.Series) -> pd.Series:
    """Return a number for each name of a query; NaN where it is not known."""
    numbers = pd.Series(pd.util.hash_array(_names(query)) % MOST_QUERIES, query.index)
    return numbers.astype(float).where(query.notna())


def _names(query: pd.Series) -> np.ndarray:
    """Return queries as texts; 7 and 7.0, as a column with holes has it, are one."""
    cells = query.to_numpy(object)
    whole = [isinstance(cell, float) and cell.is_integer() for cell in cells]
    return np.array([str(int(cell) if is_whole else cell) for cell, is_whole in zip(cells, whole, strict=True)], object)
