"""Accents of texts: a letter with one is one character, however it was typed."""

import re
import unicodedata

MOST_MARKS = 30  # as in Unicode's format for streams
MARKS = re.compile(rf"[^\w\s\0-\x7f]{{{MOST_MARKS + 1},}}")  # where so many accents may be


def composed(text: str) -> str:
    """Return a text with its accents as parts of their letters (NFC): é is one character, however it was typed."""
    return text if text.isascii() else unicodedata.normalize("NFC", MARKS.sub(_with_few_marks, text))


def _with_few_marks(run: re.Match) -> str:
    """Return what is in no word with at most MOST_MARKS accents at a place: Unicode sorts them, in squares of time."""
    kept, n = [], 0
    for sign in run.group():
        n = n + 1 if unicodedata.combining(sign) else 0
        if n <= MOST_MARKS:
            kept.append(sign)
    return "".join(kept)
