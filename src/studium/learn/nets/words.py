"""Texts in the tokens of a network, which reads so many and no more."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.errors import InputError, WeightsError
from studium.learn.models.examples import Some
from studium.networks.texts import check_text

__all__ = ["Kept", "Words", "reads"]

_LONGEST = 1 << 20  # tokens: tokenizers that know no limit say a larger number

Tokens = dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Words:
    """A tokenizer, and how much is read.

    Attributes:
        tokenizer: of transformers.
        most: tokens that are read, with the marks at both ends; of a longer text the end is cut off.
        fixed: tokens that every text is padded to, as SigLIP's are; 0: to the longest of its batch.
    """

    tokenizer: Any
    most: int
    fixed: int = 0

    def __post_init__(self) -> None:
        """Refuse a tokenizer that cannot pad, or for which an empty text is nothing at all."""
        if self.tokenizer.pad_token_id is None or not self.tokenizer("", verbose=False)["input_ids"]:
            raise WeightsError(
                f"{type(self.tokenizer).__name__} has no token that pads, or sets no mark at the ends of a text; take "
                "an encoder of BERT's or CLIP's kind"
            )

    def __call__(self, text: str) -> Tokens:
        """What the network reads of a text: the beginning, and the marks at both ends. An empty text is its marks.

        Raises:
            InputError: not a text, or not Unicode (a lone surrogate).
        """
        read, marks = self._whole(text)
        count, most = len(marks), self.most
        if count <= most:
            return read
        end = next((n for n, mark in enumerate(reversed(marks)) if not mark), 0)  # marks behind the text
        kept = [*range(most - end), *range(count - end, count)]
        return {name: values[kept] for name, values in read.items()}

    def cut(self, text: str) -> bool:
        """Whether a text is longer than what is read."""
        return len(self._whole(text)[1]) > self.most

    def count(self, texts: Iterable[str]) -> int:
        """How many texts are longer than what is read."""
        return sum(self.cut(text) for text in texts)

    def padded(self, texts: Sequence[Tokens]) -> Tokens:
        """Texts as one batch, (n, as many tokens as the longest has)."""
        length = self.fixed or max(len(one["input_ids"]) for one in texts)
        fill = {"input_ids": self.tokenizer.pad_token_id, "token_type_ids": self.tokenizer.pad_token_type_id}
        return {name: np.stack([_filled(one[name], length, fill.get(name, 0)) for one in texts]) for name in texts[0]}

    def _whole(self, text: str) -> tuple[Tokens, list[int]]:
        """All tokens of a text, and which of them are marks."""
        read = dict(self.tokenizer(str(check_text(text)), return_special_tokens_mask=True, verbose=False))
        marks = read.pop("special_tokens_mask")
        return {name: np.asarray(values, np.int64) for name, values in read.items()}, marks


@dataclass(frozen=True, eq=False)
class Kept(Some):
    """All of a sequence, with a note of each item that is kept as it is taken, so that none is made twice for it.

    Attributes:
        note: of an item.
    """

    note: Callable[[Any], Any]
    kept: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def all(cls, of: Sequence[Any], note: Callable[[Any], Any]) -> "Kept":
        """Of a whole sequence."""
        return cls(of, np.arange(len(of)), note)

    def __getitem__(self, at: Any) -> Any:
        item = super().__getitem__(at)
        if not isinstance(at, slice):
            self.kept.setdefault(int(self.rows[at]), self.note(item))
        return item

    @property
    def notes(self) -> list[Any]:
        """Of all items; those that nobody took yet are taken."""
        for row in range(len(self)):
            if row not in self.kept:
                self[row]
        return [self.kept[row] for row in range(len(self))]


def reads(network: Any, config: Any, tokenizer: Any, most: int) -> int:
    """How many tokens a network reads, at most ``most``.

    Its table of positions, or what its tokenizer says, may be shorter. RoBERTa's kin begin their positions behind the
    number of the token that pads.

    Raises:
        InputError: ``most`` leaves no room for a word between the marks.
    """
    if most < 3:
        raise InputError(f"a network should read at least 3 tokens, a word between two marks; got {most}")
    places = getattr(config, "max_position_embeddings", None) or 0
    for name, part in network.named_modules():
        if name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None:
            places -= part.padding_idx + 1
    known = (places, tokenizer.model_max_length or 0)
    return min([most, *(int(n) for n in known if 0 < n < _LONGEST)])


def _filled(values: npt.NDArray[np.int64], length: int, fill: int) -> npt.NDArray[np.int64]:
    return np.pad(values, (0, length - len(values)), constant_values=fill)
