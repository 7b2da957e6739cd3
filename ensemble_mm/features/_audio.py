"""Sound: log-mel bands, cepstra, spectral shape, pitch and energy, pooled over time."""

from functools import lru_cache

import numpy as np
from scipy.fft import dct, irfft, rfft
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state

from .._checks import as_items, check_choice, check_count, is_missing, require
from ._media import UnreadableItem, decoding, open_item, read_all

N_MELS = 40
N_CEPSTRA = 20
PARTS = 5  # equal parts of the time over which cepstra are averaged too
WINDOW, HOP = 0.032, 0.016  # seconds
SHAPES = ["centroid", "bandwidth", "rolloff", "flatness", "flux", "crossings", "energy", "pitch", "voicing"]
FLOOR = 1e-8


class AudioExtractor(TransformerMixin, BaseEstimator):
    """Turn sounds into statistics over time of log-mel bands, cepstra, spectral shape, pitch and energy.

    Needs no fit. Sounds are mixed to one channel, resampled to one rate, set to the same loudness (the loudness is kept
    as a feature) and cut into overlapping windows of 32 ms.

    Parameters
    ----------
    rate : int, default=16000
        Samples a second that features are taken at; also the rate of arrays that come without one.
    max_seconds : float, default=60
        Only the first seconds of longer sounds are read.
    on_bad : {"raise", "missing"}, default="raise"
        What an unreadable sound does.

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

    def __init__(self, rate=16_000, max_seconds=60.0, on_bad="raise"):
        self.rate = rate
        self.max_seconds = max_seconds
        self.on_bad = on_bad

    def fit(self, X=None, y=None):
        """Check the parameters; nothing is learned."""
        check_count("rate", self.rate, minimum=1000)
        check_choice("on_bad", self.on_bad, ("raise", "missing"))
        if not self.max_seconds > 0:
            raise ValueError(f"max_seconds={self.max_seconds!r} must be a positive number of seconds.")
        return self

    def transform(self, X):
        """Return float32 features, shape (n_samples, n_features), for paths, bytes, arrays or (samples, rate) pairs.

        Arrays have shape (n_samples,) or (n_samples, n_channels). A missing sound gives a row of NaN.
        """
        self.fit()
        return read_all(X, self._read_one, on_bad=self.on_bad, what="sounds", n_columns=len(feature_names()))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns."""
        return np.array(feature_names(), dtype=object)

    def augment(self, X, random_state=None):
        """Return new sounds as (samples, rate) pairs: shifted in time, louder or softer, with a little noise."""
        rng = check_random_state(random_state)
        out = []
        for item in as_items(X):
            if is_missing(item):
                out.append(None)
                continue
            samples, rate = load_sound(item, self.rate, self.max_seconds)
            samples = np.roll(samples, rng.randint(-len(samples) // 10, len(samples) // 10 + 1))
            noise = rng.normal(scale=0.01 * (np.abs(samples).max(initial=0.0) + FLOOR), size=len(samples))
            out.append(((samples * rng.uniform(0.7, 1.3) + noise).astype(np.float32), rate))
        return out

    def _read_one(self, item):
        samples, rate = load_sound(item, self.rate, self.max_seconds)
        return sound_features(resampled(samples, rate, self.rate), self.rate)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def load_sound(item, rate, max_seconds):
    """Return `(samples, rate)` of an item, mixed to one channel, float32, at most `max_seconds` long."""
    if isinstance(item, tuple) and len(item) == 2:
        samples, own = np.asarray(item[0]), int(item[1])
        if own <= 0:
            raise UnreadableItem(f"has the rate {own}: give samples a second")
    elif isinstance(item, np.ndarray):
        samples, own = item, rate
    else:
        soundfile = require("soundfile", extra="audio", caller="AudioExtractor")
        source = open_item(item, "sound")
        with decoding("sound"), soundfile.SoundFile(source) as file:
            own = file.samplerate
            samples = file.read(int(max_seconds * own), dtype="float32", always_2d=True)
    if samples.dtype.kind in "iu":
        samples = samples / np.iinfo(samples.dtype).max
    samples = np.asarray(samples, dtype=np.float32)[: int(max_seconds * own)]
    if samples.ndim == 2:
        samples = samples.mean(axis=1)
    if samples.ndim != 1 or not len(samples):
        raise UnreadableItem("holds no sound")
    if not np.isfinite(samples).all():
        raise UnreadableItem("holds NaN or infinite samples")
    return samples, own


def resampled(samples, rate, wanted):
    """Return samples at another rate."""
    if rate == wanted:
        return samples
    from scipy.signal import resample_poly  # here, since it is slow to import

    common = np.gcd(rate, wanted)
    return resample_poly(samples, wanted // common, rate // common).astype(np.float32)


def sound_features(samples, rate):
    """Return the features of a mono sound: shape (n_features,)."""
    length = int(WINDOW * rate)
    peak = float(np.abs(samples).max(initial=0.0))
    seconds = len(samples) / rate
    samples = samples / peak if peak > FLOOR else samples
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[:: int(HOP * rate)]
    n_fft = 1 << (length - 1).bit_length()
    power = np.abs(rfft(frames * np.hanning(length).astype(np.float32), n_fft, axis=1)) ** 2
    mels = np.log(power @ _mel_filters(rate, n_fft) + 1e-6)
    cepstra = dct(mels, type=2, norm="ortho", axis=1)[:, :N_CEPSTRA]
    steps = np.diff(cepstra, axis=0) if len(cepstra) > 1 else np.zeros((1, N_CEPSTRA))
    shapes = _shapes(frames, power, rate, n_fft)
    parts = [cepstra[rows].mean(axis=0) for rows in _cut(len(cepstra), PARTS)]
    return np.concatenate(
        [
            mels.mean(axis=0), mels.std(axis=0),
            cepstra.mean(axis=0), cepstra.std(axis=0), cepstra.min(axis=0), cepstra.max(axis=0),
            steps.std(axis=0), *parts,
            shapes.mean(axis=0), shapes.std(axis=0), np.quantile(shapes, 0.1, axis=0), np.quantile(shapes, 0.9, axis=0),
            [np.log(seconds), np.log(peak + FLOOR)],
        ]
    )  # fmt: skip


def feature_names():
    """Return the names of what `sound_features` gives."""
    names = [f"mel{i}_{s}" for s in ("mean", "std") for i in range(N_MELS)]
    names += [f"cepstrum{i}_{s}" for s in ("mean", "std", "min", "max", "change") for i in range(N_CEPSTRA)]
    names += [f"cepstrum{i}_part{p}" for p in range(PARTS) for i in range(N_CEPSTRA)]
    names += [f"{shape}_{s}" for s in ("mean", "std", "low", "high") for shape in SHAPES]
    return [*names, "log_seconds", "log_peak"]


def _shapes(frames, power, rate, n_fft):
    frequency = np.arange(power.shape[1]) * rate / n_fft
    total = power.sum(axis=1) + FLOOR
    share = power / total[:, np.newaxis]
    centroid = share @ frequency
    bandwidth = np.sqrt(np.maximum(share @ frequency**2 - centroid**2, 0))
    rolloff = frequency[(np.cumsum(share, axis=1) >= 0.85).argmax(axis=1)]
    flatness = np.exp(np.log(power + FLOOR).mean(axis=1)) / (total / power.shape[1])
    flux = np.r_[0.0, np.abs(np.diff(share, axis=0)).sum(axis=1)]
    crossings = (np.diff(np.signbit(frames), axis=1) != 0).mean(axis=1)
    energy = np.log((frames**2).mean(axis=1) + 1e-6)
    # Pitch: the highest peak of the autocorrelation between 60 and 400 Hz, by the power spectrum.
    autocorrelation = irfft(power, axis=1)
    low, high = int(rate / 400), min(int(rate / 60), autocorrelation.shape[1] // 2)
    searched = autocorrelation[:, low:high]
    best = searched.argmax(axis=1)
    voicing = searched[np.arange(len(best)), best] / (autocorrelation[:, 0] + FLOOR)
    pitch = np.log2(rate / (best + low))
    scale = rate / 2
    columns = [centroid / scale, bandwidth / scale, rolloff / scale, flatness, flux, crossings, energy, pitch, voicing]
    return np.column_stack(columns)


def _cut(n, parts):
    """Cut n frames in equal parts; with few frames parts share them."""
    edges = np.linspace(0, n, parts + 1)
    return [slice(int(a), max(int(np.ceil(b)), int(a) + 1)) for a, b in zip(edges[:-1], edges[1:], strict=True)]


@lru_cache(maxsize=8)
def _mel_filters(rate, n_fft):
    """Triangular filters on the mel scale [1]: shape (n_fft // 2 + 1, N_MELS)."""
    mel = np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + rate / 2 / 700), N_MELS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    frequency = np.arange(n_fft // 2 + 1)[:, np.newaxis] * rate / n_fft
    up = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(up, down)).astype(np.float32)
