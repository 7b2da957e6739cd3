import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor, StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR, LinearSVC
from xgboost import XGBRegressor

from ensemble_mm.crossfit import check_learners, members_of, seed_of
from ensemble_mm.data import Task

NUMBER = Task("size", "regression")
FLAG = Task("flag", "binary", np.array([0, 1]))
STEPS = [StandardScaler(), *[PolynomialFeatures(degree=1, include_bias=False, interaction_only=True)] * 6]


def test_reads_decides_the_copies():
    specs = check_learners([("a", Ridge()), ("b", Ridge(), "all"), ("c", Ridge(alpha=2), ["v", "u"]), ("d", "drop")])
    found = [(m.learner, m.reads, m.views) for m in members_of(NUMBER, specs, ["u", "v", "w"])]
    assert found == [
        ("a", "u", ("u",)),
        ("a", "v", ("v",)),
        ("a", "w", ("w",)),
        ("b", "all", ("u", "v", "w")),
        ("c", "v+u", ("v", "u")),
    ]


def test_a_list_of_lists_means_a_copy_for_each():
    specs = check_learners([("a", Ridge(), [["u"], ["v", "w"]])])
    found = [(m.reads, m.views) for m in members_of(NUMBER, specs, ["u", "v", "w"])]
    assert found == [("u", ("u",)), ("v+w", ("v", "w"))]


def test_a_learner_serves_the_tasks_of_its_kind():
    specs = check_learners([("clf", LinearSVC()), ("reg", Ridge())])
    assert [m.learner for m in members_of(NUMBER, specs, ["v"])] == ["reg"]
    assert [m.learner for m in members_of(FLAG, specs, ["v"])] == ["clf"]
    with pytest.raises(ValueError, match="No learner serves task 'size' .*Add a regressor"):
        members_of(NUMBER, specs[:1], ["v"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (XGBRegressor(reg_lambda=1, random_state=0), XGBRegressor(reg_lambda=9, random_state=0)),
        (make_pipeline(*STEPS, SVR(C=1.0)), make_pipeline(*STEPS, SVR(C=9.0))),
        (FrozenEstimator(Ridge().fit([[0.0], [1.0]], [0, 1])), FrozenEstimator(Ridge().fit([[0.0], [1.0]], [0, 9]))),
        (ExtraTreesRegressor(), ExtraTreesRegressor()),
    ],
)
def test_different_learners_of_one_view_are_all_kept(one, other):
    """Learners were told apart by their repr, which scikit-learn cuts: the second vanished without a word."""
    specs = check_learners([("one", one), ("other", other, "all"), ("again", clone(one), "all")])
    kept = [m.learner for m in members_of(NUMBER, specs, ["v"])]
    assert kept == ["one", "other", *["again"] * isinstance(one, ExtraTreesRegressor)]  # unseeded: another forest


def test_inputs_of_one_name_are_an_error():
    specs = check_learners([("a", Ridge(), [["u", "v"], ["u+v"]])])
    with pytest.raises(ValueError, match="learner 'a' reads, input names must differ, but 'u.v' is used"):
        members_of(NUMBER, specs, ["u", "v", "u+v"])


@pytest.mark.parametrize(
    ("learners", "error", "words"),
    [
        ("turbo", ValueError, "learners='turbo' is not known"),
        ([], ValueError, "is not known"),
        ([Ridge()], ValueError, "put a name before it"),
        ([("a", 3)], TypeError, "Learner 'a' is not an estimator: 3"),
        ([("a", Ridge)], TypeError, "the class Ridge: give an instance"),
        ([("a", Ridge()), ("a", Ridge())], ValueError, "'a' is used more than once"),
        ([("a__b", Ridge())], ValueError, "must not contain '__'"),
        ([("a", Ridge(), "each", "dense")], ValueError, "has the form 'dense'"),
        ([("a", "drop")], ValueError, "Every learner is dropped"),
    ],
)
def test_errors_say_what_is_wrong_with_a_learner(learners, error, words):
    with pytest.raises(error, match=words):
        check_learners(learners)


def test_a_stack_of_scikit_learn_that_has_no_predict_yet_is_a_learner():
    stack = StackingClassifier([("a", LogisticRegression())])  # it makes its final estimator in `fit`
    assert not hasattr(stack, "predict") and check_learners([("stack", stack)])


def test_reading_a_view_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="Learner 'a' reads 'x', but the views are 'u', 'v'"):
        members_of(FLAG, check_learners([("a", LogisticRegression(), ["x"])]), ["u", "v"])


def test_a_seed_depends_on_the_name_and_the_base_alone():
    assert seed_of(0, "job") == seed_of(0, "job") != seed_of(0, "other job")
    assert seed_of(1, "job") != seed_of(0, "job")
    assert 0 <= seed_of(0, "job") < 2**31
