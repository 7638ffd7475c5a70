"""The way to a server and back. It is asked again only where it surely did nothing that is to be paid for."""

import atexit
import ipaddress
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from studium.errors import InputError, MediaError, MissingExtraError, ServiceError
from studium.measure.answers import Lost
from studium.measure.ask.endpoint_pace import heed, left, pause, quiet
from studium.measure.ask.endpoint_said import Completion, Said
from studium.measure.autotag.service import host_of
from studium.networks.sessions import loaded

if TYPE_CHECKING:
    import httpx

__all__ = ["RequestError", "close", "get", "here", "key_of", "post", "turn", "variables", "with_patience"]

CONNECT = 10.0  # seconds
PROMPT = 30.0  # seconds without a byte, of what needs no thought
READ = 300.0  # seconds without a byte; large models think long, and a server may have others to serve first
WHOLE = 900.0  # seconds for one answer
LARGEST = 1 << 24  # bytes of one
SECRET = 16  # characters from which on a key is one
PATIENCE = 240.0  # seconds for all tries of one request
TRIES = 5  # where the server says that it failed at this very request
FIRST, LONGEST = 1.0, 30.0  # seconds between tries at most: doubled every time; how many of them is left to chance

_LIMITED, _AT_THIS = 429, 500
_BUSY = {_LIMITED, _AT_THIS, 502, 503, 529}
"""No answer was generated. 504, like 408, is said when somebody gave up waiting for one, which may be paid for."""

_T = TypeVar("_T")


class BusyError(MediaError):
    """Nothing was generated, and the next try may succeed; `with_patience` makes something final of it."""

    def __init__(self, reason: str, wait: float | None = None, status: int = 0) -> None:
        """Say why, how many seconds to wait, and the status; 0 if it was not reached."""
        super().__init__(reason)
        self.wait, self.status = wait, status


class RequestError(MediaError):
    """The server does not take the request as it is, and generated nothing."""

    def __init__(self, host: str, status: int, complaint: str) -> None:
        """Say who refused, and what is complained of."""
        super().__init__(f"{host} refused: {status} {complaint}; nothing was generated")
        self.complaint = complaint


def here(host: str) -> bool:
    """Whether a host is this machine.

    >>> [here(host) for host in ("localhost", "127.0.0.1", "::1", "192.168.0.7", "api.openai.com")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def variables(host: str) -> tuple[str, ...]:
    """Environment variables that may hold the key for a host, in order: no host is sent the key of another.

    >>> variables("openrouter.ai"), variables("api.openai.com")
    (('OPENAI_API_KEY_OPENROUTER_AI',), ('OPENAI_API_KEY_API_OPENAI_COM', 'OPENAI_API_KEY'))
    """
    own = "OPENAI_API_KEY_" + re.sub("[^A-Z0-9]", "_", host.upper())
    base = urlsplit(os.environ.get("OPENAI_BASE_URL", "")).hostname
    general = host in {base, "openai.com"} or host.endswith(".openai.com") or here(host)
    return (own, *["OPENAI_API_KEY"] * general)


def key_of(host: str) -> str:
    """The key for a host; "" if there is none.

    Raises:
        InputError: it cannot be a key.
    """
    for variable in variables(host):
        if key := os.environ.get(variable, "").strip():
            if not (key.isascii() and key.isprintable()):
                raise InputError(f"{variable} should hold a key of letters and digits; it holds other characters")
            return key
    return ""


def get(url: str) -> Said:
    """Ask for something that costs nothing.

    Raises:
        InputError: the server cannot be reached.
    """
    try:
        return _exchange("GET", url, None, PROMPT)
    except (BusyError, Lost) as error:
        raise InputError(f"{error}. Is the server running, and the url right?") from error


def post(url: str, body: bytes) -> Mapping[str, Any]:
    """Ask for a completion, once.

    Returns:
        The body of the answer; of a refusal by a filter the error.

    Raises:
        RequestError: the server does not take it as it is.
        BusyError: the next try may succeed.
        ServiceError: the account, the model or the address will not do: nor will they for any other request.
        Lost: it was sent, and no whole answer came.
    """
    host = host_of(url)
    said = _exchange("POST", url, body, READ)
    if said.status == 200 and said.inside:
        said = Said(said.inside, said.headers, said.text)
    heed(host, said.headers, said.status)
    if said.filtered or (said.status == 200 and "choices" in said.body and Completion.of(said.body, "")):
        return said.body
    if said.closed:
        raise close(host, said.closed)
    if said.status in _BUSY:
        reason = f"{host} answered {said.status} {said.words}"
        raise BusyError(reason, pause(said.headers), said.status)
    if 400 <= said.status < 500 and said.status != 408:
        raise RequestError(host, said.status, said.complaint)
    raise Lost(f"{host} answered {said.status} with something that is no completion: {said.words}", said.text)


def close(host: str, reason: str) -> ServiceError:
    """What ends a run: no other request would fare better."""
    return ServiceError(
        f"{host} cannot be asked any further: {reason}. Run again when that is settled: what was answered is kept, and "
        "is not paid for again"
    )


def turn(host: str) -> None:
    """Wait as long as a host wants to be left alone, also if it says so while we wait.

    Raises:
        ServiceError: that would take longer than `PATIENCE`.
    """
    while seconds := left(host):
        if seconds > PATIENCE:
            raise close(host, f"it wants to be left alone for {seconds:.0f} s, and a run waits for {PATIENCE:.0f} s")
        time.sleep(seconds)


def with_patience(ask: Callable[[], _T], host: str) -> _T:
    """Try again as long as the server is busy or away. At its limit (429) others may be served before us, for long.

    Raises:
        ServiceError: it stays so, for whatever it is asked.
        MediaError: it fails at this request, while it answers others.
    """
    try:
        from tenacity import Retrying, retry_if_exception_type
    except ModuleNotFoundError as error:
        raise MissingExtraError("tenacity", "ask") from error

    began = time.monotonic()
    retrying = Retrying(
        retry=retry_if_exception_type(BusyError), wait=_wait, stop=lambda state: _enough(state, host), reraise=True
    )
    try:
        return retrying(ask)
    except BusyError as busy:
        answers_others = quiet(host) < (time.monotonic() - began) / 2  # of late, not just before it went away
        alone = busy.status == _AT_THIS or answers_others
        if busy.status == _LIMITED or not alone:
            wait = f"; it asks to wait for {busy.wait:.0f} s" if busy.wait else ""
            raise close(host, f"{busy}{wait}, and a run waits for {PATIENCE:.0f} s") from busy
        tries = retrying.statistics["attempt_number"]
        raise MediaError(f"{busy}, {tries} times; nothing was generated; try again with --retry") from busy


def _wait(state: Any) -> float:
    """Seconds until the next try: what the server said and a little more, or by chance out of ever more."""
    from tenacity import wait_random, wait_random_exponential

    busy = state.outcome.exception()
    if busy.wait:
        return float(busy.wait) + float(wait_random(0, FIRST / 4)(state))
    return float(wait_random_exponential(multiplier=FIRST, max=LONGEST)(state))


def _enough(state: Any, host: str) -> bool:
    """Whether to give up."""
    busy, waited = state.outcome.exception(), state.seconds_since_start
    if busy.status == _LIMITED:
        waited = min(waited, quiet(host))
    hopeless = busy.status == _AT_THIS and state.attempt_number >= TRIES
    return bool(hopeless or waited + state.upcoming_sleep >= PATIENCE)


def _exchange(method: str, url: str, body: bytes | None, read: float) -> Said:
    """One request and its response, read whole, without the key."""
    where = urlsplit(url)
    host = where.hostname or ""
    client = loaded(lambda: _client(here(host)))
    key = key_of(host)
    headers = {"Content-Type": "application/json"} if body else {}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    asked = client.stream(method, url, content=body, headers=headers, timeout=_timeout(read))
    with _failures(host_of(url)), asked as response:
        said = {name.lower(): _without(key, value) for name, value in response.headers.items()}
        text = _read(response, time.monotonic() + WHOLE)
        return Said(response.status_code, said, _without(key, text))


def _without(key: str, text: str) -> str:
    """What a server said, without the key if it sends that back. What is short is none, but a word such as "EMPTY"."""
    return text.replace(key, "***") if len(key) >= SECRET else text


@contextmanager
def _failures(host: str) -> Iterator[None]:
    """Tell what was surely not sent whole from what may have been answered."""
    import httpx

    unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.WriteError,
              httpx.WriteTimeout, httpx.LocalProtocolError)  # fmt: skip
    try:
        yield
    except unsent as error:
        raise BusyError(f"{host} cannot be reached ({_named(error)})") from error
    except httpx.HTTPError as error:
        raise Lost(f"{host} was sent the request, and no whole answer came ({_named(error)})") from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InputError(f"url should be the address of a server, got one of {host} that cannot be: {error}") from error


def _read(response: "httpx.Response", until: float) -> str:
    """The body, as far as it comes; of an error whatever comes of it."""
    import httpx

    body = bytearray()
    try:
        for block in response.iter_bytes():
            body += block
            if time.monotonic() > until or len(body) > LARGEST:
                raise httpx.ReadTimeout(f"it went on for more than {WHOLE:.0f} s or {LARGEST:,} bytes")
    except httpx.HTTPError:
        if response.status_code == 200:
            raise
    return body.decode("utf-8", "replace")


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _timeout(read: float) -> "httpx.Timeout":
    import httpx

    return httpx.Timeout(read, connect=CONNECT, pool=None)


@cache
def _client(direct: bool) -> "httpx.Client":
    """Redirects are not followed, with the key or without; to this machine no proxy leads.

    Every request has a connection of its own. On one that is used again a stray second response would pass for the
    answer about the next unit, and whether a server that closes it had got a request, nobody could tell.
    """
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise MissingExtraError("httpx", "ask") from error
    client = httpx.Client(trust_env=not direct, headers={"User-Agent": "studium", "Connection": "close"})
    atexit.register(client.close)
    return client
