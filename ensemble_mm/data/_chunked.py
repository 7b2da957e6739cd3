"""A table that stays on disk, and is read some columns or some rows at a time."""

import contextlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._checks import (
    check_count,
    check_unique,
    did_you_mean,
    first_names,
    is_missing,
    printable,
    require,
    writing_into,
)
from ._cells import plain, with_texts
from ._parquet import Stamps, dataset_of, files_of, told_by_pandas, without_labels, without_rows, write_parts
from ._paths import Looks, looks_of, paths_of

MEASURED_ROWS = 1000  # that tell how much memory a row takes
FIRST_ROWS = 1000  # that tell whether texts repeat


class ChunkedData:
    """A table that stays on disk: columns are read one by one, or rows in chunks.

    Parameters
    ----------
    source : path, pyarrow Dataset, polars LazyFrame, Dask DataFrame or iterator of DataFrames
        A Parquet file, or a folder of such, whose rows go in the order of the files' names. Names that begin with "."
        or "_" are left out, as Spark and pyarrow do. A LazyFrame, a Dask DataFrame or an iterator, such as
        ``pandas.read_sql(query, connection, chunksize=10_000)``, is read once, into Parquet files in `workdir`, which
        are removed with this object.
    columns : list of str, default=None
        The columns that are read; None: all.
    chunk_rows : int, default=65_536
        Rows of a chunk. Another number changes predictions by rounding errors of single precision at most.
    root : path, default=None
        Folder of the media files that cells name; a path that leads outside of it is refused. None: cells stay as they
        are.
    media : list of str, default=()
        Columns that hold media files whatever the names in them look like.
    workdir : path, default=None
        Folder for what is computed, made where it is not there; None: that of the system.

    Attributes
    ----------
    columns : list of str
    shape : tuple (n_rows, n_columns)

    Raises
    ------
    FileNotFoundError, ValueError
        Where there is nothing to read, files differ in their columns, or a column is not there or there twice. Reading
        raises them, too, where files have gone.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pandas as pd
    >>> from ensemble_mm import ChunkedData
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> pd.DataFrame({"age": [20, 30], "shop": ["a", "b"]}).to_parquet(folder / "0.parquet")
    >>> pd.DataFrame({"age": [40], "shop": ["a"]}).to_parquet(folder / "1.parquet")
    >>> data = ChunkedData(folder, columns=["age"], chunk_rows=2)
    >>> len(data), [len(chunk) for chunk in data.chunks()]
    (3, [2, 1])
    """

    def __init__(self, source, columns=None, *, chunk_rows=65_536, root=None, media=(), workdir=None):
        check_count("chunk_rows", chunk_rows, minimum=1)
        self.chunk_rows, self.root, self.media = chunk_rows, root, media
        self._whole: ChunkedData | None = None  # of which these are some columns: its files go with the last of both
        self._looks: dict[str, Looks] = {}  # column of objects -> what its cells are; filled where it is first read
        # Days are what they are in memory: objects where pandas reads a file or Dask, moments of polars and Arrow.
        self._has_days = isinstance(source, (str, os.PathLike)) or hasattr(source, "compute")
        self._name, self._dataset = self._opened(source, workdir)
        is_given = self._dataset is source  # whose files may lie anywhere
        self._stamps = Stamps([] if is_given else self._dataset.files)
        self.columns = _checked_columns(columns, self._dataset.schema, self._name)
        with self._readable():
            self._n_rows = int(self._dataset.count_rows())
        if not self._n_rows:
            raise without_rows(self._name)

    def _opened(self, source, workdir) -> tuple[str, Any]:
        """Return what the table is called in messages, and it as a pyarrow Dataset."""
        if isinstance(source, (str, os.PathLike)):
            shown = printable(os.fspath(source))
            return shown, dataset_of(files_of(Path(source), shown), shown, Path(source))
        if hasattr(source, "to_table") and hasattr(source, "scanner"):
            return "The data set", source
        is_dask = hasattr(source, "compute") and hasattr(source, "to_parquet")
        if hasattr(source, "sink_parquet") or is_dask or isinstance(source, Iterator):
            named = isinstance(source, NamedParts)
            shown = source.name if named else f"The {type(source).__name__}"
            what = "table" if named else type(source).__name__
            writing = partial(writing_into, workdir, f"the rows of the {what}")
            with writing():
                if workdir is not None:
                    Path(workdir).mkdir(parents=True, exist_ok=True)
                folder = Path(tempfile.mkdtemp(prefix="ensemble_mm-", dir=workdir))
            remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            try:
                write_parts(source, shown, folder, writing)
                return shown, dataset_of(files_of(folder, shown), shown, folder, are_alike=not named)
            except BaseException:
                remove()
                raise
        raise ValueError(
            f"ChunkedData cannot read a {type(source).__name__}: give the path of a Parquet file or folder, a pyarrow "
            "Dataset, a polars LazyFrame, a Dask DataFrame or an iterator of DataFrames. Data in memory can be given "
            "to fit as they are."
        )

    def __len__(self) -> int:
        return self._n_rows

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return len(self), len(self.columns)

    @property
    def nbytes(self) -> int:
        """About how many bytes all rows would take in memory, from the first ones."""
        with self._readable():
            first = self._frame(self._dataset.head(MEASURED_ROWS, columns=self.columns))
        return int(first.memory_usage(index=False, deep=True).sum() * len(self) / len(first))

    def __repr__(self) -> str:
        return f"ChunkedData({self._name}: {len(self)} rows; columns: {first_names(self.columns)})"

    def __getitem__(self, columns) -> Any:
        """Return one column as a Series, or a list of columns as a DataFrame, with all rows."""
        if isinstance(columns, str):
            return self[[columns]][columns]
        if not isinstance(columns, list):
            raise ValueError(
                f"{self._name} is on disk, so [] takes names of columns only: use take(rows) for rows. GridSearchCV "
                "and others that split rows need them in memory: give them to_pandas()."
            )
        return self._frame(self._table(columns))  # which nothing else holds

    def holds_lists(self, name) -> bool:
        """Tell whether a column holds lists of numbers."""
        types = require("pyarrow", extra="parquet", caller="ChunkedData").types
        of = self._dataset.schema.field(name).type
        if not (types.is_list(of) or types.is_large_list(of) or types.is_fixed_size_list(of)):
            return False
        return types.is_floating(of.value_type) or types.is_integer(of.value_type)

    def holds_texts(self, name) -> bool:
        """Tell whether a column holds texts, or names of files."""
        return "string" in str(self._dataset.schema.field(name).type)

    def first_of(self, name, n) -> pd.Series:
        """Return a column of lists; to save memory, the last of the first `n` lists stands for all later ones."""
        cells, start = np.full(len(self), None, dtype=object), 0
        first: list[np.ndarray] = []
        for chunk in self.chunks([name]):
            for row, cell in enumerate(chunk[name], start):
                if not is_missing(cell):
                    first += [np.array(cell)] if len(first) < n else []
                    cells[row] = first[-1]
            start += len(chunk)
        return pd.Series(cells, dtype=object)

    def vectors(self, name) -> Iterator[np.ndarray | pd.DataFrame]:
        """Yield a column of lists, `chunk_rows` at a time, as `chunks` does.

        A part comes as a matrix where no cell needs a look: all lists are there, equally long, and hold floats.
        """
        for table in self._tables([name]):
            matrix = _as_matrix(table.column(0).combine_chunks())
            yield self._frame(table) if matrix is None else matrix

    def drop(self, columns) -> "ChunkedData":
        """Return the table without some of its columns."""
        left = copy(self)
        left._whole = self
        dropped = self._known([columns] if isinstance(columns, str) else columns)
        left.columns = [name for name in self.columns if name not in dropped]
        return left

    def items(self) -> Iterator[tuple[str, pd.Series]]:
        """Yield the name and the values of each column, one at a time."""
        for name in self.columns:
            yield name, self[name]

    def to_pandas(self) -> pd.DataFrame:
        """Return all columns as a DataFrame, which must fit into memory."""
        return self[list(self.columns)]

    def take(self, rows, columns=None) -> pd.DataFrame:
        """Return the rows at some places, in their order, of some columns (None: all); the places are their labels."""
        rows = np.arange(len(self))[rows]
        with self._readable():
            table = self._scanner(self.columns if columns is None else self._known(columns)).take(rows)
        return self._frame(table).set_axis(rows)

    def chunks(self, columns=None) -> Iterator[pd.DataFrame]:
        """Yield all rows in order, `chunk_rows` at a time, with their places as labels.

        Parameters
        ----------
        columns : list of str, default=None
            Those that are wanted; None: all.
        """
        names = self.columns if columns is None else self._known(columns)
        start = 0
        for table in self._tables(names):
            frame = self._frame(table)
            yield frame.set_axis(pd.RangeIndex(start, start + len(frame)))
            start += len(frame)

    def _tables(self, names):
        pyarrow = require("pyarrow", extra="parquet", caller="ChunkedData")
        waiting, n = None, self.chunk_rows
        with self._readable():
            for batch in self._scanner(names).to_batches():
                table = pyarrow.Table.from_batches([batch])
                table = table if waiting is None else pyarrow.concat_tables([waiting, table])
                while table.num_rows >= n:
                    yield table.slice(0, n)
                    table = table.slice(n)
                waiting = table
        if waiting is not None and waiting.num_rows:
            yield waiting

    def _table(self, columns):
        with self._readable():
            table = self._dataset.to_table(columns=self._known(columns))
        if table.num_rows != len(self):
            raise ValueError(f"{self._name} had {len(self)} rows and has {table.num_rows} now: open it anew.")
        return table

    def _scanner(self, names):
        """Return a scanner of some columns of all rows, which reads little ahead."""
        return self._dataset.scanner(columns=names, batch_size=self.chunk_rows, batch_readahead=1, fragment_readahead=1)

    def _known(self, columns) -> list[str]:
        for name in columns:
            if name not in self.columns:
                raise _unknown(name, self.columns, self._name)
        return list(columns)

    def _frame(self, table) -> pd.DataFrame:
        """Return a table of Arrow, which is not read again, as a DataFrame: column by column, and freed so."""
        table, repeated = _without_repeated(without_labels(table))
        frame = table.to_pandas(date_as_object=self._has_days, split_blocks=True, self_destruct=True)
        for place, texts in repeated.items():
            frame.isetitem(place, pd.Series(texts, frame.index, dtype=object))
        frame = with_texts(plain(frame))
        if self.root is not None:
            for name in frame.select_dtypes(object).columns:
                if name not in self._looks:  # the whole column decides, not those of its rows that are read now
                    self._looks[name] = self._look_at(name)
                frame[name] = pd.Series(paths_of(frame[name], self.root, self._looks[name]), frame.index, dtype=object)
        return frame

    def look_at_files(self, each) -> None:
        """Learn by `each` which columns hold names of files, before other processes read rows of them."""
        names = [name for name in self.columns if self.root is not None and self.holds_texts(name)]
        self._looks |= dict(zip(names, each(self._look_at, names), strict=True))

    def _look_at(self, name) -> Looks:
        return looks_of(self._texts(name), known=name in self.media)

    def _texts(self, name) -> Iterator[list]:
        """Yield the cells of a column of texts, some at a time; nothing of another."""
        if self.holds_texts(name):
            for batch in self._dataset.to_batches(columns=[name], batch_size=self.chunk_rows):
                yield batch.column(0).to_pylist()

    @contextlib.contextmanager
    def _readable(self):
        """Say of which table an error in reading is."""
        pyarrow = require("pyarrow", extra="parquet", caller="ChunkedData")
        try:
            self._check_unchanged()
            yield
            self._check_unchanged()
        except FileNotFoundError as error:
            words = f"A file of {self._name} is not there any more ({printable(str(error))}): put it back."
            raise FileNotFoundError(words) from error
        except (OSError, pyarrow.ArrowException) as error:
            words = f"{printable(str(error).strip(' .'))}. If a file was changed, open it anew."
            raise ValueError(f"{self._name} cannot be read as Parquet: {words}") from error

    def _check_unchanged(self) -> None:
        """Raise a ValueError if a file has changed: some columns would be of other rows than the rest."""
        changed = self._stamps.first_changed()
        if changed is not None:
            raise ValueError(f"The file {printable(changed)} was changed while {self._name} was read: open it anew.")


TABLES = (pd.DataFrame, ChunkedData)  # a table in memory, and one on disk


def is_lazy(X) -> bool:
    """Tell whether X is computed or read only when it is asked for, as `ChunkedData` can leave it on disk."""
    lazy = any(hasattr(X, name) for name in ("collect", "compute", "to_table"))
    return lazy and not hasattr(X, "to_pandas") and not isinstance(X, (pd.DataFrame, pd.Series))


class NamedParts(Iterator):
    """Parts of a table that has a name for messages; a part may lack a column in which none of its rows has a value.

    Parameters
    ----------
    name : str
    parts : iterator of DataFrames
    """

    def __init__(self, name, parts):
        self.name, self._parts = name, parts

    def __next__(self):
        return next(self._parts)


def _without_repeated(table) -> tuple[Any, dict[int, np.ndarray]]:
    """Return a table of Arrow without its columns of texts that repeat, and these columns by their place.

    Each text is in memory once; pandas would make it anew for each row.
    """
    pyarrow = require("pyarrow", extra="parquet", caller="ChunkedData")
    repeated = {}
    for place, field in enumerate(table.schema):
        if str(field.type) not in ("string", "large_string") or not len(table):
            continue
        column = table.column(place).slice(0, FIRST_ROWS)
        if 2 * len(column.unique()) > len(column):
            continue
        codes = table.column(place).dictionary_encode().unify_dictionaries().combine_chunks()
        texts = np.array([*codes.dictionary.to_pylist(), None], dtype=object)
        repeated[place] = texts[codes.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)]
        table = table.set_column(place, field.name, pyarrow.nulls(len(table)))
    return table, repeated


def _as_matrix(lists) -> np.ndarray | None:
    """Return an array of Arrow whose cells are lists of floats as a matrix; None where cells must be looked at."""
    numbers, n = lists.flatten(), len(lists)
    if not n or lists.null_count or numbers.null_count or len(numbers) % n or "float" not in str(numbers.type):
        return None
    width = len(numbers) // n
    lengths = lists.value_lengths().to_numpy()
    if not width or (lengths != width).any():
        return None
    matrix = numbers.to_numpy().reshape(n, width)
    return matrix.astype(np.float32) if matrix.dtype == np.float16 else matrix


def _checked_columns(columns, schema, shown: str) -> list[str]:
    """Return the columns that are read; those that pandas wrote as labels of rows are none."""
    labels = told_by_pandas(schema).get("index_columns", [])
    there = [name for name in schema.names if name not in [label for label in labels if isinstance(label, str)]]
    wanted = there if columns is None else [columns] if isinstance(columns, str) else list(columns)
    check_unique("Column", wanted)
    for name in wanted:
        if name not in schema.names:
            raise _unknown(name, there, shown)
    if not wanted:
        raise ValueError(f"{shown} has no columns to read: name some.")
    return wanted


def _unknown(name, there, shown) -> ValueError:
    near = printable(did_you_mean(name, there))
    return ValueError(f"{shown} has no column {name!r}; it has {first_names(there)}.{near}")
