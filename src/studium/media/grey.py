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

__all__ = ["Sampled", "grey", "greys", "sampled"]

_FAR = 8
"""Pixels between samples from which on each is one stored pixel: most of what lies between is passed over anyway."""


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
    across, down = min(luma.width, samples * size[0]), min(luma.height, samples * size[1])
    if luma.width >= _FAR * across and luma.height >= _FAR * down:
        values = luma.values.take(_places(luma.width, luma.height, luma.line, across, down))
    else:
        cv2 = _opencv()  # of bytes INTER_LINEAR is the same with and without vector instructions
        kind = cv2.INTER_LINEAR if luma.values.itemsize == 1 else cv2.INTER_LINEAR_EXACT
        values = cv2.resize(luma.plane, (across, down), None, 0, 0, kind)
    if values.itemsize > 1:
        values = values.astype(np.float32)
    return Sampled(values, size, luma.black, luma.white, shape)


@lru_cache(maxsize=8)
def _places(width: int, height: int, line: int, across: int, down: int) -> "NDArray[np.intp]":
    """(down, across): where in the values of a plane the stored pixels in the middle of equal parts of it lie."""
    columns, rows = (
        (2 * np.arange(count) + 1) * size // (2 * count) for size, count in ((width, across), (height, down))
    )
    places: NDArray[np.intp] = rows[:, None] * line + columns
    return places


def grey(one: Sampled) -> "NDArray[np.uint8]":
    """The picture (height, width), upright, uint8, 0 is black, 255 is white, read-only."""
    return one.shape.upright(_averaged(one.values, *one[1:4]))


def greys(some: Sequence[Sampled]) -> "NDArray[np.uint8]":
    """Pictures of one size when upright, at least one: (n, height, width), read-only. As one by one, and quicker."""
    kinds = [_together(list(same)) for _, same in groupby(some, lambda one: one.kind)]
    pictures = kinds[0] if len(kinds) == 1 else np.concatenate(kinds)
    pictures.setflags(write=False)
    return pictures


def _together(some: list[Sampled]) -> "NDArray[np.uint8]":
    """Of those that are of one kind: one picture of all, one below the other, where their pixels share no samples."""
    values, (width, height), black, white, shape = some[0]
    if len(values) % height or values.shape[1] % width:
        return np.stack([grey(one) for one in some])
    below = _averaged(np.concatenate([one.values for one in some]), (width, height * len(some)), black, white)
    return shape.upright(below.reshape(len(some), height, width), 1)


def _averaged(values: "NDArray[Any]", size: tuple[int, int], black: int, white: int) -> "NDArray[np.uint8]":
    cv2 = _opencv()
    means = cv2.resize(values, size, None, 0, 0, cv2.INTER_AREA)
    levels: NDArray[np.uint8]
    levels = cv2.LUT(means, _table(black, white)) if means.dtype == np.uint8 else _levels(means, black, white)
    return levels


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
