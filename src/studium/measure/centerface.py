"""CenterFace: where faces are in a picture of any size, with five landmarks each.

References:
    Xu, Yan, Yang & Liu (2020), CenterFace: Joint Face Detection and Alignment Using Face as Point, Scientific
    Programming, doi:10.1155/2020/7845384.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.errors import InputError, MissingExtraError
from studium.media.transform import Picture, check_rgb
from studium.networks.sessions import loaded, session

__all__ = ["MODEL", "SOURCE", "Face", "check_search", "find_faces", "network"]

MODEL = "centerface"
SOURCE = "10.1155/2020/7845384"

_GRAPH = "1"  # raised whenever the graph changes
_STEP = 32  # px; sides of what the network sees are multiples of it
_STRIDE = 4  # px from one of its answers to the next
_SAME = 0.3  # intersection over union from which on two boxes are one face
_FAINTEST = 8  # px; there is no telling of smaller ones
_REACH = 32  # px; the smallest face that the network finds reliably
_WHOLE = 80  # px; longer side from which on it finds a face that fills the picture
_COARSEST = 320  # px; longer side up to which it finds a face that fills the picture
_OCTAVE = 2  # times coarser is the next scale
_TILE = 960  # px; most that it sees at once, for bounded memory
_OVERLAP = 128  # px; of tiles. Larger faces are left to the next scale

Floats = npt.NDArray[np.float64]
Sides = npt.NDArray[np.int_]


class Face(NamedTuple):
    """One face.

    Attributes:
        box: (x0, y0, x1, y1) in pixels of the picture, inside it.
        points: (x, y) in pixels of the picture: right eye (left in the picture), left eye, tip of the nose, right and
            left corner of the mouth. They may lie outside the picture where the face does.
        confidence: of the network, 0 to 1.
    """

    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
    confidence: float


class _Found(NamedTuple):
    """n faces: n x 4 corners of boxes, n x 5 x 2 landmarks, n confidences."""

    boxes: Floats
    points: Floats
    scores: Floats

    def take(self, which: npt.NDArray[Any]) -> "_Found":
        return _Found(*(part[which] for part in self))

    def moved(self, by: tuple[int, int]) -> "_Found":
        return _Found(self.boxes + np.tile(by, 2), self.points + by, self.scores)

    def scaled(self, by: Floats) -> "_Found":
        return _Found(self.boxes * np.tile(by, 2), self.points * by, self.scores)


def find_faces(picture: Picture, threshold: float = 0.5, smallest: float = 20) -> list[Face]:
    """Find the faces in a picture of any size.

    The network is sure of faces from about 32 px on. So it sees the picture at the scale at which a face of
    ``smallest`` px has 32, in overlapping tiles where that is large, and again 2, 4, 8 ... times smaller for the larger
    faces. The memory does not grow with the picture; the time does, and with 1 / ``smallest``².

    Args:
        picture: RGB uint8, H x W x 3, upright.
        threshold: confidence that a face must exceed, between 0 and 1.
        smallest: longer side, in whole pixels, of the smallest box that is kept; 8 px or more.

    Returns:
        The faces whose centre lies in the picture, the most confident first; of boxes that overlap (intersection over
        union above .3) the most confident alone.

    Raises:
        InputError: not such a picture, threshold or size.
        MissingExtraError: ONNX Runtime, onnx or OpenCV is not installed.
        WeightsError: the network cannot be had.
    """
    check_search(threshold, smallest)
    height, width = check_rgb(picture).shape[:2]
    scales = _scales(height, width, smallest)
    found = _apart(_joined([_at_scale(picture, scale, threshold) for scale in scales]))
    faces = _within(found, np.array([width, height]), smallest)
    return [
        Face((x0, y0, x1, y1), tuple((x, y) for x, y in points), score)
        for (x0, y0, x1, y1), points, score in zip(*(part.tolist() for part in faces), strict=True)
    ]


def check_search(threshold: float, smallest: float) -> None:
    """Refuse what does not say which faces to look for.

    Raises:
        InputError: the threshold is not between 0 and 1, or the size is less than 8 px.
    """
    if not 0 < threshold < 1:
        raise InputError(f"threshold should be a confidence between 0 and 1, such as 0.5, got {threshold}")
    if not _FAINTEST <= smallest < np.inf:
        raise InputError(
            f"smallest should be the longer side of a face in pixels, {_FAINTEST} or more, such as 20, got {smallest}"
        )


@cache
def network() -> Any:
    """The session; use it through `studium.networks.sessions.loaded`.

    Raises:
        MissingExtraError: ONNX Runtime, onnx or OpenCV is not installed.
        WeightsError: the weights cannot be had.
    """
    _cv2()  # else a run would begin, and every picture fail
    return session(weights.derived(MODEL, f"graph-{_GRAPH}.onnx", _any_size), MODEL)


def _any_size() -> bytes:
    """The published graph, whose input is declared as 10 x 3 x 32 x 32, for pictures of any size, one at a time."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "images") from error
    model = onnx.load(str(weights.path(MODEL, f"{MODEL}.onnx")))
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    constants = [tensor for tensor in graph.initializer if tensor.name in used]
    names = ["input.1", *(output.name for output in graph.output)]
    channels = dict(zip(names, (3, 1, 2, 2, 10), strict=True))
    pixels, *outputs = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels[name], None, None])
        for name in names
    ]
    sized = onnx.helper.make_graph(graph.node, MODEL, [pixels], outputs, constants)
    return bytes(onnx.helper.make_model(sized, ir_version=8, opset_imports=model.opset_import).SerializeToString())


def _within(found: _Found, size: Sides, smallest: float) -> _Found:
    """Those that are centred in the picture and large enough there, their boxes clipped to it."""
    corners = found.boxes.reshape(-1, 2, 2)
    centres, clipped = corners.mean(1), corners.clip(0, size)
    sides = np.ceil(clipped[:, 1]) - np.floor(clipped[:, 0])
    kept = ((centres >= 0) & (centres < size)).all(1) & (sides >= smallest).any(1)
    return found._replace(boxes=clipped.reshape(-1, 4)).take(kept)


def _scales(height: int, width: int, smallest: float) -> list[float]:
    """Of the pyramid, the finest first: where a face of ``smallest`` px is large enough for the network, and below."""
    longer = max(height, width)
    scales = [max(_REACH / smallest, _WHOLE / longer)]
    while longer * scales[-1] > _COARSEST:
        scales.append(scales[-1] / _OCTAVE)
    return scales


def _at_scale(picture: Picture, scale: float, threshold: float) -> _Found:
    """The faces that are seen at one scale; of those that are too large for the overlap of tiles, none."""
    length, overlap = _TILE / scale, _OVERLAP / scale
    size = np.array(picture.shape[1::-1])
    tiles = list(product(_cuts(int(size[1]), length, overlap), _cuts(int(size[0]), length, overlap)))
    found = []
    for (top, bottom), (left, right) in tiles:
        faces = _in_tile(picture[top:bottom, left:right], scale, threshold).moved((left, top))
        if len(tiles) > 1:
            faces = faces.take(_whole(faces.boxes, np.array([left, top]), np.array([right, bottom]), size, overlap))
        found.append(faces)
    return _joined(found)


def _cuts(whole: int, length: float, overlap: float) -> list[tuple[int, int]]:
    """Begin and end of the fewest equally long stretches of at most ``length`` px that overlap, and cover the whole."""
    count = max(1, ceil((whole - overlap) / (length - overlap)))
    step = (whole - overlap) / count
    return [(round(i * step), whole if i == count - 1 else round((i + 1) * step + overlap)) for i in range(count)]


def _whole(boxes: Floats, low: Sides, high: Sides, size: Sides, overlap: float) -> npt.NDArray[np.bool_]:
    """Which faces are no larger than the overlap, and not so near a cut that the next tile sees more of them."""
    corners = boxes.reshape(-1, 2, 2)
    centres, sides = corners.mean(1), corners[:, 1] - corners[:, 0]
    near = ((low > 0) & (centres < low + overlap / 4)) | ((high < size) & (centres > high - overlap / 4))
    return np.asarray(~near.any(1) & (sides <= overlap).all(1))


def _in_tile(tile: Picture, scale: float, threshold: float) -> _Found:
    """What the network finds in a part of the picture, in its pixels."""
    pixels = _resized(tile, scale)
    height, width = pixels.shape[:2]
    planes = np.zeros((1, 3, -(-height // _STEP) * _STEP, -(-width // _STEP) * _STEP), np.float32)
    planes[0, :, :height, :width] = pixels.transpose(2, 0, 1)
    outputs = loaded(network).run(None, {"input.1": planes})
    found = _decoded([output[0] for output in outputs], threshold)
    return _apart(found.scaled(np.divide(tile.shape[1::-1], pixels.shape[1::-1])))


def _resized(tile: Picture, scale: float) -> Picture:
    cv2 = _cv2()
    size = max(1, round(tile.shape[1] * scale)), max(1, round(tile.shape[0] * scale))
    return np.asarray(cv2.resize(tile, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))


def _decoded(outputs: Sequence[npt.NDArray[np.float32]], threshold: float) -> _Found:
    """Boxes, landmarks and confidences where a face is centred, in the pixels that the network saw.

    Args:
        outputs: of the network, each of one picture of h x w steps: confidence (1 x h x w), logarithm of height and
            width (2 x h x w), distance of the centre from here (2 x h x w: y, x), landmarks as shares of the box
            (10 x h x w: y, x of each).
        threshold: confidence to exceed.
    """
    heat, extent, offset, marks = outputs
    rows, columns = np.nonzero(heat[0] > threshold)
    sides = np.exp(extent[::-1, rows, columns].T.astype(np.float64)) * _STRIDE
    centres = (np.stack([columns, rows], 1) + 0.5 + offset[::-1, rows, columns].T) * _STRIDE
    low = centres - sides / 2
    shares = marks[:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1]
    points = low[:, None] + shares * sides[:, None]
    return _Found(np.hstack([low, low + sides]), points, heat[0, rows, columns].astype(np.float64))


def _apart(found: _Found) -> _Found:
    """The most confident first; of boxes that overlap, that one alone."""
    if not len(found.scores):
        return found
    corners = found.boxes
    sized = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept = _cv2().dnn.NMSBoxes(sized.tolist(), found.scores.tolist(), 0.0, _SAME)
    return found.take(np.asarray(kept, dtype=np.intp).reshape(-1))


def _joined(found: list[_Found]) -> _Found:
    return _Found(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "images") from error
    return cv2
