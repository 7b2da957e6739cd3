"""Files that grow part by part and get their name when they are whole, and new tables of a database."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from .._checks import require
from ._arrays import write_atomic


class GrowingFile:
    """A file that is written in parts, beside its place until it is whole.

    Parameters
    ----------
    path : path-like
    made_of : str
        What the content is made of: only a file of the same is gone on with.
    resume : bool
        Go on with what was written before a stop.

    Attributes
    ----------
    n_rows : int
        Rows that were written.

    Raises
    ------
    ValueError
        When what was written before is made of something else.
    """

    def __init__(self, path: str | os.PathLike, made_of: str, resume: bool):
        self.path = Path(path)
        self.part, self._note = (self.path.with_name(f"{self.path.name}.{end}") for end in ("part", "part.json"))
        self.made_of, self.n_rows, n_bytes = made_of, 0, 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if resume and self._note.exists() and self.part.exists():
            note = json.loads(self._note.read_text(encoding="utf-8"))
            if note["made_of"] != made_of:
                raise ValueError(
                    f"{str(self.part)!r} was made by another model, of another table or with other options: remove it, "
                    "or do not resume."
                )
            self.n_rows, n_bytes = note["n_rows"], note["n_bytes"]
        if not n_bytes:  # what is noted of an earlier run would be taken for what this one wrote
            self._note.unlink(missing_ok=True)
        self._file = open(self.part, "r+b" if n_bytes else "wb")
        self._file.truncate(n_bytes)  # a part that was being written when the process ended is written anew
        self._file.seek(n_bytes)

    def write(self, content: bytes, n_rows: int) -> None:
        """Add a part."""
        self._file.write(content)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.n_rows += n_rows
        note = {"made_of": self.made_of, "n_rows": self.n_rows, "n_bytes": self._file.tell()}
        write_atomic(self._note, json.dumps(note).encode())

    def close(self) -> None:
        """Leave the file as it is, to be gone on with; one without rows is of no use."""
        self._file.close()
        if not self.n_rows:
            self.part.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the file its name."""
        self._file.close()
        os.replace(self.part, self.path)
        self._note.unlink(missing_ok=True)


@contextlib.contextmanager
def new_parquet(path: str) -> Iterator:
    """Give a function that adds rows to a Parquet file; it gets its name when it is whole."""
    arrow = require("pyarrow", extra="parquet", caller="writing a Parquet file")
    parquet = require("pyarrow.parquet", extra="parquet", caller="writing a Parquet file")
    part = Path(f"{path}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    writer = None

    def add(rows: pd.DataFrame) -> None:
        nonlocal writer
        table = arrow.Table.from_pandas(rows, schema=writer and writer.schema, preserve_index=False)
        writer = writer or parquet.ParquetWriter(part, table.schema)
        writer.write_table(table)

    try:
        yield add
        if writer is not None:
            writer.close()
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def new_table(url: str, name: str) -> Iterator:
    """Give a function that adds rows to a new table of a database; it is there as a whole or not at all.

    Raises
    ------
    ValueError
        When there is such a table, or the database cannot be written.
    """
    sqlalchemy = require("sqlalchemy", extra="store", caller="writing into a database")
    exc = require("sqlalchemy.exc", extra="store", caller="writing into a database")
    engine = sqlalchemy.create_engine(url)
    shown = url.rpartition("@")[2]  # without a password
    try:
        with engine.begin() as connection:
            if sqlalchemy.inspect(connection).has_table(name):
                raise ValueError(f"The database {shown} has a table {name!r}: name another, or drop it.")
            if engine.dialect.name == "sqlite":  # until the end: rows may be read from the same file meanwhile
                connection.exec_driver_sql("PRAGMA cache_spill = OFF")
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # its driver would make the table apart from the rows

            def add(rows: pd.DataFrame) -> None:
                rows.to_sql(name, connection, if_exists="append", index=False)

            yield add
    except exc.SQLAlchemyError as error:
        raise ValueError(f"The database {shown} cannot be written: {str(error).splitlines()[0]}") from error
    finally:
        engine.dispose()
