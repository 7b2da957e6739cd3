"""What is written to disk and read back: features, finished jobs, models and the task database.

Floor 2: knows nothing of learners, folds or tasks. Everything is written beside its place and then
renamed, so that a reader meets a whole file or none, and nothing that is read is ever executed
unless the user said that it is trusted.
"""

from ._arrays import write_atomic
from ._blocks import BlockFolder, named, shown
from ._cache import Cache, FeatureCache
from ._database import TaskDatabase
from ._files import with_contents
from ._jobs import JobStore
from ._keys import content_key, row_keys, versions
from ._models import ModelFileError, load, read_manifest, save
from ._parts import GrowingFile, new_parquet, new_table
from ._pyfunc import example_of, requirements
from ._runs import data_key

__all__ = [
    "BlockFolder",
    "Cache",
    "FeatureCache",
    "GrowingFile",
    "JobStore",
    "ModelFileError",
    "TaskDatabase",
    "content_key",
    "data_key",
    "example_of",
    "load",
    "named",
    "new_parquet",
    "new_table",
    "read_manifest",
    "requirements",
    "row_keys",
    "save",
    "shown",
    "versions",
    "with_contents",
    "write_atomic",
]
