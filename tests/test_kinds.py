"""Kinds of task: losses and metrics are those of scikit-learn, and a kind of one's own is an entry."""

import itertools
import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.special import xlogy
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    d2_tweedie_score,
    log_loss,
    make_scorer,
    mean_poisson_deviance,
    r2_score,
    roc_auc_score,
)

import ensemble_mm as em
from ensemble_mm._cli._arguments import make_parser
from ensemble_mm._kinds import FLOOR, OrderedClasses, Quantiles, Survival
from ensemble_mm._plain_words import Distances
from ensemble_mm.data import KINDS, Classes, Numbers
from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.inspection._display_rows import hardest_rows
from ensemble_mm.inspection._report_sections import tasks_section
from ensemble_mm.inspection._scores import compare_choices

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_metrics_of_classes_are_those_of_scikit_learn(n_classes):
    proba, y, weight = RNG.dirichlet(np.ones(n_classes), 50), np.arange(50) % n_classes, RNG.random(50)
    found = Classes(n_classes).evaluate(y.astype(float), proba, weight)
    assert found["accuracy"] == pytest.approx(accuracy_score(y, proba.argmax(axis=1), sample_weight=weight))
    assert found["log_loss"] == pytest.approx(log_loss(y, proba, sample_weight=weight))
    auc = roc_auc_score(y, proba[:, 1] if n_classes == 2 else proba, multi_class="ovr", sample_weight=weight)
    assert found["roc_auc"] == pytest.approx(auc)


def test_metrics_of_numbers_are_those_of_scikit_learn():
    y, out, weight = RNG.normal(size=(3, 50))
    kind, weight = Numbers(), np.abs(weight)
    assert kind.evaluate(y, out, weight)["r2"] == pytest.approx(r2_score(y, out, sample_weight=weight))
    assert kind.score(y, out, weight) == kind.evaluate(y, out, weight)["r2"]


def test_what_has_no_rows_or_no_spread_has_no_score():
    assert np.isnan(list(Numbers().evaluate(np.array([]), np.array([])).values())).all()
    assert np.isnan(Numbers().score(np.ones(4), np.zeros(4)))
    assert Numbers().score(np.array([0, 2e-9]), np.array([0, 1e-9])) == pytest.approx(0.5)  # in any unit
    assert np.isnan(Classes(2).evaluate(np.zeros(4), np.full(4, 0.2))["roc_auc"])


@pytest.mark.parametrize("kind", [Classes(2), Classes(3), Numbers()])
def test_a_table_is_read_as_cells_and_back(kind):
    block = RNG.dirichlet(np.ones(kind.n_columns + 1), size=(5, 4))[:, :, : kind.n_columns].reshape(5, -1)
    cells = kind.cells(block)
    assert cells.shape == (5, 4, kind.width)
    assert np.array_equal(kind.flat(cells), block)
    assert np.array_equal(kind.columns([1, 3]), np.r_[: block.shape[1]].reshape(4, -1)[[1, 3]].ravel())


def test_a_wrong_certainty_costs_the_same_wherever_it_is_asked():
    out = np.array([[1.0, 0.0]])
    assert Classes(2).losses(np.array([1.0]), out) == -np.log(FLOOR) == Classes(2).losses(np.array([1]), [0.0])


def _score(y, out):
    return -mean_poisson_deviance(y, np.maximum(out, 0.01))


class Visits(Distances):
    """Its errors in plain words."""

    def good(self, error):
        return f"off by {error:.1f} visits"


@dataclass(frozen=True)
class Counts(Numbers):
    """How often something happened: Poisson deviance."""

    words: ClassVar = "a count"
    plain: ClassVar = Visits()
    scoring: ClassVar = make_scorer(_score)
    error: ClassVar = "deviance"
    metrics: ClassVar = {"d2": Numbers.score, "mae": Numbers.metrics["mae"], "deviance": Numbers.mean_loss}

    def whole(self, out):
        return np.maximum(super().whole(out), 0.01)

    def loss(self, picked, y):
        y = y.reshape(-1, *[1] * (picked.ndim - 1))
        return 2 * (xlogy(y, y) - xlogy(y, picked) - y + picked)


@pytest.fixture(scope="module")
def visits():
    """A stack fitted on a task of a kind that the package does not know, beside one that it knows."""
    KINDS["counts"] = Counts
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    Y = pd.DataFrame({"visits": rng.poisson(np.exp(X[:, 0])), "happy": np.where(X[:, 1] > 0, "yes", "no")})
    learners = [("poisson", PoissonRegressor()), ("ridge", Ridge()), ("logistic", LogisticRegression())]
    model = em.MultiOutputStack(
        learners=learners, cv=3, strategy="independent", tasks={"visits": "counts"}, random_state=0
    )
    yield model.fit(X, Y), X, Y
    del KINDS["counts"]


def test_a_kind_of_ones_own_is_one_entry(visits, tmp_path):
    model, X, Y = visits
    assert model.tasks_["visits"].kind == "counts" and model.tasks_["happy"].kind == "binary"
    predicted = model.predict(X)
    with pytest.warns(em.DataWarning, match="were in the fit"):
        found = model.evaluate(X, Y)
    y, out = Y["visits"], predicted["visits"]
    assert out.min() >= 0.01
    assert found.loc["visits", "deviance"] == pytest.approx(mean_poisson_deviance(y, out))
    assert found.loc["visits", "d2"] == pytest.approx(d2_tweedie_score(y, out, power=1))
    assert np.isnan(found.loc["happy", "deviance"]) and np.isnan(found.loc["visits", "accuracy"])
    assert model.score(X, Y) == pytest.approx((found.loc["visits", "d2"] + found.loc["happy", "accuracy"]) / 2)
    assert set(model.cv_results_.query("task == 'visits'")["score_name"]) == {"d2"}
    weights = model.contributions_["visits"].groupby(level="learner").sum()
    assert weights["poisson"] > weights["ridge"]  # by squared error they count nearly alike
    em.save(model, tmp_path / "model.emm")
    pd.testing.assert_frame_equal(em.load(tmp_path / "model.emm", trusted=[_score]).predict(X), predicted)


def test_displays_and_the_command_line_know_it_too(visits):
    model, _, Y = visits
    cells = cells_of(model, "visits")
    choices = compare_choices(cells, list(model.views_)).set_index("choice")
    of_folds = [d2_tweedie_score(Y["visits"][test], cells.ensemble[test], power=1) for _, test in cells.folds]
    assert choices.loc["ensemble", "score"] == pytest.approx(np.mean(of_folds))
    worst = hardest_rows(model, "visits", 1).iloc[0]
    assert worst["loss"] == pytest.approx(mean_poisson_deviance([worst["truth"]], [worst["predicted"]]))
    assert re.search(r"visits: off by \d\.\d visits \(95", model.summary())
    words = ["fit", "a.csv", "--targets", "visits", "--kind", "visits=counts", "--out", "a.emm"]
    assert make_parser().parse_args(words).kind == [("visits", "counts")]


def test_metrics_of_ordered_classes_and_counts_are_those_of_scikit_learn():
    proba, y, weight = RNG.dirichlet(np.ones(4), 60), np.arange(60) % 4, RNG.random(60)
    kind, said = OrderedClasses(4), (proba.cumsum(axis=1) >= 0.5).argmax(axis=1)
    found = kind.evaluate(y.astype(float), proba, weight)
    kappa = cohen_kappa_score(y, said, weights="quadratic", sample_weight=weight)
    assert found["quadratic_kappa"] == pytest.approx(kappa)
    assert found["mae"] == pytest.approx(np.average(np.abs(y - said), weights=weight))
    visits, mean = RNG.poisson(2, 60), RNG.uniform(0.5, 3, 60)
    assert KINDS["count"]().mean_loss(visits, mean, weight) == pytest.approx(
        mean_poisson_deviance(visits, mean, sample_weight=weight)
    )
    expected = d2_tweedie_score(visits, mean, power=1, sample_weight=weight)
    assert KINDS["count"]().evaluate(visits, mean, weight)["d2_poisson"] == pytest.approx(expected)


def test_ordered_classes_and_counts_stand_beside_other_tasks(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    Y = pd.DataFrame({
        "stars": np.clip(np.round(3 + X[:, 0] + 0.5 * rng.normal(size=150)), 1, 5),
        "visits": rng.poisson(np.exp(X[:, 1])),
        "size": np.abs(X[:, 2]),
    })  # fmt: skip
    Y.loc[:5, "stars"] = None
    learners = [("logistic", LogisticRegression()), ("poisson", PoissonRegressor()), ("ridge", Ridge())]
    kinds = {"stars": "ordinal", "visits": "count"}
    model = em.MultiOutputStack(learners=learners, cv=3, tasks=kinds, random_state=0).fit(X[:100], Y[:100])
    out = model.predict(X[100:])
    assert (out["visits"] >= 0).all() and set(out["stars"]) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert (model.predict_interval(X[100:])["visits"] >= 0).all()
    assert model.predict_set(X[100:])["stars"].shape == (50, 5)
    scores = model.evaluate(X[100:], Y[100:])
    assert scores.loc["stars", "quadratic_kappa"] > 0.5 and scores.loc["visits", "d2_poisson"] > 0.2
    assert set(model.leaderboard()["score_name"]) == {"quadratic_kappa", "d2_poisson", "r2"}
    em.save(model, tmp_path / "m.emm")
    pd.testing.assert_frame_equal(em.load(tmp_path / "m.emm").predict(X[100:]), out)


def test_portfolios_learn_the_logarithm_of_counts():
    settings = [estimator.get_params() for _, estimator, *_ in em.learners.portfolio("balanced", "count", n_rows=600)]
    assert {s["objective"] for s in settings if "objective" in s} == {"poisson", "count:poisson"}
    assert any(isinstance(s.get("linear"), PoissonRegressor) for s in settings)


@pytest.mark.parametrize("kind", [Classes(2), Classes(3), Numbers(), Survival(), Quantiles()], ids=str)
def test_predictions_of_no_rows_have_their_columns(kind):
    assert kind.whole(np.empty((0, kind.n_columns))).shape == (0, kind.width)


def test_the_concordance_is_that_of_harrell():
    y, out = RNG.choice([-4.0, -3, -2, -1, 1, 2, 3, 4], 80), np.round(RNG.normal(size=80), 1)
    weight, kind, right, known = RNG.random(80), Survival(), 0.0, 0.0
    for i, j in itertools.permutations(range(80), 2):
        if y[i] > 0 and (y[i] < abs(y[j]) or (y[i] == -y[j])):
            known += weight[i] * weight[j]
            right += weight[i] * weight[j] * ((out[i] > out[j]) + (out[i] == out[j]) / 2)
    assert kind.metric("concordance", y, out, weight) == pytest.approx(right / known)
    assert kind.off(y, out).mean() == pytest.approx(1 - kind.metric("concordance", y, out))
    assert kind.metric("concordance", y, kind.perfect(y)) > 0.99 and np.isnan(kind.metric("concordance", -abs(y), out))
    event, mean = y > 0, np.abs(y) * np.exp(out)
    expected = mean_poisson_deviance(event, mean, sample_weight=weight)
    assert kind.mean_loss(y, out, weight) == pytest.approx(expected)
    prior = kind.prior(y, weight)[0]
    assert kind.worst(y, weight) <= min(kind.mean_loss(y, np.full(80, prior + d), weight) for d in (-0.01, 0.01))


def test_times_to_an_event_stand_beside_other_tasks(tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(150, 3)), columns=list("abc"))
    times, watched = rng.exponential(np.exp(-2 * X["a"])), rng.exponential(2, 150)
    Y = pd.DataFrame({"time": np.minimum(times, watched), "died": (times <= watched).astype(float), "size": X["b"]})
    Y.loc[:9, "died"] = np.nan
    learners = {"death": [("poisson", PoissonRegressor()), ("ridge", Ridge())], "size": [("ridge", Ridge())]}
    model = em.MultiOutputStack(
        learners=learners, cv=3, strategy="independent", tasks={"death": ("survival", "time", "died")}, random_state=0
    ).fit(X, Y)
    assert model.tasks_["death"].kind == "survival" and model.table_.members("death")[0].learner == "poisson"
    out = model.predict(X)
    with pytest.warns(em.DataWarning, match="were in the fit"):
        found = model.evaluate(X, Y)
    assert found["n"].to_dict() == {"size": 150, "death": 140} and found.loc["death", "concordance"] > 0.75
    assert np.corrcoef(out["death"], X["a"])[0, 1] > 0.95
    regions = model.predict_interval(X)
    assert set(regions) == {"size", "death"} and np.isposinf(regions["death"][:, 1]).all()
    assert "which of two comes first" in model.summary()
    assert model.score(X, Y) == pytest.approx((found.loc["death", "concordance"] + found.loc["size", "r2"]) / 2)
    em.save(model, tmp_path / "model.emm")
    again = em.load(tmp_path / "model.emm")
    pd.testing.assert_frame_equal(again.compiled().predict(X), out)
    assert again.score(X, Y) == model.score(X, Y)
    (entry,) = (entry for entry in tasks_section(model) if entry["name"] == "death")
    happened = int((Y["died"] == 1).sum())
    assert entry["labels"].endswith(f"; it happened in {happened} of 140 rows") and entry["labels"].startswith("times ")
    words = ["fit", "a.csv", "--targets", "time,died", "--kind", "death=survival:time:died", "--out", "a.emm"]
    assert make_parser().parse_args(words).kind == [("death", ("survival", "time", "died"))]
