"""Who is signed in. Nothing of a session's token is kept but what it takes to know it again."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from studium.core.records.accounts import Session
from studium.errors import UnknownNameError
from studium.server.context import Viewer
from studium.server.settings import HOURS

if TYPE_CHECKING:
    from studium.core.records import Records

__all__ = ["AccountSessions", "LocalSessions", "Sessions", "SignedIn"]

_HELD, _MANY = 1.0, 1000  # s that what the database said of a session counts, and sessions that are held


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in.

    Attributes:
        viewer: who.
        token: what their browser holds.
        csrf: what it must send with whatever changes something.
    """

    viewer: Viewer
    token: str
    csrf: str


class Sessions(Protocol):
    """Signs in, knows again, signs out."""

    def begin(self, viewer: Viewer) -> SignedIn:
        """A new session, with a token that nobody has had before."""

    def find(self, token: str) -> SignedIn | None:
        """The session of a token, if it is not over."""

    def known(self, token: str) -> SignedIn | None:
        """As `find`, without waiting for anything; None if that cannot be."""

    def end(self, token: str) -> None:
        """End the session of a token."""


class AccountSessions:
    """Sessions of accounts, in the database: they outlive the server, and end with their account.

    A page asks for hundreds of pictures, so what the database said of a session is held for a second. What this process
    changes (sign-out, role, password, account) counts at once; what another process does, within that second.
    """

    def __init__(self, records: "Records") -> None:
        self._records = records
        self._held: dict[str, tuple[object, float, SignedIn]] = {}  # as of which state, and until when

    def begin(self, viewer: Viewer) -> SignedIn:
        """A new session."""
        token, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), datetime.now(UTC)
        kept = Session(_digest(token), viewer.name, csrf, now, now + timedelta(hours=HOURS))
        self._records.accounts.sign_in(kept)
        return SignedIn(viewer, token, csrf)

    def find(self, token: str) -> SignedIn | None:
        """The session of a token, if it is not over and its account is active."""
        accounts, now = self._records.accounts, datetime.now(UTC)
        state, until = accounts.state, time.monotonic() + _HELD  # before it is read: what changes meanwhile counts
        session = accounts.session(_digest(token), now)
        if session is None:
            return None
        try:
            account = accounts.get(session.account)
        except UnknownNameError:
            return None
        found = SignedIn(Viewer(account.name, account.role), token, session.csrf)
        if len(self._held) >= _MANY:
            self._held.clear()
        if session.expires > now + timedelta(seconds=_HELD):
            self._held[_digest(token)] = state, until, found
        return found

    def known(self, token: str) -> SignedIn | None:
        """The session of a token, if the database was asked a moment ago."""
        state, until, found = self._held.get(_digest(token), (None, 0.0, None))
        return found if state is self._records.accounts.state and time.monotonic() < until else None

    def end(self, token: str) -> None:
        """End a session."""
        self._records.accounts.sign_out(_digest(token))


class LocalSessions:
    """Sessions of the one who has the server's token, signed with it: with the same token they outlive the server."""

    def __init__(self, secret: str, viewer: Viewer) -> None:
        self._secret, self._viewer = secret.encode(), viewer
        self._ended: set[str] = set()

    def knows(self, token: str) -> bool:
        """Whether this is the server's token."""
        return hmac.compare_digest(token.encode(), self._secret)

    def begin(self, viewer: Viewer) -> SignedIn:
        """A new session."""
        until = int((datetime.now(UTC) + timedelta(hours=HOURS)).timestamp())
        body = f"{secrets.token_urlsafe(16)}.{until}"
        return SignedIn(viewer, f"{body}.{self._sign('session', body)}", self._sign("csrf", body))

    def find(self, token: str) -> SignedIn | None:
        """The session of a token, or of the server's token itself, if it is not over."""
        if self.knows(token):
            return SignedIn(self._viewer, token, "")
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", body).encode()) or token in self._ended:
            return None
        if int(body.rpartition(".")[2]) <= datetime.now(UTC).timestamp():
            return None
        return SignedIn(self._viewer, token, self._sign("csrf", body))

    known = find

    def end(self, token: str) -> None:
        """End a session; the server's token stays good."""
        if self.find(token):
            self._ended.add(token)

    def _sign(self, purpose: str, body: str) -> str:
        return hmac.new(self._secret, f"{purpose}:{body}".encode(), hashlib.sha256).hexdigest()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
