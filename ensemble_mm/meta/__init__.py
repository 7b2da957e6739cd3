"""From columns of predictions to one prediction: weights, stackers, pruning, calibration."""

from ._calibration import ConformalIntervals, ConformalSets, IsotonicCalibrator, TemperatureCalibrator, decision_threshold
from ._choice import AutoClassifier, AutoRegressor, make_meta_learner
from ._linear import LinearClassifier, LinearRegressor, WrappedClassifier, WrappedRegressor
from ._pruning import CostPruner, OrderedPruner, RedundancyPruner, select_members
from ._weights import (
    GreedyClassifier,
    GreedyRegressor,
    MeanClassifier,
    MeanRegressor,
    SimplexClassifier,
    SimplexRegressor,
)

__all__ = [
    "AutoClassifier",
    "AutoRegressor",
    "ConformalIntervals",
    "ConformalSets",
    "CostPruner",
    "GreedyClassifier",
    "GreedyRegressor",
    "IsotonicCalibrator",
    "LinearClassifier",
    "LinearRegressor",
    "MeanClassifier",
    "MeanRegressor",
    "OrderedPruner",
    "RedundancyPruner",
    "SimplexClassifier",
    "SimplexRegressor",
    "TemperatureCalibrator",
    "WrappedClassifier",
    "WrappedRegressor",
    "decision_threshold",
    "make_meta_learner",
    "select_members",
]
