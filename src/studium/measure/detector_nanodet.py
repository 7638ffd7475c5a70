"""NanoDet-g: from its weights in the format of TensorFlow.js to a detector that says boxes as YOLOv8 does.

References:
    NanoDet, github.com/RangiLyu/nanodet (Apache-2.0); its boxes: Li et al. (2020), Generalized Focal Loss,
    doi:10.48550/arXiv.2006.04388.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from studium.core import weights
from studium.errors import MissingExtraError
from studium.measure.detector_description import COCO
from studium.measure.detector_onnx import OnnxDetector, described
from studium.measure.detector_tfjs import Graph, numbers

__all__ = ["DESCRIPTION", "MODEL", "SIDE", "nanodet", "onnx_of"]

MODEL = "nanodet-g"

DESCRIPTION: Mapping[str, Any] = {
    "names": COCO, "family": "yolov8", "fill": 0, "channels": "bgr", "scale": 1.0,
    "mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375),
}  # fmt: skip
"""How it was trained to see pictures."""

SIDE = 416
"""Height and width of the input, px."""

BINS = 11
"""A distance from the middle of a cell to a side of the box is the mean of 0 to 10 strides, by their probabilities."""

STRIDES = (8, 16, 32)
SHARES = ("Identity", "Identity_1", "Identity_2")  # of each class, by stride
DISTANCES = ("Identity_3", "Identity_4", "Identity_5")


@cache
def nanodet() -> OnnxDetector:
    """The detector; fetched and converted first if it is not cached."""
    file = weights.derived(MODEL, "nanodet-g-1.onnx", _converted)
    return described(file.read_bytes(), file.name, DESCRIPTION)


def _converted() -> bytes:
    return onnx_of(*(weights.path(MODEL, name).read_bytes() for name in ("nanodet.json", "nanodet.bin")))


def onnx_of(topology: bytes, content: bytes) -> bytes:
    """The network: 1 x 3 x 416 x 416 to 1 x (4 + classes) x 3549, centre and sides in px, probabilities of classes.

    Args:
        topology: the graph, as TensorFlow.js describes it in JSON.
        content: the numbers that it says lie beside it.

    Raises:
        MissingExtraError: onnx is not installed.
        WeightsError: they are of another network.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ImportError as error:
        raise MissingExtraError("onnx", "images") from error
    said = json.loads(topology)
    graph = Graph({node["name"]: node for node in said["modelTopology"]["node"]}, numbers(said, content))
    shares = graph.add("Concat", *map(graph.of, SHARES), axis=1)
    boxes = _boxes(graph, graph.add("Concat", *map(graph.of, DISTANCES), axis=1))
    graph.add("Transpose", graph.add("Concat", boxes, shares, axis=2), name="output0", perm=[0, 2, 1])
    picture = helper.make_tensor_value_info("input_1", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, "values", "places"])
    made = helper.make_graph(graph.nodes, "nanodet-g", [picture], [output], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def _boxes(graph: Graph, distances: str) -> str:
    """1 x places x 4, centre and sides in px, from the probabilities of distances to the four sides."""
    grids = [SIDE // stride for stride in STRIDES]
    centres = [np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1).reshape(-1, 2) + 0.5 for n in grids]
    strides = np.repeat(STRIDES, [n * n for n in grids]).astype(np.float32)[:, None]
    middle = (np.concatenate(centres) * strides).astype(np.float32)
    split = graph.add("Reshape", distances, graph.constant([1, -1, 4, BINS], np.int64))
    likely = graph.add("Softmax", split, axis=3)
    mean = graph.add("MatMul", likely, graph.constant(np.arange(BINS, dtype=np.float32)))
    apart = graph.add("Mul", mean, graph.constant(strides))  # to the left, the top, the right, the bottom
    to_centre = np.array([[-0.5, 0], [0, -0.5], [0.5, 0], [0, 0.5]], np.float32)
    to_sides = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    centre = graph.add("Add", graph.add("MatMul", apart, graph.constant(to_centre)), graph.constant(middle))
    return graph.add("Concat", centre, graph.add("MatMul", apart, graph.constant(to_sides)), axis=2)
