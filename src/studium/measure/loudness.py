"""How loud a sound is: level, peak, loudness after ITU-R BS.1770 and EBU R 128, and how much of it is silence."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.core.protocols import Watcher
from studium.errors import InputError, MissingExtraError, NoStreamError
from studium.measure.running import Framer
from studium.media.audio import RATE, Block, Sound
from studium.media.watch import WatchingMeasure

__all__ = ["Gate", "Loudness", "k_weighting"]

Floats = npt.NDArray[np.float64]

BS1770 = "ITU-R BS.1770-4"
LRA = "EBU Tech 3342"
STEP = RATE // 10
"""Samples from one gating block (400 ms) or short-term window (3 s) to the next."""
HUSH = RATE // 20
"""Samples of a window for silence, 50 ms."""


@dataclass(frozen=True)
class Loudness(WatchingMeasure):
    """How loud a sound is, how far its loudness ranges, and how much of it is silence.

    Loudness in LUFS is the broadcasters' measure of what people hear (ITU-R BS.1770-4, EBU R 128): low and very high
    frequencies count less, pauses do not count at all. Programmes in Europe are made for -23 LUFS, streaming platforms
    aim at about -14; 1 LU is 1 dB. Level and peak in dBFS are of the plain samples: 0 is full scale, so a sine at full
    scale has a level of -3.01 and a peak of 0; decoding may give peaks slightly above 0. A large loudness range means
    loud and soft passages, a small one compressed sound.

    Everything is of the sound mixed to mono at 16 kHz. A mono file has the loudness that a meter shows to about .1 LU,
    unless much of it lies above 8 kHz; a stereo file with the same on both sides shows 3.01 LU more on a meter, which
    adds up the energy of two loudspeakers. Loudness is set by whoever produced or uploaded a file, so it says little
    about how loudly anyone spoke. Silence is null in dB, which know no value for it; loudness is null below .4 s or
    -70 LUFS; its range is null below 3 s, and means little below a minute.

    Attributes:
        silence: level below which 50 ms of sound are silence, in dBFS.
    """

    name: ClassVar[str] = "loudness"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "audio"

    silence: float = -60.0

    def __post_init__(self) -> None:
        """Refuse levels that nothing, or everything, is below."""
        if not (isinstance(self.silence, int | float) and -200 < self.silence < 0):
            raise InputError(
                f"loudness: silence should be between -200 and 0 dBFS, got {self.silence!r}; leave it out for -60"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """Duration, levels, loudness and silence."""
        return (
            Column("sound_seconds", "float64", "duration of the sound", "s", 0),
            Column("level_dbfs", "float32", "root mean square; null if digital silence", "dBFS"),
            Column("peak_dbfs", "float32", "largest sample; null if digital silence", "dBFS"),
            Column("loudness_lufs", "float32", "integrated loudness; null below 0.4 s or -70 LUFS", "LUFS", -70,
                   source=BS1770),
            Column("loudness_range", "float32", "soft to loud passages; null below 3 s or -70 LUFS", "LU", 0,
                   source=LRA),
            Column("silence_share", "float32", f"share of time below {self.silence:g} dBFS, in windows of 50 ms",
                   "share", 0, 1),
        )  # fmt: skip

    def watch(self, medium: Sound) -> Watcher:
        """Begin to listen."""
        return _Meter(medium, self.silence)


class Gate:
    """Energies of gating blocks, by their loudness in steps of .01 LU: all that gating needs, in constant memory.

    Where a threshold falls into a step, the step counts by the mean of its blocks.
    """

    _floor, _steps = -70.0, 10_000  # LUFS of the absolute threshold, and steps up to +30 LUFS

    def __init__(self) -> None:
        """Begin with no blocks."""
        self.counts = np.zeros(self._steps, np.int64)
        self.sums = np.zeros(self._steps)

    def add(self, energies: Floats) -> None:
        """Take mean squares of K-weighted blocks; those of -70 LUFS or less are left out."""
        levels = _lufs(np.maximum(energies, 1e-30))
        loud = levels > self._floor
        steps = np.minimum((levels[loud] - self._floor) * 100, self._steps - 1).astype(np.intp)
        self.counts += np.bincount(steps, minlength=self._steps)
        self.sums += np.bincount(steps, energies[loud], self._steps)

    def integrated(self) -> float | None:
        """Loudness of the blocks that are at most 10 LU below all of them, in LUFS; None without blocks."""
        counts, sums = self._above(-10)
        return float(_lufs(sums.sum() / counts.sum())) if counts.any() else None

    def spread(self) -> float | None:
        """From the 10th to the 95th percentile of the blocks that are at most 20 LU below all, in LU; None without."""
        counts, sums = self._above(-20)
        if not counts.any():
            return None
        ranks = np.floor(np.array([0.1, 0.95]) * (counts.sum() - 1) + 0.5)
        at = np.searchsorted(np.cumsum(counts), ranks, side="right")
        low, high = sums[at] / counts[at]
        return float(10 * np.log10(high / low))

    def _above(self, relative: float) -> tuple[npt.NDArray[np.int64], Floats]:
        """Counts and sums of the steps louder than all blocks together and ``relative`` LU."""
        if not self.counts.any():
            return self.counts, self.sums
        threshold = self.sums.sum() / self.counts.sum() * 10 ** (relative / 10)
        loud = self.sums > threshold * self.counts
        return self.counts[loud], self.sums[loud]


def k_weighting(rate: int) -> Floats:
    """The two filters of BS.1770 for a sampling rate, as second-order sections: a shelf for the head, a high-pass.

    The tables of the standard are for 48 kHz. Their analogue prototypes (1,682 Hz, +4 dB, Q .7072; 38.1 Hz, Q .5003)
    go through the bilinear transform for any other rate, as in libebur128 and ffmpeg.

    Args:
        rate: samples per second.

    Returns:
        (2, 6): b0, b1, b2, 1, a1, a2 of each.

    References:
        ITU-R BS.1770-4; Brecht De Man (2014), Evaluation of implementations of the EBU R128 loudness measurement,
        137th AES Convention.
    """
    k, q, gain = math.tan(math.pi * 1681.974450955533 / rate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle, scale = gain**0.4996667741545416, 1 + k / q + k * k
    shelf = [gain + middle * k / q + k * k, 2 * (k * k - gain), gain - middle * k / q + k * k]
    poles = [scale, 2 * (k * k - 1), 1 - k / q + k * k]
    first = [value / scale for value in (*shelf, *poles)]
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    scale = 1 + k / q + k * k
    second = [1, -2, 1, 1, 2 * (k * k - 1) / scale, (1 - k / q + k * k) / scale]
    return np.array([first, second])


class _Meter(Watcher):
    def __init__(self, sound: Sound, silence: float) -> None:
        self.sound, self.limit = sound, 10 ** (silence / 10)
        self.n, self.energy, self.peak, self.silent = 0, 0.0, 0.0, 0
        self.windows, self.weighting, self.steps = Framer(HUSH, HUSH), _Weighting(), Framer(STEP, STEP)
        self.gates = ((Framer(4, 1), Gate()), (Framer(30, 1), Gate()))  # of 400 ms and of 3 s, each every 100 ms

    def see(self, piece: Block) -> None:
        """Take a block of sound."""
        samples = piece.samples.astype(np.float64)
        self.n += len(samples)
        self.energy += float(np.square(samples).sum())
        self.peak = max(self.peak, float(np.abs(samples).max(initial=0)))
        self.silent += HUSH * int(np.count_nonzero(_energy(self.windows.cut(samples)) < self.limit))
        steps = _energy(self.steps.cut(self.weighting(samples)))
        for framer, gate in self.gates:
            gate.add(framer.cut(steps).mean(axis=1))

    def result(self) -> dict[str, Any]:
        """One row."""
        if not self.n:
            raise NoStreamError(f"{self.sound.path}: the sound has no samples")
        rest = self.windows.rest
        silent = self.silent + (len(rest) if len(rest) and rest @ rest < self.limit * len(rest) else 0)
        (_, blocks), (_, passages) = self.gates
        return {
            "sound_seconds": self.n / RATE,
            "level_dbfs": 10 * math.log10(self.energy / self.n) if self.energy else None,
            "peak_dbfs": 20 * math.log10(self.peak) if self.peak else None,
            "loudness_lufs": blocks.integrated(),
            "loudness_range": passages.spread(),
            "silence_share": silent / self.n,
        }


class _Weighting:
    """The K-weighting filter, from block to block."""

    def __init__(self) -> None:
        self.sections = k_weighting(RATE)
        self.state = np.zeros((len(self.sections), 2))

    def __call__(self, samples: Floats) -> Floats:
        try:
            from scipy.signal import sosfilt
        except ImportError as error:
            raise MissingExtraError("scipy", "video") from error
        if not len(samples):  # sosfilt takes no empty arrays
            return samples
        filtered, self.state = sosfilt(self.sections, samples, zi=self.state)
        return np.asarray(filtered)


def _energy(frames: npt.NDArray[np.floating]) -> Floats:
    return np.asarray(np.square(frames).mean(axis=1))


def _lufs(energy: Any) -> Any:
    """Loudness of a mean square after K-weighting, of one channel."""
    return -0.691 + 10 * np.log10(energy)
