"""Pictures and texts to vectors, by the name of a model.

A value depends on its own input alone, bit by bit, whatever else is in the batch.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.errors import InputError, UnknownNameError
from studium.measure import conse, efficientnet, image_network, text_network
from studium.measure.sessions import loaded
from studium.measure.transform import Picture

__all__ = ["IMAGE_MODELS", "TEXT_MODELS", "encode_images", "encode_text", "is_joint", "known", "prepare", "text_twin"]

_TEXT_TWINS = {efficientnet.MODEL: None, conse.MODEL: text_network.MODEL}
IMAGE_MODELS = tuple(_TEXT_TWINS)
TEXT_MODELS = (text_network.MODEL,)

Vectors = npt.NDArray[np.float32]


def is_joint(model: str) -> bool:
    """Whether an image model puts pictures and texts into one space, so that a text can search pictures."""
    return text_twin(model) is not None


def text_twin(model: str) -> str | None:
    """The text model whose vectors compare with those of an image model, or None.

    Raises:
        UnknownNameError: no such image model.
    """
    return _TEXT_TWINS[known(model, IMAGE_MODELS, "image")]


def prepare(model: str) -> None:
    """Fetch and load what ``model`` needs, once per process.

    Raises:
        UnknownNameError: no such model.
        WeightsError: its weights cannot be had.
    """
    known(model, (*IMAGE_MODELS, *TEXT_MODELS), "embedding")
    loaded(text_network.network if model in TEXT_MODELS else image_network.network)
    if model == conse.MODEL:
        loaded(conse.class_vectors)


def encode_images(model: str, batch: Sequence[Picture]) -> Vectors:
    """Vectors of pictures, as the model makes them (not of length 1).

    Args:
        model: "efficientnet-lite0" (1280-d), or "conse" (384-d, comparable with `encode_text`).
        batch: RGB uint8 H x W x 3 each.

    Returns:
        n x d float32.

    References:
        ConSE: Norouzi et al. (2014), Zero-shot learning by convex combination of semantic embeddings, ICLR,
        doi:10.48550/arXiv.1312.5650.
    """
    known(model, IMAGE_MODELS, "image")
    outputs = image_network.run_image(batch)
    if model == efficientnet.MODEL:
        return outputs.embedding.copy()
    classes = loaded(conse.class_vectors)
    return _stack([conse.conse(row, classes) for row in outputs.probabilities], classes.shape[1])


def encode_text(model: str, texts: Sequence[str]) -> Vectors:
    """Vectors of texts, of length 1.

    Args:
        model: a text model ("minilm"), or a joint image model ("conse"): then the vectors compare with its pictures'.
        texts: any number of them.

    Returns:
        n x d float32.

    Raises:
        UnknownNameError: a model that takes no text.
    """
    if isinstance(texts, str):
        raise InputError("expected a list of texts, got one text; write [text]")
    twin = known((_TEXT_TWINS.get(model) or model), TEXT_MODELS, "text")
    return _stack([text_network.run_text(text).vector for text in texts], weights.get(twin).dims)


def known(model: str, models: Sequence[str], task: str) -> str:
    """``model`` if it is one of ``models``.

    Raises:
        UnknownNameError: it is not; the message lists what there is.
    """
    if model not in models:
        raise UnknownNameError(f"no {task} model named {model!r}; there are: {', '.join(models)}")
    return model


def _stack(vectors: Sequence[npt.NDArray[Any]], dims: int) -> Vectors:
    return np.array(vectors, dtype=np.float32).reshape(len(vectors), dims)
