"""Regressors that know a quantile loss, fitted once per level: learners of quantiles."""

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from .._checks import having
from .._kinds import LEVELS
from .._routing import row_params

# By name, as boosting is imported only where it is used: the parameter that takes the level, and what else to set.
LOSSES: dict[str, tuple[str, dict[str, str]]] = {
    "GradientBoostingRegressor": ("alpha", {"loss": "quantile"}),
    "HistGradientBoostingRegressor": ("quantile", {"loss": "quantile"}),
    "LGBMRegressor": ("alpha", {"objective": "quantile"}),
    "QuantileRegressor": ("quantile", {}),
    "XGBRegressor": ("quantile_alpha", {"objective": "reg:quantileerror"}),
}


def _loss_of(estimator):
    """Return how a level is set, and what else; None where a regressor knows no quantile loss."""
    return next((LOSSES[cls.__name__] for cls in type(estimator).__mro__ if cls.__name__ in LOSSES), None)


def quantile_learner(estimator):
    """Return an estimator that predicts quantiles, or the estimator as it is where it, or its last step, cannot."""
    if isinstance(estimator, Pipeline):
        return Pipeline([*estimator.steps[:-1], (estimator.steps[-1][0], quantile_learner(estimator.steps[-1][1]))])
    return estimator if _loss_of(estimator) is None else QuantileLearner(estimator)


class QuantileLearner(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
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
    _parameter_constraints = {"estimator": [having("fit", "predict")]}

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y, sample_weight=None):
        """Fit one regressor per level."""
        loss = _loss_of(self.estimator)
        if loss is None:
            raise ValueError(f"{self.estimator!r} knows no quantile loss: use one of {', '.join(LOSSES)}.")
        name, others = loss
        self.estimators_ = []
        for level in LEVELS:
            model = clone(self.estimator).set_params(**others, **{name: level})
            self.estimators_.append(model.fit(X, y, **row_params(model, sample_weight=sample_weight)))
        self.n_features_in_ = self.estimators_[0].n_features_in_
        return self

    def predict(self, X):
        """Return quantiles, shape (n_samples, n_levels): the median, then the others from the lowest to the highest."""
        check_is_fitted(self)
        out = np.column_stack([model.predict(X) for model in self.estimators_])
        order = np.argsort(LEVELS)
        out[:, order] = np.sort(out, axis=1)  # models of single levels may cross
        return out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags
