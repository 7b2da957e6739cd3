"""A cascade reads dear views only of rows that are not yet certain, and predicts as if the others lacked them."""

from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ensemble_mm import CascadeDisplay, MultiOutputStack, StackedClassifier, TabularExtractor, TextExtractor, load, save
from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.inspection._display_cascade import _curve
from ensemble_mm.stacking._cascade import measured_views

N_ROWS = 120
READ = []


class Dear(TextExtractor):
    """Notes how many rows it reads."""

    def transform(self, X):
        READ.append(len(X))
        return super().transform(X)


VIEWS = [("review", Dear(), "review"), ("facts", TabularExtractor(), ["size"])]
LEARNERS = [("logistic", LogisticRegression()), ("both", LogisticRegression(), "all", "reduced")]


@pytest.fixture(scope="module")
def data():
    """Of large and small coats the size tells all, of others the review."""
    rng = np.random.default_rng(0)
    size, mood = rng.normal(size=(2, N_ROWS))
    good = np.where(np.abs(size) > 0.7, size > 0, mood > 0)
    X = pd.DataFrame(
        {"review": np.where(mood > 0, "a warm coat", "a torn coat"), "size": 3 * size}, index=np.arange(N_ROWS) + 5
    )
    X.loc[X.index[:4], "size"] = np.nan
    return X, pd.Series(np.where(good, "yes", "no"), name="good")


@pytest.fixture(scope="module")
def model(data):
    X, y = data
    return StackedClassifier(VIEWS, LEARNERS, cv=3, random_state=0, calibration="temperature").fit(X, y)


def test_dear_views_are_read_of_uncertain_rows_only(data, model, tmp_path):
    X, y = data
    assert list(model.view_seconds_) == ["facts", "review"]
    cheap = model.predict_proba(X.assign(review=None))
    sure = (cheap.max(axis=1) >= 0.8) & X["size"].notna().to_numpy()
    assert 0 < sure.sum() < N_ROWS
    READ.clear()
    proba = model.predict_proba(X, cascade=0.8)
    assert sum(READ) == (~sure).sum()
    # How many rows there are decides in which order some processors sum: the last digits are not the same.
    np.testing.assert_allclose(proba[sure], cheap[sure], atol=1e-6)
    np.testing.assert_allclose(proba[~sure], model.predict_proba(X)[~sure], atol=1e-6)
    assert (model.predict(X, cascade=0.8) == model.classes_[proba.argmax(axis=1)]).all()
    save(model, tmp_path / "m.emm")
    np.testing.assert_array_equal(load(tmp_path / "m.emm", trusted=[Dear]).predict_proba(X, cascade=0.8), proba)


def test_all_tasks_must_be_certain_and_of_classes(data):
    X, y = data
    Y = pd.DataFrame({"good": y.to_numpy(), "warm": X["review"].str.contains("warm").to_numpy()}, index=X.index)
    both = MultiOutputStack(VIEWS, LEARNERS[:1], cv=3, random_state=0).fit(X, Y)
    pd.testing.assert_frame_equal(both.predict(X, cascade=0.95), both.predict(X))  # the size does not tell what is warm
    numbers = MultiOutputStack(VIEWS, [("ridge", Ridge())], cv=3, random_state=0).fit(X, X[["size"]].fillna(0))
    with pytest.raises(ValueError, match="task 'size' has no classes"):
        numbers.predict(X, cascade=0.9)


@pytest.mark.parametrize("cascade", [0, 1, 1.5, "high"])
def test_what_is_no_probability_is_refused(data, model, cascade):
    with pytest.raises(ValueError, match="cascade"):
        model.predict(data[0], cascade=cascade)


def test_the_curve_leads_from_the_cheapest_view_to_the_ensemble(data, model):
    curve = CascadeDisplay.from_estimator(model).curve
    assert (np.diff(curve["seconds"]) >= 0).all() and (np.diff(curve["read"]) >= 0).all()
    assert curve["read"].iloc[-1] == 1 and curve["read"].iloc[2] < 0.8
    board = model.leaderboard().set_index("learner")
    assert curve["score"].iloc[-1] == pytest.approx(board.loc["ensemble", "score"])


def test_a_rising_line_crosses_no_label():
    curve = pd.DataFrame({"certain": [0.5, 0.7, 0.8, 1.0], "seconds": [0.01, 0.014, 0.02, 0.06],
                          "read": [0.0, 0.3, 0.5, 1.0], "score": [0.7, 0.77, 0.81, 0.81]})  # fmt: skip
    display = CascadeDisplay(curve=curve, score_name="accuracy", task="y").plot()
    (line,), labels = display.ax_.lines, display.ax_.texts
    drawn = line.get_transform().transform_path(line.get_path())
    assert len(labels) == 4
    assert not any(drawn.intersects_bbox(label.get_window_extent(), filled=False) for label in labels)
    plt.close("all")


def test_the_curve_is_of_blends_that_did_not_see_the_rows(model):
    """Weights of all rows had heard the labels: on noise the score was .519 where that of the ensemble was .501."""
    cells, order = cells_of(model), list(model.view_seconds_)
    own, other = (_curve(replace(cells, weights=weights), order, np.ones(2)) for weights in (cells.weights, None))
    pd.testing.assert_frame_equal(own, other)


@pytest.mark.slow
def test_of_noise_the_curve_is_chance():
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X, y = {name: rng.normal(size=(80, 6)) for name in "ab"}, rng.integers(0, 2, 80)
        learners = [
            (f"c{i}", make_pipeline(FunctionTransformer(partial(take, i)), LogisticRegression())) for i in range(6)
        ]
        model = StackedClassifier(learners=learners, cv=5, meta_learner="linear", scoring="roc_auc", random_state=0)
        found.append(CascadeDisplay.from_estimator(model.fit(X, y)).curve["score"].iloc[0])
        plt.close("all")
    assert np.mean(found) < 0.5 + 2 * np.std(found, ddof=1) / 12**0.5


def take(place, X):
    return X[:, [place]]


def test_costs_of_one_magnitude_go_by_modality():
    class Runner:
        seconds = {"view 'clip'": 0.02, "view 'photo'": 3.0, "view 'facts'": 0.009, "view 'text'": 0.001}

        def seconds_each(self, group):
            return self.seconds[group]

    views = {"photo": "image", "clip": "video", "text": "text", "facts": "tabular"}
    assert list(measured_views(views, Runner())) == ["facts", "text", "clip", "photo"]
