"""Tasks that two columns of Y tell: brought to one column, and back."""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm.data._merged import merged, parted, queries_of, split_kinds
from ensemble_mm.data._targets import resolve_targets

SURVIVAL = pd.DataFrame({"weeks": [3.0, 1.5, None, 7.0], "died": [True, False, True, False], "other": list("abab")})
RANKING = pd.DataFrame({"clicks": [0, 2, 1, None, 3, 0], "search": ["a", "a", "b", "b", "b", "a"]})


def test_times_and_events_come_back_as_they_were():
    tasks, targets, _ = resolve_targets(SURVIVAL, {"life": ("survival", "weeks", "died")})
    assert set(tasks) == {"life", "other"} and targets["life"][:2].tolist() == [3.0, -1.5]
    back = parted(tasks["life"], targets["life"])
    known = [0, 1, 3]
    assert list(back) == ["weeks", "died"] and back["weeks"].isna().tolist() == [False, False, True, False]
    assert back["weeks"][known].tolist() == [3.0, 1.5, 7.0] and back["died"][known].tolist() == [True, False, False]


def test_relevances_and_queries_come_back_as_they_were():
    tasks, targets, _ = resolve_targets(RANKING, {"order": ("ranking", "clicks", "search")})
    back, known = parted(tasks["order"], targets["order"]), [0, 1, 2, 4, 5]
    assert back["clicks"][known].tolist() == [0, 2, 1, 3, 0]
    assert pd.factorize(back["search"][known])[0].tolist() == [0, 0, 1, 1, 0]
    queries = queries_of(tasks, RANKING)["order"]  # known or not: the fourth row is of the query of the third
    assert len(np.unique(queries)) == 2 and queries[2] == queries[3] == queries[4]


def test_what_is_not_told_by_two_columns_stays_and_one_of_them_alone_is_a_task_of_its_own():
    columns = {name: SURVIVAL[name] for name in SURVIVAL}
    plain, parts = split_kinds({"other": "binary"}, columns)
    assert plain == {"other": "binary"} and parts == {} and merged(columns, parts).keys() == columns.keys()
    parts = {"life": ("survival", "weeks", "died")}
    assert list(merged({"weeks": SURVIVAL["weeks"]}, parts)) == ["weeks"]


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({"order": "ranking"}, "needs queries"),
        ({"life": ("survival", "weeks")}, "use one word, or"),
        ({"life": ("cox", "weeks", "died")}, "use one word, or"),
        ({"life": ("survival", "week", "died")}, "Did you mean 'weeks'"),
        ({"other": ("survival", "weeks", "died")}, "a column of its name"),
    ],
)
def test_what_cannot_be_meant_is_told(kinds, words):
    with pytest.raises(ValueError, match=words):
        split_kinds(kinds, {name: SURVIVAL[name] for name in SURVIVAL})
