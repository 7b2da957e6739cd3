"""What is kept of a run, and how sure the difference of two is."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm.stacking import MultiOutputStack
from ensemble_mm.store._runs import describe_run, interval


def test_the_interval_is_that_of_nadeau_and_bengio():
    """By hand, five folds: t = 2.776 of 4 degrees of freedom, variance times (1/5 + 1/4)."""
    differences = np.array([0.01, 0.03, 0.02, 0.05, 0.04])
    low, high = interval(differences, 0.25, 0.95)
    half = 2.7764451 * np.sqrt((0.2 + 0.25) * differences.var(ddof=1))
    assert (low, high) == pytest.approx((0.03 - half, 0.03 + half))


def test_folds_that_share_rows_leave_more_doubt_than_as_many_samples_of_their_own():
    differences = np.random.default_rng(0).normal(size=10)
    low, high = interval(differences, 1 / 9, 0.95)
    naive_low, naive_high = interval(differences, 1e-12, 0.95)
    assert low < naive_low < naive_high < high


@pytest.mark.parametrize("differences, share", [([], 0.25), ([0.1], 0.25), ([0.1, 0.2], None), ([0.1, 0.2], 0.0)])
def test_no_interval_without_folds(differences, share):
    assert np.isnan(interval(np.array(differences), share, 0.95)).all()


def test_a_run_of_a_stack_is_plain_data(vectors):
    X, y = vectors
    Y = pd.DataFrame({"y": y, "up": np.where(y > 0, "yes", "no")})
    learners = {"regression": [("ridge", Ridge())], "classification": [("logistic", LogisticRegression())]}
    model = MultiOutputStack(learners=learners, cv=3, strategy="independent", random_state=0).fit(X, Y)
    record = describe_run(model, X, Y, "some")
    assert json.loads(json.dumps(record)) == record
    assert record["targets"] == {"y": "regression", "up": "binary"} and record["rows"] == 150
    assert record["test_share"] == pytest.approx(0.5) and record["seconds"] > 0 and record["n_extractions"] > 0
    assert len(record["scores"]["y"]["folds"]) == 3
    assert sum(record["contributions"]["up"].values()) == pytest.approx(1)
    assert {target: list(shares) for target, shares in record["contributions"].items()} == {
        "y": ["vector/ridge"], "up": ["vector/logistic"]  # each without the other's learner, not with 0 for it
    }  # fmt: skip
    assert describe_run(model, X, Y, "other")["data"] == record["data"] != describe_run(model, X + 1, Y, "some")["data"]


def test_a_run_of_any_estimator_has_what_there_is():
    record = describe_run(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), None, None, "slope")
    assert record["scores"] == record["contributions"] == {} and record["folds"] is None and record["data"] == ""
    assert record["params"]["alpha"] == "1.0" and record["model"].endswith(".Ridge")
