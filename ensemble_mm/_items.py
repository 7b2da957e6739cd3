"""One item of a column, in the forms that people and libraries hand it over in, as one of few plain ones.

A file in memory is `bytes`, pixels and samples are NumPy arrays, a sound is (samples, rate); a str or a path names a
file. What an item is, its own value says: no look at its neighbours, nothing is opened and no network is used.
"""

import base64
import binascii
import contextlib
import re
from collections.abc import Mapping
from numbers import Number, Real
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np

HEAD = 48  # first bytes of a file that tell what it is
# First bytes of files. What follows "ftyp" parts pictures and sounds from clips, and "theora" clips from sounds.
PICTURE = (
    rb"\x89PNG|\xff\xd8\xff|BM....\0\0\0\0|II\*\0|MM\0\*|RIFF....WEBP|P[1-7][\s#]|\0\0\0\x0cjP  |\xffO\xffQ|8BPS"
    rb"|....ftyp(?:avi|hei|hev|mif|msf)"
)
SOUND = (
    rb"fLaC|OggS(?!.*theora)|ID3|RIFF....WAVE|RF64|riff\x2e\x91|FORM....AIF|\.snd|caff|#!AMR|wvpk|TTA1|\x0bw"
    rb"|\xff[\xe3\xf1\xf3\xf9\xfa\xfb]|....ftypM4[AB]"
)
CLIP = (
    rb"GIF8|\x1aE\xdf\xa3|....ftyp(?!avi|hei|hev|mif|msf|M4[AB])|RIFF....(?!WAVE|WEBP)|OggS.*theora|FLV\x01"
    rb"|\0\0\x01[\xb3\xba]|0&\xb2u|YUV4MPEG2|DKIF|G@.{2}\0"
)
FILE = re.compile(rb"|".join((PICTURE, SOUND, CLIP)), re.DOTALL)
FILE_KEYS = {"bytes", "path"}  # of a file in a data-set library
SOUND_KEYS = {"array", "sampling_rate", "path", "bytes"}
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://\S+")
DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w=.+-]+)*,", re.IGNORECASE)
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{64}[A-Za-z0-9+/_\s-]*={0,2}\s*\Z")
FEWEST = 8  # numbers in a text without brackets, such as the pixels of a picture
SITES = re.compile(r"\.(?:com|net|org|edu|gov|asn|id)\.au\Z|@")  # names of sites and addresses of mail, not of sounds


def plain_item(item):
    """Return an item in its plain form; None for an empty one. What is not known stays as it is.

    `bytearray`, `memoryview` and file objects become bytes; tensors and series arrays; a dict of a data-set library the
    bytes, the path or the (samples, rate) that it holds; a data URI and a text in base64 the bytes.
    """
    if isinstance(item, str):
        return item if len(item) < HEAD and not item.startswith("data:") else _unpacked(item)
    if item is None or isinstance(item, bytes | np.ndarray | Number) or hasattr(item, "getexif"):
        return item
    if isinstance(item, bytearray | memoryview):
        return bytes(item) or None
    if callable(getattr(item, "read", None)):
        return _read_whole(item)
    return _of_mapping(item) if isinstance(item, Mapping) else _of_arrays(item)


def _of_arrays(item):
    if _is_tensor(item):
        return np.asarray(item.detach().cpu())
    if getattr(item, "ndim", 0) and hasattr(item, "__array__") or hasattr(item, "to_numpy"):
        return np.asarray(item)
    if isinstance(item, tuple) and any(map(_is_tensor, item)):
        return tuple(plain_item(part) if _is_tensor(part) else part for part in item)
    return item


def plain_column(column):
    """Return a column that NumPy would take apart, of tensors or of files in memory, as one of plain items."""
    if _is_tensor(column):
        return plain_item(column)
    if isinstance(column, list | tuple) and any(isinstance(i, bytearray | memoryview) or _is_tensor(i) for i in column):
        return [plain_item(item) for item in column]
    return column


def plain_items(items: np.ndarray) -> np.ndarray:
    """Return the items of a column in their plain forms; the same array where all are plain."""
    out = items
    for row, item in enumerate(items):
        plain = plain_item(item)
        if plain is not item:
            out = items.copy() if out is items else out
            out[row] = plain
    return out


def numbers_of(item):
    """Return an item as a 1-D array of numbers, or None: a list of numbers, or a text of such."""
    if isinstance(item, str):
        return _numbers_in(item.strip())
    if isinstance(item, list | tuple):
        if not all(part is None or isinstance(part, Real) for part in item):
            return None
        return np.array([np.nan if part is None else part for part in item], dtype=float)
    if isinstance(item, np.ndarray) and item.ndim == 1:
        return item if item.dtype.kind in "biuf" else numbers_of(item.tolist())
    return None


def _numbers_in(text):
    bracketed = text.startswith("[") and text.endswith("]")
    if not bracketed and not text[-1:].isdigit():
        return None
    words = (text[1:-1] if bracketed else text).replace(",", " ").replace(";", " ").split()
    if not bracketed and len(words) < FEWEST:
        return None
    try:
        return np.array([np.nan if word in ("null", "None") else float(word) for word in words])
    except ValueError:
        return None


def sound_pair(item):
    """Return (samples, rate) of a pair in either order, or None for what is no pair of a number and an array."""
    if not isinstance(item, tuple | list) or len(item) != 2:
        return None
    for samples, rate in (item, item[::-1]):
        if np.ndim(rate) == 0 and isinstance(rate, Real) and not np.isscalar(samples) and np.ndim(samples) in (1, 2):
            return np.asarray(samples), rate
    return None


def text_of(item):
    """Return bytes that hold a text, and no file, as that text; another item as it is."""
    if isinstance(item, bytes) and not FILE.match(item):
        with contextlib.suppress(UnicodeDecodeError):
            text = item.decode()
            if all(character.isprintable() or character.isspace() for character in text):
                return text
    return item


def head_of(item) -> bytes:
    """Return the first bytes of a file in memory; none for another item."""
    return item[:HEAD] if isinstance(item, bytes) else b""


def suffix_of(item) -> str:
    """Return how the name of a file ends, in lower case: ".jpg"; "" for what names none."""
    if not (isinstance(item, str) or hasattr(item, "__fspath__")):
        return ""
    name = str(item)
    if is_address(name):
        name = urlsplit(name).path  # without ?width=200; an address without a path names no file
    dot = name.rfind(".", -10)
    suffix = name[dot:].lower() if dot >= 0 else ""
    return "" if suffix == ".au" and SITES.search(name.lower()) else suffix


def is_address(item) -> bool:
    """Tell whether an item is an address on the network."""
    return isinstance(item, str) and ADDRESS.match(item) is not None


def _is_tensor(item) -> bool:
    """Tell whether an item is a tensor of torch, on whatever device it lies."""
    return callable(getattr(item, "detach", None))


def _read_whole(file):
    if callable(getattr(file, "seek", None)) and file.seekable():
        place = file.tell()
        file.seek(0)
        content = file.read()
        file.seek(place)  # as it was handed over
    else:
        content = file.read()
    return content if isinstance(content, bytes) else content.encode()


def _of_mapping(item):
    keys = set(item)
    if "array" in keys and keys <= SOUND_KEYS:
        samples, rate = plain_item(item["array"]), item.get("sampling_rate")
        return np.asarray(samples) if rate is None else (np.asarray(samples), rate)
    if keys and keys <= FILE_KEYS:
        return plain_item(item.get("bytes") or item.get("path"))
    return item


def _unpacked(text):
    """Return the bytes that a data URI or a text in base64 holds; another text as it is."""
    uri = DATA_URI.match(text)
    if uri is None and BASE64.match(text) is None:
        return text
    if uri is not None and not uri[0].lower().endswith(";base64,"):
        return unquote_to_bytes(text[uri.end() :])
    try:
        letters = "".join(text[uri.end() if uri else 0 :].split()).translate({45: "+", 95: "/"})  # as addresses have it
        content = base64.b64decode(letters, validate=True)
    except (binascii.Error, ValueError):
        return text
    return content if uri is not None or FILE.match(content) else text  # the letters of a protein are no file
