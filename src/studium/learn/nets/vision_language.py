"""Vision-language models (Idefics, LLaVA, Qwen-VL ...) that are asked about a unit, and fine-tuned by adapters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from studium.errors import InputError, MediaError
from studium.learn.models.head import Head
from studium.learn.nets.asking.shared import READING, Asking, Asks, FittedAsking
from studium.learn.nets.material import pictures_of, text_of
from studium.learn.nets.net import Body, Encoded, FittedNet, Schedule
from studium.media.material import Material
from studium.media.transform import Picture, downscale

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FittedVisionLanguage", "VisionLanguage", "VisionLanguageBody"]


@dataclass
class VisionLanguageBody(Asking):
    """A vision-language model that is asked about a unit; see `studium.learn.nets.net.Body`."""

    longest: int = 768
    tiles: bool = False

    task: ClassVar[str] = "ImageTextToText"
    reads: ClassVar[str] = "Processor"

    def shows(self) -> dict[str, Any]:
        """As `Asking.shows`."""
        return {"longest": self.longest, "tiles": self.tiles}

    @property
    def frames(self) -> int:
        """Pictures that it is shown, at most."""
        return len(self.asked.prompts[0]) - 1

    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """What the network takes of each prompt about a unit, named "0.input_ids" and so on; nothing is random."""
        del rng
        if not isinstance(item, Material):
            raise InputError(f"expected a studium.media.material.Material, got {type(item).__name__}")
        pictures = [downscale(one, self.longest) for one in pictures_of(item, self.frames)]
        found: Encoded = {}
        with READING:
            shown = self.reader.shown(text_of(item))
            for number, prompts in enumerate(self.asked.prompts):
                read = self.read(self.asked.filled(prompts[len(pictures)], shown), pictures)
                found |= {f"{number}.{name}": values.numpy() for name, values in read.items()}
        return found

    def read(self, whole: str, pictures: Sequence[Picture]) -> "dict[str, Tensor]":
        """A whole prompt with its pictures, as the network reads it.

        Raises:
            MediaError: the model cannot take a picture of this shape, or not as much.
        """
        import torch
        from PIL import Image

        tokenizer = self.processor.tokenizer
        begun = tokenizer.bos_token is not None and whole.startswith(tokenizer.bos_token)
        how: dict[str, Any] = {"add_special_tokens": False} if begun else {}
        if hasattr(getattr(self.processor, "image_processor", None), "do_image_splitting"):
            how["do_image_splitting"] = self.tiles
        shown = [[Image.fromarray(one) for one in pictures]] if pictures else None
        try:
            found = dict(self.processor(text=[whole], images=shown, return_tensors="pt", **how))
        except Exception as error:  # each processor has errors of its own
            sizes = ", ".join(f"{one.shape[1]} x {one.shape[0]}" for one in pictures) or "none"
            raise MediaError(f"the model's processor cannot take this (pictures, px: {sizes}): {error}") from error
        count = found["input_ids"].shape[1]
        self.asked.check(count)
        return {**found, "last": torch.tensor([count - 1])}

    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch: every prompt is a row of its own, for no two models join pictures in the same way."""
        import torch

        asked = len(self.asked.prompts)
        found = {}
        for at, one in enumerate(encoded):
            for name, values in one.items():
                number, _, key = name.partition(".")
                found[f"{at * asked + int(number)}.{key}"] = torch.from_numpy(values)
        return found


@dataclass(frozen=True)
class FittedVisionLanguage(FittedAsking):
    """A trained `VisionLanguage`."""

    kind: ClassVar[str] = "vision_language"
    takes: ClassVar[str] = "material"
    bodies: ClassVar[type[Asking]] = VisionLanguageBody


@dataclass(frozen=True, kw_only=True)
class VisionLanguage(Asks):
    """A published vision-language model that is asked about a unit, and learns to answer as coders do.

    It is shown the pictures of a post and frames of its films, then its text and what is said in films and sounds, then
    the question and the definitions of the codebook, in one prompt in the words of its own chat template; that there is
    no picture, or no text, is said in it. The rest is as in `studium.learn.nets.causal.LanguageModel`: answers are
    scored by how likely they are to begin, ``Schedule(epochs=0)`` is zero-shot by the same words, adapters are trained
    beside the layers that read, and those alone are saved.

    ``training["cut"]`` says of how many units the end of the words was not read, ``training["unseen"]`` of how many
    some pictures or films were not looked at.

    Attributes:
        model: a checkpoint of transformers for image-text-to-text in safetensors, with a chat template: an id of
            ``models.toml``, ``owner/name@commit``, or a folder.
        schedule: of few examples at a time, for a unit of several pictures takes much memory.
        frames: pictures that it is shown, at most, frames of films among them; 4 to 8 are usual.
        longest: pictures with a longer side are shrunk to it first, in px.
        tiles: whether a model that can also reads each picture in tiles (Idefics, SmolVLM): small writing is legible
            then, at up to 17 times the tokens.
        vision: whether the layers that see are adapted too.

    References:
        Laurençon et al. (2024), Idefics2, doi:10.48550/arXiv.2405.02246; Hu et al. (2021), LoRA,
        doi:10.48550/arXiv.2106.09685.
    """

    schedule: Schedule = field(default_factory=lambda: Schedule(rate=1e-4, batch=4, accumulate=4))
    frames: int = 4
    longest: int = 768
    tiles: bool = False
    vision: bool = False

    kind: ClassVar[str] = "vision_language"
    takes: ClassVar[str] = "material"
    bodies: ClassVar[type[Asking]] = VisionLanguageBody
    fitted: ClassVar[type[FittedNet]] = FittedVisionLanguage

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if self.frames < 1 or self.longest < 1:
            raise InputError(f"frames and longest should be at least 1, got {self.frames} and {self.longest}")

    def begin(self, head: Head) -> Body:
        """As `Net.begin`."""
        return self.asking(head, self.frames, self.vision, longest=self.longest, tiles=self.tiles)
