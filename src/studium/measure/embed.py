"""Embeddings: pictures and texts as vectors, for clustering, search and classifiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from studium.core import weights
from studium.core.column import Column
from studium.core.protocols import Measure
from studium.errors import InputError
from studium.measure import encoders
from studium.media.transform import Picture

__all__ = ["Embed", "EmbedText"]


@dataclass(frozen=True)
class Embed(Measure):
    """The vector of a picture, stored as the model makes it (float32, not scaled to length 1).

    Pictures of alike content have vectors that point the same way: clusters, similar-picture search, maps and
    classifiers are made of them. A single number of the vector means nothing; compare two vectors by their cosine.

    The default model sees the central square of the picture (224 of 256 px, after the shorter side became 256 px): what
    lies at the far ends of a panorama is not in the vector. It learned everyday objects: style, text in the picture and
    who is shown are in the vector only by accident. Other models prepare pictures as the hub says for them: CLIP,
    DINOv2 and ResNet cut out the middle, SigLIP squeezes the whole to a square. float32, because R, Stata and Polars do
    not read float16.

    Args:
        model: "efficientnet-lite0" (1280-d pooled features; for clusters and classifiers), "conse" (384-d, comparable
            with texts; for search; object-like content only), another id of `models` ("clip-vit-b32", "siglip2-base",
            "dinov2-small" ...), ``owner/name@commit`` of a hub repository, or the path of a folder in the hub's format.
        precision: of the weights: "float32"; "float16" or "int8" where the model has such an export, smaller and less
            exact. A checkpoint without an export does "float16" on an accelerator.
    """

    model: str = "efficientnet-lite0"
    precision: str = "float32"

    name: ClassVar[str] = "embed"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        """Refuse unknown models at the door."""
        encoders.known(self.model, encoders.IMAGE_MODELS, "image")
        _check_precision(self)

    @property
    def columns(self) -> tuple[Column, ...]:
        """One vector."""
        return (Column("embedding", "float32", f"{_about(self.model)}, raw", size=encoders.dims(self.model),
                       source=_source(self.model)),)  # fmt: skip

    @property
    def models(self) -> tuple[str, ...]:
        """The one it loads."""
        return (self.model,)

    @property
    def detail(self) -> int:
        """Twice what the model sees, at least."""
        return encoders.detail(self.model)

    @property
    def at_once(self) -> int:
        """Many on an accelerator."""
        return encoders.at_once(self.model)

    def prepare(self) -> None:
        """Fetch and load the model."""
        encoders.prepare(self.model, self.precision)

    def __call__(self, batch: Sequence[Picture]) -> Mapping[str, Any]:
        """Embed RGB pictures."""
        return {"embedding": encoders.encode_images(self.model, batch, self.precision)}


@dataclass(frozen=True)
class EmbedText(Measure):
    """The vector of a text, of length 1, so that the dot product of two is their cosine.

    Texts that mean alike have vectors with a high cosine, also where they share no word: for topics, search and
    classifiers. Cosines order pairs of texts; there is no fixed value above which two texts mean the same.

    The default reads English only; other languages get a vector too, but not a useful one: take "multilingual-e5-small"
    for them. A model reads the first tokens of a text (minilm 256, E5 512, CLIP 77, SigLIP 64); of a longer text the
    rest is not in the vector, and ``truncated`` says so. An empty text gets a vector too: ``tokens`` is then what the
    model puts around every text (2 for minilm), so leave such posts out.

    The text tower of a joint model ("clip-vit-b32", "siglip2-base") makes vectors that compare with those of `Embed`
    by the same model. It was trained on captions: for texts among themselves a text model is better.

    Args:
        model: "minilm" (384-d), "multilingual-e5-small" (384-d), a joint model of `models`, ``owner/name@commit`` of a
            hub repository, or the path of a folder in the hub's format (as sentence-transformers writes them, too).
        precision: as for `Embed`.
    """

    model: str = "minilm"
    precision: str = "float32"

    name: ClassVar[str] = "embed_text"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "text"

    def __post_init__(self) -> None:
        """Refuse unknown models at the door."""
        encoders.known(self.model, encoders.TEXT_MODELS, "text")
        _check_precision(self)

    @property
    def columns(self) -> tuple[Column, ...]:
        """A vector, the length of the text, and whether it was cut."""
        limit = encoders.tokens(self.model)
        return (
            Column("text_embedding", "float32", f"{_about(self.model)}, length 1", size=encoders.dims(self.model),
                   source=_source(self.model)),
            Column("tokens", "int32", "tokens of the whole text, with the model's marks around it", "tokens", 1),
            Column("truncated", "bool", f"the text is longer than the {limit} tokens read"),
        )  # fmt: skip

    @property
    def models(self) -> tuple[str, ...]:
        """The one it loads."""
        return (self.model,)

    @property
    def at_once(self) -> int:
        """Many on an accelerator."""
        return encoders.at_once(self.model)

    def prepare(self) -> None:
        """Fetch and load the model."""
        encoders.prepare(self.model, self.precision, "text")

    def __call__(self, batch: Sequence[str]) -> Mapping[str, Any]:
        """Embed texts."""
        found = encoders.count_texts(self.model, batch, self.precision)
        counts = np.array(found.counts, np.int32)
        return {
            "text_embedding": found.vectors,
            "tokens": counts,
            "truncated": counts > encoders.tokens(self.model),
        }


def _about(model: str) -> str:
    row = weights.get(model)
    return f"{row.task or 'embedding'} ({row.id})"


def _source(model: str) -> str:
    paper = weights.get(model).paper
    return f"doi:{paper}" if paper else ""


def _check_precision(measure: Embed | EmbedText) -> None:
    if measure.precision not in encoders.PRECISIONS:
        raise InputError(
            f"{measure.name}: precision should be one of {', '.join(encoders.PRECISIONS)}, got {measure.precision!r}; "
            "leave it out for float32"
        )
