"""What can be shown of an item, whatever it is; what cannot be read is told and stops nothing."""

import tracemalloc
import zlib

import av
import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from ensemble_mm.features._previews import LARGEST, WAVE_POINTS
from ensemble_mm.inspection._media import look_at


@pytest.mark.parametrize(
    "item",
    [
        np.zeros((300, 150, 3), dtype=np.uint8), np.zeros((300, 150)), np.zeros((3, 300, 150)),
        Image.new("RGBA", (150, 300)), Image.new("L", (150, 300)),
    ],
)  # fmt: skip
def test_pictures_become_small_and_keep_their_shape(item):
    look = look_at(item, "image")
    assert look.kind == "picture" and look.content.shape == (LARGEST, LARGEST // 2, 3)


def test_paths_and_bytes_are_opened(tmp_path):
    Image.new("RGB", (4, 2), "red").save(tmp_path / "a.png")
    for item in (str(tmp_path / "a.png"), tmp_path / "a.png", (tmp_path / "a.png").read_bytes()):
        assert look_at(item, "image").content.tolist() == [[[255, 0, 0]] * 4] * 2


@pytest.mark.parametrize("samples", [np.sin(np.arange(5000.0)), (np.sin(np.arange(5000.0)), 8000), np.zeros(3)])
def test_sounds_become_a_wave_within_one(samples):
    look = look_at(samples, "audio")
    assert look.kind == "wave" and len(look.content) <= WAVE_POINTS and np.abs(look.content).max() <= 1
    assert (look.content[:, 0] <= look.content[:, 1]).all()


def test_both_channels_of_a_sound_count():
    look = look_at(np.stack([np.ones(1000), -np.ones(1000)]), "audio")
    assert not look.content.any()


def test_a_clip_shows_its_first_middle_and_last_frame():
    clip = np.zeros((9, 10, 10, 3), dtype=np.uint8)
    clip[4], clip[8] = 100, 200
    assert look_at(clip, "video").content[5, [5, 15, 25], 0].tolist() == [0, 100, 200]


@pytest.mark.parametrize("modality", ["image", "audio", "video", "text"])
@pytest.mark.parametrize("item", [None, np.nan, "", pd.NA])
def test_what_is_missing_is_told(modality, item):
    assert look_at(item, modality).content == "missing"


@pytest.mark.parametrize("modality", ["image", "audio", "video"])
@pytest.mark.parametrize("item", ["nowhere.xyz", b"no such thing", 3])
def test_what_cannot_be_read_is_told_and_stops_nothing(modality, item):
    look = look_at(item, modality)
    assert look.kind == "absent" and look.content.startswith("cannot be shown: ") and len(look.content) <= 120


def test_rows_and_vectors_are_words():
    assert look_at(pd.Series({"age": 3.0, "shop": None}), "tabular").content == "age: 3; shop: missing"
    assert look_at(np.arange(20.0), "vector").content.endswith("… 20 values]")
    assert look_at("plain <b>text</b>", "text").content == "plain <b>text</b>"


def test_pictures_that_are_too_large_are_not_unpacked(tmp_path):
    """A file of a few kilobytes says that it has 30,000 pixels a side."""
    head = b"\x89PNG\r\n\x1a\n"
    size = (30_000).to_bytes(4, "big") * 2
    chunk = b"IHDR" + size + bytes([8, 2, 0, 0, 0])
    content = head + (13).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    look = look_at(content + (10).to_bytes(4, "big") + b"IDAT" + bytes(14), "image")
    assert look.kind == "absent" and "pixels" in look.content


def test_clips_are_not_held_whole(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 1024, 512
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((512, 1024, 3), np.uint8), "rgb24")))
        container.mux(stream.encode(None))
    tracemalloc.start()
    try:
        look = look_at(tmp_path / "a.mp4", "video")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert look.content.shape == (LARGEST // 2, 3 * LARGEST, 3)
    assert peak < 5e6  # the frames take 31 MB


def test_only_the_first_minute_of_a_sound_is_read(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.r_[np.zeros(60_000), np.ones(20_000)], 1000)
    assert not look_at(tmp_path / "a.flac", "audio").content.any()
