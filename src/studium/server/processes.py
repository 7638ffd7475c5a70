"""The processes that answer: one, or several that listen together, each on a core of its own."""

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from studium.server.app import create_app

if TYPE_CHECKING:
    from fastapi import FastAPI

    from studium.corpus import Corpus
    from studium.server.settings import Settings

__all__ = ["one", "several"]

_SLOWEST = 60  # s until a process answers
_ASKED: dict[str, Any] = {
    "log_config": None,
    "access_log": False,
    "proxy_headers": False,  # `studium.server.peer` reads them
    "server_header": False,
    "ws": "none",
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": 3,
}


def one(corpus: "Corpus", settings: "Settings", listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve from this process, until it is asked to end; ``ready`` is called once it answers."""

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    Server(uvicorn.Config(create_app(corpus, settings), **_ASKED)).run(sockets=[listening])


def several(n: int, root: Path, settings: "Settings", listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve from ``n`` processes, until this one is asked to end; one that dies is replaced, on any core."""

    class Servers(Multiprocess):
        def init_processes(self) -> None:
            for number in range(n):
                with _on_core(number):
                    self.processes.append(Process(self.config, self.sockets))
                    self.processes[-1].start()
            if all(process.wait_until_ready(_SLOWEST) for process in self.processes):
                ready()

    config = uvicorn.Config(partial(_application, root, settings), factory=True, workers=n, **_ASKED)
    Servers(config, sockets=[listening]).run()


def _application(root: Path, settings: "Settings") -> "FastAPI":
    """The application, in one of several processes; it ends with the one that started it, however that ends."""
    from studium.corpus import Corpus

    threading.Thread(target=_end_with_parent, daemon=True).start()
    return create_app(Corpus(root), settings)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _on_core(number: int) -> Iterator[None]:
    """What is started within runs on one core, where the system can do that.

    Python's threads take turns in any case. Over several cores each turn wakes another core, at twice the cost in all.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
