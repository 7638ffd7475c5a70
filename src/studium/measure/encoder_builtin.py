"""The encoders that come from the package index: efficientnet-lite0, conse and minilm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.errors import InputError
from studium.measure import conse, text_network
from studium.measure.encoder_tokens import Encoded
from studium.media.transform import Picture
from studium.networks import efficientnet, image_network
from studium.networks.sessions import loaded

__all__ = ["BUILTIN", "TWINS", "BuiltinEncoder", "builtin_encoder"]

TWINS = {efficientnet.MODEL: None, conse.MODEL: text_network.MODEL}
"""The text model that each image model shares its space with."""

BUILTIN = (*TWINS, text_network.MODEL)

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class BuiltinEncoder:
    """One of `BUILTIN`."""

    model: str

    def images(self, batch: Sequence[Picture]) -> Vectors:
        """Vectors of RGB pictures, as the network makes them; n x d."""
        return conse.encode(batch) if self.model == conse.MODEL else image_network.run_image(batch).embedding.copy()

    def texts(self, texts: Sequence[str]) -> Encoded:
        """Vectors of texts, of length 1."""
        outputs = [text_network.run_text(text) for text in texts]
        vectors = np.array([one.vector for one in outputs], dtype=np.float32)
        return Encoded(vectors.reshape(len(texts), weights.get(self.model).dims), [one.tokens for one in outputs])


def builtin_encoder(model: str, precision: str) -> BuiltinEncoder:
    """One of `BUILTIN`, loaded.

    Raises:
        InputError: another precision than the one it comes in.
    """
    if precision != "float32":
        raise InputError(f"{model} comes in one precision only, got {precision!r}; leave it out")
    loaded(text_network.network if model == text_network.MODEL else image_network.network)
    if model == conse.MODEL:
        loaded(conse.class_vectors)
    return BuiltinEncoder(model)
