"""Shapley values over views: their axioms, and intervals."""

from itertools import combinations, permutations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm.inspection import _contributions as module
from ensemble_mm.inspection import view_contributions
from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.meta import FixedClassifier
from ensemble_mm.stacking import StackedClassifier, StackedRegressor

TASKS = ["liked", "tone", "stars"]


def worth(cells, views, kept):
    members = np.array([read <= set(kept) for read in cells.views])
    prior = np.broadcast_to(cells.prior, cells.ensemble.shape)
    loss, base = (cells.losses(p).mean() for p in (cells.blend(members), prior))
    return 1 - loss / base


def test_values_count_rows_by_their_weights(hand_made):
    weight = np.random.default_rng(0).random(240)
    hand_made.row_weights_ = dict.fromkeys(TASKS, weight)
    cells = cells_of(hand_made, "stars")
    loss, base = (
        np.average(cells.losses(out), weights=weight)
        for out in (cells.blend(np.ones(3, dtype=bool)), np.full((240, 1), np.average(cells.truth, weights=weight)))
    )
    found = view_contributions(hand_made, n_bootstrap=20, random_state=0)["stars"]
    assert found["value"].sum() == pytest.approx(1 - loss / base)
    assert (found["low"] <= found["value"]).all() and (found["value"] <= found["high"]).all()


@pytest.mark.parametrize("task", TASKS)
def test_values_are_mean_marginal_worths_over_all_orders(hand_made, task):
    cells = cells_of(hand_made, task)
    cells, views = cells.take(cells.scored), list(hand_made.views_)
    expected = dict.fromkeys(views, 0.0)
    for order in permutations(views):
        for i, view in enumerate(order):
            step = worth(cells, views, order[: i + 1]) - worth(cells, views, order[:i])
            expected[view] += step / 6
    values = view_contributions(hand_made, n_bootstrap=0)[task]["value"]
    assert np.allclose(values, [expected[view] for view in values.index])
    assert np.isclose(values.sum(), worth(cells, views, views))
    shares = view_contributions(hand_made, n_bootstrap=0)[task]
    for view in views:
        others = [other for other in views if other != view]
        assert np.isclose(shares.loc[view, "alone"], worth(cells, views, [view]))
        assert np.isclose(shares.loc[view, "unique"], worth(cells, views, views) - worth(cells, views, others))


def test_a_good_view_is_worth_more_than_noise_and_intervals_hold_the_values(hand_made):
    shares = view_contributions(hand_made, random_state=0)
    for task in TASKS:
        assert shares.loc["review", (task, "low")] > shares.loc["photo", (task, "high")]
        low, value, high = (shares[task][what] for what in ("low", "value", "high"))
        assert (low < value).all() and (value < high).all()
        assert shares.loc["noise", (task, "value")] < shares.loc["photo", (task, "value")]


def test_the_same_seed_gives_the_same_intervals(hand_made):
    first, again = (view_contributions(hand_made, random_state=3) for _ in range(2))
    assert first.equals(again)
    assert not first.equals(view_contributions(hand_made, random_state=4))


def test_sampled_orders_come_close_to_all_orders(hand_made, monkeypatch):
    exact = view_contributions(hand_made, n_bootstrap=0).xs("value", axis=1, level=1)
    monkeypatch.setattr(module, "MOST_EXACT_VIEWS", 2)
    sampled = view_contributions(hand_made, n_bootstrap=0, random_state=0).xs("value", axis=1, level=1)
    assert np.abs(exact - sampled).to_numpy().max() < 0.05
    assert np.allclose(exact.sum(), sampled.sum())


def test_a_view_that_nobody_weighs_is_worth_nothing_beside_others(hand_made):
    weights = {("linear", "review"): 2, ("linear", "photo"): 1}
    hand_made.levels_[0].metas["liked"] = FixedClassifier(weights, n_classes=2)
    cells = cells_of(hand_made, "liked")
    with_noise, without = cells.blend(np.ones(3, dtype=bool)), cells.blend(np.array([True, True, False]))
    assert np.allclose(with_noise, without)


def test_a_row_without_members_takes_the_prior(hand_made):
    cells = cells_of(hand_made, "tone")
    assert np.allclose(cells.blend(np.zeros(3, dtype=bool)), cells.prior)


def test_a_coverage_of_one_is_refused(hand_made):
    with pytest.raises(ValueError, match="between 0 and 1"):
        view_contributions(hand_made, coverage=1.0)


def test_values_from_the_table_are_those_of_refits_on_every_set_of_views():
    rng = np.random.default_rng(0)
    cause = rng.normal(size=(300, 2))
    views = {
        "clear": cause + 0.5 * rng.normal(size=(300, 2)),
        "dim": cause + 2 * rng.normal(size=(300, 2)),
        "noise": rng.normal(size=(300, 2)),
    }
    y = cause.sum(axis=1)

    def fitted(names):
        model = StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0)
        return model.fit({name: views[name] for name in names}, y)

    def gain(names):
        cells = cells_of(fitted(names))
        loss = cells.losses(cells.ensemble).mean()
        return 1 - loss / cells.losses(np.full_like(cells.ensemble, y.mean())).mean()

    gains = {names: gain(names) for size in (1, 2, 3) for names in combinations(views, size)} | {(): 0.0}
    refitted = dict.fromkeys(views, 0.0)
    for order in permutations(views):
        for i, view in enumerate(order):
            before, after = (tuple(v for v in views if v in order[:k]) for k in (i, i + 1))
            refitted[view] += (gains[after] - gains[before]) / 6
    model = fitted(views)
    model.losses_by_views_ = {}  # as of more views than a fit tries out
    shares = view_contributions(model, n_bootstrap=0)["y"]
    assert np.allclose(shares["value"], [refitted[view] for view in views], atol=0.05)
    assert shares["value"].idxmax() == "clear" and shares["value"].idxmin() == "noise"


@pytest.mark.parametrize("holes", [0, 60])
def test_sets_of_views_are_worth_what_predict_makes_of_them(holes):
    """Also where rows that lack a view have weights of their own, and a member fills in what is missing."""
    rng = np.random.default_rng(0)
    X = {"strong": rng.normal(size=(150, 1)), "weak": rng.normal(size=(150, 1))}
    y = (4 * X["strong"][:, 0] + X["weak"][:, 0] > -3).astype(int)
    X["weak"][:holes] = np.nan
    learners = [("each", LogisticRegression()), ("all", LogisticRegression(), "all")]
    lone = [(np.arange(100), np.arange(100, 150))]  # what predicts new rows also predicted those of the fold
    model = StackedClassifier(learners=learners, cv=lone, refit=False, random_state=0).fit(X, y)
    worth = module.worth_of(model, "y")
    for kept in (set(), {0}, {1}):
        left = {name: view[100:] if j in kept else np.full((50, 1), np.nan) for j, (name, view) in enumerate(X.items())}
        proba = model.predict_proba(left)[np.arange(50), y[100:]]
        assert -worth(frozenset(kept)).mean() == pytest.approx(-np.log(proba).mean(), rel=0.15), kept
    whole = -np.log(model.oof_["y"][np.arange(100, 150), y[100:]])
    np.testing.assert_allclose(-worth(frozenset({0, 1})), whole)
    assert 2 in model.levels_[-1].apart["y"]  # else weights of their own are not seen
