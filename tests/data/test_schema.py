"""One object decides what every column is; the user may decide otherwise, by name."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import ensemble_mm as em
from ensemble_mm.data._problem import read_problem

LINEAR = [("linear", LogisticRegression())]


@pytest.fixture
def shops():
    y = np.tile(["a", "b", "a", "b"], 15)
    return pd.DataFrame({"zip": [1067, 10115, 20095, 80331] * 15, "size": np.arange(60.0)}), y


def taken(X, columns=None):
    return {column.name: column.taken_as for column in em.infer_schema(X, columns).columns}


def test_a_frame_has_a_record_per_column():
    X = pd.DataFrame({"note": ["a warm coat and a hat", "a cold seam and a hem"] * 6,
                      "photo": [f"{i}.png" for i in range(12)],
                      "size": np.arange(12.0), "shop": ["north", None, "south"] * 4})  # fmt: skip
    table = em.infer_schema(X).to_frame().set_index("column")
    assert table["taken_as"].to_dict() == {"note": "text", "photo": "image", "size": "number", "shop": "category"}
    assert table.loc["shop", "missing"] == pytest.approx(1 / 3) and table.loc["shop", "distinct"] == 2
    assert table.loc["shop", "example"] == "north, south" and table["because"].str.len().gt(10).all()


def test_views_of_a_dict_and_the_columns_of_their_tables_have_records():
    X = {"note": ["warm coat", "cold seam"], "facts": pd.DataFrame({"size": [1, 2]}), "vector": np.zeros((2, 3))}
    schema = em.infer_schema(X)
    assert schema.to_frame()["column"].tolist() == ["note", "facts: size", "vector"]
    assert schema["facts", "size"].taken_as == "number" and schema["vector"].taken_as == "vector"
    assert "note" in schema and ("facts", "size") in schema and "size" not in schema


def test_what_the_user_says_of_a_column_holds(shops):
    X, y = shops
    model = em.StackedClassifier(learners=LINEAR, columns={"zip": "category"}, cv=3, random_state=0).fit(X, y)
    assert model.schema_["zip"].taken_as == "category" and model.score(X, y) == 1.0
    views = [("facts", em.TabularExtractor(), ["zip", "size"])]
    model = em.StackedClassifier(views, LINEAR, columns={"zip": "category"}, cv=3, random_state=0).fit(X, y)
    assert model.schema_["zip"].taken_as == "category" and model.score(X, y) == 1.0
    assert taken({"facts": X}, {"zip": "category"})["zip"] == "category"


def test_a_column_that_is_dropped_is_read_by_nothing(shops):
    X, y = shops
    model = em.StackedClassifier(learners=LINEAR, columns={"zip": "drop"}, cv=3, random_state=0).fit(X, y)
    assert model.view_columns_ == {"tabular": ["size"]}
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X.assign(zip=0)))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"zpi": "category"}, "columns={'zpi': 'category'} names 'zpi', which X does not have. Did you mean 'zip'"),
        ({"zip": "categry"}, "not known: use one of 'number', 'category'.*Did you mean 'category'"),
        (["zip"], "must be a dict"),
    ],
)
def test_what_cannot_be_meant_is_an_error(shops, columns, words):
    X, y = shops
    with pytest.raises(ValueError, match=words):
        em.StackedClassifier(learners=LINEAR, columns=columns, cv=3).fit(X, y)


def test_a_transformer_of_ones_own_is_given_the_values_as_they_are():
    from sklearn.preprocessing import OrdinalEncoder

    X, y = pd.DataFrame({"size": ["S", "M", "L"] * 20}), np.tile([0, 1, 1], 20)
    views = [("size", OrdinalEncoder(categories=[["S", "M", "L"]]), ["size"])]
    model = em.StackedClassifier(views, LINEAR, cv=3, random_state=0).fit(X, y)
    assert model.schema_.raw == ("size",) and model.score(X, y) > 0.6


def test_a_saved_model_knows_its_schema(shops, tmp_path):
    X, y = shops
    model = em.StackedClassifier(learners=LINEAR, columns={"zip": "category"}, cv=3, random_state=0).fit(X, y)
    em.save(model, tmp_path / "model.emm")
    assert em.load(tmp_path / "model.emm").schema_ == model.schema_


def test_words_among_new_numbers_are_counted(shops):
    X, y = shops
    model = em.StackedClassifier(learners=LINEAR, cv=3, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="size: 60 of 60 values are not numbers, such as 'high'"):
        model.predict(X.assign(size="high"))
    new = X.astype({"size": object})
    new.loc[:2, "size"] = "high"
    with pytest.warns(em.DataWarning, match="size: 3 of 60 values are not numbers"):
        found = model.predict_proba(new)
    holes = X.assign(size=X["size"].where(X.index > 2))
    np.testing.assert_array_equal(found, model.predict_proba(holes))


@pytest.mark.parametrize("form", [int, str, "{}.0".format])
def test_numbers_under_a_name_of_codes_are_told(shops, form):
    X, _ = shops
    notes = em.infer_schema(X.assign(zip=X["zip"].map(form))).notes
    told = (
        "zip: whole numbers under a name of codes, read as sizes; if they are codes, write columns={'zip': 'category'}"
    )
    assert notes == ([told] if form is int else [])
    assert em.infer_schema(X.assign(zip=X["zip"].map(str)))["zip"].taken_as == "category"
    assert not em.infer_schema(X.rename(columns={"zip": "zipper"})).notes


def test_columns_of_a_dict_are_read_by_their_own_rule():
    """Also where they come as numbers now and as words then."""
    y = np.tile([0, 1], 30)
    X = {"price": [f"{1.5 + i % 2:.2f}".replace(".", ",") for i in range(60)], "size": np.arange(60.0)}
    model = em.StackedClassifier(learners=LINEAR, cv=3, random_state=0).fit(X, y)
    assert model.score(X, y) == 1 == model.score(X | {"price": [1.5, 2.5] * 30}, y)
    with pytest.warns(em.DataWarning, match="size: 1 of 60 values are not numbers") as told:
        model.predict(X | {"size": ["high", *range(59)]})
    assert len(told) == 1
    dropped = em.StackedClassifier(learners=LINEAR, columns={"b": "drop"}, cv=3, random_state=0)
    facts = pd.DataFrame({"a": y, "b": y})
    found = dropped.fit({"facts": facts}, y).predict_proba({"facts": facts})
    np.testing.assert_array_equal(found, dropped.predict_proba({"facts": facts.assign(b=7)}))


def test_unseen_categories_are_told_once():
    X, y = pd.DataFrame({"shop": ["north", "south"] * 30, "size": np.arange(60.0)}), np.tile([0, 1], 30)
    for kind in (str, "category"):
        model = em.StackedClassifier(learners=LINEAR, cv=3, refit=False, random_state=0).fit(
            X.astype({"shop": kind}), y
        )
        with pytest.warns(em.DataWarning, match="shop: 60 of 60 values are categories that fit did not have") as told:
            model.predict(X.assign(shop="west").astype({"shop": kind}))
        assert len(told) == 1


def test_numbers_that_are_said_to_be_text_are_the_same_text_in_every_type():
    X, y = pd.DataFrame({"code": [11, 22, 33, 44] * 15}), np.tile([0, 1], 30)
    model = em.StackedClassifier(learners=LINEAR, columns={"code": "text"}, cv=3, random_state=0).fit(X, y)
    assert model.views_ == {"code": "text"}
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X.astype(float)))


def test_texts_that_say_nothing_are_missing():
    notes = ["a warm and soft coat", " ", "torn at the seam again", "n/a", "-", "?", None, "N/A"] * 10
    X = pd.DataFrame({"note": notes})
    assert em.infer_schema(X)["note"].missing == 0.75
    model = em.StackedClassifier(learners=LINEAR, cv=2, random_state=0).fit(X, [*"abababab", *"babababa"] * 5)
    assert model.present_["note"].tolist() == [True, False, True, False, False, False, False, False] * 10


def test_strings_of_marks_alone_are_strings():
    faces = ["".join(np.random.default_rng(i).choice(list("😍😡🎉🐱🐶"), 4)) for i in range(80)]
    assert em.infer_schema(pd.DataFrame({"face": faces}))["face"].taken_as == "short text"


def test_what_is_said_to_be_short_text_is_read_by_runs_of_characters():
    X = pd.DataFrame({"note": ["a warm and soft coat", "torn at the seam again"] * 20})
    y = ["a", "b", "b", "a"] * 10

    def features(said):
        model = em.StackedClassifier(learners=LINEAR, columns={"note": said}, cv=2, random_state=0).fit(X, y)
        return set(next(iter(model.readers_["note"].fitted.values()))[0].get_feature_names_out())

    assert " warm" not in features("text") and " warm" in features("short text")


def test_a_model_of_many_codes_of_digits_is_saved(tmp_path):
    X = pd.DataFrame({"code": np.arange(60) % 30})
    model = em.StackedClassifier(learners=LINEAR, columns={"code": "category"}, cv=2, random_state=0)
    expected = model.fit(X, ["a", "b", "b"] * 20).predict_proba(X)
    em.save(model, tmp_path / "model.emm")
    np.testing.assert_array_equal(em.load(tmp_path / "model.emm").predict_proba(X), expected)


@pytest.mark.parametrize(("extractor", "kind"), [(em.ImageExtractor(), "image"), (em.TextExtractor(), "text")])
def test_a_listed_view_says_what_its_column_is(extractor, kind):
    """Names of pictures without a suffix look like counters; they were said to be left out, and were read."""
    X = pd.DataFrame({"photo": [f"photos/{1000 + i}" for i in range(40)]})
    assert em.infer_schema(X)["photo"].taken_as == "identifier"
    problem = read_problem(X, np.tile([0, 1], 20), views=[("seen", extractor, "photo")])
    assert problem.schema["photo"].taken_as == kind and not problem.schema.notes


def test_files_are_shown_without_where_they_lie_on_this_machine(tmp_path):
    schema = em.infer_schema(pd.DataFrame({"photo": [str(tmp_path / "photos" / f"{i}.png") for i in range(9)]}))
    assert schema["photo"].taken_as == "image" and schema["photo"].example == "photos/0.png, photos/1.png"


def test_a_column_without_any_value_is_said_to_have_none():
    schema = em.infer_schema(pd.DataFrame({"size": [1.0, 2.5], "none": [np.nan, np.nan], "blank": [None, None]}))
    assert [column.because == "every value is missing" for column in schema.columns] == [False, True, True]
