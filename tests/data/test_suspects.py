import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ensemble_mm import DataWarning, StackedClassifier, StackedRegressor, TabularExtractor
from ensemble_mm.data import MultimodalData, _suspects, nearly_tells, read_problem

RNG = np.random.default_rng(0)
N = 120
Y = RNG.integers(0, 2, N)
SIZE = RNG.normal(size=N)
COLOUR = RNG.choice(["red", "blue", "green"], N)


def notes_on(X, y=Y, **settings):
    return read_problem(X, pd.Series(y, name="kind"), **settings).schema.notes


def table(**columns):
    return pd.DataFrame({"size": SIZE, "colour": COLOUR, **columns})


def test_nothing_is_told_of_plain_columns():
    assert notes_on(table()) == []
    assert notes_on(table(flag=Y).iloc[:40], Y[:40]) == []  # few rows agree by chance


@pytest.mark.parametrize(
    "leak",
    [
        np.where(Y, "sold", "open"),
        np.where(Y, COLOUR, "none"),
        np.where(Y, 1.0, np.nan),
        pd.Series(np.where(Y, pd.Timestamp("2024-05-01"), pd.NaT)),
        pd.Categorical(np.where(Y, "sold", "open")),
    ],
    ids=["copy", "several values", "hole", "dates of one kind", "categorical"],
)
def test_a_column_that_tells_the_target_is_told(leak):
    (note,) = [note for note in notes_on(table(leak=leak)) if "target" in note]
    assert note.startswith("leak: tells the target 'kind' exactly") and "columns={'leak': 'drop'}" in note


def test_numbers_that_are_the_target_in_another_unit_are_told():
    assert "tells the target" in notes_on(table(pounds=2.2 * SIZE + 3).drop(columns="size"), SIZE)[0]
    assert notes_on(table().assign(near=SIZE + 0.01 * RNG.normal(size=N)).drop(columns="size"), SIZE) == []


@pytest.mark.parametrize(
    ("leak", "target"),
    [
        (np.where(Y, 20 + SIZE, 0), Y),
        (np.select([COLOUR == "red", COLOUR == "blue"], [SIZE, 9 + SIZE], 20), COLOUR),
        (-np.exp(SIZE), SIZE),
        ([f"{value:.9f} EUR" for value in 50 + SIZE], SIZE),
    ],
    ids=["a threshold", "two thresholds", "another scale", "written with a unit"],
)
def test_numbers_that_tell_the_target_by_where_they_lie_are_told(leak, target):
    X = pd.DataFrame({"noise": RNG.normal(size=N), "leak": leak})
    assert [note for note in notes_on(X, target) if "tells the target" in note][0].startswith("leak: ")


def test_numbers_that_are_near_the_target_are_not_told():
    assert notes_on(pd.DataFrame({"noise": RNG.normal(size=N), "rounded": np.round(SIZE)}), SIZE) == []


@pytest.mark.parametrize("n_wrong", [1, 12])
@pytest.mark.parametrize(
    "leak",
    [
        lambda y, rng: np.where(y, "sold", "open"),
        lambda y, rng: y,
        lambda y, rng: np.where(y, rng.choice(["card", "cash"], len(y)), "none"),
        lambda y, rng: np.where(y, rng.gamma(9, size=len(y)), 0),
        lambda y, rng: np.where(y, 20, 0) + rng.normal(size=len(y)),
    ],
    ids=["copy", "numbers", "several values", "an amount", "a threshold"],
)
def test_a_column_that_tells_the_target_but_for_wrong_labels_is_told(leak, n_wrong):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 1000)
    X = pd.DataFrame({"noise": rng.normal(size=1000), "leak": leak(y, rng)})
    wrong = rng.choice(1000, n_wrong, replace=False)
    y[wrong] = 1 - y[wrong]
    told = [note for note in notes_on(X, y) if "tells the target 'kind' in" in note]
    assert len(told) == (n_wrong > 1 or X["leak"].nunique() == 2)
    assert all(note.startswith("leak: ") and "of the rows" in note for note in told)


@pytest.mark.parametrize(
    "copy", [lambda y: np.where(y, "sold", "open"), lambda y: y.astype(float)], ids=["text", "numbers"]
)
def test_a_copy_with_some_holes_is_told(copy):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    leak = pd.Series(copy(y)).mask(rng.random(300) < 0.06)
    (note,) = notes_on(pd.DataFrame({"noise": rng.normal(size=300), "leak": leak}), y)
    assert note.startswith("leak: tells the target 'kind' in 9")


@pytest.mark.parametrize(
    "honest",
    [
        lambda z, rng: z,
        lambda z, rng: np.clip(np.round(3.5 + 1.3 * z), 1, 5),
        lambda z, rng: pd.cut(z, 6, labels=False),
        lambda z, rng: np.where(rng.random(len(z)) < 0.85, z > 0, z <= 0),
        lambda z, rng: pd.cut(z, 6, labels=list("abcdef")).astype(object),
    ],
    ids=["a measure", "stars", "steps", "a test that errs", "names of steps"],
)
def test_an_honest_strong_column_is_not_told(honest):
    """Its errors lie where classes meet, or there are many."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=600)
    y = (z + 0.1 * rng.normal(size=600) > 0).astype(int)
    X = pd.DataFrame({"noise": rng.normal(size=600), "honest": honest(z, rng)})
    assert [note for note in notes_on(X, y) if "target" in note] == []


@pytest.mark.parametrize("n_rows", [120, 300, 1000])
@pytest.mark.parametrize(
    "honest",
    [
        lambda y, rng: np.where(rng.random(len(y)) < 0.9, y, 1 - y),
        lambda y, rng: np.where(rng.random(len(y)) < 0.95, y, 1 - y),
        lambda y, rng: 12 * y + rng.standard_t(1, size=len(y)),
        lambda y, rng: 6 * y + rng.standard_t(2, size=len(y)),
        lambda y, rng: 3.5 * y + rng.normal(size=len(y)),
        lambda y, rng: np.where(rng.random(len(y)) < 0.05, 1 - y, y) * 2 + rng.integers(0, 2, len(y)),
    ],
    ids=["right in 90 %", "right in 95 %", "outliers", "some outliers", "few errors", "two values per class"],
)
def test_what_no_one_can_tell_from_an_honest_column_is_not_told(honest, n_rows):
    """Of honest columns that were right in 95 % of 300 rows all were called leaks, and half of those with outliers."""
    told = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, n_rows)
        column = pd.Series(honest(y, rng))
        told += nearly_tells(column, pd.factorize(column)[0], y.astype(float)) > 0
    assert told == 0


def test_a_column_that_repeats_another_is_told():
    codes = pd.Series(COLOUR).map({"red": 5, "blue": 3, "green": 9})
    assert notes_on(table(tone=codes)) == [
        "tone: says in every row the same as 'colour'; to leave it out, write columns={'tone': 'drop'}"
    ]
    assert "the same as 'size'" in notes_on(table(again=SIZE))[0]
    assert notes_on(table(other=SIZE[::-1])) == []


def test_columns_of_one_value_are_told():
    (note,) = notes_on(table(same="x"))
    assert note.startswith("same: every value is the same")


def test_identifiers_are_told_and_left_out():
    X = table(item=[f"A-{i:05d}" for i in range(N)])
    model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=3, random_state=0)
    with pytest.warns(DataWarning, match="item: left out as an identifier.*columns=\\{'item': 'short text'\\}"):
        assert model.fit(X, Y).view_columns_ == {"tabular": ["size", "colour"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        model.set_params(columns={"item": "drop"}).fit(X, Y)
    assert model.set_params(columns={"item": "short text"}).fit(X, Y).views_["item"] == "text"


def test_views_that_are_listed_and_dicts_are_looked_at_too():
    X = table(leak=np.where(Y, "sold", "open"))
    (note,) = notes_on(X, views=[("facts", TabularExtractor(), ["leak", "size"])])
    assert note.endswith("take it out of the view")
    assert notes_on(MultimodalData({"facts": X, "sold": np.where(Y, "a", "b").astype(object)}))[0].startswith(
        "facts: leak"
    )


def test_texts_of_digits_that_are_called_codes_are_codes():
    codes = [str(code) for code in RNG.integers(10_000, 99_999, 2 * N) // 1000 * 1001]
    columns = read_problem(pd.DataFrame({"zip_code": codes, "weight": codes}), pd.Series([*Y, *Y])).schema.columns
    assert [column.taken_as for column in columns] == ["short text", "number"]


def test_codes_of_digits_are_read_as_numbers_too():
    codes = [f"{i:05d}" for i in RNG.permutation(30_000)[:300] + 1]
    codes = codes + codes[:60]
    y = np.array([int(code) for code in codes], dtype=float) ** 2
    model = StackedRegressor(learners="fast", cv=3, random_state=0).fit(pd.DataFrame({"zip": codes}), y)
    assert model.views_ == {"zip": "text", "tabular": "tabular"}
    assert model.score(pd.DataFrame({"zip": ["10500", "01500", "25500"]}), [10500.0**2, 1500.0**2, 25500.0**2]) > 0.95


def test_many_columns_of_a_kind_are_told_in_a_line():
    """Of a table with a hundred columns of zeros, a hundred lines hid the one that mattered."""
    same = {f"same{i}": 1.0 for i in range(9)}
    copies = {f"copy{i}": SIZE for i in range(9)}
    notes = notes_on(table(**same, **copies, leak=np.where(Y, "sold", "open")))
    assert [note.partition(":")[0] for note in notes] == ["same0", "copy0", "leak"]
    assert "it and 8 more columns ('same1', 'same2' ...) have one value each" in notes[0]
    assert "it and 8 more columns ('copy1', 'copy2' ...) say in every row what others say" in notes[1]


def test_of_many_rows_some_are_looked_at(monkeypatch):
    """They lie everywhere: a column that tells the target of some rows alone is not told."""
    looked = []
    monkeypatch.setattr(_suspects, "MOST_ROWS", 60)
    monkeypatch.setattr(_suspects, "nearly_tells", lambda values, *_: looked.append(len(values)) or 0.0)
    leak, half = np.where(Y, "sold", "open"), np.where(np.arange(N) < N // 2, Y, RNG.integers(0, 2, N)).astype(str)
    notes = notes_on(table(leak=leak, again=leak, half=half))
    assert ["target" in note for note in notes] == [True, False, True] and notes[1].startswith("again: says in every")
    assert set(looked) == {60}
