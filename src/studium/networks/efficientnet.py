"""EfficientNet-Lite0 as an ONNX graph, written once from the published checkpoint, or from one that was trained on.

References:
    Tan & Le (2019), EfficientNet: Rethinking model scaling for convolutional neural networks, ICML,
    doi:10.48550/arXiv.1905.11946. "Lite" leaves out squeeze-and-excitation and uses ReLU6.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.errors import MissingExtraError
from studium.networks.torch_file import read_checkpoint

if TYPE_CHECKING:
    import onnx

__all__ = ["EPSILON", "MODEL", "SIDE", "STAGES", "State", "convert", "graph", "onnx_path", "published"]

MODEL = "efficientnet-lite0"
CONVERTER = "1"  # raised whenever the graph changes
SIDE = 224
EPSILON = 1e-3  # of the batch norms
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""(blocks, stride of the first block) of each stage; Table 1 of the paper."""

State = dict[str, npt.NDArray[Any]]


def onnx_path() -> Path:
    """Where the graph lies; converted first if it was not yet.

    Raises:
        WeightsError: the checkpoint cannot be had or trusted.
        MissingExtraError: ``onnx`` is not installed.
    """
    return weights.derived(MODEL, f"graph-{CONVERTER}.onnx", lambda: convert(weights.path(MODEL, f"{MODEL}.pth")))


def convert(checkpoint: Path) -> bytes:
    """Turn the checkpoint into a graph, batch norms folded into the convolutions.

    Args:
        checkpoint: the ``.pth`` file.

    Returns:
        An ONNX model. Input ``pixels``: n x 3 x 224 x 224 float32, (RGB - 127) / 128. Outputs ``embedding``:
        n x 1280, mean over positions of the last feature map, and ``logits``: n x 1000.
    """
    return graph(read_checkpoint(checkpoint))


def graph(state: State, side: int = SIDE) -> bytes:
    """Turn weights into a graph, as `convert` does.

    Args:
        state: under the names of the checkpoint; ``_fc`` may have any number of rows: that of the ``logits``.
        side: of the pictures that it takes, in pixels.
    """
    made = _Graph(state)
    x = made.conv("pixels", "_conv_stem", "_bn0", stride=2)
    strides = [first if block == 0 else 1 for blocks, first in STAGES for block in range(blocks)]
    for number, stride in enumerate(strides):
        x = made.block(x, f"_blocks.{number}.", stride)
    return made.finish(made.conv(x, "_conv_head", "_bn1"), side)


def published() -> State:
    """The published weights, under the names of the checkpoint.

    Raises:
        WeightsError: the checkpoint cannot be had or trusted.
    """
    return read_checkpoint(weights.path(MODEL, f"{MODEL}.pth"))


@dataclass
class _Graph:
    """Nodes and constants, one after the other; every method returns the name of its output."""

    state: State
    nodes: list["onnx.NodeProto"] = field(default_factory=list)
    constants: State = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.constants |= {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)}

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(_onnx().helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(self, x: str, conv: str, norm: str, stride: int = 1, relu6: bool = True) -> str:
        """Convolution, batch norm, ReLU6; padding as TensorFlow's "same"."""
        kernel, bias = _folded(self.state, conv, norm)
        self.constants |= {f"{conv}.w": kernel, f"{conv}.b": bias}
        groups = len(kernel) if conv.endswith("_depthwise_conv") else 1
        out = self.node(
            "Conv", [x, f"{conv}.w", f"{conv}.b"], f"{conv}.out",
            auto_pad="SAME_UPPER", strides=[stride, stride], group=groups, kernel_shape=kernel.shape[2:],
        )  # fmt: skip
        return self.node("Clip", [out, "zero", "six"], f"{conv}.relu6") if relu6 else out

    def block(self, x: str, prefix: str, stride: int) -> str:
        """An inverted residual: expand, depthwise, project; a skip where the shape stays."""
        skip, expand = x, self.state.get(f"{prefix}_expand_conv.weight")
        skips = (
            stride == 1 and expand is not None and expand.shape[1] == len(self.state[f"{prefix}_project_conv.weight"])
        )
        if expand is not None:
            x = self.conv(x, f"{prefix}_expand_conv", f"{prefix}_bn0")
        x = self.conv(x, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride)
        x = self.conv(x, f"{prefix}_project_conv", f"{prefix}_bn2", relu6=False)
        return self.node("Add", [skip, x], f"{prefix}add") if skips else x

    def finish(self, x: str, side: int) -> bytes:
        """Pool, classify, and serialise."""
        onnx = _onnx()
        self.node("Flatten", [self.node("GlobalAveragePool", [x], "pooled")], "embedding")
        self.constants |= {"_fc.w": self.state["_fc.weight"], "_fc.b": self.state["_fc.bias"]}
        self.node("Gemm", ["embedding", "_fc.w", "_fc.b"], "logits", transB=1)
        classes = len(self.state["_fc.bias"])
        shapes = {"pixels": ["n", 3, side, side], "embedding": ["n", 1280], "logits": ["n", classes]}
        pixels, *outputs = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes.items()
        ]
        constants = [onnx.numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in self.constants.items()]
        graph = onnx.helper.make_graph(self.nodes, MODEL, [pixels], outputs, constants)
        opset = onnx.helper.make_opsetid("", 17)
        model = onnx.helper.make_model(graph, producer_name="studium", ir_version=8, opset_imports=[opset])
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())


def _folded(state: State, conv: str, norm: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Kernel and bias of a convolution that does its batch norm too."""
    gamma, beta, mean, variance = (
        state[f"{norm}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + EPSILON)
    kernel = state[f"{conv}.weight"] * scale[:, None, None, None]
    return kernel.astype(np.float32), (beta - mean * scale).astype(np.float32)


def _onnx() -> Any:
    try:
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise MissingExtraError("onnx", "images") from error
    return onnx
