"""What a server is sent: the body of a chat completion, in the form that this server takes."""

import base64
import json
import logging
import re
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from studium.core import parts, weights
from studium.errors import MediaError, StoreError
from studium.measure.ask.answer import storable
from studium.measure.ask.provider import Prompt, Shown, Turn
from studium.measure.ask.shown import written
from studium.measure.autotag.service import encoded

__all__ = ["SEED", "Form", "body_of", "known", "learn"]

log = logging.getLogger(__name__)

SEED = 0

_WEAKER = {"json_schema": "json_object", "json_object": "text"}
_OF_THE_UNIT = re.compile(r"context[ _](length|size|window)|too (large|long)|exceed")
_SUBJECT = re.compile(
    r"(?P<limit>max_tokens|max_completion_tokens)|(?P<temperature>temperature)|(?P<seed>\bseed\b)|"
    r"(?P<system>system (role|message|prompt|instruction))|(?P<answer>response_format|json_object|schema|grammar)"
)


@dataclass(frozen=True)
class Form:
    """Which parameters are sent, of those that not every server and model takes.

    OpenAI's reasoning models take ``max_completion_tokens`` alone and no temperature; Ollama and older servers ignore
    ``max_completion_tokens`` without a word, so ``max_tokens`` comes first; LM Studio knows no "json_object", others no
    "json_schema"; the templates of some models have no place for a system message.

    Attributes:
        answer: what is demanded of it: "json_schema", "json_object" or "text"; it is checked here in any case.
        limit: how the length of the answer is limited.
        temperature: whether 0 is asked for.
        seed: whether `SEED` is sent.
        system: whether there is a system message; if not, its text begins the question.
    """

    answer: str = "json_schema"
    limit: str = "max_tokens"
    temperature: bool = True
    seed: bool = True
    system: bool = True

    def without(self, complaint: str) -> "Form | None":
        """The form that does without what a server complains of; None if the complaint is of something else.

        >>> Form().without("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.").limit
        'max_completion_tokens'
        """
        said = complaint.lower()
        found = _SUBJECT.search(said)
        if found is None or _OF_THE_UNIT.search(said):
            return None
        subject = found.lastgroup
        if subject == "limit":
            return replace(self, limit="max_completion_tokens") if self.limit == "max_tokens" else None
        if subject == "answer":
            return replace(self, answer=_WEAKER[self.answer]) if self.answer in _WEAKER else None
        weaker = Form(**{**asdict(self), str(subject): False})
        return weaker if weaker != self else None


def known(url: str, model: str) -> Form:
    """The form that a server took before, in this process or an earlier one; at first the strictest."""
    place = _place(url, model)
    if place not in _known:
        try:
            _known[place] = Form(**json.loads(place.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # it was never learned, or by another version: it is learned again
            return Form()
    return _known[place]


def learn(url: str, model: str, form: Form, complaint: str) -> None:
    """Remember what a server takes, for good: its answers are kept under the form in which they were asked for."""
    place = _place(url, model)
    if _known.get(place) != form:
        _known[place] = form
        try:
            parts.replace_file(place, json.dumps(asdict(form)))
        except OSError as error:
            raise StoreError(f"cannot write {place}: {error.strerror or error}; make room there") from error
        log.warning("the server of %s does not take all that was asked of it (%s); asked from now on: %s",
                    model, complaint, ", ".join(f"{key} {value}" for key, value in asdict(form).items()))  # fmt: skip


_known: dict[Path, Form] = {}


def _place(url: str, model: str) -> Path:
    return weights.cache_dir() / "answers" / "ask" / "forms" / f"{sha256(f'{url} {model}'.encode()).hexdigest()}.json"


def body_of(prompt: Prompt, shown: Shown, after: Turn | None, form: Form, said: dict[str, Any]) -> bytes:
    """The body of a request: the same question about the same unit has the same bytes.

    Keys stay in their order, for structured output is written in the order of the schema: that of the codebook.

    Args:
        prompt: what is asked.
        shown: what is shown; pictures as JPEG files without metadata.
        after: a first answer, and what is wrong with it.
        form: what the server takes.
        said: ``model``, and ``tokens`` of an answer at most.

    Raises:
        MediaError: a text holds half of a character, which JSON in UTF-8 cannot.
    """
    body: dict[str, Any] = {
        "model": said["model"],
        "messages": _messages(prompt, shown, after, form),
        form.limit: said["tokens"],
    }
    if form.temperature:
        body["temperature"] = 0
    if form.seed:
        body["seed"] = SEED
    if form.answer == "json_schema":
        schema = {"name": "answer", "strict": True, "schema": prompt.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form.answer == "json_object":
        body["response_format"] = {"type": "json_object"}
    try:
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise MediaError("a text holds half of a character (a lone surrogate), which cannot be sent") from error


def _messages(prompt: Prompt, shown: Shown, after: Turn | None, form: Form) -> list[dict[str, Any]]:
    """The question first, alike for every unit: servers need not read it again."""
    question = prompt.question if form.system or not prompt.system else f"{prompt.system}\n\n{prompt.question}"
    user = [_text(question)]
    user += [_text(written(shown))] if shown.texts else []
    user += [_picture(encoded(picture).jpeg) for picture in shown.pictures]
    said: list[dict[str, Any]] = [{"role": "user", "content": user}]
    if form.system and prompt.system:
        said.insert(0, {"role": "system", "content": prompt.system})
    if after and after.raw.strip():
        said += [
            {"role": "assistant", "content": storable(after.raw)},
            {"role": "user", "content": storable(after.fault)},
        ]
    elif after:  # there was no word: many templates have no place for an empty answer
        user.append(_text(storable(after.fault)))
    return said


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _picture(jpeg: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"}}
