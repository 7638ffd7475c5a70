"""Networks in the format of TensorFlow.js as ONNX: the few operations that NanoDet is made of."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.errors import WeightsError

__all__ = ["Graph", "numbers"]

Array = npt.NDArray[Any]
Node = Mapping[str, Any]


def numbers(said: Mapping[str, Any], weights: bytes) -> dict[str, Array]:
    """The constants of a network by name; floats that are stored in 16 bits become 32-bit floats.

    Args:
        said: its description, ``model.json``.
        weights: the bytes of the file beside it.

    Raises:
        WeightsError: there are more or fewer bytes than described.
    """
    entries = said["weightsManifest"][0]["weights"]
    types = [np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"])) for entry in entries]
    counts = [int(np.prod(entry["shape"], dtype=int)) for entry in entries]
    ends = np.cumsum([count * kind.itemsize for count, kind in zip(counts, types, strict=True)]).tolist()
    if ends[-1] != len(weights):
        raise WeightsError(f"expected {ends[-1]} bytes of weights, got {len(weights)}")
    return {
        entry["name"]: np.frombuffer(weights, kind, count, begin).reshape(entry["shape"]).astype(entry["dtype"])
        for entry, kind, count, begin in zip(entries, types, counts, [0, *ends[:-1]], strict=True)
    }


class Graph:
    """ONNX nodes that grow from the outputs of a TensorFlow graph, whose convolutions take channels last.

    Attributes:
        nodes: of ONNX.
        constants: of ONNX.
    """

    def __init__(self, topology: Mapping[str, Node], numbers: Mapping[str, Array]) -> None:
        """Begin without nodes.

        Args:
            topology: the nodes of the TensorFlow graph by name.
            numbers: its constants by name.
        """
        self.topology, self.numbers = topology, numbers
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._made: dict[str, str] = {}

    def add(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """A node with one output; returns the output's name."""
        from onnx import helper

        name = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: Any, dtype: Any = None) -> str:
        """A constant; returns its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), f"constant_{len(self.constants)}"))
        return str(self.constants[-1].name)

    def of(self, reference: str) -> str:
        """What stands here for an output of the TensorFlow graph ("name" or "name:1").

        Raises:
            WeightsError: it takes an operation that is not among those known here.
        """
        name, _, port = reference.partition(":")
        if name in self.numbers:
            return self.constant(self.numbers[name])
        if name not in self._made:
            node = self.topology[name]
            if node["op"] not in _OPERATIONS:
                raise WeightsError(f"{name} is a {node['op']}, which cannot be converted")
            self._made[name] = _OPERATIONS[node["op"]](self, node)
        made = self._made[name]
        return f"{made}:{port}" if port not in {"", "0"} else made

    def value(self, node: Node, number: int) -> Array:
        """An input that is a constant."""
        return self.numbers[node["input"][number]]

    def nchw(self, kind: str, node: Node, *more: str, **attributes: Any) -> str:
        """A node that takes its picture with channels first."""
        turned = self.add("Transpose", self.of(node["input"][0]), perm=[0, 3, 1, 2])
        return self.add("Transpose", self.add(kind, turned, *more, **attributes), perm=[0, 2, 3, 1])


def _same(kind: str, **attributes: Any) -> Callable[[Graph, Node], str]:
    return lambda graph, node: graph.add(kind, *map(graph.of, node["input"]), **attributes)


def _convolve(graph: Graph, node: Node) -> str:
    kernel = graph.constant(np.ascontiguousarray(graph.value(node, 1).transpose(3, 2, 0, 1)))
    return graph.nchw("Conv", node, kernel, strides=_spatial(node, "strides"))


def _largest(graph: Graph, node: Node) -> str:
    return graph.nchw("MaxPool", node, kernel_shape=_spatial(node, "ksize"), strides=_spatial(node, "strides"))


def _resize(graph: Graph, node: Node) -> str:
    source = graph.add("Transpose", graph.of(node["input"][0]), perm=[0, 3, 1, 2])
    begin, end = graph.constant([0], np.int64), graph.constant([2], np.int64)
    whole = graph.add("Slice", graph.add("Shape", source), begin, end)  # pictures and channels
    size = graph.add("Concat", whole, graph.constant(graph.value(node, 1).astype(np.int64)), axis=0)
    made = graph.add("Resize", source, "", "", size, mode="linear", coordinate_transformation_mode="half_pixel")
    return graph.add("Transpose", made, perm=[0, 2, 3, 1])


def _pad(graph: Graph, node: Node) -> str:
    around = graph.value(node, 1).T.ravel().astype(np.int64)
    fill = graph.value(node, 2) if len(node["input"]) > 2 else np.float32(0)
    return graph.add("Pad", graph.of(node["input"][0]), graph.constant(around), graph.constant(fill))


def _concat(graph: Graph, node: Node) -> str:
    *parts, _ = node["input"]
    return graph.add("Concat", *map(graph.of, parts), axis=int(graph.value(node, -1)))


def _split(graph: Graph, node: Node) -> str:
    from onnx import helper

    name, sizes = f"Split_{len(graph.nodes)}", graph.value(node, 1).astype(np.int64)
    outputs = [name, *(f"{name}:{port}" for port in range(1, len(sizes)))]
    inputs = [graph.of(node["input"][0]), graph.constant(sizes)]
    graph.nodes.append(helper.make_node("Split", inputs, outputs, axis=int(graph.value(node, 2))))
    return name


def _transpose(graph: Graph, node: Node) -> str:
    return graph.add("Transpose", graph.of(node["input"][0]), perm=graph.value(node, 1).tolist())


def _flatten(graph: Graph, node: Node) -> str:
    """Height and width become one axis; the graph computes the shape for it in a roundabout way."""
    return graph.add("Reshape", graph.of(node["input"][0]), graph.constant([0, 0, -1], np.int64))


def _spatial(node: Node, name: str) -> list[int]:
    return [int(value) for value in node["attr"][name]["list"]["i"][1:3]]


_OPERATIONS: Mapping[str, Callable[[Graph, Node], str]] = {
    "Add": _same("Add"),
    "ConcatV2": _concat,
    "Conv2D": _convolve,
    "Identity": _same("Identity"),
    "LeakyRelu": _same("LeakyRelu", alpha=0.1),
    "MaxPool": _largest,
    "Pad": _pad,
    "PadV2": _pad,
    "Placeholder": lambda graph, node: str(node["name"]),
    "Reshape": _flatten,
    "ResizeBilinear": _resize,
    "Sigmoid": _same("Sigmoid"),
    "SplitV": _split,
    "Transpose": _transpose,
}
