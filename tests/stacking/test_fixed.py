"""Weights by learner serve every kind of task, and whatever is compared with the ensemble."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.linear_model import LogisticRegression

import ensemble_mm as em

LEARNERS = [
    ("gbm", LGBMRegressor(n_estimators=5, num_leaves=4, verbose=-1)),
    ("more", LGBMRegressor(n_estimators=9, num_leaves=3, verbose=-1)),
    ("linear", LogisticRegression()),
]
KINDS = {
    "price": "quantile",
    "death": ("survival", "time", "event"),
    "order": ("ranking", "grade", "query"),
    "n": "count",
}
WEIGHTS = {"gbm": 3, "more": 1, "linear": 1}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    n = 90
    X = pd.DataFrame({"x": rng.normal(size=n), "note": rng.choice(["warm wool", "cold tin", "old oak"], n)})
    Y = pd.DataFrame({
        "price": X["x"] + rng.normal(size=n), "time": rng.exponential(size=n) + 0.1, "event": rng.random(n) < 0.7,
        "grade": rng.integers(0, 3, n), "query": np.arange(n) // 6, "n": rng.poisson(2, n),
        "kind": np.where(X["x"] > 0, "a", "b"),
    })  # fmt: skip
    return X, Y


def test_weights_by_learner_serve_tasks_of_all_kinds(data, tmp_path):
    X, Y = data
    views = [("numbers", "auto", ["x"]), ("note", "auto", "note")]
    model = em.MultiOutputStack(views, LEARNERS, cv=3, random_state=0, tasks=KINDS, strategy="independent",
                                meta_learner=WEIGHTS).fit(X, Y)  # fmt: skip
    shares = model.contributions_.groupby("learner").sum()
    for name in ("price", "death", "order", "n"):
        assert shares.loc["gbm", name] == pytest.approx(0.75) and shares.loc["linear", name] == 0
    board = model.leaderboard()
    assert {*board[board["learner"] == "best single view"]["task"]} == {*model.tasks_}
    assert np.isfinite(board["score"]).all()
    em.save(model, tmp_path / "m.emm")
    pd.testing.assert_frame_equal(em.load(tmp_path / "m.emm").predict(X), model.predict(X))


@pytest.mark.slow
def test_a_report_tells_of_weights_by_learner(data, tmp_path):
    X, Y = data
    views = [("numbers", "auto", ["x"]), ("note", "auto", "note")]
    model = em.MultiOutputStack(views, LEARNERS, cv=3, random_state=0, tasks=KINDS, meta_learner=WEIGHTS).fit(X, Y)
    assert em.write_report(model, tmp_path / "r.html", X, Y)


def test_strategies_are_compared_with_weights_by_learner(data):
    X, Y = data
    settings = {"learners": LEARNERS, "cv": 3, "random_state": 0, "meta_learner": WEIGHTS}
    frame = em.compare_strategies(X, Y[["price", "kind"]], **settings)
    assert np.isfinite(frame["loss"]).all() and ("price", "best single view") in frame.index


@pytest.mark.parametrize("name", ["median", "rank", "dynamic", "simplex", "linear"])
def test_a_blend_that_a_kind_does_not_have_is_told_with_the_kind(data, name):
    X, Y = data
    model = em.MultiOutputStack(learners=LEARNERS, cv=3, tasks=KINDS, meta_learner=name)
    with pytest.raises(ValueError, match=f"meta_learner='{name}' does not fit a .* task: use one of mean, greedy"):
        model.fit(X, Y)
