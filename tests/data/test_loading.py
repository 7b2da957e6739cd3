import bz2
import gzip
import io
import json
import lzma
import os
import sqlite3
import warnings

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import DataWarning
from ensemble_mm.data import load_demo, make_multimodal, read_parts, read_table, resolve_targets


def test_the_demo_sets_are_whole():
    X, Y = load_demo("moving_digits")
    assert X.columns.tolist() == ["picture", "sound", "clip"]
    for column in X:
        assert X[column].isna().any()
        assert all(os.path.getsize(path) > 0 for path in X[column].dropna())
    tasks, _, _ = resolve_targets(Y)
    assert {name: task.kind for name, task in tasks.items()} == {
        "digit": "multiclass", "speaker": "multiclass", "direction": "multiclass", "speed": "regression",
    }  # fmt: skip
    assert Y["speaker"].isna().any() and Y["speed"].isna().any() and Y["digit"].notna().all()
    assert Y["digit"].value_counts().eq(30).all()
    assert load_demo("av_digits")[0].shape == (240, 2)
    with pytest.raises(ValueError, match="name='mnist' is not known"):
        load_demo("mnist")


@pytest.fixture
def frame():
    return pd.DataFrame({"age": [1.5, None, 3.0], "kind": ["a", None, "b"], "flag": [0.0, 1.0, None]})


def write(frame, path):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_format_gives_the_same_table(frame, tmp_path, suffix):
    X, Y = read_table(write(frame, tmp_path / f"t{suffix}"), ["kind"])
    assert X.columns.tolist() == ["age", "flag"] and X["age"].dtype == float
    assert Y["kind"].tolist() == ["a", None, "b"]


def test_a_database_table_is_read_and_names_are_no_sql(frame, tmp_path):
    with sqlite3.connect(tmp_path / "f.db") as connection:
        frame.to_sql("my table", connection, index=False)
    X, Y = read_table(f"sqlite:///{tmp_path}/f.db::my table", "kind")
    assert len(X) == 3 and Y["kind"].tolist() == ["a", None, "b"]
    with pytest.raises(ValueError, match="has no table"):
        read_table(f"sqlite:///{tmp_path}/f.db::my table; DROP TABLE x", "kind")


def test_media_paths_are_found_below_the_root_and_nowhere_else(tmp_path):
    root = tmp_path / "media"
    root.mkdir()
    table = tmp_path / "t.csv"
    table.write_text("photo,y\na.png,1\nsub/b.png,2\n,3\n")
    X, _ = read_table(table, "y", root=root)
    assert X["photo"].tolist() == [str(root / "a.png"), str(root / "sub" / "b.png"), None]
    (root / "link").symlink_to(tmp_path)
    for bad in ("../secret.png", "/etc/secret.png", "link/secret.png"):
        table.write_text(f"photo,y\na.png,1\n{bad},2\n")
        with pytest.raises(ValueError, match=r"Row 1 of column 'photo' names .*secret.png.*outside"):
            read_table(table, "y", root=root)


OUTSIDE, INSIDE = "/etc/secret.png", "no file here"


@pytest.mark.parametrize("cells", [[OUTSIDE] * 500 + [INSIDE] * 200, [OUTSIDE] * 6 + [INSIDE] * 4])
def test_cells_that_are_no_files_do_not_open_the_way_out(tmp_path, cells):
    """The first 500 items decide what a column is taken for, and a split may leave the paths alone."""
    pd.DataFrame({"photo": cells, "y": 1}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match="Row 0 of column 'photo' names '/etc/secret.png', which leads outside"):
        read_table(tmp_path / "t.csv", "y")


def test_texts_that_name_some_files_stay_as_they_are(tmp_path):
    texts = ["see a.png", "see b.png", "nothing to see"]
    pd.DataFrame({"note": texts}).to_csv(tmp_path / "t.csv", index=False)
    assert read_table(tmp_path / "t.csv")[0]["note"].tolist() == texts


def test_columns_said_to_be_media_are_checked_whatever_their_names(tmp_path):
    table = tmp_path / "t.jsonl"
    table.write_text('{"photo": "sub/one"}\n{"photo": null}\n{"photo": 3}\n')
    X, _ = read_table(table, media=["photo"])
    assert X["photo"].tolist() == [str(tmp_path / "sub" / "one"), None, 3]
    for bad in ("/etc/passwd", "../t", "sub/../../x"):
        table.write_text(json.dumps({"photo": bad}))
        with pytest.raises(ValueError, match="outside"):
            read_table(table, media=["photo"])
    table.write_text('{"photo": "a\\u0000.png"}')
    with pytest.raises(ValueError, match="Row 0 of column 'photo' names .* is not a path"):
        read_table(table)


def test_lists_stay_below_their_folder(tmp_path):
    (tmp_path / "images.txt").write_text("a.png\n../../b.png\n")
    with pytest.raises(ValueError, match="Row 1 of column 'image' names '../../b.png', which leads outside"):
        read_table({"image": tmp_path / "images.txt"})
    X, _ = read_table({"image": tmp_path / "images.txt"}, root="/")  # said by the caller
    assert X.views["image"][0] == "/a.png"


def test_lists_must_be_of_one_length(tmp_path):
    (tmp_path / "texts.txt").write_text("one\n\nthree\n")
    (tmp_path / "images.txt").write_text("a.png\nb.png\nc.png\n")
    (tmp_path / "labels.csv").write_text("y\n1\n2\n3\n")
    lists = {"text": tmp_path / "texts.txt", "image": tmp_path / "images.txt"}
    X, Y = read_table(lists, targets=tmp_path / "labels.csv")
    assert X.views["text"].tolist() == ["one", None, "three"]
    assert X.views["image"].tolist() == [str(tmp_path / f"{c}.png") for c in "abc"] and len(Y) == 3
    (tmp_path / "labels.csv").write_text("y\n1\n")
    with pytest.raises(ValueError, match="The lists differ in length: .*labels.csv has 1"):
        read_table(lists, targets=tmp_path / "labels.csv")


@pytest.mark.parametrize(
    ("name", "content", "targets", "error", "words"),
    [
        ("nowhere.csv", None, "y", FileNotFoundError, "There is no file .*nowhere.csv"),
        ("t.xls", "x", "y", ValueError, "has the suffix '.xls': use one of"),
        ("t.csv", "a,b\n1,2\n", "y", ValueError, "has no column 'y'; it has a, b"),
        ("t.jsonl", "not json", "y", ValueError, "cannot be read as jsonl"),
        ("t.csv", "a,b\n1,2\n3\n4,5,6\n", "b", ValueError, "csv: Expected 2 fields in line 4, saw 3. Mend that line"),
        ("t.csv", "", "y", ValueError, "t.csv cannot be read as csv: it is empty"),
    ],
)
def test_errors_name_the_file(tmp_path, name, content, targets, error, words):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error, match=words):
        read_table(tmp_path / name, targets)


def test_synthetic_data_share_a_cause_and_follow_the_seed():
    X, Y = make_multimodal(n_samples=80, n_tasks=4, missing=0.2, unknown=0.3, random_state=0)
    again, _ = make_multimodal(n_samples=80, n_tasks=4, missing=0.2, unknown=0.3, random_state=0)
    assert X["review"].equals(again["review"]) and X["age"].equals(again["age"])
    assert 0.1 < X["price"].isna().mean() < 0.3 and 0.2 < Y.isna().to_numpy().mean() < 0.4
    whole, labels = make_multimodal(n_samples=300, random_state=0)
    assert np.corrcoef(whole["price"], labels["level"])[0, 1] > 0.5


@pytest.mark.parametrize("targets", [3, None, 1.5, slice(None), [["y"]], pd.NA, {"y": 1}])
def test_targets_are_names(tmp_path, targets):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ValueError, match="targets=.* must be a list of names"):
        read_table(tmp_path / "t.csv", targets)


def test_a_list_in_another_code_is_told(tmp_path):
    (tmp_path / "t.txt").write_bytes("é".encode("latin-1"))
    with pytest.raises(ValueError, match="t.txt cannot be read as text in UTF-8"):
        read_table({"text": tmp_path / "t.txt"})


def test_a_file_that_is_no_database_is_told_without_a_password(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" * 300)
    with pytest.raises(ValueError, match="The database .* cannot be read: .*not a database"):
        read_table(f"sqlite:///{tmp_path}/t.csv::t")
    with pytest.raises(ValueError, match="cannot be read") as caught:
        read_table("nothing://me:secret@host/x::t")
    assert "secret" not in str(caught.value)


def test_columns_of_lists_come_as_they_are(tmp_path):
    """A Parquet file with a list per cell was refused in numpy's words."""
    cells = [["a", "b"], ["c", "d"], [], None]
    pd.DataFrame({"x": range(4), "tags": cells}).to_parquet(tmp_path / "t.parquet")
    _, Y = read_table(tmp_path / "t.parquet", "tags")
    assert [cell if cell is None else list(cell) for cell in Y["tags"]] == cells


ROWS = [
    ("name", "price", "zip"),
    ("Müller, Jörg", "12,5", "00501"),
    ("Ça & là", "-3", "10115"),
    ("Österreich", "0,25", "01067"),
]


def written(rows, sep, quote='"'):
    return "\r\n".join(
        sep.join(f"{quote}{cell}{quote}" if sep in cell or quote == "'" else cell for cell in row) for row in rows
    )


@pytest.mark.parametrize("sep", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_how_a_file_is_written_is_found_out_and_told_where_in_doubt(tmp_path, sep, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(written(ROWS, sep).encode(encoding))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        X, _ = read_table(path)
    told = [str(w.message) for w in heard]  # the separator and the decimal commas are not in doubt, the encoding is
    assert [("encoding cp1252" in words, "separator" in words) for words in told] == [(True, False)] * (
        encoding == "cp1252"
    )
    assert X["name"].tolist() == [row[0] for row in ROWS[1:]]
    assert X["price"].tolist() == [12.5, -3.0, 0.25] and X["zip"].tolist() == ["00501", "10115", "01067"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said, _ = read_table(path, sep=sep, decimal=",", encoding=encoding)
    pd.testing.assert_frame_equal(said, X)


@pytest.mark.parametrize(
    ("text", "told", "first"),
    [
        ("n;price\na;1,234\nb;2,345\n", "decimal commas in 'price'", ["a", 1.234]),
        ("n;price;kg\na;1.234;0,5\nb;12;1,5\n", "decimal points in 'price'", ["a", 1.234, 0.5]),
        ("n, m;price\na, b;1\nc, d;2\ne;3\n", "the separator ';'", ["a, b", 1]),
        ("n;price\na;1\nb\nc;2\nd\n", "the separator ';'", ["a", 1]),
    ],
)
def test_what_could_be_written_in_two_ways_is_told(tmp_path, text, told, first):
    (tmp_path / "t.csv").write_text(text)
    with pytest.warns(DataWarning, match=told):
        X, _ = read_table(tmp_path / "t.csv")
    assert X.iloc[0].tolist() == first


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,x;y\n2,z;z\n", 'a,b\n"1;2","3;4"\n"5;6","7;8"\n', "a\n1\n2\n", 'a,b\n1,"two\nlines, of ""text"""\n',
        "a,b\n1.5,2\n,3\n", "name\nanna\nbob\n", 'n,price\n1,"1,234"\n2,"2,345"\n', "a,b\n",
        "when,x\n05.02.2024,1\n", "q,a\nit's,'so'\n", "a,b\r1,2\r3,4\r", "a,b\n1,2\n3\n4,5\n6,7\n",
    ],
)  # fmt: skip
def test_what_is_written_as_usual_is_read_as_ever_and_not_told(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X, _ = read_table(path)
    expected = pd.read_csv(path)
    assert X.columns.tolist() == expected.columns.tolist()
    for name in expected:
        assert X[name].dropna().tolist() == expected[name].dropna().tolist()


@pytest.mark.parametrize(
    ("text", "names", "first", "told"),
    [
        ("a,b\n1,2,\n3,4,\n", ["a", "b"], 1, None),
        ("a,b\nr1,1,2\nr2,3,4\n", ["Unnamed: 0", "a", "b"], 1, "a first column without a name"),
        ('a,b\n1,"say \\"hi\\" now"\n2,x\n', ["a", "b"], 1, "quotes behind backslashes"),
        ("# made by hand\na,b\n1,2\n3,4\n", ["a", "b"], 1, "left out that stand above the names (1)"),
        ("Sales 2024\n\na,b,c\n1,2,3\n4,5,6\n", ["a", "b", "c"], 1, "left out that stand above the names (1)"),
        ('a, b\n1, "x, y"\n2, "z"\n', ["a", "b"], 1, None),
    ],
)
def test_cells_stand_below_their_names(tmp_path, text, names, first, told):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        X, _ = read_table(path)
        parts = pd.concat(read_parts(path, n_rows=1))
    assert list(X) == list(parts) == names and X["a"].iloc[0] == parts["a"].iloc[0] == first
    assert [told in str(w.message) for w in heard] == [True] * (2 if told else 0)


@pytest.mark.parametrize("text", ["1,2.5,a\n2,3.5,b\n3,4.5,a\n", "1.5,2\n3.5,4\n5.5,6\n"])
def test_a_first_line_that_looks_like_a_row_is_told(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    with pytest.warns(DataWarning, match="its first line, which looks like a row"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("text", ["a,2019,2020\nx,1,2\ny,3,4\nx,5,6\n", "2019,2020\n1,2\n3,4\n5,6\n", "x\nx\ny\nx\n"])
def test_names_may_be_numbers(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_table(tmp_path / "t.csv")


def test_what_the_type_of_a_database_does_not_hold_is_told(tmp_path):
    with sqlite3.connect(tmp_path / "f.db") as connection:
        connection.execute("create table t (price numeric)")
        connection.execute("insert into t values ('12 kg')")
    with pytest.raises(ValueError, match="a query that casts it"):
        read_table(f"sqlite:///{tmp_path}/f.db::t")
    query = f"sqlite:///{tmp_path}/f.db::select cast(price as text) as price from t"
    assert read_table(query)[0]["price"].tolist() == ["12 kg"]
    for name in ("x.csv", "rows"):
        (tmp_path / name).mkdir()
        with pytest.raises(FileNotFoundError, match="no Parquet file in the folder .*: name one that has some"):
            read_table(tmp_path / name)


def test_a_folder_of_parquet_files_is_a_table(tmp_path):
    pytest.importorskip("pyarrow")
    for i in range(2):
        pd.DataFrame({"age": [i, 10 + i], "y": ["a", "b"], "photo": ["1.png", None]}).to_parquet(
            tmp_path / f"{i}.parquet"
        )
    X, Y = read_table(tmp_path, "y")
    assert X["age"].tolist() == [0, 10, 1, 11] and Y["y"].tolist() == ["a", "b"] * 2
    assert X["photo"].tolist() == [str(tmp_path / "1.png"), None] * 2
    on_disk = read_table(tmp_path, "y", memory="1GB")[0]
    pd.testing.assert_frame_equal(X, on_disk.to_pandas())
    parts = list(read_parts(str(tmp_path), n_rows=3))
    assert [len(part) for part in parts] == [3, 1] and parts[1]["age"].tolist() == [11]
    with pytest.raises(ValueError, match="sep, decimal and encoding tell how CSV"):
        read_table(tmp_path, sep=";")


def test_a_sheet_may_have_a_title(tmp_path):
    pytest.importorskip("openpyxl")
    cells = [["Sales 2024", None], [None, None], ["a", "b"], [1, "x"], [2, "y"]]
    pd.DataFrame(cells).to_excel(tmp_path / "t.xlsx", index=False, header=False)
    with pytest.warns(DataWarning, match="without the 2 lines above the names"):
        X, _ = read_table(tmp_path / "t.xlsx")
    assert X.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_other_sheets_of_a_workbook_are_told(tmp_path, recwarn):
    """The first sheet of an export is often a note; empty sheets, which Excel adds, are none to choose from."""
    pytest.importorskip("openpyxl")
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"note": ["see the other sheet"]}).to_excel(book, sheet_name="Note", index=False)
        pd.DataFrame().to_excel(book, sheet_name="Sheet2", index=False)
    read_table(path)
    assert not recwarn
    with pd.ExcelWriter(path, mode="a") as book:
        pd.DataFrame({"a": [1, 2]}).to_excel(book, sheet_name="Rows", index=False)
    with pytest.warns(DataWarning, match=r"first sheet, 'Note'. It also has 'Rows'. .*book.xlsx::Rows"):
        read_table(path)
    assert read_table(f"{path}::Rows")[0]["a"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="no sheet 'rows'; it has Note, Sheet2, Rows"):
        read_table(f"{path}::rows")


def test_cells_without_names_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2,3,4\n5,6,7,8\n")
    with pytest.raises(ValueError, match="names 2 columns, but most rows have 4 cells"):
        read_table(tmp_path / "t.csv")


def test_words_for_nothing_are_what_the_rest_of_their_column_says(tmp_path):
    rows = ["NA,None,NA,NA", "DE,wood,3,no", "FR,None,4,yes", "US,stone,5,no"]
    (tmp_path / "t.csv").write_text("\n".join(["country,fence,size,y", *rows]))
    X, Y = read_table(tmp_path / "t.csv", "y")
    assert X["country"].tolist() == ["NA", "DE", "FR", "US"] and X["fence"].tolist()[0] == "None"
    assert X["size"].dtype == float and Y["y"].tolist() == [None, "no", "yes", "no"]
    (part,) = read_parts(tmp_path / "t.csv", n_rows=9, texts=["country", "fence"])
    assert part["country"].tolist() == X["country"].tolist() and part["fence"].tolist() == X["fence"].tolist()


@pytest.mark.parametrize("text", ["a,b\n1,2,3\n4,5\n6,7\n", "text,y\nfair, and soft,1\ntorn,0\nfine,1\n"])
def test_a_longer_first_row_moves_no_cells_below_other_names(tmp_path, text):
    """pandas takes the first cell of such a row for the name of the row, and so of all rows."""
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match="its first row has 3 cells"):
        read_table(tmp_path / "t.csv")
    with pytest.raises(ValueError, match="its first row has 3 cells"):
        list(read_parts(tmp_path / "t.csv", n_rows=2))


def test_quotes_may_be_left_out_of_names_alone(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n'1, 2',x\n'3',y\n'5',y\n")
    with pytest.warns(DataWarning, match="the quotes '"):
        assert read_table(tmp_path / "t.csv")[0]["a"].tolist() == ["1, 2", "3", "5"]


def test_single_quotes_and_the_first_line_of_excel_are_understood(tmp_path):
    (tmp_path / "t.csv").write_text("sep=;\n" + written(ROWS, ";"), encoding="utf-8")
    assert read_table(tmp_path / "t.csv")[0]["price"].tolist() == [12.5, -3.0, 0.25]
    (tmp_path / "t.csv").write_text("'a','b'\n'1, 2','x'\n'3','y'\n")
    with pytest.warns(DataWarning, match="the quotes '"):
        assert read_table(tmp_path / "t.csv")[0]["a"].tolist() == ["1, 2", "3"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "酒店很好，服务也不错"),
        ("gb18030", "WIFI很好"),
        ("gb18030", "房间干净"),
        ("big5", "房間很乾淨，早餐普通"),
        ("cp949", "좋은 호텔입니다"),
        ("cp949", "방이 작아요"),
        ("cp932", "東京ホテルは良い、部屋が狭い"),
        ("cp1251", "Очень хорошая гостиница"),
        ("cp1251", "мягкий"),
        ("cp1251", "МОСКВА: ТОВАР ДОСТАВЛЕН"),
        ("cp1251", "її ціна"),
        ("koi8_r", "Очень хорошая гостиница"),
        ("cp866", "Очень хорошая гостиница"),
        ("iso8859_5", "Очень хорошая гостиница"),
        ("cp1253", "Πολύ καλό ξενοδοχείο"),
        ("cp1255", "מלון טוב מאוד, השירות היה מצוין"),
        ("cp1256", "الفندق جيد جدا"),
        ("tis_620", "โรงแรมดีมาก"),
        ("euc_jp", "東京ホテルは良い、部屋が狭い"),
        ("utf-16-le", "Köln"),
        ("utf-16-be", "Köln, 東京"),
        ("cp1252", "Köln: wie neu für 4.032 €"),
        ("cp1252", "12 °C in Düsseldorf"),
        ("cp1252", "été à Paris – là où ça va “chez” moi"),
        ("cp1252", "£12"),
    ],
)
def test_encodings_other_than_unicode_are_found_out(tmp_path, encoding, text):
    (tmp_path / "t.csv").write_bytes(("text,y\n" + "".join(f'"{text}{i}",{i}\n' for i in range(60))).encode(encoding))
    with pytest.warns(DataWarning, match=f"encoding {encoding}"):
        assert read_table(tmp_path / "t.csv", "y")[0]["text"][7] == f"{text}7"


def test_true_false_and_nothing_are_no_decimal_commas(tmp_path):
    (tmp_path / "t.csv").write_text("fits;price\nTrue;1,5\n;2,5\nFalse;3\n")
    X, _ = read_table(tmp_path / "t.csv")
    assert X["price"].tolist() == [1.5, 2.5, 3.0] and X["fits"].tolist()[::2] == [True, False]
    (part,) = read_parts(tmp_path / "t.csv", n_rows=5)
    assert part["price"].tolist() == [1.5, 2.5, 3.0]


def test_a_column_of_texts_with_commas_is_one_column(tmp_path):
    lines = ["soft", "warm, soft", 'it says "hi", twice', "", "x; y", '"quoted, too"', *["plain"] * 300, "late, later"]
    (tmp_path / "t.csv").write_text("\n".join(["review", *lines]))
    with pytest.warns(DataWarning, match="each line as one cell"):
        X, _ = read_table(tmp_path / "t.csv")
    wanted = ["soft", "warm, soft", 'it says "hi", twice', "x; y", "quoted, too"]
    assert list(X) == ["review"] and X["review"].tolist() == [*wanted, *["plain"] * 300, "late, later"]
    (tmp_path / "n.csv").write_text('n\n"1,234"\n"5,678"\n')  # of thousands, or decimals: the schema tells
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_table(tmp_path / "n.csv")[0]["n"].tolist() == ["1,234", "5,678"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".xlsx", ".db"])
def test_types_come_back_from_every_source(tmp_path, suffix):
    if suffix == ".xlsx":
        pytest.importorskip("openpyxl")
    X = pd.DataFrame(
        {"zip": ["00501", "10115", None], "n": [1, 2, 3], "size": [0.1, None, 2.5], "note": ["ä, b", 'say "no"', "x"]}
    )
    path = tmp_path / f"t{suffix}"
    if suffix == ".db":
        with sqlite3.connect(path) as connection:
            X.to_sql("t", connection, index=False)
        path = f"sqlite:///{path}::t"
    elif suffix == ".xlsx":
        X.to_excel(path, index=False)
    else:
        write(X, path)
    found, _ = read_table(path)
    assert found["zip"].tolist() == ["00501", "10115", None] and found["note"].tolist() == X["note"].tolist()
    assert found["n"].dtype == X["n"].dtype and found["n"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(found["size"].astype(float), X["size"])


def test_a_list_of_rows_is_no_row_of_json_lines(tmp_path):
    (tmp_path / "t.jsonl").write_text('[{"a": 1}, {"a": 2}]')
    for read in (read_table, lambda path: list(read_parts(path, n_rows=1))):
        with pytest.raises(ValueError, match="one list, not a row per line"):
            read(tmp_path / "t.jsonl")
    (tmp_path / "t.jsonl").write_text('\ufeff{"a": 1}\n{"a": 2}\n', encoding="utf-8")
    assert read_table(tmp_path / "t.jsonl")[0]["a"].tolist() == [1, 2]


@pytest.mark.parametrize("name", ["t.csv.gz", "t.tsv.bz2", "t.jsonl.xz", "t.csv.zst", "t.ndjson.gz"])
def test_compressed_text_is_read_whole_and_in_parts(frame, tmp_path, name):
    path, content = tmp_path / name, frame.to_csv(index=False).encode()
    content = content.replace(b",", b"\t") if ".tsv" in name else content
    content = frame.to_json(orient="records", lines=True).encode() if "json" in name else content
    if name.endswith(".zst"):
        content = pytest.importorskip("pyarrow").compress(content, codec="zstd", asbytes=True)
    else:
        packer = {"gz": gzip, "bz2": bz2, "xz": lzma}[name.rpartition(".")[2]]
        content = packer.compress(content)
    path.write_bytes(content)
    whole, _ = read_table(path)
    parts = pd.concat(read_parts(path, n_rows=2), ignore_index=True)
    for found in (whole, parts):
        assert found["age"].tolist()[::2] == [1.5, 3.0] and found["kind"].tolist() == ["a", None, "b"]
    for damaged in (content[: len(content) // 2], b"PK" + content):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{name} cannot be read as"):
            read_table(path)


def test_tables_that_hold_no_text_are_not_read_compressed(tmp_path):
    (tmp_path / "t.parquet.gz").write_bytes(b"")
    with pytest.raises(ValueError, match="suffix '.gz': use one of .csv, .*also compressed"):
        read_table(tmp_path / "t.parquet.gz")


def test_a_query_stands_in_the_place_of_a_table_and_changes_nothing(frame, tmp_path):
    address = f"sqlite:///{tmp_path}/f.db"
    with sqlite3.connect(tmp_path / "f.db") as connection:
        frame.assign(photo="a.png").to_sql("t", connection, index=False)
    X, Y = read_table(f"{address}::select age * 2 as twice, kind, photo from t where kind = 'b' -- a::b", "kind")
    assert X["twice"].tolist() == [6.0] and Y["kind"].tolist() == ["b"]
    assert X["photo"].tolist() == [str(tmp_path / "a.png")]  # beside the database
    with pytest.raises(ValueError, match="cannot be read.*no such column"):
        read_table(f"{address}::select nonesuch from t")
    for statement in ("delete from t", "drop table t"):
        with pytest.raises(ValueError, match="has no table"):
            read_table(f"{address}::{statement}")
    with pytest.raises(ValueError):
        read_table(f"{address}::with x as (select 1) delete from t")
    assert len(read_table(f"{address}::with x as (select * from t) select age from x;")[0]) == 3
    assert len(read_table(f"{address}::t")[0]) == 3


def test_names_that_are_not_there_ask_for_the_nearest(frame, tmp_path):
    path = write(frame, tmp_path / "train.csv")
    with pytest.raises(ValueError, match="no column 'knd'.*Did you mean 'kind'"):
        read_table(path, "knd")
    with pytest.raises(FileNotFoundError, match="looked for in .*Did you mean 'train.csv'"):
        read_table(tmp_path / "trian.csv")
    with pytest.raises(ValueError, match="sep='ab' must be one character"):
        read_table(path, sep="ab")
    with pytest.raises(ValueError, match="encoding='utf-88' is not known"):
        read_table(path, encoding="utf-88")
    with pytest.raises(ValueError, match="leave them out"):
        read_table(write(frame, tmp_path / "t.parquet"), sep=";")


def test_addresses_and_contents_are_no_paths_below_the_root(tmp_path):
    uri = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    path = tmp_path / "t.csv"
    path.write_text(f'photo,y\na.png,1\nhttps://a.org/b.png,2\n"{uri}",3\n')
    assert read_table(path, "y")[0]["photo"].tolist() == [str(tmp_path / "a.png"), "https://a.org/b.png", uri]


@pytest.mark.parametrize(("content", "words"), [('\ufeff{"a": 1}\n', ""), ('[{"a": 1}]', "holds one list")])
def test_json_from_the_standard_input_is_known_by_its_beginning(content, words, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content.encode()))))
    if not words:
        assert next(read_parts("-", n_rows=5)).to_dict("list") == {"a": [1]}
        return
    with pytest.raises(ValueError, match=f"The standard input cannot be read as jsonl: .*{words}"):
        next(read_parts("-", n_rows=5))
