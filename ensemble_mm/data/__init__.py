"""What comes in: X as views that share their rows, Y as tasks, and files as X and Y."""

from .._kinds import KINDS, Classes, Numbers
from ._inputs import MultimodalData, View, as_source, check_columns, present_rows, select, take_rows
from ._loading import load_demo, make_multimodal, read_table
from ._problem import Problem, read_problem, task_weights
from ._schema import infer_schema, infer_views
from ._targets import Task, labels_by_task, resolve_targets
from ._views import column_of, columns_of, views_of

__all__ = [
    "KINDS",
    "Classes",
    "MultimodalData",
    "Numbers",
    "Problem",
    "Task",
    "View",
    "as_source",
    "check_columns",
    "column_of",
    "columns_of",
    "infer_schema",
    "infer_views",
    "labels_by_task",
    "load_demo",
    "make_multimodal",
    "present_rows",
    "read_problem",
    "read_table",
    "resolve_targets",
    "select",
    "take_rows",
    "task_weights",
    "views_of",
]
