"""Parquet files that are read as one table: which they are, what columns they have, and how rows get into them."""

import json
import os
from pathlib import Path

import pandas as pd

from .._checks import as_pandas, check_unique, printable, require

SUFFIXES = (".parquet", ".pq")
TEXTS = (".csv", ".tsv", ".txt")


def files_of(path: Path, shown: str) -> list[str]:
    """Return the Parquet files of a folder in the order of their names, or the one file."""
    if path.is_dir():
        found = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        files = sorted(file for file in found if not _is_hidden(file.relative_to(path)))
        if not files:
            raise FileNotFoundError(f"There is no Parquet file in the folder {shown}: name one that has some.")
        return [str(file) for file in files]
    if not path.is_file():
        raise FileNotFoundError(f"There is no file or folder {shown}: correct the path.")
    return [str(path)]


def _is_hidden(path: Path) -> bool:
    """Tell whether a file lies where writers keep what is not yet, or not any more, of a table."""
    return any(part.startswith((".", "_")) and "=" not in part for part in path.parts)


def dataset_of(files: list[str], shown: str, base: Path, are_alike: bool = True):
    """Return files as one data set; a column may have no values, or narrower numbers, in some of them.

    Unless they `are_alike`, it may also not be there.
    """
    pyarrow = require("pyarrow", extra="parquet", caller="ChunkedData")
    source = require("pyarrow.dataset", extra="parquet", caller="ChunkedData")
    parquet = require("pyarrow.parquet", extra="parquet", caller="ChunkedData")
    how = {"format": "parquet"}
    if base.is_dir():  # what the names of folders say of one file is not read from it in memory, either
        how |= {"partitioning": "hive", "partition_base_dir": str(base)}
    schemas, reading = [], shown
    try:
        for file in files:
            reading = printable(file)
            schemas.append(parquet.read_schema(file))
        check_unique(f"In {shown}, column", schemas[0].names)
        found = source.dataset(files, **how)
    except (OSError, pyarrow.ArrowException) as error:
        words = f"{reading} cannot be read as Parquet: {printable(str(error).strip())}"
        if base.suffix.lower() in TEXTS:
            words += " Write it as Parquet, a part at a time, such as by polars.scan_csv(...).sink_parquet(...)."
        raise ValueError(words) from error
    for file, schema in zip(files, schemas, strict=True):
        odd = sorted(set(schema.names) ^ set(schemas[0].names))
        if odd and are_alike:
            with_it, without = (file, files[0]) if odd[0] in schema.names else (files[0], file)
            raise ValueError(
                f"The files of {shown} have different columns: {printable(with_it)} has {odd[0]!r}, and "
                f"{printable(without)} has not. Give all files the same columns."
            )
    return source.dataset(files, schema=_unified(found.schema, schemas, files, shown), **how)


def _unified(first, schemas, files, shown: str):
    """Return one schema of all files; what is a category in some only, or ordered in some, is read as plain values.

    So pandas joins such files, too.
    """
    pyarrow = require("pyarrow", extra="parquet", caller="ChunkedData")
    types: dict[str, set] = {}
    for field in (field for schema in (first, *schemas) for field in schema):
        if not pyarrow.types.is_null(field.type):
            coded = pyarrow.types.is_dictionary(field.type)
            types.setdefault(field.name, set()).add(field.type.ordered if coded else None)
    plain = {name for name, kinds in types.items() if len(kinds) > 1}

    def as_plain(field):
        coded = field.name in plain and pyarrow.types.is_dictionary(field.type)
        return field.with_type(field.type.value_type) if coded else field

    unified, *others = [pyarrow.schema(map(as_plain, schema), schema.metadata) for schema in (first, *schemas)]
    for file, schema in zip(files, others, strict=True):
        try:
            unified = pyarrow.unify_schemas([unified, schema], promote_options="permissive")
        except pyarrow.ArrowException as error:
            raise ValueError(
                f"A column has different types in the files of {shown}: that in {printable(file)} does not fit those "
                f"before ({printable(str(error))}). Give it one."
            ) from error
    return unified


def told_by_pandas(schema) -> dict:
    """Return what pandas wrote into a file about its columns and labels."""
    return json.loads((schema.metadata or {}).get(b"pandas", b"{}"))


def without_labels(table):
    """Return a table of which pandas makes no labels: all columns are such, and have texts as names."""
    told = told_by_pandas(table.schema)
    if not told:
        return table
    told |= {"index_columns": [], "column_indexes": []}
    return table.replace_schema_metadata({**table.schema.metadata, b"pandas": json.dumps(told)})


class Stamps:
    """Sizes and times of files, as they were when they were first asked for in a process."""

    def __init__(self, files):
        self.files: list[str] = files
        self._seen: list[tuple[int, int]] | None = None

    def __reduce__(self):
        return Stamps, (self.files,)  # elsewhere, copies of the files may have other times

    def first_changed(self) -> str | None:
        """Return the first file that was changed since, if any."""
        now = [(stat.st_size, stat.st_mtime_ns) for stat in map(os.stat, self.files)]
        self._seen = self._seen or now
        changed = (file for file, old, new in zip(self.files, self._seen, now, strict=True) if old != new)
        return next(changed, None)


def write_parts(source, shown: str, folder: Path, writing) -> None:
    """Write what is lazy as Parquet files, whose names are in the order of the rows; tell what fails in `writing`."""
    named = "part-{:09d}.parquet".format
    if hasattr(source, "sink_parquet"):
        with writing():
            source.sink_parquet(folder / named(0))
    elif hasattr(source, "to_parquet"):
        with writing():  # types are those of each part: Dask guesses them from samples, and knows no vectors
            source.to_parquet(str(folder), write_index=False, schema=None, name_function=named)
    else:
        for place, part in enumerate(source):
            frame = as_pandas(part)
            if not isinstance(frame, pd.DataFrame):
                raise ValueError(f"{shown} gave a {type(part).__name__} as part {place}: let it give DataFrames.")
            frame = frame.copy(deep=False)
            frame[frame.columns[frame.isna().all()]] = None  # of the type that other parts have
            try:
                with writing():  # what the iterator itself raises is no fault of the folder
                    frame.to_parquet(folder / named(place), index=False)
            except (TypeError, ValueError) as error:  # pyarrow's own are such
                words = f"cannot be written as Parquet ({printable(str(error).strip())}): give each column one type."
                raise ValueError(f"{shown} cannot be kept on disk: its part {place} {words}") from error
    if not any(folder.iterdir()):
        raise without_rows(shown)


def without_rows(shown) -> ValueError:
    """Return the error of a table that holds none."""
    return ValueError(f"{shown} holds no rows: give a table with some.")
