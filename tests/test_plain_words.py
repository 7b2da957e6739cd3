"""Numbers in plain words."""

import numpy as np
import pytest

from ensemble_mm._plain_words import (
    Distances,
    RightAnswers,
    aligned,
    number,
    of_hundred,
    percent,
    plain,
    plural,
    score_text,
    written,
)


@pytest.mark.parametrize(
    "said, expected",
    [
        (percent(0.8312), "83.1\u00a0%"), (percent(-0.2), "−20.0\u00a0%"),
        (percent(-0.0001), "0.0\u00a0%"),
        (percent(None), "–"), (percent(np.nan), "–"),
        (number(1234.567), "1.23e+03"), (number(1234.567, 6), "1234.57"), (number(None), "–"), (number(np.inf), "–"),
        (score_text("accuracy", 0.5), "50.0\u00a0%"), (score_text("r2", -0.0001), "0.000"),
        (score_text("r2", -0.25), "−0.250"), (score_text("r2", np.nan), "–"),
        (plain(1_234_567.0), "1,234,567"), (plain(-4321.0), "−4,321"), (plain(23.456), "23.5"), (plain(np.inf), "–"),
        (of_hundred(0.838), "84 of 100"), (of_hundred(0.994), "99.4 of 100"), (of_hundred(1.0), "100 of 100"),
        (of_hundred(np.nan), "–"), (plural(1, "view"), "1 view"), (plural(2, "view"), "2 views"),
        (RightAnswers.good(0.2), "right in 80 of 100"),
        (Distances().good(23.5), "off by 23.5 on average"),
        (RightAnswers.shift(0.234), "±23 points"), (RightAnswers.shift(0.001), ""),
        (Distances().shift(0.001), "±0.001"),
        (RightAnswers.saved(0.06), "6 more right answers in 100"),
        (Distances().saved(2.0), "an error that is 2 smaller"),
        (Distances("€").good(1234.5), "off by 1,234\u00a0€ on average"),
        (Distances("$").between(-1, 23.5), "0 to $23.5"),
    ],
)  # fmt: skip
def test_numbers_are_told_in_words(said, expected):
    assert said == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [(9e6, "9000000"), (0.0042, "0.0042"), (2.5, "2.5"), (-3.0, "-3"), (1e20, "1e+20"), (12345678.9, "12345679")],
)
def test_numbers_of_the_data_have_no_power_of_ten(value, shown):
    assert written(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.58, "0.580"), (0.533, "0.533"), (12.0, "12.0"), (150.0, "150"), (0, "0")]
)
def test_numbers_of_a_column_have_as_many_digits(value, shown):
    assert aligned(value) == shown
