"""Images -> float32 columns: colour, shape and texture of a small copy, its pixels, or states of an encoder."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state

from .._checks import as_items, check_choice, check_count, is_missing, require
from ._encoders import encode, encoder_width
from ._media import UnreadableItem, read_all
from ._pictures import read_picture
from ._text import ENCODED_COMPONENTS, TextReducer

GROUPS = ("hog", "lbp", "color", "thumbnail")
ENCODER_SIDE = 256  # augmented images for an encoder keep this many pixels on their shorter side
FEATURES_SIDE, PIXELS_SIDE = 64, 32
HSV_BINS = (8, 4, 4)
LUMA_SIDE, CHROMA_SIDE = 12, 4


class ImageExtractor(TransformerMixin, BaseEstimator):
    """Turn images into features: one row an image, the same columns whatever its size and mode.

    Every image is made upright (EXIF), opaque (over white), RGB with 8 bits a channel, and resized to a square
    of `size` pixels a side; the features are computed on this copy, so their cost hardly depends on the
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
        Takes the place of `features`: "efficientnet" (extra ``vision``; 1,280 columns), the folder of a
        transformers model on this machine (extra ``transformers``), or what turns a list of PIL images (RGB)
        into an array with one row an image. Named models are rebuilt where they run, never pickled.
    device : str, default="auto"
        Where a named encoder runs: "cpu", "cuda", ...; "auto" takes a GPU when there is one.
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

    def __init__(
        self,
        *,
        output="features",
        features=GROUPS,
        size=None,
        encoder=None,
        device="auto",
        max_pixels=64_000_000,
        on_bad="raise",
        flip=True,
    ):
        self.output = output
        self.features = features
        self.size = size
        self.encoder = encoder
        self.device = device
        self.max_pixels = max_pixels
        self.on_bad = on_bad
        self.flip = flip

    def fit(self, X=None, y=None):
        """Check the parameters. Nothing is learned, so `transform` works without it.

        Parameters
        ----------
        X : sequence of images, default=None
            Not read.
        y : None
            Not read.
        """
        self._check()
        return self

    def transform(self, X):
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
        self._check()
        if self.encoder is not None:
            return read_all(
                X,
                self._read,
                on_bad=self.on_bad,
                what="images",
                n_columns=None if _any_present(X) else encoder_width(self.encoder, self.device, kind="image"),
                encode=lambda images: encode(self.encoder, images, kind="image", device=self.device, side=self.size),
            )
        size = self._side()
        row = pixels_of if self.output == "pixels" else self._features_of
        return read_all(
            X,
            lambda item: row(small_copy(self._read(item), size)),
            on_bad=self.on_bad,
            what="images",
            n_columns=len(self.get_feature_names_out()),
        )

    def augment(self, X, random_state=None):
        """Return changed copies of images: mirrored (if `flip`), cropped, brighter or darker, with noise.

        Parameters
        ----------
        X : sequence of images
        random_state : int, RandomState or None, default=None

        Returns
        -------
        list of ndarray of shape (height, width, 3), uint8
            As small as the extractor allows: `size` pixels on the shorter side. Missing images, and those that cannot
            be read, stay what they are.
        """
        self._check()
        rng = check_random_state(random_state)
        side = ENCODER_SIDE if self.encoder is not None else self._side()
        out = []
        for item in as_items(X):
            seed = rng.randint(np.iinfo(np.int32).max)  # one draw an image, whether it can be read or not
            try:
                out.append(item if is_missing(item) else _changed(self._read(item), seed, side, self.flip))
            except (UnreadableItem, OSError):
                out.append(item)
        return out

    def make_reducer(self):
        """Return an unfitted transformer from the columns of an encoder to few; None for other features."""
        return None if self.encoder is None else TextReducer(ENCODED_COMPONENTS)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns; `input_features` is not read."""
        if self.encoder is not None:
            width = encoder_width(self.encoder, self.device, kind="image")
            return np.array([f"encoder_{i}" for i in range(width)], dtype=object)
        if self.output == "pixels":
            side = range(self._side())
            return np.array([f"{color}_{i}_{j}" for i in side for j in side for color in "rgb"], dtype=object)
        return np.array([name for group in self.features for name in _NAMES[group]], dtype=object)

    def _check(self):
        check_choice("output", self.output, ["features", "pixels"])
        check_choice("on_bad", self.on_bad, ["raise", "missing"])
        if self.size is not None:
            check_count("size", self.size, minimum=1 if self.output == "pixels" else 16)
            if self.size % 4 and self.output == "features":
                raise ValueError(f"size={self.size} must be a multiple of 4: the features use a grid of 4 x 4 cells.")
        check_count("max_pixels", self.max_pixels, minimum=1)
        if isinstance(self.features, str) or not len(self.features):
            raise ValueError(f"features={self.features!r} must be a list of some of {', '.join(map(repr, GROUPS))}.")
        for group in self.features:
            check_choice("features", group, GROUPS)
        if self.encoder is not None and self.output == "pixels":
            raise ValueError('encoder= and output="pixels" exclude each other: leave one of them at its default.')

    def _side(self):
        return self.size or (PIXELS_SIDE if self.output == "pixels" else FEATURES_SIDE)

    def _read(self, item):
        return read_picture(item, max_pixels=self.max_pixels)

    def _features_of(self, image):
        return np.concatenate([_FUNCTIONS[group](image) for group in self.features])

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags


def small_copy(image, size):
    """Resize a PIL image to `size` x `size`, smoothed when it gets smaller."""
    if image.size == (size, size):
        return image
    return image.resize((size, size), resample=2, reducing_gap=2.0)  # 2: bilinear


def pixels_of(image):
    """Return the pixels of an RGB image from 0 to 1, channels last, as one row."""
    return np.asarray(image, dtype=np.float32).ravel() / 255


def hog_of(image):
    """Return oriented gradients of a square image whose side is a multiple of 4: 324 numbers."""
    feature = require("skimage.feature", extra="image", caller="ImageExtractor")
    grey = np.sqrt(np.asarray(image.convert("L"), dtype=np.float32) / 255)  # gradients of dark parts count too
    cell = image.size[0] // 4
    return feature.hog(grey, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))


def lbp_of(image):
    """Return shares of the ten uniform local binary patterns in each quarter: 40 numbers."""
    feature = require("skimage.feature", extra="image", caller="ImageExtractor")
    codes = feature.local_binary_pattern(np.asarray(image.convert("L")), P=8, R=1, method="uniform").astype(np.intp)
    half = len(codes) // 2
    quarters = codes.reshape(2, half, 2, half).swapaxes(1, 2).reshape(4, -1)
    return np.concatenate([np.bincount(q, minlength=10) for q in quarters]) / half**2


def color_of(image):
    """Return colour histograms (square roots of shares) and the contrast of 4 x 4 cells: 228 numbers."""
    n = image.size[0] * image.size[1]
    hsv = np.asarray(image.convert("HSV")).reshape(-1, 3).astype(np.intp)
    h, s, v = (hsv[:, c] * bins // 256 for c, bins in enumerate(HSV_BINS))
    joint = np.bincount((h * HSV_BINS[1] + s) * HSV_BINS[2] + v, minlength=int(np.prod(HSV_BINS)))
    # Hue means little where there is hardly any colour: weigh it by saturation and value.
    hue = np.bincount(hsv[:, 0] * 12 // 256, weights=hsv[:, 1] * hsv[:, 2] / 255**2, minlength=12)
    single = [np.bincount(channel // 32, minlength=8) for channel in (hsv[:, 1], hsv[:, 2])]
    levels = image.histogram()  # 256 counts a channel
    single += [np.reshape(levels[c * 256 : (c + 1) * 256], (8, 32)).sum(axis=1) for c in range(3)]
    cell = image.size[0] // 4
    cells = np.asarray(image.convert("YCbCr"), dtype=np.float32).reshape(4, cell, 4, cell, 3) / 255
    return np.concatenate([np.sqrt(np.concatenate([joint, hue, *single]) / n), cells.std(axis=(1, 3)).ravel()])


def thumbnail_of(image):
    """Return luma in 12 x 12 and both chromas in 4 x 4 pixels, from 0 to 1: 176 numbers."""
    luma, *chroma = image.convert("YCbCr").split()
    parts = [luma.resize((LUMA_SIDE, LUMA_SIDE), resample=4)]  # 4: the mean of the pixels below
    parts += [channel.resize((CHROMA_SIDE, CHROMA_SIDE), resample=4) for channel in chroma]
    return np.concatenate([np.asarray(part, dtype=np.float32).ravel() for part in parts]) / 255


_FUNCTIONS = {"hog": hog_of, "lbp": lbp_of, "color": color_of, "thumbnail": thumbnail_of}
_NAMES = {
    "hog": [f"hog_{i}" for i in range(324)],
    "lbp": [f"lbp_{row}{column}_{code}" for row in range(2) for column in range(2) for code in range(10)],
    "color": [
        *(f"hsv_{h}_{s}_{v}" for h in range(8) for s in range(4) for v in range(4)),
        *(f"hue_{i}" for i in range(12)),
        *(f"{channel}_{i}" for channel in ("saturation", "value", "red", "green", "blue") for i in range(8)),
        *(f"contrast_{c}_{i}_{j}" for i in range(4) for j in range(4) for c in ("y", "cb", "cr")),
    ],
    "thumbnail": [
        f"{c}_{i}_{j}"
        for c, side in (("y", LUMA_SIDE), ("cb", CHROMA_SIDE), ("cr", CHROMA_SIDE))
        for i in range(side)
        for j in range(side)
    ],
}


def _any_present(X):
    return not all(is_missing(item) for item in as_items(X))


def _changed(image, seed, side, flip):
    """Return one changed copy of a PIL image as an array."""
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
