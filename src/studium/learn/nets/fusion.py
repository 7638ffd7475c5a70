"""CLIP and its kin with a new head that reads texts and pictures together."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

from studium.core import weights
from studium.errors import InputError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.nets.net import Body, FittedNet, Net, Schedule
from studium.learn.nets.objective import outputs_of
from studium.learn.nets.towers import TowersBody, note, opened, restored
from studium.learn.nets.words import Kept
from studium.media.material import Material

log = logging.getLogger(__name__)

__all__ = ["ClipFusion", "FittedFusion"]

_HIGH = 1e-4  # a rate for whole towers


@dataclass(frozen=True)
class FittedFusion(FittedNet):
    """A trained `ClipFusion`."""

    body: TowersBody

    kind: ClassVar[str] = "clip_fusion"
    takes: ClassVar[str] = "material"

    def outputs(self, X: Sequence[Material]) -> Floats:
        """As `Fitted.outputs`; a warning in the log says of how many units something was not read or looked at."""
        given = Kept.all(X, partial(note, self.body.frames))
        found = super().outputs(given)
        cut, unseen = self.body.left_out(given.notes)
        if cut or unseen:
            log.warning(
                "of %d units the end of the words of %d was not read, and not all pictures and films of %d were seen",
                len(X), cut, unseen,
            )  # fmt: skip
        return found

    def preprocessing(self) -> dict[str, Any]:
        """How much is read and looked at, and whether the towers are as published."""
        body = self.body
        return {"tokens": body.words.most, "frames": body.frames, "freeze": body.module.freeze}

    @classmethod
    def restored(cls, head: Head, preprocessing: dict[str, Any], folder: Path) -> Body:
        """As `FittedNet.restored`."""
        return restored(folder, outputs_of(head), preprocessing)


@dataclass(frozen=True, kw_only=True)
class ClipFusion(Net):
    """CLIP, SigLIP or ChineseCLIP with a small network on top, which learns from what both towers say together.

    The features of the text and of the pictures are joined with their product, number by number: what only the pair
    tells is in it. A unit without text, or without pictures, has zeros there, and the small network is told so. Of
    films frames are taken, spread evenly; `studium.learn.nets.material.pictures_of` says which. What is said in films
    and sounds is read behind the text.

    The towers read the beginning of the words only: ``training["cut"]`` says of how many units the end was not read,
    ``training["unseen"]`` of how many some pictures or films were not looked at, among those for training and for
    validation. Pictures are not changed at random in training: mirrored, their writing would be none.

    Attributes:
        model: a checkpoint of CLIP's kind in safetensors: an id of ``models.toml``, ``owner/name@commit``, or a folder.
        schedule: its rate is that of a small network on frozen towers; whole ones need about 1e-5.
        freeze: whether only the small network is trained, as Kumar & Nandakumar do: the towers then read each unit once
            and not in every epoch. Else all is trained, which takes an accelerator.
        frames: pictures that are looked at of a unit, at most, frames of films among them.
        tokens: that are read, at most, with the marks at both ends; fewer if the towers read fewer.

    References:
        Radford et al. (2021), CLIP, doi:10.48550/arXiv.2103.00020; the product: Kumar & Nandakumar (2022), Hate-CLIPper
        ("align" fusion), doi:10.48550/arXiv.2210.05916.
    """

    model: str = "clip-vit-l14"
    schedule: Schedule = field(default_factory=lambda: Schedule(rate=1e-3))
    freeze: bool = True
    frames: int = 4
    tokens: int = 77

    kind: ClassVar[str] = "clip_fusion"
    takes: ClassVar[str] = "material"
    fitted: ClassVar[type[FittedNet]] = FittedFusion

    def __post_init__(self) -> None:
        """Refuse to look at nothing."""
        if self.frames < 1:
            raise InputError(f"frames should be at least 1, got {self.frames}")
        if not self.freeze and self.schedule.rate > _HIGH:
            log.warning("a rate of %g undoes what the towers know; whole ones need about 1e-5", self.schedule.rate)

    def train(self, train: Examples, validation: Examples, folder: Path | None = None) -> FittedNet:
        """As `Net.train`; says of how many units something was not read or looked at."""
        learnt, watched = self._noted(train), self._noted(validation)
        fitted = super().train(learnt, watched, folder)
        body = cast("TowersBody", fitted.body)
        left = {"train": body.left_out(learnt.X.notes), "validation": body.left_out(watched.X.notes)}
        told = {name: {part: counts[at] for part, counts in left.items()} for at, name in enumerate(("cut", "unseen"))}
        settings = fitted.settings | {"tokens": body.words.most}
        return replace(fitted, body=replace(body, memory=None), settings=settings, training=fitted.training | told)

    def begin(self, head: Head) -> Body:
        """As `Net.begin`."""
        body = opened(weights.folder(self.model), outputs_of(head), self.tokens, self.frames, self.freeze)
        return replace(body, memory={} if self.freeze else None)

    def _noted(self, examples: Examples) -> Examples:
        return replace(examples, X=Kept.all(examples.X, partial(note, self.frames)))
