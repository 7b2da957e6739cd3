import numpy as np
import pytest

from ensemble_mm._checks import BadItemsError
from ensemble_mm.features import VideoExtractor
from ensemble_mm.features._video import read_sound_track

av = pytest.importorskip("av")


def moving(right=0.0, down=0.0, n=24, seed=0, side=64):
    """A textured scene that moves by so many pixels a frame."""
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
    square = VideoExtractor._square
    monkeypatch.setattr(VideoExtractor, "_square", staticmethod(lambda frame: counted.append(1) or square(frame)))
    VideoExtractor().transform([path])
    assert 0 < len(counted) <= 40


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


def test_the_sound_track_is_a_view_of_its_own(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    samples, rate = read_sound_track(write(tmp_path / "a.mp4", moving(), sound=tone))
    assert rate == 16000 and 0.9 < len(samples) / rate < 1.2
    loudest = np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples)
    assert loudest == pytest.approx(440, abs=5)
    assert read_sound_track(write(tmp_path / "b.mp4", moving())) is None


def test_augmented_clips_keep_their_direction():
    extractor = VideoExtractor()
    copies = extractor.augment([moving(right=2), None], random_state=0)
    assert copies[1] is None
    assert column(extractor.transform(copies[:1]), extractor, "right_lag1")[0] > 0.5
