"""The worker process: chunks come in on stdin as pickles, events go out on stdout as lines of JSON.

The first pickle says how to work: (the parent's ``sys.path``, so that its plugins import here too; how many chunks at
once; whether to announce every unit before touching it). Then come (number, chunk) pairs.

It lives in a process of its own so that a file that crashes a decoder kills the worker, not the study. It ends at once
when its stdin does, so a parent that is killed leaves nothing behind.
"""

import json
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

__all__ = ["main"]

Send = Callable[..., None]


def main() -> None:
    """Work until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    send = _sender(os.dup(1))
    os.dup2(2, 1)  # whatever a library prints must not mix with the events
    chunks = sys.stdin.buffer
    path, threads, isolate = pickle.load(chunks)
    sys.path[:] = path
    with ThreadPoolExecutor(threads) as pool:
        _serve(chunks, pool, send, isolate)


def _serve(chunks: BinaryIO, pool: ThreadPoolExecutor, send: Send, isolate: bool) -> None:
    while True:
        try:
            number, chunk = pickle.load(chunks)
        except EOFError:
            os._exit(0)
        except Exception as error:  # noqa: BLE001  (the parent raises it)
            _fatal(send, error)
            continue
        pool.submit(_job, number, chunk, send, isolate)


def _job(number: int, chunk: Any, send: Send, isolate: bool) -> None:
    from studium.run.work import lawful, work

    try:
        with lawful(chunk):
            for part in chunk.parts:
                part.prepare()
        outcome = work(chunk, (lambda unit, tables: send(event="unit", unit=unit, tables=tables)) if isolate else None)
        send(event="done", number=number, rows=outcome.rows, failures=outcome.failures)
    except Exception as error:  # noqa: BLE001  (the parent raises it)
        _fatal(send, error, number)


def _fatal(send: Send, error: Exception, number: int | None = None) -> None:
    send(event="fatal", error=type(error).__name__, message=str(error), number=number)


def _sender(descriptor: int) -> Send:
    lock = threading.Lock()
    out = os.fdopen(descriptor, "w", encoding="utf-8")

    def send(**event: Mapping[str, Any] | str | int) -> None:
        with lock:
            out.write(json.dumps(event) + "\n")
            out.flush()

    return send


if __name__ == "__main__":
    main()
