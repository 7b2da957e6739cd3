import contextlib
import datetime
import importlib.util
import os
import pickle
import sqlite3

import numpy as np
import pandas as pd
import pytest

from ensemble_mm._checks import DataWarning, as_pandas
from ensemble_mm.data import ChunkedData, _parts, read_parts, read_table

pytest.importorskip("pyarrow")
N = 23


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": np.where(np.arange(N) % 4, rng.integers(18, 80, N), np.nan),
            "rooms": rng.integers(1, 9, N),
            "shop": pd.Series(["north", None, "south", "west"] * 5 + ["north"] * 3, dtype=object),
            "size": pd.Categorical(rng.choice(["s", "m", "l"], N), ["s", "m", "l"], ordered=True),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N), "D"),
        }
    )


@pytest.fixture
def folder(frame, tmp_path):
    for i, rows in enumerate(np.array_split(np.arange(N), 4)):
        frame.iloc[rows].to_parquet(tmp_path / f"{i}.parquet", row_group_size=3)
    return tmp_path


@pytest.mark.parametrize("chunk_rows", [1, 5, N, 1000])
def test_chunks_are_the_rows_in_order(folder, frame, chunk_rows):
    data = ChunkedData(folder, chunk_rows=chunk_rows)
    parts = list(data.chunks())
    assert data.shape == frame.shape and {len(part) for part in parts[:-1]} <= {chunk_rows}
    whole = pd.concat(parts)
    assert whole.index.tolist() == list(range(N)) and whole["shop"].tolist() == frame["shop"].tolist()
    pd.testing.assert_frame_equal(whole[["age", "rooms", "day"]], frame[["age", "rooms", "day"]])


def test_columns_and_rows_are_those_of_the_table_in_memory(folder, frame):
    data = ChunkedData(folder, columns=["shop", "age"])
    pd.testing.assert_frame_equal(ChunkedData(folder).to_pandas(), frame)
    assert [name for name, _ in data.items()] == ["shop", "age"]
    pd.testing.assert_series_equal(data["age"], frame["age"])
    pd.testing.assert_frame_equal(data.take([20, 3, -1]), frame.loc[[20, 3, N - 1], ["shop", "age"]])
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(data)).to_pandas(), data.to_pandas())


@pytest.mark.parametrize("form", ["dataset", "polars", "dask"])
def test_lazy_tables_are_computed_once_onto_disk(folder, frame, form, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    if form == "polars":
        lazy = pytest.importorskip("polars").scan_parquet(folder / "*.parquet")
    elif form == "dask":
        lazy = pytest.importorskip("dask.dataframe").read_parquet(str(folder))
    else:
        lazy = pytest.importorskip("pyarrow.dataset").dataset(str(folder), exclude_invalid_files=True)
    data = ChunkedData(lazy, ["shop", "rooms", "age"], workdir=work)
    pd.testing.assert_frame_equal(data.to_pandas(), frame[["shop", "rooms", "age"]])
    assert any(work.iterdir()) is (form != "dataset")
    del data
    assert not any(work.iterdir())


def test_vectors_in_partitions_of_dask_are_kept(tmp_path):
    frames = pytest.importorskip("dask.dataframe")
    X = pd.DataFrame({"v": list(np.arange(12.0, dtype=np.float32).reshape(4, 3)), "t": [None, None, "a", "b"]})
    for i in range(2):
        X.iloc[2 * i : 2 * i + 2].to_parquet(tmp_path / f"{i}.parquet")
    data = ChunkedData(frames.read_parquet(str(tmp_path)))
    np.testing.assert_array_equal(np.stack(data["v"]), np.stack(X["v"]))
    assert data["t"].tolist() == [None, None, "a", "b"]


def test_parts_that_come_one_by_one_are_kept_on_disk(frame, tmp_path):
    parts = (frame.iloc[rows] for rows in np.array_split(np.arange(N), 4))
    data = ChunkedData(parts, workdir=tmp_path, chunk_rows=5)
    pd.testing.assert_frame_equal(data.to_pandas(), frame)
    assert any(tmp_path.iterdir())
    del data
    assert not any(tmp_path.iterdir())
    reader = pytest.importorskip("pyarrow").Table.from_pandas(frame[["age", "rooms"]]).to_reader(4)
    pd.testing.assert_frame_equal(ChunkedData(reader).to_pandas(), frame[["age", "rooms"]])
    for wrong, words in (
        ([1], "generator gave a int as part 0"),
        ([frame, pd.DataFrame({"shop": ["a", 1]})], "its part 1 cannot be written as Parquet"),
        ([frame, frame[["age"]]], "different columns"),
        ([], "no rows"),
    ):
        with pytest.raises(ValueError, match=words):
            ChunkedData(part for part in wrong)


@pytest.mark.parametrize("fault", ["full", "a file", "full as polars says it"])
def test_a_folder_that_cannot_take_rows_is_told_and_left_empty(frame, tmp_path, fault, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device") if fault == "full" else RuntimeError("IO (os error 28)")

    work = tmp_path / "work"
    if fault == "a file":
        work.write_text("mine")
    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(OSError, match=r"work cannot take the rows of the generator \(.*\): name a workdir that can be"):
        ChunkedData((part for part in [frame]), workdir=work)
    assert work.read_text() == "mine" if fault == "a file" else not any(work.iterdir())


@pytest.mark.parametrize("error", [FileNotFoundError("rows.csv"), ConnectionResetError("reset by peer")])
def test_what_an_iterator_does_wrong_is_its_own_error(frame, error):
    def parts():
        yield frame
        raise error

    with pytest.raises(type(error), match=f"^{error}$"):
        ChunkedData(parts())


def test_lines_on_disk_lack_what_they_lack_in_memory(tmp_path, monkeypatch):
    """A part none of whose lines has a key is no other table than the rest."""
    monkeypatch.setattr(_parts, "PART", 2)
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n{"a": 3, "b": "x"}\n{"a": 4, "b": "y"}\n{"b": "z"}\n')
    pd.testing.assert_frame_equal(read_table(path, memory=10)[0].to_pandas(), read_table(path)[0])
    with pytest.raises(ValueError, match=r"^\S*t.jsonl has no column 'c'; it has 'a', 'b'"):
        read_table(path, "c", memory=10)
    parts = list(read_parts(path, n_rows=4))
    assert [list(part) for part in parts] == [["a", "b"]] * 2 and parts[1]["a"].isna().all()
    path.write_text('{"a": 1}\n{"a": 2}\n{"a": "n/a"}\n{"a": 3}\n')
    with pytest.raises(ValueError, match=r"^\S*t.jsonl cannot be kept on disk: its part 1"):
        read_table(path, memory=10)


def test_what_is_no_parquet_is_kept_on_disk_where_it_is_large(tmp_path, monkeypatch):
    monkeypatch.setattr(_parts, "PART", 4)
    X = pd.DataFrame(
        {
            "zip": ["10115"] * 5 + ["01067"] * 5,
            "n": [1, 2, 3, 4, 5.5, None, 7, 8, 9, 10],
            "word": [None] * 5 + ["a, b"] * 5,
            "y": list("abababab") + ["NA", "a"],
        }
    )
    X.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "t.db")) as database:
        X.to_sql("t", database, index=False)
    assert isinstance(read_table(tmp_path / "t.jsonl", memory="1GB")[0], pd.DataFrame)
    sources = [tmp_path / "t.jsonl"]
    if importlib.util.find_spec("sqlalchemy"):
        sources.append(f"sqlite:///{tmp_path / 't.db'}::select * from t where n < 9")
        with pytest.raises(ValueError, match="no rows"):
            read_table(sources[1].replace("< 9", "< 0"), "y", memory="1GB")
    for source in sources:
        inputs, labels = read_table(source, "y")
        there, known = read_table(source, "y", memory=10)
        assert isinstance(there, ChunkedData)
        pd.testing.assert_frame_equal(there.to_pandas(), inputs)
        pd.testing.assert_frame_equal(known, labels)
    X.to_csv(tmp_path / "t.csv", index=False)
    with pytest.warns(DataWarning, match=r"t.csv takes more than memory allows.*sink_parquet"):
        assert read_table(tmp_path / "t.csv", memory=10)[0]["zip"].tolist() == X["zip"].tolist()


@pytest.mark.parametrize("memory", [None, 1])
def test_a_target_that_is_named_twice_is_told(tmp_path, memory):
    pd.DataFrame({"a": [1, 2], "y": [0, 1]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="Target names must differ, but 'y'"):
        read_table(tmp_path / "t.parquet", "y,y", memory=memory)


def test_a_file_without_values_takes_the_types_of_the_others(tmp_path):
    pd.DataFrame({"shop": [None, None], "n": [1, 2]}).to_parquet(tmp_path / "0.parquet")
    pd.DataFrame({"shop": ["a", "b"], "n": [1.5, None]}).to_parquet(tmp_path / "1.parquet")
    data = ChunkedData(tmp_path, chunk_rows=3)
    assert data["shop"].tolist() == [None, None, "a", "b"]
    assert [part["n"].tolist()[:2] for part in data.chunks()] == [[1.0, 2.0], [pytest.approx(np.nan, nan_ok=True)]]


@pytest.mark.parametrize("other", [pd.Categorical(["c", "a"], ordered=True), ["c", "a"], [None, None]])
def test_a_category_in_some_files_is_what_pandas_makes_of_both(tmp_path, other):
    first, second = pd.DataFrame({"shop": pd.Categorical(["a", "b"])}), pd.DataFrame({"shop": other})
    for i, part in enumerate((first, second)):
        part.to_parquet(tmp_path / f"{i}.parquet")
    found = ChunkedData(tmp_path)["shop"]
    assert found.isna().tolist() == [False, False, *second["shop"].isna()]
    assert found.dropna().tolist() == [*"ab", *second["shop"].dropna()]
    assert (found.dtype == "category") == second["shop"].isna().all()


def test_labels_of_rows_are_no_column_unless_they_are_asked_for(tmp_path):
    pd.DataFrame({"age": [1, 2]}, index=pd.Index(["a", "b"], name="who")).to_parquet(tmp_path / "t.parquet")
    assert ChunkedData(tmp_path / "t.parquet").columns == ["age"]
    data = ChunkedData(tmp_path / "t.parquet", columns=["who", "age"])
    assert data.to_pandas().to_dict("list") == {"who": ["a", "b"], "age": [1, 2]}
    assert data["who"].tolist() == ["a", "b"]


def test_folders_between_say_what_rows_are_of_a_folder_alone(folder, frame):
    (folder / "year=2024").mkdir()
    file = folder / "year=2024" / "0.parquet"
    frame.to_parquet(file)
    assert ChunkedData(file).columns == read_table(file)[0].columns.tolist() == list(frame.columns)
    for old in folder.glob("*.parquet"):
        old.unlink()
    assert set(ChunkedData(folder)["year"]) == {2024}


def test_days_are_what_they_are_in_memory(tmp_path):
    days = pd.DataFrame({"day": [datetime.date(2024, 1, 1), datetime.date(2024, 2, 3)]})
    days.to_parquet(tmp_path / "t.parquet")
    assert ChunkedData(tmp_path / "t.parquet")["day"].tolist() == read_table(tmp_path / "t.parquet")[0]["day"].tolist()
    assert ChunkedData(tmp_path)["day"].tolist() == days["day"].tolist()
    dataset = pytest.importorskip("pyarrow.dataset").dataset(str(tmp_path / "t.parquet"))
    assert ChunkedData(dataset)["day"].dtype.kind == as_pandas(dataset)["day"].dtype.kind == "M"


def test_numbers_as_names_of_columns_are_texts(tmp_path):
    pd.DataFrame(np.arange(6.0).reshape(3, 2)).to_parquet(tmp_path / "t.parquet")
    data = ChunkedData(tmp_path / "t.parquet")
    assert data["1"].tolist() == [1.0, 3.0, 5.0] and next(data.chunks()).columns.tolist() == data.columns == ["0", "1"]


@pytest.mark.parametrize("name", ["_temporary/0/part.parquet", ".part.parquet", ".ipynb_checkpoints/0.parquet"])
def test_files_that_writers_hide_are_left_out(folder, frame, name):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / name)
    assert len(ChunkedData(folder)) == N
    (folder / "_size=1").mkdir()  # of a partition
    frame.assign(_size=1).to_parquet(folder / "_size=1" / "0.parquet")
    assert ChunkedData(folder / "_size=1").shape == (N, 6)


def test_a_folder_for_what_is_computed_is_made(folder, frame, tmp_path):
    lazy = pytest.importorskip("polars").scan_parquet(folder / "*.parquet")
    data = ChunkedData(lazy, workdir=tmp_path / "a" / "b")
    assert len(data) == N and len(list((tmp_path / "a" / "b").iterdir())) == 1


def test_rows_are_not_taken_as_columns(folder):
    data = ChunkedData(folder)
    for rows in (np.arange(3), slice(3), (np.arange(3), ...), 0):
        with pytest.raises(ValueError, match=r"use take\(rows\) for rows"):
            data[rows]


def test_what_cannot_be_read_is_said_in_words(folder, frame, tmp_path):
    with pytest.raises(ValueError, match="has no column 'agee'.*Did you mean 'age'"):
        ChunkedData(folder, columns=["agee"])
    with pytest.raises(ValueError, match="'age' is used more than once"):
        ChunkedData(folder, columns=["age", "age"])
    with pytest.raises(ValueError, match="no columns to read"):
        ChunkedData(folder, columns=[])
    with pytest.raises(ValueError, match="chunk_rows=0"):
        ChunkedData(folder, chunk_rows=0)
    with pytest.raises(FileNotFoundError, match="There is no file or folder"):
        ChunkedData(folder / "absent")
    with pytest.raises(ValueError, match="cannot read a list"):
        ChunkedData([1, 2])
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no Parquet file in the folder"):
        ChunkedData(folder / "empty")
    frame.iloc[:0].to_parquet(folder / "none.pq")
    with pytest.raises(ValueError, match="holds no rows"):
        ChunkedData(folder / "none.pq")
    frame.to_csv(folder / "t.csv")
    with pytest.raises(ValueError, match=r"t.csv cannot be read as Parquet.*scan_csv"):
        ChunkedData(folder / "t.csv")
    (folder / "none.pq").write_bytes(b"no parquet")
    with pytest.raises(ValueError, match="none.pq cannot be read as Parquet"):
        ChunkedData(folder)


def test_files_that_differ_are_named(folder, frame):
    frame.drop(columns="age").to_parquet(folder / "9.parquet")
    with pytest.raises(ValueError, match=r"different columns: .*0.parquet has 'age', and .*9.parquet has not"):
        ChunkedData(folder)
    frame.assign(age="x").to_parquet(folder / "9.parquet")
    with pytest.raises(ValueError, match=r"different types .* that in \S*9.parquet does not fit .* Field age .* Give"):
        ChunkedData(folder)


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table([pyarrow.array([1]), pyarrow.array([2])], names=["age", "age"])
    parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="'age' is used more than once"):
        ChunkedData(tmp_path / "t.parquet")


def test_a_file_that_vanished_or_changed_is_told(folder, frame):
    data = ChunkedData(folder)
    os.remove(folder / "2.parquet")
    with pytest.raises(FileNotFoundError, match="is not there any more"):
        data["age"]
    with pytest.raises(FileNotFoundError, match="is not there any more"):
        list(data.chunks())
    frame.to_parquet(folder / "2.parquet")
    with pytest.raises(ValueError, match="open it anew"):
        data["age"]


def test_a_file_of_the_same_size_that_was_changed_is_told(tmp_path):
    """Its columns would be of other rows than those that were read before."""
    file, rng = tmp_path / "t.parquet", np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(50, 2)), columns=["a", "b"])
    X.to_parquet(file, compression=None)
    data, size = ChunkedData(file), file.stat().st_size
    chunks, part = ChunkedData(file, chunk_rows=20).chunks(), data.drop(columns="b")
    data["a"], next(chunks)
    X.iloc[::-1].reset_index(drop=True).to_parquet(file, compression=None)
    assert file.stat().st_size == size
    for read in (lambda: data["b"], lambda: part["a"], lambda: list(chunks), lambda: data.take([1])):
        with pytest.raises(ValueError, match="t.parquet was changed while .* was read: open it anew"):
            read()
    assert pickle.loads(pickle.dumps(data))["b"].tolist() == X["b"].tolist()[::-1]


def test_paths_of_media_files_lie_below_the_root(tmp_path):
    pd.DataFrame({"photo": ["a.png", "b.png"]}).to_parquet(tmp_path / "t.parquet")
    assert ChunkedData(tmp_path, root=tmp_path)["photo"].tolist() == [str(tmp_path / n) for n in ("a.png", "b.png")]
    pd.DataFrame({"photo": ["../a.png", "b.png"]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="leads outside"):
        list(ChunkedData(tmp_path, root=tmp_path).chunks())


def test_read_table_leaves_on_disk_what_is_larger_than_the_limit(folder, frame, tmp_path):
    X, Y = read_table(folder, "age", memory="1GB")  # a folder, of any size
    assert isinstance(X, ChunkedData) and X.columns == ["rooms", "shop", "size", "day"]
    pd.testing.assert_frame_equal(Y, frame[["age"]])
    file = folder / "one.parquet"
    frame.to_parquet(file)
    assert isinstance(read_table(file, memory="1GB")[0], pd.DataFrame)
    X, Y = read_table(file, memory=100)
    assert isinstance(X, ChunkedData) and X.columns == [*frame.columns] and Y.shape == (N, 0)
    for memory in ("much", -1, "-4GB", 0, True):
        with pytest.raises(ValueError, match=f"memory={memory!r} is not an amount of memory"):
            read_table(file, memory=memory)
    with pytest.raises(ValueError, match="has no column 'agee'"):
        read_table(folder, "agee", memory="1GB")


def test_columns_can_be_left_out(folder, frame):
    data = ChunkedData(folder).drop(columns=["day", "age"])
    pd.testing.assert_frame_equal(data.to_pandas(), frame.drop(columns=["day", "age"]))
    with pytest.raises(ValueError, match="no column 'ages'"):
        data.drop(columns=["ages"])


def test_the_whole_column_decides_whether_it_holds_files(tmp_path):
    """Not the rows that are read now: a chunk of texts may be called like files, and one of files may be empty."""
    words = pd.Series(["soft and warm"] * 6 + ["a/../../out.png"] * 2 + ["thin"], dtype=object)
    files = pd.Series(["1.png"] * 3 + [None] * 3 + ["2.png", "see 2.png", "3.png"], dtype=object)
    X = pd.DataFrame({"words": words, "photo": files})
    X.to_parquet(tmp_path / "t.parquet")
    whole = read_table(tmp_path / "t.parquet")[0]
    data = ChunkedData(tmp_path / "t.parquet", chunk_rows=3, root=tmp_path)
    assert whole["words"].tolist() == words.tolist() and whole["photo"][0] == str(tmp_path / "1.png")
    pd.testing.assert_frame_equal(pd.concat(list(data.chunks())), whole)
    pd.testing.assert_frame_equal(data.take([7]), whole.loc[[7]])


def test_texts_that_come_again_are_once_in_memory(tmp_path):
    rows = pd.DataFrame({"x": range(90), "town": pd.Series(["north", "south", None] * 30, dtype="string")})
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=20)
    data = ChunkedData(tmp_path / "rows.parquet", chunk_rows=35)
    for found in (data["town"], data.take(np.arange(90))["town"], *(chunk["town"] for chunk in data.chunks())):
        assert found.dtype == object and len({id(item) for item in found}) == 3
        assert found.tolist() == [("north", "south", None)[row % 3] for row in found.index]
