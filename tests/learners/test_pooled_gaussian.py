import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ensemble_mm.learners._pooled_gaussian import PooledGaussian


def test_it_ranks_as_a_discriminant_with_one_variance_a_column_does():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(200, 10)) * 3
    y = np.repeat(np.arange(200), 5)
    X = centres[y] + rng.normal(size=(1000, 10))
    model = PooledGaussian().fit(X, y)
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    new = centres[y] + rng.normal(size=(1000, 10))
    peer = LinearDiscriminantAnalysis().fit(X, y).score(new, y)
    assert model.score(new, y) > peer - 0.03


def test_a_row_of_weight_zero_is_not_there_and_the_unit_of_weights_does_not_matter():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    fewer = PooledGaussian().fit(X[10:], y[10:]).predict_proba(X)
    weighted = PooledGaussian().fit(X, y, sample_weight=np.r_[np.zeros(10), np.full(50, 7.0)])
    np.testing.assert_allclose(weighted.predict_proba(X), fewer)
