"""Motion in short runs of frames: how far and where to a scene and the objects in it move, and what it looks like.

Frames are small grey squares. The shift between frames is the peak of their phase correlation [1]_, averaged over
all pairs of frames that are one apart, then made finer by pairs that are two, four and eight apart, and placed
between the pixels by a parabola. Shifts are found modulo the size of a frame, so a motion that leaves on one side
and comes back on the other is one motion.

References
----------
.. [1] Kuglin, C. and Hines, D. (1975). The phase correlation image alignment method. IEEE Conference on Cybernetics
   and Society, 163-165.
"""

import numpy as np
from scipy import fft

LAGS = (1, 2, 4, 8)
N_DIRECTIONS = 8  # right, right down, down, ... every 45 degrees
BLURS = 1.5  # standard deviation, in pixels, of the smoothing of a correlation surface
SEGMENT = 8  # pairs of frames whose shift is averaged when looking for changes of motion
MOTION_NAMES = [
    *(
        f"{what}_{name}"
        for what in ("scene", "object")
        for name in ("right", "down", "speed", "certainty", *(f"direction_{45 * k}" for k in range(N_DIRECTIONS)))
    ),
    "turn_right",
    "turn_down",
    *(f"block_{name}_{i}_{j}" for i in range(3) for j in range(3) for name in ("right", "down", "certainty")),
    *(f"change_lag_{lag}" for lag in LAGS),
    "change_std",
    *(f"change_{i}_{j}" for i in range(4) for j in range(4)),
    "light_std",
    "light_trend",
]


def motion_of(runs, aspect):
    """Describe the motion in runs of neighbouring frames.

    Parameters
    ----------
    runs : list of ndarray of shape (n_frames, side, side), float32
        Grey levels from 0 to 1.
    aspect : float
        Width of the frames, before they were made square, by their height.

    Returns
    -------
    features : ndarray of shape (n_features,)
        As `MOTION_NAMES` names them. Shifts are in percent of the frame's size (the square root of its area) a frame,
        to the right and down; changes are mean absolute differences of grey levels.
    shift : ndarray of shape (2,)
        Down and right, in pixels a frame, of what moves.
    """
    side = runs[0].shape[1]
    unit = 100 / side * np.array([aspect**-0.5, aspect**0.5])  # pixels down, right -> percent
    spectra = [_spectra(run) for run in runs]
    scene, certainty, pairs = _velocity(spectra, side)
    # What stands still is the mean of a run; without it, the correlation shows what moves.
    moving = [s - s.mean(axis=0) for s in spectra]
    velocity, sure, object_pairs = _velocity(moving, side)
    parts = [_of_velocity(scene * unit, certainty), _of_velocity(velocity * unit, sure)]
    parts.append(_turns(object_pairs, side) * unit[::-1])
    parts += [_of_blocks(runs, unit), _changes(runs)]
    return np.concatenate(parts), velocity if sure > certainty else scene


def object_of(runs, shift):
    """Return the mean of frames after undoing a motion, with what stands out from the background in its middle.

    Parameters
    ----------
    runs : list of ndarray of shape (n_frames, side, side)
    shift : ndarray of shape (2,)
        Down and right, in pixels a frame.

    Returns
    -------
    picture : ndarray of shape (side, side), float32
        Grey levels from 0 to 1.
    spread : float
        Standard deviation, in sides of a frame, of what stands out around the middle.
    """
    side = runs[0].shape[1]
    waves = _waves(side)
    total = np.zeros((side, side), dtype=np.float32)
    for run in runs:
        steps = np.arange(len(run))[:, np.newaxis, np.newaxis]
        undo = [
            np.exp(2j * np.pi * steps * wave * by).astype(np.complex64) for wave, by in zip(waves, shift, strict=True)
        ]
        spectrum = (fft.rfft2(run) * undo[0] * undo[1]).mean(axis=0)
        weight = np.square(_stand_out(fft.irfft2(spectrum, s=(side, side))))
        # The middle on a circle is the angle of the first Fourier coefficient: no edge, whatever wraps around.
        angles = 2j * np.pi * np.arange(side) / side
        middle = [np.angle(weight.sum(axis=axis) @ np.exp(angles)) / (2 * np.pi) for axis in (1, 0)]
        move = np.exp(-2j * np.pi * side * (waves[0] * (0.5 - middle[0]) + waves[1] * (0.5 - middle[1])))
        total += fft.irfft2(spectrum * move, s=(side, side))
    picture = np.clip(total / len(runs), 0, 1).astype(np.float32)
    weight = np.square(_stand_out(picture))
    away = np.square(np.arange(side) - side / 2)
    spread = np.sqrt((weight.sum(axis=1) + weight.sum(axis=0)) @ away / (2 * weight.sum() + 1e-12))
    return picture, float(spread / side)


def _stand_out(picture):
    return picture - np.median(picture)


def _waves(side):
    """Frequencies, in cycles a pixel, of the rows and columns of a real spectrum."""
    return fft.fftfreq(side)[:, np.newaxis], fft.rfftfreq(side)[np.newaxis]


def _spectra(frames):
    """Return the spectra of frames without their means, up to half of the highest frequency: noise lies above."""
    side = frames.shape[-1]
    full = fft.rfft2(frames - frames.mean(axis=(-2, -1), keepdims=True))[..., : side // 4 + 1]
    return np.concatenate([full[..., : side // 4, :], full[..., -side // 4 :, :]], axis=-2)


def _phases(later, earlier):
    """Return the cross spectra of frames, each frequency scaled to about length one."""
    cross = later * earlier.conj()
    size = np.abs(cross)
    return cross / (size + (1e-3 * size.mean(axis=(-2, -1), keepdims=True) + 1e-12))


def _surface(phases, side):
    """Return the smoothed correlation surface of mean phases, as high as 1 where everything agrees."""
    rows, columns = _waves(side)
    smooth = np.exp(-2 * (np.pi * BLURS) ** 2 * (rows**2 + columns**2))
    quarter = side // 4
    full = np.zeros((*phases.shape[:-2], side, side // 2 + 1), dtype=np.complex64)
    full[..., :quarter, : quarter + 1] = phases[..., :quarter, :]
    full[..., -quarter:, : quarter + 1] = phases[..., quarter:, :]
    return fft.irfft2(full * smooth, s=(side, side)) / fft.irfft2(smooth, s=(side, side))[0, 0]


def _velocity(spectra, side):
    """Return the shift (down, right) in pixels a frame, the height of its peak, and the phases of pairs one apart."""
    velocity, certainty, first = None, 0.0, np.empty((0, *spectra[0].shape[1:]), dtype=np.complex64)
    for lag in LAGS:
        phases = [_phases(s[lag:], s[:-lag]) for s in spectra if len(s) > lag]
        if not phases:
            break
        phases = np.concatenate(phases)
        place, height = _peak(_surface(phases.mean(axis=0), side), None if velocity is None else velocity * lag)
        velocity = place / lag
        if lag == 1:
            certainty, first = height, phases
    return (np.zeros(2) if velocity is None else velocity), certainty, first


def _peak(surface, near=None, radius=2):
    """Return where a periodic surface is highest (in all, or near a place), between the pixels, and how high."""
    side = surface.shape[0]
    if near is None:
        row, column = np.unravel_index(surface.argmax(), surface.shape)
        row, column = (row + side // 2) % side - side // 2, (column + side // 2) % side - side // 2
    else:
        around = np.arange(-radius, radius + 1)
        rows, columns = np.rint(near).astype(np.intp)[:, np.newaxis] + around
        patch = surface[np.ix_(rows % side, columns % side)]
        i, j = np.unravel_index(patch.argmax(), patch.shape)
        row, column = rows[i], columns[j]
    top = surface[row % side, column % side]
    down = _vertex(surface[(row - 1) % side, column % side], top, surface[(row + 1) % side, column % side])
    right = _vertex(surface[row % side, (column - 1) % side], top, surface[row % side, (column + 1) % side])
    return np.array([row + down, column + right]), float(top)


def _vertex(before, at, after):
    """Return where the parabola through three neighbours is highest, from -0.5 to 0.5."""
    bend = before - 2 * at + after
    return 0.0 if bend >= 0 else float(np.clip((before - after) / (2 * bend), -0.5, 0.5))


def _of_velocity(velocity, certainty):
    down, right = velocity
    speed = np.hypot(down, right)
    away = np.angle(np.exp(1j * (np.arctan2(down, right) - 2 * np.pi / N_DIRECTIONS * np.arange(N_DIRECTIONS))))
    share = np.maximum(0, 1 - np.abs(away) * N_DIRECTIONS / (2 * np.pi)) if speed > 1e-6 else np.zeros(N_DIRECTIONS)
    return np.r_[right, down, speed, certainty, share]


def _turns(phases, side):
    """Return how much the shift (right, down) varies between parts of a clip: its standard deviation."""
    if len(phases) < 2:
        return np.zeros(2)
    parts = np.array_split(phases, max(2, len(phases) // SEGMENT))
    places = [_peak(_surface(part.mean(axis=0), side))[0] for part in parts]
    return np.std(places, axis=0)[::-1]


def _of_blocks(runs, unit):
    """Return right, down and certainty of 3 x 3 overlapping blocks of half the side."""
    pairs = [run for run in runs if len(run) > 1]
    if not pairs:
        return np.zeros(27)
    side = runs[0].shape[1]
    half = side // 2
    window = np.hanning(half + 2)[1:-1].astype(np.float32)
    window = window[:, np.newaxis] * window
    corners = [(i * half // 2, j * half // 2) for i in range(3) for j in range(3)]
    total = 0
    for run in pairs:
        blocks = np.stack([run[:, i : i + half, j : j + half] for i, j in corners], axis=1)
        spectra = _spectra(blocks * window)
        total = total + _phases(spectra[1:], spectra[:-1]).sum(axis=0)
    out = []
    for surface in _surface(total / sum(len(run) - 1 for run in pairs), half):
        (down, right), height = _peak(surface)
        out += [right * unit[1], down * unit[0], height]
    return np.array(out)


def _changes(runs):
    """Return how much grey levels change: by the time between frames, by place, and as a whole."""
    by_lag = []
    for lag in LAGS:
        pairs = [np.abs(run[lag:] - run[:-lag]) for run in runs if len(run) > lag]
        if lag == 1:
            first = np.concatenate(pairs) if pairs else np.zeros((1, *runs[0].shape[1:]), dtype=np.float32)
        by_lag.append(np.concatenate(pairs).mean() if pairs else (by_lag[-1] if by_lag else 0.0))
    cell = first.shape[1] // 4
    cells = first.mean(axis=0).reshape(4, cell, 4, cell).mean(axis=(1, 3))
    light = np.concatenate([run.mean(axis=(1, 2)) for run in runs])
    return np.r_[by_lag, first.mean(axis=(1, 2)).std(), cells.ravel(), light.std(), light[-1] - light[0]]
