"""A stack as a transformer: what its members say is what the next step reads."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from ensemble_mm import MultiOutputStack, StackedRegressor, load, save

RIDGE = [("ridge", Ridge())]
BOTH = {"classification": [("linear", LogisticRegression())], "regression": RIDGE}


def test_a_pipeline_learns_from_what_was_held_out_and_predicts_from_all_members(vectors):
    X, y = vectors
    stack = StackedRegressor(learners=RIDGE, cv=3, random_state=0)
    model = make_pipeline(stack, LinearRegression()).fit(X, y)
    fitted = model[0]
    held_out = fitted.oof_["y"]
    assert np.abs(held_out - fitted.predict(X)).max() > 1e-3
    np.testing.assert_allclose(stack.fit_transform(X, y)[:, 0], held_out)
    alone = LinearRegression().fit(held_out[:, np.newaxis], y)
    np.testing.assert_allclose(model.predict(X), alone.predict(fitted.transform(X)))
    np.testing.assert_array_equal(fitted.transform(X), fitted.predict_members(X).values)


@pytest.mark.parametrize("form", ["pandas", "polars"])
def test_frames_have_a_name_per_column_after_saving_too(reviews, tmp_path, form):
    pytest.importorskip("polars")
    X, Y = reviews
    model = MultiOutputStack(learners=BOTH, cv=2, random_state=0, strategy="independent").set_output(transform=form)
    table = model.fit_transform(X, Y[["tone", "stars"]])
    assert list(table.columns) == model.get_feature_names_out().tolist()
    assert {"stars__ridge__review", "tone__linear__review__0"} <= set(table.columns)
    save(model, tmp_path / "model.emm")
    new = load(tmp_path / "model.emm").transform(X[3:7])
    assert type(new) is type(table) and list(new.columns) == list(table.columns)
    if form == "pandas":
        pd.testing.assert_index_equal(new.index, X.index[3:7])


def test_members_that_never_count_have_no_column(vectors):
    X, y = vectors
    learners = [*RIDGE, ("none", DummyRegressor())]
    model = StackedRegressor(learners=learners, prune=1, cv=2, random_state=0)
    assert model.fit_transform(X, y).shape == model.transform(X).shape == (len(X), 1)
    assert model.get_feature_names_out().tolist() == ["y__ridge__vector"]
