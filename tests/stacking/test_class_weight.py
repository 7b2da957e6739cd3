"""Rows of rare classes may count more in learners; what the stack says stays about the rows as they are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from ensemble_mm import MultiOutputStack, StackedClassifier, load, save

LINEAR = LogisticRegression(C=1e4, max_iter=1000)  # so that the scale of the columns does not matter


@pytest.fixture(scope="module")
def rare():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    return X, np.where(X[:, 0] + rng.normal(size=300) > 1.8, "yes", "no")


@pytest.mark.parametrize("weights", ["balanced", {"yes": 4.0}])
def test_learners_are_weighted_as_scikit_learn_does_and_corrected_back(rare, weights, tmp_path):
    X, y = rare
    model = StackedClassifier(learners=[("linear", LINEAR)], cv=3, random_state=0, class_weight=weights).fit(X, y)
    (member,) = model.table_.members()
    for train, test in model.folds_:
        balanced = {c: len(train) / (2 * (y[train] == c).sum()) for c in ("no", "yes")}
        counted = balanced if weights == "balanced" else {"no": 1.0, "yes": 4.0}
        proba = clone(LINEAR).set_params(class_weight=counted).fit(X[train], y[train]).predict_proba(X[test])
        proba /= [counted["no"], counted["yes"]]
        expected = proba[:, 1] / proba.sum(axis=1)
        np.testing.assert_allclose(model.table_[member][test, 0], expected, atol=1e-3)
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx((y == "yes").mean(), abs=0.03)
    save(model, tmp_path / "m.emm")
    np.testing.assert_array_equal(load(tmp_path / "m.emm").predict_proba(X), model.predict_proba(X))
    np.testing.assert_allclose(model.compiled().predict_proba(X[:3]), model.predict_proba(X[:3]), atol=1e-6)


def test_weights_of_one_change_nothing_and_learners_that_take_none_are_told(rare):
    X, y = rare
    plain = StackedClassifier(learners=[("linear", LINEAR)], cv=3, random_state=0).fit(X, y)
    ones = clone(plain).set_params(class_weight={"yes": 1, "no": 1}).fit(X, y)
    np.testing.assert_allclose(ones.predict_proba(X), plain.predict_proba(X), atol=1e-6)
    near = StackedClassifier(learners=[("near", KNeighborsClassifier())], cv=3, random_state=0)
    with pytest.warns(UserWarning, match="take no sample weights .* near"):
        weighted = clone(near).set_params(class_weight="balanced").fit(X, y)
    np.testing.assert_array_equal(weighted.predict_proba(X), near.fit(X, y).predict_proba(X))


@pytest.mark.parametrize("weights", ["balanced", {"yes": 20, "no": 1}])
def test_decisions_weigh_the_classes_as_those_of_scikit_learn_do(rare, weights):
    X, y = rare
    one = clone(LINEAR).set_params(class_weight=weights).fit(X, y)
    settings = {"learners": [("linear", LINEAR)], "cv": 3, "meta_learner": "mean", "random_state": 0}
    model = StackedClassifier(class_weight=weights, **settings).fit(X, y)
    assert (model.predict(X) == one.predict(X)).mean() > 0.97
    assert (model.predict(X) == "yes").sum() > 1.5 * (StackedClassifier(**settings).fit(X, y).predict(X) == "yes").sum()
    half = StackedClassifier(class_weight=weights, threshold=0.5, **settings).fit(X, y)
    np.testing.assert_array_equal(half.predict(X), half.classes_[half.predict_proba(X).argmax(axis=1)])


def test_class_weights_are_by_task_and_of_classes_only(rare):
    X, y = rare
    Y = pd.DataFrame({"rare": y, "size": X[:, 1], "kind": np.array(["a", "b", "c"])[np.arange(300) % 3]})
    learners = [("linear", LINEAR), ("ridge", Ridge())]
    model = MultiOutputStack(learners=learners, cv=3, random_state=0, class_weight={"rare": {"yes": 3}}).fit(X, Y)
    assert [task.class_weight for task in model.tasks_.values()] == [(1.0, 3.0), None, None]
    wrong = {
        'use "balanced"': "equal",
        "a number above 0": {"rare": {"yes": 0}},
        "not a class": {"rare": {"maybe": 1}},
        "neither a task nor a kind of task": {"rear": "balanced"},
    }
    for words, setting in wrong.items():
        with pytest.raises(ValueError, match=words):
            clone(model).set_params(class_weight=setting).fit(X, Y)
