"""How a study is served."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["COOKIE", "HOURS", "LOOPBACK", "Settings"]

COOKIE = "studium_session"
"""The cookie that holds a session's token; each local server adds its port, as a browser shares cookies among ports."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""What this machine is called by those on it."""
HOURS = 12
"""How long somebody stays signed in."""


@dataclass(frozen=True)
class Settings:
    """How a study is served.

    Attributes:
        token: who has it is the admin of the study on their own machine; None if people sign in with accounts.
        coder: as which the owner of the token codes.
        database: where the records are; None for where the study says.
        cookie: name of the cookie that holds a session's token.
        behind_proxy: whether a proxy stands before the server, which tells the browser's address, scheme and host.
        rate: requests a second that one session may make in the long run.
        burst: requests that it may make at once.
    """

    token: str | None = None
    coder: str = "local"
    database: str | Path | None = None
    cookie: str = COOKIE
    behind_proxy: bool = False
    rate: float = 300.0
    burst: int = 1500

    @property
    def mode(self) -> Literal["local", "accounts"]:
        """Whether one person serves a study to themselves, or several sign in."""
        return "accounts" if self.token is None else "local"
