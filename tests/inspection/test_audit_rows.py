"""Checks of rows, columns and folds, each on the smallest data that it must catch or let pass."""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm.data import MultimodalData, Task, View, column_of, resolve_targets
from ensemble_mm.inspection._audit_rows import check_classes, check_duplicates, check_groups, check_single_columns
from ensemble_mm.schema import Schema

HALVES = [(np.arange(10), np.arange(10, 20)), (np.arange(10, 20), np.arange(10))]


def verdicts(found):
    return {check: verdict for check, verdict, *_ in found}


def frame(**columns):
    X = pd.DataFrame(columns)
    return X, [View("facts", "tabular", list(X))]


def duplicates(X, views):
    return check_duplicates(views, {view.name: column_of(X, view, Schema()) for view in views}, HALVES)


def test_one_row_twice_across_folds_is_caught_and_within_a_fold_is_not():
    numbers = np.arange(20.0)
    X, views = frame(a=numbers, b=-numbers)
    assert verdicts(duplicates(X, views)) == {"duplicated rows": "pass"}
    X.loc[19] = X.loc[0]
    ((check, verdict, share, words),) = duplicates(X, views)
    assert verdict == "fail" and share == pytest.approx(2 / 20) and "rows 0, 19" in words
    X, views = frame(a=numbers, b=-numbers)
    X.loc[12] = X.loc[11]
    assert verdicts(duplicates(X, views)) == {"duplicated rows": "pass"}


def test_a_row_differs_when_one_view_does_and_repeated_long_texts_are_told():
    long, short = "a text that is long enough to repeat", "ok"
    X = pd.DataFrame({"review": [long if i in (0, 15) else f"{i} words that differ from all" for i in range(20)],
                      "note": [short] * 20, "price": np.arange(20.0)})  # fmt: skip
    views = [View("review", "text", "review"), View("note", "text", "note"), View("price", "tabular", ["price"])]
    assert verdicts(duplicates(X, views)) == {
        "duplicated rows": "pass", "repeated items of view 'review'": "warn", "repeated items of view 'note'": "pass",
    }  # fmt: skip


def test_missing_items_are_no_twins():
    X = pd.DataFrame({"review": [None] * 20, "price": np.arange(20.0)})
    views = [View("review", "text", "review"), View("price", "tabular", ["price"])]
    assert set(verdicts(duplicates(X, views)).values()) == {"pass"}


def test_items_that_two_views_read_are_looked_at_once():
    X = pd.DataFrame({"clip": [f"some-clip-{i % 15}.mp4" for i in range(20)], "price": np.arange(20.0)})
    views = [View("clip", "video", "clip"), View("clip_sound", "audio", "clip"), View("price", "tabular", ["price"])]
    assert list(verdicts(duplicates(X, views))) == ["duplicated rows", "repeated items of view 'clip'"]


def test_groups():
    assert check_groups(np.repeat([0, 1], 10), HALVES)[0][1] == "pass"
    ((_, verdict, share, words),) = check_groups(np.repeat(["p", "q", "r", "s"], [10, 3, 3, 4])[::-1], HALVES)
    assert verdict == "pass" and share == 0
    ((_, verdict, share, words),) = check_groups(np.repeat(["p", "q"], [11, 9]), HALVES)
    assert verdict == "fail" and share == 0.5 and words.startswith("1 of 2 groups")
    assert check_groups(None, HALVES)[0][1] == "skip"


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
