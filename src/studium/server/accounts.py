"""Making and changing accounts; every change is in the log of the study's database, without the password."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from studium.core.records.accounts import Account
from studium.errors import InputError, RefusedError
from studium.server.passwords import hashed

if TYPE_CHECKING:
    from studium.core.records import Records

__all__ = ["added", "changed"]

_NAME = re.compile(r"(?!\.+$)[\w.@+-](?:[\w.@+ -]{0,62}[\w.@+-])?")


def added(records: "Records", name: str, role: str, password: str, who: str) -> Account:
    """Make an account.

    Args:
        records: the study's database.
        name: up to 64 letters, digits, spaces and . @ + - _
        role: one of `studium.core.records.accounts.ROLES`.
        password: what they sign in with.
        who: makes it.

    Raises:
        InputError: there is one of this name, or name, role or password do not fit.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"a name has up to 64 letters, digits, spaces and . @ + - _ , got {name!r}")
    if any(account.name == name for account in records.accounts.all()):
        raise InputError(f"there is an account {name!r} already; change that one, or choose another name")
    account = Account(name, role, hashed(password), datetime.now(UTC))
    records.accounts.put(account)
    records.log(who, "account added", {"name": name, "role": role})
    return account


def changed(
    records: "Records",
    name: str,
    *,
    role: str | None = None,
    password: str | None = None,
    active: bool | None = None,
    who: str,
) -> Account:
    """Change an account; its sessions end.

    Args:
        records: the study's database.
        name: of the account.
        role: from now on; None for that of before.
        password: from now on; None for that of before.
        active: whether they may sign in from now on; None for what was before.
        who: changes it.

    Raises:
        UnknownNameError: there is no such account.
        InputError: role or password do not fit.
        RefusedError: it is the last admin's, who would be none any more.
    """
    before = records.accounts.get(name)
    after = replace(
        before,
        role=role or before.role,
        active=before.active if active is None else active,
        password=before.password if password is None else hashed(password),
        at=datetime.now(UTC),
    )
    others = [one for one in records.accounts.all() if one.name != name and _reigns(one)]
    if _reigns(before) and not _reigns(after) and not others:
        raise RefusedError(f"{name} is the only admin; make another one first")
    records.accounts.put(after)
    what = {"name": name, "role": after.role, "active": after.active, "password": password is not None}
    records.log(who, "account changed", what)
    return after


def _reigns(account: Account) -> bool:
    return account.active and account.role == "admin"
