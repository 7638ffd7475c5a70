"""Accounts of the server, and who is signed in. Passwords come as hashes, and sessions as digests of their tokens."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from studium.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from studium.core.records.database import Database

__all__ = ["ROLES", "Account", "Accounts", "Session"]

ROLES = ("coder", "adjudicator", "admin")
"""Each may do what those before it may."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in.

    Attributes:
        name: as which they code; a pseudonym will do.
        role: one of `ROLES`.
        password: its argon2 hash.
        at: when it was made.
        active: whether they may sign in.
    """

    name: str
    role: str
    password: str
    at: datetime
    active: bool = True

    def __post_init__(self) -> None:
        """Refuse a role that is none."""
        if self.role not in ROLES:
            raise InputError(f"account {self.name!r}: expected a role out of {', '.join(ROLES)}, got {self.role!r}")


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        digest: SHA-256 of the token that their browser holds.
        account: their name.
        csrf: what their browser must send with whatever changes something.
        at: since when.
        expires: until when.
    """

    digest: str
    account: str
    csrf: str
    at: datetime
    expires: datetime


class Accounts:
    """The accounts and sessions in a database.

    Attributes:
        state: another object after each change or end of an account or a session that was made here.
    """

    def __init__(self, database: "Database") -> None:
        self._database, self.state = database, object()

    def put(self, account: Account) -> None:
        """Keep an account; it replaces one of the same name, whose sessions end."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import accounts, sessions
        from studium.core.records.database import checked, put

        row: dict[str, Any] = {"name": checked(account.name), "role": account.role, "password": account.password}
        row |= {"active": account.active, "at": account.at.astimezone(UTC)}
        with self._database.transaction() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.account == account.name))
            put(connection, accounts, row)
        self.state = object()

    def get(self, name: str) -> Account:
        """An account.

        Raises:
            UnknownNameError: there is none of this name.
        """
        for account in self.all():
            if account.name == name:
                return account
        raise UnknownNameError(f"no account {name!r}; make one with  studium accounts add {name}")

    def all(self) -> list[Account]:
        """Every account, by name."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import accounts as it

        with self._database.transaction(reading=True) as connection:
            rows = connection.execute(sa.select(it).order_by(it.c.name)).all()
        return [Account(row.name, row.role, row.password, row.at, row.active) for row in rows]

    def sign_in(self, session: Session) -> None:
        """Keep a session; those that are over are forgotten."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import sessions as it

        row: dict[str, Any] = {"digest": session.digest, "account": session.account, "csrf": session.csrf}
        row |= {"at": session.at.astimezone(UTC), "expires": session.expires.astimezone(UTC)}
        with self._database.transaction() as connection:
            connection.execute(sa.delete(it).where(it.c.expires <= row["at"]))
            connection.execute(it.insert(), row)

    def session(self, digest: str, now: datetime) -> Session | None:
        """The session of a token, if it is not over and its account is active."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import accounts, sessions

        asked = sa.select(sessions).join(accounts, accounts.c.name == sessions.c.account)
        asked = asked.where(sessions.c.digest == digest, sessions.c.expires > now.astimezone(UTC), accounts.c.active)
        with self._database.transaction(reading=True) as connection:
            row = connection.execute(asked).one_or_none()
        return None if row is None else Session(row.digest, row.account, row.csrf, row.at, row.expires)

    def sign_out(self, digest: str) -> None:
        """Forget a session."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import sessions as it

        with self._database.transaction() as connection:
            connection.execute(sa.delete(it).where(it.c.digest == digest))
        self.state = object()
