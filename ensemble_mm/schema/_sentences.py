"""The record of a column of very many sentences, which are never in memory together."""

import numpy as np
import pandas as pd

from .._checks import is_missing
from ._blanks import is_no_text
from ._column import SENTENCES, Column
from ._inference import LOOKED_AT, examples, may_be_read, of_modality, sampled, share_of
from ._strings import are_sentences, drawn_of

FIRST = 500  # texts that show at once whether a column may hold sentences


def infer_sentences(parts, take, name) -> Column | None:
    """Return the record that `infer_column` gives of a column; None unless it holds sentences that mostly differ.

    Parameters
    ----------
    parts : iterator of object arrays
        The cells in their order, some at a time: texts, or None.
    take : callable
        Returns the cells at some places.
    name : hashable
    """
    known, texts, marks = [], [], []
    first: list[str] = []
    for cells in parts:
        here = np.array([not is_missing(cell) for cell in cells], dtype=bool)
        said = np.array([not is_no_text(cell) for cell in cells], dtype=bool)
        if not first and not are_sentences(cells[said][:FIRST].tolist()):
            return None
        first += cells[here][: LOOKED_AT - len(first)].tolist()
        known.append(here)
        texts.append(said)
        marks.append(pd.util.hash_array(cells[said]))  # of 64 bits: two texts hardly ever have the same one
    n_rows, places = sum(map(len, texts)), np.flatnonzero(np.concatenate(texts))
    distinct = len(np.unique(np.concatenate(marks)))
    because = are_sentences(take(places[drawn_of(len(places))]).tolist())
    others = (
        may_be_read(take(sampled(np.flatnonzero(np.concatenate(known)))))
        or of_modality(first, name)
        or first[0].startswith("[")
    )
    if not because or others or 2 * distinct <= len(places):  # what begins with a bracket may be printed arrays
        return None
    missing, example = share_of(n_rows - len(places), n_rows), examples(first)
    return Column(name=name, taken_as=SENTENCES, because=because, missing=missing, distinct=distinct, example=example)
