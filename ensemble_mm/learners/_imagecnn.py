"""ImageCNN: a small neural network on pixels, as a classifier and as a regressor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import validate_data

from .._checks import AT_LEAST_0, whole
from .._docs import documented
from .._kinds import Classes
from .._modalities import IMAGE
from .._plain_words import plural
from ._neural import FITTED, TRAINING, NetworkClassifier, NetworkLearner, NetworkRegressor, numbers_of, of_task
from ._pruning_net import drop_image

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
class ImageNetworkLearner(NetworkLearner):
    """What ImageCNN reads: files of pictures, or flattened pixels, row by row, the channels of a pixel side by side."""

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
    _drop_filters = staticmethod(drop_image)

    def _checked(self, X, *, reset):
        X = numbers_of(self, X, IMAGE, reset, output="pixels")
        if self.reader_ is not None and len(missing := np.flatnonzero(np.isnan(X).all(axis=1))):
            raise ValueError(
                f"{plural(len(missing), 'picture')} of {len(X)} missing (NaN), the first in row {missing[0]}: ImageCNN "
                "needs a picture in every row. Leave the other rows out, or use it as a learner of a stack, where it "
                "is silent about rows without a picture."
            )
        X = validate_data(self, X, reset=reset, dtype=np.float32)
        if reset:
            self.image_shape_ = self._find_shape(X.shape[1])
        return X

    def _find_shape(self, n_columns):
        if self.image_shape is not None:
            shape = tuple(int(size) for size in self.image_shape)
            shape = shape if len(shape) == 3 else (*shape, 1)
            if len(shape) != 3 or np.prod(shape) != n_columns:
                raise ValueError(f"image_shape={self.image_shape!r} does not give the {n_columns} columns of X.")
            return shape
        for n_channels in (1, 3, 4):
            side = int(round(np.sqrt(n_columns / n_channels)))
            if side * side * n_channels == n_columns:
                return side, side, n_channels
        raise ValueError(
            f"X has {n_columns} columns, which do not make a square image of 1, 3 or 4 channels: give "
            "image_shape=(height, width, channels)."
        )

    def _blank(self, n_rows):
        return np.random.RandomState(0).rand(n_rows, self.n_features_in_).astype(np.float32)

    def _describe(self, X):
        widths = [self.width * 2**i for i in range(self.n_blocks)]
        shape = {
            "kind": IMAGE,
            "image_shape": [int(size) for size in self.image_shape_],
            "widths": widths,
            "n_inner": list(widths),
            "augment": float(self.augment),
        }
        pixels = X.reshape(-1, self.image_shape_[2])
        scale = pixels.std(axis=0)
        start = {"mean": pixels.mean(axis=0), "scale": np.where(scale > 0, scale, 1.0)}
        return shape, {key: value.astype(np.float32) for key, value in start.items()}


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
