import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ensemble_mm.data import MultimodalData, as_source, read_problem

Y = pd.DataFrame({"size": [1.5, 2.5, np.nan, 4.5], "kind": ["a", "b", "a", None]})


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a": [1.0, 2, 3, 4], "b": ["x y z w", "k l m n", "o p q r", "s t u v"]}),
        MultimodalData({"v": np.arange(8.0).reshape(4, 2)}),
        np.arange(8.0).reshape(4, 2),
        sparse.csr_matrix(np.eye(4)),
    ],
    ids=["frame", "views", "array", "sparse"],
)
def test_rows_and_tasks_are_taken_and_nothing_is_changed(X):
    weight, groups = np.array([1.0, 2, 3, 4]), ["p", "p", "q", "q"]
    problem = read_problem(as_source(X), Y, sample_weight=weight, groups=groups)
    part = problem.take([3, 0]).only(["size"])
    assert part.n_rows == 2 and list(part.tasks) == list(part.targets) == list(part.weights) == ["size"]
    assert part.targets["size"].tolist() == [4.5, 1.5] and part.weights["size"].tolist() == [4, 1]
    assert part.groups.tolist() == ["q", "p"] and part.views == problem.views
    assert {name: column.shape[0] for name, column in part.columns.items()} == dict.fromkeys(problem.columns, 2)
    assert problem.n_rows == 4 and list(problem.tasks) == ["size", "kind"] and problem.targets["size"][0] == 1.5


def test_a_label_without_weight_is_not_known():
    problem = read_problem(np.zeros((4, 1)), Y["size"].to_numpy(), sample_weight=[0, 1, 1, 1])
    np.testing.assert_array_equal(problem.targets["y"], [np.nan, 2.5, np.nan, 4.5])
    with pytest.raises(ValueError, match="All sample weights of task 'y' are zero"):
        read_problem(np.zeros((4, 1)), Y["size"].to_numpy(), sample_weight=[0, 0, 1, 0])
    with pytest.raises(ValueError, match="Task 'y' has one class only among the rows with a positive weight"):
        read_problem(np.zeros((4, 1)), np.array(list("aabb")), sample_weight=[0, 0, 1, 1])


def test_classes_of_one_row_are_dropped_if_you_wish():
    y = np.array(["b", "once", "a", "a", "b", None, "c", "c"], dtype=object)
    problem = read_problem(np.zeros((8, 1)), y, rare="drop")
    assert problem.notes == ("Task 'y': classes of one row are left out: 'once'.",)
    assert problem.tasks["y"].classes.tolist() == ["a", "b", "c"] and problem.tasks["y"].kind == "multiclass"
    np.testing.assert_array_equal(problem.targets["y"], [1, np.nan, 0, 0, 1, np.nan, 2, 2])
    assert read_problem(np.zeros((8, 1)), y).tasks["y"].classes.tolist() == ["a", "b", "c", "once"]
    assert read_problem(np.zeros((5, 1)), y[:5], rare="drop").tasks["y"].kind == "binary"
    with pytest.raises(ValueError, match="Task 'y' has 1 classes with more than one row"):
        read_problem(np.zeros((3, 1)), ["a", "a", "b"], rare="drop")


def test_labels_in_another_order_are_told():
    X = pd.DataFrame({"a": [1.0, 2, 3, 4]}, index=list("pqrs"))
    y = pd.Series([0, 1, 0, 1], index=list("srqp"), name="y")
    assert "give Y.loc[X.index]" in " ".join(read_problem(as_source(X), y).notes)
    for other in (y.loc[X.index], y.set_axis(list("wxyz")), y.reset_index(drop=True), y.to_numpy()):
        assert not read_problem(as_source(X), other).notes
    shuffled = y.set_axis([3, 1, 0, 2])  # as y.sample(frac=1) has it, beside rows that were never shuffled
    assert "give Y.loc[X.index]" in " ".join(read_problem(as_source(X.reset_index(drop=True)), shuffled).notes)


def test_the_name_of_a_target_in_its_place_is_told():
    with pytest.raises(ValueError, match=r"Y is the text 'size', .* as data\['size'\]"):
        read_problem(np.zeros((4, 1)), "size")


def test_weights_and_groups_behind_a_mask_are_refused():
    X, y, hidden = np.zeros((4, 1)), np.arange(4.0), [True, False, False, False]
    with pytest.raises(ValueError, match="sample_weight holds negative or non-finite values"):
        read_problem(X, y, sample_weight=np.ma.masked_array(np.ones(4), hidden))
    with pytest.raises(ValueError, match="groups hide some rows behind a mask"):
        read_problem(X, y, groups=np.ma.masked_array([1, 1, 2, 2], hidden))
