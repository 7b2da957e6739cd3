"""Warnings stand at the line of the person who called, however deep what they are about was found."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score

import ensemble_mm as em

RNG = np.random.default_rng(0)
X = pd.DataFrame({"size": RNG.normal(size=40), "note": [f"a note of {word} words here" for word in "abcde" * 8]})
Y = [f"{price:.0f} €" for price in RNG.integers(100, 999, size=40)]
STACK = em.StackedRegressor(learners=[("ridge", Ridge())], cv=2, random_state=0)


@pytest.fixture(scope="module")
def fitted():
    with pytest.warns(em.DataWarning, match="numbers as text") as told:
        model = STACK.fit(X, Y)
    assert {warning.filename for warning in told} == {__file__}
    return model


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.predict(X[["size"]]),
        lambda model: model.predict(X.to_numpy(object)),
        lambda model: model.predict(X.assign(size=["huge", *X["size"][1:]])),
        lambda model: model.predict_interval(X[["size"]]),
        lambda model: model.evaluate(X, Y),
        lambda model: cross_val_score(STACK, X, Y, cv=2),
        lambda model: em.TabularExtractor().fit(X[["size"]].astype(str)).transform(pd.DataFrame({"size": ["x"] * 4})),
    ],
)
def test_warnings_stand_at_the_line_that_called(fitted, use):
    with pytest.warns(em.DataWarning) as told:
        use(fitted)
    assert {warning.filename for warning in told} == {__file__}
