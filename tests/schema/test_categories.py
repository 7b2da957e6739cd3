"""Values of a category are equal where they mean the same, whatever their type."""

import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from ensemble_mm import DataWarning, StackedRegressor, TabularExtractor
from ensemble_mm.schema import infer_column
from ensemble_mm.schema._categories import word_of


def words(rule_of, values):
    column = infer_column(rule_of, "x", taken_as="category")
    return column.read(pd.Series(values))[0].astype(object).where(lambda word: word.notna(), None).tolist()


def test_numbers_of_any_type_are_one_category():
    codes = pd.Series([1, 2, 3, 1])
    for same in (codes, codes.astype(float), codes.astype("Int64"), codes.astype(object), codes.astype("category"),
                 codes.map(Decimal), codes.astype(str), codes.astype(float).astype(str)):  # fmt: skip
        assert words(codes, same) == ["1", "2", "3", "1"]
    assert words(codes, pd.Series([1.5, None])) == ["1.5", None]
    assert word_of(Decimal("Infinity")) == word_of(np.inf) == "inf" and word_of(10**400) == str(10**400)


def test_true_is_a_word_and_not_one():
    assert words(pd.Series(["True", "False"]), [True, False]) == ["True", "False"]
    assert words(pd.Series([1, 2]), pd.Series([True, 1], dtype=object)) == ["True", "1"]
    assert words(pd.Series(["01", "1"]), ["01", "1"]) == ["01", "1"]
    assert words(pd.Series(["New York"]), ["New\xa0York", "\ufeffNew York", "New York\u200b"]) == ["New York"] * 3
    assert words(pd.Series(["caf\u00e9"]), ["cafe\u0301", " caf\u00e9 "]) == ["caf\u00e9", "caf\u00e9"]


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        (["a", "b", "?"], 1), (["a", "b", "-"], 1), (["a", "b", "", " "], 2), (["a", "b", "n/a", "NULL"], 2),
        (["north", "south", "NA"], 1), (["EU", "NA", "AS"], 0), (["+", "-"], 0), (["+", "-", "++"], 0),
        (["none", "mild", "strong"], 0), (["A+", "A-", "B"], 0),
    ],
)  # fmt: skip
def test_blanks_are_missing_where_the_rest_says_so(values, missing):
    column = infer_column(pd.Series(values, dtype=object), "x")
    assert column.taken_as == "category" and column.missing == pytest.approx(missing / len(values))
    assert column.read(pd.Series(values))[0].isna().sum() == missing


def test_values_that_fit_did_not_have_are_counted_where_they_are_many():
    X = pd.DataFrame({"shop": ["north", "south"] * 20})
    extractor = TabularExtractor().fit(X)
    with pytest.warns(DataWarning, match="shop: 10 of 40 values are categories that fit did not have, such as 'west'"):
        extractor.transform(pd.DataFrame({"shop": ["west", "north", "south", "south"] * 10}))
    rng = np.random.default_rng(0)
    many = pd.DataFrame({"name": rng.choice([f"n{i}" for i in range(400)], 600)})
    extractor = TabularExtractor().fit(many[:300])
    extractor.transform(many[300:])  # a third of them is new, as was to be expected


def test_one_row_with_a_value_that_fit_did_not_have_is_told_where_values_come_again():
    X = pd.DataFrame({"shop": ["north", "south"] * 60, "size": np.random.default_rng(0).normal(size=120)})
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=2, random_state=0).fit(X, X["size"] + X.index)
    for predict in (model.predict, model.compiled().predict):
        with pytest.warns(
            DataWarning, match="shop: 1 of 1 values are categories that fit did not have, such as 'west'"
        ):
            predict(X[:1].assign(shop="west"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(X[:1])
