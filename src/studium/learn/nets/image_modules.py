"""EfficientNet-Lite0 as a torch module, and batch norms that keep still. Imported only by what needs torch anyway."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu6

from studium.learn.nets.modules import Logits
from studium.networks.efficientnet import EPSILON, STAGES, State

__all__ = ["DROPOUT", "Lite0", "Steady"]

DROPOUT = 0.2
"""Of the pooled features; as published."""


class Lite0(nn.Module):
    """The network with a last layer of its own.

    Batch norms keep the statistics that they were published with, also in training: so what is said of a picture never
    depends on others, and those of small batches were no better. Their scales and shifts are trained like all else.

    Args:
        state: weights, under the names of the checkpoint; ``_fc`` may have any number of rows.
        freeze: stages that are not trained: 0 none, 1 the stem, 2 the stem and the first blocks ... 8 all blocks.
    """

    def __init__(self, state: State, freeze: int = 0) -> None:
        super().__init__()
        self.freeze = freeze
        self._conv_stem, self._bn0 = _conv(state, "_conv_stem", 2), _norm(state, "_bn0")
        strides = [first if block == 0 else 1 for blocks, first in STAGES for block in range(blocks)]
        self._blocks = nn.ModuleList(_Block(state, f"_blocks.{at}.", stride) for at, stride in enumerate(strides))
        self._conv_head, self._bn1 = _conv(state, "_conv_head"), _norm(state, "_bn1")
        self._relu6 = nn.ReLU6()  # a part of its own, so that the last feature map can be read (Grad-CAM)
        self._dropout, self._fc = nn.Dropout(DROPOUT), nn.Linear(*state["_fc.weight"].shape[::-1])
        self.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in state.items()})
        for part in self._frozen():
            part.requires_grad_(False)
        for values in self.parameters():
            if values.ndim == 4:  # so a CPU is half as fast again
                values.data = values.data.contiguous(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (n, outputs) of pictures (n, 3, side, side), (RGB - 127) / 128."""
        x = pixels.contiguous(memory_format=torch.channels_last)
        if self.freeze:
            with torch.no_grad():
                x = self._stem(x)
        else:
            x = self._stem(x)
        for at, block in enumerate(self._blocks):
            with torch.set_grad_enabled(torch.is_grad_enabled() and at >= self._fixed):
                x = block(x)
        x = self._relu6(self._bn1(self._conv_head(x)))
        logits: Tensor = self._fc(self._dropout(x.mean((2, 3))))
        return logits

    def train(self, mode: bool = True) -> "Lite0":
        """Batch norms are never in training."""
        super().train(mode)
        keep_statistics(self)
        return self

    def state(self) -> State:
        """The weights, as arrays under the names of the checkpoint."""
        return {name: np.array(one.detach().cpu().numpy(), order="C") for name, one in self.state_dict().items()}

    def _stem(self, x: Tensor) -> Tensor:
        return relu6(self._bn0(self._conv_stem(x)))

    @property
    def _fixed(self) -> int:
        """How many blocks are frozen."""
        return sum(blocks for blocks, _ in STAGES[: max(0, self.freeze - 1)])

    def _frozen(self) -> list[nn.Module]:
        return [self._conv_stem, self._bn0, *self._blocks[: self._fixed]] if self.freeze else []


class Steady(Logits):
    """A network of transformers whose batch norms, if it has any, keep their statistics too."""

    def train(self, mode: bool = True) -> "Steady":
        """Batch norms are never in training."""
        super().train(mode)
        keep_statistics(self)
        return self


def keep_statistics(module: nn.Module) -> None:
    """Let batch norms use the statistics that they have."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()


class _Same(nn.Conv2d):
    """Convolution with TensorFlow's padding "same": what does not come out even is added right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """The picture, its sides divided by the stride."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        high, wide = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[2:])
        padded: Tensor = super().forward(pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2)))
        return padded


class _Block(nn.Module):
    """An inverted residual: expand, depthwise, project; a skip where the shape stays."""

    def __init__(self, state: State, prefix: str, stride: int) -> None:
        super().__init__()
        self.expands = f"{prefix}_expand_conv.weight" in state
        if self.expands:
            self._expand_conv, self._bn0 = _conv(state, f"{prefix}_expand_conv"), _norm(state, f"{prefix}_bn0")
        self._depthwise_conv = _conv(state, f"{prefix}_depthwise_conv", stride)
        self._project_conv = _conv(state, f"{prefix}_project_conv")
        self._bn1, self._bn2 = _norm(state, f"{prefix}_bn1"), _norm(state, f"{prefix}_bn2")
        same = self.expands and self._expand_conv.in_channels == self._project_conv.out_channels
        self.skips = stride == 1 and same

    def forward(self, x: Tensor) -> Tensor:
        """The next features."""
        wide = relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y: Tensor = self._bn2(self._project_conv(relu6(self._bn1(self._depthwise_conv(wide)))))
        return x + y if self.skips else y


def _conv(state: State, name: str, stride: int = 1) -> nn.Conv2d:
    """A convolution as large as its weights, which are filled in later."""
    out, each, kernel, _ = state[f"{name}.weight"].shape
    groups = out if name.endswith("_depthwise_conv") else 1
    kind = _Same if kernel > 1 else nn.Conv2d
    return kind(each * groups, out, kernel, stride, groups=groups, bias=False)


def _norm(state: State, name: str) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(len(state[f"{name}.weight"]), eps=EPSILON)
