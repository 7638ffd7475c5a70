"""One decoded frame, and its pixels in the form that is asked for: each form is made once for all who watch."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from math import atan2, degrees
from typing import TYPE_CHECKING, Any

import numpy as np

from studium.errors import InputError, MissingExtraError
from studium.media.planes import Scaler, luma_of, top_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Frame", "Shape"]

_LEAST, _MOST = Fraction(1, 8), Fraction(8)
"""Widths of a pixel by its height that are believed."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


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


def _orientation(raw: Any) -> tuple[int, bool]:
    """Clockwise turn in degrees, and whether to flip left to right before it, by the frame's display matrix."""
    matrix = next((bytes(item) for item in raw.side_data if item.type.name == "DISPLAYMATRIX"), b"")
    if len(matrix) < 36:
        return 0, False
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    mirrored = a * d - b * c < 0
    turn = degrees(atan2(-b, -a) if mirrored else atan2(b, a))
    return round(turn / 90) % 4 * 90, mirrored


class Frame:
    """A frame of a video. The arrays it gives are shared and read-only.

    Attributes:
        time: when it is shown, in seconds from the first instant of the file.
        duration: how long it is shown, in seconds; 0 where the file does not say.
        key: whether it is stored whole.
        shape: of the upright picture.
    """

    __slots__ = ("_made", "_raw", "_scaler", "duration", "key", "shape", "time")

    def __init__(self, raw: Any, time: float, duration: float, shape: Shape, scaler: Scaler) -> None:
        self.time, self.duration, self.shape = time, duration, shape
        self.key = bool(raw.key_frame)
        self._raw, self._scaler = raw, scaler
        self._made: dict[object, NDArray[np.uint8]] = {}

    def grey(self, width: int, height: int, samples: int = 4) -> "NDArray[np.uint8]":
        """Luminance (H x W, uint8, 0 to 255 whatever the range of the stream), upright, averaged to this size.

        Each pixel is the mean of samples that lie evenly in its place, each taken between the 2 x 2 stored pixels
        nearest to it; of all stored pixels, where there are no more than samples.

        Args:
            width: px, of the upright picture.
            height: px.
            samples: how many each way go into one pixel; fewer are quicker.
        """
        if width < 1 or height < 1 or samples < 1:
            raise InputError(
                f"a picture needs at least 1 x 1 px and 1 sample, got {width} x {height} and {samples} samples"
            )
        key = ("grey", width, height, samples)
        if key not in self._made:
            self._made[key] = self._kept(self._grey(*self._stored(width, height), samples))
        return self._made[key]

    def rgb(self, detail: int | None = None) -> "NDArray[np.uint8]":
        """RGB (H x W x 3, uint8), upright, with square pixels; what is transparent lies on white.

        Args:
            detail: the shorter side in px to scale down to; None, or one that is larger, for every pixel.
        """
        if detail is not None and detail < 1:
            raise InputError(f"detail must be at least 1 px, or None for every pixel, got {detail}")
        width, height = self.shape.width, self.shape.height
        if detail is not None and detail < min(width, height):
            scale = Fraction(detail, min(width, height))
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        key = ("rgb", width, height)
        if key not in self._made:
            stored = self._stored(width, height)
            self._made[key] = self._kept(self._scaler.rgb(self._progressive(), *stored, lines=self._raw.height))
        return self._made[key]

    def _stored(self, width: int, height: int) -> tuple[int, int]:
        return (height, width) if self.shape.rotation % 180 else (width, height)

    def _progressive(self) -> Any:
        """What was seen in one instant: of an interlaced frame its top field, which needs no other frame."""
        return top_field(self._raw) if self._raw.interlaced_frame else self._raw

    def _grey(self, width: int, height: int, samples: int) -> "NDArray[np.uint8]":
        luma = luma_of(self._raw)
        if luma is None:
            pixels = self._scaler.rgb(self._progressive(), self._raw.width, self._raw.height) @ _LUMA
            return _averaged(pixels, 0, 255, (width, height), samples)
        plane, black, white = luma
        lines = plane[::2] if self._raw.interlaced_frame else plane
        return _averaged(lines, black, white, (width, height), samples)

    def _kept(self, pixels: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
        """Upright, contiguous, read-only."""
        if self.shape.mirrored:
            pixels = pixels[:, ::-1]
        if self.shape.rotation:
            pixels = np.rot90(pixels, -self.shape.rotation // 90)
        upright = np.ascontiguousarray(pixels)
        upright.setflags(write=False)
        return upright


def _averaged(
    plane: "NDArray[Any]", black: int, white: int, size: tuple[int, int], samples: int
) -> "NDArray[np.uint8]":
    cv2, (width, height) = _opencv(), size
    taken = min(plane.shape[1], samples * width), min(plane.shape[0], samples * height)
    if plane.dtype == np.uint8:  # of bytes this is the same with and without vector instructions
        small = cv2.resize(cv2.resize(plane, taken, None, 0, 0, cv2.INTER_LINEAR), size, None, 0, 0, cv2.INTER_AREA)
        levels: NDArray[np.uint8] = cv2.LUT(small, _stretched(black, white))
        return levels
    sampled = cv2.resize(plane, taken, None, 0, 0, cv2.INTER_LINEAR_EXACT).astype(np.float32)
    return _levels(cv2.resize(sampled, size, None, 0, 0, cv2.INTER_AREA), black, white)


@cache
def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "video") from error
    return cv2


@lru_cache(maxsize=8)
def _stretched(black: int, white: int) -> "NDArray[np.uint8]":
    """The grey level, 0 to 255, of every stored value of 8 bits."""
    return _levels(np.arange(256), black, white)


def _levels(values: "NDArray[Any]", black: int, white: int) -> "NDArray[np.uint8]":
    levels: NDArray[np.uint8] = np.clip(np.rint((values - black) * (255 / (white - black))), 0, 255).astype(np.uint8)
    return levels
