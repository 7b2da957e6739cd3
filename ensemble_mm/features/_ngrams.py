"""TF-IDF of the n-grams of texts, counted as numbers: a unit is a number, and so is a pair of a number and a unit.

Texts become strings again only for the n-grams that are kept.
"""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from ._words import APART, END, Tokens, bytes_of_parts, parts_of

GAP = -1  # between units that do not stand together, and in the place of those that are not known
FEW = 1000  # numbers, up to which a search in a sorted list is faster than a table of hashes
BLOCK = 256  # texts whose words are in memory at once
FEW_TEXTS = 8  # up to which a look at each n-gram is faster than arrays


@dataclass(frozen=True)
class Cells:
    """What is not zero in a block of features, row by row, and in each row in the order of the columns."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    width: int


def side_by_side(blocks, n_rows):
    """Return blocks of cells as one CSR matrix."""
    starts = np.cumsum([0, *(block.width for block in blocks)])
    if n_rows == 1:
        columns = [block.columns + start for block, start in zip(blocks, starts[:-1], strict=True)]
        values, columns = np.concatenate([block.values for block in blocks]), np.concatenate(columns).astype(np.int32)
        return sparse.csr_matrix((values, columns, np.array([0, len(columns)], np.int32)), (1, starts[-1]))
    rows = np.concatenate([block.rows for block in blocks])
    order = np.argsort(rows, kind="stable")  # they are sorted but for a few runs
    columns = [block.columns + start for block, start in zip(blocks, starts[:-1], strict=True)]
    ends = np.zeros(n_rows + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=n_rows), out=ends[1:])
    columns, values = np.concatenate(columns)[order], np.concatenate([block.values for block in blocks])[order]
    return sparse.csr_matrix((values, columns.astype(np.int32), ends), (n_rows, starts[-1]))


class _Ngrams:
    """TF-IDF of the n-grams of texts, with sublinear counts, as of scikit-learn's TfidfVectorizer.

    Parameters
    ----------
    ngram_range : (int, int)
    min_df : int, default=1
        Texts that an n-gram must occur in to be kept.
    max_features : int, default=None
        Most n-grams that are kept: the most frequent ones, and of equally frequent ones the first.

    Attributes
    ----------
    names_ : list of str
        The n-grams, sorted: one column each.
    idf_ : ndarray of shape (n_names,), float32
    """

    between: ClassVar[str]  # of the units of an n-gram, in its name

    def __init__(self, ngram_range, min_df=1, max_features=None):
        self.ngram_range, self.min_df, self.max_features = tuple(ngram_range), min_df, max_features

    def fit_transform(self, texts, repeats=None):
        """Return the features of texts, Cells of float32; None where they hold nothing that is counted.

        `repeats` tells how often each text is there, shape (n_texts,); None: once.
        """
        counts = self.fit_count(texts, repeats)
        if not self.names_:
            return None
        counts.sort_indices()
        found = counts if repeats is None else counts[np.repeat(np.arange(len(texts)), repeats)]
        self.idf_ = TfidfTransformer().fit(found).idf_
        return self._weighed(np.repeat(np.arange(len(texts)), np.diff(counts.indptr)), counts.indices, counts.data)

    def fit_count(self, texts, repeats=None):
        """Find the n-grams of texts; return how often each is there, CSR of shape (n_texts, n_names), float32."""
        repeats = np.ones(len(texts), dtype=int) if repeats is None else repeats
        tokens, units = self._numbered(texts)
        keys, kept, counts, most = {}, [], [], self.max_features

        def find(n, grams):
            keys[n], grams = np.unique(grams, return_inverse=True)
            return grams

        for n, rows, grams in _levels(*tokens, self.ngram_range, len(units), find):
            width = len(keys[n]) if n > 1 else len(units)
            table = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, grams)), (len(texts), width))
            frequent = np.flatnonzero(np.bincount(table.indices, _by_cell(repeats, table), width) >= self.min_df)
            kept.append((n, frequent))
            counts.append(table[:, frequent])
        counts = sparse.hstack(counts, format="csr")
        total = np.bincount(counts.indices, counts.data * _by_cell(repeats, counts), counts.shape[1])
        least = np.partition(total, -most)[-most] if most and len(total) > most else 0
        places, names, passed = np.flatnonzero(total >= least), [], 0
        for n, frequent in kept:
            large = total[passed : passed + len(frequent)] >= least
            names += self._spell(n, frequent[large], keys, units)
            passed += len(frequent)
        order = sorted(range(len(names)), key=names.__getitem__)
        if most and len(order) > most:  # of equally frequent ones the first are kept
            more = total[places] > least
            spare = iter(range(most - more.sum()))
            order = [i for i in order if more[i] or next(spare, None) is not None]
        self.names_ = [names[i] for i in order]
        vars(self).pop("_known", None), vars(self).pop("_places", None)
        return counts[:, places[order]]

    def transform(self, texts):
        """Return the features of texts, Cells of float32."""
        if len(texts) <= FEW_TEXTS:
            return self._weighed(*self._count_few(texts))
        if "_known" not in vars(self):  # of a saved model
            self._known = _Known(*self._units_of(self.names_), self.ngram_range[1], self._lookup)
        known = self._known
        tokens, _ = self._numbered(texts, known.number)
        found = [(rows, known.columns[n][grams])
                 for n, rows, grams in _levels(*tokens, self.ngram_range, known.n_units, known.find)]  # fmt: skip
        rows, columns = map(np.concatenate, zip(*found, strict=True))
        places = (rows * len(self.names_) + columns)[columns != GAP]
        places, counts = np.unique(places, return_counts=True)
        return self._weighed(*np.divmod(places, len(self.names_)), counts.astype(np.float32))

    def _count_few(self, texts):
        """Return the rows, the columns and the counts of the n-grams of few texts, sorted."""
        if "_places" not in vars(self):
            self._places = dict(zip(self.names_, range(len(self.names_)), strict=True))
        cells = []
        for row, text in enumerate(texts):
            counts = Counter(map(self._places.get, self._grams(text)))
            counts.pop(None, None)
            cells += [(row, *cell) for cell in sorted(counts.items())]
        rows, columns, counts = np.array(cells, dtype=np.intp).reshape(-1, 3).T
        return rows, columns, counts.astype(np.float32)

    def _weighed(self, rows, columns, counts):
        values = (np.log(counts) + np.float32(1)) * self.idf_[columns]
        values = (values / np.sqrt(np.bincount(rows, values * values))[rows]).astype(np.float32)
        return Cells(rows, columns, values, len(self.names_))

    def _spell(self, n, grams, keys, units):
        """Return n-grams as strings."""
        if n == 1:
            return [units[i] for i in grams]
        first, last = np.divmod(keys[n][grams], len(units))
        shorter = self._spell(n - 1, first, keys, units)
        return [f"{a}{self.between}{units[b]}" for a, b in zip(shorter, last, strict=True)]

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name not in ("_known", "_places")}


def _by_cell(repeats, table):
    """Return for each cell of a CSR matrix how often its row is there."""
    return np.repeat(repeats, np.diff(table.indptr))


class WordNgrams(_Ngrams):
    """TF-IDF of the n-grams of words, and of what stands alone in scripts without spaces."""

    between = " "

    def _numbered(self, texts, number=None):
        """Return [words as numbers, their rows, what stands alone, its rows], and all units.

        `number` gives tokens their numbers, GAP to those that are not known; None numbers all.
        """
        words, rows, alone, rows_alone = [], [], [], []
        for start in range(0, len(texts), BLOCK):
            *contents, order = bytes_of_parts(texts[start : start + BLOCK], self.ngram_range[0])
            for content, cut, places in zip(contents, (words, alone), (rows, rows_alone), strict=True):
                cut.append(Tokens.of(content))
                ends = cut[-1].short == ord(END)
                places.append(start + order[np.cumsum(ends) - ends])
        tokens = Tokens.joined(words + alone)
        numbers, units = tokens.numbered() if number is None else (number(tokens), [])
        numbers[(tokens.short == ord(END)) | (tokens.short == ord(APART))] = GAP
        rows = np.concatenate([np.empty(0, np.intp), *rows, *rows_alone])
        n_words = sum(len(part.short) for part in words)
        return [numbers[:n_words], rows[:n_words], numbers[n_words:], rows[n_words:]], units

    def _grams(self, text):
        """Return the n-grams of one text, by name, and what stands alone in it."""
        together, grams = parts_of(text, self.ngram_range[0])
        for n in range(self.ngram_range[0], self.ngram_range[1] + 1):
            for words in together:
                grams += words if n == 1 else [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
        return grams

    def _lookup(self, units):
        known = Tokens.of(" ".join(units).encode("utf-8", "surrogatepass"))
        is_short = known.short != 0
        short, places = pd.Index(known.short[is_short]), np.r_[np.flatnonzero(is_short), GAP]
        long = dict(zip(known.long, np.flatnonzero(~is_short).tolist(), strict=True))

        def number(tokens):
            numbers = places[short.get_indexer(tokens.short)]  # what is not there has place -1
            numbers[tokens.short == 0] = [long.get(word, GAP) for word in tokens.long]
            return numbers

        return number

    def _units_of(self, names):
        """Return the units of names, name after name, and how many each has."""
        return " ".join(names).split(" "), [1 + name.count(" ") for name in names]


class CharacterNgrams(_Ngrams):
    """TF-IDF of the runs of characters of texts, with a space at each end."""

    between = ""

    def _numbered(self, texts, number=None):
        """Return what that of words does; nothing stands alone."""
        spaced = list(map(_spaced, texts))
        codes = np.frombuffer("\0".join([*spaced, ""]).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        units = []
        if number is None:
            units = list(map(chr, np.unique(codes)))
            number = self._lookup(units)
        length, nothing = np.array([len(text) + 1 for text in spaced], dtype=np.intp), np.empty(0, dtype=np.intp)
        numbers = number(codes)
        numbers[np.cumsum(length) - 1] = GAP
        return [numbers, np.repeat(np.arange(len(texts)), length), nothing, nothing], units

    def _grams(self, text):
        text, (low, high) = _spaced(text), self.ngram_range
        return [text[i : i + n] for n in range(low, high + 1) for i in range(len(text) - n + 1)]

    def _lookup(self, units):
        known = np.array(list(map(ord, units)), dtype=np.uint32)

        def number(codes):
            places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
            return np.where(known[places] == codes, places, GAP)

        return number

    def _units_of(self, names):
        return list("".join(names)), list(map(len, names))


def _spaced(text):
    """Return a text with one space between its words, and one at each end."""
    return f" {' '.join(words)} " if (words := text.split()) else ""


class _Known:
    """The n-grams that have a column, to be found by number.

    Parameters
    ----------
    units : list of str
        The units of the n-grams, n-gram after n-gram.
    lengths : list of int
        How many units each n-gram has.
    longest : int
    lookup : callable
        Makes the function `number`, of sorted units.
    """

    def __init__(self, units, lengths, longest, lookup):
        different, lengths = sorted(set(units)), np.array(lengths)
        numbers = dict(zip(different, range(len(different)), strict=True))
        self.n_units, self.number = len(different), lookup(different)
        table = np.full((len(lengths), longest), GAP, dtype=np.intp)
        table[np.arange(longest) < lengths[:, np.newaxis]] = [numbers[unit] for unit in units]
        self.columns, self._keys = {}, {}  # by the number of units
        places, grams, width = np.arange(len(lengths)), table[:, 0], self.n_units
        for n in range(1, longest + 1):
            if n > 1:
                longer = lengths[places] >= n
                places, grams = places[longer], grams[longer]
                keys, grams = np.unique(grams * self.n_units + table[places, n - 1], return_inverse=True)
                self._keys[n], width = pd.Index(keys), len(keys)
            whole = lengths[places] == n
            self.columns[n] = np.full(width, GAP)
            self.columns[n][grams[whole]] = places[whole]

    def find(self, n, grams):
        """Return the places of n-grams among those that are known, GAP for others."""
        keys = self._keys[n]
        if len(grams) > FEW or not len(keys):
            return keys.get_indexer(grams)
        places = np.minimum(np.searchsorted(keys.to_numpy(), grams), len(keys) - 1)
        return np.where(keys.to_numpy()[places] == grams, places, GAP)


def _levels(words, rows, alone, rows_alone, ngram_range, n_units, find):
    """Yield (n, rows, n-grams as numbers) of each length.

    `find` maps pairs of an n-gram and the unit behind it, as numbers, to those of longer n-grams; GAP ends one.
    """
    low, high = ngram_range
    starts = np.flatnonzero(words != GAP)
    grams, single = words[starts], alone != GAP
    used = slice(None) if low == 1 else slice(0)
    yield 1, np.r_[rows[starts][used], rows_alone[single]], np.r_[grams[used], alone[single]]
    for n in range(2, high + 1):
        behind = words[starts + n - 1]  # there is one: each stretch ends with a gap
        together = behind != GAP
        starts, grams = starts[together], find(n, grams[together] * n_units + behind[together])
        known = grams != GAP
        starts, grams = starts[known], grams[known]
        if n >= low:
            yield n, rows[starts], grams
