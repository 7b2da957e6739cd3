import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import DataWarning, MultiOutputStack, StackedClassifier, StackedRegressor

LEARNERS = [("linear", LogisticRegression(), "each"), ("ridge", Ridge(), "each")]


@pytest.fixture
def fitted(reviews):
    X, Y = reviews
    return X, MultiOutputStack(learners=LEARNERS, cv=3, n_jobs=2, random_state=0).fit(X, Y)


def test_a_predictor_says_what_the_model_says(fitted):
    X, model = fitted
    X = X.copy()
    X.loc[3, "review"] = None
    quick = model.compiled()
    pd.testing.assert_frame_equal(quick.predict(X), model.predict(X))
    for method in ("predict_proba", "predict_interval", "predict_set"):
        wanted, got = (getattr(asked, method)(X) for asked in (model, quick))
        assert got.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_allclose(got[name], values, atol=1e-6)


def test_a_predictor_stays_as_it_is_when_its_model_is_fitted_again(vectors):
    X, y = vectors
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0).fit(X, y)
    quick, before = model.compiled(), model.predict(X)
    model.set_params(n_jobs=2).fit(X, -y)
    np.testing.assert_array_equal(quick.predict(X), before)
    assert not hasattr(quick, "predict_proba") and not hasattr(quick, "fit")


def test_threads_may_share_a_predictor(fitted):
    X, model = fitted
    quick, wanted = model.compiled(), model.predict(X)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda i: quick.predict(X.iloc[[i]]), range(40)))
    pd.testing.assert_frame_equal(pd.concat(rows), wanted[:40])


def test_a_model_that_is_not_fitted_is_not_compiled():
    with pytest.raises(NotFittedError):
        MultiOutputStack().compiled()


@pytest.fixture(scope="module")
def shop():
    """A model of a table with columns of every kind, and rows of it with all that may be missing or odd."""
    rng = np.random.default_rng(0)
    n = 80
    X = pd.DataFrame({
        "review": [f"a {mood} coat, number {i}" for i, mood in enumerate(rng.choice(["warm", "cold", "schöner"], n))],
        "price": rng.normal(size=n), "count": rng.integers(0, 9, n), "new": rng.random(n) > 0.5,
        "cost": [f"{value:.2f} EUR" for value in rng.uniform(1, 99, n)],
        "shop": rng.choice(["north", "süd", "west"], n),
        "zip": rng.integers(10, 30, n).astype(str), "sold": pd.date_range("2024-01-01", periods=n, tz="Europe/Berlin"),
        "made": [f"{1 + i % 28:02}.03.2021" for i in range(n)], "opens": rng.choice(["8:30", "10:00"], n),
        "code": pd.Categorical(rng.choice(["a", "b"], n)), "same": 1,
    })  # fmt: skip
    y = np.where(X["price"] > 0, "up", "down")
    learners = [("linear", LogisticRegression(), "each")]
    return X, StackedClassifier(learners=learners, cv=3, random_state=0).fit(X, y)


def test_few_rows_say_what_they_say_among_many(shop):
    X, model = shop
    X = X.astype({"count": "Int64", "new": object, "price": np.float32}).assign(other=b"extra")[::-1]
    for name, value in {
        "review": "",
        "price": np.inf,
        "count": pd.NA,
        "new": None,
        "shop": "new",
        "sold": pd.NaT,
    }.items():
        X.loc[X.index[:3], name] = value
    X.loc[X.index[3], [name for name in X if name != "review"]] = None
    X.loc[X.index[4], "review"] = "N/A"
    wanted = model.predict_proba(X)
    for n in (1, 3, 4):
        few = [model.compiled().predict_proba(X.iloc[start : start + n]) for start in range(0, 40, n)]
        np.testing.assert_allclose(np.vstack(few)[:40], wanted[:40], atol=1e-7)


def test_few_dates_of_years_that_python_does_not_have_are_read(shop):
    X, model = shop
    far = np.resize(np.array(["20000-01-01", "-5000-01-01", "9999-12-31"], dtype="datetime64[s]"), len(X))
    X = X.assign(made=far)
    np.testing.assert_allclose(model.predict_proba(X[:3]), model.predict_proba(X)[:3], atol=1e-7)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("cost", "twelve", "1 of 1 values are not numbers"),
        ("price", [1, 2], "several values"),
        ("review", "\ud800", "surrogate"),
        ("made", "31.02.2021", "are not dates"),
        ("price", 10**400, "too large"),
        ("price", 1j, "complex"),
    ],
)
def test_what_is_wrong_with_one_row_is_told_as_of_many(shop, name, value, words):
    X, model = shop
    row = X.iloc[[0]].astype({name: object})
    row.at[row.index[0], name] = value
    with pytest.raises((ValueError, DataWarning), match=words), warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        model.compiled().predict(row)


def test_one_row_takes_any_container(shop):
    X, model = shop
    row = X.iloc[[5]]
    wanted = model.compiled().predict_proba(row)
    record = row.iloc[0].to_dict()
    for given in (
        [record],
        {name: [value] for name, value in record.items()},
        record,
        row[row.columns[::-1]],
        X.iloc[5],
    ):
        np.testing.assert_allclose(model.compiled().predict_proba(given), wanted, atol=1e-7)
    with pytest.warns(DataWarning, match="review"):
        model.compiled().predict(row.drop(columns="review"))
    with pytest.raises(ValueError, match="'cost'"):
        model.compiled().predict(row.drop(columns="cost"))


def test_a_predictor_travels_to_another_process(shop):
    X, model = shop
    quick = pickle.loads(pickle.dumps(model.compiled()))
    np.testing.assert_array_equal(quick.predict(X), model.predict(X))
