"""Parts of pictures: cutting them out with what surrounds them, and how much of a picture they cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from studium.core.unit import Points
from studium.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Box", "Region", "covered", "inside", "region", "union"]

Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in pixels, x1 and y1 exclusive."""

MARGIN = 0.5
"""How much of what surrounds a region comes with it on every side, as a share of its larger side."""


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a picture and what surrounds it.

    Attributes:
        picture: RGB uint8, H x W x 3: the box and half its larger side around it, as far as the picture goes.
        box: where it lies in ``picture``.
        points: its landmarks or corners, (x, y) in pixels of ``picture``; None if they are not known.
    """

    picture: "NDArray[np.uint8]"
    box: Box
    points: Points | None = None

    @property
    def cut(self) -> "NDArray[np.uint8]":
        """What lies in the box, and nothing else: RGB uint8."""
        x0, y0, x1, y1 = self.box
        return np.ascontiguousarray(self.picture[y0:y1, x0:x1])

    @property
    def nbytes(self) -> int:
        """Size of its pixels in bytes."""
        return self.picture.nbytes


def region(picture: "NDArray[np.uint8]", box: Box, points: Points | None = None) -> Region:
    """Cut a part out of a picture.

    Args:
        picture: RGB uint8, H x W x 3.
        box: where it lies.
        points: its landmarks or corners in pixels of ``picture``, or None.

    Raises:
        InputError: the box does not lie in the picture.
    """
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = inside(box, width, height)
    wide = round(MARGIN * max(x1 - x0, y1 - y0))
    left, top = max(0, x0 - wide), max(0, y0 - wide)
    around = np.ascontiguousarray(picture[top : min(height, y1 + wide), left : min(width, x1 + wide)])
    moved = None if points is None else tuple((x - left, y - top) for x, y in points)
    return Region(around, (x0 - left, y0 - top, x1 - left, y1 - top), moved)


def inside(box: Box | None, width: int, height: int) -> Box:
    """The box, certain to lie in a picture of this size.

    Raises:
        InputError: it does not, or there is none.
    """
    if box is None:
        raise InputError("a part of a picture needs a box, got none")
    if box[0] < 0 or box[1] < 0 or box[2] > width or box[3] > height:
        raise InputError(f"the box {box} does not lie in the picture of {width} x {height} px")
    return box


def covered(boxes: Sequence[Box], width: int, height: int) -> float:
    """Share of a picture that lies in at least one of the boxes, 0 to 1; exact.

    Args:
        boxes: each inside the picture.
        width: of the picture, px.
        height: px.
    """
    return union(boxes) / (width * height)


def union(boxes: Sequence[Box]) -> int:
    """How many pixels lie in at least one of the boxes."""
    if not boxes:
        return 0
    xs, ys = (np.unique([edge for box in boxes for edge in (box[at], box[at + 2])]) for at in (0, 1))
    grid = np.zeros((len(ys) - 1, len(xs) - 1), bool)
    for x0, y0, x1, y1 in boxes:
        grid[slice(*np.searchsorted(ys, (y0, y1))), slice(*np.searchsorted(xs, (x0, x1)))] = True
    return int(np.diff(ys) @ grid @ np.diff(xs))
