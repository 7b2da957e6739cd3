"""Base learners: portfolios of sensible settings, learners of our own, search and neural networks.

All of them are plain scikit-learn estimators on dense or sparse features.
"""

from ._gaussian_process import GaussianProcess
from ._hazards import HazardLearner
from ._imagecnn import ImageCNN, ImageCNNClassifier, ImageCNNRegressor
from ._linear import LogisticPath, RidgePath
from ._multitask import MultiTaskNetwork, TaskHead
from ._pairs import ColumnPairs
from ._pooled_gaussian import PooledGaussian
from ._portfolios import OWN_LOSS, PORTFOLIOS, Entry, named_learner, portfolio
from ._prefit import AsGiven, SaidClasses, SaidNumbers
from ._quantiles import QuantileLearner
from ._ranks import RankLearner
from ._scaling import NaiveBayesScaler, SampledKernel, TailRegressor, TailScaler, ViewScaler
from ._spaces import default_space
from ._spread import SpreadLearner
from ._textcnn import TextCNN, TextCNNClassifier, TextCNNRegressor
from ._tuning import TunedLearner

__all__ = [
    "OWN_LOSS",
    "PORTFOLIOS",
    "AsGiven",
    "ColumnPairs",
    "Entry",
    "GaussianProcess",
    "HazardLearner",
    "ImageCNN",
    "ImageCNNClassifier",
    "ImageCNNRegressor",
    "LogisticPath",
    "MultiTaskNetwork",
    "NaiveBayesScaler",
    "PooledGaussian",
    "QuantileLearner",
    "RankLearner",
    "RidgePath",
    "SampledKernel",
    "SaidClasses",
    "SaidNumbers",
    "SpreadLearner",
    "TailRegressor",
    "TaskHead",
    "TailScaler",
    "TextCNN",
    "TextCNNClassifier",
    "TextCNNRegressor",
    "TunedLearner",
    "ViewScaler",
    "default_space",
    "named_learner",
    "portfolio",
]
