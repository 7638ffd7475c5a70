"""Answers of services, kept for good: the same question is never asked, and paid for, twice.

An answer lies in the cache of studium (`studium.core.weights.cache_dir`) under what was asked and the sha256 of the
bytes that were sent: ``<cache>/answers/<service>/<question>/<2 digits>/<sha256>.json``. It holds the service's raw
answer, when it came and from which host; never a picture, a text, a file name or a credential. Unlike weights it cannot
be had again for nothing.

As long as a request is under way a mark, ``<sha256>.asked``, lies in the place of its answer. Where a process finds
one that nobody is waiting for any more, the answer was lost with the process that asked, and may have been paid for:
that is said, as a failure, and only ``--retry`` asks again. See `studium.measure.marks`.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studium.core import parts, weights
from studium.core.recipe import canonical
from studium.errors import StoreError, StudiumError
from studium.measure.marks import Lost, Mark

__all__ = ["Answer", "Lost", "Question", "any_kept", "ask_once", "check_room", "is_kept", "keep"]

_ROOM = 1 << 18  # bytes; more than an answer


@dataclass(frozen=True)
class Answer:
    """What a service said.

    Attributes:
        raw: its answer as JSON values.
        asked_at: when it came, ISO 8601 in UTC, whole seconds.
        host: the machine that was asked.
    """

    raw: Mapping[str, Any]
    asked_at: str
    host: str


@dataclass(frozen=True)
class Question:
    """What is asked of a service, whatever it is asked about.

    Attributes:
        service: name of the measure.
        request: API version, features, model ...: JSON values.
        wave: name of a round of asking; another one asks again.
    """

    service: str
    request: Mapping[str, Any]
    wave: str = ""

    @property
    def folder(self) -> Path:
        """Where its answers lie."""
        digest = hashlib.sha256(canonical([self.request, self.wave]).encode()).hexdigest()[:16]
        return weights.cache_dir() / "answers" / self.service / digest

    def path(self, sent: bytes) -> Path:
        """Where the answer about these bytes lies, or will."""
        digest = hashlib.sha256(sent).hexdigest()
        return self.folder / digest[:2] / f"{digest}.json"


def any_kept(question: Question) -> bool:
    """Whether anything was asked about in these words before."""
    return next(question.folder.glob("*/*.json"), None) is not None


def is_kept(question: Question, sent: bytes) -> bool:
    """Whether the answer about these bytes is there."""
    return question.path(sent).is_file()


def ask_once(question: Question, sent: bytes, ask: Callable[[], tuple[Mapping[str, Any], str]]) -> Answer:
    """The answer about these bytes: the one that is kept, or a new one, which is kept before it is returned.

    Args:
        question: what is asked.
        sent: what is sent: a picture, or the body of a request.
        ask: sends it; returns the raw answer and the host that gave it. It raises a `StudiumError` if there is nothing
            to be paid for, and `Lost` if nobody knows.

    Raises:
        StoreError: the answer cannot be read or kept.
        MediaError: it was asked before, and no answer came, now or then: it may have been paid for. Or whatever
            ``ask`` raises; nothing is kept then.
    """
    path = question.path(sent)
    if path.is_file():
        return _found(path)
    check_room(path.parent)
    with Mark(path).alone() as mark:
        if path.is_file():  # another thread or process asked meanwhile
            return _found(path)
        mark.put()
        try:
            raw, host = ask()
        except StudiumError:
            mark.remove()
            raise
        except Lost as lost:
            raise mark.told(str(lost), lost.said) from lost
        answer = Answer(raw, datetime.now(UTC).isoformat(timespec="seconds"), host)
        _keep(path, question, len(sent), answer)
        mark.remove()
        return answer


def keep(question: Question, digest: str, size: int, answer: Answer) -> None:
    """Keep an answer that came another way, such as in a batch; one that is there stays.

    Args:
        question: what was asked.
        digest: sha256 of the bytes that were sent.
        size: their number.
        answer: what came.
    """
    path = question.folder / digest[:2] / f"{digest}.json"
    if not path.is_file():
        check_room(path.parent)
        _keep(path, question, size, answer)
    Mark(path).remove()


def check_room(folder: Path) -> None:
    """Make sure that an answer can be kept there: asked before it is paid for, not afterwards.

    Raises:
        StoreError: the folder cannot be written to, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_ROOM))
    except OSError as error:
        raise StoreError(
            f"cannot keep answers in {folder}: {error.strerror or error}; make room there, or set STUDIUM_CACHE to "
            "another folder; nothing was sent"
        ) from error


def _found(path: Path) -> Answer:
    """An answer that is kept; a process that was killed just after that left its mark."""
    with suppress(OSError):  # where nothing can be written, the answer counts all the same
        Mark(path).remove()
    return _read(path)


def _read(path: Path) -> Answer:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return Answer(body["answer"], body["asked_at"], body["host"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} does not hold an answer ({error!r}); delete it, and it is asked for again") from error


def _keep(path: Path, question: Question, size: int, answer: Answer) -> None:
    body = {
        "service": question.service,
        "request": question.request,
        "wave": question.wave,
        "bytes_sent": size,
        "sha256_sent": path.stem,
        "asked_at": answer.asked_at,
        "host": answer.host,
        "answer": answer.raw,
    }
    try:
        # half of a character (a lone surrogate), as of an answer that was cut off, becomes JSON's own escape
        parts.replace_file(path, json.dumps(body, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise StoreError(
            f"cannot keep an answer in {path.parent}: {error.strerror or error}; make room there"
        ) from error
