"""Decoding within a JSON schema: what would break it cannot be said, so every answer that ends is a valid one.

The words of the model are cut to those which go on a valid answer, before the likeliest is taken; among them nothing is
changed. Geng et al. (2023), doi:10.18653/v1/2023.emnlp-main.674.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from studium.errors import InputError, MissingExtraError

__all__ = ["Guide", "grammar", "vocabulary"]

_LARGEST = 1e15
"""Without a bound a model that is unsure writes digits until it is cut off, or a number that no computer can hold."""


class Guide:
    """A logits processor of transformers for one answer: only what goes on an answer of the grammar stays possible."""

    def __init__(self, words: Any, rules: str) -> None:
        """Begin an answer.

        Args:
            words: of the model, see `vocabulary`.
            rules: see `grammar`.
        """
        from llguidance import LLMatcher

        self._matcher = LLMatcher(words, rules)
        self.start: int | None = None
        """Tokens before the answer, once it has begun."""

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Take the tokens that were chosen since the last call; strike those that may not follow.

        Args:
            input_ids: 1 x n tokens.
            scores: 1 x words of the model.
        """
        import torch

        if self.start is None:
            self.start = input_ids.shape[1]
        elif not self._matcher.consume_token(int(input_ids[0, -1])):
            raise RuntimeError(f"the guide lost its place: {self._matcher.get_error()}")
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        allowed = np.zeros(scores.shape[1], np.bool_)
        known = np.unpackbits(bits, bitorder="little")[: len(allowed)]
        allowed[: len(known)] = known
        return scores.masked_fill(~torch.from_numpy(allowed).to(scores.device), -float("inf"))


def vocabulary(tokenizer: Any, ends: Sequence[int]) -> Any:
    """The words of a model as the guide needs them; slow to make for large vocabularies (about a second).

    Args:
        tokenizer: a fast tokenizer of transformers.
        ends: numbers of the tokens that end an answer.

    Raises:
        MissingExtraError: llguidance is not installed.
        ValueError: the tokenizer is a slow one.
    """
    try:
        from llguidance.hf import from_tokenizer
    except ImportError as error:
        raise MissingExtraError("llguidance", "torch") from error
    return from_tokenizer(tokenizer, eos_token=list(ends))


def grammar(schema: Mapping[str, Any]) -> str:
    """The rules of an answer: JSON without needless blanks, that the codebook accepts as soon as it has ended.

    What a schema for servers leaves out is in them too: a text is not blank, and a number has no more than 15 digits
    before the point.

    Args:
        schema: of an object with one property for each variable.

    Raises:
        InputError: it says what cannot be enforced.
    """
    from llguidance import LLMatcher

    answers = {name: _firmer(answer) for name, answer in schema["properties"].items()}
    compact: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    rules: str = LLMatcher.grammar_from_json_schema({**schema, "properties": answers}, overrides=compact)
    if fault := LLMatcher.validate_grammar(rules):
        raise InputError(f"answers to these variables cannot be enforced: {fault}; ask them of a server (url)")
    return rules


def _firmer(answer: Mapping[str, Any]) -> dict[str, Any]:
    if "string" in answer["type"] and "enum" not in answer:
        return {"pattern": r"\S", **answer}
    if "number" in answer["type"]:
        return {"minimum": -_LARGEST, "maximum": _LARGEST, **answer}
    return dict(answer)
