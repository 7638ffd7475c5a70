"""Adjudications: what was decided where coders disagree. What they said stays as it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from studium.core.variable import Answer

if TYPE_CHECKING:
    from studium.core.records.database import Database

__all__ = ["Adjudication", "Adjudications"]


@dataclass(frozen=True, slots=True)
class Adjudication:
    """A decision.

    Attributes:
        unit: id of the unit.
        variable: name in the codebook.
        value: that counts, as `Variable.validate` returns it.
        codes: coder -> what they had said when it was decided.
        who: decided.
        at: when.
        variable_digest: `Variable.digest` of the definition it was decided by.
        note: why, or None.
    """

    unit: str
    variable: str
    value: Answer
    codes: Mapping[str, Answer]
    who: str
    at: datetime
    variable_digest: str
    note: str | None = None


class Adjudications:
    """The adjudications in a database. They are added; the latest of a unit and variable counts."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def add(self, one: Adjudication) -> None:
        """Keep a decision."""
        from studium.core.migrations.tables import adjudications
        from studium.core.records.database import as_json, checked

        texts = {name: checked(getattr(one, name)) for name in ("unit", "variable", "variable_digest", "who")}
        row = texts | {"note": None if one.note is None else checked(one.note), "at": one.at.astimezone(UTC)}
        row |= {"value": as_json(one.value), "codes": as_json({**one.codes})}
        with self._database.transaction() as connection:
            connection.execute(adjudications.insert(), row)

    def all(self, variable: str | None = None, *, history: bool = False) -> list[Adjudication]:
        """The decisions about a variable, or all, in the order they were added.

        Args:
            variable: only about this one.
            history: also those that a later one of the same unit and variable replaced.
        """
        import sqlalchemy as sa

        from studium.core.migrations.tables import adjudications as it

        asked = sa.select(it).order_by(it.c.id)
        with self._database.transaction(reading=True) as connection:
            rows = connection.execute(asked if variable is None else asked.where(it.c.variable == variable)).all()
        found = [
            Adjudication(
                *(row.unit, row.variable, json.loads(row.value), json.loads(row.codes)),
                *(row.who, row.at, row.variable_digest, row.note),
            )
            for row in rows
        ]
        if history:
            return found
        latest = {(one.unit, one.variable): one for one in sorted(found, key=lambda one: one.at)}
        return [one for one in found if latest[one.unit, one.variable] is one]
