"""Categories: values that are equal whatever their type, such as 1 and 1.0."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ._accents import NO_WIDTH, composed
from ._blanks import blanks_of
from ._each import each

CLOSED = 0.01  # share of rows of the fit with a value of their own, below which any new value is odd
MOST_KEPT = 1000  # different values that are kept, to know new ones by


@dataclass(frozen=True)
class CategoryRule:
    """How the values of a category compare.

    Parameters
    ----------
    numeric : bool, default=False
        Whether all values of the fit are numbers: texts such as "1.0" are then read as numbers, too.
    blanks : tuple of str, default=()
        Texts that stand for no value.
    known : tuple of str or None, default=None
        The values of the fit; None where they are too many to be kept.
    rare : float, default=0.0
        Share of the rows of the fit whose value is there once: about as many new rows hold a value that is not known.
    """

    noun: ClassVar[str] = "categories"
    doubt: ClassVar[str] = ""
    numeric: bool = False
    blanks: tuple[str, ...] = ()
    known: tuple[str, ...] | None = None
    rare: float = 0.0

    def read(self, values: pd.Series) -> pd.Series:
        """Return the values as texts that are equal where the values are, of a categorical dtype."""
        if isinstance(values.dtype, pd.CategoricalDtype) and all(self.word(v) is v for v in values.cat.categories):
            return values  # read before
        words = each(values.to_numpy(object), self.word, None)
        order = sorted({word for word in words if word is not None})
        places = {word: place for place, word in enumerate(order)} | {None: -1}  # pandas would copy all words for that
        codes = np.fromiter(map(places.__getitem__, words), np.int32, len(words))
        return pd.Series(pd.Categorical.from_codes(codes, order), index=values.index, name=values.name)

    def word(self, item: Any) -> str | None:
        """Return the text that stands for a value; None where it stands for none."""
        if isinstance(item, str):
            text = item.strip() if item.isascii() else _visible(item)
            if not text or text in self.blanks:
                return None
            return _number_word(text) if self.numeric else text
        return word_of(item)

    @property
    def is_closed(self) -> bool:
        """Whether the values of the fit come again and again, so that any other value is odd."""
        return self.known is not None and self.rare < CLOSED

    def unseen(self, read: pd.Series) -> list[str]:
        """Return the values of some rows that the fit did not have, one per row, where they are many."""
        if self.known is None:
            return []
        strange = set(read.cat.categories).difference(self.known)
        return [word for word in read if word in strange] if strange else []

    def __str__(self) -> str:
        return f"{', '.join(map(repr, self.blanks))} as missing" if self.blanks else ""


def _visible(text: str) -> str:
    """Return what of a text can be seen: accents written one way, one space between words, nothing of no width."""
    return " ".join(NO_WIDTH.sub("", composed(text)).split())


def word_of(item: Any) -> str:
    """Return a value as a text; numbers that are equal have the same one, whatever their type."""
    if isinstance(item, (int, float, Decimal, np.integer, np.floating)) and not isinstance(item, bool):
        whole = isinstance(item, int) or (isfinite(item) and item % 1 == 0)
        return str(int(item)) if whole else str(float(item))
    return str(item)


def _number_word(text: str) -> str:
    try:
        word = word_of(float(text))
    except ValueError:
        return text
    return text if word == text else word


def learn_categories(counts: Counter) -> CategoryRule:
    """Return how the values of a column compare."""
    texts = [item for item in counts if isinstance(item, str)]
    numeric = not texts and all(isinstance(item, (int, float, Decimal, np.number)) for item in counts) and bool(counts)
    numeric = numeric and not any(isinstance(item, (bool, np.bool_)) for item in counts)
    rule = CategoryRule(numeric, blanks_of(texts) if texts else ())
    words: Counter = Counter()
    for item, n in counts.items():
        words[rule.word(item)] += n
    words.pop(None, None)
    total = sum(words.values())
    if len(words) > MOST_KEPT or not total:
        return rule
    rare = sum(n == 1 for n in words.values()) / total
    return CategoryRule(rule.numeric, rule.blanks, tuple(sorted(words)), rare)
