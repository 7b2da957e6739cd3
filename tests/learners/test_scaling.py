import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from ensemble_mm import load, save
from ensemble_mm.learners import NaiveBayesScaler, TailRegressor, TailScaler, ViewScaler, _scaling
from ensemble_mm.learners._scaling import SampledKernel


def test_rows_have_unit_norm_on_average_whatever_the_unit_and_width():
    rng = np.random.default_rng(0)
    for width in (3, 300):
        X = rng.normal(size=(200, width)) * 10.0 ** rng.uniform(-5, 5, size=width) + 7
        np.testing.assert_allclose((ViewScaler().fit_transform(X) ** 2).sum(axis=1).mean(), 1.0, rtol=1e-6)
    S = sparse.random(100, 50, density=0.1, format="csr", random_state=0)
    scaled = ViewScaler().fit_transform(S)
    assert sparse.issparse(scaled) and scaled.nnz == S.nnz
    np.testing.assert_allclose(scaled.multiply(scaled).sum() / 100, 1.0)


def test_constant_columns_and_holes_do_no_harm():
    X = np.array([[1.0, 5.0, np.nan], [2.0, 5.0, 1.0], [3.0, 5.0, 3.0]])
    out = ViewScaler().fit_transform(X)
    assert (out[:, 1] == 0).all()
    assert np.isnan(out).tolist() == np.isnan(X).tolist()


def test_an_outlier_is_pulled_to_the_bound():
    X = np.r_[np.random.default_rng(0).normal(size=(500, 1)), [[1e6]]]
    assert ViewScaler(clip=8.0).fit_transform(X).max() <= 8.0
    assert ViewScaler(clip=None).fit_transform(X).max() > 20


def test_a_fold_of_fewer_rows_than_components_is_nothing_to_warn_of():
    X = np.random.default_rng(0).normal(size=(12, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert SampledKernel(n_components=20, random_state=0).fit_transform(X).shape == (12, 12)


def test_the_map_of_a_row_is_that_of_the_row_among_others():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(15, 4)), 4, axis=0).astype(np.float32)  # of equal rows a kernel is singular
    kernel = SampledKernel(gamma=0.5, n_components=60, random_state=0).fit(X)
    out = kernel.transform(X)
    assert out.dtype == np.float32
    assert np.abs(np.vstack([kernel.transform(X[[i]]) for i in range(60)]) - out).max() < 1e-6
    assert np.allclose(out @ out.T, np.exp(-0.5 * ((X[:, np.newaxis] - X) ** 2).sum(axis=2)), atol=2e-3)


def test_rare_categories_lie_no_farther_apart_than_numbers():
    rng = np.random.default_rng(0)
    number, rare = rng.normal(size=(500, 1)), (np.arange(500) < 10).astype(float)[:, np.newaxis]
    out = ViewScaler().fit_transform(np.hstack([number, rare]))
    assert np.ptp(out[:, 1]) < np.ptp(out[:, 0])
    np.testing.assert_allclose((out**2).sum(axis=1).mean(), 1.0)
    rare[::2] = np.nan  # a hole is no third value
    assert np.nanmax(np.abs(ViewScaler().fit_transform(np.hstack([number, rare]))[:, 1])) < 3


def test_words_of_one_class_weigh_more_than_words_of_all():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 100)
    shares = np.c_[np.full(300, 0.5), np.where(y == 1, 0.8, 0.1), np.full(300, 0.5)]
    X = (rng.random((300, 3)) < shares).astype(float)
    for rows in (X, sparse.csr_matrix(X)):
        scaler = NaiveBayesScaler().fit(rows, y)
        assert scaler.weights_[1] > 1.5 * scaler.weights_[0]
        out = scaler.transform(rows)
        assert sparse.issparse(out) == sparse.issparse(rows)
        np.testing.assert_allclose((out.multiply(out) if sparse.issparse(out) else out**2).sum() / 300, 1.0)
    assert (NaiveBayesScaler().fit(X, np.zeros(300)).weights_ == 0).all()
    with pytest.raises(ValueError, match="'smoothing' .* Got 0"):
        NaiveBayesScaler(smoothing=0).fit(X, y)


def test_only_columns_with_a_heavy_tail_are_changed_and_they_come_back():
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=200), rng.lognormal(sigma=2, size=200), -rng.lognormal(sigma=2, size=200), np.zeros(200)]
    scaler = TailScaler().fit(X)
    assert (scaler.units_ > 0).tolist() == [False, True, True, False]
    out = scaler.transform(X)
    assert np.array_equal(out[:, [0, 3]], X[:, [0, 3]]) and np.abs(out[:, 1:3]).max() < 10
    np.testing.assert_allclose(scaler.inverse_transform(out), X)


def test_a_tail_that_no_logarithm_makes_lighter_stays():
    assert TailScaler().fit(np.r_[np.zeros(99), 1.0][:, np.newaxis]).units_ == 0


def test_a_model_of_logarithms_keeps_the_mean_of_the_target_by_weight():
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(300, 1)), rng.integers(0, 3, size=300)
    y = np.exp(X[:, 0] + 1.5 * rng.normal(size=300))
    model = TailRegressor(Ridge()).fit(X, y, sample_weight=weight)
    assert 1 < model.factor_ < 3
    np.testing.assert_allclose(np.average(model.predict(X), weights=weight), np.average(y, weights=weight))
    np.testing.assert_allclose(TailRegressor(Ridge()).fit(X, -y, sample_weight=weight).predict(X), -model.predict(X))
    column = TailRegressor(Ridge()).fit(X, y[:, np.newaxis], sample_weight=weight)
    np.testing.assert_allclose(column.predict(X)[:, 0], model.predict(X))


@pytest.mark.parametrize("change", [lambda y: y, lambda y: np.sign(y) * np.expm1(3 * np.abs(y))])
def test_targets_without_a_tail_or_of_both_signs_are_not_multiplied(change):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1))
    assert TailRegressor(Ridge()).fit(X, change(X[:, 0] + rng.normal(size=300))).factor_ == 1


def test_rows_are_rounded_where_that_is_asked_for():
    X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    plain, rounded = (ViewScaler(half=half).fit_transform(X) for half in (False, True))
    assert rounded.dtype == np.float32 and (rounded == rounded.astype(np.float16)).all()
    np.testing.assert_allclose(rounded, plain, rtol=1e-3)


def test_the_map_of_a_kernel_is_made_of_its_rows(tmp_path):
    """A model file leaves it out, and files of before hold it."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    kernel = SampledKernel(n_components=20, random_state=0).fit(X)
    expected = kernel.transform(X)
    save(kernel, tmp_path / "file")
    again = load(tmp_path / "file")
    assert vars(again)["_spread"] is None
    assert np.array_equal(again.transform(X), expected)
    again._spread, again.normalization_ = None, kernel.spread().astype(np.float32)
    np.testing.assert_allclose(again.transform(X), expected, atol=1e-5)


def test_rows_that_are_too_large_for_half_precision_stay_finite():
    X = np.random.default_rng(0).normal(size=(30, 4))
    assert np.isfinite(ViewScaler(clip=None, half=True).fit(X).transform(1e9 * X)).all()


def test_rows_that_are_worked_on_in_parts_give_the_same(monkeypatch):
    X = np.random.default_rng(0).normal(3, size=(100, 19)).astype(np.float32)
    X[:, 4], X[::5, 7] = X[:, 4] > 3, np.nan
    whole = ViewScaler().fit(X)
    rows = np.nan_to_num(whole.transform(X))
    kernel = SampledKernel(n_components=5, random_state=0).fit(rows)
    mapped = kernel.transform(rows)
    monkeypatch.setattr(_scaling, "ROWS", 30)
    in_parts = ViewScaler().fit(X)
    for name in ("mean_", "scale_", "factor_"):
        np.testing.assert_allclose(getattr(in_parts, name), getattr(whole, name), rtol=1e-6)
    assert (in_parts.scale_[4] == whole.scale_[4]) and in_parts.scale_[4] == 0.5  # of two values
    np.testing.assert_array_equal(np.nan_to_num(whole.transform(X)), rows)
    np.testing.assert_allclose(kernel.transform(rows), mapped, rtol=1e-6)


def test_scaled_sparse_rows_share_the_places_of_those_that_were_given():
    X = sparse.random(30, 5, 0.4, "csr", np.float32, random_state=0)
    before = X.toarray()
    scaler = ViewScaler().fit(X)
    scaled = scaler.transform(X)
    assert np.shares_memory(scaled.indices, X.indices) and not np.shares_memory(scaled.data, X.data)
    np.testing.assert_array_equal(scaled.toarray(), before * np.float32(scaler.factor_))
    np.testing.assert_array_equal(X.toarray(), before)


def test_places_of_sparse_rows_are_narrow_where_they_fit():
    """Kernel machines of scikit-learn take no places of 64 bits, as rows of users may have."""
    X = sparse.random(30, 4, density=0.5, format="csr", random_state=0)
    wide = X.copy()
    wide.indices, wide.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    narrow, scaled = ViewScaler().fit_transform(X), ViewScaler().fit_transform(wide)
    assert scaled.indices.dtype == scaled.indptr.dtype == np.int32
    np.testing.assert_array_equal(scaled.toarray(), narrow.toarray())


def test_cells_that_are_given_in_two_parts_count_as_their_sum():
    cells = np.ones(8), np.zeros(8, int), np.arange(0, 9, 2)
    assert ViewScaler().fit(sparse.csr_matrix(cells, (4, 3))).factor_ == 0.5
    assert ViewScaler().fit(sparse.csr_matrix(([2.0] * 4, [0] * 4, range(5)), (4, 3))).factor_ == 0.5
