"""How stored pictures of a video become upright ones with square pixels."""

from dataclasses import dataclass
from fractions import Fraction
from math import atan2, degrees
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Shape"]

_LEAST, _MOST = Fraction(1, 8), Fraction(8)
"""Widths of a pixel by its height that are believed."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How stored pictures become upright ones with square pixels.

    Attributes:
        width: upright, in square pixels.
        height: upright, in square pixels.
        rotation: clockwise turn that makes stored pictures upright: 0, 90, 180 or 270 degrees.
        mirrored: whether they are flipped left to right before they are turned.
    """

    width: int
    height: int
    rotation: int = 0
    mirrored: bool = False

    @classmethod
    def of(cls, raw: Any, aspect: Fraction | None) -> "Shape":
        """The shape of a decoder's frame.

        Args:
            raw: the frame.
            aspect: width of a stored pixel by its height; None or nonsense for square ones.
        """
        ratio = Fraction(aspect) if aspect and _LEAST <= aspect <= _MOST else Fraction(1)
        width, height = max(1, round(raw.width * ratio)), raw.height
        turn, mirrored = _orientation(raw)
        return cls(height, width, turn, mirrored) if turn % 180 else cls(width, height, turn, mirrored)

    def stored(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as stored of a picture that is upright in this size."""
        return (height, width) if self.rotation % 180 else (width, height)

    def upright(self, stored: "NDArray[np.uint8]", first: int = 0) -> "NDArray[np.uint8]":
        """A stored picture, or several, upright: contiguous, read-only.

        Args:
            stored: pixels; lines are along the axis ``first``, columns along the next.
            first: an axis.
        """
        if self.mirrored:
            stored = np.flip(stored, first + 1)
        if self.rotation:
            stored = np.rot90(stored, -self.rotation // 90, (first, first + 1))
        upright = np.ascontiguousarray(stored)
        upright.setflags(write=False)
        return upright


def _orientation(raw: Any) -> tuple[int, bool]:
    """Clockwise turn in degrees, and whether to flip left to right before it, by the frame's display matrix."""
    matrix = next((bytes(item) for item in raw.side_data if item.type.name == "DISPLAYMATRIX"), b"")
    if len(matrix) < 36:
        return 0, False
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    mirrored = a * d - b * c < 0
    turn = degrees(atan2(-b, -a) if mirrored else atan2(b, a))
    return round(turn / 90) % 4 * 90, mirrored
