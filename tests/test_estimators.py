import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from ensemble_mm._estimators import fitted_part

FITTED = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
FROZEN = FrozenEstimator(FITTED)


@pytest.mark.parametrize(
    "estimator",
    [FROZEN, make_pipeline(StandardScaler(), FROZEN), CalibratedClassifierCV(FROZEN), VotingClassifier([("a", FROZEN)]),
     FunctionTransformer(FITTED.predict_proba)],
    ids=["alone", "last of a pipeline", "calibrated", "in a vote", "by a method"],
)  # fmt: skip
def test_what_stays_fitted_is_found_at_any_depth(estimator):
    assert isinstance(fitted_part(estimator), LogisticRegression)


@pytest.mark.parametrize(
    "estimator",
    [FITTED, make_pipeline(StandardScaler(), Normalizer()), FrozenEstimator(Normalizer()), FunctionTransformer(np.abs),
     FrozenEstimator(LogisticRegression()), object()],
    ids=["cloned", "ends without a fit", "needs no fit", "a function", "not fitted", "no estimator"],
)  # fmt: skip
def test_what_is_fitted_anew_is_no_alarm(estimator):
    assert fitted_part(estimator) is None
