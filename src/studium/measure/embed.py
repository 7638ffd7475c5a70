"""Embeddings: pictures and texts as vectors, for clustering, search and classifiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from studium.core import weights
from studium.core.column import Column
from studium.core.protocols import Measure
from studium.measure import encoders
from studium.measure.text_network import run_text
from studium.measure.transform import Picture

__all__ = ["Embed", "EmbedText"]


@dataclass(frozen=True)
class Embed(Measure):
    """The vector of a picture, stored as the model makes it (float32, not scaled to length 1).

    Pictures of alike content have vectors that point the same way: clusters, similar-picture search, maps and
    classifiers are made of them. A single number of the vector means nothing; compare two vectors by their cosine.

    The model sees the central square of the picture (224 of 256 px, after the shorter side became 256 px): what lies
    at the far ends of a panorama is not in the vector. It learned everyday objects: style, text in the picture and
    who is shown are in the vector only by accident. float32, because R, Stata and Polars do not read float16.

    Args:
        model: "efficientnet-lite0" (1280-d pooled features; for clusters and classifiers) or "conse" (384-d,
            comparable with texts; for search; object-like content only).
    """

    model: str = "efficientnet-lite0"

    name: ClassVar[str] = "embed"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        """Refuse unknown models at the door."""
        encoders.known(self.model, encoders.IMAGE_MODELS, "image")

    @property
    def columns(self) -> tuple[Column, ...]:
        """One vector."""
        row = weights.get(self.model)
        about, source = f"{row.task} ({row.id}), raw", f"doi:{row.paper}"
        return (Column("embedding", "float32", about, size=row.dims, source=source),)

    @property
    def models(self) -> tuple[str, ...]:
        """The one it loads."""
        return (self.model,)

    def prepare(self) -> None:
        """Fetch and load the model."""
        encoders.prepare(self.model)

    def __call__(self, batch: Sequence[Picture]) -> Mapping[str, Any]:
        """Embed RGB pictures."""
        return {"embedding": encoders.encode_images(self.model, batch)}


@dataclass(frozen=True)
class EmbedText(Measure):
    """The vector of a text, of length 1, so that the dot product of two is their cosine.

    Texts that mean alike have vectors with a high cosine, also where they share no word: for topics, search and
    classifiers. Cosines order pairs of texts; there is no fixed value above which two texts mean the same.

    English only; other languages get a vector too, but not a useful one. The model reads the first 256 word pieces; of
    a longer text the rest is not in the vector, and ``truncated`` says so. An empty text gets a vector too: ``tokens``
    is 2 then, so leave such posts out.

    Args:
        model: "minilm" (384-d).
    """

    model: str = "minilm"

    name: ClassVar[str] = "embed_text"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "text"

    def __post_init__(self) -> None:
        """Refuse unknown models at the door."""
        encoders.known(self.model, encoders.TEXT_MODELS, "text")

    @property
    def columns(self) -> tuple[Column, ...]:
        """A vector, the length of the text, and whether it was cut."""
        row = weights.get(self.model)
        about, source = f"{row.task} ({row.id}), length 1", f"doi:{row.paper}"
        return (
            Column("text_embedding", "float32", about, size=row.dims, source=source),
            Column("tokens", "int32", "word pieces of the whole text, with its start and end marks", "word pieces", 2),
            Column("truncated", "bool", f"the text is longer than the {row.input['tokens']:.0f} word pieces read"),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The one it loads."""
        return (self.model,)

    def prepare(self) -> None:
        """Fetch and load the model."""
        encoders.prepare(self.model)

    def __call__(self, batch: Sequence[str]) -> Mapping[str, Any]:
        """Embed texts."""
        outputs = [run_text(text) for text in batch]
        vectors = np.array([o.vector for o in outputs], np.float32).reshape(len(outputs), weights.get(self.model).dims)
        return {
            "text_embedding": vectors,
            "tokens": np.array([o.tokens for o in outputs], np.int32),
            "truncated": np.array([o.truncated for o in outputs], np.bool_),
        }
