"""The engine: a plan of jobs, what runs it, and the table of out-of-fold predictions.

The only folder that holds rows out. `CrossFit` extracts every view once per fold and fits members on
the folds; `NewRows` runs the fitted models on new rows.
"""

from ._continued import UpdateMember
from ._each import each_by
from ._execute import Job, JobError, Runner, check_failures
from ._extract import by_content
from ._features import Features, Reader, plan_extractions
from ._folds import draw_folds
from ._jobs import FittedMember, counted_classes, pieces
from ._memory import FREE_SHARE, free_memory, is_large, needs_disk, needs_within
from ._new_rows import NewRows
from ._patterns import LossesByViews, patterns_of, patterns_to_try
from ._plan import (
    ALL_ROWS,
    MISSING,
    MISSING_VIEWS,
    Estimate,
    Fit,
    LearnerSpec,
    Member,
    Plan,
    check_learners,
    members_of,
    seed_of,
)
from ._run import FIT_SHARE, CrossFit, in_time_order
from ._table import Table
from ._trial import measured
from ._unseen import Unseen
