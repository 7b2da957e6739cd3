"""Where predictions go while they are made: a file by its suffix, the standard output, or a table of a database."""

import contextlib
import sys
from collections.abc import Callable, Iterator

import pandas as pd

from ..data import ADDRESS
from ..store import GrowingFile, new_parquet, new_table
from ._tables import as_bytes, check_format

Add = Callable[[pd.DataFrame], None]


@contextlib.contextmanager
def growing_table(out: str, made_of: str, resume: bool) -> Iterator[tuple[Add, int]]:
    """Give a function that adds rows, and how many are there from before a stop.

    `out` is "-" for CSV on the standard output, ``url::table``, or a path. A file gets its name when it is whole.
    """
    address = ADDRESS.fullmatch(out) if "://" in out else None
    if resume and (out == "-" or address or out.endswith(".parquet")):
        raise ValueError(f"Only a CSV, TSV or JSON-lines file can be continued, not {out!r}: leave --resume out.")
    if out == "-":
        yield _to_output(), 0
    elif address is not None:
        with new_table(*address.groups()) as add:
            yield add, 0
    elif out.endswith(".parquet"):
        with new_parquet(out) as add:
            yield add, 0
    else:
        check_format(out)
        file = GrowingFile(out, made_of, resume)
        try:
            yield lambda rows: file.write(as_bytes(rows, out, head=not file.n_rows), len(rows)), file.n_rows
        except BaseException:
            file.close()
            raise
        file.finish()


def _to_output() -> Add:
    first = True

    def add(rows: pd.DataFrame) -> None:
        nonlocal first
        sys.stdout.flush()
        sys.stdout.buffer.write(as_bytes(rows, "-.csv", head=first))  # UTF-8, as in a file, whatever a terminal shows
        sys.stdout.buffer.flush()
        first = False

    return add
