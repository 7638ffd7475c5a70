"""BLIP's question answering, on this machine: one question about one picture at a time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studium.core.variable import Variable, quoted
from studium.errors import InputError, MediaError
from studium.measure.ask.local import digest, replied
from studium.measure.ask.provider import Prompt, Provider, Reply, Shown, Turn
from studium.media.transform import Picture
from studium.networks.hub import Checkpoint, checkpoint

__all__ = ["ARCHITECTURE", "Vqa", "likelihoods"]

ARCHITECTURE = "BlipForQuestionAnswering"
_TASK = "VisualQuestionAnswering"


@dataclass(frozen=True)
class Vqa(Provider):
    """BLIP, asked one variable after the other about one picture.

    It reads the question of each variable and nothing else of the codebook: no definition, no example, no other
    variable. Of a variable with values it gives the one that it would answer with the highest likelihood: the product
    of the probabilities of all word pieces of the value's name (``_`` read as a blank) and of the end of the answer,
    as the authors rank answers. So a long name has less of a chance than a short one: name values in one or two words
    that answer the question. Numbers and texts are generated, the likeliest word piece each time; a number that is none
    is a failure. It never says that it cannot tell.

    It was trained on questions about everyday photographs with answers of one or two words (VQA v2).

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder, with a
            checkpoint of transformers for BlipForQuestionAnswering in safetensors.
        tokens: of an answer that is generated, at most.

    References:
        Li et al. (2022), BLIP, doi:10.48550/arXiv.2201.12086, section 5.4; Goyal et al. (2017), VQA v2,
        doi:10.1109/CVPR.2017.670.
    """

    model: str
    tokens: int = 512

    @property
    def models(self) -> tuple[str, ...]:
        """The checkpoint."""
        return (self.model,)

    def prepare(self, prompt: Prompt) -> None:
        """Load the checkpoint, and see whether it can answer these questions.

        Raises:
            InputError: a variable has several answers at once, or its question or a value cannot be read in full.
            WeightsError: the checkpoint is not on this machine, or does not load.
        """
        model = self._checkpoint()
        for variable in prompt.variables:
            _check(model, variable)

    def reply(self, prompt: Prompt, shown: Shown, after: Turn | None = None) -> Reply:
        """Ask about one picture; asked again, it says the same.

        Raises:
            MediaError: there is a text, or more or less than one picture.
        """
        if shown.texts or len(shown.pictures) != 1:
            texts = ", ".join(label for label, _ in shown.texts) or "none"
            raise MediaError(
                f"BLIP sees one picture and no text, got {len(shown.pictures)} pictures and as texts: {texts}. Ask "
                "about images, or about films with frames=1; for everything else take a model that chats"
            )
        model = self._checkpoint()
        given = [_answer(model, variable, shown.pictures[0], self.tokens) for variable in prompt.variables]
        answers = {variable.name: one.text for variable, one in zip(prompt.variables, given, strict=True)}
        raw = json.dumps(answers, ensure_ascii=False)
        finish = "stop" if all(one.ended for one in given) else "length"
        tokens = sum(one.read for one in given), sum(one.written for one in given)
        return replied(raw, self.model, finish, digest(prompt, shown, after), tokens)

    def _checkpoint(self) -> Checkpoint:
        return checkpoint(self.model, _TASK, "Processor")


@dataclass(frozen=True, slots=True)
class _Given:
    """An answer: its text, whether it came to an end, and the word pieces read and written."""

    text: str
    ended: bool
    read: int
    written: int


def likelihoods(model: Checkpoint, question: str, names: Sequence[str], picture: Picture) -> list[float]:
    """How likely the network is to give each answer, and then to stop; natural logarithms.

    Args:
        model: a checkpoint for BlipForQuestionAnswering.
        question: in English.
        names: the answers.
        picture: RGB uint8, H x W x 3.
    """
    import torch

    with torch.inference_mode():
        states, _ = _understood(model, question, picture)
        return [_likelihood(model, states, pieces) for pieces in _pieces(model, names)]


def _answer(model: Checkpoint, variable: Variable, picture: Picture, tokens: int) -> _Given:
    import torch

    with torch.inference_mode():
        states, read = _understood(model, variable.question, picture)
        if not variable.names:
            text, ended, written = _generated(model, states, tokens)
            return _Given(text, ended, read, written)
        candidates = _pieces(model, variable.names)
        chances = [_likelihood(model, states, pieces) for pieces in candidates]
    best = max(range(len(chances)), key=chances.__getitem__)  # the first of several
    return _Given(variable.names[best], True, read, len(candidates[best]))


def _understood(model: Checkpoint, question: str, picture: Picture) -> tuple[Any, int]:
    """What the network makes of a question about a picture (1 x word pieces x d), and how many pieces it read."""
    import torch
    from PIL import Image

    network = model.network
    pixels = model.processor.image_processor(images=[Image.fromarray(picture)], return_tensors="pt").to(model.device)
    seen = network.vision_model(**pixels).last_hidden_state
    asked = model.processor.tokenizer(question, return_tensors="pt", return_token_type_ids=False).to(model.device)
    mask = torch.ones(seen.shape[:2], dtype=torch.long, device=model.device)
    states = network.text_encoder(**asked, encoder_hidden_states=seen, encoder_attention_mask=mask)
    return states.last_hidden_state, int(asked["input_ids"].shape[1])


def _likelihood(model: Checkpoint, states: Any, pieces: Sequence[int]) -> float:
    """The logarithm of the probability of these word pieces, the last of which ends the answer."""
    import torch

    said = torch.tensor([[model.network.decoder_start_token_id, *pieces]], device=model.device)
    logits = model.network.text_decoder(input_ids=said, encoder_hidden_states=states, is_decoder=True).logits
    chances = logits[0, :-1].float().log_softmax(-1).gather(1, said[0, 1:, None])
    return float(chances.double().sum())


def _generated(model: Checkpoint, states: Any, tokens: int) -> tuple[str, bool, int]:
    """An answer in words, the likeliest word piece each time; whether it came to an end; its length in word pieces."""
    import torch

    decoder, text = model.network.text_decoder, model.config.text_config
    begin = torch.tensor([[model.network.decoder_start_token_id]], device=model.device)
    said = decoder.generate(
        input_ids=begin, encoder_hidden_states=states, do_sample=False, num_beams=1, eos_token_id=text.sep_token_id,
        pad_token_id=text.pad_token_id, max_new_tokens=min(tokens, text.max_position_embeddings - 1),
    )[0, 1:].tolist()  # fmt: skip
    written = model.processor.tokenizer.decode(said, skip_special_tokens=True).strip()
    return written, said[-1] == text.sep_token_id, len(said)


def _pieces(model: Checkpoint, names: Sequence[str]) -> list[list[int]]:
    """The word pieces of each name, and what ends an answer."""
    tokenizer, end = model.processor.tokenizer, model.config.text_config.sep_token_id
    return [[*tokenizer(name.replace("_", " "), add_special_tokens=False)["input_ids"], end] for name in names]


def _check(model: Checkpoint, variable: Variable) -> None:
    """Refuse a variable that BLIP cannot answer."""
    if variable.type == "multilabel":
        raise InputError(
            f"variable {variable.name!r} is multilabel, and BLIP gives one answer to a question: make each of its "
            'values a binary variable ("Is there a flag?"), or take a model that chats'
        )
    tokenizer, longest = model.processor.tokenizer, model.config.text_config.max_position_embeddings
    pieces = _pieces(model, variable.names)
    length = max(len(one) for one in (tokenizer(variable.question)["input_ids"], *pieces))
    if length >= longest:
        raise InputError(f"variable {variable.name!r}: question or value of {length} tokens, BLIP reads {longest - 1}")
    if odd := [
        name
        for name, one in zip(variable.names, pieces, strict=True)
        if pieces.count(one) > 1 or tokenizer.unk_token_id in one
    ]:
        raise InputError(
            f"variable {variable.name!r}: BLIP reads lower-case English, and cannot tell {quoted(odd)} from other "
            "words; rename the values"
        )
