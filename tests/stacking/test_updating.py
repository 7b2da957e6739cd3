"""New rows for a fitted stack: who learns from them, and what is said of them before."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from ensemble_mm import MultiOutputStack, MultiTaskNetwork, StackedClassifier, StackedRegressor, load, save

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 3))
DRIFTED = np.where(np.arange(240) < 120, X[:, 0], X[:, 1])  # what tells y changes in the middle
OLD, NEW, LATER = slice(0, 120), slice(120, 200), slice(200, None)


@pytest.fixture
def model():
    linear = make_pipeline(StandardScaler(), SGDRegressor(learning_rate="constant", eta0=0.05, random_state=0))
    learners = [("linear", linear), ("ridge", Ridge())]
    return StackedRegressor(learners=learners, meta_learner="mean", cv=3, random_state=0).fit(X[OLD], DRIFTED[OLD])


def test_learners_go_on_and_what_was_said_before_is_out_of_fold(model, tmp_path):
    before = model.predict(X)
    save(model, tmp_path / "old.emm")
    with pytest.warns(UserWarning, match=r"stay as they are, and are weighed anew: learner 'ridge' \(reads 'vector'\)"):
        more = load(tmp_path / "old.emm").update(X[NEW], DRIFTED[NEW])
    np.testing.assert_array_equal(model.predict(X), before)
    np.testing.assert_array_equal(more.table_.values[OLD], model.table_.values)
    np.testing.assert_array_equal(more.table_.values[NEW], model.predict_members(X[NEW]).values)
    assert [len(test) for _, test in more.folds_] == [40, 40, 40, 80] and len(more.oof_["y"]) == 200
    assert more.score(X[LATER], DRIFTED[LATER]) > model.score(X[LATER], DRIFTED[LATER]) + 0.2
    np.testing.assert_array_equal(more.learner("ridge").coef_, model.learner("ridge").coef_)
    assert np.isin(DRIFTED[OLD], more.targets_["y"]).all()
    save(more, tmp_path / "new.emm")
    np.testing.assert_array_equal(load(tmp_path / "new.emm").predict(X), more.predict(X))
    assert len(more.leaderboard()) == 5 and more.predict_interval(X[:2]).shape == (2, 2)


def test_what_cannot_go_on_is_fitted_anew_on_old_and_new_rows(model):
    more = model.update(X[NEW], DRIFTED[NEW], old=X[OLD])
    both = Ridge().fit(X[:200].astype(np.float32), DRIFTED[:200])
    found = more.predict_members(X).to_frame().xs("ridge", axis=1, level="learner").iloc[:, 0]
    np.testing.assert_allclose(found, both.predict(X.astype(np.float32)), atol=0.02)
    with pytest.raises(ValueError, match="old holds other rows than the fit"):
        model.update(X[NEW], DRIFTED[NEW], old=X[NEW])


class Grouped(Ridge):
    def fit(self, X, y, sample_weight=None, groups=None):
        self.groups_ = None if groups is None else len(np.unique(groups))
        return super().fit(X, y, sample_weight)


def test_what_is_fitted_anew_is_told_of_groups():
    groups = np.arange(200) // 4
    model = StackedRegressor(learners=[("ridge", Grouped())], cv=3, random_state=0)
    model.fit(X[OLD], DRIFTED[OLD], groups=groups[OLD])
    more = model.update(X[NEW], DRIFTED[NEW], groups=groups[NEW], old=X[OLD])
    assert more.learner("ridge").groups_ == 50 == len(np.unique(more.groups_))


@pytest.mark.slow
def test_a_network_of_all_tasks_stays_as_it_is():
    pytest.importorskip("torch")
    net = MultiTaskNetwork(max_epochs=2, validation_fraction=0.0)
    Y = pd.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    model = MultiOutputStack(learners=[("net", net, "all")], cv=2, random_state=0).fit(X[OLD], Y[OLD])
    with pytest.warns(UserWarning, match="cannot go on learning stay as they are"):
        model.update(X[NEW], Y[NEW], old=X[OLD])


@pytest.mark.filterwarnings("ignore:Learners that cannot")
@pytest.mark.parametrize("refit", [True, False])
def test_boosting_adds_trees_on_all_classes_or_none(refit):
    y = np.where(X[:, 0] > 0, "up", "down")
    small = {"n_estimators": 10, "n_jobs": 1}
    learners = [("lgb", LGBMClassifier(**small, verbose=-1)), ("xgb", XGBClassifier(**small)), ("sgd", SGDClassifier())]
    model = StackedClassifier(learners=learners, meta_learner="mean", cv=3, refit=refit).fit(X[OLD], y[OLD])
    more = model.update(X[NEW], y[NEW])
    for name, n_trees in (
        ("lgb", lambda m: m.booster_.num_trees()),
        ("xgb", lambda m: m.get_booster().num_boosted_rounds()),
    ):
        found = [[m] if refit else m for m in (model.learner(name), more.learner(name))]
        assert [n_trees(m) for m in found[1]] == [n_trees(m) + 7 for m in found[0]]
    one = model.update(X[NEW][y[NEW] == "up"], ["up"] * int((y[NEW] == "up").sum()))
    assert one.learner("lgb").booster_.num_trees() == 10 if refit else True
    assert more.predict_proba(X).shape == (240, 2)
    with pytest.raises(ValueError, match="'sideways', which was not among its classes"):
        model.update(X[NEW], ["sideways"] * 80)


@pytest.mark.filterwarnings("ignore:Learners that cannot")
def test_tasks_views_and_labels_may_be_missing_in_new_rows():
    Y = {"sign": np.where(X[:, 0] > 0, "up", "down").astype(object), "size": X[:, 1]}
    views = {"a": X[:, :2], "b": X[:, 2:]}
    learners = [("lr", LogisticRegression()), ("sgd", make_pipeline(StandardScaler(), SGDRegressor()))]
    model = MultiOutputStack(learners=learners, meta_learner="greedy", cv=3, random_state=0)
    model.fit({name: view[OLD] for name, view in views.items()}, {name: y[OLD] for name, y in Y.items()})
    late = {"a": X[NEW, :2], "b": np.where(np.arange(80)[:, np.newaxis] < 40, np.nan, X[NEW, 2:])}
    unknown = np.where(np.arange(80) % 2, None, Y["sign"][NEW])
    more = model.update(late, {"sign": unknown, "size": Y["size"][NEW]})
    assert np.isnan(more.targets_["sign"]).sum() == 40
    assert np.isfinite(more.oof_["size"]).all() and len(more.predict(late)) == 80


@pytest.mark.filterwarnings("ignore:Learners that cannot")
@pytest.mark.parametrize("settings", [{"passthrough": True}, {"strategy": "stacked"}], ids=str)
def test_what_predictions_owe_is_told_anew(settings):
    """A final estimator stays as it is, and so do its shares; those of other tasks go with their members' weights."""
    side = X[:, 0] > 0
    learners = [("logistic", LogisticRegression(C=100)), ("ridge", Ridge()), ("weak", Ridge(1000))]
    model = MultiOutputStack(learners=learners, cv=3, random_state=0, **settings)
    model.fit(X[OLD], {"first": side[OLD], "second": 10.0 * side[OLD] + X[OLD, 1]})
    more = model.update(X[NEW], {"first": side[NEW], "second": X[NEW, 0]})
    if "passthrough" in settings:
        assert model.contributions_.drop(index="meta_learner", level="learner").to_numpy().any()
        pd.testing.assert_frame_equal(more.contributions_, model.contributions_)
        pd.testing.assert_frame_equal(more.task_contributions_, model.task_contributions_)
        return
    was, now = (sum(weight for member, weight in stack.levels_[-1].weights("second").items() if member.is_across)
                for stack in (model, more))  # fmt: skip
    assert was > 0 and now != was
    owed = model.task_contributions_["second"] * now / was
    np.testing.assert_allclose(more.task_contributions_["second"], owed)


class Seen(RegressorMixin, BaseEstimator):
    """Remember the rows of the fit, by their labels."""

    def fit(self, X, y):
        self.rows_ = set(y.tolist())
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_what_a_fold_left_out_as_a_gap_stays_out_after_an_update():
    """Rows that a fold neither learns from nor tests, as those between past and future, or after it."""
    rows = np.arange(120.0).reshape(-1, 1)
    settings = {"learners": [("seen", Seen())], "cv": TimeSeriesSplit(3, gap=5), "refit": False}
    model = StackedRegressor(**settings, meta_learner="mean").fit(rows[:100], rows[:100, 0])
    more = model.update(rows[100:], rows[100:, 0], old=rows[:100])
    (models,) = more.levels_[0].models.values()
    for fold, fitted in models.items():
        assert fitted.estimator.rows_ == {*model.folds_[fold][0].astype(float), *rows[100:, 0]}
