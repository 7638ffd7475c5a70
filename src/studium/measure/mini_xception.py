"""Mini-Xception for facial expressions as an ONNX graph, written once from the published Keras weights.

References:
    Arriaga, Valdenegro-Toro & Plöger (2017), Real-time convolutional neural networks for emotion and gender
    classification, doi:10.48550/arXiv.1710.07557.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.errors import MissingExtraError, WeightsError
from studium.networks.sessions import session

if TYPE_CHECKING:
    import onnx

__all__ = ["LABELS", "MODEL", "SIDE", "convert", "network"]

MODEL = "mini-xception"
SIDE = 64
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Its classes, in the order of its outputs, as FER-2013 names them."""

_GRAPH = "1"  # raised whenever the graph changes
_EPSILON = 1e-3  # of the batch norms
_BLOCKS = 4

State = dict[str, npt.NDArray[np.float32]]


@cache
def network() -> Any:
    """The session; use it through `studium.networks.sessions.loaded`.

    Raises:
        WeightsError: the weights cannot be had or trusted.
        MissingExtraError: ``onnx``, ``onnxruntime`` or ``h5py`` is not installed.
    """
    made = weights.derived(MODEL, f"graph-{_GRAPH}.onnx", lambda: convert(weights.path(MODEL, "emotion_model.hdf5")))
    return session(made, MODEL)


def convert(path: Path) -> bytes:
    """Turn the weights into a graph, batch norms folded into the convolutions.

    Args:
        path: of the HDF5 file that Keras 2 wrote.

    Returns:
        An ONNX model. Input ``pixels``: n x 1 x 64 x 64 float32, grey from -1 to 1. Output ``probabilities``: n x 7.
    """
    graph = _Graph(_read(path))
    x = graph.conv(graph.conv("pixels", 1, 1), 2, 2)
    for block in range(_BLOCKS):
        x = graph.block(x, block)
    x = graph.node("Conv", [x, *graph.constant("head", *graph.head())], "head", auto_pad="SAME_UPPER")
    return graph.finish(graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "pooled")], "logits"))


def _read(path: Path) -> State:
    """Arrays by layer and role: ``conv2d_1/kernel``."""
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "images") from error
    try:
        with h5py.File(path, "r") as file:
            layers = file["model_weights"]
            names = [(layer, str(name)) for layer in layers for name in layers[layer].attrs["weight_names"].astype(str)]
            return {
                f"{layer}/{name.rsplit('/', 1)[1].split(':')[0]}": np.asarray(layers[layer][name], np.float32)
                for layer, name in names
            }
    except (OSError, KeyError, AttributeError) as error:
        raise WeightsError(f"{path.name} cannot be read as Keras weights: {error}") from error


@dataclass
class _Graph:
    """Nodes and constants, one after the other; every method returns the name of its output."""

    state: State
    nodes: list["onnx.NodeProto"] = field(default_factory=list)
    constants: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(_onnx().helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, kernel: npt.NDArray[Any], bias: npt.NDArray[Any]) -> tuple[str, str]:
        self.constants |= {f"{name}.w": kernel.astype(np.float32), f"{name}.b": bias.astype(np.float32)}
        return f"{name}.w", f"{name}.b"

    def head(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        return _planes_first(self.state["conv2d_7/kernel"]), self.state["conv2d_7/bias"]

    def conv(self, x: str, number: int, norm: int) -> str:
        """Convolution of the stem, batch norm, ReLU; no padding."""
        kernel = self.folded(_planes_first(self.state[f"conv2d_{number}/kernel"]), norm)
        return self.node(
            "Relu", [self.node("Conv", [x, *self.constant(f"c{number}", *kernel)], f"c{number}")], f"c{number}+"
        )

    def block(self, x: str, block: int) -> str:
        """Two separable convolutions and a maximum, beside a strided 1 x 1 convolution that is added."""
        first, norm = 2 * block + 1, 3 * block + 3
        skip = self.folded(_planes_first(self.state[f"conv2d_{block + 3}/kernel"]), norm)
        skipped = self.node("Conv", [x, *self.constant(f"skip{block}", *skip)], f"skip{block}", strides=[2, 2])
        x = self.node("Relu", [self.separable(x, first, norm + 1)], f"s{first}+")
        x = self.separable(x, first + 1, norm + 2)
        same = {"auto_pad": "SAME_UPPER", "kernel_shape": [3, 3], "strides": [2, 2]}
        return self.node("Add", [self.node("MaxPool", [x], f"max{block}", **same), skipped], f"block{block}")

    def separable(self, x: str, number: int, norm: int) -> str:
        """Each plane by itself, then all of them pixel by pixel; batch norm."""
        name = f"separable_conv2d_{number}"
        depth = self.state[f"{name}/depthwise_kernel"].transpose(2, 3, 0, 1)
        self.constants[f"d{number}.w"] = depth
        x = self.node("Conv", [x, f"d{number}.w"], f"d{number}", group=len(depth), auto_pad="SAME_UPPER")
        kernel = self.folded(_planes_first(self.state[f"{name}/pointwise_kernel"]), norm)
        return self.node("Conv", [x, *self.constant(f"s{number}", *kernel)], f"s{number}")

    def folded(self, kernel: npt.NDArray[Any], norm: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Kernel and bias of a convolution that does its batch norm too."""
        gamma, beta, mean, variance = (
            self.state[f"batch_normalization_{norm}/{part}"].astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        return kernel * scale[:, None, None, None], beta - mean * scale

    def finish(self, logits: str) -> bytes:
        """Softmax, and serialise."""
        onnx = _onnx()
        self.node("Softmax", [logits], "probabilities", axis=1)
        shapes = {"pixels": ["n", 1, SIDE, SIDE], "probabilities": ["n", len(LABELS)]}
        pixels, probabilities = (
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes.items()
        )
        constants = [onnx.numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in self.constants.items()]
        graph = onnx.helper.make_graph(self.nodes, MODEL, [pixels], [probabilities], constants)
        opset = onnx.helper.make_opsetid("", 17)
        model = onnx.helper.make_model(graph, producer_name="studium", ir_version=8, opset_imports=[opset])
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())


def _planes_first(kernel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Keras' height x width x in x out as ONNX' out x in x height x width."""
    return kernel.transpose(3, 2, 0, 1)


def _onnx() -> Any:
    try:
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise MissingExtraError("onnx", "images") from error
    return onnx
