import io
import tracemalloc

import numpy as np
import pytest
import soundfile

from ensemble_mm._checks import BadItemsError
from ensemble_mm.features import AudioExtractor, _audio
from ensemble_mm.features._audio import load_sound, resampled

RATE = 8000


def tone(frequency, seconds=0.5, rate=RATE):
    return (0.4 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def column(X, extractor, name):
    return X[:, list(extractor.get_feature_names_out()).index(name)]


def test_files_bytes_and_arrays_give_the_same_features(tmp_path):
    items = []
    for kind, subtype in (("wav", "FLOAT"), ("flac", "PCM_24")):
        path = tmp_path / f"a.{kind}"
        soundfile.write(path, tone(440), RATE, subtype=subtype)
        items += [str(path), path, path.read_bytes()]
    X = AudioExtractor().fit_transform([*items, (tone(440), RATE)])
    assert X.dtype == np.float32 and np.isfinite(X).all()
    np.testing.assert_allclose(X, np.repeat(X[:1], len(X), axis=0), atol=2e-2)
    np.testing.assert_allclose(AudioExtractor(rate=RATE).transform([tone(440)]),
                               AudioExtractor(rate=RATE).transform([(tone(440), RATE)]))  # fmt: skip


@pytest.mark.parametrize("kind", ["ogg", "mp3"])
def test_compressed_files_are_close(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, tone(440, 1.0, 16000), 16000)
    extractor = AudioExtractor()
    X = extractor.fit_transform([path, (tone(440, 1.0, 16000), 16000)])
    assert abs(np.diff(column(X, extractor, "pitch_mean"))[0]) < 0.1


def test_pitch_loudness_and_length_are_measured():
    extractor = AudioExtractor()
    X = extractor.transform([(tone(110), RATE), (tone(220), RATE), (0.1 * tone(220, 1.0), RATE)])
    pitch = column(X, extractor, "pitch_mean")
    assert pitch[1] - pitch[0] == pytest.approx(1, abs=0.05)  # an octave
    assert np.exp(column(X, extractor, "log_seconds")) == pytest.approx([0.5, 0.5, 1.0], abs=1e-3)
    assert column(X, extractor, "log_peak")[1] - column(X, extractor, "log_peak")[2] == pytest.approx(
        np.log(10), abs=0.05
    )


def test_the_rhythm_of_a_sound_is_measured():
    """A bell that rings three times a second is most unlike a steady tone between two and four times a second."""
    time = np.arange(5 * 16_000) / 16_000
    steady = np.sin(2 * np.pi * 440 * time) + 0.01 * np.random.default_rng(0).normal(size=len(time))
    extractor = AudioExtractor()
    low, high = extractor.fit_transform([steady, steady * np.exp(-5 * (time % (1 / 3)))])
    names = extractor.get_feature_names_out()
    rises = {beat: (high - low)[[n.startswith(f"rhythm{beat}_") for n in names]].mean() for beat in range(1, 7)}
    assert len(names) == len(low) == 366
    assert max(rises, key=rises.get) == 3 and rises[3] > 4 * abs(rises[1])
    short = extractor.transform([steady[:40_000], steady[::-1][:30_000]])
    assert np.ptp(short[:, [n.startswith("rhythm") for n in names]]) == 0  # too short for one


def test_order_in_time_is_kept():
    up, down = np.r_[tone(200), tone(900)], np.r_[tone(900), tone(200)]
    X = AudioExtractor().transform([(up, RATE), (down, RATE)])
    assert np.abs(X[0] - X[1]).max() > 1


def test_short_silent_and_stereo_sounds_are_read():
    X = AudioExtractor().transform([np.zeros(5), np.zeros(8000), np.ones(1), np.c_[tone(300), tone(300)], None])
    assert np.isfinite(X[:4]).all() and np.isnan(X[4]).all()


def test_resampling_keeps_the_frequency():
    a = AudioExtractor().transform([(tone(300, rate=8000), 8000), (tone(300, rate=44100), 44100)])
    extractor = AudioExtractor()
    assert abs(np.diff(column(a, extractor, "centroid_mean"))[0]) < 0.02
    assert len(resampled(tone(300), 8000, 16000)) == 8000


def test_bad_sounds_are_named_or_taken_as_missing(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF but not really")
    (tmp_path / "empty.wav").write_bytes(b"")
    items = [tone(300), str(tmp_path / "broken.wav"), str(tmp_path / "empty.wav"), str(tmp_path / "nowhere.wav"),
             str(tmp_path), np.array([np.nan, 1.0])]  # fmt: skip
    with pytest.raises(BadItemsError, match=r"5 of the sounds cannot be read:\n  row 1: .*broken.wav") as error:
        AudioExtractor().fit_transform(items)
    assert error.value.rows == [1, 2, 3, 4, 5]
    with pytest.warns(UserWarning, match="5 of the sounds cannot be read"):
        X = AudioExtractor(on_bad="missing").fit_transform(items)
    assert np.isnan(X[1:]).all() and np.isfinite(X[0]).all()


def test_only_the_first_seconds_are_read():
    long, cut = np.r_[tone(300, 1.0), tone(2000, 1.0)], tone(300, 1.0)
    X = AudioExtractor(max_seconds=1.0).transform([(long, RATE), (cut, RATE)])
    np.testing.assert_array_equal(X[0], X[1])
    buffer = io.BytesIO()
    soundfile.write(buffer, long, RATE, format="WAV", subtype="FLOAT")
    np.testing.assert_allclose(AudioExtractor(max_seconds=1.0).transform([buffer.getvalue()])[0], X[1], atol=1e-4)


@pytest.mark.parametrize("rate", [0, 600_000, 2**31 - 1])
def test_a_rate_that_no_sound_has_is_refused(rate):
    """A few samples at a rate of 2**31 would be resampled in arrays of gigabytes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(300), RATE, format="WAV")
    content = bytearray(buffer.getvalue())
    content[24:28] = rate.to_bytes(4, "little")
    with pytest.raises(BadItemsError, match="samples per second|cannot be decoded"):
        AudioExtractor().transform([bytes(content)])
    with pytest.raises(BadItemsError, match="samples per second"):
        AudioExtractor().transform([(tone(300), rate)])


def test_a_small_file_of_many_channels_stays_small():
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((400_000, 8), dtype=np.int16), 96_000, format="FLAC")
    assert len(buffer.getvalue()) < 30_000
    tracemalloc.start()
    try:
        samples, rate = load_sound(buffer.getvalue(), 16000, 60)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert samples.shape == (400_000,) and rate == 96_000
    assert peak < 11e6  # all channels at once take 12.8 MB as floats


def test_augmented_sounds_are_near_and_seeded(tmp_path):
    extractor = AudioExtractor(rate=RATE)
    (a, rate), (b, _), (c, _) = (extractor.augment([tone(300)], random_state=s)[0].load() for s in (0, 0, 1))
    assert rate == RATE and len(a) == len(tone(300))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    with pytest.raises(BadItemsError, match="absent.wav: there is no such file"):
        extractor.transform(extractor.augment([tone(300), str(tmp_path / "absent.wav")], random_state=0))


def test_channels_and_types_do_not_change_the_sound():
    sound = tone(300)
    stereo = np.c_[sound, sound]
    items = [stereo, stereo.T, (32767 * sound).astype(np.int16), (32767 * sound).astype(np.int64),
             (2**31 * sound).astype(np.int32), (32767 * sound + 32768).astype(np.uint16)]  # fmt: skip
    X = AudioExtractor().transform([(item, RATE) for item in [sound, *items]])
    extractor = AudioExtractor()
    for name in ("pitch_mean", "log_peak", "energy_mean", "centroid_mean"):
        np.testing.assert_allclose(column(X, extractor, name), column(X, extractor, name)[0], atol=2e-3, err_msg=name)


def test_a_wrong_pair_is_told():
    with pytest.raises(BadItemsError, match="numbers; give .samples, rate."):
        AudioExtractor().transform([(np.array(["a", "b"]), RATE)])


@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_resampling_keeps_a_tone_and_its_size(rate):
    before, wanted = tone(440, 0.7, rate), tone(440, 0.7, 16000)
    after = resampled(before, rate, 16000)
    assert abs(len(after) - len(wanted)) <= 1
    inner = slice(1000, 10000)  # the ends ring
    np.testing.assert_allclose(after[inner], wanted[inner], atol=0.01)


def test_blocks_of_frames_give_what_all_frames_at_once_give(monkeypatch):
    sound = np.random.default_rng(0).normal(size=5 * RATE).astype(np.float32)
    one = AudioExtractor().transform([(sound, RATE)])
    monkeypatch.setattr(_audio, "BLOCK", 7)
    np.testing.assert_allclose(AudioExtractor().transform([(sound, RATE)]), one, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seconds", [0, -1.0, np.inf, np.nan, "1", None, True])
def test_seconds_are_checked(seconds):
    with pytest.raises(ValueError, match="'max_seconds' parameter .* must be a float in the range .0.0, inf.. Got"):
        AudioExtractor(max_seconds=seconds).fit()


def test_the_rate_has_a_limit():
    with pytest.raises(ValueError, match="'rate' parameter .* 500000.. Got 2147483648"):
        AudioExtractor(rate=2**31).transform([tone(300)])


def test_every_form_of_a_sound_gives_the_same_features():
    tone = np.sin(np.arange(4000) / 5).astype(np.float32)
    pair = {"array": tone, "sampling_rate": 8000}
    forms = [(tone, 8000), (8000, tone), (np.int32(8000), tone[np.newaxis]), pair, (np.stack([tone, tone], 1), 8000)]
    rows = AudioExtractor().transform(forms)
    np.testing.assert_array_equal(rows, np.repeat(rows[:1], len(rows), axis=0))
    samples, numbers = AudioExtractor().transform([tone, tone.tolist()])
    np.testing.assert_allclose(numbers, samples, rtol=1e-4, atol=1e-4)


def test_what_no_reader_knows_says_what_to_do(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"these are words and no sound at all")
    with pytest.raises(BadItemsError, match="neither libsndfile nor FFmpeg .* convert it to wav"):
        AudioExtractor().transform([path])
