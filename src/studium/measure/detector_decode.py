"""Outputs of object detectors to boxes, confidences and class numbers: a function for each family of outputs.

Boxes are n x 4 (x0, y0, x1, y1) in pixels of the network's input, confidences 0 to 1. Of a place in a YOLO grid, and of
a query of DETR, only the most probable class counts; beyond that nothing is left out here.

References:
    YOLOX: Ge et al. (2021), doi:10.48550/arXiv.2107.08430; DETR: Carion et al. (2020),
    doi:10.1007/978-3-030-58452-8_13; RT-DETR: Zhao et al. (2024), doi:10.48550/arXiv.2304.08069; SSD: Liu et al.
    (2016), doi:10.1007/978-3-319-46448-0_2.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from studium.errors import InputError
from studium.measure.detector_description import Description

__all__ = ["SUPPRESSED", "Candidates", "Named", "corners", "decode", "detr", "recognise", "rt_detr", "taken"]

SUPPRESSED = frozenset({"yolov5", "yolov8", "yolox"})
"""Families that say one object many times, so that all but the most confident box must be suppressed."""

STRIDES = (8, 16, 32)

Array = npt.NDArray[Any]
Named = Sequence[tuple[str, Array]]
Size = tuple[int, int]


class Candidates(NamedTuple):
    """What a network proposes: n x 4 corners, n confidences, n class numbers from 0 on."""

    boxes: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]


def taken(found: Candidates, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Candidates:
    """Some of them, by number or by yes and no."""
    return Candidates(found.boxes[rows], found.confidence[rows], found.classes[rows])


def decode(family: str, outputs: Named, description: Description, size: Size) -> Candidates:
    """What the outputs of a network say about one picture.

    Args:
        family: of the outputs, one of `studium.measure.detector_description.CONVENTIONS`.
        outputs: name and values of each.
        description: of the network.
        size: height and width of its input.

    Raises:
        InputError: they are not those of the family, or not of that many classes.
    """
    return _DECODERS[family](outputs, description, size)


def detr(logits: Array, boxes: Array, size: Size) -> Candidates:
    """DETR: a softmax over the classes and "no object", which comes last.

    Args:
        logits: queries x (classes + 1).
        boxes: queries x 4, centre and sides as shares.
        size: height and width that the shares are of.
    """
    odds = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares = (odds / odds.sum(axis=1, keepdims=True))[:, :-1]
    return Candidates(corners(boxes, size), *_most_probable(shares))


def rt_detr(logits: Array, boxes: Array, size: Size) -> Candidates:
    """RT-DETR, D-FINE, Deformable DETR: a sigmoid for each class; as many (query, class) pairs as there are queries.

    Args:
        logits: queries x classes.
        boxes: queries x 4, centre and sides as shares.
        size: height and width that the shares are of.
    """
    with np.errstate(over="ignore"):  # exp(800) is infinite, and the probability 0
        shares = (1 / (1 + np.exp(-logits.astype(np.float64)))).ravel()
    best = np.argsort(-shares, kind="stable")[: len(logits)]
    queries, classes = np.divmod(best, logits.shape[1])
    return Candidates(corners(boxes, size)[queries], shares[best], classes)


def corners(boxes: Array, size: Size = (1, 1)) -> npt.NDArray[np.float64]:
    """Corners in px (n x 4) of boxes that say centre and sides, in shares of ``size`` (height, width), or px."""
    centre, half = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64) / 2
    return np.concatenate([centre - half, centre + half], axis=1) * [size[1], size[0], size[1], size[0]]


def recognise(outputs: Named, names: int, size: Size) -> dict[str, Any]:
    """Family of the outputs of a network, and what else follows from them, if their shapes leave no doubt.

    Args:
        outputs: name and values of each.
        names: how many classes it has.
        size: height and width of its input.

    Raises:
        InputError: there is doubt; the message says what to write.
    """
    shapes = [_single(values).shape for _, values in outputs]
    places = sum(rows * columns for rows, columns in _cells(size))
    if {"detection_boxes", "detection_scores", "detection_classes"} <= {name.split(":")[0] for name, _ in outputs}:
        return {"family": "boxes", "corners": "yxyx", "unit": "share", "first": 1}  # as TensorFlow exports
    if len(shapes) == 1 and len(shapes[0]) == 2:
        fits = {
            "yolov8": shapes[0] == (4 + names, places),
            "yolov5": shapes[0] == (3 * places, 5 + names),
            "end-to-end": shapes[0][1] == 6 and shapes[0][0] not in {places, 3 * places},
        }
        if sum(fits.values()) == 1:
            return {"family": max(fits, key=lambda family: fits[family])}
    if len(shapes) == 2 and all(len(shape) == 2 for shape in shapes) and shapes[0][0] == shapes[1][0]:
        for classes, family in ((names, "rt-detr"), (names + 1, "detr")):
            if sorted((shapes[0][1], shapes[1][1])) == sorted((classes, 4)):
                return {"family": family}
    raise InputError(
        f"the outputs {_shapes(outputs)} of a model with {names} classes fit no family of detectors for certain; say "
        f"which in its description: {', '.join(_DECODERS)}"
    )


def _cells(size: Size) -> list[Size]:
    """Rows and columns of the grids that YOLO lays over its input."""
    return [(size[0] // stride, size[1] // stride) for stride in STRIDES]


def _yolov8(outputs: Named, description: Description, size: Size) -> Candidates:
    """YOLOv8, YOLO11: (4 + classes) x places, centre and sides in px."""
    (values,) = _arrays(outputs, 1, "yolov8")
    _expect(values, (4 + len(description.names), -1), "yolov8: 4 + number of classes, places")
    return Candidates(corners(values[:4].T), *_most_probable(values[4:].T))


def _yolov5(outputs: Named, description: Description, size: Size) -> Candidates:
    """YOLOv5, YOLOv7: places x (5 + classes), centre and sides in px, probability of an object, of each class."""
    (values,) = _arrays(outputs, 1, "yolov5")
    _expect(values, (-1, 5 + len(description.names)), "yolov5: places, 5 + number of classes")
    return Candidates(corners(values[:, :4]), *_most_probable(values[:, 5:] * values[:, 4:5]))


def _yolox(outputs: Named, description: Description, size: Size) -> Candidates:
    """YOLOX: as YOLOv5, but centres relative to their cell and logarithms of the sides, in strides."""
    (values,) = _arrays(outputs, 1, "yolox")
    places = sum(rows * columns for rows, columns in _cells(size))
    _expect(values, (places, 5 + len(description.names)), "yolox: cells of all grids, 5 + number of classes")
    grids = [np.stack(np.meshgrid(np.arange(wide), np.arange(high)), -1).reshape(-1, 2) for high, wide in _cells(size)]
    strides = np.repeat(STRIDES, [len(grid) for grid in grids])[:, None]
    centres = (values[:, :2] + np.concatenate(grids)) * strides
    boxes = np.concatenate([centres, np.exp(values[:, 2:4].astype(np.float64)) * strides], axis=1)
    return Candidates(corners(boxes), *_most_probable(values[:, 5:] * values[:, 4:5]))


def _end_to_end(outputs: Named, description: Description, size: Size) -> Candidates:
    """YOLOv10, YOLO26, and YOLO with suppression built in: n x (corners, confidence, class); unused rows are 0."""
    (values,) = _arrays(outputs, 1, "end-to-end")
    _expect(values, (-1, 6), "end-to-end: boxes, 6")
    return _listed(values[:, :4], values[:, 4], values[:, 5], description, size)


def _boxes(outputs: Named, description: Description, size: Size) -> Candidates:
    """SSD, Faster R-CNN and whatever else gives boxes, labels and scores."""
    boxes, labels, scores = _told_apart(outputs)
    return _listed(boxes, scores, labels, description, size)


def _detr(outputs: Named, description: Description, size: Size) -> Candidates:
    logits, boxes = _queries(outputs, len(description.names) + 1, "detr: queries, number of classes + 1")
    return detr(logits, boxes, size)


def _rt_detr(outputs: Named, description: Description, size: Size) -> Candidates:
    logits, boxes = _queries(outputs, len(description.names), "rt-detr: queries, number of classes")
    return rt_detr(logits, boxes, size)


_DECODERS: Mapping[str, Callable[[Named, Description, Size], Candidates]] = {
    "yolov5": _yolov5,
    "yolov8": _yolov8,
    "yolox": _yolox,
    "end-to-end": _end_to_end,
    "detr": _detr,
    "rt-detr": _rt_detr,
    "boxes": _boxes,
}


def _arrays(outputs: Named, count: int, family: str) -> list[Array]:
    """The values of the one picture, without the axis of the batch."""
    if len(outputs) != count:
        raise InputError(f"{family} has {count} output{'s' * (count > 1)}, the model has {_shapes(outputs)}")
    return [_single(values) for _, values in outputs]


def _single(values: Array) -> Array:
    return values[0] if values.ndim == 3 and len(values) == 1 else values


def _expect(values: Array, shape: tuple[int, int], said: str) -> None:
    if values.ndim != 2 or any(want not in (-1, got) for want, got in zip(shape, values.shape, strict=True)):
        want = " x ".join("any" if side == -1 else str(side) for side in shape)
        raise InputError(f"expected {want} ({said}), the model says {' x '.join(map(str, values.shape))}: see names")


def _queries(outputs: Named, classes: int, said: str) -> list[Array]:
    """Logits, then boxes."""
    pair = _arrays(outputs, 2, said.split(":", maxsplit=1)[0])
    boxes = [n for n, (name, _) in enumerate(outputs) if "box" in name.lower()]
    at = boxes[0] if len(boxes) == 1 else int(pair[1].shape[-1] == 4)
    logits, found = pair[1 - at], pair[at]
    _expect(logits, (len(found), classes), said)
    _expect(found, (len(logits), 4), "boxes: queries, 4")
    return [logits, found]


def _told_apart(outputs: Named) -> tuple[Array, Array, Array]:
    """Boxes, labels and scores, by their shapes, names and types; a count of boxes is of no use."""
    batched = any(values.ndim == 3 and len(values) == 1 for _, values in outputs)
    flat = [(name.lower(), values[0] if batched and values.ndim else values) for name, values in outputs]
    boxes = [values for name, values in flat if values.ndim == 2 and values.shape[1] == 4]
    lists = [(name, values) for name, values in flat if values.ndim == 1 and "num" not in name]
    named = [v for n, v in lists if "label" in n or "class" in n] or [v for _, v in lists if v.dtype.kind in "iu"]
    if not (len(boxes) == len(named) == 1 and len(lists) == 2):
        raise InputError(f"expected boxes (n x 4), labels (n) and scores (n), the model has {_shapes(outputs)}")
    (scores,) = [values for _, values in lists if values is not named[0]]
    if not len(boxes[0]) == len(named[0]) == len(scores):
        raise InputError(f"expected as many boxes as labels and scores, the model has {_shapes(outputs)}")
    return boxes[0], named[0], scores


def _listed(boxes: Array, scores: Array, labels: Array, description: Description, size: Size) -> Candidates:
    """Boxes with a class each, in the order and unit that the description says."""
    moved = boxes.astype(np.float64)[:, [1, 0, 3, 2] if description.corners == "yxyx" else [0, 1, 2, 3]]
    if description.unit == "share":
        moved = moved * [size[1], size[0], size[1], size[0]]
    if not np.isfinite(labels).all():
        raise InputError("the model says class numbers that are not finite (NaN or infinite)")
    return Candidates(moved, scores.astype(np.float64), labels.astype(np.int64) - description.first)


def _most_probable(shares: Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    classes = shares.argmax(axis=1)
    return np.take_along_axis(shares, classes[:, None], axis=1)[:, 0].astype(np.float64), classes


def _shapes(outputs: Named) -> str:
    return ", ".join(f"{name} {' x '.join(map(str, values.shape))}" for name, values in outputs) or "none"
