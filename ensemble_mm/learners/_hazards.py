"""Regressors that know a Poisson loss, as learners of times to an event."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.utils.validation import check_is_fitted

from .._kinds import FLOOR
from .._metadata import Metadata
from .._stopping import fit_learner
from ._own_losses import OwnLossMixin

LOSSES: dict[str, dict[str, str]] = {
    "HistGradientBoostingRegressor": {"loss": "poisson"},
    "LGBMRegressor": {"objective": "poisson"},
    "PoissonRegressor": {},
    "XGBRegressor": {"objective": "count:poisson"},
}


class HazardLearner(OwnLossMixin, RegressorMixin, BaseEstimator):
    """Learn proportional hazards with a regressor that knows a Poisson loss.

    Times are brought to the scale of the cumulative hazard of all rows (Nelson and Aalen). On this scale, proportional
    hazards are constant, and their likelihood is that of a Poisson regression of the event, with the time watched as
    its exposure [1]_. The scale is computed once, before the fit; Cox regression updates it. So one fit is enough, and
    the hazards are in the same order as those of Cox regression, but a little closer to each other.

    Parameters
    ----------
    estimator : regressor
        Of LightGBM or XGBoost, or `PoissonRegressor` or `HistGradientBoostingRegressor` of scikit-learn; its loss is
        set here.

    Attributes
    ----------
    estimator_ : regressor
    offset_ : float
        Number that is added to the logarithm of its predictions, to give events per unit of time.
    n_features_in_ : int

    References
    ----------
    .. [1] Whitehead, J. (1980). Fitting Cox's regression model to survival data using GLIM. Applied Statistics 29,
       268-275.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import PoissonRegressor
    >>> from ensemble_mm.learners import HazardLearner
    >>> X = np.arange(20.0).reshape(-1, 1) / 20
    >>> times = np.exp(-X[:, 0])
    >>> times[::5] *= -0.5  # watched half as long, and it had not happened
    >>> risk = HazardLearner(PoissonRegressor(alpha=0)).fit(X, times).predict(X)
    >>> bool((np.diff(risk) > 0).all())
    True
    """

    predicts_hazards = True
    losses = LOSSES
    loss_name = "Poisson"

    def fit(self, X, y, sample_weight=None, groups=None, **metadata):
        """Fit to times above 0, which are negative where the event had not happened."""
        loss = self._known_loss()
        y, metadata = np.asarray(y, dtype=np.float64), Metadata.of(metadata, len(y))
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        event, exposure = (y > 0).astype(float), _cumulative_hazard(y, weight)
        model = clone(self.estimator).set_params(**loss) if weight @ event else DummyRegressor()  # no event: no fit
        watched = np.maximum(exposure, FLOOR)
        self.estimator_ = fit_learner(model, X, event / watched, weight * watched, 0, groups, metadata)
        self.offset_ = 0.0
        expected = weight @ (np.abs(y) * np.exp(self.predict(X)))
        self.offset_ = float(np.log(max(weight @ event, FLOOR) / max(expected, FLOOR)))
        self.n_features_in_ = self.estimator_.n_features_in_
        return self

    def predict(self, X):
        """Return the logarithm of the hazard of each row, shape (n_samples,): the higher, the sooner."""
        check_is_fitted(self)
        return np.log(np.maximum(self.estimator_.predict(X), FLOOR)) + self.offset_


hazard_learner = HazardLearner.around


def _cumulative_hazard(y, weight):
    """Return the estimate of Nelson and Aalen at the time of each row."""
    times, place = np.unique(np.abs(y), return_inverse=True)
    at_risk = np.bincount(place, weight)[::-1].cumsum()[::-1]
    return np.cumsum(np.bincount(place, weight * (y > 0)) / np.maximum(at_risk, FLOOR))[place]
