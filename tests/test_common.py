"""scikit-learn's own checks, on everything of ours that takes plain arrays."""

import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor
from ensemble_mm.features import TabularExtractor, VectorExtractor
from ensemble_mm.learners import LogisticPath, RidgePath, TunedLearner, ViewScaler
from ensemble_mm.meta import (
    AutoClassifier,
    AutoRegressor,
    GreedyClassifier,
    GreedyRegressor,
    LinearClassifier,
    LinearRegressor,
    MeanClassifier,
    MeanRegressor,
    SimplexClassifier,
    SimplexRegressor,
)

CLASSIFIERS = [("linear", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=4), "all")]
REGRESSORS = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=4), "all")]
STACKS = [
    StackedClassifier(learners=CLASSIFIERS, cv=2, random_state=0),
    StackedRegressor(learners=REGRESSORS, cv=2, random_state=0),
    StackedClassifier(learners=CLASSIFIERS, cv=2, meta_learner="simplex", refit=False, calibration="temperature"),
    StackedRegressor(learners=REGRESSORS, cv=2, meta_learner="linear", prune=1),
    MultiOutputStack(learners=[*CLASSIFIERS[:1], *REGRESSORS[:1]], cv=2, random_state=0),
]
NOTHING_SET = [StackedClassifier(), StackedRegressor()]
PARTS = [
    VectorExtractor(), TabularExtractor(), ViewScaler(),
    LogisticPath(), RidgePath(), TunedLearner(Ridge(), {"alpha": [0.1, 1.0]}, search="grid", cv=2),
]  # fmt: skip
META_LEARNERS = [
    GreedyClassifier(), GreedyRegressor(), SimplexClassifier(), SimplexRegressor(), LinearClassifier(),
    LinearRegressor(), MeanClassifier(), MeanRegressor(), AutoClassifier(cv=2), AutoRegressor(cv=2),
]  # fmt: skip
EVERYTHING = [*STACKS, *NOTHING_SET, *PARTS, *META_LEARNERS]


@parametrize_with_checks([*STACKS, *PARTS, *META_LEARNERS])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@parametrize_with_checks(NOTHING_SET)
def test_scikit_learn_checks_with_nothing_set(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", EVERYTHING, ids=lambda estimator: type(estimator).__name__)
def test_checks_were_collected(estimator):
    """A generator that yields nothing would make the tests above pass."""
    names = {getattr(check, "func", check).__name__ for _, check in estimator_checks_generator(estimator)}
    assert len(names) > 25
    assert "check_fit_idempotent" in names or "check_estimators_pickle" in names
    if is_classifier(estimator) and not is_regressor(estimator):
        assert "check_classifiers_train" in names
