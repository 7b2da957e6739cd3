"""Video: image features of sampled frames pooled over time, and the motion between frames."""

from errno import EINVAL, ENOMEM
from functools import lru_cache, partial
from itertools import dropwhile, islice

import numpy as np
from scipy.fft import irfft2, rfft2
from sklearn.utils import check_random_state

from .._checks import POSITIVE, one_of, require, whole
from .._items import plain_item
from ._image import small_copy
from ._media import MediaExtractor, UnreadableItem, changed_items, decoding, open_clip, read_all
from ._picture_features import names_of, picture_features
from ._pictures import picture_of_array

SIDE = 64  # pixels of the square that frames are shrunk to
LAGS = (1, 2, 4)  # frames apart at which motion is measured
DIRECTIONS = 8
POOLED = 4  # frames whose appearance is pooled
MAX_PIXELS = 16_000_000
SOUGHT = 128  # clips with more frames are sought in
MOST_DECODED = 1024  # times `max_pixels`: what is decoded of one clip; a small file may hold hours of one colour
RATE = 25  # frames per second of arrays that come without a rate


class VideoExtractor(MediaExtractor):
    """Turn clips into the pooled appearance of a few frames and the motion between neighbouring ones.

    A clip gives 1,571 columns (float32), a missing one a row of NaN. Needs no fit. Frames are taken in short runs
    spread over the clip, found by seeking, so that the cost does not grow with the length (but for GIFs, which cannot
    be sought in). Motion is the shift that best aligns neighbouring frames, by phase correlation [1]_ averaged over the
    frames.

    Parameters
    ----------
    n_frames : int, default=16
        Frames that are read, at most.
    max_seconds : float, default=600
        Only the first seconds of longer clips are looked at.
    max_pixels : int, default=16000000
        Clips with larger frames are refused before they are decoded, and so are clips of more than 1024 times as many
        pixels in total.
    on_bad : {"raise", "missing"}, default="raise"
        "raise": one error lists all clips that cannot be read. "missing": they give rows of NaN and one warning.
    flip : bool, default=False
        Whether `augment` may mirror clips left to right. That turns a movement to the right into one to the left.

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

    _parameter_constraints = {
        "n_frames": [whole(2)],
        "max_seconds": [POSITIVE],
        "max_pixels": [whole(1)],
        "on_bad": [one_of("raise", "missing")],
        "flip": ["boolean"],
    }

    def __init__(self, n_frames=16, max_seconds=600.0, max_pixels=MAX_PIXELS, on_bad="raise", flip=False):
        self.n_frames = n_frames
        self.max_seconds = max_seconds
        self.max_pixels = max_pixels
        self.on_bad = on_bad
        self.flip = flip

    def transform(self, X) -> np.ndarray:
        """Return float32 features, shape (n_samples, n_features), for paths, bytes or arrays of frames.

        Arrays (or lists of frames) have shape (n_frames, height, width) or (n_frames, height, width, 3), and 25 frames
        per second unless they come in an (array, frames per second) pair. A missing clip gives a row of NaN.
        """
        self.fit()
        return read_all(X, self._read_one, on_bad=self.on_bad, what="clips", n_columns=len(feature_names()))

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns."""
        return np.array(feature_names(), dtype=object)

    def augment(self, X, random_state=None) -> list:
        """Return changed clips: slower, darker or brighter, with noise, mirrored (if `flip`).

        Each is read and changed when `transform` comes to it; its `load()` gives an (array, frames per second) pair.
        """
        plain = type(self)(self.n_frames, self.max_seconds, self.max_pixels)
        return changed_items(X, _changed, check_random_state(random_state), plain, self.flip)

    def _read_one(self, item):
        frames, runs, seconds = self._frames(item)
        return clip_features(frames, runs, seconds)

    def _frames(self, item):
        """Return frames as squares (n, SIDE, SIDE, 3), the lengths of the runs they come in, and the clip's seconds."""
        rate, item = RATE, plain_item(item)
        if isinstance(item, tuple) and len(item) == 2 and np.ndim(item[1]) == 0:
            item, rate = item
        if hasattr(item, "__array__") or isinstance(item, (list, tuple)):
            return self._from_array(item, float(rate))
        av = require("av", extra="video", caller="VideoExtractor")
        with decoding("video"), open_clip(item, caller="VideoExtractor", max_pixels=self.max_pixels) as container:
            if not container.streams.video:
                raise UnreadableItem("it has no video stream")
            try:
                return self._decode(container, av.video.reformatter.VideoReformatter())
            except av.error.FFmpegError as error:
                if error.errno not in (EINVAL, ENOMEM):  # of a frame that outgrows what the clip says
                    raise
                raise UnreadableItem(
                    f"a frame is damaged, or has more than max_pixels={self.max_pixels} pixels"
                ) from None

    def _from_array(self, array, rate):
        with decoding("video"):
            array = np.asarray(array)
        if array.ndim not in (3, 4) or not len(array) or not rate > 0:
            raise UnreadableItem(
                f"an array of shape {array.shape} at {rate:g} frames per second is not a clip: give (n_frames, height, "
                "width[, 3])"
            )
        picked = array
        runs = [len(array)]
        if len(array) > 2 * self.n_frames:
            n_runs = max(1, self.n_frames // 4)
            starts = np.linspace(0, len(array) - 4, n_runs).astype(np.intp)
            picked = array[np.concatenate([np.arange(s, s + 4) for s in starts])]
            runs = [4] * n_runs
        frames = [np.asarray(small_copy(picture_of_array(frame), SIDE)) for frame in picked]
        return np.array(frames), runs, len(array) / rate

    def _decode(self, container, reformatter):
        stream, square = container.streams.video[0], partial(_square, reformatter)
        if stream.codec_context is None or stream.time_base is None:
            raise UnreadableItem("its frames are in a code that is not known, or have no times")
        stream.thread_type = "NONE"
        check_size(stream, self.max_pixels)
        seconds, rate = _seconds_of(stream, container), float(stream.average_rate or RATE)
        seconds_read = min(seconds, self.max_seconds)
        n_frames, n_runs = round(seconds_read * rate), max(1, self.n_frames // 4)
        decoder = _Decoder(container, stream, self.max_pixels)
        if n_frames <= 2 * self.n_frames:  # also where the container does not know its length
            runs = [[square(frame) for frame in islice(decoder.frames(), 2 * self.n_frames)]]
        else:
            starts = np.linspace(0, n_frames - 4, n_runs).astype(np.intp)
            runs = [[square(frame) for frame in run] for run in decoder.runs(starts, rate, sought=n_frames > SOUGHT)]
        frames = [frame for run in runs for frame in run]
        if not frames:
            raise UnreadableItem("it has no frame")
        return np.array(frames), [len(run) for run in runs if run], seconds


class _Decoder:
    """Frames of the video stream of a clip, decoded as they are asked for, until they are too many pixels."""

    def __init__(self, container, stream, max_pixels):
        self.container, self.stream, self.max_pixels = container, stream, max_pixels
        self.n_pixels, self.first = 0, 0.0

    def frames(self):
        for packet in self.container.demux(self.stream):
            # Frames that no other frame builds on are not decoded before the time that is looked for.
            early = packet.pts is not None and packet.pts * self.stream.time_base < self.first
            self.stream.codec_context.skip_frame = "NONREF" if early else "DEFAULT"
            for frame in packet.decode():
                check_size(frame, self.max_pixels)
                self.n_pixels += frame.width * frame.height
                if self.n_pixels > MOST_DECODED * self.max_pixels:
                    raise UnreadableItem(
                        f"more than {self.n_pixels:,} pixels would have to be decoded: raise max_pixels"
                    )
                yield frame

    def runs(self, starts, rate, sought):
        """Yield the four frames from each start on; the first, and with `sought` each, is sought in the clip."""
        begin, decoded = self.stream.start_time or 0, iter(())
        for start in starts:
            first = self.first = start / rate - 0.5 / rate + float(begin * self.stream.time_base)
            # Seeking goes back to a key frame, and every frame from there to `start` must be decoded: in short
            # clips it is quicker to go on from where the last run ended.
            if start == starts[0] or sought:
                self.container.seek(int(start / rate / self.stream.time_base) + begin, stream=self.stream)
                decoded = self.frames()
            yield islice(dropwhile(lambda f, t=first: (f.time or t) < t, decoded), 4)


def check_size(frame, max_pixels):
    """Raise an UnreadableItem for a frame, or a stream, of too many pixels."""
    if frame.width * frame.height > max_pixels:
        raise UnreadableItem(
            f"its frames have {frame.width} x {frame.height} pixels, more than max_pixels={max_pixels}"
        )


def _seconds_of(stream, container):
    """Return how long a clip says that it is; 0 where it does not say."""
    return float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6


def upright(pixels, frame):
    """Return the pixels of a decoded frame turned as players show them: phones store turned clips, and say so."""
    return np.rot90(pixels, round(frame.rotation / 90)) if frame.rotation else pixels


def _square(reformatter, frame):
    """Return a decoded frame as an upright array (SIDE, SIDE, 3); one reformatter a clip keeps its tables."""
    return upright(reformatter.reformat(frame, SIDE, SIDE, "rgb24", interpolation="AREA").to_ndarray(), frame)


def _changed(item, seed, extractor, flip):
    """Return a changed copy of a clip: its frames, and how many there are per second, so that its length stays."""
    frames, _, seconds = extractor._frames(item)
    rng = np.random.RandomState(seed)
    speed = rng.uniform(0.8, 1.0)
    picked = (np.arange(int(len(frames) / speed)) * speed).astype(np.intp).clip(0, len(frames) - 1)
    frames = frames[np.unique(picked)].astype(np.float32)
    if flip and rng.random_sample() < 0.5:
        frames = frames[:, :, ::-1]
    noisy = frames * rng.uniform(0.85, 1.15) + rng.normal(scale=3, size=frames.shape)
    frames = np.clip(noisy, 0, 255).astype(np.uint8)
    return frames, len(frames) / seconds if seconds > 0 else RATE


def clip_features(frames, runs, seconds):
    """Return the features of frames (n, SIDE, SIDE, 3) that come in runs of neighbours: shape (n_features,)."""
    picked = np.linspace(0, len(frames) - 1, min(POOLED, len(frames))).astype(np.intp)
    looks = picture_features(frames[picked])
    grey = frames @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.concatenate([looks.mean(axis=0), looks.std(axis=0), *_motion(grey, runs), [np.log1p(seconds)]])


@lru_cache(maxsize=1)
def feature_names():
    """Return the names of what `clip_features` gives."""
    looks = [f"{s}_{name}" for s in ("mean", "std") for name in names_of()]
    kinds = ("right", "down", "speed", "towards_right", "towards_down", "certainty", "change", "change_std")
    motion = [f"{kind}_lag{lag}" for lag in LAGS for kind in kinds]
    flow = [f"direction{i}" for i in range(DIRECTIONS)] + ["pair_speed_mean", "pair_speed_std"]
    return (*looks, *motion, *flow, "log_seconds")


def _motion(grey, runs):
    """Shift in pixels per frame at several lags, from the cross spectra averaged over all pairs of frames."""
    spectra = rfft2(grey - grey.mean(axis=(1, 2), keepdims=True))
    starts = np.r_[0, np.cumsum(runs)[:-1]]
    parts, flow = [], np.zeros(DIRECTIONS + 2)
    for lag in LAGS:
        pairs = np.array([s + i for s, n in zip(starts, runs, strict=True) for i in range(n - lag)], dtype=np.intp)
        if not len(pairs):
            parts.append(np.zeros(8))
            continue
        cross = spectra[pairs + lag] * spectra[pairs].conj()
        right, down, height = _peaks(cross.mean(axis=0)[np.newaxis], grey.shape[1:])[0]
        right, down = right / lag, down / lag
        speed = np.hypot(right, down)
        change = np.abs(grey[pairs + lag] - grey[pairs]).mean(axis=(1, 2)) / 255
        unit = max(speed, 1e-6)
        parts.append(np.array([right, down, speed, right / unit, down / unit, height, change.mean(), change.std()]))
        if lag == 1:
            flow = _flow(_peaks(cross[:: max(1, len(pairs) // 8)], grey.shape[1:]))
    return [*parts, flow]


def _flow(peaks):
    """Return the shares of the directions among moving pairs of frames, and mean and deviation of their speeds."""
    right, down, _ = peaks.T
    speed = np.hypot(right, down)
    moving = speed > 0.1
    sector = np.round(np.arctan2(down, right)[moving] / (2 * np.pi) * DIRECTIONS).astype(np.intp) % DIRECTIONS
    counts = np.bincount(sector, minlength=DIRECTIONS)
    return np.r_[counts / max(counts.sum(), 1), speed.mean(), speed.std()]


def _peaks(cross, shape):
    """Return the shift right and down, between the pixels, and the height of the peak of each cross spectrum.

    Spectra are divided by the root of their size: half way from plain correlation, whose peak is broad, to phase
    correlation, which listens to noise.
    """
    size = np.sqrt(np.abs(cross))
    surfaces = irfft2(cross / (size + 1e-3 * size.mean(axis=(1, 2), keepdims=True) + 1e-9), s=shape)
    surfaces /= size.mean(axis=(1, 2), keepdims=True) * 2 + 1e-9
    (h, w), n = shape, np.arange(len(cross))
    row, column = np.unravel_index(surfaces.reshape(len(cross), -1).argmax(axis=1), shape)
    top = surfaces[n, row, column]
    down = row + _vertex(surfaces[n, row - 1, column], top, surfaces[n, (row + 1) % h, column])
    right = column + _vertex(surfaces[n, row, column - 1], top, surfaces[n, row, (column + 1) % w])
    return np.column_stack([(right + w / 2) % w - w / 2, (down + h / 2) % h - h / 2, top])


def _vertex(before, top, after):
    """Return where, from -0.5 to 0.5, the parabolas through three neighbours are highest."""
    bend = before - 2 * top + after
    return np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1), 0.0)
