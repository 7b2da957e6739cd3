"""The job that fits and predicts one member, and the fitted member that it leaves."""

import time
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from ._estimators import cost_of, seeded, thread_params, weight_keyword
from ._execute import Job
from ._plan import Fit

EARLY_STOPPING = ("early_stopping_rounds", "early_stopping_round")
INNER_SHARE = 0.15  # of the training rows, kept aside to stop boosting early


@dataclass
class FittedMember:
    """A fitted learner with what it needs to read blocks of new rows."""

    estimator: object
    n_classes: int = 0  # 0: a regression
    codes: list = field(default_factory=list)  # class positions that the learner knows, in its own order
    views: tuple = ()  # views that it reads, a block each; a last block may hold estimates of other tasks
    widths: list = field(default_factory=list)  # columns of each block
    sparse: list = field(default_factory=list)  # whether each block was sparse
    fills: list = field(default_factory=list)  # per block: what stands for a missing view; None: nothing to fill
    dense: bool = False

    def predict_columns(self, blocks, rows):
        """Return the columns of this member for some rows: shape (n_rows,) or (n_rows, n_classes)."""
        X = assemble(blocks, rows, self.fills, self.dense)
        if not self.n_classes:
            return np.asarray(self.estimator.predict(X), dtype=np.float64).reshape(len(rows), -1)[:, 0]
        known = self._probabilities(X)
        if known.shape[1] == self.n_classes:
            full = known
        else:
            full = np.zeros((len(rows), self.n_classes))
            full[:, self.codes] = known
        return full[:, 1] if self.n_classes == 2 else full

    def _probabilities(self, X):
        if hasattr(self.estimator, "predict_proba"):
            proba = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
        elif hasattr(self.estimator, "decision_function"):
            score = np.asarray(self.estimator.decision_function(X), dtype=np.float64)
            proba = np.c_[expit(-score), expit(score)] if score.ndim == 1 else softmax(score, axis=1)
        else:
            proba = (np.asarray(self.estimator.predict(X))[:, np.newaxis] == np.arange(len(self.codes))).astype(float)
        return proba


def assemble(blocks, rows, fills, dense):
    """Set blocks side by side for some rows: one array, or CSR when a block is sparse and `dense` is not asked for."""
    parts = []
    for block, fill in zip(blocks, fills, strict=True):
        part = block[rows]
        if fill is not None:
            hole = np.isnan(part)
            if hole.any():
                part = np.where(hole, fill, part)
        parts.append(part)
    if not any(sparse.issparse(part) for part in parts):
        return np.ascontiguousarray(parts[0]) if len(parts) == 1 else np.hstack(parts)
    if dense:
        return np.hstack([part.toarray() if sparse.issparse(part) else part for part in parts])
    joined = parts[0] if len(parts) == 1 else sparse.hstack(parts, format="csr")
    joined.sort_indices()  # XGBoost's histograms crash the process on a CSR matrix with unsorted columns
    return joined


@dataclass(frozen=True)
class FitMember(Job):
    """Fit one learner on its training rows, with some threads if it can use them, and predict its held-out rows.

    Of the last block it reads some `columns` only (None: all), so that the jobs can share that block.
    Gives `(model, predictions, seconds that these took)`; None where the training rows hold one class only, or none.
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

    @property
    def name(self):
        return str(self.fit)

    @property
    def group(self):
        return str(self.fit.member)

    @property
    def cost(self):
        widths = [b.shape[1] if isinstance(b, np.ndarray) else b.nnz / max(b.shape[0], 1) for b in self.blocks]
        return cost_of(self.fit.member.estimator) * max(self.n_classes, 1) * (1 + len(self.train)) * (1 + sum(widths))

    def run(self):
        codes, target = [], self.y[self.train]
        if self.n_classes:
            codes, target = np.unique(target.astype(np.intp), return_inverse=True)
        if len(self.train) == 0 or (self.n_classes and len(codes) < 2):
            return None, None, 0.0
        blocks = list(self.blocks)
        if self.columns is not None:
            blocks[-1] = blocks[-1].take(self.columns, axis=1)
        learner = seeded(self.fit.member.estimator, self.seed)
        tags = get_tags(learner).input_tags
        fills = _means(blocks, self.train) if len(blocks) > 1 and not tags.allow_nan else [None] * len(blocks)
        model = FittedMember(
            learner,
            self.n_classes,
            [int(c) for c in codes],
            self.views,
            [block.shape[1] for block in blocks],
            [sparse.issparse(block) for block in blocks],
            fills,
            not tags.sparse,
        )
        self._fit(learner, assemble(blocks, self.train, fills, model.dense), target)
        started = time.perf_counter()
        predictions = model.predict_columns(blocks, self.test) if len(self.test) else None
        seconds = time.perf_counter() - started
        if predictions is not None and not np.isfinite(predictions).all():
            raise ValueError("its predictions hold NaN or infinite values")
        return (model if self.keep_model else None), predictions, seconds

    def _fit(self, learner, X, target):
        wide = thread_params(self.fit.member.estimator) if self.threads > 1 else []
        narrow = {name: value for name, value in learner.get_params(deep=True).items() if name in wide}
        learner.set_params(**dict.fromkeys(wide, self.threads))
        fit_learner(learner, X, target, None if self.weight is None else self.weight[self.train], self.seed)
        learner.set_params(**narrow)  # predictions of a forest are sums, too


def fit_learner(learner, X, y, weight, seed):
    """Fit a learner; one that stops early does so on training rows of its own."""
    keyword = weight_keyword(learner)
    weights = {keyword: weight} if weight is not None and keyword else {}
    params = learner.get_params(deep=False)
    if not any(params.get(name) for name in EARLY_STOPPING) or not has_fit_parameter(learner, "eval_set"):
        return learner.fit(X, y, **weights)
    # Boosting stops on rows of its own: an inner split of the training rows, never the rows held out.
    rows = np.arange(X.shape[0])
    counts = np.bincount(y) if is_classifier(learner) else None
    stratify = y if counts is not None and counts.min() >= 2 and INNER_SHARE * len(y) >= len(counts) else None
    inner, aside = train_test_split(rows, test_size=INNER_SHARE, random_state=seed, stratify=stratify)
    if counts is not None and len(np.unique(y[inner])) < len(counts):
        inner = rows  # a class with one row stays in
    if weights:
        weights = {keyword: weight[inner]}
    if has_fit_parameter(learner, "eval_X"):  # LightGBM, which warns of the other way
        judged = {"eval_X": X[aside], "eval_y": y[aside]}
    else:
        judged = {"eval_set": [(X[aside], y[aside])]}
    if has_fit_parameter(learner, "verbose"):  # XGBoost prints a line per round unless it is told not to
        judged["verbose"] = False
    return learner.fit(X[inner], y[inner], **judged, **weights)


def _means(blocks, rows):
    """Return the means of the columns of each dense block, without holes; None for a sparse one, which has none."""
    return [None if sparse.issparse(block) else _column_means(block[rows]) for block in blocks]


def _column_means(block):
    filled = ~np.isnan(block)
    count = np.maximum(filled.sum(axis=0), 1)
    return (np.where(filled, block, 0).sum(axis=0, dtype=np.float64) / count).astype(np.float32)
