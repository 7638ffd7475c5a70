"""How requests of OpenAI's protocol are read by a strict server, and answers made that fit their schema."""

import base64
import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["Chat", "Wrong", "fitting", "understood"]

_KNOWN = {"model", "messages", "response_format", "temperature", "seed", "max_tokens", "max_completion_tokens"}
_SUPPORTED = "Unsupported parameter: '{0}' is not supported with this model. Use 'max_completion_tokens' instead."
_TEMPERATURE = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is supported."


@dataclass(frozen=True, eq=False)
class Chat:
    """One request for a completion, as it was understood.

    Attributes:
        body: as it came.
        headers: likewise.
        sha256: of the bytes that came.
        texts: of all messages, in order.
        pictures: RGB, in order.
        schema: that the answer has to fit; None if it is free.
    """

    body: dict[str, Any]
    headers: dict[str, str]
    sha256: str
    texts: tuple[str, ...] = ()
    pictures: tuple[np.ndarray, ...] = ()
    schema: dict[str, Any] | None = None


class Wrong(Exception):  # noqa: N818  (a request that a strict server refuses)
    """What a request lacks; the message goes into an error 400."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


def understood(raw: bytes, headers: dict[str, str], models: tuple[str, ...], refuses: frozenset[str]) -> Chat:
    """Check a request as a strict server does."""
    try:
        body = json.loads(raw)
    except ValueError as wrong:
        raise Wrong(f"We could not parse the JSON body of your request: {wrong}") from wrong
    for name in body:
        if name not in _KNOWN:
            raise Wrong(f"Unrecognized request argument supplied: {name}", name)
    if body.get("model") not in models:
        raise Wrong(f"The model `{body.get('model')}` does not exist", "model")
    _check_parameters(body, refuses)
    texts: list[str] = []
    pictures: list[np.ndarray] = []
    for message in body["messages"]:
        _read_message(message, texts, pictures)
    digest = hashlib.sha256(raw).hexdigest()
    return Chat(body, headers, digest, tuple(texts), tuple(pictures), _schema_of(body, refuses))


def _check_parameters(body: dict[str, Any], refuses: frozenset[str]) -> None:
    if "max_tokens" in body and "max_tokens" in refuses:
        raise Wrong(_SUPPORTED.format("max_tokens"), "max_tokens")
    if body.get("temperature", 1) != 1 and "temperature" in refuses:
        raise Wrong(_TEMPERATURE, "temperature")
    if "seed" in body and "seed" in refuses:
        raise Wrong("Unrecognized request argument supplied: seed", "seed")
    most = [body[name] for name in ("max_tokens", "max_completion_tokens") if name in body]
    if len(most) != 1 or not isinstance(most[0], int) or most[0] < 1:
        raise Wrong("Expected one of max_tokens and max_completion_tokens, a positive integer", "max_tokens")


def _read_message(message: dict[str, Any], texts: list[str], pictures: list[np.ndarray]) -> None:
    if message.get("role") not in {"system", "user", "assistant"} or set(message) != {"role", "content"}:
        raise Wrong(f"Invalid message: {sorted(message)}", "messages")
    parts = message["content"]
    for part in [{"type": "text", "text": parts}] if isinstance(parts, str) else parts:
        if part["type"] == "text" and set(part) == {"type", "text"} and part["text"]:
            texts.append(part["text"])
        elif part["type"] == "image_url" and message["role"] == "user":
            pictures.append(_picture(part["image_url"]["url"]))
        else:
            raise Wrong(f"Invalid content of type {part['type']}", "messages")


def _picture(url: str) -> np.ndarray:
    start = "data:image/jpeg;base64,"
    if not url.startswith(start):
        raise Wrong("Expected a base64-encoded data URL with an image MIME type", "messages")
    try:
        with Image.open(io.BytesIO(base64.b64decode(url[len(start) :], validate=True)), formats=["JPEG"]) as image:
            if image.getexif():
                raise Wrong("a picture carries metadata", "messages")
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError) as wrong:
        raise Wrong(f"You uploaded an unsupported image: {wrong}", "messages") from wrong


def _schema_of(body: dict[str, Any], refuses: frozenset[str]) -> dict[str, Any] | None:
    form = body.get("response_format", {"type": "text"})
    if form["type"] in refuses:
        raise Wrong(
            f"Invalid parameter: 'response_format' of type '{form['type']}' is not supported with this model.",
            "response_format",
        )
    if form["type"] != "json_schema":
        return None
    said = form["json_schema"]
    if said.get("strict") is not True or not said.get("name"):
        raise Wrong("Missing required parameter: 'response_format.json_schema'", "response_format")
    _check_schema(said["schema"])
    found: dict[str, Any] = said["schema"]
    return found


def _check_schema(schema: dict[str, Any]) -> None:
    """What OpenAI demands of a strict schema: closed objects whose properties are all required."""
    if "object" in _types(schema):
        wrong = schema.get("additionalProperties") is not False
        if wrong or set(schema.get("required", ())) != set(schema.get("properties", {})):
            raise Wrong(
                "Invalid schema for response_format 'answer': In context=(), 'additionalProperties' is required to be "
                "supplied and to be false, and 'required' to include every key in properties.",
                "response_format",
            )
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        _check_schema(inner)


def _types(schema: dict[str, Any]) -> list[str]:
    found = schema.get("type", [])
    return [found] if isinstance(found, str) else list(found)


def fitting(schema: dict[str, Any], seed: int) -> Any:
    """A value that fits."""
    if "anyOf" in schema:
        return fitting(schema["anyOf"][0], seed)
    if "enum" in schema:
        return schema["enum"][seed % len(schema["enum"])]
    kinds = _types(schema)
    if "object" in kinds:
        return {name: fitting(inner, seed) for name, inner in schema.get("properties", {}).items()}
    if "array" in kinds:
        return [fitting(schema.get("items", {}), seed)]
    if "number" in kinds or "integer" in kinds:
        low, high = schema.get("minimum", 0), schema.get("maximum", 100)
        return low + seed % max(1, int(high - low))
    return f"seen {seed}"
