"""Columns of a table as members and classes, and what happens to the weight of those that abstain."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_mm._weights import mean_and_error
from ensemble_mm.data import Classes, Numbers
from ensemble_mm.meta import GreedyRegressor, LinearRegressor, MeanClassifier, MeanRegressor, make_meta_learner
from ensemble_mm.meta._columns import TableMixin, blend, relevant, row_losses, shares, spread


@st.composite
def tables(draw):
    """Cells of some members with holes, and weights of which some are zero."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n_rows, n_members, width = draw(st.integers(1, 6)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    cells = rng.random((n_rows, n_members, width))
    cells[rng.random((n_rows, n_members)) < draw(st.floats(0, 1))] = np.nan
    weights = rng.random(n_members) * (rng.random(n_members) < 0.7)
    return cells, weights


@settings(max_examples=100, deadline=None)
@given(tables())
def test_shares_sum_to_one_and_only_those_that_are_there_have_one(table):
    cells, weights = table
    here = ~np.isnan(cells[:, :, 0])
    share = shares(here.astype(float), weights)
    some = here.any(axis=1)
    np.testing.assert_allclose(share[some].sum(axis=1), 1)
    assert (share[some][~here[some]] == 0).all() and np.isnan(share[~some]).all()
    weighed = (here * weights).sum(axis=1) > 1e-9
    for row in np.flatnonzero(weighed & some):  # what is left keeps its proportions
        np.testing.assert_allclose(share[row, here[row]], weights[here[row]] / weights[here[row]].sum())


@settings(max_examples=100, deadline=None)
@given(tables())
def test_a_blend_lies_among_its_members_and_forgets_those_that_abstain(table):
    cells, weights = table
    weights = weights + 0.1
    out = blend(cells, weights)
    for row, values in enumerate(cells):
        there = values[~np.isnan(values[:, 0])]
        if len(there):
            assert (out[row] >= there.min(axis=0) - 1e-12).all() and (out[row] <= there.max(axis=0) + 1e-12).all()
            kept = ~np.isnan(values[:, 0])
            np.testing.assert_allclose(out[row], blend(values[np.newaxis, kept], weights[kept])[0])
        else:
            assert np.isnan(out[row]).all()


@settings(max_examples=100, deadline=None)
@given(tables())
def test_filled_cells_change_no_blend(table):
    cells, weights = table
    weights = weights + 0.1
    filled = spread(cells, weights)
    some = ~np.isnan(cells[:, :, 0]).all(axis=1)
    assert not np.isnan(filled[some]).any() and np.isnan(filled[~some]).all()
    np.testing.assert_allclose(blend(filled[some], weights), blend(cells[some], weights))


def test_split_reads_one_column_for_two_classes_and_one_a_class_for_more():
    cells = Classes(2).cells(np.array([[0.2, np.nan, 1.5]]))
    np.testing.assert_array_equal(cells[0], [[0.8, 0.2], [np.nan, np.nan], [0, 1]])
    cells = Classes(3).cells(np.array([[0.2, 0.3, 0.5, 0.1, np.nan, 0.9]]))
    np.testing.assert_array_equal(cells[0], [[0.2, 0.3, 0.5], [np.nan] * 3])  # a part of a member is no member
    np.testing.assert_array_equal(Numbers().cells(np.array([[7.0, -2.0]]))[0], [[7], [-2]])


@pytest.mark.parametrize(
    ("kind", "columns"), [(Numbers(), [1, 3]), (Classes(2), [1, 3]), (Classes(3), [3, 4, 5, 9, 10, 11])]
)
def test_columns_of_members(kind, columns):
    assert kind.columns([1, 3]).tolist() == columns


def test_losses_of_rows_without_a_member_are_those_of_the_prior():
    y = np.array([0, 0, 0, 1])
    cells = Classes(2).cells(np.array([[0.1], [0.2], [np.nan], [0.9]]))
    gain, here = relevant(cells, y, Classes(2))
    worst = Classes(2).worst(y, np.ones(4))
    assert worst == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    found = row_losses(gain, here, y, Classes(2), worst)[:, 0]
    np.testing.assert_allclose(found, [-np.log(0.9), -np.log(0.8), worst, -np.log(0.9)])
    assert Numbers().worst(np.array([1.0, 3.0]), np.ones(2)) == 1.0


@pytest.mark.parametrize(
    ("weight", "match"),
    [([1.0, -1.0], "Negative"), ([0, 0], "only zeros"), ([1.0], "one weight"), ([[1, 1]], "one weight")],
)
def test_strange_weights_are_told(weight, match):
    with pytest.raises(ValueError, match=match):
        MeanRegressor().fit([[1.0], [2.0]], [1.0, 2.0], sample_weight=weight)


@pytest.mark.parametrize(
    ("y", "n_classes", "match"),
    [([0, 0], None, "one class only"), ([0, 3], 3, "positions from 0 to 2"), ([0, -1], 3, "positions from 0 to 2")],
)
def test_strange_labels_are_told(y, n_classes, match):
    with pytest.raises(ValueError, match=match):
        MeanClassifier(n_classes=n_classes).fit(np.full((2, n_classes or 1), 0.5), y)


@pytest.mark.parametrize("name", ["greedy", "simplex", "mean"])
def test_a_table_of_many_classes_is_not_copied_to_double_precision(name):
    rng = np.random.default_rng(0)
    y = np.tile(np.arange(300), 12)
    X = rng.dirichlet(np.ones(300), size=(3600, 3)).reshape(3600, -1).astype(np.float32)
    model = make_meta_learner(name, kind="multiclass", n_classes=300, random_state=0)
    double = make_meta_learner(name, kind="multiclass", n_classes=300, random_state=0).fit(X.astype(float), y)
    tracemalloc.start()
    proba = model.fit(X, y).predict_proba(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * X.nbytes
    np.testing.assert_allclose(model.weights_, double.weights_, atol=1e-6)
    np.testing.assert_allclose(proba, double.predict_proba(X.astype(float)), atol=1e-6)


def test_rows_and_groups_without_weight_make_no_mean_surer():
    values, groups = np.array([1.0, 3, 8, 8, 8]), np.array([0, 0, 1, 2, 3])
    for weight in ([2, 1, 1, 0, 0], [1, 1, 0.5, 0, 0]):
        weight = np.array(weight, dtype=float)
        assert mean_and_error(values, weight) == pytest.approx(mean_and_error(values[:3], weight[:3]))
        found, without = mean_and_error(values, weight, groups), mean_and_error(values[:3], weight[:3], groups[:3])
        assert found == pytest.approx(without)
    assert mean_and_error(values, np.array([1.0, 1, 0, 0, 0]), groups) == (0.0, np.inf)


@pytest.mark.parametrize("learner", [LinearRegressor, GreedyRegressor])
def test_of_a_large_table_evenly_spaced_rows_teach_the_weights(learner, monkeypatch):
    rng = np.random.default_rng(0)
    y, groups = rng.normal(size=400), np.arange(400) // 2
    X = y[:, np.newaxis] + rng.normal(size=(400, 3)) * [1.0, 2.0, 3.0]
    X[:10], some = np.nan, 10 + np.linspace(0, 389, 40).astype(int)
    params = {"groups": groups} if learner is GreedyRegressor else {}
    few = learner().fit(X[some], y[some], **{name: values[some] for name, values in params.items()})
    all_rows = learner().fit(X, y, **params)
    monkeypatch.setattr(TableMixin, "most_rows", 40)
    large = learner().fit(X, y, **params)
    np.testing.assert_array_equal(large.weights_, few.weights_)
    assert large.prior_ == pytest.approx(y.mean()) and not np.array_equal(large.weights_, all_rows.weights_)
