"""What a sound is like: brightness, spread, noisiness, change and pitch, as moments of windows of 25 ms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.core.protocols import Watcher
from studium.errors import NoStreamError
from studium.measure import pitch, spectrum
from studium.measure.running import Framer, Moments
from studium.media.audio import RATE, Block, Sound
from studium.media.watch import WatchingMeasure

__all__ = ["SoundFeatures", "require_frames"]

Numbers = npt.NDArray[np.floating]

TZANETAKIS = "doi:10.1109/TSA.2002.800560"
YIN = "doi:10.1121/1.1458024"
ABOUT = {
    "zero_crossing_rate": ("changes of sign per sample", "", 1, TZANETAKIS),
    "spectral_centroid": ("centre of gravity of the spectrum", "Hz", 8000, TZANETAKIS),
    "spectral_bandwidth": ("spread of the spectrum around its centroid", "Hz", 4000, "doi:10.1007/0-387-32845-9"),
    "spectral_rolloff": ("frequency with 85 % of the magnitudes below it", "Hz", 8000, TZANETAKIS),
    "spectral_flatness": ("geometric by arithmetic mean of power, 0 a tone, 1 flat", "", 1, "doi:10.1109/49.608"),
    "spectral_flux": ("squared distance of successive spectra of length 1", "", 2, TZANETAKIS),
}
SHAPES: Mapping[str, Callable[[Numbers], Numbers]] = {
    "spectral_centroid": spectrum.centroid,
    "spectral_bandwidth": spectrum.bandwidth,
    "spectral_rolloff": spectrum.rolloff,
    "spectral_flatness": spectrum.flatness,
}
SPREADS = ("mean", "mean"), ("sd", "standard deviation")


@dataclass(frozen=True)
class SoundFeatures(WatchingMeasure):
    """What a sound is like: how bright, how noisy, how changeable, how high its voices.

    Means and standard deviations over windows of 25 ms, every 10 ms. Voices have a low centroid in vowels and a high
    one in hisses, so speech varies much; music varies less and has a lower flux; noise, applause and wind have a high
    flatness and zero-crossing rate. Good for telling kinds of sound apart, and as controls. Pitch is the fundamental
    frequency by YIN, 60 to 600 Hz, of windows of 64 ms in which the waveform repeats: men speak at about 85 to 155 Hz,
    women at about 165 to 255 Hz; the range of its middle half in semitones, 12 an octave, tells lively from monotonous
    delivery whatever the voice.

    Of several voices, or a voice above music, pitch follows whatever repeats best. All of it depends on microphones,
    rooms and compression: compare like with like. Windows of digital silence are left out; a value that no window has
    is null. Sounds below 32 ms fail.
    """

    name: ClassVar[str] = "sound"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "audio"

    @property
    def columns(self) -> tuple[Column, ...]:
        """Mean and standard deviation of every feature, and pitch."""
        return (
            *(
                Column(f"{name}_{what}", "float32", f"{said} of: {about}", unit, 0, high, source=source)
                for name, (about, unit, high, source) in ABOUT.items()
                for what, said in SPREADS
            ),
            Column("pitch_median", "float32", "median fundamental frequency of voiced windows", "Hz", 50, 700,
                   source=YIN),
            Column("pitch_range", "float32", "middle half (interquartile range) of it", "semitones", 0, 48, source=YIN),
            Column("voiced_share", "float32", "share of windows with a pitch; null below 64 ms", "share", 0, 1,
                   source=YIN),
        )  # fmt: skip

    def watch(self, medium: Sound) -> Watcher:
        """Begin to listen."""
        return _Listener(medium)


def require_frames(sound: Sound, frames: int) -> None:
    """Refuse a sound without any frame.

    Raises:
        NoStreamError: the message says how much is needed.
    """
    if not frames:
        raise NoStreamError(
            f"{sound.path}: the sound is shorter than one window ({1000 * spectrum.FFT // RATE} ms), so has no spectrum"
        )


class _Listener(Watcher):
    def __init__(self, sound: Sound) -> None:
        self.sound, self.frames = sound, 0
        self.framer, self.last = Framer(spectrum.FFT, spectrum.HOP), np.zeros((0, spectrum.FFT // 2 + 1), np.float32)
        self.moments = {name: Moments() for name in ABOUT}
        self.pitch = _Pitch()

    def see(self, piece: Block) -> None:
        """Take a block of sound."""
        frames = self.framer.cut(piece.samples)
        if len(frames):
            self._take(frames)
        self.pitch.see(piece.samples)

    def _take(self, frames: Numbers) -> None:
        magnitudes = np.abs(spectrum.stft(frames))
        heard = _audible(magnitudes)
        self.frames += len(frames)
        self.moments["zero_crossing_rate"].add(spectrum.zero_crossing_rate(frames[heard]))
        for name, shape in SHAPES.items():
            self.moments[name].add(shape(magnitudes[heard]))
        run = np.concatenate([self.last, magnitudes])
        both = _audible(run[1:]) & _audible(run[:-1])
        self.moments["spectral_flux"].add(spectrum.flux(run)[both])
        self.last = magnitudes[-1:]

    def result(self) -> dict[str, Any]:
        """One row."""
        require_frames(self.sound, self.frames)
        row = {f"{name}_{what}": getattr(self.moments[name], what) for name in ABOUT for what, _ in SPREADS}
        return {name: None if value is None else float(value) for name, value in row.items()} | self.pitch.result()


class _Pitch:
    """Fundamental frequencies, counted in steps of a hundredth of a semitone: constant memory for quantiles."""

    _steps = 12 * 100 * 4

    def __init__(self) -> None:
        self.framer, self.frames = Framer(pitch.FRAME, spectrum.HOP), 0
        self.counts, self.sums = np.zeros(self._steps, np.int64), np.zeros(self._steps)

    def see(self, samples: Numbers) -> None:
        frames = self.framer.cut(samples)
        found = pitch.yin(frames)
        hertz = found[~np.isnan(found)]
        steps = np.clip(1200 * np.log2(hertz / pitch.LOWEST) + 100, 0, self._steps - 1).astype(np.intp)
        self.frames += len(frames)
        self.counts += np.bincount(steps, minlength=self._steps)
        self.sums += np.bincount(steps, hertz, self._steps)

    def result(self) -> dict[str, float | None]:
        voiced = int(self.counts.sum())
        if not voiced:
            return {"pitch_median": None, "pitch_range": None, "voiced_share": 0.0 if self.frames else None}
        low, middle, high = (self._quantile(share) for share in (0.25, 0.5, 0.75))
        return {
            "pitch_median": middle,
            "pitch_range": 12 * float(np.log2(high / low)),
            "voiced_share": voiced / self.frames,
        }

    def _quantile(self, share: float) -> float:
        """Mean of the step that the quantile falls into."""
        step = int(np.searchsorted(np.cumsum(self.counts), share * self.counts.sum()))
        return float(self.sums[step] / self.counts[step])


def _audible(magnitudes: Numbers) -> npt.NDArray[np.bool_]:
    """Which frames are more than digital silence."""
    return np.asarray(magnitudes.max(axis=1) ** 2 > spectrum.SILENT)
