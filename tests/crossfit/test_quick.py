import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy.sparse import csr_matrix
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ensemble_mm.crossfit._quick import _QUICK, predicted
from ensemble_mm.learners import LogisticPath, NaiveBayesScaler, RidgePath, SampledKernel, ViewScaler
from ensemble_mm.learners._scaling import TailRegressor

CLASSIFIERS = [
    ExtraTreesClassifier(7, random_state=0), RandomForestClassifier(5, random_state=0), LogisticPath(Cs=[1.0]),
    make_pipeline(ViewScaler(), LogisticPath(Cs=[1.0])), LogisticRegression(),
    LGBMClassifier(n_estimators=3, verbose=-1), LGBMClassifier(n_estimators=3, verbose=-1, extra_trees=True),
    make_pipeline(SampledKernel(gamma=0.5, n_components=9, random_state=0), LogisticPath(Cs=[1.0])),
    make_pipeline(NaiveBayesScaler(), LogisticPath(Cs=[1.0])),
]  # fmt: skip
REGRESSORS = [
    ExtraTreesRegressor(7, random_state=0), RandomForestRegressor(5, random_state=0), RidgePath(),
    make_pipeline(ViewScaler(clip=1.0), RidgePath()), Ridge(),
    LGBMRegressor(n_estimators=3, verbose=-1),
    TransformedTargetRegressor(Ridge(), transformer=StandardScaler()), TailRegressor(Ridge()),
]  # fmt: skip


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("make", [np.asarray, csr_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_learners_say_the_same_without_their_checks(n_classes, make, dtype):
    X = np.random.default_rng(0).normal(size=(60, 5)).round(1).astype(dtype)
    y = np.arange(60) % n_classes
    known = {cls for cls, _ in _QUICK}
    met = set()
    for models, target, method in ((CLASSIFIERS, y, "predict_proba"), (REGRESSORS, X[:, 0] * 2, "predict")):
        for model in models:
            cls = type(model.fit(make(X), target))
            met.add(f"{cls.__module__}.{cls.__name__}")
            for rows in (X, X[:1]):
                wanted = getattr(model, method)(make(rows))
                np.testing.assert_array_equal(predicted(model, make(rows), method), wanted, err_msg=str(model))
    assert known <= met


class Doubled(ViewScaler):
    def transform(self, X):
        return 2 * super().transform(X)


def test_a_class_that_inherits_a_quick_way_is_asked_in_its_own():
    X, y = np.eye(4, 3), np.arange(4.0)
    model = make_pipeline(Doubled(), RidgePath()).fit(X, y)
    np.testing.assert_array_equal(predicted(model, X[:1], "predict"), model.predict(X[:1]))


def test_a_learner_says_itself_what_it_cannot_read():
    model = make_pipeline(ViewScaler(), RidgePath()).fit(np.eye(3), [0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match="contains NaN"):
        predicted(model, np.full((1, 3), np.nan), "predict")
