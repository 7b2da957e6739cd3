"""Tables take the format of their suffix, and never run what a cell holds."""

import json

import pandas as pd
import pytest

from ensemble_mm._cli._tables import defused


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_predictions_take_the_format_of_their_suffix(place, run, suffix):
    assert run("predict", "model.emm", "test.csv", "--out", f"p.{suffix}")[0] == 0
    path = place / f"p.{suffix}"
    found = {
        "csv": lambda: pd.read_csv(path),
        "tsv": lambda: pd.read_csv(path, sep="\t"),
        "jsonl": lambda: pd.DataFrame(json.loads(line) for line in path.read_text().splitlines()),
    }[suffix]()
    assert list(found.columns) == ["row", "stars", "kind"] and list(found["row"]) == list(range(20))


def test_parquet_says_what_it_needs(run, monkeypatch):
    def without_pyarrow(table, *args, **options):
        raise ImportError("no engine")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", without_pyarrow)
    code, _, err = run("predict", "model.emm", "new.csv", "--out", "p.parquet")
    assert code == 1 and "pyarrow" in err


@pytest.mark.parametrize(
    "cell, written",
    [("=1+1", "'=1+1"), ("+a", "'+a"), ("-a", "'-a"), ("@x", "'@x"), ("\tx", "'\tx"), ("-1.5", "-1.5"), ("a=b", "a=b"),
     (3, 3), (None, None), ("", "")],
)  # fmt: skip
def test_only_formulas_are_defused(cell, written):
    assert defused(cell) == written
