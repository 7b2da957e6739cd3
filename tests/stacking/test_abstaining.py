"""A stack says nothing of rows that it is not sure of, and gives its learners."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from ensemble_mm import DataWarning, MultiOutputStack, RiskCoverageDisplay, StackedClassifier

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(200, 2)), columns=["a", "b"])
Y = pd.DataFrame({"big": (X["a"] + 0.7 * RNG.normal(size=200) > 0).astype(int), "size": X["a"]})
LEARNERS = [("logistic", LogisticRegression()), ("ridge", Ridge())]


@pytest.fixture(scope="module")
def model():
    return MultiOutputStack(learners=LEARNERS, cv=3, random_state=0).fit(X, Y)


def test_rows_whose_set_has_several_classes_are_not_answered(model):
    several = model.predict_set(X, 0.9)["big"].sum(axis=1) > 1
    out = model.predict(X, abstain=0.9)
    assert 0 < several.sum() < len(X)
    assert (out["big"].isna() == several).all()
    pd.testing.assert_frame_equal(out[~several].astype(float), model.predict(X)[~several].astype(float))
    single = StackedClassifier(learners=LEARNERS[:1], cv=3, random_state=0).fit(X, Y["big"])
    several = single.predict_set(X, 0.9).sum(axis=1) > 1
    assert ([label is None for label in single.predict(X, abstain=0.9)] == several).all()
    with pytest.raises(ValueError, match="give abstain or cascade, not both"):
        single.predict(X, abstain=0.9, cascade=0.9)


def test_a_model_that_answers_no_row_is_told(model):
    unsure = X[model.predict_set(X, 0.9)["big"].sum(axis=1) > 1]
    with pytest.warns(DataWarning, match=f"big: none of {len(unsure)} rows is answered"):
        model.predict(unsure, abstain=0.9)


def test_rows_on_which_members_differ_are_not_answered():
    y = (X["a"] * X["b"] > 0).astype(int)
    learners = [
        ("tree", DecisionTreeClassifier(max_depth=4, random_state=0)),
        ("stump", DecisionTreeClassifier(max_depth=1)),
    ]
    single = StackedClassifier(learners=learners, cv=3, meta_learner="mean", random_state=0).fit(X, y)
    said = {name: single.predict(X, abstain=name) for name in ("sets", "disagreement", "both")}
    silent = {name: np.array([label is None for label in labels]) for name, labels in said.items()}
    votes = single.predict_members(X).values > 0.5
    assert (silent["disagreement"] == (votes[:, 0] != votes[:, 1])).all()
    assert (silent["both"] == silent["sets"] | silent["disagreement"]).all()
    assert (silent["sets"] == [label is None for label in single.predict(X, abstain=0.9)]).all()
    with pytest.raises(ValueError, match="abstain"):
        single.predict(X, abstain="doubt")


def test_members_that_a_final_estimator_follows_may_differ():
    y = X["a"] + 0.1 * X["b"] > 0
    learners = [("linear", LogisticRegression()), ("stump", DecisionTreeClassifier(max_depth=1))]
    model = StackedClassifier(learners=learners, passthrough=True, cv=3, random_state=0).fit(X, y)
    model.contributions_ = model.contributions_.assign(y=[0.3, 0.3, 0.4])  # what moves the final estimator
    votes = [model.predict_members(X)[member].ravel() > 0.5 for member in model.table_.members()[:2]]
    differs = np.any([vote != model.predict(X) for vote in votes], axis=0)
    assert 0 < differs.sum() < len(X)
    assert ([label is None for label in model.predict(X, abstain="disagreement")] == differs).all()


def test_the_surest_rows_are_wrong_less_often(model):
    curve = RiskCoverageDisplay.from_estimator(model).curve
    assert curve["answered"].iloc[-1] == pytest.approx(1)
    assert curve["certain"].is_monotonic_decreasing
    assert round(curve["answered"].iloc[0] * len(Y)) == 20  # a share of fewer rows is chance
    wrong = (model.oof_["big"].argmax(axis=1) != Y["big"]).mean()
    assert curve["risk"].iloc[-1] == pytest.approx(wrong)
    assert np.interp(0.4, curve["answered"], curve["risk"]) < wrong


def test_learners_are_had_by_name(model):
    assert model.learner("ridge", task="size").coef_.shape == (2,)
    with pytest.raises(ValueError, match="no such learner: there are learner 'logistic'"):
        model.learner("tree")
    two = StackedClassifier(learners=LEARNERS[:1], cv=3, refit=False).fit({"a": X[["a"]], "b": X[["b"]]}, Y["big"])
    with pytest.raises(ValueError, match="say task= and reads="):
        two.learner("logistic")
    assert len(two.learner("logistic", reads="a")) == 3


@pytest.mark.parametrize("how", ["disagreement", "both"])
def test_a_member_that_says_nothing_of_new_rows_does_not_dissent(how):
    """One without weight is not kept, and a view may be missing in all new rows."""
    wide = X.assign(text=["good fun day", "bad sad rain"] * 100)
    model = StackedClassifier(learners=LEARNERS[:1], meta_learner="mean", cv=3, random_state=0).fit(wide, Y["big"])
    said = model.predict(wide.assign(text=None), abstain=how)
    assert len(said) == len(X) and any(label is not None for label in said)
    weights = {("logistic", "tabular"): 1.0}
    alone = StackedClassifier(learners=LEARNERS[:1], meta_learner=weights, cv=3, random_state=0).fit(wide, Y["big"])
    assert len(alone.predict(wide, abstain=how)) == len(X)
