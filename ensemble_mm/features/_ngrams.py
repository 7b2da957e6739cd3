"""Counts of the n-grams of many texts, as numbers: a word is a number, and so is a pair of a number and a word.

Texts become strings again only for the n-grams that are kept.
"""

from array import array
from collections import defaultdict

import numpy as np
from scipy import sparse

GAP = -1  # between words that do not stand together


def count_ngrams(texts, parts_of, ngram_range, *, between=" ", min_df=1, max_features=None):
    """Count the n-grams of texts.

    Parameters
    ----------
    texts : sequence of str
    parts_of : callable
        Takes a text and returns the lists of words that stand together in it, and the list of what stands alone,
        which is counted as it is.
    ngram_range : (int, int)
    between : str, default=" "
        What stands between the words of an n-gram, in its name.
    min_df : int, default=1
        Texts that an n-gram must occur in to be kept.
    max_features : int, default=None
        Most n-grams that are kept: the most frequent ones, and of equally frequent ones the first.

    Returns
    -------
    names : list of str
        The n-grams, sorted.
    counts : CSR matrix of shape (n_texts, n_names), float32
    """
    words, word_ends, alone, alone_ends, numbers = array("i"), [0], array("i"), [0], defaultdict()
    numbers.default_factory = numbers.__len__  # a word that was not there gets the next number
    for text in texts:
        together, single = parts_of(text)
        for stretch in together:
            words.extend(map(numbers.__getitem__, stretch))
            words.append(GAP)
        alone.extend(map(numbers.__getitem__, single))
        word_ends.append(len(words))
        alone_ends.append(len(alone))
    words, alone = np.array(words, dtype=np.intp), np.array(alone, dtype=np.intp)
    rows = np.repeat(np.arange(len(texts)), np.diff(word_ends))
    rows_alone = np.repeat(np.arange(len(texts)), np.diff(alone_ends))

    low, high = ngram_range
    starts, grams, keys = np.flatnonzero(words != GAP), words[words != GAP], {}
    used = slice(None) if low == 1 else slice(0)
    levels = [(1, np.r_[rows[starts][used], rows_alone], np.r_[grams[used], alone], len(numbers))]
    for n in range(2, high + 1):
        behind = words[starts + n - 1]  # there is one: each stretch ends with a gap
        starts, grams, behind = (part[behind != GAP] for part in (starts, grams, behind))
        keys[n], grams = np.unique(grams * len(numbers) + behind, return_inverse=True)
        levels += [(n, rows[starts], grams, len(keys[n]))] if n >= low else []

    kept, counts = [], []
    for n, rows_of, grams_of, width in levels:
        table = sparse.csr_matrix((np.ones(len(rows_of), np.float32), (rows_of, grams_of)), (len(texts), width))
        frequent = np.flatnonzero(np.bincount(table.indices, minlength=width) >= min_df)
        kept.append((n, frequent))
        counts.append(table[:, frequent])
    counts = sparse.hstack(counts, format="csr")
    total = np.bincount(counts.indices, counts.data, counts.shape[1])
    least = np.partition(total, -max_features)[-max_features] if max_features and len(total) > max_features else 0
    places, names, spelled, passed = np.flatnonzero(total >= least), [], list(numbers), 0
    for n, frequent in kept:
        large = total[passed : passed + len(frequent)] >= least
        names += _spell(n, frequent[large], keys, spelled, between)
        passed += len(frequent)
    order = sorted(range(len(names)), key=lambda i: (-total[places[i]], names[i]))[:max_features]
    order.sort(key=names.__getitem__)
    return [names[i] for i in order], counts[:, places[order]]


def _spell(n, grams, keys, words, between):
    """Return n-grams as strings."""
    if n == 1:
        return [words[i] for i in grams]
    first, last = np.divmod(keys[n][grams], len(words))
    shorter = _spell(n - 1, first, keys, words, between)
    return [f"{a}{between}{words[b]}" for a, b in zip(shorter, last, strict=True)]
