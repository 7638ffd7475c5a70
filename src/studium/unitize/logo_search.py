"""The search for logos in one picture: poses from local features are laid over it, moved to fit, and judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, log

import numpy as np
from numpy.typing import NDArray

from studium.measure.contours import Matrix
from studium.measure.local_features import Pose, features, poses
from studium.measure.registration import (
    Agreement,
    Pyramid,
    agreement,
    corners_of,
    distortion,
    plausible,
    refined,
)
from studium.media.region import Box
from studium.media.transform import Picture
from studium.unitize.logo_references import References

__all__ = ["Evidence", "Logo", "confidence", "find_logos", "judged"]

NEIGHBOURS = 6  # features of references that each feature of the picture is compared with
TRIED, REFINED = 120, 30  # poses that are laid over the picture, and the best of them that are moved to fit
SMALLEST = 16.0  # px, longer side of a mark that is looked for
NARROWEST = 12  # px, shorter side of a picture that is searched
SHARED = 0.5  # share of the smaller of two boxes that both cover, from which on they show one mark

# Logistic regression of what `Evidence.numbers` says, fitted by `python benchmarks/logos.py fit`.
INTERCEPT = -11.0538
WEIGHTS = (6.8931, 4.1990, 0.5444, 1.9553, -6.4480)


@dataclass(frozen=True)
class Evidence:
    """What speaks for a mark, as far as it can be measured.

    Attributes:
        agreement: of the picture with the reference that is laid over it.
        support: of its pose among the matched features.
        inliers: features of the picture that support it.
        stretch: how far the reference had to be distorted (`studium.measure.registration.Distortion`).
    """

    agreement: Agreement
    support: float
    inliers: int
    stretch: float

    @property
    def numbers(self) -> tuple[float, ...]:
        """What the logistic regression looks at."""
        logs = (self.support + 0.1, self.inliers, self.stretch)
        return (self.agreement.edges, self.agreement.contour, *(log(number) for number in logs))


@dataclass(frozen=True, eq=False)
class Logo:
    """A place of a picture that may show a mark.

    Attributes:
        brand: whose.
        box: around it, within the picture, px.
        corners: 4 x 2, px, clockwise from the upper left of the reference; may lie outside the picture.
        evidence: what speaks for it.
        confidence: probability that it is one.
    """

    brand: str
    box: Box
    corners: Matrix
    evidence: Evidence
    confidence: float


def find_logos(picture: Picture, references: References, threshold: float, pixels: int) -> list[Logo]:
    """The marks in a picture, the most confident first; of several that share a place, that one.

    Args:
        picture: RGB uint8, H x W x 3.
        references: what to look for.
        threshold: least confidence.
        pixels: a larger picture is shrunk to so many first.
    """
    found: list[Logo] = []
    for logo in sorted(judged(picture, references, pixels), key=lambda logo: (-logo.confidence, logo.box)):
        if logo.confidence >= threshold and all(_shared(logo.box, other.box) <= SHARED for other in found):
            found.append(logo)
    return found


def judged(picture: Picture, references: References, pixels: int) -> list[Logo]:
    """Every place that was looked at closely, with the probability that it shows a mark; in no order."""
    import cv2

    height, width = picture.shape[:2]
    if min(height, width) < NARROWEST:
        return []
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    factor = min(1.0, (pixels / (height * width)) ** 0.5)
    if factor < 1:
        shape = (max(1, round(width * factor)), max(1, round(height * factor)))
        grey = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)
    pyramid = Pyramid(grey)
    scale = np.array((width / grey.shape[1], height / grey.shape[0]))
    found = [_placed(*one, references, scale, (height, width)) for one in _fitted(grey, pyramid, references)]
    return [logo for logo in found if logo is not None]


def confidence(evidence: Evidence) -> float:
    """Probability that this evidence is of a mark, among pictures half of which show one."""
    return 1 / (1 + exp(-INTERCEPT - sum(w * x for w, x in zip(WEIGHTS, evidence.numbers, strict=True))))


def _fitted(grey: NDArray[np.uint8], pyramid: Pyramid, references: References) -> list[tuple[Pose, Matrix, Agreement]]:
    """The most promising poses, moved to fit the picture."""
    seen = features(grey)
    matches = references.index.nearest(seen, NEIGHBOURS)
    found = [pose for pose in poses(seen, references.index, matches) if _possible(pose, references, grey.shape)]
    tried = []
    for pose in found[:TRIED]:
        number, inverted = divmod(pose.owner, 2)
        tried.append((pose, agreement(pyramid, references.all[number].template, pose.matrix, bool(inverted))))
    tried.sort(key=lambda one: -(one[1].edges + 0.05 * min(one[0].support, 6)))
    return [_moved(pose, known, pyramid, references) for pose, known in tried[:REFINED]]


def _moved(pose: Pose, known: Agreement, pyramid: Pyramid, references: References) -> tuple[Pose, Matrix, Agreement]:
    """A pose moved to fit, if that is a plausible one and fits better."""
    number, inverted = divmod(pose.owner, 2)
    template = references.all[number].template
    matrix = refined(pyramid, template, pose.matrix, bool(inverted))
    if plausible(matrix, template, pose.matrix):
        better = agreement(pyramid, template, matrix, bool(inverted))
        if better.edges > known.edges:
            return pose, matrix, better
    return pose, pose.matrix, known


def _placed(
    pose: Pose, matrix: Matrix, known: Agreement, references: References, scale: Matrix, shape: tuple[int, int]
) -> Logo | None:
    """A mark in px of the picture, and how sure it is; None if it lies outside."""
    reference = references.all[pose.owner // 2]
    corners = corners_of(matrix, reference.template)
    evidence = Evidence(known, pose.support, pose.inliers, distortion(corners, reference.template).stretch)
    corners = (corners + 0.5) * scale  # from centres of pixels to their edges, as boxes are meant
    low, high = corners.min(axis=0), corners.max(axis=0)
    box = (max(0, floor(low[0])), max(0, floor(low[1])), min(shape[1], ceil(high[0])), min(shape[0], ceil(high[1])))
    if box[2] <= box[0] or box[3] <= box[1]:
        return None
    return Logo(reference.brand, box, corners, evidence, confidence(evidence))


def _possible(pose: Pose, references: References, shape: Sequence[int]) -> bool:
    """Whether a mark is neither too small nor much larger than the picture, and its middle lies in it."""
    template = references.all[pose.owner // 2].template
    size = float(np.hypot(*pose.matrix[:2, 0]))
    x, y, _ = pose.matrix @ (template.wide / 2, template.high / 2, 1)
    return SMALLEST <= size < 1.5 * max(shape) and 0 <= x < shape[1] and 0 <= y < shape[0]


def _shared(one: Box, other: Box) -> float:
    wide = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    return wide * high / min((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
