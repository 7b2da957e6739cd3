"""TF-IDF of the n-grams of texts, counted as numbers: a unit is a number, and so is a pair of a number and a unit.

Texts become strings again only for the n-grams that are kept. Many texts are counted piece by piece: what is held of
all of them are counts.
"""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.sparsefuncs_fast import inplace_csr_row_normalize_l2

from .._rows import narrowed
from ._grams import GAP, Grams, NgramSums
from ._words import APART, END, Tokens, bytes_of_parts, parts_of

FEW = 1000  # numbers, up to which a search in a sorted list is faster than a table of hashes
PLACES = 2**20  # of a table in which numbers are looked up by place, at most
BLOCK = 256  # texts whose words are in memory at once
PIECE = 16_384  # texts that are counted at once
MANY = 6 * PIECE  # texts, above which they are read twice, since counts of all of them take much memory
FEW_TEXTS = 8  # up to which a look at each n-gram is faster than arrays


@dataclass(frozen=True)
class Cells:
    """The parts of a CSR matrix, in each row in the order of the columns: to make one takes long for a single row."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    shape: tuple[int, int]


def side_by_side(blocks, n_rows):
    """Return blocks of cells as one CSR matrix."""
    if n_rows != 1:
        return sparse.hstack([sparse.csr_matrix((b.data, b.indices, b.indptr), b.shape) for b in blocks], format="csr")
    starts = np.cumsum([0, *(block.shape[1] for block in blocks)])
    columns = [block.indices + start for block, start in zip(blocks, starts[:-1], strict=True)]
    values, columns = np.concatenate([block.data for block in blocks]), np.concatenate(columns).astype(np.int32)
    return sparse.csr_matrix((values, columns, np.array([0, len(columns)], np.int32)), (1, starts[-1]))


def stacked(parts):
    """Return CSR matrices one below the other; the list is emptied, so that nearly one copy of all is in memory."""
    if len(parts) == 1:
        return parts[0]
    n_rows, sizes = sum(part.shape[0] for part in parts), np.cumsum([0, *(part.nnz for part in parts)])
    out = sparse.csr_matrix((n_rows, parts[0].shape[1]), dtype=parts[0].dtype)
    out.data, out.indices = np.empty(sizes[-1], out.dtype), np.empty(sizes[-1], parts[0].indices.dtype)
    out.indptr = np.concatenate(
        [[0], *(part.indptr[1:] + start for part, start in zip(parts, sizes[:-1], strict=True))]
    )
    for start, end in zip(sizes[:-1], sizes[1:], strict=True):
        part = parts.pop(0)
        out.data[start:end], out.indices[start:end] = part.data, part.indices
    return narrowed(out)


def _grown(parts, n_units):
    """Let the n-grams of parts grow by a unit each, numbered alike in all; return which pair each number stands for."""
    pairs = [part.pairs(n_units) for part in parts]
    ends = np.cumsum([len(own) for own in pairs])[:-1]
    grams, keys = pd.factorize(np.concatenate(pairs))
    for part, own in zip(parts, np.split(grams.astype(np.int32), ends), strict=True):
        part.grow(own)
    return keys


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
        """Return an iterator over the features of the `pieces` of texts, Cells; None where nothing is counted in them.

        `repeats` tells how often each text is there, shape (n_texts,); None: once.
        """
        repeats = _every_once(repeats, texts)
        if len(texts) > MANY and self._fit_sums(texts, repeats):
            return (self.transform(texts[some]) for some in pieces(len(texts))) if self.names_ else None
        counts = self.fit_count(texts, repeats)
        if not self.names_:
            return None
        held = sum(_held(t, repeats[some]) for t, some in zip(counts, pieces(len(texts)), strict=True))
        self._weigh(held, repeats.sum())
        return self._weighed_pieces(counts)

    def _weigh(self, held, n_texts):
        """Learn the weights of n-grams, of which each is in so many texts."""
        self.idf_ = np.full(held.shape, n_texts + 1, np.float32) / (held + 1).astype(np.float32)
        self.idf_ = np.log(self.idf_) + np.float32(1)

    def _fit_sums(self, texts, repeats):
        """Learn from many texts piece by piece; tell whether that can be done: not where they have too many units."""
        sums = NgramSums(self.ngram_range)
        if not all(self.add_to(sums, texts[some], repeats[some]) for some in pieces(len(texts))):
            return False
        self.learn_from(sums, repeats.sum())
        return True

    def add_to(self, sums, texts, repeats=None):
        """Count the n-grams of some texts; tell whether the sums are still exact."""
        sums.add(Grams(*self._numbered(texts, units=sums.units)), _every_once(repeats, texts))
        return sums.is_exact

    def learn_from(self, sums, n_texts):
        """Learn n-grams and their weights from the sums over so many texts."""
        found, units = sums.frequent(self.min_df), list(sums.units)

        def spell(place, some):
            n, keys, *_ = found[place]
            return [self.between.join(map(units.__getitem__, row)) for row in sums.units_of(n, keys[some]).tolist()]

        places = self._chosen([times for *_, times in found], spell)
        self._weigh(np.concatenate([held for *_, held, _ in found])[places], n_texts)

    def _weighed_pieces(self, counts):
        while counts:
            table = counts.pop(0)  # what has been weighed is not held any more
            table.sort_indices()
            yield self._weighed(table.data, table.indices, table.indptr)

    def fit_count(self, texts, repeats=None):
        """Find the n-grams of texts; return how often each is there in each of the `pieces` of texts.

        These are CSR matrices of shape (n_texts, n_names), float32.
        """
        cut, repeats, units = pieces(len(texts)), _every_once(repeats, texts), {}
        repeats = [repeats[some] for some in cut]
        parts = [Grams(*self._numbered(texts[some], units=units)) for some in cut]
        counts, kept, keys = self._count_frequent(parts, repeats, len(units))
        total, units = sum(_held(t, own, t.data) for t, own in zip(counts, repeats, strict=True)), list(units)
        ends = np.cumsum([len(frequent) for _, frequent in kept])[:-1]

        def spell(place, some):
            n, grams = kept[place]
            return self._spell(n, grams[some], keys, units)

        places = self._chosen(np.split(total, ends), spell)
        return [table[:, places] for table in counts]

    def _chosen(self, times, spell):
        """Choose the n-grams that are kept, by how often each is there; set their names, and return their places.

        `times` has an array for each number of units; `spell` gives the names of some n-grams of one of these.
        """
        total, most, names = np.concatenate(times), self.max_features, []
        least = np.partition(total, -most)[-most] if most and len(total) > most else 0
        places = np.flatnonzero(total >= least)
        for i, own in enumerate(times):
            names += spell(i, own >= least)
        order = sorted(range(len(names)), key=names.__getitem__)
        if most and len(order) > most:  # of equally frequent ones the first are kept
            more = total[places] > least
            spare = iter(range(most - more.sum()))
            order = [i for i in order if more[i] or next(spare, None) is not None]
        self.names_ = [names[i] for i in order]
        vars(self).pop("_known", None), vars(self).pop("_places", None)
        return places[order]

    def _count_frequent(self, parts, repeats, n_units):
        """Return counts of n-grams that occur in `min_df` texts, one CSR matrix per part, and what names their columns.

        The columns are those of n = 1, 2 and so on in turn; with each n come the numbers of its n-grams that are kept.
        The keys tell by n which pair of a shorter n-gram and a unit each number stands for.
        """
        low, high = self.ngram_range
        keys, kept, counts = {}, [], [[] for _ in parts]
        for n in range(1, high + 1):
            if n > 1:
                keys[n] = _grown(parts, n_units)
            if 1 < n < low:
                continue
            width = len(keys[n]) if n > 1 else n_units
            tables = [part.table(low, len(own), width) for part, own in zip(parts, repeats, strict=True)]
            held = sum(_held(table, own) for table, own in zip(tables, repeats, strict=True))
            frequent = np.flatnonzero(held >= self.min_df)
            kept.append((n, frequent))
            for own, table in zip(counts, tables, strict=True):
                own.append(table[:, frequent])
        parts.clear()
        return [sparse.hstack(counts.pop(0), format="csr") for _ in repeats], kept, keys

    def transform(self, texts):
        """Return the features of texts, Cells of float32."""
        if len(texts) <= FEW_TEXTS:
            return self._weighed(*self._count_few(texts))
        if "_known" not in vars(self):  # of a saved model
            self._known = _Known(*self._units_of(self.names_), self.ngram_range[1], self._lookup)
        known, (low, high), found = self._known, self.ngram_range, []
        part = Grams(*self._numbered(texts, known.number))
        for n in range(1, high + 1):
            if n > 1:
                part.grow(known.find(n, part.pairs(known.n_units)))
            if n == 1 or n >= low:
                rows, grams = part.cells(low)
                found.append((rows, known.columns[n][grams]))
        rows, columns = map(np.concatenate, zip(*found, strict=True))
        kept = columns != GAP
        rows, columns = rows[kept], columns[kept]
        # By columns first, in which the rows are in order: to sort the columns of each row takes three times as long.
        counts = sparse.csc_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(texts), len(self.names_)))
        counts = counts.tocsr()
        return self._weighed(counts.data, counts.indices, counts.indptr)

    def _count_few(self, texts):
        """Return the counts of the n-grams of few texts, their columns in order, and where each text ends."""
        if "_places" not in vars(self):
            self._places = dict(zip(self.names_, range(len(self.names_)), strict=True))
        cells, ends = [], [0]
        for text in texts:
            counts = Counter(map(self._places.get, self._grams(text)))
            counts.pop(None, None)
            cells += sorted(counts.items())
            ends.append(len(cells))
        columns, counts = np.array(cells, dtype=np.int32).reshape(-1, 2).T
        return counts.astype(np.float32), np.ascontiguousarray(columns), np.array(ends, dtype=np.int32)

    def _weighed(self, counts, columns, ends):
        values, several = self.idf_[columns], np.flatnonzero(counts != 1)
        values[several] *= np.log(counts[several]) + np.float32(1)
        cells = Cells(values, columns, ends, (len(ends) - 1, len(self.names_)))
        inplace_csr_row_normalize_l2(cells)
        return cells

    def _spell(self, n, grams, keys, units):
        """Return n-grams as strings."""
        if n == 1:
            return [units[i] for i in grams]
        first, last = np.divmod(keys[n][grams], len(units))
        shorter = self._spell(n - 1, first, keys, units)
        return [f"{a}{self.between}{units[b]}" for a, b in zip(shorter, last, strict=True)]

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name not in ("_known", "_places")}


def pieces(n_texts):
    """Return the slices of texts that are counted one by one."""
    return [slice(start, start + PIECE) for start in range(0, max(n_texts, 1), PIECE)]


def _every_once(repeats, texts):
    return np.ones(len(texts), dtype=int) if repeats is None else repeats


def _held(table, repeats, counts=1):
    """Return in how many rows, of which each is there so often, a CSR matrix has each column; or how often in all."""
    return np.bincount(table.indices, counts * np.repeat(repeats, np.diff(table.indptr)), table.shape[1])


class WordNgrams(_Ngrams):
    """TF-IDF of the n-grams of words, and of what stands alone in scripts without spaces."""

    between = " "

    def _numbered(self, texts, number=None, units=None):
        """Return [words as numbers, their rows, what stands alone, its rows].

        `number` gives tokens their numbers, GAP to those that are not known; None numbers all, as `units` does, which
        grows.
        """
        words, rows, alone, rows_alone = [], [], [], []
        for start in range(0, len(texts), BLOCK):
            *contents, order = bytes_of_parts(texts[start : start + BLOCK], self.ngram_range[0])
            for content, cut, places in zip(contents, (words, alone), (rows, rows_alone), strict=True):
                cut.append(Tokens.of(content))
                ends = cut[-1].short == ord(END)
                places.append(start + order[np.cumsum(ends) - ends])
        tokens = Tokens.joined(words + alone)
        numbers = _places(units, *tokens.numbered()) if number is None else number(tokens)
        numbers[(tokens.short == ord(END)) | (tokens.short == ord(APART))] = GAP
        rows = np.concatenate([np.empty(0, np.intp), *rows, *rows_alone])
        n_words = sum(len(part.short) for part in words)
        return numbers[:n_words], rows[:n_words], numbers[n_words:], rows[n_words:]

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

    def _numbered(self, texts, number=None, units=None):
        """Return what that of words does; nothing stands alone."""
        spaced = list(map(_spaced, texts))
        codes = np.frombuffer("\0".join([*spaced, ""]).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        length, nothing = np.array([len(text) + 1 for text in spaced], dtype=np.intp), np.empty(0, dtype=np.intp)
        if number is None:
            known = list(map(chr, np.unique(codes)))
            numbers = _places(units, self._lookup(known)(codes), known)
        else:
            numbers = number(codes)
        numbers[np.cumsum(length) - 1] = GAP
        return numbers, np.repeat(np.arange(len(texts)), length), nothing, nothing

    def _grams(self, text):
        text, (low, high) = _spaced(text), self.ngram_range
        return [text[i : i + n] for n in range(low, high + 1) for i in range(len(text) - n + 1)]

    def _lookup(self, units):
        last = max(map(ord, units), default=0) + 1
        places = np.full(last + 1, GAP, dtype=np.int32)
        places[list(map(ord, units))] = np.arange(len(units))
        return lambda codes: places[np.minimum(codes, last)]

    def _units_of(self, names):
        return list("".join(names)), list(map(len, names))


def _places(units, numbers, names):
    """Return the numbers that `units`, which grows, gives to units that are numbered among some names."""
    return np.array([units.setdefault(name, len(units)) for name in names], dtype=np.intp)[numbers]


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
                self._keys[n], width = _Places(keys, width * self.n_units), len(keys)
            whole = lengths[places] == n
            self.columns[n] = np.full(width, GAP, dtype=np.int32)
            self.columns[n][grams[whole]] = places[whole]

    def find(self, n, grams):
        """Return the places of n-grams among those that are known, GAP for others."""
        return self._keys[n].find(grams)


class _Places:
    """The places of sorted numbers below some end: in a table where that is small."""

    def __init__(self, keys, end):
        self._keys, self._table, self._index = keys, None, pd.Index(keys)
        if end <= PLACES:
            self._table = np.full(end, GAP, dtype=np.int32)
            self._table[keys] = np.arange(len(keys))

    def find(self, numbers):
        if self._table is not None:
            return self._table[numbers]
        if len(numbers) > FEW or not len(self._keys):
            return self._index.get_indexer(numbers)
        places = np.minimum(np.searchsorted(self._keys, numbers), len(self._keys) - 1)
        return np.where(self._keys[places] == numbers, places, GAP)
