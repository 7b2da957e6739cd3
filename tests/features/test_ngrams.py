import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from ensemble_mm.features import _grams, _ngrams
from ensemble_mm.features._ngrams import FEW, CharacterNgrams, WordNgrams, pieces, side_by_side, stacked
from ensemble_mm.features._words import parts_of


def words_of(text, ngram_range):
    together, out = parts_of(text, ngram_range[0])
    for n in range(ngram_range[0], ngram_range[1] + 1):
        out += [" ".join(words[i : i + n]) for words in together for i in range(len(words) - n + 1)]
    return out


def runs_of(text, ngram_range):
    text = f" {' '.join(text.split())} " if text.split() else ""
    return [text[i : i + n] for n in range(ngram_range[0], ngram_range[1] + 1) for i in range(len(text) - n + 1)]


def block_of(ngrams, texts):
    return side_by_side([ngrams.transform(texts)], len(texts))


def fitted(ngrams, texts, repeats=None):
    cells = ngrams.fit_transform(texts, repeats)
    return stacked(
        [side_by_side([part], len(texts[some])) for part, some in zip(cells, pieces(len(texts)), strict=True)]
    )


@pytest.fixture(autouse=True, params=[16_384, 7], ids=["one piece", "pieces"])
def piece(request, monkeypatch):
    monkeypatch.setattr(_ngrams, "PIECE", request.param)


KINDS = [(WordNgrams, words_of, (1, 2)), (WordNgrams, words_of, (2, 3)), (CharacterNgrams, runs_of, (1, 4)),
         (CharacterNgrams, runs_of, (3, 3))]  # fmt: skip


def some_texts(n, seed=0, extra=()):
    rng = np.random.default_rng(seed)
    words = ["Coat", "warm", "房间", "很好", "a", "don't", "ok", "。", "\0", "\ud800", "😀", "กา", *extra]
    return ["".join(rng.choice(words) + rng.choice(["", " "]) for _ in range(8)) for _ in range(n)] + ["", "!", " "]


@pytest.mark.parametrize("kind, grams_of, ngram_range", KINDS)
@pytest.mark.parametrize("settings", [{}, {"min_df": 2}, {"max_features": 30}])
def test_ngrams_of_all_texts_at_once_are_those_of_scikit_learn(kind, grams_of, ngram_range, settings):
    texts, ngrams = some_texts(40), kind(ngram_range, **settings)
    theirs = CountVectorizer(analyzer=lambda text: grams_of(text, ngram_range), **settings)
    counts, expected = sparse.vstack(ngrams.fit_count(texts)), theirs.fit_transform(texts)
    if "max_features" in settings:  # which of equally frequent ones are kept differs
        np.testing.assert_array_equal(np.sort(counts.sum(axis=0)), np.sort(expected.sum(axis=0)))
    else:
        assert ngrams.names_ == theirs.get_feature_names_out().tolist()
        np.testing.assert_array_equal(counts.toarray(), expected.toarray())


@pytest.mark.parametrize("kind", [WordNgrams, CharacterNgrams])
@pytest.mark.parametrize("settings", [{"min_df": 4}, {"max_features": 30}])
def test_a_text_that_is_read_once_counts_as_often_as_it_is_there(kind, settings):
    texts, often, once = some_texts(20), kind((1, 2), **settings), kind((1, 2), **settings)
    repeats = 1 + np.arange(len(texts)) % 4
    expected = fitted(often, np.repeat(texts, repeats).tolist())
    found = fitted(once, texts, repeats)
    assert once.names_ == often.names_ and (once.idf_ == often.idf_).all()
    assert (found[np.repeat(np.arange(len(texts)), repeats)] != expected).nnz == 0


@pytest.mark.parametrize("kind, grams_of, ngram_range", KINDS)
@pytest.mark.parametrize("max_features", [None, 25])
def test_new_texts_are_weighed_as_by_scikit_learn_to_the_bit(kind, grams_of, ngram_range, max_features):
    ngrams = kind(ngram_range, 1, max_features)
    first = fitted(ngrams, some_texts(40))
    assert (first != block_of(ngrams, some_texts(40))).nnz == 0
    new = some_texts(FEW, 1, ["new", "x"])  # more n-grams than are searched for one by one
    theirs = TfidfVectorizer(analyzer=lambda text: grams_of(text, ngram_range), vocabulary=ngrams.names_,
                             sublinear_tf=True, dtype=np.float32)  # fmt: skip
    theirs.idf_ = ngrams.idf_
    whole = block_of(ngrams, new)
    assert (whole != theirs.transform(new)).nnz == 0
    for row in range(8):
        assert (block_of(ngrams, [new[row]]) != whole[row]).nnz == 0


@pytest.mark.parametrize("kind, grams_of, ngram_range", [*KINDS, (WordNgrams, words_of, (1, 1))])
@pytest.mark.parametrize("settings", [{}, {"min_df": 3}, {"max_features": 30}])
@pytest.mark.parametrize("waiting", [1, 10**6])
def test_many_texts_are_counted_by_sums_to_the_same_features(
    kind, grams_of, ngram_range, settings, waiting, monkeypatch
):
    texts, at_once, by_sums = some_texts(60), kind(ngram_range, **settings), kind(ngram_range, **settings)
    repeats = 1 + np.arange(len(texts)) % 3
    expected = fitted(at_once, texts, repeats)
    monkeypatch.setattr(_ngrams, "MANY", 0)
    monkeypatch.setattr(_grams, "WAITING", waiting)
    monkeypatch.setattr(kind, "fit_count", None)  # which holds counts of all texts
    found = fitted(by_sums, texts, repeats)
    assert by_sums.names_ == at_once.names_ and by_sums.idf_.tobytes() == at_once.idf_.tobytes()
    assert found.data.tobytes() == expected.data.tobytes() and (found != expected).nnz == 0


def test_texts_of_more_units_than_numbers_have_digits_are_counted_at_once(monkeypatch):
    texts, at_once, by_sums = [f"a{i} b{i % 7} c" for i in range(40)], WordNgrams((1, 2)), WordNgrams((1, 2))
    expected = fitted(at_once, texts)
    monkeypatch.setattr(_ngrams, "MANY", 0)
    monkeypatch.setattr(_grams, "BITS", 10)
    assert (fitted(by_sums, texts) != expected).nnz == 0 and by_sums.names_ == at_once.names_


@pytest.mark.parametrize("kind", [WordNgrams, CharacterNgrams])
def test_texts_of_nothing_that_is_counted(kind, monkeypatch):
    for many in (_ngrams.MANY, 0):
        monkeypatch.setattr(_ngrams, "MANY", many)
        assert kind((1, 2)).fit_transform(["", " "]) is None
    ngrams = kind((1, 3))
    ngrams.fit_transform(["a b", "b"])
    assert block_of(ngrams, []).shape == (0, len(ngrams.names_)) and not block_of(ngrams, ["", "z"])[0].nnz


def test_blocks_stand_side_by_side_in_the_order_of_their_columns():
    texts, (words, runs) = some_texts(30), (WordNgrams((1, 2)), CharacterNgrams((1, 2)))
    blocks = [next(kind.fit_transform(texts[:6])) for kind in (words, runs)]
    texts = texts[:6]
    joined, apart = side_by_side(blocks, len(texts)), [side_by_side([block], len(texts)) for block in blocks]
    assert joined.has_canonical_format and (joined != sparse.hstack(apart)).nnz == 0
