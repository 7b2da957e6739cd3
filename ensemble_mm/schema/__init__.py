"""What one column of X is taken for, why, and how its values are read: pure functions of values and a frozen rule."""

from ._column import IN_TABLE, LEFT_OUT, STRINGS, Column
from ._inference import LOOKED_AT, check_kind, infer_column
from ._schema import Schema, tell

__all__ = ["IN_TABLE", "LEFT_OUT", "LOOKED_AT", "STRINGS", "Column", "Schema", "check_kind", "infer_column", "tell"]
