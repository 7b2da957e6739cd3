"""Tables of any length, some rows at a time: the memory that is taken does not grow with the table."""

import contextlib
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from .._checks import DataWarning, printable, require, warn
from ._cells import plain
from ._chunked import ChunkedData, NamedParts
from ._delimited import Layout, read_delimited_in_parts
from ._sources import (
    ADDRESS,
    check_file,
    check_lines,
    folder_of,
    folder_on_disk,
    open_query,
    open_unpacked,
    read_source,
    readable,
)

PART = 65_536  # rows that are read at a time into a table on disk


def parts_of(source: str, layout: Layout, n_rows: int, texts: Iterable[str]) -> tuple[Iterator[pd.DataFrame], Path]:
    """Return the parts of a table, `n_rows` at a time, and the folder that its paths start from.

    `source` is as in `read_source`, or "-" for the standard input, CSV or JSON lines. The cells of the columns `texts`
    stay texts.
    """
    if source == "-":
        return _of_input(layout, n_rows, texts), Path.cwd()
    address = ADDRESS.fullmatch(source) if "://" in source else None
    if address is not None:
        return _of_database(address[1], address[2], n_rows), folder_of(address[1])
    if Path(source).is_dir():
        return folder_on_disk(source, layout, chunk_rows=n_rows).chunks(), Path(source)
    path, _, kind = check_file(source, layout)
    readers = {"parquet": _of_parquet, "jsonl": _of_lines, "excel": _of_workbook}
    if kind in readers:
        return readers[kind](source, path, n_rows), path.parent
    return _of_delimited(path, kind, layout, n_rows, texts), path.parent


def large_on_disk(source: str, layout: Layout) -> tuple[ChunkedData | None, Path | None]:
    """Return a table that is no Parquet as data on disk, and the folder that its paths start from.

    None of what is known by all of its rows alone: of a column of a CSV file whether 501 may stand as 00501.
    """
    if "://" not in source and check_file(source, layout)[2] != "jsonl":
        words = "takes more than memory allows, and is read whole: write it as Parquet, a part at a time, such as by"
        warn(f"{printable(source)} {words} polars.scan_csv(...).sink_parquet(...).", DataWarning)
        return None, None
    parts, folder = parts_of(source, layout, PART, ())
    address = ADDRESS.fullmatch(source)
    name = source if address is None else f"The database {address[1].rpartition('@')[2]}"  # without a password
    return ChunkedData(NamedParts(printable(name), parts)), folder


def _of_input(layout, n_rows, texts):
    file = sys.stdin.buffer
    if file.peek(9).removeprefix(BOM_UTF8).startswith((b"{", b"[{", b"[\n")) or not file.peek(1):
        with readable("The standard input", "jsonl"):
            yield from _lines(file, n_rows)
    else:
        with readable("The standard input", "csv"):
            parts = read_delimited_in_parts("The standard input", file, layout, ",", n_rows, texts)
            yield from map(plain, parts)


def _of_delimited(path, kind, layout, n_rows, texts):
    usual = "," if kind == "csv" else "\t"
    with readable(path, kind), open_unpacked(path) as file:
        yield from map(plain, read_delimited_in_parts(path, file, layout, usual, n_rows, texts))


def _of_parquet(source, path, n_rows):
    parquet = require("pyarrow.parquet", extra="parquet", caller="reading a Parquet file")
    with readable(path, "parquet"), contextlib.closing(parquet.ParquetFile(path)) as file:
        for batch in file.iter_batches(batch_size=n_rows):
            yield plain(batch.to_pandas())


def _of_lines(source, path, n_rows):
    with readable(path, "jsonl"), open_unpacked(path) as file:
        yield from _lines(file, n_rows)


def _lines(file, n_rows):
    """Yield the rows of an open file of JSON lines; a key that rows have stays a column of those that come later."""
    names: dict = {}
    for part in pd.read_json(check_lines(file), lines=True, dtype=False, chunksize=n_rows):
        names |= dict.fromkeys(part.columns)
        yield plain(part.reindex(columns=list(names)))


def _of_workbook(source, path, n_rows):
    table, _ = read_source(source, Layout())  # a sheet has a million rows at most
    for start in range(0, len(table), n_rows):
        yield table.iloc[start : start + n_rows]


def _of_database(url, table, n_rows):
    with open_query(url, table) as (names, rows):
        for part in rows.partitions(n_rows):
            yield plain(pd.DataFrame(part, columns=names))
