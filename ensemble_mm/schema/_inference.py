"""From the values of one column to its record: the first kind that fits all that is known of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .._checks import did_you_mean, is_missing
from .._modalities import MODALITIES
from ._categories import CategoryRule, learn_categories
from ._column import IN_TABLE, STRINGS, Column
from ._dates import learn_dates
from ._numbers import learn_numbers
from ._strings import kind_of_strings

LOOKED_AT = 500  # known items of a column that decide its modality
SHOWN = 30  # characters of an example


def kinds() -> tuple[str, ...]:
    """Return what a column may be said to be."""
    media = [name for name, modality in MODALITIES.items() if modality.takes != "table" and name not in STRINGS]
    return (*(kind for kind in IN_TABLE if kind != "constant"), *STRINGS, *media, "drop")


def check_kind(name, kind) -> None:
    """Raise a ValueError unless a column may be said to be of a kind."""
    known = kinds()
    if kind not in known:
        listed = ", ".join(map(repr, known))
        raise ValueError(
            f"columns={{{name!r}: {kind!r}}} is not known: use one of {listed}.{did_you_mean(kind, known)}"
        )


def infer_column(values: pd.Series, name, *, within=None, taken_as=None, in_table=False) -> Column:
    """Return the record of a column.

    Parameters
    ----------
    values : Series
    name : hashable
    within : str or None, default=None
        The view of a dict whose table holds it.
    taken_as : str or None, default=None
        What the user says that it is.
    in_table : bool, default=False
        Whether it is read as part of a table, whatever it looks like.
    """
    known = [item for item in values.to_numpy(object) if not is_missing(item)] if _has_objects(values) else None
    column = _said(values, known, name, taken_as) if taken_as else _found(values, known, name, in_table)
    n_known = int(values.notna().sum()) if known is None else len(known)
    return replace(
        column, within=within, missing=1 - n_known / len(values) if len(values) else 0.0,
        distinct=_distinct(values, known), example=_example(values if known is None else known),
    )  # fmt: skip


def _found(values, known, name, in_table) -> Column:
    if known is None:
        return _typed(values, name)
    if not known:
        return Column(name=name, taken_as="constant", because="every value is missing", reading=CategoryRule())
    modality = None if in_table else MODALITIES.recognise(known[:LOOKED_AT])
    if modality is not None:
        return Column(name=name, taken_as=modality, because=f"its items are known as {modality}")
    if len(known) == len(values) > 1 and _distinct(values, known) == 1:
        return Column(name=name, taken_as="constant", because="every value is the same", reading=CategoryRule())
    for kind, learn in (("number", learn_numbers), ("date", learn_dates)):
        rule = learn(known)
        if rule is not None:
            return Column(name=name, taken_as=kind, because=f"its values read as {rule.noun}", reading=rule)
    if not in_table and all(isinstance(item, str) or hasattr(item, "__fspath__") for item in known):
        kind, because = kind_of_strings([str(item) for item in known[:LOOKED_AT]])
    else:
        kind, because = "category", "its values are neither numbers nor dates"
    reading = learn_categories(known) if kind in IN_TABLE else None
    return Column(name=name, taken_as=kind, because=because, reading=reading)


def _typed(values, name) -> Column:
    """Return the record of a column whose dtype says what it is."""
    because = f"its dtype is {values.dtype}"
    rule: Any = None
    if isinstance(values.dtype, pd.CategoricalDtype):
        kind, rule = "category", learn_categories(list(values.cat.categories))
    elif pd.api.types.is_datetime64_any_dtype(values):
        kind, rule = "date", learn_dates(list(values.dropna()[:1]))
    else:
        kind, rule = "number", learn_numbers([])
    if len(values) > 1 and values.notna().all() and values.nunique() == 1:
        kind, because = "constant", "every value is the same"
    return Column(name=name, taken_as=kind, because=because, reading=rule)


def _said(values, known, name, taken_as) -> Column:
    known = list(values.dropna()) if known is None else known
    learn = {"number": learn_numbers, "date": learn_dates, "category": learn_categories}.get(taken_as)
    rule = learn(known) if learn is not None else None
    if learn is not None and rule is None:
        raise ValueError(
            f"columns={{{name!r}: {taken_as!r}}}: its values cannot be read as {taken_as}s, such as {known[0]!r}. "
            "Mend them, or say what else it is."
        )
    return Column(name=name, taken_as=taken_as, because="columns says so", reading=rule)


def _has_objects(values) -> bool:
    dtype = values.dtype
    return pd.api.types.is_object_dtype(dtype) or (
        pd.api.types.is_string_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype)
    )


def _distinct(values, known) -> int | None:
    try:
        return int(values.nunique()) if known is None else len({_comparable(item) for item in known})
    except TypeError:  # arrays, dicts
        return None


def _comparable(item):
    if isinstance(item, (list, tuple, dict, np.ndarray)):
        raise TypeError
    return item


def _example(known) -> str:
    items = (
        known.dropna().unique()[:2]
        if isinstance(known, pd.Series)
        else list(dict.fromkeys(map(_shown, known[:20])))[:2]
    )
    return ", ".join(_shown(item) for item in items)


def _shown(item) -> str:
    text = f"array of shape {item.shape}" if isinstance(item, np.ndarray) else str(item)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
