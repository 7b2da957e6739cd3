"""Numbers are read by one rule per column, which the values alone decide."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_mm.schema import infer_column
from ensemble_mm.schema._numbers import learn_numbers, split_number


def read(values, new=None):
    """Return what a column is taken for, and its numbers or those of new values."""
    column = infer_column(pd.Series(values, dtype=object), "x", in_table=True)
    found, _ = column.read(pd.Series(values if new is None else new, dtype=object))
    return column.taken_as, found.tolist()


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["$1,234.50", "$7.00"], [1234.5, 7]),
        (["45 %", "7.5%", "0 %"], [45, 7.5, 0]),
        (["12 kg", "7.5 kg"], [12, 7.5]),
        (["12,50", "7,25"], [12.5, 7.25]),
        (["1.234,5", "12,25"], [1234.5, 12.25]),
        (["1 234,5", "7\u202f000"], [1234.5, 7000]),
        (["1'234.5", "7’000"], [1234.5, 7000]),
        (["12,34,567", "1,000"], [1234567, 1000]),
        (["12,50 €", "1.234,00 €"], [12.5, 1234]),
        (["EUR 12.50", "EUR 7"], [12.5, 7]),
        (["€1.2M", "€500K"], [1.2e6, 5e5]),
        (["1.2k", "500"], [1200, 500]),
        (["12 kg", "500 g"], [12, 0.5]),
        (["90 min", "2 h"], [5400, 7200]),
        (["(1,200.5)", "-3", "\u22124"], [-1200.5, -3, -4]),
        (["1e3", "2.5E-1"], [1000, 0.25]),
        (["12°C", "7°C"], [12, 7]),
        (["4 stars", "5 stars"], [4, 5]),
        (["31平方米", "45平方米"], [31, 45]),
        (["12元", "130元"], [12, 130]),
        (["1.2万", "8000"], [12000, 8000]),
        (["4.1/5", "3 /5"], [4.1, 3]),
        (["$ (12.50)", "$7.00", "$ -"], [-12.5, 7, None]),
        (["12.50-", "7.00"], [-12.5, 7]),
        (["１２", "7"], [12, 7]),
        (["٦٬٣٦٩٫٣٤", "١٢", "۱٬۲۰۰"], [6369.34, 12, 1200]),
        (["\u200e1.5", "\ufeff2"], [1.5, 2]),
        (["CHF 12.–", "CHF 1'300.50"], [12, 1300.5]),
        (["12,- €", "7,50 €"], [12, 7.5]),
        (["Rs. 1,200/-", "Rs. 90/-"], [1200, 90]),
        (["1234-", "567"], [-1234, 567]),
        (["%12.5", "%7"], [12.5, 7]),
        (["$1.2 million", "$80 thousand"], [1.2e6, 8e4]),
        (["₹1.5 lakh", "₹2 crore"], [1.5e5, 2e7]),
        (["2 million", "750,000"], [2e6, 7.5e5]),
        (["5 lakh", "90000"], [5e5, 9e4]),
        (["$63,000/yr", "$55,500/yr"], [63000, 55500]),
        (["€120 per night", "€99 per night"], [120, 99]),
        (["4.3 out of 5 stars", "5 out of 5 stars"], [4.3, 5]),
        (["6.369E+03", "1.250E+02"], [6369, 125]),
        (["6,369E+03", "1,250E+02"], [6369, 125]),
        ([f"{i}bp" for i in range(1, 13)], list(range(1, 13))),
        ([Decimal("1.5"), 2, "3", Fraction(1, 2), np.float32(4)], [1.5, 2, 3, 0.5, 4]),
        ([True, False, True], [1, 0, 1]),
    ],
)
def test_numbers_in_clothes(values, numbers):
    kind, found = read(values)
    assert kind == "number" and [None if x != x else x for x in found] == numbers


@pytest.mark.parametrize(
    "values",
    [
        ["01067", "10115"], ["007", "12"], ["T1", "T2"], ["1st", "2nd"], ["9th", "10th"], ["1/4", "3/4"],
        ["12A", "14A"],
        ["192.168.1.1", "10.0.0.1"], ["192.168.100.101", "192.168.100.250"],
        ["1.2.3", "1.10.0"], ["18+", "65+"], ["<5", "<10"], ["10-20", "20-30"],
        ["#1", "#2"], ["A12", "A13"], ["EX 12", "EX 13"], ["030 1234567", "040 7654321"], ["5'11\"", "6'1\""],
        ["8/10", "7/10"], ["2-", "1-"], ["12 kg", "3 pieces"], ["$1,23,4", "$5"], ["1.234.5", "7.8.9"],
        ["3.5-4", "2.5-3"], ["300-400", "200-300"], ["$10/hr", "$900/month"],
        ["10²", "10⁵"], ["3½", "4½"], ["3 Jan", "4 Jan"], ["3室", "2室"], ["第3次", "第4次"],
    ],
)  # fmt: skip
def test_codes_are_no_numbers(values):
    assert read(values)[0] == "category"


@pytest.mark.parametrize(
    ("values", "number", "told"),
    [
        (["1.234", "2.345"], 1.234, "decimal comma"),
        (["1.234", "2.3"], 1.234, None),
        (["1.234", "0.345"], 1.234, None),
        (["1.234", "567", "89"], 1234, "decimal point"),
        (["1,234", "2,345"], 1234, "decimal comma"),
        (["1,234", "567"], 1234, None),
        (["1,234", "2,3"], 1.234, None),
        (["1,234", "0,345"], 1.234, None),
        (["1,234", "1,234,567"], 1234, None),
        (["1.234", "1.234.567"], 1234, None),
    ],
)
def test_what_may_mean_two_numbers_is_told(values, number, told):
    column = infer_column(pd.Series(values, dtype=object), "x")
    assert column.read(pd.Series(values))[0][0] == number
    assert [note.rpartition("write ")[2] for note in column.notes] == ([f"columns={{'x': {told!r}}}"] if told else [])
    if told:
        other = infer_column(pd.Series(values, dtype=object), "x", taken_as=told)
        assert other.read(pd.Series(values))[0][0] in {1.234, 1234} - {number} and not other.notes


@pytest.mark.parametrize("values", [["1", "20"], ["4 stars", "5 stars"], ["90 min", "2 h"], ["7", "1234"]])
def test_whole_numbers_have_a_decimal_point(values):
    column = infer_column(pd.Series(values, dtype=object), "x")
    assert column.reading.decimal == "." and not column.notes
    assert not column.read(pd.Series([values[0].replace(values[0][0], "1.5", 1)]))[1]


@pytest.mark.parametrize("bound", ["<0.1", "> 100", "≥50", "<=0.1 mg/l"])
def test_bounds_among_numbers_are_numbers_and_told(bound):
    unit = " mg/l" if "mg" in bound else ""
    values = [f"{i / 4}{unit}" for i in range(20)] + [bound] * 3
    column = infer_column(pd.Series(values, dtype=object), "x")
    assert column.taken_as == "number" and column.missing == 0
    assert column.read(pd.Series([bound]))[0][0] == float(bound.strip("<>≥= mg/l"))
    assert f"{bound!r} and other bounds are read as the numbers in them" in column.notes[0]
    assert np.isnan(read(["1.5", "2.5"], [bound])[1][0])  # the fit had none


def test_bounds_are_told_beside_another_doubt():
    column = infer_column(pd.Series(["1.234", "2.345", "7.654", "1234567", "<1.111"]), "x")
    assert "'<1.111' and other bounds" in column.notes[0] and "if it means 1234," in column.notes[0]


def test_a_raised_digit_is_no_part_of_a_number():
    values = [*map(str, range(60)), "12²"]
    column = infer_column(pd.Series(values, dtype=object), "x")
    assert (
        column.taken_as == "number" and "'12²'" in column.notes[0] and column.read(pd.Series(["12²", "12"]))[0][1] == 12
    )
    assert np.isnan(column.read(pd.Series(["12²"]))[0][0])
    assert read(["31 m²", "45 m2"])[1] == [31, 45]


def test_numbers_beside_codes_are_read_where_the_user_calls_them_numbers():
    values = pd.Series([*map(str, range(30)), "12A", "B7"], dtype=object)
    assert infer_column(values, "x", taken_as="number").missing == infer_column(values, "x").missing == 2 / 32


def test_a_word_or_two_beside_many_numbers_do_not_make_texts_of_all():
    values = [str(i / 4) for i in range(60)] + ["12A", "7C"]
    column = infer_column(pd.Series(values, dtype=object), "x")
    assert column.taken_as == "number" and "2 of 62 values are no" in column.notes[0]


def test_numbers_in_several_units_are_told():
    column = infer_column(pd.Series(["12 kg", "9 lb", "15 kg"]), "x")
    assert column.taken_as != "number" and "numbers in several units (kg and lb)" in column.notes[0]
    said = infer_column(pd.Series(["12 kg", "9 lb", "15 kg"]), "x", taken_as="number")
    assert said.missing == pytest.approx(1 / 3)
    assert not infer_column(pd.Series(["A 12", "12 B", "7 C"]), "x").notes


def test_new_numbers_are_written_as_those_of_the_fit():
    assert read(["12,50", "7,25"], ["1,5", "2.5", "3", 4.5, None])[1][:1] == [1.5]
    assert np.isnan(read(["12,50", "7,25"], ["2.5"])[1][0])
    assert np.isnan(read(["12 kg", "7 kg"], ["9 lb"])[1][0]) and read(["12 kg", "7 kg"], ["9"])[1] == [9]
    assert read([True, False], ["True", "false", "yes", 0])[1] == [1, 0, 1, 0]


def test_words_for_nothing_are_missing_and_others_are_counted():
    values = ["12", "-", "n/a", " ", "?", "NULL", "unknown", None, "7"] * 2
    column = infer_column(pd.Series(values, dtype=object), "x")
    assert column.taken_as == "number" and column.missing == pytest.approx(14 / 18) and not column.notes
    column = infer_column(pd.Series(["high", *map(str, range(19))], dtype=object), "x")
    assert column.taken_as == "number" and column.distinct == 19
    assert "1 of 20 values are not numbers, such as 'high'" in column.notes[0]
    assert infer_column(pd.Series(["high", "low", "1", "2"], dtype=object), "x").taken_as == "category"


@pytest.mark.parametrize("word", ["trace", "Varies with device"])
@pytest.mark.parametrize("form", [float, str, "{} mg".format])
def test_one_word_beside_many_numbers_stands_for_what_was_not_measured(word, form):
    values = [form(i / 4) for i in range(40)] + [word] * 20
    column = infer_column(pd.Series(values, dtype=object), "x")
    assert column.taken_as == "number" and column.missing == pytest.approx(1 / 3)
    assert f"20 of 60 values are not numbers, such as {word!r}" in column.notes[0]
    for others in (["A12"], [word, "none of it"], [word] * 3):
        few = [form(i) for i in range(5)]
        assert infer_column(pd.Series([*few, *others] * 3, dtype=object), "x").taken_as == "category"


@pytest.mark.parametrize("name", ["Unnamed: 0", ""])
def test_numbers_of_rows_without_a_name_are_left_out_and_told(name):
    for numbers in (range(60), range(60, 0, -1), list(map(str, range(60)))):
        column = infer_column(pd.Series(numbers), name)
        assert column.taken_as == "identifier" and f"columns={{{name!r}: 'number'}}" in column.notes[0]
        assert infer_column(pd.Series(numbers), "n").taken_as == "number"
    assert infer_column(pd.Series([1, 2] * 30), name).taken_as == "number"


def test_codes_that_no_float_holds_are_told():
    assert "if they are codes" in infer_column(pd.Series([2**60 + i for i in range(9)]), "user_id").notes[0]


@pytest.mark.parametrize(
    "dtype", ["float64", "float16", "int8", "Int64", "Float64", "boolean", "bool", "category", "Sparse[float]"]
)
def test_numbers_of_any_dtype_are_read_alike(dtype):
    values = pd.Series([0, 1, 1]).astype(dtype)
    for column in (infer_column(pd.Series([0.0, 1.0, 1.0]), "x"), infer_column(values, "x")):
        assert column.read(values)[0].astype(float).tolist() == [0, 1, 1]


@pytest.mark.parametrize("name", ["halffloat", "decimal128", "dictionary", "int64", "string"])
def test_numbers_of_arrow_are_numbers(name):
    pa = pytest.importorskip("pyarrow")
    made = {
        "halffloat": (pa.float16(), [np.float16(1), None, np.float16(2)]),
        "decimal128": (pa.decimal128(5, 2), [Decimal("1.50"), None, Decimal("2.00")]),
        "dictionary": (pa.dictionary(pa.int32(), pa.int64()), [1, None, 2]),
        "int64": (pa.int64(), [1, None, 2]),
        "string": (pa.string(), ["1", None, "2"]),
    }
    dtype, values = made[name]
    series = pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, dtype)))
    column = infer_column(series, "x")
    assert column.taken_as == "number" and column.read(series)[0].isna().tolist() == [False, True, False]


FORMS = {
    "plain": str, "english": "{:,.2f}".format, "dollars": "${:,.2f}".format, "percent": "{:.1f} %".format,
    "german": lambda x: f"{x:,.2f}".translate({44: 46, 46: 44}), "weight": "{:.3e} kg".format,
}  # fmt: skip


@given(st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 1)), min_size=2), st.sampled_from(sorted(FORMS)))
def test_a_number_comes_back_from_every_form(numbers, form):
    """And one value alone reads as it does among all."""
    texts = list(map(FORMS[form], numbers))
    rule = learn_numbers(Counter(texts))
    assert rule is not None
    np.testing.assert_allclose([rule.value(text) for text in texts], numbers, rtol=1e-3)


@pytest.mark.parametrize(("values", "is_told"), [
    (range(2000, 2060), True), (list(range(0, 120, 2))[::-1], True), (range(0, 600, 10), False), ([5, 6] * 30, False),
    (range(2000, 2020), False), ([i / 2 for i in range(60)], False),
])  # fmt: skip
def test_whole_numbers_that_count_the_rows_are_told(values, is_told):
    column = infer_column(pd.Series(values), "article")
    assert column.taken_as == "number" and is_told == any(
        "columns={'article': 'identifier'}" in note for note in column.notes
    )


@pytest.mark.parametrize("text", ["1" + " " * 60_000 + "x", "1," * 30_000, "a" * 60_000, "1e" * 30_000])
def test_a_long_text_is_no_number_at_once(text):
    assert split_number(text) is None and split_number(" " * 500 + "12" + " " * 500).body == "12"


@pytest.mark.parametrize("dtype", ["float64", "float32", "Float64", "double[pyarrow]", object])
def test_infinite_numbers_are_told_and_missing(dtype):
    values = pd.Series([np.inf, 1.5, 2.5, -np.inf, 3.5] * 4, dtype=dtype, name="x")
    column = infer_column(values, "x")
    assert column.taken_as == "number" and column.missing == 0.4 and "8 of 20 values" in column.notes[0]
    read, lost = column.read(values)
    assert np.isfinite(read.dropna().to_numpy(dtype=float)).all() and len(lost) == read.isna().sum() == 8
    with pytest.raises(ValueError, match="x: 5 of 5 values are not numbers, such as inf"):
        column.trouble(*column.read(pd.Series([np.inf] * 5)))
