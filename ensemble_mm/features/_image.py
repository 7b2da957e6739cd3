"""Images -> float32 columns: colour, shape and texture of a small copy, its pixels, or states of an encoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._checks import as_items, check_choice, check_params, having, is_missing, one_of, whole
from ._encoders import POOLINGS, encode, encoder_files, encoder_width
from ._media import MediaExtractor, changed_items, read_all
from ._picture_features import GROUPS, names_of, picture_features
from ._pictures import read_picture
from ._text import ENCODED_COMPONENTS, TextReducer

ENCODER_SIDE = 256  # augmented images for an encoder keep this many pixels on their shorter side
FEATURES_SIDE, PIXELS_SIDE = 64, 32
LARGEST_SIDE = 8192
BATCH = 8  # small copies whose features are computed together


@dataclass(repr=False, eq=False, kw_only=True)
class ImageExtractor(MediaExtractor):
    """Turn images into features: one row per image, the same columns whatever its size and mode.

    Every image is made upright (EXIF), opaque (over white), RGB with 8 bits per channel, and resized to a square
    with sides of `size` pixels; the features are computed on this copy, so their cost hardly depends on the
    size of the images. Nothing is learned from the data: a row depends on its own image only.

    Parameters
    ----------
    output : {"features", "pixels"}, default="features"
        "features": the groups of `features`. "pixels": the resized copy itself, values from 0 to 1, row by row, red,
        green and blue of a pixel side by side: ``X.reshape(-1, size, size, 3)`` gives the pictures back. This
        is what `ImageCNNClassifier` reads.
    features : sequence of {"hog", "lbp", "color", "thumbnail"}, default=("hog", "lbp", "color", "thumbnail")
        Which features to compute:

        - "hog": histograms of oriented gradients [1]_ of 4 x 4 cells in blocks of 2 x 2, 324 columns;
        - "lbp": uniform local binary patterns [2]_ of each quarter of the image, 40 columns (shares);
        - "color": square roots of shares of pixels: a joint histogram of hue, saturation and value
          (8 x 4 x 4 bins) and histograms of single channels, then contrast (standard deviation of Y, Cb
          and Cr) in 4 x 4 cells, 228 columns;
        - "thumbnail": Y in 12 x 12 and Cb, Cr in 4 x 4 pixels, from 0 to 1, 176 columns.
    size : int, default=None
        Side of the resized copy in pixels; for features a multiple of 4, at least 16. None: 64 for features, 32 for
        pixels, 224 for "efficientnet" (128 takes a third of its time).
    encoder : None, "efficientnet", path, callable or object with `transform`, default=None
        Takes the place of `features`: "efficientnet" (extra ``vision``; 1,280 columns), the folder or name of a
        transformers model (extra ``transformers``), or what turns a list of PIL images (RGB) into an array with one row
        per image. Named models are rebuilt where they run, never pickled.
    device : str, default="auto"
        Where a named encoder runs: "cpu", "cuda", ...; "auto" takes a GPU when there is one.
    pooling : {"mean", "first"}, default="mean"
        What a transformers model gives an image: the mean of its patches' states, or the first one (the class token).
    allow_download : bool, default=False
        Whether a transformers model that is not on this machine may be fetched by its name.
    max_pixels : int, default=64_000_000
        Most pixels (width x height) of an image. It is checked before an image is decoded, so that a small file
        that unpacks to a huge image does no harm.
    on_bad : {"raise", "missing"}, default="raise"
        "raise": one error lists all images that cannot be read. "missing": they give rows of NaN and one warning.
    flip : bool, default=True
        Whether `augment` may mirror images left to right. Set it to False where left and right differ, as in
        writing.

    References
    ----------
    .. [1] Dalal, N. and Triggs, B. (2005). Histograms of oriented gradients for human detection. CVPR, 886-893.
    .. [2] Ojala, T., Pietikainen, M. and Maenpaa, T. (2002). Multiresolution gray-scale and rotation invariant
       texture classification with local binary patterns. IEEE TPAMI 24, 971-987.

    Examples
    --------
    >>> import numpy as np
    >>> images = [np.zeros((24, 32, 3), dtype=np.uint8), np.full((48, 48), 0.5), None]
    >>> X = ImageExtractor().fit_transform(images)
    >>> X.shape, X.dtype
    ((3, 768), dtype('float32'))
    >>> np.isnan(X).all(axis=1)
    array([False, False,  True])
    """

    output: str = "features"
    features: Sequence[str] = GROUPS
    size: int | None = None
    encoder: Any = None
    device: str = "auto"
    pooling: str = "mean"
    allow_download: bool = False
    max_pixels: int = 64_000_000
    on_bad: str = "raise"
    flip: bool = True

    _parameter_constraints = {
        "output": [one_of("features", "pixels")],
        "features": "no_validation",  # see check_settings
        "size": [None, whole(1, LARGEST_SIDE)],
        "encoder": [None, str, callable, having("transform")],
        "device": [str],
        "pooling": [one_of(*POOLINGS)],
        "allow_download": ["boolean"],
        "max_pixels": [whole(1)],
        "on_bad": [one_of("raise", "missing")],
        "flip": ["boolean"],
    }

    def transform(self, X) -> np.ndarray:
        """Return the features of images.

        Parameters
        ----------
        X : sequence of length n_samples
            Paths, bytes of files, PIL images or arrays (height, width[, channels]): booleans, uint8, uint16, other
            integers from 0 to 255, floats from 0 to 1 (or to 255). None, NaN and "" are missing.

        Returns
        -------
        ndarray of shape (n_samples, n_columns), float32
            Rows of missing images are NaN.

        Raises
        ------
        BadItemsError
            When images cannot be read and `on_bad` is "raise".
        """
        check_params(self)
        if self.encoder is not None:
            return read_all(
                X,
                self._read,
                on_bad=self.on_bad,
                what="images",
                n_columns=None if _any_present(X) else self._encoder_width(),
                encode=lambda images: encode(self.encoder, images, kind="image", **self._encoder_settings()),
            )
        size, of_pictures = self._side(), partial(picture_features, groups=self.features)
        together = pixels_of if self.output == "pixels" else of_pictures
        return read_all(
            X,
            lambda item: np.asarray(small_copy(self._read(item), size)),
            on_bad=self.on_bad,
            what="images",
            n_columns=len(self.get_feature_names_out()),
            encode=lambda copies: together(np.stack(copies)),
            batch_size=BATCH,
        )

    def augment(self, X, random_state=None) -> list:
        """Return changed copies of images: mirrored (if `flip`), cropped, brighter or darker, with noise.

        Parameters
        ----------
        X : sequence of images
        random_state : int, RandomState or None, default=None

        Returns
        -------
        list of ChangedItem
            For `transform`, which reads and changes one image at a time; `load()` of one gives an array of shape
            (height, width, 3), uint8, with `size` pixels on its shorter side. Missing images stay what they are.
        """
        check_params(self)
        side = ENCODER_SIDE if self.encoder is not None else self._side()
        return changed_items(X, _changed, check_random_state(random_state), side, self.flip, self.max_pixels)

    def make_reducer(self) -> Any:
        """Return an unfitted transformer from the columns of an encoder to few; None for other features."""
        return None if self.encoder is None else TextReducer(ENCODED_COMPONENTS)

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns; `input_features` is not read."""
        if self.encoder is not None:
            return np.array([f"encoder_{i}" for i in range(self._encoder_width())], dtype=object)
        if self.output == "pixels":
            side = range(self._side())
            return np.array([f"{color}_{i}_{j}" for i in side for j in side for color in "rgb"], dtype=object)
        return np.array(names_of(self.features), dtype=object)

    def check_settings(self) -> None:
        """Raise a ValueError where parameters do not suit each other."""
        if self.size is not None and self.output == "features" and (self.size < 16 or self.size % 4):
            raise ValueError(
                f"size={self.size} must be a multiple of 4 of at least 16: the features use a grid of 4 x 4 cells."
            )
        if not isinstance(self.features, (list, tuple, np.ndarray)) or not len(self.features):
            raise ValueError(f"features={self.features!r} must be a list of some of {', '.join(map(repr, GROUPS))}.")
        for group in self.features:
            check_choice("features", group, GROUPS)
        if self.encoder is not None and self.output == "pixels":
            raise ValueError('encoder= and output="pixels" exclude each other: leave one of them at its default.')

    def _files_read(self):
        return encoder_files(self.encoder)  # what they hold is part of a key of this extractor

    def _encoder_settings(self):
        return {"device": self.device, "pooling": self.pooling, "allow_download": self.allow_download,
                "side": self.size}  # fmt: skip

    def _encoder_width(self):
        return encoder_width(self.encoder, kind="image", **self._encoder_settings())

    def _side(self):
        return self.size or (PIXELS_SIDE if self.output == "pixels" else FEATURES_SIDE)

    def _read(self, item):
        return read_picture(item, max_pixels=self.max_pixels)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def small_copy(image, size):
    """Resize a PIL image to `size` x `size`, smoothed when it gets smaller."""
    if image.size == (size, size):
        return image
    return image.resize((size, size), resample=2, reducing_gap=2.0)  # 2: bilinear


def pixels_of(pictures):
    """Return the pixels of RGB pictures from 0 to 1, channels last, one row each."""
    return pictures.reshape(len(pictures), -1).astype(np.float32) / 255


def _any_present(X):
    return not all(is_missing(item) for item in as_items(X))


def _changed(item, seed, side, flip, max_pixels):
    """Return one changed copy of an image as an array."""
    image = read_picture(item, max_pixels=max_pixels)
    rng = np.random.RandomState(seed)
    width, height = image.size
    w, h = (max(1, int(round(length * rng.uniform(0.85, 1)))) for length in (width, height))
    left, top = rng.randint(width - w + 1), rng.randint(height - h + 1)
    scale = min(1, side / min(width, height))
    out = image.resize((max(1, round(width * scale)), max(1, round(height * scale))), 2, (left, top, left + w, top + h))
    array = np.asarray(out, dtype=np.float32)
    if flip and rng.random_sample() < 0.5:
        array = array[:, ::-1]
    array = array * rng.uniform(0.8, 1.2) + rng.normal(scale=rng.uniform(0, 8), size=array.shape)
    return np.clip(np.rint(array), 0, 255).astype(np.uint8)
