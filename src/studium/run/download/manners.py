"""How the downloader asks, and what came of asking."""

import math
from dataclasses import dataclass

from studium.errors import InputError

__all__ = ["Answer", "Manners"]


@dataclass(frozen=True)
class Manners:
    """How to ask.

    Attributes:
        contact: an e-mail address or a web page: who asks, sent with every request.
        per_second: requests begun per second at one host.
        per_host: requests under way at a time at one host.
        connections: requests under way at a time in all.
        attempts: how often one run asks for a URL that fails for now.
        backoff: seconds before the second attempt, doubled before each further one, at most 60; a quarter is chance.
        patience: the longest wait in seconds that a server may ask for (Retry-After); else the URL is left for later.
        timeout: seconds without a byte.
        max_bytes: larger files are refused.
        redirects: how many are followed.
        method: "http", or "yt-dlp" for the pages of video platforms.
        allow_private: whether addresses of this machine and of private networks may be asked.
    """

    contact: str
    per_second: float = 1.0
    per_host: int = 2
    connections: int = 8
    attempts: int = 5
    backoff: float = 1.0
    patience: float = 600.0
    timeout: float = 30.0
    max_bytes: int = 10_000_000_000
    redirects: int = 10
    method: str = "http"
    allow_private: bool = False

    def __post_init__(self) -> None:
        """Refuse what no server could be asked with."""
        if not self.contact.strip() or not self.contact.isascii() or not self.contact.isprintable():
            raise InputError(
                f"contact should be an e-mail address or a web page in ASCII, got {self.contact!r}; "
                "servers are told who asks, so that they can write to you"
            )
        for name in ("per_second", "per_host", "connections", "attempts", "timeout", "max_bytes"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise InputError(f"{name} should be greater than 0, got {getattr(self, name)}")
        for name in ("backoff", "patience", "redirects"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} should be 0 or more, got {getattr(self, name)}")
        if self.method not in {"http", "yt-dlp"}:
            raise InputError(f'method should be "http" or "yt-dlp", got {self.method!r}')

    @property
    def agent(self) -> str:
        """How studium introduces itself."""
        from importlib.metadata import version

        return f"studium/{version('studium')} (research; {self.contact.strip()})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking once; the fields are those of `studium.run.download.links.DOWNLOADS`.

    Attributes:
        wait: seconds that the server asked to be left alone.
        busy: whether it said that it has too much to do.
    """

    status: str
    error: str | None = None
    again: bool = False
    wait: float = 0.0
    busy: bool = False
    http_status: int | None = None
    final_url: str | None = None
    content_type: str | None = None
    kind: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    path: str | None = None
    facts: str | None = None
