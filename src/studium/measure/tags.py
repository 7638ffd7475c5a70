"""Tags: the ImageNet-1k classes that a network finds most probable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from studium.core.column import Column
from studium.core.protocols import Measure
from studium.measure.parameters import check_whole
from studium.media.transform import Picture
from studium.networks.image_network import CLASSES, class_names, network, run_image
from studium.networks.sessions import loaded

__all__ = ["Tags"]


@dataclass(frozen=True)
class Tags(Measure):
    """The most probable of the 1,000 classes of ImageNet, with their probabilities, the most probable first.

    Words for what may be in a picture, from a small network that runs anywhere: look for pictures of dogs, cars or
    dishes, or see in words what a cluster has in common. ``tags`` and ``tags_prob`` are in the same order; the
    flatter the probabilities, the less the network knows. It sees the central square of the picture only.

    The classes are objects, animals and things of 2012. None of them is a person, a protest, an emotion or a flag: an
    astronaut becomes a "football helmet". The probabilities are over these classes only and always sum to 1, so a
    picture of something else gets tags too, usually with low probabilities. Use them to look around, not as codes.

    Args:
        top: how many, 1 to 1000.

    References:
        Russakovsky et al. (2015), doi:10.1007/s11263-015-0816-y; Tan & Le (2019),
        doi:10.48550/arXiv.1905.11946.
    """

    top: int = 5

    name: ClassVar[str] = "tags"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        """Refuse impossible numbers at the door."""
        check_whole(self, "top", 1, CLASSES)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Names and probabilities."""
        source = "doi:10.1007/s11263-015-0816-y"
        return (
            Column("tags", "string", "most probable ImageNet-1k classes", size=self.top, source=source),
            Column("tags_prob", "float32", "their probabilities", "share", 0, 1, size=self.top, source=source),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The network and the names of its classes."""
        return ("efficientnet-lite0", "imagenet-names")

    def prepare(self) -> None:
        """Fetch and load the network and the names."""
        loaded(network)
        loaded(class_names)

    def __call__(self, batch: Sequence[Picture]) -> Mapping[str, Any]:
        """Tag RGB pictures."""
        probabilities, names = run_image(batch).probabilities, loaded(class_names)
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, : self.top]
        return {
            "tags": [[names[number] for number in row] for row in order],
            "tags_prob": np.take_along_axis(probabilities, order, axis=1),
        }
