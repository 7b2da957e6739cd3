"""The estimators: what most users import."""

from ._compare import compare_strategies
from ._estimators import StackedClassifier, StackedRegressor
from ._multioutput import STRATEGIES, MultiOutputStack

__all__ = ["STRATEGIES", "MultiOutputStack", "StackedClassifier", "StackedRegressor", "compare_strategies"]
