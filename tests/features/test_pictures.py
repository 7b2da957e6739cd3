import base64
import io
import re
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble_mm._checks import BadItemsError
from ensemble_mm.features import ImageExtractor
from ensemble_mm.features._media import UnreadableItem
from ensemble_mm.features._pictures import eight_bits, picture_of_array, read_picture

COARSE = np.random.default_rng(0).integers(0, 256, size=(4, 6, 3)).astype(np.uint8)
ARRAY = np.asarray(Image.fromarray(COARSE).resize((30, 24), 2))
GREY = ARRAY[..., 0]
UNDO = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # EXIF orientation: what turns an upright picture into it


def read(item, **options):
    return np.asarray(read_picture(item, **{"max_pixels": 10**6, **options}), dtype=int)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "TGA"])
def test_lossless_files_give_the_pixels_back(kind):
    np.testing.assert_array_equal(read(encoded(Image.fromarray(ARRAY), kind)), ARRAY)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_other_files_are_near(kind):
    assert np.abs(read(encoded(Image.fromarray(ARRAY), kind)) - ARRAY).mean() < 10


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV"])
def test_colour_modes_look_the_same(mode):
    image = Image.fromarray(ARRAY)
    image = image.convert("RGBA").convert(mode) if mode == "RGBa" else image.convert(mode)
    assert np.abs(read(image) - ARRAY).mean() <= 2


@pytest.mark.parametrize("mode", ["L", "LA", "F", "I", "I;16"])
def test_grey_modes_look_the_same(mode):
    image = Image.fromarray(GREY)
    image = Image.fromarray(GREY.astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    np.testing.assert_array_equal(read(image), np.dstack([GREY] * 3))


@pytest.mark.parametrize("orientation", UNDO)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_every_orientation_is_put_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = Image.fromarray(ARRAY).transpose(Image.Transpose(UNDO[orientation]))
    np.testing.assert_array_equal(read(encoded(lying, kind, exif=exif)), ARRAY)


def test_what_is_clear_is_white():
    palette = Image.fromarray(GREY).convert("P")
    palette.info["transparency"] = int(np.asarray(palette)[0, 0])
    out = read(encoded(palette, "PNG", transparency=int(np.asarray(palette)[0, 0])))
    assert (out[0, 0] == 255).all() and (out[GREY != GREY[0, 0]] != 255).any()
    half = np.dstack([np.zeros((2, 2, 3), np.uint8), np.full((2, 2), 128, np.uint8)])
    np.testing.assert_allclose(read(half), 127, atol=1)


def test_sixteen_bits_do_not_depend_on_how_bright_a_picture_is():
    dark = (GREY.astype(np.uint16) // 4) * 257
    for item in (dark, *(encoded(Image.fromarray(dark), kind) for kind in ("PNG", "TIFF", "PPM"))):
        np.testing.assert_array_equal(read(item)[..., 0], GREY // 4)
    black = encoded(Image.fromarray((GREY > 128).astype(np.uint16) * 200), "PPM")  # of mode "I" when it is opened
    assert read(black).max() <= 1


@pytest.mark.parametrize(
    "array",
    [ARRAY / 255, ARRAY.astype(float), (ARRAY / 255).astype(np.float16), ARRAY.astype(np.int64),
     ARRAY.astype(">u2") * 257, ARRAY.transpose(2, 0, 1), np.asfortranarray(ARRAY), ARRAY.tolist()],
    ids=["0..1", "0..255", "float16", "int64", "big-endian", "channels first", "fortran", "list"],
)  # fmt: skip
def test_arrays_of_any_type_and_order_are_the_same_picture(array):
    assert np.abs(read(array) - ARRAY).max() <= 1


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (np.zeros((5, 5, 5)), "is not an image: its shape is"),
        (np.zeros(4), "is not an image: its shape is"),
        (np.full((4, 4), np.nan), "go from nan to nan"),
        (np.full((4, 4), -1), "go from -1 to -1"),
        (np.full((4, 4), "a"), "give uint8, uint16 or floats"),
        (np.zeros((2000, 2000), np.uint8), "more than max_pixels=1000000"),
        (Image.new("L", (2000, 2000)), "more than max_pixels=1000000"),
        (3.5, "it is a float, but image items are"),
        (b"a warm coat", "it is a text in bytes.*decode"),
        (b"<svg></svg>", "it is not an image, or in none of the formats that are read .PNG"),
    ],
)
def test_what_is_no_picture_is_told(item, words):
    with pytest.raises(UnreadableItem, match=words):
        read(item)


def test_a_bomb_is_refused_before_it_is_unpacked():
    head = encoded(Image.new("RGB", (1, 1)), "PNG")
    bomb = head[:16] + (50_000).to_bytes(4, "big") * 2 + head[24:]
    bomb = bomb[:29] + zlib.crc32(bomb[12:29]).to_bytes(4, "big") + bomb[33:]
    with pytest.raises(UnreadableItem, match="more than .* pixels"):
        read(bomb, max_pixels=10**12)


def test_no_picture_starts_a_program(tmp_path, monkeypatch):
    """Pillow would hand PostScript to Ghostscript."""
    trace = tmp_path / "trace"
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {trace}\nexit 1\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises((OSError, subprocess.SubprocessError)):  # Pillow itself asks for the program
        Image.open(io.BytesIO(page)).load()
    assert trace.exists()
    trace.unlink()
    (tmp_path / "a.png").write_bytes(page)
    for item in (page, tmp_path / "a.png"):
        with pytest.raises(UnreadableItem, match="in none of the formats"):
            read(item)
    assert not trace.exists()


def test_scales_go_by_type():
    np.testing.assert_array_equal(eight_bits(np.array([True, False])), [255, 0])
    np.testing.assert_array_equal(eight_bits(np.array([0, 65535], np.uint16)), [0, 255])
    assert picture_of_array(np.zeros((1, 1))).size == (1, 1)


def test_every_form_of_a_picture_gives_the_same_features(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 3)).astype(np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    content = path.read_bytes()
    encoded = base64.b64encode(content).decode()
    forms = [
        path, str(path), content, bytearray(content), memoryview(content), io.BytesIO(content),
        {"bytes": content, "path": None},
        {"bytes": None, "path": str(path)}, encoded, f"data:image/png;base64,{encoded}", Image.open(path), pixels,
        pixels.transpose(2, 0, 1),
    ]  # fmt: skip
    with open(path, "rb") as file:
        rows = ImageExtractor().transform([*forms, file])
    np.testing.assert_array_equal(rows, np.repeat(rows[:1], len(rows), axis=0))


def test_a_picture_that_is_elsewhere_or_of_no_known_format_says_what_to_do(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x1cftypheic" + bytes(40))
    for item, words in [
        (tmp_path / "a.heic", "convert it to PNG"), ("https://a.org/a.png", "downloaded"),
        ("no/a.png", f"That folder is {re.escape(str(Path.cwd()))}: .*read_table, which looks"),
    ]:  # fmt: skip
        with pytest.raises(BadItemsError, match=words):
            ImageExtractor().transform([item])
