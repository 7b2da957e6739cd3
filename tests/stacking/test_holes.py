"""Any view may be missing in any row: in all training rows of a fold, in all rows of the fit, at predict alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from ensemble_mm import MultiOutputStack, StackedClassifier, load, save

N = 90
WORDS = ("a cold and dull day", "a warm and bright day")


@pytest.fixture
def data():
    """Vectors, single precision vectors and texts of which each tells the class."""
    rng = np.random.default_rng(0)
    y = np.arange(N) % 3 % 2  # a third are of class 1
    left = y[:, np.newaxis] + 0.5 * rng.normal(size=(N, 2))
    right = (y[:, np.newaxis] + 0.5 * rng.normal(size=(N, 3))).astype(np.float32)
    note = np.array([f"{WORDS[c]} of row {i}" for i, c in enumerate(y)], dtype=object)
    return {"left": left, "right": right, "note": note}, y


def with_holes(data, **holes):
    """Return the views without those rows: NaN in vectors, None among texts."""
    out = {name: column.copy() for name, column in data.items()}
    for name, rows in holes.items():
        out[name][rows] = None if out[name].dtype == object else np.nan
    return out


def stack(cv=3):
    learners = [("linear", LogisticRegression(C=0.1))]
    return StackedClassifier(learners=learners, cv=cv, meta_learner="greedy", random_state=0)


def cells(model, view):
    return model.table_.to_frame()["y"]["linear"][view].to_numpy()[:, -1]


def test_holes_of_every_pattern_abstain_at_fit_and_at_predict(data):
    X, y = data
    holes = {"left": np.s_[::3], "right": np.s_[1::4], "note": np.s_[::5]}
    model = stack().fit(with_holes(X, **holes), y)
    for view, rows in holes.items():
        lost = np.zeros(N, dtype=bool)
        lost[rows] = True
        np.testing.assert_array_equal(np.isnan(cells(model, view)), lost)
    for view in X:  # each view alone says what it says when the others are left out
        alone = model.predict_proba({view: X[view]})
        others = {name: np.s_[:] for name in X if name != view}
        np.testing.assert_allclose(model.predict_proba(with_holes(X, **others)), alone)
        assert roc_auc_score(y, alone[:, 1]) > 0.8
    mixed = model.predict_proba(with_holes(X, left=[0], right=[1]))
    whole = model.predict_proba(X)
    np.testing.assert_allclose(mixed[2:], whole[2:], rtol=1e-5)  # float32 sums over blocks of another height
    assert np.abs(mixed[:2] - whole[:2]).max(axis=1).min() > 1e-6


@pytest.mark.parametrize("view", ["right", "note"])
def test_a_view_that_is_missing_in_every_training_row_of_a_fold(data, view):
    """The first fold is tested on the only rows that have the view."""
    X, y = data
    folds = np.array_split(np.arange(N), 3)
    cv = [(np.setdiff1d(np.arange(N), rows), rows) for rows in folds]
    model = stack(cv).fit(with_holes(X, **{view: np.s_[30:]}), y)
    assert np.isnan(cells(model, view)).all() and np.isfinite(cells(model, "left")).all()
    assert model.score(X, y) > 0.8
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    at_last = stack(cv).fit(with_holes(X, **{view: np.s_[60:]}), y)
    assert np.isfinite(cells(at_last, view)[:60]).all()  # of each fold some training rows have it


@pytest.mark.parametrize("view", ["right", "note"])
def test_a_view_that_is_first_there_at_predict_says_nothing(data, view):
    X, y = data
    model = stack().fit(with_holes(X, **{view: np.s_[:]}), y)
    proba = model.predict_proba(X)
    assert model.score(X, y) > 0.8
    np.testing.assert_array_equal(proba, model.predict_proba(with_holes(X, **{view: np.s_[:]})))


def test_a_row_without_any_view_gets_the_shares_or_the_mean_of_the_training_rows(data):
    X, y = data
    nothing = with_holes(X, left=np.s_[:], right=np.s_[:], note=np.s_[:])
    Y = pd.DataFrame({"kind": y, "level": y + 0.25})
    holes = with_holes(X, left=[5, 6], right=[5, 6], note=[5, 6])  # such rows may be there in fit, too
    learners = [("linear", LogisticRegression()), ("ridge", Ridge())]
    model = MultiOutputStack(learners=learners, cv=2, meta_learner="greedy", random_state=0).fit(holes, Y)
    proba = model.predict_proba(nothing)["kind"]
    np.testing.assert_allclose(proba, np.tile([2 / 3, 1 / 3], (N, 1)), atol=0.03)
    np.testing.assert_allclose(model.predict(nothing)["level"].to_numpy(float), np.mean(y) + 0.25, atol=0.03)
    with pytest.raises(ValueError, match="fewer items are missing"):
        stack().fit(nothing, y)


def test_learners_may_be_told_which_views_are_missing(tmp_path):
    """The label is the exclusive or of which views are there, so nothing else tells it."""
    rng = np.random.default_rng(0)
    gone = rng.random((2, 200)) < 0.5
    X = {name: np.where(lost[:, np.newaxis], np.nan, rng.normal(size=(200, 2)))
         for name, lost in zip("ab", gone, strict=True)}  # fmt: skip
    X, y = X | {"c": rng.normal(size=(200, 2))}, gone[0] ^ gone[1]
    learners = [("tree", DecisionTreeClassifier(max_depth=2)), ("both", DecisionTreeClassifier(), ["a", "b"])]
    first, rest = {k: v[:150] for k, v in X.items()}, {k: v[150:] for k, v in X.items()}
    model = StackedClassifier(learners=learners, cv=3, random_state=0, missing_indicator=True)
    assert "reads 'missing views'" in str(model.plan(first, y[:150]))
    model.fit(first, y[:150])
    assert model.score(rest, y[150:]) == 1 and model.contributions_["y"]["missing views", "tree"] > 0.9
    save(model, tmp_path / "m.emm")
    np.testing.assert_array_equal(load(tmp_path / "m.emm").predict_proba(rest), model.predict_proba(rest))
    np.testing.assert_allclose(model.compiled().predict_proba(rest), model.predict_proba(rest), atol=1e-6)
    alone = StackedClassifier(learners=learners[:1], cv=3, random_state=0).fit(first, y[:150])
    assert alone.score(rest, y[150:]) < 0.8
    with pytest.raises(ValueError, match="no view may be called 'missing views'"):
        model.set_params(missing_indicator=True).fit(first | {"missing views": first["c"]}, y[:150])


def test_without_a_missing_view_nobody_is_told_of_any(data):
    X, y = data
    model = stack().set_params(missing_indicator=True).fit(X, y)
    assert {member.reads for member in model.table_.members()} == set(X)
    np.testing.assert_array_equal(model.predict_proba(X), stack().fit(X, y).predict_proba(X))


def test_patterns_are_tried_as_new_rows_of_them_are_predicted(data):
    X, y = data
    X = with_holes(X, left=np.arange(0, N, 4))
    learners = [("all", LogisticRegression(), "all"), ("each", LogisticRegression())]
    settings = {"meta_learner": "simplex", "missing_indicator": True}
    model = MultiOutputStack(learners=learners, cv=3, random_state=0, **settings)
    model.fit(X, pd.DataFrame({"a": y, "b": np.arange(N) % 2}))
    assert set(model.tasks_) == {"a", "b"} and np.isfinite(model.predict_proba(X)["a"]).all()
    assert model.predict_set({k: v[:3] for k, v in with_holes(X, right=[0, 1, 2]).items()}, 0.8)["a"].any(axis=1).all()
