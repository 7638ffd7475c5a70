"""Shots: what lies between the cuts, dissolves and fades of a video."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.core.protocols import Watcher
from studium.core.unit import Span
from studium.errors import InputError
from studium.media.frame import Frame
from studium.media.grey import Sampled, greys
from studium.media.watch import WatchingUnitizer
from studium.unitize.blanks import are_blank
from studium.unitize.likeness import SAMPLES, SIZE, differences
from studium.unitize.transitions import MARGIN, Transition, transitions

__all__ = ["Shots"]

Grey = npt.NDArray[np.uint8]

_THRESHOLDS = {"adaptive": 0.5, "difference": 38.0}
_HIGHEST = {"adaptive": 1.0, "difference": 255.0}
_TEXTBOOK = 32  # width and height of the pictures that "difference" compares
_WINDOW, _LEAST = 40.0, 240  # seconds, and frames, that are looked at together
_BLANKS = 64  # frames that are kept of a blank stretch
_AT_ONCE = 64  # frames that are averaged together; for more OpenCV wakes threads, which cost more than they save


@dataclass(frozen=True)
class Shots(WatchingUnitizer):
    """Tile a video with its shots.

    "adaptive" finds cuts, dissolves of .3 to 2 s and fades through black or white, and leaves pans, zooms, flashes,
    captions and what passes by alone: a transition separates frames that are unlike each other even block by block,
    wherever the blocks have moved and whatever their brightness. A new shot begins with the frame in the middle of a
    transition (within a thirtieth of its length where more than 64 frames are black or white). "difference" is the
    textbook's: a cut wherever the mean |x_t - x_(t-1)| of 32 x 32 grey pictures is above the threshold.

    Attributes:
        method: "adaptive" or "difference".
        threshold: of "adaptive" the least confidence, 0 to 1 (.5 if None); of "difference" grey levels, 0 to 255
            (38 if None, the best on the films of ``benchmarks/shots.py``).
    """

    method: str = "adaptive"
    threshold: float | None = None

    name: ClassVar[str] = "shots"
    version: ClassVar[str] = "3"
    takes: ClassVar[str] = "video"
    makes: ClassVar[str] = "shot"

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if self.method not in _THRESHOLDS:
            raise InputError(f"method should be one of {', '.join(_THRESHOLDS)}, got {self.method!r}")
        high = _HIGHEST[self.method]
        if self.threshold is not None and not 0 <= self.threshold <= high:
            raise InputError(f"the threshold of {self.method!r} should lie in 0 to {high:g}, got {self.threshold}")

    @property
    def columns(self) -> tuple[Column, ...]:
        """How each shot begins, and how many frames it has."""
        sure = "probability of the transition it begins with" if self.method == "adaptive" else "difference / 255"
        return (
            Column("transition", "string", 'how it begins: "start", "cut", "dissolve" or "fade" (black or white)'),
            Column("transition_seconds", "float64", "length of the transition it begins with; 0 for a cut", "s", low=0),
            Column("confidence", "float32", f"{sure}; null for the first shot", low=0, high=1),
            Column("frames", "int32", "number of frames", low=1),
        )

    def watch(self, medium: Any) -> Watcher:
        """Begin to watch a `Video`."""
        threshold = _THRESHOLDS[self.method] if self.threshold is None else self.threshold
        return _Adaptive(threshold) if self.method == "adaptive" else _Difference(threshold)


@dataclass(frozen=True, slots=True)
class _Begin:
    """Where a shot begins: its first frame's number and time, and the transition it begins with."""

    frame: int
    time: float
    transition: str = "start"
    seconds: float = 0.0
    confidence: float | None = None


@dataclass
class _Shots(Watcher):
    """Shots as far as they are known: what both methods share."""

    threshold: float
    begins: list[_Begin] = field(default_factory=list)
    seen: int = 0
    time: float = -math.inf  # of the frame before
    end: float = 0.0

    def see(self, piece: Frame) -> None:
        """Take the next frame."""
        if not self.seen:
            self.begins.append(_Begin(0, piece.time))
        self.look(piece)
        self.end = piece.time + (piece.duration or (piece.time - self.time if self.seen else 0.0))
        self.time = piece.time
        self.seen += 1

    def look(self, frame: Frame) -> None:
        """Compare a frame with those before it."""

    def result(self) -> list[Span]:
        """The shots, in order, without a gap; none of a video without frames."""
        edges = [*self.begins, _Begin(self.seen, self.end)]
        return [
            Span(begin.time, end.time, values={
                "transition": begin.transition, "transition_seconds": begin.seconds,
                "confidence": begin.confidence, "frames": end.frame - begin.frame,
            })
            for begin, end in pairwise(edges) if begin.frame < end.frame
        ]  # fmt: skip


@dataclass
class _Difference(_Shots):
    """A cut wherever a frame differs from the one before by more than the threshold."""

    before: Grey | None = None

    def look(self, frame: Frame) -> None:
        now = frame.grey(_TEXTBOOK, _TEXTBOOK)
        if self.before is not None:
            change = float(differences(np.stack([self.before, now]))[0])
            if change > self.threshold:
                self.begins.append(_Begin(self.seen, frame.time, "cut", 0.0, change / 255))
        self.before = now


@dataclass
class _Adaptive(_Shots):
    """The last frames, small, looked at together; what lies well before the last of them is settled and forgotten."""

    frames: list[Grey] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    new: int = 0  # frames since the last look
    settled: int = 0  # number of the frame up to which transitions are known
    blank: int = 0  # frames of the blank stretch that goes on
    stride: int = 1  # how many of those one is kept of
    waiting: list[tuple[Sampled, float, int]] = field(default_factory=list)  # frames, times, numbers to come

    def look(self, frame: Frame) -> None:
        self.waiting.append((frame.sampled(*SIZE, SAMPLES), frame.time, self.seen))
        if len(self.waiting) == _AT_ONCE:
            self._admit()

    def _admit(self) -> None:
        some, times, numbers = zip(*self.waiting, strict=True)
        self.waiting = []
        small = greys(some)
        for one in zip(small, times, numbers, are_blank(small).tolist(), strict=True):
            self._keep(*one)

    def _keep(self, small: Grey, time: float, number: int, blank: bool) -> None:
        if blank:
            self._thin()
        else:
            self.blank, self.stride = 0, 1
            self.new += 1
        self.frames.append(small)
        self.times.append(time)
        self.numbers.append(number)
        if self.new >= _LEAST and not self.blank and time - self.times[0] >= _WINDOW:
            self._settle()

    def _thin(self) -> None:
        """Make room for one more blank frame: of a stretch of any length, some sixty and the last are kept."""
        lists: tuple[list[Any], ...] = (self.frames, self.times, self.numbers)
        if self.blank and (self.blank - 1) % self.stride:
            for kept in lists:
                kept.pop()
        self.blank += 1
        if self.blank > _BLANKS * self.stride:
            for kept in lists:
                del kept[1 - _BLANKS :: 2]
            self.stride *= 2

    def result(self) -> list[Span]:
        if self.waiting:
            self._admit()
        if self.frames:
            self._take(self._found(), len(self.frames))
        return super().result()

    def _found(self) -> list[Transition]:
        return transitions(np.stack(self.frames), np.array(self.times), self.threshold)

    def _settle(self) -> None:
        """Take what is certain, and forget the frames that nothing to come depends on."""
        found = self._found()
        border = _quiet(found, self.frames, _index(self.times, self.times[-1] - MARGIN))
        self._take(found, border)
        self.settled = max(self.settled, self.numbers[border])
        keep = min(border, _index(self.times, self.times[border] - MARGIN))
        self.frames, self.times = self.frames[keep:], self.times[keep:]
        self.numbers, self.new = self.numbers[keep:], 0

    def _take(self, found: Sequence[Transition], border: int) -> None:
        """Note the shots that begin before ``border`` and are not known yet."""
        for one in found:
            if self.settled <= self.numbers[one.first] and one.first < border:
                middle = _index(self.numbers, (self.numbers[one.first] + self.numbers[one.last]) // 2)
                seconds = self.times[one.last] - self.times[one.first]
                begin = _Begin(self.numbers[middle], self.times[middle], one.kind, seconds, one.confidence)
                self.begins.append(begin)


def _index(rising: Sequence[float], least: float) -> int:
    return int(np.searchsorted(rising, least))


def _quiet(found: Sequence[Transition], frames: Sequence[Grey], border: int) -> int:
    """The last frame up to ``border`` that is in no transition and not blank."""
    for one in reversed(found):
        if one.first - 1 <= border <= one.last + 1:
            border = max(one.first - 2, 0)
    while border > 0 and are_blank(frames[border][None])[0]:
        border -= 1
    return border
