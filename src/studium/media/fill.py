"""Covering parts of a picture, so that what was there cannot be seen, and no detector sees it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from studium.errors import InputError, MissingExtraError
from studium.media.region import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MODES", "covered", "grown"]

MODES = ("fill", "pixelate", "blur")
"""Black; at most `BLOCKS` squares of mean colour along the longer side; a Gaussian blur. Only the first is final."""

BLOCKS = 8
"""Squares along the longer side of a covered box, so 5 along the face in it (16 already blind a detector)."""

SPREAD = 0.15
"""Standard deviation of the blur by the longer side of a covered box, so .24 of the face in it (.12 blinds)."""


def grown(box: tuple[float, ...], margin: float, width: int, height: int) -> Box | None:
    """A box made larger on every side, as whole pixels inside the picture; None if nothing of it is inside.

    Args:
        box: (x0, y0, x1, y1) in px.
        margin: added on each side, as a share of the box's width (left, right) and height (top, bottom).
        width: of the picture, px.
        height: px.
    """
    x0, y0, x1, y1 = box
    wide, high = margin * (x1 - x0), margin * (y1 - y0)
    left, top = max(0, int(np.floor(x0 - wide))), max(0, int(np.floor(y0 - high)))
    right, bottom = min(width, int(np.ceil(x1 + wide))), min(height, int(np.ceil(y1 + high)))
    return (left, top, right, bottom) if left < right and top < bottom else None


def covered(picture: "NDArray[np.uint8]", boxes: Iterable[Box], mode: str = "fill") -> "NDArray[np.uint8]":
    """The picture with every box covered.

    Args:
        picture: RGB uint8, H x W x 3.
        boxes: (x0, y0, x1, y1) in px, inside the picture.
        mode: one of `MODES`.

    Returns:
        A new array of the same shape; the picture itself if there are no boxes.

    Raises:
        InputError: no such mode.
    """
    if mode not in MODES:
        raise InputError(f"mode should be one of {', '.join(MODES)}, got {mode!r}")
    made = picture
    for x0, y0, x1, y1 in boxes:
        made = picture.copy() if made is picture else made
        part = made[y0:y1, x0:x1]
        part[:] = 0 if mode == "fill" else _HIDE[mode](part)
    return made


def _pixelated(part: "NDArray[np.uint8]") -> Any:
    cv2 = _cv2()
    height, width = part.shape[:2]
    block = max(height, width) / BLOCKS
    small = cv2.resize(
        part, (max(1, round(width / block)), max(1, round(height / block))), interpolation=cv2.INTER_AREA
    )
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def _blurred(part: "NDArray[np.uint8]") -> Any:
    """Blurred at 1/k of the size where the blur is wide, which is the same and does not take minutes."""
    cv2 = _cv2()
    height, width = part.shape[:2]
    sigma = max(1.0, SPREAD * max(height, width))
    shrunk = max(1.0, sigma / 8)
    size = max(1, round(width / shrunk)), max(1, round(height / shrunk))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / shrunk, borderType=cv2.BORDER_REFLECT)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


_HIDE = {"pixelate": _pixelated, "blur": _blurred}


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "images") from error
    return cv2
