import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, RepeatedKFold, TimeSeriesSplit

from ensemble_mm import DataWarning, MultiOutputStack, StackedClassifier
from ensemble_mm.crossfit import draw_folds
from ensemble_mm.data import Problem, resolve_targets


def folds(Y, cv, groups=None, seed=0):
    tasks, targets, _ = resolve_targets(Y)
    n_rows = len(next(iter(targets.values())))
    return draw_folds(cv, Problem(np.zeros((n_rows, 1)), (), tasks, targets, dict.fromkeys(tasks), groups), seed)


@pytest.mark.parametrize("cv", [3, KFold(4), RepeatedKFold(n_splits=3, n_repeats=2), TimeSeriesSplit(3)])
def test_no_row_is_in_both_parts(cv):
    for train, test in folds({"y": np.arange(40.0) / 3}, cv):
        assert len(train) and len(test) and not set(train) & set(test)


@pytest.mark.parametrize(
    ("settings", "n_folds"), [({"learners": "fast"}, 3), ({}, 5), ({"learners": "fast", "cv": 4}, 4)]
)
def test_fast_has_fewer_folds_where_none_are_given(settings, n_folds):
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.tile(["no", "yes"], 30)
    assert len(StackedClassifier(**settings).plan(X, y).folds) == n_folds
    two = {"first": y, "second": y[::-1]}
    by_task = MultiOutputStack(**{**settings, "cv": {"first": 2}})
    assert len(by_task.plan(X, two).folds) == 2 + (5 if settings.get("learners") is None else 3)


def test_folds_by_task_are_for_several_tasks():
    with pytest.raises(ValueError, match="is a dict, which tells the folds of single tasks of a MultiOutputStack"):
        folds({"y": np.arange(40.0) / 3}, {"y": 3})


def test_a_number_of_folds_is_stratified_on_the_first_task_that_allows_it():
    Y = {"rare": ["a"] * 58 + ["b"] * 2, "common": ["x", "y", "z"] * 20}
    for _, test in folds(Y, 4):
        assert np.bincount([list("xyz").index(Y["common"][i]) for i in test]).tolist() == [5, 5, 5]


def test_unknown_labels_are_spread_over_the_folds():
    y = np.array(["a", "b"] * 30, dtype=object)
    y[:24] = None
    for _, test in folds({"y": y}, 4):
        assert sum(y[i] is None for i in test) == 6


def test_groups_stay_together():
    groups = np.arange(60) // 5
    for cv in (3, GroupKFold(3)):
        for train, test in folds({"y": ["a", "b"] * 30}, cv, groups):
            assert not set(groups[train]) & set(groups[test])


def test_folds_depend_on_the_seed_alone():
    y = {"y": np.arange(30.0) / 7}
    same, again, other = (folds(y, 3, seed=s) for s in (1, 1, 2))
    assert all((a[1] == b[1]).all() for a, b in zip(same, again, strict=True))
    assert any((a[1] != b[1]).any() for a, b in zip(same, other, strict=True))


def test_a_rare_class_lowers_the_number_of_folds_with_a_warning():
    with pytest.warns(UserWarning, match="Task 'y': class 'b' has 3 rows, fewer than cv=5 folds: 3 folds are used"):
        assert len(folds({"y": ["a"] * 20 + ["b"] * 3}, 5)) == 3


@pytest.mark.parametrize(
    ("y", "cv", "words"),
    [
        (["a"] * 9 + ["b"], 3, "class 'b' has 1 row, fewer than cv=3 folds"),
        ([1.5, 2.5, 3.5], 5, "n_samples=3"),
        ([1.5, 2.5, 3.5], 1, "cv=1 must be at least 2"),
        ([1.5, 2.5, 3.5], [([0, 1], [1, 2])], "row 1 in both the training and the test rows"),
        ([1.5, 2.5, 3.5], [3, 4], "each fold is a pair"),
        ([1.5, 2.5, 3.5], [([0, 1], [7])], "names rows outside of the 3 rows"),
        ([1.5, 2.5, 3.5], "five", "cv='five' is not known"),
        (["a", "a", "b", "b"], [([0, 1], [2, 3])], "Task 'y' has one class only in the training rows of fold 0"),
    ],
)
def test_errors_say_what_is_wrong(y, cv, words):
    with pytest.raises(ValueError, match=words):
        folds({"y": y}, cv)


@pytest.mark.parametrize("form", ["{}", "{} €", "{},5"])
def test_a_classifier_of_many_numbers_is_told_of_regressors(form):
    labels = [int(i) if form == "{}" else form.format(i) for i in [*range(30)] * 2 + [30]]
    with pytest.raises(ValueError, match="Its 31 labels are numbers: to predict a number, use a regressor"):
        StackedClassifier(learners=[("linear", LogisticRegression())]).fit(np.zeros((61, 1)), labels)


@pytest.mark.parametrize(
    "groups",
    [[1, 2], 3, "a", [[1], [1, 2]] * 6, np.zeros((12, 2)), np.array([None, True, "a"] * 4, dtype=object),
     np.array([np.zeros(2), np.zeros(3)] * 6, dtype=object)],
)  # fmt: skip
def test_groups_are_one_name_a_row(groups):
    with pytest.raises(ValueError, match="cannot group 12 rows: give one name or number per row"):
        folds({"y": np.arange(12.0) / 7}, 3, groups)


@pytest.mark.parametrize("groups", [["a", None] * 6, [1.0, np.nan] * 6, pd.Series([1, pd.NA] * 6, dtype="Int64")])
def test_rows_without_a_group_are_told(groups):
    with pytest.raises(ValueError, match="groups of which 6 are missing cannot group 12 rows: give one name"):
        folds({"y": np.arange(12.0) / 7}, 3, groups)


@pytest.mark.parametrize(
    "kind", [["x", "y"] * 29 + ["x", "rare"], ["x", "y"] * 29 + ["once", "too"], [f"c{i}" for i in range(60)]]
)
def test_groups_stay_together_whatever_the_classes(kind):
    """A class of one row made folds of rows, with no word but scikit-learn's."""
    groups = np.arange(60) // 5
    with pytest.warns(DataWarning) as told:
        found = folds({"kind": kind, "size": np.arange(60) / 7}, 3, groups)
    assert [str(one.message)[:11] for one in told] == ["Task 'kind'"]
    for train, test in found:
        assert len(test) and not set(groups[train]) & set(groups[test])


def test_fewer_groups_than_folds_are_told():
    groups = np.arange(60) // 20
    with pytest.warns(DataWarning, match="3 groups, fewer than cv=5 folds: 3 folds are used"):
        assert len(folds({"y": ["a", "b"] * 30}, 5, groups)) == 3
    with pytest.raises(ValueError, match="groups holds one group only"):
        folds({"y": ["a", "b"] * 30}, 5, np.zeros(60))


def test_fewer_rows_than_folds_are_told():
    with pytest.raises(ValueError, match="Give more rows than 6 samples, or use a smaller cv"):
        folds({"y": np.arange(6) / 7}, 10)


def test_a_class_that_training_rows_lack_is_told():
    y = ["a", "b", "a", "b", "a", "c"] * 5
    halves = [(np.arange(5), np.arange(5, 30)), (np.arange(5, 30), np.arange(5))]
    with pytest.warns(DataWarning, match=r"'y': class 'c' has no training row in 1 of 2 folds \(first in fold 0\)"):
        folds({"y": y}, halves)


def test_folds_are_drawn_again_until_every_task_has_two_classes_to_learn_from():
    """The first draw, which is stratified on another task, has both rows of a class in one fold."""
    even, rare = ["x", "z"] * 15, np.arange(30) < 2
    together = [s for s in range(20) if any({0, 1} <= set(test) for _, test in folds({"even": even}, 3, seed=s))]
    assert together
    for seed in together:
        assert all(rare[train].any() for train, _ in folds({"even": even, "rare": rare}, 3, seed=seed))


def test_a_cv_that_splits_groups_is_told():
    """Only scikit-learn's word on a parameter that it ignores told of it, and nothing of a list of folds."""
    groups = np.arange(60) % 20
    listed = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]
    for cv in (listed, KFold(3)):
        with pytest.warns(UserWarning) as told:
            folds({"y": ["a", "b"] * 30}, cv, groups)
        assert any("cv splits 20 of 20 groups" in str(warning.message) for warning in told)
