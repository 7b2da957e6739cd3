"""Checks of rows, columns and folds, each on the smallest data that it must catch or let pass."""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm.data import MultimodalData, Task, resolve_targets
from ensemble_mm.inspection._audit_rows import check_classes, check_groups, check_single_columns

HALVES = [(np.arange(10), np.arange(10, 20)), (np.arange(10, 20), np.arange(10))]


def verdicts(found):
    return {check: verdict for check, verdict, *_ in found}


def test_groups():
    assert check_groups(np.repeat([0, 1], 10), HALVES)[0][1] == "pass"
    ((_, verdict, share, words),) = check_groups(np.repeat(["p", "q", "r", "s"], [10, 3, 3, 4])[::-1], HALVES)
    assert verdict == "pass" and share == 0
    ((_, verdict, share, words),) = check_groups(np.repeat(["p", "q"], [11, 9]), HALVES)
    assert verdict == "fail" and share == 0.5 and words.startswith("1 of 2 groups")
    assert check_groups(None, HALVES)[0][1] == "skip"
    ((_, verdict, share, words),) = check_groups(np.repeat(["p", "q"], [16, 4]), [(np.arange(16), np.arange(16, 20))])
    assert verdict == "warn" and share == 0.8 and words.startswith("One group holds 80\u00a0% of the rows")


def test_a_class_rarer_than_folds_is_told_and_unknown_labels_do_not_count():
    task = Task("kind", "binary", np.array(["a", "b"], dtype=object))
    target = np.r_[np.zeros(10), np.ones(2), np.full(8, np.nan)]
    assert check_classes({"kind": task}, {"kind": target}, HALVES)[0][1] == "pass"
    ((check, verdict, value, words),) = check_classes({"kind": task}, {"kind": target}, HALVES, cv=3)
    assert (check, verdict, value) == ("classes of 'kind'", "warn", 2) and "'b', has 2 rows" in words
    assert check_classes({"size": Task("size", "regression")}, {"size": target}, HALVES) == []


@pytest.mark.parametrize(
    "column",
    [
        lambda y: y * 2 + 1,
        lambda y: np.where(y == 1, "yes", "no"),
        lambda y: pd.Categorical(np.where(y == 1, "x", "z")),
        lambda y: pd.to_datetime("2020-01-01") + pd.to_timedelta(y, unit="D"),
        lambda y: np.where(y == 1, 3.0, np.nan),
        lambda y: y == 1,
    ],
    ids=["number", "text", "category", "date", "missing", "bool"],
)
@pytest.mark.parametrize("container", ["frame", "views"])
def test_a_column_of_any_type_that_tells_is_caught(column, container):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    X = pd.DataFrame({"harmless": rng.normal(size=60), "tells": column(y)})
    source = X if container == "frame" else MultimodalData({"facts": X})
    tasks, targets, _ = resolve_targets(pd.Series(y, name="bought"))
    found = verdicts(check_single_columns(source, tasks, targets, np.arange(60)))
    failed = [check for check, verdict in found.items() if verdict == "fail"]
    assert failed == [f"column {'tells' if container == 'frame' else 'facts: tells'!r} tells 'bought'"]


def test_a_strong_column_is_no_leak_and_names_of_rows_are_none():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    X = pd.DataFrame({"strong": y + 0.5 * rng.normal(size=100), "name": [f"row {i}, {v}" for i, v in enumerate(y)]})
    tasks, targets, _ = resolve_targets(pd.Series(y, name="bought"))
    ((_, verdict, value, words),) = check_single_columns(X, tasks, targets, np.arange(100))
    assert verdict == "pass" and 0.2 < value < 0.99 and "'strong'" in words


def test_a_column_that_tells_but_for_wrong_labels_is_looked_at():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 1000)
    X = pd.DataFrame({"strong": y + 0.3 * rng.normal(size=1000), "late": np.where(rng.random(1000) < 0.015, 1 - y, y)})
    tasks, targets, _ = resolve_targets(pd.Series(y, name="bought"))
    ((check, verdict, share, words),) = check_single_columns(X, tasks, targets, np.arange(1000))
    assert (check, verdict) == ("column 'late' nearly tells 'bought'", "warn") and 0.97 < share < 1
    assert "known before" in words


def test_a_text_in_which_a_word_tells_is_looked_at():
    rng = np.random.default_rng(0)
    y, words = rng.integers(0, 2, 100), ["red", "blue", "old", "new", "small"]
    note = [f"{' '.join(rng.choice(words, 6))} {('pending', 'sold')[v]}" for v in y]
    X = pd.DataFrame({"note": note, "plain": [text.rsplit(" ", 1)[0] for text in note]})
    tasks, targets, _ = resolve_targets(pd.Series(y, name="bought"))
    ((check, verdict, gain, words),) = check_single_columns(X, tasks, targets, np.arange(100))
    assert (check, verdict, gain) == ("column 'note' tells 'bought'", "warn", 1) and "known before" in words
