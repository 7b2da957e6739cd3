"""Pictures of a report: data addresses of the size that they state, drawn without pyplot."""

import base64
import io
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from ensemble_mm.inspection._media import Look
from ensemble_mm.inspection._report_pictures import DPI, SMALLEST, all_signs, drawn, picture_of


def opened(shown):
    head, _, content = shown["src"].partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_display_is_drawn_in_its_size_and_keeps_its_words():
    shown = drawn(lambda axes: axes((4, 2)).plot([0, 1]), "A line that rises.", "See the line.")
    assert (shown["width"], shown["height"]) == (384, 192) and opened(shown).size == (4 * DPI, 2 * DPI)
    assert shown["alt"] == "A line that rises." and shown["caption"] == "See the line."


def test_pyplot_knows_nothing_of_the_figures():
    before = set(sys.modules["matplotlib.pyplot"].get_fignums()) if "matplotlib.pyplot" in sys.modules else set()
    drawn(lambda axes: axes((4, 2)).plot([0, 1]), "A line.")
    after = set(sys.modules["matplotlib.pyplot"].get_fignums()) if "matplotlib.pyplot" in sys.modules else set()
    assert before == after


@pytest.mark.parametrize("height, width", [(8, 8), (96, 48), (10, 90), (90, 10)])
def test_pictures_keep_their_shape_and_small_ones_grow(height, width):
    content = np.zeros((height, width, 3), dtype=np.uint8)
    content[:, : width // 2] = (255, 0, 0)
    shown = picture_of(Look("picture", content), "Half red")
    assert shown["alt"] == "Half red" and max(shown["width"], shown["height"]) >= SMALLEST
    assert shown["width"] / shown["height"] == pytest.approx(width / height, rel=0.06)
    pixels = np.asarray(opened(shown).convert("RGB"))
    middle = pixels[pixels.shape[0] // 2]
    assert tuple(middle[1]) == (255, 0, 0) and tuple(middle[-2]) == (0, 0, 0)


def test_a_wave_is_drawn():
    wave = np.c_[-np.ones(50), np.ones(50)]
    pixels = np.asarray(opened(picture_of(Look("wave", wave), "A sound")).convert("L"))
    assert (pixels < 200).mean() > 0.5


def test_signs_that_no_font_has_are_told_once():
    with warnings.catch_warnings(record=True) as told, all_signs():
        warnings.simplefilter("always")
        for _ in range(2):
            drawn(lambda axes: axes((4, 2)).set_title("\U00012000\U00012001"), "Two signs of Sumer.")
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert sorted(str(warning.message)[:14] for warning in told) == ["Pictures show ", "something else"]
