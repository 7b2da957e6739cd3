"""A notebook shows what a stack is made of."""

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import MultiOutputStack, StackedClassifier, TabularExtractor, TextExtractor
from ensemble_mm.stacking._diagram import diagram

VIEWS = [("review", TextExtractor(), "review"), ("facts", TabularExtractor(), ["age", "price"])]
LEARNERS = [("linear", LogisticRegression()), ("ridge", Ridge(), "all"), ("own", LogisticRegression(), ["facts"])]


def names(model):
    return [list(row.names) for row in diagram(model).estimators]


def test_rows_are_views_learners_and_meta_learners(reviews):
    X, Y = reviews
    model = MultiOutputStack(VIEWS, LEARNERS, cv=2, meta_learner="mean", strategy="independent", random_state=0)
    learners = ["linear (reads each)", "ridge (reads all)", "own (reads facts)"]
    assert names(model) == [["review", "facts"], learners, ["meta_learner"]]
    model.fit(X, Y)
    assert names(model)[2] == [f"{task}: meta_learner" for task in Y]
    assert "TextExtractor" in model._repr_html_() and "ridge (reads all)" in model._repr_html_()


def test_views_that_were_found_are_shown_after_the_fit(reviews):
    X, Y = reviews
    model = StackedClassifier(learners=LEARNERS[:1], cv=2, meta_learner="mean")
    assert names(model)[0] == ["views"]
    assert names(model.fit(X, Y["tone"]))[0] == list(model.views_)


def test_a_portfolio_opens_into_its_learners_after_the_fit():
    X, y = load_iris(return_X_y=True)
    model = StackedClassifier(learners="fast", cv=2, meta_learner="mean", random_state=0)
    assert names(model)[1] == ["learners"]
    assert {name.partition(" ")[0] for name in names(model.fit(X, y))[1]} == {m.learner for m in model.table_.members()}
    assert "gbm (reads" in model._repr_html_()


@pytest.mark.parametrize("learners", ["fast", {"binary": LEARNERS[:1], "stars": "fast"}])
def test_settings_of_every_kind_are_drawn(learners):
    model = MultiOutputStack(learners=learners, meta_learner={"binary": "mean"})
    assert "learners" in model._repr_html_()
