"""Asking a server for one file: what it answered, as a fact. Nothing here asks twice."""

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from studium.errors import MissingExtraError
from studium.run.download.manners import Answer, Manners
from studium.run.download.partial import Partial
from studium.run.download.sniff import HEAD, described, sniff

if TYPE_CHECKING:
    import httpx

__all__ = ["Stopped", "Web", "at_private", "meaning", "private", "taken"]

_FACTS = {401: "forbidden", 403: "forbidden", 451: "forbidden", 404: "gone", 410: "gone"}
_PASSING = {408, 425, 429}  # and those of the 500s that are not about the request itself
_REQUESTS_FAULT = {501, 505}
_RESERVATIONS = ("tdm-reservation", "tdm-policy", "x-robots-tag")  # what the owner says about mining it
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Stopped(Exception):  # noqa: N818  (internal: a thread's way out)
    """The run was told to stop; what has come is kept, and the next run goes on from there."""


class _Private(Exception):  # noqa: N818  (internal: becomes an `Answer`)
    """The host is at an address that the web cannot reach."""


class Web:
    """Asks over HTTP. Several threads may share one."""

    def __init__(self, root: Path, manners: Manners, stop: threading.Event) -> None:
        """Open a client.

        Raises:
            MissingExtraError: httpx is not installed.
        """
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise MissingExtraError("httpx", "download") from error

        self._root, self._manners, self._stop = root, manners, stop
        self._client = httpx.Client(
            headers={"User-Agent": manners.agent, "Accept": "*/*", "Accept-Encoding": "identity"},
            timeout=manners.timeout,
            limits=httpx.Limits(max_connections=manners.connections, max_keepalive_connections=manners.connections),
            follow_redirects=True,
            max_redirects=manners.redirects,
            event_hooks={"request": [self._before_asking], "response": [self._before_following]},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def get(self, url: str, kind: str | None, part: Partial) -> Answer:
        """Ask for a file, or for the rest of it; it is ``part`` that it goes to.

        Args:
            url: what to ask for.
            kind: what it should be, or None.
            part: what has come before.

        Raises:
            Stopped: the run was told to stop.
            OSError: the disk is full, or cannot be written to.
        """
        import httpx

        headers = {}
        if part.size and part.version:
            headers = {"Range": f"bytes={part.size}-", "If-Range": part.version}
        try:
            with self._client.stream("GET", url, headers=headers, extensions={"trace": self._guard()}) as response:
                return self._answer(response, kind, part)
        except _Private as error:
            return Answer("refused", str(error))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects) as error:
            return Answer("failed", f"{type(error).__name__}: {error}")
        except UnicodeError:  # so says Python of a host with an empty label, or one of 64 letters or more
            return Answer("failed", "no host can have the name that the URL or redirect has")
        except (httpx.TransportError, httpx.DecodingError) as error:
            return Answer("failed", f"{type(error).__name__}: {error or 'no further word'}", again=True)

    def _before_following(self, response: "httpx.Response") -> None:
        """A redirect within a host is one more request to it, and waits for its turn."""
        if response.has_redirect_location:
            there = response.url.join(response.headers["Location"])
            if there.netloc == response.url.netloc:
                self._stop.wait(1 / self._manners.per_second)

    def _before_asking(self, request: "httpx.Request") -> None:
        """Where a proxy asks for us no address is seen here; what the name leads to from here must do."""
        host = request.url.host
        if not self._manners.allow_private and _proxied(request.url.scheme, host) and (address := private(host)):
            raise _Private(at_private(address))

    def _guard(self) -> Callable[[str, Mapping[str, Any]], None]:
        """Told by the client of every step; refuses connections to private addresses before anything is sent."""
        proxies = {urlsplit(proxy).hostname for proxy in getproxies().values()}
        host = ""

        def traced(event: str, info: Mapping[str, Any]) -> None:
            nonlocal host
            if event == "connection.connect_tcp.started":
                host = info["host"]
            elif event == "connection.connect_tcp.complete" and host not in proxies and not self._manners.allow_private:
                stream = info["return_value"]
                address = stream.get_extra_info("server_addr")[0]
                if _inside(address):
                    stream.close()
                    raise _Private(at_private(address))

        return traced

    def _answer(self, response: "httpx.Response", kind: str | None, part: Partial) -> Answer:
        code = response.status_code
        said: dict[str, Any] = {
            "http_status": code,
            "final_url": str(response.url),
            "content_type": response.headers.get("Content-Type"),
            "facts": _reservations(response),
        }
        if code in {200, 206}:
            return self._receive(response, kind, part, said)
        if code == 416 and response.headers.get("Content-Range") == f"bytes */{part.size}" and part.size:
            return taken(part, kind, self._manners, said)  # it was whole already
        word = f"{code} {response.reason_phrase}".strip()
        if code == 416:
            part.discard()
            return Answer("failed", word, again=True, **said)
        status, again = meaning(code)
        if not again:
            part.discard()
            return Answer(status, word, **said)
        wait = _retry_after(response.headers.get("Retry-After", ""))
        return Answer(status, word, again, wait, busy=code in {429, 503}, **said)

    def _receive(self, response: "httpx.Response", kind: str | None, part: Partial, said: dict[str, Any]) -> Answer:
        if response.status_code == 206:
            if not _continues(response, part):
                part.discard()
                return Answer("failed", "the server went on with another part or version of the file", True, **said)
        else:
            part.begin(_version(response))
        expected = _expected(response, part.size)
        if expected is not None and expected > self._manners.max_bytes:
            part.discard()
            return Answer("refused", _too_large(expected, self._manners), **said)
        if refusal := self._write(response, part):
            part.discard()
            return Answer("refused", refusal, **said)
        if expected is not None and part.size != expected:
            return Answer("failed", f"broke off: {part.size} of {expected} bytes came", again=True, **said)
        return taken(part, kind, self._manners, said)

    def _write(self, response: "httpx.Response", part: Partial) -> str:
        """Write what comes; returns why to break it off, or ""."""
        head = part.head(HEAD)
        checked, size = len(head) == HEAD, part.size
        with part.path.open("ab") as file:
            for block in response.iter_bytes():
                if self._stop.is_set():
                    raise Stopped
                file.write(block)
                size += len(block)
                if size > self._manners.max_bytes:
                    return _too_large(size, self._manners)
                if not checked:
                    head += block[: HEAD - len(head)]
                    checked = len(head) == HEAD
                    if checked and sniff(head) is None:
                        return _no_medium(head)
        return ""


def meaning(code: int) -> tuple[str, bool]:
    """What an HTTP status other than success says of a URL, and whether it may say something else next time."""
    passing = code in _PASSING or (code >= 500 and code not in _REQUESTS_FAULT)
    return _FACTS.get(code, "failed"), passing


def taken(part: Partial, kind: str | None, manners: Manners, said: Mapping[str, Any]) -> Answer:
    """The answer to a whole file: it is kept, or refused for what it is."""
    head, size = part.head(HEAD), part.size
    found = sniff(head)
    refusal = ""
    if found is None:
        refusal = _no_medium(head)
    elif not found.fits(kind):
        refusal = f"expected a file of kind {kind}, got one of kind {found.kind} ({found.suffix})"
    elif size > manners.max_bytes:
        refusal = _too_large(size, manners)
    if refusal or found is None:
        part.discard()
        return Answer("refused", refusal, **said)
    sha256, path = part.keep(found.suffix)
    return Answer("done", kind=kind or found.kind, bytes=size, sha256=sha256, path=path, **said)


def private(host: str) -> str:
    """An address of a host that the web cannot reach; "" if there is none, or if the name is not known here."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ""
    return next((str(entry[4][0]) for entry in found if _inside(str(entry[4][0]))), "")


def _inside(address: str) -> bool:
    """Whether an address is of this machine, of a private network, or otherwise not of the public web."""
    it = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(it, ipaddress.IPv6Address):
        inner = it.ipv4_mapped or it.sixtofour
        if it in _NAT64:
            inner = ipaddress.IPv4Address(int(it) & 0xFFFFFFFF)
        it = inner or it
    return not it.is_global or it.is_multicast


def _proxied(scheme: str, host: str) -> bool:
    """Whether the environment says that a proxy asks for us."""
    proxies = getproxies()
    return (scheme in proxies or "all" in proxies) and not proxy_bypass(host)


def at_private(address: str) -> str:
    """Why a host at this address was not asked."""
    return f"at a private address: {address}; allow_private lets such addresses be asked"


def _too_large(size: int, manners: Manners) -> str:
    return f"larger than max_bytes = {manners.max_bytes}: it has {size} bytes or more; raise it, and retry"


def _no_medium(head: bytes) -> str:
    what = described(head)
    advice = '; for pages of video platforms there is method = "yt-dlp"' if "HTML" in what else ""
    return f"expected an image, video or sound, got {what}{advice}"


def _continues(response: "httpx.Response", part: Partial) -> bool:
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {part.size}-")
    tag = response.headers.get("ETag")
    return begins and part.size > 0 and (tag is None or not part.version.startswith('"') or tag == part.version)


def _version(response: "httpx.Response") -> str:
    """What a server would know this version again by; "" if it cannot go on with it later."""
    if _encoded(response) or response.headers.get("Accept-Ranges", "").lower() == "none":
        return ""
    tag = str(response.headers.get("ETag", ""))
    return tag if tag.startswith('"') else str(response.headers.get("Last-Modified", ""))


def _encoded(response: "httpx.Response") -> bool:
    """Whether it comes compressed though that was not asked for: then its length says nothing of the file's."""
    return response.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}


def _expected(response: "httpx.Response", have: int) -> int | None:
    """Bytes of the whole file, as far as the server says."""
    length = response.headers.get("Content-Length", "")
    if _encoded(response) or not length.isdecimal():
        return None
    return int(length) + have


def _reservations(response: "httpx.Response") -> str | None:
    found = {name: response.headers[name] for name in _RESERVATIONS if name in response.headers}
    return json.dumps(found) if found else None


def _retry_after(text: str) -> float:
    """Seconds that a server asks to wait: it names them, or a date; 0 if it names neither."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
