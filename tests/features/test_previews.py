"""What is shown of one item: read as the extractors read it, and small."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ensemble_mm.features._media import UnreadableItem
from ensemble_mm.features._previews import LARGEST, WAVE_POINTS, film_strip_of, thumbnail_of, wave_of, words_of

TONE = np.sin(np.arange(20_000) / 50)


@pytest.mark.parametrize(
    "item",
    [TONE, TONE.tolist(), (TONE, 16_000), (16_000, TONE), np.column_stack([TONE, TONE]), np.vstack([TONE, TONE])],
    ids=["array", "list", "pair", "rate first", "channels last", "channels first"],
)
def test_a_wave_is_of_the_whole_sound_however_it_is_handed_over(item):
    wave = wave_of(item)
    assert wave.shape == (WAVE_POINTS, 2) and (wave[:, 0] <= wave[:, 1]).all()
    np.testing.assert_allclose(wave, wave_of(TONE), atol=1e-6)
    assert np.abs(wave).max() == pytest.approx(1)


def test_silence_and_few_samples_have_a_wave():
    assert wave_of(np.zeros(100)).tolist() == [[0, 0]] * 100
    assert wave_of(np.array([-32768, 16384], dtype=np.int16)).tolist() == [[-1, -1], [0.5, 0.5]]


@pytest.mark.parametrize("item", [np.zeros(0), (np.zeros(0), 8000), np.array([0.5, np.nan]), np.zeros((2, 2, 2))])
def test_what_is_no_sound_is_told_in_words(item):
    with pytest.raises(UnreadableItem, match="it holds"):
        wave_of(item)


def test_pictures_are_small_and_keep_their_shape():
    assert thumbnail_of(np.zeros((50, 400, 3), np.uint8)).shape == (LARGEST * 50 // 400, LARGEST, 3)
    assert thumbnail_of(np.full((4, 6), 0.5)).shape == (4, 6, 3)


def test_a_clip_is_shown_by_its_first_last_and_middle_frame():
    clip = (
        np.zeros((5, 8, 8, 3), np.uint8) + np.arange(0, 250, 50, dtype=np.uint8)[:, np.newaxis, np.newaxis, np.newaxis]
    )
    strip = film_strip_of(clip)
    assert strip.shape == (8, 24, 3) and strip[0, ::8, 0].tolist() == [0, 100, 200]
    assert film_strip_of(clip[:1]).shape == (8, 8, 3)
    with pytest.raises(UnreadableItem, match="no frame"):
        film_strip_of(clip[:0])


def test_rows_of_tables_and_vectors_are_words():
    row = {"age": 3.0, "shop": None, "day": pd.Timestamp("2024-01-02"), "share": np.float32("nan")}
    assert words_of(row) == "age: 3; shop: missing; day: 2024-01-02; share: missing"
    assert words_of(np.arange(8)) == "[0, 1, 2, 3, 4, 5, 6, 7]"
    assert words_of(sparse.csr_matrix(np.arange(9))) == "[0, 1, 2, 3, 4, 5, 6, 7, … 9 values]"
