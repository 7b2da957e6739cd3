"""Ensemble learning over text, images, sound, video and tables, with several tasks at once."""

from ._checks import DataWarning
from .data import MultimodalData, infer_schema, load_demo, make_multimodal, read_table
from .features import (
    AudioExtractor,
    ImageExtractor,
    TabularExtractor,
    TextExtractor,
    VectorExtractor,
    VideoExtractor,
    read_sound_track,
)
from .inspection import (
    ConfusionDisplay,
    ContributionDisplay,
    HardestRowsDisplay,
    MissingDisplay,
    PruningDisplay,
    ReliabilityDisplay,
    ResidualDisplay,
    ScoreDisplay,
    SelectionDisplay,
    StrategyDisplay,
    TableDisplay,
    TaskContributionDisplay,
    ViewContributionDisplay,
    audit,
    view_contributions,
    write_report,
)
from .learners import ImageCNN, TextCNN, TunedLearner
from .stacking import MultiOutputStack, Predictor, StackedClassifier, StackedRegressor, compare_strategies
from .store import ModelFileError, TaskDatabase, load, save

__version__ = "0.1.0"

__all__ = [
    "AudioExtractor",
    "ConfusionDisplay",
    "ContributionDisplay",
    "DataWarning",
    "HardestRowsDisplay",
    "ImageCNN",
    "ImageExtractor",
    "MissingDisplay",
    "ModelFileError",
    "MultiOutputStack",
    "MultimodalData",
    "Predictor",
    "PruningDisplay",
    "ReliabilityDisplay",
    "ResidualDisplay",
    "ScoreDisplay",
    "SelectionDisplay",
    "StackedClassifier",
    "StackedRegressor",
    "StrategyDisplay",
    "TableDisplay",
    "TabularExtractor",
    "TaskContributionDisplay",
    "TaskDatabase",
    "TextCNN",
    "TextExtractor",
    "TunedLearner",
    "VectorExtractor",
    "VideoExtractor",
    "ViewContributionDisplay",
    "audit",
    "compare_strategies",
    "infer_schema",
    "load",
    "load_demo",
    "make_multimodal",
    "read_sound_track",
    "read_table",
    "save",
    "view_contributions",
    "write_report",
]
