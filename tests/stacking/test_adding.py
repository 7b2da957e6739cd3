"""Tasks that are added later predict what a fit of their own would, and the others what they did."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import MultiOutputStack, load, save

LEARNERS = [("logistic", LogisticRegression(), "all", "reduced"), ("ridge", Ridge(), "all", "reduced")]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    size = rng.normal(size=90)
    notes = [f"a {'big' if s > 0 else 'small'} box number {i % 7}" for i, s in enumerate(size)]
    X = pd.DataFrame({"x": size + 0.3 * rng.normal(size=90), "z": rng.normal(size=90), "note": notes})
    X.loc[size > 0.7, "note"] = None
    Y = pd.DataFrame({"size": size, "big": np.where(size > 0, "yes", "no"), "twice": 2 * size + X["z"], "z": X["z"]})
    return X, Y


@pytest.mark.parametrize("strategy", ["independent", "stacked", "chain"])
def test_added_tasks_are_as_if_fitted_alone_and_the_others_stay(data, strategy, tmp_path):
    X, Y = data
    first, second = ["size", "twice"], ["big", "z"]
    settings = {"cv": 3, "random_state": 0, "strategy": strategy, "calibration": {"big": "temperature"}}
    model = MultiOutputStack(learners=LEARNERS, **settings | {"calibration": None}).fit(X, Y[first])
    model.set_params(calibration="temperature")
    save(model, tmp_path / "m.emm")
    more = load(tmp_path / "m.emm").add_task(X, Y[second])
    alone = MultiOutputStack(learners=LEARNERS, **settings).set_params(cv=model.folds_).fit(X, Y[second])
    out = more.predict(X)
    assert list(out.columns) == first + second
    pd.testing.assert_frame_equal(out[first], model.predict(X))
    pd.testing.assert_frame_equal(out[second], alone.predict(X))
    blind = X.assign(note=None)
    pd.testing.assert_frame_equal(more.predict(blind)[first], model.predict(blind))
    pd.testing.assert_frame_equal(more.predict(blind)[second], alone.predict(blind))
    np.testing.assert_array_equal(more.predict_interval(X)["size"], model.predict_interval(X)["size"])
    np.testing.assert_array_equal(more.predict_set(X)["big"], alone.predict_set(X)["big"])
    assert set(more.leaderboard()["task"]) == set(first + second) == set(more.contributions_.columns)
    assert more.strategy_.index.tolist() == list(more.task_contributions_.columns) == first + second
    save(more, tmp_path / "more.emm")
    pd.testing.assert_frame_equal(load(tmp_path / "more.emm").predict(X), out)
    assert list(model.tasks_) == first
    with pytest.raises(ValueError, match="never judged together"):
        more.predict_interval(X, joint=True)


def test_other_rows_and_tasks_that_are_there_are_told_before_a_fit(data):
    X, Y = data
    model = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0).fit(X, Y[["size"]])
    with pytest.raises(ValueError, match="has the task 'size' already"):
        model.add_task(X, Y[["size", "z"]])
    with pytest.raises(ValueError, match="other rows than the fit"):
        model.add_task(X[:60], Y[["z"]][:60])


def test_what_is_read_in_another_way_serves_the_new_tasks_alone(data):
    X, Y = data
    model = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0).fit(X, Y[["size"]])
    before = model.predict(X)
    more = model.set_params(random_state=5).add_task(X, Y[["z"]])
    pd.testing.assert_frame_equal(more.predict(X)[["size"]], before)
    assert more.evaluate(X, Y[["z"]]).loc["z", "r2"] > 0.9
