"""The text network: texts to vectors, one text at a time, so that no padding lets one text change another's vector."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.errors import MissingExtraError
from studium.networks.sessions import loaded, session
from studium.networks.texts import check_text

__all__ = ["MODEL", "TextOutputs", "network", "run_text"]

MODEL = "minilm"


class TextOutputs(NamedTuple):
    """What the text network says about one text: a vector of length 1, and how many word pieces the text has."""

    vector: npt.NDArray[np.float32]
    tokens: int
    truncated: bool


def run_text(text: str) -> TextOutputs:
    """Put one text through the text network: mean over its word pieces, scaled to length 1.

    A longer text is cut where the model's input ends; the result says so.

    Raises:
        InputError: not a text, or not Unicode (a lone surrogate).
    """
    limit = int(weights.get(MODEL).input["tokens"])
    tokenizer, net = loaded(network)
    ids = tokenizer.encode(check_text(text)).ids
    kept = np.array([ids if len(ids) <= limit else ids[: limit - 1] + ids[-1:]], dtype=np.int64)
    feed = {"input_ids": kept, "attention_mask": np.ones_like(kept), "token_type_ids": np.zeros_like(kept)}
    mean = net.run(["last_hidden_state"], feed)[0][0].mean(axis=0)
    return TextOutputs(mean / np.linalg.norm(mean), len(ids), len(ids) > limit)


@cache
def network() -> tuple[Any, Any]:
    """Tokenizer and session."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("tokenizers", "images") from error
    tokenizer = Tokenizer.from_file(str(weights.path(MODEL, "tokenizer.json")))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, session(weights.path(MODEL, "model.onnx"), MODEL)
