"""What one column of X is taken for, why, and how its values are read: pure functions of values and a frozen rule."""

from ._categories import word_of
from ._column import IN_TABLE, LEFT_OUT, STRINGS, Column
from ._inference import LOOKED_AT, check_kind, infer_column
from ._schema import Schema, tell
from ._strings import CHINESE, SOUTHEAST, are_digits, composed, kind_of_strings

__all__ = [
    "CHINESE",
    "IN_TABLE",
    "LEFT_OUT",
    "LOOKED_AT",
    "SOUTHEAST",
    "STRINGS",
    "Column",
    "Schema",
    "are_digits",
    "check_kind",
    "composed",
    "infer_column",
    "kind_of_strings",
    "tell",
    "word_of",
]
