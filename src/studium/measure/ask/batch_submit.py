"""Asking by batch, at half the price and within a day: files of requests, as OpenAI's Batch API takes them.

The requests have the very bodies that `Endpoint` sends, so an answer of a batch is kept in the same place as if it had
been asked for by itself, and a run finds it there. What was submitted stands in ``<cache>/answers/ask/batches``: the
sha256 of every request, no text and no picture. It is written before anything is sent, and what came of a submission
that broke off is found out by the list of batches, each of which carries our key.
"""

import hashlib
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from studium.core import allowance
from studium.errors import InputError
from studium.measure.answers import any_kept, check_room, is_kept
from studium.measure.ask.batch_collect import found_again
from studium.measure.ask.batch_note import Batch, alone, batches, mark_of
from studium.measure.ask.batch_wire import Server
from studium.measure.ask.endpoint import Endpoint
from studium.measure.ask.provider import Prompt, Shown

__all__ = ["SHARE", "Submitted", "submit"]

MOST = 50_000  # requests in a file
LARGEST = 200 * 10**6  # bytes of a file
SHARE = 0.5  # of the price of an answer that is asked for by itself
_ID = slice(14, 78)  # where a line of a file has its custom_id


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
            found_again(batch)
        for sizes, file, usd in _files(endpoint, prompt, shown, done):
            with file:
                _send(endpoint, sizes, file, usd, done)
    return done


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
