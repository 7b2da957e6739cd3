"""Media files that the cells of a table name: absolute paths, all of them below one folder."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from .._items import is_address, plain_item, suffix_of
from .._modalities import MODALITIES
from ..schema import LOOKED_AT


def with_paths(X: pd.DataFrame, root: Path, media) -> pd.DataFrame:
    """Return a table with the paths of its media files, all of which lie below `root`."""
    X = X.copy()
    for name in X.columns:
        if X[name].dtype == object:
            paths = media_paths(X[name], root, known=name in media)
            X[name] = X[name] if paths is None else pd.Series(paths, index=X.index, dtype=object)
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


def media_paths(column, root, known=False):
    """Return the paths of a column of media files below `root`, or None for another column.

    Whatever may later be taken for a column of files must stay below `root`. So a column that only some rows of which
    look like one (those that a split leaves, say) is checked, too, though it stays as it is.
    """
    texts = [item for item in column if isinstance(item, str) and item]
    suffixes = {suffix for modality in MODALITIES.values() for suffix in modality.suffixes}
    share = np.mean([suffix_of(text) in suffixes for text in texts]) if texts else 0.0
    modality = MODALITIES.recognise(texts[:LOOKED_AT]) if texts else None
    known = known or (modality is not None and MODALITIES[modality].files is not None)
    if not known and share < 0.5:
        return None
    paths = resolve_paths(column.tolist(), root, what=f"column {column.name!r}")
    return paths if known else None
