"""ImageCNN: a small neural network on pixels, as a classifier and as a regressor."""

from collections.abc import Sequence
from dataclasses import dataclass

from .._checks import AT_LEAST_0, whole
from .._docs import documented
from .._kinds import Classes
from ._neural import FITTED, TRAINING, ImageInput, NetworkClassifier, NetworkLearner, NetworkRegressor, of_task

NETWORK = """
A stem, blocks of two 3x3 convolutions beside a shortcut, the mean of each filter over the
image, dropout, a linear layer. It reads what `ImageExtractor(output="pixels")` gives: the
rows of an image one after the other, the channels of a pixel side by side.
Several targets share all but the last layer. Needs the extra `neural`.
"""
PARAMETERS = f"""
image_shape : tuple of int or None, default=None
    Height, width and channels of the flattened images; None: square, of 1, 3 or 4 channels.
width : int, default=16
    Filters of the first block; each further block has twice as many, at half the size.
n_blocks : int, default=3
    Number of blocks.
augment : float, default=0.1
    How much images are shifted, scaled (share of their size) and turned (1.5 times as many
    radians) at random in training; 0 leaves them as they are.
{TRAINING}
"""
REFERENCE = """
.. [1] He, K., Zhang, X., Ren, S. and Sun, J. (2016). Deep residual learning for image
   recognition. CVPR.
"""
shared_words = documented(network=NETWORK, parameters=PARAMETERS, attributes=FITTED, reference=REFERENCE)


@dataclass(repr=False, eq=False, kw_only=True)
class ImageNetworkLearner(ImageInput, NetworkLearner):
    """The settings of ImageCNN, for labels and for numbers."""

    image_shape: Sequence[int] | None = None
    width: int = 16
    n_blocks: int = 3
    augment: float = 0.1
    dropout: float = 0.1
    max_epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-2
    patience: int = 8

    _parameter_constraints = {
        "image_shape": [None, tuple, list],
        "width": [whole(1)],
        "n_blocks": [whole(1)],
        "augment": [AT_LEAST_0],
    }


@shared_words
class ImageCNNClassifier(NetworkClassifier, ImageNetworkLearner):
    """Small residual network on pixels, for labels (He et al. 2016).

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
    >>> from ensemble_mm.learners import ImageCNNClassifier
    >>> X = np.random.RandomState(0).rand(80, 64) * 0.5
    >>> y = np.arange(80) % 2
    >>> X[y == 1, :32] += 0.5  # the upper half is bright
    >>> model = ImageCNNClassifier(max_epochs=8, width=4, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """


@shared_words
class ImageCNNRegressor(NetworkRegressor, ImageNetworkLearner):
    """Small residual network on pixels, for numbers (He et al. 2016).

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
    >>> from ensemble_mm.learners import ImageCNNRegressor
    >>> X = np.random.RandomState(0).rand(80, 64) * 0.5
    >>> y = np.arange(80) % 2
    >>> X[y == 1, :32] += 0.5  # the upper half is bright
    >>> model = ImageCNNRegressor(max_epochs=8, width=4, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.5
    True
    """


def ImageCNN(task=Classes.family, **settings) -> ImageCNNClassifier | ImageCNNRegressor:
    """Return an `ImageCNNClassifier`, or an `ImageCNNRegressor` for task="regression".

    Parameters
    ----------
    task : {"classification", "regression"}, default="classification"
        What the targets are.
    **settings : dict
        Parameters of the class.

    Examples
    --------
    >>> from ensemble_mm.learners import ImageCNN
    >>> ImageCNN("regression", max_epochs=5)
    ImageCNNRegressor(max_epochs=5)
    """
    return of_task(task, ImageCNNClassifier, ImageCNNRegressor, settings)
