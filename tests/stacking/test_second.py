"""A second layer, and a final estimator that sees features beside the predictions."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor, load, save

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(240, 2)), RNG.normal(size=(240, 1))
VIEWS, SIGN = {"a": A, "b": B}, (A[:, 0] * np.sign(B[:, 0]) > 0).astype(int)
LEARNERS = [("lr", LogisticRegression())]


def part(X, rows):
    return {name: view[rows] for name, view in X.items()}


def test_a_final_estimator_sees_the_views_that_it_is_given_and_is_kept(tmp_path):
    train, test = slice(0, 160), slice(160, None)
    settings = dict(learners=LEARNERS, meta_learner=DecisionTreeClassifier(max_depth=4), cv=3, random_state=0)
    blind = StackedClassifier(**settings).fit(part(VIEWS, train), SIGN[train])
    model = clone(blind.set_params(passthrough=["a", "b"])).fit(part(VIEWS, train), SIGN[train])
    assert model.score(part(VIEWS, test), SIGN[test]) > blind.score(part(VIEWS, test), SIGN[test]) + 0.2
    assert model.learner("meta_learner").n_features_in_ == 2 + 1 + 2  # and what two members say
    assert model.contributions_["y"].sum() == pytest.approx(1) and (model.contributions_["y"] >= 0).all()
    lacking = {"a": A[test], "b": np.full_like(B[test], np.nan)}
    save(model, tmp_path / "m.emm")
    for X in (part(VIEWS, test), lacking):
        proba = model.predict_proba(X)
        np.testing.assert_array_equal(load(tmp_path / "m.emm").predict_proba(X), proba)
        np.testing.assert_allclose(model.compiled().predict_proba(X), proba, atol=1e-6)


def test_a_final_estimator_never_saw_the_rows_that_it_is_judged_by():  # else it says their numbers
    y = RNG.normal(size=120)
    model = StackedRegressor(learners=[("tree", DecisionTreeRegressor())], meta_learner=DecisionTreeRegressor(),
                             passthrough=True, cv=3).fit(A[:120], y)  # fmt: skip
    assert abs(np.corrcoef(model.oof_["y"], y)[0, 1]) < 0.3


class Recorder(LinearRegression):
    def fit(self, X, y):
        self.seen_ = X
        return super().fit(X, y)


def test_a_final_estimator_reads_members_as_if_they_had_not_learned_from_its_fold():  # or labels of noise reach it
    y = np.random.default_rng(1).normal(size=120)  # of one draw in 30 a fold model looks as if it carried labels
    model = StackedRegressor(learners=[("ridge", Ridge())], meta_learner=Recorder(), passthrough="a", cv=4, refit=False)
    model.fit({"a": A[:120]}, y)
    first, last = model.levels_
    (member,), (final,) = first.table.members(), last.table.members()
    for fold, (train, _) in enumerate(model.folds_):
        read = last.models[final][fold].estimator.seen_[:, -1]
        np.testing.assert_allclose(read, first.table.block([member], fold)[train, 0], rtol=1e-5)
        assert np.abs(read - first.table[member][train, 0]).max() > 1e-3


@pytest.mark.parametrize("settings, words", [
    ({"passthrough": ["c"]}, "'c', which is not a view: use some of 'a', 'b'"),
    ({"passthrough": True, "meta_learner": "median"}, "reads predictions"),
    ({"passthrough": True, "layers": 2}, "layers=2 do not go together"),
    ({"passthrough": "a", "prune": 1}, "prune=1 do not go together"),
    ({"layers": 3}, "layers"),
])  # fmt: skip
def test_what_cannot_be_is_told_before_the_fit(settings, words):
    model = StackedClassifier(learners=[("lr", LogisticRegression())], cv=3, **settings)
    for do in (model.fit, model.plan):
        with pytest.raises(ValueError, match=words):
            do(VIEWS, SIGN)


@pytest.mark.parametrize("kind", ["quantile", ("survival", "time", "died")], ids=str)
def test_what_has_a_loss_of_its_own_has_no_final_estimator(kind):
    stack = MultiOutputStack(tasks={"size": kind}, passthrough=True, learners=["linear"], cv=2)
    Y = {"size": A[:, 0]} if kind == "quantile" else {"time": np.abs(A[:, 0]), "died": SIGN}
    with pytest.raises(ValueError, match="'size' of kind .* has none: leave passthrough out"):
        stack.fit(VIEWS, Y)


def test_several_tasks_have_a_final_estimator_each():
    Y = {"sign": SIGN, "sum": A[:, 0] + B[:, 0]}
    learners = [*LEARNERS, ("ridge", Ridge(100))]
    metas = {"sign": DecisionTreeClassifier(max_depth=4), "sum": LinearRegression()}
    model = MultiOutputStack(learners=learners, meta_learner=metas, passthrough=True, cv=3, random_state=0).fit(
        VIEWS, Y
    )
    scores = model.evaluate(VIEWS, Y)
    assert scores.loc["sum", "r2"] > 0.99 and scores.loc["sign", "accuracy"] > 0.85
    with pytest.raises(ValueError, match="fit anew"):
        model.add_learner(VIEWS, Y, ("tree", DecisionTreeRegressor()))


def test_a_second_layer_is_kept_where_it_helps_and_changes_nothing_elsewhere(tmp_path):
    size = np.sign(A[:, 0] + A[:, 1]) + 0.1 * RNG.normal(size=240)  # a step along what the first layer finds
    learners = [("tree", DecisionTreeRegressor(max_depth=2, random_state=0)), ("ridge", Ridge())]
    Y = {"size": size, "line": A[:, 0]}
    settings = dict(learners=learners, meta_learner="greedy", cv=3, random_state=0)
    plain = MultiOutputStack(strategy="independent", **settings).fit(A, Y)
    deep = MultiOutputStack(strategy="independent", layers=2, **settings).fit(A, Y)
    assert deep.strategy_["kept"].to_dict() == {"size": True, "line": False}
    np.testing.assert_array_equal(deep.predict(A)["line"], plain.predict(A)["line"])
    loss = {model: np.mean((model.oof_["size"] - size) ** 2) for model in (plain, deep)}
    assert loss[deep] < 0.8 * loss[plain]
    assert "fits of 4 members that read other tasks or members" in str(deep.plan(A, Y))
    save(deep, tmp_path / "m.emm")
    np.testing.assert_array_equal(load(tmp_path / "m.emm").predict(A), deep.predict(A))
    single = StackedRegressor(layers=2, **settings).fit(A, size)
    assert single.strategy_["kept"].tolist() == [True]
    more = single.add_learner(A, size, ("tall", DecisionTreeRegressor(max_depth=3, random_state=0)))
    old = more.predict_members(A)[single.table_.members()[-1]]
    np.testing.assert_array_equal(old, single.predict_members(A)[single.table_.members()[-1]])


def test_layers_go_with_pruning_and_with_what_other_tasks_say():
    Y = {"size": np.sign(A[:, 0] + A[:, 1]), "line": A[:, 0]}
    learners = [("tree", DecisionTreeRegressor(max_depth=2, random_state=0)), ("ridge", Ridge())]
    model = MultiOutputStack(
        learners=learners, layers=2, prune=2, meta_learner="mean", cv=3, random_state=0, tasks={"size": "regression"}
    )
    for strategy in ("stacked", "chain"):
        model.set_params(strategy=strategy).fit(A, Y)
        assert np.isfinite(model.predict(A)).all(axis=None)
        assert any(member.is_across for member in model.table_.members())
