"""Features of a run: every view is extracted once a fold, and once for all folds when its extractor needs no fit."""

import warnings
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from .._checks import BadItemsError, BadItemsWarning, as_items
from .._modalities import MODALITIES
from ..data import present_rows, take_rows
from ..store import JobStore, content_key, row_keys, versions, with_contents
from ._execute import Job, Skipped, check_failures
from ._jobs import as_block, fit_extractor, seeded, spread_rows, transform_chunk
from ._plan import ALL_ROWS, Extraction, seed_of

CHUNK_ROWS = 256  # most rows that one job of an extractor that needs no fit reads
BEGIN_SHARE, END_SHARE = 0.5, 0.75  # of the time: after it, no further view is begun, and none is gone on with


@dataclass
class FittedView:
    """How to read one view of new rows: the part that needs no fit, then the parts of each fold."""

    stateless: object = None
    fitted: dict = field(default_factory=dict)  # (fold, task) -> (extractor or None, reducer or None)


def split_stateless(extractor):
    """Split an extractor in a leading part that needs no fit and the rest; either may be None."""
    if not isinstance(extractor, Pipeline):
        return (extractor, None) if _needs_no_fit(extractor) else (None, extractor)
    steps = [(name, step) for name, step in extractor.steps if step is not None and step != "passthrough"]
    n = 0
    while n < len(steps) and _needs_no_fit(steps[n][1]):
        n += 1
    return (Pipeline(steps[:n]) if n else None), (Pipeline(steps[n:]) if n < len(steps) else None)


def by_content(extractor, column, cache=None):
    """Return the items of a column as keys are made of them: files by content, where the extractor may open them."""
    named = MODALITIES.files(extractor)
    return column if named is None else with_contents(column, named, cache)


def learns_from_labels(extractor) -> bool:
    """Tell whether an extractor wants y."""
    return extractor is not None and bool(get_tags(extractor).target_tags.required)


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


class Features:
    """Feature blocks of the training rows, by view, fold, task and form.

    A block has `n_rows * (1 + n_copies)` rows: the samples, then their augmented copies.
    """

    def __init__(self, problem, forms, *, seed, n_copies=0, cache=None, on_bad="raise"):
        self.problem, self.n_rows, self.columns = problem, problem.n_rows, problem.columns
        self.views = {view.name: view for view in problem.views}
        self.forms, self.seed, self.n_copies, self.cache, self.on_bad = forms, seed, n_copies, cache, on_bad
        self.present = {name: present_rows(column) for name, column in self.columns.items()}
        self.blocks, self.readers = {}, {}
        self.n_extractions = 0

    def extract(self, runner, folds, refit, key=None):
        """Run the extractions of all views; when time is short, view by view, as long as there is time.

        Views that were not extracted in time are not among `readers`. The first always is.
        """
        if runner.deadline is None:
            self._extract(list(self.views), runner, folds, refit, key, required=True)
            return
        order = sorted(self.views, key=lambda name: MODALITIES[self.views[name].modality].cost)
        for name in order:
            if name != order[0] and runner.is_over(BEGIN_SHARE):
                runner.leave_out("extract", f"view {name!r}")
            else:
                self._extract([name], runner, folds, refit, key, required=name == order[0])
        self.present = {name: rows for name, rows in self.present.items() if name in self.readers}

    def _extract(self, names, runner, folds, refit, key, required):
        """Run the extractions of some views: those that need no fit in chunks of rows, then the others fold by fold."""
        targets, weight = self.problem.targets, self.problem.row_weight
        parts = {name: split_stateless(self._prepared(self.views[name])) for name in names}
        columns = self._augmented({name: self.columns[name] for name in names})
        present = {name: np.tile(self.present[name], 1 + self.n_copies) for name in names}
        done = self._run_stateless(runner, parts, columns, present, required)
        if done is None:
            return
        columns |= done
        readers = {name: FittedView(stateless=stateless) for name, (stateless, _) in parts.items()}
        jobs, marks, kept = [], [], {}
        store = None if self.cache is None else JobStore(self.cache.folder / "fitted")
        for name, (stateless, rest) in parts.items():
            reducer = self._reducer(rest if rest is not None else stateless, name, columns[name])
            if rest is None and reducer is None:
                self.blocks[name, None, None, "native"] = columns[name]
                readers[name].fitted[ALL_ROWS, None] = (None, None)
                continue
            if rest is None:
                self.blocks[name, None, None, "native"] = columns[name]
            forms = self.forms[name]
            supervised = learns_from_labels(rest)
            for fold in [*range(len(folds)), *([ALL_ROWS] if refit else [])]:
                train = np.arange(self.n_rows) if fold == ALL_ROWS else folds[fold][0]
                test = np.empty(0, np.intp) if fold == ALL_ROWS else folds[fold][1]
                for task in targets if supervised else [None]:
                    rows = train[self.present[name][train]]
                    if weight is not None:  # a row of weight zero teaches an extractor nothing
                        rows = rows[weight[rows] > 0]
                    if supervised:
                        rows = rows[~np.isnan(targets[task][rows])]
                    others = np.setdiff1d(train, rows)
                    others = np.concatenate([test, others])
                    others = others[self.present[name][others]]
                    copies = np.concatenate([train + self.n_rows * (c + 1) for c in range(self.n_copies)] or [[]])
                    copies = copies.astype(np.intp)
                    others = np.concatenate([others, copies[present[name][copies]]])
                    if not len(rows):
                        continue  # the view is missing in every training row of this fold
                    mark = Extraction(name, fold, task)
                    seed = seed_of(self.seed, str(mark))
                    args = (
                        None if rest is None else seeded(rest, seed),
                        None if reducer is None else seeded(reducer, seed),
                        columns[name], rows, others, targets[task] if supervised else None, weight,
                        self.n_rows * (1 + self.n_copies), tuple(sorted(forms)),
                    )  # fmt: skip
                    call = fit_extractor
                    if self.cache is not None:
                        if name not in kept:
                            items = by_content(rest, columns[name], self.cache) if stateless is None else columns[name]
                            kept[name] = content_key(items, versions())
                        args = (self.cache, store, content_key(kept[name], args[:2], args[3:]), *args)
                        call = _kept_extraction
                    kept_as, group = key and key(mark), f"view {name!r}"
                    jobs.append(Job(f"View {name!r}: {mark}", call, args, len(rows), kept_as, group, required))
                    marks.append(mark)
        results = runner.run("extract", jobs, share=END_SHARE)
        check_failures(jobs, results)
        if any(isinstance(result, Skipped) for result in results):
            return
        self.readers |= readers
        self.n_extractions += sum(stateless is not None for stateless, _ in parts.values())
        for mark, (extractor, reducer, blocks) in zip(marks, results, strict=True):
            self.readers[mark.view].fitted[mark.fold, mark.task] = (extractor, reducer)
            for form, block in blocks.items():
                self.blocks[mark.view, mark.fold, mark.task, form] = block
            self.n_extractions += parts[mark.view][1] is not None

    def block(self, view, fold, task, form):
        """Return the block that a member reads, or None when the view was missing in every training row."""
        for f in (form, "native"):
            for key in ((view, fold, task, f), (view, fold, None, f), (view, None, None, f)):
                if key in self.blocks:
                    return self.blocks[key]
        return None

    def _prepared(self, view):
        extractor = clone(view.extractor)
        if self.on_bad != "raise" and "on_bad" in extractor.get_params():
            extractor.set_params(on_bad=self.on_bad)
        return extractor

    def _reducer(self, extractor, name, column):
        if "reduced" not in self.forms[name]:
            return None
        last = extractor.steps[-1][1] if isinstance(extractor, Pipeline) else extractor
        return last.make_reducer() if hasattr(last, "make_reducer") else None

    def _augmented(self, columns):
        if not self.n_copies:
            return dict(columns)
        return {name: augmented(self.views[name].extractor, column, self.present[name], self.n_copies,
                                seed_of(self.seed, f"augment {name}")) for name, column in columns.items()}  # fmt: skip

    def _run_stateless(self, runner, parts, columns, present, required):
        """Return the blocks of the views that need no fit, or None when the time was over before they were whole."""
        jobs, places = [], []
        for name, (stateless, _) in parts.items():
            if stateless is None:
                continue
            for rows in chunks(np.flatnonzero(present[name]), runner.n_workers):
                jobs.append(Job(f"View {name!r}: extract rows {rows[0]} to {rows[-1]}", _cached_chunk,
                                (stateless, self.cache, take_rows(columns[name], rows)), len(rows),
                                group=f"view {name!r}", required=required))  # fmt: skip
                places.append((name, rows))
        results = runner.run("read", jobs, share=END_SHARE) if jobs else []
        check_failures(jobs, results)
        if any(isinstance(result, Skipped) for result in results):
            return None
        n_rows = {name: len(present[name]) for name, (stateless, _) in parts.items() if stateless is not None}
        merged = merge_chunks(places, results, n_rows, self.n_rows)
        for name, block in merged.items():
            if not sparse.issparse(block):  # a row of NaN: an item that is bad, or has none of it, as a silent clip
                present[name] &= ~np.isnan(block).all(axis=1)
                self.present[name] = self.present[name] & present[name][: self.n_rows]
        return merged


def chunks(rows, n_workers):
    """Cut rows in pieces of at most CHUNK_ROWS, and at least one a worker where there is enough work."""
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
        warnings.warn(BadItemsWarning(_bad_items(missing, n_own)), stacklevel=2)
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
    found = {name: {} for name in bad}  # (row, reason) -> None, in order
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
        import pandas as pd

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


def read_new(readers, columns, runner, cache=None):
    """Run the extractors that need no fit on new rows.

    Returns `(blocks, present)`: a block a view, and which rows each view has.
    """
    present = {name: present_rows(column) for name, column in columns.items()}
    jobs, places = [], []
    for name, column in columns.items():
        if readers[name].stateless is not None:
            for rows in chunks(np.flatnonzero(present[name]), runner.n_workers):
                jobs.append(Job(f"View {name!r}: extract", _cached_chunk,
                                (readers[name].stateless, cache, take_rows(column, rows)), len(rows)))  # fmt: skip
                places.append((name, rows))
    results = runner.run("read", jobs) if jobs else []
    check_failures(jobs, results)
    n_rows = {name: len(present[name]) for name in columns if readers[name].stateless is not None}
    merged = merge_chunks(places, results, n_rows, max(n_rows.values(), default=0))
    for name, block in merged.items():
        if not sparse.issparse(block):
            present[name] = present[name] & ~np.isnan(block).all(axis=1)
    return merged, present


def read_fitted(reader, name, fold, task, column, merged, present, forms):
    """Return the blocks {form: block} of one view of new rows by what was fitted for a fold."""
    fitted = reader.fitted.get((fold, task), reader.fitted.get((fold, None)))
    if reader.stateless is not None:
        column = merged[name]
    if fitted is None:
        fitted = reader.fitted.get((ALL_ROWS, None)) if reader.stateless is not None else None
        if fitted is None or fitted != (None, None):
            return {}
    extractor, reducer = fitted
    rows = np.flatnonzero(present)
    if not len(rows):
        return {}
    if extractor is None:
        native = column[rows]
    else:
        native = as_block(extractor.transform(take_rows(column, rows)))
    blocks = {"native": spread_rows(native, rows, len(present))}
    if reducer is not None and "reduced" in forms:
        blocks["reduced"] = spread_rows(as_block(reducer.transform(native)), rows, len(present))
    return blocks


def _cached_chunk(extractor, cache, chunk):
    """Extract some rows as `transform_chunk` does; rows that the cache knows are not looked at."""
    if cache is None:
        return transform_chunk(extractor, chunk)
    config, keys = content_key("rows", extractor, versions()), row_keys(by_content(extractor, chunk, cache))
    known, found = cache.get_rows(config, keys)
    if found.all():
        return known, None
    whole = content_key(config, keys)  # for what is kept as a whole: sparse features, and those of other precision
    block = None if found.any() else cache.get(whole)
    if block is not None and block.ndim == 2 and block.shape[0] == len(keys):  # else not written by us
        return block, None
    new = np.flatnonzero(~found)
    fresh, bad = transform_chunk(extractor, take_rows(chunk, new))
    readable = _unchanged(extractor, take_rows(chunk, new), keys[new])
    if bad is not None:  # not kept: the files may be mended, and are told of each time until then
        readable[bad.rows] = False
        bad = BadItemsError(bad.what, [int(new[row]) for row in bad.rows], bad.reasons)
    if fresh is None:
        return None, bad
    if sparse.issparse(fresh) or fresh.dtype != np.float32:
        if readable.all():
            cache.keep(cache.put, whole, fresh)
        return fresh, bad
    if readable.any():
        cache.keep(cache.put_rows, config, keys[new[readable]], fresh[readable])
    elif found.any():  # of bad items alone, the width is not known
        fresh = np.full((len(new), known.shape[1]), np.nan, dtype=np.float32)
    if not found.any():
        return fresh, bad
    if known.shape[1] != fresh.shape[1]:  # what was found is not by this extractor
        return transform_chunk(extractor, chunk)
    known[new] = fresh
    return known, bad


def _unchanged(extractor, chunk, keys):
    """Tell which rows still have their keys: a file that changed while it was read is not kept."""
    now = by_content(extractor, chunk)
    if now is chunk:  # no texts
        return np.ones(len(keys), dtype=bool)
    if hasattr(now, "iloc"):
        return row_keys(now) == keys
    # What is in memory is the same object, and not hashed again.
    rows = zip(now, chunk, keys, strict=True)
    return np.array([item is own or row_keys([item])[0] == key for item, own, key in rows], dtype=bool)


def _kept_extraction(cache, store, key, *args):
    """Fit an extractor, or take what an equal extraction left."""
    found = store.load(key)
    if found is None:
        found = fit_extractor(*args)
        cache.keep(store.save, key, found)
        cache.trim()
    return found


def _needs_no_fit(step) -> bool:
    return not get_tags(step).requires_fit
