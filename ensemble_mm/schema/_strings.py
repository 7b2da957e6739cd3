"""What the strings of a column are: sentences, short or coded strings, categories, or identifiers.

Only the strings decide, never a target: the same column is taken for the same wherever it is looked at.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ._column import SENTENCES, SHORT

LOOKED_AT = 2000  # strings, drawn once and for all, that are looked at closely
SENTENCE = 4  # words from which strings are sentences, on average
SEVERAL = 1.5  # words from which few strings are texts
FEW = 20  # values that a category has at most
ALONE = 0.95  # share of different values from which strings may be identifiers
ENOUGH = 20  # strings below which only their words are counted
MOST_DIGITS = 0.9  # share of strings of digits alone; some codes end in a letter
EVEN = 0.9  # share of the bits of evenly drawn values from which values are drawn evenly
# Scripts without spaces between words, with the number of characters that make a word, roughly.
CHINESE = r"\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
SOUTHEAST = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u19e0-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaa7f"
UNSPACED = ((re.compile(f"[{CHINESE}]"), 1.5), (re.compile(f"[{SOUTHEAST}]"), 3.0))
LETTER = re.compile(r"[^\W\d_]")
DIGITS = re.compile(r"\d+")
UUID = re.compile(r"[{(]?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}[)}]?", re.IGNORECASE)
ALPHABETS = ((r"\d", 10), (r"[\da-f]|[\dA-F]", 16), (r"[a-z]|[A-Z]", 26), (r"[\da-z]|[\dA-Z]", 36), (r"[\w-]", 64))


def kind_of_strings(strings: Sequence[str]) -> tuple[str, str]:
    """Return what known strings of a column are taken for, and why.

    Parameters
    ----------
    strings : sequence of str
        All values of a column but the missing ones; at least one.

    Returns
    -------
    taken_as : {"text", "short text", "category", "identifier"}
    because : str

    Examples
    --------
    >>> kind_of_strings(["a warm and soft coat", "torn at the seam again"])[0]
    'text'
    >>> kind_of_strings(["red", "blue"] * 10)[0]
    'category'
    """
    n = len(strings)
    sample = [strings[i] for i in drawn_of(n)]
    if because := are_sentences(sample):
        return SENTENCES, because
    words = _words_in(sample)
    distinct = len(set(strings))
    if n < ENOUGH:  # too few to tell what the next ones are
        return (SENTENCES if words >= SEVERAL else "category"), f"{n} strings of {words:.1f} words on average"
    if distinct <= FEW and 2 * distinct <= n:
        return "category", f"{distinct} values in {n} rows"
    nothing = _says_nothing(sample) if distinct >= ALONE * n else None
    if nothing:
        return "identifier", f"{distinct} of {n} values differ, and {nothing}"
    size = f"{words:.1f} words on average" if words >= SEVERAL else "a word or a code each"
    return SHORT, f"{distinct} of {n} values differ, with {size}"


def drawn_of(n) -> np.ndarray:
    """Return the places of those of `n` strings that are looked at closely.

    They are drawn, for whatever comes in turns, as weekdays do, is lost on every seventh row.
    """
    return np.random.default_rng(0).permutation(n)[:LOOKED_AT] if n > LOOKED_AT else np.arange(n)


def are_sentences(sample: Sequence[str]) -> str:
    """Return why the drawn strings of a column are sentences; nothing where they are none."""
    words = _words_in(sample) if sample else 0
    return f"sentences of {words:.0f} words on average" if words >= SENTENCE else ""


def are_digits(strings: Sequence[str]) -> bool:
    """Tell whether strings are codes of digits, as postal codes are: as numbers they have an order."""
    return sum(map(str.isdecimal, strings)) >= MOST_DIGITS * len(strings)


def _words_in(strings):
    """Return how many words strings have on average; where words are not told apart, by their characters."""
    total = 0.0
    for text in strings:
        if not text.isascii():
            for script, size in UNSPACED:
                text, found = script.subn("", text)
                total += found / size
        total += sum(word.isalpha() or not word.isascii() or LETTER.search(word) is not None for word in text.split())
    return total / len(strings)


def _says_nothing(strings):
    """Return why no run of characters of strings that all differ can say anything; None where one may."""
    if all(map(UUID.fullmatch, strings)):
        return "they are UUIDs"
    shapes = {DIGITS.sub("0", text) for text in strings}
    if len(shapes) == 1:
        if _are_sizes(strings, *shapes):
            return None
        if all(map(_count_on, zip(*map(DIGITS.findall, strings), strict=True))):
            return f"only a counter changes, as in {strings[0]!r}"
    elif len(set(map(len, strings))) == 1 and _drawn_at_random(strings):
        return f"their characters are drawn at random, as in {strings[0]!r}"
    return None


def _are_sizes(strings, shape):
    """Tell whether strings are numbers with a word behind, or ranges, whose second number is never the smaller one."""
    numbers = [[int(digits) for digits in DIGITS.findall(text)] for text in strings]
    if len(numbers[0]) == 2:
        return all(low <= high for low, high in numbers) and len({low for low, _ in numbers}) > 1
    plain = shape[0] == "0" and shape[1:].strip().isalpha()
    return plain and not any(text.startswith("0") for text in strings)


def _count_on(digits):
    """Tell whether one number in all strings is the same, or a counter: spread evenly, and so is each of its digits."""
    numbers = [int(d) for d in digits]
    distinct, low = len(set(numbers)), min(numbers)
    span = max(numbers) - low + 1
    if distinct == 1:
        return True
    bins = min(16, len(numbers) // 5)
    if distinct < ALONE * len(numbers) or not _even([(number - low) * bins // span for number in numbers], bins):
        return False
    places = range(len(str(span)) - 1)  # of the first digits of a range there are few
    return all(_even([number // 10**place % 10 for number in numbers], 10) for place in places)


def _drawn_at_random(strings):
    """Tell whether strings of one length, with digits among them, hold nothing but characters drawn evenly."""
    places = [set(column) for column in zip(*strings, strict=True)]
    changing = [place for place, characters in enumerate(places) if len(characters) > 1]
    alphabet = set().union(*(places[place] for place in changing))
    if not any(character.isdigit() for character in alphabet):
        return False  # sequences of letters, as of proteins and genes
    if not all(_even_at(place, strings, places[place]) for place in changing):
        return False
    runs = Counter(text[i : i + 3] for text in strings for i in changing if {i + 1, i + 2} <= set(changing))
    expected = len(strings) * len(changing) / len(alphabet) ** 3
    return max(runs.values(), default=0) <= 5 + 4 * expected  # none comes again and again


def _even_at(place, strings, characters):
    """Tell whether the characters that strings have in a place are all of one alphabet, and each about as frequent."""
    size = next((size for name, size in ALPHABETS if _all_match(name, characters)), None)
    return size is not None and _even([text[place] for text in strings], size)


def _all_match(pattern, characters):
    """Tell whether characters are all of the first kind that a pattern names, or all of the second."""
    return any(all(re.fullmatch(part, c) for c in characters) for part in pattern.split("|"))


def _even(values, size):
    """Tell whether values are as even as so many draws from `size` equally frequent ones, or all the same."""
    shares = np.array(list(Counter(values).values())) / len(values)
    bits = -(shares * np.log2(shares)).sum()
    return len(shares) == 1 or bits >= EVEN * (np.log2(size) - (size - 1) / (2 * len(values) * np.log(2)))
