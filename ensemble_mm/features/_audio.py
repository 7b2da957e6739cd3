"""Sound: log-mel bands, cepstra, spectral shape, pitch, energy and rhythm, pooled over time."""

import os
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
from scipy.fft import dct, irfft, next_fast_len, rfft, rfftfreq
from sklearn.utils import check_random_state

from .._checks import POSITIVE, one_of, require, whole
from .._items import numbers_of, plain_item, sound_pair
from ._media import MediaExtractor, UnreadableItem, changed_items, decoding, open_item, read_all
from ._tracks import CLIPS, read_sound_track

N_MELS = 40
N_CEPSTRA = 20
PARTS = 5  # equal parts of the time over which cepstra are averaged too
WINDOW, HOP = 0.032, 0.016  # seconds
SHAPES = ["centroid", "bandwidth", "rolloff", "flatness", "flux", "crossings", "energy", "pitch", "voicing"]
BEATS = (0.2, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # per second: between two of these a part of the rhythm is summed
LASTS = 3.0  # seconds from which a sound has a rhythm: of words of a second its columns said nothing, and misled
TOGETHER = 5  # neighbouring log-mel bands that are one in the rhythm
STILL = 1e-4  # power of a rhythm that is as good as none
FLOOR = 1e-8
BLOCK = 128  # frames at a time
GROUP = 16  # bins of the spectrum at a time
HIGHEST_RATE = 500_000  # samples per second; a file that claims more would unpack to gigabytes
READ_AT_ONCE = 2**20  # values: channels are mixed as they are read, since a small file may hold hundreds of them
NOT_KNOWN = (1, 4)  # errors of libsndfile: a format, or a kind of encoding within one, that it does not know
COSINES = dct(np.eye(N_MELS), type=2, norm="ortho", axis=1)[:, :N_CEPSTRA].astype(np.float32)  # log-mel to cepstra


class AudioExtractor(MediaExtractor):
    """Turn sounds into statistics over time of log-mel bands, cepstra, spectral shape, pitch, energy and rhythm.

    A sound gives 366 columns (float32), a missing one a row of NaN. Needs no fit. Sounds are mixed to one channel,
    resampled to one rate, set to the same loudness (the loudness is kept as a feature) and cut into overlapping windows
    of 32 ms. The rhythm, or modulation spectrum, is how much the loudness of low to high tones rises and falls, from
    once in five seconds to 32 times a second; sounds of less than three seconds have none. FFmpeg (extra ``video``)
    reads what libsndfile does not (m4a, aac, wma, amr, and the sound track of clips); a clip without a sound track is a
    missing sound.

    Parameters
    ----------
    rate : int, default=16000
        Samples per second that features are taken at; also the rate of arrays that come without one.
    max_seconds : float, default=60
        Only the first seconds of longer sounds are read.
    on_bad : {"raise", "missing"}, default="raise"
        "raise": one error lists all sounds that cannot be read. "missing": they give rows of NaN and one warning.

    Raises
    ------
    BadItemsError
        Lists the sounds that cannot be read.

    References
    ----------
    .. [1] Davis, S., Mermelstein, P. (1980). Comparison of parametric representations for monosyllabic word
       recognition in continuously spoken sentences. IEEE TASSP 28, 357-366.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm import AudioExtractor
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 16000)
    >>> X = AudioExtractor().fit_transform([tone, (tone, 8000), None])
    >>> X.shape[0], X.dtype
    (3, dtype('float32'))
    """

    _parameter_constraints = {
        "rate": [whole(1000, HIGHEST_RATE)],
        "max_seconds": [POSITIVE],
        "on_bad": [one_of("raise", "missing")],
    }

    def __init__(self, rate=16_000, max_seconds=60.0, on_bad="raise"):
        self.rate = rate
        self.max_seconds = max_seconds
        self.on_bad = on_bad

    def transform(self, X) -> np.ndarray:
        """Return float32 features, shape (n_samples, n_features), for paths, bytes, arrays or (samples, rate) pairs.

        A pair may stand in either order, and be a dict {"array": ..., "sampling_rate": ...}.

        Arrays have shape (n_samples,), (n_samples, n_channels) or (n_channels, n_samples); floats have any scale,
        integers that of their type. A missing sound gives a row of NaN.
        """
        self.fit()
        return read_all(X, self._read_one, on_bad=self.on_bad, what="sounds", n_columns=len(feature_names()))

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns."""
        return np.array(feature_names(), dtype=object)

    def augment(self, X, random_state=None) -> list:
        """Return changed sounds: shifted in time, louder or softer, with a little noise.

        Each is read and changed when `transform` comes to it; its `load()` gives a (samples, rate) pair.
        """
        return changed_items(X, _changed, check_random_state(random_state), self.rate, self.max_seconds)

    def _read_one(self, item):
        sound = load_sound(item, self.rate, self.max_seconds)
        return None if sound is None else sound_features(resampled(*sound, self.rate), self.rate)


def load_sound(item, rate, max_seconds):
    """Return `(samples, rate)` of an item, mixed to one channel, float32, at most `max_seconds` long.

    None for a clip without a sound track.
    """
    item = plain_item(item)
    pair = sound_pair(item)
    if pair is not None:
        samples, own = pair[0], int(pair[1])
        _check_rate(own)
    elif isinstance(item, list | tuple) and (numbers := numbers_of(item)) is not None:
        samples, own = numbers, rate
    elif isinstance(item, np.ndarray):
        samples, own = item, rate
    else:
        sound = _read_file(item, max_seconds)
        if sound is None:
            return None
        samples, own = sound
    samples = _as_floats(samples)
    if samples.ndim == 2:
        samples = samples.mean(axis=1 if samples.shape[0] >= samples.shape[1] else 0)  # channels are the short axis
    samples = samples[: int(max_seconds * own)]
    if samples.ndim != 1 or not len(samples):
        raise UnreadableItem("it holds no sound")
    if not np.isfinite(samples).all():
        raise UnreadableItem("it holds NaN or infinite samples")
    return samples, own


def _read_file(item, max_seconds):
    """Return `(samples, rate)` of a path or bytes; None for a clip without a sound track."""
    if isinstance(item, (str, os.PathLike)) and os.fspath(item).lower().endswith(CLIPS):
        return _read_track(item, max_seconds)
    soundfile = require("soundfile", extra="audio", caller="AudioExtractor")
    source = open_item(item, "sound")
    try:
        with decoding("sound"), soundfile.SoundFile(source) as file:
            _check_rate(file.samplerate)
            return _read_mixed(file, int(max_seconds * file.samplerate)), file.samplerate
    except UnreadableItem as error:
        reason = error.__cause__
        if getattr(reason, "code", None) not in NOT_KNOWN:
            raise
    if find_spec("av") is None:
        raise UnreadableItem(
            "libsndfile does not know its format; others are read with FFmpeg: pip install 'ensemble_mm[video]'"
        )
    with suppress(UnreadableItem):
        return _read_track(item, max_seconds)
    raise UnreadableItem(
        "it cannot be decoded as sound (neither libsndfile nor FFmpeg knows its format): convert it to wav or flac"
    ) from reason


def _read_track(item, max_seconds):
    sound = read_sound_track(item, max_seconds=max_seconds)
    if sound is not None:
        _check_rate(sound[1])
    return sound


def _check_rate(rate):
    if not 0 < rate <= HIGHEST_RATE:
        raise UnreadableItem(f"it has the rate {rate}, but sounds have 1 to {HIGHEST_RATE} samples per second")


def _read_mixed(file, n_samples):
    """Return at most `n_samples` samples of an open sound file, its channels mixed to one."""
    at_once = max(1, READ_AT_ONCE // file.channels)
    parts, n_left = [np.zeros(0, dtype=np.float32)], n_samples
    while n_left > 0:
        block = file.read(min(at_once, n_left), dtype="float32", always_2d=True)
        if not len(block):
            break
        parts.append(block[:, 0] if file.channels == 1 else block.mean(axis=1))
        n_left -= len(block)
    return np.concatenate(parts) if len(parts) > 2 else parts[-1]


def _as_floats(samples):
    """Return samples as float32; those of integer types from -1 to 1."""
    kind = samples.dtype.kind
    if kind not in "biuf":
        raise UnreadableItem(f"it holds {samples.dtype} values, but samples are numbers; give (samples, rate)")
    if kind in "iu":
        bits = min(8 * samples.dtype.itemsize, 32)
        # 8 bits without a sign are centred on 128. Numbers in 64 bits are what a list of 16-bit samples becomes.
        samples = samples - 2.0 ** (bits - 1) if kind == "u" else samples
        samples = samples / 2.0 ** ((bits if samples.dtype.itemsize < 8 or kind == "u" else 16) - 1)
    return np.asarray(samples, dtype=np.float32)


def resampled(samples, rate, wanted):
    """Return samples at another rate, by cutting or filling up the spectrum."""
    if rate == wanted:
        return samples
    common = int(np.gcd(rate, wanted))
    step = rate // common  # whole numbers of samples at both rates; silence behind the end, against wrapping round
    blocks = next_fast_len(-(-len(samples) // step) + 1, real=True)
    n, m = blocks * step, blocks * (wanted // common)
    out = irfft(rfft(samples, n)[: m // 2 + 1], m) * np.float32(m / n)
    return out[: -(-len(samples) * wanted // rate)]


def _changed(item, seed, rate, max_seconds):
    """Return a changed copy of a sound; None for a clip without a sound track."""
    sound = load_sound(item, rate, max_seconds)
    if sound is None:
        return None
    rng, (samples, own) = np.random.RandomState(seed), sound
    samples = np.roll(samples, rng.randint(-len(samples) // 10, len(samples) // 10 + 1))
    noise = rng.normal(scale=0.01 * (np.abs(samples).max(initial=0.0) + FLOOR), size=len(samples))
    return (samples * rng.uniform(0.7, 1.3) + noise).astype(np.float32), own


def sound_features(samples, rate):
    """Return the features of a mono sound: shape (n_features,)."""
    length, hop = int(WINDOW * rate), int(HOP * rate)
    peak = float(np.abs(samples).max(initial=0.0))
    seconds = len(samples) / rate
    samples = samples / np.float32(peak) if peak > FLOOR else samples
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]
    # Block by block: what a block needs stays in the processor's cache.
    mels, shapes, share, crossings = [], [], None, _crossings(samples, length, hop)
    for start in range(0, len(frames), BLOCK):
        rows = slice(start, start + BLOCK)
        block, shape, share = _read_frames(frames[rows], crossings[rows], rate, share)
        mels.append(block)
        shapes.append(shape)
    mels, shapes = np.concatenate(mels), np.concatenate(shapes)
    cepstra = mels @ COSINES
    steps = np.diff(cepstra, axis=0) if len(cepstra) > 1 else np.zeros((1, N_CEPSTRA))
    parts = [cepstra[rows].mean(axis=0) for rows in _cut(len(cepstra), PARTS)]
    return np.concatenate(
        [
            mels.mean(axis=0), mels.std(axis=0),
            cepstra.mean(axis=0), cepstra.std(axis=0), cepstra.min(axis=0), cepstra.max(axis=0),
            steps.std(axis=0), *parts,
            shapes.mean(axis=0), shapes.std(axis=0), *np.quantile(shapes, [0.1, 0.9], axis=0),
            _rhythm(mels if seconds >= LASTS else mels[:1]),
            [np.log(seconds), np.log(peak + FLOOR)],
        ]
    )  # fmt: skip


def _rhythm(mels):
    """Return the logarithm of the power between two of `BEATS` of the loudness of each group of log-mel bands."""
    loudness = mels.reshape(len(mels), -1, TOGETHER).mean(axis=2)
    spectrum = np.abs(rfft(loudness - loudness.mean(axis=0), axis=0) / len(loudness)) ** 2
    place = np.searchsorted(BEATS, rfftfreq(len(loudness), HOP), side="right")
    return np.log(np.concatenate([spectrum[place == beat].sum(axis=0) for beat in range(1, len(BEATS))]) + STILL)


@lru_cache(maxsize=1)
def feature_names():
    """Return the names of what `sound_features` gives."""
    names = [f"mel{i}_{s}" for s in ("mean", "std") for i in range(N_MELS)]
    names += [f"cepstrum{i}_{s}" for s in ("mean", "std", "min", "max", "change") for i in range(N_CEPSTRA)]
    names += [f"cepstrum{i}_part{p}" for p in range(PARTS) for i in range(N_CEPSTRA)]
    names += [f"{shape}_{s}" for s in ("mean", "std", "low", "high") for shape in SHAPES]
    names += [f"rhythm{beat}_band{band}" for beat in range(1, len(BEATS)) for band in range(N_MELS // TOGETHER)]
    return (*names, "log_seconds", "log_peak")


def _read_frames(frames, crossings, rate, before):
    """Return log-mel bands, shapes and shares of power of a block of frames; `before` is what the last block gave."""
    length = frames.shape[1]
    n_fft = 1 << (length - 1).bit_length()
    window, filters, frequency, sums = _tables(rate, length, n_fft)
    spectrum = rfft(frames * window, n_fft, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    total = power.sum(axis=1, keepdims=True) + np.float32(FLOOR)
    share = power / total
    summed = share @ sums
    centroid, square = summed[:, 0], summed[:, 1]
    bandwidth = np.sqrt(np.maximum(square - centroid**2, 0))
    rolloff = frequency[_rolloff(share, summed[:, 2:])]
    # The mean logarithm, of products of four bins at a time: a quarter of the logarithms.
    raised = power + np.float32(FLOOR)
    products = raised[:, :-1].reshape(len(power), 4, -1).prod(axis=1)
    logs = np.log(products).sum(axis=1) + np.log(raised[:, -1])
    flatness = np.exp(logs / power.shape[1]) / total[:, 0] * power.shape[1]
    steps = np.empty_like(share)
    np.subtract(share[1:], share[:-1], out=steps[1:])
    steps[0] = 0 if before is None else share[0] - before[-1]
    flux = np.abs(steps, out=steps).sum(axis=1)
    energy = np.log(np.einsum("ij,ij->i", frames, frames) / length + 1e-6)
    # Pitch: the highest peak of the autocorrelation between 60 and 400 Hz, by the power spectrum.
    autocorrelation = irfft(power, axis=1)
    low, high = int(rate / 400), min(int(rate / 60), autocorrelation.shape[1] // 2)
    searched = autocorrelation[:, low:high]
    best = searched.argmax(axis=1)
    voicing = searched[np.arange(len(best)), best] / (autocorrelation[:, 0] + np.float32(FLOOR))
    pitch = np.log2(rate / (best + low))
    shapes = [centroid, bandwidth, rolloff, flatness, flux, crossings, energy, pitch, voicing]
    return np.log(power @ filters + np.float32(1e-6)), np.column_stack(shapes), share


def _rolloff(share, reached):
    """Return the first bin up to which lies 85 % of a frame's power; `reached` is what lies up to the end of groups."""
    group = np.minimum((reached < 0.85).sum(axis=1), reached.shape[1] - 1)
    rows, first = np.arange(len(share)), group * GROUP
    inside = share[rows[:, np.newaxis], first[:, np.newaxis] + np.arange(GROUP)].cumsum(axis=1)
    before = reached[rows, group] - inside[:, -1]
    found = first + (inside + before[:, np.newaxis] < 0.85).sum(axis=1)
    return np.where(reached[:, -1] + share[:, -1] < 0.85, 0, found)  # 0 in silence


def _crossings(samples, length, hop):
    """Return how often the sign changes in each frame, a sample: shape (n_frames,)."""
    sign = np.signbit(samples)
    places = np.flatnonzero(sign[1:] != sign[:-1])
    starts = np.arange(0, len(samples) - length + 1, hop)
    n = np.searchsorted(places, starts + length - 1) - np.searchsorted(places, starts)
    return n / (length - 1)


def _cut(n, parts):
    """Cut n frames in equal parts; with few frames parts share them."""
    edges = np.linspace(0, n, parts + 1)
    return [slice(int(a), max(int(np.ceil(b)), int(a) + 1)) for a, b in zip(edges[:-1], edges[1:], strict=True)]


@lru_cache(maxsize=8)
def _tables(rate, length, n_fft):
    """Return the window (length,), triangular filters on the mel scale [1] (n_bins, N_MELS), the bins' frequencies,
    from 0 to 1 for half the rate, and what sums bins: frequencies, their squares, and ones to the end of each group."""
    mel = np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + rate / 2 / 700), N_MELS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    share = np.linspace(0, 1, n_fft // 2 + 1)[:, np.newaxis]
    frequency = share * rate / 2
    up = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(up, down))
    groups = np.arange(len(share))[:, np.newaxis] < np.arange(GROUP, len(share), GROUP)
    tables = np.hanning(length), filters, share[:, 0], np.hstack([share, share**2, groups])
    return tuple(table.astype(np.float32) for table in tables)
