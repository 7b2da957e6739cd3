"""Base learners: portfolios of sensible settings and what they are built from.

All of them are plain scikit-learn estimators on dense or sparse features.
"""

from ensemble_mm.learners._presets import portfolio
from ensemble_mm.learners._scaling import ViewScaler, WeightedPipeline

__all__ = ["ViewScaler", "WeightedPipeline", "portfolio"]
