"""One item of a view, made small enough to look at: a text, a picture, a wave or a few frames.

Items are read as the extractors take them: paths, bytes, arrays, PIL images, (samples, rate) pairs; files are read by
the extractors' own readers, within their limits. An item that cannot be read is told in words, and stops nothing.
"""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from .._checks import is_missing, require
from ..features import ImageExtractor, VideoExtractor, load_sound, open_clip, read_picture

LARGEST = 96  # pixels of the longer side of a thumbnail
WAVE_POINTS = 400
WAVE_SECONDS = 60.0  # of a sound that are read
LOOKED_AT = 300  # frames of a clip


@dataclass(frozen=True)
class Look:
    """What can be shown of one item: `kind` is "text", "picture", "wave" or "absent"; `content` goes with it.

    A text is a str, a picture a uint8 array of shape (height, width, 3), a wave the lowest and highest sample of each
    stretch, shape (n, 2); "absent" carries the reason as a str.
    """

    kind: str
    content: object


def look_at(item, modality: str) -> Look:
    """Return what can be shown of one item of a view of the given modality."""
    if modality not in ("tabular", "vector") and is_missing(item):
        return Look("absent", "missing")
    try:
        if modality == "image":
            return Look("picture", _picture(item))
        if modality == "audio":
            return Look("wave", _wave(item))
        if modality == "video":
            return Look("picture", _frames(item))
    except Exception as error:  # the file's own trouble, told where the picture would stand
        return Look("absent", f"cannot be shown: {type(error).__name__}: {error}"[:120])
    if modality == "text":
        return Look("text", str(item))
    return Look("text", _as_words(item))


def _as_words(item) -> str:
    if hasattr(item, "items"):  # a row of a table
        return "; ".join(f"{name}: {_plain(value)}" for name, value in item.items())
    values = np.ravel(np.asarray(item.todense() if hasattr(item, "todense") else item))
    shown = ", ".join(_plain(value) for value in values[:8])
    return f"[{shown}, … {len(values)} values]" if len(values) > 8 else f"[{shown}]"


def _plain(value) -> str:
    if isinstance(value, (float, np.floating)):
        return "missing" if np.isnan(value) else f"{value:.6g}"
    return "missing" if is_missing(value) else str(value)


def _picture(item) -> np.ndarray:
    image = require("PIL.Image", extra="image", caller="Showing an image")
    if hasattr(item, "convert"):
        picture = item.copy()
    elif isinstance(item, np.ndarray):
        picture = image.fromarray(_as_bytes(item))
    else:
        picture = read_picture(item, max_pixels=ImageExtractor().max_pixels, caller="Showing an image")
    picture = picture.convert("RGB")
    picture.thumbnail((LARGEST, LARGEST))
    return np.asarray(picture)


def _as_bytes(array) -> np.ndarray:
    """Return an image array as uint8; numbers from 0 to 1 are stretched, others clipped to 0..255."""
    array = np.squeeze(np.asarray(array))
    if array.ndim == 3 and array.shape[0] in (3, 4) and array.shape[2] not in (3, 4):
        array = np.moveaxis(array, 0, 2)
    if array.dtype == np.uint8:
        return array
    array = np.nan_to_num(array.astype(float))
    return np.clip(array * 255 if array.max(initial=0) <= 1 else array, 0, 255).astype(np.uint8)


def _wave(item) -> np.ndarray:
    if isinstance(item, tuple):
        samples = np.asarray(item[0], dtype=float)
    elif isinstance(item, np.ndarray):
        samples = item.astype(float)
    else:
        sound = load_sound(item, rate=1, max_seconds=WAVE_SECONDS)
        samples = np.zeros(1) if sound is None else np.asarray(sound[0], dtype=float)
    if samples.ndim > 1:
        samples = samples.mean(axis=int(np.argmin(samples.shape)))
    edges = np.linspace(0, len(samples), min(WAVE_POINTS, max(1, len(samples))) + 1).astype(int)[:-1]
    wave = np.c_[np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)]
    return wave / max(1e-9, np.abs(wave).max())


def _frames(item, n_shown=3) -> np.ndarray:
    """Return three frames of a clip side by side."""
    if isinstance(item, (np.ndarray, list)):
        frames = [_as_bytes(np.asarray(frame)) for frame in item]
    else:
        with open_clip(item, caller="Showing a clip", max_pixels=VideoExtractor().max_pixels) as clip:
            frames = [_thumbnail(frame) for frame in islice(clip.decode(video=0), LOOKED_AT)]
    chosen = [frames[i] for i in np.linspace(0, len(frames) - 1, min(n_shown, len(frames))).astype(int)]
    return np.hstack([_picture(frame) for frame in chosen])


def _thumbnail(frame) -> np.ndarray:
    """Return a decoded frame as a small array: a clip of large ones is not held whole."""
    scale = min(1, LARGEST / max(frame.width, frame.height))
    size = [max(1, round(length * scale)) for length in (frame.width, frame.height)]
    return frame.reformat(*size, "rgb24", interpolation="AREA").to_ndarray()
