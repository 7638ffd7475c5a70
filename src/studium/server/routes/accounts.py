"""Who may sign in, and as what."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from studium.core.records import Account
from studium.errors import InputError
from studium.server import passwords
from studium.server.accounts import added, changed
from studium.server.context import Administering, Coding, records
from studium.server.routes.session import Here, attempted, enter, good

__all__ = ["router"]

router = APIRouter(tags=["accounts"])
Role = Literal["coder", "adjudicator", "admin"]
Password = Annotated[str, Field(max_length=passwords.LONGEST)]


class AccountShown(BaseModel):
    """An account.

    Attributes:
        name: as which they code.
        role: what they may do.
        active: whether they may sign in.
        at: since when it is as it is.
    """

    name: str
    role: Role
    active: bool
    at: AwareDatetime


class New(BaseModel):
    """An account to be made."""

    name: Annotated[str, Field(max_length=200)]
    role: Role
    password: Password


class Change(BaseModel):
    """What is to be different; what is left out stays."""

    role: Role | None = None
    password: Password | None = None
    active: bool | None = None


class NewPassword(BaseModel):
    """The password of today, and that of tomorrow."""

    old: Password
    new: Password


@router.get("/accounts")
def accounts(request: Request, viewer: Administering) -> list[AccountShown]:
    """Every account."""
    return [_shown(account) for account in records(request).accounts.all()]


@router.post("/accounts", status_code=201)
def add(asked: New, request: Request, viewer: Administering) -> AccountShown:
    """Make an account."""
    return _shown(added(records(request), asked.name, asked.role, asked.password, who=viewer.name))


@router.patch("/accounts/{name}")
def change(name: str, asked: Change, request: Request, viewer: Administering) -> AccountShown:
    """Change an account; whoever is signed in with it has to sign in again."""
    return _shown(changed(records(request), name, **asked.model_dump(exclude_none=True), who=viewer.name))


@router.post("/accounts/me/password")
def password(asked: NewPassword, request: Request, response: Response, viewer: Coding) -> Here:
    """Change one's own password; all one's sessions end, and a new one begins here."""
    if request.app.state.settings.mode == "local":
        raise InputError("who serves a study on their own machine has no password; the server's token is new each time")
    attempted(request, viewer.name)  # who finds a browser open must not guess on
    found = records(request)
    account = found.accounts.get(viewer.name)
    if not passwords.matches(account.password, asked.old):
        raise InputError("the old password is not the one of this account")
    good(request, viewer.name)
    changed(found, viewer.name, password=asked.new, who=viewer.name)
    return enter(request, response, viewer)


def _shown(account: Account) -> AccountShown:
    said = {"name": account.name, "role": account.role, "active": account.active, "at": account.at}
    return AccountShown.model_validate(said)
