"""Sound at 16 kHz as spectra: windows of 25 ms every 10 ms, their shape, mel bands and cepstral coefficients.

One convention throughout, librosa's with ``center=False``: a periodic Hann window of 400 samples lies in the middle of
a frame of 512, so frame t hears samples 160 t + 56 to 160 t + 455, and a second has 97 frames (98 where, as in scipy, a
frame is no longer than its window). Frames come first, frequencies second.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from studium.media.audio import RATE

__all__ = [
    "FFT",
    "HOP",
    "SILENT",
    "WINDOW",
    "bandwidth",
    "centroid",
    "decibel",
    "flatness",
    "flux",
    "framed",
    "frequencies",
    "mel_edges",
    "mel_filterbank",
    "mfcc",
    "rolloff",
    "stft",
    "zero_crossing_rate",
]

Numbers = npt.NDArray[np.floating]

WINDOW, HOP, FFT = 400, 160, 512
"""Samples heard by a frame (25 ms), from one frame to the next (10 ms), and transformed."""

SILENT = 1e-10
"""Power |S|² up to which a spectrum is digital silence: that of a tone of -140 dBFS."""

_PAD = (FFT - WINDOW) // 2


def framed(samples: Numbers) -> Numbers:
    """Cut a sound into overlapping frames.

    Args:
        samples: (n,), 16 kHz.

    Returns:
        (1 + (n - 512) // 160, 512), a view; no frames if there are fewer than 512 samples.
    """
    if len(samples) < FFT:
        return np.zeros((0, FFT), samples.dtype)
    return np.lib.stride_tricks.sliding_window_view(samples, FFT)[::HOP]


def stft(frames: Numbers) -> npt.NDArray[np.complexfloating]:
    """Short-time Fourier transform; not scaled, so a tone of amplitude a has a peak of 100 a.

    Args:
        frames: (frames, 512), of `framed`.

    Returns:
        (frames, 257), complex with the precision of the frames; see `frequencies`.
    """
    return np.fft.rfft(frames * _window().astype(frames.dtype))


def frequencies() -> npt.NDArray[np.float64]:
    """Of the 257 bins of a spectrum, in Hz: 0 to 8,000."""
    return np.linspace(0, RATE / 2, FFT // 2 + 1)


def zero_crossing_rate(frames: Numbers) -> Numbers:
    """Changes of sign per sample, in the 400 samples that the window hears; 0 counts as positive.

    Args:
        frames: (frames, 512).

    Returns:
        (frames,), 0 to 1; 2 f / 16,000 for a tone of f Hz.

    References:
        Tzanetakis & Cook (2002), doi:10.1109/TSA.2002.800560.
    """
    negative = frames[:, _PAD : _PAD + WINDOW] < 0
    return np.asarray(np.count_nonzero(negative[:, 1:] != negative[:, :-1], axis=1) / WINDOW)


def centroid(magnitudes: Numbers) -> Numbers:
    """Centre of gravity of each spectrum, in Hz: how bright a sound is. NaN for silence.

    Args:
        magnitudes: |S|, (frames, 257).

    References:
        Tzanetakis & Cook (2002), doi:10.1109/TSA.2002.800560.
    """
    return np.asarray(_shares(magnitudes) @ frequencies())


def bandwidth(magnitudes: Numbers) -> Numbers:
    """Standard deviation of each spectrum around its `centroid`, in Hz. NaN for silence.

    Args:
        magnitudes: |S|, (frames, 257).

    References:
        Klapuri & Davy (2006), doi:10.1007/0-387-32845-9.
    """
    shares = _shares(magnitudes)
    apart = frequencies() - (shares @ frequencies())[:, None]
    return np.asarray(np.sqrt((shares * apart**2).sum(axis=1)))


def rolloff(magnitudes: Numbers, share: float = 0.85) -> Numbers:
    """Frequency up to which a ``share`` of the magnitudes of each spectrum lies, in Hz; 0 for silence.

    Args:
        magnitudes: |S|, (frames, 257).
        share: 0 to 1.

    References:
        Tzanetakis & Cook (2002), doi:10.1109/TSA.2002.800560.
    """
    below = np.cumsum(magnitudes, axis=1, dtype=np.float64)
    return np.asarray(frequencies()[(below >= share * below[:, -1:]).argmax(axis=1)])


def flatness(magnitudes: Numbers) -> Numbers:
    """Geometric by arithmetic mean of the power |S|²: near 0 for a tone, 1 for a click; white noise has about .56.

    Args:
        magnitudes: |S|, (frames, 257); powers below 1e-10 count as 1e-10, as in librosa.

    References:
        Johnston (1988), doi:10.1109/49.608.
    """
    power = np.maximum(np.square(magnitudes, dtype=np.float64), SILENT)
    return np.asarray(np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1))


def flux(magnitudes: Numbers) -> Numbers:
    """Change from each spectrum to the next: squared distance of the two, each of length 1.

    Args:
        magnitudes: |S|, (frames, 257).

    Returns:
        (frames - 1,): 0 (same shape, however loud) to 2 (no frequency in common). NaN beside silence.

    References:
        Tzanetakis & Cook (2002), doi:10.1109/TSA.2002.800560.
    """
    lengths = np.linalg.norm(magnitudes, axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        unit = magnitudes / lengths
    return np.asarray(np.square(np.diff(unit, axis=0)).sum(axis=1))


@lru_cache
def mel_filterbank(bands: int, htk: bool = False) -> npt.NDArray[np.float64]:
    """Triangular filters of equal area, at equal steps of the mel scale from 0 to 8,000 Hz.

    Args:
        bands: number of filters.
        htk: HTK's mel, 2595 log10(1 + f / 700), rather than Slaney's, linear below 1 kHz and logarithmic above.

    Returns:
        (bands, 257), not to be written to. Band energies are ``filterbank @ spectrum``.

    References:
        Slaney (1998), Auditory Toolbox, Interval Research Corporation 1998-010; Young et al. (2002), The HTK Book.
    """
    edges = mel_edges(bands, htk)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequencies() - low) / (centre - low), (high - frequencies()) / (high - centre)
    filters = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    filters.flags.writeable = False
    return filters


def mel_edges(bands: int, htk: bool = False) -> npt.NDArray[np.float64]:
    """Where the filters of `mel_filterbank` begin, peak and end, in Hz: (bands + 2,); band i has edges i to i + 2."""
    if htk:
        return np.asarray(700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), bands + 2) / 2595) - 1))
    linear, step = 200 / 3, np.log(6.4) / 27  # Hz per mel below 1 kHz, which is 15 mel; logarithm per mel above
    mels = np.linspace(0, 15 + np.log(RATE / 2 / 1000) / step, bands + 2)
    return np.where(mels < 15, mels * linear, 1000 * np.exp(step * (mels - 15)))


def decibel(power: Numbers) -> Numbers:
    """10 log10 of a power; powers below 1e-10 count as 1e-10, so -100 dB is the least."""
    return 10 * np.log10(np.maximum(power, SILENT))


def mfcc(levels: Numbers, coefficients: int) -> Numbers:
    """Mel-frequency cepstral coefficients: the orthonormal DCT (type II) of the logarithms of mel bands.

    Two logarithms of mel-weighted power |S|² are in use, and their coefficients have nothing in common: log(1 + x), and
    `decibel`, which is librosa's (there cut 80 dB below the loudest band of the file).

    Args:
        levels: logarithms of the energies of mel bands, (frames, bands).
        coefficients: how many to return, from the 0th (the overall level) on; at most ``bands``.

    Returns:
        (frames, coefficients).

    References:
        Davis & Mermelstein (1980), doi:10.1109/TASSP.1980.1163420.
    """
    return np.asarray(levels @ _dct(levels.shape[1])[:coefficients].T)


@lru_cache
def _window() -> npt.NDArray[np.float64]:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    return np.pad(hann, _PAD)


@lru_cache
def _dct(size: int) -> npt.NDArray[np.float64]:
    waves = np.cos(np.pi / size * np.outer(np.arange(size), np.arange(size) + 0.5)) * np.sqrt(2 / size)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves)


def _shares(magnitudes: Numbers) -> npt.NDArray[np.float64]:
    """Each spectrum made to sum to 1; NaN for silence."""
    totals = magnitudes.sum(axis=1, keepdims=True, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(magnitudes / totals)
