"""What the package knows of a modality: one record for each, in one registry.

`features` enters the six that come with the package; a seventh is entered the same way, from wherever its extractor is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sklearn.pipeline import Pipeline

from ._items import head_of, plain_item, suffix_of

# What is read by what a column is taken for, not by its items; networks read pictures and texts.
TABULAR, TEXT, VECTOR, IMAGE = "tabular", "text", "vector", "image"
NATURES = ("words", "sentences", "table", "vector", "media", "states")
TAKES = ("items", "table", "matrix")
ENCODED = {"words": "sentences", "media": "states"}  # what an encoder makes of items whose features are else like these
NAMED = 0.7  # share of the items that must be files of a modality; the others are odd ones, told of when they are read


@dataclass(frozen=True)
class Doubt:
    """Why the items of a column may be of another modality, `instead`; `words` are a part of a sentence."""

    words: str
    instead: str


@dataclass(frozen=True, kw_only=True)
class Modality:
    """One kind of input, such as text: how it is recognised, read, learned from and shown.

    Parameters
    ----------
    extractor : type
        The default extractor, a scikit-learn transformer that is made without arguments; a view that is read by one
        of this class is of this modality.
    suffixes : tuple of str, default=()
        How names of files end, in lower case: a column of such names is of this modality, whether or not the extractor
        can read each of them.
    magic : bytes, default=b""
        Pattern of the first bytes of a file, as `re.match` takes it.
    holds : callable, default=None
        Called with a list of items in their plain form (see `_items`), none of them missing and none of them known by
        its suffix or its first bytes; tells whether they are of this modality.
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
    doubt : callable, default=None
        Called with items that were taken for this modality by what they hold; returns the `Doubt` of it, or None.
    short : callable, default=None
        Returns the extractor of what the schema takes for short or coded strings; None: `extractor`, as of all others.
    inside : (str, str, callable), default=None
        What else the items may hold, as clips have sound: suffix of the view's name, its modality, and a callable that
        is given the items and tells whether they hold it.
    is_look : bool, default=False
        Whether the extractor also reads what `look` shows: a report then tells which regions of a picture matter.
    packages : tuple of str, default=()
        Optional packages that read the items, by their names at the package index: what a service of a model needs.
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
    doubt: Callable | None = None
    short: Callable | None = None
    inside: tuple[str, str, Callable] | None = None
    is_look: bool = False
    packages: tuple[str, ...] = ()

    def __post_init__(self):
        for name, value, known in (("like", self.like, NATURES), ("takes", self.takes, TAKES)):
            if value not in known:
                raise ValueError(f"{name}={value!r} is not known: use one of {', '.join(map(repr, known))}.")

    def names(self, item) -> bool:
        """Tell whether an item is a file of this modality, by its suffix or its first bytes."""
        if isinstance(item, bytes):
            return bool(self.magic and re.match(self.magic, head_of(item), re.DOTALL))
        return bool(self.suffixes) and suffix_of(item) in self.suffixes

    def recognises(self, items: list) -> bool:
        """Tell whether known items of a column, in their plain form, are of this modality."""
        others = [item for item in items if not self.names(item)]
        held = bool(others and self.holds is not None and self.holds(others))
        return len(items) - (0 if held else len(others)) >= NAMED * len(items)

    @property
    def holds_texts(self) -> bool:
        """Whether the items are texts themselves, and not names of files."""
        return self.takes == "items" and self.files is None

    def nature(self, extractor) -> str:
        """Return what features by a given extractor are like: vectors of sentences are no words."""
        return self.like if getattr(extractor, "encoder", None) is None else ENCODED.get(self.like, self.like)


def first_step(extractor):
    """Return what is given the items: the extractor itself, or the first step of a pipeline."""
    while isinstance(extractor, Pipeline):
        extractor = extractor.steps[0][1]
    return extractor


def cell_kinds_of(model) -> dict[str, str]:
    """Return what the cells of each column are that a fitted stack reads: "file", "numbers" or "value".

    A stack that was fitted on an array of numbers has no columns.
    """
    cells: dict[str, str] = {}
    for view, name in model.views_.items() if model._names.container != "array" else ():
        modality, columns = MODALITIES[name], model.view_columns_[view]
        kind = {"matrix": "numbers", "table": "value"}.get(modality.takes, "file" if modality.files else "value")
        for column in columns if isinstance(columns, list) else [columns]:
            for label in model._names.inner.get(column, (column,)):  # a view that is a table has columns of its own
                if cells.get(label) != "file":
                    cells[label] = kind
    return cells


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
        """Return the name of the modality of known items of a column; the last that was entered is asked first.

        Files of several modalities in one column are of the one that most of them are of: its extractor tells of the
        others by name.
        """
        items = [plain for item in items if (plain := plain_item(item)) is not None]
        found = next((name for name, modality in reversed(self.items()) if modality.recognises(items)), None)
        if found is not None or not items:
            return found
        files = {name: sum(map(modality.names, items)) for name, modality in self.items()}
        return max(files, key=files.__getitem__) if sum(files.values()) >= NAMED * len(items) else None

    def doubt(self, name: str, items: list) -> Doubt | None:
        """Return what speaks against the modality that the items of a column were taken for."""
        doubt = self[name].doubt
        return None if doubt is None else doubt([plain_item(item) for item in items])


MODALITIES = _Modalities()
