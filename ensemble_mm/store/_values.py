"""Times, decimals, paths and the like in model files: one short text each."""

import datetime
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath

import numpy as np
import pandas as pd


def check_type_name(name) -> None:
    """Refuse the name of a type, or of a time zone, that pandas would take for the path of a file."""
    if type(name) is not str or len(name) >= 1000 or "dateutil" in name:
        raise ValueError("a type is invalid")


def _stamp(text: str):
    check_type_name(text)
    value, _, zone = text.partition(" ")
    stamp = pd.Timestamp(np.datetime64(value))
    return stamp.tz_localize("UTC").tz_convert(zone) if zone else stamp


def _ratio(text: str):
    if not re.fullmatch(r"-?\d+/\d+", text):
        raise ValueError(f"{text[:50]!r} is not a fraction")
    return Fraction(text)


_TEXTS: dict[type, tuple[str, Callable, Callable]] = {  # tag, to text, from text
    Decimal: ("decimal", str, Decimal),
    Fraction: ("fraction", lambda x: f"{x.numerator}/{x.denominator}", _ratio),
    uuid.UUID: ("uuid", str, uuid.UUID),
    pd.Timestamp: ("timestamp", lambda x: str(x.asm8) + (f" {x.tz}" if x.tz else ""), _stamp),
    pd.Timedelta: ("timedelta", lambda x: f"{x.asm8.astype(np.int64)} {x.unit}",
                   lambda t: pd.Timedelta(np.timedelta64(int(t.split()[0]), t.split()[1]))),
    pd.Period: ("period", lambda x: f"{x.ordinal} {x.freqstr}",
                lambda t: pd.Period(ordinal=int(t.split()[0]), freq=t.split()[1])),
    datetime.datetime: ("datetime", datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    datetime.date: ("date", datetime.date.isoformat, datetime.date.fromisoformat),
    datetime.time: ("time", datetime.time.isoformat, datetime.time.fromisoformat),
    datetime.timedelta: ("span of time", lambda x: f"{x.days} {x.seconds} {x.microseconds}",
                         lambda t: datetime.timedelta(*map(int, t.split()))),
}  # fmt: skip


def as_text(item) -> dict | None:
    """Return the node of such a value; None for any other thing."""
    if item is pd.NA or item is pd.NaT:
        return {"missing": str(item)}
    if isinstance(item, PurePath):
        return {"path": str(item)}
    entry = _TEXTS.get(type(item))
    return entry and {entry[0]: entry[1](item)}


def _missing(text: str):
    return pd.NA if text == "<NA>" else pd.NaT


FROM_TEXT = {tag: read for tag, _, read in _TEXTS.values()} | {"missing": _missing, "path": Path}
