"""The job that fits and predicts one member, and the fitted member that it leaves."""

import time
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.dummy import DummyRegressor
from sklearn.utils import get_tags

from .._by_rows import LONG, reads_by_rows, reads_to_the_end
from .._checks import listed
from .._estimators import cost_of, known_before, most_rows, seeded, thread_params
from .._kinds import kind_of
from .._metadata import Metadata
from .._routing import keyword
from .._rows import LazyRows, assemble, let_go
from .._stopping import fit_learner, judged_by
from ..store import BlockFolder
from ._execute import Job
from ._plan import Fit
from ._quick import predicted

ROWS = 32_768  # that are predicted at a time; more are not set side by side for learners that read them by parts
TINY = 1e-12  # a sum of weights that is none


@dataclass
class FittedMember:
    """A fitted learner with what it needs to read blocks of new rows.

    References
    ----------
    .. [1] Saerens, M., Latinne, P., Decaestecker, C. (2002). Adjusting the outputs of a classifier to new a priori
       probabilities. Neural Computation 14, 21-41.
    """

    estimator: object  # None: of a member without weight, which is not kept
    n_classes: int = 0  # 0: a regression
    codes: list = field(default_factory=list)  # class positions that the learner knows, in its own order
    views: tuple = ()  # views that it reads, a block each; a last block may hold estimates of other tasks
    widths: list = field(default_factory=list)  # columns of each block
    sparse: list = field(default_factory=list)  # whether each block was sparse
    fills: list = field(default_factory=list)  # per block: what stands for a missing view; None: nothing to fill
    dense: bool = False
    counted: tuple = ()  # what a row of each class that it knows counted in its fit; empty: all the same
    names: tuple = ()  # of the columns, where the learner, or a part of it, was fitted before on columns with names

    def predict_columns(self, blocks, rows):
        """Return the columns of this member for some rows: shape (n_rows,) or (n_rows, n_classes)."""
        kind = kind_of(self.n_classes)
        if self.estimator is None:
            return kind.of_member(np.zeros((len(rows), kind.width)), self.codes)
        parts = []
        for some in pieces(rows):  # what a learner makes of them may take more memory than they do
            parts.append(self._said(assemble(blocks, some, self.fills, self.dense), kind.method))
            if len(some) < len(rows):
                let_go(blocks)
        return kind.of_member(parts[0] if len(parts) == 1 else np.concatenate(parts), self.codes)

    def weighed(self, target, weight):
        """Return weights of rows (or None), times what a row of each class counts; `target` holds classes as known."""
        return weight if not self.counted else np.take(self.counted, target) * (1.0 if weight is None else weight)

    def named(self, X):
        """Return what the learner is given: an array, or a DataFrame where a part of it asks for names."""
        if len(self.names) != X.shape[1] or isinstance(X, LazyRows):
            return X
        return pd.DataFrame(X.toarray() if sparse.issparse(X) else X, columns=list(self.names))

    def _said(self, X, method):
        """Return probabilities of the classes that the learner knows, or numbers: shape (n_rows, n_columns)."""
        X = self.named(X)
        if method == "predict":
            return np.asarray(predicted(self.estimator, X, method), dtype=np.float64).reshape(X.shape[0], -1)
        if hasattr(self.estimator, method):
            proba = np.asarray(predicted(self.estimator, X, method), dtype=np.float64)
        elif hasattr(self.estimator, "decision_function"):
            score = np.asarray(self.estimator.decision_function(X), dtype=np.float64)
            proba = np.c_[expit(-score), expit(score)] if score.ndim == 1 else softmax(score, axis=1)
        else:
            known = getattr(self.estimator, "classes_", np.arange(len(self.codes)))
            proba = (np.asarray(self.estimator.predict(X))[:, np.newaxis] == known).astype(float)
        if self.counted:  # back to the shares that classes have [1]_
            proba = proba / self.counted
            proba /= proba.sum(axis=1, keepdims=True)
        return proba


def pieces(rows):
    """Return rows some at a time."""
    return [rows] if len(rows) <= ROWS else np.split(rows, range(ROWS, len(rows), ROWS))


def drawn(y, n, seed):
    """Return the places of about `n` rows, in rising order, whose targets are spread like all; no class is lost."""
    order = np.random.default_rng(seed).permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    picks = order[np.linspace(0, len(y) - 1, n).astype(np.intp)]
    values, first = np.unique(y, return_index=True)
    return np.union1d(picks, first) if len(values) < n else np.sort(picks)


def counted_classes(class_weight, codes, n_classes, weight=None):
    """Return what a row of each class counts by `class_weight`, "balanced" or a number per class, as a tuple."""
    if class_weight != "balanced":
        return tuple(class_weight)
    mass = np.bincount(codes, weight, minlength=n_classes)
    return tuple(np.where(mass > 0, mass.sum() / (n_classes * np.maximum(mass, TINY)), 1.0).tolist())


@dataclass(frozen=True)
class Blanks:
    """Rows that are predicted beside the held-out ones: these as if they lacked views, or those of the fit."""

    key: int | None  # a pattern; None: rows that were learned from, as they are
    places: np.ndarray  # among the rows that patterns are tried out on
    rows: np.ndarray  # the same, among all rows
    absent: tuple[str, ...]
    inputs: np.ndarray | None  # estimates of other tasks of such rows; None: as in the fit


@dataclass(frozen=True)
class FitMember(Job):
    """Fit one learner on its training rows, with some threads if it can use them, and predict its held-out rows.

    Of the last block it reads some `columns` only (None: all), so that the jobs can share that block.
    Gives `(model, predictions, seconds that these took, predictions of each of the blanks)`; None where the training
    rows hold one class only, or none.
    """

    fit: Fit
    seed: int
    n_classes: int  # 0: a regression
    y: np.ndarray
    weight: np.ndarray | None
    train: np.ndarray
    test: np.ndarray
    views: tuple[str, ...]  # of the blocks; one more block holds estimates of other tasks
    blocks: tuple
    columns: tuple[int, ...] | None = None
    threads: int = 1
    keep_model: bool = True
    groups: np.ndarray | None = None
    blanks: tuple[Blanks, ...] = ()
    class_weight: str | tuple[float, ...] | None = None
    metadata: Metadata | None = None  # that the learner asks for
    before: tuple | None = None  # of parts that were fitted before: names of columns, and labels of the classes
    folder: BlockFolder | None = None  # where predictions of many rows are written; None: they stay in memory

    @property
    def name(self):
        return str(self.fit)

    @property
    def group(self):
        return str(self.fit.member)

    @cached_property
    def cost(self):
        widths = [b.shape[1] if isinstance(b, np.ndarray) else b.nnz / max(b.shape[0], 1) for b in self.blocks]
        return cost_of(self.fit.member.estimator) * max(self.n_classes, 1) * (1 + len(self.train)) * (1 + sum(widths))

    def run(self):
        kind, codes, train = kind_of(self.n_classes), [], self._taught()
        target = self.y[train]
        if len(np.unique(target)) < kind.least:
            return None, None, 0.0, []
        if kind.is_stratified:
            codes, target = np.unique(target.astype(np.intp), return_inverse=True)
        blocks = self.read()
        given = self.weight, self.groups, self.metadata
        weight, groups, metadata = (None if part is None else part[train] for part in given)
        model = self._unfitted(blocks, [int(c) for c in codes], weight, train)
        model.counted = self._counted(model.estimator, codes, target, weight)
        weight = model.weighed(target, weight)
        self._fit(model, blocks, train, target, weight, groups, metadata)
        return self.outcome(model, blocks)

    def read(self):
        """Return the blocks that the learner reads, of estimates its own columns."""
        blocks = list(self.blocks)
        if self.columns is not None:
            blocks[-1] = blocks[-1].take(self.columns, axis=1)
        return blocks

    def outcome(self, model, blocks):
        """Return what `run` gives of a fitted model."""
        started = time.perf_counter()
        predictions = model.predict_columns(blocks, self.test) if len(self.test) else None
        seconds = time.perf_counter() - started
        if predictions is not None and not np.isfinite(predictions).all():
            raise ValueError("its predictions hold NaN or infinite values")
        if predictions is not None and self.folder is not None:
            predictions = self.folder.keep(predictions)
        return (model if self.keep_model else None), predictions, seconds, self._blanked(model, blocks)

    def _taught(self):
        """Return the training rows that the learner is given: all, or a sample where it asks for no more."""
        most = most_rows(self.fit.member.estimator)
        return self.train if len(self.train) <= most else self.train[drawn(self.y[self.train], most, self.seed)]

    def _unfitted(self, blocks, codes, weight, train):
        """Return the model, whose learner is still to be fitted."""
        learner, is_sparse = seeded(self.fit.member.estimator, self.seed), [sparse.issparse(block) for block in blocks]
        if not codes and not self.y[self.train].any():
            learner = DummyRegressor()  # of numbers that are all zero: deviances, such as Poisson's, have no fit
        tags, widths = get_tags(learner).input_tags, [block.shape[1] for block in blocks]
        # What takes NaN takes it in arrays: scikit-learn's trees refuse it in CSR.
        takes_nan = tags.allow_nan and not (tags.sparse and any(is_sparse))
        # Of several views one may be left that training rows have; rows to predict may have the others only.
        several = len(blocks) > 1 or len(self.fit.member.views) > 1
        fills: list = [None] * len(blocks)  # of sparse blocks, which have no holes
        if several and not takes_nan:
            fills = [
                None if empty else _column_means(b, train, weight) for b, empty in zip(blocks, is_sparse, strict=True)
            ]
        names = self.before[0] if self.before else ()
        return FittedMember(
            learner, self.n_classes, codes, self.views, widths, is_sparse, fills, not tags.sparse, names=names
        )

    def _counted(self, learner, codes, target, weight):
        """Return what a row of each class counts, as `class_weight` of scikit-learn says; empty: all the same."""
        if self.class_weight is None or keyword(learner, "sample_weight") is None:
            return ()
        weights = self.class_weight if self.class_weight == "balanced" else [self.class_weight[code] for code in codes]
        return counted_classes(weights, target, len(codes), weight)

    def _blanked(self, model, blocks):
        if not self.blanks:
            return []
        stacked = []
        for place, block in enumerate(blocks):
            view = self.views[place] if place < len(self.views) else None
            parts = [
                _blank(block[part.rows], view in part.absent) if view is not None or part.inputs is None
                else part.inputs for part in self.blanks
            ]  # fmt: skip
            stacked.append(sparse.vstack(parts, format="csr") if sparse.issparse(block) else np.concatenate(parts))
        ends = np.cumsum([len(part.rows) for part in self.blanks])
        return np.split(model.predict_columns(stacked, np.arange(ends[-1])), ends[:-1])

    def _fit(self, model, blocks, train, target, weight, groups, metadata):
        learner, dense, narrow = model.estimator, model.dense or not any(model.sparse), {}
        some = (
            metadata is None and _reads_some(learner, dense, len(train)) and not judged_by(learner, len(train), groups)
        )
        X = LazyRows(blocks, train, model.fills, dense) if some else assemble(blocks, train, model.fills, model.dense)
        if self.threads > 1:
            params = learner.get_params(deep=True)
            narrow = {name: params[name] for name in thread_params(self.fit.member.estimator) if name in params}
        learner.set_params(**dict.fromkeys(narrow, self.threads))
        labels = self.before and self.before[1]
        if labels is not None:
            target = labels[model.codes][target]
        fit_learner(learner, model.named(X), target, weight, self.seed, groups, metadata)
        if labels is not None:
            _put_in_places(model, labels.tolist())
        elif model.codes and known_before(learner)[1] is not None:
            _check_known(learner, self.n_classes)
        learner.set_params(**narrow)  # predictions of a forest are sums, too


def _reads_some(learner, dense, n_rows):
    """Tell whether a learner reads some of so many rows at a time: dense ones, or very many that are sparse."""
    return n_rows > ROWS and reads_by_rows(learner) and (dense or (n_rows > LONG and reads_to_the_end(learner)))


def _put_in_places(model, labels):
    """Let a model whose learner says labels, not codes, know the place of each among the classes of its task."""
    places = {label: place for place, label in enumerate(labels)}
    counted = dict(zip(model.codes, model.counted, strict=False))
    model.codes = [places.get(label, -1) for label in np.asarray(model.estimator.classes_).tolist()]
    model.counted = tuple(counted.get(code, 1.0) for code in model.codes) if counted else ()


def _check_known(learner, n_classes):
    """Raise a ValueError where what was fitted before says classes that are neither of its task nor their places."""
    said = np.asarray(getattr(learner, "classes_", ())).tolist()
    if not set(said) <= set(range(n_classes)):
        raise ValueError(
            f"it was fitted before on the classes {listed(map(repr, said), 5)}, none of which its task has: give it "
            "a task that it was fitted on"
        )


def _blank(block, absent):
    """Return the features of some rows, or what stands for them where their view is missing."""
    if not absent:
        return block
    return sparse.csr_matrix(block.shape, dtype=block.dtype) if sparse.issparse(block) else np.full_like(block, np.nan)


def _column_means(block, rows, weight):
    """Return the means of the columns of some rows of a dense block, without its holes."""
    total, count, start = 0.0, 0.0, 0
    for some in pieces(rows):
        values = block[some]
        filled, values = ~np.isnan(values), np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)
        if weight is None:
            total, count = total + values.sum(axis=0, dtype=np.float64), count + filled.sum(axis=0)
        else:
            own, start = weight[start : start + len(some)], start + len(some)
            total, count = total + own @ values, count + own @ filled
        if len(some) < len(rows):
            let_go((block,))
    return (total / np.where(count > 0, count, 1.0)).astype(np.float32)
