"""Texts and tables of very many rows are read part by part, and give what they give as a whole."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import ChunkedData, MultiOutputStack, VectorExtractor
from ensemble_mm.crossfit import _extract
from ensemble_mm.crossfit._plan import Extraction
from ensemble_mm.data import ColumnsOnDisk, View, _schema, _suspects
from ensemble_mm.data._views import columns_of
from ensemble_mm.features import _text
from ensemble_mm.schema import Schema
from ensemble_mm.store import BlockFolder, _blocks

pytest.importorskip("pyarrow")
N = 300


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    words = np.array([*"the a cold warm soft torn coat seam shop day".split(), "größe", "n/a", "3,5"])
    X = pd.DataFrame({"text": [" ".join(rng.choice(words, 7)) for _ in range(N)]})
    X.loc[[5, 17], "text"], X.loc[9, "text"], X.loc[10:14, "text"] = None, " ", X.loc[3, "text"]
    X["size"] = np.where(np.arange(N) % 7, rng.exponential(size=N) ** 3, np.nan)
    X["town"] = rng.choice([f"town {i}" for i in range(30)], N)
    X["made"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, N), unit="D")
    X.loc[20:60, "town"] = None
    y = X["text"].str.contains("warm").astype(bool) ^ (rng.random(N) < 0.2)
    return X, pd.DataFrame({"warm": y, "price": rng.normal(size=N) + 2 * y})


@pytest.fixture
def in_parts(monkeypatch):
    monkeypatch.setattr(_extract, "ROWS", 41)
    monkeypatch.setattr(_blocks, "LEAST", 1)
    for module, name in ((_extract, "MANY_ROWS"), (_schema, "MANY_ROWS"), (_text, "MANY")):
        monkeypatch.setattr(module, name, 20)


def stack(**settings):
    learners = {"classification": [("l", LogisticRegression())], "regression": [("r", Ridge(), "each", "reduced")]}
    return MultiOutputStack(learners=learners, cv=3, random_state=0, strategy="independent", **settings)


@pytest.fixture(scope="module")
def whole(rows):
    return stack().fit(*rows)


@pytest.mark.parametrize("chunk_rows", [None, 33, pytest.param(1000, marks=pytest.mark.slow)])
def test_they_give_the_same_model_to_the_bit(rows, whole, in_parts, chunk_rows, tmp_path, monkeypatch):
    X, Y = rows
    monkeypatch.setattr(_suspects, "FEWEST_ROWS", 1000)  # which looks at some rows of each column
    own, read, data = ChunkedData.__getitem__, [], X
    if chunk_rows:
        X.to_parquet(tmp_path / "rows.parquet", row_group_size=70)
        data = ChunkedData(tmp_path / "rows.parquet", chunk_rows=chunk_rows)
    monkeypatch.setattr(ChunkedData, "__getitem__", lambda self, names: read.append(names) or own(self, names))
    model = stack(workdir=tmp_path / "work").fit(data, Y)
    assert model.views_ == {"text": "text", "town": "text", "tabular": "tabular"}
    assert not any("text" in names or (isinstance(names, list) and len(names) > 1) for names in read)
    np.testing.assert_array_equal(model.table_.values, whole.table_.values)
    np.testing.assert_array_equal(model.row_marks_, whole.row_marks_)
    pd.testing.assert_frame_equal(model.predict(X), whole.predict(X))
    assert model.schema_ == whole.schema_


@pytest.mark.slow
def test_rows_that_come_in_any_order_are_extracted_as_they_are(rows, in_parts):
    X, Y = rows
    whole = stack(refit=False).fit(X, Y)
    folds = [(train[::-1], test) for train, test in whole.folds_]
    model = stack(refit=False).set_params(cv=folds).fit(X, Y)
    found, wanted = (m.readers_["text"].fitted[2, None][0].vectorizers_ for m in (model, whole))
    assert [v.names_ for v in found] == [v.names_ for v in wanted]


VECTORS = {
    "single": np.arange(60, dtype=np.float32).reshape(20, 3).tolist(),
    "hole in the middle": [*([[1.0, 2.0]] * 10), None, *([[3.0, 4.0]] * 9)],
    "hole in a vector": [*([[1.0, 2.0]] * 10), [None, 1.0], *([[3.0, 4.0]] * 9)],
    "empty": [*([[1.0, 2.0]] * 10), [], *([[3.0, 4.0]] * 9)],
    "as long on average": [*([[1.0, 2.0]] * 18), [1.0], [1.0, 2.0, 3.0]],
}


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int32", "large", "fixed"])
def test_vectors_are_read_alike_whatever_their_type(name, kind, tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    of = {"large": pa.large_list(pa.float32()), "fixed": pa.list_(pa.float64(), len(VECTORS[name][0]))}
    of = of.get(kind) or pa.list_({"float16": pa.float16()}.get(kind) or pa.type_for_alias(kind))
    cells = VECTORS[name]
    if kind == "fixed" and name in ("empty", "as long on average"):
        return
    if kind == "float16":
        cells = [cell and [part and np.float16(part) for part in cell] for cell in cells]
    parquet.write_table(pa.table({"v": pa.array(cells, of), "x": range(20)}), tmp_path / "rows.parquet")
    data = ChunkedData(tmp_path / "rows.parquet", chunk_rows=7)
    views = [View("v", "vector", "v")]
    whole = pd.DataFrame({"v": pd.Series([None if c is None else np.array(c, float) for c in VECTORS[name]])})
    try:
        wanted = columns_of(whole, views, Schema())["v"]
    except ValueError as error:
        with pytest.raises(ValueError, match="different lengths"):
            ColumnsOnDisk(data, views, Schema()).there()
        assert "different lengths" in str(error)
        return
    columns = ColumnsOnDisk(data, views, Schema())
    columns.there()
    np.testing.assert_array_equal(columns["v"], wanted)
    assert columns["v"].dtype == (np.float32 if kind in ("float16", "float32", "large") else np.float64)


class Watched(VectorExtractor):
    """Note how much of the file that vectors are read from is in memory while they are summarised."""

    def summarize(self, X, sample_weight=None):
        self.seen.append(bytes_in_memory(self.file))
        return super().summarize(X, sample_weight)

    merge, finish = VectorExtractor.merge, VectorExtractor.finish


def bytes_in_memory(path):
    """Return how much of a file this process shows in memory, as Linux tells."""
    lines, found = iter(Path("/proc/self/smaps").read_text().splitlines()), 0
    for line in lines:
        if line.endswith(str(path)):
            found += 1024 * int(next(line for line in lines if line.startswith("Rss:")).split()[1])
    return found


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux, which tells what is in memory")
def test_a_file_of_vectors_is_in_memory_in_parts_only(tmp_path, monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(60_000, 16)).astype(np.float32)
    pd.DataFrame({"v": [*vectors]}).to_parquet(tmp_path / "rows.parquet")
    columns = ColumnsOnDisk(ChunkedData(tmp_path / "rows.parquet"), [View("v", "vector", "v")], Schema())
    with BlockFolder(tmp_path) as folder:
        sealed, seen = folder.sealed, []
        monkeypatch.setattr(
            folder, "sealed", lambda block: seen.append(bytes_in_memory(block.filename)) or sealed(block)
        )
        block, every = columns.mapped("v", folder), np.arange(len(vectors))
        extractor = Watched()
        extractor.file, extractor.seen = block.filename, seen
        mark, given = Extraction("v", 0, None), (None, None, None, ("native",))
        _extract.FitExtractor(mark, extractor, None, block, every, every[:0], *given, folder=folder).run()
        assert max(seen) < block.nbytes / 2 and len(seen) > 4 and max(seen) > 0
        block.max()
        assert bytes_in_memory(block.filename) >= block.nbytes  # what would have been seen
