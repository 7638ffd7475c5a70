"""Encoders in ONNX, as the hub has them: onnx/vision_model.onnx, text_model.onnx or model.onnx beside their JSON.

Pictures and texts are prepared without torch or transformers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.errors import InputError
from studium.measure.encoder_batches import AT_ONCE, in_batches, stacked
from studium.measure.encoder_folder import Description
from studium.measure.encoder_input import PROCESSORS, Preparation, preparation
from studium.measure.encoder_tokens import Encoded, Words, pool, words
from studium.media.transform import Picture
from studium.networks.sessions import CPU, loaded, session

__all__ = ["SUFFIXES", "OnnxEncoder", "export_of", "is_export"]

SUFFIXES = {"float32": "", "float16": "_fp16", "int8": "_quantized"}
"""How the hub names the files of each precision."""

_TOWERS = ("vision_model", "text_model", "model")
_FIRST = {"dinov2", "vit"}  # the vector of a picture is that of the first token, where the graph does not pool

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class OnnxEncoder:
    """Pictures and texts to vectors by ONNX Runtime; a graph is loaded when it is first needed.

    Attributes:
        model: what the user calls it.
        description: of its folder.
        precision: of its weights, a key of `SUFFIXES`.
    """

    model: str
    description: Description
    precision: str = "float32"

    def images(self, batch: Sequence[Picture]) -> Vectors:
        """Vectors of RGB pictures, as the network makes them; n x d."""
        found = in_batches(self._images, batch, _at_once(self.vision, self.precision) if batch else 1)
        return stacked(found, self.model, self.description.dims)

    def texts(self, texts: Sequence[str]) -> Encoded:
        """Vectors of texts, as the network makes them."""
        found = in_batches(self._texts, texts, _at_once(self.text, self.precision) if texts else 1)
        counts = [count for one in found for count in one.counts]
        return Encoded(stacked([one.vectors for one in found], self.model, self.description.dims), counts)

    @cached_property
    def vision(self) -> Any:
        """The session for pictures."""
        return loaded(lambda: self._session("vision_model"))

    @cached_property
    def text(self) -> Any:
        """The session for texts."""
        return loaded(lambda: self._session("text_model"))

    @cached_property
    def preparation(self) -> Preparation:
        """What prepares pictures."""
        settings = self.description.preparation or {}
        if found := preparation(settings):
            return found
        raise InputError(
            f"{self.model} prepares pictures as {settings.get('image_processor_type')} with settings that studium does "
            f"not know without transformers; it knows {', '.join(PROCESSORS)}. Take a checkpoint in safetensors"
        )

    @cached_property
    def words(self) -> Words:
        """Its tokenizer."""
        return loaded(lambda: words(self.description))

    def _session(self, tower: str) -> Any:
        return session(export_of(self.description, tower, self.precision), self.model, accelerate=True)

    def _images(self, batch: Sequence[Picture]) -> Vectors:
        (wanted,) = self.vision.get_inputs()
        pixels = np.stack([self.preparation(picture) for picture in batch])
        names = [output.name for output in self.vision.get_outputs()]
        if name := next((name for name in ("image_embeds", "pooler_output") if name in names), None):
            return _run(self.vision, name, {wanted.name: pixels}).reshape(len(batch), -1)
        if "last_hidden_state" in names and self.description.family in _FIRST:
            return _run(self.vision, "last_hidden_state", {wanted.name: pixels})[:, 0]
        raise InputError(
            f"{self.model} gives {', '.join(names)}; expected image_embeds or pooler_output. An export for classifying "
            "has no vector of a picture: take a checkpoint in safetensors, or export it for feature extraction"
        )

    def _texts(self, texts: Sequence[str]) -> Encoded:
        tokens = self.words(texts)
        have = {"input_ids": tokens.ids, "attention_mask": tokens.mask, "token_type_ids": np.zeros_like(tokens.ids)}
        asked = [wanted.name for wanted in self.text.get_inputs()]
        if not set(asked) <= set(have):
            raise InputError(f"{self.model} asks for {', '.join(asked)}; a text gives {', '.join(have)}")
        feed = {name: have[name] for name in asked}
        names = [output.name for output in self.text.get_outputs()]
        best = ("text_embeds", "pooler_output") if self.description.joint else ("sentence_embedding",)
        if name := next((name for name in best if name in names), None):
            return Encoded(_run(self.text, name, feed), tokens.counts)
        if not self.description.joint and (states := next((n for n in _STATES if n in names), None)):
            pooled = pool(_run(self.text, states, feed), tokens.mask, self.description.pooling)
            return Encoded(pooled, tokens.counts)
        raise InputError(f"{self.model} gives {', '.join(names)}; expected one of {', '.join((*best, *_STATES))}")


_STATES = ("last_hidden_state", "token_embeddings")


def is_export(folder: Path) -> bool:
    """Whether a folder has an export, whatever its precision."""
    return any(_file(folder, f"{tower}{end}") for tower in _TOWERS for end in SUFFIXES.values())


def export_of(description: Description, tower: str, precision: str) -> Path:
    """The graph of a tower; of networks with one only, that one.

    Raises:
        InputError: there is none; the message says what there is.
    """
    names = [tower] if description.joint else [tower, "model"]
    for name in names:
        if file := _file(description.folder, f"{name}{SUFFIXES[precision]}"):
            return file
    there = sorted(file.name for place in ("onnx", ".") for file in (description.folder / place).glob("*.onnx"))
    raise InputError(
        f"{description.folder} has no {' or '.join(names)} in {precision} ({names[-1]}{SUFFIXES[precision]}.onnx); "
        f"it has {', '.join(there) or 'no graph'}"
    )


def _file(folder: Path, name: str) -> Path | None:
    places = (folder / "onnx" / f"{name}.onnx", folder / f"{name}.onnx")
    return next((place for place in places if place.is_file()), None)


def _at_once(graph: Any, precision: str) -> int:
    """One by one on a CPU; and with weights in int8, whose graphs scale by the largest value of a whole batch."""
    return 1 if precision == "int8" or graph.get_providers()[0] == CPU else AT_ONCE


def _run(graph: Any, output: str, feed: dict[str, Any]) -> Vectors:
    """One output, as float32; graphs in float16 may want and give float16."""
    half = {wanted.name for wanted in graph.get_inputs() if wanted.type == "tensor(float16)"}
    given = {name: values.astype(np.float16) if name in half else values for name, values in feed.items()}
    return np.asarray(graph.run([output], given)[0], np.float32)
