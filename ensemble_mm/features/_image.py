"""Images -> float32 columns: colour, shape and texture of a small copy, its pixels, or states of an encoder."""

from functools import lru_cache

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state

from .._checks import as_items, check_choice, check_count, is_missing
from ._encoders import POOLINGS, encode, encoder_width
from ._media import changed_items, read_all
from ._pictures import read_picture
from ._text import ENCODED_COMPONENTS, TextReducer

GROUPS = ("hog", "lbp", "color", "thumbnail")
ENCODER_SIDE = 256  # augmented images for an encoder keep this many pixels on their shorter side
FEATURES_SIDE, PIXELS_SIDE = 64, 32
LARGEST_SIDE = 8192
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
        Takes the place of `features`: "efficientnet" (extra ``vision``; 1,280 columns), the folder or name of a
        transformers model (extra ``transformers``), or what turns a list of PIL images (RGB) into an array with one row
        an image. Named models are rebuilt where they run, never pickled.
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

    def __init__(
        self,
        *,
        output="features",
        features=GROUPS,
        size=None,
        encoder=None,
        device="auto",
        pooling="mean",
        allow_download=False,
        max_pixels=64_000_000,
        on_bad="raise",
        flip=True,
    ):
        self.output = output
        self.features = features
        self.size = size
        self.encoder = encoder
        self.device = device
        self.pooling = pooling
        self.allow_download = allow_download
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
                n_columns=None if _any_present(X) else self._encoder_width(),
                encode=lambda images: encode(self.encoder, images, kind="image", **self._encoder_settings()),
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
        list of ChangedItem
            For `transform`, which reads and changes one image at a time; `load()` of one gives an array of shape
            (height, width, 3), uint8, with `size` pixels on its shorter side. Missing images stay what they are.
        """
        self._check()
        side = ENCODER_SIDE if self.encoder is not None else self._side()
        return changed_items(X, _changed, check_random_state(random_state), side, self.flip, self.max_pixels)

    def make_reducer(self):
        """Return an unfitted transformer from the columns of an encoder to few; None for other features."""
        return None if self.encoder is None else TextReducer(ENCODED_COMPONENTS)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns; `input_features` is not read."""
        if self.encoder is not None:
            return np.array([f"encoder_{i}" for i in range(self._encoder_width())], dtype=object)
        if self.output == "pixels":
            side = range(self._side())
            return np.array([f"{color}_{i}_{j}" for i in side for j in side for color in "rgb"], dtype=object)
        return np.array([name for group in self.features for name in _NAMES[group]], dtype=object)

    def _check(self):
        check_choice("output", self.output, ["features", "pixels"])
        check_choice("on_bad", self.on_bad, ["raise", "missing"])
        check_choice("pooling", self.pooling, POOLINGS)
        if self.size is not None:
            check_count("size", self.size, minimum=1 if self.output == "pixels" else 16)
            if self.size % 4 and self.output == "features":
                raise ValueError(f"size={self.size} must be a multiple of 4: the features use a grid of 4 x 4 cells.")
            if self.size > LARGEST_SIDE:
                raise ValueError(f"size={self.size} must be at most {LARGEST_SIDE} pixels.")
        check_count("max_pixels", self.max_pixels, minimum=1)
        if not isinstance(self.features, (list, tuple, np.ndarray)) or not len(self.features):
            raise ValueError(f"features={self.features!r} must be a list of some of {', '.join(map(repr, GROUPS))}.")
        for group in self.features:
            check_choice("features", group, GROUPS)
        if self.encoder is not None and self.output == "pixels":
            raise ValueError('encoder= and output="pixels" exclude each other: leave one of them at its default.')

    def _encoder_settings(self):
        return {"device": self.device, "pooling": self.pooling, "allow_download": self.allow_download,
                "side": self.size}  # fmt: skip

    def _encoder_width(self):
        return encoder_width(self.encoder, kind="image", **self._encoder_settings())

    def _side(self):
        return self.size or (PIXELS_SIDE if self.output == "pixels" else FEATURES_SIDE)

    def _read(self, item):
        return read_picture(item, max_pixels=self.max_pixels)

    def _features_of(self, image):
        ycc = image.convert("YCbCr")
        return np.concatenate([_FUNCTIONS[group](image, ycc) for group in self.features])

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


def hog_of(image, ycc):
    """Return oriented gradients [1] of a square image whose side is a multiple of 4: 324 numbers.

    9 orientations in 4 x 4 cells, blocks of 2 x 2 cells cut at 0.2 of their length (L2-Hys), as scikit-image has it.
    """
    grey = np.sqrt(np.asarray(ycc.getchannel(0), dtype=np.float32) / 255)  # gradients of dark parts count too
    down, right = np.zeros_like(grey), np.zeros_like(grey)
    down[1:-1] = grey[2:] - grey[:-2]
    right[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    turn = np.arctan2(down, right) * np.float32(9 / np.pi)  # in ninths of a half turn
    bins = np.floor(turn).astype(np.intp) % 9
    counts = np.bincount((_cells(len(grey)) * 9 + bins).ravel(), np.hypot(right, down).ravel(), 16 * 9)
    cells = counts.reshape(4, 4, 9) / (len(grey) // 4) ** 2
    blocks = np.lib.stride_tricks.sliding_window_view(cells, (2, 2), (0, 1)).transpose(0, 1, 3, 4, 2).reshape(9, 36)
    blocks = np.minimum(blocks / np.sqrt((blocks**2).sum(axis=1, keepdims=True) + 1e-10), 0.2)
    return (blocks / np.sqrt((blocks**2).sum(axis=1, keepdims=True) + 1e-10)).ravel()


def lbp_of(image, ycc):
    """Return shares of the ten uniform local binary patterns [2] in each quarter: 40 numbers."""
    grey = np.pad(np.asarray(ycc.getchannel(0)), 1)
    n = len(grey) - 2
    codes = np.zeros((n, n), dtype=np.uint8)
    for bit, (down, right) in enumerate(RING):
        codes |= (grey[1 + down : 1 + down + n, 1 + right : 1 + right + n] >= grey[1:-1, 1:-1]).view(np.uint8) << bit
    half = n // 2
    quarters = PATTERNS[codes].reshape(2, half, 2, half).swapaxes(1, 2).reshape(4, -1)
    return np.bincount((quarters + 10 * np.arange(4)[:, np.newaxis]).ravel(), minlength=40) / half**2


def color_of(image, ycc):
    """Return colour histograms (square roots of shares) and the contrast of 4 x 4 cells: 228 numbers."""
    n = image.size[0] * image.size[1]
    hsv = np.asarray(image.convert("HSV")).reshape(-1, 3)
    h, s, v = (hsv[:, c] // (256 // bins) for c, bins in enumerate(HSV_BINS))
    joint = np.bincount((h * HSV_BINS[1] + s) * HSV_BINS[2] + v, minlength=int(np.prod(HSV_BINS)))
    # Hue means little where there is hardly any colour: weigh it by saturation and value.
    weight = hsv[:, 1] * (hsv[:, 2] / np.float32(255**2))
    hue = np.bincount(np.arange(256) * 12 // 256, np.bincount(hsv[:, 0], weight, 256))
    single = [np.bincount(channel // 32, minlength=8) for channel in (hsv[:, 1], hsv[:, 2])]
    levels = image.histogram()  # 256 counts a channel
    single += [np.reshape(levels[c * 256 : (c + 1) * 256], (8, 32)).sum(axis=1) for c in range(3)]
    cell = image.size[0] // 4
    rows = np.asarray(ycc, dtype=np.float32).reshape(4, cell, -1) / 255
    mean, square = (part.sum(axis=1).reshape(4, 4, cell, 3).sum(axis=2) / cell**2 for part in (rows, rows**2))
    contrast = np.sqrt(np.maximum(square - mean**2, 0))
    return np.concatenate([np.sqrt(np.concatenate([joint, hue, *single]) / n), contrast.ravel()])


def thumbnail_of(image, ycc):
    """Return luma in 12 x 12 and both chromas in 4 x 4 pixels, from 0 to 1: 176 numbers."""
    luma, *chroma = ycc.split()
    parts = [luma.resize((LUMA_SIDE, LUMA_SIDE), resample=4)]  # 4: the mean of the pixels below
    parts += [channel.resize((CHROMA_SIDE, CHROMA_SIDE), resample=4) for channel in chroma]
    return np.concatenate([np.asarray(part, dtype=np.float32).ravel() for part in parts]) / 255


@lru_cache(maxsize=8)
def _cells(side):
    """Return the number of the cell, of 4 x 4, that each pixel lies in: shape (side, side)."""
    part = np.arange(side) * 4 // side
    return part[:, np.newaxis] * 4 + part


def _patterns():
    """Return the pattern of each code of 8 neighbours: how many are as bright, or 9 with more than two changes."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1)
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), 9).astype(np.intp)


RING = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]  # neighbours in a circle
PATTERNS = _patterns()
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
