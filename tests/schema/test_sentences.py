"""A column that is looked at part by part is taken for what it is as a whole."""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import ChunkedData, infer_schema
from ensemble_mm.data import _schema
from ensemble_mm.schema import infer_column, infer_sentences

COLUMNS = {
    "sentences": [f"a cold and warm coat of size {i}" for i in range(60)],
    "holes": ["n/a", None, *(f"the coat {i} is torn at the seam" for i in range(57)), "  "],
    "repeated": [f"a cold and warm coat of size {i % 20}" for i in range(60)],
    "names": [f"coat {i}" for i in range(60)],
    "late": ["coat"] * 20 + [f"a cold and warm coat that was torn at seam {i}" for i in range(40)],
    "numbers": [f"{i},5 EUR" for i in range(60)],
    "arrays": [f"[{i} 1.5 2.5 3.5 ... 9.5 7.5]" for i in range(60)],
    "dates": [f"2024-01-{1 + i % 28:02} 10:00" for i in range(60)],
    "media": [f"a folder of pictures/with spaces/photo {i}.jpg" for i in range(60)],
    "none": [None] * 60,
}
NO_SENTENCES = ("repeated", "names", "numbers", "arrays", "dates", "media", "none", "late")


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("at_once", [7, 60])
def test_sentences_get_the_same_record_and_others_none(name, at_once):
    cells = np.array(COLUMNS[name], dtype=object)
    parts = (cells[start : start + at_once] for start in range(0, len(cells), at_once))
    found = infer_sentences(parts, lambda rows: cells[rows], name)
    if name in NO_SENTENCES:
        assert found is None or (name, at_once) == ("late", 60)
    if found is not None:
        assert found == infer_column(pd.Series(cells), name)


def test_what_comes_after_words_that_are_no_sentences_is_not_read():
    def parts():
        yield np.array(["coat", "shop"], dtype=object)
        raise AssertionError("more was read")

    assert infer_sentences(parts(), None, "text") is None


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_on_disk_is_taken_for_the_same(name, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(_schema, "MANY_ROWS", 20)
    X = pd.DataFrame({name: pd.Series(COLUMNS[name], dtype=object), "x": range(60)})
    X.astype({name: "string"}).to_parquet(tmp_path / "rows.parquet")
    assert infer_schema(ChunkedData(tmp_path / "rows.parquet", chunk_rows=25)) == infer_schema(X)
