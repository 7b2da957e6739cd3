"""Label sets: columns of lists of tags, and of texts that list them."""

import json

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import DataWarning
from ensemble_mm.data import (
    classes_by_column,
    evaluate_sets,
    kinds_by_column,
    labels_by_task,
    resolve_targets,
    task_weights,
)

LISTS = [["red", "new"], ["red"], [], None, ["new"]] * 6
WRITTEN = ['["red", "new"]', "['red']", "[]", None, '["new"]'] * 6
SPLIT = ["red|new", " red", "[]", "", "new"] * 6
COMMAS = ["red, new", "red", "[]", None, "new"] * 6


@pytest.mark.parametrize("cells, kinds", [
    (WRITTEN, "auto"), (WRITTEN, {"tags": "labels"}), (SPLIT, {"tags": "labels"}), (COMMAS, {"tags": "labels"}),
])  # fmt: skip
def test_texts_that_list_tags_are_lists(cells, kinds):
    Y = pd.DataFrame({"tags": cells, "size": np.arange(30) / 7})
    tasks, encoded, _ = resolve_targets(Y, kinds)
    assert kinds_by_column(tasks) == {"tags": "labels", "size": "regression"}
    assert classes_by_column(tasks)["tags"].tolist() == ["new", "red"]
    _, expected, _ = resolve_targets(Y.assign(tags=LISTS))
    for name, found in labels_by_task(tasks, Y).items():
        np.testing.assert_array_equal(encoded[name], expected[name])
        np.testing.assert_array_equal(tasks[name].encode(found), expected[name])


def test_tags_of_json_are_what_was_written():
    tags = ["\U0001f600", "a/b", "é"]
    tasks, _, _ = resolve_targets({"t": [json.dumps([tag]).replace("/", r"\/") for tag in tags] * 6})
    assert [task.tag for task in tasks.values()] == sorted(tags)


@pytest.mark.parametrize("cells", [
    ["a|b", "a"] * 9, ["[a]", "[b]"] * 9, ['["a"]', "b"] * 9, ["[{[]: 1}]", "[{{}}]"] * 9,
])  # fmt: skip
def test_texts_that_were_not_declared_are_classes(cells):
    assert list(resolve_targets({"t": cells})[0]) == ["t"]


def test_the_separator_is_that_of_the_fit():
    tasks, _, _ = resolve_targets({"t": ["pop, rock|jazz", "jazz", "pop, rock"] * 6}, {"t": "labels"})
    found = labels_by_task(tasks, {"t": ["pop, rock", "jazz"]})
    assert tasks["t=pop, rock"].encode(found["t=pop, rock"]).tolist() == [1, 0]


def test_kinds_that_do_not_suit_are_told():
    Y = {"tags": LISTS, "size": np.arange(30) / 7}
    with pytest.raises(ValueError, match="'size' has kind 'labels', but its cells list no tags"):
        resolve_targets(Y, {"size": "labels"})
    with pytest.raises(ValueError, match="'tags' lists tags, and has kind 'binary': use 'labels'"):
        resolve_targets(Y, {"tags": "binary"})


def test_sets_of_which_no_tag_is_there_or_said_do_not_count_in_f1():
    tasks, _, _ = resolve_targets({"t": LISTS})
    truth = [["red"], [], None]
    out = {"t=new": np.array([[0.9, 0.1]] * 3), "t=red": np.array([[0.2, 0.8], [0.9, 0.1], [0.9, 0.1]])}
    labels = labels_by_task(tasks, {"t": truth})
    columns = ([by[name] for name in tasks] for by in (tasks, labels, out))
    found = evaluate_sets(*columns, [None, None])
    assert found["n"] == 2 and found["f1_macro"] == found["f1_micro"] == found["accuracy"] == 1
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.9, 0.9, 0.8, 0.9])))


def test_tags_share_the_weights_of_their_column():
    tasks, _, _ = resolve_targets({"t": LISTS, "size": np.arange(30) / 7})
    by_column, by_task = np.c_[np.arange(30), np.ones(30)], np.c_[np.arange(30), np.arange(30), np.ones(30)]
    for weight in (by_column, by_task):
        found = task_weights(weight, tasks, 30)
        assert {name: weights[3] for name, weights in found.items()} == {"t=new": 3, "t=red": 3, "size": 1}
    with pytest.raises(ValueError, match=r"has shape \(30, 4\): give \(30,\) or \(30, 2\)"):
        task_weights(np.ones((30, 4)), tasks, 30)


def test_tags_that_the_fit_did_not_know_are_told_and_their_sets_are_wrong():
    tasks, _, _ = resolve_targets({"t": LISTS})
    out = {"t=new": np.array([[0.9, 0.1]] * 3), "t=red": np.array([[0.1, 0.9]] * 3)}
    labels = labels_by_task(tasks, {"t": [["red", "odd"], ["red"], None]})
    columns = ([by[name] for name in tasks] for by in (tasks, labels, out))
    with pytest.warns(DataWarning, match="1 of 2 label sets list tags, such as 'odd', that the model does not know"):
        found = evaluate_sets(*columns, [None, None])
    assert found["n"] == 2 and found["accuracy"] == 0.5 and found["f1_macro"] == 1
    assert found["f1_micro"] == pytest.approx(2 * 2 / (2 * 2 + 1))


@pytest.mark.parametrize("cells", [[["red", None], ["new"], [None]], ['["red", null]', '["new"]', "[null]"]], ids=type)
def test_an_empty_place_in_a_list_is_no_tag(cells):
    """A database that joins tables leaves such places; one of them made the whole column no label sets."""
    tasks, encoded, _ = resolve_targets({"t": cells * 8})
    np.testing.assert_array_equal([encoded[name][:3] for name in tasks], [[0, 1, np.nan], [1, 0, np.nan]])
