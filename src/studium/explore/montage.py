"""Many pictures on one sheet."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from studium.errors import InputError

__all__ = ["montage"]

Picture = NDArray[np.uint8]


def montage(
    images: Sequence[Picture],
    *,
    columns: int | None = None,
    cell: int = 128,
    border: int = 0,
    background: tuple[int, int, int] = (255, 255, 255),
) -> Picture:
    """Contact sheet: the pictures in reading order, each whole and in its own proportions, centred in a square cell.

    Args:
        images: RGB uint8 (height, width, 3), of any sizes.
        columns: cells in a row; None for as many as make the sheet nearly square.
        cell: side of a cell in pixels.
        border: pixels around every cell and the sheet.
        background: RGB of borders, margins and unused cells.

    Returns:
        RGB uint8 (rows x (cell + border) + border, columns x (cell + border) + border, 3); (0, 0, 3) for no images.

    Raises:
        InputError: an image that is not RGB uint8 or has no pixels, or sizes below 1.
    """
    if cell < 1 or border < 0 or (columns is not None and columns < 1):
        raise InputError(f"expected cell >= 1, border >= 0, columns >= 1; got {cell}, {border}, {columns}")
    if not len(images):
        return np.zeros((0, 0, 3), np.uint8)
    across = columns or math.ceil(math.sqrt(len(images)))
    down = math.ceil(len(images) / across)
    pitch = cell + border
    sheet = np.empty((down * pitch + border, across * pitch + border, 3), np.uint8)
    sheet[:] = background
    for place, image in enumerate(images):
        small = _fit(image, cell, place)
        height, width = small.shape[:2]
        top = border + place // across * pitch + (cell - height) // 2
        left = border + place % across * pitch + (cell - width) // 2
        sheet[top : top + height, left : left + width] = small
    return sheet


def _fit(image: Picture, cell: int, place: int) -> Picture:
    """The picture resized so that its longer side is ``cell`` pixels."""
    from PIL import Image

    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise InputError(
            f"image {place} must be RGB uint8 (height, width, 3) with pixels; got shape {image.shape}, {image.dtype}"
        )
    height, width = image.shape[:2]
    scale = cell / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resized = Image.fromarray(np.ascontiguousarray(image)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(resized)
