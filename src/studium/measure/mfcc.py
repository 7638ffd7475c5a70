"""Mel spectra and cepstral coefficients of a sound, as vectors for classifiers and search."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from studium.core.column import Column
from studium.core.protocols import Watcher
from studium.measure import spectrum
from studium.measure.parameters import check_whole
from studium.measure.running import Framer, Moments
from studium.measure.sound import require_frames
from studium.media.audio import Block, Sound
from studium.media.watch import WatchingMeasure

__all__ = ["Mfcc"]

MEL = "Slaney (1998), Auditory Toolbox, Interval Research Corporation 1998-010"
DAVIS = "doi:10.1109/TASSP.1980.1163420"


@dataclass(frozen=True)
class Mfcc(WatchingMeasure):
    """Mel spectrum and mel-frequency cepstral coefficients (MFCC) of a sound, as vectors for classifiers and search.

    MFCC describe the shape of a spectrum as ears resolve it, in few numbers: the 0th is the overall level, the next
    ones the broad shape, which is what tells vowels, voices and instruments apart. Means and standard deviations over
    windows of 25 ms, every 10 ms. Two definitions are in use whose numbers have nothing in common, so both are here, by
    name: with M the mel-weighted power |S|², ``log1p`` takes log(1 + M), and ``db`` takes 10 log10 M as librosa does
    (with ``top_db=None``, so that a passage has the same numbers whatever else is in its file).

    Silent windows count like all others; in ``db`` they are far away from everything, at -100 dB in every band, so
    look at ``silence_share`` of `loudness` first. Channel, room and codec shift all coefficients. Sounds below 32 ms
    fail.

    Attributes:
        coefficients: MFCC to keep, from the 0th on; 13 is customary, up to 40.
        bands: mel bands from 0 to 8,000 Hz (Slaney's scale, filters of equal area).
    """

    name: ClassVar[str] = "mfcc"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "audio"

    coefficients: int = 13
    bands: int = 40

    def __post_init__(self) -> None:
        """Refuse numbers of bands and coefficients that there cannot be."""
        check_whole(self, "bands", 2, 128)
        check_whole(self, "coefficients", 1, self.bands)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Five vectors."""
        return (
            Column("mel_log1p_mean", "float32", "mean of log(1 + mel |S|²) of each band", low=0, size=self.bands,
                   source=MEL),
            *(
                Column(f"mfcc_{variant}_{what}", "float32", f"{said} of MFCC by {of}", low=low, size=self.coefficients,
                       source=DAVIS)
                for variant, of in (("log1p", "log(1 + mel |S|²)"), ("db", "10 log10 mel |S|²"))
                for what, said, low in (("mean", "mean", None), ("sd", "standard deviation", 0))
            ),
        )  # fmt: skip

    def watch(self, medium: Sound) -> Watcher:
        """Begin to listen."""
        return _Listener(medium, self)


class _Listener(Watcher):
    def __init__(self, sound: Sound, measure: Mfcc) -> None:
        self.sound, self.coefficients = sound, measure.coefficients
        self.filters = spectrum.mel_filterbank(measure.bands).T
        self.framer, self.mel = Framer(spectrum.FFT, spectrum.HOP), Moments()
        self.cepstra = {"log1p": Moments(), "db": Moments()}

    def see(self, piece: Block) -> None:
        """Take a block of sound."""
        mel = np.abs(spectrum.stft(self.framer.cut(piece.samples))) ** 2 @ self.filters
        levels = {"log1p": np.log1p(mel), "db": spectrum.decibel(mel)}
        self.mel.add(levels["log1p"])
        for variant, moments in self.cepstra.items():
            moments.add(spectrum.mfcc(levels[variant], self.coefficients))

    def result(self) -> dict[str, Any]:
        """One row."""
        require_frames(self.sound, self.mel.n)
        row: dict[str, Any] = {"mel_log1p_mean": self.mel.mean}
        for variant, moments in self.cepstra.items():
            row |= {f"mfcc_{variant}_mean": moments.mean, f"mfcc_{variant}_sd": moments.sd}
        return row
