"""`predict` reads, predicts and writes a table part by part, and says the same whatever the parts are."""

import io
import sqlite3
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from ensemble_mm import MultiOutputStack, save
from ensemble_mm._cli import _predict, main
from ensemble_mm.features import ImageExtractor
from ensemble_mm.store import GrowingFile


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(_predict, "PART_ROWS", 7)


@pytest.fixture
def wanted(place, run):
    assert run(*"predict model.emm new.csv --out whole.csv --id id --proba --interval 0.8".split())[0] == 0
    return pd.read_csv(place / "whole.csv")


WORDS = ["--id", "id", "--proba", "--interval", "0.8"]


def test_parts_change_nothing_whatever_the_source(place, run, wanted, small_parts):
    table = pd.read_csv(place / "new.csv")
    table.to_parquet(place / "new.parquet")
    table.to_json(place / "new.jsonl", orient="records", lines=True)
    table.assign(id=table["id"].str[1:]).to_excel(place / "new.xlsx", index=False)  # no formulas
    with sqlite3.connect(place / "shop.db") as connection:
        table.to_sql("new", connection, index=False, if_exists="replace")
    for source in ("new.csv", "new.parquet", "new.jsonl", "new.xlsx", "sqlite:///shop.db::new"):
        assert run("predict", "model.emm", source, "--out", "p.csv", *WORDS) == (0, "20 predictions: p.csv\n", "")
        found = pd.read_csv(place / "p.csv")
        found["id"] = "'=" + found["id"].str.removeprefix("'=")
        pd.testing.assert_frame_equal(found, wanted, atol=1e-5)
    assert not list(place.glob("p.csv.*"))


@pytest.mark.parametrize("form", ["csv", "lines"])
def test_from_the_standard_input_to_the_standard_output(place, run, wanted, small_parts, form, monkeypatch):
    table = pd.read_csv(place / "new.csv")
    text = table.to_csv(index=False) if form == "csv" else table.to_json(orient="records", lines=True)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(text.encode()))))
    code, out, err = run("predict", "model.emm", "-", "--out", "-", *WORDS)
    assert (code, err) == (0, "20 predictions: -\n")
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(out)), wanted, atol=1e-5)


def test_an_input_without_rows_is_told(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"review,age,shop\n"))))
    code, out, err = run("predict", "model.emm", "-", "--out", "-")
    assert (code, out) == (1, "") and "The standard input has no rows." in err


def test_predictions_are_written_in_every_form(place, run, wanted, small_parts):
    db = "sqlite:///shop2.db::predicted"
    for out in ("p.parquet", "p.jsonl", "p.tsv", db):
        assert run("predict", "model.emm", "new.csv", "--out", out, *WORDS)[0] == 0
    with sqlite3.connect(place / "shop2.db") as connection:
        rows = pd.read_sql("select * from predicted", connection)
    tables = [pd.read_parquet(place / "p.parquet"), pd.read_json(place / "p.jsonl", lines=True), rows]
    for table in tables:  # apostrophes keep spreadsheets from running a cell; no other reader needs them
        assert np.allclose(table["stars high"], wanted["stars high"]) and table["kind"].isin(["=good", "+bad"]).all()
    assert np.allclose(pd.read_csv(place / "p.tsv", sep="\t")["stars"], wanted["stars"])
    code, _, err = run("predict", "model.emm", "new.csv", "--out", db)
    assert code == 1 and "has a table 'predicted'" in err


def test_predictions_go_into_the_database_that_the_rows_are_in(place, run, small_parts):
    with sqlite3.connect(place / "both.db") as connection:
        pd.read_csv(place / "new.csv").to_sql("new", connection, index=False)
    assert run("predict", "model.emm", "sqlite:///both.db::new", "--out", "sqlite:///both.db::old")[0] == 0
    with sqlite3.connect(place / "both.db") as connection:
        assert connection.execute("select count(*) from old").fetchone() == (20,)


def test_a_run_that_was_stopped_goes_on(place, run, wanted, small_parts, monkeypatch):
    write = GrowingFile.write
    asked = ["predict", "model.emm", "new.csv", "--out", "r.csv", *WORDS]

    def stop(self, content, n_rows):
        if self.n_rows == 7:
            self._file.write(content[:20])  # half a part, of a process that was killed
            raise KeyboardInterrupt
        write(self, content, n_rows)

    with monkeypatch.context() as patch:
        patch.setattr(GrowingFile, "write", stop)
        assert run(*asked)[0] == 130
    assert not (place / "r.csv").exists() and (place / "r.csv.part").exists()
    code, _, err = run(*asked[:-1], "0.7", "--resume")
    assert code == 1 and "other options" in err
    n_rows = []
    monkeypatch.setattr(GrowingFile, "write", lambda self, content, n: n_rows.append(n) or write(self, content, n))
    assert run(*asked, "--resume")[0] == 0 and n_rows == [7, 6]
    pd.testing.assert_frame_equal(pd.read_csv(place / "r.csv"), wanted, atol=1e-5)
    code, _, err = run("predict", "model.emm", "new.csv", "--out", "-", "--resume")
    assert code == 1 and "--resume" in err


def test_what_an_earlier_run_noted_is_not_gone_on_with(tmp_path):
    """A run from the start that is stopped before its first part leaves nothing."""
    first = GrowingFile(tmp_path / "r.csv", "table", resume=False)
    first.write(b"a,b\n1,2\n", 1)
    first.close()
    GrowingFile(tmp_path / "r.csv", "table", resume=False).close()
    assert not any(tmp_path.iterdir())
    again = GrowingFile(tmp_path / "r.csv", "table", resume=True)
    again.close()
    assert again.n_rows == 0


@pytest.mark.parametrize("kind", ["short text", "category"])
def test_codes_stay_texts_in_every_part(place, run, small_parts, monkeypatch, kind):
    """Where no code of a part begins with 0, the part would be read as numbers; a hole would make them 7.0."""
    codes = [f"{i:05d}" for i in [10115, 20095, 501, 99423] * 15]
    X = pd.DataFrame({"code": codes, "x": np.arange(60.0)})
    Y = pd.DataFrame({"kind": [code[-1] in "53" for code in codes]})
    learners = [("nearest", KNeighborsClassifier(1))]
    model = MultiOutputStack(learners=learners, columns={"code": kind, "x": "drop"}, cv=2, tasks={"kind": "binary"})
    save(model.fit(X, Y), place / "codes.emm")
    rows = [f"{code},{i}" for i, code in enumerate(sorted(codes, reverse=True))]
    (place / "codes.csv").write_text("\n".join(["code,x", *rows[:20], ",7", *rows[20:]]))
    assert run("predict", "codes.emm", "codes.csv", "--out", "p.csv")[0] == 0
    parts = pd.read_csv(place / "p.csv")["kind"]
    monkeypatch.setattr(_predict, "PART_ROWS", 1000)
    assert run("predict", "codes.emm", "codes.csv", "--out", "p.csv")[0] == 0
    assert parts.equals(pd.read_csv(place / "p.csv")["kind"])


@pytest.fixture
def photos(tmp_path):
    """A folder with pictures, a model of them and a table of new ones, two of which cannot be read."""
    rng = np.random.default_rng(0)
    for i in range(20):
        pixels = rng.integers(0, 120, (8, 8, 3), dtype=np.uint8) + np.uint8(120 * (i % 2))
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    table = pd.DataFrame({"photo": [f"{i}.png" for i in range(20)], "size": np.arange(20.0)})
    X = table.assign(photo=[str(tmp_path / name) for name in table["photo"]])
    views = [("photo", ImageExtractor(features=["thumbnail"]), "photo"), ("size", "auto", "size")]
    model = MultiOutputStack(views, learners=[("nearest", KNeighborsClassifier(3))], cv=2, random_state=0)
    save(model.fit(X, pd.DataFrame({"kind": ["a", "b"] * 10})), tmp_path / "m.emm")
    table.loc[[3, 15], "photo"] = "gone.png", "too.png"
    table.assign(kind=["b", "a"] * 10).to_csv(tmp_path / "new.csv", index=False)
    return tmp_path


def test_bad_files_are_listed_by_their_rows_and_cost_no_batch(photos, capsys, small_parts, monkeypatch):
    monkeypatch.chdir(photos)
    for command in (
        "predict m.emm new.csv --out p.csv",
        "evaluate m.emm new.csv",
        "report m.emm --data new.csv --out r.html",
    ):
        assert main(command.split()) == 1
        err = capsys.readouterr().err
        assert "row 3: " in err and "gone.png" in err and "--on-bad missing" in err and "on_bad=" not in err
        assert main([*command.split(), "--on-bad", "missing"]) == 0
        err = capsys.readouterr().err
        assert "row 3: " in err and "row 15: " in err and "taken as missing" in err
    assert len(pd.read_csv("p.csv")) == 20


def test_a_view_that_is_not_there_counts_as_missing_and_is_told(photos, capsys, monkeypatch):
    monkeypatch.chdir(photos)
    pd.read_csv("new.csv")[["size"]].to_csv("size.csv", index=False)
    assert main("predict m.emm size.csv --out p.csv".split()) == 0
    assert "view 'photo'" in capsys.readouterr().err and len(pd.read_csv("p.csv")) == 20


@pytest.mark.parametrize("text", ["", "review,age,shop\n"])
def test_a_table_without_rows_is_told(place, run, text):
    (place / "empty.csv").write_text(text)
    code, _, err = run("predict", "model.emm", "empty.csv", "--out", "e.csv")
    assert code == 1 and "empty.csv" in err and not (place / "e.csv").exists()


@pytest.mark.parametrize(
    "command",
    [
        "predict model.emm new.csv --out ./new.csv",
        "evaluate model.emm test.csv --out test.csv",
        "schema new.csv --out new.csv",
        "fit test.csv --targets mood --out other.emm --report test.csv",
    ],
)
def test_what_is_read_is_not_written_over(place, run, command):
    before = (place / "new.csv").read_bytes(), (place / "test.csv").read_bytes()
    code, _, err = run(*command.split())
    assert code == 1 and "which is read" in err
    assert before == ((place / "new.csv").read_bytes(), (place / "test.csv").read_bytes())


def test_a_model_and_its_report_are_two_files(place, run):
    code, _, err = run("fit", "test.csv", "--targets", "mood", "--out", "one", "--report", "./one")
    assert code == 1 and "both name 'one'" in err and not (place / "one").exists()


@pytest.mark.parametrize("out", ["folder/p.csv", "other/p.parquet"])
def test_folders_are_made_as_needed(place, run, out):
    assert run("predict", "model.emm", "new.csv", "--out", out)[0] == 0
    assert (place / out).exists()


def test_predictions_of_a_table_that_is_read_otherwise_are_not_gone_on_with(place, run, small_parts, monkeypatch):
    table = pd.read_csv(place / "new.csv")
    table.to_csv(place / "comma.csv", index=False, sep=";", decimal=",")
    whole = _predict._outputs

    def stopped(args, model, part, start):
        if start:
            raise KeyboardInterrupt
        return whole(args, model, part, start)

    monkeypatch.setattr(_predict, "_outputs", stopped)
    assert run(*"predict model.emm comma.csv --out r.csv --sep ; --decimal ,".split())[0] == 130
    monkeypatch.setattr(_predict, "_outputs", whole)
    code, _, err = run(*"predict model.emm comma.csv --out r.csv --resume --sep ; --decimal .".split())
    assert code == 1 and "other options" in err
