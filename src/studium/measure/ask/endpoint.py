"""A server that speaks OpenAI's protocol: OpenAI itself, vLLM, Ollama, llama.cpp, LM Studio, a gateway of the lab."""

import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from studium.core import allowance
from studium.core.outgoing import Outgoing
from studium.errors import BudgetError, InputError, MediaError, ServiceError, StudiumError
from studium.measure.answers import Answer, Question, ask_once, check_room, is_kept
from studium.measure.ask.endpoint_body import Form, body_of, known, learn
from studium.measure.ask.endpoint_price import Expected, Price, price_of
from studium.measure.ask.endpoint_said import Completion, Said
from studium.measure.ask.endpoint_wire import RequestError, get, here, key_of, post, turn, variables, with_patience
from studium.measure.ask.provider import Prompt, Provider, Reply, Shown, Turn
from studium.measure.autotag.service import host_of
from studium.networks.sessions import loaded

__all__ = ["Endpoint"]

_LISTED = 20  # models that an error names, at most
_LISTS_OTHERS = ".azure.com"  # whose models are called by the names of deployments, which are not listed


@dataclass(frozen=True)
class Endpoint(Provider):
    """A server that speaks OpenAI's protocol. Unless it is this machine, **what is shown leaves the machine**.

    Pictures are sent as JPEG files without metadata. The answer has to fit the JSON schema of the question, where the
    server can see to that; what it cannot do is learned from its errors, once, and logged. Temperature is 0 and the
    seed fixed, yet few servers promise the same answer twice: every answer is kept, and none is paid for twice.

    The key is read from ``OPENAI_API_KEY``, which is sent to OpenAI, to this machine and to the host of
    ``OPENAI_BASE_URL``; any other host has a variable of its own: ``OPENAI_API_KEY_OPENROUTER_AI``.

    Args:
        url: address of the interface, without ``/chat/completions``: ``http://localhost:11434/v1``.
        model: what the server calls it.
        tokens: longest answer.
        wave: name of a round of asking; another name asks, and pays, again.
    """

    url: str
    model: str
    tokens: int = 512
    wave: str = ""

    def __post_init__(self) -> None:
        """Refuse an address that cannot be asked, or that holds what belongs in no study file."""
        try:
            it = self._address
            it.port  # noqa: B018  (or it is refused here)
        except ValueError as error:
            raise InputError(f"url should be an address such as http://localhost:11434/v1: {error}") from error
        if it.scheme not in {"http", "https"} or not it.hostname:
            raise InputError(f"url should be an address such as http://localhost:11434/v1, got {self.url!r}")
        if it.username or it.password or it.query or it.fragment:
            raise InputError(
                "url should hold no user, password, ? or #: it is written into the study. "
                f"Set {variables(it.hostname)[0]} to the key"
            )
        if not self.model:
            raise InputError(f"model should be what the server calls its model; {self._base}/models lists them")

    @property
    def remote(self) -> bool:
        """Whether the server is any other machine, also one next door."""
        return not here(self._address.hostname or "")

    @property
    def host(self) -> str:
        """The machine that is asked, with its port if it is not the usual one."""
        return host_of(self.url)

    @property
    def question(self) -> Question:
        """What is asked about every unit, in the form that this server takes."""
        return self._question(self._form)

    def request(self, prompt: Prompt, shown: Shown) -> bytes:
        """The body of the request about one unit, in the same form."""
        return self._body(prompt, shown, None, self._form)

    def usd(self, prompt: Prompt, shown: Shown) -> float | None:
        """What the answer about one unit is expected to cost, in US dollars; None if nobody knows the price."""
        if (price := self._price()) is None:
            return None
        texts = (prompt.system, prompt.question, *(text for _, text in shown.texts))
        return _expected[self].usd(price, sum(map(len, texts)), len(shown.pictures), self.tokens)

    def prepare(self, prompt: Prompt) -> None:
        """Make sure that the server is there, takes the key and has the model. It is sent nothing else.

        Raises:
            InputError: one of these is not so, or there is a budget and no price.
            StoreError: answers cannot be kept.
        """
        if not _offline():
            check_room(self.question.folder)
            if fault := self._unpriced():
                raise InputError(fault)
            key = hashlib.sha256(key_of(self._address.hostname or "").encode()).hexdigest()
            loaded(lambda: _admitted(self, key))

    def outgoing(self, prompt: Prompt, shown: Shown) -> Outgoing | None:
        """The body of the request, and what its answer is expected to cost and to take."""
        if not self.remote:
            return None
        body, price, so_far = self.request(prompt, shown), self._price(), _expected[self]
        kept = is_kept(self.question, body)
        return Outgoing(
            self.host, len(body), len(shown.texts), shown.pictures, kept,
            usd=0.0 if kept else self.usd(prompt, shown),
            seconds=so_far.seconds / so_far.answers if so_far.answers else None,
            source=price.source if price else "",
        )  # fmt: skip

    def reply(self, prompt: Prompt, shown: Shown, after: Turn | None = None) -> Reply:
        """Ask about one unit, unless it was asked the very same before.

        Raises:
            MediaError: there was no answer; if it may have been paid for, the message says so.
            ServiceError: it would cost more than the run may, or the server will not answer anything any more.
        """
        form = self._form
        body = self._body(prompt, shown, after, form)
        usd = self.usd(prompt, shown) or 0.0
        try:
            answer = with_patience(lambda: self._asked(body, form, usd), self.host)
        except RequestError as refused:
            if (weaker := form.without(refused.complaint)) is None:
                raise MediaError(str(refused)) from refused
            learn(self._base, self.model, weaker, refused.complaint)
            return self.reply(prompt, shown, after)
        except ServiceError:
            _admitted.cache_clear()  # the next `prepare` asks again who it knows
            raise
        return self._reply(answer, body)

    def _asked(self, body: bytes, form: Form, usd: float) -> Answer:
        """The answer that is kept, or a new one, when it is our turn."""
        question = self._question(form)
        if not is_kept(question, body):
            if _offline():
                raise MediaError(f"{self.host} was never asked this, and STUDIUM_OFFLINE is set; unset it")
            turn(self.host)
            allowance.current().pace(self.host)
        took: list[float] = []
        answer = ask_once(question, body, lambda: (self._sent(body, usd, took), self.host))
        if took:  # only now that the answer is kept: it stays, whatever befalls the ledger
            self._settle(answer.raw, usd, took[0])
        return answer

    def _sent(self, body: bytes, usd: float, took: list[float]) -> Mapping[str, Any]:
        """Send it, if it may cost that; ``took`` is told the seconds if something came that is to be kept."""
        if fault := self._unpriced():
            raise BudgetError(fault)
        may, began = allowance.current(), time.monotonic()
        may.admit(usd)
        try:
            raw = post(f"{self._base}/chat/completions", body)
        except StudiumError:
            may.settle(usd, 0.0)
            raise
        took.append(time.monotonic() - began)
        return raw

    def _settle(self, raw: Mapping[str, Any], usd: float, seconds: float) -> None:
        """Note what an answer cost. If its server does not say, what was expected stays set aside."""
        found = Completion.of(raw, self.model)
        if found and found.tokens_in is not None and found.tokens_out is not None:
            _expected[self].add(found.tokens_in, found.tokens_out, seconds)
            price = self._price()
            allowance.current().settle(usd, price.of(found.tokens_in, found.tokens_out) if price else 0.0)
        elif "error" in raw and "choices" not in raw:
            allowance.current().settle(usd, 0.0)

    def _reply(self, answer: Answer, body: bytes) -> Reply:
        found = Completion.of(answer.raw, self.model)
        assert found is not None, "only completions are kept"
        return Reply(
            raw=found.raw,
            model=found.model,
            finish=found.finish,
            asked_at=answer.asked_at,
            host=answer.host if self.remote else None,
            sha256_sent=hashlib.sha256(body).hexdigest(),
            bytes_sent=len(body),
            tokens_in=found.tokens_in,
            tokens_out=found.tokens_out,
        )

    @property
    def _address(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def _base(self) -> str:
        return self.url.rstrip("/")

    @property
    def _form(self) -> Form:
        return known(self._base, self.model)

    def _question(self, form: Form) -> Question:
        request = {"operation": "chat/completions", "url": self._base, "model": self.model, "form": asdict(form)}
        return Question("ask", request, self.wave)

    def _body(self, prompt: Prompt, shown: Shown, after: Turn | None, form: Form) -> bytes:
        return body_of(prompt, shown, after, form, {"model": self.model, "tokens": self.tokens})

    def _price(self) -> Price | None:
        return price_of(self.model, self._address.hostname or "") if self.remote else None

    def _unpriced(self) -> str:
        """What is wrong if there is a budget and no price; empty if nothing is."""
        if allowance.current().budget is None or not self.remote or self._price():
            return ""
        return (
            f"there is a budget, and nobody knows what {self.model} of {self.host} costs; give US dollars for a "
            f'million tokens read and written in the study file:  [remote.prices]  "{self.model}" = [0.15, 0.60]'
        )


_expected: defaultdict[Endpoint, Expected] = defaultdict(Expected)


@cache
def _admitted(endpoint: Endpoint, key: str) -> bool:
    """Ask for the list of models, and remember: ``key`` is the sha256 of the key that was taken."""
    said = get(f"{endpoint._base}/models")
    host = urlsplit(endpoint.url).hostname or ""
    if said.status in {404, 405}:
        return True  # it offers no list; a wrong address or model shows at the first request, and ends the run
    if said.closed:
        wanted = " or ".join(variables(host))
        raise InputError(f"{endpoint.host} cannot be asked: {said.closed}. Its key is looked for in {wanted}")
    models = _listed(said)
    if models and endpoint.model not in models and not host.endswith(_LISTS_OTHERS):
        there = ", ".join(models[:_LISTED]) + (f" and {len(models) - _LISTED} more" if len(models) > _LISTED else "")
        raise InputError(f"{endpoint.host} has no model {endpoint.model!r}; it has: {there}")
    return True


def _listed(said: Said) -> list[str]:
    """Names of the models of a list; Ollama's "llava:latest" is called "llava" too."""
    rows = said.body.get("data")
    names = [str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row] if isinstance(rows, list) else []
    return names + [name.removesuffix(":latest") for name in names if name.endswith(":latest")]


def _offline() -> bool:
    """Whether only answers that are kept may be used."""
    return os.environ.get("STUDIUM_OFFLINE", "").lower() not in {"", "0", "false", "no"}
