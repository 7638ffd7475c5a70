"""Image networks of the hub (ResNet, ConvNeXt, ViT, DINOv2, CLIP's and kin) as bodies."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studium.core import weights
from studium.errors import InputError, WeightsError
from studium.learn.models.head import Head
from studium.learn.nets import published
from studium.learn.nets.batches import Encoded
from studium.learn.nets.objective import outputs_of
from studium.learn.nets.views import Views
from studium.media.transform import Picture, check_rgb

if TYPE_CHECKING:
    from torch import Tensor

    from studium.learn.nets.image_modules import Steady

__all__ = ["HubBody", "begun", "restored"]

_FOLDER, _TASK = "network", "ImageClassification"


@dataclass
class HubBody:
    """A network of transformers that classifies pictures; see `studium.learn.nets.net.Body`.

    Attributes:
        module: the network.
        processor: what prepares a picture, as it was published.
        views: that it is trained on.
    """

    module: "Steady"
    processor: Any
    views: Views

    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """A picture as the network was published to see it, or a view of it, of the same size."""
        view: Picture | None = self.views.of(item, self.side, rng)
        if view is None:
            return {"pixel_values": self._processed(check_rgb(item))}
        return {"pixel_values": self._processed(view, do_resize=False, do_center_crop=False)}

    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch."""
        import torch

        return {"pixel_values": torch.from_numpy(np.stack([one["pixel_values"] for one in encoded]))}

    def write(self, folder: Path) -> None:
        """Write a checkpoint of transformers."""
        published.write(folder / _FOLDER, self.module.network, self.processor)

    @cached_property
    def side(self) -> int:
        """Of what the network sees, in pixels.

        Raises:
            InputError: it sees no squares of one size.
        """
        shapes = {self._processed(np.zeros((*shape, 3), np.uint8)).shape for shape in ((64, 64), (48, 96))}
        if len(shapes) > 1 or len(shape := shapes.pop()) != 3 or shape[1] != shape[2]:
            raise InputError(
                f"{type(self.processor).__name__} makes no squares of one size of pictures, which training needs; take "
                "another checkpoint"
            )
        return int(shape[1])

    def _processed(self, picture: Picture, **changes: bool) -> Any:
        found = self.processor([picture], return_tensors="np", input_data_format="channels_last", **changes)
        return np.asarray(found["pixel_values"][0], np.float32)


def begun(model: str, head: Head, views: Views) -> HubBody:
    """A published network with a last layer of zeros.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder.
        head: what it is to predict.
        views: that it is trained on.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        WeightsError: it is not on this machine, does not load, or lacks weights below its last layer.
    """
    folder, called = weights.folder(model), dict(enumerate(published.names(head)))
    config = {"id2label": called, "label2id": {name: number for number, name in called.items()}}
    network, processor, lacks = published.network(folder, _TASK, "ImageProcessor", **config)
    last = _last(network, outputs_of(head), model)
    if wrong := sorted(set(lacks) - {f"{last}.weight", f"{last}.bias"}):
        raise WeightsError(f"{folder} lacks weights: {', '.join(wrong)}. Nothing is made up for them: take another")
    for values in network.get_submodule(last).parameters():
        values.data.zero_()
    return _body(network, processor, views)


def restored(head: Head, views: Views, folder: Path) -> HubBody:
    """What `HubBody.write` wrote.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        WeightsError: it does not load, or is not what was saved.
    """
    network, processor, lacks = published.network(folder / _FOLDER, _TASK, "ImageProcessor")
    if lacks or network.config.num_labels != outputs_of(head):
        raise WeightsError(f"{folder / _FOLDER} is not what was saved: it lacks {', '.join(lacks) or 'outputs'}")
    return _body(network, processor, views)


def _body(network: Any, processor: Any, views: Views) -> HubBody:
    from studium.learn.nets.image_modules import Steady

    return HubBody(Steady(network).eval(), processor, views)


def _last(network: Any, outputs: int, model: str) -> str:
    """The name of the layer that says the numbers: the last linear one."""
    from torch.nn import Linear

    said = [name for name, part in network.named_modules() if isinstance(part, Linear)]
    if not said or network.get_submodule(said[-1]).out_features != outputs:
        raise WeightsError(f"{model} has no last layer that can be made new; take ResNet, ConvNeXt, ViT, DINOv2 or kin")
    return str(said[-1])
