import itertools
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import KFold, cross_val_predict, cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ensemble_mm import DataWarning, MultiOutputStack
from ensemble_mm.meta import CostPruner
from ensemble_mm.stacking import _second

LEARNERS = [("linear", LogisticRegression()), ("ridge", Ridge())]
TREES = [("trees", ExtraTreesRegressor(20, min_samples_leaf=2))]


def twins(n=300, seed=0):
    """Four numbers: three that share a cause that is hard to learn, and one of its own."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    cause = np.tanh(X[:, 0] * X[:, 1]) + np.abs(X[:, 2])
    return X, np.c_[cause, cause + 0.1 * rng.normal(size=n), -cause + 0.1 * rng.normal(size=n), X[:, 5]]


@pytest.mark.parametrize("strategy", ["independent", "stacked", "chain"])
def test_every_strategy_predicts_every_task(reviews, strategy):
    X, Y = reviews
    model = MultiOutputStack(learners=LEARNERS, strategy=strategy, cv=3, random_state=0).fit(X[:120], Y[:120])
    out = model.predict(X[120:])
    assert out.columns.tolist() == ["recommended", "stars", "tone"] and (out.index == X.index[120:]).all()
    assert set(model.predict_proba(X)) == {"recommended", "tone"}
    assert model.evaluate(X[120:], Y[120:]).loc["stars", "r2"] > 0.3
    assert np.allclose(model.contributions_.sum(), 1) and (model.contributions_ >= 0).all(axis=None)


def test_views_in_a_dict_are_weighed_by_row(vectors):
    """The length of a dict is the number of its views."""
    X, y = vectors
    data, weight = {"left": X[:, :3], "right": X[:, 3:]}, np.arange(150.0)
    model = MultiOutputStack(learners=LEARNERS, cv=3).fit(data, np.c_[y, -y])
    found = model.evaluate(data, np.c_[y, -y], sample_weight=weight)
    assert found["n"].tolist() == [149, 149] and found["r2"].gt(0.5).all()


def test_unnamed_targets_give_an_array(vectors):
    X, y = vectors
    model = MultiOutputStack(learners=LEARNERS, cv=3).fit(X, np.c_[y, -y])
    assert isinstance(model.predict(X), np.ndarray) and model.predict(X).shape == (150, 2)


@pytest.mark.parametrize("strategy", ["stacked", "chain"])
def test_a_task_with_few_labels_learns_from_its_twins(strategy):
    X, Y = twins()
    hidden = Y.copy()
    hidden[50:200, 0] = np.nan
    error = {}
    for s in ("independent", strategy):
        model = MultiOutputStack(learners=TREES, strategy=s, cv=4, random_state=0).fit(X[:200], hidden[:200])
        error[s] = np.mean((model.predict(X[200:])[:, 0] - Y[200:, 0]) ** 2)
    assert error[strategy] < error["independent"]
    assert model.strategy_["kept"].any() and model.task_contributions_["y0"].sum() > 0


def test_the_guard_leaves_an_unrelated_task_alone():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    Y = np.c_[X[:, 0], rng.normal(size=200)]
    model = MultiOutputStack(learners=LEARNERS, cv=4, random_state=0).fit(X, Y)
    assert not model.strategy_["kept"].any() and (model.task_contributions_ == 0).all(axis=None)


def test_unknown_labels_count_in_nothing(reviews):
    X, Y = reviews
    holes = Y.astype(object).mask(np.random.default_rng(0).random(Y.shape) < 0.3)
    tasks = {"stars": "regression", "tone": "multiclass"}
    model = MultiOutputStack(**SMALL | {"strategy": "stacked"}, tasks=tasks).fit(X, holes)
    assert not model.predict(X).isna().any(axis=None)
    assert model.evaluate(X, holes)["n"].tolist() == holes.notna().sum().tolist()
    assert np.isfinite(model.table_.values).all()  # rows without a label have estimates too


def test_weights_may_differ_by_task(vectors):
    X, y = vectors
    Y = np.c_[y, y]
    weight = np.ones((150, 2))
    weight[75:, 1] = 0
    model = MultiOutputStack(learners=[("ridge", Ridge())], strategy="independent", cv=3, random_state=0)
    out = model.fit(X, Y, sample_weight=weight)
    assert np.isnan(out.targets_["y1"][75:]).all() and np.isfinite(out.targets_["y0"]).all()
    with pytest.raises(ValueError, match=r"sample_weight has shape \(150, 3\)"):
        model.fit(X, Y, sample_weight=np.ones((150, 3)))
    with pytest.raises(ValueError, match="sample_weight is not an array of numbers: give "):
        model.fit(X, Y, sample_weight=[[1.0, 2.0], [1.0]])


def test_settings_by_task_and_kind(reviews):
    X, Y = reviews
    model = MultiOutputStack(
        learners={"classification": LEARNERS[:1], "stars": LEARNERS[1:]},
        meta_learner={"tone": "mean", "stars": "simplex"}, calibration={"tone": "temperature"}, cv=3,
    ).fit(X, Y)  # fmt: skip
    assert type(model.meta_learners_["tone"]).__name__ == "MeanClassifier"
    assert type(model.meta_learners_["stars"]).__name__ == "SimplexRegressor"
    assert set(model.calibrators_) == {"tone"}
    with pytest.raises(ValueError, match="learners has no entry for task 'recommended'"):
        MultiOutputStack(learners={"tone": LEARNERS}).fit(X, Y)


def test_intervals_and_sets_are_given_by_task(reviews):
    X, Y = reviews
    model = MultiOutputStack(**SMALL).fit(X, Y)
    assert {n: a.shape for n, a in model.predict_interval(X).items()} == {"stars": (160, 2)}
    assert {n: a.shape for n, a in model.predict_set(X).items()} == {"recommended": (160, 2), "tone": (160, 3)}


def test_strange_labels_and_strategies_are_named(reviews):
    X, Y = reviews
    with pytest.raises(ValueError, match="'strategy' parameter .* Got 'sideways'"):
        MultiOutputStack(strategy="sideways").fit(X, Y)
    model = MultiOutputStack(**SMALL).fit(X, Y)
    with pytest.raises(ValueError, match="Y has none of the tasks"):
        model.score(X, pd.DataFrame({"other": range(160)}))


@pytest.mark.parametrize("strategy", ["stacked", "chain"])
def test_the_order_of_the_tasks_does_not_matter(strategy):
    X, Y = twins(90)
    names, others = list("abc"), list("cab")
    Y = pd.DataFrame(Y[:, 1:], columns=names)
    learners = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]
    one, two = (
        MultiOutputStack(learners=learners, strategy=strategy, cv=KFold(3), random_state=0).fit(X, Y[order])
        for order in (names, others)
    )
    np.testing.assert_allclose(two.predict(X)[names], one.predict(X), atol=1e-8)
    pd.testing.assert_frame_equal(two.strategy_.loc[names], one.strategy_)
    pd.testing.assert_frame_equal(two.task_contributions_.loc[names, names], one.task_contributions_)


def test_task_contributions_tell_the_twin_from_the_unrelated_task():
    rng = np.random.default_rng(0)
    X, Y = twins()
    Y = pd.DataFrame({"few": Y[:, 0], "twin": Y[:, 1], "unrelated": rng.normal(size=300)})
    Y.loc[60:, "few"] = np.nan
    for refit in (True, False):
        model = MultiOutputStack(learners=TREES, cv=4, refit=refit, random_state=0).fit(X, Y)
        given = model.task_contributions_["few"]
        assert given["twin"] > 5 * given["unrelated"] and given["few"] == 0
        weights = model.contributions_["few"]
        assert given.sum() <= weights[weights.index.get_level_values("reads") == "all+tasks"].sum() + 1e-12


def test_weights_count_in_metrics_and_rows_of_weight_zero_do_not(vectors):
    X, y = vectors
    Y = pd.DataFrame({"number": y, "sign": np.where(y > 0, "p", "n")})
    model = MultiOutputStack(learners=LEARNERS, strategy="independent", cv=3, random_state=0).fit(X, Y)
    weight = np.zeros((150, 2))
    weight[:60, 0], weight[30:80, 1] = 1, 2
    found = model.evaluate(X, Y, sample_weight=weight)
    pd.testing.assert_series_equal(found.loc["number"], model.evaluate(X[:60], Y[:60]).loc["number"])
    pd.testing.assert_series_equal(found.loc["sign"], model.evaluate(X[30:80], Y[30:80]).loc["sign"])
    assert model.score(X, Y, weight) == (found.loc["number", "r2"] + found.loc["sign", "accuracy"]) / 2


def test_the_guard_weighs_rows():
    X, Y = twins(120)
    weight = np.random.default_rng(0).integers(1, 3, size=120)
    settings = {"learners": [("ridge", Ridge())], "random_state": 0}
    twice = np.repeat(np.arange(120), weight)
    folds = [(np.flatnonzero(np.arange(120) % 3 != f), np.flatnonzero(np.arange(120) % 3 == f)) for f in range(3)]
    repeated = [tuple(np.flatnonzero(np.isin(twice, part)) for part in fold) for fold in folds]
    one = MultiOutputStack(cv=folds, meta_learner="simplex", **settings).fit(X, Y, sample_weight=weight)
    two = MultiOutputStack(cv=repeated, meta_learner="simplex", **settings).fit(X[twice], Y[twice])
    np.testing.assert_allclose(one.strategy_["gain"], two.strategy_["gain"], rtol=1e-3)


def test_settings_by_kind_reach_every_part_and_unknown_names_are_told(reviews):
    X, Y = reviews
    settings = {"learners": LEARNERS, "cv": 3, "strategy": "independent", "random_state": 0}
    model = MultiOutputStack(
        calibration={"binary": "isotonic", "classification": "temperature"}, prune={"regression": 1},
        scoring={"classification": "accuracy"}, **settings,
    ).fit(X, Y)  # fmt: skip
    assert {name: type(c).__name__ for name, c in model.calibrators_.items()} == {
        "recommended": "IsotonicCalibrator", "tone": "TemperatureCalibrator",
    }  # fmt: skip
    assert (model.contributions_["stars"] > 0).sum() == 1
    assert model.meta_learners_["tone"].scoring == "accuracy" and model.meta_learners_["stars"].scoring is None
    for parameter in ("meta_learner", "scoring", "prune", "calibration"):
        with pytest.raises(ValueError, match=f"{parameter} has an entry for 'tune', which is neither a task"):
            MultiOutputStack(**{parameter: {"tune": None}}, **settings).fit(X, Y)
    with pytest.raises(ValueError, match="calibration='platt' is not known"):
        MultiOutputStack(calibration={"tone": "platt"}, **settings).fit(X, Y)


def test_a_selector_is_told_the_seconds_that_members_take(vectors, monkeypatch):
    """On a clock of its own, where a second passes at every look."""
    seconds = itertools.count()
    monkeypatch.setattr("ensemble_mm.crossfit._jobs.time", SimpleNamespace(perf_counter=lambda: next(seconds)))

    class Slow(Ridge):
        def predict(self, X):
            for _ in range(100):
                next(seconds)
            return super().predict(X)

    X, y = vectors
    learners = [("slow", Slow()), ("quick", Ridge())]  # of equals the cheapest is kept
    model = MultiOutputStack(learners=learners, prune=CostPruner(), cv=3, random_state=0, strategy="independent")
    model.fit(X, np.c_[y, -y])
    assert {member.learner for member in model.levels_[0].used()} == {"quick"}


def test_auto_takes_back_members_that_a_task_cannot_do_without(vectors):
    """Half of two members is one; the task needs both, so both stay."""
    X, y = vectors
    learners = [("ridge", Ridge(), "left"), ("other", Ridge(), "right")]
    data = {"left": X[:, :1], "right": X[:, 1:2]}
    model = MultiOutputStack(learners=learners, prune="auto", meta_learner="simplex", cv=3, strategy="independent")
    both = X[:, 0] + X[:, 1]
    assert (model.fit(data, np.c_[both, both]).contributions_ > 0).all(axis=None)
    one = X[:, 0] + 1e-3 * X[:, 1]
    assert (model.fit(data, np.c_[one, one]).contributions_ > 0).sum().tolist() == [1, 1]


class Bound(ClassifierMixin, BaseEstimator):
    """Knows its view: three columns, no more."""

    def fit(self, X, y):
        assert X.shape[1] == 3, "these are not my columns"
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts / counts.sum()
        return self

    def predict_proba(self, X):
        return np.tile(self.shares_, (len(X), 1))

    def predict(self, X):
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


def across(model, task):
    """Return {learner: views} of the second level of a task."""
    return {m.learner: m.views for m in model.levels_[-1].table.members(task) if m.inputs}


@pytest.fixture
def helped(vectors):
    """Two views, and two tasks of which the second is all that the first one needs."""
    X, y = vectors
    return {"a": X[:, :3], "b": X[:, 3:]}, pd.DataFrame({"sign": y > 0, "value": y})


@pytest.mark.parametrize("strategy", ["stacked", "chain"])
def test_the_second_level_keeps_to_the_reads_and_takes_learners_that_can(helped, strategy):
    """A learner that is bound to its view ended the fit after the whole first level."""
    data, Y = helped
    listed = [("m", Bound(), ["a"]), ("n", Bound(), ["a"]), ("x", LogisticRegression(), ["b"]), ("y", Ridge(), ["a"])]
    found = []
    for learners in (listed, listed[::-1]):
        model = MultiOutputStack(learners=learners, strategy=strategy, cv=3, random_state=0)
        with pytest.warns(UserWarning, match="Left out.*'m'.*not my columns"):
            model.fit(data, Y)
        assert model.strategy_.loc["sign", "kept"] and across(model, "sign") == {"x": ("b",)}
        found.append(model.predict_proba(data)["sign"])
    np.testing.assert_allclose(*found)


def test_a_second_level_is_tried_where_others_tell_something_of_the_errors():
    """It took a third of each fit of several tasks."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    tells = X[:, 0] * X[:, 1]
    Y = pd.DataFrame({"least": tells + rng.normal(size=300), "more": 3 * tells, "other": X[:, 2]})
    learners = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=8, random_state=0))]
    model = MultiOutputStack(learners=learners, cv=3, random_state=0)
    assert "fit across tasks" not in model.fit(X, Y[["more", "other"]]).fit_report_.index
    tried = model.fit(X, Y).strategy_["standard_error"].notna()
    assert tried["least"] and not tried["other"]


def test_where_no_learner_can_the_second_level_is_left_out_with_a_word(helped, monkeypatch):
    data, Y = helped
    monkeypatch.setattr(_second, "promising", lambda *given: dict.fromkeys((None, 0, 1, 2), ["sign"]))
    model = MultiOutputStack(learners=[("m", Bound(), ["a"])], cv=3)
    with pytest.warns(UserWarning) as told:
        model.fit(data, Y[["sign"]].assign(other=Y["sign"]))
    assert len(model.levels_) == 1 and any("'stacked' had no effect" in str(one.message) for one in told)


@pytest.mark.parametrize("strategy", ["independent", "stacked", "chain"])
def test_a_plan_lists_what_the_fit_does(helped, strategy, monkeypatch):
    """The second level, the meta-learners and calibration were not in it."""
    data, Y = helped
    monkeypatch.setattr(_second, "promising", lambda *given: dict.fromkeys((None, 0, 1, 2), [*Y]))
    learners = [("linear", LogisticRegression()), ("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2))]
    model = MultiOutputStack(learners=learners, strategy=strategy, cv=3, calibration="temperature", random_state=0)
    plan = model.plan(data, Y)
    report = model.fit(data, Y).fit_report_["jobs"]
    across = [fit for fit in plan.fits if fit.member.inputs]
    assert len(plan.fits) - len(across) == report["fit"] == 4 * 6
    assert len(across) == report.get("fit across tasks", 0) and bool(across) is (strategy != "independent")
    assert len(plan.meta_learners) == report["meta"] == 2 * 4 * (1 if strategy == "independent" else 2)
    words = ["temperature calibration of task 'sign'", "prediction sets of task 'sign'"]
    assert list(plan.calibrations) == [*words, "prediction intervals of task 'value'"]
    words = str(plan)
    assert ("that read other tasks" in words) is bool(across)
    assert f"{len(plan.meta_learners)} meta-learner fits, {', '.join(plan.calibrations)}" in words
    assert repr(plan) == words
    assert model.plan(data, Y, measure=True).seconds["fit"] > 0


SMALL = {"learners": LEARNERS, "cv": 3, "strategy": "independent", "meta_learner": "mean", "random_state": 0}


def test_flags_without_names_are_predicted_as_flags(vectors):
    X, y = vectors
    Y = np.c_[y > 0, X[:, 2] > 0]
    model = MultiOutputStack(**SMALL).fit(X, Y)
    assert model.predict(X).dtype == bool and accuracy_score(Y, model.predict(X)) > 0.5
    assert cross_val_score(model, X, Y, scoring="accuracy", error_score="raise", cv=3).min() > 0.3


def test_columns_of_rows_of_labels_and_numbers_come_back_as_they_are(vectors):
    X, y = vectors
    Y = [["up" if v > 0 else "down", int(v > 1), v] for v in y]
    predicted = MultiOutputStack(**SMALL).fit(X, Y).predict(X)
    assert [type(value) for value in predicted[0]] == [str, int, float]
    assert set(predicted[:, 0]) == {"up", "down"} and set(predicted[:, 1]) == {0, 1}


def test_lists_of_tags_are_learnt_predicted_and_judged(vectors):
    X, y = vectors
    tags = [[tag for tag, here in (("big", v > 0), ("red", x > 0)) if here] for v, x in zip(y, X[:, 2], strict=True)]
    Y = pd.DataFrame({"tags": tags, "size": y})
    Y.loc[3, "tags"] = None
    model = MultiOutputStack(**SMALL).fit(X, Y)
    predicted = model.predict(X)
    assert predicted.columns.tolist() == ["tags", "size"] and model.classes_["tags"].tolist() == ["big", "red"]
    proba = model.predict_proba(X)["tags"]
    assert predicted["tags"].tolist() == [list(np.array(["big", "red"])[row > 0.5]) for row in proba]
    assert (model.predict_set(X)["tags"] >= (proba > 0.95)).all()  # tags that there may be
    assert model.predict(X, abstain=0.99)["tags"].isna().any()
    found = model.evaluate(X, Y)
    assert found["n"].to_dict() == {"tags": 149, "tags=big": 149, "tags=red": 149, "size": 150}
    assert found.loc["tags=red", "accuracy"] > 0.8
    truth, said = ([[tag in row for tag in ("big", "red")] for row in column.drop(3)]
                   for column in (Y["tags"], predicted["tags"]))  # fmt: skip
    for average in ("macro", "micro"):
        assert found.loc["tags", f"f1_{average}"] == pytest.approx(f1_score(truth, said, average=average))
    assert found.loc["tags", "log_loss"] == pytest.approx(found["log_loss"][["tags=big", "tags=red"]].mean())
    assert model.score(X, Y) == pytest.approx((found.loc["tags", "f1_macro"] + found.loc["size", "r2"]) / 2)
    assert model.score(X, predicted) == 1
    assert np.isfinite(cross_val_score(model, X, Y, cv=3, error_score="raise")).all()


def test_texts_that_are_declared_to_be_label_sets_are_as_lists(vectors):
    X, y = vectors
    lists = [["big"] * int(v > 0) + ["red"] * int(x > 0) for v, x in zip(y, X[:, 2], strict=True)]
    fitted = [
        MultiOutputStack(**SMALL, tasks={"tags": "labels"}, threshold={"tags": "f1"}).fit(
            X, pd.DataFrame({"tags": tags})
        )
        for tags in (lists, ["|".join(row) or "[]" for row in lists])
    ]
    assert fitted[0].predict(X).equals(fitted[1].predict(X)) and len(fitted[0].thresholds_) == 2


def test_settings_by_kind_know_label_sets_too(vectors):
    X, y = vectors
    Y = pd.DataFrame({"tags": [["big"] * int(v > 0) + ["red"] * int(x > 0) for v, x in zip(y, X[:, 2], strict=True)],
                      "side": X[:, 1] > 0, "size": y})  # fmt: skip
    learners = {"labels": [("tree", DecisionTreeClassifier(max_depth=2))], "classification": ["linear"]}
    learners["regression"] = learners["classification"]
    settings = {"learners": learners, "threshold": {"labels": "f1"}, "task_weight": {"labels": 0}, "cv": {"labels": 2}}
    model = MultiOutputStack(**(SMALL | settings | {"strategy": "independent"})).fit(X, Y)
    assert list(model.thresholds_) == ["tags=big", "tags=red"] and len(model.folds_["tags=big"]) == 2
    assert {m.learner for m in model.table_.members("tags=red")} == {"tree"}
    assert {m.learner for m in model.table_.members("side")} == {"linear"}
    found = model.evaluate(X, Y)
    assert model.score(X, Y) == pytest.approx((found.at["side", "accuracy"] + found.at["size", "r2"]) / 2)


def test_tasks_count_in_the_score_as_their_weights_say(vectors):
    X, y = vectors
    Y = pd.DataFrame({"number": y, "noise": np.random.default_rng(0).normal(size=len(y)), "sign": y > 0})
    model = MultiOutputStack(**SMALL, task_weight={"number": 3, "binary": 0.5}).fit(X, Y)
    number, noise, sign = (model.evaluate(X, Y).at[name, metric] for name, metric in
                           (("number", "r2"), ("noise", "r2"), ("sign", "accuracy")))  # fmt: skip
    assert model.score(X, Y) == pytest.approx((3 * number + noise + 0.5 * sign) / 4.5)
    assert model.set_params(task_weight={"number": 0, "noise": 0}).score(X, Y) == pytest.approx(sign)
    for wrong, words in [
        ({"numbr": 1}, "'numbr', which is neither a task.*mean 'number'"),
        ({"number": -1}, "numbers from 0 on"),
    ]:
        with pytest.raises(ValueError, match=words):
            MultiOutputStack(**SMALL, task_weight=wrong).fit(X, Y)


def test_y_of_another_shape_is_told_in_score_and_evaluate(vectors):
    X, y = vectors
    model = MultiOutputStack(**SMALL).fit(X, np.c_[y, -y])
    named = MultiOutputStack(**SMALL).fit(X, pd.DataFrame({"up": y, "down": -y}))
    assert named.score(X, pd.DataFrame({"down": -y, "up": y})) == named.score(X, np.c_[y, -y])
    for method in (model.score, model.evaluate, named.score, named.evaluate):
        for wrong in (y, np.c_[y, y, y]):
            with pytest.raises(ValueError, match=r"but the model has 2 tasks, '(y0', 'y1|up', 'down)'"):
                method(X, wrong)
        with pytest.raises(ValueError, match="X has 150 rows, task '(y0|up)' has 149 labels"):
            method(X, np.c_[y, -y][1:])


def test_classes_are_given_by_task_and_out_of_fold_probabilities_without_scikit_learn(reviews):
    X, Y = reviews
    model = MultiOutputStack(**SMALL).fit(X, Y)
    proba = model.predict_proba(X)
    assert {name: list(c) for name, c in model.classes_.items()} == {"recommended": ["no", "yes"],
                                                                     "tone": [0, 1, 2]}  # fmt: skip
    assert {name: len(c) for name, c in model.classes_.items()} == {name: p.shape[1] for name, p in proba.items()}
    assert not hasattr(MultiOutputStack(), "classes_")
    with pytest.raises(AttributeError, match="`classes_` of MultiOutputStack is a dict by task.*`oof_`"):
        cross_val_predict(model, X, Y[["recommended", "tone"]], cv=2, method="predict_proba")


@cache
def predicted_as(name, strategy, folder=None):
    """Fit two tasks, of which the first has a name; return the model, X, Y and the predictions of the first."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(100, 4))
    Y = pd.DataFrame({name: X[:, 0] + 0.3 * rng.normal(size=100), "hit@10": X[:, 0] > 0})
    model = MultiOutputStack(**SMALL | {"strategy": strategy, "cv": 2}, checkpoint=folder).fit(X, Y)
    return model, X, Y, model.predict(X)


@pytest.mark.parametrize(
    "name", ["hit@5", "cv", "learners", "regression", "n", "ensemble", "0", "a/b", "a=b", "x__y", "é"]
)
@pytest.mark.parametrize("strategy", ["stacked", "chain"])
def test_a_task_may_have_any_name(name, strategy, tmp_path):
    model, X, Y, predicted = predicted_as(name, strategy, tmp_path)
    assert predicted.columns.tolist() == [name, "hit@10"] and model.score(X, Y) > 0.8
    assert set(model.plan(X, Y).problem.tasks) == {name, "hit@10"}
    *_, other = predicted_as("one", strategy)
    np.testing.assert_allclose(predicted[name], other["one"], atol=0.2)


def test_what_a_person_should_know_of_the_data_comes_in_one_warning(vectors):
    X, y = vectors
    data = pd.DataFrame(X[:, :2], columns=["a", "b"]).assign(item=[f"{i:06d}" for i in range(150)])
    Y = pd.DataFrame({"price": [f"{v:.2f}" for v in y], "kind": np.where(y > 0, "up", "down"), "other": "x"})
    Y.loc[:1, "other"] = ["once", "y"]
    Y.loc[2:80, "other"] = "y"
    with pytest.warns(DataWarning) as told:
        MultiOutputStack(**SMALL).fit(data, Y, groups=np.arange(150) // 2)
    (words,) = [str(one.message) for one in told if issubclass(one.category, DataWarning)]
    assert all(
        part in words for part in ("'price' holds numbers as text", "'item'", "class 'once' has no training row")
    )
