"""Groups of rows with larger errors: found where they are, and not in noise."""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm.data import infer_schema
from ensemble_mm.inspection._weak_groups import facts_of, weak_groups

RNG = np.random.default_rng(0)
X = pd.DataFrame({
    "price": RNG.uniform(10, 100, 400).round(1),
    "shop": RNG.choice(["north", "south {x}"], 400),
    "when": pd.to_datetime("2020-01-01") + pd.to_timedelta(RNG.integers(0, 1000, 400), "D"),
    "review": [f"{'word ' * n}and something more to tell {i}" for i, n in enumerate(RNG.integers(4, 30, 400))],
})  # fmt: skip
X.loc[::9, "price"] = np.nan
NOISE = RNG.random(400)


@pytest.mark.parametrize(
    "rows, words",
    [
        (X["price"] > 70, "price is over "), (X["shop"] == "south {x}", "shop is south {x}"),
        (X["price"].isna(), "price is missing"), (X["when"] > "2022-01-01", "when is after 202"),
        (X["review"].str.count(" ") > 25, "review has over "),
    ],
)  # fmt: skip
def test_a_group_that_is_worse_is_named_by_its_columns(rows, words):
    groups = weak_groups(facts_of(infer_schema(X), X), NOISE + rows.to_numpy(float))
    assert words in groups[0].words and groups[0].error > 1.3 > groups[0].overall


def test_two_bounds_of_one_column_name_it_once():
    frame = pd.DataFrame({"age": np.arange(400)})
    (group, *_) = weak_groups(facts_of(infer_schema(frame), frame), NOISE + frame["age"].between(101, 299))
    assert group.words == "age is over 100 and is at most 299" and group.n == 199


@pytest.mark.parametrize(("scale", "words"), [(1, "is over 1100"), (100, "is over 110,0")])
def test_a_year_has_no_comma(scale, words):
    frame = pd.DataFrame({"made": (np.arange(400) + 1000) * scale})
    (group, *_) = weak_groups(facts_of(infer_schema(frame), frame), NOISE + (np.arange(400) > 100))
    assert group.words.startswith(f"made {words}")


def test_noise_has_no_groups():
    """The worst of all leaves is compared with the worst of shuffled errors: five in a hundred pass by chance."""
    rng = np.random.default_rng(1)
    facts = facts_of(infer_schema(X), X)
    assert sum(bool(weak_groups(facts, rng.exponential(size=400))) for _ in range(6)) <= 1


@pytest.mark.parametrize("errors", [np.ones(400), np.arange(20.0)])
def test_equal_errors_and_few_rows_have_no_groups(errors):
    assert weak_groups(facts_of(infer_schema(X), X[: len(errors)]), errors) == []
