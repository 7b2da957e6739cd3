"""Where a table comes from: a file by its suffix, a sheet of a workbook, a table or a query of a database."""

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import os
import re
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from .._checks import DataWarning, did_you_mean, listed, printable, require, warn
from ._cells import plain
from ._chunked import ChunkedData
from ._delimited import Layout, read_delimited

READERS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".xlsx": "excel", ".xlsm": "excel",
}  # fmt: skip
PACKED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": None}  # text that is compressed
ADDRESS = re.compile(r"(.+?://(?:\[[^\]]*\]|[^\[])*?)::(.+)", re.DOTALL)  # of a database, and what of it
QUERY = re.compile(r"\s*(select|with)\s", re.IGNORECASE)


def read_source(source, layout: Layout) -> tuple[pd.DataFrame, Path]:
    """Return a table and the folder that its paths start from."""
    text = os.fspath(source)
    address = ADDRESS.fullmatch(text) if "://" in text else None
    if address is not None:
        with open_query(*address.groups()) as (names, rows):
            return plain(pd.DataFrame(rows.all(), columns=names)), folder_of(address[1])
    if Path(text).is_dir():
        return folder_on_disk(text, layout).to_pandas(), Path(text)
    path, sheet, kind = check_file(text, layout)
    with readable(path, kind):
        if kind == "parquet":
            require("pyarrow", extra="parquet", caller="read_table of a Parquet file")
            frame = pd.read_parquet(path)
        elif kind == "jsonl":  # numbers are numbers, and texts stay texts: "00501"
            with open_unpacked(path) as file:
                frame = pd.read_json(check_lines(file), lines=True, dtype=False)
        elif kind == "excel":
            require("openpyxl", extra="excel", caller="read_table of a workbook of Excel")
            frame = _read_sheet(path, sheet)
        else:
            with open_unpacked(path) as file:
                frame = read_delimited(path, file.read(), layout, "," if kind == "csv" else "\t")
    return plain(frame), path.parent


def folder_on_disk(text: str, layout: Layout, **settings) -> ChunkedData:
    """Return a folder of Parquet files as data on disk."""
    _check_layout(text, layout)
    return ChunkedData(text, **settings)


def folder_of_table(path: Path) -> Path:
    """Return the folder that the paths in a table start from: that of a file, or the one that is the table."""
    return path if path.is_dir() else path.parent


def _check_layout(shown, layout: Layout) -> None:
    if layout != Layout():
        raise ValueError(f"sep, decimal and encoding tell how CSV and TSV are written: leave them out for {shown}.")


def check_file(text: str, layout: Layout) -> tuple[Path, str, str]:
    """Return the path, the sheet and the kind of a file that is there; raise an error in words for another."""
    name, _, sheet = text.partition("::")
    path = Path(name)
    shown = printable(path)
    kind = _kind_of(path)
    if kind is None or (sheet and kind != "excel"):
        also = " Save a workbook of Excel 97 as .xlsx." if path.suffix.lower() == ".xls" else ""
        raise ValueError(
            f"{shown} has the suffix {path.suffix!r}: use one of {', '.join(READERS)}, of text also compressed "
            f"({', '.join(PACKED)}), or address::table.{also}"
        )
    if kind not in ("csv", "tsv"):
        _check_layout(shown, layout)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {shown}{_nearest(path)}")
    return path, sheet, kind


def _read_sheet(path: Path, sheet) -> pd.DataFrame:
    """Return a sheet of a workbook. Other sheets are told, and lines of one cell above the names of the columns."""
    with pd.ExcelFile(path, engine="openpyxl") as book:
        first, *others = names = list(map(str, book.sheet_names))
        others = [name for name in others if getattr(book.book[name], "max_row", 1) != 1]  # Excel adds empty ones
        if sheet and sheet not in names:
            raise ValueError(f"it has no sheet {sheet!r}; it has {listed(names, 10)}")
        if others and not sheet:
            words = f"{path} was read from its first sheet, {first!r}. It also has {listed(map(repr, others), 10)}. "
            warn(printable(f"{words}For another sheet, write '{path}::{others[0]}'."), DataWarning)
        options: dict[str, Any] = {"sheet_name": sheet or 0, "dtype": object}
        frame = pd.read_excel(book, **options)
        unnamed = [str(name).startswith("Unnamed: ") for name in frame.columns]
        if sum(unnamed) == len(unnamed) - 1 > 0 and not unnamed[0]:
            titles = int((pd.read_excel(book, header=None, **options).notna().sum(axis=1) > 1).argmax())
            if titles:
                frame = pd.read_excel(book, skiprows=titles, **options)
                words = f"{printable(path)} was read without the {titles} lines above the names of its columns."
                warn(words, DataWarning)
    return frame.infer_objects()


def _kind_of(path: Path) -> str | None:
    """Return how the table of a file is written, as its suffix says; None where it cannot be read."""
    if path.suffix.lower() in PACKED:
        kind = READERS.get(Path(path.stem).suffix.lower())
        return kind if kind in ("csv", "tsv", "jsonl") else None
    return READERS.get(path.suffix.lower())


def open_unpacked(path: Path):
    """Open a file to read its bytes; of one that is compressed, as its suffix says, those that it holds."""
    suffix = path.suffix.lower()
    if suffix == ".zst":
        pyarrow = require("pyarrow", extra="parquet", caller="reading a .zst file")
        return io.BufferedReader(pyarrow.input_stream(path, compression="zstd"))
    return (PACKED.get(suffix) or open)(path, "rb")


def check_lines(file):
    """Return an open file of JSON lines, behind a mark of its encoding; raise a ValueError for one list of all rows."""
    if file.peek(3)[:3] == codecs.BOM_UTF8:
        file.read(3)
    if file.peek(1)[:1] == b"[":  # pandas makes one row of it, with a column per element
        raise ValueError("it holds one list, not a row per line: write each row as an object on a line of its own")
    return file


@contextlib.contextmanager
def readable(path, kind: str):
    """Say of which file an error in reading is."""
    try:
        yield
    except (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        found, remedy = str(error).strip(), ""
        if isinstance(error, UnicodeDecodeError):
            remedy = ". Say encoding= (--encoding)."
        elif isinstance(error, pd.errors.EmptyDataError):
            found = "it is empty, without even a line of names"
        elif isinstance(error, pd.errors.ParserError):
            found = found.rpartition("C error: ")[2]
            remedy = ". Mend that line, or say sep= (--sep) where cells are parted by another sign."
        words = f"{printable(path)} cannot be read as {kind}: {printable(found)}{remedy}"
        raise ValueError(words) from error


def _nearest(path) -> str:
    """Return where a file was looked for, and the nearest name there."""
    folder = path.absolute().parent
    if not folder.is_dir():
        return f": there is no folder {printable(folder)} either. Correct the path."
    near = did_you_mean(path.name, sorted(p.name for p in folder.iterdir() if _kind_of(p)))
    return f" (looked for in {printable(folder)}): correct the path.{printable(near)}"


def folder_of(url) -> Path:
    """Return the folder of a database that is a file, and else the working folder."""
    kind, _, place = url.partition(":///")
    return Path(place.partition("?")[0]).parent if kind.startswith("sqlite") and place else Path.cwd()


@contextlib.contextmanager
def open_query(url, table):
    """Give the names of the columns of a table or query of a database, and its rows, read as they are taken."""
    sqlalchemy = require("sqlalchemy", extra="store", caller="read_table of a database")
    exc = require("sqlalchemy.exc", extra="store", caller="read_table of a database")
    shown = printable(url.rpartition("@")[2])  # without a password
    try:
        engine = sqlalchemy.create_engine(url)
        try:
            known = sqlalchemy.inspect(engine).get_table_names()
            with engine.connect().execution_options(stream_results=True) as connection:
                query = QUERY.match(table) if table not in known else None
                if query is not None:  # within another, "with" reads and changes nothing
                    inner = table.rstrip().rstrip(";")
                    inside = query[1].lower() == "with"
                    found = connection.exec_driver_sql(f"select * from ({inner}\n) as q" if inside else inner)
                    yield list(found.keys()), found.mappings()
                    return
                if table not in known:
                    there = printable(", ".join(known)) or "none"
                    near = printable(did_you_mean(table, known))
                    raise ValueError(f"The database {shown} has no table {table!r}; it has {there}.{near}")
                # Reflected, not pasted into a statement: a name is never read as SQL.
                reflected = sqlalchemy.Table(table, sqlalchemy.MetaData(), autoload_with=engine)
                names = [column.name for column in reflected.columns]
                yield names, connection.execute(sqlalchemy.select(reflected)).mappings()
        finally:
            engine.dispose()
    except TypeError as error:  # SQLite keeps in a column whatever it is given
        words = "a column holds what its type does not: give a query that casts it, as select cast(price as text)"
        raise ValueError(f"The database {shown} cannot be read: {words} ({error})") from error
    except exc.SQLAlchemyError as error:
        raise ValueError(f"The database {shown} cannot be read: {printable(str(error).splitlines()[0])}") from error
