"""Columns are found by their names in whatever holds new rows, by places only where there are no names."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from ensemble_mm import DataWarning, MultimodalData, StackedClassifier
from ensemble_mm.data import Names, View, as_source, column_names, has_names, infer_views

FRAME = pd.DataFrame({"note": ["warm soft coat here", "cold torn seam there"] * 4, "a": np.arange(8.0), "b": 1.5})
MIXED = [View("note", "text", "note"), View("facts", "tabular", ["a", "b"])]


def find(fitted, new, views=None):
    """Return new rows as a model reads them."""
    source = as_source(fitted)
    views = infer_views(source) if views is None else views
    return Names.of(source, has_names(fitted)).find(new, views, "Stack")


@pytest.fixture
def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    "new",
    [FRAME[["b", "note", "a"]], FRAME.assign(more=1), MultimodalData(dict(FRAME)), FRAME.to_dict("records"),
     FRAME.to_dict("list"), {"facts": FRAME[["b", "a"]], "note": FRAME["note"]}, FRAME.to_records(index=False)],
    ids=["moved", "one more", "views", "records", "lists", "a table among views", "structured"],
)  # fmt: skip
def test_order_and_other_columns_and_the_container_do_not_matter(new, strict):
    found = find(FRAME, new, MIXED)
    pd.testing.assert_frame_equal(found, FRAME[["note", "a", "b"]], check_dtype=False)


def test_a_column_that_no_view_reads_may_be_absent(strict):
    assert list(find(FRAME, FRAME.drop(columns="b"), [MIXED[0], View("a", "tabular", ["a"])])) == ["note", "a"]


def test_one_row_of_a_frame_is_one_row(strict):
    row = find(FRAME, FRAME.iloc[3], MIXED)
    assert row.shape == (1, 3) and row["a"].item() == 3.0 and row["a"].dtype == float


@pytest.mark.parametrize("fitted", [FRAME, dict(FRAME)], ids=["frame", "views"])
@pytest.mark.parametrize(
    "change", [{"a": "A"}, {"a": "aa", "b": "other"}, {"note": "Note"}, {"note": "notes"}, {"note": "note "}]
)
def test_a_name_that_is_nearly_there_is_told(fitted, change):
    (absent, near), *_ = change.items()
    with pytest.raises(ValueError, match=f"reads the column '{absent}', which X does not have. It has '{near}'"):
        find(fitted, FRAME.rename(columns=change))


def test_an_absent_view_is_told_once_and_counts_as_missing():
    with pytest.warns(DataWarning, match="count as missing in every row: view 'note' .*; view 'again'") as heard:
        found = find(FRAME, FRAME[["a", "b"]], [*MIXED, View("again", "text", "note")])
    assert len(heard) == 1
    assert found["note"].isna().all() and found["a"].tolist() == FRAME["a"].tolist()


def test_a_part_of_a_table_and_everything_are_not_missed():
    with pytest.raises(ValueError, match="'b', which X does not have. X has: 'note', 'a'. .*column of None"):
        find(FRAME, FRAME[["note", "a"]], MIXED)
    for fitted in (FRAME, {"note": FRAME["note"], "facts": FRAME[["a", "b"]]}):
        with pytest.raises(ValueError, match="'note', which X does not have. X has: 'zz'"):
            find(fitted, {"zz": [1.0, 2.0]})


def test_tables_among_views_are_found_by_their_columns(strict):
    fitted = {"note": FRAME["note"], "facts": FRAME[["a", "b"]]}
    for new in (fitted, {"note": FRAME["note"], "facts": FRAME[["b", "a"]].assign(c=0)}, FRAME, dict(FRAME)):
        found = find(fitted, new)
        assert list(found.views["facts"]) == ["a", "b"] and found.views["facts"]["a"].tolist() == [*range(8)]
    with pytest.raises(ValueError, match="View 'facts' reads the column 'a', .* It has 'A'"):
        find(fitted, {"note": FRAME["note"], "facts": FRAME[["a", "b"]].rename(columns={"a": "A"})})
    with pytest.raises(ValueError, match="View 'facts' has 3 columns, in fit it had 'a', 'b'"):
        find(fitted, {"note": FRAME["note"], "facts": np.zeros((8, 3))})


def test_an_array_in_the_place_of_a_table_goes_by_places():
    fitted = {"note": FRAME["note"], "facts": FRAME[["a", "b"]]}
    with pytest.warns(DataWarning, match="View 'facts' is an array"):
        found = find(fitted, fitted | {"facts": FRAME[["a", "b"]].to_numpy()})
    assert found.views["facts"]["a"].tolist() == [*range(8)]


@pytest.mark.parametrize("new", [FRAME[["a", "b"]].to_numpy(), sparse.csr_array(FRAME[["a", "b"]]), [[0.0, 1.5]] * 8])
def test_places_are_taken_where_there_are_no_names(new):
    with pytest.warns(
        DataWarning, match="X does not have valid feature names, but Stack was fitted with feature names"
    ):
        found = find(FRAME[["a", "b"]], new)
    assert list(found) == ["a", "b"] and found["b"].tolist() == [1.5] * 8
    with pytest.raises(ValueError, match="X has 2 features, but Stack is expecting 3 .* give a DataFrame with 'note'"):
        find(FRAME, new, MIXED)


def test_mixed_values_of_a_frame_keep_their_types():
    with pytest.warns(DataWarning, match="valid feature names"):
        found = find(FRAME, FRAME.to_numpy(), MIXED)
    pd.testing.assert_frame_equal(found, FRAME, check_dtype=False)
    assert found["a"].dtype == float


@pytest.mark.parametrize("fitted", [FRAME["note"], FRAME[["note"]], {"note": list(FRAME["note"])}])
@pytest.mark.parametrize("form", [list, tuple, np.array, lambda X: pd.Series(list(X))])
def test_texts_alone_are_the_one_column_of_the_fit(fitted, form):
    with pytest.warns(DataWarning, match="X does not have valid feature names"):
        found = find(fitted, form(FRAME["note"]))
    found = found.views["note"] if isinstance(found, MultimodalData) else found["note"]
    assert list(found) == list(FRAME["note"])


def test_texts_alone_are_no_column_of_several():
    for fitted in (FRAME, dict(FRAME)):
        with pytest.raises(ValueError, match="give a (DataFrame|dict) with 'note', 'a', 'b'"):
            find(fitted, list(FRAME["note"]))


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda X: pd.Series(list(X))])
def test_without_names_in_fit_no_names_are_asked_for(form, strict):
    texts = list(FRAME["note"])
    assert find(texts, form(texts))["x"].tolist() == texts
    numbered = pd.DataFrame(FRAME.to_numpy())
    assert find(numbered, FRAME.to_numpy()).shape == (8, 3)


def test_names_after_a_fit_without_are_told():
    with pytest.warns(DataWarning, match="X has feature names, but Stack was fitted without"):
        assert find(list(FRAME["note"]), FRAME[["note"]])["x"].tolist() == list(FRAME["note"])


def test_a_column_that_is_there_twice_is_told_where_it_is_read(strict):
    twice = pd.concat([FRAME, FRAME[["b"]]], axis=1)
    assert list(find(FRAME, twice, MIXED[:1])) == ["note"]
    for fitted, new in ((twice, FRAME), (FRAME, twice)):
        with pytest.raises(ValueError, match="Column names must differ, but 'b' is used more than once"):
            find(fitted, new, MIXED)


def test_names_are_texts_written_one_way(strict):
    """A disk of one system writes an accent as a letter and a mark, that of another as one letter."""
    found = find(pd.DataFrame({"gro\u0308\u00dfe": [1.0], 7: [2.0]}), {"gr\u00f6\u00dfe": [3.0], "7": [4.0]})
    assert list(found) == ["gr\u00f6\u00dfe", "7"] and found.to_numpy().tolist() == [[3.0, 4.0]]


@pytest.mark.parametrize(
    "columns, words",
    [(None, "all columns"), ("a", "a"), (["a", "b"], "a, b"),
     (np.arange(14), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more")],
)  # fmt: skip
def test_columns_are_named(columns, words):
    assert column_names(columns) == words


def test_texts_that_are_categories_too_may_be_left_out_with_their_view():
    X = pd.DataFrame({"note": ["warm soft coat here", "cold torn seam there"] * 20, "x": np.tile([0.0, 1.0], 20)})
    model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=2).fit(X, np.tile(["a", "b"], 20))
    assert model.view_columns_["tabular"] == ["note", "x"]
    with pytest.warns(DataWarning, match=r"count as missing in every row: view 'note' \('note'\)"):
        without = model.predict_proba(X[["x"]])
    np.testing.assert_array_equal(without, model.predict_proba(X.assign(note=None)))
    with pytest.raises(ValueError, match="'tabular' reads the column 'x'"):
        model.predict(X[["note"]])
