"""MultiTaskNetwork: one network for all tasks, with a trunk that they share and a head for each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, validate_data

from .._docs import documented
from .._modalities import VECTOR
from ._neural import FITTED, SEEDING, TRAINING, NetworkLearner


@documented(training=TRAINING, seeding=SEEDING, attributes=FITTED)
@dataclass(repr=False, eq=False, kw_only=True)
class MultiTaskNetwork(NetworkLearner):
    """One network that learns all tasks of a `MultiOutputStack` at once: hard parameter sharing [1]_.

    The tasks share layers on the features of what it reads, and each has a linear layer of its own. Its loss is the
    mean over tasks of cross-entropy or squared error of standardised numbers; labels that are not known count nothing.
    A stack fits it once per fold, not once per task; but where it reads features that were learned from labels, such as
    encoded categories, once for those of each task. Needs the extra `neural`.

    Parameters
    ----------
    hidden : sequence of int, default=(64,)
        Widths of the layers that the tasks share.
    dropout : float in [0, 1], default=0.2
        Share of the values dropped in training.
    max_epochs : int, default=60
        Passes over the training rows.
    batch_size : int, default=32
        Rows a step.
    learning_rate : float, default=3e-3
        Highest learning rate.
    {training}
    patience : int, default=8
        Epochs without a better loss on them before training stops; the best weights are kept.
    {seeding}

    Attributes
    ----------
    sizes_ : list of int
        Number of classes of each task, 0 for a number.
    {attributes}

    References
    ----------
    .. [1] Caruana, R. (1997). Multitask learning. Machine Learning 28, 41-75.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ensemble_mm import MultiOutputStack, MultiTaskNetwork
    >>> X = np.random.default_rng(0).normal(size=(90, 3))
    >>> Y = pd.DataFrame({"size": X[:, 0], "side": np.where(X[:, 1] > 0, "left", "right")})
    >>> model = MultiOutputStack(learners=[("net", MultiTaskNetwork(max_epochs=5), "all")], cv=3, random_state=0).fit(
    ...     X, Y
    ... )
    >>> model.learner("net", task="side").network is model.learner("net", task="size").network
    True
    """

    hidden: Sequence[int] = (64,)
    dropout: float = 0.2
    max_epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    pruning: float = 0.0
    validation_fraction: float = 0.1
    patience: int = 8
    device: str = "auto"
    random_state: int | np.random.RandomState | None = None

    learns_all_tasks = True  # what a stack asks: it fits it once for all tasks
    _parameter_constraints = {**NetworkLearner._parameter_constraints, "hidden": [tuple, list]}

    def fit(self, X, y, sample_weight=None, groups=None, sizes=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_tasks)
            Positions of classes, or numbers; NaN where a label is not known.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are held aside together.
        sizes : list of int, default=None
            Number of classes of each task, 0 for a number; None: all are numbers.

        Returns
        -------
        self
        """
        self.sizes_ = [0] * np.reshape(y, (len(y), -1)).shape[1] if sizes is None else [int(size) for size in sizes]
        return super().fit(X, y, sample_weight, groups)

    def said(self, X):
        """Return what is said of each task: a list of probabilities (n_samples, n_classes) or numbers (n_samples,)."""
        outputs, found, start = self._outputs(self._checked(X, reset=False)), [], 0
        for task, size in enumerate(self.sizes_):
            part = outputs[:, start : start + max(size, 1)]
            found.append(softmax(part, axis=1) if size else part[:, 0] * self.y_scale_[task] + self.y_mean_[task])
            start += max(size, 1)
        return found

    def head(self, place) -> "TaskHead":
        """Return what says of one task, given by its place, what the network does."""
        return TaskHead(self, place)

    def predict(self, X):
        """Return positions of the most probable classes, or numbers: shape (n_samples, n_tasks)."""
        return np.column_stack([out.argmax(axis=1) if out.ndim == 2 else out for out in self.said(X)])

    def _encode(self, y, n_rows, known=False):
        y = check_array(y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan")
        columns = y.reshape(n_rows, -1)
        if not known:
            is_number = np.array(self.sizes_) == 0
            self.y_mean_ = np.where(is_number, np.nanmean(columns, axis=0), 0.0)
            scale = np.where(is_number, np.nanstd(columns, axis=0), 1.0)
            self.y_scale_ = np.where(scale > 0, scale, 1.0)
        return (columns - self.y_mean_) / self.y_scale_, self.sizes_

    def _checked(self, X, *, reset):
        X = validate_data(self, X, reset=reset, dtype=np.float32)
        if reset:
            scale = X.std(axis=0)
            self.x_mean_, self.x_scale_ = X.mean(axis=0), np.where(scale > 0, scale, np.float32(1))
        return (X - self.x_mean_) / self.x_scale_

    def _blank(self, n_rows):
        return np.random.RandomState(0).normal(size=(n_rows, self.n_features_in_)).astype(np.float32)

    def _describe(self, X):
        return {
            "kind": VECTOR,
            "n_inputs": int(X.shape[1]),
            "hidden": [int(width) for width in self.hidden],
            "dropout": float(self.dropout),
            "n_outputs": sum(max(size, 1) for size in self.sizes_),
        }, {}


class TaskHead(BaseEstimator):
    """What a fitted `MultiTaskNetwork` says of one of its tasks, as a stack asks it.

    Parameters
    ----------
    network : fitted MultiTaskNetwork
    place : int
        Of the task among those of the network.
    """

    def __init__(self, network, place):
        self.network = network
        self.place = place

    def predict_proba(self, X):
        """Return probabilities of classes, shape (n_samples, n_classes)."""
        return self.network.said(X)[self.place]

    def predict(self, X):
        """Return positions of classes, or numbers: shape (n_samples,)."""
        out = self.network.said(X)[self.place]
        return out.argmax(axis=1) if out.ndim == 2 else out
