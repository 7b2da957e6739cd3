"""What small square pictures look like: oriented gradients, binary patterns, colours and thumbnails.

Every function takes a stack of pictures, uint8, and returns a row for each; a row depends on its own picture only.
"""

from functools import lru_cache

import numpy as np

from .._checks import require

GROUPS = ("hog", "lbp", "color", "thumbnail")
HSV_BINS = (8, 4, 4)
LUMA_SIDE, CHROMA_SIDE = 12, 4
ORIENTATIONS = 9
HUES = np.arange(256) * 12 // 256
ROOTS = np.sqrt(np.arange(256, dtype=np.float32) / 255)  # gradients of dark parts count too
EDGES = np.arange(1, ORIENTATIONS) * np.pi / ORIENTATIONS  # between the orientations
ACROSS, ALONG = np.sin(EDGES).astype(np.float32), np.cos(EDGES).astype(np.float32)
BLOCKS = np.array([[4 * i + j, 4 * i + j + 1, 4 * i + j + 4, 4 * i + j + 5] for i in range(3) for j in range(3)])
RING = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]  # neighbours in a circle


def picture_features(pictures, groups=GROUPS):
    """Return the features of RGB pictures, shape (n, side, side, 3), uint8; `side` is a multiple of 4, at least 16."""
    Image = require("PIL.Image", extra="image", caller="Images")
    shape = pictures.shape
    tall = Image.fromarray(pictures.reshape(-1, shape[2], 3))  # all at once
    ycc, hsv = (np.asarray(tall.convert(mode)).reshape(shape) for mode in ("YCbCr", "HSV"))
    luma = np.ascontiguousarray(ycc[..., 0])
    make = {
        "hog": lambda: hog_of(luma),
        "lbp": lambda: lbp_of(luma),
        "color": lambda: color_of(pictures, ycc, hsv),
        "thumbnail": lambda: thumbnail_of(ycc),
    }
    return np.concatenate([make[group]() for group in groups], axis=1, dtype=np.float32)


def names_of(groups=GROUPS):
    """Return the names of the columns that `picture_features` gives."""
    return [name for group in groups for name in _NAMES[group]]


def hog_of(luma):
    """Return oriented gradients [1] of pictures, shape (n, side, side): 324 numbers each.

    9 orientations in 4 x 4 cells, blocks of 2 x 2 cells cut at 0.2 of their length (L2-Hys), as scikit-image has it.
    """
    n, side = luma.shape[:2]
    grey = ROOTS[luma]
    down, right = np.zeros_like(grey), np.zeros_like(grey)
    np.subtract(grey[:, 2:], grey[:, :-2], out=down[:, 1:-1])
    np.subtract(grey[:, :, 2:], grey[:, :, :-2], out=right[:, :, 1:-1])
    length = np.sqrt(down * down + right * right)
    # Opposite directions are one orientation: all are turned to point down, and then passed by so many edges.
    turned = np.where((down < 0) | ((down == 0) & (right < 0)), np.float32(-1), np.float32(1))
    down *= turned
    right *= turned
    place = _places(n, side, 4, ORIENTATIONS)
    for across, along in zip(ACROSS, ALONG, strict=True):
        place += along * down >= across * right
    counts = np.bincount(place.ravel(), length.ravel(), n * 16 * ORIENTATIONS)
    cells = counts.reshape(n, 16, ORIENTATIONS) / (side // 4) ** 2
    blocks = cells[:, BLOCKS].reshape(n, len(BLOCKS), -1)
    blocks = np.minimum(_unit(blocks), 0.2)
    return _unit(blocks).reshape(n, -1)


def lbp_of(luma):
    """Return shares of the ten uniform local binary patterns [2] in each quarter of pictures: 40 numbers each."""
    n, side = luma.shape[:2]
    framed = np.zeros((n, side + 2, side + 2), dtype=np.uint8)
    framed[:, 1:-1, 1:-1] = luma
    codes = np.zeros((n, side, side), dtype=np.uint8)
    for bit, (down, right) in enumerate(RING):
        brighter = framed[:, 1 + down : 1 + down + side, 1 + right : 1 + right + side] >= luma
        codes |= brighter.view(np.uint8) << np.uint8(bit)
    place = _places(n, side, 2, 10)
    place += PATTERNS[codes]
    return np.bincount(place.ravel(), minlength=n * 40).reshape(n, 40) / (side // 2) ** 2


def color_of(rgb, ycc, hsv):
    """Return colour histograms (square roots of shares) and the contrast of 4 x 4 cells of pictures: 228 numbers."""
    n, side = rgb.shape[:2]
    rows = np.arange(n)[:, np.newaxis]
    rgb, hsv = rgb.reshape(n, -1, 3), hsv.reshape(n, -1, 3)
    h, s, v = (hsv[..., c] // np.uint8(256 // bins) for c, bins in enumerate(HSV_BINS))
    joint = _histograms((h * np.uint8(HSV_BINS[1]) + s) * np.uint8(HSV_BINS[2]) + v, int(np.prod(HSV_BINS)))
    # Hue means little where there is hardly any colour: weigh it by saturation and value.
    weight = hsv[..., 1] * (hsv[..., 2] / np.float32(255**2))
    hue = np.bincount((HUES[hsv[..., 0]] + 12 * rows).ravel(), weight.ravel(), n * 12).reshape(n, 12)
    single = [_histograms(channel >> 5, 8) for channel in (hsv[..., 1], hsv[..., 2], *np.moveaxis(rgb, 2, 0))]
    cell = side // 4
    values = ycc.reshape(n, 4, cell, -1).astype(np.float32) / 255
    mean, square = (
        part.sum(axis=2).reshape(n, 4, 4, cell, 3).sum(axis=3) / cell**2 for part in (values, values * values)
    )
    contrast = np.sqrt(np.maximum(square - mean**2, 0))
    shares = np.concatenate([joint, hue, *single], axis=1) / side**2
    return np.concatenate([np.sqrt(shares), contrast.reshape(n, -1)], axis=1)


def thumbnail_of(ycc):
    """Return luma in 12 x 12 and both chromas in 4 x 4 pixels, from 0 to 1, of pictures: 176 numbers each."""
    n, side = ycc.shape[:2]
    planes = np.moveaxis(ycc, 3, 0).astype(np.float32) / 255
    means = [_means(side, small) for small in (LUMA_SIDE, CHROMA_SIDE, CHROMA_SIDE)]
    return np.concatenate([(m @ plane @ m.T).reshape(n, -1) for m, plane in zip(means, planes, strict=True)], axis=1)


def _unit(blocks):
    """Return vectors, along the last axis, of length 1."""
    return blocks / np.sqrt((blocks * blocks).sum(axis=-1, keepdims=True) + 1e-10)


def _histograms(values, n_bins):
    """Return how often each number occurs in each row of `values`."""
    n = len(values)
    return np.bincount((values + n_bins * np.arange(n)[:, np.newaxis]).ravel(), minlength=n * n_bins).reshape(n, n_bins)


def _places(n, side, parts, n_bins):
    """Return where the bins begin of the cell that each pixel lies in, of `parts` x `parts`: shape (n, side, side)."""
    return _cells(side, parts) * n_bins + (np.arange(n) * parts**2 * n_bins)[:, np.newaxis, np.newaxis]


@lru_cache(maxsize=8)
def _cells(side, parts):
    part = np.arange(side) * parts // side
    return part[:, np.newaxis] * parts + part


@lru_cache(maxsize=8)
def _means(side, small):
    """Return the matrix that gives the means of the pixels below `small` larger ones, as Pillow's box filter has it."""
    scale = side / small
    away = (np.arange(side) + 0.5 - (np.arange(small)[:, np.newaxis] + 0.5) * scale) / max(scale, 1)
    below = ((away > -0.5) & (away <= 0.5)).astype(np.float32)
    return below / below.sum(axis=1, keepdims=True)


def _patterns():
    """Return the pattern of each code of 8 neighbours: how many are as bright, or 9 with more than two changes."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1)
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), 9).astype(np.intp)


PATTERNS = _patterns()
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
