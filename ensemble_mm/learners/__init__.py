"""Base learners: portfolios of sensible settings and what they are built from.

All of them are plain scikit-learn estimators on dense or sparse features.
"""

from ensemble_mm.learners._linear import LogisticPath, RidgePath
from ensemble_mm.learners._presets import portfolio
from ensemble_mm.learners._process import GaussianProcess
from ensemble_mm.learners._scaling import ViewScaler
from ensemble_mm.learners._spaces import default_space
from ensemble_mm.learners._tuning import TunedLearner

__all__ = ["GaussianProcess", "LogisticPath", "RidgePath", "TunedLearner", "ViewScaler", "default_space", "portfolio"]
