import warnings

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import DataWarning, read_table

ROWS = pd.DataFrame(
    {"region": list("abcdefgh"), "qty": range(1, 9), "price": [2.5, 3, 1, 7, 4, 4, 3, 2], "flag": [0, 1] * 4}
)


def told(frame, path):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        frame.to_csv(path, index=False)
        X, _ = read_table(path)
    assert len(X) == len(frame)  # nothing is taken out
    return " ".join(str(w.message) for w in found if issubclass(w.category, DataWarning))


def with_rows(*rows):
    return pd.concat([ROWS, pd.DataFrame(list(rows), columns=ROWS.columns)], ignore_index=True)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("Total", 0, 0, np.nan)], "ends in a row that is called 'Total': take out"),
        ([("合计", 36, 26.5, np.nan)], "called '合计'"),
        ([("all", 36, 26.5, 4)], "a row of sums ('qty')"),
        ([(None, 36, None, None)], "a row of sums ('qty')"),
        ([("Source: Eurostat", None, None, None)], "1 line with one cell, such as 'Source: Eurostat'"),
        (
            [("Summe:", 36, 26.5, 4), ("Source: x", None, None, None), ("* estimated", None, None, None)],
            "2 lines with one cell, such as 'Source: x' below a row that is called 'Summe:'",
        ),
    ],
)
def test_last_rows_that_are_none_are_told(rows, words, tmp_path):
    assert words in told(with_rows(*rows), tmp_path / "t.csv")


@pytest.mark.parametrize(
    "frame",
    [
        ROWS,
        with_rows(("i", 9, 1.0, 1)),
        with_rows(("Total", 4, 1, 0), ("j", 4, 1, 0)),  # not the last
        with_rows(("Total", 4, 1, 0), ("Total", 4, 1, 0)),  # a class
        with_rows(("i", 36, 1.0, 1)),  # one of three columns
        pd.DataFrame({"text": ["good", "bad"] * 4, "y": [None] * 8}),  # one cell in every row
        pd.DataFrame({"a": [0, 0, 0, 1, 1, 2, 4], "b": [1] * 7}),
        pd.DataFrame({"a": [1, 2, 3, 6]}),  # few rows
        pd.DataFrame({"a": ["x"] * 8, "b": [1.0, *[None] * 7], "c": [None] * 8}),
        ROWS.iloc[:0],
    ],
)
def test_other_last_rows_are_rows(frame, tmp_path):
    assert "ends in" not in told(frame, tmp_path / "t.csv")
