"""Faces turned and scaled so that their landmarks lie where a network expects them.

References:
    Umeyama (1991), Least-squares estimation of transformation parameters between two point patterns,
    doi:10.1109/34.88573; in the plane, with points as complex numbers, it is one line.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.errors import InputError, MediaError, MissingExtraError
from studium.media.transform import Picture, check_rgb

__all__ = ["aligned", "similarity"]

Points = Sequence[Sequence[float]] | npt.NDArray[np.float64]


def aligned(picture: Picture, points: Points, template: Points, size: int) -> Picture:
    """Cut a face out of a picture, upright and at a fixed scale.

    The similarity transform (rotation, scale, shift) is that of `similarity`. A face that shrinks is halved first with
    a 5 x 5 binomial filter, as often as it can be, so that nothing is aliased; the rest is bilinear. What lies outside
    of the picture repeats its edge.

    Args:
        picture: RGB uint8, H x W x 3.
        points: (x, y) of n >= 2 landmarks in px of ``picture``; (0, 0) is its upper left corner, not the middle of the
            first pixel.
        template: (x, y) where they belong, as shares of the side of the result, (0, 0) its upper left corner.
        size: side of the result in px.

    Returns:
        RGB uint8, size x size x 3.

    Raises:
        InputError: no picture, or points and template do not fit each other.
        MediaError: the points coincide.
        MissingExtraError: OpenCV is not installed.
    """
    cv2 = _cv2()
    scale, shift = similarity(np.asarray(template, np.float64) * size, points)
    if abs(scale) < 1e-6:
        raise MediaError(f"the landmarks of a face should lie apart, got {np.asarray(points).tolist()}")
    picture = check_rgb(picture)
    shift += (scale - 1) * (0.5 + 0.5j)  # from corners of pixels to their middles, which OpenCV counts from
    while abs(scale) >= 2 and min(picture.shape[:2]) > 1:
        picture = cv2.pyrDown(picture, borderType=cv2.BORDER_REPLICATE)
        scale, shift = scale / 2, shift / 2
    matrix = np.array([[scale.real, -scale.imag, shift.real], [scale.imag, scale.real, shift.imag]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    made: Picture = cv2.warpAffine(picture, matrix, (size, size), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return made


def similarity(points: Points, to: Points) -> tuple[complex, complex]:
    """The similarity transform, without mirroring, that takes points nearest to others (least squares).

    Args:
        points: n x 2, n >= 2, not all the same.
        to: n x 2.

    Returns:
        (a, b): a point x + iy goes to a (x + iy) + b; the length of a is the scale, its angle the rotation.

    Raises:
        InputError: the two do not fit each other.
    """
    start, end = (np.asarray(side, np.float64) for side in (points, to))
    if start.shape != end.shape or start.ndim != 2 or start.shape[1] != 2 or len(start) < 2:
        raise InputError(f"expected two lists of the same n >= 2 points (x, y), got {start.shape} and {end.shape}")
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        raise InputError("points should be finite numbers, got NaN or infinity")
    z, w = (side[:, 0] + 1j * side[:, 1] for side in (start, end))
    apart, drift = z - z.mean(), w - w.mean()
    length = float((np.abs(apart) ** 2).sum())
    if length == 0:
        raise InputError("expected at least two different points, got the same one")
    a = complex((apart.conj() * drift).sum() / length)
    return a, complex(w.mean() - a * z.mean())


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "images") from error
    return cv2
