"""The sound track of a clip."""

import os
from typing import Any

import numpy as np

from .._checks import is_missing, require
from .._items import plain_item
from ._media import SOUND_FORMATS, decoding, open_clip

CONTAINERS = (
    ".mp4", ".avi", ".mov", ".webm", ".mkv", ".m4v", ".mpg", ".mpeg", ".qt", ".mpe", ".3gp", ".3g2", ".3gpp", ".wmv",
    ".asf", ".ts", ".mts", ".m2ts", ".vob", ".ogv", ".flv", ".f4v",
)  # fmt: skip
CLIPS = (*CONTAINERS, ".m4a")  # what soundfile does not read
LOOKED_AT = 20  # clips that tell whether a column of them has sound


def read_sound_track(item, max_seconds=600.0) -> Any:
    """Return the sound of a clip as `(samples, rate)`, mono float32, or None when it has none.

    `AudioExtractor` does this for paths of clips; the function is for bytes, and for extractors of others.

    Parameters
    ----------
    item : path or bytes
        A missing clip (None, NaN, "") has no sound.
    max_seconds : float, default=600
        Only the first seconds are read.

    Raises
    ------
    ValueError
        With the reason why the clip cannot be read.

    Examples
    --------
    >>> from ensemble_mm import load_demo, read_sound_track
    >>> X, _ = load_demo("moving_digits")
    >>> read_sound_track(X["clip"].dropna().iloc[0]) is None  # these clips are silent
    True
    """
    item = plain_item(item)
    if is_missing(item):
        return None
    av = require("av", extra="video", caller="read_sound_track")
    parts, n_samples = [], 0
    with decoding("video"), open_clip(item, caller="read_sound_track", formats=SOUND_FORMATS) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        rate = int(stream.rate)
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in container.decode(stream):
            parts += [out.to_ndarray()[0] for out in resampler.resample(frame)]
            n_samples += frame.samples
            if n_samples >= max_seconds * rate:
                break
    return (np.concatenate(parts)[: int(max_seconds * rate)], rate) if parts else None


def any_sound(items) -> bool:
    """Tell whether the first clips of a column, given as paths, have a sound track."""
    paths = [item for item in items if isinstance(item, (str, os.PathLike)) and os.fspath(item).lower().endswith(CLIPS)]
    return any(_has_sound(path) for path in paths[:LOOKED_AT])


def _has_sound(path) -> bool:
    try:
        with decoding("video"), open_clip(path, caller="VideoExtractor") as container:
            return bool(container.streams.audio)
    except (ValueError, OSError):  # the view of the clips says what is wrong with it
        return False
