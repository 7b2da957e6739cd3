"""What the neural learners share: they are plain scikit-learn classifiers and regressors.

`_networks` holds the networks and their training. Here labels are encoded, rows are held aside to stop early, and what
was learned is kept as numpy arrays. What a network reads, and how it is described, stands with each learner.
"""

import time
from dataclasses import dataclass
from numbers import Real
from os import PathLike

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted

from .._checks import (
    AT_LEAST_0,
    POSITIVE,
    SHARE,
    ConstraintsMixin,
    Number,
    as_items,
    check_choice,
    check_fraction,
    check_params,
    check_sample_weight,
    one_of,
    whole,
)
from .._inner_folds import inner_pairs
from .._kinds import Classes, Numbers
from .._modalities import MODALITIES
from ._networks import as_state, as_tensors, build, fused, pick_device, quiet_torch, run
from ._networks import train as train_network
from ._pruning_net import magnitude_masks, sizes_of

MIN_VALID = 5  # rows held aside below which early stopping would follow noise

# Of the docstrings of all network learners.
TRAINING = """
dropout : float in [0, 1], default={dropout}
    Share of the values dropped in training.
max_epochs : int, default={max_epochs}
    Passes over the training rows.
batch_size : int, default={batch_size}
    Rows per step.
learning_rate : float, default={learning_rate}
    Highest learning rate.
weight_decay : float, default=0.01
    Weight decay of the optimiser.
optimizer : {"adamw", "adam", "sgd"}, default="adamw"
    Optimiser; "sgd" has momentum 0.9.
schedule : {"one-cycle", "cosine", "constant"}, default="one-cycle"
    How the learning rate goes on.
pruning : float in [0, 1), default=0.0
    Share of the weights that is set to 0 after the training, which then goes on with the others for half as many
    epochs, on the training rows. `prune` does it by hand, and removes whole filters, too.
validation_fraction : float in [0, 1], default=0.1
    Share of the training rows held aside to stop early; 0 (or too few rows): no early stopping.
patience : int, default={patience}
    Epochs without a better loss on them before training stops; the best weights are kept.
device : str, default="auto"
    "cpu", "cuda", or "auto".
random_state : int, RandomState instance or None, default=None
    Seeds the weights, the order of the rows and dropout.
""".strip()
FITTED = """
shape_ : dict
    Description of the network, in plain numbers.
state_ : dict of str to ndarray
    Weights of the network.
history_ : list of dict
    Losses, learning rate and seconds of each epoch.
"""


@dataclass(repr=False, eq=False, kw_only=True)
class NetworkLearner(ConstraintsMixin, BaseEstimator):
    """What the neural learners share: training, early stopping, several targets, pruning."""

    dropout: float = 0.3
    max_epochs: int = 12
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    pruning: float = 0.0
    validation_fraction: float = 0.1
    patience: int = 3
    device: str = "auto"
    random_state: int | np.random.RandomState | None = None

    _parameter_constraints = {
        "dropout": [SHARE],
        "max_epochs": [whole(1)],
        "batch_size": [whole(1)],
        "learning_rate": [POSITIVE],
        "weight_decay": [AT_LEAST_0],
        "optimizer": [one_of("adamw", "adam", "sgd")],
        "schedule": [one_of("one-cycle", "cosine", "constant")],
        "pruning": [Number(Real, 0, 1, closed="left")],
        "validation_fraction": [SHARE],
        "patience": [whole(1)],
        "device": [str],
        "random_state": ["random_state"],
    }

    def fit(self, X, y, sample_weight=None, groups=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Token positions (TextCNN) or flattened pixels (ImageCNN); or texts, or pictures: files or arrays.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Labels or values. Several targets share the network up to its last layer; None or NaN
            among several targets means "not known".
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are held aside together.

        Returns
        -------
        self : NetworkLearner
            The fitted learner.
        """
        check_params(self)
        X = self._checked(X, reset=True)
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(np.iinfo(np.int32).max))
        target, self.sizes_ = self._encode(y, len(X))
        several = np.ndim(sample_weight) == 2  # a column per target
        weight = np.asarray(sample_weight) if several else check_sample_weight(sample_weight, X, dtype=np.float64)
        self.n_targets_, self.history_ = len(self.sizes_), []
        target = np.column_stack([target, weight]).astype(np.float32)
        train, _ = parts = self._split(target, seed, groups)
        with quiet_torch(seed):
            self.shape_, start = self._describe(X[train])
            self.shape_ |= {"dropout": float(self.dropout), "n_outputs": sum(max(size, 1) for size in self.sizes_)}
            module = build(self.shape_)
            if start:
                module.load_state_dict({**module.state_dict(), **as_tensors(start)})
            self._train(module, X, target, parts)
        if self.pruning:
            self._fine_tune(X, target, self._masked(self.pruning), max(1, self.max_epochs // 2), groups)
        self.n_iter_ = len(self.history_)
        return self

    def prune(self, amount, structured=False, X=None, y=None, *, sample_weight=None, groups=None, max_epochs=15):
        """Prune the fitted network in place, and fine-tune it when rows are given.

        Parameters
        ----------
        amount : float in [0, 1]
            Share of the weights (or filters) to remove.
        structured : bool, default=False
            False sets the smallest weights to 0: they compress well, the speed stays. True removes
            whole filters: the network gets smaller and faster.
        X, y : array-likes, default=None
            Training rows to fine-tune on; without them the network is pruned only.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are held aside together.
        max_epochs : int, default=15
            Epochs of fine-tuning, by the schedule of the training.

        Returns
        -------
        self : NetworkLearner
            The pruned learner. `pruning_` holds a DataFrame with rows "before" and "after" and
            columns "weights", "nonzero", "megabytes", "ms_per_1000_rows" and "score" (on X, y).
        """
        check_is_fitted(self, "state_")
        check_fraction("amount", amount)
        if (X is None) != (y is None):
            raise ValueError("prune got one of X and y: give both to fine-tune, or none.")
        rows = None if X is None else self._checked(X, reset=False)
        before = self._measure(rows, X, y)
        masks = None
        if structured:
            self.shape_, self.state_ = self._drop_filters(self.shape_, self.state_, amount)
        else:
            masks = self._masked(amount)
        self._module = None
        if rows is not None:
            target, _ = self._encode(y, len(rows), known=True)
            weight = check_sample_weight(sample_weight, rows, dtype=np.float64)
            target = np.column_stack([target, weight]).astype(np.float32)
            self._fine_tune(rows, target, masks, max_epochs, groups)
        self.pruning_ = pd.DataFrame([before, self._measure(rows, X, y)], index=["before", "after"])
        return self

    def _masked(self, amount):
        """Set the smallest weights to 0; return masks that keep them there."""
        masks = magnitude_masks(self.state_, amount)
        self.state_ = {key: value * masks.get(key, 1) for key, value in self.state_.items()}
        return masks

    def _fine_tune(self, X, target, masks, max_epochs, groups):
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        parts = self._split(target, seed, groups)
        with quiet_torch(seed):
            self._train(build(self.shape_, self.state_), X, target, parts, masks, max_epochs=max_epochs)

    def _train(self, module, X, target, parts, masks=None, **settings):
        """Train a module on the first of two parts of the rows; the second, where there is one, stops it early."""
        train, aside = parts
        valid = None if aside is None else (X[aside], target[aside])
        settings = self._training() | settings
        self.history_ = self.history_ + train_network(
            module, X[train], target[train], self.sizes_, settings, valid, masks
        )
        self.state_, self._module = as_state(module), None

    def _measure(self, rows, X, y):
        n_weights, n_nonzero = sizes_of(self.state_)
        if rows is None:
            rows = self._blank(200)
        self._outputs(rows[:10])
        part = rows[:200]
        # One thread: on a CPU its own seconds are what counts, whatever else the machine does.
        clock = time.process_time if pick_device(self.device) == "cpu" else time.perf_counter
        seconds = []
        for _ in range(5):
            start = clock()
            self._outputs(part)
            seconds.append(clock() - start)
        return {
            "weights": n_weights,
            "nonzero": n_nonzero,
            "megabytes": sum(value.nbytes for value in self.state_.values()) / 1e6,
            "ms_per_1000_rows": min(seconds) * 1e6 / len(part),
            "score": float("nan") if X is None or self.n_targets_ > 1 else float(self.score(X, y)),
        }

    def _outputs(self, X):
        with quiet_torch(0):
            if getattr(self, "_module", None) is None:
                self._module = fused(build(self.shape_, self.state_))
            return run(self._module, X, self.device)

    def _split(self, target, seed, groups):
        """Return training rows and rows held aside (None when there are too few)."""
        n_rows = len(target)
        n_folds = int(round(1 / self.validation_fraction)) if self.validation_fraction else 0
        if n_folds < 2 or n_rows / n_folds < MIN_VALID:
            return np.arange(n_rows), None
        first = np.where(np.isnan(target[:, 0]), -1, target[:, 0])
        pairs = inner_pairs(first, n_folds, seed, classes=self.sizes_[0] > 0, groups=groups)
        return pairs[0] if pairs else (np.arange(n_rows), None)

    def _training(self):
        names = ("max_epochs", "batch_size", "learning_rate", "weight_decay")
        names += ("optimizer", "schedule", "patience", "device")
        return {name: getattr(self, name) for name in names}

    def check_settings(self):
        """Raise an error where the device is not there."""
        pick_device(self.device)

    def __getstate__(self):
        state = super().__getstate__()
        return {key: value for key, value in state.items() if key != "_module"}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.non_deterministic = False
        return tags


def of_task(task, classifier, regressor, settings):
    """Return an unfitted network for labels or for numbers."""
    learners = {Classes.family: classifier, Numbers.family: regressor}
    check_choice("task", task, tuple(learners))
    return learners[task](**settings)


class NetworkClassifier(ClassifierMixin):
    """Labels in and out, for networks."""

    def _encode(self, y, n_rows, known=False):
        y = np.asarray(y, dtype=object) if np.ndim(y) == 2 else np.asarray(y)
        columns = y.reshape(len(y), -1)
        if len(columns) != n_rows:
            raise ValueError(f"X has {n_rows} rows, but y has {len(columns)}: they describe the same samples.")
        codes, classes = np.full(columns.shape, np.nan), []
        for j, column in enumerate(columns.T):
            present = ~pd.isna(column)
            if y.ndim == 1 and not present.all():
                raise ValueError("Input y contains NaN: leave rows without a label out.")
            values = np.array(column[present].tolist()) if column.dtype == object else column[present]
            check_classification_targets(values)
            labels = np.asarray(self._labels()[j]) if known else np.unique(values)
            if not np.isin(values, labels).all():
                raise ValueError("y has labels that fit has not seen: prune with the labels of fit.")
            if len(labels) < 2:
                raise ValueError(f"Target {j} has only one class: a classifier needs samples of at least 2 classes.")
            codes[present, j] = np.searchsorted(labels, values)
            classes.append(labels)
        if not known:
            self.classes_ = classes[0] if y.ndim == 1 else classes
        return codes, [len(labels) for labels in classes]

    def _labels(self):
        return self.classes_ if isinstance(self.classes_, list) else [self.classes_]

    def predict_proba(self, X):
        """Return class probabilities (n_samples, n_classes); for several targets a list of them."""
        check_is_fitted(self, "state_")
        outputs = self._outputs(self._checked(X, reset=False))
        probabilities, start = [], 0
        for size in self.sizes_:
            probabilities.append(softmax(outputs[:, start : start + size], axis=1))
            start += size
        return probabilities if isinstance(self.classes_, list) else probabilities[0]

    def predict(self, X):
        """Return the most probable labels: (n_samples,), or (n_samples, n_targets)."""
        probabilities = self.predict_proba(X)
        if not isinstance(self.classes_, list):
            return self.classes_[probabilities.argmax(axis=1)]
        columns = [labels[p.argmax(axis=1)] for labels, p in zip(self.classes_, probabilities, strict=True)]
        mixed = len({column.dtype.kind for column in columns}) > 1
        return np.column_stack([column.astype(object) for column in columns] if mixed else columns)


class NetworkRegressor(RegressorMixin):
    """Numbers in and out, for networks; they are standardised inside."""

    def _encode(self, y, n_rows, known=False):
        several = np.ndim(y) == 2
        y = check_array(y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan" if several else True)
        columns = y.reshape(len(y), -1)
        if len(columns) != n_rows:
            raise ValueError(f"X has {n_rows} rows, but y has {len(columns)}: they describe the same samples.")
        if not known:
            if np.isnan(columns).all(axis=0).any():
                raise ValueError("A target has no known value: leave it out.")
            self.several_ = several
            self.y_mean_ = np.nanmean(columns, axis=0)
            scale = np.nanstd(columns, axis=0)
            self.y_scale_ = np.where(scale > 0, scale, 1.0)
        return (columns - self.y_mean_) / self.y_scale_, [0] * columns.shape[1]

    def predict(self, X):
        """Return the values: (n_samples,), or (n_samples, n_targets)."""
        check_is_fitted(self, "state_")
        values = self._outputs(self._checked(X, reset=False)) * self.y_scale_ + self.y_mean_
        return values if self.several_ else values[:, 0]


def numbers_of(learner, X, modality, reset, **settings):
    """Return X as numbers: a column of texts, or of files, is read by the extractor of its modality, which is kept."""
    column = getattr(X, "to_numpy", lambda: X)()
    is_column = isinstance(X, (list, tuple)) or getattr(column, "ndim", 0) == 4
    if is_column or (getattr(column, "ndim", 0) == 1 and column.dtype.kind in "OUT"):
        is_column, column = True, as_items(X)
    if reset:
        is_items = is_column and any(map(_is_item, column))
        learner.reader_ = MODALITIES[modality].extractor(**settings).fit(column) if is_items else None
    return X if getattr(learner, "reader_", None) is None else learner.reader_.transform(column)


def _is_item(item) -> bool:
    """Tell whether something is a text, a file or a picture, and no row of numbers."""
    return isinstance(item, (str, PathLike, bytes)) or getattr(item, "ndim", 0) in (2, 3) or hasattr(item, "getbands")
