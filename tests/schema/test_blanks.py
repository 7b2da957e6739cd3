"""Words and marks that stand for no value: among numbers, among texts, among the values of a category."""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm.schema import blanks_of, is_blank, is_no_text


@pytest.mark.parametrize(
    "value", ["", "  ", "-", "?", "n/a", " N/A ", "NaN", "<unknown>", "[missing]", "#REF!", None, np.nan]
)
def test_these_are_no_number_and_no_date(value):
    assert is_blank(value)


@pytest.mark.parametrize("value", ["0", "-1", "½", "no", "never", 0, 0.0, False, "1/2", "n/a 5", pd.Timestamp("2024")])
def test_these_are_values(value):
    assert not is_blank(value)


def test_texts_are_blank_less_often_than_numbers():
    assert all(map(is_no_text, ["", " \t", "?", "--", ".", "N/A", "null", "#N/A", None, np.nan]))
    assert not any(map(is_no_text, ["none", "unknown", "missing", "!", "no answer", "-.-", 0]))


@pytest.mark.parametrize(
    "values, blanks",
    [
        (["red", "blue", "-"], ("-",)),  # one mark among words
        (["+", "-", "o"], ()),  # marks among marks
        (["good", "-"], ()),  # one of two values may be any
        (["DE", "FR", "NA", "US"], ()),  # Namibia
        (["Paris", "Rome", "NA"], ("NA",)),
        (["none", "some", "unknown"], ()),  # values like others
        (["a", "", " n/a ", "NaN"], ("", "NaN", "n/a")),
    ],
)
def test_the_other_values_say_what_stands_for_none(values, blanks):
    assert blanks_of(values) == blanks
