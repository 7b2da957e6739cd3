import pickle

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor

from ensemble_mm.learners import GaussianProcess
from ensemble_mm.learners._gaussian_process import JITTER, _negative_likelihood
from ensemble_mm.store import load, save


def test_a_smooth_curve_is_found_between_the_points():
    X = np.linspace(0, 6, 25)[:, np.newaxis]
    new = np.linspace(0.1, 5.9, 60)[:, np.newaxis]
    assert np.abs(GaussianProcess().fit(X, np.sin(X[:, 0])).predict(new) - np.sin(new[:, 0])).max() < 0.02


def test_noise_is_told_from_signal():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 6, size=(80, 1))
    y = np.sin(X[:, 0]) + 0.3 * rng.normal(size=80)
    mean, std = GaussianProcess().fit(X, y).predict(X, return_std=True)
    assert ((mean - np.sin(X[:, 0])) ** 2).mean() < 0.3**2 / 3
    assert 0.05 < np.median(std) < 0.6


def test_lengths_of_their_own_find_the_column_that_counts():
    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(80, 6)), rng.normal(size=(200, 6))
    y = np.sin(2 * X[:, 0])
    fits = [GaussianProcess(anisotropic=own).fit(X, y) for own in (True, False)]
    errors = [((fit.predict(new) - np.sin(2 * new[:, 0])) ** 2).mean() for fit in fits]
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_unit_of_the_target_does_not_matter(scale):
    X = np.linspace(0, 6, 25)[:, np.newaxis]
    y = np.cos(X[:, 0])
    plain = GaussianProcess().fit(X, y).predict(X)
    np.testing.assert_allclose(GaussianProcess().fit(X, y * scale + scale).predict(X) / scale - 1, plain, atol=1e-3)


def test_the_kernel_is_fitted_on_some_rows_and_the_process_on_all():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=60)
    others = np.setdiff1d(np.arange(60), np.linspace(0, 59, 20).astype(int))
    model, changed = GaussianProcess(max_rows=20).fit(X, y), y.copy()
    changed[others] += 1.0
    other = GaussianProcess(max_rows=20).fit(X, changed)
    np.testing.assert_array_equal(other.regressor_.kernel_.theta, model.regressor_.kernel_.theta)
    assert other.predict(X[others]).mean() > model.predict(X[others]).mean() + 0.5


def test_what_only_deviations_need_is_not_kept(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    model = GaussianProcess(max_iter=5).fit(X, y)
    save(model, tmp_path / "gp.emm")
    for kept in (pickle.loads(pickle.dumps(model)), load(tmp_path / "gp.emm")):
        assert not hasattr(kept.regressor_, "L_") and hasattr(model.regressor_, "L_")
        np.testing.assert_array_equal(kept.predict(X), model.predict(X))
        np.testing.assert_allclose(kept.predict(X, return_std=True)[1], model.predict(X, return_std=True)[1])


@pytest.mark.parametrize("smoothness", [0.5, 1.5, 2.5, np.inf])
@pytest.mark.parametrize("lengths", [1.3, np.full(3, 1.3)], ids=["one length", "a length per column"])
def test_the_likelihood_and_its_slope_are_those_of_scikit_learn(smoothness, lengths):
    rng = np.random.default_rng(0)
    X, kernel = rng.normal(size=(20, 3)), GaussianProcess(smoothness=smoothness)._kernel(lengths, 1.3)
    X[5] = X[6]
    z = np.sin(X[:, 0])
    theirs = GaussianProcessRegressor(kernel, optimizer=None, alpha=JITTER).fit(X, z)
    theta = kernel.theta + rng.normal(scale=0.1, size=len(kernel.theta))
    value, slope = theirs.log_marginal_likelihood(theta, eval_gradient=True)
    found, found_slope = _negative_likelihood(theta, X, z, smoothness)
    np.testing.assert_allclose([-found, *-found_slope], [value, *slope], atol=1e-6)
