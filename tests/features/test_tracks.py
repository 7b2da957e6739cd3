import av
import numpy as np
import pytest

from ensemble_mm import StackedClassifier, read_sound_track
from ensemble_mm.features import AudioExtractor
from ensemble_mm.features._tracks import any_sound


def clip(path, frequency=None, n=12):
    """Write a clip of one second; with a tone, unless `frequency` is None."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width = stream.height = 32
        if frequency is not None:
            audio = container.add_stream("aac", rate=16000)
            audio.layout = "mono"
        for i in range(n):
            array = np.full((32, 32, 3), 20 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        container.mux(stream.encode(None))
        if frequency is not None:
            tone = 0.5 * np.sin(2 * np.pi * frequency * np.arange(16000) / 16000)
            frame = av.AudioFrame.from_ndarray(tone[np.newaxis].astype(np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16000
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return str(path)


def test_the_sound_of_a_clip_is_read(tmp_path):
    path = clip(tmp_path / "a.mp4", 440)
    for item in (path, open(path, "rb").read()):
        samples, rate = read_sound_track(item)
        assert rate == 16000 and 0.9 < len(samples) / rate < 1.2
        loudest = np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples)
        assert loudest == pytest.approx(440, abs=5)
    assert len(read_sound_track(path, max_seconds=0.25)[0]) == 4000


def test_no_clip_and_no_track_is_no_sound(tmp_path):
    assert read_sound_track(None) is None
    assert read_sound_track(clip(tmp_path / "b.mp4")) is None
    with pytest.raises(ValueError, match="no such file"):
        read_sound_track(str(tmp_path / "absent.mp4"))


def test_the_sound_extractor_reads_clips(tmp_path):
    paths = [clip(tmp_path / "a.mp4", 200), clip(tmp_path / "b.avi", 300), clip(tmp_path / "c.mp4")]
    extractor = AudioExtractor()
    X = extractor.transform(paths)
    assert np.isnan(X).all(axis=1).tolist() == [False, False, True]
    pitch = X[:, list(extractor.get_feature_names_out()).index("pitch_mean")]
    assert pitch[1] - pitch[0] == pytest.approx(np.log2(1.5), abs=0.1)
    assert np.isnan(extractor.transform(extractor.augment(paths[2:], random_state=0))).all()
    assert any_sound(paths) and not any_sound(paths[2:]) and not any_sound([None, np.zeros(3), str(tmp_path / "x.mp4")])


def test_clips_with_sound_have_a_view_of_it(tmp_path):
    """Every second clip is silent: there the sound abstains, and the others are told apart by it."""
    y = np.arange(24) // 2 % 2
    X = {"clip": [clip(tmp_path / f"{i}.mp4", (200 + 400 * y[i]) if i % 2 else None) for i in range(24)]}
    model = StackedClassifier(learners="fast", cv=2, random_state=0).fit(X, y)
    assert model.views_ == {"clip": "video", "clip_sound": "audio"}
    assert model.present_["clip_sound"].tolist() == [False, True] * 12
    assert model.predict(X)[1::2].tolist() == y[1::2].tolist()


@pytest.mark.parametrize(
    ("suffix", "codec", "kind"), [("m4a", "aac", "ipod"), ("aac", "aac", "adts"), ("wv", "wavpack", "wv")]
)
def test_sounds_that_libsndfile_does_not_know_are_read_by_ffmpeg(tmp_path, suffix, codec, kind):
    path = str(tmp_path / f"a.{suffix}")
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)).astype(np.float32)
    with av.open(path, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = 16000
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=16000, frame_size=stream.frame_size or 1024
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    extractor = AudioExtractor()
    names = extractor.get_feature_names_out().tolist()
    by_path, by_bytes, known = extractor.transform([path, open(path, "rb").read(), (tone, 16000)])
    np.testing.assert_array_equal(by_path, by_bytes)
    assert by_path[names.index("pitch_mean")] == pytest.approx(known[names.index("pitch_mean")], abs=0.3)
