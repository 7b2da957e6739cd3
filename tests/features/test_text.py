import pickle
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ensemble_mm.features import TextExtractor, _characters, _text
from ensemble_mm.features._characters import count_characters
from ensemble_mm.features._text import TextReducer
from ensemble_mm.store import load, save

TEXTS = ["A warm coat, really!", "a cold coat", "干净的房间 and a warm coat", None, "क्या बात है"]


def test_scripts_mixed_in_one_column_keep_their_words_and_pairs():
    texts = ["the warm coat", "房间很干净 but the warm coat", "यह कोट गर्म है", "ホテルは good value でした",
             "Ein wärmerer Mantel"]  # fmt: skip
    names = set(TextExtractor().fit(texts).get_feature_names_out())
    assert {"warm coat", "the warm", "房间", "_房间", "कोट गर्म", "good value", "_した", "wärmerer mantel"} <= names
    assert not {"房间 but", "净 but", "value で", "value でした"} & names  # pairs do not reach over a change of script
    first, second = TextExtractor(counts=False).fit(texts).transform(texts[:2])
    assert (first != 0).multiply(second != 0).nnz == 5  # three words and their pairs


def test_characters_are_counted():
    texts = ["Two WORDS, 35 coats!", "", "很好！真的？", "\ud800 Ünïcode \u2603?!"]
    out = count_characters(texts)
    assert out.dtype == np.float32 and count_characters([]).shape == (0, 8)
    # Characters of words are 4 of 6 in the third text; the fourth has one word of 7 letters, of which one is a capital.
    np.testing.assert_allclose(
        out,
        [[np.log1p(20), np.log1p(4), 15 / 4, 2 / 20, 6 / 20, 2 / 20, 1, 0], [0] * 8,
         [np.log1p(6), np.log1p(2), 2, 0, 0, 2 / 6, 1, 1], [np.log1p(13), np.log1p(1), 7, 0, 1 / 13, 4 / 13, 1, 1]],
        rtol=1e-6,
    )  # fmt: skip
    np.testing.assert_array_equal(count_characters(texts * 3000), np.tile(out, (3000, 1)))  # more than one block


def test_features_are_sparse_float32_with_a_name_each():
    extractor = TextExtractor(char_ngram_range=(3, 4))
    X = extractor.fit_transform(TEXTS)
    assert sparse.issparse(X) and X.dtype == np.float32
    assert X.shape == (5, len(extractor.get_feature_names_out()))
    assert X[3].nnz == 0 and np.isfinite(X.data).all()


def test_a_text_has_the_same_features_alone_or_with_others():
    extractor = TextExtractor().fit(TEXTS)
    whole = extractor.transform(TEXTS)
    for i, text in enumerate(TEXTS):
        assert (extractor.transform([text]) != whole[i]).nnz == 0


def test_words_that_were_not_there_in_fit_change_nothing_but_counts():
    extractor = TextExtractor(counts=False).fit(["a warm coat"])
    assert extractor.transform(["zebra"]).nnz == 0


def test_several_columns_are_joined():
    frame = pd.DataFrame({"title": ["warm", None], "body": ["coat", "cold"]})
    assert "warm coat" in TextExtractor().fit(frame).get_feature_names_out()


def test_reduced_form_adapts_to_few_rows():
    X = TextExtractor(output="reduced").fit_transform(TEXTS)
    assert isinstance(X, np.ndarray) and X.shape == (5, 4) and X.dtype == np.float32
    assert TextReducer(100).fit_transform(sparse.csr_matrix(np.ones((1, 3)))).shape == (1, 3)


def test_tokens_are_positions_of_words():
    extractor = TextExtractor(output="tokens", max_length=4).fit(["warm coat warm", "coat warm"])
    assert extractor.transform(["warm zebra", ""]).tolist() == [[2, 1, 0, 0], [0, 0, 0, 0]]


def test_an_encoder_may_be_a_function():
    X = TextExtractor(encoder=lambda texts: [[len(t), 1.0] for t in texts]).fit_transform(["ab", None])
    np.testing.assert_array_equal(X, [[2, 1], [np.nan, np.nan]])
    with pytest.raises(ValueError, match="is neither a folder nor the name of a transformers model"):
        TextExtractor(encoder="nowhere").fit(["a"])
    with pytest.raises(ValueError, match="gave 1 vectors for 2 items"):
        TextExtractor(encoder=lambda texts: np.zeros((1, 2))).fit(["a"]).transform(["a", "b"])


def test_augmented_texts_hold_words_of_the_text():
    text = "one two three four five six seven eight nine ten"
    first, again, other = (TextExtractor().augment([text], random_state=s)[0] for s in (0, 0, 1))
    assert first == again and set(first.split()) <= set(text.split())
    assert first != text or other != text


def test_augmented_texts_without_spaces_lose_and_swap_words():
    text = "房间很干净，服务也很好。The coffee wasn't cold."
    copies = {TextExtractor().augment([text], random_state=seed)[0] for seed in range(20)}
    assert len(copies) > 10 and text not in copies
    for copy in copies:
        assert Counter(copy) <= Counter(text)
        assert set(re.findall("[a-zA-Z']+", copy)) <= {"The", "coffee", "wasn't", "cold"}  # words go as a whole
    assert TextExtractor().augment(["。 !", "两句"], random_state=0) == ["。 !", "两句"]


def test_it_works_in_a_pipeline_and_pickles():
    texts, y = ["good warm", "bad cold"] * 10, [0, 1] * 10
    pipe = make_pipeline(TextExtractor(), LogisticRegression()).fit(texts, y)
    assert pickle.loads(pickle.dumps(pipe)).score(texts, y) == 1


@pytest.mark.parametrize("value", [0.5, (2, 1), (0, 1), "ab", (1, 2, 3), (1.0, 2.0)])
def test_ranges_are_checked(value):
    with pytest.raises(ValueError, match="ngram_range=.* must be a pair of whole numbers"):
        TextExtractor(ngram_range=value).fit(["a b"])


def strings_of_two_kinds(n=120, seed=0):
    """Strings without spaces, of which a run of capitals or of small letters tells the kind."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(n) % 2
    parts = ["CC", "c1", "N(", ")O", "=O", "Cl"]
    return ["".join([*rng.choice(parts, 6), ("CNC", "cnc")[k], *rng.choice(parts, 6)]) for k in kinds], kinds


def test_short_strings_are_read_by_runs_of_characters_and_sentences_by_words():
    strings, kinds = strings_of_two_kinds()
    pipe = make_pipeline(TextExtractor(), LogisticRegression(C=100)).fit(strings[:80], kinds[:80])
    assert pipe.score(strings[80:], kinds[80:]) == 1
    sentences = [f"number {i} is a warm and soft coat" for i in range(40)]
    assert len(TextExtractor().fit(sentences).vectorizers_) == 1
    X = TextExtractor().fit_transform(sentences)
    assert (X != TextExtractor(char_ngram_range=None).fit_transform(sentences)).nnz == 0


def test_short_strings_are_read_by_what_several_rows_share():
    strings, _ = strings_of_two_kinds()
    X = TextExtractor(counts=False).fit_transform([*strings, "xyz"])
    names = TextExtractor(counts=False).fit([*strings, "xyz"]).get_feature_names_out()
    assert "cnc" in names and "xyz" not in names and (X.getnnz(axis=0) > 1).all()


def test_words_and_runs_can_both_be_left_out():
    extractor = TextExtractor(ngram_range=None, char_ngram_range=None).fit(["a warm coat", "a cold coat"])
    assert "length" in extractor.get_feature_names_out() and not extractor.vectorizers_


def test_runs_of_characters_tell_where_a_string_begins_and_ends():
    names = set(TextExtractor(char_ngram_range=(2, 3)).fit(["AB  b"]).get_feature_names_out())
    assert {" A", "AB", "b ", " AB", "AB ", "B b", " b "} <= names and not {" a", "  "} & names


def test_runs_of_characters_are_counted_alike_at_once_and_one_by_one():
    strings, _ = strings_of_two_kinds(30)
    extractor = TextExtractor(char_ngram_range=(1, 5))
    assert (extractor.fit_transform(strings) != extractor.transform(strings)).nnz == 0


@pytest.mark.parametrize("good, bad", [("อากาศดี", "แย่มาก"), ("ល្អណាស់", "អន់ណាស់"), ("ດີຫຼາຍ", "ບໍ່ດີ"), ("ကောင်းတယ်", "ဆိုးတယ်")])
def test_scripts_without_spaces_are_read_by_runs_of_characters(good, bad):
    rng = np.random.default_rng(0)
    syllables = ["กา", "มี", "นั่น", "ที่", "ไป", "รู้"]
    texts = ["".join([*rng.choice(syllables, 4), (good, bad)[i % 2], *rng.choice(syllables, 4)]) for i in range(60)]
    pipe = make_pipeline(TextExtractor(), LogisticRegression(C=100)).fit(texts[:40], np.arange(40) % 2)
    assert pipe.score(texts[40:], np.arange(20) % 2) == 1


def test_accents_are_read_alike_however_they_were_typed():
    one, two = "un café très crémeux", "un cafe\u0301 tre\u0300s cre\u0301meux"
    extractor = TextExtractor(char_ngram_range=(1, 3)).fit([one])
    assert one != two and (extractor.transform([one]) != extractor.transform([two])).nnz == 0


def test_the_set_output_of_transformers_changes_nothing():
    """What is sparse cannot be a frame; scikit-learn's vectorizers are not asked for one either."""
    with config_context(transform_output="pandas"):
        assert sparse.issparse(TextExtractor().fit_transform(["warm and soft", "cold and torn"]))


def test_a_reducer_is_saved_as_rows_and_shares(tmp_path):
    """Of many words in few texts: the directions take ten times the room, and come back to the bit."""
    X = sparse.random(100, 20_000, 0.003, format="csr", random_state=0, dtype=np.float32)
    reducer = TextReducer(20, random_state=0)
    reduced = reducer.fit_transform(X)
    V = reducer.directions_
    np.testing.assert_allclose(V.T @ V, np.eye(20), atol=1e-3)
    save(reducer, tmp_path / "reducer.emm")
    assert (tmp_path / "reducer.emm").stat().st_size < V.nbytes / 10
    np.testing.assert_array_equal(load(tmp_path / "reducer.emm").transform(X), reduced)
    few = TruncatedSVD(20, n_iter=20, random_state=0).fit(X)
    assert (reduced**2).sum() > 0.9 * (few.transform(X) ** 2).sum()


def test_a_reducer_of_equal_rows_has_one_direction():
    X = sparse.csr_matrix((np.ones(60), (np.arange(60), np.arange(60) % 3 * 0)), (60, 5000), dtype=np.float32)
    reduced = TextReducer(10, random_state=0).fit_transform(X)
    np.testing.assert_allclose(np.abs(reduced[:, 0]), 1, atol=1e-3)
    assert not reduced[:, 1:].any()


def test_two_texts_that_repeat_stay_apart():
    reduced = TextExtractor(output="reduced", random_state=0).fit_transform(["red wine", "blue sky"] * 400)
    assert np.linalg.norm(reduced[0] - reduced[1]) > 1


@pytest.mark.parametrize("settings", [{}, {"char_ngram_range": (1, 4)}, {"output": "reduced", "n_components": 2}])
def test_few_texts_read_as_they_do_among_many(settings):
    texts = [*TEXTS, "", "!", "\ud800 Ünïcode?!", "A", "房间"] * 3  # repeated ones are read once
    extractor = TextExtractor(random_state=0, **settings).fit(texts)
    many = extractor.transform(texts)
    for n in (1, 3):
        few = [extractor.transform(texts[start : start + n]) for start in range(0, len(texts), n)]
        few = sparse.vstack(few) if sparse.issparse(many) else np.vstack(few)
        assert (few != many).sum() == 0


def test_rows_that_repeat_have_the_directions_of_all_rows():
    different = sparse.random(12, 40, 0.3, "csr", np.float32, random_state=np.random.RandomState(0))
    X = different[np.random.default_rng(0).choice(12, 60)]
    found = TextReducer(4, random_state=0).fit_transform(X)
    expected = TextReducer(4, random_state=0).fit_transform(X.toarray())
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=2e-3)


def test_directions_of_many_texts_are_those_of_some(monkeypatch):
    monkeypatch.setattr(_text, "MOST_ROWS", 60)
    rng = np.random.default_rng(0)
    topics = rng.integers(0, 3, 400)
    texts = [" ".join(rng.choice([f"{topic}w{i}" for i in range(6)], 5)) for topic in topics]
    features = TextExtractor(counts=False, ngram_range=(1, 1)).fit_transform(texts)
    reducer = TextReducer(3, random_state=0)
    reduced = reducer.fit_transform(features)
    assert reduced.shape == (400, 3)
    np.testing.assert_array_equal(reduced, reducer.transform(features))
    likeness = reduced @ reduced.T
    assert likeness[topics[:, None] == topics].mean() > 5 * abs(likeness[topics[:, None] != topics].mean())


def test_characters_are_counted_alike_one_by_one_and_many_at_once(monkeypatch):
    """A text that is too long for the fields of the counts is counted by itself."""
    texts = ["Two words!", "", "9 Äpfel? NO! a\u0301b", "\u4e2d\u6587 \U0001f600 x" * 40, "A" * 300, "a b " * 200] * 3
    alone = np.vstack([_characters.count_characters([text]) for text in texts])
    np.testing.assert_array_equal(_characters.count_characters(texts), alone)
    monkeypatch.setattr(_characters, "LONGEST", 250)
    np.testing.assert_array_equal(_characters.count_characters(texts), alone)


def test_counts_of_the_longest_text_that_is_counted_with_others_fill_their_fields():
    texts = ["A" * (_characters.LONGEST - 1), "b!"] + ["x? Y"] * 8
    alone = np.vstack([_characters.count_characters([text]) for text in texts])
    np.testing.assert_array_equal(_characters.count_characters(texts), alone)
