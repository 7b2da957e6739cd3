"""Accents of texts: a letter with one is one character, however it was typed."""

import re
import unicodedata
from itertools import pairwise

MOST_MARKS = 30  # as in Unicode's format for streams
NO_WIDTH = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")  # and no meaning
MARKS = re.compile(rf"[^\w\s\0-\x7f]{{{MOST_MARKS + 1},}}")  # where so many accents may be


def composed(text: str) -> str:
    """Return a text with its accents as parts of their letters (NFC): é is one character, however it was typed."""
    return text if text.isascii() else unicodedata.normalize("NFC", MARKS.sub(_with_few_marks, text))


def digits_of_any_script(text: str) -> str:
    """Return what may be a number or a date with digits from 0 to 9, signs of one width, and nothing unseen.

    Raised digits and fractions behind a digit stay as they are: 10² and 12¹ are not 102 and 121.
    """
    if text.isascii() or any(a.isdecimal() and unicodedata.category(b) == "No" for a, b in pairwise(text)):
        return text
    text = unicodedata.normalize("NFKC", NO_WIDTH.sub("", text)).strip()
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)


def _with_few_marks(run: re.Match) -> str:
    """Return what is in no word with at most MOST_MARKS accents at a place: Unicode sorts them, in squares of time."""
    kept, n = [], 0
    for sign in run.group():
        n = n + 1 if unicodedata.combining(sign) else 0
        if n <= MOST_MARKS:
            kept.append(sign)
    return "".join(kept)
