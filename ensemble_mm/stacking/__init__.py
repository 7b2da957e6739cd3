"""The estimators: what most users import."""

from ._compare import compare_strategies
from ._estimators import StackedClassifier, StackedRegressor
from ._multioutput import MultiOutputStack

__all__ = ["MultiOutputStack", "StackedClassifier", "StackedRegressor", "compare_strategies"]
