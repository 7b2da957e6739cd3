"""Images: gradients, texture, colour and a thumbnail, or the pixels, or the vectors of an encoder."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state

from .._checks import as_items, check_choice, check_count, is_missing, require
from ._encoders import encode, encoder_width
from ._media import UnreadableItem, decoding, open_item, read_all

SIZE = 64  # pixels of the square that features are taken from
CELL = 8
BINS = 9
HUE_BINS = 8
THUMB = 8
LBP_BINS = 10
MAX_PIXELS = 64_000_000


class ImageExtractor(TransformerMixin, BaseEstimator):
    """Turn images into histograms of gradients, local binary patterns, colour histograms and a thumbnail.

    Needs no fit. Whatever its size, an image is turned upright (EXIF), set on white where it is transparent, and
    shrunk or stretched to a square first.

    Parameters
    ----------
    output : {"features", "pixels"}, default="features"
        "pixels" gives the square itself: red, green and blue planes one after another, rows from the top, values
        from 0 to 1.
    size : int, default=32
        Side of the square of "pixels".
    encoder : None, str, callable or object with `transform`, default=None
        Gives a vector an image in the place of the features: a callable from a list of PIL images to an array,
        "efficientnet" (extra `vision`), or the folder of a transformers model (extra `transformers`).
    device : str, default="auto"
        Of a pretrained model.
    max_pixels : int, default=64000000
        Larger images are refused before they are decoded.
    on_bad : {"raise", "missing"}, default="raise"
        What an unreadable image does.

    Raises
    ------
    BadItemsError
        Lists the images that cannot be read.

    References
    ----------
    .. [1] Dalal, N., Triggs, B. (2005). Histograms of oriented gradients for human detection. CVPR.
    .. [2] Ojala, T. et al. (2002). Multiresolution gray-scale and rotation invariant texture classification with local
       binary patterns. IEEE TPAMI 24, 971-987.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm import ImageExtractor
    >>> X = ImageExtractor().fit_transform([np.zeros((24, 24, 3), np.uint8), None])
    >>> X.shape[0], X.dtype, bool(np.isnan(X[1]).all())
    (2, dtype('float32'), True)
    """

    def __init__(
        self, output="features", size=32, encoder=None, device="auto", max_pixels=MAX_PIXELS, on_bad="raise"
    ):
        self.output = output
        self.size = size
        self.encoder = encoder
        self.device = device
        self.max_pixels = max_pixels
        self.on_bad = on_bad

    def fit(self, X=None, y=None):
        """Check the parameters; nothing is learned."""
        check_choice("output", self.output, ("features", "pixels"))
        check_choice("on_bad", self.on_bad, ("raise", "missing"))
        check_count("size", self.size, minimum=1)
        return self

    def transform(self, X):
        """Return float32 features, shape (n_samples, n_features), for paths, bytes, arrays or PIL images.

        Arrays are (height, width), (height, width, 1), (height, width, 3) or (height, width, 4): bytes from 0 to 255,
        or floats from 0 to 1. A missing image gives a row of NaN.
        """
        self.fit()
        if self.encoder is not None:
            return self._encode(X)
        if self.output == "pixels":
            return read_all(X, self._pixels, on_bad=self.on_bad, what="images", n_columns=3 * self.size**2)
        return read_all(
            X, lambda item: image_features(self._square(item, SIZE)),
            on_bad=self.on_bad, what="images", n_columns=len(feature_names()),
        )  # fmt: skip

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns."""
        if self.encoder is not None:
            width = encoder_width(self.encoder, self.device, kind="image")
            return np.array([f"encoded{i}" for i in range(width)], dtype=object)
        if self.output == "pixels":
            n = self.size
            return np.array([f"{c}_{i}_{j}" for c in "rgb" for i in range(n) for j in range(n)], dtype=object)
        return np.array(feature_names(), dtype=object)

    def augment(self, X, random_state=None):
        """Return new images, one each: mirrored at times, cropped, with other brightness and noise."""
        rng = check_random_state(random_state)
        return [None if is_missing(item) else self._changed(item, rng) for item in as_items(X)]

    def _square(self, item, size):
        return square(load_image(item, self.max_pixels), size)

    def _pixels(self, item):
        return self._square(item, self.size).transpose(2, 0, 1).ravel() / 255

    def _encode(self, X):
        return read_all(
            X, lambda item: load_image(item, self.max_pixels),
            on_bad=self.on_bad, what="images", n_columns=encoder_width(self.encoder, self.device, kind="image"),
            encode=lambda images: encode(self.encoder, images, kind="image", device=self.device),
        )  # fmt: skip

    def _changed(self, item, rng):
        image = np.asarray(load_image(item, self.max_pixels), dtype=np.float32)
        if rng.random_sample() < 0.5:
            image = image[:, ::-1]
        top, left = (int(rng.randint(max(1, n // 10 + 1))) for n in image.shape[:2])
        image = image[top : image.shape[0] - top or None, left : image.shape[1] - left or None]
        image = image * rng.uniform(0.8, 1.2) + rng.normal(scale=4, size=image.shape)
        return np.clip(image, 0, 255).astype(np.uint8)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def load_image(item, max_pixels=MAX_PIXELS):
    """Return an item (path, bytes, array or PIL image) as an upright RGB image; refuse what is too large."""
    Image = require("PIL.Image", extra="image", caller="ImageExtractor")
    if isinstance(item, np.ndarray):
        return _from_array(Image, item)
    if isinstance(item, Image.Image):
        image = item
    else:
        source = open_item(item, "image")
        try:
            image = Image.open(source)
        except Image.UnidentifiedImageError:
            raise UnreadableItem("it is no image in a format that is known") from None
        except Image.DecompressionBombError:
            raise UnreadableItem(f"it has more than max_pixels={max_pixels} pixels") from None
    if image.width * image.height > max_pixels:
        raise UnreadableItem(f"has {image.width} x {image.height} pixels, more than max_pixels={max_pixels}")
    if image is not item and image.format == "JPEG":
        image.draft("RGB", (2 * SIZE, 2 * SIZE))  # decodes a large photograph at a fraction of its size
    ImageOps = require("PIL.ImageOps", extra="image", caller="ImageExtractor")
    with decoding("an image"):
        return _as_rgb(Image, ImageOps.exif_transpose(image))


def _as_rgb(Image, image):
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more
        return _from_array(Image, np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _from_array(Image, array):
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise UnreadableItem(f"an array of shape {array.shape} is no image: give (height, width) or (height, width, 3)")
    if array.dtype != np.uint8:
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            raise UnreadableItem("holds NaN or infinite pixels")
        top = array.max(initial=0.0)
        scale = 255.0 if top <= 1 else 255.0 / 65535 if top > 255 else 1.0
        array = np.clip(array * scale, 0, 255).astype(np.uint8)
    return _as_rgb(Image, Image.fromarray(array))


def square(image, size):
    """Return an RGB image as a float32 array (size, size, 3) with values from 0 to 255."""
    Image = require("PIL.Image", extra="image", caller="ImageExtractor")
    resample = Image.Resampling.BOX if min(image.size) >= 2 * size else Image.Resampling.BILINEAR
    return np.asarray(image.resize((size, size), resample), dtype=np.float32)


def image_features(rgb):
    """Return the features of a square RGB image, values from 0 to 255: shape (n_features,)."""
    grey = rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.concatenate([_gradients(grey), _patterns(grey), _colours(rgb), _thumbnail(grey)])


def feature_names():
    """Return the names of what `image_features` gives."""
    n = SIZE // CELL
    return (
        [f"gradient_{i}_{j}_{b}" for i in range(n) for j in range(n) for b in range(BINS)]
        + [f"pattern_{i}_{j}_{b}" for i in range(2) for j in range(2) for b in range(LBP_BINS)]
        + [f"{channel}_{b}" for channel in ("hue", "saturation", "value") for b in range(HUE_BINS)]
        + [f"{c}_{s}_{i}_{j}" for s in ("mean", "std") for i in range(3) for j in range(3) for c in "rgb"]
        + [f"thumbnail_{i}_{j}" for i in range(THUMB) for j in range(THUMB)]
    )


def _gradients(grey):
    """Histograms of gradient directions in cells, normalised over the blocks of 2 x 2 cells that hold them [1]."""
    dy, dx = np.gradient(grey)
    size = np.hypot(dx, dy)
    angle = (np.arctan2(dy, dx) / np.pi % 1.0) * BINS
    low = np.floor(angle).astype(np.intp)
    share = angle - low
    n = SIZE // CELL
    cell = np.repeat(np.arange(n), CELL)
    base = (cell[:, np.newaxis] * n + cell) * BINS
    hist = np.bincount((base + low % BINS).ravel(), (size * (1 - share)).ravel(), minlength=n * n * BINS)
    hist += np.bincount((base + (low + 1) % BINS).ravel(), (size * share).ravel(), minlength=n * n * BINS)
    hist = hist.reshape(n, n, BINS)
    energy = np.pad((hist**2).sum(axis=2), 1)
    blocks = energy[:-1, :-1] + energy[1:, :-1] + energy[:-1, 1:] + energy[1:, 1:]
    norm = 0.0
    for i in range(2):
        for j in range(2):
            norm = norm + 1 / np.sqrt(blocks[i : i + n, j : j + n] + 100.0)
    return np.sqrt(hist * (norm / 4)[:, :, np.newaxis]).ravel()


def _patterns(grey):
    """Shares of uniform local binary patterns of eight neighbours in four quarters [2]."""
    centre = grey[1:-1, 1:-1]
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    n = SIZE - 2
    bits = np.array([grey[i : i + n, j : j + n] >= centre for i, j in ring])
    ones = bits.sum(axis=0)
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    code = np.where(changes <= 2, ones, 9)
    half = n // 2
    quarters = [code[:half, :half], code[:half, half:], code[half:, :half], code[half:, half:]]
    return np.concatenate([np.bincount(q.ravel(), minlength=LBP_BINS) / q.size for q in quarters])


def _colours(rgb):
    unit = rgb / 255
    top, bottom = unit.max(axis=2), unit.min(axis=2)
    span = top - bottom
    safe = np.where(span > 0, span, 1)
    r, g, b = np.moveaxis(unit, 2, 0)
    hue = np.where(top == r, (g - b) / safe % 6, np.where(top == g, (b - r) / safe + 2, (r - g) / safe + 4)) / 6
    saturation = span / np.where(top > 0, top, 1)
    parts = []
    for values, weight in ((hue, span), (saturation, None), (top, None)):
        hist, _ = np.histogram(values, bins=HUE_BINS, range=(0, 1), weights=weight)
        parts.append(np.sqrt(hist / SIZE**2))
    third = np.array_split(np.arange(SIZE), 3)
    cells = [unit[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] for rows in third for cols in third]
    parts += [cell.mean(axis=(0, 1)) for cell in cells]
    parts += [cell.std(axis=(0, 1)) for cell in cells]
    return np.concatenate(parts)


def _thumbnail(grey):
    step = SIZE // THUMB
    return grey.reshape(THUMB, step, THUMB, step).mean(axis=(1, 3)).ravel() / 255
