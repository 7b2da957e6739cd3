"""Values that no view and no task can hold are told by what they are, before anything stumbles over them."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ensemble_mm.data._values import check_values


def told(column, **settings):
    with pytest.raises(ValueError) as caught:
        check_values("It", column, "Mend it.", **settings)
    return str(caught.value)


@pytest.mark.parametrize(
    "value, words",
    [
        ("half \ud83d", "half of a character"),
        (3 + 4j, "complex numbers, such as (3+4j)"),
        (10**400, "a number too large for any float"),
    ],
)
def test_a_value_that_nothing_can_hold_is_shown(value, words):
    assert words in told(np.array([None, "fine", value], dtype=object))
    assert "It, column 'a', holds" in told(pd.DataFrame({"a": pd.Series([value], dtype=object)}))


def test_complex_arrays_are_told_by_their_dtype():
    assert "complex" in told(np.ones(2, dtype=complex)) and "complex" in told(sparse.eye(2, dtype=complex).tocsr())


@pytest.mark.parametrize(
    "value, remedy",
    [
        ({"a": 1}, "json_normalize"),
        (["a", "b"], "join"),
        ((1, 2), "list of numbers"),
        (np.array(["a", "b"], dtype=object), "join"),
        (np.ones((2, 2)), "list of numbers"),
    ],
)
def test_several_values_in_one_place_are_told_how_to_become_a_table(value, remedy):
    column = pd.Series([value], dtype=object)
    assert remedy in told(column, several=False)
    check_values("It", column, "", several=True)  # a sound


def test_what_can_be_read_passes():
    for column in (np.array(["naïve", None, 1, Fraction(1, 2), np.nan], dtype=object), np.ones(3), pd.Series(["é"])):
        check_values("It", column, "", several=False)
