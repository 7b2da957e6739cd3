"""Counts may be told with what they were counted in: rates are learned, as by Poisson regression with an offset."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import PoissonRegressor, Ridge

import ensemble_mm as em
from ensemble_mm._cli._arguments import make_parser
from ensemble_mm.data import parted, resolve_targets

KIND = {"claims": ("count", "n", "years")}


def insured(n=400, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 2)), columns=list("ab"))
    years = rng.gamma(1.0, 2.0, n) + 0.05
    rate = np.exp(0.3 + 0.6 * X["a"] - 0.4 * X["b"])
    return X, pd.DataFrame({"n": rng.poisson(rate * years), "years": years, "size": np.exp(X["a"])}), rate


def fitted(X, Y, **settings):
    learners = [("poisson", PoissonRegressor(alpha=0, tol=1e-9, max_iter=500)), ("ridge", Ridge())]
    given = {"learners": learners, "cv": 3, "refit": True, "random_state": 0, "tasks": KIND, "strategy": "independent"}
    return em.MultiOutputStack(**given | settings).fit(X, Y)


def test_rates_are_those_of_a_regression_with_an_offset():
    X, Y, rate = insured()
    views = [("v", em.VectorExtractor(standardize=False), ["a", "b"])]
    learners = [("poisson", PoissonRegressor(alpha=0, tol=1e-10, max_iter=900))]
    out = fitted(X, Y[["n", "years"]], views=views, learners=learners).predict(X)["claims"]
    design = np.c_[np.ones(len(X)), X]

    def deviance(coef):
        log_mean = design @ coef + np.log(Y["years"])
        return np.sum(np.exp(log_mean) - Y["n"] * log_mean)

    best = minimize(deviance, np.zeros(3), method="BFGS", tol=1e-9).x
    np.testing.assert_allclose(out, np.exp(design @ best), rtol=1e-3)
    plain = fitted(X, Y[["n"]], tasks={"n": "count"}).predict(X)["n"] / Y["years"].mean()
    assert np.abs(out - rate).mean() < 0.5 * np.abs(plain - rate).mean()


def test_exposures_stand_beside_other_tasks_and_may_be_unknown(tmp_path):
    X, Y, _ = insured()
    Y = Y.convert_dtypes()
    Y.loc[:9, "n"], Y.loc[5:20, "years"], Y.loc[30:40, "size"] = pd.NA, pd.NA, pd.NA
    model = fitted(X[:300], Y[:300])
    assert {*model.predict(X).columns} == {"size", "claims"}
    found = model.evaluate(X[300:], Y[300:])
    assert found.loc["claims", "d2_poisson"] > 0.4
    em.save(model, tmp_path / "m.emm")
    pd.testing.assert_frame_equal(em.load(tmp_path / "m.emm").evaluate(X[300:], Y[300:]), found)
    more = model.update(X[300:], Y[300:].assign(years=2.0))
    assert more.row_weights_["claims"][300:] == pytest.approx(2.0 / Y["years"][:300].mean())
    assert "per years" in model.summary(X[300:], Y[300:])
    low, high = model.predict_interval(X[300:])["claims"].T
    assert (low >= 0).all() and (high > low).all()
    frame = em.compare_strategies(X[:300], Y[:300], learners=[("p", PoissonRegressor()), ("r", Ridge())], cv=3,
                                  tasks=KIND, random_state=0)  # fmt: skip
    assert np.isfinite(frame.loc["claims", "loss"]).all()


def test_weights_and_exposures_multiply():
    X, Y, _ = insured()
    weight = np.random.default_rng(1).exponential(size=len(X))
    tasks = fitted(X, Y, learners=[("poisson", PoissonRegressor()), ("ridge", Ridge())]).tasks_
    model = em.MultiOutputStack(learners=[("p", PoissonRegressor()), ("r", Ridge())], cv=3, tasks=KIND, random_state=0)
    model.fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(model.row_weights_["claims"], weight * Y["years"] / Y["years"].mean())
    np.testing.assert_allclose(model.row_weights_["size"], weight)
    assert tasks["claims"].exposure == pytest.approx(Y["years"].mean())


def test_what_cannot_be_an_exposure_is_told():
    _, Y, _ = insured(40)
    with pytest.raises(ValueError, match="an exposure of 0"):
        resolve_targets(Y.assign(years=0.0), KIND)
    with pytest.raises(ValueError, match="an exposure of inf"):  # the mean of all, which weighs every row
        resolve_targets(Y.assign(years=Y["years"].where(Y.index != Y.index[3], np.inf)), KIND)
    with pytest.raises(ValueError, match="no numbers"):
        resolve_targets(Y.assign(years="many"), KIND)
    with pytest.raises(ValueError, match="'yeers'.*[Dd]id you mean 'years'"):
        resolve_targets(Y, {"claims": ("count", "n", "yeers")})
    with pytest.raises(ValueError, match="holds -1|holds -"):
        resolve_targets(Y.assign(n=-1), KIND)
    tasks, targets, _ = resolve_targets(Y[["n", "years"]], KIND)
    back = parted(tasks["claims"], targets["claims"])
    np.testing.assert_allclose(back["n"] / back["years"], Y["n"] / Y["years"])


def test_the_command_line_takes_it():
    given = ["fit", "t.csv", "--targets", "n,years", "--kind", "claims=count:n:years", "--out", "m"]
    assert make_parser().parse_args(given).kind == [("claims", ("count", "n", "years"))]


@pytest.mark.parametrize("exposure", [0.0, -1.0, np.inf])
def test_where_the_count_is_unknown_any_exposure_is_allowed(exposure):
    X, Y, _ = insured(60)
    Y = Y.astype(float)
    Y.loc[:9, "n"] = np.nan
    strange = Y.assign(years=Y["years"].where(Y.index > 4, exposure))
    models = [fitted(X, given, learners=[("ridge", Ridge())]) for given in (strange, Y.assign(
        years=Y["years"].where(Y.index > 4)))]  # fmt: skip
    assert models[0].tasks_["claims"].exposure == models[1].tasks_["claims"].exposure
    np.testing.assert_array_equal(*(model.predict(X)["claims"] for model in models))
    assert np.isfinite(models[0].score(X, strange))
