"""Objects in pictures: what a detector proposes, chosen, checked and in whole pixels."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from studium.errors import InputError
from studium.measure.detector_decode import Candidates, taken
from studium.media.transform import Picture, check_rgb

__all__ = ["Detector", "Object", "find_objects", "suppress"]

STRAY = 0.5
"""How far a box may stick out of the picture, as a share of its larger side; further out, it was decoded wrongly."""

Boxes = npt.NDArray[np.float64]


class Detector(Protocol):
    """What finds objects: an `OnnxDetector`, a `HubDetector`, or your own.

    Attributes:
        names: of its classes.
        suppressed: whether it says one object many times, so that overlapping boxes must be suppressed.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Of its classes."""

    @property
    def suppressed(self) -> bool:
        """Whether it says one object many times."""

    def __call__(self, picture: Picture) -> Candidates:
        """What it proposes for an RGB picture; boxes in px of the picture."""


class Object(NamedTuple):
    """One object: its box (x0, y0, x1, y1; whole px of the picture, x1 and y1 exclusive), label and confidence."""

    box: tuple[int, int, int, int]
    label: str
    confidence: float


def find_objects(
    picture: Picture,
    detector: Detector,
    threshold: float = 0.5,
    overlap: float = 0.5,
    labels: Sequence[str] = (),
) -> list[Object]:
    """The objects in a picture, the most confident first; of those with the very same box only the most confident.

    Args:
        picture: RGB uint8, H x W x 3.
        detector: what to find them with.
        threshold: least confidence, 0 to 1.
        overlap: of two boxes of a label whose intersection over union is more than that, the less confident goes; for
            detectors that say one object many times.
        labels: which to keep; empty for all.

    Raises:
        InputError: the detector says what cannot be: no numbers, an unknown class, a box outside the picture.
    """
    height, width = check_rgb(picture).shape[:2]
    found = _sure(detector(picture), detector.names, threshold)
    if labels:
        found = taken(found, np.isin(found.classes, [n for n, name in enumerate(detector.names) if name in labels]))
    if detector.suppressed:
        found = taken(found, suppress(*found, overlap))
    objects: dict[tuple[int, int, int, int], Object] = {}
    for box, confidence, number in zip(found.boxes, found.confidence, found.classes, strict=True):
        whole = _whole(box, width, height)
        objects.setdefault(whole, Object(whole, detector.names[number], float(confidence)))
    return list(objects.values())


def suppress(
    boxes: Boxes, confidence: npt.NDArray[np.float64], classes: npt.NDArray[np.int64], overlap: float
) -> npt.NDArray[np.int64]:
    """Non-maximum suppression within each class.

    Args:
        boxes: n x 4, x0 y0 x1 y1.
        confidence: n.
        classes: n.
        overlap: intersection over union above which the less confident of two boxes goes.

    Returns:
        Which ones stay, the most confident first.
    """
    order = np.argsort(-confidence, kind="stable")
    areas = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        low, high = np.maximum(boxes[rest, :2], boxes[best, :2]), np.minimum(boxes[rest, 2:], boxes[best, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        union = areas[rest] + areas[best] - shared
        order = rest[(classes[rest] != classes[best]) | (shared <= overlap * union)]
    return np.array(kept, np.int64)


def _sure(found: Candidates, names: Sequence[str], threshold: float) -> Candidates:
    """Those that are confident enough, the most confident first."""
    if not np.isfinite(found.confidence).all():
        raise InputError("the detector says confidences that are not finite (NaN or infinite); are its weights whole?")
    low, high = (float(f(found.confidence, initial=0.5)) for f in (np.min, np.max))
    if low < -1e-3 or high > 1 + 1e-3:
        raise InputError(f"the detector says confidences from {low:.3g} to {high:.3g}, expected 0 to 1: see its family")
    order = np.argsort(-found.confidence, kind="stable")
    sure = taken(found, order[found.confidence[order] >= threshold])
    sure = sure._replace(confidence=np.clip(sure.confidence, 0, 1))
    if not np.isfinite(sure.boxes).all():
        raise InputError("the detector says boxes that are not finite (NaN or infinite); are its weights whole?")
    if len(sure.classes) and not (sure.classes.min() >= 0 and sure.classes.max() < len(names)):
        raise InputError(
            f"the detector says classes number {sure.classes.min()} to {sure.classes.max()}, but has {len(names)} "
            "names, numbers from 0 on: see names and first"
        )
    return sure


def _whole(box: npt.NDArray[np.float64], width: int, height: int) -> tuple[int, int, int, int]:
    """The box in whole px, at least one wide and high, without what sticks out of the picture.

    Raises:
        InputError: it lies outside, sticks out further than `STRAY`, or is upside down.
    """
    sides = np.array([width, height] * 2)
    out = np.maximum(-box, box - sides) / max(width, height)
    beside = box[0] >= width or box[1] >= height or box[2] <= 0 or box[3] <= 0
    if beside or out.max() > STRAY or box[2] < box[0] or box[3] < box[1]:
        corners = ", ".join(f"{value:.1f}" for value in box)
        raise InputError(
            f"the detector says the box ({corners}) in a picture of {width} x {height} px: see family, corners and "
            "unit in its description"
        )
    x0, y0, x1, y1 = (int(value) for value in np.rint(np.clip(box, 0, sides)))
    x0, y0 = min(x0, width - 1), min(y0, height - 1)
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)
