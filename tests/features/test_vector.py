import numpy as np
import pytest
from scipy import sparse

from ensemble_mm.features import VectorExtractor


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


@pytest.mark.parametrize("width", [1, 2, 7, 9, 16, 17])
def test_vectors_are_read_in_pieces_without_a_change(width):
    rng = np.random.default_rng(width)
    X = rng.normal(3, 2, size=(9000, width)).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    weight = rng.random(len(X))
    extractor = VectorExtractor().fit(X, sample_weight=weight)
    known, w = ~np.isnan(X), weight[:, np.newaxis]
    mean = (w * np.where(known, X, 0)).sum(axis=0) / (w * known).sum(axis=0)
    np.testing.assert_allclose(extractor.mean_, mean, rtol=1e-12)
    spread = (w * np.where(known, X - mean, 0) ** 2).sum(axis=0) / (w * known).sum(axis=0)
    np.testing.assert_allclose(extractor.scale_, np.sqrt(spread), rtol=1e-12)
    mean = extractor.mean_
    whole = ((np.where(known, X, mean) - mean) / extractor.scale_).astype(np.float32)
    np.testing.assert_array_equal(extractor.transform(X), whole)
