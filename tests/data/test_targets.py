from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from ensemble_mm.data import resolve_targets


def kinds(Y, **kwargs):
    tasks, _, _ = resolve_targets(pd.DataFrame(Y), **kwargs)
    return {name: task.kind for name, task in tasks.items()}


def test_kinds_are_inferred():
    n = 30
    found = kinds(
        {
            "text": ["a", "b", "c"] * 10,
            "flag": [True, False] * 15,
            "few": [0, 1, 2] * 10,
            "many": range(n),
            "number": np.linspace(0, 1, n),
            "holes": [0.0, 1.0, np.nan] * 10,
        }
    )
    assert found == {"text": "multiclass", "flag": "binary", "few": "multiclass", "many": "regression",
                     "number": "regression", "holes": "binary"}  # fmt: skip


def test_whole_floats_are_numbers_with_a_word_of_warning():
    with pytest.warns(UserWarning, match=r"'stars' holds floats with 3 .*tasks=\{'stars': \"multiclass\"\}"):
        assert kinds({"stars": [1.0, 2.0, 3.0] * 3}) == {"stars": "regression"}
    assert kinds({"stars": [1.0, 2.0, 3.0] * 3}, kinds={"stars": "multiclass"}) == {"stars": "multiclass"}


def test_labels_go_there_and_back_and_unknown_ones_stay_unknown():
    Y = pd.DataFrame({"kind": ["b", None, "a", "b"], "size": [1.5, 2.5, np.nan, 0.0]})
    tasks, encoded, named = resolve_targets(Y)
    assert named
    np.testing.assert_array_equal(encoded["kind"], [1, np.nan, 0, 1])
    np.testing.assert_array_equal(encoded["size"], [1.5, 2.5, np.nan, 0.0])
    assert tasks["kind"].decode(np.array([[0.9, 0.1], [0.2, 0.8]])).tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("Y", "kinds_", "words"),
    [
        ({"t": ["a", "a", None]}, "auto", "Task 't' has one class only"),
        ({"t": [None, None]}, "auto", "Task 't' has no known label"),
        ({"t": ["a", "b"]}, {"t": "regression"}, "Task 't' is a regression, but holds 'a', 'b'"),
        ({"t": ["a", "b", "c"]}, {"t": "binary"}, 'declared "binary" but has the classes'),
        ({"t": [0.5, 1.5]}, {"t": "multiclass"}, "declared 'multiclass' but holds numbers such as 0.5"),
        ({"t": [1, 2]}, {"u": "binary"}, "tasks names 'u', but Y has the columns 't'"),
        ({"t": [1, 2]}, {"t": "ordinal"}, "has kind 'ordinal': use one of"),
        ({"t": [1.0, np.inf]}, "auto", "infinite values"),
    ],
)
def test_errors_say_what_is_wrong(Y, kinds_, words):
    with pytest.raises(ValueError, match=words):
        resolve_targets(Y, kinds_)


def test_a_strange_label_is_named():
    tasks, _, _ = resolve_targets(pd.Series(["a", "b"], name="kind"))
    with pytest.raises(ValueError, match="Task 'kind' has the label 'c'"):
        tasks["kind"].encode(["a", "c"])


@pytest.mark.parametrize("kinds_", [3, None, ["y"], object()])
def test_kinds_are_a_dict(kinds_):
    with pytest.raises(ValueError, match="tasks=.* is not known"):
        resolve_targets([1.0, 2.0], kinds_)


@pytest.mark.parametrize("bad", [np.zeros((2, 2)), slice(None)])
def test_what_is_no_label_is_told(bad):
    column = pd.Series(["a", "b", None, None], dtype=object)
    for row in (2, 3):
        column.iat[row] = bad
    with pytest.raises(ValueError, match="Task 'y' mixes labels .* or holds what is no label"):
        resolve_targets({"y": column})


def column_of(bad, good="a"):
    column = pd.Series([None] * 4, dtype=object)
    for row, value in enumerate([good, bad, good, bad]):
        column.iat[row] = value
    return column


@pytest.mark.parametrize("only", [None, "classification", "regression"])
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ((1, 2), r"several values in one place, such as the tuple \(1, 2\)"),
        ([1, 2], r"several values .* the list \[1, 2\]"),
        ({1}, "the set {1}"),
        ({"a": 1}, "the dict"),
        (1j, "complex numbers, such as 1j"),
        (Decimal("sNaN"), r"no number, such as Decimal\('sNaN'\)"),
        (10**400, "a number too large for any float"),
        ("a\ud800", r"half of a character .* 'a\\ud800'"),
    ],
)
def test_what_is_neither_class_nor_number_is_told_in_our_words(bad, words, only):
    """Issue 17: numpy and pandas stumbled over these in words of their own."""
    with pytest.raises(ValueError, match=f"Task 't' holds .*{words}.* Give one class or number per row"):
        resolve_targets({"t": column_of(bad)}, only=only)


def test_what_is_told_at_fit_is_told_at_predict():
    tasks, _, _ = resolve_targets({"t": ["a", "b"]})
    with pytest.raises(ValueError, match="Task 't' holds several values in one place"):
        tasks["t"].encode(column_of((1, 2)))


@pytest.mark.parametrize(
    "Y", [[[1], [1, 2]], [[1, [2]], [3, [4]]], {"t": [[1], [1, 2]]}, np.zeros(3, dtype=[("a", int), ("b", float)])]
)
def test_nested_targets_are_told_in_our_words(Y):
    with pytest.raises(ValueError, match="Y holds records, or lists of different lengths"):
        resolve_targets(Y)


def test_a_complex_array_of_targets_is_told_in_our_words():
    with pytest.raises(ValueError, match="Task 'y0' holds complex numbers"):
        resolve_targets(np.ones((4, 2)) * 1j)


def test_series_of_polars_keep_their_name():
    polars = pytest.importorskip("polars")
    tasks, encoded, named = resolve_targets(polars.Series("size", [1.5, 2.25, None]))
    assert list(tasks) == ["size"] and named and np.isnan(encoded["size"][2])
    assert list(resolve_targets(polars.DataFrame({"a": [0, 1], "b": ["x", "y"]}))[0]) == ["a", "b"]
