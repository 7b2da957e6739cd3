"""Bodies of requests -> records and options. What a body says is data: nothing in it is run, opened or fetched."""

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any
from urllib.parse import unquote

from .._checks import did_you_mean
from ._refusal import Refusal

MOST_ROWS = 10_000  # of one request
Query = Sequence[tuple[str, str]]  # options in the address of a request


@dataclass(frozen=True)
class Options:
    """What an answer holds beside the predictions.

    Parameters
    ----------
    probabilities : bool, default=False
        The probability of every class.
    interval : bool, default=False
        Bounds of the numbers that are predicted, and of times.
    set : bool, default=False
        The classes that hold the true one with probability `coverage`; of a ranking whether a row may be the most
        relevant of its query.
    coverage : float between 0 and 1, default=0.9
    """

    probabilities: bool = False
    interval: bool = False
    set: bool = False
    coverage: float = 0.9

    @classmethod
    def of(cls, said: Mapping, query: Query = ()) -> "Options":
        """Return what a request asks for, in its body and in the query of its address, such as
        `?probabilities=true&coverage=0.8`; raise a `Refusal` where that cannot be meant."""
        counts = Counter([*said, *(name for name, _ in query)])
        if twice := [name for name, n in counts.items() if n > 1]:
            raise Refusal(400, f"The option {twice[0][:100]!r} must be there once.")
        said = {**said, **{name: _word(text) for name, text in query}}
        for name, value in said.items():
            if name not in OPTIONS:
                words = f"{name[:100]!r} is not an option: use {', '.join(OPTIONS)}.{did_you_mean(name, OPTIONS)}"
                raise Refusal(400, words)
            if name == "coverage":
                if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
                    raise Refusal(400, "coverage must be a number between 0 and 1, such as 0.9.")
            elif not isinstance(value, bool):
                raise Refusal(400, f"{name} must be true or false.")
        return cls(**said)


OPTIONS = [field.name for field in fields(Options)]


def _word(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def of_predict(body: bytes, query: Query) -> tuple[list, Options]:
    """Return the rows and the options of `{"rows": [...], ...}`."""
    said = _object(body, "rows", 'such as {"rows": [{"review": "soft and warm", "age": 40}]}')
    return _listed(said.pop("rows"), "rows"), Options.of(said, query)


def of_invocation(body: bytes, query: Query) -> tuple[list, Options]:
    """Return the rows and the options of a body of MLflow's protocol."""
    forms = ("dataframe_split", "dataframe_records")
    said = _read_json(body)
    there = [form for form in forms if isinstance(said, dict) and form in said]
    if len(there) != 1:
        raise Refusal(400, f"The body must be a JSON object with one of {', '.join(forms)}, or CSV.")
    params = {} if said.get("params") is None else said["params"]
    if not isinstance(params, dict):
        raise Refusal(400, "params must be a JSON object.")
    options = Options.of(params, query)
    if there == ["dataframe_records"]:
        return _listed(said["dataframe_records"], "dataframe_records"), options
    split = said["dataframe_split"]
    if not isinstance(split, dict) or not isinstance(split.get("columns", []), list):
        raise Refusal(400, 'dataframe_split must be an object such as {"columns": ["age"], "data": [[40], [41]]}.')
    rows, names = _listed(split.get("data"), "data of dataframe_split"), split.get("columns")
    if names is None:
        return rows, options
    if not all(isinstance(name, (str, int, float)) and not isinstance(name, bool) for name in names):
        raise Refusal(400, "The columns of dataframe_split must be texts, or numbers.")
    return _named(rows, list(map(str, names)), "dataframe_split"), options


def of_csv(body: bytes, query: Query) -> tuple[list, Options]:
    """Return the rows of a CSV body in UTF-8 whose first line names the columns; an empty cell is a missing value."""
    try:
        read = filter(None, csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
        names, *lines = list(islice(read, MOST_ROWS + 2)) or [[]]  # no more than it takes to refuse them
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refusal(400, f"The body is not CSV in UTF-8: {error}.") from None
    rows = [[cell or None for cell in line] for line in lines]
    return _named(_listed(rows, "What follows the first line"), names, "CSV"), Options.of({}, query)


def of_form(fields: list[tuple[str, Any]], query: Query, known: Mapping) -> tuple[list, Options]:
    """Return the rows and the options of a form: each field names a column, and one that is there n times has n rows.

    Options are fields, too, unless a column that is `known` has their name, or stand in the query of the address.
    Browsers and curl write quotes and ends of lines in the names of fields as %22, %0A and %0D.
    """
    columns: dict[str, list] = {}
    options = list(query)
    for written, value in fields:
        name = written if written in known else re.sub("%22|%0[AD]", lambda found: unquote(found[0]), written)
        if name in OPTIONS and name not in known:
            if not isinstance(value, str):
                raise Refusal(400, f"The form must hold the option {name!r} as a text, not as a file.")
            options.append((name, value))
        else:
            columns.setdefault(name, []).append(value)
    counts = {name: len(values) for name, values in columns.items()}
    if len(set(counts.values())) != 1:
        found = ", ".join(f"{name[:100]!r} {n} times" for name, n in list(counts.items())[:10])
        raise Refusal(400, f"The form must hold every column once per row; it has {found or 'no fields'}.")
    rows = _named([list(row) for row in zip(*columns.values(), strict=True)], list(columns), "form")
    return rows, Options.of({}, options)


def _named(rows: list, names: list[str], what: str) -> list[dict]:
    """Return rows as records."""
    if len(set(names)) < len(names):
        raise Refusal(400, f"The columns of the {what} must have different names.")
    for place, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise Refusal(400, f"Row {place} of the {what} must be a list of {len(names)} values, one per column.")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _object(body: bytes, needed: str, example: str) -> dict:
    said = _read_json(body)
    if not isinstance(said, dict) or needed not in said:
        raise Refusal(400, f"The body must be a JSON object with {needed!r}, {example}.")
    return said


def _listed(rows: Any, what: str) -> list:
    if not isinstance(rows, list) or not rows:
        raise Refusal(400, f"{what} must be a list of at least one row.")
    if len(rows) > MOST_ROWS:
        raise Refusal(413, f"{len(rows):,} rows are more than the {MOST_ROWS:,} of one request: send them in parts.")
    return rows


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(
            body, parse_constant=_no_number, parse_float=_number, parse_int=_whole, object_pairs_hook=_once
        )
    except RecursionError:
        raise Refusal(400, "The body is nested too deep.") from None
    except ValueError as error:  # of the syntax, the encoding, or a number that is too large
        raise Refusal(400, f"The body is not JSON: {str(error)[:200]}.") from None


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is too large to be read")
    return number


def _whole(text: str) -> int:
    _number(text)  # of thousands of digits, Python's own error would speak of its settings
    return int(text)


def _once(pairs: list[tuple[str, Any]]) -> dict:
    """Return an object; what it says of a name twice cannot both be meant."""
    said = dict(pairs)
    if len(said) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        name = next(name for name in counts if counts[name] > 1)
        raise ValueError(f"an object holds {name[:100]!r} twice")
    return said


def _no_number(text: str):
    raise ValueError(f"{text} is not a number of JSON; null stands for what is not known")
