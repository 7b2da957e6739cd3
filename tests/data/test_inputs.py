import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.model_selection import train_test_split

from ensemble_mm.data import MultimodalData, as_source, infer_views, present_rows, select
from ensemble_mm.data._inputs import find_columns


def kinds(X):
    return {view.name: view.modality for view in infer_views(as_source(X))}


def test_views_of_a_frame_are_inferred_from_contents():
    n = 12
    X = pd.DataFrame(
        {
            "photo": [f"pictures/{i}.JPG" for i in range(n)],
            "voice": [f"{i}.wav" for i in range(n)],
            "clip": [f"{i}.gif" for i in range(n)],
            "review": [f"a long and warm review of coat {i}" for i in range(n)],
            "zh": ["房间很干净，服务也很好。", "早餐太差了，下次不会来。", "位置不错，交通方便。", "前台态度一般般。"]
            * 3,
            "age": range(n),
            "shop": ["north", "south"] * 6,
            "when": ["2020-01-02", "2021-05-06"] * 6,
            "code": ["17", "18"] * 6,
            "flag": [True, False] * 6,
        }
    )
    found = kinds(X)
    assert found == {
        "photo": "image",
        "voice": "audio",
        "clip": "video",
        "review": "text",
        "zh": "text",
        "tabular": "tabular",
    }
    (table,) = [view for view in infer_views(X) if view.modality == "tabular"]
    assert table.columns == ["zh", "age", "shop", "when", "code", "flag"]  # what comes again is a category, too


def test_views_of_a_dict_are_inferred_from_shapes():
    data = {
        "vectors": np.zeros((4, 3)),
        "sparse": sparse.csr_matrix((4, 9)),
        "pictures": np.zeros((4, 8, 8, 3), np.uint8),
        "clips": np.zeros((4, 5, 8, 8, 3), np.uint8),
        "table": pd.DataFrame({"a": range(4)}),
        "sounds": [(np.zeros(10), 8000)] * 4,
        "bytes": [b"\x89PNG..."] * 4,
    }
    assert kinds(data) == {
        "vectors": "vector", "sparse": "vector", "pictures": "image", "clips": "video", "table": "tabular",
        "sounds": "audio", "bytes": "image",
    }  # fmt: skip


def test_views_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="View 'b' has 2 rows, but 'a' has 3.*Mark a missing item with None"):
        MultimodalData({"a": np.zeros((3, 1)), "b": np.zeros((2, 1))})


def test_multimodal_data_is_sliced_by_row():
    data = MultimodalData({"a": np.arange(6).reshape(6, 1), "b": list("uvwxyz"), "c": pd.DataFrame({"d": range(6)})})
    left, right = train_test_split(data, random_state=0)
    assert len(left) + len(right) == 6
    picked = data[np.array([4, 1])]
    assert picked.views["a"].ravel().tolist() == [4, 1]
    assert picked.views["b"].tolist() == ["y", "v"]
    assert picked.views["c"]["d"].tolist() == [4, 1]


def test_missing_items_are_seen_in_every_kind_of_column():
    frame = pd.DataFrame({"a": [1.0, np.nan, np.nan], "b": ["x", "", None]})
    assert present_rows(frame).tolist() == [True, False, False]
    assert present_rows(np.array([[1.0, np.nan], [np.nan, np.nan]])).tolist() == [True, False]
    items = MultimodalData({"m": ["a", None, "", np.nan, np.zeros(0), np.zeros(3)]}).views["m"]
    assert present_rows(items).tolist() == [True, False, False, False, False, True]


def test_unknown_column_is_named():
    X = pd.DataFrame({"a": [1]})
    with pytest.raises(ValueError, match="View 'v' reads the column 'b', which X does not have. X has: 'a'"):
        find_columns(X, "v", ["a", "b"])
    with pytest.raises(ValueError, match="reads the column 7"):
        find_columns(np.zeros((2, 3)), "v", [7])


def test_arrow_strings_and_polars_become_plain_items():
    pl = pytest.importorskip("polars")
    X = as_source(pl.DataFrame({"a": ["x", None], "b": [1, 2]}))
    assert isinstance(X, pd.DataFrame)
    assert select(X, "a").tolist()[0] == "x"
    assert present_rows(select(X, "a")).tolist() == [True, False]


def test_items_of_any_kind_may_stand_in_a_table():
    cells = np.empty(6, dtype=object)
    cells[:] = [np.zeros((2, 3)), np.array([]), "", pd.NA, {"a": 1}, 1.5]
    table = pd.DataFrame({"c": pd.Series(cells, dtype=object)})
    assert present_rows(table).tolist() == [True, False, False, False, True, True]
