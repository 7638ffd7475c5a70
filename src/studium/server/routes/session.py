"""Signing in and out; and whether the server is there."""

from importlib.metadata import version
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from studium.errors import InputError, UnknownNameError
from studium.server import passwords
from studium.server.context import Viewer, records
from studium.server.peer import Peer
from studium.server.sessions import LocalSessions, SignedIn
from studium.server.settings import HOURS, Settings

__all__ = ["Here", "attempted", "enter", "good", "router"]

router = APIRouter(tags=["session"])
_WRONG = "no account that may sign in has this name and password"


class Credentials(BaseModel):
    """What somebody signs in with: the token of a server on their own machine, or name and password."""

    token: Annotated[str, Field(max_length=1000)] | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    password: Annotated[str, Field(max_length=passwords.LONGEST)] | None = None


class Here(BaseModel):
    """Who is signed in.

    Attributes:
        mode: whether one person serves the study to themselves, or several have accounts.
        name: as which they code.
        role: what they may do.
        csrf: to be sent as the header X-CSRF-Token with whatever changes something.
    """

    mode: Literal["local", "accounts"]
    name: str
    role: Literal["coder", "adjudicator", "admin"]
    csrf: str


class Health(BaseModel):
    """That the server runs."""

    version: str
    mode: Literal["local", "accounts"]


@router.get("/health")
def health(request: Request) -> Health:
    """Whether the server runs, and how people sign in."""
    return Health(version=version("studium"), mode=request.app.state.settings.mode)


@router.post("/session")
def sign_in(asked: Credentials, request: Request, response: Response) -> Here:
    """Sign in; the answer sets the session's cookie."""
    viewer = _token(asked, request) if request.app.state.settings.mode == "local" else _account(asked, request)
    if before := request.cookies.get(request.app.state.settings.cookie):
        request.app.state.sessions.end(before)
    return enter(request, response, viewer)


@router.get("/session")
def here(request: Request) -> Here:
    """Who is signed in."""
    return _here(request, request.state.signed_in)


@router.delete("/session", status_code=204)
def sign_out(request: Request, response: Response) -> None:
    """Sign out: the session is over."""
    request.app.state.sessions.end(request.state.signed_in.token)
    response.delete_cookie(request.app.state.settings.cookie, httponly=True, samesite="strict")


def enter(request: Request, response: Response, viewer: Viewer) -> Here:
    """A new session, which no token of before opens."""
    settings: Settings = request.app.state.settings
    peer: Peer = request.state.peer
    found: SignedIn = request.app.state.sessions.begin(viewer)
    response.set_cookie(
        settings.cookie, found.token, max_age=HOURS * 3600, httponly=True, samesite="strict", secure=peer.secure
    )
    return _here(request, found)


def _here(request: Request, found: SignedIn) -> Here:
    viewer = found.viewer
    return Here.model_validate(
        {"mode": request.app.state.settings.mode, "name": viewer.name, "role": viewer.role, "csrf": found.csrf}
    )


def _token(asked: Credentials, request: Request) -> Viewer:
    """The owner of the server's token."""
    sessions: LocalSessions = request.app.state.sessions
    if asked.token is None:
        raise InputError("expected a token: open the address that  studium serve  printed")
    attempted(request, "")
    if not sessions.knows(asked.token):
        raise HTTPException(401, "this is not the server's token; open the address that  studium serve  printed")
    good(request, "")
    return Viewer(request.app.state.settings.coder, "admin")


def _account(asked: Credentials, request: Request) -> Viewer:
    """Whose name and password they are. Whatever is wrong, the answer is the same, and comes after the same time."""
    if asked.name is None or asked.password is None:
        raise InputError("expected a name and a password")
    attempted(request, asked.name)
    try:
        account = records(request).accounts.get(asked.name)
    except UnknownNameError:
        account = None
    right = passwords.matches(account.password if account else None, asked.password)
    if account is None or not right or not account.active:
        raise HTTPException(401, _WRONG)
    good(request, asked.name)
    return Viewer(account.name, account.role)


def attempted(request: Request, name: str) -> None:
    """An attempt to guess a secret; refuse those who tried too often."""
    attempts = request.app.state
    wait = attempts.by_address.begin(request.state.peer.network) or (attempts.by_name.begin(name) if name else 0)
    if wait:
        seconds = int(wait) + 1
        raise HTTPException(429, f"too many attempts; try again in {seconds} s", {"Retry-After": str(seconds)})


def good(request: Request, name: str) -> None:
    """The attempt was good: forget those that failed."""
    request.app.state.by_address.good(request.state.peer.network)
    request.app.state.by_name.good(name)
