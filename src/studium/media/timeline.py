"""When decoded sound is heard: runs without a gap, each on one grid of samples, so that a stretch equals the whole."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from math import ceil, gcd
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RATE", "Piece", "resampled", "runs"]

RATE = 16_000
"""Samples per second, whatever the file has."""
TOLERANCE = 0.05
"""Seconds by which time stamps may wander from the count of samples before they are believed."""
LONGEST_GAP = 600.0
"""Seconds by which time stamps may jump, forward; what jumps farther is nonsense, and the sound goes on where it is."""
LONGEST_OVERLAP = 10.0
"""The same, backward: so much of the sound at most is cut at one place."""
_AT_ONCE = 65_536

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """Decoded sound.

    Attributes:
        time: when it is heard, by its time stamp, in seconds; None if it has none.
        rate: samples per second.
        samples: mono, float32.
    """

    time: float | None
    rate: int
    samples: "NDArray[np.float32]"

    @property
    def seconds(self) -> float:
        """How long it is heard."""
        return len(self.samples) / self.rate


Run = tuple[float, int, "Iterator[NDArray[np.float32]]"]
"""Start in seconds, samples per second, and the arrays, to be taken before the next run is asked for."""


def runs(pieces: Iterable[Piece], whole: bool = True) -> Iterator[Run]:
    """Join pieces that follow each other, and begin anew where time stamps jump.

    A jump is believed if the next piece agrees with it and it is not nonsense.

    Args:
        pieces: in the order of the file.
        whole: whether they begin where the sound begins; else the first time stamp is believed whatever it is.
    """
    clock = _Clock(whole)
    placed = (clock.place(piece, after) for piece, after in pairwise(chain(pieces, [None])) if piece is not None)
    first = next(placed, None)
    while first is not None:
        following: list[tuple[float, bool, Piece]] = []
        start, _, piece = first
        yield start, piece.rate, _until_new(piece, placed, following)
        first = following[0] if following else None


def _until_new(
    piece: Piece, placed: "Iterator[tuple[float, bool, Piece]]", following: "list[tuple[float, bool, Piece]]"
) -> "Iterator[NDArray[np.float32]]":
    yield piece.samples
    for item in placed:
        if item[1]:
            following.append(item)
            return
        yield item[2].samples


class _Clock:
    """Where the sound is, and which time stamps to believe."""

    def __init__(self, whole: bool) -> None:
        self._run: tuple[float, int, int] | None = None  # start, rate, samples so far
        self._offset = 0.0
        self._whole = whole

    def place(self, piece: Piece, after: Piece | None) -> tuple[float, bool, Piece]:
        """When a piece is heard, and whether it begins a new run."""
        if self._run is None:
            start = piece.time or 0.0
            if self._whole and start > LONGEST_GAP:
                start = self._doubted(0.0, start)
            return self._new(start, piece)
        start, rate, count = self._run
        expected = start + count / rate
        time = expected if piece.time is None else piece.time + self._offset
        jump = time - expected
        if abs(jump) > TOLERANCE and _agrees(piece, after):
            if -LONGEST_OVERLAP <= jump <= LONGEST_GAP:
                return self._new(time, piece)
            self._doubted(expected, jump)
        if piece.rate != rate:
            return self._new(expected, piece)
        self._run = start, rate, count + len(piece.samples)
        return expected, False, piece

    def _new(self, start: float, piece: Piece) -> tuple[float, bool, Piece]:
        self._run = start, piece.rate, len(piece.samples)
        return start, True, piece

    def _doubted(self, at: float, jump: float) -> float:
        log.warning("at %.3f s the time stamps of the sound jump by %.3f s, which is not believed", at, jump)
        self._offset -= jump
        return at


def _agrees(piece: Piece, after: Piece | None) -> bool:
    if piece.time is None or after is None or after.time is None:
        return False
    return abs(after.time - piece.time - piece.seconds) <= TOLERANCE


def on_grid(piece: Piece, beginning: Sequence[Piece], tick: float) -> Piece:
    """A piece from the middle, its time made exact where the clock of the container is coarser than a sample.

    Codecs with frames of one size let them begin at places that the first frames tell to the sample.

    Args:
        piece: its time is right to a tick.
        beginning: the first three pieces of the sound; the first may be shorter.
        tick: of the container's clock, in seconds.
    """
    rate = piece.rate
    if tick * rate <= 1 or piece.time is None or len(beginning) < 3:
        return piece
    first, *others = beginning
    if first.time is None:
        return piece
    sizes = {len(other.samples) for other in others}
    if len(sizes) > 1 or {piece.rate for piece in beginning} != {rate}:
        return piece
    size, near = sizes.pop(), round(piece.time * rate)
    off = (round(first.time * rate) + len(first.samples) - near + size // 2) % size - size // 2
    return piece if abs(off) > tick * rate else Piece((near + off) / rate, rate, piece.samples)


def resampled(time: float, rate: int, arrays: "Iterable[NDArray[np.float32]]") -> "Iterator[tuple[int, NDArray[Any]]]":
    """A run at 16 kHz.

    The run is moved to the nearest sample of its own rate, and filled with silence to the last instant before it at
    which samples of both rates meet, so that the same sound gives the same numbers wherever a run begins.

    Args:
        time: of its first sample, in seconds.
        rate: samples per second.
        arrays: its samples, float32.

    Yields:
        The index of the first sample of an array (sample i is heard at i / 16,000 s), and the array.
    """
    begin = round(time * rate)
    step = rate // gcd(rate, RATE)
    filled = begin % step
    at = (begin - filled) // step * (RATE // gcd(rate, RATE))
    together = _joined(chain([np.zeros(filled, np.float32)], arrays))
    for array in together if rate == RATE else _through_swr(rate, together):
        yield at, array
        at += len(array)


def _joined(arrays: "Iterable[NDArray[np.float32]]") -> "Iterator[NDArray[np.float32]]":
    held: list[NDArray[np.float32]] = []
    size = 0
    for array in arrays:
        held.append(array)
        size += len(array)
        if size >= _AT_ONCE:
            yield np.concatenate(held)
            held, size = [], 0
    if size:
        yield np.concatenate(held)


def _through_swr(rate: int, arrays: "Iterable[NDArray[np.float32]]") -> "Iterator[NDArray[np.float32]]":
    """FFmpeg's resampler, to as many samples as the run is long."""
    from av import AudioFrame, AudioResampler

    resampler = AudioResampler("flt", "mono", RATE)
    taken = given = 0
    for array in arrays:
        frame = AudioFrame.from_ndarray(array[None], "flt", "mono")
        frame.sample_rate = rate
        taken += len(array)
        for made in resampler.resample(frame):
            given += made.samples
            yield made.to_ndarray()[0]
    for made in resampler.resample(None):
        rest = made.to_ndarray()[0][: ceil(taken * RATE / rate) - given]
        given += len(rest)
        if len(rest):
            yield rest
