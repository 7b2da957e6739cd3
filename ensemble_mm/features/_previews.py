"""One item of a view, made small enough to look at: words, a picture, or a wave.

Items are read as the extractors take them, by the extractors' own readers and within their limits.
"""

from itertools import islice

import numpy as np

from .._checks import is_missing
from .._items import plain_item
from .._plain_words import written
from ._audio import AudioExtractor, load_sound
from ._image import ImageExtractor
from ._media import UnreadableItem, open_clip
from ._pictures import read_picture
from ._video import VideoExtractor, upright

LARGEST = 96  # pixels of the longer side of a thumbnail
WAVE_POINTS = 400
WAVE_SECONDS = 60.0  # of a sound that are read
LOOKED_AT = 300  # frames of a clip


def words_of(item) -> str:
    """Return the values of a row of a table, or the first of a vector."""
    if hasattr(item, "items"):
        return "; ".join(f"{name}: {_plain(value)}" for name, value in item.items())
    values = np.ravel(np.asarray(item.todense() if hasattr(item, "todense") else item))
    shown = ", ".join(_plain(value) for value in values[:8])
    return f"[{shown}, … {len(values)} values]" if len(values) > 8 else f"[{shown}]"


def _plain(value) -> str:
    if isinstance(value, (float, np.floating)):
        return "missing" if np.isnan(value) else written(float(value))
    return "missing" if is_missing(value) else str(value).removesuffix(" 00:00:00")  # of days


def thumbnail_of(item) -> np.ndarray:
    """Return a small copy of a picture, uint8 of shape (height, width, 3)."""
    picture = read_picture(item, max_pixels=ImageExtractor().max_pixels, caller="Showing an image")
    picture.thumbnail((LARGEST, LARGEST))
    return np.asarray(picture)


def wave_of(item) -> np.ndarray:
    """Return the lowest and the highest point of each stretch of a sound, shape (n, 2), from -1 to 1."""
    sound = load_sound(item, AudioExtractor().rate, WAVE_SECONDS)
    samples = np.zeros(1) if sound is None else sound[0].astype(float)
    edges = np.linspace(0, len(samples), min(WAVE_POINTS, len(samples)) + 1).astype(int)[:-1]
    wave = np.c_[np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)]
    return wave / max(1e-9, np.abs(wave).max())


def film_strip_of(item, n_shown=3) -> np.ndarray:
    """Return some frames of a clip side by side, uint8 of shape (height, width, 3)."""
    item = plain_item(item)
    if isinstance(item, (np.ndarray, list)):
        frames = list(item)
    else:
        with open_clip(item, caller="Showing a clip", max_pixels=VideoExtractor().max_pixels) as clip:
            frames = [_small(frame) for frame in islice(clip.decode(video=0), LOOKED_AT)]
    if not frames:
        raise UnreadableItem("it holds no frame")
    chosen = [frames[i] for i in np.linspace(0, len(frames) - 1, min(n_shown, len(frames))).astype(int)]
    return np.hstack([thumbnail_of(frame) for frame in chosen])


def _small(frame) -> np.ndarray:
    """Return a decoded frame as a small array: a clip of large ones is not held whole."""
    scale = min(1, LARGEST / max(frame.width, frame.height))
    size = [max(1, round(length * scale)) for length in (frame.width, frame.height)]
    return upright(frame.reformat(*size, "rgb24", interpolation="AREA").to_ndarray(), frame)
