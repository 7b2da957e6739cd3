"""Quantiles are a kind of task as any other: beside classes, with unknown labels, missing views, weights and groups."""

import pickle

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, QuantileRegressor, Ridge

from ensemble_mm import MultiOutputStack, audit, load, save, write_report
from ensemble_mm.inspection import ContributionDisplay

N_ROWS = 120
LEARNERS = {
    "quantile": [
        ("linear", QuantileRegressor(alpha=0.0)),
        ("gbm", LGBMRegressor(n_estimators=9, verbose=-1, n_jobs=1), "all"),
    ],
    "classification": [("logistic", LogisticRegression())],
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, N_ROWS, 2))
    price = 10 + b[:, 1] + rng.normal(size=N_ROWS) * np.exp(a[:, 0])
    b[::7] = np.nan
    Y = pd.DataFrame({"price": price, "dear": np.where(price > 10, "yes", "no")})
    Y.loc[3:9, "price"] = np.nan
    return {"a": a, "b": b}, Y


def test_quantiles_stand_beside_classes_and_survive(data, tmp_path):
    X, Y = data
    groups, weight = np.arange(N_ROWS) // 2, np.tile([1.0, 2.0], N_ROWS // 2)
    model = MultiOutputStack(
        learners=LEARNERS,
        cv=3,
        random_state=0,
        tasks={"price": "quantile"},
        strategy="chain",
        calibration="temperature",
    )
    model.fit(X, Y, sample_weight=weight, groups=groups)
    for strange in ([], 0.5):
        with pytest.raises(ValueError, match="must be a list of numbers"):
            model.predict_quantiles(X, strange)
    levels = [0.02, 0.1, 0.5, 0.9, 0.98]
    out = model.predict_quantiles(X, levels)["price"]
    assert out.shape == (N_ROWS, 5) and (np.diff(out, axis=1) >= 0).all()
    known = Y["price"].notna().to_numpy()
    inside = ((out[:, 1] <= Y["price"]) & (Y["price"] <= out[:, 3]))[known].mean()
    assert 0.7 < inside <= 1
    assert list(model.predict_proba(X)) == ["dear"]
    assert model.predict_interval(X, joint=True)["price"].shape == (N_ROWS, 2)
    board = model.leaderboard().set_index(["task", "learner"])
    assert board.loc[("price", "ensemble"), "score_name"] == "d2_pinball"
    save(model, tmp_path / "m.emm")
    for again in (load(tmp_path / "m.emm"), pickle.loads(pickle.dumps(model)), model.compiled()):
        np.testing.assert_allclose(again.predict_quantiles(X, levels)["price"], out)
        pd.testing.assert_frame_equal(again.predict(X), model.predict(X))
    clone(model)
    blind = model.predict_quantiles({"a": X["a"], "b": np.full_like(X["b"], np.nan)}, [0.1, 0.9])["price"]
    assert (blind[:, 0] < blind[:, 1]).all()


def test_the_report_and_the_displays_show_the_median(data, tmp_path):
    X, Y = data
    Y = Y[["price"]]
    model = MultiOutputStack(
        learners=LEARNERS["quantile"], cv=3, random_state=0, tasks={"price": "quantile"}, prune=1, refit=False
    ).fit(X, Y)
    page = write_report(model, tmp_path / "r.html", {k: v + 0.01 for k, v in X.items()}, Y).read_text(encoding="utf-8")
    assert "Off by 1.17 on average" in page
    ContributionDisplay.from_estimator(model)
    assert audit(model, X, Y)["verdict"].ne("fail").all()
    assert model.evaluate({k: v + 0.01 for k, v in X.items()}, Y).loc["price", "n"] == N_ROWS - 7


def test_what_does_not_suit_is_told(data):
    X, Y = data
    with pytest.raises(ValueError, match="No learner serves task 'price' \\(quantile\\)"):
        MultiOutputStack(learners=[("ridge", Ridge())], tasks={"price": "quantile"}).fit(X, Y[["price"]])
    model = MultiOutputStack(learners=[("ridge", Ridge())], cv=3).fit(X, Y[["price"]])
    with pytest.raises(ValueError, match="No task is of kind 'quantile'"):
        model.predict_quantiles(X)


class Alike(Ridge):
    """All quantiles are the mean."""

    predicts_quantiles = True


def test_a_learner_may_say_one_number_for_all_quantiles(data):
    X, Y = data
    model = MultiOutputStack(learners=[("alike", Alike())], cv=3, random_state=0, tasks={"price": "quantile"})
    assert model.fit(X, Y[["price"]]).predict_quantiles(X)["price"].shape == (N_ROWS, 5)
