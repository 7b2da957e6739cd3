"""From columns of predictions to one prediction: weights, stackers, pruning, calibration."""

from .._weights import mean_and_error, rows_worth
from ._alternatives import (
    CrossFitted,
    alternatives,
    best_alone,
    constant_of,
    cross_fitted,
    for_members,
    knows_more,
    parts_of,
    simpler,
)
from ._calibration import CALIBRATORS, IsotonicCalibrator, TemperatureCalibrator
from ._choice import META_LEARNERS, AutoClassifier, AutoRegressor, make_meta_learner
from ._columns import TableClassifier, TableRegressor, blend, thinned
from ._conformal import FEWEST_ROWS, ConformalIntervals, ConformalSets, JointCoverage
from ._conformal_quantiles import ConformalQuantiles
from ._conformal_ranks import ConformalShortlists
from ._conformal_times import ConformalTimes
from ._dynamic import DynamicClassifier, DynamicRegressor
from ._greedy import GreedyClassifier, GreedyRegressor, selection_path
from ._hazards import GreedyHazards, MeanHazards
from ._judging import Judge
from ._linear import LinearClassifier, LinearRegressor, MultinomialClassifier
from ._plain import (
    FixedClassifier,
    FixedHazards,
    FixedQuantiles,
    FixedRanks,
    FixedRegressor,
    MedianClassifier,
    MedianRegressor,
    RankClassifier,
    RankRegressor,
)
from ._pruning import CostPruner, OrderedPruner, RedundancyPruner, check_pruner, select_members
from ._quantiles import GreedyQuantiles, MeanQuantiles
from ._ranks import GreedyRanks, MeanRanks
from ._thresholds import decision_threshold, decision_weights
from ._weights import MeanClassifier, MeanRegressor, SimplexClassifier, SimplexRegressor
from ._wrapped import WrappedClassifier, WrappedRegressor

__all__ = [
    "CALIBRATORS",
    "FEWEST_ROWS",
    "META_LEARNERS",
    "AutoClassifier",
    "AutoRegressor",
    "ConformalIntervals",
    "ConformalQuantiles",
    "ConformalSets",
    "ConformalShortlists",
    "ConformalTimes",
    "CostPruner",
    "DynamicClassifier",
    "DynamicRegressor",
    "FixedClassifier",
    "FixedHazards",
    "FixedQuantiles",
    "FixedRanks",
    "FixedRegressor",
    "GreedyClassifier",
    "GreedyHazards",
    "GreedyQuantiles",
    "GreedyRanks",
    "GreedyRegressor",
    "IsotonicCalibrator",
    "JointCoverage",
    "Judge",
    "LinearClassifier",
    "LinearRegressor",
    "MeanClassifier",
    "MeanHazards",
    "MeanQuantiles",
    "MeanRanks",
    "MeanRegressor",
    "MedianClassifier",
    "MedianRegressor",
    "MultinomialClassifier",
    "OrderedPruner",
    "RankClassifier",
    "RankRegressor",
    "RedundancyPruner",
    "SimplexClassifier",
    "SimplexRegressor",
    "TableClassifier",
    "TableRegressor",
    "TemperatureCalibrator",
    "WrappedClassifier",
    "WrappedRegressor",
    "alternatives",
    "best_alone",
    "blend",
    "check_pruner",
    "constant_of",
    "cross_fitted",
    "CrossFitted",
    "decision_threshold",
    "decision_weights",
    "for_members",
    "knows_more",
    "make_meta_learner",
    "mean_and_error",
    "parts_of",
    "rows_worth",
    "select_members",
    "selection_path",
    "simpler",
    "thinned",
]
