"""Files as X and Y: tables, lists of items, the packaged real sets and synthetic ones."""

import os
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._checks import bytes_of, check_choice, check_count, check_fraction, check_unique, did_you_mean, printable
from ..schema import blanks_of
from ._chunked import ChunkedData
from ._delimited import Layout
from ._footers import tell_of_footers
from ._inputs import MultimodalData
from ._parquet import SUFFIXES
from ._parts import large_on_disk, parts_of
from ._paths import looks_of, paths_of, with_paths
from ._sources import folder_of_table, read_source

# The tasks of each packaged set; its other columns are views.
DEMOS = {"moving_digits": ["digit", "speaker", "direction", "speed"], "av_digits": ["digit", "speaker", "accent"]}


def load_demo(name="moving_digits") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a packaged set of real recordings as `(X, Y)`.

    Parameters
    ----------
    name : {"moving_digits", "av_digits"}, default="moving_digits"
        "moving_digits": 300 rows; a picture, a spoken digit and a clip; digit, speaker, direction and speed (pixels per
        frame), with some items and labels missing. "av_digits": 240 rows; picture and sound; digit, speaker, accent.

    Returns
    -------
    X : DataFrame of shape (n_samples, n_views)
        Paths of media files; None where an item is missing.
    Y : DataFrame of shape (n_samples, n_tasks)
        Labels; None or NaN where one is not known.

    Notes
    -----
    From MNIST (LeCun, Cortes, Burges) and the Free Spoken Digit Dataset (Jackson et al.), CC BY-SA 4.0; see
    ATTRIBUTION.md beside the files.

    Examples
    --------
    >>> from ensemble_mm import load_demo
    >>> X, Y = load_demo("moving_digits")
    >>> X.shape, Y.columns.tolist()
    ((300, 3), ['digit', 'speaker', 'direction', 'speed'])
    """
    check_choice("name", name, tuple(DEMOS))
    root = Path(__file__).parent / "demo" / name
    return read_table(root / "table.csv", DEMOS[name], root=root)


def read_table(
    source, targets=(), root=None, *, media=(), sep=None, decimal=None, encoding=None, memory=None
) -> tuple[Any, pd.DataFrame]:
    """Read a file, a database table or parallel lists of items as `(X, Y)`.

    Parameters
    ----------
    source : path, str or dict
        One of:

        - a file of the format of its suffix: CSV, TSV and JSON lines (also compressed: .gz, .bz2, .xz, .zst), Parquet,
          or Excel (extra `excel`), where "book.xlsx::sheet" names another sheet than the first;
        - a folder of Parquet files;
        - a table or query of a database: "sqlite:///file.db::table" or "sqlite:///file.db::select a from t" (any
          SQLAlchemy address; extra `store`);
        - a dict from view to a text file with one item per line.

        Digits that begin with 0, such as 00501, stay texts.
    targets : list of str, str (comma-separated names, or for lists the path of a table), default=()
        Columns that are labels; the others are inputs.
    root : path or None, default=None
        Folder of the media files; None: that of the table. A path that leads outside of it is refused.
    media : list of str, default=()
        Columns that hold media files whatever the names in them look like, such as those that a fitted model reads as
        images. Others are known by the suffixes of their names.
    sep, decimal, encoding : str or None, default=None
        How a CSV or TSV file is written. None: detected, with a `DataWarning` where there is doubt.
    memory : str or int, default=None
        An amount such as "4GB", or a number of bytes. The inputs of a Parquet or JSON lines file that need more stay on
        disk, and so do those of a folder of Parquet files and of a database, whatever their size. Other formats than
        Parquet are written as Parquet once, part by part, into the system's folder for temporary files.

    Returns
    -------
    X : DataFrame, MultimodalData for lists, or ChunkedData for what stays on disk
    Y : DataFrame, empty without targets
        Words such as NA are labels that are not known, where the other labels suggest it.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file, column or row.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from ensemble_mm import read_table
    >>> path = pathlib.Path(tempfile.mkdtemp(), "t.csv")
    >>> _ = path.write_text("age,kind\\n1,a\\n2,\\n")
    >>> X, Y = read_table(path, "kind")
    >>> Y["kind"].tolist()
    ['a', None]
    """
    if isinstance(source, dict):
        return _read_lists(source, targets, root)
    limit = None if memory is None else bytes_of("memory", memory)
    names = _names_of(targets)
    layout = Layout(sep, decimal, encoding)
    large, folder = (None, None) if limit is None else _large_data(os.fspath(source), limit, layout)
    if large is not None:
        Y = large[names].apply(_known_labels) if names else pd.DataFrame(index=range(len(large)))
        X = large.drop(columns=names)
        X.root, X.media = folder if root is None else root, media
        return X, Y
    frame, folder = read_source(source, layout)
    _check_columns(source, names, frame.columns)
    if "://" not in os.fspath(source):
        tell_of_footers(frame, source)
    X = with_paths(frame.drop(columns=names), Path(root) if root is not None else folder, media)
    return X, frame[names].apply(_known_labels)


def _names_of(targets) -> list:
    """Return the names of columns that a list holds, or a text between commas."""
    if not isinstance(targets, str | list | tuple) or not all(isinstance(name, Hashable) for name in targets):
        raise ValueError(f"targets={targets!r} must be a list of names of columns, or a text of names and commas.")
    names = [name.strip() for name in targets.split(",")] if isinstance(targets, str) else list(targets)
    check_unique("Target", names)
    return names


def _large_data(source: str, limit: int, layout: Layout) -> tuple[ChunkedData | None, Path | None]:
    """Return a table that is larger than a limit as data on disk, and the folder of its paths; None for a small one."""
    path = Path(source)
    if path.is_dir() or (path.is_file() and path.suffix.lower() in SUFFIXES):
        data = ChunkedData(source)
        return (data, folder_of_table(path)) if path.is_dir() or data.nbytes > limit else (None, None)
    is_large = path.stat().st_size > limit if path.is_file() else "://" in source
    return large_on_disk(source, layout) if is_large else (None, None)


def _check_columns(source, names, there) -> None:
    """Raise a ValueError unless all names are those of columns."""
    for name in names:
        if name not in there:
            found = ", ".join(map(printable, there))
            near = printable(did_you_mean(name, there))
            raise ValueError(f"{printable(source)} has no column {name!r}; it has {found}.{near}")


def read_parts(
    source, root=None, *, n_rows, media=(), texts=(), sep=None, decimal=None, encoding=None
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table, `n_rows` at a time: one of any length is read in constant memory.

    Parameters
    ----------
    source : str
        As in `read_table`, or "-" for the standard input, which holds CSV or JSON lines.
    root : path or None, default=None
        Folder of the media files; None: that of the table, and for the standard input the working folder.
    n_rows : int
    media : list of str, default=()
        Columns that hold media files.
    texts : list of str, default=()
        Columns of CSV files whose cells stay texts, so that "00501" is one also where it stands among others.
    sep, decimal, encoding : as in `read_table`
    """
    parts, folder = parts_of(os.fspath(source), Layout(sep, decimal, encoding), n_rows, texts)
    for part in parts:
        yield with_paths(part.reset_index(drop=True), Path(root) if root is not None else folder, media)


def _known_labels(column: pd.Series) -> pd.Series:
    """Return labels without words that stand for none, such as NA where the other labels say so."""
    texts = {label for label in column if isinstance(label, str)} if column.dtype == object else set()
    blanks = blanks_of(texts) if texts else ()
    return column.where([not (isinstance(v, str) and v.strip() in blanks) for v in column], None) if blanks else column


def make_multimodal(
    n_samples=200, *, n_tasks=3, image_size=16, noise=0.5, missing=0.0, unknown=0.0, random_state=None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make synthetic views and tasks that share a cause, for tests and documentation.

    Parameters
    ----------
    n_samples : int, default=200
    n_tasks : int from 1 to 4, default=3
        "mood" (two classes), "level" (a number), "kind" (three classes), "size" (a number).
    image_size : int, default=16
        Side of the square images, in pixels.
    noise : float, default=0.5
        Standard deviation of what each view adds to the cause, whose own is 1.
    missing, unknown : float in [0, 1], default=0.0
        Share of items and of labels that are left out.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : DataFrame
        Columns "review" (text), "photo" (arrays), "age", "price", "shop".
    Y : DataFrame

    Examples
    --------
    >>> from ensemble_mm import make_multimodal
    >>> X, Y = make_multimodal(n_samples=5, random_state=0)
    >>> X.columns.tolist(), Y.columns.tolist()
    (['review', 'photo', 'age', 'price', 'shop'], ['mood', 'level', 'kind'])
    """
    check_count("n_samples", n_samples, minimum=1)
    check_count("n_tasks", n_tasks, minimum=1)
    check_fraction("missing", missing)
    check_fraction("unknown", unknown)
    if n_tasks > 4:
        raise ValueError(f"n_tasks={n_tasks} must be at most 4.")
    rng = np.random.default_rng(
        random_state if not isinstance(random_state, np.random.RandomState) else random_state.randint(2**31)
    )
    cause = rng.normal(size=(n_samples, 2))
    seen = cause[:, :1] + noise * rng.normal(size=(n_samples, 3))
    good = "lovely soft warm bright charming sturdy".split()
    bad = "torn scratchy cold dull sad broken".split()
    other = "coat sleeve button colour shop order morning seam parcel".split()
    reviews = []
    for m in seen[:, 0]:
        words = [rng.choice(good if rng.random() < 1 / (1 + np.exp(-2 * m)) else bad) for _ in range(5)]
        reviews.append(" ".join(rng.permutation([*words, *rng.choice(other, 5)])))
    shade = 128 + 40 * seen[:, 1, np.newaxis, np.newaxis, np.newaxis] * np.array([1.0, 0.3, -0.5])
    pixels = shade + 20 * rng.normal(size=(n_samples, image_size, image_size, 3))
    photos = np.empty(n_samples, dtype=object)
    photos[:] = list(np.clip(pixels, 0, 255).astype(np.uint8))
    X = pd.DataFrame(
        {
            "review": np.array(reviews, dtype=object),
            "photo": photos,
            "age": np.round(45 + 12 * cause[:, 1] + 3 * rng.normal(size=n_samples)),
            "price": np.round(40 + 12 * seen[:, 2], 2),
            "shop": np.where(rng.random(n_samples) < 0.5, "north", "south"),
        }
    )
    Y = pd.DataFrame(
        {
            "mood": np.where(cause[:, 0] + 0.3 * rng.normal(size=n_samples) > 0, "good", "bad").astype(object),
            "level": 2 * cause[:, 0] + cause[:, 1] + 0.3 * rng.normal(size=n_samples),
            "kind": np.array(["low", "mid", "high"], dtype=object)[np.digitize(cause[:, 0], [-0.5, 0.5])],
            "size": 10 + 3 * cause[:, 1] + 0.5 * rng.normal(size=n_samples),
        }
    ).iloc[:, :n_tasks]
    if missing:
        for column in X.columns:
            X[column] = X[column].mask(rng.random(n_samples) < missing, None if X[column].dtype == object else np.nan)
    if unknown:
        Y = Y.mask(rng.random(Y.shape) < unknown)
    return X, Y


def _read_lists(source, targets, root):
    views = {}
    for name, path in source.items():
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {printable(path)} for view {name!r}: correct the path.")
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(f"{printable(path)} cannot be read as text in UTF-8: {error}") from error
        items = [line if line.strip() else None for line in lines]
        column = pd.Series(items, dtype=object, name=name)
        views[name] = list(paths_of(column, root if root is not None else path.parent, looks_of([column])))
    Y = pd.DataFrame()
    if isinstance(targets, str | os.PathLike) and str(targets):
        Y, _ = read_source(targets, Layout())
    lengths = {str(source[name]): len(items) for name, items in views.items()}
    if len(Y.columns):
        lengths[str(targets)] = len(Y)
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{printable(path)} has {n}" for path, n in lengths.items())
        raise ValueError(
            f"The lists differ in length: {found} rows. Each line describes the same sample in all of them."
        )
    return MultimodalData(views), Y
