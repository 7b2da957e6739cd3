import numpy as np
import pandas as pd
import pytest

from ensemble_mm.schema import infer_column

AGES = [18, 25, 31, 44, 67, 90]
SECONDS = pd.date_range("2021-03-01", periods=9, freq="7h").to_numpy("datetime64[s]").astype(np.int64)


def notes_of(values, name="age"):
    column = infer_column(pd.Series(values, name=name), name)
    assert column.taken_as == "number"
    return " ".join(column.notes)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([*AGES, -999, -999], "2 of 8 values are -999, far from all others (18 to 90)"),
        ([*AGES, 999, 998, 999, 998], "4 of 10 values are 998 or 999"),
        ([1, 2, 3, 4, 5, -9, -9], "-9"),
        (pd.array([*AGES, None, -99, -99], dtype="Int64"), "2 of 8 values are -99"),
        (pd.array([*AGES, None, -99, -99], dtype="double[pyarrow]"), "2 of 8 values are -99"),
        ([*map(str, AGES), "-999", "-999"], "2 of 8 values are -999"),
        ([0.5, 0.7, 0.25, np.inf, -3.4028235e38, -3.4028235e38], "-3.4028235e+38"),
        ([*AGES, 2**31 - 1, 2**31 - 1], "2147483647"),
    ],
)
def test_numbers_that_may_stand_for_no_value_are_told(values, shown):
    notes = notes_of(values)
    assert shown in notes and "X['age'].replace([" in notes


def test_what_is_written_makes_them_missing():
    X = pd.DataFrame({"age": [*AGES, -999, -999]})
    exec(notes_of(X["age"]).partition("write ")[2], {"X": X, "np": np})
    assert X["age"].isna().sum() == 2 and not notes_of(X["age"])


@pytest.mark.parametrize(
    "values",
    [
        [*AGES, 99, 99],  # near the others
        [*AGES, -999],  # once
        [*range(100), 99, 99],
        np.random.default_rng(0).lognormal(10, 3, 300).round(),  # a long tail
        [-999, -999, 1],
        np.array([0.5, 0.25, 2.0], np.float16),
        pd.array([None, None, 1, 2], dtype="Int64"),
    ],
)
def test_other_numbers_are_no_doubt(values):
    assert not notes_of(values)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_points_in_time_are_told(unit):
    X = pd.DataFrame({"seen": SECONDS * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]})
    exec(notes_of(X["seen"], "seen").partition("write ")[2], {"X": X, "pd": pd})
    assert X["seen"].dt.year.unique().tolist() == [2021] and X["seen"].dt.hour.iloc[1] == 7
    assert infer_column(X["seen"], "seen").taken_as == "date"


def test_days_that_a_spreadsheet_counts_are_told_by_their_name():
    X = pd.DataFrame({"order_date": [44256, 44287, 44300], "salary": [44256, 44287, 44300]})
    exec(notes_of(X["order_date"], "order_date").partition("write ")[2], {"X": X, "pd": pd})
    assert X["order_date"].iloc[0] == pd.Timestamp("2021-03-01")
    assert not notes_of(X["salary"], "salary")


def test_shares_among_percents_are_told():
    notes = notes_of(["45 %", "0.3", "50 %", "0.25", "12%"] * 3)
    assert "'0.3', which has no %, is read as 0.3 %; if it means 30 %" in notes
    for values in (["45 %", "30", "50 %"], ["0.4 %", "0.3"], ["0.4", "0.3"], ["45 %", "0", "1"], ["45 kg", "0.3"]):
        assert not notes_of(values * 3)


def test_versions_are_told_by_their_name():
    for values in ([1.1, 1.2, 1.15], ["1.10", "1.2", "1.15"]):
        assert "1.10 is 1.1" in notes_of(values * 3, "app_version")


def test_what_the_user_says_is_not_told():
    X = pd.DataFrame({"age": [*map(str, AGES), "-999", "-999"]})
    assert not infer_column(X["age"], "age", taken_as="number").notes


def test_points_in_time_that_are_texts_are_told():
    assert "seconds since 1970" in notes_of([*map(str, SECONDS)], "seen")
