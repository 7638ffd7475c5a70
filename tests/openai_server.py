"""A real HTTP server on this machine that speaks the OpenAI protocol, well or badly, and keeps books of what it did.

``with serve() as openai``: its address is ``openai.base``, its key `KEY`, its only model `MODEL`. It answers with JSON
that fits the schema it was given, chosen by what it was shown (`choose`). ``openai.fail(busy(), drops())`` scripts the
next answers; ``openai.decide`` chooses a fault by the request. What it generated it bills, whoever got to see it.
"""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openai_protocol import Chat, fitting, understood
from openai_protocol import Wrong as _Wrong
from server import Server, _Handler, _Http

__all__ = ["KEY", "MODEL", "Chat", "Fault", "OpenAI", "running", "serve", "speaking"]

KEY = "sk-test-0123456789abcdefghijklmnopqrstuvwxyz"
MODEL = "tiny-vlm"


Fault = Callable[["_Speaker", Chat], None]


def choose(chat: Chat) -> str:
    """JSON that fits the schema, by the number of pictures, their brightness and the length of the texts."""
    seed = sum(round(float(picture.mean())) for picture in chat.pictures) + len(chat.pictures) + len(chat.texts[-1])
    return json.dumps(fitting(chat.schema or {}, seed))


@dataclass
class OpenAI(Server):
    """What it says is set here, what it did is read here.

    Attributes:
        models: that it has.
        key: that it accepts; "" for any, or none.
        says: makes the content of an answer.
        refuses: parameters that it does not take: "max_tokens", "temperature", "seed", "json_schema" ...
        decide: fault of a request by its content; those of `fail` come first.
        headers: that every answer carries.
        delay: seconds it thinks.
        chats: requests that it understood, in the order in which they came.
        billed: sha256 of a request -> how often an answer was generated, and is to be paid.
    """

    models: tuple[str, ...] = (MODEL,)
    key: str = KEY
    says: Callable[[Chat], str] = choose
    refuses: frozenset[str] = frozenset()
    decide: Callable[[Chat], Fault | None] = lambda chat: None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    chats: list[Chat] = field(default_factory=list)
    billed: Counter[str] = field(default_factory=Counter)
    _script: list[Fault | None] = field(default_factory=list)

    @property
    def base(self) -> str:
        return self.url("/v1")

    def fail(self, *faults: Fault | None) -> None:
        """Answer the next requests like this, one each; None is a good answer."""
        self._script[:] = faults

    def fault(self, chat: Chat) -> Fault | None:
        with self._lock:
            self.chats.append(chat)
            if self._script:
                return self._script.pop(0)
        return self.decide(chat)

    def completion(self, chat: Chat, content: str | None = None, **how: Any) -> dict[str, Any]:
        """Generate, and bill. ``how`` goes into the choice (finish_reason) or its message (refusal)."""
        content = self.says(chat) if content is None else content
        with self._lock:
            self.billed[chat.sha256] += 1
        read = 85 * len(chat.pictures) + sum(len(text) for text in chat.texts) // 4
        wrote = len(content) // 4 + 1
        message = {"role": "assistant", "content": content, "refusal": how.get("refusal")}
        if message["refusal"]:
            message["content"] = None
        choice = {"index": 0, "message": message, "finish_reason": how.get("finish_reason", "stop"), "logprobs": None}
        return {
            "id": f"chatcmpl-{chat.sha256[:12]}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": f"{chat.body['model']}-2026-11-01",
            "system_fingerprint": "fp_0123456789",
            "choices": [choice],
            "usage": {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote},
        }


# faults: those that bill


def content(said: str | Callable[[Chat], str], **how: Any) -> Fault:
    """An answer with this content, well delivered; ``finish_reason="length"``, ``refusal="I cannot"``."""

    def fault(it: "_Speaker", chat: Chat) -> None:
        it.json(200, it.ours.completion(chat, said if isinstance(said, str) else said(chat), **how))

    return fault


def malformed() -> Fault:
    """JSON that breaks off, as content."""
    return content(lambda chat: choose(chat)[:-2])


def prose() -> Fault:
    """The right JSON with prose and a fence around it."""
    return content(lambda chat: f"Sure! Here is what I see:\n```json\n{choose(chat)}\n```\nLet me know.")


def refusal() -> Fault:
    """The field of structured outputs."""
    return content("", refusal="I'm sorry, I can't help with that.")


def length() -> Fault:
    """It reached the most tokens that were allowed."""
    return content(lambda chat: choose(chat)[:5], finish_reason="length")


def altered(change: Callable[[dict[str, Any]], Any]) -> Fault:
    """A completion, changed before it is sent: ``altered(lambda it: it | {"choices": []})``."""
    return lambda it, chat: it.json(200, change(it.ours.completion(chat)))


def html(code: int = 200) -> Fault:
    """A page of some proxy where the answer should be."""

    def fault(it: "_Speaker", chat: Chat) -> None:
        it.ours.completion(chat)
        it.say(code, b"<html><body>Welcome to the library's network</body></html>", {"Content-Type": "text/html"})

    return fault


def stalls(seconds: float) -> Fault:
    """Silence, after it began to generate."""

    def fault(it: "_Speaker", chat: Chat) -> None:
        it.ours.completion(chat)
        it.server.ending.wait(seconds)
        it.drop()

    return fault


def drops() -> Fault:
    """The connection is reset before the first byte of the answer."""

    def fault(it: "_Speaker", chat: Chat) -> None:
        it.ours.completion(chat)
        it.drop()

    return fault


def breaks_off(after: int = 40) -> Fault:
    """The connection is closed after so many bytes of a body whose length was announced."""

    def fault(it: "_Speaker", chat: Chat) -> None:
        body = json.dumps(it.ours.completion(chat)).encode()
        it.head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        it.body(body[:after])
        it.drop(gently=True)

    return fault


def cut_chunks(after: int = 40) -> Fault:
    """Chunked encoding that never ends as it should."""

    def fault(it: "_Speaker", chat: Chat) -> None:
        body = json.dumps(it.ours.completion(chat)).encode()[:after]
        it.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        it.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
        it.drop(gently=True)

    return fault


def short(after: int = 40) -> Fault:
    """A body that ends too early, whole by its headers: a proxy lost the rest."""

    def fault(it: "_Speaker", chat: Chat) -> None:
        it.say(200, json.dumps(it.ours.completion(chat)).encode()[:after], {"Content-Type": "application/json"})

    return fault


def trickles(seconds: float) -> Fault:
    """A whole answer, in ten pieces, over so many seconds."""

    def fault(it: "_Speaker", chat: Chat) -> None:
        body = json.dumps(it.ours.completion(chat)).encode()
        it.head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        size = -(-len(body) // 10)
        for at in range(0, len(body), size):
            it.body(body[at : at + size])
            it.wfile.flush()
            time.sleep(seconds / 10)

    return fault


# faults: those that do not


def error(status: int, message: str, kind: str = "invalid_request_error", **said: Any) -> Fault:
    """An error as OpenAI words it; ``headers={...}``, ``param=...``, ``code=...`` (of the body)."""
    headers = said.pop("headers", {})
    body = {"error": {"message": message, "type": kind, "param": None, "code": None} | said}
    return lambda it, chat: it.json(status, body, headers)


def busy(after: str | None = "0", **headers: str) -> Fault:
    """429, with Retry-After in seconds or as a date, and other headers (``retry_after_ms="20"``)."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    if after is not None:
        said["Retry-After"] = after
    return error(429, "Rate limit reached for requests", "requests", code="rate_limit_exceeded", headers=said)


def quota() -> Fault:
    """429, for good."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return error(429, message, "insufficient_quota", code="insufficient_quota")


def broken(code: int = 500) -> Fault:
    return error(code, "The server had an error while processing your request", "server_error")


def unknown_key() -> Fault:
    return error(401, "Incorrect API key provided.", code="invalid_api_key")


def forbidden() -> Fault:
    return error(403, "Your account is not allowed to use this model.", code="unsupported_country")


def no_model() -> Fault:
    return error(404, "The model `x` does not exist or you do not have access to it.", code="model_not_found")


def filtered() -> Fault:
    """Azure's content filter, which looks at the prompt."""
    return error(400, "The response was filtered due to the prompt.", code="content_filter")


def redirects(to: str, code: int = 307) -> Fault:
    return lambda it, chat: it.say(code, b"", {"Location": to})


def _understood(raw: bytes, headers: dict[str, str], ours: OpenAI) -> Chat:
    """A request, if it is what this server takes."""
    return understood(raw, headers, ours.models, ours.refuses)


class _Speaker(_Handler):
    """One connection."""

    @property
    def ours(self) -> OpenAI:
        found: OpenAI = self.server.ours
        return found

    def do_GET(self) -> None:  # noqa: N802  (so says http.server)
        if self.path == "/v1/models" and self.path not in self.ours._answers:
            self.ours._answers[self.path] = _Speaker._models
        super().do_GET()

    def do_POST(self) -> None:  # noqa: N802  (so says http.server)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._counted(raw)

    def _counted(self, raw: bytes) -> None:
        ours = self.ours
        with ours._lock:
            ours._busy += 1
            ours.most = max(ours.most, ours._busy)
        try:
            self._chat(raw)
        finally:
            with ours._lock:
                ours._busy -= 1

    def _models(self) -> None:
        if self._known():
            rows = [{"id": name, "object": "model", "owned_by": "tests"} for name in self.ours.models]
            self.json(200, {"object": "list", "data": rows})

    def _known(self) -> bool:
        if self.ours.key and self.headers.get("Authorization") != f"Bearer {self.ours.key}":
            unknown_key()(self, None)  # type: ignore[arg-type]
            return False
        return True

    def _chat(self, raw: bytes) -> None:
        if self.path != "/v1/chat/completions":
            return self.say(404, b"404 page not found", {"Content-Type": "text/plain"})
        if not self._known():
            return None
        try:
            chat = _understood(raw, dict(self.headers), self.ours)
        except _Wrong as wrong:
            return error(400, str(wrong), param=wrong.param)(self, None)  # type: ignore[arg-type]
        self.server.ending.wait(self.ours.delay)
        fault = self.ours.fault(chat) or (lambda it, chat: it.json(200, it.ours.completion(chat)))
        return fault(self, chat)

    def json(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.say(code, json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def say(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self.head(code, {**self.ours.headers, **headers, "Content-Length": str(len(body))})
        self.body(body)


@contextlib.contextmanager
def serve(**how: Any) -> Iterator[OpenAI]:
    """A server on a free port, until the end of the block; ``how`` are fields of `OpenAI`."""
    ours = OpenAI(**how)
    with running(ours, _Speaker):
        yield ours


@contextlib.contextmanager
def running(ours: OpenAI, speaker: type["_Speaker"], port: int = 0) -> Iterator[None]:
    """It listens, until the end of the block."""
    with _Http(("127.0.0.1", port), speaker) as http:
        http.ours, http.ending = ours, threading.Event()  # type: ignore[attr-defined]
        ours.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            http.ending.set()  # type: ignore[attr-defined]
            http.shutdown()
            thread.join()


@contextlib.contextmanager
def speaking(patch: pytest.MonkeyPatch, cache: Path) -> Iterator[OpenAI]:
    """The server, its key in the environment, an empty cache, and nothing remembered of servers before."""
    from studium.measure.ask import endpoint, endpoint_body, endpoint_pace

    patch.setenv("STUDIUM_CACHE", str(cache))
    patch.setenv("OPENAI_API_KEY", KEY)
    for name in ("STUDIUM_OFFLINE", "OPENAI_BASE_URL"):
        patch.delenv(name, raising=False)
    endpoint._admitted.cache_clear()
    for remembered in (endpoint._expected, endpoint_body._known, endpoint_pace._until, endpoint_pace._served):
        remembered.clear()
    with serve() as ours:
        yield ours
