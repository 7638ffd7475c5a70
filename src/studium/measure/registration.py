"""Registration: lay a template exactly over the place in a picture that may show it, and say how well the two agree."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studium.measure.contours import Grey, Matrix, contour, edges_beside, gradient, moved, sampled

__all__ = [
    "Agreement",
    "Distortion",
    "Pyramid",
    "Template",
    "agreement",
    "corners_of",
    "distortion",
    "plausible",
    "refined",
    "template",
]

SIDE, LONGEST = 48, 96  # px of a template: root of its area, and its longer side at most
MARGIN = 9  # px around it
BAND = 3  # px around what is opaque that are compared, too
BLUR = 0.8  # sigma, px of a template
REACHES = (5.0, 5.0, 4.0, 3.0, 2.0, 2.0)  # px of a template to either side where its contour is looked for
CELLS = 5  # for leaving out what is hidden, templates are cut into 5 x 5
CAP = 1.5  # of the median steepness on the template's contours
ALONG = 0.9  # cosine of 26 degrees
HIDDEN = 1 / 3  # share of a mark's contours that may be hidden
STRETCH, TAPER = 2.0, 1.7  # the greatest distortions of a mark that is seen from the side
GROWTH = 2.5  # of the area over that of the pose that was refined


@dataclass(frozen=True, eq=False)
class Template:
    """A reference picture, made small.

    Attributes:
        grey: H x W float32, 0 to 1.
        mask: H x W, 1 where it is compared.
        to: 3 x 3, from coordinates of the reference (its longer side is 1) to px of the template.
        wide: width in coordinates of the reference; the longer side is 1.
        high: height.
        gradient: of ``grey``, across and down.
        contour: n x 2, px of the template: the points where it is steepest.
        normals: n x 2, of length 1: where it gets lighter there.
    """

    grey: Grey
    mask: Grey
    to: Matrix
    wide: float
    high: float
    gradient: tuple[Grey, Grey]
    contour: Matrix
    normals: Matrix


class Agreement(NamedTuple):
    """How well a picture agrees with a template that is laid over it; each is at most 1.

    Attributes:
        edges: correlation of the gradients, without the cells that agree least, up to a third of the contours.
        contour: share of the template's contour where the picture gets lighter to the same side, within 26 degrees.
    """

    edges: float
    contour: float


class Distortion(NamedTuple):
    """What perspective has done to a mark; both 1 for a mark seen from the front.

    Attributes:
        stretch: longest over shortest axis of what became of a circle.
        taper: longest side of the mark's frame over the one opposite to it, the greater of both pairs.
    """

    stretch: float
    taper: float


class Pyramid:
    """A picture at 1, 1/2, 1/4 ... of its size, for looking at parts of it at any size without aliasing."""

    def __init__(self, grey: NDArray[np.uint8]) -> None:
        """Halve the picture until its shorter side is 40 px."""
        import cv2

        self.levels = [grey.astype(np.float32) / 255]
        while min(self.levels[-1].shape) > 40:
            self.levels.append(cv2.pyrDown(self.levels[-1]))

    def cut(self, pose: Matrix, given: Template) -> Grey:
        """What lies in the picture where the pose lays the template, as large as the template."""
        import cv2

        area = cv2.contourArea(corners_of(pose, given).astype(np.float32))
        scale = np.sqrt(max(area / (given.to[0, 0] * given.wide * given.to[1, 1] * given.high), 1e-12))
        level = int(np.clip(np.floor(np.log2(scale) + 0.4), 0, len(self.levels) - 1))
        matrix = np.diag((2.0**-level, 2.0**-level, 1.0)) @ pose @ np.linalg.inv(given.to)
        shape = given.grey.shape[::-1]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpPerspective(self.levels[level], matrix, shape, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cut, np.float32)


def template(grey: Grey, opacity: Grey, ground: float | None) -> Template:
    """A template of a reference picture.

    Args:
        grey: H x W float32, 0 to 1, without margins.
        opacity: H x W float32, 0 to 1; what is transparent is not compared, but for a narrow band.
        ground: grey level of what is transparent; None if nothing is.
    """
    import cv2

    longer = max(grey.shape)
    high, wide = (length / longer for length in grey.shape)
    side = min(SIDE / np.sqrt(wide * high), LONGEST)  # elongated marks are as large in area
    shape = (max(4, round(side * wide)), max(4, round(side * high)))
    margins = (MARGIN, MARGIN, MARGIN, MARGIN)
    small, solid = (cv2.resize(values, shape, interpolation=cv2.INTER_AREA) for values in (grey, opacity))
    solid = cv2.copyMakeBorder(solid, *margins, cv2.BORDER_CONSTANT, value=0.0)
    mask = (solid > 0.25).astype(np.float32)
    if ground is None:
        small = cv2.copyMakeBorder(small, *margins, cv2.BORDER_REPLICATE)
    else:
        small = cv2.copyMakeBorder(small, *margins, cv2.BORDER_CONSTANT, value=ground)
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BAND + 1, 2 * BAND + 1)))
    to = np.array([(shape[0] / wide, 0, MARGIN - 0.5), (0, shape[1] / high, MARGIN - 0.5), (0, 0, 1)])
    smooth = np.asarray(cv2.GaussianBlur(small, (0, 0), BLUR), np.float32)
    steps = gradient(smooth)
    return Template(smooth, mask, to, wide, high, steps, *contour(*steps, mask))


def refined(pyramid: Pyramid, given: Template, pose: Matrix, inverted: bool) -> Matrix:
    """The pose, moved so that the template's contours lie on edges of the picture.

    Beside each point of the contour the steepest edge of the right direction is looked for along the normal, and the
    template moves there, six times, from ever nearer (Drummond and Cipolla 2002).

    Args:
        pyramid: of the picture.
        given: the template.
        pose: 3 x 3, from coordinates of the reference to px of the picture.
        inverted: whether the picture shows it with dark and light exchanged.

    Returns:
        3 x 3, a homography.
    """
    units = _centred(given)
    to = units @ given.to
    at = pose @ np.linalg.inv(to)  # from centred coordinates of the template
    normals = -given.normals if inverted else given.normals
    for reach in REACHES:
        apart, strength = edges_beside(pyramid.cut(at @ to, given), given.contour, normals, reach)
        at = at @ moved(given.contour @ units[:2, :2].T + units[:2, 2], normals, apart * units[0, 0], strength)
        at /= at[2, 2]
    return at @ to


def agreement(pyramid: Pyramid, given: Template, pose: Matrix, inverted: bool) -> Agreement:
    """How well the picture agrees with a template there.

    Args:
        pyramid: of the picture.
        given: the template.
        pose: where it is laid.
        inverted: whether the picture shows it with dark and light exchanged.
    """
    import cv2

    seen = np.asarray(cv2.GaussianBlur(pyramid.cut(pose, given), (0, 0), 0.5), np.float32)
    across, down = _capped(*gradient(seen), np.hypot(*given.gradient))
    if inverted:
        across, down = -across, -down
    return Agreement(_correlated(across, down, given), _followed(across, down, given))


def corners_of(pose: Matrix, given: Template) -> Matrix:
    """4 x 2, px of the picture: the corners of the reference, clockwise from its upper left."""
    flat = np.array([(0, 0, 1), (given.wide, 0, 1), (given.wide, given.high, 1), (0, given.high, 1)]) @ pose.T
    return np.asarray(flat[:, :2] / flat[:, 2:])


def distortion(corners: Matrix, given: Template) -> Distortion:
    """How far the quadrilateral is from the reference's own shape."""
    flat = np.array([(0, 0), (given.wide, 0), (given.wide, given.high), (0, given.high)])
    linear = np.linalg.lstsq(flat - flat.mean(axis=0), corners - corners.mean(axis=0), rcond=None)[0]
    low, high = np.sort(np.linalg.svd(linear)[1])
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).reshape(2, 2)
    taper = (sides.max(axis=0) / np.maximum(sides.min(axis=0), 1e-6)).max()
    return Distortion(float(high / max(low, 1e-6)), float(taper))


def plausible(pose: Matrix, given: Template, start: Matrix) -> bool:
    """Whether a pose is one that a flat mark can have: convex, not mirrored, near the similarity that it came from."""
    import cv2

    corners, before = corners_of(pose, given).astype(np.float32), corners_of(start, given).astype(np.float32)
    if not np.isfinite(corners).all() or not cv2.isContourConvex(corners):
        return False
    grown = cv2.contourArea(corners, True) / cv2.contourArea(before, True)  # negative if mirrored
    stretch, taper = distortion(corners.astype(np.float64), given)
    return bool(1 / GROWTH < grown < GROWTH and stretch < STRETCH and taper < TAPER)


def _capped(across: Grey, down: Grey, known: Grey) -> tuple[Grey, Grey]:
    """Gradients of a picture, none much steeper than is usual on the template's contours, so that no clutter rules."""
    steep = np.hypot(across, down)
    cap = CAP * np.median(steep[known > 0.5 * known.max()]) + 1e-6
    factor = np.minimum(1, cap / np.maximum(steep, 1e-9))
    return across * factor, down * factor


def _correlated(across: Grey, down: Grey, given: Template) -> float:
    """Correlation of gradients with the template's over the cells that fit best."""
    known_across, known_down = given.gradient
    both = _cells((across * known_across + down * known_down) * given.mask)
    here, there = _cells((across**2 + down**2) * given.mask), _cells((known_across**2 + known_down**2) * given.mask)
    gain = both.sum() / (there.sum() + 1e-9)
    misfit = (here - 2 * gain * both + gain**2 * there) / (there + 0.02 * there.mean())
    worst = np.argsort(-misfit)
    kept = np.ones(len(both), bool)
    kept[worst[np.cumsum(there[worst]) <= HIDDEN * there.sum()]] = False
    return float(both[kept].sum() / np.sqrt(here[kept].sum() * there[kept].sum() + 1e-9))


def _followed(across: Grey, down: Grey, given: Template) -> float:
    """Share of the contour where the gradient points along the template's normal."""
    xs, ys = given.contour.T
    here = np.stack([sampled(across, xs, ys).ravel(), sampled(down, xs, ys).ravel()], axis=1)
    cosine = (here * given.normals).sum(axis=1) / (np.linalg.norm(here, axis=1) + 1e-6)
    return float((cosine > ALONG).mean())


def _cells(values: Grey) -> Matrix:
    """Sums over cells of equal size."""
    import cv2

    means = cv2.resize(values, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(means.ravel() * values.size / CELLS**2, np.float64)


def _centred(given: Template) -> Matrix:
    """From px of the template to coordinates from -1 to 1 around its middle, so that the steps are well scaled."""
    height, width = given.grey.shape
    return np.array([(2 / SIDE, 0, -(width - 1) / SIDE), (0, 2 / SIDE, -(height - 1) / SIDE), (0, 0, 1)])
