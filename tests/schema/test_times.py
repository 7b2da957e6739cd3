"""Times of the day and lengths of time are hours; nothing of them is a date."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import TabularExtractor
from ensemble_mm.schema import infer_column
from ensemble_mm.schema._times import TimeRule


@pytest.mark.parametrize(
    ("values", "hours"),
    [
        (["12:30", "08:05"], [12.5, 8 + 5 / 60]),
        (["12:30:36", "8:00:00.000"], [12.51, 8]),
        (["3:45 pm", "12:00 AM", "11 am"], [15.75, 0, 11]),
        (["36:15", "100:30"], [36.25, 100.5]),
        ([dt.time(12, 30), dt.time(8, 0, 36)], [12.5, 8.01]),
        ([dt.timedelta(hours=30), np.timedelta64(90, "m")], [30, 1.5]),
        (["1 days 02:00:00", "-1 days +23:00:00"], [26, -1]),
        (["2h 50m", "19h", "1 hour 30 minutes"], [2 + 50 / 60, 19, 1.5]),
        (["PT1H30M", "PT45M", "P1DT2H"], [1.5, 0.75, 26]),
    ],
)
def test_times_are_hours(values, hours):
    column = infer_column(pd.Series(values, dtype=object), "x")
    assert column.taken_as == "time"
    np.testing.assert_allclose(column.read(pd.Series(values, dtype=object))[0], hours)


@pytest.mark.parametrize("values", [["90 min", "85 min"], ["12 m", "7 m"], ["12d", "13d"], ["S1", "M2"], ["P", "T"]])
def test_one_unit_alone_makes_no_times(values):
    assert infer_column(pd.Series(values * 9, dtype=object), "x").taken_as != "time"


def test_a_missing_length_of_time_is_a_hole():
    lengths = pd.Series(pd.to_timedelta([1.0, 2.0, None, 4.0], unit="h"))
    column = infer_column(lengths, "x")
    np.testing.assert_array_equal(column.read(lengths)[0], [1, 2, np.nan, 4])
    names = TabularExtractor().fit(lengths.to_frame("x")).get_feature_names_out().tolist()
    assert names == ["x", "x_missing"]
    back, lost = column.read(lengths.astype(str))  # as a CSV has it
    np.testing.assert_array_equal(back, [1, 2, np.nan, 4])
    assert not lost


def test_times_of_arrow_are_times():
    pa = pytest.importorskip("pyarrow")
    for array in (pa.array([3600, None], pa.duration("s")), pa.array([3600, None], pa.time32("s"))):
        series = pd.Series(pd.arrays.ArrowExtensionArray(array))
        column = infer_column(series, "x")
        assert column.taken_as == "time"
        np.testing.assert_array_equal(column.read(series)[0], [1, np.nan])


@pytest.mark.parametrize(
    ("text", "hours"),
    [("P5M", 5 * 730.5), ("P1Y", 8766), ("P3W", 504), ("P1DT12H", 36), ("PT90.5S", 90.5 / 3600), ("1h30", 1.5),
     ("2 h 05", 2 + 5 / 60), ("14:30 Uhr", 14.5), ("1:30 h", 1.5), ("１４：３０", 14.5), ("\u200e14:30", 14.5)],
)  # fmt: skip
def test_lengths_of_time_of_many_places(text, hours):
    assert TimeRule().value(text) == pytest.approx(hours) and np.isnan(TimeRule().value("P"))
