"""Video: image features of sampled frames pooled over time, and the motion between frames."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state

from .._checks import as_items, check_choice, check_count, is_missing, require
from ._image import ImageExtractor, small_copy
from ._media import UnreadableItem, decoding, open_item, read_all
from ._pictures import picture_of_array

SIDE = 64  # pixels of the square that frames are shrunk to
LAGS = (1, 2, 4)  # frames apart at which motion is measured
DIRECTIONS = 8
POOLED = 4  # frames whose appearance is pooled
MAX_PIXELS = 16_000_000


class VideoExtractor(TransformerMixin, BaseEstimator):
    """Turn clips into the pooled appearance of a few frames and the motion between neighbouring ones.

    Needs no fit. Frames are taken in short runs spread over the clip, found by seeking, so that the cost does not grow
    with the length. Motion is the shift that best aligns neighbouring frames, by phase correlation [1]_ averaged over
    the frames.

    Parameters
    ----------
    n_frames : int, default=16
        Frames that are read, at most.
    max_seconds : float, default=600
        Only the first seconds of longer clips are looked at.
    max_pixels : int, default=16000000
        Clips with larger frames are refused before they are decoded.
    on_bad : {"raise", "missing"}, default="raise"
        What an unreadable clip does.

    Raises
    ------
    BadItemsError
        Lists the clips that cannot be read.

    References
    ----------
    .. [1] Kuglin, C., Hines, D. (1975). The phase correlation image alignment method. IEEE Conference on Cybernetics
       and Society.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm import VideoExtractor
    >>> clip = np.zeros((6, 32, 32, 3), np.uint8)
    >>> VideoExtractor().fit_transform([clip, None]).shape[0]
    2
    """

    def __init__(self, n_frames=16, max_seconds=600.0, max_pixels=MAX_PIXELS, on_bad="raise"):
        self.n_frames = n_frames
        self.max_seconds = max_seconds
        self.max_pixels = max_pixels
        self.on_bad = on_bad

    def fit(self, X=None, y=None):
        """Check the parameters; nothing is learned."""
        check_count("n_frames", self.n_frames, minimum=2)
        check_choice("on_bad", self.on_bad, ("raise", "missing"))
        if not self.max_seconds > 0:
            raise ValueError(f"max_seconds={self.max_seconds!r} must be a positive number of seconds.")
        return self

    def transform(self, X):
        """Return float32 features, shape (n_samples, n_features), for paths, bytes or arrays of frames.

        Arrays have shape (n_frames, height, width) or (n_frames, height, width, 3). A missing clip gives a row of NaN.
        """
        self.fit()
        return read_all(X, self._read_one, on_bad=self.on_bad, what="clips", n_columns=len(feature_names()))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns."""
        return np.array(feature_names(), dtype=object)

    def augment(self, X, random_state=None):
        """Return new clips as arrays of frames, one each: other speeds and noise.

        Clips are not mirrored, since that turns a movement to the right into one to the left.
        """
        rng = check_random_state(random_state)
        out = []
        for item in as_items(X):
            if is_missing(item):
                out.append(None)
                continue
            frames = np.asarray(self._frames(item)[0], dtype=np.float32)
            speed = rng.uniform(0.8, 1.0)
            frames = frames[
                np.unique((np.arange(int(len(frames) / speed)) * speed).astype(np.intp).clip(0, len(frames) - 1))
            ]
            noisy = frames * rng.uniform(0.85, 1.15) + rng.normal(scale=3, size=frames.shape)
            out.append(np.clip(noisy, 0, 255).astype(np.uint8))
        return out

    def _read_one(self, item):
        frames, runs, seconds = self._frames(item)
        return clip_features(frames, runs, seconds)

    def _frames(self, item):
        """Return frames as squares (n, SIDE, SIDE, 3), the lengths of the runs they come in, and the clip's seconds."""
        if isinstance(item, np.ndarray):
            return self._from_array(item)
        av = require("av", extra="video", caller="VideoExtractor")
        source = open_item(item, "video")
        with decoding("video"), av.open(source) as container:
            if not container.streams.video:
                raise UnreadableItem("it has no video stream")
            return self._decode(container)

    def _from_array(self, array):
        if array.ndim not in (3, 4) or not len(array):
            raise UnreadableItem(f"an array of shape {array.shape} is no clip: give (n_frames, height, width[, 3])")
        picked = array
        runs = [len(array)]
        if len(array) > 2 * self.n_frames:
            n_runs = max(1, self.n_frames // 4)
            starts = np.linspace(0, len(array) - 4, n_runs).astype(np.intp)
            picked = array[np.concatenate([np.arange(s, s + 4) for s in starts])]
            runs = [4] * n_runs
        frames = [np.asarray(small_copy(picture_of_array(frame), SIDE), dtype=np.float32) for frame in picked]
        return np.array(frames), runs, len(array) / 25

    def _decode(self, container):
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        if stream.width * stream.height > self.max_pixels:
            raise UnreadableItem(
                f"its frames have {stream.width} x {stream.height} pixels, more than max_pixels={self.max_pixels}"
            )
        seconds = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
        n_runs, seconds_read = max(1, self.n_frames // 4), min(seconds, self.max_seconds)
        rate = float(stream.average_rate or 25)
        if not seconds_read or seconds_read * rate <= 2 * self.n_frames:
            frames = [self._square(f) for _, f in zip(range(2 * self.n_frames), container.decode(stream), strict=False)]
            runs = [len(frames)]
        else:
            frames, runs = [], []
            for start in np.linspace(0, seconds_read * 0.95, n_runs, endpoint=False):
                container.seek(int(start / stream.time_base), stream=stream)
                run = []
                for frame in container.decode(stream):
                    run.append(self._square(frame))
                    if len(run) == 4:
                        break
                frames += run
                runs.append(len(run))
        if not frames:
            raise UnreadableItem("has no frame")
        return np.array(frames), [n for n in runs if n], seconds

    @staticmethod
    def _square(frame):
        return frame.to_ndarray(width=SIDE, height=SIDE, format="rgb24", interpolation="AREA").astype(np.float32)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def read_sound_track(item):
    """Return the sound of a clip as `(samples, rate)`, mono float32, or None when it has none.

    Gives `AudioExtractor` a view of its own: `[read_sound_track(path) for path in clips]`.
    """
    av = require("av", extra="video", caller="read_sound_track")
    with decoding("video"), av.open(open_item(item, "video")) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=stream.rate)
        parts = [out.to_ndarray()[0] for frame in container.decode(stream) for out in resampler.resample(frame)]
    return (np.concatenate(parts), int(stream.rate)) if parts else None


def clip_features(frames, runs, seconds):
    """Return the features of frames (n, SIDE, SIDE, 3) that come in runs of neighbours: shape (n_features,)."""
    picked = np.linspace(0, len(frames) - 1, min(POOLED, len(frames))).astype(np.intp)
    looks = ImageExtractor(size=SIDE).transform([frames[i].astype(np.uint8) for i in picked])
    grey = frames @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.concatenate([looks.mean(axis=0), looks.std(axis=0), *_motion(grey, runs), [np.log1p(seconds)]])


def feature_names():
    """Return the names of what `clip_features` gives."""
    looks = [f"{s}_{name}" for s in ("mean", "std") for name in ImageExtractor(size=SIDE).get_feature_names_out()]
    kinds = ("right", "down", "speed", "towards_right", "towards_down", "certainty", "change", "change_std")
    motion = [f"{kind}_lag{lag}" for lag in LAGS for kind in kinds]
    flow = [f"direction{i}" for i in range(DIRECTIONS)] + ["pair_speed_mean", "pair_speed_std"]
    return [*looks, *motion, *flow, "log_seconds"]


def _motion(grey, runs):
    """Shift in pixels a frame at several lags, from the phase of the cross spectra averaged over all pairs."""
    centred = grey - grey.mean(axis=(1, 2), keepdims=True)
    spectra = np.fft.rfft2(centred)
    starts = np.r_[0, np.cumsum(runs)[:-1]]
    parts = []
    for lag in LAGS:
        pairs = np.array([s + i for s, n in zip(starts, runs, strict=True) for i in range(n - lag)], dtype=np.intp)
        if not len(pairs):
            parts.append(np.zeros(8))
            continue
        cross = spectra[pairs + lag] * spectra[pairs].conj()
        surface = np.fft.irfft2(
            (cross / (np.abs(cross) + 1e-3 * np.abs(cross).mean() + 1e-9)).mean(axis=0), s=grey.shape[1:]
        )
        right, down, height = _peak(surface)
        right, down = right / lag, down / lag
        speed = np.hypot(right, down)
        change = np.abs(grey[pairs + lag] - grey[pairs]).mean(axis=(1, 2)) / 255
        unit = max(speed, 1e-6)
        parts.append(np.array([right, down, speed, right / unit, down / unit, height, change.mean(), change.std()]))
    pairs = np.array([s + i for s, n in zip(starts, runs, strict=True) for i in range(n - 1)], dtype=np.intp)
    flow, speeds = np.zeros(DIRECTIONS), [0.0]
    for i in pairs[:: max(1, len(pairs) // 8)]:
        cross = spectra[i + 1] * spectra[i].conj()
        right, down, _ = _peak(np.fft.irfft2(cross / (np.abs(cross) + 1e-9), s=grey.shape[1:]))
        speed = np.hypot(right, down)
        speeds.append(speed)
        if speed > 0.1:
            flow[int(np.round(np.arctan2(down, right) / (2 * np.pi) * DIRECTIONS)) % DIRECTIONS] += 1
    speeds = speeds[1:] or speeds
    parts.append(np.r_[flow / max(flow.sum(), 1), np.mean(speeds), np.std(speeds)])
    return parts


def _peak(surface):
    """Return the place of the highest value of a periodic surface, between the pixels, and its height."""
    h, w = surface.shape
    row, column = np.unravel_index(surface.argmax(), surface.shape)
    near = np.array([-1, 0, 1])
    patch = np.maximum(surface[np.ix_((row + near) % h, (column + near) % w)], 0)
    total = patch.sum() or 1.0
    down = row + (patch.sum(axis=1) @ near) / total
    right = column + (patch.sum(axis=0) @ near) / total
    return (right + w / 2) % w - w / 2, (down + h / 2) % h - h / 2, surface[row, column]
