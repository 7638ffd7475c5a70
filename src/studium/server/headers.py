"""The outermost layer: security headers on every answer, a number for every request, and no traceback to a browser."""

import logging
import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studium.server.errors import answer

__all__ = ["Shell"]

log = logging.getLogger(__name__)

_PAGE = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_DATA = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_API = {**_ALWAYS, "Content-Security-Policy": _DATA, "Cache-Control": "no-store"}
_APP = {**_ALWAYS, "Content-Security-Policy": _PAGE, "Cache-Control": "no-cache"}


class Shell:
    """ASGI: what every answer has, whoever gives it. A header that a route sets itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = secrets.token_hex(6)
        scope.setdefault("state", {})["number"] = number
        said = _Said(send, {**(_API if scope["path"].startswith("/api") else _APP), "X-Request-Id": number})
        sent = {name for name, value in scope["headers"] if value != b"0"}
        said.owed = not sent.isdisjoint((b"content-length", b"transfer-encoding"))

        async def heard() -> Message:
            message = await receive()
            said.owed = said.owed and message.get("more_body", False)
            return message

        try:
            await self._app(scope, heard, said.send)
        except Exception:
            log.exception("request %s: %s %s failed", number, scope["method"], scope["path"])


class _Said:
    """One answer on its way.

    Attributes:
        owed: whether the browser may still be sending what is answered already: then the connection is closed, as a
            server would otherwise read on, and a body may have no end.
    """

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send, self._headers, self.owed = send, headers, False
        self._replaced = False

    async def send(self, message: Message) -> None:
        """Pass it on, with its headers."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            if self.owed:
                headers["Connection"] = "close"
            if message["status"] == 413 and not headers.get("content-type", "").startswith("application/json"):
                await self._too_large(message, headers)
                return
        elif self._replaced:
            return
        await self._send(message)

    async def _too_large(self, message: Message, headers: MutableHeaders) -> None:
        """The framework's answer to a body that is too large is plain text; say it in our shape."""
        said = answer(413, "the body is larger than this route takes; send less")
        headers["Content-Type"], headers["Content-Length"] = "application/json", str(len(said.body))
        self._replaced = True
        await self._send(message)
        await self._send({"type": "http.response.body", "body": said.body})
