"""MultiTaskNetwork: one network for all tasks, with a trunk that they share and a head for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Self

import numpy as np
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, validate_data

from .._checks import one_of
from .._docs import documented
from .._modalities import VECTOR
from ._neural import FITTED, TRAINING, NetworkLearner

SMALLEST = 1e-3  # loss of a constant guess, of a task whose labels hardly differ


@documented(training=TRAINING, attributes=FITTED)
@dataclass(repr=False, eq=False, kw_only=True)
class MultiTaskNetwork(NetworkLearner):
    """One network that learns all tasks of a `MultiOutputStack` at once: hard parameter sharing [1]_.

    The tasks share layers on the features of what it reads, and each has a linear layer of its own. Its loss is the
    mean over tasks of cross-entropy or squared error of standardised numbers; unknown labels are left out.
    A stack fits it once per fold, not once per task; but where it reads features that were learned from labels, such as
    encoded categories, once for those of each task. Needs the extra `neural`.

    Parameters
    ----------
    hidden : sequence of int, default=(64,)
        Widths of the layers that the tasks share.
    {training}
    task_weight : "uncertainty", "balanced", dict, list of float or None, default=None
        Weight of each task in the loss. None: the same weight. "balanced": weights with which a constant guess has the
        same loss in all tasks. "uncertainty": weights that are learned with the network, larger for tasks with small
        errors [2]_. A dict has a weight by name (1 for those without an entry); a list, in the order of y, is for a
        network that is fitted alone.

    Attributes
    ----------
    sizes_ : list of int
        Number of classes of each task, 0 for a number.
    counts_ : list of float, "uncertainty" or None
        Weight of each task in the loss.
    {attributes}

    References
    ----------
    .. [1] Caruana, R. (1997). Multitask learning. Machine Learning 28, 41-75.
    .. [2] Kendall, A., Gal, Y., Cipolla, R. (2018). Multi-task learning using uncertainty to weigh losses for scene
       geometry and semantics. CVPR, 7482-7491.

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
    patience: int = 8
    task_weight: str | Mapping[str, float] | Sequence[float] | None = None

    learns_all_tasks = True  # what a stack asks: it fits it once for all tasks
    _parameter_constraints = {
        "hidden": [tuple, list],
        "task_weight": [None, one_of("uncertainty", "balanced"), dict, tuple, list],
    }

    def check_settings(self):
        """Raise an error if the device is not available or a weight of a task is not a number."""
        super().check_settings()
        weights = self.task_weight
        if weights is None or isinstance(weights, str):
            return
        by_name = isinstance(weights, Mapping)  # tasks that are not named count 1
        numbers = list(weights.values() if by_name else weights)
        if not all(isinstance(n, Real) and 0 <= n < np.inf for n in numbers) or not (by_name or any(numbers)):
            raise ValueError(f"task_weight={weights!r} must hold numbers from 0 on, and some above 0.")

    def weighing(self, tasks) -> Self:
        """Return the network with weights in the order of some tasks, by name, where it has them by name."""
        if isinstance(self.task_weight, Mapping):
            self.set_params(task_weight=[self.task_weight.get(name, 1.0) for name in tasks])
        return self

    def fit(self, X, y, sample_weight=None, groups=None, sizes=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_tasks)
            Positions of classes, or numbers; NaN where a label is not known.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows in the loss, of all tasks or of each.
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
        """Return a list, by task, of probabilities (n_samples, n_classes) or numbers (n_samples,)."""
        outputs, found, start = self._outputs(self._checked(X, reset=False)), [], 0
        for task, size in enumerate(self.sizes_):
            part = outputs[:, start : start + max(size, 1)]
            found.append(softmax(part, axis=1) if size else part[:, 0] * self.y_scale_[task] + self.y_mean_[task])
            start += max(size, 1)
        return found

    def head(self, place) -> "TaskHead":
        """Return an estimator that gives the predictions of one task, which is named by its position."""
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
        target = (columns - self.y_mean_) / self.y_scale_
        if not known:
            self.counts_ = self._counted(target)
        return target, self.sizes_

    def _training(self):
        counts = getattr(self, "counts_", None)  # models of before tasks could count differently have none
        return super()._training() | {"task_weight": counts}

    def _counted(self, target):
        """Return what each task counts in the loss, of labels as the network learns them."""
        if self.task_weight is None or isinstance(self.task_weight, str) and self.task_weight != "balanced":
            return self.task_weight
        if not isinstance(self.task_weight, str):
            if isinstance(self.task_weight, Mapping) or len(self.task_weight) != len(self.sizes_):
                raise ValueError(
                    f"task_weight={self.task_weight!r} does not fit {len(self.sizes_)} columns of y: give a number per "
                    "column; names are those of the tasks of a stack."
                )
            return [float(weight) for weight in self.task_weight]
        guessed = []
        for column, size in zip(target.T, self.sizes_, strict=True):
            known = column[~np.isnan(column)]
            guessed.append(entropy(np.bincount(known.astype(int))) if size and len(known) else 1.0)
        return [1 / max(loss, SMALLEST) for loss in guessed]

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
