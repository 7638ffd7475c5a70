"""Optical flow between two grey pictures, dense and sparse, and the move of the camera that explains most of it.

A field says where every pixel goes: float32 H x W x 2, (x, y) in pixels, x to the right and y down. Positions are of
pixel centres; a camera move is about the middle of the picture.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.errors import InputError, MissingExtraError

__all__ = [
    "CameraMove",
    "Tracks",
    "camera_field",
    "camera_move",
    "dense",
    "flow_picture",
    "opencv",
    "residual",
    "sparse",
]

Grey = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]

SMALLEST = 32
QUALITY, CONTRAST, APART = 0.01, 1e-4, 7
"""Corners: at least this share of the best one, this strong (some 3 grey levels), this many px from each other."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """Corners of one picture that were found again in the next.

    Attributes:
        corners: how many corners were looked for.
        start: (n, 2) float32, where those lie that were found again, (x, y) in px.
        end: (n, 2) float32, where they lie in the next picture.
    """

    corners: int
    start: npt.NDArray[np.float32]
    end: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CameraMove:
    """How the picture as a whole moves from one frame to the next, about its middle.

    Attributes:
        dx: px to the right; a camera that pans right moves the picture to the left.
        dy: px down; a camera that tilts up moves the picture down.
        scale: above 1 the picture grows, as when the camera zooms in.
        turn: degrees clockwise; a camera that rolls clockwise turns the picture counter-clockwise.
        inliers: how many tracks move so, to within a pixel.
    """

    dx: float
    dy: float
    scale: float
    turn: float
    inliers: int


def dense(before: Grey, after: Grey) -> Field:
    """Where every pixel goes: dense inverse search.

    Args:
        before: H x W, uint8.
        after: the next picture, of the same size.

    Returns:
        H x W x 2, float32, px. Plain surfaces take the motion of what is around them.

    Raises:
        InputError: these are not two grey pictures of one size.

    References:
        Kroeger, Timofte, Dai & Van Gool (2016), doi:10.1007/978-3-319-46493-0_29.
    """
    height, width = _checked(before, after)
    cv2 = opencv()
    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    # smaller pictures than its patches need are continued over the edge
    room = (0, max(0, SMALLEST - height), 0, max(0, SMALLEST - width))
    before, after = (cv2.copyMakeBorder(x, *room, cv2.BORDER_REPLICATE) for x in (before, after))
    return np.asarray(method.calc(before, after, None)[:height, :width], dtype=np.float32)


def sparse(before: Grey, after: Grey, most: int = 400) -> Tracks:
    """Where the corners go: Shi & Tomasi's corners, pyramidal Lucas-Kanade, there and back again within a pixel.

    Args:
        before: H x W, uint8.
        after: the next picture, of the same size.
        most: corners to look for, the strongest first.

    Returns:
        The corners that come back, on the way back from ``after``, to less than 1 px from where they began.

    Raises:
        InputError: these are not two grey pictures of one size.

    References:
        Shi & Tomasi (1994), doi:10.1109/CVPR.1994.323794; Bouguet (2000), Pyramidal Implementation of the Lucas Kanade
        Feature Tracker; Kalal, Mikolajczyk & Matas (2010), doi:10.1109/ICPR.2010.675.
    """
    _checked(before, after)
    cv2 = opencv()
    points = _corners(before, most)
    if not len(points):
        return Tracks(0, points, points)
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points[:, None], None)
    back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None)
    there, back = there[:, 0], back[:, 0]
    kept = (found[:, 0] == 1) & (again[:, 0] == 1) & (np.linalg.norm(points - back, axis=1) < 1)
    return Tracks(len(points), points[kept], there[kept])


def camera_move(tracks: Tracks, width: int, height: int) -> CameraMove | None:
    """The shift, zoom and turn that most tracks agree on to within 1 px: RANSAC, then least squares.

    Args:
        tracks: as from `sparse`.
        width: of the picture, px.
        height: of the picture, px.

    Returns:
        The move, the same every time; None if fewer than two tracks agree on one.

    References:
        Fischler & Bolles (1981), doi:10.1145/358669.358692.
    """
    if len(tracks.start) < 2:
        return None
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix, inliers = opencv().estimateAffinePartial2D(
        tracks.start - middle, tracks.end - middle, ransacReprojThreshold=1.0
    )
    if matrix is None or not matrix[:, 0].any():
        return None
    (a, _, dx), (b, _, dy) = matrix.tolist()
    return CameraMove(dx, dy, math.hypot(a, b), math.degrees(math.atan2(b, a)), int(inliers.sum()))


def camera_field(move: CameraMove, width: int, height: int) -> Field:
    """Where every pixel would go if nothing but the camera moved: H x W x 2, float32, px."""
    turn = math.radians(move.turn)
    a, b = move.scale * math.cos(turn), move.scale * math.sin(turn)
    x, y = np.arange(width) - (width - 1) / 2, (np.arange(height) - (height - 1) / 2)[:, None]
    field = np.empty((height, width, 2), np.float32)
    field[..., 0] = (a - 1) * x - b * y + move.dx
    field[..., 1] = b * x + (a - 1) * y + move.dy
    return field


def residual(flow: Field, camera: Field) -> npt.NDArray[np.float32]:
    """How far every pixel goes beside the move of the camera: the motion of things.

    Args:
        flow: H x W x 2, px, as from `dense`.
        camera: H x W x 2, px, as from `camera_field`.

    Returns:
        H x W, float32, px; NaN where the camera takes the pixel out of the picture, so that it cannot be followed.
    """
    height, width = flow.shape[:2]
    beside = np.hypot(flow[..., 0] - camera[..., 0], flow[..., 1] - camera[..., 1])
    x, y = np.arange(width) + camera[..., 0], np.arange(height)[:, None] + camera[..., 1]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return np.where(inside, beside, np.float32(np.nan))


def flow_picture(flow: Field, fastest: float | None = None) -> npt.NDArray[np.uint8]:
    """A field in colours, for people: the hue is the direction, and the stronger the colour the faster.

    Red goes right, then clockwise: yellow-green down, cyan left, violet up. White stands still.

    Args:
        flow: H x W x 2, px.
        fastest: the speed of the strongest colour, px; None for the fastest pixel of this field.

    Returns:
        RGB, H x W x 3, uint8.

    References:
        In the manner of Baker et al. (2011), doi:10.1007/s11263-010-0390-2.
    """
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise InputError(
            f"expected a field of H x W x 2, got {' x '.join(map(str, flow.shape))}; make one with dense()"
        )
    x, y = flow[..., 0].astype(np.float64), flow[..., 1].astype(np.float64)
    speed = np.hypot(x, y)
    top = float(speed.max(initial=0)) if fastest is None else fastest
    strength = np.clip(speed / top, 0, 1) if top > 0 else np.zeros_like(speed)
    sixths = (np.arctan2(y, x) / (2 * np.pi) % 1 * 6)[..., None]
    pure = np.clip(np.abs((sixths + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return np.asarray(np.round(255 * (1 - strength[..., None] * (1 - pure))), dtype=np.uint8)


def opencv() -> Any:
    """The module cv2.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "video") from error
    return cv2


def _corners(picture: Grey, most: int) -> npt.NDArray[np.float32]:
    """(n, 2) float32; none of those that the noise of a plain surface makes."""
    cv2 = opencv()
    points, strength = cv2.goodFeaturesToTrackWithQuality(picture, most, QUALITY, APART, None)
    if points is None:
        return np.empty((0, 2), np.float32)
    return np.asarray(points[:, 0][np.ravel(strength) >= CONTRAST], dtype=np.float32)


def _checked(before: Grey, after: Grey) -> tuple[int, int]:
    for picture in (before, after):
        if picture.dtype != np.uint8 or picture.ndim != 2 or not picture.size:
            shape = " x ".join(map(str, picture.shape))
            raise InputError(f"expected a grey picture, uint8 H x W, got {picture.dtype} {shape}")
    if before.shape != after.shape:
        raise InputError(f"expected two pictures of one size, got {before.shape} and {after.shape}")
    return before.shape[0], before.shape[1]
