"""Encoders of texts (BERT, RoBERTa, XLM-R, DeBERTa, ModernBERT and kin) with a new head, trained whole."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from studium.errors import WeightsError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.nets import published
from studium.learn.nets.net import Body, Encoded, FittedNet, Net, Schedule
from studium.learn.nets.objective import outputs_of
from studium.learn.nets.words import Words, reads

if TYPE_CHECKING:
    from torch import Tensor

    from studium.learn.nets.modules import Logits

log = logging.getLogger(__name__)

__all__ = ["FittedText", "TextNetwork"]

_FOLDER = "network"


@dataclass
class TextBody:
    """A network that classifies texts; see `studium.learn.nets.net.Body`."""

    module: "Logits"
    words: Words
    new: list[str] = field(default_factory=list)

    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """The tokens of a text; nothing is changed at random."""
        return self.words(item)

    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch, padded to its longest text."""
        import torch

        return {name: torch.from_numpy(values) for name, values in self.words.padded(encoded).items()}

    def write(self, folder: Path) -> None:
        """Write a checkpoint of transformers."""
        published.write(folder / _FOLDER, self.module.network, self.words.tokenizer)


@dataclass(frozen=True)
class FittedText(FittedNet):
    """A trained `TextNetwork`."""

    body: TextBody

    kind: ClassVar[str] = "text_network"
    takes: ClassVar[str] = "text"

    def outputs(self, X: Sequence[str]) -> Floats:
        """As `Fitted.outputs`; a warning in the log says how many texts are longer than what is read."""
        found = super().outputs(X)
        if count := self.body.words.count(X):
            log.warning(
                "of %d of %d texts the end was not read: they have over %d tokens", count, len(X), self.body.words.most
            )
        return found

    def preprocessing(self) -> dict[str, Any]:
        """How much of a text is read."""
        return {"tokens": self.body.words.most}

    @classmethod
    def restored(cls, head: Head, preprocessing: dict[str, Any], folder: Path) -> Body:
        """As `FittedNet.restored`."""
        found, tokenizer, lacks = published.network(folder / _FOLDER, "SequenceClassification", "Tokenizer")
        if lacks or found.config.num_labels != outputs_of(head):
            raise WeightsError(f"{folder / _FOLDER} is not what was saved: it lacks {', '.join(lacks) or 'outputs'}")
        from studium.learn.nets.modules import Logits

        return TextBody(Logits(found).eval(), Words(tokenizer, int(preprocessing["tokens"])))


@dataclass(frozen=True, kw_only=True)
class TextNetwork(Net):
    """A published encoder of texts, such as BERT, that learns to predict a variable.

    For checkpoints that transformers loads for sequence classification: BERT, RoBERTa, XLM-R, DeBERTa, ModernBERT and
    their kin, also those that were trained to classify something else. The last layer is always new, and so is what the
    checkpoint lacks between it and the encoder; ``settings["new"]`` names it. All weights are trained.

    It reads the beginning of a text: ``settings["tokens"]`` says how many word pieces, ``training["cut"]`` how many of
    the texts for training and for validation are longer. An empty text is read as the marks at its ends, and gets a
    prediction as any other.

    Attributes:
        model: an encoder's checkpoint in safetensors: an id of ``models.toml``, ``owner/name@commit``, or a folder.
        schedule: its rate is that of Devlin et al.; Mosbach et al. show that small ones, trained for longer, are what
            keeps fine-tuning on few labels stable.
        tokens: word pieces that are read, at most, with the marks at both ends; fewer if the network reads fewer.

    References:
        Devlin et al. (2019), doi:10.18653/v1/N19-1423; Mosbach et al. (2021), doi:10.48550/arXiv.2006.04884.
    """

    schedule: Schedule = field(default_factory=lambda: Schedule(rate=3e-5))
    tokens: int = 512

    kind: ClassVar[str] = "text_network"
    takes: ClassVar[str] = "text"
    fitted: ClassVar[type[FittedNet]] = FittedText

    def train(self, train: Examples, validation: Examples, folder: Path | None = None) -> FittedNet:
        """As `Net.train`; says how many texts were cut."""
        fitted = super().train(train, validation, folder)
        body = cast("TextBody", fitted.body)
        cut = {"train": body.words.count(train.X), "validation": body.words.count(validation.X)}
        settings = fitted.settings | {"tokens": body.words.most, "new": body.new}
        return replace(fitted, settings=settings, training=fitted.training | {"cut": cut})

    def begin(self, head: Head) -> Body:
        """As `Net.begin`."""
        made, tokenizer, new = published.classifier(self.model, head, outputs_of(head))
        from studium.learn.nets.modules import Logits

        return TextBody(Logits(made), Words(tokenizer, reads(made, made.config, tokenizer, self.tokens)), new)
