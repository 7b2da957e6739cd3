"""Which patterns of missing views a fit tries out, and on which rows."""

import numpy as np

from ensemble_mm.crossfit import Member, patterns_of
from ensemble_mm.crossfit._patterns import MOST_PATTERNS, MOST_PREDICTIONS, patterns_to_try

FOLDS = [(np.arange(6, 10), np.arange(4)), (np.arange(4), np.arange(3, 9))]


def test_a_pattern_has_one_bit_per_view():
    present = {"text": np.array([True, True, False, False]), "table": np.array([True, False, True, False])}
    assert patterns_of(present).tolist() == [3, 1, 2, 0]


def test_rows_are_tried_out_in_the_first_fold_that_tests_them():
    present = {"a": np.arange(10) > 1, "b": np.arange(10) > 5}
    tried = patterns_to_try(present, FOLDS)
    assert tried.patterns == (0, 1, 2) and tried.rows.tolist() == list(range(9))
    assert tried.folds.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert tried.having(2).tolist() == [False] * 6 + [True] * 3


def test_a_view_that_no_row_has_makes_no_pattern():
    present = {"a": np.ones(10, dtype=bool), "b": np.zeros(10, dtype=bool), "c": np.arange(10) > 5}
    assert patterns_to_try(present, FOLDS).patterns == (0, 1, 4)


def test_few_patterns_of_many_views_and_few_rows_of_many_are_tried():
    present = {f"v{i}": np.ones(50_000, dtype=bool) for i in range(70)}
    folds = [(np.arange(25_000), np.arange(25_000, 50_000)), (np.arange(25_000, 50_000), np.arange(25_000))]
    tried = patterns_to_try(present, folds)
    assert len(tried.patterns) == MOST_PATTERNS and 0 in tried.patterns
    assert len(tried.patterns) * len(tried.rows) <= MOST_PREDICTIONS


def test_a_member_abstains_where_all_that_it_reads_is_absent():
    tried = patterns_to_try({name: np.ones(10, dtype=bool) for name in "abc"}, FOLDS)
    member = Member("y", "linear", "a+c", ("a", "c"), None)
    assert tried.absent(member, 0b011) == ("c",) and tried.absent(member, 0b101) == ()
    assert tried.abstains(member, 0b010) and not tried.abstains(member, 0b001)
    assert tried.key(member, 0b011) == tried.key(member, 0b001) == 0b001
