"""What comes in: X as views that share their rows, Y as tasks, and files as X and Y."""

from .._kinds import KINDS, Classes, Numbers, Quantiles, Ranking, Survival
from ._chunked import ChunkedData, is_lazy
from ._containers import as_source, has_names
from ._groups import check_groups, units_of, whole_units
from ._inputs import MultimodalData, View, present_rows, select, take_rows
from ._loading import load_demo, make_multimodal, read_parts, read_table
from ._merged import parted
from ._names import Names, column_names, columns_read
from ._problem import Problem, read_problem, task_weights
from ._schema import call_each, infer_schema, infer_views
from ._sources import ADDRESS
from ._suspects import nearly_tells
from ._tags import MAIN as MAIN_OF_SETS
from ._tags import as_lists, classes_by_column, evaluate_sets, folded, kinds_by_column, of_having
from ._targets import labels_by_task, resolve_targets
from ._task import Task, setting_of
from ._views import ColumnOnDisk, ColumnsOnDisk, as_fitted, column_of, columns_of, columns_of_few, views_of
