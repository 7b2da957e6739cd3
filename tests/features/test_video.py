import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble_mm._checks import BadItemsError
from ensemble_mm.features import VideoExtractor, _video

av = pytest.importorskip("av")


def moving(right=0.0, down=0.0, n=24, seed=0, side=64):
    """A textured scene that moves by so many pixels per frame."""
    rng = np.random.default_rng(seed)
    scene = np.kron(rng.integers(0, 256, size=(8, 8)), np.ones((8, 8))).astype(np.uint8)
    frames = [np.roll(scene, (round(down * i), round(right * i)), axis=(0, 1)) for i in range(n)]
    return np.repeat(np.array(frames)[..., np.newaxis], 3, axis=3)


def write(path, frames, rate=12, sound=None):
    codec = {"mp4": "mpeg4", "avi": "mpeg4", "mov": "mpeg4", "webm": "libvpx", "gif": "gif"}[path.suffix[1:]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        if sound is not None:
            audio = container.add_stream("aac", rate=16000)
            audio.layout = "mono"
        for array in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")):
                container.mux(packet)
        container.mux(stream.encode(None))
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(sound[np.newaxis].astype(np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16000
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return str(path)


def column(X, extractor, name):
    return X[:, list(extractor.get_feature_names_out()).index(name)]


@pytest.mark.parametrize("suffix", ["mp4", "avi", "mov", "webm", "gif"])
def test_files_are_close_to_the_arrays_that_were_written(tmp_path, suffix):
    frames = moving(right=2)
    path = write(tmp_path / f"a.{suffix}", frames)
    extractor = VideoExtractor()
    X = extractor.fit_transform([path, frames])
    assert X.dtype == np.float32 and np.isfinite(X).all()
    assert X.shape[1] == len(extractor.get_feature_names_out())
    for name in ("right_lag1", "down_lag1"):
        values = column(X, extractor, name)
        assert values[0] == pytest.approx(values[1], abs=0.5)


@pytest.mark.parametrize(("right", "down"), [(2, 0), (-2, 0), (0, 3), (0, -3), (2, 2)])
def test_direction_and_speed_are_measured(right, down):
    extractor = VideoExtractor()
    X = extractor.transform([moving(right, down)])
    assert column(X, extractor, "right_lag1")[0] == pytest.approx(right, abs=0.3)
    assert column(X, extractor, "down_lag1")[0] == pytest.approx(down, abs=0.3)


def test_the_cost_does_not_grow_with_the_length(tmp_path, monkeypatch):
    path = write(tmp_path / "long.mp4", moving(right=1, n=600))
    counted = []
    square = _video._square
    monkeypatch.setattr(_video, "_square", lambda *args: counted.append(1) or square(*args))
    VideoExtractor().transform([path])
    assert 0 < len(counted) <= 40


@pytest.mark.parametrize("n", [60, 300])
def test_frames_are_taken_from_the_whole_clip(tmp_path, n):
    """The only key frame of the clip is its first: seeking alone would give the same frames again and again."""
    shades = np.linspace(0, 250, n).astype(np.uint8)
    frames = np.broadcast_to(shades[:, np.newaxis, np.newaxis, np.newaxis], (n, 32, 32, 3))
    path = str(tmp_path / "a.mp4")
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"g": "600"})
        stream.width = stream.height = 32
        for array in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")))
        container.mux(stream.encode(None))
    read, runs, seconds = VideoExtractor()._frames(path)
    assert runs == [4, 4, 4, 4] and seconds == pytest.approx(n / 25, abs=0.05)
    first = read[:: runs[0]].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(first, np.linspace(0, n - 4, 4) * 250 / (n - 1), atol=8)


def test_lists_of_frames_and_other_arrays_are_clips():
    frames = moving(right=2, n=8)
    X = VideoExtractor().transform([frames, list(frames), (frames, 25), (frames, 50)])
    np.testing.assert_array_equal(X[1:3], X[[0, 0]])
    np.testing.assert_array_equal(np.flatnonzero(X[3] != X[0]), [X.shape[1] - 1])  # half as many seconds


def test_shifts_between_the_pixels_are_measured():
    big = np.kron(np.random.default_rng(0).integers(0, 256, size=(16, 16)), np.ones((10, 10)))
    frames = np.array([np.roll(big, 3 * i, axis=1) for i in range(8)]).astype(np.uint8)  # 160 pixels are read as 64
    extractor = VideoExtractor()
    X = extractor.transform([frames])
    assert column(X, extractor, "right_lag1")[0] == pytest.approx(1.2, abs=0.15)


def test_missing_and_broken_clips(tmp_path):
    good = write(tmp_path / "good.mp4", moving())
    (tmp_path / "bad.mp4").write_bytes(b"no clip at all")
    X = VideoExtractor().transform([None, good, ""])
    assert np.isnan(X).all(axis=1).tolist() == [True, False, True]
    with pytest.raises(BadItemsError, match="bad.mp4"):
        VideoExtractor().transform([good, str(tmp_path / "bad.mp4")])
    with pytest.warns(UserWarning, match="1"):
        X = VideoExtractor(on_bad="missing").transform([good, str(tmp_path / "bad.mp4")])
    assert np.isnan(X).all(axis=1).tolist() == [False, True]


def test_large_frames_are_refused(tmp_path):
    path = write(tmp_path / "a.mp4", moving())
    with pytest.raises(BadItemsError, match="max_pixels"):
        VideoExtractor(max_pixels=100).transform([path])


def growing(path, side):
    """Write a clip that says 64 x 64 of itself, and whose frames after the first have `side` pixels a side."""
    buffer = io.BytesIO()
    Image.new("L", (side, side)).save(buffer, "PNG")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        for time in range(1, 4):
            packet = av.Packet(buffer.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, time, time, stream.time_base
            container.mux(packet)
    return str(path)


def test_frames_that_outgrow_what_the_clip_says_are_not_decoded(tmp_path):
    path = growing(tmp_path / "a.avi", 600)
    assert np.isfinite(VideoExtractor().transform([path])).all()
    with pytest.raises(BadItemsError, match="its frames have 600 x 600 pixels, more than max_pixels=300000"):
        VideoExtractor(max_pixels=300_000).transform([path])
    with pytest.raises(BadItemsError, match="a frame is damaged, or has more than max_pixels=80000 pixels"):
        VideoExtractor(max_pixels=80_000).transform([path])  # not even decoded


def test_a_clip_that_would_take_hours_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "a.mp4", moving())
    monkeypatch.setattr("ensemble_mm.features._video.MOST_DECODED", 2)
    assert np.isfinite(VideoExtractor().transform([path])).all()
    with pytest.raises(BadItemsError, match="pixels would have to be decoded: raise max_pixels"):
        VideoExtractor(max_pixels=64 * 64).transform([path])


def test_augmented_clips_keep_their_direction():
    extractor = VideoExtractor()
    copies = extractor.augment([moving(right=2), None], random_state=0)
    assert copies[1] is None
    assert column(extractor.transform(copies[:1]), extractor, "right_lag1")[0] > 0.5
    mirrored = [VideoExtractor(flip=True).augment([moving(right=2)], random_state=seed)[0] for seed in range(6)]
    signs = np.sign(column(extractor.transform(mirrored), extractor, "right_lag1"))
    assert set(signs) == {-1, 1}


def test_augmented_clips_keep_their_seconds(tmp_path):
    extractor = VideoExtractor()
    path = write(tmp_path / "a.mp4", moving(n=96))
    X = extractor.transform([path, *extractor.augment([path], random_state=0)])
    assert column(X, extractor, "log_seconds")[1] == pytest.approx(column(X, extractor, "log_seconds")[0], abs=1e-5)


@pytest.mark.parametrize("seconds", [0, -1.0, np.inf, np.nan, "1", None, [1]])
def test_seconds_are_checked(seconds):
    with pytest.raises(ValueError, match="'max_seconds' parameter .* must be a float in the range .0.0, inf.. Got"):
        VideoExtractor(max_seconds=seconds).fit()


def test_frames_in_an_unknown_code_are_told(tmp_path):
    path = write(tmp_path / "a.avi", moving())
    content = Path(path).read_bytes()
    assert content.count(b"FMP4") == 2
    with pytest.raises(BadItemsError, match="in a code that is not known"):
        VideoExtractor().transform([content.replace(b"FMP4", b"\x01?\x02?")])


def test_clips_are_turned_as_players_show_them(tmp_path):
    path = Path(write(tmp_path / "a.mp4", moving(right=2)))
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44  # of the track's header: how the pictures are shown
    for cosine, sine, (right, down) in [(1, 0, (1, 0)), (0, 1, (0, 1)), (-1, 0, (-1, 0)), (0, -1, (0, -1))]:
        turned = struct.pack(">9i", cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30)
        content[matrix : matrix + 36] = turned
        row = VideoExtractor().transform([bytes(content)])[0]
        names = VideoExtractor().get_feature_names_out().tolist()
        found = [row[names.index("towards_right_lag1")], row[names.index("towards_down_lag1")]]
        np.testing.assert_allclose(found, (right, down), atol=0.1)
