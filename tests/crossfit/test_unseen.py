"""A meta-learner that is judged on a fold learns nothing of the labels of the fold, nor do members tell it of them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression

from ensemble_mm import StackedClassifier, StackedRegressor, load, save
from ensemble_mm.crossfit import Member
from ensemble_mm.crossfit._unseen import Unseen
from ensemble_mm.data import Task
from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.meta import simpler


class Sum(RegressorMixin, BaseEstimator):
    """Predict by sums over the training rows: what each fold adds to them is left out exactly."""

    def fit(self, X, y):
        self.coef_ = X.T @ y / 100
        return self

    def predict(self, X):
        return X @ self.coef_


def rows_and_folds(n_folds=4):
    rng = np.random.default_rng(0)
    fold = np.arange(20 * n_folds) % n_folds
    folds = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(n_folds)]
    X = {name: np.empty((len(fold), 2)) for name in "abc"}
    for view in X.values():
        for _, test in folds:  # all scales are those of the whole
            view[test] = rng.permuted(np.tile([[-1.0], [1.0]], (len(test) // 2, 2)), axis=0)
    return X, rng.normal(size=len(fold)), folds


@pytest.mark.parametrize(
    ("n_folds", "settings"),
    [
        (3, {"meta_learner": "linear"}),
        (4, {"meta_learner": "linear"}),
        (4, {"meta_learner": "greedy", "prune": 2}),
        (5, {"meta_learner": "linear", "prune": "auto"}),
    ],
    ids=str,
)
def test_labels_of_a_fold_change_nothing_that_is_said_of_it(n_folds, settings):
    X, y, folds = rows_and_folds(n_folds)
    if settings.get("prune") == "auto":  # which half is kept may hear of them, and is clear here
        y = y + 0.3 * X["a"][:, 0]
    model = StackedRegressor(learners=[("sum", Sum())], cv=folds, random_state=0, **settings)
    before = model.fit(X, y).oof_["y"]
    for _, test in folds[:2]:
        other = y.copy()
        other[test] = -other[test]
        np.testing.assert_allclose(model.fit(X, other).oof_["y"][test], before[test], rtol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"prune": 0.5}], ids=str)
def test_labels_of_a_fold_change_nothing_that_is_said_of_its_baselines(settings):
    X, y, folds = rows_and_folds()
    model = StackedRegressor(learners=[("sum", Sum())], cv=folds, meta_learner="linear", random_state=0, **settings)

    def baselines(y):
        cells = cells_of(model.fit(X, y))
        apart = {(view,): [m for m, own in enumerate(cells.views) if own == {view}] for view in X}
        return simpler(cells.meta_of, cells.block, apart, cells.truth, cells.kind, cells.folds)[0]

    before, test = baselines(y), folds[0][1]
    other = y.copy()
    other[test] = -other[test]
    for view, out in baselines(other).items():
        np.testing.assert_allclose(out[test], before[view][test], rtol=1e-5)


@pytest.mark.parametrize("strength", [0.0, 2.0])
def test_it_changes_what_is_told_of_rows_of_the_fit_alone_and_only_where_little_is_known(strength, monkeypatch):
    X, noise, folds = rows_and_folds()
    y = noise + strength * X["a"][:, 0] > 0
    model = StackedClassifier(
        learners=[("logistic", LogisticRegression())], cv=folds, meta_learner="linear", calibration="temperature"
    )
    proba, sets, (out,) = model.fit(X, y).predict_proba(X), model.predict_set(X), model.oof_.values()
    monkeypatch.setattr("ensemble_mm.crossfit._unseen.MOST_ROWS", 10)
    (plain,) = model.fit(X, y).oof_.values()
    np.testing.assert_array_equal(model.predict_proba(X), proba)
    np.testing.assert_array_equal(model.predict_set(X), sets)
    assert np.allclose(plain, out) == (strength > 1)


@pytest.mark.parametrize("most", [10_000, 10])
def test_a_file_tells_the_same_under_another_metric_but_keeps_what_is_large_from_it(tmp_path, most, monkeypatch):
    monkeypatch.setattr("ensemble_mm.crossfit._unseen.MOST_KEPT", most)
    X, y, folds = rows_and_folds()
    model = StackedRegressor(learners=[("sum", Sum())], cv=folds, meta_learner="linear", random_state=0).fit(X, y)
    board = model.leaderboard()
    save(model, tmp_path / "m.emm")
    loaded = load(tmp_path / "m.emm", trusted=[Sum])
    pd.testing.assert_frame_equal(loaded.leaderboard(), board)
    model, loaded = (m.set_params(scoring="neg_mean_absolute_error").leaderboard() for m in (model, loaded))
    assert model.equals(loaded) == (most > 10) and len(loaded) == len(board)


def test_it_is_known_where_every_row_is_tested_once_and_learned_from_otherwise():
    _, _, folds = rows_and_folds()
    every = np.arange(80)
    assert Unseen(folds, 80, {}).is_known
    for other in (
        folds * 2,
        folds[:3],
        [(every, every[:0]), *folds],
        [(every[:40], every[40:]), (every[40:], every[:40])],
        [(train[:50], test) for train, test in folds],
    ):
        assert not Unseen(other, 80, {}).is_known


class NowAndThen(RegressorMixin, BaseEstimator):
    """Repeat the labels of rows that it learned from where the first of them is above 0, else say their mean."""

    def fit(self, X, y):
        self.seen_ = {row.tobytes(): label for row, label in zip(X, y, strict=True)}
        self.mean_, self.loose_ = np.mean(y), X[0, 0] > 0
        return self

    def predict(self, X):
        known = [self.seen_.get(row.tobytes(), self.mean_) for row in X]
        return np.array(known) if self.loose_ else np.full(len(X), self.mean_)


def test_fold_models_that_are_unlike_carry_no_labels_into_the_table():
    """The difference of a loose model to strict ones is the label of the row: it looked like a perfect member."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    fold = np.arange(40) % 4
    X[:2, 0] = [-1, 1]  # the first training row is row 1 in fold 0, and row 0 in the others
    folds = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(4)]
    model = StackedRegressor(learners=[("odd", NowAndThen()), ("sum", Sum())], cv=folds, random_state=0).fit(X, y)
    odd, sums = model.table_.members()
    for f, (train, _) in enumerate(folds):
        plain, corrected = (model.table_.block([odd], which)[train, 0] for which in (None, f))
        assert np.corrcoef(corrected, y[train])[0, 1] < 0.5
        np.testing.assert_array_equal(plain, corrected)
        assert (model.table_.block([sums], f) != model.table_.block([sums])).any()


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_a_correction_that_goes_with_labels_or_against_them_is_none(kind):
    """One fold model of a Gaussian process chose a short length, and its member got a weight of eight on noise."""
    rng = np.random.default_rng(0)
    fold, y = np.arange(90) % 3, rng.integers(0, 2, 90).astype(float)
    folds = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(3)]
    said, member = 0.5 + 0.01 * rng.normal(size=(3, 90, 1)), Member("y", "gp", "x", ("x",), None)
    said[1, :, 0] += 0.06 * (y - 0.5)  # what it learned, of rows that it learned from

    def corrected(y, weights=None, fold=0):
        task = Task("y", kind, np.array([0, 1]) if kind == "binary" else None)
        unseen = Unseen(folds, len(y), {"y": task}, {"y": y}, {"y": weights})
        for f, (train, _) in enumerate(folds):
            unseen.write(member, f, train, said[f, train])
        return (unseen.without(np.full((len(y), 1), 0.5), member, fold) != 0.5).any()

    assert not corrected(y)
    assert not corrected(y, fold=1)
    assert corrected(rng.permutation(y))
    assert corrected(y, weights=np.r_[np.ones(9), np.zeros(81)])  # of few rows chance may be the reason
    assert corrected(np.where(np.arange(90) < 9, y, np.nan))


def test_old_files_correct_as_they_did():
    _, y, folds = rows_and_folds()
    said, member = np.random.default_rng(0).normal(size=(4, 80, 1)), Member("y", "ridge", "x", ("x",), None)
    unseen = Unseen(folds, 80, {"y": Task("y", "regression")}, {"y": y})
    for f, (train, _) in enumerate(folds):
        unseen.write(member, f, train, said[f, train])
    before = unseen.without(np.zeros((80, 1)), member, 0)
    del unseen._targets
    np.testing.assert_array_equal(unseen.without(np.zeros((80, 1)), member, 0), before)
