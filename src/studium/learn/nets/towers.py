"""What the towers of CLIP, SigLIP and ChineseCLIP read of a unit, and how they are saved with what is on top."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studium.errors import InputError, WeightsError
from studium.learn.nets import published
from studium.learn.nets.material import pictures_of, text_of, unseen
from studium.learn.nets.words import Words, reads
from studium.media.material import Material
from studium.media.transform import Picture

if TYPE_CHECKING:
    from torch import Tensor

    from studium.learn.nets.modules import Fusion

__all__ = ["TowersBody", "note", "opened", "restored"]

_FOLDER, _TOP = "network", "top.safetensors"
_TEXT, _IMAGE = "text_", "image_"  # begin the names of what each tower reads

Encoded = dict[str, npt.NDArray[Any]]


@dataclass
class TowersBody:
    """Two towers with a small network on top; see `studium.learn.nets.net.Body`.

    Attributes:
        module: what is trained.
        words: the tokenizer.
        processor: of the towers; prepares pictures.
        frames: pictures that are looked at of a unit, at most.
        memory: what frozen towers say of a unit, by its digest: so they read it once, and not in every epoch. None:
            nothing is kept.
    """

    module: "Fusion"
    words: Words
    processor: Any
    frames: int
    memory: dict[bytes, npt.NDArray[np.float32]] | None = field(default=None, repr=False)

    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """What the towers read of a `Material`, or what they say of it; nothing is changed at random."""
        text, pictures = text_of(_material(item)), pictures_of(item, self.frames)
        if self.memory is None:
            return self._read(text, pictures)
        key = _digest(text, pictures)
        if key not in self.memory:
            self.memory[key] = self._said(self._read(text, pictures))
        return {"features": self.memory[key]}

    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch: of all units what there is, of those with a text its tokens, of those with pictures all of them."""
        import torch

        if "features" in encoded[0]:
            return {"features": torch.from_numpy(np.stack([one["features"] for one in encoded]))}
        texts = [found for one in encoded if (found := _under(one, _TEXT))]
        images = [found for one in encoded if (found := _under(one, _IMAGE))]
        read = self.words.padded(texts) if texts else {}
        seen = {name: np.concatenate([one[name] for one in images]) for name in (images[0] if images else ())}
        batch = {
            **{name: np.stack([one[name] for one in encoded]) for name in ("told", "seen")},
            **{f"{_TEXT}{name}": values for name, values in read.items()},
            **{f"{_IMAGE}{name}": values for name, values in seen.items()},
        }
        return {name: torch.from_numpy(values) for name, values in batch.items()}

    def left_out(self, notes: Sequence[tuple[str, int]]) -> tuple[int, int]:
        """Of how many units, by what is noted of each, the words were not all read, and the pictures not all seen."""
        return self.words.count(text for text, _ in notes), sum(left > 0 for _, left in notes)

    def write(self, folder: Path) -> None:
        """Write a checkpoint of transformers, and the small network beside it."""
        from safetensors.torch import save_file

        published.write(folder / _FOLDER, self.module.towers, self.processor)
        state = {name: values.detach().cpu().contiguous() for name, values in self.module.top.state_dict().items()}
        save_file(state, folder / _TOP)

    def _read(self, text: str, pictures: Sequence[Picture]) -> Encoded:
        """What the towers read."""
        read = self.words(text) if text else {}
        if self.words.fixed:
            read.pop("attention_mask", None)  # those were trained to read the padding too
        seen = self._prepared(pictures) if pictures else {}
        return {
            "told": np.array(bool(text), np.int64),
            "seen": np.array(len(pictures), np.int64),
            **{f"{_TEXT}{name}": values for name, values in read.items()},
            **{f"{_IMAGE}{name}": values for name, values in seen.items()},
        }

    def _said(self, read: Encoded) -> npt.NDArray[np.float32]:
        """What the towers say of one unit, on an accelerator where there is one."""
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.module.towers.to(device)
        with torch.inference_mode():
            said = self.module.features(**{name: one.to(device) for name, one in self.collate([read]).items()})
        return np.asarray(said[0].float().cpu().numpy(), np.float32)

    def _prepared(self, pictures: Sequence[Picture]) -> Encoded:
        """Of each picture what the tower reads, one below the other."""
        found = self.processor.image_processor(list(pictures), return_tensors="np", input_data_format="channels_last")
        return {name: np.asarray(values) for name, values in found.items()}


def note(frames: int, material: Material) -> tuple[str, int]:
    """The words of a unit, and how many of its pictures and films are not looked at."""
    return text_of(_material(material)), unseen(material, frames)


def _material(item: Any) -> Material:
    if not isinstance(item, Material):
        raise InputError(f"expected the material of a unit, got {type(item).__name__}")
    return item


def _digest(text: str, pictures: Sequence[Picture]) -> bytes:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(picture.tobytes())
    return digest.digest()


def opened(folder: Path, outputs: int, tokens: int, frames: int, freeze: bool) -> TowersBody:
    """The towers in a folder with a new network on top, drawn by torch's generator.

    Args:
        folder: in the format of the hub.
        outputs: how many numbers it is to say.
        tokens: that are read, at most.
        frames: as `TowersBody.frames`.
        freeze: whether the towers stay as they are.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        WeightsError: it does not load, lacks weights, or has no two towers.
    """
    towers, processor, lacks = published.network(folder, "", "Processor")
    both = hasattr(towers, "get_text_features") and hasattr(towers, "get_image_features")
    if not (both and hasattr(processor, "tokenizer") and hasattr(processor, "image_processor")):
        raise WeightsError(f"{folder} has no towers for texts and for pictures: take a checkpoint of CLIP's kind")
    if lacks:
        raise WeightsError(f"{folder} lacks weights: {', '.join(lacks)}. Nothing is made up for them: take another")
    from studium.learn.nets.modules import Fusion

    text = towers.config.text_config
    fixed = text.max_position_embeddings if towers.config.model_type.startswith("siglip") else 0
    words = Words(processor.tokenizer, reads(towers, text, processor.tokenizer, tokens), fixed)
    module = Fusion(towers, _width(towers.config), outputs, freeze)
    return TowersBody(module, words, processor, frames)


def restored(folder: Path, outputs: int, preprocessing: Mapping[str, Any]) -> TowersBody:
    """As `TowersBody.write` wrote it into a folder.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        WeightsError: it does not load.
    """
    tokens, frames, freeze = (preprocessing[name] for name in ("tokens", "frames", "freeze"))
    body = opened(
        folder / _FOLDER, outputs, tokens, frames, freeze
    )  # torch computes otherwise where nothing is trained
    from safetensors.torch import load_file

    try:
        body.module.top.load_state_dict(load_file(folder / _TOP))
    except (OSError, RuntimeError) as error:
        raise WeightsError(f"{folder / _TOP} does not load: {error}") from error
    body.module.eval()
    return body


def _width(config: Any) -> int:
    """How many numbers each tower says."""
    if config.model_type.startswith("siglip"):
        return int(config.vision_config.hidden_size)
    return int(config.projection_dim)


def _under(given: Encoded, start: str) -> Encoded:
    """Those whose names begin so, without that."""
    return {name.removeprefix(start): values for name, values in given.items() if name.startswith(start)}
