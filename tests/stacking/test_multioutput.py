import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import MultiOutputStack

LEARNERS = [("linear", LogisticRegression()), ("ridge", Ridge())]


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
        model = MultiOutputStack(learners="fast", strategy=s, cv=4, random_state=0).fit(X[:200], hidden[:200])
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
    model = MultiOutputStack(learners=LEARNERS, tasks={"stars": "regression", "tone": "multiclass"}, cv=3).fit(X, holes)
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
    model = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0).fit(X, Y)
    assert {n: a.shape for n, a in model.predict_interval(X).items()} == {"stars": (160, 2)}
    assert {n: a.shape for n, a in model.predict_set(X).items()} == {"recommended": (160, 2), "tone": (160, 3)}


def test_strange_labels_and_strategies_are_named(reviews):
    X, Y = reviews
    with pytest.raises(ValueError, match="strategy='sideways' is not known"):
        MultiOutputStack(strategy="sideways").fit(X, Y)
    model = MultiOutputStack(learners=LEARNERS, cv=3).fit(X, Y)
    with pytest.raises(ValueError, match="Y has none of the tasks"):
        model.score(X, pd.DataFrame({"other": range(160)}))
