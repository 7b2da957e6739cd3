"""The leaderboard: like is compared with like, and every place tells the same numbers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor

LEARNERS = [("logistic", LogisticRegression()), ("ridge", Ridge())]


@pytest.fixture(scope="module")
def fitted():
    """Two views, of which the second is there in the easy half of the rows only."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 160))
    hard = np.arange(160) % 2
    second = np.where(hard, np.nan, x)[:, np.newaxis]
    Y = pd.DataFrame({"size": x + hard * noise, "kind": np.where(x + 2 * hard * noise > 0, "a", "b")})
    model = MultiOutputStack(learners=LEARNERS, cv=4, scoring={"kind": "roc_auc"}, random_state=0)
    return model.fit({"one": x[:, np.newaxis] + 0.3 * noise[:, np.newaxis], "two": second}, Y), Y


def test_a_member_that_sees_easy_rows_is_not_above_the_ensemble(fitted):
    model, _ = fitted
    board = model.leaderboard()
    for _, own in board.groupby("task"):
        rows = own.set_index(["learner", "reads"])
        ensemble, easy = rows.xs("ensemble").iloc[0], rows.xs("two", level="reads").iloc[0]
        assert easy["n"] == 80 and ensemble["n"] == 160
        assert easy["score"] > ensemble["score"] and easy["difference"] < 0.05
        assert own["difference"].is_monotonic_decreasing
    assert {"constant", "best single view", "ensemble"} <= set(board["learner"])
    assert dict(zip(board["task"], board["score_name"], strict=True)) == {"size": "r2", "kind": "roc_auc"}


def test_the_table_of_folds_tells_the_same(fitted):
    model, Y = fitted
    board = model.leaderboard().set_index(["task", "learner", "reads"])["score"]
    folds = model.cv_results_.set_index(["task", "learner", "reads"])
    pd.testing.assert_series_equal(folds["mean"], board[folds.index], check_names=False)
    _, test = model.folds_[0]
    own = folds.loc["kind", "ensemble", ""]
    assert own["fold_0"] == pytest.approx(roc_auc_score(Y["kind"].iloc[test] == "b", model.oof_["kind"][test, 1]))
    assert own["score_name"] == "roc_auc"


@pytest.mark.parametrize(("stack", "learner"), [(StackedClassifier, LEARNERS[0]), (StackedRegressor, LEARNERS[1])])
def test_stacks_of_one_task_have_one_too(stack, learner):
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.tile([0, 1], 20)
    board = stack(learners=[learner], cv=2, random_state=0).fit(X, y, groups=np.arange(40) // 2).leaderboard()
    assert set(board["learner"]) >= {"ensemble", "best single view", "constant"}
    assert set(board["score_name"]) == {"accuracy" if stack is StackedClassifier else "r2"}


@pytest.mark.parametrize("where", ["learner 'old'", "the extractor of view 'v'"])
def test_what_was_fitted_before_is_told(where):
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.tile([0, 1], 20)
    scaler, old = StandardScaler(), LogisticRegression()
    if where == "learner 'old'":
        old = FrozenEstimator(old.fit(X, y))
    else:
        scaler = FrozenEstimator(scaler.fit(X))
    model = StackedClassifier([("v", scaler)], [("old", old), LEARNERS[0]], cv=2, random_state=0)
    with pytest.warns(UserWarning, match=f"fitted before and stay as they are in every fold: {where}"):
        model.fit({"v": X}, y)
