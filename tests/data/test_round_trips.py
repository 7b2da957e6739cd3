"""A table means the same wherever it has been: in text, in columns on disk, in a database, in another library."""

import datetime as dt
import io
import sqlite3
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import TabularExtractor

N = 60


@pytest.fixture(scope="module")
def table():
    """Columns of all types, with holes."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2023-01-01", periods=N, freq="31h")
    frame = pd.DataFrame({
        "float": rng.normal(size=N), "int": rng.integers(0, 1000, N), "flag": rng.random(N) > 0.5,
        "nullable": pd.array(np.where(rng.random(N) < 0.2, None, rng.integers(0, 50, N)), dtype="Int64"),
        "codes": pd.Categorical(rng.integers(1, 5, N)), "shop": rng.choice(["north", "south"], N), "when": days,
        "here": days.tz_localize("Europe/Berlin"), "day": days.date,
        "took": pd.to_timedelta(rng.integers(1, 99, N), unit="min"),
        "at": [dt.time(int(h), int(m)) for h, m in zip(rng.integers(0, 24, N), rng.integers(0, 60, N), strict=True)],
        "price": [Decimal(f"{v:.2f}") for v in rng.uniform(1, 99, N)],
        "maybe": np.where(rng.random(N) < 0.2, None, rng.random(N) > 0.5),
    })  # fmt: skip
    frame.loc[3, ["float", "shop", "when", "took"]] = None
    return frame


def as_csv(table, tmp_path):
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


def as_texts(table, tmp_path):
    return pd.read_csv(io.StringIO(table.to_csv(index=False)), dtype=str, keep_default_na=False)


def as_objects(table, tmp_path):
    return table.astype(object)


def as_parquet(table, tmp_path, **settings):
    pytest.importorskip("pyarrow")
    table.to_parquet(tmp_path / "table.parquet")
    return pd.read_parquet(tmp_path / "table.parquet", **settings)


def as_arrow(table, tmp_path):
    return as_parquet(table, tmp_path, dtype_backend="pyarrow")


def as_nullable(table, tmp_path):
    return as_parquet(table, tmp_path, dtype_backend="numpy_nullable")


def as_polars(table, tmp_path):
    as_parquet(table, tmp_path)
    return pytest.importorskip("polars").read_parquet(tmp_path / "table.parquet")


def as_sql(table, tmp_path):
    plain = {"price": float, "at": str, "took": str, "here": str, "codes": int}
    with sqlite3.connect(":memory:") as connection:
        table.astype(plain).to_sql("t", connection, index=False)
        return pd.read_sql("select * from t", connection)


CONTAINERS = [as_csv, as_texts, as_objects, as_parquet, as_arrow, as_nullable, as_polars, as_sql]


@pytest.mark.parametrize("container", CONTAINERS)
def test_new_rows_mean_the_same_in_every_container(table, tmp_path, container):
    extractor = TabularExtractor().fit(table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = extractor.transform(container(table, tmp_path))
    np.testing.assert_allclose(found, extractor.transform(table), atol=1e-5)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_fit_in_any_container_reads_typed_rows(table, tmp_path, container):
    other = container(table, tmp_path)
    extractor = TabularExtractor().fit(other)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = extractor.transform(table)
    np.testing.assert_allclose(found, extractor.transform(other), atol=1e-5)


@pytest.mark.parametrize("container", [as_texts, as_objects, as_arrow])
def test_one_row_reads_as_it_does_among_many(table, tmp_path, container):
    other = container(table, tmp_path)
    extractor = TabularExtractor().fit(other)
    alone = np.vstack([extractor.transform(other.iloc[[row]]) for row in range(0, N, 7)])
    np.testing.assert_array_equal(alone, extractor.transform(other)[::7])
