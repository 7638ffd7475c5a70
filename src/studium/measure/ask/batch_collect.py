"""What came of batches of questions: their answers, kept as if each had been asked for by itself."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from studium.errors import InputError, StudiumError, UnknownNameError
from studium.measure.answers import Answer, keep
from studium.measure.ask.batch_note import Batch, alone, batches, mark_of
from studium.measure.ask.batch_wire import Server, UnsureError
from studium.measure.ask.endpoint_said import Completion, Said
from studium.measure.autotag.service import host_of

__all__ = ["Collected", "collect", "forget", "found_again"]

LATE = 900  # seconds after which a batch that is in no list was never made
_OK = 200
_STRAY = "an answer came under an id that was never asked"
_UNDER_WAY = ("validating", "in_progress", "finalizing", "cancelling")


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


def found_again(batch: Batch) -> Batch | None:
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
    known = batch if batch.id else found_again(batch)
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
