"""What can be shown of one item of a view; an item that cannot be read is told in words, and stops nothing."""

from dataclasses import dataclass

from .._checks import is_missing
from .._modalities import MODALITIES
from ..data import take_rows


@dataclass(frozen=True)
class Look:
    """What can be shown of one item: `kind` is "words", "picture", "wave" or "absent"; `content` goes with it.

    Words are a str, a picture a uint8 array of shape (height, width, 3), a wave the lowest and highest point of each
    stretch, shape (n, 2); "absent" carries the reason as a str.
    """

    kind: str
    content: object


def look_at(item, modality: str) -> Look:
    """Return what can be shown of one item of a view of the given modality."""
    record = MODALITIES[modality]
    if record.takes == "items" and is_missing(item):
        return Look("absent", "missing")
    try:
        content = record.look(item)
    except Exception as error:  # the file's own trouble, told where the picture would stand
        return Look("absent", f"cannot be shown: {type(error).__name__}: {error}"[:120])
    if isinstance(content, str):
        return Look("words", content)
    return Look("picture" if content.ndim == 3 else "wave", content)


def looks_at(columns, modalities, rows) -> list[dict[str, Look]]:
    """Return, for each of some rows, what can be shown of each view, by the columns and the modalities of the views."""
    return [
        {view: look_at(take_rows(column, int(row)), modalities[view]) for view, column in columns.items()}
        for row in rows
    ]
