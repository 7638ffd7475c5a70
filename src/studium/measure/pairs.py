"""Comparing the frames of a video two by two, at steps of time that do not depend on its frame rate."""

import math
from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from studium.core.protocols import Measure, Watcher
from studium.errors import InputError
from studium.media.frame import Frame
from studium.media.shape import Shape

__all__ = ["MICROSECOND", "Grey", "PairWatcher", "analysed", "check_number"]

Grey = npt.NDArray[np.uint8]
"""H x W."""

MICROSECOND = 1e-6
"""The precision of time; what lies within half of it is the same instant."""


class PairWatcher(Watcher):
    """Hands each grey picture with the one before to `compare`. Subclasses say what comes of it.

    Of every step of ``every`` seconds, counted from the first frame, the first frame is taken: steps are ``every``
    seconds on average, whatever the frame rate, and longer only where the video has no frame. All pictures have the
    size of the first one, also those of a stream that changes its size.

    Attributes:
        first: time of the first frame, in seconds.
        last: time of the last frame that was taken, in seconds.
    """

    def __init__(self, width: int, every: float) -> None:
        """Begin.

        Args:
            width: of the pictures that are compared, px; smaller videos are not enlarged.
            every: seconds; 0 for every frame.
        """
        self._width, self._every = width, every
        self.first = self.last = self._due = -math.inf
        self._size: tuple[int, int] | None = None
        self._before: Grey | None = None

    def see(self, piece: Frame) -> None:
        """Compare it with the one before if it is its turn."""
        if piece.time < self._due - MICROSECOND / 2:
            return
        self._size = self._size or analysed(piece.shape, self._width)
        after = self.seen(piece.grey(*self._size))
        if self._before is None:
            self.first = piece.time
        else:
            self.compare(self._before, after, self.last, piece.time)
        self._before, self.last = after, piece.time
        if self._every:
            steps = math.floor((piece.time - self.first + MICROSECOND / 2) / self._every) + 1
            self._due = self.first + steps * self._every

    def seen(self, grey: Grey) -> Grey:
        """What is kept of a picture until the next one comes."""
        return grey

    @abstractmethod
    def compare(self, before: Grey, after: Grey, begin: float, end: float) -> None:
        """Take two pictures (H x W, uint8, as `seen` left them) and their times in seconds, ``begin`` < ``end``."""


def analysed(shape: Shape, width: int) -> tuple[int, int]:
    """Width and height in px of a picture scaled down to a width; it is not enlarged."""
    wide = min(width, shape.width)
    return wide, max(1, round(shape.height * wide / shape.width))


def check_number(measure: Measure, parameter: str, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Refuse a parameter that is no number from ``low`` (or above it) to ``high``.

    Raises:
        InputError: the message names measure, parameter, range and what came.
    """
    value = getattr(measure, parameter)
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not low <= value <= high or (above and value == low):
        span = ("above" if above else "from") + f" {low:g}" + (f" to {high:g}" if math.isfinite(high) else "")
        raise InputError(f"{measure.name}: {parameter} should be a number {span}, got {value!r}")
