"""Counts of the characters of texts: how long they are, and how much of them is words, digits, capitals and marks."""

import re
import sys
from functools import lru_cache

import numpy as np

from ..schema import SOUTHEAST

# Word characters, and the marks of scripts whose vowels are marks.
WORD = re.compile(f"[\\w\u0300-\u036f\u0900-\u0dff{SOUTHEAST}]+")
DIGITS = re.compile(r"\d+")
COUNTS = ["length", "words", "word_length", "digits", "capitals", "punctuation", "exclamations", "questions"]
FLAGS = (1, 2, 4, 8, 16, 32)  # of a character: part of words, digit, capital, space, exclamation, question
LAST = 6  # the bit behind FLAGS: the last letter of a word
FIELD = 21  # bits of a count, of which three are in one number
LONGEST = 2**FIELD  # characters, from where a text is counted by itself
BLOCK = 2**18  # characters looked up at a time
FEW_TEXTS = 8  # up to which patterns are faster than a table of characters


def _summands():
    """Return by flags what three counts grow by, as one number of three fields; three such tables for seven counts."""
    bits = (np.arange(2 ** (LAST + 1))[:, np.newaxis] >> np.arange(9)) & 1
    return [(bits[:, i : i + 3].astype(np.uint64) << np.arange(0, 63, FIELD, dtype=np.uint64)).sum(axis=1)
            for i in (0, 3, 6)]  # fmt: skip


_SUMMANDS = _summands()


def count_characters(texts):
    """Return what is counted of each text, in the order of COUNTS: shape (n_texts, 8), float32."""
    if len(texts) <= FEW_TEXTS:
        return _count_few(texts)
    ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)
    edges = [0, *(np.flatnonzero(np.diff(ends // BLOCK)) + 1), len(texts)]
    parts = [texts[a:b] for a, b in zip(edges[:-1], edges[1:], strict=True) if a < b]
    blocks = [_count_block(part) if len(max(part, key=len)) < LONGEST else _count_few(part) for part in parts]
    return np.concatenate([np.zeros((0, len(COUNTS)), dtype=np.float32), *blocks])


def _count_block(texts):
    """Look all characters up in one array; a zero behind each text ends its last word."""
    codes = np.frombuffer("\0".join([*texts, ""]).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    length = np.array([len(text) for text in texts])
    start = np.r_[0, np.cumsum(length + 1)[:-1]]
    flags = _flags(next(n for n in (2**8, 2**16, sys.maxunicode + 1) if codes.max() < n))[codes]
    flags[:-1] |= (flags[:-1] & FLAGS[0] & ~flags[1:]) << LAST  # the last letter of a word
    sums = [np.add.reduceat(table[flags], start) for table in _SUMMANDS]  # several counts in one number, apart
    counts = [total >> np.uint64(FIELD * place) & np.uint64(2**FIELD - 1) for total in sums for place in range(3)]
    return _shares(length, *np.array(counts[: len(FLAGS) + 1], dtype=np.int64))


def _count_few(texts):
    return _shares(*np.array(list(map(_count_one, texts)), dtype=np.int64).reshape(-1, 8).T)


def _count_one(text):
    """Return how many characters a text has, and how many of them have each of FLAGS, and its words."""
    words = WORD.findall(text)
    capitals = sum(map(str.isupper, text))
    if capitals and not text.isascii():
        capitals = sum(c.isupper() and WORD.match(c) is not None for c in text)
    exclamations, questions = (sum(map(text.count, marks)) for marks in ("!\uff01", "?\uff1f"))
    digits = sum(map(len, DIGITS.findall(text)))
    return len(text), sum(map(len, words)), digits, capitals, text.count(" "), exclamations, questions, len(words)


def _shares(length, letters, digits, capitals, spaces, exclamations, questions, words):
    n = np.maximum(length, 1)
    counts = (np.log1p(length), np.log1p(words), letters / np.maximum(words, 1), digits / n, capitals / n)
    marks = (length - letters - spaces) / n, np.minimum(exclamations, 5), np.minimum(questions, 5)
    return np.array([*counts, *marks], dtype=np.float32).T


@lru_cache(maxsize=3)
def _flags(n_codes):
    """Return FLAGS of the first characters of Unicode: is it part of words, a digit, a capital, a space, a mark?"""
    characters, flags = "".join(map(chr, range(n_codes))), np.zeros(n_codes, dtype=np.uint8)
    letter, digit, capital, space, exclamation, question = FLAGS
    for pattern, flag in ((WORD, letter), (DIGITS, digit)):
        for run in pattern.finditer(characters):
            flags[run.start() : run.end()] |= flag
    flags[[i for i, c in enumerate(characters) if c.isupper() and WORD.match(c)]] |= capital
    for marks, flag in ((" ", space), ("!\uff01", exclamation), ("?\uff1f", question)):
        flags[[ord(mark) for mark in marks if ord(mark) < n_codes]] |= flag
    return flags
