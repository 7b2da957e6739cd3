"""Probabilities of several tasks: arrays in a dict, and one table for people."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ensemble_mm import MultiOutputStack


@pytest.fixture(scope="module")
def rows():
    return pd.DataFrame({"x": np.arange(40.0)}, index=[f"row {i}" for i in range(40)])


@pytest.fixture(scope="module")
def proba(rows):
    Y = pd.DataFrame({"kind": ["coat", "dress"] * 20, "size": ["s", "m", "l", "m"] * 10}, index=rows.index)
    model = MultiOutputStack(learners=[("linear", LogisticRegression())], cv=2, strategy="independent", random_state=0)
    return model.fit(rows, Y).predict_proba(rows[:3])


def test_the_table_has_the_names_of_rows_tasks_and_classes(proba):
    frame = proba.to_frame()
    assert list(frame.index) == ["row 0", "row 1", "row 2"]
    assert list(frame.columns) == [("kind", "coat"), ("kind", "dress"), ("size", "l"), ("size", "m"), ("size", "s")]
    np.testing.assert_array_equal(frame["size"], proba["size"])
    assert "dress" in repr(proba) and "<table" in proba._repr_html_()


def test_it_stays_a_dict_of_arrays(proba):
    assert isinstance(proba, dict) and list(proba) == ["kind", "size"] and proba["size"][:, 1].shape == (3,)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(proba)).to_frame(), proba.to_frame())
