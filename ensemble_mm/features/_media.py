"""Reading media item by item: what an item is, why one cannot be read, and what becomes of it.

The image, audio and video extractors read one item at a time through `read_all`, so that a column of
files is never held decoded. A reader tells why an item is bad with `UnreadableItem`; `read_all`
collects these and turns them into one error, or into rows of NaN and one warning.
"""

import io
import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from .._checks import (
    NOT_HERE,
    BadItemsError,
    BadItemsWarning,
    as_items,
    check_choice,
    check_params,
    is_missing,
    require,
    warn,
)
from .._items import is_address, plain_items

# What FFmpeg may take a clip for. Left out is what reads other files or listens to the network: playlists (HLS, DASH,
# concat), SDP, RTSP, numbered images, scripts.
CLIP_FORMATS = "mov,matroska,webm,avi,gif,mpeg,mpegts,mpegvideo,m4v,ogg,asf,flv,ivf,yuv4mpegpipe"
SOUND_FORMATS = f"{CLIP_FORMATS},aac,amr,ac3,eac3,dts,wv,tta,ape"  # and a file that holds nothing but sound


class UnreadableItem(ValueError):
    """One item cannot be read; its message is the reason in words, such as "the file is empty"."""


@dataclass(frozen=True)
class ChangedItem:
    """A changed copy of an item, made when it is read: copies of many files are never held decoded.

    `load()` gives the copy: `change(item, seed, *settings)`, the same each time.
    """

    change: Callable
    item: object
    seed: int
    settings: tuple = ()

    def load(self):
        """Return the changed copy, decoded."""
        return self.change(self.item, self.seed, *self.settings)


class MediaExtractor(TransformerMixin, BaseEstimator):
    """Base of the extractors of files, which learn nothing: a row depends on its own item only."""

    def fit(self, X=None, y=None) -> Self:
        """Check the parameters; nothing is learned, so `transform` works without it."""
        check_params(self)
        return self

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def changed_items(items, change, rng, *settings) -> list:
    """Return a `ChangedItem` for every item; missing ones stay. One draw per item, so that each has its own seed."""
    items = plain_items(as_items(items))
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(items))
    return [
        item if is_missing(item) else ChangedItem(change, item, int(seed), settings)
        for item, seed in zip(items, seeds, strict=True)
    ]


def read_all(items, read_one, *, on_bad, what, n_columns=None, encode=None, batch_size=32):
    """Read every item to a row of numbers.

    Parameters
    ----------
    items : sequence of length n_samples
        A one-column input: paths, bytes, arrays and so on. See `as_items`.
    read_one : callable
        Takes one item that is not missing and returns its row (array of shape (n_columns,)), or
        what `encode` takes; None for an item that holds nothing of the kind, which counts as missing. It raises
        `UnreadableItem` (or an OSError) for an item that is bad.
    on_bad : {"raise", "missing"}
        Whether bad items raise one error together, or give rows of NaN and one warning.
    what : str
        What the items are, in the plural, for messages: "images".
    n_columns : int, default=None
        Number of columns; needed when every item may be missing. None: taken from the first row.
    encode : callable, default=None
        Takes a list of at most `batch_size` results of `read_one` and returns an array of shape
        (len(list), n_columns). None: the results are the rows.
    batch_size : int, default=32
        How many items are held decoded at once when there is an `encode`.

    Returns
    -------
    ndarray of shape (n_samples, n_columns), float32
        Rows of missing (and of bad) items are NaN.

    Raises
    ------
    BadItemsError
        When there are bad items and `on_bad` is "raise".
    """
    check_choice("on_bad", on_bad, ["raise", "missing"])
    items = plain_items(as_items(items))
    rows, reasons = [], []
    out = None if n_columns is None else np.full((len(items), n_columns), np.nan, dtype=np.float32)
    readable = _readable(items, read_one, rows, reasons)
    while batch := list(islice(readable, 1 if encode is None else batch_size)):
        # After a bad item the others are read all the same, to tell of all that are bad.
        places, values = _encoded(batch, encode, what) if not rows or on_bad == "missing" else ([], None)
        batch.clear()  # so that no two batches are held at once
        if values is None:
            continue
        if out is None:
            out = np.full((len(items), values.shape[1]), np.nan, dtype=np.float32)
        out[places] = values
    if rows:
        bad = BadItemsError(what, rows, reasons)
        if on_bad == "raise":
            raise bad
        # The level is past `transform` and the wrapper that scikit-learn puts around it.
        warn(BadItemsWarning(bad))
    if out is None:
        out = np.full((len(items), 1), np.nan, dtype=np.float32)
    return out


def _encoded(batch, encode, what):
    """Return the rows of some items that were read, and their values, shape (n_items, n_columns)."""
    places, results = map(list, zip(*batch, strict=True))
    values = np.asarray(results if encode is None else encode(results), dtype=np.float32)
    if len(values) != len(results):
        raise ValueError(
            f"The encoder gave {len(values)} rows for {len(results)} {what}: it must give one row for each."
        )
    return places, values.reshape(len(values), -1)


def _readable(items, read_one, rows, reasons):
    """Yield (row, what is read) of the items that hold something; add the rows of bad ones, and why, to two lists."""
    for row, item in enumerate(items):
        if is_missing(item):
            continue
        try:
            found = item.load() if isinstance(item, ChangedItem) else item
            result = None if found is None else read_one(found)
        except (UnreadableItem, OSError) as error:
            rows.append(row)
            reasons.append(f"{name_item(item)}: {_reason(error)}")
            continue
        if result is not None:
            yield row, result


def name_item(item) -> str:
    """Return what names an item in a message: its path, or a few words."""
    if isinstance(item, ChangedItem):
        return name_item(item.item)
    if isinstance(item, (str, os.PathLike)):
        path = os.fspath(item)
        return path if len(path) <= 300 else f"...{path[-300:]}"
    if isinstance(item, (bytes, bytearray, memoryview)):
        return f"{len(item)} bytes"
    if isinstance(item, np.ndarray):
        return f"array of shape {item.shape}"
    return f"a {type(item).__name__}"


def open_item(item, kind: str):
    """Return the path (str) of a file that exists and holds something, or a binary file object over bytes.

    Raises `UnreadableItem` for a missing or empty file, a folder, and for what is neither path nor bytes;
    `kind` is the noun for the message: "image".
    """
    if isinstance(item, (bytes, bytearray, memoryview)):
        if len(item) == 0:
            raise UnreadableItem("there are no bytes")
        _check_whole(bytes(item[:12]), len(item))
        return io.BytesIO(item)
    if not isinstance(item, (str, os.PathLike)):
        raise UnreadableItem(f"it is a {type(item).__name__}, but {kind} items are paths, bytes or arrays")
    if is_address(item):
        raise UnreadableItem("it is an address, which is not opened: give the path of a file, downloaded where need be")
    path = Path(item)
    try:
        if path.is_dir():
            raise UnreadableItem("it is a folder, not a file")
        if not path.exists():
            raise UnreadableItem("there is no such file" if path.is_absolute() else NOT_HERE)
        if path.stat().st_size == 0 and path.is_file():
            raise UnreadableItem("the file is empty (0 bytes)")
        if not path.is_file():
            raise UnreadableItem("it is not a regular file")
        with open(path, "rb") as file:
            _check_whole(file.read(12), path.stat().st_size)
    except ValueError as error:
        if isinstance(error, UnreadableItem):
            raise
        raise UnreadableItem(f"it is not a path ({error})") from None
    return str(path)


def open_clip(item, *, caller, max_pixels=None, formats=CLIP_FORMATS):
    """Return an open PyAV container over one clip, of some formats, that is read from that file alone.

    Frames of more than about twice `max_pixels`, larger than the clip says of itself, are not decoded.
    """
    av = require("av", extra="video", caller=caller)
    source = open_item(item, "video")
    if isinstance(source, str):
        source = f"file:{os.path.abspath(source)}"  # so that "concat:a|b" or "http:..." is a name and nothing else
    container = av.open(source, options={"format_whitelist": formats, "protocol_whitelist": "file"})
    for stream in container.streams.video if max_pixels is not None else ():
        if stream.codec_context is not None:  # None where the code of the frames is not known
            # Of frames with their borders, which decoders make as much as 64 pixels wide.
            stream.codec_context.options = {"max_pixels": str(2 * int(max_pixels) + 2**16)}
    return container


def _check_whole(head: bytes, size: int):
    """Refuse a RIFF file (wav, avi, webp) that is shorter than it says: decoders give its first part without a word.

    Writers that do not know the length beforehand, into a pipe say, put nothing or the largest number.
    """
    said = int.from_bytes(head[4:8], "little") + 8 if head[:4] == b"RIFF" and len(head) == 12 else 0
    if size < said < 0x7FF00000:
        raise UnreadableItem(f"it is cut off: it says that it has {said} bytes, and {size} are there")


@contextmanager
def decoding(kind: str):
    """Turn whatever a decoder raises inside the block into an `UnreadableItem` that gives the reason.

    Decoders of hostile files raise errors of many kinds (OSError, SyntaxError, struct.error, EOFError...);
    running out of memory, being interrupted and missing packages are none of these.
    """
    try:
        yield
    except (UnreadableItem, MemoryError, ImportError):
        raise
    except Exception as error:
        # FFmpeg and libsndfile wrap the reason in numbers and addresses; these attributes hold it alone.
        words = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
        words = " ".join(str(words).split()).rstrip(".") or type(error).__name__
        raise UnreadableItem(f"it cannot be decoded as {kind} ({words[:200]})") from error


def _reason(error) -> str:
    if isinstance(error, UnreadableItem):
        return str(error)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
