"""What a server said: a completion, a refusal, or an error of one of many shapes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from studium.measure.ask.answer import storable

__all__ = ["Completion", "Said"]

_QUOTA = {
    "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated",
    "insufficient_balance", "insufficient_credits", "access_terminated",
}  # fmt: skip
_FILTERED = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "moderation_blocked"}
_ACCOUNT = {401, 402, 403, 404, 405, 410}
_SHORT = 300  # characters of an error that are shown


@dataclass(frozen=True)
class Said:
    """An HTTP response, read whole.

    Attributes:
        status: its code.
        headers: names in lower case.
        text: the body; whoever read it took the key out, should the server have sent it back.
    """

    status: int
    headers: Mapping[str, str]
    text: str

    @cached_property
    def body(self) -> dict[str, Any]:
        """The body as JSON; empty if it is none. Google wraps an error in a list."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        found = found[0] if isinstance(found, list) and found else found
        return found if isinstance(found, dict) else {}

    @property
    def _error(self) -> Mapping[str, Any]:
        error = self.body.get("error", self.body)
        return error if isinstance(error, Mapping) else {"message": error}

    @property
    def words(self) -> str:
        """The message of an error, in one line; the beginning of the body if there is none."""
        found = self._error.get("message") or self._error.get("detail") or self.text or "nothing"
        line = storable(" ".join((found if isinstance(found, str) else json.dumps(found)).split()))
        return line if len(line) <= _SHORT else f"{line[:_SHORT]} ..."

    @property
    def complaint(self) -> str:
        """What an error is about: the parameter first, if it names one."""
        return f"{self._error.get('param') or ''} {self.words}".strip()

    @property
    def codes(self) -> set[str]:
        """The words by which programs tell errors apart, in lower case."""
        inner = self._error.get("innererror")
        found = [self._error.get("code"), self._error.get("type"), inner.get("code") if isinstance(inner, dict) else 0]
        return {str(one).lower() for one in found if one}

    @property
    def inside(self) -> int | None:
        """The status of an error inside a body with status 200, as OpenRouter sends it; None if there is none."""
        code = self._error.get("code") if "error" in self.body and "choices" not in self.body else None
        return code if isinstance(code, int) and 400 <= code < 600 else None

    @property
    def filtered(self) -> bool:
        """Whether a filter refused what was sent: an answer of its kind, about this unit, and unpaid."""
        flagged = self.status == 403 and any(word in self.words.lower() for word in ("flagged", "moderation"))
        return self.status in {400, 403, 422} and (bool(self.codes & _FILTERED) or flagged)

    @property
    def closed(self) -> str:
        """Why nothing more is to be had of this server for now; empty if that is not so."""
        if 300 <= self.status < 400:
            return f"it redirects to {self.headers.get('location', 'nowhere').partition('?')[0]}; give that address"
        quota = self.status == 429 and self.codes & _QUOTA
        return f"{self.status} {self.words}" if quota or self.status in _ACCOUNT else ""


@dataclass(frozen=True)
class Completion:
    """What matters of a completion, or of a refusal, as it is kept.

    Attributes:
        raw: the text of the answer.
        model: who answered, with the fingerprint of the system if it says one.
        finish: "stop", "length", "refusal", or the server's word.
        tokens_in: None if it does not say.
        tokens_out: likewise.
    """

    raw: str
    model: str
    finish: str
    tokens_in: int | None
    tokens_out: int | None

    @classmethod
    def of(cls, body: Mapping[str, Any], asked: str) -> "Completion | None":
        """Of the body of an answer; None if it is none. ``asked`` is the model that was asked."""
        if "error" in body and "choices" not in body:
            error = body["error"]
            said = str(error.get("message", error) if isinstance(error, Mapping) else error)
            return cls(said, asked, "refusal", None, None)
        try:
            choice = body["choices"][0]
            message = choice["message"]
            content, refusal = _joined(message.get("content")), message.get("refusal")
        except (KeyError, IndexError, TypeError, AttributeError):
            return None
        finish = choice.get("finish_reason")
        refused = bool(refusal) or finish == "content_filter"
        named = [str(body.get("model") or asked), str(body.get("system_fingerprint") or "")]
        usage = body.get("usage")
        read, wrote = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
        said = str(refusal) if refusal else content
        ended = "refusal" if refused else storable(str(finish or "stop"))
        return cls(said, storable(", ".join(filter(None, named))), ended, read, wrote)


def _joined(content: Any) -> str:
    """The text of a message; some servers send a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return content if isinstance(content, str) else ""


def _count(usage: Any, name: str) -> int | None:
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
