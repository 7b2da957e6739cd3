"""Extractors: one view in, float32 columns out. Each is a plain scikit-learn transformer."""

from ._audio import AudioExtractor
from ._image import ImageExtractor
from ._tabular import TabularExtractor, VectorExtractor
from ._text import TextExtractor
from ._video import VideoExtractor, read_sound_track

# The default extractor of every modality; a new modality is one file and one line here.
EXTRACTORS = {
    "text": TextExtractor,
    "image": ImageExtractor,
    "audio": AudioExtractor,
    "video": VideoExtractor,
    "tabular": TabularExtractor,
    "vector": VectorExtractor,
}

__all__ = [
    "EXTRACTORS",
    "AudioExtractor",
    "ImageExtractor",
    "TabularExtractor",
    "TextExtractor",
    "VectorExtractor",
    "VideoExtractor",
    "read_sound_track",
]
