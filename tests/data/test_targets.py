from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import DataWarning, infer_schema
from ensemble_mm._kinds import FLOOR
from ensemble_mm.data import labels_by_task, read_table, resolve_targets


def kinds(Y, **kwargs):
    tasks, _, _ = resolve_targets(pd.DataFrame(Y), **kwargs)
    return {name: task.kind for name, task in tasks.items()}


def test_kinds_are_inferred():
    n = 30
    found = kinds(
        {
            "text": ["a", "b", "c"] * 10,
            "flag": [True, False] * 15,
            "few": [0, 1, 2] * 10,
            "many": range(n),
            "number": np.linspace(0, 1, n),
            "holes": [0.0, 1.0, np.nan] * 10,
        }
    )
    assert found == {"text": "multiclass", "flag": "binary", "few": "multiclass", "many": "regression",
                     "number": "regression", "holes": "binary"}  # fmt: skip


def test_whole_floats_are_numbers_with_a_word_of_warning():
    with pytest.warns(UserWarning, match=r"'stars' holds floats with 3 .*tasks=\{'stars': \"multiclass\"\}"):
        assert kinds({"stars": [1.0, 2.0, 3.0] * 3}) == {"stars": "regression"}
    assert kinds({"stars": [1.0, 2.0, 3.0] * 3}, kinds={"stars": "multiclass"}) == {"stars": "multiclass"}


def test_labels_go_there_and_back_and_unknown_ones_stay_unknown():
    Y = pd.DataFrame({"kind": ["b", None, "a", "b"], "size": [1.5, 2.5, np.nan, 0.0]})
    tasks, encoded, named = resolve_targets(Y)
    assert named
    np.testing.assert_array_equal(encoded["kind"], [1, np.nan, 0, 1])
    np.testing.assert_array_equal(encoded["size"], [1.5, 2.5, np.nan, 0.0])
    assert tasks["kind"].decode(np.array([[0.9, 0.1], [0.2, 0.8]])).tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("Y", "kinds_", "words"),
    [
        ({"t": ["a", "a", None]}, "auto", "Task 't' has one class only"),
        ({"t": [None, None]}, "auto", "Task 't' has no known label"),
        ({"t": ["a", "b"]}, {"t": "regression"}, "Task 't' is a regression, but holds 'a', 'b'"),
        ({"t": ["a", "b", "c"]}, {"t": "binary"}, 'declared "binary" but has the classes'),
        ({"t": [0.5, 1.5]}, {"t": "multiclass"}, "declared 'multiclass' but holds numbers such as 0.5"),
        ({"t": [1, 2]}, {"u": "binary"}, "tasks names 'u', but Y has the columns 't'"),
        ({"t": [1, 2]}, {"t": "ranked"}, "has kind 'ranked': use one of"),
        ({"t": [1.0, np.inf]}, "auto", "infinite values"),
    ],
)
def test_errors_say_what_is_wrong(Y, kinds_, words):
    with pytest.raises(ValueError, match=words):
        resolve_targets(Y, kinds_)


def test_a_strange_label_is_named():
    tasks, _, _ = resolve_targets(pd.Series(["a", "b"], name="kind"))
    with pytest.raises(ValueError, match="Task 'kind' has the label 'c'"):
        tasks["kind"].encode(["a", "c"])


@pytest.mark.parametrize("blank", ["", " ", "n/a", "?", "NA"])
def test_classes_that_look_like_labels_that_are_not_known_are_told(blank):
    with pytest.warns(DataWarning, match="Task 't' has the class .*if these labels are not known, mark them with None"):
        assert blank in resolve_targets({"t": ["good", "bad", blank] * 3})[0]["t"].classes


@pytest.mark.filterwarnings("error::ensemble_mm.DataWarning")
def test_signs_and_words_are_classes_like_others():
    for labels in (["+", "-"], ["none", "few", "many"], ["NA", "EU", "AS"], ["unknown", "known"]):
        assert kinds({"t": labels * 3}).popitem()[1] in ("binary", "multiclass")


@pytest.mark.parametrize("kinds_", [3, None, ["y"], object()])
def test_kinds_are_a_dict(kinds_):
    with pytest.raises(ValueError, match="tasks=.* is not known"):
        resolve_targets([1.0, 2.0], kinds_)


@pytest.mark.parametrize(
    ("bad", "words"),
    [(np.zeros((2, 2)), "holds several values in one place"),
     (slice(None), "mixes labels .* or holds something that is not a label")],
)  # fmt: skip
def test_what_is_no_label_is_told(bad, words):
    column = pd.Series(["a", "b", None, None], dtype=object)
    for row in (2, 3):
        column.iat[row] = bad
    with pytest.raises(ValueError, match=f"Task 'y' {words}"):
        resolve_targets({"y": column})


def column_of(bad, good="a"):
    column = pd.Series([None] * 4, dtype=object)
    for row, value in enumerate([good, bad, good, bad]):
        column.iat[row] = value
    return column


@pytest.mark.parametrize("only", [None, "classification", "regression"])
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ((1, 2), r"several values in one place, such as the tuple \(1, 2\)"),
        ([1, 2], r"several values .* the list \[1, 2\]"),
        ({1}, "the set {1}"),
        ({"a": 1}, "the dict"),
        (1j, "complex numbers, such as 1j"),
        (Decimal("sNaN"), r"not a number, such as Decimal\('sNaN'\)"),
        (10**400, "a number too large for any float"),
        ("a\ud800", r"half of a character .* 'a\\ud800'"),
    ],
)
def test_what_is_neither_class_nor_number_is_told_in_our_words(bad, words, only):
    """numpy and pandas stumbled over these in words of their own."""
    with pytest.raises(ValueError, match=f"Task 't' holds .*{words}.* Give one class or number per row"):
        resolve_targets({"t": column_of(bad)}, only=only)


def test_what_is_told_at_fit_is_told_at_predict():
    tasks, _, _ = resolve_targets({"t": ["a", "b"]})
    with pytest.raises(ValueError, match="Task 't' holds several values in one place"):
        tasks["t"].encode(column_of((1, 2)))


@pytest.mark.parametrize("Y", [[[1], [1, 2]], [[1, [2]], [3, [4]]], np.zeros(3, dtype=[("a", int), ("b", float)])])
def test_nested_targets_are_told_in_our_words(Y):
    with pytest.raises(ValueError, match="Y holds records, or lists of different lengths"):
        resolve_targets(Y)


def test_a_complex_array_of_targets_is_told_in_our_words():
    with pytest.raises(ValueError, match="Task 'y0' holds complex numbers"):
        resolve_targets(np.ones((4, 2)) * 1j)


def test_series_of_polars_keep_their_name():
    polars = pytest.importorskip("polars")
    tasks, encoded, named = resolve_targets(polars.Series("size", [1.5, 2.25, None]))
    assert list(tasks) == ["size"] and named and np.isnan(encoded["size"][2])
    assert list(resolve_targets(polars.DataFrame({"a": [0, 1], "b": ["x", "y"]}))[0]) == ["a", "b"]


@pytest.mark.filterwarnings("ignore::ensemble_mm.DataWarning")
@pytest.mark.parametrize("distinct", [3, 30])
@pytest.mark.parametrize(
    ("as_they_come", "as_numbers"),
    [
        (lambda v: Decimal(int(v)), int),
        (lambda v: Decimal(int(v)) + Decimal("0.25"), lambda v: v + 0.25),
        (lambda v: Fraction(int(v) + 1, 3), lambda v: (v + 1) / 3),
        (lambda v: str(v), int),
        (lambda v: f"{v}.5", lambda v: v + 0.5),
    ],
    ids=["whole decimals", "decimals", "fractions", "whole text", "text"],
)
def test_numbers_that_do_not_look_like_it_are_judged_as_the_numbers_that_they_are(as_they_come, as_numbers, distinct):
    values = np.arange(90) % distinct
    plain = kinds({"t": [as_numbers(v) for v in values]})
    assert kinds({"t": [as_they_come(v) for v in values]}) == plain
    for codes in ([f"{v:03d}" for v in values], [f"T{v}" for v in values]):
        assert kinds({"t": codes}) == {"t": "multiclass"}


def test_numbers_as_text_that_are_a_regression_are_told():
    with pytest.warns(
        DataWarning, match=r"'price' holds numbers as text, such as '0.5'.*tasks=\{'price': \"multiclass"
    ):
        tasks, encoded, _ = resolve_targets({"price": [f"{i}.5" for i in range(30)]})
    assert tasks["price"].kind == "regression" and encoded["price"][3] == 3.5
    assert kinds({"price": ["0", "1", "2"] * 3}) == {"price": "multiclass"}  # such as digits: classes, and still text


@pytest.mark.parametrize("form", ["{} kg", "${}", "¥{}", "{} %", "{},5", "1,{}0.5"])
def test_numbers_with_units_are_read_as_in_a_column_of_x(form):
    texts = [form.format(i) for i in range(10, 40)]
    read = {"w": [infer_schema(pd.DataFrame({"w": texts}))["w"].reading.value(text) for text in texts]}
    with pytest.warns(DataWarning, match=r"Task 'w' holds numbers as text, such as .*tasks=\{'w': \"multiclass\"\}"):
        tasks, encoded, _ = resolve_targets({"w": texts})
    assert tasks["w"].kind == "regression" and encoded["w"].tolist() == read["w"]
    assert kinds({"w": texts}, kinds={"w": "multiclass"}) == {"w": "multiclass"}
    with pytest.warns(DataWarning, match="Task 'y' holds numbers as text"):
        assert resolve_targets(texts, only="regression")[1]["y"].tolist() == read["w"]
    assert tasks["w"].encode(texts[:2] + [read["w"][2]]).tolist() == read["w"][:3]  # also as plain numbers


def test_bounds_among_the_labels_are_told_in_words_of_targets():
    with pytest.warns(
        DataWarning, match=r"'<0.1' and other bounds are read as the numbers in them\. If these are classes"
    ):
        kinds({"w": ["<0.1", *(f"{i / 4}" for i in range(30))]})


@pytest.mark.parametrize(
    ("form", "words"), [("{} €", "3\u00a0€"), ("USD {}", "3\u00a0USD"), ("${}", "$3"), ("{},5 kg", "3\u00a0kg")]
)
def test_errors_are_told_in_the_unit_of_the_labels(form, words):
    with pytest.warns(DataWarning, match="numbers as text"):
        tasks, _, _ = resolve_targets({"w": [form.format(i) for i in range(10, 40)]})
    assert tasks["w"].rules.plain.good(3) == f"off by {words} on average"


def test_few_numbers_with_units_are_classes_and_this_is_told():
    with pytest.warns(DataWarning, match=r"'w' holds numbers with a unit.*only 3 .*tasks=\{'w': \"regression\"\}"):
        assert kinds({"w": ["10 kg", "20 kg", "50 kg"] * 3}) == {"w": "multiclass"}
    with pytest.warns(DataWarning, match="a count"):
        assert kinds({"w": ["10 kg", "20 kg"] * 3}, kinds={"w": "count"}) == {"w": "count"}


def test_labels_that_are_no_numbers_among_numbers_count_as_not_known_and_are_told():
    with pytest.warns(DataWarning, match="1 of 31 labels of task 'w' are not numbers, such as 'n/a'"):
        tasks, encoded, _ = resolve_targets({"w": [f"${i}" for i in range(30)] + ["n/a"]})
    assert np.isnan(encoded["w"]).tolist() == [False] * 30 + [True]
    with pytest.warns(DataWarning, match="1 of 2 labels of task 'w' are not numbers, such as 'ask'"):
        assert tasks["w"].evaluate(["$3", "ask"], np.array([3.0, 0.0]))["n"] == 1


def test_units_of_one_scale_are_told_and_those_of_several_are_refused():
    with pytest.warns(DataWarning, match="Predictions are in kg"):
        _, encoded, _ = resolve_targets({"w": [f"{i} kg" for i in range(30)] + ["500 g"]})
    assert encoded["w"][-1] == 0.5
    with pytest.raises(ValueError, match=r"'w' holds numbers of several units \(\$, €\): bring them to one unit"):
        resolve_targets({"w": [f"{unit}{i}" for i in range(30) for unit in "$€"]})
    with pytest.raises(ValueError, match=r"is a regression, but holds .* \(2 of 2 labels\): give numbers, all in one"):
        resolve_targets(["a", "b"], only="regression")


@pytest.mark.parametrize("only", [None, "classification", "regression"])
@pytest.mark.parametrize(
    ("moments", "words"),
    [
        (pd.date_range("2024-01-01", periods=6), "dates, such as '2024-01-01"),
        (pd.Series(pd.date_range("2024-01-01", periods=6, tz="UTC")).astype("category"), "dates"),
        (pd.period_range("2024-01", periods=6, freq="M"), "dates"),
        ([date(2024, 1, i + 1) for i in range(6)], "dates"),
        ([time(i) for i in range(6)], "times of day, such as '00:00:00'"),
        (pd.to_timedelta([None, *range(5)], unit="h"), "durations"),
        ([None, *(timedelta(i) for i in range(5))], "durations"),
    ],
)
def test_dates_and_durations_are_told_what_to_do(moments, words, only):
    with pytest.raises(ValueError, match=f"Task 't' holds {words}.*neither classes nor numbers.*pd.Timedelta"):
        resolve_targets({"t": pd.Series(moments)}, only=only)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%y", "%m/%d/%Y %H:%M"])
def test_many_dates_as_text_are_told_and_few_or_declared_ones_are_classes(form):
    texts = pd.date_range("2024-01-01", periods=30, freq="D").strftime(form).tolist()
    with pytest.raises(ValueError, match="Task 'day' holds dates as text, such as '"):
        resolve_targets({"day": texts})
    assert kinds({"day": texts[:3] * 3}) == {"day": "multiclass"} == kinds({"day": texts}, kinds={"day": "multiclass"})


LABELS = {
    "integers": np.arange(9) % 3,
    "booleans": np.arange(9) % 2 == 0,
    "words": np.array(["x", "y", "z"] * 3),
    "text of numbers": np.array(["0", "1", "2"] * 3, dtype=object),
    "bytes": np.array([b"x", b"y", b"z"] * 3),
    "fractions": np.array([Fraction(1, 3), Fraction(2, 3), Fraction(1)] * 3),
    "intervals": pd.interval_range(0, 3).take(np.arange(9) % 3),
}
DRESSES = {
    "plain": lambda y: y,
    "list": lambda y: np.asarray(y).tolist(),
    "objects with holes": lambda y: pd.Series([*np.asarray(y).tolist()[:-1], None], dtype=object),
    "category": lambda y: pd.Series(y).astype("category"),
    "nullable": lambda y: (pd.Series(y) if y.dtype.kind == "S" else pd.Series(y).convert_dtypes()).mask(
        np.arange(9) == 8
    ),
    "column": lambda y: pd.DataFrame({"t": y})["t"],
}


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("labels", LABELS)
def test_labels_come_back_in_their_own_type_whatever_they_were_wrapped_in(labels, dress):
    y = LABELS[labels]
    (task,), (encoded,) = (part.values() for part in resolve_targets(DRESSES[dress](y), only="classification")[:2])
    known = ~np.isnan(encoded)
    back = task.decode(np.eye(len(task.classes))[encoded[known].astype(int)])
    assert back.tolist() == np.asarray(y)[known].tolist()
    assert {type(label) for label in back.tolist()} == {type(label) for label in np.asarray(y).tolist()}
    assert task.classes.dtype.kind == {"integers": "i", "booleans": "b"}.get(labels, "O")
    np.testing.assert_array_equal(task.encode(back), encoded[known])
    np.testing.assert_array_equal(task.encode(DRESSES[dress](y)), encoded)


WRITTEN = {
    "dict": lambda Y, path: {name: Y[name].tolist() for name in Y},
    "rows": lambda Y, path: Y.to_numpy().tolist(),
    "objects": lambda Y, path: Y.to_numpy(),
    "records": lambda Y, path: Y.astype(object).to_dict("records"),
    "parquet": lambda Y, path: (Y.to_parquet(path / "y.parquet"), read_table(path / "y.parquet", list(Y))[1])[1],
    "arrow types": lambda Y, path: Y.convert_dtypes(dtype_backend="pyarrow"),
    "arrow": lambda Y, path: pytest.importorskip("pyarrow").Table.from_pandas(Y),
    "polars": lambda Y, path: pytest.importorskip("polars").from_pandas(Y),
}


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("way", WRITTEN)
def test_targets_are_the_same_whatever_holds_them(way, holes, tmp_path):
    k, hole = np.arange(30) % 3, np.arange(30) % 7 == 0 if holes else np.zeros(30, dtype=bool)
    Y = pd.DataFrame({
        "count": pd.Series(k, dtype="Int64").mask(hole), "flag": pd.Series(k > 0, dtype="boolean").mask(hole),
        "word": pd.Series(np.array(["x", "y", "z"])[k], dtype=object).mask(hole, None), "size": np.arange(30) / 7,
        "digit": pd.Series(np.array(["0", "1", "2"])[k], dtype="string").mask(hole),
        "mood": pd.Series(pd.Categorical(np.array(["good", "bad"])[k % 2])).mask(hole),
    })  # fmt: skip
    tasks, encoded, _ = resolve_targets(Y)
    others, again, _ = resolve_targets(WRITTEN[way](Y, tmp_path))
    for task, other, one, two in zip(tasks.values(), others.values(), encoded.values(), again.values(), strict=True):
        assert task.kind == other.kind
        assert task.classes is None or task.classes.tolist() == other.classes.tolist()
        assert task.classes is None or {type(c) for c in task.classes} == {type(c) for c in other.classes}
        np.testing.assert_array_equal(one, two)


def test_columns_of_rows_keep_their_own_type():
    """numpy makes texts of a label and a number side by side, and numbers of a flag."""
    tasks, encoded, named = resolve_targets([["a", 1, True], ["b", 0, False]] * 9)
    assert not named
    assert [task.classes.tolist() for task in tasks.values()] == [["a", "b"], [0, 1], [False, True]]
    assert [task.classes.dtype.kind for task in tasks.values()] == ["O", "i", "b"]
    tasks, _, _ = resolve_targets([["a", i / 7] for i in range(30)] + [[None, 0.5], ["b", 0.5]])
    assert tasks["y1"].kind == "regression" and tasks["y0"].classes.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="mixes labels of different types"):
        resolve_targets(["a", 0] * 9)
    with pytest.raises(ValueError, match="mixes labels of different types"):
        resolve_targets(pd.Series([True, 1, 0, 2], dtype=object))  # True is not 1


def test_records_are_columns_by_name():
    tasks, encoded, named = resolve_targets([{"kind": "a", "size": 0.5}, {"kind": "b"}, {"kind": "a", "size": 1.5}])
    assert named and {name: task.kind for name, task in tasks.items()} == {"kind": "binary", "size": "regression"}
    np.testing.assert_array_equal(encoded["size"], [0.5, np.nan, 1.5])


TAGS = [["red", "new"], ["red"], [], None, ["new"]] * 6


@pytest.mark.parametrize("cell", [list, tuple, set, frozenset, np.array])
@pytest.mark.parametrize("tags", [{"red": "red", "new": "new"}, {"red": 7, "new": 3}])
def test_a_column_of_lists_is_a_task_per_tag(cell, tags):
    column = pd.Series([None if row is None else cell([tags[tag] for tag in row]) for row in TAGS], dtype=object)
    tasks, encoded, named = resolve_targets(pd.DataFrame({"tags": column, "size": np.arange(30) / 7}))
    names = {word: f"tags={tag}" for word, tag in tags.items()}
    assert named and sorted(tasks) == sorted([*names.values(), "size"])
    for word, name in names.items():
        assert tasks[name].kind == "binary" and tasks[name].classes.tolist() == [False, True]
        np.testing.assert_array_equal(encoded[name], [np.nan if row is None else word in row for row in TAGS])
    again = labels_by_task(tasks, pd.DataFrame({"tags": column}))
    for name in names.values():
        np.testing.assert_array_equal(tasks[name].encode(again[name]), encoded[name])
        flags = pd.DataFrame({name: encoded[name] == 1})
        np.testing.assert_array_equal(tasks[name].encode(labels_by_task(tasks, flags)[name]), encoded[name] == 1)


def test_lists_of_one_length_in_a_dict_are_tags_too():
    assert list(resolve_targets({"t": [["a", "b"], ["c", "b"]] * 6 + [["a", "d"]] * 6})[0]) == [
        f"t={c}" for c in "abcd"
    ]


def test_rare_tags_are_left_out_with_a_word():
    lists = [["all", "some"], ["all"]] * 10 + [["all", "rare"]]
    with pytest.warns(DataWarning, match="'tags' lists tags.*2 of 3 are left out.*'all', 'rare'"):
        tasks, _, _ = resolve_targets(pd.DataFrame({"tags": lists}))
    assert list(tasks) == ["tags=some"]
    with pytest.raises(ValueError, match="no tag that 5 rows have and 5 lack"):
        resolve_targets(pd.DataFrame({"tags": [["a"], ["a", "b"]]}))
    with pytest.raises(ValueError, match="'tags' lists tags: MultiOutputStack reads them"):
        resolve_targets(pd.Series(lists, name="tags"), only="classification")


def test_labels_are_found_by_name_else_by_place_and_what_does_not_fit_is_named():
    Y = pd.DataFrame({"kind": ["a", "b"] * 5, "size": np.arange(10) / 7})
    tasks, _, _ = resolve_targets(Y)
    found = labels_by_task(tasks, Y[["size", "kind"]])
    assert found["kind"].tolist() == Y["kind"].tolist() and list(labels_by_task(tasks, Y["size"])) == ["size"]
    assert labels_by_task(tasks, Y.to_numpy())["kind"].tolist() == Y["kind"].tolist()
    for columns, words in [
        (Y["size"].to_numpy(), "Y has 1 columns, but the model has 2 tasks, 'kind', 'size'"),
        (np.zeros((10, 3)), "Y has 3 columns, but the model has 2 tasks"),
        (Y.rename(columns={"kind": "kinds"}), "'kinds', which is not a task, and lacks the task 'kind'.*mean 'kind'"),
        (Y[[]].assign(other=1), "Y has none of the tasks 'kind', 'size'"),
    ]:
        with pytest.raises(ValueError, match=words):
            labels_by_task(tasks, columns)
    with pytest.warns(DataWarning, match="not tasks of this model and are ignored: 'more'"):
        assert list(labels_by_task(tasks, Y.assign(more=1))) == ["kind", "size"]
    unnamed, _, _ = resolve_targets(Y.to_numpy())
    assert list(labels_by_task(unnamed, Y, named=False)) == ["y0", "y1"]
    with pytest.raises(ValueError, match="Y has 1 columns"):
        labels_by_task(unnamed, Y[["kind"]], named=False)


def test_names_that_are_alike_as_text_are_told():
    with pytest.raises(ValueError, match="Task names must differ"):
        resolve_targets(pd.DataFrame({0: [1.5, 2.5], "0": [1.5, 2.5]}))


def test_a_class_that_fit_did_not_see_counts_as_wrong():
    tasks, _, _ = resolve_targets({"t": ["a", "b", "a"]})
    proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5]])
    with pytest.warns(
        DataWarning, match="1 of 2 labels, such as 'c', were not among its classes in fit .*count as wrong"
    ):
        found = tasks["t"].evaluate(["a", "c", None], proba)
    assert found["n"] == 2 and found["accuracy"] == 0.5
    assert found["log_loss"] == pytest.approx((-np.log(0.9) - np.log(FLOOR)) / 2)
    with pytest.raises(ValueError, match="X has 3 rows, task 't' has 2 labels"):
        tasks["t"].evaluate(["a", "b"], proba)


def test_classes_that_differ_by_spaces_are_told():
    with pytest.warns(DataWarning, match="differ from others by spaces alone: 'yes '"):
        resolve_targets(["yes", "no", "yes ", "no"])


def test_words_for_nothing_are_no_wrong_labels():
    tasks, _, _ = resolve_targets(["a", "b"] * 3)
    assert np.isnan(tasks["y"].encode(["NA", "a", "?"])).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="which was not among its classes"):
        tasks["y"].encode(["c"])


def test_ordered_classes_have_the_order_of_their_numbers_or_categories():
    sizes = pd.Categorical(["small", "large", "small", None, "huge"], ["small", "large", "vast", "huge"], ordered=True)
    Y = pd.DataFrame({"size": sizes, "stars": [1.0, 0.5, 3.0, 1.0, 0.5], "visits": [0, 3, 1, 0, 2]})
    kinds = {"size": "ordinal", "stars": "ordinal", "visits": "count"}
    tasks, targets, _ = resolve_targets(Y, kinds)
    assert tasks["size"].classes.tolist() == ["small", "large", "huge"] and tasks["visits"].kind == "count"
    np.testing.assert_array_equal(targets["size"], [0, 1, 0, np.nan, 2])
    np.testing.assert_array_equal(targets["stars"], [1, 0, 2, 1, 0])
    assert tasks["size"].decode(np.array([[0.4, 0.2, 0.4], [0.6, 0.1, 0.3]])).tolist() == ["large", "small"]
    with pytest.raises(ValueError, match="such as 'small', have no order"):
        resolve_targets(Y.astype({"size": str}), kinds)
    with pytest.raises(ValueError, match="is a count, but holds -1: give numbers from 0 on"):
        resolve_targets(Y.assign(visits=[0, -1, 2, 0, 1]), kinds)
