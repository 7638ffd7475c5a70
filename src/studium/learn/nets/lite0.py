"""EfficientNet-Lite0 as a body: trained by torch, and, once it is trained, run by ONNX Runtime without torch."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.core.parts import replace_file
from studium.errors import InputError, MissingExtraError
from studium.learn.nets.batches import Encoded
from studium.learn.nets.views import Views
from studium.media.transform import Picture
from studium.networks import efficientnet
from studium.networks.efficientnet import State
from studium.networks.image_network import pixels
from studium.networks.sessions import session

if TYPE_CHECKING:
    from torch import Tensor

    from studium.learn.nets.image_modules import Lite0

__all__ = ["Lite0Body", "begun", "checked", "prepared", "restored"]

_GRAPH, _WEIGHTS = "network.onnx", "weights.safetensors"
_SMALLEST = 32  # px
_STAGES = 1 + len(efficientnet.STAGES)  # the stem, and all blocks


@dataclass
class Lite0Body:
    """The network with a last layer of its own; see `studium.learn.nets.net.Body`.

    Attributes:
        weights: it begins from, or was saved with: by name, or as safetensors has them.
        input: what makes its input: ``size``, ``resize``, ``mean``, ``std``, as the row of the model has them.
        views: that it is trained on.
        freeze: stages that are not trained; see `studium.learn.nets.image_modules.Lite0`.
        graph: that it was saved with.
    """

    weights: State | bytes = field(repr=False)
    input: dict[str, float]
    views: Views
    freeze: int = 0
    graph: bytes | None = field(default=None, repr=False)

    @cached_property
    def module(self) -> "Lite0":
        """The network in torch."""
        try:
            import safetensors.numpy

            from studium.learn.nets.image_modules import Lite0
        except ImportError as error:
            raise MissingExtraError(error.name or "torch", "finetune") from error
        state = safetensors.numpy.load(self.weights) if isinstance(self.weights, bytes) else self.weights
        return Lite0(state, self.freeze).eval()

    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """A picture, or a view of it: 3 x side x side."""
        side = int(self.input["size"])
        view: Picture | None = self.views.of(item, side, rng)
        if view is None:
            return {"pixels": pixels(item, self.input)[0]}
        return {"pixels": pixels(view, self.input | {"resize": side})[0]}

    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch."""
        import torch

        return {"pixels": torch.from_numpy(np.stack([one["pixels"] for one in encoded]))}

    def logits(self, picture: Picture) -> npt.NDArray[np.float64]:
        """What ONNX Runtime computes for a picture: (outputs,)."""
        found = self._session.run(["logits"], {"pixels": pixels(picture, self.input)})[0][0]
        return np.asarray(found, np.float64)

    def write(self, folder: Path) -> None:
        """Write the network as a graph, and its weights under the names of the published checkpoint."""
        import safetensors.numpy

        replace_file(folder / _GRAPH, self._graph)
        kept = self.weights if isinstance(self.weights, bytes) else safetensors.numpy.save(self.module.state())
        replace_file(folder / _WEIGHTS, kept)

    @cached_property
    def _graph(self) -> bytes:
        """Of the network as it is when it is first asked for: once it is trained."""
        return self.graph or efficientnet.graph(self.module.state(), int(self.input["size"]))

    @cached_property
    def _session(self) -> Any:
        with tempfile.TemporaryDirectory(prefix="studium-") as place:
            path = Path(place, _GRAPH)
            path.write_bytes(self._graph)
            return session(path, efficientnet.MODEL)


def checked(side: int | None, freeze: int) -> None:
    """Refuse a side or a number of stages that the network does not have.

    Raises:
        InputError: it does not.
    """
    if side is not None and side < _SMALLEST:
        raise InputError(f"side should be at least {_SMALLEST} px, by which the network shrinks a picture; got {side}")
    if not 0 <= freeze <= _STAGES:
        raise InputError(f"freeze should be from 0 (nothing) to {_STAGES} (all but the last), got {freeze}")


def prepared(side: int | None) -> dict[str, float]:
    """What makes the input for pictures of ``side`` px; None for the published side."""
    published = dict(weights.get(efficientnet.MODEL).input)
    wanted = side or int(published["size"])
    return published | {"size": wanted, "resize": wanted * published["resize"] / published["size"]}


def begun(outputs: int, side: int | None, views: Views, freeze: int) -> Lite0Body:
    """The published network with a last layer of zeros.

    Raises:
        WeightsError: the weights cannot be had or trusted.
    """
    state, settings = efficientnet.published(), prepared(side)
    width = state["_fc.weight"].shape[1]
    new = {"_fc.weight": np.zeros((outputs, width), np.float32), "_fc.bias": np.zeros(outputs, np.float32)}
    return Lite0Body(state | new, settings, views, freeze)


def restored(settings: dict[str, float], views: Views, freeze: int, folder: Path) -> Lite0Body:
    """What `Lite0Body.write` wrote."""
    kept, graph = (folder / _WEIGHTS).read_bytes(), (folder / _GRAPH).read_bytes()
    return Lite0Body(kept, settings, views, freeze, graph)
