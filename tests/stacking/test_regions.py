"""Intervals and sets cover rows that lack views, also where no row of the fit did."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold

from ensemble_mm import DataWarning, MultiOutputStack, StackedClassifier, StackedRegressor

N, N_NEW = 300, 400
LEARNERS = [
    ("r", Ridge()),
    ("l", LogisticRegression()),
    ("r all", Ridge(), "all"),
    ("l all", LogisticRegression(), "all"),
]


def drawn(seed, n=N + N_NEW):
    rng = np.random.default_rng(seed)
    X = {name: rng.normal(size=(n, 1)) for name in ("strong", "weak", "idle")}
    y = 3 * X["strong"][:, 0] + X["weak"][:, 0] + 0.3 * rng.normal(size=n)
    kind = np.array(["low", "mid", "high"])[np.digitize(y + rng.normal(size=n), [-2, 2])]
    return X, pd.DataFrame({"size": y, "kind": kind})


def without(X, *names):
    return {name: np.full_like(column, np.nan) if name in names else column for name, column in X.items()}


def quiet(call, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return call(*args, **kwargs)


def test_scores_of_a_new_pattern_are_those_of_models_that_did_not_see_the_row():
    """Also of members that read a view beside the one that is missing: the mean stands for it."""
    X, Y = drawn(0, n=90)
    model = StackedRegressor(learners=[("r", LinearRegression(), "all")], meta_learner="mean", cv=3, random_state=0)
    model.fit(X, Y["size"])
    table, y, scores = np.hstack(list(X.values())), Y["size"].to_numpy(), []
    for train, test in model.folds_:
        rows = table[test].copy()
        rows[:, 0] = table[train, 0].mean()
        scores.extend(np.abs(y[test] - LinearRegression().fit(table[train], y[train]).predict(rows)))
    np.testing.assert_allclose(model.conformal_["size"].scores_[0b110], np.sort(scores), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["independent", "stacked", "chain"])
def test_intervals_and_sets_cover_rows_of_patterns_that_the_fit_did_not_have(strategy):
    covered = {}
    for seed in range(3):
        X, Y = drawn(seed)
        first, new = ({name: column[rows] for name, column in X.items()} for rows in (slice(N), slice(N, None)))
        model = MultiOutputStack(learners=LEARNERS, cv=3, strategy=strategy, random_state=0).fit(first, Y[:N])
        y, codes = Y["size"][N:], np.searchsorted(model.classes_["kind"], Y["kind"][N:])
        for names in (["strong"], ["weak"], ["strong", "weak"], ["strong", "weak", "idle"]):
            low, high = quiet(model.predict_interval, without(new, *names))["size"].T
            covered.setdefault(("size", *names), []).append(np.mean((low <= y) & (y <= high)))
            sets = quiet(model.predict_set, without(new, *names))["kind"]
            covered.setdefault(("kind", *names), []).append(sets[np.arange(N_NEW), codes].mean())
    shares = {key: np.mean(found) for key, found in covered.items()}
    assert min(shares.values()) > 0.83, shares  # three fits: a share errs by 0.015, and there are eight


def test_sets_of_rows_whose_views_tell_nothing_cover():
    X, Y = drawn(1)  # here two classes of three were in the sets of all such rows
    model = StackedClassifier(learners=[LEARNERS[1], LEARNERS[3]], cv=3, random_state=0)
    model.fit({name: column[:N] for name, column in X.items()}, Y["kind"][:N])
    idle = without({name: column[N:] for name, column in X.items()}, "strong", "weak")
    sets, codes = quiet(model.predict_set, idle), np.searchsorted(model.classes_, Y["kind"][N:])
    assert sets[np.arange(N_NEW), codes].mean() > 0.87
    assert quiet(model.predict_set, idle, coverage=0.5).sum(axis=1).mean() < 3


@pytest.mark.parametrize("calibration", [None, "isotonic"])
def test_rows_without_any_view_share_one_set_which_covers(calibration):
    X, Y = drawn(2)  # here the classes of the folds differ most
    model = StackedClassifier(learners=LEARNERS[1:2], cv=3, calibration=calibration, random_state=0)
    model.fit({name: column[:N] for name, column in X.items()}, Y["kind"][:N])
    sets = quiet(model.predict_set, without({name: column[N:] for name, column in X.items()}, *X))
    codes = np.searchsorted(model.classes_, Y["kind"][N:])
    assert (sets == sets[0]).all() and sets[np.arange(N_NEW), codes].mean() > 0.87


def test_a_new_pattern_is_told_with_its_views_and_a_known_one_is_not():
    X, Y = drawn(0, n=120)
    X["idle"][:60] = np.nan
    model = StackedRegressor(learners=[("r", Ridge())], cv=3, random_state=0).fit(X, Y["size"])
    with pytest.warns(DataWarning, match="120 rows have only 'weak'; no row of the fit"):
        model.predict_interval(without(X, "strong", "idle"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        model.predict_interval(X)


@pytest.mark.slow
@pytest.mark.parametrize("names", [(), ("strong",)])
def test_joint_sets_and_intervals_hold_all_tasks_of_a_row_at_once(names):
    joint, single = [], []
    for seed in range(4):
        X, Y = drawn(seed)
        first, new = ({name: column[rows] for name, column in X.items()} for rows in (slice(N), slice(N, None)))
        model = MultiOutputStack(learners=LEARNERS[:2], cv=3, strategy="independent", random_state=0).fit(first, Y[:N])
        y, codes = Y["size"][N:], np.searchsorted(model.classes_["kind"], Y["kind"][N:])
        for found, settings in ((joint, {"joint": True}), (single, {})):
            low, high = quiet(model.predict_interval, without(new, *names), **settings)["size"].T
            sets = quiet(model.predict_set, without(new, *names), **settings)["kind"]
            found.append(np.mean((low <= y) & (y <= high) & sets[np.arange(N_NEW), codes]))
    assert np.mean(joint) == pytest.approx(0.9, abs=0.04)
    assert np.mean(single) < np.mean(joint) - 0.03


class Wobbly(RegressorMixin, BaseEstimator):
    """Predict a line, and an error of its own for each set of training rows."""

    def fit(self, X, y):
        self.line_, self.key_ = LinearRegression().fit(X, y), int(1e6 * abs(y.sum())) % 2**31
        return self

    def predict(self, X):
        return self.line_.predict(X) + np.random.RandomState(self.key_).normal(size=len(X))


def test_repeated_splits_describe_the_one_model_that_a_refit_leaves():
    X, cv = np.arange(200.0)[:, np.newaxis], RepeatedKFold(n_splits=4, n_repeats=10, random_state=0)
    y = X[:, 0] + 0.1 * np.random.default_rng(0).normal(size=200)
    errors = {}
    for refit in (True, False):
        model = StackedRegressor(learners=[("w", Wobbly())], meta_learner="mean", cv=cv, refit=refit).fit(X, y)
        errors[refit] = np.std(model.oof_["y"] - y)
        assert np.ptp(model.predict_interval(X, 0.9), axis=1).mean() == pytest.approx(2 * 1.64 * errors[refit], rel=0.2)
    assert errors[True] > 0.9 > 0.5 > errors[False]  # the means of ten err by a third


@pytest.mark.parametrize("n_rows", [30, 60])
def test_few_rows_with_all_views_have_no_intervals_of_rows_without_any(n_rows):
    X = np.random.default_rng(0).normal(size=(n_rows, 2))
    y = 10 * X[:, 0] + 0.1 * X[:, 1] ** 2
    model = StackedRegressor(learners=[("ridge", Ridge(0.01))], cv=5, random_state=0).fit(X, y)
    width = np.diff(model.predict_interval(X)).max()
    assert 0 < width <= 2.001 * np.abs(model.oof_["y"] - y).max()
