"""Traits of coders: what they said of themselves, each with the words that they consented to. They can take it back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from studium.errors import InputError

if TYPE_CHECKING:
    from studium.core.records.database import Database

__all__ = ["Trait", "Traits"]


@dataclass(frozen=True, slots=True)
class Trait:
    """What a coder said of themselves.

    Attributes:
        coder: who.
        name: what it is about, such as "partisanship".
        value: what they said.
        consent: the words that they consented to.
        at: when.
    """

    coder: str
    name: str
    value: str
    consent: str
    at: datetime


class Traits:
    """The traits in a database: personal data, so they are replaced and deleted, unlike all else."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def put(self, traits: Iterable[Trait]) -> None:
        """Keep traits; each replaces what the coder said of the same before.

        Raises:
            InputError: one comes without consent, or says nothing.
        """
        from studium.core.migrations.tables import traits as it
        from studium.core.records.database import checked, put

        given = list(traits)
        for one in given:
            if not (one.coder and one.name and one.value and one.consent.strip()):
                raise InputError(
                    f"trait {one.name!r} of coder {one.coder!r}: expected a value, and the words of consent; "
                    "ask the coder, or leave the trait out"
                )
        with self._database.transaction() as connection:
            for one in given:
                texts = {name: checked(getattr(one, name)) for name in ("coder", "name", "value", "consent")}
                put(connection, it, texts | {"at": one.at.astimezone(UTC)})

    def withdraw(self, coder: str) -> int:
        """Delete everything that a coder said of themselves; returns how many traits that were."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import traits as it

        with self._database.transaction() as connection:
            return int(connection.execute(sa.delete(it).where(it.c.coder == coder)).rowcount)

    def all(self) -> list[Trait]:
        """Every trait, by coder and name."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import traits as it

        with self._database.transaction(reading=True) as connection:
            rows = connection.execute(sa.select(it).order_by(it.c.coder, it.c.name)).all()
        return [Trait(row.coder, row.name, row.value, row.consent, row.at) for row in rows]
