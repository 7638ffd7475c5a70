"""Asking by batch, at half the price and within a day: files of requests, as OpenAI's Batch API takes them.

The requests have the very bodies that `Endpoint` sends, so an answer of a batch is kept in the same place as if it had
been asked for by itself, and a run finds it there. What was submitted stands in ``<cache>/answers/ask/batches``: the
sha256 of every request, no text and no picture. It is written before anything is sent, and what came of a submission
that broke off is found out by the list of batches, each of which carries our key.
"""

import hashlib
import json
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

from studium.core import allowance
from studium.errors import InputError, StudiumError, UnknownNameError
from studium.measure.answers import Answer, any_kept, check_room, is_kept, keep
from studium.measure.ask.batch_note import Batch, alone, batches, mark_of
from studium.measure.ask.batch_wire import Server, UnsureError
from studium.measure.ask.endpoint import Endpoint
from studium.measure.ask.endpoint_said import Completion, Said
from studium.measure.ask.provider import Prompt, Shown
from studium.measure.autotag.service import host_of

__all__ = ["Collected", "Submitted", "collect", "forget", "submit"]

MOST = 50_000  # requests in a file
LARGEST = 200 * 10**6  # bytes of a file
SHARE = 0.5  # of the price of an answer that is asked for by itself
LATE = 900  # seconds after which a batch that is in no list was never made

_ID = slice(14, 78)  # where a line of a file has its custom_id
_OK = 200
_STRAY = "an answer came under an id that was never asked"
_UNDER_WAY = ("validating", "in_progress", "finalizing", "cancelling")


@dataclass
class Submitted:
    """What was submitted.

    Attributes:
        batches: those that were made.
        kept: how many units were answered before.
        waiting: how many are asked about already, by a batch or by a run whose answer was lost.
    """

    batches: list[Batch] = field(default_factory=list)
    kept: int = 0
    waiting: int = 0


@dataclass
class Collected:
    """How a batch stands, or what came of it.

    Attributes:
        batch: the batch.
        status: in the server's words; "unknown" if it is not in its list (yet).
        answered: how many answers were kept just now.
        faults: why others have none -> how many; they may be submitted again.
        tokens_in: of the answers.
        tokens_out: likewise.
    """

    batch: Batch
    status: str
    answered: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    tokens_in: int = 0
    tokens_out: int = 0


def submit(endpoint: Endpoint, prompt: Prompt, shown: Iterable[Shown]) -> Submitted:
    """Submit whatever was not asked yet; in several batches if it is much.

    Args:
        endpoint: the server; it must have answered once, so that it is known what it takes.
        prompt: what is asked.
        shown: what is shown of each unit, one by one.

    Raises:
        InputError: nothing was asked before, or the server does not take it; what it says.
        BudgetError: it would cost more than the run may.
    """
    endpoint.prepare(prompt)
    if not any_kept(endpoint.question):
        raise InputError(
            f"ask {endpoint.host} about a few units first (studium remote estimate ask ... --sample 3): that shows "
            "what it takes, and what an answer costs; a batch would find out too late"
        )
    done = Submitted()
    with alone():
        for batch in [batch for batch in batches() if not (batch.id or batch.collected)]:
            _found(batch)
        for sizes, file, usd in _files(endpoint, prompt, shown, done):
            with file:
                _send(endpoint, sizes, file, usd, done)
    return done


def collect(fetch: bool = True) -> list[Collected]:
    """Ask how the batches stand, and keep the answers of those that have ended.

    Args:
        fetch: whether answers are fetched; False only looks.

    Raises:
        InputError: a server cannot be reached, or does not know the batch; the others are collected first.
        UnsureError: its answer broke off; likewise.
    """
    found: list[Collected] = []
    faults: list[StudiumError] = []
    with alone():
        for batch in [batch for batch in batches() if not batch.collected]:
            try:
                found.append(_collected(batch, fetch))
            except (InputError, UnsureError) as error:
                faults.append(error)
    if faults:
        raise faults[0]
    return found


def forget(batch: str) -> None:
    """Give up a batch whose answers cannot be had any more, as its server deleted them, or the account is gone.

    They may have been paid for, so a run asks for them only with ``--retry``.

    Args:
        batch: its id.

    Raises:
        UnknownNameError: no batch of this id waits to be collected.
    """
    with alone():
        waiting = {known.id or known.key: known for known in batches() if not known.collected}
        if batch not in waiting:
            raise UnknownNameError(
                f"no batch {batch!r} waits to be collected; there are: {', '.join(waiting) or 'none'}"
            )
        waiting[batch].release(f"batch {batch} was given up")
        waiting[batch].note(collected=True)


def _files(
    endpoint: Endpoint, prompt: Prompt, shown: Iterable[Shown], done: Submitted
) -> Iterator[tuple[dict[str, int], IO[bytes], float]]:
    """Files of requests, none larger than a server takes: sha256 -> size, the file, what it is expected to cost."""
    question = endpoint.question
    sizes: dict[str, int] = {}
    file, usd, seen = _file(), 0.0, set[str]()
    try:
        for one in shown:
            body = endpoint.request(prompt, one)
            digest = hashlib.sha256(body).hexdigest()
            if is_kept(question, body):
                done.kept += 1
                continue
            if digest in seen or mark_of(question, digest).there:
                done.waiting += 1
                continue
            line = _line(digest, body)
            if sizes and (len(sizes) == MOST or file.tell() + len(line) > LARGEST):
                yield sizes, file, usd
                sizes, file, usd = {}, _file(), 0.0
            file.write(line)
            sizes[digest] = len(body)
            seen.add(digest)
            usd += SHARE * (endpoint.usd(prompt, one) or 0.0)
        if sizes:
            yield sizes, file, usd
    finally:
        file.close()


def _file() -> IO[bytes]:
    """A file without a name, which ends with the process: it holds texts and pictures."""
    return tempfile.TemporaryFile()


def _line(digest: str, body: bytes) -> bytes:
    head = f'{{"custom_id":"{digest}","method":"POST","url":"/v1/chat/completions","body":'
    return head.encode() + body + b"}\n"


def _without(file: IO[bytes], digests: set[str]) -> IO[bytes]:
    """The file without some requests."""
    with file:
        file.seek(0)
        rest = _file()
        rest.writelines(line for line in file if line[_ID].decode() not in digests)
    return rest


def _send(endpoint: Endpoint, sizes: dict[str, int], file: IO[bytes], usd: float, done: Submitted) -> None:
    """Note it, upload the file, make the batch; each step is noted before the next one."""
    question = endpoint.question
    check_room(question.folder)
    allowance.current().admit(usd)
    key = secrets.token_hex(8)
    batch = Batch(key, question.request["url"], dict(question.request), question.wave, sizes, time.time()).note()
    if taken := {digest for digest in sizes if not mark_of(question, digest).hold(key)}:  # a run was faster
        done.waiting += len(taken)
        batch = batch.note(sizes={digest: size for digest, size in sizes.items() if digest not in taken})
        file = _without(file, taken)
    if not batch.sizes:
        allowance.current().settle(usd, 0)
        batch.forget()
        return
    with file, Server(batch.url) as server:
        try:
            file.seek(0)
            batch = batch.note(file=server.upload(f"studium-{key}.jsonl", file), made=time.time())
            done.batches.append(batch.note(id=server.make(batch.file, key)))
        except InputError:  # the server said no: there is nothing, and nothing to pay
            allowance.current().settle(usd, 0)
            batch.forget()
            server.delete(batch.file)
            raise


def _found(batch: Batch) -> Batch | None:
    """A batch whose making broke off: with its id if the server has it, None if it was never made."""
    if not batch.file:  # then no batch can have been made of it
        batch.forget()
        return None
    with Server(batch.url) as server:
        for listed in server.batches():
            if (listed.get("metadata") or {}).get("studium") == batch.key:
                return batch.note(id=listed["id"])
        if time.time() - batch.made < LATE:
            return batch
        server.delete(batch.file)
    batch.forget()
    return None


def _collected(batch: Batch, fetch: bool) -> Collected:
    known = batch if batch.id else _found(batch)
    if known is None:
        return Collected(batch, "never made; submit again")
    if not known.id:
        return Collected(known, "unknown")
    with Server(known.url) as server:
        now = server.batch(known.id)
        said = Collected(known, str(now["status"]))
        if said.status not in _UNDER_WAY and fetch:
            came = _take_all(said, server, now)
            for fault in (now.get("errors") or {}).get("data") or []:
                said.faults[str(fault.get("message"))] += 0
            if strays := came - known.sizes.keys():
                said.faults[_STRAY] = len(strays)
                known.release(f"batch {known.id} has no answer to it, and {_STRAY}")
            known.release()
            said.batch = known.note(collected=True)
            for file in (known.file, now.get("output_file_id"), now.get("error_file_id")):
                server.delete(file)
    return said


def _take_all(said: Collected, server: Server, now: dict[str, Any]) -> set[str]:
    """Keep whatever came; returns the ids under which it came.

    Raises:
        InputError: it is less than the server has done.
    """
    came: set[str] = set()
    for name in ("output_file_id", "error_file_id"):
        for row in server.rows(now[name]) if now.get(name) else ():
            digest = str(row.get("custom_id"))
            if digest in said.batch.sizes and digest not in came:
                _take(said, digest, row)
            came.add(digest)
    if len(came) < (done := (now.get("request_counts") or {}).get("completed", 0)):
        raise InputError(
            f"batch {said.batch.id} has {done} answers, and {len(came)} came; collect again, nothing is lost"
        )
    return came


def _take(said: Collected, digest: str, row: dict[str, Any]) -> None:
    """One line of a file of answers, or of errors."""
    response = row.get("response") or {}
    reply = Said(response.get("status_code") or 0, {}, json.dumps(response.get("body") or {}))
    found = Completion.of(reply.body, "") if reply.status == _OK or reply.filtered else None
    if found is None:
        fault = str((row.get("error") or {}).get("message") or reply.words)
        said.faults[fault] += 1
        lost = f"batch {said.batch.id} has no completion of it: {fault}" if reply.status == _OK else ""
        mark_of(said.batch.question, digest).release(said.batch.key, lost)
        return
    created = reply.body.get("created")
    at = datetime.fromtimestamp(created, UTC) if isinstance(created, int) else datetime.now(UTC)
    answer = Answer(reply.body, at.isoformat(timespec="seconds"), host_of(said.batch.url))
    keep(said.batch.question, digest, said.batch.sizes[digest], answer)
    said.answered += 1
    said.tokens_in += found.tokens_in or 0
    said.tokens_out += found.tokens_out or 0
