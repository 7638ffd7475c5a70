"""One decoded frame, and its pixels in the form that is asked for: each form is made once for all who watch."""

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from studium.errors import InputError
from studium.media.grey import Sampled, grey, sampled
from studium.media.planes import Luma, Scaler, luma_of, top_field
from studium.media.shape import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Frame"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


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
        nearest to it, or from the nearest alone if they lie 8 px apart or more; of all stored pixels, where there are
        no more than samples.

        Args:
            width: px, of the upright picture.
            height: px.
            samples: how many each way go into one pixel; fewer are quicker.
        """
        key = ("grey", width, height, samples)
        if key not in self._made:
            self._made[key] = grey(self.sampled(width, height, samples))
        return self._made[key]

    def sampled(self, width: int, height: int, samples: int = 4) -> Sampled:
        """What the pixels of `grey` are means of, for those who average many frames at once."""
        if width < 1 or height < 1 or samples < 1:
            raise InputError(
                f"a picture needs at least 1 x 1 px and 1 sample, got {width} x {height} and {samples} samples"
            )
        return sampled(self._luma(), self.shape.stored(width, height), samples, self.shape)

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
            stored = self.shape.stored(width, height)
            pixels = self._scaler.rgb(self._progressive(), *stored, lines=self._raw.height)
            self._made[key] = self.shape.upright(pixels)
        return self._made[key]

    def _progressive(self) -> Any:
        """What was seen in one instant: of an interlaced frame its top field, which needs no other frame."""
        return top_field(self._raw) if self._raw.interlaced_frame else self._raw

    def _luma(self) -> Luma:
        """Luminance without a copy where it is stored as such, of an interlaced frame its top field."""
        luma = luma_of(self._raw)
        if luma is None:
            pixels = self._scaler.rgb(self._progressive(), self._raw.width, self._raw.height) @ _LUMA
            height, width = pixels.shape
            return Luma(pixels.reshape(-1), width, height, width, 0, 255)
        return luma.top_field if self._raw.interlaced_frame else luma
