"""Intervals and sets cover as often as they say, on fresh rows and by what a row has."""

import numpy as np
import pytest

from ensemble_mm.meta import ConformalIntervals, ConformalSets, JointCoverage


def classes_table(n_rows, n_classes, sharpness=1.0, seed=0):
    """Return probabilities that are right for sharpness 1 and too sure above, and classes drawn from the right ones."""
    rng = np.random.default_rng(seed)
    scores = 1.5 * rng.normal(size=(n_rows, n_classes))
    true = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    said = np.exp(sharpness * scores) / np.exp(sharpness * scores).sum(axis=1, keepdims=True)
    y = (true.cumsum(axis=1) > rng.random((n_rows, 1))).argmax(axis=1)
    return said, y


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_intervals_cover_as_often_as_they_say(coverage):
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scale = rng.uniform(0.2, 2, size=1200)
        y = scale * rng.normal(size=1200)
        bounds = ConformalIntervals().fit(np.zeros(200), y[:200])
        low, high = bounds.interval(np.zeros(1000), coverage).T
        shares.append(((low <= y[200:]) & (y[200:] <= high)).mean())
    assert np.mean(shares) == pytest.approx(coverage, abs=0.015)


def test_patterns_have_their_own_quantile_and_rare_ones_the_pooled():
    rng = np.random.default_rng(0)
    pattern = np.repeat([3, 1, 2], [300, 300, 49])
    y = np.where(pattern == 3, 0.1, 5.0) * rng.normal(size=649)
    model = ConformalIntervals().fit(np.zeros(649), y, pattern=pattern)
    width = np.diff(model.interval(np.zeros(4), 0.9, pattern=[3, 1, 2, 9]), axis=1)[:, 0]
    assert width[0] < 0.5 < 10 < width[1]
    assert width[2] == width[3] == np.diff(model.interval(np.zeros(1), 0.9))[0, 0]


def test_too_few_rows_for_a_coverage_give_the_whole_line():
    model = ConformalIntervals().fit(np.zeros(8), np.arange(8.0))
    assert np.isfinite(model.interval([0.0], 0.8)).all()
    assert np.isinf(model.interval([0.0], 0.9)).all()
    pattern = np.repeat([0, 1], [60, 300])
    model = ConformalIntervals().fit(np.zeros(360), np.r_[np.full(60, 9.0), np.ones(300)], pattern=pattern)
    assert model.interval([0.0], 0.99, pattern=[0])[0, 1] == 9.0  # 60 rows do not tell of one in a hundred


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("method", ["lac", "adaptive"])
def test_sets_cover_as_often_as_they_say(coverage, method):
    shares = []
    for seed in range(20):
        proba, y = classes_table(1200, 5, sharpness=1.5, seed=seed)
        sets = ConformalSets(method=method).fit(proba[:200], y[:200]).sets(proba[200:], coverage)
        assert sets.any(axis=1).all()
        shares.append(sets[np.arange(1000), y[200:]].mean())
    assert np.mean(shares) == pytest.approx(coverage, abs=0.02)


@pytest.mark.parametrize("coverage", [0, 1, 1.5, "a"])
def test_coverage_is_checked(coverage):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        ConformalIntervals().fit(np.zeros(9), np.zeros(9)).interval(np.zeros(2), coverage)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="pattern has shape"):
        ConformalIntervals().fit(np.zeros(9), np.zeros(9), pattern=np.zeros(3))
    with pytest.raises(ValueError, match="expected 3 columns, as in fit"):
        ConformalSets().fit(np.full((9, 3), 1 / 3), np.zeros(9, int)).sets(np.full((9, 2), 0.5))


def test_an_order_of_rows_does_not_matter():
    rng = np.random.default_rng(0)
    y, pattern = rng.normal(size=120), rng.integers(0, 2, 120)
    order = rng.permutation(120)
    one = ConformalIntervals().fit(np.zeros(120), y, pattern)
    two = ConformalIntervals().fit(np.zeros(120), y[order], pattern[order])
    rows = np.zeros(3), 0.8, [0, 1, 7]
    np.testing.assert_allclose(one.interval(*rows), two.interval(*rows))


def test_more_coverage_never_gives_less():
    proba, y = classes_table(150, 4, sharpness=2.0)
    for method in ("lac", "adaptive"):
        model = ConformalSets(method=method).fit(proba, y)
        small, large = model.sets(proba, 0.6), model.sets(proba, 0.95)
        assert (large >= small).all() and large.sum() > small.sum()
    bounds = ConformalIntervals().fit(np.zeros(150), proba[:, 0])
    assert np.diff(bounds.interval([0.0], 0.6)) < np.diff(bounds.interval([0.0], 0.95))


def test_a_weight_counts_as_so_many_rows_and_no_weight_as_none():
    rng = np.random.default_rng(0)
    y, times, pattern = rng.normal(size=80), rng.integers(0, 4, 80), rng.integers(0, 2, 80)
    one = ConformalIntervals().fit(np.zeros(80), y, pattern, sample_weight=times)
    two = ConformalIntervals().fit(np.zeros(times.sum()), np.repeat(y, times), np.repeat(pattern, times))
    for coverage in (0.5, 0.8, 0.99):
        rows = np.zeros(3), coverage, [0, 1, 7]
        np.testing.assert_array_equal(one.interval(*rows), two.interval(*rows))


def test_rows_of_a_group_do_not_tell_more_than_one_of_them():
    y, groups = np.repeat(np.arange(9.0), 50), np.repeat(np.arange(9), 50)
    grouped = ConformalIntervals().fit(np.zeros(450), y, groups=groups)
    single = ConformalIntervals().fit(np.zeros(9), np.arange(9.0))
    for coverage in (0.5, 0.9, 0.95):  # the last asks for more than nine rows
        np.testing.assert_array_equal(grouped.interval([0.0], coverage), single.interval([0.0], coverage))


def test_a_pattern_that_was_tried_out_speaks_for_those_that_have_more_views():
    y = np.random.default_rng(0).normal(size=400)
    model = ConformalIntervals().fit(np.zeros(400), y, pattern=np.full(400, 0b111))
    for pattern, scale in ((0b000, 9), (0b001, 5), (0b010, 7)):
        model.add(pattern, np.zeros(400), scale * y)
    width = np.diff(model.interval(np.zeros(5), 0.9, pattern=[0b111, 0b001, 0b010, 0b100, 0b011]), axis=1)[:, 0]
    np.testing.assert_allclose(width / width[0], [1, 5, 7, 9, 7])


def test_what_rows_say_of_their_own_pattern_stays():
    model = ConformalIntervals().fit(np.zeros(99), np.arange(99.0), pattern=np.ones(99, int))
    before = model.interval([0.0], 0.9, pattern=[1])
    np.testing.assert_array_equal(model.add(1, np.zeros(99), np.full(99, 500.0)).interval([0.0], 0.9, [1]), before)


def test_levels_are_the_coverage_at_which_a_row_is_just_covered():
    y = np.random.default_rng(0).normal(size=300)
    pattern, size = np.arange(300) % 2, np.where(np.arange(300) % 2, 5, 1)
    model = ConformalIntervals().fit(np.zeros(300), size * y, pattern)
    levels = model.levels(np.zeros(300), size * y, pattern)
    assert np.corrcoef(levels[pattern == 0], np.abs(y[pattern == 0]).argsort().argsort())[0, 1] > 0.999
    for shift, inside in ((0, True), (-0.01, False)):
        some = levels > 0.02
        half = model.interval(np.zeros(some.sum()), levels[some] + shift, pattern[some])[:, 1]
        assert ((np.abs(size * y)[some] <= half) == inside).all()


@pytest.mark.parametrize("told", [0.0, 0.1])
def test_sets_that_hold_all_classes_make_no_other_interval_wider(told):
    """Where a guess is all that is known of a class, joint intervals of a number were as wide as its largest error."""
    rng = np.random.default_rng(0)
    said, y, classes, every = np.zeros(400), rng.normal(size=400), rng.permutation(np.arange(400) % 2), np.zeros(400)
    proba = np.tile([0.5 + told, 0.5 - told], (400, 1))
    numbers, sets = ConformalIntervals().fit(said, y, every), ConformalSets().fit(proba, classes, every)
    levels = np.c_[numbers.levels(said, y, every), sets.levels(proba, classes, every)]
    coverage = JointCoverage().fit(levels, every).of_each(0.9, every)
    low, high = numbers.interval(said, coverage, every).T
    both = (low <= y) & (y <= high) & sets.sets(proba, coverage, every)[np.arange(400), classes]
    assert 0.9 <= both.mean() < 0.92


def test_a_class_that_is_always_the_most_probable_asks_nothing_of_other_tasks():
    proba, every = np.tile([0.9, 0.1], (99, 1)), np.zeros(99)
    sets = ConformalSets().fit(proba, every, every)
    coverage = JointCoverage().fit(sets.levels(proba, every, every)[:, np.newaxis], every).of_each(0.9, every)
    assert (coverage < 0.01).all()
    assert sets.sets(proba, coverage, every)[:, 0].all()


def test_few_scores_are_kept_of_many_rows_and_say_the_same():
    y = np.random.default_rng(0).normal(size=50_000)
    model = ConformalIntervals().fit(np.zeros(50_000), y)
    assert len(model.scores_[None]) == 2000
    assert model.interval([0.0], 0.95)[0, 1] == pytest.approx(np.quantile(np.abs(y), 0.95), rel=0.002)


def drawn(growth, seed, n_rows=600):
    """Return predictions, and numbers whose errors grow with them or do not."""
    rng = np.random.default_rng(seed)
    said = rng.uniform(1, 10, n_rows)
    return said, said + np.where(growth, said / 5, 1) * rng.normal(size=n_rows)


def test_widths_grow_with_predictions_where_errors_do():
    widths, covered = [], []
    for seed in range(20):
        said, y = drawn(True, seed)
        intervals = ConformalIntervals().fit(said[:300], y[:300])
        low, high = intervals.interval(said[300:], 0.9).T
        inside = (low <= y[300:]) & (y[300:] <= high)
        covered.append([inside.mean(), inside[said[300:] > 8].mean()])
        widths.append(np.diff(intervals.interval([2.0, 8.0], 0.9), axis=1)[:, 0])
    assert np.mean(covered, axis=0) == pytest.approx([0.9, 0.9], abs=0.02)
    assert 2.5 < np.divide(*np.mean(widths, axis=0)[::-1]) < 5


def test_widths_are_one_where_errors_are():
    chosen = [ConformalIntervals().fit(*drawn(False, seed)).sizes_ is not None for seed in range(40)]
    assert np.mean(chosen) <= 0.1


def test_a_row_of_weight_two_is_two_rows_in_widths_too():
    said, y = drawn(True, 0)
    twice = np.arange(600) < 200
    one = ConformalIntervals().fit(said, y, sample_weight=1.0 + twice)
    other = ConformalIntervals().fit(np.r_[said, said[twice]], np.r_[y, y[twice]])
    np.testing.assert_allclose(one.sizes_, other.sizes_)
    np.testing.assert_allclose(one.interval(said, 0.9), other.interval(said, 0.9))
