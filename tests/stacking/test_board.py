"""The leaderboard: like is compared with like, and every place tells the same numbers."""

import re
import warnings
from copy import copy
from threading import Lock

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import make_scorer, roc_auc_score
from sklearn.preprocessing import StandardScaler

from ensemble_mm import DataWarning, MultiOutputStack, StackedClassifier, StackedRegressor, load, read_table, save
from ensemble_mm.data import View
from ensemble_mm.stacking import head_of
from ensemble_mm.stacking._seen import marks_of

LEARNERS = [("logistic", LogisticRegression()), ("ridge", Ridge())]


@pytest.fixture(scope="module")
def fitted():
    """Two views, of which the second is there in the easy half of the rows only."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 160))
    hard = np.arange(160) % 2
    second = np.where(hard, np.nan, x)[:, np.newaxis]
    Y = pd.DataFrame({"size": x + hard * noise, "kind": np.where(x + 2 * hard * noise > 0, "a", "b")})
    model = MultiOutputStack(
        learners=LEARNERS, cv=4, scoring={"kind": "roc_auc"}, strategy="independent", random_state=0
    )
    return model.fit({"one": x[:, np.newaxis] + 0.3 * noise[:, np.newaxis], "two": second}, Y), Y


@pytest.fixture(scope="module")
def board(fitted):
    return fitted[0].leaderboard()


def test_a_member_that_sees_easy_rows_is_not_above_the_ensemble(board):
    for _, own in board.groupby("task"):
        rows = own.set_index(["learner", "reads"])
        ensemble, easy = rows.xs("ensemble").iloc[0], rows.xs("two", level="reads").iloc[0]
        assert easy["n"] == 80 and ensemble["n"] == 160
        assert easy["score"] > ensemble["score"] and easy["difference"] < 0.05
        assert own["difference"].is_monotonic_decreasing
    assert {"constant", "best single view", "ensemble"} <= set(board["learner"])
    assert dict(zip(board["task"], board["score_name"], strict=True)) == {"size": "r2", "kind": "roc_auc"}


def test_the_table_of_folds_tells_the_same(fitted, board):
    model, Y = fitted
    board = board.set_index(["task", "learner", "reads"])["score"]
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


@pytest.mark.parametrize("where", ["learner 'old'", "the extractor of view 'v'", "the meta-learner of task 'y'"])
def test_what_was_fitted_before_is_told(where):
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.tile([0, 1], 20)
    scaler, old, meta = StandardScaler(), LogisticRegression(), "mean"
    if where == "learner 'old'":
        old = FrozenEstimator(old.fit(X, y))
    elif "view" in where:
        scaler = FrozenEstimator(scaler.fit(X))
    else:
        meta = FrozenEstimator(LogisticRegression().fit(X, y))
    model = StackedClassifier([("v", scaler)], [("old", old), LEARNERS[0]], meta_learner=meta, cv=2, random_state=0)
    with pytest.warns(UserWarning, match=f"fitted before and stay as they are in every fold: {where}"):
        model.fit({"v": X}, y)


def test_a_fitted_stack_prints_the_head_of_its_board(fitted, board):
    model, _ = fitted
    text = str(model)
    assert text.startswith(repr(model)) and str(StackedClassifier()) == repr(StackedClassifier())
    assert "95 % interval" in text and "roc_auc" in text and "constant" in text
    head = head_of(board)
    assert max(map(len, head.splitlines())) <= 100 and head.count("best single view") == 2


def test_a_board_is_made_once_and_goes_into_the_file(fitted, board, tmp_path):
    model, _ = fitted
    save(model, tmp_path / "m.emm")
    loaded = load(tmp_path / "m.emm")
    pd.testing.assert_frame_equal(loaded.leaderboard(), board)
    assert "best single view" in str(loaded) and loaded.leaderboard() is not loaded.leaderboard()
    loaded.set_params(scoring=None)
    assert set(loaded.leaderboard()["score_name"]) == {"r2", "accuracy"}
    assert "_board" not in vars(clone(loaded))


def test_a_board_is_made_again_for_another_function_of_the_same_name(fitted):
    def scorer(factor):
        def score(y, out):
            return factor * np.mean(y == out)

        return make_scorer(score)

    model = copy(fitted[0]).set_params(scoring={"kind": scorer(1)})
    one = model.leaderboard()
    assert model.leaderboard().equals(one) and model._knows_board()
    two = model.set_params(scoring={"kind": scorer(2)}).leaderboard()
    own = one["task"] == "kind"
    assert two["score"][own].sum() == pytest.approx(2 * one["score"][own].sum())


class Unreadable:
    """A scorer of which nothing can be told but what it answers."""

    def __init__(self):
        self.lock = Lock()

    def __call__(self, estimator, X, y):
        return 1.0


def test_a_board_of_a_scorer_that_cannot_be_read_is_made_each_time(fitted):
    model = copy(fitted[0]).set_params(scoring={"kind": Unreadable()})
    board = model.leaderboard()
    assert not model._knows_board() and model.leaderboard().equals(board)


def test_a_summary_tells_scores_in_the_unit_of_the_target(fitted):
    model, Y = fitted
    size = Y["size"].to_numpy()
    lines = repr(model.summary()).splitlines()
    assert lines[0] == "160 rows, 2 views: one (vector), two (vector); 2 targets" and "best single view" in str(lines)
    assert lines[1].startswith(f"size: off by {np.abs(model.oof_['size'] - size).mean():.3g} on average (95")
    assert "when always guessing the most frequent" in lines[2]
    new = {"one": np.zeros((4, 1)), "two": np.zeros((4, 1))}
    with pytest.warns(DataWarning, match="count as wrong"):
        found = model.summary(new, pd.DataFrame({"kind": ["a", "never seen"] * 2}))
    assert re.match(r"kind \(4 rows\): right in (0|50) of 100 .*; (0|50) of 100 when", found)
    with pytest.raises(ValueError, match="Give both X and Y"):
        model.summary(new)


def test_the_head_names_what_it_leaves_out():
    row = {"task": "t", "reads": "r" * 40, "n": 9, "score_name": "r2", "score": -12345.678, "low": np.nan, "high": 0.5}
    own = [
        row | {"learner": name, "difference": 1.0, "difference_low": 0.5, "difference_high": 1.5} for name in "abcde"
    ]
    head = head_of(pd.DataFrame(own))
    assert "and 2 more" in head and "-1.235e+04" in head and "- to 0.500" in head and "+1.000\n" in head
    assert "r" * 25 not in head


@pytest.mark.parametrize("container", ["frame", "dict", "polars"])
def test_rows_of_the_fit_are_told_in_any_container(container, tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=60), "when": pd.date_range("2024-01-01", periods=60, freq="h"),
                      "text": [f"a coat number {i} is {rng.choice(['warm', 'cold'])}" for i in range(60)]})  # fmt: skip
    Y = pd.DataFrame({"size": rng.normal(size=60)})
    model = MultiOutputStack(learners=LEARNERS[1:], cv=2, random_state=0).fit(X[:40], Y[:40])
    given = {"frame": X, "dict": {name: X[name].to_numpy() for name in X}, "polars": pl.from_pandas(X)}[container]
    with pytest.warns(DataWarning, match="40 of these 60 rows were in the fit"):
        model.evaluate(given, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.evaluate(X[40:], Y[40:])
        model.score(X, Y)  # as a grid search asks of training rows
    X.to_csv(tmp_path / "x.csv", index=False)
    save(model, tmp_path / "m.emm")
    read, _ = read_table(tmp_path / "x.csv")
    with pytest.warns(DataWarning, match="40 of these 60 rows"):
        load(tmp_path / "m.emm").evaluate(read, Y)


def test_rows_of_few_values_are_equal_by_chance():
    rng = np.random.default_rng(0)
    X, Y = rng.integers(0, 2, (200, 3)).astype(float), rng.normal(size=(200, 1))
    model = MultiOutputStack(learners=LEARNERS[1:], cv=2, random_state=0).fit(X[:100], Y[:100])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.evaluate(X[100:], Y[100:])


def test_rows_are_known_by_what_their_files_hold(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for i in range(4):
            pixels = np.random.default_rng(i if folder == "a" or i < 2 else 9 + i).integers(0, 255, (8, 8, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / folder / f"{i}.png")
    paths = {f: np.array([str(tmp_path / f / f"{i}.png") for i in range(4)], dtype=object) for f in "ab"}
    views = [View("photo", "image", "photo")]
    first, second = (marks_of(views, {"photo": paths[folder]}) for folder in "ab")
    assert (first == second).tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    "setting", [{"class_weight": "balanced"}, {"threshold": {"b": 5}}, {"threshold": 0.3}, {"scoring": "roc_auc"}]
)
def test_a_summary_counts_classes_that_the_fit_did_not_see_as_wrong(setting):
    X = np.random.default_rng(0).normal(size=(90, 2))
    y = np.where(X[:, 0] > 0, "b", "a").astype(object)
    model = StackedClassifier(learners=[LEARNERS[0]], cv=4, random_state=0, **setting).fit(X[30:], y[30:])
    right = np.sum(model.predict(X[:15]) == y[:15])
    y[15:30] = "never seen"
    with pytest.warns(DataWarning, match="count as wrong"):
        found = model.summary(X[:30], y[:30])
    assert 10 <= right and found.startswith(f"y (30 rows): right in {100 * right / 30:.0f} of 100")
    assert model.summary(X[:3], [None] * 3) == "y: no label is known"
