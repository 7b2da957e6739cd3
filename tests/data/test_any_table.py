"""What holds of X, Y and files whatever they hold: names, containers, labels and cells come back as they were meant."""

import csv
import gzip
import io
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.linear_model import Ridge

from ensemble_mm import DataWarning, StackedRegressor, infer_schema, read_table
from ensemble_mm._items import plain_item, text_of
from ensemble_mm.data import as_source, resolve_targets

NO_CHECK = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
TEXT = st.text(st.sampled_from("ab é☃,;|\t\"'\n.-0"), max_size=8).map("x{}".format)


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=40), "b": ["red", "blue"] * 20, "price": [f"{i},50" for i in range(40)]})
    return StackedRegressor(learners=[("ridge", Ridge())], cv=2, random_state=0).fit(X, rng.normal(size=40)), X


@settings(max_examples=10, **NO_CHECK)
@given(
    st.permutations(["a", "b", "price", "more"]),
    st.sampled_from(["frame", "dict", "records"]),
    st.lists(st.integers(0, 39), min_size=1, max_size=5),
    st.sampled_from(["default", "pandas"]),
)
def test_columns_go_by_name_in_every_container(model, order, container, rows, output):
    """Whatever output scikit-learn's transformers are set to, and one row as many."""
    model, X = model
    new = X.assign(more="?").iloc[rows][order]
    held = {"frame": new, "dict": new.to_dict("list"), "records": new.to_dict("records")}[container]
    with config_context(transform_output=output):
        np.testing.assert_allclose(model.predict(held), model.predict(X)[rows], rtol=1e-6)


@settings(max_examples=8, **NO_CHECK)
@given(
    st.lists(st.sampled_from(["north", "south", None]), min_size=4, max_size=20),
    st.lists(st.one_of(st.integers(-5, 5), st.none()), min_size=4, max_size=20),
)
def test_a_table_is_the_same_in_every_container(words, numbers):
    pl = pytest.importorskip("polars")
    n = min(len(words), len(numbers))
    table = {"w": words[:n], "n": numbers[:n]}
    frame = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in table.items()})
    expected = infer_schema(frame).to_frame()[["column", "taken_as", "missing"]]
    for other in (pl.DataFrame(table), pl.LazyFrame(table), frame.convert_dtypes(), frame.to_dict("records")):
        found = infer_schema(other).to_frame()[["column", "taken_as", "missing"]]
        pd.testing.assert_frame_equal(found, expected)
        assert as_source(other).shape == frame.shape


LABELS = {
    "text": st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6).map("c{}".format),
    "whole": st.integers(-3, 3), "flags": st.booleans(),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(LABELS))
@settings(max_examples=12, **NO_CHECK)
@given(data=st.data())
def test_labels_come_back(kind, data):
    known = data.draw(st.lists(LABELS[kind], min_size=4, max_size=20).filter(lambda y: len(set(y)) > 1))
    y = [*known, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        tasks, encoded, _ = resolve_targets(pd.DataFrame({"y": pd.Series(y, dtype=object)}), {"y": "classification"})
        again, same, _ = resolve_targets({"y": y}, {"y": "classification"})
    assert tasks["y"].labels(encoded["y"]).tolist() == y
    np.testing.assert_array_equal(encoded["y"], same["y"])
    np.testing.assert_array_equal(again["y"].encode(known[:1]), encoded["y"][:1])  # one label alone


@settings(max_examples=20)
@given(st.lists(st.decimals(-99, 99, places=2), min_size=2, max_size=9))
def test_numbers_of_any_type_are_the_same_target(numbers):
    expected = list(map(float, numbers))
    for dress in (float, Decimal, str):
        _, encoded, _ = resolve_targets({"y": list(map(dress, numbers))}, {"y": "regression"})
        np.testing.assert_allclose(encoded["y"], expected)


@settings(max_examples=25, **NO_CHECK)
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, st.integers(0, 99)), min_size=3, max_size=12),
    sep=st.sampled_from([",", ";", "|", "\t"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    suffix=st.sampled_from([".csv", ".tsv", ".csv.gz"]),
)
def test_cells_come_back_from_files(tmp_path, rows, sep, quoting, encoding, suffix):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=sep, quoting=quoting)
    writer.writerows([("first", "second", "n"), *rows])
    content = buffer.getvalue().encode(encoding)
    path = tmp_path / f"t{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        X, _ = read_table(path)
    assert list(X) == ["first", "second", "n"]
    found = list(zip(X["first"], X["second"], X["n"], strict=True))
    assert found == [(a, b, n) for a, b, n in rows]


@given(st.one_of(st.binary(max_size=80), st.text(max_size=80), st.lists(st.floats(), max_size=4), st.none()))
def test_a_plain_item_stays_as_it_is(item):
    plain = plain_item(item)
    assert plain_item(plain) is plain
    assert isinstance(text_of(item), type(item)) or text_of(item).encode() == item


@given(st.binary(max_size=60), st.sampled_from([bytearray, memoryview, io.BytesIO]))
def test_a_file_in_memory_is_its_bytes(content, form):
    assert (plain_item(form(content)) or b"") == content
