"""Voice activity: where somebody speaks, found by the silero network while a sound goes by, in constant memory.

References:
    Silero Team (2024), Silero VAD, github.com/snakers4/silero-vad.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studium.core import weights
from studium.errors import MissingExtraError
from studium.media.audio import RATE
from studium.networks.sessions import loaded, session

__all__ = ["MODEL", "STEP", "Hysteresis", "Segment", "Step", "Voice", "network", "segments", "steps"]

MODEL = "silero-vad"
STEP = 512
"""Samples that get one probability: 32 ms."""

_CONTEXT = 64  # samples of the step before, which the network sees again
_SR = np.array(RATE, np.int64)
_ON, _OFF = 0.5, 0.35  # speech begins at the one probability and ends below the other
_SHORTEST = RATE * 250 // 1000  # samples; shorter speech is none
_PAUSE = RATE * 100 // 1000  # samples; a shorter pause does not end speech
_PAD = RATE * 30 // 1000  # samples added before and after

Samples = NDArray[np.float32]


class Step(NamedTuple):
    """32 ms of sound (512 samples, the last of a sound may have fewer) and the probability that somebody speaks."""

    samples: Samples
    probability: float


class Segment(NamedTuple):
    """A stretch of speech, in samples from the first one heard (``end`` is exclusive), and its mean probability."""

    start: int
    end: int
    probability: float


class Voice:
    """The probability of speech of one sound, step by step, as it goes by."""

    def __init__(self) -> None:
        """Begin with the first sample.

        Raises:
            MissingExtraError: ONNX Runtime is not installed.
            WeightsError: the network cannot be had.
        """
        self._network = loaded(network)
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._rest = np.empty(0, np.float32)

    def hear(self, samples: Samples) -> Iterator[Step]:
        """The steps that these samples complete.

        Args:
            samples: (n,) float32 at 16 kHz, -1 to 1; the next ones of the sound, any number.
        """
        waiting = np.concatenate([self._rest, samples])
        whole = len(waiting) - len(waiting) % STEP
        self._rest = waiting[whole:].copy()  # a copy, so that the block itself can go
        for start in range(0, whole, STEP):
            yield self._step(waiting[start : start + STEP])

    def finish(self) -> Iterator[Step]:
        """The last step, if samples are left over; silence is heard after them."""
        if len(self._rest):
            yield self._step(self._rest)
            self._rest = self._rest[:0]

    def _step(self, samples: Samples) -> Step:
        heard = np.zeros(_CONTEXT + STEP, np.float32)
        heard[:_CONTEXT] = self._context
        heard[_CONTEXT : _CONTEXT + len(samples)] = samples
        probability, self._state = self._network.run(None, {"input": heard[None], "state": self._state, "sr": _SR})
        self._context = heard[-_CONTEXT:]
        return Step(samples, float(probability.item()))


class Hysteresis:
    """From probabilities to segments, with the rules and values of silero's own ``get_speech_timestamps``.

    Speech begins with a step of at least .5 and ends where 100 ms follow without a step of at least .5, counted from
    the first step below .35. What is not longer than 250 ms is dropped; the rest gains 30 ms on both sides.
    """

    def __init__(self) -> None:
        """Begin in silence."""
        self._heard = 0
        self._start: int | None = None  # of speech
        self._steps, self._sum = 0, 0.0  # of speech
        self._end: Segment | None = None  # where speech ends, unless it goes on within 100 ms

    def take(self, step: Step) -> Segment | None:
        """Take the next step; the segment that is certain now to have ended, if one has."""
        here = self._heard
        self._heard += len(step.samples)
        if step.probability >= _ON:
            self._start, self._end = here if self._start is None else self._start, None
        elif step.probability < _OFF and self._start is not None:
            self._end = self._end or self._until(here)
            if here - self._end.end >= _PAUSE:
                return self._ended(self._end)
        if self._start is not None:
            self._steps, self._sum = self._steps + 1, self._sum + step.probability
        return None

    def finish(self) -> Segment | None:
        """The segment that lasts to the end of the sound, if there is one."""
        return None if self._start is None else self._ended(self._until(self._heard))

    def _until(self, end: int) -> Segment:
        assert self._start is not None
        return Segment(self._start, end, self._sum / self._steps)

    def _ended(self, speech: Segment) -> Segment | None:
        self._start, self._end, self._steps, self._sum = None, None, 0, 0.0
        start, end, probability = speech
        if end - start <= _SHORTEST:
            return None
        return Segment(max(0, start - _PAD), min(self._heard, end + _PAD), probability)


def segments(heard: Iterable[Step]) -> Iterator[Segment]:
    """Where somebody speaks.

    Args:
        heard: steps, as `steps` gives them; they are asked for one by one.
    """
    rules = Hysteresis()
    for step in heard:
        if segment := rules.take(step):
            yield segment
    if segment := rules.finish():
        yield segment


def steps(pieces: Iterable[Samples]) -> Iterator[Step]:
    """All steps of one sound.

    Args:
        pieces: its samples in pieces of any length, (n,) float32 at 16 kHz.
    """
    voice = Voice()
    for piece in pieces:
        yield from voice.hear(piece)
    yield from voice.finish()


@cache
def network() -> Any:
    """The network; use it through `studium.networks.sessions.loaded`.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        WeightsError: it cannot be had, or does not load.
    """
    if find_spec("onnxruntime") is None:
        raise MissingExtraError("onnxruntime", "speech")
    return session(weights.path(MODEL, "silero_vad_16k_op15.onnx"), MODEL)
