"""The estimators: what most users import."""

from ._estimators import StackedClassifier, StackedRegressor
from ._multioutput import MultiOutputStack

__all__ = ["MultiOutputStack", "StackedClassifier", "StackedRegressor"]
