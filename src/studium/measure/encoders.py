"""Pictures and texts to vectors, by the name of a model.

A model is an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder in the hub's
format. Three backends do the work, chosen by what there is: `encoder_builtin` (models of the package index),
`encoder_onnx` (a folder with an ONNX export; no torch needed), `encoder_hub` (a checkpoint of transformers).

On a CPU a value depends on its own input alone, bit by bit, whatever else is in the batch; on an accelerator, where
inputs go through in batches, within 1e-3.
"""

import dataclasses
import re
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.core.bundle import Snapshot
from studium.errors import InputError, WeightsError
from studium.measure.encoder_builtin import BUILTIN, TWINS, builtin_encoder
from studium.measure.encoder_folder import describe
from studium.measure.encoder_hub import hub_encoder
from studium.measure.encoder_models import (
    IMAGE_MODELS,
    TEXT_MODELS,
    at_once,
    check,
    description,
    detail,
    dims,
    image_twin,
    is_joint,
    known,
    logit_bias,
    logit_scale,
    text_twin,
    tokens,
)
from studium.measure.encoder_onnx import SUFFIXES, OnnxEncoder, is_export
from studium.measure.encoder_tokens import Encoded
from studium.media.transform import Picture
from studium.networks.sessions import loaded
from studium.networks.texts import check_text

__all__ = [
    "IMAGE_MODELS",
    "PRECISIONS",
    "TEXT_MODELS",
    "Encoder",
    "at_once",
    "check",
    "count_texts",
    "detail",
    "dims",
    "encode_images",
    "encode_text",
    "image_twin",
    "is_joint",
    "known",
    "logit_bias",
    "logit_scale",
    "prepare",
    "text_twin",
    "tokens",
]

PRECISIONS = tuple(SUFFIXES)

_PREFIXES = {"multilingual-e5-small": "query: "}
"""What a model was trained to see before every text, where its repository does not say it in its files."""

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """What turns pictures, texts or both into vectors; it may be missing one of the two."""

    def images(self, batch: Sequence[Picture]) -> Vectors:
        """Vectors of RGB pictures, as the network makes them; n x d."""

    def texts(self, texts: Sequence[str]) -> Encoded:
        """Vectors of texts, as the network makes them."""


def encode_images(model: str, batch: Sequence[Picture], precision: str = "float32") -> Vectors:
    """Vectors of pictures, as the model makes them (not of length 1).

    CLIP and its kin: the projected vector that compares with texts. DINOv2: the last layer's first token, normalised by
    the layer. ViT: its pooler's output, or the first token of one trained to classify. ResNet: the mean over the last
    feature map. Others: their pooled output.

    Args:
        model: one of `IMAGE_MODELS`, ``owner/name@commit``, or the path of a folder.
        batch: RGB uint8 H x W x 3 each.
        precision: of the weights, one of `PRECISIONS`.

    Returns:
        n x d float32.

    Raises:
        InputError: the model reads no pictures, or is not to be had in that precision.
        WeightsError: it is not on this machine, or does not load.

    References:
        ConSE: Norouzi et al. (2014), Zero-shot learning by convex combination of semantic embeddings, ICLR,
        doi:10.48550/arXiv.1312.5650.
    """
    return _encoder(check(model, "image"), precision).images(batch)


def encode_text(model: str, texts: Sequence[str], precision: str = "float32") -> Vectors:
    """Vectors of texts, of length 1.

    Args:
        model: one of `TEXT_MODELS`, or a joint image model ("conse"), ``owner/name@commit``, or the path of a folder;
            the vectors of a joint model compare with its pictures'.
        texts: any number of them.
        precision: of the weights, one of `PRECISIONS`.

    Returns:
        n x d float32.

    Raises:
        UnknownNameError: a model that takes no text.
        InputError: what is given is no list of texts.
    """
    return count_texts(model, texts, precision).vectors


def count_texts(model: str, texts: Sequence[str], precision: str = "float32") -> Encoded:
    """As `encode_text`, and how many tokens each whole text has, with the model's marks and what is put before it."""
    if isinstance(texts, str):
        raise InputError("expected a list of texts, got one text; write [text]")
    reader = check(TWINS.get(model) or model, "text")
    found = _encoder(reader, precision).texts([_written(reader, check_text(text)) for text in texts])
    lengths = np.linalg.norm(found.vectors, axis=1, keepdims=True)
    return found if reader in BUILTIN else Encoded(found.vectors / lengths, found.counts)


def prepare(model: str, precision: str = "float32", task: str = "image") -> None:
    """Fetch and load what ``model`` needs, once per process, and try it.

    Args:
        model: as for `encode_images` or `encode_text`.
        precision: of the weights, one of `PRECISIONS`.
        task: what it is needed for, "image" or "text".

    Raises:
        UnknownNameError: no such model.
        InputError: it does something else, or is not to be had in that precision.
        WeightsError: its weights cannot be had.
    """
    known(model, IMAGE_MODELS if task == "image" else TEXT_MODELS, task)
    if precision != "float32" and model not in BUILTIN:
        bundle = weights.get(model).bundle
        if isinstance(bundle, Snapshot) and not bundle.names:
            weights.pull(model)  # what a repository has is known once it is here
        weights.pull(_row(model, precision))
    if task == "image":
        encode_images(model, [np.zeros((8, 8, 3), np.uint8)], precision)
    else:
        encode_text(model, [""], precision)


def _encoder(model: str, precision: str) -> Encoder:
    """The encoder, loaded once per process, and again if the files in the folder change."""
    if precision not in SUFFIXES:
        raise InputError(f"precision should be one of {', '.join(SUFFIXES)}, got {precision!r}")
    if model in BUILTIN:
        return builtin_encoder(model, precision)
    row = _row(model, precision)
    if row != weights.get(model) and row.bundle is not None and not row.bundle.files():
        raise WeightsError(
            f"{model} is not on this machine in {precision}, which  studium models pull  does not fetch: a run does, "
            "and so does prepare() of the measure"
        )
    folder = weights.folder(row)
    return loaded(partial(_load, folder, weights.fingerprint(model), model, precision))


@cache
def _load(folder: Path, fingerprint: str, model: str, precision: str) -> Encoder:
    said = describe(folder)
    return OnnxEncoder(model, said, precision) if is_export(folder) else hub_encoder(model, said, precision)


def _row(model: str, precision: str) -> weights.Model:
    """Its row, with the files of that precision, where it is an export on the hub."""
    row = weights.get(model)
    if precision == "float32" or not isinstance(row.bundle, Snapshot):
        return row
    names = row.bundle.names or tuple(file.relative_to(row.bundle.folder).as_posix() for file in row.bundle.files())
    other = tuple(re.sub(r"(model)\.onnx$", rf"\1{SUFFIXES[precision]}.onnx", name) for name in names)
    return dataclasses.replace(row, bundle=dataclasses.replace(row.bundle, names=other))


def _written(model: str, text: str) -> str:
    """A text as the model was trained to see it."""
    if model in BUILTIN:
        return text
    found = description(model)
    text = text.lower() if found.lowers else text
    return f"{_PREFIXES.get(model, found.prefix)}{text}"
