"""Contours: where a picture is steepest, where another one has edges beside them, and what moves the one to the other.

References:
    Drummond and Cipolla (2002), Real-time visual tracking of complex structures, doi:10.1109/TPAMI.2002.1017620.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["contour", "edges_beside", "gradient", "moved", "sampled"]

Grey = NDArray[np.float32]
Matrix = NDArray[np.float64]

STEEP = 0.3  # of the steepest point of a picture; what is less steep is no contour
STEPS = 17  # places beside a point of a contour that are looked at for an edge
NEARER = 0.3  # an edge at the end of the reach must be steeper by this share than one near by
TUKEY, LEAST = 3.0, 0.02  # spreads from which on a point does not count, and the least spread
FURTHEST = 0.1  # change of any number of a homography
DAMPING = np.array((3e-3,) * 6 + (1e-1,) * 2)  # of its affine and its perspective numbers


def gradient(grey: Grey) -> tuple[Grey, Grey]:
    """Change of the grey level per pixel, from left to right and from top to bottom."""
    import cv2

    across, down = (cv2.Scharr(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    return np.asarray(across / 32, np.float32), np.asarray(down / 32, np.float32)


def contour(across: Grey, down: Grey, mask: Grey) -> tuple[Matrix, Matrix]:
    """Points that are steeper than what lies on either side of them.

    Args:
        across: of the gradient, H x W.
        down: likewise.
        mask: H x W, 1 where they are looked for, else 0.

    Returns:
        n x 2, (x, y) in px, and n x 2, their normals: of length 1, to where it gets lighter.
    """
    steep = np.hypot(across, down) * mask
    normals = np.stack([across, down], axis=2) / np.maximum(steep, 1e-6)[..., None]
    ys, xs = np.mgrid[: steep.shape[0], : steep.shape[1]].astype(np.float32)
    before, after = (sampled(steep, xs + side * normals[..., 0], ys + side * normals[..., 1]) for side in (-1, 1))
    ridge = (steep > STEEP * steep.max()) & (steep >= before) & (steep > after)
    return np.stack([xs[ridge], ys[ridge]], axis=1).astype(np.float64), normals[ridge].astype(np.float64)


def sampled(values: Grey, xs: NDArray[Any], ys: NDArray[Any]) -> Grey:
    """Values between pixels, by bilinear interpolation; beyond the edge those of the edge."""
    import cv2

    where = (xs.astype(np.float32), ys.astype(np.float32))
    return np.asarray(cv2.remap(values, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def edges_beside(seen: Grey, points: Matrix, normals: Matrix, reach: float) -> tuple[Matrix, Matrix]:
    """The steepest edge of the right direction beside each point of a contour, along its normal.

    Args:
        seen: H x W, the picture that the contour lies on.
        points: n x 2, px.
        normals: n x 2, of length 1.
        reach: px to either side.

    Returns:
        How far it is, px, n; and how steep, from 0 to 1 for the median and what is above, n.
    """
    across, down = gradient(seen)
    offsets = np.linspace(-reach, reach, STEPS)
    xs, ys = (points[:, axis, None] + normals[:, axis, None] * offsets for axis in (0, 1))
    along = sampled(across, xs, ys) * normals[:, :1] + sampled(down, xs, ys) * normals[:, 1:]
    along = along * (1 - NEARER * np.abs(offsets) / reach)
    best = along.argmax(axis=1)
    strength = np.maximum(along[np.arange(len(points)), best], 0)
    return offsets[best], np.minimum(1, strength / (np.median(strength) + 1e-6))


def moved(points: Matrix, normals: Matrix, apart: Matrix, strength: Matrix) -> Matrix:
    """The homography near the identity that moves points to their edges: least squares with Tukey's weights.

    What was hidden, or lies on a patterned ground, counts little. The perspective is held back, since small marks tell
    little of it.

    Args:
        points: n x 2, in coordinates from about -1 to 1.
        normals: n x 2.
        apart: n, how far along its normal each should move.
        strength: n, how much it counts.

    Returns:
        3 x 3.
    """
    x, y = points.T
    across, down = normals.T
    along = -(across * x + down * y)
    design = np.stack([across * x, across * y, across, down * x, down * y, down, along * x, along * y], axis=1)
    weights, change = strength, np.zeros(8)
    for _ in range(3):
        normal = design.T @ (weights[:, None] * design)
        damped = normal + np.diag(DAMPING * (np.trace(normal) / 8 + 1e-9))
        change = np.linalg.solve(damped, design.T @ (weights * apart))
        left = apart - design @ change
        spread = TUKEY * (1.48 * np.median(np.abs(left)) + LEAST)
        weights = strength * np.clip(1 - (left / spread) ** 2, 0, 1) ** 2
    return np.asarray(np.eye(3) + np.append(np.clip(change, -FURTHEST, FURTHEST), 0).reshape(3, 3))
