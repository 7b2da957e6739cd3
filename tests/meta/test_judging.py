"""Scores of held-out rows: those of scikit-learn on each fold, compared on the same rows, with intervals that hold."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t
from sklearn.metrics import accuracy_score, make_scorer, mean_absolute_error, r2_score, roc_auc_score
from sklearn.model_selection import RepeatedKFold

from ensemble_mm._kinds import Classes, Numbers
from ensemble_mm._scorers import metric_of
from ensemble_mm.meta import Judge, best_alone, constant_of, cross_fitted, make_meta_learner


def folds_of(n, k=4):
    rows = np.arange(n)
    return [(np.setdiff1d(rows, rows[f::k]), rows[f::k]) for f in range(k)]


def judge_of(y, scoring=None, kind=None, k=4, **options):
    kind = kind or Numbers()
    return Judge(kind, metric_of(scoring, kind), y, folds_of(len(y), k), **options)


def width_of(row, worst=-np.inf):
    """Return how wide an interval is on the scale that it was made on: where R2 and others are 1 or 0 when perfect."""
    perfect = 0.0 if row["score_name"].startswith("neg_") else 1.0
    odds = [(perfect - row[side]) / (1 if np.isinf(worst) else row[side] - worst) for side in ("low", "high")]
    return np.log(odds[0] / odds[1])


@pytest.fixture
def numbers():
    y, noise = np.random.default_rng(0).normal(size=(2, 80))
    return y, y + noise


@pytest.mark.parametrize(
    ("scoring", "function"),
    [(None, r2_score), ("neg_mean_absolute_error", lambda *a, **k: -mean_absolute_error(*a, **k)),
     (make_scorer(r2_score), r2_score)],
)  # fmt: skip
def test_a_score_is_the_mean_over_the_folds_that_count_by_their_weights(numbers, scoring, function):
    y, out = numbers
    weight = np.random.default_rng(1).integers(1, 5, 80).astype(float)
    tests = [test for _, test in folds_of(80)]
    expected = [function(y[test], out[test], sample_weight=weight[test]) for test in tests]
    judge = judge_of(y, scoring, weight=weight)
    np.testing.assert_allclose(judge.on_folds(out), expected)
    assert judge.score(out) == pytest.approx(np.average(expected, weights=[weight[test].sum() for test in tests]))


def test_a_row_of_weight_two_is_two_rows(numbers):
    y, out = numbers
    weight = np.where(np.arange(80) % 3 == 0, 2.0, 1.0)
    again = np.repeat(np.arange(80), weight.astype(int))
    folds = [tuple(np.flatnonzero(np.isin(again, part)) for part in pair) for pair in folds_of(80)]
    once = judge_of(y, weight=weight, groups=np.arange(80)).compare([out, out / 2]).drop(columns="n")
    kind = Numbers()
    twice = Judge(kind, metric_of(None, kind), y[again], folds, groups=again).compare([out[again], out[again] / 2])
    np.testing.assert_allclose(once.drop(columns="score_name"), twice[once.columns].drop(columns="score_name"))


@pytest.mark.parametrize(("weight", "worth", "groups"), [(2.0, 2, None), (0.5, 1, None), (2.0, 1, np.arange(80) // 2)])
def test_rows_of_whole_weights_make_as_sure_as_so_many_rows(numbers, weight, worth, groups):
    y, out = numbers
    plain, heavy = (
        judge_of(y, weight=w, groups=groups).compare([out, out / 2]).loc[1] for w in (None, np.full(80, weight))
    )
    assert width_of(heavy) == pytest.approx(width_of(plain) / np.sqrt(worth))
    apart = plain["difference_high"] - plain["difference_low"]
    assert heavy["difference_high"] - heavy["difference_low"] == pytest.approx(apart / np.sqrt(worth))


@pytest.mark.parametrize("scoring", ["roc_auc", "accuracy", "neg_log_loss", "average_precision"])
def test_rows_of_weight_two_make_scores_of_classes_as_sure_as_two_rows(numbers, scoring):
    y, out = (numbers[0] > 0.5).astype(float), 1 / (1 + np.exp(-numbers[1]))
    proba = np.c_[1 - out, out]
    once, twice = (
        judge_of(y, scoring, Classes(2), weight=weight).compare([proba]).loc[0] for weight in (None, np.full(80, 2.0))
    )
    assert twice["score"] == pytest.approx(once["score"])
    worst = -np.inf if scoring in ("neg_log_loss", "average_precision") else 0.0
    worst = judge_of(y, scoring, Classes(2)).score(np.c_[y, 1 - y]) if np.isinf(worst) else worst
    assert width_of(twice, worst) == pytest.approx(width_of(once, worst) / np.sqrt(2), rel=1e-4)


def test_predictions_are_compared_on_the_rows_that_both_have(numbers):
    y, out = numbers
    some = out.copy()
    easy = np.abs(out - y) < 0.5
    some[~easy] = np.nan  # better than the whole, for it was asked for easy rows only
    first, second = judge_of(y).compare([out, some]).to_dict("records")
    assert first["n"] == 80 and second["n"] == easy.sum()
    assert second["score"] > first["score"] and second["difference"] == second["difference_low"] == 0
    assert second["loss"] == pytest.approx(np.mean((out - y)[easy] ** 2))


def test_where_a_fold_has_too_few_rows_all_are_judged_at_once(numbers):
    y, out = numbers
    alone = judge_of(y, k=80)
    assert np.isnan(alone.on_folds(out)).all() and alone.score(out) == pytest.approx(r2_score(y, out))
    sides = (np.arange(80) % 4 < 2).astype(float)  # each fold holds one class
    proba = np.c_[1 - out, out] / 2
    assert judge_of(sides, "roc_auc", Classes(2)).score(proba) == pytest.approx(roc_auc_score(sides, out))


def test_a_constant_has_no_skill_on_any_fold(numbers):
    y = (numbers[0] > 0.5).astype(float)
    constant = constant_of(y, Classes(2), folds_of(80))
    assert judge_of(y, "roc_auc", Classes(2)).score(constant) == 0.5
    assert not np.allclose(constant[0], constant[1])  # it is that of other rows
    assert judge_of(numbers[0]).score(constant_of(numbers[0], Numbers(), folds_of(80))) < 0


def test_where_all_rows_are_judged_at_once_the_constant_is_one():
    """Of folds of one row each, the priors of the others order the rows against their labels."""
    y = np.tile([0.0, 1.0, 1.0], 10)
    judge = judge_of(y, "roc_auc", Classes(2), k=30)
    assert judge.score(judge.constant) == 0.5
    assert judge.score(constant_of(y, Classes(2), folds_of(30, 30))) == 0


def test_where_folds_are_drawn_again_the_constant_is_one():
    """The means of the priors of several folds told the labels: a constant had an area of .3."""
    y = np.random.default_rng(0).integers(0, 2, 40).astype(float)
    folds = list(RepeatedKFold(n_splits=4, n_repeats=2, random_state=0).split(y))
    judge = Judge(Classes(2), metric_of("roc_auc", Classes(2)), y, folds)
    assert len(judge.parts) == 8 and judge.score(judge.constant) == 0.5


def test_a_fold_without_labels_does_not_count(numbers):
    y, out = numbers
    some = np.where(np.arange(80) % 4 == 0, np.nan, y)
    scores = judge_of(some).on_folds(out)
    assert np.isnan(scores[0]) and judge_of(some).score(out) == pytest.approx(np.mean(scores[1:]))
    assert np.isfinite(judge_of(some).compare([out])["low"].iloc[0])


def test_no_interval_goes_beyond_a_perfect_score():
    y = np.tile([0.0, 1.0], 20)
    out = np.c_[1 - y, y]
    out[3] = 0.5
    row = judge_of(y, "accuracy", Classes(2)).compare([out]).iloc[0]
    assert row["low"] < row["score"] < row["high"] <= 1


@pytest.mark.parametrize("scoring", ["roc_auc", "accuracy", "balanced_accuracy"])
def test_a_perfect_score_of_few_rows_proves_little(scoring):
    y = np.tile([0.0, 0.0, 0.0, 0.0, 1.0], 12)
    row = judge_of(y, scoring, Classes(2)).compare([np.c_[1 - y, y]]).iloc[0]
    assert row["low"] < 0.95 and row["score"] == row["high"] == 1
    worst = judge_of(y, scoring, Classes(2)).compare([np.c_[y, 1 - y]]).iloc[0]
    assert worst["low"] == worst["score"] == 0 and worst["high"] > 0.05


def test_the_only_row_of_a_class_in_a_fold_counts_in_the_error():
    """Without that row the fold says nothing; what it said was taken as certain."""
    y = (np.arange(60) < 5).astype(float)
    out = np.where(np.isin(np.arange(60), [0, 1, 2]), 0.9, np.linspace(0.1, 0.8, 60))
    row = judge_of(y, "roc_auc", Classes(2), k=5).compare([np.c_[1 - out, out]]).iloc[0]
    assert row["high"] - row["low"] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("apart", "least"), [(1.5, 0.9), (3.0, 0.9)])
def test_intervals_hold_the_area_under_the_curve_of_a_rare_class(apart, least):
    rng, inside, k = np.random.default_rng(0), [], 5
    y = (np.arange(60) < 5).astype(float)
    folds = [(np.setdiff1d(np.arange(60), np.arange(60)[f::k]), np.arange(60)[f::k]) for f in range(k)]
    for _ in range(40):
        proba = norm.cdf(apart * y + rng.normal(size=60) - 2)
        judge = Judge(Classes(2), metric_of("roc_auc", Classes(2)), y, folds)
        row = judge.compare([np.c_[1 - proba, proba]]).iloc[0]
        inside.append(row["low"] <= norm.cdf(apart / np.sqrt(2)) <= row["high"])
    assert np.mean(inside) >= least


def test_without_an_interval_that_can_be_told_none_is():
    y = (np.arange(40) == 3).astype(float)
    proba = np.c_[1 - y, y] * 0.5 + 0.25
    row = judge_of(y, "roc_auc", Classes(2)).compare([proba]).iloc[0]
    assert row["score"] == 1 and (np.isnan(row["low"]) or row["low"] < 0.9)


def test_rows_of_a_group_err_together(numbers):
    y, out = (np.repeat(part, 5) for part in numbers)
    rows = np.arange(400).reshape(80, 5)
    folds = [(np.setdiff1d(rows, rows[f::4]), rows[f::4].ravel()) for f in range(4)]
    kind = Numbers()
    plain, grouped = (
        Judge(kind, metric_of(None, kind), y, folds, groups=groups).compare([out]).iloc[0]
        for groups in (None, rows.ravel() // 5)
    )
    assert plain["score"] == grouped["score"]
    assert grouped["high"] - grouped["low"] > 1.5 * (plain["high"] - plain["low"])
    alone = judge_of(*numbers[:1]).compare([numbers[1]]).iloc[0]
    assert grouped["high"] - grouped["low"] == pytest.approx(alone["high"] - alone["low"])  # copies tell nothing new


@pytest.mark.parametrize("n_groups", [4, 7, 80])
def test_folds_of_one_group_are_left_out_whole(numbers, n_groups):
    """Such folds were held to have no interval, since nothing of them is left without their group."""
    y, out = numbers
    groups = np.arange(80) % n_groups
    folds = [(np.flatnonzero(groups != g), np.flatnonzero(groups == g)) for g in range(n_groups)]
    kind = Numbers()
    judge = Judge(kind, metric_of("neg_mean_absolute_error", kind), y, folds, groups=groups)
    row = judge.compare([out]).iloc[0]
    errors = np.array([np.abs(y - out)[test].mean() for _, test in folds])
    expected = errors.std(ddof=1) / np.sqrt(n_groups) / errors.mean()
    freedom = min(n_groups, 20) - 1
    found = width_of(row) / 2 / t.ppf(0.975, freedom)
    assert found == pytest.approx(expected, rel=0.3 if n_groups > 20 else 0.15)


def test_a_fold_of_one_group_beside_others_has_an_interval(numbers):
    y, out = numbers
    groups = np.r_[np.zeros(20), np.arange(1, 61)]
    folds = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for fold in [np.arange(80) // 20] for f in range(4)]
    for scoring in ("r2", "neg_mean_absolute_error"):
        row = Judge(Numbers(), metric_of(scoring, Numbers()), y, folds, groups=groups).compare([out, y]).iloc[1]
        assert row["difference_low"] < row["difference"] < row["difference_high"]


def test_one_group_has_no_interval(numbers):
    y, out = numbers
    row = judge_of(y, groups=np.zeros(80)).compare([out]).iloc[0]
    assert np.isfinite(row["score"]) and np.isnan(row["low"]) and np.isnan(row["high"])


def test_without_labels_there_is_no_score():
    row = judge_of(np.full(8, np.nan)).compare([np.zeros(8)]).iloc[0]
    assert row["n"] == 0 and np.isnan(row["score"]) and np.isnan(row["loss"])


def test_a_metric_that_fails_gives_no_score(numbers):
    def broken(y_true, y_pred):
        raise RuntimeError("no")

    assert np.isnan(judge_of(numbers[0], make_scorer(broken)).score(numbers[1]))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "scoring"), [(Classes(2), "accuracy"), (Classes(2), "roc_auc"), (Numbers(), "r2")])
def test_intervals_hold_the_score_of_many_rows(kind, scoring):
    def drawn(seed, n):
        x, noise = np.random.default_rng(seed).normal(size=(2, n))
        proba = 1 / (1 + np.exp(-2 * x))
        return (x + noise, x) if kind.width == 1 else ((x + noise > 0).astype(float), np.c_[1 - proba, proba])

    truth = metric_of(scoring, kind).score(*drawn(0, 200_000))
    found = []
    for seed in range(1, 201):
        y, out = drawn(seed, 200)
        found.append(judge_of(y, scoring, kind).compare([out]).iloc[0])
    assert 0.91 < np.mean([row["low"] <= truth <= row["high"] for row in found]) < 0.99


def test_the_best_view_is_chosen_on_other_folds():
    """On noise the best of many views scores like any of them, not like the luckiest."""
    rng = np.random.default_rng(0)
    folds, kind, scores = folds_of(60), Classes(2), []
    for _ in range(30):
        y = rng.integers(0, 2, 60).astype(float)
        alone = {str(v): rng.dirichlet([8, 8], 60) for v in range(12)}
        _, out = best_alone(alone, y, kind, folds)
        scores.append(accuracy_score(y, out.argmax(axis=1)))
    assert np.mean(scores) == pytest.approx(0.5, abs=3 * np.std(scores) / 30**0.5)


def test_a_view_that_is_there_in_few_rows_is_not_the_best_by_them():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80).astype(float)
    sure = np.c_[1 - y, y] * 0.98 + 0.01
    few = np.where(np.arange(80)[:, np.newaxis] < 8, sure, np.nan)
    best, out = best_alone({"few": few, "all": 0.3 * sure + 0.35}, y, Classes(2), folds_of(80))
    assert best == "all" and np.isfinite(out).all()


def test_what_is_cross_fitted_can_be_judged(numbers):
    y, out = numbers
    meta = make_meta_learner("mean", kind="regression", n_classes=0)
    _, mixed = cross_fitted(meta, lambda fold: np.c_[out, out], y, Numbers(), folds_of(80))
    assert judge_of(y).score(mixed) == pytest.approx(judge_of(y).score(out))


def test_plain_scores_have_the_unit_of_the_target():
    y, folds = (
        np.array([0.0, 1, 1, 1, 0, 1, np.nan, 1]),
        [(np.arange(4, 8), np.arange(4)), (np.arange(4), np.arange(4, 8))],
    )
    sure = Judge(Classes(), metric_of(None, Classes()), y, folds).plain(np.tile([0.2, 0.8], (8, 1)))
    assert sure.error == sure.guess == pytest.approx(2 / 7) and str(sure).startswith("right in 71 of 100 (95")
    # Where decisions are moved, what is guessed stays the most frequent class.
    moved = Judge(Classes(2, (0.9, 0.1)), metric_of(None, Classes()), y, folds).plain(np.tile([0.2, 0.8], (8, 1)))
    assert moved.error == pytest.approx(5 / 7) and moved.guess == pytest.approx(2 / 7)
    judge = Judge(Numbers(), metric_of(None, Numbers()), y, folds, np.arange(8.0))
    assert judge.prior == pytest.approx(np.average(y[y == y], weights=np.arange(8.0)[y == y]))
    assert judge.plain(y[:, np.newaxis] + 0.5).error == pytest.approx(0.5)
    all_right = Judge(Classes(), metric_of(None, Classes()), np.ones(20), folds_of(20)).plain(
        np.tile([0.2, 0.8], (20, 1))
    )
    assert all_right.low == 0 and all_right.high == pytest.approx(binomtest(0, 20).proportion_ci().high)
    # A row of weight three proves as much as three.
    heavy = Judge(Classes(), metric_of(None, Classes()), np.ones(10), folds_of(10), np.full(10, 3.0))
    assert heavy.plain(np.tile([0.2, 0.8], (10, 1))).high == pytest.approx(binomtest(0, 30).proportion_ci().high)
    new = judge.of_new(Numbers(), np.array([1.0, 3.0]))
    assert new.plain(np.array([[1.0], [2.0]])).guess == pytest.approx(np.abs([1, 3] - judge.prior).mean())


@pytest.mark.parametrize("scoring", ["f1_macro", "f1"])
def test_a_coin_is_no_better_than_a_guess_by_any_metric(scoring):
    rng = np.random.default_rng(0)
    y = np.arange(900.0) % 3 // 2
    coin = rng.dirichlet([1, 1], 900)
    judge = judge_of(y, scoring, Classes(2))
    constant = judge.compare([coin, judge.constant]).iloc[1]
    assert constant["difference_high"] < 0 and not judge.is_right(coin)
    assert judge.is_right((coin + np.c_[1 - y, y]) / 2)
