"""Base learners: portfolios of sensible settings, learners of our own, search and neural networks.

All of them are plain scikit-learn estimators on dense or sparse features.
"""

from ensemble_mm.learners._imagecnn import ImageCNN, ImageCNNClassifier, ImageCNNRegressor
from ensemble_mm.learners._linear import LogisticPath, RidgePath
from ensemble_mm.learners._many_classes import PooledGaussian
from ensemble_mm.learners._presets import portfolio
from ensemble_mm.learners._process import GaussianProcess
from ensemble_mm.learners._scaling import ViewScaler
from ensemble_mm.learners._spaces import default_space
from ensemble_mm.learners._textcnn import TextCNN, TextCNNClassifier, TextCNNRegressor
from ensemble_mm.learners._tuning import TunedLearner

__all__ = [
    "GaussianProcess",
    "ImageCNN",
    "ImageCNNClassifier",
    "ImageCNNRegressor",
    "LogisticPath",
    "PooledGaussian",
    "RidgePath",
    "TextCNN",
    "TextCNNClassifier",
    "TextCNNRegressor",
    "TunedLearner",
    "ViewScaler",
    "default_space",
    "portfolio",
]
