"""Extractors: one view in, float32 columns out. Each is a plain scikit-learn transformer.

What else is known of a modality (how its items are recognised, which learners read its features, how an item is shown)
stands in its record in `MODALITIES`.
"""

from .._modalities import MODALITIES, Modality
from . import _builtin  # noqa: F401  (enters the modalities of the package)
from ._audio import AudioExtractor
from ._image import ImageExtractor
from ._tabular import TabularExtractor
from ._text import TextExtractor
from ._tracks import read_sound_track
from ._vector import VectorExtractor
from ._video import VideoExtractor

__all__ = [
    "MODALITIES",
    "AudioExtractor",
    "ImageExtractor",
    "Modality",
    "TabularExtractor",
    "TextExtractor",
    "VectorExtractor",
    "VideoExtractor",
    "read_sound_track",
]
