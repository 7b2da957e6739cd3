"""Regressors that know a quantile loss, fitted once per level: learners of quantiles."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from .._kinds import LEVELS
from .._metadata import Metadata
from .._stopping import fit_learner
from ._own_losses import OwnLossMixin

# The parameter that takes the level, and what else to set.
LOSSES: dict[str, tuple[str, dict[str, str]]] = {
    "GradientBoostingRegressor": ("alpha", {"loss": "quantile"}),
    "HistGradientBoostingRegressor": ("quantile", {"loss": "quantile"}),
    "LGBMRegressor": ("alpha", {"objective": "quantile"}),
    "QuantileRegressor": ("quantile", {}),
    "XGBRegressor": ("quantile_alpha", {"objective": "reg:quantileerror"}),
}


class QuantileLearner(OwnLossMixin, RegressorMixin, BaseEstimator):
    """Fit a regressor with the pinball loss of each level.

    Parameters
    ----------
    estimator : regressor
        Of LightGBM, XGBoost, or `HistGradientBoostingRegressor`, `GradientBoostingRegressor` or `QuantileRegressor` of
        scikit-learn; its level and loss are set here.

    Attributes
    ----------
    estimators_ : list of regressors
        One per level, in the order of the columns.
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import QuantileRegressor
    >>> from ensemble_mm.learners import QuantileLearner
    >>> X = np.arange(40.0).reshape(-1, 1)
    >>> QuantileLearner(QuantileRegressor(alpha=0)).fit(X, 2 * X[:, 0]).predict([[3.0]]).round(3)
    array([[6., 6., 6., 6., 6., 6., 6.]])
    """

    predicts_quantiles = True
    losses = LOSSES
    loss_name = "quantile"

    def fit(self, X, y, sample_weight=None, groups=None, **metadata):
        """Fit one regressor per level; one that stops early is judged on whole groups."""
        name, others = self._known_loss()
        self.estimators_, metadata = [], Metadata.of(metadata, len(y))
        for level in LEVELS:
            model = clone(self.estimator).set_params(**others, **{name: level})
            self.estimators_.append(fit_learner(model, X, y, sample_weight, 0, groups, metadata))
        self.n_features_in_ = self.estimators_[0].n_features_in_
        return self

    def predict(self, X):
        """Return quantiles, shape (n_samples, n_levels): the median, then the others from the lowest to the highest."""
        check_is_fitted(self)
        out = np.column_stack([model.predict(X) for model in self.estimators_])
        order = np.argsort(LEVELS)
        out[:, order] = np.sort(out, axis=1)  # models of single levels may cross
        return out


quantile_learner = QuantileLearner.around
