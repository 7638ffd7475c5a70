"""Vision-language models that chat, on this machine: any checkpoint of transformers with a chat template."""

import copy
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from studium.core import weights
from studium.errors import InputError, MediaError, MissingExtraError, WeightsError
from studium.measure.ask.guided import Guide, grammar, vocabulary
from studium.measure.ask.local import digest, model_type, replied
from studium.measure.ask.provider import Prompt, Provider, Reply, Shown, Turn
from studium.measure.ask.shown import written
from studium.measure.ask.vqa import ARCHITECTURE, Vqa
from studium.networks.hub import Checkpoint, checkpoint
from studium.networks.prompting import broken, marks
from studium.networks.sessions import loaded

__all__ = ["Chat", "provider_on_this_machine"]

_TASK = "ImageTextToText"
_GREEDY: Mapping[str, Any] = {
    "do_sample": False, "num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "temperature": 1.0,
    "top_p": 1.0, "top_k": 50,
}  # fmt: skip
"""Said in full, so that nothing of a checkpoint's own settings remains; the last three count for samples alone."""


def provider_on_this_machine(model: str, tokens: int = 512) -> Provider:
    """Who answers for a model: `Vqa` for BLIP's question answering, else `Chat`. Loads and fetches nothing.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder.
        tokens: of an answer, at most.

    Raises:
        UnknownNameError: no such model.
    """
    return Vqa(model, tokens) if ARCHITECTURE in model_type(model) else Chat(model, tokens)


@dataclass(frozen=True)
class Chat(Provider):
    """A model that reads pictures and texts in one message, and answers in text.

    It gets one message: the pictures in their order, then the texts, then the question; the rules before it as the
    system's, where its chat template knows one. Marks of the template that stand in a text, such as ``<image>``, get a
    zero-width space: no post can speak as the system, or pretend to be a picture.

    The likeliest word is taken each time (greedy decoding), among those that go on a valid answer; the checkpoint's own
    settings for sampling and repetition do not count. The same input gives the same answer on the same machine. On a
    CPU it computes in float32, on an accelerator in the precision of the checkpoint.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder, with a
            checkpoint of transformers for image-text-to-text in safetensors.
        tokens: of an answer, at most.
    """

    model: str
    tokens: int = 512

    @property
    def models(self) -> tuple[str, ...]:
        """The checkpoint."""
        return (self.model,)

    def prepare(self, prompt: Prompt) -> None:
        """Load the checkpoint, and see whether answers to these variables can be enforced.

        Raises:
            InputError: they cannot, or the model does not chat.
            WeightsError: it is not on this machine, or does not load.
        """
        _speaker(self.model)
        grammar(prompt.schema)

    def reply(self, prompt: Prompt, shown: Shown, after: Turn | None = None) -> Reply:
        """Ask about one unit; threads answer side by side on a CPU, and take turns on an accelerator.

        Raises:
            MediaError: it is more than the model can read, or a picture is of a shape that it does not take.
        """
        speaker = _speaker(self.model)
        read = _read(speaker, _messages(speaker, prompt, shown, after), self.tokens)
        said = _said(speaker, read, grammar(prompt.schema), self.tokens)
        raw = speaker.tokenizer.decode(said, skip_special_tokens=True)
        finish = "stop" if said and said[-1] in speaker.ends else "length"
        tokens = int(read["input_ids"].shape[1]), len(said)
        return replied(raw, self.model, finish, digest(prompt, shown, after), tokens)


@dataclass(frozen=True, eq=False)
class _Speaker:
    """A checkpoint that chats.

    Attributes:
        model: network and processor.
        words: of the model, for `Guide`.
        ends: tokens that end an answer.
        marks: finds the marks of its template and of its pictures in a text.
        hears_system: whether the template writes what the system says.
        turn: of an accelerator, which answers one at a time.
        reading: of the processor, whose tokenizer takes one thread at a time.
        own: of each thread, see `network`.
    """

    model: Checkpoint
    words: Any
    ends: tuple[int, ...]
    marks: re.Pattern[str]
    hears_system: bool
    turn: AbstractContextManager[Any]
    reading: threading.Lock = field(default_factory=threading.Lock)
    own: threading.local = field(default_factory=threading.local)

    @property
    def network(self) -> Any:
        """The network for this thread, which shares its weights with all: some keep notes from one pass to the next."""
        if not hasattr(self.own, "network"):
            network = self.model.network
            weighing = {id(values): values for values in (*network.parameters(), *network.buffers())}
            self.own.network = copy.deepcopy(network, weighing)
        return self.own.network

    @property
    def tokenizer(self) -> Any:
        """Of its processor."""
        return self.model.processor.tokenizer

    def plain(self, text: str) -> str:
        """The text without marks."""
        return broken(text, self.marks)


def _speaker(model: str) -> _Speaker:
    return loaded(partial(_load, model, weights.folder(model), weights.fingerprint(model)))


@cache
def _load(model: str, folder: Path, fingerprint: str) -> _Speaker:
    _check_pictures(model)
    found = checkpoint(model, _TASK, "Processor", exact=False)
    processor = found.processor
    template = getattr(processor, "chat_template", None)
    if not template or getattr(processor, "tokenizer", None) is None:
        raise InputError(
            f"{model} has no chat template, so it was not trained to answer questions: take a checkpoint that was "
            "tuned to follow instructions; for a description of each picture there is the measure caption"
        )
    ends = _ends(found)
    try:
        words = vocabulary(processor.tokenizer, ends)
    except ValueError as error:
        raise WeightsError(f"{folder} has no tokenizer that answers can be enforced with: {error}") from error
    turn: AbstractContextManager[Any] = nullcontext() if found.device == "cpu" else threading.Lock()
    return _Speaker(found, words, ends, marks(processor), _hears_system(model, processor), turn)


def _check_pictures(model: str) -> None:
    """Refuse a checkpoint for texts alone, or for pictures alone, by what its configuration calls it."""
    try:
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN
    except ImportError as error:
        raise MissingExtraError("transformers", "torch") from error
    kind = model_type(model).partition(" ")[0]
    if kind and kind not in KNOWN:
        raise InputError(
            f"{model} is a checkpoint of type {kind!r}, which does not read pictures and texts and answer in text; "
            "take a vision-language model (see docs/which-model.md), or ask this one on a server (url)"
        )


def _ends(model: Checkpoint) -> tuple[int, ...]:
    """The tokens that end an answer, by its generation settings and its tokenizer."""
    given = model.network.generation_config.eos_token_id
    listed = given if isinstance(given, list) else [given]
    ends = dict.fromkeys([*listed, model.processor.tokenizer.eos_token_id])
    if found := tuple(end for end in ends if end is not None):
        return found
    raise WeightsError("the checkpoint names no token that ends an answer (eos_token_id); its files are incomplete")


def _hears_system(model: str, processor: Any) -> bool:
    """Whether the template writes what the system says; some refuse, some leave it out."""
    from jinja2 import TemplateError

    user = _message("user", "what is asked")
    try:
        written_out = processor.apply_chat_template([user], add_generation_prompt=True)
    except Exception as error:
        raise InputError(f"the chat template of {model} cannot be used: {error}; take another checkpoint") from error
    if "what is asked" not in written_out or "'type'" in written_out:
        raise InputError(f"the chat template of {model} takes no pictures beside text; take another checkpoint")
    try:
        return "what holds" in processor.apply_chat_template([_message("system", "what holds"), user])
    except TemplateError:
        return False


def _message(role: str, text: str, pictures: Sequence[Any] = ()) -> dict[str, Any]:
    content = [*({"type": "image", "image": picture} for picture in pictures), {"type": "text", "text": text}]
    return {"role": role, "content": content}


def _messages(speaker: _Speaker, prompt: Prompt, shown: Shown, after: Turn | None) -> list[dict[str, Any]]:
    """What is said, in the form of chat templates."""
    from PIL import Image

    pictures = [Image.fromarray(picture) for picture in shown.pictures]
    rules = [] if speaker.hears_system else [prompt.system]
    asked = "\n\n".join(filter(None, [*rules, written(shown), prompt.question]))
    said = [_message("user", speaker.plain(asked), pictures)]
    if speaker.hears_system:
        said.insert(0, _message("system", speaker.plain(prompt.system)))
    if after is not None:
        said += [_message("assistant", speaker.plain(after.raw)), _message("user", speaker.plain(after.fault))]
    return said


def _read(speaker: _Speaker, messages: list[dict[str, Any]], tokens: int) -> Mapping[str, Any]:
    """The messages as the network reads them, by the checkpoint's own template and processor; nothing is cut off.

    Raises:
        MediaError: they are longer than it reads, or it cannot take the shape of a picture.
    """
    model = speaker.model
    how = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
    try:
        with speaker.reading:
            read = model.processor.apply_chat_template(messages, **how)
    except Exception as error:  # each processor has errors of its own
        shapes = [one["image"].size for message in messages for one in message["content"] if "image" in one]
        sizes = ", ".join(f"{wide} x {high}" for wide, high in shapes) or "none"
        raise MediaError(f"the model's processor cannot take this (pictures, px: {sizes}): {error}") from error
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if longest and (length := read["input_ids"].shape[1]) + tokens > longest:
        raise MediaError(
            f"question, texts and pictures are {length} tokens, and the model reads {longest}, with the {tokens} of an "
            "answer: show it fewer frames or smaller pictures (frames, longest), or take a model that reads more"
        )
    moved: Mapping[str, Any] = read.to(model.device, dtype=model.network.dtype)
    return moved


def _said(speaker: _Speaker, read: Mapping[str, Any], rules: str, tokens: int) -> list[int]:
    """The tokens of the answer, the likeliest each time."""
    import torch
    from transformers import GenerationConfig

    guide = Guide(speaker.words, rules)
    settings: Any = GenerationConfig
    pad = speaker.tokenizer.pad_token_id
    likeliest = settings(
        **_GREEDY,
        max_new_tokens=tokens,
        eos_token_id=[*speaker.ends],
        pad_token_id=speaker.ends[0] if pad is None else pad,
    )
    with speaker.turn, torch.inference_mode():
        sequence = speaker.network.generate(**read, generation_config=likeliest, logits_processor=[guide])
    answer: list[int] = sequence[0, guide.start :].tolist()
    return answer
