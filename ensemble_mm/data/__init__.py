"""What comes in: X as views that share their rows, Y as tasks, and files as X and Y."""

from .._kinds import KINDS, Classes, Numbers
from ._inputs import MultimodalData, View, as_source, check_columns, infer_views, present_rows, select, take_rows
from ._loading import load_demo, make_multimodal, read_table
from ._targets import Task, resolve_targets
from ._values import check_values

__all__ = [
    "KINDS",
    "Classes",
    "MultimodalData",
    "Numbers",
    "Task",
    "View",
    "as_source",
    "check_columns",
    "check_values",
    "infer_views",
    "load_demo",
    "make_multimodal",
    "present_rows",
    "read_table",
    "resolve_targets",
    "select",
    "take_rows",
]
