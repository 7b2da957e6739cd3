"""Every estimator is told what it can take of its rows: weights, groups, and folds that keep groups whole."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LassoCV, LogisticRegression, Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, TunedThresholdClassifierCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ensemble_mm import TunedLearner
from ensemble_mm._routing import keyword, row_params, splits_groups, whole_groups
from ensemble_mm.learners import RidgePath

PIPELINE = make_pipeline(StandardScaler(), Ridge())
WEIGHTED = [
    (Ridge(), "sample_weight"),
    (PIPELINE, "ridge__sample_weight"),
    (GridSearchCV(PIPELINE, {"ridge__alpha": [1, 100]}), "ridge__sample_weight"),
    (make_pipeline(StandardScaler(), GridSearchCV(Ridge(), {"alpha": [1, 100]})), "gridsearchcv__sample_weight"),
    (TransformedTargetRegressor(Ridge()), "sample_weight"),
    (VotingRegressor([("a", Ridge()), ("b", LassoCV())]), "sample_weight"),
    (VotingRegressor([("a", Ridge()), ("b", KNeighborsRegressor())]), None),
    (KNeighborsClassifier(), None),
]


@pytest.mark.parametrize(("estimator", "name"), WEIGHTED, ids=lambda part: type(part).__name__)
def test_weights_reach_what_takes_them(estimator, name):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    weight = np.where(np.arange(40) < 20, 1.0, 50.0)
    assert keyword(estimator, "sample_weight") == name
    if name is not None:
        params = row_params(estimator, sample_weight=weight)
        plain, weighted = (estimator.fit(X, y, **given).predict(X) for given in ({}, params))
        assert not np.allclose(plain, weighted)


@pytest.mark.parametrize(
    "estimator",
    [
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3),
        make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]})),
        CalibratedClassifierCV(LogisticRegression()),
    ],
    ids=lambda part: type(part).__name__,
)
def test_inner_folds_keep_groups_whole_and_are_no_part_of_the_model(estimator):
    groups = np.repeat(np.arange(10), 4)
    seen = []

    class Watching(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            seen.append(set(X[:, 1]))
            return super().fit(X, y, sample_weight)

    part = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    part.set_params(estimator=Watching())
    if part is not estimator:
        estimator = part
    before = part.cv
    X, y = np.c_[np.random.default_rng(0).normal(size=40), groups], np.tile([0, 1], 20)
    with whole_groups(estimator, y, groups):
        estimator.fit(X, y)
    parts = [some for some in seen if len(some) < 10]
    assert len(parts) > 2
    assert all(np.isin(X[:, 1], list(some)).sum() == 4 * len(some) for some in parts)
    assert part.cv is before


def test_folds_of_the_users_own_stay():
    search = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=GroupKFold(2))
    with whole_groups(search, np.arange(4.0), np.arange(4)):
        assert isinstance(search.cv, GroupKFold)
    assert keyword(search, "groups") == "groups"
    kept = RidgeCV(store_cv_results=True)
    with whole_groups(kept, np.arange(4.0), np.arange(4)):
        assert kept.cv is None


def test_what_cannot_be_told_of_groups_is_known():
    assert splits_groups(MLPRegressor(early_stopping=True), 100)
    assert splits_groups(GradientBoostingClassifier(n_iter_no_change=3), 100)
    assert splits_groups(VotingRegressor([("a", Ridge()), ("b", LassoCV())]), 100)
    assert not splits_groups(MLPRegressor(), 100)
    assert not splits_groups(HistGradientBoostingClassifier(), 50_000)
    assert splits_groups(make_pipeline(StandardScaler(), HistGradientBoostingClassifier()), 50_000)
    assert not splits_groups(make_pipeline(StandardScaler(), LassoCV()), 100)
    assert not splits_groups(TunedLearner(Ridge()), 100)
    assert not splits_groups(TunedLearner(HistGradientBoostingClassifier(early_stopping=True)), 100)


def test_what_keeps_groups_to_itself_splits_those_of_what_it_holds():
    """A search of scikit-learn hands no groups on: a search or a path of penalties inside split them silently."""
    inner = TunedLearner(Ridge(), {"alpha": [1.0]})
    for part in (inner, RidgePath()):
        for holder in (GridSearchCV(part, {}), BaggingRegressor(part), TunedLearner(GridSearchCV(part, {}), {})):
            assert splits_groups(holder, 100)
        for holder in (make_pipeline(StandardScaler(), part), TransformedTargetRegressor(part)):
            assert not splits_groups(holder, 100)
        assert not splits_groups(VotingRegressor([("a", part), ("b", RidgePath())]), 100)
    assert not splits_groups(GridSearchCV(Ridge(), {}), 100)
    assert splits_groups(TunedLearner(MLPRegressor(early_stopping=True)), 100)


@pytest.mark.parametrize("search", [TunedLearner(Ridge(), {}), GridSearchCV(Ridge(), {})], ids=["ours", "theirs"])
def test_splitters_that_know_of_no_groups_are_known(search):
    assert splits_groups(search.set_params(cv=KFold(3)), 100)
    assert not splits_groups(search.set_params(cv=GroupKFold(3)), 100)


def test_a_share_that_is_judged_once_is_of_whole_groups():
    search = TunedThresholdClassifierCV(LogisticRegression(), cv=0.25)
    groups = np.repeat(np.arange(8), 3)
    with whole_groups(search, np.tile([0, 1], 12), groups):
        ((train, test),) = search.cv
    assert len(test) == 6 and not set(groups[train]) & set(groups[test])
    assert search.cv == 0.25
