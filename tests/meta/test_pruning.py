"""Pruners keep what helps, drop what repeats or costs too much, and are plain selectors."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from ensemble_mm.meta import CostPruner, OrderedPruner, RedundancyPruner, SimplexRegressor, select_members


@pytest.fixture
def table():
    """Members 0, 2 and 4 see the truth; 1, 3 and 5 see nothing."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    X = rng.normal(size=(200, 6))
    X[:, ::2] = y[:, np.newaxis] + 0.4 * X[:, ::2]
    X[rng.random(X.shape) < 0.1] = np.nan
    return X, y


def classes_of(table):
    X, y = table
    labels = np.digitize(y, [-0.5, 0.5])
    p = np.exp(2 * np.nan_to_num(X)[:, :, np.newaxis] * np.array([-1, 0, 1]))
    p /= p.sum(axis=2, keepdims=True)
    p[np.isnan(X)] = np.nan
    return p.reshape(len(X), -1), labels


def test_auto_keeps_the_half_that_helps(table):
    assert select_members("auto", *table, kind="regression") == [0, 2, 4]
    assert select_members("auto", *classes_of(table), kind="multiclass", n_classes=3) == [0, 2, 4]


@pytest.mark.parametrize(("prune", "n"), [(1, 1), (3, 3), (99, 6), (0.34, 2), (None, 6)])
def test_numbers(table, prune, n):
    kept = select_members(prune, *table, kind="regression")
    assert len(kept) == n == len(set(kept))
    assert kept == sorted(kept)


def test_order_is_by_what_members_add_not_by_how_good_they_are():
    rng = np.random.default_rng(0)
    y, error = rng.normal(size=(2, 500))
    X = np.c_[y + 0.5 * error, y + 0.51 * error, y - 0.7 * error]  # the worst one makes up for the best one's error
    assert OrderedPruner(2).fit(X, y).order_.tolist() == [0, 2]


def test_any_selector_and_callable(table):
    X, y = table
    assert select_members(SelectKBest(f_regression, k=3), X, y, kind="regression") == [0, 2, 4]
    assert select_members(lambda X, y: [4, 0], X, y, kind="regression") == [0, 4]
    assert select_members(lambda X, y: np.arange(6) == 5, X, y, kind="regression") == [5]
    P, labels = classes_of(table)
    kept = select_members(SelectKBest(k=3), P, labels, kind="multiclass", n_classes=3)
    assert kept and set(kept) <= {0, 2, 4}


@pytest.mark.parametrize("prune", ["half", True, object(), OrderedPruner])
def test_unknown_prune(table, prune):
    with pytest.raises((ValueError, TypeError)):
        select_members(prune, *table, kind="regression")


def test_nothing_kept_is_told(table):
    with pytest.raises(ValueError, match="keeps no member of a, b, c...: loosen it"):
        select_members(lambda X, y: [], *table, kind="regression", names=list("abcdef"))


@pytest.mark.parametrize(("measure", "limit"), [("correlation", 0.95), ("q", 0.9)])
def test_redundancy_drops_the_worse_twin(measure, limit):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=400)
    sure = rng.uniform(0.6, 0.9, size=(400, 3))
    sure[rng.random((400, 3)) < 0.25] -= 0.5  # each is wrong in a quarter of the rows, of its own
    worse = sure[:, 0].copy()
    worse[:8] = 0.2
    X = np.c_[sure, worse]
    X = np.where(y[:, np.newaxis] == 1, X, 1 - X)
    pruner = RedundancyPruner(limit, measure=measure, n_classes=2).fit(X, y)
    assert pruner.members_.tolist() == [0, 1, 2]
    np.testing.assert_allclose(pruner.likeness_, pruner.likeness_.T)


def test_redundancy_leaves_different_members_alone(table):
    assert len(RedundancyPruner().fit(*table).members_) == 6


def test_cost_prefers_the_cheap_of_equals_and_stays_in_budget(table):
    X, y = table
    twins = np.c_[X[:, [0]], X[:, [2]], X[:, [2]]]
    for seconds, kept in (([1, 5, 1], [0, 2]), ([1, 1, 5], [0, 1])):
        pruner = CostPruner(seconds, budget=0.5).fit(twins, y)
        assert pruner.members_.tolist() == kept
        assert select_members(CostPruner(), twins, y, kind="regression", seconds=seconds) == kept
    assert len(CostPruner([1, 1, 1], budget=0.01).fit(twins, y).members_) == 1


@pytest.mark.parametrize(
    ("pruner", "match"),
    [
        (CostPruner([1.0]), "one finite number of at least 0 for each of the 6 members"),
        (CostPruner(budget=0), "'budget' parameter .* Got 0"),
        (OrderedPruner(0), "'n_members' parameter .* Got 0"),
        (RedundancyPruner(measure="q"), "compares decisions on classes"),
        (RedundancyPruner(measure="cosine"), "'measure' parameter .* Got 'cosine'"),
        (OrderedPruner(n_classes=2), "y must hold class positions"),
    ],
)
def test_errors(table, pruner, match):
    with pytest.raises(ValueError, match=match):
        pruner.fit(*table)


def test_pruners_work_in_a_pipeline(table):
    X, y = table
    model = make_pipeline(OrderedPruner(2), SimplexRegressor()).fit(X, y)
    assert model[-1].n_features_in_ == 2
    assert model.score(X, y) > 0.8
    P, labels = classes_of(table)
    assert OrderedPruner(2, n_classes=3).fit_transform(P, labels).shape == (200, 6)


def test_ten_thousand_members():
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    X = rng.normal(size=(60, 10_000))
    X[:, 17] = y
    assert 17 in OrderedPruner(5).fit(X, y).members_
    assert len(select_members("auto", X, y, kind="regression")) == 5000


@parametrize_with_checks([OrderedPruner(), RedundancyPruner(), CostPruner()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "pruner",
    [
        OrderedPruner(3, n_classes=2),
        RedundancyPruner(0.6, n_classes=2),
        RedundancyPruner(0.5, measure="q", n_classes=2),
        CostPruner(n_classes=2),
    ],
    ids=str,
)
def test_a_weight_counts_as_so_many_rows(pruner):
    rng = np.random.default_rng(0)
    y, times = rng.integers(0, 2, 60), rng.integers(0, 4, 60)
    X = np.clip(0.5 + 0.2 * (y - 0.5)[:, np.newaxis] + 0.2 * rng.normal(size=(60, 6)), 0, 1)
    X[::5, 2] = np.nan
    one = clone(pruner).fit(X, y, sample_weight=times)
    two = clone(pruner).fit(X.repeat(times, axis=0), y.repeat(times))
    assert one.members_.tolist() == two.members_.tolist()
    for name in ("order_", "likeness_"):
        np.testing.assert_allclose(getattr(one, name, 0), getattr(two, name, 0), atol=1e-9)
