"""Dates are read by one format per column; nothing depends on the clock, the locale or the other values of a batch."""

import datetime as dt
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_mm import TabularExtractor
from ensemble_mm.schema import infer_column
from ensemble_mm.schema._dates import learn_dates

DAYS = pd.date_range("2023-01-03", periods=40, freq="11D9h")


def column_of(values):
    return infer_column(pd.Series(values, dtype=object), "x", in_table=True)


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d",
     "%d-%m-%Y %H:%M", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y %I:%M %p", "%a, %d %b %Y %H:%M:%S", "%d/%m/%y",
     "%d-%b-%y", "%Y年%m月%d日", "%a %b %d %H:%M:%S %Y"],
)  # fmt: skip
def test_a_column_has_one_format(form):
    column = column_of(DAYS.strftime(form))
    assert column.taken_as == "date" and not column.notes
    found, lost = column.read(pd.Series(DAYS.strftime(form)))
    exact = pd.to_datetime(pd.Series(DAYS)).dt.floor("min" if "M" in form.replace("%m", "") else "D")
    assert found.tolist() == exact.tolist() and not lost
    alone, _ = column.read(pd.Series(DAYS.strftime(form)[:1]))
    assert alone[0] == exact[0]


@pytest.mark.parametrize(
    "values",
    [["1st", "2nd"], ["T1", "T2"], ["1/4", "3/4"], ["9th", "10th"], ["10/12", "12/14"], ["2023/24", "2024/25"],
     ["2010-11", "2011-12"], ["12,50", "1,10"], ["3.1987", "1.2045"], ["May", "June"], ["12-10-08", "1-2-3"],
     ["1234-56-78", "1111-22-33"], ["Mon", "Tue"], ["5", "12"], ["2020", "2021"], ["Feb 30, 2020", "Feb 31, 2020"]],
)  # fmt: skip
def test_codes_are_no_dates(values):
    assert column_of(values).taken_as != "date"


def test_the_whole_column_decides_what_comes_first():
    assert column_of(["05/02/2024", "13/02/2024"]).reading.format == "%d/%m/%Y"
    assert column_of(["05/02/2024", "05/13/2024"]).reading.format == "%m/%d/%Y"
    assert column_of(["05.02.2024", "06.02.2024"]).reading.format == "%d.%m.%Y" and not column_of(["05.02.2024"]).notes
    assert column_of(["13/02/2024", "02/13/2024"]).taken_as == "category"


def test_dates_in_several_formats_are_told():
    mixed = ["13/02/2024", "02/13/2024", "02/14/2024"]
    told = (
        "several ways (%m/%d/%Y and %d/%m/%Y), read as strings; to read the first, write columns={'x': 'month first'}"
    )
    for values, words in (
        (mixed, told),
        (["2024-02-05", "2024-02-06", "07.02.2024"], "write columns={'x': '%Y-%m-%d'}"),
    ):
        column = infer_column(pd.Series(values), "x")
        assert column.taken_as != "date" and words in column.notes[0]
        said = column.notes[0].rpartition(": '")[2].rstrip("'}")
        assert infer_column(pd.Series(values), "x", taken_as=said).missing == pytest.approx(1 / 3)


def test_day_or_month_first_is_told_where_nothing_decides():
    column = column_of(["05/02/2024", "06/02/2024"])
    (note,) = column.notes
    assert "may be read month first, as here, or day first, write columns={'x': 'day first'}" in note
    said = infer_column(pd.Series(["05/02/2024", "06/02/2024"]), "x", taken_as="day first")
    assert said.taken_as == "date" and said.read(pd.Series(["05/02/2024"]))[0].tolist() == [pd.Timestamp(2024, 2, 5)]
    assert infer_column(pd.Series(["05/02/2024"]), "x", taken_as="%d/%m/%Y %H:%M").reading.format == "%d/%m/%Y"
    assert not column_of(["05/05/2024", "06/06/2024"]).notes  # the same either way


def test_parts_of_dates_may_be_left_out_where_the_fit_has_such():
    column = column_of(["August 1st 2000", "June 1999", "1984"] + ["May 3rd 2001"] * 3)
    assert column.taken_as == "date" and not column.notes
    days = [pd.Timestamp(2000, 8, 1), pd.Timestamp(1999, 6, 1), pd.Timestamp(1984, 1, 1)]
    assert column.read(pd.Series(["August 1st 2000", "June 1999", "1984"]))[0].tolist() == days
    assert column_of(["1984", "1985"]).taken_as == "number"
    assert column_of(["2024-02-05", "2024-02-06"]).read(pd.Series(["1984"]))[1] == ["1984"]


@pytest.mark.parametrize(
    ("values", "first"),
    [
        (["Jan-10", "Dec-11", "Feb-09"], "2010-01-01"),
        (["2020-W02", "2020W10", "2021-W01"], "2020-01-06"),
        (["Wed Oct 10 20:19:24 +0000 2018", "Thu Oct 11 20:19:24 +0000 2018"], "2018-10-10 20:19:24+00:00"),
        (["2020-01-01 10:00 EST", "2020-06-01 11:00 EST"], "2020-01-01 10:00-05:00"),
        (["2020-01-01 10:00 CET", "2020-06-01 11:00 CEST"], "2020-01-01 10:00+01:00"),
    ],
)
def test_months_weeks_and_names_of_time_zones(values, first):
    column = column_of(values * 2)
    assert column.taken_as == "date"
    assert pd.Timestamp(column.read(pd.Series(values * 2))[0].iloc[0]) == pd.Timestamp(first)
    assert column.read(pd.Series(values[:1]))[0].iloc[0] == column.read(pd.Series(values * 2))[0].iloc[0]


def test_another_format_is_counted_and_not_guessed():
    column = column_of(["2024-02-05", "2024-02-06"])
    found, lost = column.read(pd.Series(["05/02/2024", "2024-02-07 10:30", "n/a", None, "soon"]))
    assert lost == ["05/02/2024", "soon"] and found.notna().tolist() == [False, True, False, False, False]
    assert "2 of 3 values are not dates, such as '05/02/2024'" in column.trouble(found, lost)


@pytest.mark.parametrize(
    "values",
    [
        DAYS,
        DAYS.tz_localize("UTC"),
        list(DAYS.to_pydatetime()),
        [day.date() for day in DAYS],
        list(DAYS.to_numpy()),
        DAYS.strftime("%Y-%m-%d"),
        pd.PeriodIndex(DAYS, freq="D"),
        DAYS.strftime("%Y%m%d").astype(int),
        DAYS.strftime("%Y%m%d").astype(float),
    ],
)
def test_dates_of_any_type_are_dates(values):
    column = infer_column(pd.Series(values), "x")
    found, lost = column.read(pd.Series(values))
    assert column.taken_as == "date" and not lost
    assert found.dt.tz_localize(None).dt.date.tolist() == [day.date() for day in DAYS]


def test_years_that_python_does_not_have_are_read_by_type_and_no_date_among_objects():
    far = np.array(["20000-01-01", "2024-01-01"], dtype="datetime64[s]")
    rule = infer_column(pd.Series(DAYS), "x").reading
    assert rule.read(pd.Series(far)).dt.year.tolist() == [20000, 2024]
    for values in ([pd.Timestamp(day) for day in far], list(far)):
        assert rule.read(pd.Series(values, dtype=object)).isna().tolist() == [True, False]


def test_hours_are_those_of_the_place_and_days_those_of_one_calendar():
    values = ["2024-02-05T23:30:00+02:00", "2024-02-05T21:30:00Z", None, "2024-02-05T16:30:00-0500", "2024-02-05 21:30"]
    extractor = TabularExtractor(log_skewed=False).fit(pd.DataFrame({"x": values}))
    assert extractor.kinds_ == {"x": "date"}
    (date,) = extractor._columns
    found, _ = extractor.schema_["x"].read(pd.Series(values, dtype=object))
    _, _, _, hours, days = date._split(found)
    np.testing.assert_array_equal(hours, [23, 21, np.nan, 16, 21])
    assert days.nunique() == 1
    zone = pd.Series(pd.to_datetime(["2024-02-05T23:30", "2024-07-05T01:30"])).dt.tz_localize("Europe/Berlin")
    assert date._split(zone)[3].tolist() == [23, 1]


@pytest.mark.slow
def test_dates_do_not_depend_on_the_locale():
    """Month names are English and of some other languages, whatever the process is set to."""
    code = (
        "import locale, pandas as pd\n"
        "for name in ('de_DE.UTF-8', 'C.UTF-8', 'C'):\n"
        "    try: locale.setlocale(locale.LC_ALL, name)\n"
        "    except locale.Error: continue\n"
        "    from ensemble_mm.schema import infer_column\n"
        "    v = pd.Series(['5 May 2024', '7. März 2023', '1 août 2022'])\n"
        "    print(*infer_column(v, 'x').read(v)[0].dt.month)\n"
    )
    env = {**os.environ, "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True, timeout=120
    )
    assert set(done.stdout.splitlines()) == {"5 3 8"}


@given(st.lists(st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 30)), min_size=1))
def test_iso_dates_come_back(days):
    rule = learn_dates(Counter(day.isoformat() for day in days))
    assert rule is not None and [rule.value(day.isoformat()).date() for day in days] == days


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["20210103T143000", "20210120T000000", "20210206T120000"], dt.datetime(2021, 1, 3, 14, 30)),
        (["20210103143000", "20210120000000", "20210206120000"], dt.datetime(2021, 1, 3, 14, 30)),
        (["03/Jan/2021:14:30:00", "20/Feb/2021:00:00:00"], dt.datetime(2021, 1, 3, 14, 30)),
        (["21/01/03", "21/01/20", "22/02/06"], dt.datetime(2021, 1, 3)),
        (["03.01.21", "20.01.21", "06.02.22"], dt.datetime(2021, 1, 3)),
        (["03 Jan 21", "20 Jan 21", "06 Feb '22"], dt.datetime(2021, 1, 3)),
        (["Jan '21", "Feb '21", "Mar '22"], dt.datetime(2021, 1, 1)),
        (["1er janvier 2021", "2 juillet 2021"], dt.datetime(2021, 1, 1)),
        (["3 stycznia 2021", "20 czerwca 2021", "5 lipca 2021"], dt.datetime(2021, 1, 3)),
        (["3 июля 2021", "20 июня 2021", "6 мая 2021"], dt.datetime(2021, 7, 3)),
        (["5. července 2021", "6. června 2021"], dt.datetime(2021, 7, 5)),
        (["3 Ocak 2021", "20 Ağustos 2021"], dt.datetime(2021, 1, 3)),
        (["12 mrt. 2021", "1 mei 2021"], dt.datetime(2021, 3, 12)),
        (["2021년 1월 3일", "2021년 12월 20일"], dt.datetime(2021, 1, 3)),
        (["2021. 1. 3.", "2021. 12. 20."], dt.datetime(2021, 1, 3)),
        (["3. 1. 2021", "20. 12. 2021"], dt.datetime(2021, 1, 3)),
        (["２０２１／０１／０３", "２０２１／１２／２０"], dt.datetime(2021, 1, 3)),
        (["٢٠٢١-٠١-٠٣", "٢٠٢١-١٢-٢٠"], dt.datetime(2021, 1, 3)),
        (["\u200e03/01/2021", "\u200e20/01/2021"], dt.datetime(2021, 1, 3)),
        (["2020-W53-7", "2021-W03-3"], dt.datetime(2021, 1, 3)),
        (["2021年1月", "2021年2月"], dt.datetime(2021, 1, 1)),
        (["2021-01-03", "0000-00-00", "9999-12-31"], dt.datetime(2021, 1, 3)),
    ],
)
def test_dates_of_many_places(texts, first):
    column = infer_column(pd.Series(texts, dtype=object), "x")
    assert column.taken_as == "date" and column.read(pd.Series(texts[:1]))[0][0] == first
    assert column.read(pd.Series(texts))[0].isna().sum() == sum(text[:4] in ("0000", "9999") for text in texts)


def test_days_that_stand_for_none_are_counted():
    texts = [f"2021-01-{day:02}" for day in range(1, 29)] + ["0000-00-00 00:00:00", "9999-12-31"] * 8
    column = infer_column(pd.Series(texts, dtype=object), "x")
    assert column.missing == pytest.approx(16 / 44) and "16 of 44 values are no" in column.notes[0]


@pytest.mark.parametrize("word", ["LED", "PRO", "SET", "ELO"])
def test_codes_of_a_word_and_a_number_are_no_months(word):
    for first, last, step in ((10, 99, 3), (1000, 2990, 70)):
        texts = [f"{word}-{number}" for number in range(first, last, step)]
        assert infer_column(pd.Series(texts, dtype=object), "x").taken_as != "date"
    for texts in ([f"Dec-{year}" for year in range(10, 20)], [f"{word} {year}" for year in range(1990, 2020)]):
        assert infer_column(pd.Series(texts, dtype=object), "x").taken_as == "date"


@pytest.mark.parametrize("days", [["01"] * 12, "31 28 31 30 31 30 31 31 30 31 30 31".split()])
def test_days_at_the_ends_of_months_are_no_years(days):
    texts = [f"{day}/{month:02}/{year:02}" for year in range(5, 25) for month, day in enumerate(days, 1)]
    column = infer_column(pd.Series(texts, dtype=object), "x")
    assert column.read(pd.Series(texts[-1:]))[0][0].year == 2024


def test_a_year_that_may_be_a_day_is_told_and_time_zones_may_differ():
    texts = ["21/01/03 10:00", "21/01/20 10:00Z", "22/02/06 10:00"]
    (note,) = infer_column(pd.Series(texts, dtype=object), "x").notes
    assert "'21/01/03 10:00' and all others may be read as %y/%m/%d, as here, or %d/%m/%y" in note
    said = infer_column(pd.Series(texts, dtype=object), "x", taken_as="%d/%m/%y")
    assert said.read(pd.Series(texts[:1]))[0][0].year == 2003 and not said.notes


def test_days_of_zeros_have_four_or_more_and_may_have_spaces_around():
    days = ["2024-01-05", "2024-02-05", "2024-03-05"]
    column = infer_column(pd.Series([*days, " 0000-00-00", "0000-00-00 "]), "x")
    assert column.taken_as == "date" and column.missing == 2 / 5
    versions = ["0.0.0"] * 6 + [f"{i}.{i}.1{i}" for i in range(1, 9)]
    assert infer_column(pd.Series(versions), "x").taken_as != "date"


def test_blanks_are_not_counted_twice():
    texts = ["-"] * 50 + ["2024-01-05", "2024-02-05", "none of them"] * 3
    assert infer_column(pd.Series(texts, dtype=object), "x").taken_as != "date"
