"""Speech activity: how much of a sound is speech, and why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from studium.core.column import Column
from studium.core.protocols import Watcher
from studium.measure import voice
from studium.media.audio import RATE, Block, Sound
from studium.media.watch import WatchingMeasure
from studium.networks.sessions import loaded

__all__ = ["SILENT", "SpeechActivity"]

SILENT = 0.001
"""Amplitude that a sound never exceeds to count as silent: 60 dB below full scale."""

_SHORT = 0.25  # seconds; no shorter speech is recognised as such

SILERO = "Silero VAD, github.com/snakers4/silero-vad"


@dataclass(frozen=True)
class SpeechActivity(WatchingMeasure):
    """How long somebody speaks, as silero's voice activity network hears it, in any language.

    Speech begins where the probability of a 32 ms step reaches .5 and ends where it falls below .35 for 100 ms;
    speech of up to 250 ms is not counted. Singing, and voices in the background, may be heard as speech.

    Where nobody speaks, ``no_speech`` says why: "too short" (a quarter of a second or less), "silent" (never louder
    than 60 dB below full scale) or "no voice" (music, noise). It is the reason why `speech` finds no segment there.
    """

    name: ClassVar[str] = "speech_activity"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "audio"

    @property
    def columns(self) -> tuple[Column, ...]:
        """Seconds, share, segments and, without any, the reason."""
        return (
            Column("speech_seconds", "float64", "time in which somebody speaks", "s", 0, source=SILERO),
            Column("speech_share", "float64", "share of the sound; NaN if there is none", "share", 0, 1, source=SILERO),
            Column("speech_segments", "int32", "stretches of speech between pauses", "segments", 0, source=SILERO),
            Column("no_speech", "string", "why there is no speech: too short, silent, no voice; else null"),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The voice network."""
        return (voice.MODEL,)

    def prepare(self) -> None:
        """Load the network."""
        loaded(voice.network)

    def watch(self, medium: Sound) -> Watcher:
        """Begin to listen."""
        return _Counter()


class _Counter(Watcher):
    def __init__(self) -> None:
        self._voice, self._rules = voice.Voice(), voice.Hysteresis()
        self._samples, self._spoken, self._segments = 0, 0, 0
        self._peak = 0.0

    def see(self, piece: Block) -> None:
        if len(piece.samples):
            self._samples += len(piece.samples)
            self._peak = max(self._peak, float(np.abs(piece.samples).max()))
        for step in self._voice.hear(piece.samples):
            self._count(self._rules.take(step))

    def result(self) -> Mapping[str, Any]:
        for step in self._voice.finish():
            self._count(self._rules.take(step))
        self._count(self._rules.finish())
        return {
            "speech_seconds": self._spoken / RATE,
            "speech_share": self._spoken / self._samples if self._samples else np.nan,
            "speech_segments": self._segments,
            "no_speech": None if self._segments else self._reason(),
        }

    def _count(self, segment: voice.Segment | None) -> None:
        if segment:
            self._spoken += segment.end - segment.start
            self._segments += 1

    def _reason(self) -> str:
        if self._samples <= _SHORT * RATE:
            return "too short"
        return "silent" if self._peak <= SILENT else "no voice"
