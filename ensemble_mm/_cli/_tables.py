"""What a command writes into a file or shows on the screen."""

import ast
import contextlib
import io
import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from .._checks import listed, printable

DIGITS = 8  # of a predicted number in a file of text; they are off by 5e-8 of it at most
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_FORMATS = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".json")
_QUOTED = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_PARAMETER = re.compile(rf"\b(columns|tasks)=(\{{{_QUOTED}: {_QUOTED}\}})|\b(on_bad|rare)=({_QUOTED})")
_OPTIONS = {"columns": "--as", "tasks": "--kind", "on_bad": "--on-bad", "rare": "--rare"}


def check_format(path: str | None) -> None:
    """Refuse a path that `write_table` could not write, before anything is computed for it."""
    if path is not None and Path(path).suffix.lower() not in _FORMATS:
        raise ValueError(f"{path!r} has no format that can be written: use .csv, .tsv, .parquet or .jsonl.")


def write_table(table: pd.DataFrame, path: str) -> None:
    """Write a table in the format of the path's suffix."""
    from ..store import write_atomic

    check_format(path)
    write_atomic(path, as_bytes(table, path))


def as_bytes(table: pd.DataFrame, path: str, head: bool = True) -> bytes:
    """Return a table in the format of a path's suffix; CSV with the names of its columns, or without."""
    suffix = Path(path).suffix.lower()
    if suffix in (".csv", ".tsv"):
        table = table.rename(columns=defused)
        for place in range(table.shape[1]):
            if not pd.api.types.is_numeric_dtype(table.dtypes.iloc[place]):
                table.isetitem(place, table.iloc[:, place].astype(object).map(_cell))
        return table.to_csv(index=False, header=head, sep="\t" if suffix == ".tsv" else ",").encode("utf-8")
    if suffix == ".parquet":
        buffer = io.BytesIO()
        try:
            table.to_parquet(buffer, index=False)
        except ImportError as error:
            raise ImportError("Parquet needs 'pyarrow': pip install 'ensemble_mm[parquet]', or write .csv.") from error
        return buffer.getvalue()
    return table.to_json(orient="records", lines=True, force_ascii=False, date_format="iso").encode("utf-8")


def _cell(cell):
    """Return what stands in a file of text; a list of tags as JSON, which is read as such again."""
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else defused(cell)


def with_few_digits(values):
    """Return numbers that have as many digits as a person can use, others as they are."""
    if getattr(values, "dtype", None) is None or values.dtype.kind != "f":
        return values
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.tolist()])


def defused(cell):
    """A text cell that a spreadsheet would run as a formula gets an apostrophe; numbers written as text do not.

    Spreadsheets pass over spaces in front, and some read full-width signs as their plain forms.
    """
    if not isinstance(cell, str) or not cell.lstrip(" \xa0\u3000").startswith(_FORMULA):
        return cell
    with contextlib.suppress(ValueError):
        float(cell)
        return cell
    return "'" + cell


def tell(text, stream=None) -> None:
    """Print a text, with options in the place of parameters.

    What stands in it may come from a file of anyone: the terminal shows it, and does not obey it. Letters that the
    terminal's encoding does not have are shown by their numbers.
    """
    stream, text = stream or sys.stdout, printable(_PARAMETER.sub(_as_option, str(text)), keep="\n")
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def _as_option(found: re.Match) -> str:
    """Return what to write on the command line for a parameter, such as columns={'zip': 'category'}."""
    name, value = (found[1], found[2]) if found[1] else (found[3], found[4])
    said = ast.literal_eval(value)
    if isinstance(said, dict) and "," not in (column := next(iter(said))):
        dropped = f"--drop {shlex.quote(column)}"
        if said[column] == "identifier":
            return f"--id {shlex.quote(column)}, or {dropped}"
        if said[column] == "drop":
            return dropped
    words = "=".join(*said.items()) if isinstance(said, dict) else said
    return f"{_OPTIONS[name]} {shlex.quote(words)}"


def shown(table: pd.DataFrame) -> str:
    """Return a table as text, whole and with few digits."""
    with pd.option_context("display.width", None, "display.max_columns", None, "display.max_colwidth", 60):
        return table.to_string(float_format=lambda value: f"{value:.4g}", na_rep="")


def some(names) -> str:
    """Return the first names, quoted, and how many more there are."""
    return listed([repr(str(name)) for name in names], 8)
