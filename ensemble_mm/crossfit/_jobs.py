"""What one job does, in whatever process it runs: extract the features of a view, or fit and predict one member.

Everything here is a function of its arguments, so that a job gives the same answer wherever it runs.
A feature block has one row a sample: dense float32 with NaN where the view is missing, or CSR.
"""

import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.base import clone, is_classifier
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import has_fit_parameter

from .._checks import BadItemsError, BadItemsWarning
from ..data import take_rows

EARLY_STOPPING = ("early_stopping_rounds", "early_stopping_round")
FLOATS = (np.float32, np.float64)
FORESTS = (ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor)
INNER_SHARE = 0.15  # of the training rows, kept aside to stop boosting early


def as_block(features) -> np.ndarray | sparse.csr_matrix:
    """Return what an extractor gave as a 2-D array or a CSR matrix: float32, unless it chose float64."""
    if sparse.issparse(features):
        features = features.tocsr()
        return features if features.dtype in FLOATS else features.astype(np.float32)
    if hasattr(features, "to_numpy"):
        features = features.to_numpy()
    features = np.asarray(features)
    if features.dtype not in FLOATS:
        features = features.astype(np.float32)
    return features.reshape(len(features), -1) if features.ndim != 2 else features


def spread_rows(features, rows, n_rows):
    """Return a block of `n_rows` rows that holds `features` in `rows`, and nothing (NaN, or empty CSR) elsewhere."""
    if len(rows) == n_rows and (rows[1:] > rows[:-1]).all():
        return features
    if sparse.issparse(features):
        picked = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, np.arange(len(rows)))), (n_rows, len(rows)))
        return (picked @ features).tocsr()
    block = np.full((n_rows, features.shape[1]), np.nan, dtype=features.dtype)
    block[rows] = features
    return block


def seeded(estimator, seed):
    """Return a clone with every `random_state` that is None set from `seed`, and one thread where none was set."""
    copy = clone(estimator)
    rng = np.random.RandomState(seed)
    settings = {}
    params = copy.get_params(deep=True)
    for key, value in sorted(params.items()):
        owner, _, last = key.rpartition("__")
        if last == "random_state":
            if value is None:
                settings[key] = int(rng.randint(np.iinfo(np.int32).max))
            elif isinstance(value, np.random.RandomState):
                settings[key] = int(check_random_state(value).randint(np.iinfo(np.int32).max))
        elif last in ("n_jobs", "nthread", "thread_count") and value is None:
            # In scikit-learn None means one already, and some of its classes warn when it is set.
            if not _has_from_sklearn(params.get(owner, copy), last):
                settings[key] = 1
    return copy.set_params(**settings) if settings else copy


def _has_from_sklearn(part, name) -> bool:
    """Tell whether a parameter comes from a class of scikit-learn, of which the part may be a subclass."""
    owners = [cls for cls in type(part).__mro__ if cls.__module__.startswith("sklearn.")]
    return any(name in cls._get_param_names() for cls in owners if hasattr(cls, "_get_param_names"))


def thread_params(estimator) -> list[str]:
    """Return the parameters by which an estimator may be fitted on more threads without a change of its answer.

    These are forests of scikit-learn, and LightGBM that is asked to be deterministic, where no number was set. The sums
    of other learners, and those of BLAS, depend on the number of threads in the last digits.
    """
    params = estimator.get_params(deep=True)
    found = []
    for key, value in params.items():
        owner, _, last = key.rpartition("__")
        part = params[owner] if owner else estimator
        boosting = type(part).__module__.startswith("lightgbm.") and part.get_params(deep=False).get("deterministic")
        if last == "n_jobs" and value is None and (isinstance(part, FORESTS) or boosting):
            found.append(key)
    return found


def transform_chunk(extractor, chunk):
    """Extract the features of some rows with an extractor that needs no fit.

    Returns `(block, bad)`. `bad` lists the items that cannot be read (None: all can), by their places in the chunk:
    who called knows those in the whole column. Without a block they are an error; else they are taken as missing.
    """
    bad = None
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            block = as_block(extractor.transform(chunk))
    except BadItemsError as error:
        return None, error
    for told in caught:
        if isinstance(told.message, BadItemsWarning):
            bad = told.message.error
        else:
            warnings.warn_explicit(told.message, told.category, told.filename, told.lineno)
    return block, bad


def fit_extractor(extractor, reducer, column, train, rest, y, weight, n_rows, forms):
    """Fit an extractor (None: the column holds features already) and its reducer on the training rows.

    Returns `(extractor, reducer, blocks)`, where `blocks` maps form to a block that is filled in `train` and `rest`.
    """
    rows = np.concatenate([train, rest])
    if extractor is None:
        native = None if reducer is None else column[rows]
    else:
        keyword = None if weight is None else weight_keyword(extractor)
        weights = {keyword: weight[train]} if keyword else {}
        rows_in, labels = take_rows(column, train), y if y is None else y[train]
        if hasattr(extractor, "fit_transform"):
            first = extractor.fit_transform(rows_in, labels, **weights)
        else:  # a frozen extractor, say
            first = extractor.fit(rows_in, labels, **weights).transform(rows_in)
        native = as_block(first)
        if len(rest):
            native = _stack([native, as_block(extractor.transform(take_rows(column, rest)))])
        if native.shape[0] != len(rows):
            raise ValueError(
                f"it gave {native.shape[0]} rows of features for {len(rows)} samples: an extractor keeps the rows"
            )
    blocks = {}
    if ("native" in forms or reducer is None) and native is not None and extractor is not None:
        blocks["native"] = spread_rows(native, rows, n_rows)
    if "reduced" in forms and reducer is not None:
        low = as_block(reducer.fit_transform(native[: len(train)]))
        if len(rest):
            low = np.vstack([low, as_block(reducer.transform(native[len(train) :]))])
        blocks["reduced"] = spread_rows(low, rows, n_rows)
    return extractor, reducer, blocks


def _stack(blocks):
    return sparse.vstack(blocks, format="csr") if sparse.issparse(blocks[0]) else np.vstack(blocks)


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


def fit_and_predict(estimator, seed, threads, n_classes, y, weight, train, test, keep_model, views, columns, *blocks):
    """Fit one learner on its training rows, with some threads if it can use them, and predict its held-out rows.

    Of the last block it reads some `columns` only (None: all), so that the jobs can share that block.

    Returns `(model, predictions, seconds that these took)`; None where the training rows hold one class only, or none.
    """
    if len(train) == 0:
        return None, None, 0.0
    if columns is not None:
        blocks = [*blocks[:-1], blocks[-1].take(columns, axis=1)]
    learner = seeded(estimator, seed)
    tags = get_tags(learner).input_tags
    several = len(blocks) > 1
    fills = [None] * len(blocks)
    if several and not tags.allow_nan:
        fills = [None if sparse.issparse(block) else _column_means(block[train]) for block in blocks]
    dense = not tags.sparse
    codes, target = [], y[train]
    if n_classes:
        codes, target = np.unique(target.astype(np.intp), return_inverse=True)
        if len(codes) < 2:
            return None, None, 0.0
    X = assemble(blocks, train, fills, dense)
    wide = thread_params(estimator) if threads > 1 else []
    narrow = {name: value for name, value in learner.get_params(deep=True).items() if name in wide}
    learner.set_params(**dict.fromkeys(wide, threads))
    _fit(learner, X, target, None if weight is None else weight[train], seed)
    learner.set_params(**narrow)  # predictions of a forest are sums, too
    model = FittedMember(
        learner,
        n_classes,
        [int(c) for c in codes],
        tuple(views),
        [block.shape[1] for block in blocks],
        [sparse.issparse(block) for block in blocks],
        fills,
        dense,
    )
    started = time.perf_counter()
    predictions = model.predict_columns(blocks, test) if len(test) else None
    seconds = time.perf_counter() - started
    if predictions is not None and not np.isfinite(predictions).all():
        raise ValueError("its predictions hold NaN or infinite values")
    return (model if keep_model else None), predictions, seconds


def weight_keyword(estimator) -> str | None:
    """Return the keyword by which `fit` of an estimator takes sample weights, None if it takes none."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        inner = weight_keyword(last) if hasattr(last, "fit") else None
        return f"{name}__{inner}" if inner else None
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None


def _fit(learner, X, y, weight, seed):
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


def _column_means(block):
    filled = ~np.isnan(block)
    count = np.maximum(filled.sum(axis=0), 1)
    return (np.where(filled, block, 0).sum(axis=0, dtype=np.float64) / count).astype(np.float32)
