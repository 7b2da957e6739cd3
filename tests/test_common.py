"""scikit-learn's own checks, on everything of ours that takes plain arrays."""

from dataclasses import replace

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import (
    check_param_validation,
    estimator_checks_generator,
    parametrize_with_checks,
)

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor
from ensemble_mm.features import (
    AudioExtractor,
    ImageExtractor,
    TabularExtractor,
    TextExtractor,
    VectorExtractor,
    VideoExtractor,
)
from ensemble_mm.learners import (
    PORTFOLIOS,
    ColumnPairs,
    GaussianProcess,
    ImageCNN,
    LogisticPath,
    NaiveBayesScaler,
    PooledGaussian,
    RidgePath,
    TailRegressor,
    TailScaler,
    TextCNN,
    TunedLearner,
    ViewScaler,
)
from ensemble_mm.meta import (
    META_LEARNERS,
    AutoClassifier,
    AutoRegressor,
    ConformalSets,
    CostPruner,
    GreedyQuantiles,
    MeanQuantiles,
    OrderedPruner,
    RedundancyPruner,
    WrappedClassifier,
    WrappedRegressor,
)
from ensemble_mm.meta._one_weight import EvenBlend

CLASSIFIERS = [("linear", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=4), "all")]
REGRESSORS = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=4), "all")]
SMALL = "small"  # every learner of the default portfolio, with a few trees and rounds


def small(entry):
    """Return an entry of a portfolio whose learner grows three trees at most."""

    def make(facts):
        learner = entry.make(facts)
        names = [name for name in learner.get_params() if name.rpartition("__")[2] == "n_estimators"]
        return learner.set_params(**dict.fromkeys(names, 3))

    return replace(entry, make=make)


@pytest.fixture(autouse=True)
def portfolio_of_small_learners(monkeypatch):
    default = StackedClassifier().learners
    monkeypatch.setitem(PORTFOLIOS, SMALL, [small(entry) for entry in PORTFOLIOS[default]])


# The default portfolio, the default meta-learner, and other settings: what is dear stands in one of them only.
STACKS = [
    StackedClassifier(learners=SMALL, cv=2, meta_learner="mean"),
    StackedRegressor(learners=SMALL, cv=2, meta_learner="mean"),
    StackedClassifier(learners=CLASSIFIERS, cv=2, meta_learner=AutoClassifier(cv=2), random_state=0),
    StackedRegressor(learners=REGRESSORS, cv=2, meta_learner=AutoRegressor(cv=2), random_state=0),
    StackedClassifier(learners=CLASSIFIERS, cv=2, meta_learner="simplex", refit=False, calibration="temperature"),
    StackedRegressor(learners=REGRESSORS, cv=2, meta_learner="linear", prune=1),
    MultiOutputStack(learners=[*CLASSIFIERS[:1], *REGRESSORS[:1]], cv=2, random_state=0),
]
NOTHING_SET = [StackedClassifier(), StackedRegressor()]
PARTS = [
    VectorExtractor(), TabularExtractor(), ViewScaler(), TailScaler(), NaiveBayesScaler(), ColumnPairs(),
    LogisticPath(Cs=(0.1, 10.0), n_folds=2), RidgePath(), TailRegressor(Ridge()),
    TunedLearner(Ridge(), {"alpha": [0.1, 1.0]}, search="grid", cv=2),
]  # fmt: skip
COMBINERS = [
    cls(cv=2) if cls in (AutoClassifier, AutoRegressor) else cls()
    for made in META_LEARNERS.values() for cls in made.values() if not issubclass(cls, EvenBlend)
]  # fmt: skip
OF_BLOCKS = [MeanQuantiles(), GreedyQuantiles()]  # a member has a column per quantile: a column alone says nothing
EVERYTHING = [*STACKS, *NOTHING_SET, *PARTS, *COMBINERS]

WEIGHTS = ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data")
OF_SEVERAL_TASKS = {
    **dict.fromkeys(
        [
            "check_array_api_input", "check_estimators_pickle", "check_fit_idempotent", "check_estimator_sparse_array",
            "check_estimator_sparse_matrix", "check_methods_sample_order_invariance", "check_methods_subset_invariance",
        ],
        "predict_proba gives a dict, one array per task",
    ),
    **dict.fromkeys(["check_n_features_in_after_fitting", *WEIGHTS], "fit and score call the targets Y, not y"),
}  # fmt: skip


NOT_AN_ARRAY = {"check_regressor_data_not_an_array": "a DataFrame is read as a table, an array as vectors"}


def expected_failures(estimator):
    """Return {check: reason} of the checks that ask for what an estimator does not promise."""
    if isinstance(estimator, MultiOutputStack):
        return OF_SEVERAL_TASKS
    if isinstance(estimator, (LogisticPath, RidgePath)):
        return dict.fromkeys(WEIGHTS, "the penalty is chosen on inner folds, which are drawn by row")
    found = dict(NOT_AN_ARRAY) if isinstance(estimator, StackedRegressor) else {}
    if isinstance(estimator, (StackedClassifier, StackedRegressor)) and isinstance(estimator.learners, str):
        # As scikit-learn says of its own forests and boosting.
        found |= dict.fromkeys(WEIGHTS, "the portfolio draws rows and inner folds: a weight of 2 is not a row twice")
    return found


@parametrize_with_checks([*PARTS, *COMBINERS], expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(STACKS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks_of_stacks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", EVERYTHING, ids=lambda estimator: type(estimator).__name__)
def test_checks_were_collected(estimator):
    """A generator that yields nothing would make the tests above pass."""
    names = {getattr(check, "func", check).__name__ for _, check in estimator_checks_generator(estimator)}
    assert len(names) > 35
    assert {"check_estimators_pickle", "check_dict_unchanged", "check_n_features_in"} <= names
    assert len(set(expected_failures(estimator)) & names) == len(expected_failures(estimator))


DECLARED = [
    *EVERYTHING, *OF_BLOCKS, AudioExtractor(), ImageExtractor(), TextExtractor(), VideoExtractor(), GaussianProcess(),
    ImageCNN(), ImageCNN("regression"), PooledGaussian(), TextCNN(), TextCNN("regression"), CostPruner(),
    OrderedPruner(), RedundancyPruner(), ConformalSets(), WrappedClassifier(LogisticRegression()),
    WrappedRegressor(Ridge()),
]  # fmt: skip


@pytest.mark.parametrize("estimator", DECLARED, ids=lambda estimator: type(estimator).__name__)
def test_every_parameter_is_declared_and_checked(estimator):
    """scikit-learn's own check: a value of no declared type, or out of its bounds, is an error in its words."""
    check_param_validation(type(estimator).__name__, estimator)
