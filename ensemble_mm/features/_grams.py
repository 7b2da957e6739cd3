"""N-grams of texts as numbers, and how often each is there in many texts: of these sums are held, and no cells."""

import numpy as np
from scipy import sparse

GAP = -1  # between units that do not stand together, and in the place of those that are not known
BITS = 62  # of the number of an n-gram
WAITING = 2**20  # sums that wait until they are joined with the others, at least


class Grams:
    """The n-grams of some texts as numbers: of single units first, then longer by one at a time.

    Parameters
    ----------
    words, rows : ndarray of shape (n_words,)
        Units that may stand together, as numbers, and their texts; GAP ends a stretch.
    alone, rows_alone : ndarray of shape (n_alone,)
        Units that do not.
    """

    def __init__(self, words, rows, alone, rows_alone):
        words, rows, alone, rows_alone = (part.astype(np.int32) for part in (words, rows, alone, rows_alone))
        self.words, self.rows, single = words, rows, alone != GAP
        self.alone, self.rows_alone = alone[single], rows_alone[single]
        self.starts, self.n = np.flatnonzero(words != GAP).astype(np.int32), 1
        self.grams = words[self.starts]

    def pairs(self, n_units):
        """Return each n-gram that has a unit behind it, and this unit, as one number."""
        behind = self.words[self.starts + self.n]  # there is one: each stretch ends with a gap
        together = behind != GAP
        self.starts = self.starts[together]
        return self.grams[together].astype(np.int64) * n_units + behind[together]

    def grow(self, grams):
        """Take the pairs as n-grams by their numbers; GAP ends one."""
        known = grams != GAP
        self.starts, self.grams, self.n = self.starts[known], grams[known], self.n + 1

    def cells(self, low):
        """Return the texts and the numbers of what counts, where n-grams of `low` units and more do."""
        if self.n > 1:
            return self.rows[self.starts], self.grams
        used = slice(None) if low == 1 else slice(0)
        return (
            np.concatenate([self.rows[self.starts][used], self.rows_alone]),
            np.concatenate([self.grams[used], self.alone]),
        )

    def table(self, low, n_texts, width):
        """Return how often each is there in each text, as CSR."""
        rows, grams = self.cells(low)
        return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, grams)), (n_texts, width))


class NgramSums:
    """In how many texts each n-gram is there, and how often in all.

    An n-gram is a number whose digits are the numbers of its units, so that sums over some texts can be joined with
    those over others.

    Parameters
    ----------
    ngram_range : (int, int)

    Attributes
    ----------
    units : dict of str to int
        The numbers of the units; it grows.
    """

    def __init__(self, ngram_range):
        self.low, self.high = ngram_range
        self.units, self._base = {}, 2 ** (BITS // self.high)
        self._sums = {n: _Sums() for n in range(1, self.high + 1) if n == 1 or n >= self.low}

    @property
    def is_exact(self):
        """Whether the units are so few that each n-gram has a number of its own."""
        return len(self.units) <= self._base

    def add(self, grams, repeats):
        """Count the `Grams` of some texts, of which each is there so often."""
        for n in range(1, self.high + 1):
            if n > 1:
                grams.grow(grams.pairs(self._base))
            if n in self._sums:
                self._sums[n].add(*_counted(*grams.cells(self.low), repeats))

    def frequent(self, least):
        """Return what is there in so many texts, by number of units: [(n, numbers, texts that have it, times)]."""
        found = []
        for n, sums in self._sums.items():
            keys, held, times = sums.all()
            some = held >= least
            found.append((n, keys[some], held[some], times[some]))
        return found

    def units_of(self, n, keys):
        """Return the numbers of the units of n-grams, shape (n_grams, n)."""
        digits = np.empty((len(keys), n), dtype=np.intp)
        for place in range(n - 1, -1, -1):
            keys, digits[:, place] = np.divmod(keys, self._base)
        return digits


def _counted(rows, grams, repeats):
    """Return the different n-grams of some texts, in how many texts each is, and how often."""
    order = np.lexsort((rows, grams))
    rows, grams = rows[order], grams[order].astype(np.int64)
    new = np.diff(grams, prepend=-1) != 0
    first, times, starts = new | (np.diff(rows, prepend=-1) != 0), repeats[rows], np.flatnonzero(new)
    held, times = (np.add.reduceat(part, starts) if len(part) else part for part in (times * first, times))
    return grams[starts], held, times


class _Sums:
    """Pairs of sums by number, in the order of the numbers."""

    def __init__(self):
        self._whole, self._waiting = (np.empty(0, np.int64),) * 3, []

    def add(self, *part):
        self._waiting.append(part)
        if sum(len(keys) for keys, *_ in self._waiting) > max(len(self._whole[0]), WAITING):
            self.all()

    def all(self):
        """Return numbers, in rising order, and both sums of each."""
        if self._waiting:
            keys, *sums = map(np.concatenate, zip(self._whole, *self._waiting, strict=True))
            self._waiting.clear()
            order = np.argsort(keys, kind="stable")
            keys = keys[order]
            starts = np.flatnonzero(np.diff(keys, prepend=-1))
            sums = (np.add.reduceat(part[order], starts) if len(keys) else part for part in sums)
            self._whole = keys[starts], *sums
        return self._whole
