"""Pitch: the fundamental frequency of short stretches of sound, by YIN."""

import numpy as np
import numpy.typing as npt

from studium.media.audio import RATE

__all__ = ["FRAME", "HIGHEST", "LOWEST", "yin"]

Numbers = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]

LOWEST, HIGHEST = 60, 600
"""Fundamental frequencies that are looked for, in Hz: voices of men, women and children."""

FRAME = 1024
"""Samples that a frame needs (64 ms): half of them are compared with what follows up to 17 ms later."""

_WIDTH = FRAME // 2
_SHORTEST, _LONGEST = RATE // HIGHEST, -(-RATE // LOWEST)
_THRESHOLD = 0.1  # of the paper: the first period that repeats as well is taken, or else the best one
_VOICED = 0.4  # how far the best period may fall short of repeating; noise is above .6, Praat's decision is the closest
_QUIET = 2 * _WIDTH * 1e-10  # mean difference up to which nothing changes: digital silence, below -100 dBFS


def yin(frames: Numbers) -> Floats:
    """Fundamental frequency of each frame by YIN (threshold .1), with the period refined by a parabola.

    A frame counts as voiced if its normalised difference at that period is below .4. On eleven recordings of speech
    this and Praat (autocorrelation) agree on the median to 2.2 %.

    Args:
        frames: (frames, 1024), 16 kHz.

    Returns:
        (frames,), in Hz, 60 to 600; NaN where nothing repeats (unvoiced, noise, silence).

    References:
        de Cheveigné & Kawahara (2002), doi:10.1121/1.1458024.
    """
    if not len(frames):
        return np.zeros(0)
    difference = _difference(frames.astype(np.float64))
    mean = (np.cumsum(difference[:, 1:], axis=1) / np.arange(1, _LONGEST + 1))[:, _SHORTEST - 1 :]
    shown = difference[:, _SHORTEST:]
    normal = np.divide(shown, mean, out=np.ones_like(shown), where=mean > _QUIET)
    period, left = _period(normal)
    return np.where(left < _VOICED, RATE / (_SHORTEST + period), np.nan)


def _difference(frames: Floats) -> Floats:
    """Sum of (x[j] - x[j + lag])² over half a frame, for lags 0 to the longest: (frames, lags)."""
    spectrum = np.fft.rfft(frames)
    start = np.fft.rfft(frames[:, :_WIDTH], FRAME)
    common = np.fft.irfft(spectrum * start.conj(), FRAME)[:, : _LONGEST + 1]
    energy = np.pad(np.cumsum(frames**2, axis=1), ((0, 0), (1, 0)))
    moved = energy[:, _WIDTH : _WIDTH + _LONGEST + 1] - energy[:, : _LONGEST + 1]
    return np.maximum(moved[:, :1] + moved - 2 * common, 0)


def _period(normal: Floats) -> tuple[Floats, Floats]:
    """The place of the first trough below the threshold, or else of the least value, and what is left there."""
    padded = np.pad(normal, ((0, 0), (1, 1)), constant_values=np.inf)
    low = (normal < padded[:, :-2]) & (normal <= padded[:, 2:]) & (normal < _THRESHOLD)
    at = np.where(low.any(axis=1), low.argmax(axis=1), normal.argmin(axis=1))
    rows, inside = np.arange(len(normal)), np.clip(at, 1, normal.shape[1] - 2)
    before, here, after = (normal[rows, inside + step] for step in (-1, 0, 1))
    bend, slope = before + after - 2 * here, (after - before) / 2
    exact = (at == inside) & (np.abs(slope) < np.abs(bend))
    shift = np.divide(-slope, bend, out=np.zeros(len(at)), where=exact)
    return at + shift, np.asarray(normal[rows, at])
