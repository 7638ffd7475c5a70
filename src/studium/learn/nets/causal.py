"""Language models (Llama, Qwen, Mistral, Gemma ...) that are asked about texts, and fine-tuned by adapters (LoRA)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.learn.models.head import Head
from studium.learn.nets.asking.shared import READING, Asking, Asks, FittedAsking
from studium.learn.nets.net import Body, Encoded, FittedNet

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FittedLanguageModel", "LanguageModel", "LanguageModelBody"]


@dataclass
class LanguageModelBody(Asking):
    """A language model that is asked about a text; see `studium.learn.nets.net.Body`."""

    task: ClassVar[str] = "CausalLM"
    reads: ClassVar[str] = "Tokenizer"

    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """The tokens of the prompts about a text, in their order, and how many each has; nothing is random."""
        del rng
        with READING:
            shown = self.reader.shown(item)
            read = [self.tokens(prompts[0], shown) for prompts in self.asked.prompts]
        return {"input_ids": np.concatenate(read), "lengths": np.array([len(one) for one in read], np.int64)}

    def tokens(self, prompt: str, shown: str) -> npt.NDArray[np.int64]:
        """A whole prompt as the network reads it."""
        whole = self.asked.filled(prompt, shown)
        found = self.processor(whole, add_special_tokens=not self.asked.templated, verbose=False)["input_ids"]
        self.asked.check(len(found))
        return np.asarray(found, np.int64)

    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch with a row for each prompt, filled up behind it, where nothing that is said depends on it."""
        import torch

        rows = [row for one in encoded for row in np.split(one["input_ids"], one["lengths"].cumsum()[:-1])]
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        held = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)], held[at, : len(row)] = row, 1
        last = torch.tensor([len(row) - 1 for row in rows])
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(held), "last": last}


@dataclass(frozen=True)
class FittedLanguageModel(FittedAsking):
    """A trained `LanguageModel`."""

    kind: ClassVar[str] = "language_model"
    takes: ClassVar[str] = "text"
    bodies: ClassVar[type[Asking]] = LanguageModelBody


@dataclass(frozen=True, kw_only=True)
class LanguageModel(Asks):
    """A published language model that is asked about a text, and learns to answer as coders do.

    It reads the text, the question and the definitions of the codebook in one prompt, in the words of its own chat
    template, and what counts is how likely each answer is to begin: YES or NO, a letter, a number. Without training
    (``Schedule(epochs=0)``) that is zero-shot classification by the same words: what fine-tuning adds can be told. A
    multilabel target costs a pass for each class; a continuous one is refused.

    A small network (LoRA) is trained beside each linear layer; the published weights stay as they are, bit by bit, and
    are not saved: a fitted model is some megabytes, and needs the model that it was trained beside, of the same
    fingerprint. `FittedLanguageModel.merged` makes one that needs nothing else.

    The text is cut if it is longer than ``tokens``, never the question: ``training["cut"]`` says how many texts were.
    On a CPU it computes in float32; on an accelerator in bfloat16, with gradient checkpointing.

    Attributes:
        model: a checkpoint for causal language modelling in safetensors: an id of ``models.toml``,
            ``owner/name@commit``, or a folder. One that was tuned to follow instructions is asked by its chat template.
        schedule: its rate is that of Dettmers et al.
        question: as coders read it; "" for that of the codebook (``head.definition``), as for the next two.
        definitions: of each class of the head, in their order; "" where there is none.
        answers: "yes_no", "letters" or "numbers"; "" for the usual, see `studium.learn.nets.asking.answers.questions`.
        tokens: of a text, at most; fewer if the model reads fewer with the question.
        rank: of the adapters.
        alpha: what they say is multiplied with alpha / rank.
        dropout: share of their input that is left out at random in training.

    References:
        Hu et al. (2021), LoRA, doi:10.48550/arXiv.2106.09685; Dettmers et al. (2023), QLoRA,
        doi:10.48550/arXiv.2305.14314 (all linear layers, rate).
    """

    kind: ClassVar[str] = "language_model"
    takes: ClassVar[str] = "text"
    bodies: ClassVar[type[Asking]] = LanguageModelBody
    fitted: ClassVar[type[FittedNet]] = FittedLanguageModel

    def begin(self, head: Head) -> Body:
        """As `Net.begin`."""
        return self.asking(head)
