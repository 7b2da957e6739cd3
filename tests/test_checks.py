import pickle

import numpy as np
import pandas as pd
import pytest

from ensemble_mm._checks import (
    BadItemsError,
    as_items,
    check_choice,
    check_count,
    check_fraction,
    check_unique,
    first_names,
    is_missing,
    listed,
    printable,
    require,
)


@pytest.mark.parametrize("item", [None, np.nan, pd.NA, pd.NaT, "", b"", np.array([])])
def test_what_is_missing(item):
    assert is_missing(item)


@pytest.mark.parametrize("item", [0, 0.0, False, "a", " ", b"\0", np.zeros(1), np.array([np.nan])])
def test_what_is_there(item):
    assert not is_missing(item)


@pytest.mark.parametrize(
    "column",
    [["a", None, "b"], ("a", None, "b"), pd.Series(["a", None, "b"]), pd.DataFrame({"x": ["a", None, "b"]}),
     np.array([["a"], [None], ["b"]], dtype=object)],
)  # fmt: skip
def test_columns_of_every_kind_are_items(column):
    items = as_items(column)
    assert items.shape == (3,) and items[0] == "a" and is_missing(items[1])


def test_arrays_are_items_a_leading_index():
    items = as_items(np.zeros((2, 4, 5, 3)))
    assert items.shape == (2,) and items[0].shape == (4, 5, 3)


@pytest.mark.parametrize("one", ["a.png", b"bytes", 3])
def test_one_item_is_no_column(one):
    with pytest.raises(ValueError, match="put it in a list"):
        as_items(one)


def test_ten_bad_items_are_named_and_the_others_counted():
    error = BadItemsError("images", list(range(25)), [f"{i}.png: is empty" for i in range(25)])
    words = str(error)
    assert "25 of the images" in words and "row 9: 9.png" in words and "10.png" not in words and "15 more" in words
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == words and again.rows == error.rows


def test_an_absent_package_names_its_extra_and_a_broken_one_speaks_for_itself(tmp_path, monkeypatch):
    with pytest.raises(ImportError, match=r"Mine needs 'no_such_package'.*ensemble_mm\[some\]"):
        require("no_such_package.part", extra="some", caller="Mine")
    (tmp_path / "broken_package.py").write_text("import also_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="also_not_there"):
        require("broken_package", extra="some", caller="Mine")


def test_choices_do_not_mix_types():
    check_choice("refit", True, [True, False])
    with pytest.raises(ValueError, match="refit=1 is not known"):
        check_choice("refit", 1, [True, False])


@pytest.mark.parametrize("value", [-0.1, 1.1, "half", True, np.nan])
def test_fractions(value):
    with pytest.raises(ValueError, match="share="):
        check_fraction("share", value)


@pytest.mark.parametrize("value", [0, 1.5, True, "3"])
def test_counts(value):
    with pytest.raises(ValueError, match="n="):
        check_count("n", value, minimum=1)


def test_names_differ():
    with pytest.raises(ValueError, match="'a' is used more than once"):
        check_unique("View", ["a", "b", "a"])


@pytest.mark.parametrize("mark", ["\x1b[2J", "\r", "\n", "\x9b", "\x7f", "\u202e", "\u2028", "\ud800"])
def test_what_a_terminal_would_obey_is_shown_instead(mark):
    """A name in a file could clear the screen, or write over what was printed before."""
    shown = printable(f"a{mark}b")
    assert shown.isprintable() and shown == f"a{ascii(mark)[1:-1]}b"


@pytest.mark.parametrize("text", ["plain", "Größe", "尺寸\u3000大", "\N{FAMILY}\u200d", "a \\ b"])
def test_what_only_shows_is_left_alone(text):
    assert printable(text) == text


def test_line_breaks_stay_where_they_are_meant():
    assert printable("a\n\x1bb", keep="\n") == "a\n\\x1bb"


def test_reasons_why_files_are_bad_do_not_reach_the_terminal_as_they_are():
    assert "\x1b" not in str(BadItemsError("images", [0], ["pic\x1b[2J.png: there is no such file"]))


def test_the_first_of_many_are_listed():
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more" and listed("ab", 2) == "a, b"
    assert first_names(range(11)).endswith("8, 9 ...") and first_names(["a", 1]) == "'a', 1"
