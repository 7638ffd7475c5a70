"""Cutting sound into stretches for a recogniser: at silences, none longer than 30 s, in constant memory."""

from collections import deque
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from studium.measure.voice import STEP, Segment, Step, segments
from studium.media.audio import RATE

__all__ = ["LONGEST", "Cutter", "Stretch"]

LONGEST = 30 * RATE // STEP
"""Steps of the longest stretch: Whisper hears at most 30 s at once."""

_ON, _OFF = 0.5, 0.35  # as for `voice.Hysteresis`
_GAP = 2 * RATE // STEP  # steps without voice that end a stretch
_MARGIN = RATE * 400 // 1000 // STEP  # steps heard before the first and after the last voice
_LULL = RATE // 4 // STEP  # steps over which the best place for a cut is averaged


@dataclass(frozen=True)
class Stretch:
    """A piece of sound that may hold speech.

    Attributes:
        start: its first sample, counted from the first one of the sound.
        steps: its samples, and how probable speech is in them.
    """

    start: int
    steps: tuple[Step, ...]

    @cached_property
    def samples(self) -> NDArray[np.float32]:
        """All samples, (n,) float32."""
        return np.concatenate([step.samples for step in self.steps])

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Probability of speech of every step."""
        return np.array([step.probability for step in self.steps])

    @cached_property
    def voiced(self) -> list[Segment]:
        """Where somebody speaks in it, in samples from its start; none if a click only looked like it."""
        return list(segments(self.steps))

    def between(self, start: float, end: float) -> NDArray[np.float64]:
        """Probabilities of the steps from ``start`` to ``end``, in seconds from its first sample; at least one."""
        first = min(int(start * RATE / STEP), len(self.steps) - 1)
        return self.probabilities[first : max(first + 1, -(-round(end * RATE) // STEP))]

    def trimmed(self, start: float, end: float) -> tuple[float, float]:
        """The same stretch of time without silence at its ends; as it is if nothing else is in it.

        A recogniser adds the pause before a word to the word.

        Args:
            start: seconds from its first sample.
            end: the same, not before ``start``.
        """
        loud = np.flatnonzero(self.between(start, end) >= _OFF) + int(start * RATE / STEP)
        if not len(loud):
            return start, end
        return max(start, int(loud[0]) * STEP / RATE), min(end, int(loud[-1] + 1) * STEP / RATE)


class Cutter:
    """Cuts what it hears into stretches.

    A stretch begins .4 s before the first voice, and ends .4 s after the last one before a silence of 2 s. Speech that
    goes on for 30 s is cut where it is least like speech for a quarter of a second, in the second half of the 30 s.
    """

    def __init__(self) -> None:
        """Begin in silence."""
        self._before: deque[Step] = deque(maxlen=_MARGIN)
        self._open: list[Step] = []
        self._quiet = 0  # steps without voice at the end of what is open
        self._heard = 0  # samples

    def take(self, step: Step) -> Stretch | None:
        """Take the next step; the stretch that it ends, if it ends one."""
        self._heard += len(step.samples)
        if not self._open:
            self._wait(step)
            return None
        self._open.append(step)
        self._quiet = self._quiet + 1 if step.probability < _OFF else 0
        if self._quiet == _GAP:
            return self.finish()
        return self._cut(_lull(self._open)) if len(self._open) == LONGEST else None

    def finish(self) -> Stretch | None:
        """What is open as a stretch, if something is; without the silence at its end."""
        if not self._open:
            return None
        silence = max(0, min(self._quiet, len(self._open)) - _MARGIN)
        stretch = self._cut(len(self._open) - silence)
        self._before.extend(self._open)
        self._open = []
        return stretch

    def _wait(self, step: Step) -> None:
        if step.probability < _ON:
            self._before.append(step)
            return
        self._open, self._quiet = [*self._before, step], 0
        self._before.clear()

    def _cut(self, count: int) -> Stretch:
        """The first ``count`` open steps as a stretch; the rest stays open."""
        start = self._heard - sum(len(step.samples) for step in self._open)
        stretch = Stretch(start, tuple(self._open[:count]))
        self._open = self._open[count:]
        return stretch


def _lull(heard: list[Step]) -> int:
    """The step before which to cut: the middle of the quarter second that is least like speech, the last of equals."""
    half = len(heard) // 2
    probabilities = np.array([step.probability for step in heard[half:]])
    means = np.convolve(probabilities, np.ones(_LULL) / _LULL, mode="valid")
    last = len(means) - 1 - int(np.argmin(means[::-1]))
    return half + last + _LULL // 2
