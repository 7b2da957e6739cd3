"""Any image item -> one RGB picture of 8 bits per channel.

Paths, bytes, PIL images and arrays of every common layout and depth end as the same picture, so that
what is computed from it does not depend on how it was handed over. Every rule that picks a scale looks
at the type of an item, never at other items.
"""

import os

import numpy as np

from .._checks import require
from .._items import plain_item
from ._media import UnreadableItem, decoding, open_item

DRAFT_SIDE = 512  # a JPEG at least twice as large is decoded at a half, a quarter or an eighth of its size
ORIENTATION = 0x0112  # EXIF tag
# What Pillow may take a file for. Of the formats left out, some start other programs (EPS runs Ghostscript).
FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "TGA", "ICO", "JPEG2000", "AVIF")


def read_picture(item, *, max_pixels, caller="ImageExtractor"):
    """Return one image item as a PIL image of mode RGB.

    Parameters
    ----------
    item : path, bytes, PIL image, or ndarray of shape (height, width) or (height, width, channels)
        EXIF orientation of files and PIL images is applied, transparency is laid over white, only the
        first frame is read. For the values that arrays may hold see `picture_of_array`.
    max_pixels : int
        Most pixels (width x height); checked before anything is decoded.
    caller : str
        Who asks, for the error about a missing package.

    Raises
    ------
    UnreadableItem
        With the reason in words.
    """
    Image = require("PIL.Image", extra="image", caller=caller)
    item = plain_item(item)
    if isinstance(item, (str, os.PathLike, bytes, bytearray, memoryview)):
        return _read_file(item, max_pixels, Image)
    if isinstance(item, Image.Image):
        _check_size(item.size, max_pixels)
        with decoding("image"):
            return _to_rgb(item, Image)
    if hasattr(item, "__array__") or isinstance(item, (list, tuple)):
        with decoding("image"):
            array = np.asarray(item)
        if array.ndim >= 2:
            _check_size(array.shape[:2], max_pixels)
        return picture_of_array(array)
    raise UnreadableItem(f"it is a {type(item).__name__}, but image items are paths, bytes, arrays or PIL images")


def _read_file(item, max_pixels, Image):
    if isinstance(item, bytes) and item and item[:1] != b"<" and item.isascii() and item.decode().isprintable():
        raise UnreadableItem("it is a text in bytes, not an image: decode the column, by .str.decode('utf-8')")
    source = open_item(item, "image")
    with decoding("image"), _open(source, Image) as image:
        _check_size(image.size, max_pixels)
        if image.format == "JPEG" and min(image.size) >= 2 * DRAFT_SIDE:
            image.draft(image.mode, (DRAFT_SIDE, DRAFT_SIDE))
        return _to_rgb(image, Image)


def picture_of_array(array):
    """Return an array as a PIL image of mode RGB.

    Shapes: (height, width), or with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha) channels last; also
    channels first where the last axis cannot be channels. Values: booleans; uint8 0..255; uint16 0..65535;
    other integers 0..255; floats 0..1, or 0..255 when one is above 1.
    """
    Image = require("PIL.Image", extra="image", caller="An array as image")
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4) and array.shape[0] in (1, 3, 4):
        array = np.moveaxis(array, 0, 2)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)) or not array.size:
        raise UnreadableItem(
            f"an array of shape {array.shape} is not an image: its shape is (height, width) or "
            "(height, width, channels) with 1 to 4 channels"
        )
    array = np.ascontiguousarray(eight_bits(array))
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return _to_rgb(Image.fromarray(array), Image)


def eight_bits(array):
    """Scale values as `picture_of_array` says; returns uint8 of the same shape."""
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return array
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if kind not in "iuf":
        raise UnreadableItem(f"an array of {array.dtype} values is not an image: give uint8, uint16 or floats")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 255):  # so that NaN is refused too
        if kind in "iu":
            raise UnreadableItem(
                f"its {array.dtype} values go from {low} to {high}: give 0 to 255, or uint16 for 16 bits per channel"
            )
        raise UnreadableItem(f"its values go from {low:g} to {high:g}: give floats from 0 to 1, or from 0 to 255")
    if kind == "f":
        array = np.rint(array * (255 if high <= 1 else 1))
    return array.astype(np.uint8)


def _open(source, Image):
    try:
        Image.init()
        return Image.open(source, formats=[name for name in FORMATS if name in Image.OPEN])
    except Image.UnidentifiedImageError:
        raise UnreadableItem(
            f"it is not an image, or in none of the formats that are read ({', '.join(FORMATS)}): convert it to "
            "PNG or JPEG"
        ) from None
    except Image.DecompressionBombError:
        raise UnreadableItem(
            f"it claims more than {2 * Image.MAX_IMAGE_PIXELS} pixels, the most that Pillow opens"
        ) from None


def _check_size(size, max_pixels):
    if size[0] * size[1] > max_pixels:
        raise UnreadableItem(
            f"it has {size[0]} x {size[1]} pixels, more than max_pixels={max_pixels}; set a higher limit to read it"
        )


def _to_rgb(image, Image):
    """Return a new RGB image: upright, opaque, 8 bits per channel."""
    from_file = image.format is not None
    if image.getexif().get(ORIENTATION, 1) != 1:
        image = require("PIL.ImageOps", extra="image", caller="ImageExtractor").exif_transpose(image)
    if image.mode[0] in "IF":  # 16 or 32 bits a pixel, or floats
        array = np.asarray(image)
        # Pillow gives 16-bit files this mode. What was made of a picture, by `convert("I")`, keeps to 255.
        if image.mode == "I" and 0 <= array.min() and (from_file or array.max() > 255) and array.max() <= 65535:
            array = array.astype(np.uint16)
        image = Image.fromarray(eight_bits(array))
    elif image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        above = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image.convert("RGB")
