"""Words and marks that stand for no value, such as "n/a" and "-"."""

from typing import Any

from .._checks import is_missing

BLANKS = frozenset(
    "na n/a n.a. n.a #n/a #na nan nat nil null \\n none missing unknown undefined unspecified n/v nd n.d. tbd k.a. "
    "#div/0! #value! #ref! #num! #name? #null! -nan -1.#ind 1.#qnan".split()
) | {"", "not available", "not applicable", "not known", "not specified", "not reported", "no data", "no answer"}
ALWAYS = frozenset(["", "#n/a", "\\n", "n.a.", "<na>", "nan", "n/a", "null", "<null>", "(null)"])  # of categories, too
NO_TEXT = ALWAYS | {"-", "--", "?", "."}
LONGEST = max(map(len, NO_TEXT))
MOST = 200  # characters of a number, a date or a time: patterns take long to tell that longer texts are none


def is_no_text(value: Any) -> bool:
    """Tell whether a value among texts stands for none: nothing but spaces, or a mark or word that says so."""
    if not isinstance(value, str):
        return is_missing(value)
    text = value.strip()
    return len(text) <= LONGEST and text.casefold() in NO_TEXT


def is_blank(value: Any) -> bool:
    """Tell whether a value among numbers or dates stands for none: a word for that, or no letter and no digit."""
    if not isinstance(value, str):
        return is_missing(value)
    if value[:1].isdecimal():
        return False  # no word and no mark, at once
    text = value.strip().casefold()
    return text.strip("<>()[]") in BLANKS or not any(map(str.isalnum, text))


def is_too_long(value: Any) -> bool:
    """Tell whether a value is a text that is too long for a number, a date or a time."""
    return isinstance(value, str) and len(value) > MOST and len(value.strip()) > MOST


def blanks_of(texts) -> tuple[str, ...]:
    """Return which of the different texts of a category stand for none, as the others say.

    Marks are blanks among words, but not among other marks, such as + and -; "NA" is one, but not among other codes
    of two capitals; "none" and "unknown" are values like others.
    """
    words = [text.strip() for text in texts]
    marks = [word for word in words if not any(map(str.isalnum, word))]
    codes = sum(len(word) == 2 and word.isupper() for word in words)
    found = {word for word in words if word.casefold() in ALWAYS}
    if len(set(marks)) == 1 and len(set(words)) > 2:
        found |= set(marks)
    if "NA" in words and codes < 0.5 * len(words):
        found.add("NA")
    return tuple(sorted(found))
