"""Classifiers of texts in the format of the hub: by ONNX Runtime where a folder holds ``model.onnx``, else by torch.

A folder holds ``config.json`` and, for ONNX Runtime, ``tokenizer.json`` and ``model.onnx`` (as Optimum exports them,
or in a folder ``onnx``, as the hub has them), or what transformers loads as a model for sequence classification, in
safetensors. Texts go through the network one by one, so that no padding lets one change the values of another; through
one of transformers on an accelerator in batches.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.errors import InputError, MissingExtraError, WeightsError
from studium.measure.encoder_batches import AT_ONCE, in_batches
from studium.networks.hub import Checkpoint, checkpoint
from studium.networks.sessions import loaded, session

__all__ = ["PROBLEMS", "TextClassifier", "TextReading", "described", "text_classifier"]

PROBLEMS = ("single_label_classification", "multi_label_classification", "regression")
"""What a network says, in the words of a config of transformers: one of its labels, any of them, or numbers."""

_TASK = "SequenceClassification"
_EXPORTS = ("model.onnx", "onnx/model.onnx")
_TOKENIZERS = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
)
_LONGEST = 1 << 20  # tokens: tokenizers that know no limit say a larger number
_OFFSET = frozenset(
    "camembert data2vec-text ibert longformer luke mluke mpnet roberta roberta-prelayernorm xlm-roberta "
    "xlm-roberta-xl".split()
)  # their positions begin behind the number of the padding token

Vector = npt.NDArray[np.float32]


class TextReading(NamedTuple):
    """What a network says about one text, one number a label; the tokens of the whole text; and if it read fewer."""

    values: Vector
    tokens: int
    truncated: bool


class _Tokens(NamedTuple):
    feed: dict[str, list[int]]  # what the network reads
    tokens: int  # of the whole text
    truncated: bool


@dataclass(frozen=True)
class TextClassifier:
    """A network, and what its numbers mean.

    Attributes:
        labels: the names of its outputs, in order.
        problem: one of `PROBLEMS`; decides how numbers become values: softmax, sigmoid, or as they are.
        tokenize: a text to what the network reads of it.
        logits: what the network reads of some texts to their numbers, texts x labels.
        batch: how many texts go through the network at once; fewer where memory does not hold them.
    """

    labels: tuple[str, ...]
    problem: str
    tokenize: Callable[[str], _Tokens]
    logits: Callable[[list[dict[str, list[int]]]], Vector]
    batch: int = 1

    def __call__(self, texts: Sequence[str]) -> list[TextReading]:
        """Read texts.

        Raises:
            InputError: not a text, or not Unicode (a lone surrogate).
        """
        tokens = [_tokenized(self.tokenize, text) for text in texts]
        found = in_batches(self._read, tokens, self.batch)
        return [reading for part in found for reading in part]

    def _read(self, tokens: Sequence[_Tokens]) -> list[TextReading]:
        rows = self.logits([one.feed for one in tokens])
        if rows.shape != (len(tokens), len(self.labels)):
            raise WeightsError(f"the network says {rows.shape[1]} numbers, config.json names {len(self.labels)}")
        return [TextReading(_values(row, self.problem), *one[1:]) for row, one in zip(rows, tokens, strict=True)]


def text_classifier(model: str, problem: str = "") -> TextClassifier:
    """The classifier, loaded once per process, and again if the files in the folder change.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder.
        problem: one of `PROBLEMS`, where the config does not say it, or says it wrongly.

    Raises:
        MissingExtraError: what runs it is not installed.
        WeightsError: it is not on this machine, or does not load.
        InputError: it does not say whether its one output is a number or a probability.
    """
    folder = weights.folder(model)
    if export := next((name for name in _EXPORTS if (folder / name).is_file()), None):
        return loaded(partial(_onnx, folder / export, weights.fingerprint(model), model, problem))
    return loaded(partial(_torch, folder, weights.fingerprint(model), model, problem))


def described(model: str, problem: str = "") -> tuple[tuple[str, ...], str]:
    """The names of the outputs of a model, in order, and which of `PROBLEMS` it solves; nothing is loaded.

    Raises:
        WeightsError: it is not on this machine, or has no config.
        InputError: it does not say whether its one output is a number or a probability.
    """
    config = _config(weights.folder(model))
    return _names(config), _problem(config, problem)


def _names(config: dict[str, Any]) -> tuple[str, ...]:
    names = config.get("id2label") or {number: f"LABEL_{number}" for number in range(config.get("num_labels", 2))}
    return tuple(str(names[number]) for number in sorted(names, key=int))


def _config(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "config.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"{folder} is no checkpoint of transformers: {error}") from error


def _problem(config: dict[str, Any], asked: str) -> str:
    said = asked or config.get("problem_type")
    if said in PROBLEMS:
        return str(said)
    if said:
        raise InputError(f"problem_type should be one of {', '.join(PROBLEMS)}, the config says {said!r}; give it")
    if len(_names(config)) == 1:
        raise InputError(
            "the checkpoint has one output and does not say what it is: give problem_type, regression for a number, "
            "multi_label_classification for a probability"
        )
    return PROBLEMS[0]


def _limit(config: dict[str, Any], longest: float | None) -> int | None:
    """How many tokens the network reads; None if its config and its tokenizer name no limit."""
    positions = config.get("max_position_embeddings") or 0
    if config.get("model_type") in _OFFSET:
        positions -= config.get("pad_token_id", 1) + 1
    known = [int(n) for n in (positions, longest or 0) if 0 < n < _LONGEST]
    return min(known, default=None)


def _tokenized(tokenize: Callable[[str], _Tokens], text: str) -> _Tokens:
    if not isinstance(text, str):
        raise InputError(f"expected a text, got {type(text).__name__}")
    if re.search("[\ud800-\udfff]", text):
        raise InputError(f"a text is not valid Unicode, it has a lone surrogate: {text[:40]!r}")
    return tokenize(text)


def _values(row: Vector, problem: str) -> Vector:
    if problem == "regression":
        return row
    numbers = row.astype(np.float64)
    if problem == "multi_label_classification":
        return np.asarray(0.5 * (1 + np.tanh(numbers / 2)), np.float32)  # the sigmoid, without overflow
    odds = np.exp(numbers - numbers.max())
    return np.asarray(odds / odds.sum(), np.float32)


@cache
def _onnx(export: Path, fingerprint: str, model: str, problem: str) -> TextClassifier:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("tokenizers", "images") from error
    folder = weights.folder(model)
    config = _config(folder)
    limit = _limit(config, _says(folder / "tokenizer_config.json", "model_max_length"))
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises nothing more special
        raise WeightsError(f"{folder} has no tokenizer.json that loads: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    net = session(export, model, accelerate=True)
    inputs = {one.name: one.type for one in net.get_inputs()}
    if not {"input_ids"} <= set(inputs) <= {"input_ids", "attention_mask", "token_type_ids"}:
        raise WeightsError(f"{export} reads {', '.join(inputs)}; expected input_ids and attention_mask")

    def logits(feeds: list[dict[str, list[int]]]) -> Vector:
        (feed,) = feeds
        tensors = {
            name: np.array([feed[name]], np.int32 if kind == "tensor(int32)" else np.int64)
            for name, kind in inputs.items()
        }
        return np.asarray(net.run(None, tensors)[0], np.float32)

    tokenize = partial(_by_tokenizers, tokenizer, limit)
    return TextClassifier(_names(config), _problem(config, problem), tokenize, logits)


def _says(file: Path, key: str) -> float | None:
    return json.loads(file.read_text("utf-8")).get(key) if file.is_file() else None


def _by_tokenizers(tokenizer: Any, limit: int | None, text: str) -> _Tokens:
    read = tokenizer.encode(text)
    feed = {"input_ids": read.ids, "attention_mask": read.attention_mask, "token_type_ids": read.type_ids}
    return _cut(feed, read.special_tokens_mask, limit)


@cache
def _torch(folder: Path, fingerprint: str, model: str, problem: str) -> TextClassifier:
    if not any((folder / name).is_file() for name in _TOKENIZERS):  # else transformers would make one up
        raise WeightsError(f"{folder} has no tokenizer: none of {', '.join(_TOKENIZERS)}")
    found, config = checkpoint(model, _TASK, "Tokenizer"), _config(folder)
    tokenizer = found.processor
    tokenizer("", verbose=False)  # it forgets a truncation that its file asks for, before threads share it
    return TextClassifier(
        _names(config),
        _problem(config, problem),
        partial(_by_transformers, tokenizer, _limit(found.config.to_dict(), tokenizer.model_max_length)),
        partial(_forward, found),
        1 if found.device == "cpu" or tokenizer.pad_token is None or found.config.pad_token_id is None else AT_ONCE,
    )


def _by_transformers(tokenizer: Any, limit: int | None, text: str) -> _Tokens:
    feed = dict(tokenizer(text, return_special_tokens_mask=True, verbose=False))
    return _cut(feed, feed.pop("special_tokens_mask"), limit)


def _cut(feed: dict[str, list[int]], marks: list[int], limit: int | None) -> _Tokens:
    """What the network reads: the beginning of the text, and the marks at both ends."""
    tokens = len(marks)
    if limit is None or tokens <= limit:
        return _Tokens(feed, tokens, False)
    end = next((n for n, mark in enumerate(reversed(marks)) if not mark), 0)  # marks behind the text
    kept = [*range(limit - end), *range(tokens - end, tokens)]
    return _Tokens({name: [values[n] for n in kept] for name, values in feed.items()}, tokens, True)


def _forward(found: Checkpoint, feeds: list[dict[str, list[int]]]) -> Vector:
    import torch

    if len(feeds) == 1:
        tensors: Any = {name: torch.tensor([values], device=found.device) for name, values in feeds[0].items()}
    else:
        tensors = found.processor.pad(feeds, return_tensors="pt").to(found.device)
    with torch.inference_mode():
        logits: Vector = found.network(**tensors).logits.float().cpu().numpy()
    return logits
