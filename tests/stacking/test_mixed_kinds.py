"""One fit of all kinds of tasks, with unknown labels and missing views, under each feature that might forget a kind."""

import pickle

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge

import ensemble_mm as em

KINDS = {
    "death": ("survival", "time", "event"), "order": ("ranking", "grade", "query"), "tags": "labels",
    "claims": ("count", "n", "years"), "level": "ordinal", "price": "quantile",
}  # fmt: skip
LEARNERS = [
    ("gbm", LGBMRegressor(n_estimators=8, num_leaves=4, verbose=-1)), ("ridge", Ridge()),
    ("boosted", LGBMClassifier(n_estimators=8, num_leaves=4, verbose=-1)), ("linear", LogisticRegression(max_iter=500)),
]  # fmt: skip
N = 150


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    words = "silk wool torn worn neat fine".split()
    X = pd.DataFrame({
        "note": [" ".join(rng.choice(words, 5)) for _ in range(N)], "size": rng.normal(20, 6, N),
        "site": rng.choice(["north", "south", "east"], N),
    })  # fmt: skip
    good = (X["size"] - 20) / 6 + X["note"].str.count("silk") - X["note"].str.count("torn") + (X["site"] == "north")
    time, ended, years = rng.exponential(np.exp(-good / 2) * 10), rng.exponential(15, N), rng.gamma(2, 1, N) + 0.2
    Y = pd.DataFrame({
        "time": np.minimum(time, ended), "event": (time <= ended).astype(float),
        "n": rng.poisson(np.exp(good / 3) * years),
        "grade": np.digitize(good + rng.normal(size=N) / 2, [-1, 0, 1, 2]).astype(float),
        "query": np.arange(N) // 6, "years": years, "price": np.exp(good / 2 + rng.normal(size=N) / 4),
        "level": pd.Categorical.from_codes(np.digitize(good, [-0.5, 1]), ["low", "mid", "high"], ordered=True),
        "kind": np.where(good + rng.normal(size=N) / 2 > 0.5, "yes", "no"),
    })  # fmt: skip
    Y["tags"] = [[tag for tag, low in (("a", 0), ("b", 1), ("c", -1)) if g + rng.normal() / 2 > low] for g in good]
    X.loc[rng.random(N) < 0.2, "note"] = None
    X.loc[rng.random(N) < 0.2, ["size", "site"]] = None
    for names in (["time", "event"], ["grade"], ["n"], ["price"], ["level"], ["kind"], ["tags"]):
        unknown = rng.random(N) < 0.2
        for name in names:
            Y[name] = Y[name].mask(unknown)
    return X, Y


def fitted(X, Y, **settings):
    given = {"learners": LEARNERS, "cv": 3, "random_state": 0, "tasks": KINDS}
    return em.MultiOutputStack(**given | settings).fit(X, Y)


def check(model, X, Y, folder):
    """A model predicts the same alone, from a file and from a pickle, and tells of all its tasks."""
    out = model.predict(X)
    em.save(model, folder / "m.emm")
    for other in (em.load(folder / "m.emm"), pickle.loads(pickle.dumps(model))):
        pd.testing.assert_frame_equal(other.predict(X), out)
    assert {*model.leaderboard()["task"]} == {*model.tasks_} and model.summary(X, Y).count("\n") == len(
        model.tasks_
    ) - 1
    assert np.isfinite(model.score(X, Y)) and {*model.tasks_} <= {*model.evaluate(X, Y).index}
    assert {*model.predict_interval(X)} == {"claims", "price", "death"}
    assert {*model.predict_set(X)} == {"tags", "level", "kind", "order"}
    assert not out.drop(columns="tags").isna().to_numpy().any()


SETTINGS = {
    "chain": {"strategy": "chain", "missing_indicator": True, "calibration": "isotonic"},
    "layers": {"layers": 2, "prune": 2},
    "weights": {"meta_learner": {"gbm": 2, "ridge": 1, "boosted": 1, "linear": 1}, "strategy": "independent"},
    "classes": {"class_weight": "balanced", "threshold": "balanced_accuracy"},
    "folds": {"cv": {"price": 4, "kind": 2}},
}


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_all_kinds_in_one_fit(data, settings, tmp_path):
    X, Y = data
    check(fitted(X, Y, **settings), X, Y, tmp_path)


@pytest.mark.slow
def test_all_kinds_with_weights_and_a_portfolio(data):
    X, Y = data
    weight = np.random.default_rng(1).exponential(size=N)
    model = clone(fitted(X, Y)).set_params(learners="fast").fit(X, Y, sample_weight=weight)
    assert np.isfinite(model.score(X, Y, sample_weight=weight))


@pytest.mark.slow
def test_all_kinds_go_on(data, tmp_path):
    X, Y = data
    some = slice(0, 120)  # whole queries
    model = fitted(X[some], Y[some])
    for old in (None, X[some]):
        check(model.update(X[120:], Y[120:], old=old), X, Y, tmp_path)
    check(model.add_learner(X[some], Y[some], ("more", Ridge(9.0))), X, Y, tmp_path)
    kept = fitted(X, Y[["kind"]], tasks={})
    rest = {name: kind for name, kind in KINDS.items() if name != "order"}
    more = kept.add_task(X, Y.drop(columns=["kind", "grade", "query"]), tasks=rest)
    np.testing.assert_array_equal(more.predict_proba(X)["kind"], kept.predict_proba(X)["kind"])


@pytest.mark.slow
def test_all_kinds_as_nullable_columns(data, tmp_path):
    X, Y = data
    lists = Y["tags"]
    Y = Y.drop(columns="tags").convert_dtypes().assign(tags=lists)
    check(fitted(X.convert_dtypes(), Y), X.convert_dtypes(), Y, tmp_path)
