"""The door: no request reaches a route under ``/api`` unless somebody is signed in, and asks from a page of ours."""

import hmac

from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from studium.server.errors import answer
from studium.server.limits import Buckets
from studium.server.peer import Peer, bare, peer
from studium.server.sessions import Sessions, SignedIn
from studium.server.settings import LOOPBACK, Settings

__all__ = ["OPEN", "Door"]

OPEN = (("GET", "/api/health"), ("POST", "/api/session"))
"""What anybody may ask; and the app's own files."""
_SAFE = ("GET", "HEAD", "OPTIONS")


class Door:
    """ASGI: lets a request in, with ``state.signed_in`` and ``state.viewer``; or answers why not."""

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions) -> None:
        self._app, self._settings, self._sessions = app, settings, sessions
        self._sessions_buckets = Buckets(settings.rate, settings.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        try:
            await self._admit(asked, scope)
        except HTTPException as error:
            await answer(error.status_code, str(error.detail), headers=error.headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _admit(self, asked: HTTPConnection, scope: Scope) -> None:
        """Who asks, noted in the request's state.

        Raises:
            HTTPException: they may not.
        """
        other = peer(asked, self._settings.behind_proxy)
        state = scope.setdefault("state", {})
        state["peer"] = other
        self._hosted(other)
        _clean(asked)
        unsafe = scope["method"] not in _SAFE
        if unsafe:
            _from_us(asked, other)
        if not scope["path"].startswith("/api/") or (scope["method"], scope["path"]) in OPEN:
            self._pace(other.network)
            return
        signed_in = await self._signed_in(asked, unsafe)
        self._pace(signed_in.token if signed_in else other.network)
        if signed_in is None:
            raise HTTPException(401, "sign in first, or send  Authorization: Bearer TOKEN")
        state["signed_in"], state["viewer"] = signed_in, signed_in.viewer

    async def _signed_in(self, asked: HTTPConnection, unsafe: bool) -> SignedIn | None:
        """Whose token it is: the one in Authorization, or else that of the cookie."""
        scheme, _, bearer = asked.headers.get("authorization", "").partition(" ")
        if scheme:
            return await self._find(bearer.strip()) if scheme.lower() == "bearer" else None
        found = await self._find(asked.cookies.get(self._settings.cookie, ""))
        if found and unsafe and not _same(asked.headers.get("x-csrf-token", ""), found.csrf):
            raise HTTPException(403, "the header X-CSRF-Token is not that of the session; load the page anew")
        return found

    async def _find(self, token: str) -> SignedIn | None:
        if not token:
            return None
        return self._sessions.known(token) or await run_sync(self._sessions.find, token)

    def _hosted(self, other: Peer) -> None:
        """A page elsewhere whose name was made to point here asks for its own name, and is not answered."""
        if self._settings.mode == "local" and bare(other.host) not in LOOPBACK:
            raise HTTPException(421, f"this study is served to {' and '.join(LOOPBACK)} alone, not to {other.host!r}")

    def _pace(self, who: str) -> None:
        if wait := self._sessions_buckets.take(who):
            raise HTTPException(429, "too many requests; wait a moment", {"Retry-After": str(int(wait) + 1)})


def _clean(asked: HTTPConnection) -> None:
    """NUL is in no path and no name: databases refuse it, each in its own way."""
    if "\0" in asked.url.path or "%00" in asked.scope.get("query_string", b"").decode("latin-1"):
        raise HTTPException(400, "an address holds no NUL characters; remove them")


def _from_us(asked: HTTPConnection, other: Peer) -> None:
    """What changes something comes from a page of ours, or from no page."""
    origin, site = asked.headers.get("origin"), asked.headers.get("sec-fetch-site", "none")
    if (origin is not None and origin.lower() != other.origin) or site not in {"same-origin", "none"}:
        raise HTTPException(403, f"expected a request from {other.origin}, got one from {origin or site}")


def _same(one: str, other: str) -> bool:
    return bool(other) and hmac.compare_digest(one.encode(), other.encode())
