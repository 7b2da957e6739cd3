"""The parameters that the three stacks share, once: their types, defaults, checks, and what is said of them."""

from __future__ import annotations  # the signatures of help() show the names of types

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np

from .._checks import (
    POSITIVE,
    ConstraintsMixin,
    Number,
    check_choice,
    check_params,
    did_you_mean,
    having,
    one_of,
    whole,
)
from .._docs import documented
from .._kinds import KINDS, LABEL_SETS, Classes
from .._scorers import check_scorer
from ..data import kinds_by_column, setting_of
from ..meta import CALIBRATORS, check_pruner, make_meta_learner
from ._decisions import OF_CLASSES, check_class_weight, check_threshold, is_by_class, is_for_any

MOST_COPIES = 1000  # a typing error would else fill the memory


def _check_meta_learner(setting, task) -> None:
    own = meta_setting(setting, task)
    if own is not None:
        check_params(make_meta_learner(own, kind=task.kind, n_classes=task.rules.n_classes))


# What may be given by task or kind, each with what checks it: a function of the setting and of a task.
def _check_task_weight(setting, task) -> None:
    own = setting_of(setting, task)
    if own is not None and not (isinstance(own, Real) and 0 <= float(own) < inf):
        raise ValueError(f"task_weight={setting!r} must hold numbers from 0 on.")


BY_TASK = {
    "meta_learner": _check_meta_learner,
    "scoring": lambda setting, task: check_scorer(setting_of(setting, task), task.rules),
    "prune": lambda setting, task: check_pruner(setting_of(setting, task)),
    "calibration": lambda setting, task: check_choice("calibration", setting_of(setting, task), (None, *CALIBRATORS)),
    "threshold": check_threshold,
    "class_weight": check_class_weight,
}
PARAMETERS = """
views : "auto" or list of (name, extractor, column(s)), default="auto"
    The inputs; "auto" infers them from X. An extractor is any transformer. In its place, "drop" leaves the view out,
    and "auto" takes the default extractor of what the column holds.
learners : {"fast", "balanced", "best"}, list of names or (name, estimator[, reads[, form]]), dict, default="balanced"
    Base learners: a portfolio, or a list. A list may call learners by name: "linear", "logistic", "ridge", "kernel",
    "lightgbm", "neighbors", "trees", "xgboost". `reads` is "each" (one copy per view, the default), "all" (one copy on
    all views side by side) or a list of views. `form` is "native" (features as extracted, the default) or "reduced"
    (sparse text as few dense columns). A dict gives a list by task or kind.
meta_learner : str, dict of learner to weight, estimator or dict by task, default="auto"
    Combines the predictions of the learners: "auto", "greedy", "simplex", "linear", "multinomial" (of classes), "mean",
    "median", "rank", "dynamic", weights such as {"linear": 0.6, "gbm": 0.4}, or any estimator. The members of a learner
    share its weight, unless it is given by member: {("linear", "review"): 0.6}.
passthrough : bool, str or list of str, default=False
    Views whose features the final estimator sees beside the predictions; True: all. It is the estimator given as
    `meta_learner`, or a linear one with "auto". `learner("meta_learner")` returns it.
layers : {1, 2}, default=1
    2 adds a second layer: each learner is fitted once more, on its views and on the out-of-fold predictions of the
    first layer. It is kept for a task only where the paired out-of-fold losses say that it helps (see `strategy_`).
scoring : None, str, callable or dict by task, default=None
    Score that the weights maximise. None: minus the log loss of classes, minus the squared error of numbers.
cv : None, int, splitter, list of (train, test) or dict by task, default=None
    Folds. None: 5, or 3 with learners="fast". With a number, rows are shuffled, classes are spread evenly over the
    folds, and `groups` stay together. In a dict tasks without an entry have as many folds as with None; only tasks that
    share their folds read each other's estimates.
refit : bool, default=True
    Refit on all rows; False predicts with the mean of the fold models.
prune : None, "auto", int, selector or dict by task, default=None
    Members to keep. The others are neither refitted nor run at predict.
calibration : None, "temperature", "isotonic" or dict by task, default=None
    Calibrates the probabilities of classes on the out-of-fold predictions.
threshold : None, float, str, callable, dict of costs or dict by task, default=None
    How `predict` chooses a class. None: the most probable one. A metric such as "f1" or "balanced_accuracy", or a
    scorer: thresholds that maximise it on out-of-fold predictions. A number: the second of two classes if its
    probability is above it. Tasks that such a rule does not suit, as "f1" does not suit three classes, go without it.
    A dict from class to the cost of missing it (1 unless named): the class that costs least.
class_weight : None, "balanced", dict or dict by task, default=None
    How much a row of each class counts in the fits of learners, as in scikit-learn. Probabilities are corrected back
    to the true frequencies of the classes. Without a `threshold`, `predict` chooses the class with the largest product
    of weight and probability.
missing_indicator : bool, default=False
    Whether learners are told which views a row lacks, as a further view called "missing views". Use it if a view may
    be missing because of the label.
augment : int, default=0
    Number of changed copies that are added of every training row. Held-out rows are never changed.
on_error : {"raise", "drop"}, default="raise"
    If a learner fails: end the fit, or leave the learner out (see `failures_`).
on_bad : {"raise", "missing"}, default="raise"
    If a file cannot be read: end the fit, or count it as missing.
cache : path, object or None, default=None
    Folder of the feature cache, or any object with the methods of `store.Cache`.
checkpoint : path or None, default=None
    Folder where finished jobs are kept: a fit that was stopped continues from there.
time_budget : float or None, default=None
    Seconds that a fit may take, and a tenth more for a job that still runs. Fast views and learners come first. A
    warning and `fit_report_` list what was left out. The fastest learner of every task is always fitted.
job_timeout : float or None, default=None
    Seconds that one job may take, such as the fit of a learner on a fold. A job that takes longer has failed, and
    `on_error` decides what follows. Jobs then run in worker processes, even one at a time.
n_jobs : int or None, default=None
    Jobs at the same time, as in joblib; None obeys `joblib.parallel_config`.
random_state : int, RandomState instance or None, default=None
    Seed of folds and learners.
verbose : int, default=0
    1 prints a line for every stage, with the remaining time, to standard error. `audit`, `write_report` and
    `leaderboard` then also print what they work on.
columns : dict of column to str, default=None
    Types of columns of X whose inferred type is wrong: "number", "category", "date", "time", "text", "short text",
    "image", "audio", "video", "vector" or "identifier"; "drop" leaves a column out.
rare : {"keep", "drop"}, default="keep"
    What to do with classes of one row, which cannot be both learned and judged. "drop" takes their labels as unknown.
memory : str, float or None, default=None
    Memory that a fit may take in all processes together, beside what this process holds already: "4GB", or a number
    of bytes. Features then lie on disk, lazy frames of polars and Dask are read by chunks, and only as many jobs run
    at once as fit in. A limit that cannot be kept is a ValueError before the fit. The memory is estimated; the limit
    does not change predictions. None: from 50,000 rows on, nine tenths of the free memory that Linux reports, with a
    warning where the fit may take more.
workdir : path or None, default=None
    Folder for features on disk, which are removed after the fit; None: that of the system.
"""
ATTRIBUTES = """
views_ : dict of str to str
    Modality of every view.
schema_ : Schema
    What every column of X was taken for, why, and how its values are read.
oof_ : dict of str to ndarray
    Predictions of the rows of the fit, by task (also where there is one), from models that did not see the row:
    probabilities of shape (n_samples, n_classes), or numbers of shape (n_samples,). NaN where no fold holds the row
    out.
contributions_ : DataFrame of shape (n_members, n_tasks)
    Weight of every (reads, learner) for rows that lack no view; those of a task sum to 1.
cv_results_ : DataFrame
    Score of every member and of the ensemble on every fold: the metric that `scoring` names, else accuracy or R2.
    "mean" is the mean over the folds, weighted by their rows. `leaderboard` compares members on the same rows.
table_ : Table
    What each member predicts for held-out rows; `table_.to_frame()` has columns (task, learner, reads, class), NaN
    where a learner abstained.
meta_learners_ : dict of str to estimator
    What combines the members of each task.
folds_ : list of (train, test), or dict of task to such a list where tasks have folds of their own
    Rows of every fold, as positions.
failures_ : list of dict
    Learners that failed and were left out: "learner", "reads", "task", "error".
fit_report_ : DataFrame
    Jobs, seconds and bytes of every stage.
view_seconds_ : dict of str to float
    Seconds per row that the extraction of each view took in the fit, in the order in which a cascade reads them.
thresholds_ : dict
    Rule by which each task chooses a class, where `threshold` or `class_weight` was given.
strategy_ : DataFrame
    For every task: whether its second level (of `layers=2`, or members that read other tasks) was kept, and the mean
    gain in out-of-fold loss with its standard error, NaN where none was tried.
n_extractions_ : int
    How often a view was extracted: once per fold if its extractor learns, else once.
n_features_in_ : int
    Columns of X, or views of a dict.
feature_names_in_ : ndarray of shape (n_features,)
    Names of the columns, where X is a DataFrame.
"""
# What predictions and displays read of a fit, and users need not: `dir` of a stack leaves it out.
INNER = frozenset(
    "calibrators_ conformal_ groups_ joint_ judged_by levels_ losses_by_views_ present_ readers_ row_marks_ "
    "row_weights_ targets_ view_columns_".split()
)

Parts = str | Sequence[tuple[Any, ...]]  # (name, estimator, ...)
Learners = str | Sequence[str | tuple[Any, ...]]  # names, or as above
LearnersByTask = Learners | Mapping[str, Learners]
Path = str | os.PathLike[str]


class Splitter(Protocol):
    """What draws folds, such as the splitters of `sklearn.model_selection`."""

    def split(self, *args: Any, **kwargs: Any) -> Iterable[tuple[Any, Any]]: ...


Folds = int | Splitter | Iterable[tuple[Any, Any]]
Seed = int | np.random.RandomState


@dataclass(repr=False, eq=False)
class StackParameters(ConstraintsMixin):
    """Constructor of the stacks. scikit-learn asks that it only stores what it is given."""

    views: Parts = "auto"
    learners: LearnersByTask = "balanced"
    meta_learner: Any = "auto"
    passthrough: bool | str | Sequence[str] = False
    layers: int = 1
    scoring: Any = None
    cv: Folds | Mapping[str, Folds] | None = None
    refit: bool = True
    prune: Any = None
    calibration: str | Mapping[str, str | None] | None = None
    threshold: Any = None
    class_weight: Any = None
    missing_indicator: bool = False
    augment: int = 0
    on_error: str = "raise"
    on_bad: str = "raise"
    cache: Any = None
    checkpoint: Path | None = None
    time_budget: float | None = None
    job_timeout: float | None = None
    n_jobs: int | None = None
    random_state: Seed | None = None
    verbose: int = 0
    columns: Mapping[Any, str] | None = None
    rare: str = "keep"
    memory: str | float | None = None
    workdir: Path | None = None

    _parameter_constraints = {
        # Views and folds are read, learners chosen, and settings by task checked before anything is fitted.
        **dict.fromkeys(("views", "columns", "learners", "cv", "memory", *BY_TASK), "no_validation"),
        "refit": ["boolean"],
        "passthrough": ["boolean", str, list, tuple],
        "layers": [whole(1, 2)],
        "missing_indicator": ["boolean"],
        "augment": [whole(0, MOST_COPIES)],
        "on_error": [one_of("raise", "drop")],
        "on_bad": [one_of("raise", "missing")],
        "cache": [None, str, os.PathLike, having("get", "put", "get_rows", "put_rows")],
        "checkpoint": [None, str, os.PathLike],
        "time_budget": [None, POSITIVE],
        "job_timeout": [None, POSITIVE],
        "n_jobs": [None, whole(1), Number(Integral, None, -1, closed="right")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "rare": [one_of("keep", "drop")],
        "workdir": [None, str, os.PathLike],
    }

    @property
    def _folds(self):
        """What draws the folds: `cv`, or what it stands for."""
        return usual_folds(self.learners) if self.cv is None else self.cv


def usual_folds(learners) -> int:
    """Return the number of folds where none is given.

    New rows are predicted by learners that were fitted on all rows; folds tell what these weigh, and what they are
    worth. Three folds told the weights of "fast" as well as five.
    """
    return 3 if isinstance(learners, str) and learners == "fast" else 5


shared_words = documented(parameters=PARAMETERS, attributes=ATTRIBUTES)


def check_weights(setting, tasks, members) -> None:
    """Raise a ValueError unless weights that are given by learner name learners, and some of each task."""
    by_task = {name: meta_setting(setting, task) for name, task in tasks.items()}
    for name, weights in by_task.items():
        if by_learner(weights):
            _check_weights_of(name, weights, members)


def _check_weights_of(task, weights, members):
    known, own = _weighable(members), _weighable([member for member in members if member.task == task])
    unknown = next((key for key in weights if key not in known), None)
    if unknown is not None:
        some = sorted((key for key in known if isinstance(key, type(unknown))), key=str)
        raise ValueError(
            f"meta_learner gives a weight to {unknown!r}, which is not a learner: use some of "
            f"{', '.join(map(repr, some))}.{did_you_mean(unknown, some) if isinstance(unknown, str) else ''}"
        )
    if not all(0 <= weight < inf for weight in weights.values()):
        raise ValueError(f"meta_learner={weights!r} must hold numbers from 0 on.")
    if not any(weights.get(key, 0) > 0 for key in own):
        raise ValueError(f"meta_learner={weights!r} gives no learner of task {task!r} a weight above 0: add one.")


def _weighable(members) -> set:
    """Return what a weight may be given to: learners by name, or one of their readings."""
    return {key for member in members for key in (member.learner, tuple(member))}


def check_settings(model: StackParameters, tasks) -> None:
    """Raise a ValueError unless what may be set by task or kind suits every task."""
    checks = BY_TASK | ({"task_weight": _check_task_weight} if hasattr(model, "task_weight") else {})
    for parameter, check in checks.items():
        _check_setting(parameter, getattr(model, parameter), check, tasks)


def _check_setting(parameter, setting, check, tasks) -> None:
    of_classes = parameter in OF_CLASSES
    served = [task for task in tasks.values() if not of_classes or task.rules.region == "sets"]
    if setting is not None and not served:
        raise ValueError(f"{parameter}={setting!r} is for classes, and no task has any: leave it out.")
    if isinstance(setting, dict) and not _is_by_part(parameter, setting, tasks):
        check_entries(parameter, setting, tasks)
        if parameter in (*OF_CLASSES, "calibration"):
            _check_served(parameter, setting, tasks)
    faults = list(filter(None, (_fault_of(check, setting, task) for task in served)))
    enough = len(served) if of_classes and is_for_any(setting) else 1  # what is for any task need not suit all
    if faults and len(faults) >= enough:
        raise faults[0]


def _is_by_part(parameter, setting, tasks) -> bool:
    """Tell whether a dict has an entry per class or per learner, not per task."""
    if parameter in OF_CLASSES:
        return any(is_by_class(setting, task) for task in tasks.values())
    return parameter == "meta_learner" and by_learner(setting)


def _fault_of(check, setting, task):
    """Return the error of a check; None where a setting suits a task."""
    try:
        return check(setting, task)
    except (TypeError, ValueError) as error:
        return error


def check_entries(parameter, setting, tasks) -> None:
    """Raise a ValueError where a dict has an entry for what is no task, no column of tags and no kind."""
    known = list(dict.fromkeys([*tasks, *kinds_by_column(tasks), Classes.family, *KINDS, LABEL_SETS]))
    unknown = next((key for key in setting if key not in known), None)
    if unknown is not None:
        raise ValueError(
            f"{parameter} has an entry for {unknown!r}, which is neither a task nor a kind of task: "
            f"use some of {', '.join(map(repr, known))}.{did_you_mean(unknown, known)}"
        )


def _check_served(parameter, setting, tasks) -> None:
    """Raise a ValueError where a dict has an entry for a task without classes, which would do nothing."""
    for name, task in tasks.items():
        if task.rules.region != "sets" and setting.get(name) is not None:
            raise ValueError(f"{parameter} has an entry for task {name!r}, which has no classes: leave the entry out.")


def calibrator_of(setting, task):
    """Return the name of the calibrator of a task's probabilities; None without one, and for numbers."""
    return setting_of(setting, task) if task.rules.region == "sets" else None


def meta_setting(setting, task):
    """Return what makes the meta-learner of a task, of a setting that may be by task; weights are for all tasks."""
    return setting if by_learner(setting) else setting_of(setting, task)


def by_learner(setting):
    """Tell whether a setting is a dict of weights."""
    return isinstance(setting, dict) and bool(setting) and all(isinstance(value, Real) for value in setting.values())
