"""What the package knows of a modality: one record for each, in one registry.

`features` enters the six that come with the package; a seventh is entered the same way, from wherever its extractor is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sklearn.pipeline import Pipeline

NATURES = ("words", "sentences", "table", "vector", "media", "states")
TAKES = ("items", "table", "matrix")
ENCODED = {"words": "sentences", "media": "states"}  # what an encoder makes of items whose features are else like these
NAMED = 0.8  # share of the items that must end in a suffix


@dataclass(frozen=True, kw_only=True)
class Modality:
    """One kind of input, such as text: how it is recognised, read, learned from and shown.

    Parameters
    ----------
    extractor : type
        The default extractor, a scikit-learn transformer that is made without arguments; a view that is read by one
        of this class is of this modality.
    suffixes : tuple of str, default=()
        How names of files end, in lower case: a column of such names is of this modality.
    magic : bytes, default=b""
        Pattern of the first bytes of a file, as `re.match` takes it.
    holds : callable, default=None
        Called with a list of items, none of them missing; tells whether they are of this modality. Suffixes and first
        bytes need no callable.
    takes : {"items", "table", "matrix"}, default="items"
        What the extractor is given: an array of items, a DataFrame, or a matrix of numbers.
    like : {"words", "sentences", "table", "vector", "media", "states"}, default="media"
        What the features are like; it decides which learners of a portfolio read them. Counts of words; vectors of
        length one by an encoder; few columns, each with a meaning; numbers without names; hundreds of columns that
        describe an item; hundreds of states of an encoder.
    files : {None, "content", "suffix", "path"}, default="path"
        What an item that is the name of a file stands for: None, the text itself; else what the file holds, and beside
        it nothing of its name, its suffix, or all of its path. Caches and checkpoints tell items apart by that.
    cost : float, default=10.0
        Seconds that a thousand items take, roughly: under a time budget, cheap views are read first.
    look : callable, default=str
        What is shown of one item, in reports: a str, a picture of shape (height, width, 3) in uint8, or the lowest and
        the highest point of each stretch of a wave, shape (n, 2), from -1 to 1.
    pretrained : callable, default=None
        Returns an extractor by a pretrained encoder, or None where that is not installed: a second view of few rows.
    inside : (str, str, callable), default=None
        What else the items may hold, as clips have sound: suffix of the view's name, its modality, and a callable that
        is given the items and tells whether they hold it.
    """

    extractor: type
    suffixes: tuple[str, ...] = ()
    magic: bytes = b""
    holds: Callable | None = None
    takes: str = "items"
    like: str = "media"
    files: str | None = "path"
    cost: float = 10.0
    look: Callable = str
    pretrained: Callable | None = None
    inside: tuple[str, str, Callable] | None = None

    def __post_init__(self):
        for name, value, known in (("like", self.like, NATURES), ("takes", self.takes, TAKES)):
            if value not in known:
                raise ValueError(f"{name}={value!r} is not known: use one of {', '.join(map(repr, known))}.")

    def recognises(self, items: list) -> bool:
        """Tell whether known items of a column are of this modality."""
        if self.holds is not None and self.holds(items):
            return True
        if isinstance(items[0], bytes):
            return bool(self.magic and re.match(self.magic, items[0], re.DOTALL))
        if not self.suffixes or not all(isinstance(item, str) or hasattr(item, "__fspath__") for item in items):
            return False
        return sum(str(item).lower().endswith(self.suffixes) for item in items) >= NAMED * len(items)

    def nature(self, extractor) -> str:
        """Return what features by a given extractor are like: vectors of sentences are no words."""
        return self.like if getattr(extractor, "encoder", None) is None else ENCODED.get(self.like, self.like)


def first_step(extractor):
    """Return what is given the items: the extractor itself, or the first step of a pipeline."""
    while isinstance(extractor, Pipeline):
        extractor = extractor.steps[0][1]
    return extractor


class _Modalities(dict):
    def __missing__(self, name):
        raise ValueError(
            f"The modality {name!r} is not known: use one of {', '.join(map(repr, self))}, or import what enters it."
        )

    def of(self, extractor) -> str | None:
        """Return the name of the modality that an extractor reads; None for a transformer of the user's own.

        A pipeline reads what its first step reads.
        """
        extractor = first_step(extractor)
        return next((name for name, modality in self.items() if isinstance(extractor, modality.extractor)), None)

    def files(self, extractor) -> str | None:
        """Return what names of files stand for to an extractor; any but the default ones may open them."""
        known = {modality.extractor: modality.files for modality in self.values()}
        return known.get(type(first_step(extractor)), "path")

    def recognise(self, items: list) -> str | None:
        """Return the name of the modality of known items of a column; the last that was entered is asked first."""
        return next((name for name, modality in reversed(self.items()) if modality.recognises(items)), None)


MODALITIES = _Modalities()
