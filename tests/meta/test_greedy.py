"""Greedy selection: the best prefix, bags that depend on contents alone, and bounds on the work."""

import numpy as np
import pytest
from sklearn.metrics import make_scorer, roc_auc_score

from ensemble_mm.meta import GreedyClassifier, GreedyRegressor
from ensemble_mm.meta import _greedy as module


def numbers(n_rows=60, n_members=4, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n_rows)
    return y[:, np.newaxis] + rng.normal(size=(n_rows, n_members)) * np.arange(1, n_members + 1) * 0.4, y


def test_weights_of_one_selection_are_counts_of_the_best_prefix():
    X, y = numbers()
    weights = GreedyRegressor(n_bags=0, n_steps=6).fit(X, y).weights_
    losses = []
    counts = np.zeros(4)
    for _ in range(6):  # the definition, one blend at a time
        trials = [((X @ (counts + step) / (counts.sum() + 1) - y) ** 2).mean() for step in np.eye(4)]
        counts[np.argmin(trials)] += 1
        losses.append((min(trials), counts.copy()))
    best = min(losses, key=lambda pair: pair[0])[1]
    np.testing.assert_allclose(weights, best / best.sum())


def test_a_perfect_member_gets_all():
    X, y = numbers()
    X[:, 2] = y
    np.testing.assert_array_equal(GreedyRegressor().fit(X, y).weights_, [0, 0, 1, 0])


def test_shrinkage_leans_on_the_mean():
    X, y = numbers()
    plain, half, even = (GreedyRegressor(shrinkage=s).fit(X, y).weights_ for s in (0, 0.5, 1))
    np.testing.assert_allclose(half, (plain + 0.25) / 2)
    np.testing.assert_allclose(even, 0.25)


def test_the_order_of_rows_does_not_matter():
    X, y = numbers()
    order = np.random.default_rng(1).permutation(len(y))
    np.testing.assert_allclose(GreedyRegressor().fit(X[order], y[order]).weights_, GreedyRegressor().fit(X, y).weights_)


@pytest.mark.parametrize(
    ("settings", "match"),
    [({"n_steps": 0}, "'n_steps' .* 0"), ({"n_bags": -1}, "'n_bags' .* -1"), ({"shrinkage": 2}, "'shrinkage' .* 2")],
)
def test_strange_settings_are_told(settings, match):
    with pytest.raises(ValueError, match=match):
        GreedyRegressor(**settings).fit(*numbers())


def test_a_slow_metric_judges_a_bounded_number_of_blends(monkeypatch):
    monkeypatch.setattr(module, "MOST_TRIALS", 120)
    calls = []

    def counted(y, p):
        calls.append(1)
        return roc_auc_score(y, p)

    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.random((40, 30))
    X[:, 7] = np.where(y, 0.9, 0.1)
    metric = make_scorer(counted, response_method="predict_proba")
    model = GreedyClassifier(scoring=metric, n_steps=5).fit(X, y)
    assert len(calls) <= 30 + 120 + 5 * 30 and model.weights_[7] > 0.5


def test_ten_thousand_members_are_weighed():
    rng = np.random.default_rng(0)
    y = rng.normal(size=30)
    X = rng.normal(size=(30, 10_000))
    X[:, 4321] = y + 0.01 * rng.normal(size=30)
    assert GreedyRegressor(n_bags=2).fit(X, y).weights_[4321] > 0.9


def test_bags_do_not_depend_on_the_last_digits():
    """Processors differ in them, and weights of small tables would differ by tenths."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    X = y[:, np.newaxis] + rng.normal(size=(200, 4))
    one = GreedyRegressor().fit(X, y).weights_
    np.testing.assert_array_equal(one, GreedyRegressor().fit(X * (1 + 1e-14), y).weights_)
    assert (one != GreedyRegressor(random_state=1).fit(X, y).weights_).any()
