"""Ensemble learning over text, images, sound, video and tables, with several tasks at once."""

from .data import MultimodalData
from .features import (
    AudioExtractor,
    ImageExtractor,
    TabularExtractor,
    TextExtractor,
    VectorExtractor,
    VideoExtractor,
)
from .stacking import MultiOutputStack, StackedClassifier, StackedRegressor, compare_strategies

__version__ = "0.1.0"

__all__ = [
    "AudioExtractor",
    "ImageExtractor",
    "MultiOutputStack",
    "MultimodalData",
    "StackedClassifier",
    "StackedRegressor",
    "TabularExtractor",
    "TextExtractor",
    "VectorExtractor",
    "VideoExtractor",
    "compare_strategies",
]
