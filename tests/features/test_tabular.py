import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import skew

from ensemble_mm.features import TabularExtractor, VectorExtractor


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    n = 60
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "income": np.exp(rng.normal(8, 2, n)),
            "shop": rng.choice(["north", "south"], n),
            "name": [f"person {i % 40}" for i in range(n)],
            "when": pd.date_range("2020-01-01", periods=n, freq="W"),
            "flag": rng.random(n) > 0.5,
            "same": 1.0,
            "code": [str(i) for i in range(n)],
        }
    ).mask(rng.random((n, 8)) < 0.1)


def test_features_are_finite_standardised_and_named(table):
    extractor = TabularExtractor()
    X = extractor.fit_transform(table)
    names = extractor.get_feature_names_out()
    assert X.dtype == np.float32 and np.isfinite(X).all() and X.shape == (60, len(names))
    assert extractor.kinds_ == {"age": "number", "income": "number", "shop": "category", "name": "category",
                                "when": "date", "flag": "number", "same": "number", "code": "number"}  # fmt: skip
    age = X[:, list(names).index("age")]
    assert abs(age.mean()) < 1e-5 and age.std() == pytest.approx(1, abs=1e-3)
    assert "same" not in names and "age_missing" in names


def test_skewed_numbers_become_even(table):
    X = TabularExtractor().fit_transform(table[["income"]])[:, 0]
    raw = TabularExtractor(log_skewed=False).fit_transform(table[["income"]])[:, 0]
    assert abs(skew(X)) < skew(raw) / 2


def test_values_not_seen_in_fit_are_all_zeros(table):
    extractor = TabularExtractor().fit(table[["shop"]].dropna())
    new = extractor.transform(pd.DataFrame({"shop": ["west", "north"]}))
    assert new.tolist() == [[0, 0], [1, 0]]


def test_what_holds_nothing_or_is_infinite_stays_finite():
    X = pd.DataFrame({"a": [np.inf, 1.0, -np.inf, 1e300], "b": [None, None, None, None], "c": [1.0, 1.0, 1.0, 1.0]})
    assert np.isfinite(TabularExtractor().fit_transform(X)).all()


def test_arrays_and_frames_of_polars_are_read():
    pl = pytest.importorskip("polars")
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})
    polars = pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})
    np.testing.assert_array_equal(TabularExtractor().fit_transform(frame), TabularExtractor().fit_transform(polars))
    mixed = TabularExtractor().fit_transform(frame.to_numpy(object))
    np.testing.assert_array_equal(mixed, TabularExtractor().fit_transform(frame))


def test_augmented_numbers_move_a_little_and_the_rest_stays(table):
    new = TabularExtractor().augment(table, random_state=0)
    assert (new["age"] - table["age"]).std() < 0.1 * table["age"].std()
    assert new["shop"].equals(table["shop"]) and new["age"].isna().equals(table["age"].isna())


def test_vectors_are_filled_and_standardised():
    X = np.array([[1.0, 5.0, np.nan], [3.0, 5.0, 2.0], [5.0, 5.0, 4.0]])
    out = VectorExtractor().fit_transform(X)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(out.std(axis=0), [1, 0, np.sqrt(2 / 3)])


@pytest.mark.parametrize("scale", [1e-310, 1e-30, 1e30, 1e150])
def test_sizes_far_from_one_are_standardised(scale):
    X = np.random.default_rng(0).normal(size=(50, 2)) * scale
    out = VectorExtractor().fit_transform(X)
    assert np.isfinite(out).all() and np.abs(out).max() < 10


def test_a_weight_counts_as_repeated_rows():
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(20, 3)), rng.integers(0, 4, 20)
    a = VectorExtractor().fit(X, sample_weight=weight)
    b = VectorExtractor().fit(np.repeat(X, weight, axis=0))
    np.testing.assert_allclose(a.transform(X), b.transform(X))


def test_sparse_vectors_stay_sparse():
    X = sparse.random(20, 50, density=0.1, random_state=0, format="csc") * 100
    out = VectorExtractor().fit_transform(X)
    assert sparse.issparse(out) and out.nnz == X.nnz and np.abs(out.data).max() <= 1
