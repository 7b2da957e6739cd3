"""One task's part of a stack as arrays: weights, priors, losses, and which rows count."""

from dataclasses import replace

import numpy as np
import pytest

from ensemble_mm.inspection._cells import cells_of, check_task, tasks_of


def test_the_first_task_serves_where_none_is_named(hand_made):
    assert check_task(hand_made, None) == "liked" and cells_of(hand_made).task.name == "liked"
    with pytest.raises(ValueError, match="'price' is not known: the model has 'liked', 'tone', 'stars'"):
        check_task(hand_made, "price")


def test_tasks_of_a_kind_that_derives_from_another_are_of_its_family_too(hand_made):
    hand_made.tasks_["stars"] = replace(hand_made.tasks_["stars"], kind="quantile")
    assert tasks_of(hand_made, "regression") == tasks_of(hand_made, "quantile") == ["stars"]
    assert check_task(hand_made, None, "regression") == "stars"
    with pytest.raises(ValueError, match="'stars' is a regression, and this needs a classification: use ResidualDis"):
        check_task(hand_made, "stars", "classification")


def test_cells_hold_all_classes_and_weights_that_sum_to_one(hand_made):
    for name, n_classes in (("liked", 2), ("tone", 3), ("stars", 1)):
        cells = cells_of(hand_made, name)
        assert cells.cube.shape == (240, 3, n_classes) and cells.weights.sum() == pytest.approx(1)
        assert cells.views == [{"review"}, {"photo"}, {"noise"}]
        if n_classes > 1:
            assert np.allclose(np.nansum(cells.cube, axis=2)[~np.isnan(cells.cube).any(axis=2)], 1)


def test_rows_without_a_label_or_a_prediction_do_not_count(hand_made):
    hand_made.oof_["tone"][30] = np.nan
    scored = cells_of(hand_made, "tone").scored
    assert set(range(240)) - set(scored) == {*range(20), 30}


def test_a_pruned_member_weighs_nothing(hand_made):
    hand_made.contributions_ = hand_made.contributions_.drop(("photo", "linear"))
    assert np.allclose(cells_of(hand_made, "liked").weights, [0.6 / 0.7, 0, 0.1 / 0.7])


def test_where_no_weight_is_left_members_weigh_the_same(hand_made):
    cells = cells_of(hand_made, "stars")
    out = replace(cells, weights=np.array([0.0, 0.0, 1.0])).blend(np.array([True, False, False]))
    assert np.allclose(out[:, 0], cells.cube[:, 0, 0])


def test_rows_of_a_group_err_together_and_are_drawn_together(hand_made):
    cells, values = cells_of(hand_made, "stars"), np.random.default_rng(0).normal(size=240)
    apart = cells.error(values)
    times = np.full(240, 5.0)
    assert replace(cells, weight=times).error(values) == pytest.approx(apart / 5**0.5)  # whole weights are rows
    groups = np.repeat(np.arange(48), 5)
    together = replace(cells, groups=groups)
    assert together.error(values[groups]) == pytest.approx(np.std(values[:48]) / 48**0.5)
    counts = together.resamples(7, np.random.default_rng(0))
    assert counts.shape == (7, 240) and (counts[:, ::5].sum(axis=1) == 48).all()
    assert (np.repeat(counts[:, ::5], 5, axis=1) == counts).all()
