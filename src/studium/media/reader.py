"""Frames of a video by their time."""

from collections.abc import Iterator
from pathlib import Path

from studium.errors import DamagedStreamError
from studium.media.damage import HALF_MICROSECOND
from studium.media.frame import Frame
from studium.media.pictures import Pictures

__all__ = ["Reader"]

_FAR = 10.0
"""Seconds to go forward from which on it is worth while to seek where the container has no index to ask."""


class Reader:
    """A video held open, to read frames from. Going forward is cheap: it seeks only past a keyframe.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            MediaError: it cannot be opened, or has no pictures.
        """
        self.path = path
        self._pictures = Pictures(path)
        self._frames: Iterator[Frame] = iter(())
        self._now: Frame | None = None
        self._next: Frame | None = None

    def at(self, time: float) -> Frame:
        """The frame that is shown at ``time`` (seconds from the first instant of the file, to the microsecond).

        It is the last one that begins at or before it, as `Video.frames` gives it, pixel for pixel.

        Raises:
            DamagedStreamError: that frame cannot be decoded, or there is none.
        """
        if self._now is None or time < self._now.time - HALF_MICROSECOND or self._key_ahead(time):
            self._frames = self._pictures.pass_over(max(0.0, time))
            self._now, self._next = None, next(self._frames, None)
        while self._next is not None and self._next.time <= time + HALF_MICROSECOND:
            self._now, self._next = self._next, next(self._frames, None)
        return self._shown(time)

    def _key_ahead(self, time: float) -> bool:
        """Whether a keyframe lies between what is decoded next and ``time``."""
        if self._next is None or time <= self._next.time + HALF_MICROSECOND:
            return False
        stamp = self._pictures.keyframe_before(time)
        return time > self._next.time + _FAR if stamp is None else stamp > self._pictures.read_to

    def _shown(self, time: float) -> Frame:
        at = time + HALF_MICROSECOND
        if any(first <= at and (last is None or at < last) for first, last in self._pictures.ledger.lost):
            raise DamagedStreamError(f"{self.path}: the frame at {time:.6f} s could not be decoded")
        if self._now is None:
            begins = "it has none" if self._next is None else f"the first one is shown at {self._next.time:.6f} s"
            raise DamagedStreamError(f"{self.path}: no frame is shown at {time:.6f} s: {begins}")
        return self._now

    def close(self) -> None:
        """Let go of the file."""
        self._now = self._next = None
        self._pictures.close()
