"""Features of a run: every view is extracted once per fold, and once for all folds where its extractor needs no fit."""

from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from .._checks import BadItemsError, BadItemsWarning, as_items, warn
from .._estimators import learns_from_labels, seeded, split_stateless
from .._modalities import MODALITIES
from ..data import ChunkedData, ColumnOnDisk, ColumnsOnDisk, present_rows, take_rows
from ..store import content_key, versions
from ._execute import Skipped, check_failures
from ._extract import Chunk, FitExtractor, at_hand, by_content, merges
from ._joined import spread_rows
from ._plan import ALL_ROWS, Extraction, seed_of

CHUNK_ROWS = 256  # most rows that one job of an extractor that needs no fit reads
TRIED_ROWS = 16  # what tells whether there is time for the others
BEGIN_SHARE, END_SHARE = 0.4, 0.6  # of the time: after it, no further view is begun, and none is gone on with


@dataclass
class Reader:
    """How one view is read: by a part that needs no fit, then by what was fitted for each fold."""

    stateless: object = None
    fitted: dict = field(default_factory=dict)  # (fold, task) -> (extractor or None, reducer or None)

    @property
    def is_read(self):
        """Whether the part that needs no fit gives the features."""
        return self.stateless is not None and all(extractor is None for extractor, _ in self.fitted.values())

    @property
    def takes_few(self):
        """Whether it reads a table as `FewRows`, too."""
        return all("takes_few" in vars(type(extractor)) for extractor, _ in self.fitted.values())

    def only(self, reads):
        """Return the reader without what nobody reads; `reads` holds the (fold, task, form) of those who do."""
        fitted = {}
        for (fold, task), (extractor, reducer) in self.fitted.items():
            forms = {form for f, t, form in reads if f == fold and task in (None, t)}
            if forms:
                fitted[fold, task] = extractor, reducer if "reduced" in forms else None
        return Reader(self.stateless, fitted)

    def take_bad_as_missing(self):
        """Let items that cannot be read count as missing from now on."""
        for extractor in [self.stateless, *(extractor for extractor, _ in self.fitted.values())]:
            names = extractor.get_params() if extractor is not None else ()
            bad = [name for name in names if name.rpartition("__")[2] == "on_bad"]
            if bad:
                extractor.set_params(**dict.fromkeys(bad, "missing"))


def plan_extractions(views, n_folds, refit, tasks):
    """List the extractions of a run."""
    jobs = []
    for view in views:
        stateless, rest = split_stateless(view.extractor)
        if stateless is not None:
            jobs.append(Extraction(view.name, None))
        if rest is not None:
            for fold in [*range(n_folds), *([ALL_ROWS] if refit else [])]:
                jobs += [Extraction(view.name, fold, task) for task in (tasks if learns_from_labels(rest) else [None])]
    return jobs


def present_of(columns):
    """Return which rows have the view that each column holds."""
    if isinstance(columns, ColumnsOnDisk):
        return columns.there()
    return {name: present_rows(column) for name, column in columns.items()}


class Features:
    """Blocks of features of some rows, by view, fold, task and form, and which of the rows each view has.

    Blocks of training rows are `n_rows * (1 + n_copies)` long: the samples, then their augmented copies.
    """

    def __init__(self, present):
        self.present, self.n_rows = present, len(next(iter(present.values())))
        self.readers, self.blocks = {}, {}

    def readable(self, member):
        """Return which rows have a view that a member reads: all where it reads none."""
        views = [self.present[view] for view in member.views]
        return np.any(views, axis=0) if views else np.ones(self.n_rows, dtype=bool)

    def block(self, view, fold, task, form):
        """Return the block that a member reads, or None when the view was missing in every training row."""
        for f in (form, "native"):
            for place in ((fold, task), (fold, None), (None, None)):
                if (view, *place, f) in self.blocks:
                    return self.blocks[view, *place, f]
        return None


class TrainingFeatures(Features):
    """Features of the rows of a run, which its extractors are fitted on.

    Parameters
    ----------
    run : CrossFit
    forms : dict of str to set of str
        The forms in which each view is read.
    """

    def __init__(self, run, forms):
        self.columns = run.problem.columns
        there = run.problem.there
        super().__init__({name: there[name] for name in self.columns} if there else present_of(self.columns))
        self.run, self.forms = run, forms
        self.views = {view.name: view for view in run.problem.views}
        self.n_extractions = 0

    def extract(self):
        """Run the extractions of all views; when time is short, view by view, as long as there is time.

        Views that were not extracted in time are not among `readers`. The first always is.
        """
        runner = self.run.runner
        if runner.deadline is None:
            for names in self._together():
                self._extract(names, required=True)
            return
        order = sorted(self.views, key=lambda name: MODALITIES[self.views[name].modality].cost)
        for name in order:
            if name != order[0] and runner.is_over(BEGIN_SHARE):
                runner.leave_out("extract", f"view {name!r}")
            else:
                self._extract([name], required=name == order[0])
        self.present = {name: rows for name, rows in self.present.items() if name in self.readers}

    def _together(self):
        """Return lists of views to extract at a time: of those on disk that this process reads, one."""
        if not isinstance(self.run.problem.source, ChunkedData):
            return [list(self.views)]
        return [list(names) for _, names in groupby(self.views, lambda name: self._is_sent(name) or name)]

    def _is_sent(self, name):
        """Tell whether the jobs, in other processes, read the items of a view from disk themselves."""
        stateless, _ = split_stateless(self.views[name].extractor)
        return self.run.runner.n_workers > 1 and self._is_left_on_disk(stateless)

    def _is_left_on_disk(self, stateless):
        run = self.run
        return isinstance(self.columns, ColumnsOnDisk) and stateless is None and run.cache is None and not run.n_copies

    def _extract(self, names, required):
        """Run the extractions of some views: those that need no fit in chunks of rows, then the others fold by fold."""
        parts = {name: split_stateless(self._prepared(self.views[name])) for name in names}
        columns = {name: self._column(name, *parts[name]) for name in names}
        present = {name: np.tile(self.present[name], 1 + self.run.n_copies) for name in names}
        stateless = {name: first for name, (first, _) in parts.items() if first is not None}
        read = read_rows(
            stateless, columns, present, self.n_rows, self.run.runner, self.run.cache, required=required,
            share=END_SHARE,
        )  # fmt: skip
        if read is None:
            return
        read = {name: self._kept(block) for name, block in read.items()}
        jobs = []
        for name in names:
            self.present[name] = present[name][: self.n_rows]
            jobs += self._fits(name, parts[name], read.get(name, columns[name]), present[name], required)
        # What takes long comes first, so that the workers end together.
        jobs.sort(key=lambda job: -MODALITIES[self.views[job.mark.view].modality].cost)
        results = self.run.runner.run_whole("extract", jobs, share=END_SHARE)
        check_failures(jobs, results)
        if any(isinstance(result, Skipped) for result in results):
            return
        self.readers |= {name: Reader(stateless.get(name)) for name in names}
        self.blocks |= {(name, None, None, "native"): read[name] for name in stateless if parts[name][1] is None}
        self.n_extractions += len(stateless) + sum(parts[job.mark.view][1] is not None for job in jobs)
        self._take(jobs, results)
        if self.run.folder is not None:
            for name in columns.keys() - stateless.keys():
                self.run.folder.forget(columns[name])  # vectors that were mapped for the extractors

    def _take(self, jobs, results):
        """Keep what the extractions of folds gave: how new rows are read, and the features."""
        for job, (extractor, reducer, blocks) in zip(jobs, results, strict=True):
            view, fold, task = job.mark.view, job.mark.fold, job.mark.task
            self.readers[view].fitted[fold, task] = (extractor, reducer)
            self.blocks |= {(view, fold, task, form): self._kept(block) for form, block in blocks.items()}

    def _kept(self, block):
        """Return a block as it is kept: in memory, or on disk, where a result of a checkpoint is not yet."""
        return block if self.run.folder is None else self.run.folder.keep(block)

    def _fits(self, name, parts, column, present, required):
        """Return the jobs that fit what is to be fitted of a view's extractor, on each fold."""
        stateless, rest = parts
        reducer = self._reducer(stateless if rest is None else rest, name)
        if rest is None and reducer is None:
            return []
        run, column_key = self.run, ""
        if run.cache is not None:
            items = by_content(rest, column, run.cache) if stateless is None else column
            column_key = content_key(items, versions())
        supervised, jobs = learns_from_labels(rest), []
        for fold in [*range(len(run.folds)), *([ALL_ROWS] if run.refit else [])]:
            for task in run.problem.tasks if supervised else [None]:
                rows, others = self._rows_of(fold, task, present)
                if not len(rows):
                    continue  # the view is missing in every training row of this fold
                mark = Extraction(name, fold, task)
                seed = seed_of(run.seed, str(mark))
                y, weight, groups = self._taught(task)
                extractor, reduce = (None if part is None else seeded(part, seed) for part in (rest, reducer))
                jobs.append(
                    FitExtractor(
                        mark, extractor, reduce, column, rows, others, y, weight,
                        groups, tuple(sorted(self.forms[name])), run.cache, column_key, run.folder,
                        key=run.keys and run.keys(mark), required=required,
                    )
                )  # fmt: skip
        return jobs

    def _taught(self, task):
        """Return labels, weights and groups of the rows that an extractor learns from; a row and its copies are one."""
        problem, n = self.run.problem, 1 + self.run.n_copies
        if task is None:
            return None, problem.row_weight, None
        y, weight, groups = problem.targets[task], problem.row_weight, problem.group_codes
        y = problem.tasks[task].rules.values(y)
        if n == 1:
            return y, weight, groups
        groups = np.arange(len(y)) if groups is None else groups
        return np.tile(y, n), None if weight is None else np.tile(weight, n), np.tile(groups, n)

    def _rows_of(self, fold, task, present):
        """Return the rows that an extractor learns from, and the other rows of its fold, with copies, that it reads."""
        train, test = self.run.rows_of_fold(fold)
        weight = self.run.problem.row_weight
        rows = train[present[train]]
        if weight is not None:  # a row of weight zero teaches an extractor nothing
            rows = rows[weight[rows] > 0]
        if task is not None:
            rows = rows[~np.isnan(self.run.problem.targets[task][rows])]
            # Its copies, too: read by what knows their label, they would teach learners to trust what is read.
            rows = self._with_copies(rows)
            rows = rows[present[rows]]
        idle = np.zeros(len(present), dtype=bool)
        idle[self._with_copies(train)] = True
        idle[rows] = False
        others = np.concatenate([test, np.flatnonzero(idle)])
        return rows, others[present[others]]

    def _with_copies(self, rows):
        return np.concatenate([rows + self.n_rows * copy for copy in range(1 + self.run.n_copies)])

    def _prepared(self, view):
        extractor = clone(view.extractor)
        if self.run.on_bad != "raise" and "on_bad" in extractor.get_params():
            extractor.set_params(on_bad=self.run.on_bad)
        return extractor

    def _reducer(self, extractor, name):
        if "reduced" not in self.forms[name]:
            return None
        last = extractor.steps[-1][1] if isinstance(extractor, Pipeline) else extractor
        return last.make_reducer() if hasattr(last, "make_reducer") else None

    def _column(self, name, stateless, extractor):
        """Return the items of a view, with augmented copies; of data on disk what other processes read them by."""
        run = self.run
        if self._is_left_on_disk(stateless):
            column = ColumnOnDisk(self.columns, name)
            as_file = column.are_vectors and merges(extractor)  # one, that all jobs read
            return at_hand(column, extractor, run.folder) if as_file or run.runner.n_workers == 1 else column
        if not run.n_copies:
            return self.columns[name]
        seed, extractor = seed_of(self.run.seed, f"augment {name}"), self.views[name].extractor
        return augmented(extractor, self.columns[name], self.present[name], self.run.n_copies, seed)


def read_rows(extractors, columns, present, n_own, runner, cache=None, *, required=True, share=1.0):
    """Run the extractors that need no fit; return {view: block}, or None when the time was over before all were done.

    Rows that turn out to hold nothing, as a silent clip, are taken out of `present`. Rows behind the first `n_own` are
    copies of these.
    """
    jobs = [
        Chunk(name, extractor, take_rows(columns[name], rows), rows, cache, required=required)
        for name, extractor in extractors.items()
        for rows in _chunks(np.flatnonzero(present[name]), runner.n_workers, tried=not required)
    ]
    results = runner.run_whole("read", jobs, share=share) if jobs else []
    check_failures(jobs, results)
    if any(isinstance(result, Skipped) for result in results):
        return None
    places = [(job.view, job.rows) for job in jobs]
    read = merge_chunks(places, results, {name: len(present[name]) for name in extractors}, n_own)
    for name, block in read.items():
        if not sparse.issparse(block):
            present[name] = present[name] & ~np.isnan(block).all(axis=1)
    return read


def _chunks(rows, n_workers, tried):
    """Return chunks of rows; where there may be no time for all, the first is small and tells how long they take."""
    first = rows[: TRIED_ROWS if tried else 0]
    return [part for part in (first, *chunks(rows[len(first) :], n_workers)) if len(part)]


def chunks(rows, n_workers):
    """Cut rows in pieces of at most CHUNK_ROWS, and at least one per worker where there is enough work."""
    if not len(rows):
        return []
    n = max(-(-len(rows) // CHUNK_ROWS), min(n_workers, -(-len(rows) // 32)))
    return np.array_split(rows, n)


def merge_chunks(places, results, n_rows, n_own):
    """Join the chunks of every view to one block; bad items of all views become one error, or one warning.

    `n_rows` tells how long the blocks are; rows behind the first `n_own` are copies of these.
    """
    merged, errors, missing = {}, {}, {}
    for (name, rows), (block, bad) in zip(places, results, strict=True):
        if bad is not None:
            (errors if block is None else missing).setdefault(name, []).append((rows, bad))
    if errors:
        raise _bad_items(errors, n_own)
    if missing:
        warn(BadItemsWarning(_bad_items(missing, n_own)))
    for name, n in n_rows.items():
        pieces = [(rows, block) for (view, rows), (block, _) in zip(places, results, strict=True) if view == name]
        if not pieces:
            merged[name] = np.full((n, 1), np.nan, np.float32)
            continue
        rows = np.concatenate([rows for rows, _ in pieces])
        blocks = [block for _, block in pieces]
        widths = sorted({block.shape[1] for block in blocks})
        if len(widths) > 1:
            raise ValueError(
                f"The rows of view {name!r} have different numbers of features ({', '.join(map(str, widths))}): an "
                "extractor must give each row the same. If it does, the folder given as cache holds rows that were "
                "made otherwise: remove it."
            )
        stacked = sparse.vstack(blocks, format="csr") if sparse.issparse(blocks[0]) else np.vstack(blocks)
        merged[name] = spread_rows(stacked, rows, n)
    return merged


def _bad_items(bad, n_own) -> BadItemsError:
    """Return one error about bad items, {view: [(rows of a chunk, its error)]}; what two views read counts once."""
    found: dict = {name: {} for name in bad}  # (row, reason) -> None, in order
    for name, errors in bad.items():
        told = {item for items in found.values() for item in items}
        items = sorted((int(rows[row]) % n_own, reason) for rows, error in errors
                       for row, reason in zip(error.rows, error.reasons, strict=True))  # fmt: skip
        found[name] = dict.fromkeys(item for item in items if item not in told)
    found = {name: items for name, items in found.items() if items}
    if len(found) == 1:
        (name,) = found
        return BadItemsError(f"{bad[name][0][1].what} in view {name!r}", *map(list, zip(*found[name], strict=True)))
    counts = ", ".join(f"{len(items)} in view {name!r}" for name, items in found.items())
    lines = sorted((row, f"view {name!r}, {reason}") for name, items in found.items() for row, reason in items)
    return BadItemsError(f"items ({counts})", *map(list, zip(*lines, strict=True)))


def augmented(extractor, column, present, n_copies, seed):
    """Return a column with `n_copies` augmented copies of every row below it."""
    pieces = [column]
    if not hasattr(column, "iloc") and not sparse.issparse(column) and column.ndim > 2:
        pieces = [as_items(column)]  # items that are arrays: a changed one may have another shape
    for c in range(n_copies):
        copy = pieces[0]
        if hasattr(extractor, "augment"):
            rows = np.flatnonzero(present)
            changed = extractor.augment(take_rows(column, rows), random_state=seed + c)
            copy = _replace_rows(column, rows, changed)
        pieces.append(copy)
    if hasattr(column, "iloc"):
        return pd.concat(pieces, ignore_index=True)
    return sparse.vstack(pieces, format="csr") if sparse.issparse(column) else np.concatenate(pieces)


def _replace_rows(column, rows, changed):
    if hasattr(column, "iloc"):
        out = column.reset_index(drop=True).astype(object)
        if np.ndim(changed) == 1 and out.shape[1] > 1:  # columns that are read joined: the first takes it all
            changed = np.column_stack([changed, *[np.full(len(rows), None)] * (out.shape[1] - 1)])
        out.iloc[rows] = np.asarray(changed, dtype=object)
        return out.astype(column.dtypes.to_dict())
    if sparse.issparse(column):
        return changed
    if column.dtype != object and column.ndim == 2:  # vectors
        out = column.astype(np.result_type(column, np.asarray(changed)))
        out[rows] = changed
        return out
    out = as_items(column).copy()
    for row, item in zip(rows, changed, strict=True):
        out[row] = item
    return out
