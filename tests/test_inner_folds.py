import numpy as np
import pytest

from ensemble_mm._inner_folds import inner_folds, inner_pairs


@pytest.mark.parametrize("classes", [True, False])
def test_groups_stay_whole_and_are_spread_evenly(classes):
    rng = np.random.default_rng(0)
    groups, y = rng.permutation(np.repeat(np.arange(30), 4)), rng.integers(0, 2, 120)
    folds = inner_folds(y, 3, 0, classes=classes, groups=groups)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in range(30))
    assert np.bincount(folds).tolist() == [40, 40, 40]


def test_a_rare_class_is_spread_over_the_folds_by_groups():
    groups = np.repeat(np.arange(12), 3)
    y = np.where(np.isin(np.arange(36), [1, 13, 25]), 1, 0)  # one row each of three groups
    folds = inner_folds(y, 3, 0, classes=True, groups=groups)
    assert sorted(folds[y == 1]) == [0, 1, 2]


def test_what_a_class_would_be_lost_with_stays_in_training():
    groups = np.array(["a", "a", "b", "b", "c", "c"])
    y = np.array([0, 2, 0, 1, 0, 1])
    pairs = inner_pairs(y, 3, 0, classes=True, groups=groups)
    assert len(pairs) == 2
    for train, test in pairs:
        assert set(y[test]) <= set(y[train])
        assert not set(groups[train]) & set(groups[test])


def test_one_group_leaves_nothing_to_hold_aside():
    assert inner_pairs(np.array([0, 1, 0, 1]), 3, 0, classes=True, groups=np.zeros(4)) == []
