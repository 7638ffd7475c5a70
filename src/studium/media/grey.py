"""Small grey pictures: means of samples that lie evenly in a frame, of one frame or of many at once."""

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studium.errors import MissingExtraError
from studium.media.planes import Luma
from studium.media.shape import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Sampled", "alike", "averaged", "sampled"]


class Sampled(NamedTuple):
    """Luminance of a frame at places that lie evenly in it, and what is to be made of it.

    Attributes:
        values: as stored, (places down, places across), uint8; float32 if it is stored in more than 8 bits.
        size: width and height of the picture to make, as stored.
        black: value of black.
        white: value of white.
        shape: of the frame.
    """

    values: "NDArray[Any]"
    size: tuple[int, int]
    black: int
    white: int
    shape: Shape

    @property
    def kind(self) -> tuple[object, ...]:
        """What those share that can be averaged at once."""
        return self.values.shape, self.values.dtype, *self[1:]


def sampled(luma: Luma, size: tuple[int, int], samples: int, shape: Shape) -> Sampled:
    """Take samples for a picture of ``size``, as stored; ``samples`` x ``samples`` for each pixel, or all there are."""
    cv2, (plane, black, white) = _opencv(), luma
    places = min(plane.shape[1], samples * size[0]), min(plane.shape[0], samples * size[1])
    if plane.dtype == np.uint8:  # of bytes this is the same with and without vector instructions
        values = cv2.resize(plane, places, None, 0, 0, cv2.INTER_LINEAR)
    else:
        values = cv2.resize(plane, places, None, 0, 0, cv2.INTER_LINEAR_EXACT).astype(np.float32)
    return Sampled(values, size, black, white, shape)


def averaged(some: Sequence[Sampled]) -> "NDArray[np.uint8]":
    """Pictures of one size when upright, at least one: (n, height, width), uint8, 0 is black, 255 is white, read-only.

    The same as one by one, and quicker.
    """
    pictures = [alike(list(same)) for _, same in groupby(some, lambda one: one.kind)]
    if len(pictures) == 1:
        return pictures[0]
    together = np.concatenate(pictures)
    together.setflags(write=False)
    return together


def alike(some: Sequence[Sampled]) -> "NDArray[np.uint8]":
    """As `averaged`, of those that are of one kind."""
    cv2, (values, (width, height), black, white, shape) = _opencv(), some[0]
    down, across = values.shape
    if len(some) == 1 or down % height or across % width:  # where pixels share samples, pictures would flow together
        parts = [one.values for one in some]
    else:
        parts = [np.concatenate([one.values for one in some])]
    means = [cv2.resize(part, (width, len(part) // down * height), None, 0, 0, cv2.INTER_AREA) for part in parts]
    stored = np.concatenate(means)
    levels = cv2.LUT(stored, _table(black, white)) if stored.dtype == np.uint8 else _levels(stored, black, white)
    return shape.upright(levels.reshape(len(some), height, width))


@cache
def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "video") from error
    return cv2


@lru_cache(maxsize=8)
def _table(black: int, white: int) -> "NDArray[np.uint8]":
    """The grey level, 0 to 255, of every stored value of 8 bits."""
    return _levels(np.arange(256), black, white)


def _levels(values: "NDArray[Any]", black: int, white: int) -> "NDArray[np.uint8]":
    levels: NDArray[np.uint8] = np.clip(np.rint((values - black) * (255 / (white - black))), 0, 255).astype(np.uint8)
    return levels
