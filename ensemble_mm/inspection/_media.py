"""What can be shown of one item of a view; an item that cannot be read is told in words, and stops nothing."""

from dataclasses import dataclass

from .._checks import is_missing
from .._modalities import MODALITIES


@dataclass(frozen=True)
class Look:
    """What can be shown of one item: `kind` is "text", "picture", "wave" or "absent"; `content` goes with it.

    A text is a str, a picture a uint8 array of shape (height, width, 3), a wave the lowest and highest point of each
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
        return Look("text", content)
    return Look("picture" if content.ndim == 3 else "wave", content)
