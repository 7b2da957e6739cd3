"""TextCNN: a small neural network on tokens, as a classifier and as a regressor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._checks import check_choice, whole
from .._docs import documented
from .._kinds import Classes, Numbers
from ._neural import FITTED, SEEDING, TRAINING, NetworkClassifier, NetworkLearner, NetworkRegressor, TextInput

NETWORK = """
Embedding, convolutions of several widths, the largest value of each filter over the text,
dropout, a linear layer. It reads what `TextExtractor(output="tokens")` gives; 0 is padding.
Several targets share all but the last layer. Needs the extra `neural`.
"""
PARAMETERS = f"""
embedding_dim : int, default=64
    Numbers that stand for a token.
widths : sequence of int, default=(1, 2, 3)
    Widths of the convolutions, in tokens.
n_filters : int, default=64
    Filters of each width.
dropout : float in [0, 1], default=0.3
    Share of the values dropped in training.
max_epochs : int, default=12
    Passes over the training rows.
batch_size : int, default=64
    Rows a step.
learning_rate : float, default=3e-3
    Highest learning rate.
{TRAINING}
patience : int, default=3
    Epochs without a better loss on them before training stops; the best weights are kept.
{SEEDING}
"""
REFERENCE = """
.. [1] Kim, Y. (2014). Convolutional neural networks for sentence classification. EMNLP.
"""
shared_words = documented(network=NETWORK, parameters=PARAMETERS, attributes=FITTED, reference=REFERENCE)


@dataclass(repr=False, eq=False, kw_only=True)
class TextNetworkLearner(TextInput, NetworkLearner):
    """The settings of TextCNN, for labels and for numbers."""

    embedding_dim: int = 64
    widths: Sequence[int] = (1, 2, 3)
    n_filters: int = 64
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
        **NetworkLearner._parameter_constraints,
        "embedding_dim": [whole(1)],
        "widths": [tuple, list],
        "n_filters": [whole(1)],
    }


@shared_words
class TextCNNClassifier(NetworkClassifier, TextNetworkLearner):
    """Convolutional network on token positions, for labels (Kim 2014).

    {network}

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of them
        Class labels of the target, or of each of several targets.
    {attributes}

    References
    ----------
    {reference}

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.learners import TextCNNClassifier
    >>> X = np.random.RandomState(0).randint(2, 20, (120, 8))
    >>> y = (X == 5).any(axis=1)
    >>> model = TextCNNClassifier(max_epochs=20, learning_rate=0.01, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """


@shared_words
class TextCNNRegressor(NetworkRegressor, TextNetworkLearner):
    """Convolutional network on token positions, for numbers (Kim 2014).

    {network}

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    y_mean_, y_scale_ : ndarray of shape (n_targets,)
        Mean and standard deviation of the targets, which are standardised inside.
    {attributes}

    References
    ----------
    {reference}

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.learners import TextCNNRegressor
    >>> X = np.random.RandomState(0).randint(2, 20, (120, 8))
    >>> y = (X == 5).any(axis=1) * 2.0
    >>> model = TextCNNRegressor(max_epochs=20, learning_rate=0.01, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.5
    True
    """


def TextCNN(task=Classes.family, **settings) -> TextCNNClassifier | TextCNNRegressor:
    """Return a `TextCNNClassifier`, or a `TextCNNRegressor` for task="regression".

    Parameters
    ----------
    task : {"classification", "regression"}, default="classification"
        What the targets are.
    **settings : dict
        Parameters of the class.

    Returns
    -------
    TextCNNClassifier or TextCNNRegressor
        An unfitted learner.

    Examples
    --------
    >>> from ensemble_mm.learners import TextCNN
    >>> TextCNN("regression", max_epochs=5)
    TextCNNRegressor(max_epochs=5)
    """
    learners = {Classes.family: TextCNNClassifier, Numbers.family: TextCNNRegressor}
    check_choice("task", task, tuple(learners))
    return learners[task](**settings)
