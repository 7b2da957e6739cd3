"""Arguments of a command -> the table, the model or the stack that it works on."""

import numpy as np
import pandas as pd

from .._checks import did_you_mean
from .._plain_words import plural
from ._tables import some


def read_given(args, targets=(), media=()):
    """Read the table that is named, split into X and the targets; columns of `media` hold paths of files."""
    from ..data import read_table

    return read_table(
        args.data, targets, args.root, media=media, sep=args.sep, decimal=args.decimal, encoding=args.encoding,
        memory=getattr(args, "memory", None),
    )  # fmt: skip


def training_table(args):
    """Return X, Y, the groups and weights as a fit takes them, and what names the rows, or None."""
    X, Y = read_given(args, [name for names in args.targets for name in names])
    dropped = [name for names in args.drop for name in names]
    dropped += [column for column in (args.groups, args.weights, args.id) if column is not None]
    absent = [name for name in dropped if name not in X.columns]
    if absent:
        near = did_you_mean(absent[0], X.columns)
        raise ValueError(f"{args.data!r} has no column {absent[0]!r}; its columns are {some(X)}.{near}")
    groups, names = (None if c is None else X[c].to_numpy(object) for c in (args.groups, args.id))
    weights = None if args.weights is None else _weights(X[args.weights])
    if not {*X.columns} - {*dropped}:
        raise ValueError(f"{args.data!r} has no columns left to learn from.")
    return X.drop(columns=dropped), Y, {"groups": groups, "sample_weight": weights}, names


def _weights(column):
    """Return a column as weights of rows."""
    weights = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise ValueError(
            f"--weights {column.name!r} is no number of at least 0 in {plural(len(wrong), 'row')}, such as "
            f"{str(column.iloc[wrong[0]])!r} in row {wrong[0]}: give every row a weight, 0 to leave it out."
        )
    return weights


def stack_of(args):
    """Return an unfitted stack with the options of the command."""
    from ..stacking import MultiOutputStack

    return MultiOutputStack(
        learners=args.learners, strategy=args.strategy, meta_learner=args.meta_learner, cv=args.cv, prune=args.prune,
        calibration=args.calibration, augment=args.augment, on_bad=args.on_bad, on_error=args.on_error,
        time_budget=args.time_budget, job_timeout=args.job_timeout, cache=args.cache, checkpoint=args.checkpoint,
        n_jobs=args.jobs, random_state=args.seed, tasks=dict(args.kind) if args.kind else "auto",
        columns=dict(args.said) or None, rare=args.rare, threshold=args.threshold,
        missing_indicator=args.missing_indicator, class_weight=args.class_weight, memory=args.memory,
        workdir=args.workdir,
    )  # fmt: skip


def rows_for(args, model):
    """Read the table of a command that has a model: no column is a target yet."""
    return read_given(args, media=media_of(model))[0]


def load_model(args):
    """Load the model that is named; with ``--on-bad missing`` it takes items that cannot be read as missing."""
    from ..store import load

    model = load(args.model, trusted=args.trust)
    if getattr(args, "on_bad", "raise") == "missing" and hasattr(model, "readers_"):
        for reader in model.readers_.values():
            reader.take_bad_as_missing()
    return model


def split(model, table):
    """Return the columns of a table, of which the model finds its own, and those of its targets (or None)."""
    whole = [column for name, task in getattr(model, "tasks_", {}).items()
             for column in task.parts or (task.column or name,)]  # fmt: skip
    targets = [column for column in dict.fromkeys([*whole, *targets_of(model)]) if column in table.columns]
    return table.drop(columns=targets), table[targets] if targets else None


def targets_of(model) -> list:
    """Return the names of the tasks of a model."""
    return list(getattr(model, "tasks_", ()))


def media_of(model) -> list:
    """Return the columns that a model reads as media."""
    from .._modalities import MODALITIES
    from ..data import columns_read

    views = getattr(model, "views_", {}).items()
    names = [name for name, modality in views if MODALITIES[modality].suffixes]
    return [column for name in names for column in columns_read(model.view_columns_[name])]


def texts_of(model) -> list:
    """Return the columns whose cells a model does not read as numbers: digits that begin with 0 are none there."""
    columns = model.schema_.columns if hasattr(model, "schema_") else ()
    return [column.name for column in columns if column.taken_as != "number"]
