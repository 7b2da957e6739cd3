"""The same data are the same X, whatever holds them; what cannot be read is refused with what to do."""

from collections import UserDict, namedtuple
from dataclasses import make_dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from ensemble_mm import DataWarning, MultimodalData, StackedClassifier
from ensemble_mm.data import as_source, has_names
from ensemble_mm.data._targets import resolve_targets

TEXTS = ["warm soft coat here", None, "cold torn seam there", "warm dull coat there"] * 10


@pytest.fixture(scope="module")
def frame():
    """One column of each type that libraries and files have, with holes."""
    rng = np.random.default_rng(0)
    n = len(TEXTS)
    X = pd.DataFrame(
        {
            "note": [text and f"{text} {i}" for i, text in enumerate(TEXTS)],
            "size": np.where(np.arange(n) % 9, rng.normal(size=n), np.nan),
            "count": rng.integers(0, 9, n),
            "flag": rng.random(n) < 0.5,
            "shop": pd.Categorical(rng.choice(["north", "south", "west"], n)),
            "when": pd.date_range("2024-01-01", periods=n, freq="37h", unit="us"),
            "zoned": pd.date_range("2024-01-01", periods=n, freq="37h", tz="Europe/Berlin", unit="us"),
            "span": pd.to_timedelta(rng.integers(0, 999, n), unit="min").as_unit("us"),
        }
    )
    X["vector"] = list(rng.normal(size=(n, 16)))
    return X


@pytest.fixture(scope="module")
def model(frame):
    return unfitted().fit(frame, labels(frame))


def unfitted():
    return StackedClassifier(learners=[("linear", LogisticRegression())], cv=2, meta_learner="mean", random_state=0)


def labels(frame):
    return np.where(frame["count"] + frame["flag"] > 4, "many", "few")


FORMS = {
    "moved": lambda X: X[X.columns[::-1]],
    "dict": dict,
    "lists": lambda X: {name: X[name].tolist() for name in X},
    "views": MultimodalData,
    "nested dict": lambda X: X.to_dict(),
    "mapping": lambda X: UserDict(dict(X)),
    "records": lambda X: X.to_dict("records"),
    "rows": lambda X: [row for _, row in X.iterrows()],
    "named tuples": lambda X: list(X.itertuples(index=False)),
    "nullable": lambda X: X.convert_dtypes(),
    "objects": lambda X: X.astype(object),
    "structured": lambda X: X.astype({"shop": object}).to_records(index=False),
}


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_predictions_do_not_depend_on_what_holds_the_rows(frame, model, form):
    np.testing.assert_allclose(model.predict_proba(FORMS[form](frame)), model.predict_proba(frame), rtol=1e-6)
    np.testing.assert_allclose(model.predict_proba(FORMS[form](frame[4:5])), model.predict_proba(frame)[4:5], rtol=1e-5)


def of_polars(frame):
    pl = pytest.importorskip("polars")
    return pl.from_pandas(frame.drop(columns="vector")).with_columns(
        pl.Series("vector", list(map(list, frame["vector"])))
    )


OTHERS = {
    "polars": of_polars,
    "lazy": lambda X: of_polars(X).lazy(),
    "arrow": lambda X: pytest.importorskip("pyarrow").Table.from_pandas(X),
    "record batch": lambda X: pytest.importorskip("pyarrow").RecordBatch.from_pandas(X),
    "arrow without the notes of pandas": lambda X: of_polars(X).to_arrow(),
}


@pytest.mark.parametrize("form", OTHERS, ids=str)
def test_frames_of_other_libraries_are_those_of_pandas(frame, model, form):
    pytest.importorskip("pyarrow")
    other = OTHERS[form](frame)
    np.testing.assert_allclose(model.predict_proba(other), model.predict_proba(frame), rtol=1e-6)
    again = unfitted().fit(other, labels(frame))
    np.testing.assert_allclose(again.predict_proba(frame), model.predict_proba(frame), rtol=1e-6)
    assert again.views_ == model.views_


Named, Record = namedtuple("Named", "note size"), make_dataclass("Record", ["note", "size"])


@pytest.mark.parametrize("make", [Named, Record, lambda note, size: {"note": note, "size": size}])
def test_records_are_rows_with_names(make):
    X = [make("warm", 1.0), None, make("cold", 3.0)]
    assert has_names(X)
    found = as_source(X)
    assert found["note"].tolist()[::2] == ["warm", "cold"] and found["size"].tolist()[::2] == [1.0, 3.0]
    assert found.iloc[1].isna().all()


def test_a_record_is_one_row():
    assert as_source({"note": "warm", "size": 1.0}).to_dict("records") == [{"note": "warm", "size": 1.0}]


@pytest.mark.parametrize(
    "texts",
    [list(TEXTS[::2]), tuple(TEXTS[::2]), np.array(TEXTS[::2]), np.array(TEXTS[::2], dtype=object),
     np.array(TEXTS[::2], "S"),
     pd.Series(TEXTS[::2]), pd.array(TEXTS[::2]), np.array(TEXTS[::2])[:, np.newaxis]],
    ids=["list", "tuple", "strings", "objects", "bytes", "series", "extension array", "one column"],
)  # fmt: skip
def test_texts_without_a_name_are_one_column(texts):
    found = as_source(texts)
    assert not has_names(texts) and list(found) == ["x"] and found["x"].tolist() == TEXTS[::2]


def test_rows_of_mixed_values_keep_their_types():
    rows = [["warm", 1, True], [None, 2.5, False]]
    for X in (rows, np.array(rows, dtype=object)):
        found = as_source(X)
        assert found["0"].tolist()[0] == "warm" and found["1"].dtype == float and found["2"].dtype == bool


def test_numbers_stay_arrays():
    for X in ([[1, 2], [3, 4]], np.ones((2, 2), dtype=object), [[1.0, None], [2.0, 3.0]]):
        assert not isinstance(as_source(X), (pd.DataFrame, MultimodalData))
    masked = as_source(np.ma.masked_array([[1, 2], [3, 4]], [[False, True], [False, False]]))
    np.testing.assert_array_equal(masked, [[1, np.nan], [3, 4]])
    assert sparse.issparse(as_source(sparse.dok_array((2, 2)))) and as_source(sparse.coo_array((2, 2))).format == "csr"


@pytest.mark.parametrize(
    "X",
    [np.zeros((3, 4, 4, 3), np.uint8), [np.zeros((4, 4, 3), np.uint8)] * 3, [(np.zeros(9), 8000)] * 3,
     [{"bytes": b"\x89PNG\r\n\x1a\n", "path": "a.png"}] * 3],
)  # fmt: skip
def test_pictures_and_sounds_without_a_name_are_one_view(X):
    assert len(as_source(X)) == 3 and not has_names(X)


def test_names_of_several_levels_are_joined():
    X = pd.DataFrame({("review", "body"): ["a"], ("facts", "size"): [1.0], ("facts", ""): [2.0]})
    assert list(as_source(X)) == ["review_body", "facts_size", "facts"]
    X = pd.DataFrame({("review", "body"): TEXTS, ("facts", "size"): np.arange(40.0)})
    views = [("text", "auto", ("review", "body")), ("size", "auto", ["facts_size"])]
    model = StackedClassifier(views, [("linear", LogisticRegression())], cv=2).fit(X, np.arange(40) % 2)
    assert model.view_columns_ == {"text": "review_body", "size": ["facts_size"]}


@pytest.mark.parametrize(
    ("X", "words"),
    [((text for text in TEXTS), "X is a generator, .* in a list"), ({"a", "b"}, "X is a set"), ("warm", "X is a str"),
     (None, "X is a NoneType"), ([[1, 2], [1]], r"rows of X have different lengths \(1, 2\)"),
     ({"a": {1, 2}}, "found one set: put it in a list")],
)  # fmt: skip
def test_what_holds_no_rows_is_refused(X, words):
    with pytest.raises(ValueError, match=words):
        as_source(X)


def test_labels_of_rows_in_another_order_are_told():
    """pandas would match the labels, in a DataFrame of the same columns."""
    column = pd.Series([1.0, 2.0, 3.0])
    with pytest.warns(DataWarning, match="rows of 'b' have the labels of those of 'a', in another order"):
        MultimodalData({"a": column, "b": column[::-1]})
    assert MultimodalData({"a": column, "b": column + 1})[[2, 0]].index.tolist() == [2, 0]


def test_bytes_that_hold_a_text_are_that_text():
    """Files of ARFF and HDF have them; files of media in memory stay as they are."""
    texts, png = ["warm", "kalt ☃", None], b"\x89PNG\r\n\x1a\n"
    cells = [text and text.encode() for text in texts]
    assert as_source(pd.DataFrame({"a": cells}))["a"].tolist() == texts
    assert as_source({"a": cells, "b": [1, 2, 3]}).views["a"].tolist() == texts
    assert as_source(pd.DataFrame({"a": [png, b"\xff\x00", bytearray(b"x")]}))["a"].tolist() == [png, b"\xff\x00", b"x"]


@pytest.mark.parametrize(
    ("cell", "remedy"), [({"a": 1}, "json_normalize"), (["x", "y"], "join"), ([1, "y"], "a column per place")]
)
def test_cells_of_several_values_are_refused_with_what_to_do(cell, remedy):
    X = pd.DataFrame({"a": [cell] * 20, "b": np.arange(20.0)})
    with pytest.raises(ValueError, match=f"column 'a'.*{remedy}"):
        StackedClassifier(learners=[("l", LogisticRegression())], cv=2).fit(X, [0, 1] * 10)


@pytest.mark.parametrize(
    "values", [[1, 2, 3, 4], [1.5, 2.5, 3.5, 4.5], ["a", "b", "c", "d"], [True, False, True, True]]
)
def test_what_a_mask_hides_is_missing(values):
    masked = np.ma.masked_array(values, [True, False, False, False])
    for read in (as_source({"x": masked}).views["x"], resolve_targets(masked)[1]["y"]):
        assert pd.isna(np.asarray(read, dtype=object).ravel()).tolist() == [True, False, False, False]
