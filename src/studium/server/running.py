"""A study is served: where, to whom, and until it is asked to end."""

import dataclasses
import logging
import os
import secrets
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from studium.errors import InputError, MissingExtraError, RefusedError, StoreError
from studium.server.settings import LOOPBACK

if TYPE_CHECKING:
    from studium.core.records import Account
    from studium.corpus import Corpus
    from studium.server.settings import Settings

__all__ = ["Address", "run", "token_in"]

log = logging.getLogger(__name__)

_SHORTEST = 32  # characters of a token


@dataclass(frozen=True)
class Address:
    """Where to listen.

    Attributes:
        host: an address of this machine.
        port: 0 for any that is free.
        accounts: whether people sign in with accounts; else only this machine is listened to.
        processes: how many listen there; several only with accounts, whose sessions are in the database.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    accounts: bool = False
    processes: int = 1

    def __post_init__(self) -> None:
        """Refuse to serve others without accounts."""
        if self.processes > 1 and not self.accounts:
            raise InputError("several processes serve people with accounts alone: give --accounts, or one process")
        if self.host not in LOOPBACK and not self.accounts:
            raise RefusedError(
                f"{self.host} can be reached by others: serve it with --accounts, or on {LOOPBACK[0]} for yourself"
            )

    def socket(self) -> socket.socket:
        """A socket that listens there."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            return socket.create_server((self.host, self.port), family=family)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"cannot listen at {self.host}, port {self.port}: {error}; choose another --port (0 for any)"
            ) from error


def token_in(path: Path) -> str:
    """The token in a file that only its owner may read; a new one if there is no such file.

    Raises:
        InputError: it holds no token.
        RefusedError: others may read it.
        StoreError: it cannot be read or made.
    """
    try:
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise RefusedError(f"{path} holds a token, and others may read it; run  chmod 600 {path}")
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: the token cannot be read or written: {error}") from error
    if len(token) < _SHORTEST or not token.isprintable():
        raise InputError(
            f"{path} should hold one line of at least {_SHORTEST} characters, got {len(token)}; delete it for a new one"
        )
    return token


def run(corpus: "Corpus", settings: "Settings", address: Address, told: Callable[[str], None]) -> None:
    """Serve a study until the process is asked to end.

    Args:
        corpus: the study.
        settings: who may use it, and how.
        address: where to listen.
        told: is told the address to open, once it answers.
    """
    try:
        from studium.server import processes
        from studium.server.app import records_of
        from studium.server.static import built
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "serve") from error

    with address.socket() as listening:
        port = listening.getsockname()[1]
        if settings.mode == "local":
            settings = dataclasses.replace(settings, cookie=f"{settings.cookie}_{port}")
        if not built():
            log.warning("the browser app is not built; install Node.js with npm, and run  make app  in a checkout")
        with records_of(corpus, settings) as records:  # made, or brought up to date, before anybody asks
            if settings.mode == "accounts":
                _warn(records.accounts.all(), address, settings)
        ready = partial(told, _url(listening, address.host, settings.token))
        try:
            if address.processes > 1:
                processes.several(address.processes, corpus.root, settings, listening, ready)
            else:
                processes.one(corpus, settings, listening, ready)
        except KeyboardInterrupt:
            return


def _warn(accounts: "list[Account]", address: Address, settings: "Settings") -> None:
    """Say what the one who starts a server for others has to know."""
    if not any(account.active for account in accounts):
        log.warning("nobody can sign in yet: make an account with  studium accounts add NAME --role admin")
    if address.host not in LOOPBACK and not settings.behind_proxy:
        log.warning("passwords travel unencrypted: put a proxy with TLS before the server; see docs/serve.md")


def _url(listening: socket.socket, host: str, token: str | None) -> str:
    """The address to open; the token is in its fragment, which browsers send to nobody."""
    port = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/" + (f"#/login?token={token}" if token else "")
