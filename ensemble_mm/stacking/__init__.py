"""The estimators: what most users import."""

from ._board import head_of
from ._compare import compare_strategies
from ._estimators import StackedClassifier, StackedRegressor
from ._multioutput import STRATEGIES, MultiOutputStack
from ._predictor import Predictor

__all__ = [
    "STRATEGIES",
    "MultiOutputStack",
    "Predictor",
    "StackedClassifier",
    "StackedRegressor",
    "compare_strategies",
    "head_of",
]
