"""Tasks may have folds of their own: each is judged on its own, and features that are the same are made once."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit
from sklearn.tree import DecisionTreeRegressor

import ensemble_mm as em
from ensemble_mm._inner_folds import folds_of
from ensemble_mm.data import resolve_targets
from ensemble_mm.stacking._by_folds import folds_by_task

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(120, 3)), columns=list("abc"))
Y = pd.DataFrame({"side": np.where(X["a"] > 0, "left", "right"), "size": X["b"] + RNG.normal(size=120) / 3,
                  "cost": X["b"] - X["c"]})  # fmt: skip
LEARNERS = [("lr", LogisticRegression()), ("ridge", Ridge())]
SETTINGS = {"learners": LEARNERS, "meta_learner": "mean", "random_state": 0}


@pytest.fixture(scope="module")
def model():
    return em.MultiOutputStack(cv={"side": 4, "regression": KFold(3)}, **SETTINGS).fit(X, Y)


def test_each_task_has_its_folds_and_is_judged_on_them(model, tmp_path):
    assert {name: len(folds) for name, folds in model.folds_.items()} == {"side": 4, "size": 3, "cost": 3}
    np.testing.assert_array_equal(model.folds_["size"][0][1], np.arange(40))
    assert len(folds_of(model.folds_)) == 7 and list(model.tasks_) == list(Y)
    alone = em.StackedRegressor(learners=LEARNERS[1:], cv=KFold(3), meta_learner="mean", random_state=0)
    alone.fit(X, Y["size"])
    both = em.MultiOutputStack(cv=KFold(3), **SETTINGS).fit(X, Y[["size", "cost"]])
    np.testing.assert_allclose(model.oof_["size"], both.oof_["size"])
    np.testing.assert_allclose(model.predict(X)["size"].astype(float), both.predict(X)["size"])
    scores = model.cv_results_.set_index("task")
    assert scores.loc["side", "fold_3"].notna().all() and scores.loc[["size"], "fold_3"].isna().all()
    board, other = (m.leaderboard().query("task == 'size' and learner == 'ensemble'") for m in (model, both))
    assert board["score"].item() == pytest.approx(other["score"].item())
    em.save(model, tmp_path / "m.emm")
    again = em.load(tmp_path / "m.emm")
    pd.testing.assert_frame_equal(again.predict(X), model.predict(X))
    assert again.folds_["side"][0][1].tolist() == model.folds_["side"][0][1].tolist()
    assert list(model.strategy_.index) == list(Y) == list(model.task_contributions_.columns)


def test_tasks_that_share_folds_read_each_other_and_no_others():
    twin = Y.assign(twin=Y["size"] * 2 + RNG.normal(size=120) / 20)
    learners = [("tree", DecisionTreeRegressor(max_depth=3, random_state=0)), ("lr", LogisticRegression())]
    model = em.MultiOutputStack(learners=learners, cv={"side": 4, "twin": 3, "size": 3, "cost": 4}, random_state=0)
    model.fit(X, twin)
    reads = {m.task: {e.task for e in m.inputs} for level in model.levels_ for m in level.models if m.inputs}
    assert all(reads.get(name, set()) <= {"size", "twin"} for name in ("size", "twin"))
    assert all(reads.get(name, set()) <= {"side", "cost"} for name in ("side", "cost"))


def test_equal_settings_are_one_fit_and_others_use_what_is_there():
    tasks = resolve_targets(Y)[0]
    assert [names for _, names in folds_by_task({"side": KFold(3), "size": KFold(3)}, tasks)] == [
        ["side", "size"], ["cost"]
    ]  # fmt: skip
    assert len(folds_by_task({"side": 5}, tasks)) == 1
    thirds = np.arange(3000) % 3  # whose repr is that of its ends
    other = np.r_[thirds[:10], thirds[10:-10][::-1], thirds[-10:]]
    both = {"side": PredefinedSplit(thirds), "size": PredefinedSplit(other), "cost": KFold(3).split(thirds)}
    assert len(folds_by_task(both, tasks)) == 3
    assert len(folds_by_task({name: list(KFold(3).split(thirds)) for name in Y}, tasks)) == 1
    same = em.MultiOutputStack(cv={"side": 5}, **SETTINGS).fit(X, Y)
    assert isinstance(same.folds_, list) and len(same.folds_) == 5


class Counting(em.TabularExtractor):
    read: list = []

    def fit_transform(self, X, y=None, **fit_params):
        self.read.append(len(X))
        return super().fit_transform(X, y, **fit_params)


def test_features_that_are_the_same_in_several_folds_are_made_once():
    Counting.read.clear()
    views = [("t", Counting(), list("abc"))]
    em.MultiOutputStack(views=views, cv={"side": KFold(2), "size": KFold(3), "cost": KFold(3)}, **SETTINGS).fit(X, Y)
    assert sorted(Counting.read) == [60, 60, 80, 80, 80, 120]  # all rows, for the models of new rows, once


def test_what_cannot_be_kept_in_a_cache_is_made_again(tmp_path):
    class Local(em.TabularExtractor):
        pass

    views = [("t", Local(), list("abc"))]
    model = em.MultiOutputStack(views=views, cv={"side": 2, "size": 3, "cost": 3}, **SETTINGS).fit(X, Y)
    assert len(model.predict(X)) == 120


def test_a_plan_counts_all_folds(model):
    plan = em.MultiOutputStack(**model.get_params(deep=False)).plan(X, Y)
    assert len(plan.folds) == 7 and {m.task for m in plan.members} == set(Y)
    assert len([fit for fit in plan.fits if fit.member.task == "side"]) == 5
    assert "120 rows, 4 folds of 'side'; 3 folds of 'size', 'cost'" in str(plan)


def test_a_trial_measures_the_fits_of_all_folds():
    def measured(cv, tasks):
        return em.MultiOutputStack(cv=cv, **SETTINGS).plan(X, Y[tasks], measure=True)

    both, side, size = measured({"side": 2, "size": 3}, ["side", "size"]), measured(2, ["side"]), measured(3, ["size"])
    assert both.bytes == side.bytes + size.bytes
    assert both.seconds.keys() == side.seconds.keys() == size.seconds.keys()


def test_groups_may_be_kept_by_the_folds_of_one_task():
    groups = np.repeat(np.arange(30), 4)
    model = em.MultiOutputStack(cv={"side": GroupKFold(3), "regression": KFold(3)}, **SETTINGS)
    model.fit(X, Y, groups=groups)
    assert all(not {*groups[a]} & {*groups[b]} for a, b in model.folds_["side"])


def test_what_needs_shared_folds_is_refused(model):
    for change in (
        lambda: model.add_task(X, Y[["side"]].rename(columns={"side": "more"})),
        lambda: model.update(X, Y),
        lambda: model.add_learner(X, Y, ("ridge2", Ridge(9))),
    ):
        with pytest.raises(ValueError, match="have folds of their own"):
            change()
    with pytest.raises(ValueError, match="cv has an entry for 'sizes', which is neither a task.*mean 'size'"):
        em.MultiOutputStack(cv={"sizes": 3}, **SETTINGS).fit(X, Y)
    with pytest.raises(ValueError, match="strategies are compared on the same folds"):
        em.compare_strategies(X, Y, cv={"size": 3}, **SETTINGS)
    with pytest.raises(ValueError, match="is a dict, which tells the folds of single tasks of a MultiOutputStack"):
        em.StackedRegressor(cv={"size": 3}, learners=LEARNERS[1:]).fit(X, Y["size"])


def test_what_should_be_known_of_the_data_is_told_once():
    named = X.assign(item=[f"{i:06d}" for i in range(120)])
    with pytest.warns(em.DataWarning) as told:
        em.MultiOutputStack(cv={"side": 4, "size": 3}, **SETTINGS).fit(named, Y[["side", "size"]])
    assert "\n".join(str(one.message) for one in told).count("item: left out as an identifier") == 1
