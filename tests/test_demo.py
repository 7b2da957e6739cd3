"""The demo, on data that are quick."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score

import ensemble_mm as em
from ensemble_mm import _demo

QUICK = {
    "classification": [("linear", LogisticRegression()), ("fused", LogisticRegression(), "all")],
    "regression": [("linear", Ridge()), ("fused", Ridge(), "all")],
}


@pytest.fixture
def small(monkeypatch, reviews):
    """The demo with the reviews in the place of the recordings, and quick learners."""
    monkeypatch.setattr(_demo, "load_demo", lambda name: reviews)
    whole = _demo.MultiOutputStack
    monkeypatch.setattr(
        _demo, "MultiOutputStack", lambda **s: whole(**{**s, "learners": QUICK, "n_jobs": 1, "meta_learner": "mean"})
    )


def test_it_leaves_a_model_a_database_and_a_report(small, tmp_path, capsys, reviews):
    assert _demo.main(tmp_path / "out") == 0
    text = capsys.readouterr().out
    X, Y = reviews
    for name in Y:
        assert name in text
    for file in ("model.emm", "runs.db", "report.html"):
        assert str(tmp_path / "out" / file) in text and (tmp_path / "out" / file).stat().st_size > 0
    model = em.load(tmp_path / "out" / "model.emm")
    assert list(model.predict(X[:5]).columns) == list(Y)
    assert len(em.TaskDatabase(f"sqlite:///{tmp_path / 'out' / 'runs.db'}").runs()) == 1


def test_the_comparison_stands_on_rows_held_out(reviews):
    X, Y = reviews
    Y = Y.astype({"recommended": object})
    Y.loc[::5, "recommended"] = None
    model = em.MultiOutputStack(learners=QUICK, cv=3, meta_learner="mean", random_state=0).fit(X[:120], Y[:120])
    scores = _demo.compare(model, X[120:], Y[120:])
    assert list(scores.index) == list(Y) and set(scores.pop("best")) <= set(model.views_)
    assert list(scores.columns) == ["metric", "ensemble", *model.views_, "all"]
    assert set(scores.pop("metric")) == {"accuracy", "r2"}
    assert np.isfinite(scores.to_numpy()).all() and (scores.to_numpy() <= 1).all()
    np.testing.assert_allclose(scores["ensemble"]["tone"], model.evaluate(X[120:], Y[120:])["accuracy"]["tone"])
    spoiled = X[120:].assign(review=None)  # a view that is missing leaves the others' scores alone
    again = _demo.compare(model, spoiled, Y[120:])
    np.testing.assert_allclose(again["tabular"].to_numpy(), scores["tabular"].to_numpy())
    assert (again["review"] <= scores["review"]).all()


def test_the_comparison_takes_the_metric_of_the_user_and_the_view_that_the_leaderboard_names(reviews):
    X, Y = reviews
    settings = {"learners": QUICK, "cv": 3, "scoring": {"recommended": "roc_auc"}, "random_state": 0}
    settings["meta_learner"] = "mean"
    model = em.MultiOutputStack(**settings).fit(X[:120], Y[:120])
    own = _demo.compare(model, X[120:], Y[120:]).loc["recommended"]
    truth = Y["recommended"][120:] == model.classes_["recommended"][1]
    proba = model.predict_proba(X[120:])["recommended"][:, 1]
    assert own["metric"] == "roc_auc" and own["ensemble"] == pytest.approx(roc_auc_score(truth, proba))
    board = model.leaderboard().set_index(["task", "learner"])["reads"]
    assert own["best"] == board["recommended", "best single view"]


def test_lines_are_aligned():
    lines = _demo._aligned([("task", "score"), ("a", "1.000"), ("a longer name", "0.5")])
    assert len({len(line) for line in lines}) == 1
    assert lines[2].startswith("  a ") and lines[2].endswith("1.000")
    assert _demo._aligned([("a", "b"), ("1", "22")], n_left=2) == ["  a   b", "  ------", "  1   22"]
