"""What comes twice is found, and what repeats by chance is none of it."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ensemble_mm.data import View, column_of
from ensemble_mm.inspection._audit_repeats import check_duplicates, check_near_duplicates
from ensemble_mm.schema import Schema

HALVES = [(np.arange(10), np.arange(10, 20)), (np.arange(10, 20), np.arange(10))]


def verdicts(found):
    return {check: verdict for check, verdict, *_ in found}


def frame(**columns):
    X = pd.DataFrame(columns)
    return X, [View("facts", "tabular", list(X))]


def duplicates(X, views):
    return check_duplicates(views, {view.name: column_of(X, view, Schema()) for view in views}, HALVES)


def test_one_row_twice_across_folds_is_caught_and_within_a_fold_is_not():
    numbers = np.arange(20.0)
    X, views = frame(a=numbers, b=-numbers)
    assert verdicts(duplicates(X, views)) == {"duplicated rows": "pass"}
    X.loc[19] = X.loc[0]
    ((check, verdict, share, words),) = duplicates(X, views)
    assert verdict == "fail" and share == pytest.approx(2 / 20) and "rows 0, 19" in words
    X, views = frame(a=numbers, b=-numbers)
    X.loc[12] = X.loc[11]
    assert verdicts(duplicates(X, views)) == {"duplicated rows": "pass"}


def test_a_row_differs_when_one_view_does_and_repeated_long_texts_are_told():
    long, short = "a text that is long enough to repeat", "ok"
    X = pd.DataFrame({"review": [long if i in (0, 15) else f"{i} words that differ from all" for i in range(20)],
                      "note": [short] * 20, "price": np.arange(20.0)})  # fmt: skip
    views = [View("review", "text", "review"), View("note", "text", "note"), View("price", "tabular", ["price"])]
    assert verdicts(duplicates(X, views)) == {
        "duplicated rows": "pass", "repeated items of view 'review'": "warn", "repeated items of view 'note'": "skip",
    }  # fmt: skip


def test_short_texts_that_repeat_are_not_said_to_be_alone():
    X = pd.DataFrame({"seller": [f"V{i % 4}" for i in range(20)], "price": np.arange(20.0)})
    views = [View("seller", "text", "seller"), View("price", "tabular", ["price"])]
    words = duplicates(X, views)[1][3]
    assert words.startswith("Not looked at: the 20 texts, 4 of them different") and "pass them as groups" in words


def test_missing_items_are_no_twins():
    X = pd.DataFrame({"review": [None] * 20, "price": np.arange(20.0)})
    views = [View("review", "text", "review"), View("price", "tabular", ["price"])]
    assert set(verdicts(duplicates(X, views)).values()) == {"pass"}


def test_items_that_two_views_read_are_looked_at_once():
    X = pd.DataFrame({"clip": [f"some-clip-{i % 15}.mp4" for i in range(20)], "price": np.arange(20.0)})
    views = [View("clip", "video", "clip"), View("clip_sound", "audio", "clip"), View("price", "tabular", ["price"])]
    assert list(verdicts(duplicates(X, views))) == ["duplicated rows", "repeated items of view 'clip'"]


def test_long_texts_that_repeat_are_told_whatever_their_spaces_capitals_and_signs():
    texts = [f"the story of a man, with {i} names - and a hat" for i in range(10)]
    X = pd.DataFrame({"review": texts + [text.upper().replace(" ", "  ").replace(",", " ") + "!" for text in texts]})
    ((_, verdict, share, _),) = duplicates(X, [View("review", "text", "review")])
    assert verdict == "fail" and share == 1.0


def test_molecules_of_the_same_letters_are_others():
    X = pd.DataFrame({"smiles": [f"CC(=O)OC{i}=CC=CC=C{i}C(=O)O" for i in range(10)] * 2})
    X.loc[10:, "smiles"] = X["smiles"][10:].str.replace("(=O)O", "=(OO)", regex=False)
    ((_, verdict, *_),) = duplicates(X, [View("smiles", "text", "smiles")])
    assert verdict == "pass"


@pytest.mark.parametrize("priced", [False, True])
@pytest.mark.parametrize("n_rows", [20, 200])
def test_a_catalogue_of_short_equal_texts_is_no_alarm(priced, n_rows):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"title": rng.choice(["red mug", "blue mug", "hat", "lamp"], n_rows)})
    views, columns = [View("title", "text", "title")], {"title": X["title"].to_numpy()}
    if priced:
        views.append(View("facts", "tabular", ["price"]))
        columns["facts"] = pd.DataFrame({"price": rng.integers(1, 20, n_rows) + 0.99})
    half = np.arange(n_rows) < n_rows // 2
    folds = [(np.flatnonzero(half), np.flatnonzero(~half)), (np.flatnonzero(~half), np.flatnonzero(half))]
    found = verdicts(check_duplicates(views, columns, folds))
    assert set(found.values()) <= {"pass", "skip"}
    if priced:
        assert found["repeated items of view 'title'"] == "skip"  # whether they name one thing is not known


def test_short_answers_among_long_reviews_are_no_alarm():
    texts = ["great!" if i % 2 else f"a long review of the thing number {i} that I bought" for i in range(20)]
    texts[0] = texts[10] = "the same long review in two folds of the rows"
    assert verdicts(duplicates(pd.DataFrame({"review": texts}), [View("review", "text", "review")])) == {
        "duplicated rows": "fail"
    }
    texts[0] = "another long review that is there once"
    assert verdicts(duplicates(pd.DataFrame({"review": texts}), [View("review", "text", "review")])) == {
        "duplicated rows": "pass"
    }


def test_rows_that_are_repeated_are_no_catalogue():
    numbers = np.random.default_rng(0).normal(size=(40, 2)).repeat(5, axis=0)
    X, views = frame(a=numbers[:, 0], b=numbers[:, 1])
    folds = [(np.arange(0, 200, 2), np.arange(1, 200, 2))]
    ((_, verdict, share, _),) = check_duplicates(views, {"facts": X}, folds)
    assert verdict == "fail" and share == 1.0


def smooth(rng, shape=(40, 60, 3)):
    """Return a picture of a few soft spots."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    spots = [np.exp(-((rows - a) ** 2 + (columns - b) ** 2) / 80) for a, b in rng.uniform(0, 40, (4, 2))]
    return (255 * np.clip(np.tensordot(np.array(spots), rng.random((4, 3)), (0, 0)), 0, 1)).astype(np.uint8)


def test_pictures_that_were_changed_a_little_are_near_duplicates():
    rng = np.random.default_rng(0)
    first = [smooth(rng) for _ in range(10)]
    changed = [
        *(picture[::2, ::2] for picture in first[:3]),
        *(np.clip(1.1 * picture + 5, 0, 255).astype(np.uint8) for picture in first[3:5]),
        *(np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8) for picture in first[5:7]),
        *(smooth(rng) for _ in range(3)),
    ]
    column = np.empty(20, dtype=object)
    column[:] = [*first, *changed]
    view = View("photo", "image", "photo")
    ((_, verdict, share, words),) = check_near_duplicates(view, column, HALVES, np.arange(20))
    assert verdict == "warn" and share == 14 / 20 and "rows 0, 1, 2" in words
    groups = np.r_[np.arange(10), np.arange(10)]
    apart = [(np.flatnonzero(groups % 2 != f), np.flatnonzero(groups % 2 == f)) for f in range(2)]
    assert verdicts(check_near_duplicates(view, column, apart, np.arange(20))) == {
        "near duplicates of view 'photo'": "pass"
    }


def test_plain_pictures_of_different_colours_and_texts_are_no_near_duplicates():
    column = np.empty(20, dtype=object)
    column[:] = [np.full((8, 8, 3), 12 * i, dtype=np.uint8) for i in range(20)]
    view = View("photo", "image", "photo")
    assert check_near_duplicates(view, column, HALVES, np.arange(20))[0][1] == "pass"
    assert check_near_duplicates(View("title", "text", "title"), column, HALVES, np.arange(20)) == []


def test_sparse_rows_are_looked_at():
    X = sparse.random(20, 6, 0.9, random_state=0, format="csr")
    ((_, verdict, _, _),) = check_duplicates([View("X", "vector", None)], {"X": X}, HALVES)
    assert verdict == "pass"
