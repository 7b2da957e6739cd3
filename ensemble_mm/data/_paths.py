"""Media files that the cells of a table name: absolute paths, all of them below one folder."""

import os
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

import pandas as pd

from .._items import is_address, plain_item, suffix_of
from .._modalities import MODALITIES
from ..schema import LOOKED_AT


def with_paths(X: pd.DataFrame, root: Path, media) -> pd.DataFrame:
    """Return a table with the paths of its media files, all of which lie below `root`."""
    X = X.copy()
    for name in X.columns:
        if X[name].dtype == object:
            looks = looks_of([X[name]], known=name in media)
            X[name] = pd.Series(paths_of(X[name], root, looks), index=X.index, dtype=object)
    return X


def resolve_paths(paths, root, *, what="the list"):
    """Return media paths below `root` as absolute strings; a path that leads outside is refused.

    An empty text becomes None; what is no path, such as an address on the network or the content of a file, stays.
    """
    root = Path(root).resolve()
    out = []
    for row, path in enumerate(paths):
        if not isinstance(path, str | os.PathLike) or path == "" or is_address(path) or plain_item(path) is not path:
            out.append(None if path == "" else path)
            continue
        try:
            full = Path(os.path.realpath(root / path))
        except ValueError as error:  # a zero byte
            raise ValueError(f"Row {row} of {what} names {path!r}, which is not a path: {error}.") from error
        if not full.is_relative_to(root):
            raise ValueError(
                f"Row {row} of {what} names {str(path)!r}, which leads outside of {root}: keep media files below it, "
                "or name another root."
            )
        out.append(str(full))
    return out


class Looks(Enum):
    """What the cells of a column are."""

    FILES = "media files"
    HALF = "not taken for files, though half of the cells are called like some"
    OTHER = "no files"


def looks_of(chunks: Iterable, known=False) -> Looks:
    """Tell what the cells of a column are, which comes in chunks; the first texts decide on its modality."""
    suffixes = {suffix for modality in MODALITIES.values() for suffix in modality.suffixes}
    first: list[str] = []
    named = n = 0
    for chunk in () if known else chunks:
        texts = [item for item in chunk if isinstance(item, str) and item]
        first += texts[: LOOKED_AT - len(first)]
        named += sum(suffix_of(text) in suffixes for text in texts)
        n += len(texts)
    modality = MODALITIES.recognise(first) if first else None
    if known or (modality is not None and MODALITIES[modality].files is not None):
        return Looks.FILES
    return Looks.HALF if n and 2 * named >= n else Looks.OTHER


def paths_of(column, root, looks: Looks):
    """Return a column with the paths of its media files below `root`; a column of others as it is.

    Whatever may later be taken for a column of files must stay below `root`. So a column that only some rows of which
    look like one (those that a split leaves, say) is checked, too, though it stays as it is.
    """
    if looks is Looks.OTHER:
        return column
    paths = resolve_paths(column.tolist(), root, what=f"column {column.name!r}")
    return paths if looks is Looks.FILES else column
