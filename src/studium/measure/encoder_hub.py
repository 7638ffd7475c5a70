"""Encoders by transformers: CLIP, ChineseCLIP, SigLIP, SigLIP 2, DINOv2, ViT, ResNet, sentence encoders, kin."""

import copy
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.errors import InputError, WeightsError
from studium.measure.encoder_batches import AT_ONCE, in_batches, stacked
from studium.measure.encoder_folder import FAMILIES, Description
from studium.measure.encoder_input import Preparation, preparation
from studium.measure.encoder_tokens import Encoded, Words, pool, words
from studium.media.transform import Picture, check_rgb
from studium.networks.hub import Checkpoint, checkpoint
from studium.networks.sessions import loaded

__all__ = ["HubEncoder", "hub_encoder"]

_CLASSIFIER = "ImageClassification"
_flags = threading.Lock()

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HubEncoder:
    """Pictures and texts to vectors by a network of transformers.

    Attributes:
        model: what the user calls it.
        description: of its folder.
        network: a torch module.
        processor: what prepares pictures that studium does not know to prepare.
        device: where the network lies.
    """

    model: str
    description: Description
    network: Any
    processor: Any
    device: str

    def images(self, batch: Sequence[Picture]) -> Vectors:
        """Vectors of RGB pictures, as the network makes them; n x d."""
        return stacked(in_batches(self._images, batch, self._at_once), self.model, self.description.dims)

    def texts(self, texts: Sequence[str]) -> Encoded:
        """Vectors of texts, as the network makes them."""
        found = in_batches(self._texts, texts, self._at_once)
        counts = [count for one in found for count in one.counts]
        return Encoded(stacked([one.vectors for one in found], self.model, self.description.dims), counts)

    @cached_property
    def preparation(self) -> Preparation | None:
        """What prepares pictures; None: the processor does."""
        return preparation(self.description.preparation or {})

    @cached_property
    def words(self) -> Words:
        """Its tokenizer."""
        return loaded(lambda: words(self.description, _tokenizer(self.description)))

    @property
    def _at_once(self) -> int:
        return 1 if self.device == "cpu" else AT_ONCE

    def _images(self, batch: Sequence[Picture]) -> Vectors:
        inputs = self._pixels([check_rgb(picture) for picture in batch])
        with _exact(self.device):
            if self.description.joint:
                return _numbers(_pooled(self.network.get_image_features(**inputs)))
            said = self.network(**inputs)
        if _is_vit_classifier(self.description):
            return _numbers(said.last_hidden_state[:, 0])
        if getattr(said, "pooler_output", None) is None:
            raise InputError(
                f"{self.model} is {self.description.family!r}, which gives no pooled output; expected one of "
                f"{', '.join(FAMILIES)}, or another with a pooled output"
            )
        return _numbers(said.pooler_output.flatten(1))

    def _pixels(self, batch: Sequence[Picture]) -> dict[str, Any]:
        import torch

        if self.preparation:
            inputs: Any = {"pixel_values": torch.from_numpy(np.stack([self.preparation(one) for one in batch]))}
        else:
            inputs = self.processor(list(batch), return_tensors="pt", input_data_format="channels_last")
        return {key: self._placed(values) for key, values in inputs.items()}

    def _placed(self, values: Any) -> Any:
        dtype = self.network.dtype if values.is_floating_point() else values.dtype
        return values.to(self.device, dtype)

    def _texts(self, texts: Sequence[str]) -> Encoded:
        import torch

        tokens = self.words(texts)
        inputs = {"input_ids": torch.from_numpy(tokens.ids)}
        if not self.description.sigmoid:  # those were trained to read the padding too
            inputs["attention_mask"] = torch.from_numpy(tokens.mask)
        inputs = {key: values.to(self.device) for key, values in inputs.items()}
        with _exact(self.device):
            if self.description.joint:
                return Encoded(_numbers(_pooled(self.network.get_text_features(**inputs))), tokens.counts)
            states = _numbers(self.network(**inputs).last_hidden_state)
        return Encoded(pool(states, tokens.mask, self.description.pooling), tokens.counts)


def hub_encoder(model: str, description: Description, precision: str) -> HubEncoder:
    """The encoder in a checkpoint of transformers.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder.
        description: of its folder.
        precision: "float32"; "float16" on an accelerator.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        WeightsError: it does not load.
        InputError: a precision that it cannot be had in.
    """
    if precision == "int8":
        raise InputError(f"{model} runs by transformers, which has no int8: it needs an ONNX export (onnx/*_quantized)")
    found = _checkpoint(model, description)
    network = found.network.base_model if _is_vit_classifier(description) else found.network
    if precision == "float16":
        if found.device == "cpu":
            raise InputError(f"{model} in float16 needs an accelerator: a CPU computes in float32. Leave precision out")
        network = copy.deepcopy(network).half()  # the one in float32 is shared
    return HubEncoder(model, description, network, found.processor, found.device)


def _checkpoint(model: str, description: Description) -> Checkpoint:
    if not description.pictures:
        return checkpoint(model, "", reads="Tokenizer")
    return checkpoint(model, _CLASSIFIER if _is_vit_classifier(description) else "")


def _is_vit_classifier(description: Description) -> bool:
    """Whether a ViT was trained to classify: then it has no pooler, and its first token is what the classes are of."""
    architectures = description.config.get("architectures") or []
    return description.family == "vit" and f"ViTFor{_CLASSIFIER}" in architectures


def _tokenizer(description: Description) -> Any:
    """A tokenizer in older files than tokenizer.json."""
    if (description.folder / "tokenizer.json").is_file():
        return None
    import transformers

    try:
        found: Any = transformers.AutoTokenizer.from_pretrained(description.folder, local_files_only=True)
        return found.backend_tokenizer
    except Exception as error:
        raise WeightsError(f"{description.folder} has no tokenizer that loads: {error}") from error


@contextmanager
def _exact(device: str) -> Iterator[None]:
    """Without gradients, and without TF32: so a vector is the CPU's within 1e-3.

    TF32 is switched for the whole process, so on an accelerator one thread at a time goes through.
    """
    import torch

    if device == "cpu":
        with torch.inference_mode():
            yield
        return
    with _flags, torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        before, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, False
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before


def _pooled(said: Any) -> Any:
    return getattr(said, "pooler_output", said)


def _numbers(values: Any) -> Vectors:
    return np.asarray(values.float().cpu().numpy(), np.float32)
