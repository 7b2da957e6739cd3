"""Tables take the format of their suffix, and never run what a cell holds."""

import csv
import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from ensemble_mm._cli._growing import growing_table
from ensemble_mm._cli._tables import defused, tell, with_few_digits, write_table


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
    code, _, err = run("evaluate", "model.emm", "test.csv", "--out", "p.parquet")
    assert code == 1 and "pyarrow" in err


@pytest.mark.parametrize(
    "cell, written",
    [("=1+1", "'=1+1"), ("+a", "'+a"), ("-a", "'-a"), ("@x", "'@x"), ("\tx", "'\tx"), ("\n=1", "'\n=1"),
     ("\r=1", "'\r=1"), ("  =1", "'  =1"), ("\u3000＝1", "'\u3000＝1"), ("＋a", "'＋a"), ("＠SUM", "'＠SUM"),
     ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"), ("-1.5", "-1.5"), ("+nan", "+nan"), ("a=b", "a=b"), ("  a", "  a"),
     (3, 3), (None, None), ("", "")],
)  # fmt: skip
def test_only_formulas_are_defused(cell, written):
    assert defused(cell) == written


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_no_written_cell_is_a_formula(tmp_path, suffix):
    """Names of columns, categories and mixed columns too; a separator or line end in a cell makes no new cell."""
    bad = ["=1+1", "a,=2", 'a"\n=3', "\t=4", "a\t=5", "a;=6"]
    table = pd.DataFrame({"=name": pd.Categorical(bad), "mixed": pd.Series([*bad[:-1], 7], dtype=object)})
    write_table(table, str(tmp_path / f"p.{suffix}"))
    with open(tmp_path / f"p.{suffix}", newline="") as file:
        rows = list(csv.reader(file, delimiter="," if suffix == "csv" else "\t"))
    assert len(rows) == 7 and all(len(row) == 2 for row in rows)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in rows for cell in row)


def test_predicted_numbers_in_a_file_of_text_have_few_digits():
    found = with_few_digits(np.array([90.07336696799977, 1 / 3, 6.688653677128865e-05, np.nan, 2.0, 123456789.25]))
    assert str(found[:3].tolist()) == "[90.073367, 0.33333333, 6.6886537e-05]" and np.isnan(found[3])
    assert found[4:].tolist() == [2.0, 123456790.0]
    names = np.array(["a", None], dtype=object)
    assert with_few_digits(names) is names and with_few_digits(np.array([12345678901])).tolist() == [12345678901]


def test_lists_are_written_as_they_are_read(tmp_path):
    write_table(pd.DataFrame({"tags": [["red", "é"], [], None]}), str(tmp_path / "t.csv"))
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["tags", '["red", "é"]', "[]", ""]


@pytest.mark.parametrize("encoding, shown", [("ascii", b"Gr\\xf6\\xdfe, \\u4ef7"), ("cp1252", b"Gr\xf6\xdfe, \\u4ef7")])
def test_letters_that_the_terminal_does_not_have_are_shown_by_their_numbers(encoding, shown):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    tell("Größe, 价", stream)
    stream.flush()
    assert stream.buffer.getvalue() == shown + b"\n"


def test_predictions_for_the_next_command_are_utf_8_whatever_the_terminal_shows(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    with growing_table("-", "", False) as (add, _):
        add(pd.DataFrame({"größe": ["价"]}))
    assert sys.stdout.buffer.getvalue().decode() == "größe\n价\n"
