"""What holds of a column whatever it holds: value and schema alone decide, and a row alone reads as among many."""

import datetime as dt
import unicodedata
from collections import Counter
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_mm import TabularExtractor
from ensemble_mm._modalities import MODALITIES
from ensemble_mm.schema import infer_column, kind_of_strings
from ensemble_mm.schema._categories import learn_categories

WORDS = st.sampled_from(
    ["red", "12 kg", "1.234,5", "2024-02-05", "05/02/2024", "12:30", "n/a", "-", "007", "CC(=O)O", ""]
)
CELLS = {
    "words": WORDS,
    "texts": st.text(max_size=12),
    "numbers": st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.decimals(allow_nan=False), st.booleans()),
    "days": st.one_of(st.dates(), st.datetimes(), st.datetimes().map(pd.Timestamp), st.just(pd.NaT)),
    "times": st.one_of(st.times(), st.timedeltas()),
    "of all types": st.one_of(WORDS, st.integers(0, 3), st.floats(0, 3), st.booleans(), st.dates(), st.binary()),
}  # fmt: skip


def column_of(cells):
    out = np.empty(len(cells), dtype=object)
    out[:] = cells
    return pd.Series(out)


def plain(values):
    return [None if value is None or value is pd.NaT or value != value else value for value in values]


@pytest.mark.parametrize("kind", sorted(CELLS))
@settings(max_examples=15)
@given(data=st.data())
def test_value_and_schema_alone_decide(kind, data):
    values = column_of(data.draw(st.lists(st.one_of(CELLS[kind], st.none()), min_size=1, max_size=30)))
    column = infer_column(values, "x", in_table=True)
    whole = plain(column.read(values)[0])
    order = data.draw(st.permutations(range(len(values))))
    assert plain(column.read(values[order].reset_index(drop=True))[0]) == [whole[row] for row in order]
    assert plain(column.read(values[order[:1]].reset_index(drop=True))[0]) == [whole[order[0]]]


@given(
    st.lists(st.integers(-9, 9), min_size=1), st.sampled_from([float, str, Decimal, np.int8, np.float32, "{}.0".format])
)
def test_a_number_is_one_category_in_every_type(numbers, dress):
    rule = learn_categories(Counter(numbers))
    assert [rule.word(dress(number)) for number in numbers] == [rule.word(number) for number in numbers]


@given(st.lists(st.times(), min_size=1), st.sampled_from(["time", "timedelta", "text"]))
def test_a_time_comes_back_from_every_form(times, form):
    hours = [t.hour + t.minute / 60 + (t.second + t.microsecond / 1e6) / 3600 for t in times]
    cells = {
        "time": times,
        "timedelta": [dt.timedelta(hours=h) for h in hours],
        "text": [t.isoformat() if t.microsecond or t.second else t.strftime("%H:%M") for t in times],
    }
    values = column_of(cells[form])
    column = infer_column(values, "x", taken_as="time")
    np.testing.assert_allclose(column.read(values)[0], hours, atol=1e-8)


STRINGS = st.lists(
    st.one_of(
        st.text(min_size=1, max_size=20),
        st.from_regex(r"\A[A-Z]{2}-[0-9]{4}\Z"),
        st.from_regex(r"\A(CC|c1|N\(|=O|\[nH\]){3,9}\Z"),
        st.from_regex(r"\A(senior|lead) (nurse|driver) [0-9]\Z"),
        st.from_regex(r"\Ahttps://[a-z]{3}\.org/[a-z]{3}\Z"),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=30)
@given(STRINGS, st.randoms(use_true_random=False))
def test_what_strings_are_does_not_depend_on_their_order_or_type(strings, random):
    kind, _ = kind_of_strings(strings)
    shuffled = random.sample(strings, len(strings))
    assert kind_of_strings(shuffled)[0] == kind
    assert kind in ("text", "short text", "category", "identifier")
    taken = infer_column(pd.Series(strings, dtype=object), "x").taken_as
    assert infer_column(pd.Series(strings, dtype="string"), "x").taken_as == taken
    assert infer_column(pd.Series(shuffled, dtype=object), "x").taken_as == taken


@settings(max_examples=10, deadline=None)
@given(STRINGS.filter(lambda strings: any(map(str.strip, strings))))
def test_a_string_alone_is_read_as_among_others(strings):
    """Accents are parts of their letters, however they were typed."""
    items = column_of(strings).to_numpy()
    extractor = MODALITIES["text"].short().fit(items)
    whole = extractor.transform(items)
    whole = whole.toarray() if hasattr(whole, "toarray") else whole
    alone = extractor.transform(column_of([unicodedata.normalize("NFD", strings[-1])]).to_numpy())
    np.testing.assert_allclose(
        alone.toarray() if hasattr(alone, "toarray") else alone, whole[-1:], rtol=1e-6, atol=1e-9
    )


@settings(max_examples=15, deadline=None)
@given(st.lists(CELLS["of all types"], min_size=2, max_size=20))
def test_a_row_of_mixed_types_has_the_same_features_alone(cells):
    table = pd.DataFrame({"x": column_of(cells), "n": np.arange(float(len(cells)))})
    extractor = TabularExtractor().fit(table)
    np.testing.assert_array_equal(extractor.transform(table.iloc[-1:]), extractor.transform(table)[-1:])
