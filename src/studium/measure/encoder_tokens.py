"""Texts as a network wants them, by the tokenizer.json beside it, with `tokenizers` alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from studium.errors import MissingExtraError, WeightsError
from studium.measure.encoder_folder import Description

__all__ = ["Encoded", "Tokens", "Words", "pool", "words"]

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


class Encoded(NamedTuple):
    """What a network makes of texts: vectors as it makes them (n x d), and how many tokens each whole text has (n)."""

    vectors: Vectors
    counts: list[int]


class Tokens(NamedTuple):
    """Texts in tokens.

    Attributes:
        ids: what the network reads, n x as many as the longest has.
        mask: 1 where there is a token, 0 where there is padding; n x as many.
        counts: how many tokens each whole text has, marks included; n.
    """

    ids: Numbers
    mask: Numbers
    counts: list[int]


@dataclass(frozen=True)
class Words:
    """A tokenizer that knows how much the network reads; longer texts are cut where its input ends.

    Attributes:
        whole: counts the tokens of whole texts.
        cut: makes what the network reads.
    """

    whole: Any
    cut: Any

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Texts in tokens, padded to the longest, or to what the network was trained on."""
        cut = self.cut.encode_batch(list(texts))
        ids, mask = ([getattr(one, name) for one in cut] for name in ("ids", "attention_mask"))
        counts = [len(one.ids) for one in self.whole.encode_batch(list(texts))]
        return Tokens(np.array(ids, np.int64), np.array(mask, np.int64), counts)


def words(description: Description, tokenizer: Any = None) -> Words:
    """The tokenizer of a folder: of its tokenizer.json, or the one given, which is copied.

    Raises:
        MissingExtraError: ``tokenizers`` is not installed.
        WeightsError: there is none that loads, or it lacks the token that pads.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("tokenizers", "images") from error
    file = description.folder / "tokenizer.json"
    try:
        content = tokenizer.to_str() if tokenizer is not None else file.read_text("utf-8")
        whole, cut = Tokenizer.from_str(content), Tokenizer.from_str(content)
    except Exception as error:
        raise WeightsError(f"{file} is no tokenizer that loads: {error}") from error
    piece = _padding(description, cut)
    length = description.tokens if description.sigmoid else None
    whole.no_truncation()
    whole.no_padding()
    cut.enable_truncation(description.tokens)
    cut.enable_padding(pad_id=cut.token_to_id(piece), pad_token=piece, length=length)
    return Words(whole, cut)


def _padding(description: Description, tokenizer: Any) -> str:
    """The token that pads."""
    said = description.tokenizer.get("pad_token")
    piece = said.get("content") if isinstance(said, dict) else said
    piece = piece or (tokenizer.padding or {}).get("pad_token")
    if piece is None or tokenizer.token_to_id(piece) is None:
        raise WeightsError(f"{description.folder}: its tokenizer knows no token that pads; expected {piece or 'one'}")
    return str(piece)


def pool(states: Vectors, mask: Numbers, mode: str) -> Vectors:
    """One vector of the states of many tokens.

    Args:
        states: n x tokens x d.
        mask: n x tokens, 0 for padding.
        mode: "mean" of all tokens, "cls" for the first, "max" of every number.

    Returns:
        n x d.
    """
    if mode == "cls":
        return states[:, 0]
    seen = mask[:, :, None].astype(np.float32)
    if mode == "max":
        return np.asarray(np.where(seen > 0, states, np.float32(-np.inf)).max(axis=1))
    return np.asarray((states * seen).sum(axis=1) / seen.sum(axis=1), np.float32)
