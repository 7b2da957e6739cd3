"""What a fit takes of memory and disk, and how many of its jobs fit into a limit at the same time."""

import contextlib
import re
import warnings
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from .._by_rows import BINNED, LONG, boosts_by_rows, reads_to_the_end
from .._checks import warn
from .._estimators import most_rows, split_stateless
from .._modalities import MODALITIES
from .._plain_words import plural
from .._rows import MANY_ROWS, size_of
from ..data import ColumnsOnDisk
from ._execute import JobError, Runner
from ._extract import merges
from ._plan import Member, failure_of

TRIAL_ROWS = 120  # that are extracted to learn how wide features are
OVERHEAD = 64e6  # bytes of buffers, whatever the data
PROCESS = 250e6  # bytes of a worker process, with the libraries of learners
COPIES = 4  # of its features that the fit of a learner is taken to make: more than those of most portfolios do
BOOSTED_COPIES = {"lightgbm": 0.25, "xgboost": 0.5}  # of boosting by parts: one byte per number, or two
BOOSTED_ROW = 48  # bytes per row of its gradients, scores and places of rows
SAMPLED_COPIES = 6  # beside these, of the rows that its bins are made from
MAP_COPIES = 4  # of the columns that the map of a kernel makes of its features
READ_COPIES = 2  # of the values of a view, and of its features, unless these are made part by part
PART = 64.0  # bytes per row of a view that is read part by part
FREE_SHARE = 0.9  # of the memory that is free, which a fit may take
CONTAINERS = (  # the limit of one, what is taken of it, and what of that are files that are only kept for later
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
ROW = 16  # bytes per row beside its features: a number per fold and target, and on disk per column of the table


@dataclass(frozen=True)
class Needs:
    """What a fit is estimated to take, in bytes, beside what is in memory before."""

    n_jobs: int  # at a time
    memory: float  # of all processes together
    disk: float
    members: tuple[Member, ...] = field(repr=False)  # those whose fits are small enough

    def __str__(self):
        return (
            f"about {shown_bytes(self.memory)} of memory beside what the process holds already, "
            f"{plural(self.n_jobs, 'job')} at a time, and {shown_bytes(self.disk)} on disk"
        )


def needs_within(limit, run, members) -> Needs:
    """Return what a run takes with as many jobs at a time as fit into a limit of bytes.

    Raises
    ------
    ValueError
        Where a view, or a learner that is not to be dropped then, takes more by itself, or the features of all folds
        take more than the disk has.
    """
    n_rows, n_folds = run.problem.n_rows, len(run.folds) + bool(run.refit)
    values, blocks = _bytes_of_rows(run, members)
    by_parts = {view.name for view in run.problem.views if merges(split_stateless(view.extractor)[1])} & set(values)
    in_parts = {view.name for view in run.problem.views if _is_read_in_parts(view, run.problem)} & set(values)
    vectors = {name for name in by_parts if _are_vectors_on_disk(run.problem.columns, name)}
    on_disk = n_rows * _bytes_on_disk(blocks, sum(values[name] for name in vectors), n_folds)
    on_disk += n_rows * ROW * sum(run.problem.tasks[member.task].rules.n_columns for member in members)
    if run.folder is not None and on_disk > run.folder.free:
        raise ValueError(
            f"Features and predictions of {n_rows} rows in {n_folds} folds take about {shown_bytes(on_disk)} on disk, "
            f"and {run.folder.path.parent} has {shown_bytes(run.folder.free)}: name a workdir with more."
        )
    shared = OVERHEAD + n_rows * ROW * (n_folds + len(run.problem.tasks))
    whole = by_parts if run.keys is not None else by_parts - vectors  # keys of a checkpoint are made of all
    read = _bytes_read(values, blocks) | {name: values[name] if name in whole else 0.0 for name in by_parts}
    read |= dict.fromkeys(in_parts, PART)
    read = {name: shared + n_rows * size for name, size in read.items()}
    fits = {m: shared + size for m, size in _bytes_of_fits(n_rows, members, blocks).items()}
    _check_views(limit, read)
    large = _too_large(limit, run, fits)
    fits = {member: size for member, size in fits.items() if member not in large}
    n_jobs, needed = _jobs_within(limit, shared, max([*read.values(), *fits.values()]) - shared, run.runner.n_workers)
    return Needs(n_jobs, needed, on_disk, tuple(fits))


def _jobs_within(limit, shared, job, most):
    """Return how many jobs of a size fit into a limit at a time, beside what they share, and the bytes of them all."""
    for n_jobs in range(most, 1, -1):
        if (needed := shared + n_jobs * (job + PROCESS)) <= limit:
            return n_jobs, needed
    return 1, shared + job


def _bytes_on_disk(blocks, vectors, n_folds) -> float:
    """Return what a row takes of disk: its features by fold, and vectors, of which a file is made first."""
    return vectors + sum(size * (1 if fold is None else n_folds) for (_, fold, _, _), size in blocks.items())


def _bytes_read(values, blocks) -> dict[str, float]:
    """Return what a row takes in memory while a view is read whole: its values, and the features of one fold."""
    made = {(view, form): size for (view, _, _, form), size in blocks.items()}
    return {name: READ_COPIES * (size + sum(made[key] for key in made if key[0] == name))
            for name, size in values.items()}  # fmt: skip


def _is_read_in_parts(view, problem) -> bool:
    """Tell whether a view of many rows is read some rows, or one column, at a time though nothing is merged."""
    extractor, takes = split_stateless(view.extractor)[1], MODALITIES[view.modality].takes
    if problem.n_rows < MANY_ROWS:
        return False
    if takes == "table":
        return "fit_columns" in vars(type(extractor))
    known = problem.schema[view.columns] if isinstance(view.columns, str) and view.columns in problem.schema else None
    repeats = known is not None and known.distinct is not None and 2 * known.distinct <= problem.n_rows
    return "fit_parts" in vars(type(extractor)) and known is not None and (known.is_sentences or repeats)


def _are_vectors_on_disk(columns, name) -> bool:
    return isinstance(columns, ColumnsOnDisk) and columns.are_vectors(name)


def is_large(run) -> bool:
    """Tell whether a run on this machine has so many rows that it may take more memory than is free.

    A trial, which tells how much it takes, costs little then.
    """
    return run.problem.n_rows >= MANY_ROWS and (run.runner.n_workers == 1 or run.runner.sends_files)


def free_memory() -> int | None:
    """Return the bytes of memory that can be taken on this machine, or in its container; None where it does not say."""
    try:
        told = re.search(r"MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        told = None
    if told is None:
        return None
    free = 1024 * int(told[1])
    for container in CONTAINERS:
        with contextlib.suppress(OSError, ValueError):  # it has no limit
            free = min(free, _free_of(*container))
    return free


def _free_of(folder, limit, taken, kept):
    """Return the bytes that a container has left, by the names of what its folder tells."""
    limit, taken = (int(Path(folder, name).read_text()) for name in (limit, taken))
    found = re.search(rf"^{kept} (\d+)", Path(folder, "memory.stat").read_text(), re.MULTILINE)
    return max(0, limit - taken + (int(found[1]) if found else 0))


def needs_disk(free, run, members) -> bool:
    """Tell whether the features of a run are to lie on disk, for what is free has no room for them; lower its jobs.

    What has no room even then is told, before it starts.
    """
    try:
        needs = needs_within(free, replace(run, on_error="raise"), members)
    except ValueError as error:
        run.runner.n_jobs = 1
        warn(f"This fit may take more memory than is free. {error}", UserWarning)
        return True
    run.runner.n_jobs = min(needs.n_jobs, run.runner.n_workers)
    return needs.memory + needs.disk > free


def _bytes_of_fits(n_rows, members, blocks):
    """Return what the fit of each member takes of memory, from the bytes of a row of the blocks."""
    key_of = {(view, form): (view, fold, task, form) for view, fold, task, form in blocks}
    needed = {}
    for m in members:
        keys = [key_of.get((view, m.form), key_of.get((view, "native"))) for view in m.views]
        read = sum(blocks[key] for key in keys if key is not None)
        copied = _copied_rows(m.estimator, n_rows)
        if reads_to_the_end(m.estimator):
            copied = min(copied, COPIES * LONG)
        beside = n_rows * BOOSTED_ROW if boosts_by_rows(m.estimator) else 0
        needed[m] = max(copied * read + beside, _bytes_mapped(m.estimator, n_rows))
    return needed


def _copied_rows(estimator, n_rows):
    """Return how many rows of its features the fit of a learner is taken to hold."""
    if boosts_by_rows(estimator):
        package = type(getattr(estimator, "regressor", estimator)).__module__.partition(".")[0]
        return n_rows * BOOSTED_COPIES[package] + min(n_rows, BINNED) * SAMPLED_COPIES
    return COPIES * min(n_rows, most_rows(estimator))


def _bytes_mapped(estimator, n_rows):
    """Return what more columns, which a part of a learner makes of its features in single precision, take."""
    made = [value for name, value in estimator.get_params(deep=True).items()
            if name.rpartition("__")[2] == "n_components" and isinstance(value, Integral)]  # fmt: skip
    return 4 * MAP_COPIES * min(n_rows, most_rows(estimator)) * max(made, default=0)


def _check_views(limit, read):
    name = max(read, key=read.__getitem__)
    if read[name] > limit:
        raise ValueError(
            f"To read view {name!r} takes about {shown_bytes(read[name])} beside what the process holds already, and "
            f"memory allows {shown_bytes(limit)}: allow more, or let several views read fewer columns each."
        )


def _too_large(limit, run, fits):
    """Return the members whose fit takes more than the limit; an error unless they are to be left out, and can be."""
    large = {member: size for member, size in fits.items() if size > limit}
    if not large:
        return {}
    served = {member.task for member in fits if member not in large}
    named = "; ".join(f"{member}: {shown_bytes(size)}" for member, size in large.items())
    words = f"takes about so much beside what the process holds already, and memory allows {shown_bytes(limit)}"
    if run.on_error == "raise" or served < {member.task for member in fits}:
        raise ValueError(
            f"A fit of these learners {words} ({named}): allow more, let them read fewer views or columns at once, or, "
            "where others are left, leave them out with on_error='drop'."
        )
    for member, size in large.items():
        error = f"its fit takes about {shown_bytes(size)}, and memory allows {shown_bytes(limit)}"
        run.failures.append(failure_of(member, "all", error))
    warn(f"Left out, because a fit of them {words}: {named}.", UserWarning)
    return large


def shown_bytes(n) -> str:
    """Return an amount of memory as people say it."""
    unit = next(unit for unit in ("GB", "MB", "kB") if n >= {"GB": 1e9, "MB": 1e6, "kB": 0}[unit])
    return f"{n / {'GB': 1e9, 'MB': 1e6, 'kB': 1e3}[unit]:.3g} {unit}"


def _bytes_of_rows(run, members):
    """Return what a row takes, from a trial on few rows: its values by view, and its features by block."""
    rows = np.unique(np.linspace(0, run.problem.n_rows - 1, TRIAL_ROWS).astype(np.intp))
    problem = run.problem.take(rows)
    problem = replace(problem, weights=dict.fromkeys(problem.tasks))
    every = np.arange(len(rows))
    trial = replace(
        run, problem=problem, folds=[(every, every[:0])], refit=False, runner=Runner(n_jobs=1), on_bad="missing",
        n_copies=0, cache=None, keys=None, folder=None,
    )  # fmt: skip
    values = {name: _size_of_values(column) / len(rows) for name, column in problem.columns.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit itself tells
        try:
            trial.extract(members)
        except (JobError, ValueError):  # an extractor that cannot learn from so few rows
            return values, {(name, 0, None, "native"): size for name, size in values.items()}
    return values, {key: size_of(block) / len(rows) for key, block in trial.features.blocks.items()}


def _size_of_values(column) -> float:
    if hasattr(column, "memory_usage"):
        return float(column.memory_usage(index=False, deep=True).sum())
    if sparse.issparse(column) or column.dtype != object:
        return size_of(column)
    return float(pd.Series(column.ravel()).memory_usage(index=False, deep=True))
