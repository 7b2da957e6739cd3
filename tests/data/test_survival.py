"""Times to an event: two columns of Y, or records, are one task."""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm.data import labels_by_task, resolve_targets

DEATH = {"death": ("survival", "days", "died")}
Y = pd.DataFrame({"days": [3.0, 2, np.nan, 5] * 3, "died": [True, False, True, None] * 3, "size": np.arange(12) / 7})
SIGNED = [3, -2, np.nan, np.nan] * 3


@pytest.mark.parametrize("kind", [bool, int, float])
def test_two_columns_are_one_task(kind):
    died = Y["died"].map(lambda cell: cell if cell is None else kind(cell)).astype(object)
    tasks, encoded, named = resolve_targets(Y.assign(died=died), DEATH)
    assert named and list(tasks) == ["size", "death"] and tasks["death"].kind == "survival"
    np.testing.assert_array_equal(encoded["death"], SIGNED)
    found = labels_by_task(tasks, Y.assign(died=died)[["died", "days"]])
    np.testing.assert_array_equal(tasks["death"].encode(found["death"]), SIGNED)


def test_a_task_may_have_the_name_of_one_of_its_columns_and_numbers_may_be_signed():
    assert list(resolve_targets(Y, {"days": ("survival", "days", "died")})[0]) == ["size", "days"]
    tasks, encoded, _ = resolve_targets({"death": SIGNED}, {"death": "survival"})
    np.testing.assert_array_equal(encoded["death"], SIGNED)
    assert tasks["death"].kind == "survival"


def test_records_are_times_to_an_event():
    records = np.array([(True, 3.0), (False, 2.0)] * 4, dtype=[("died", bool), ("days", float)])
    for given, name in ((records, "y"), ({"death": records}, "death")):
        tasks, encoded, _ = resolve_targets(given)
        assert tasks[name].kind == "survival" and encoded[name].tolist() == [3, -2] * 4
        assert labels_by_task(tasks, given)[name].tolist() == [3, -2] * 4


@pytest.mark.parametrize("change, kind, words", [
    ({"died": "yes"}, DEATH, "has events such as 'yes': give true or 1"),
    ({"days": 0.0}, DEATH, "'death' has a time of 0: give times above 0"),
    ({"days": "long"}, DEATH, "times that are not numbers"),
    ({"days": pd.to_timedelta(Y["days"], unit="D")}, DEATH, "times of type timedelta64.*: give numbers"),
    ({"died": False}, DEATH, "'death' is a survival, but nothing happened in any row"),
    ({}, {"death": ("survival", "day", "died")}, "needs the column 'day', but Y has the columns .*mean 'days'"),
    ({}, {"death": ("survival", "days")}, 'use one word, or \\("survival", column of times, column of events\\)'),
    ({}, {"size": ("survival", "days", "died")}, "'size' reads the columns .*a column of its name"),
])  # fmt: skip
def test_what_tells_no_times_to_an_event_is_told(change, kind, words):
    with pytest.raises(ValueError, match=words):
        resolve_targets(Y.assign(**change), kind)


def test_what_is_said_of_rows_without_a_label_may_be_anything():
    times = pd.DataFrame({"days": [0.0, 3, 2, 5], "died": [None, True, False, True]})
    encoded = resolve_targets(times, DEATH)[1]["death"]
    np.testing.assert_array_equal(encoded, [np.nan, 3, -2, 5])
    ranked = {"grade": [-1, 1, 0, 2], "query": [None, "a", "a", "a"]}
    encoded = resolve_targets(pd.DataFrame(ranked), {"order": ("ranking", "grade", "query")})[1]["order"]
    assert np.isnan(encoded[0]) and not np.isnan(encoded[1:]).any()
