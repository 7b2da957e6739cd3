"""TextCNN: a small neural network on tokens, as a classifier and as a regressor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import validate_data

from .._checks import whole
from .._docs import documented
from .._kinds import Classes
from .._modalities import TEXT
from ._neural import FITTED, TRAINING, NetworkClassifier, NetworkLearner, NetworkRegressor, numbers_of, of_task
from ._pruning_net import drop_text

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
{TRAINING}
"""
REFERENCE = """
.. [1] Kim, Y. (2014). Convolutional neural networks for sentence classification. EMNLP.
"""
shared_words = documented(network=NETWORK, parameters=PARAMETERS, attributes=FITTED, reference=REFERENCE)


@dataclass(repr=False, eq=False, kw_only=True)
class TextNetworkLearner(NetworkLearner):
    """What TextCNN reads: texts, or padded token positions.

    0 is padding; a position that fit has not seen becomes 1, "unknown".
    """

    embedding_dim: int = 64
    widths: Sequence[int] = (1, 2, 3)
    n_filters: int = 64

    _parameter_constraints = {"embedding_dim": [whole(1)], "widths": [tuple, list], "n_filters": [whole(1)]}
    _drop_filters = staticmethod(drop_text)

    def _checked(self, X, *, reset):
        X = numbers_of(self, X, TEXT, reset, output="tokens")
        X = validate_data(self, X, reset=reset, dtype=np.float64)
        if (X < 0).any() or (X != np.rint(X)).any():
            raise ValueError(
                "TextCNN reads padded token positions, whole numbers from 0 on; found other values. "
                "Use TextExtractor(output='tokens') in front of it."
            )
        X = X.astype(np.int64)
        if reset:
            self.n_tokens_ = max(int(X.max()) + 1, 2)
        return np.where(X < self.n_tokens_, X, 1)

    def _blank(self, n_rows):
        return np.random.RandomState(0).randint(0, self.n_tokens_, (n_rows, self.n_features_in_))

    def _describe(self, X):
        return {
            "kind": TEXT,
            "n_tokens": self.n_tokens_,
            "embedding_dim": self.embedding_dim,
            "widths": [int(width) for width in self.widths],
            "n_filters": [self.n_filters] * len(self.widths),
        }, {}


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

    Examples
    --------
    >>> from ensemble_mm.learners import TextCNN
    >>> TextCNN("regression", max_epochs=5)
    TextCNNRegressor(max_epochs=5)
    """
    return of_task(task, TextCNNClassifier, TextCNNRegressor, settings)
