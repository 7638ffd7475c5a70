"""Samples: which units were drawn to be coded, by which design, and with which probability each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from studium.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from studium.core.records.database import Database

__all__ = ["Sample", "Sampled", "Samples"]


@dataclass(frozen=True, slots=True)
class Sampled:
    """A unit of a sample.

    Attributes:
        unit: its id; of a sample of pairs that of the pair, see `studium.core.pair`.
        chance: the probability with which it was drawn, above 0 and at most 1.
        stratum: that it was drawn in, or None.
    """

    unit: str
    chance: float
    stratum: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A draw.

    Attributes:
        name: in the study.
        of: kind of the units; of pairs, of those that are paired.
        design: how it was drawn: ``design`` (its name), ``seed``, ``frame`` (units, or pairs, that it was drawn from)
            and its parameters, as JSON.
        who: drew it.
        at: when.
        pairs: whether it is of pairs of units.
        units: in the order in which they are to be coded; empty where only samples are listed.
    """

    name: str
    of: str
    design: Mapping[str, Any]
    who: str
    at: datetime
    pairs: bool = False
    units: Sequence[Sampled] = field(default=(), repr=False)


class Samples:
    """The samples in a database. They are added, and never changed."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def add(self, sample: Sample) -> None:
        """Keep a sample.

        Raises:
            InputError: there is one of this name, or it holds no units.
        """
        from studium.core.migrations import tables
        from studium.core.records.database import add_new, as_json, checked

        if not sample.units:
            raise InputError(f"the sample {sample.name!r} holds no units; draw at least one")
        if bad := [one for one in sample.units if not 0 < one.chance <= 1 + 1e-9]:
            raise InputError(f"unit {bad[0].unit!r}: expected P(drawn) above 0 and at most 1, got {bad[0].chance}")
        row = {"name": checked(sample.name), "of": sample.of, "pairs": sample.pairs, "who": checked(sample.who)}
        row |= {"design": as_json({**sample.design}), "at": sample.at.astimezone(UTC)}
        drawn = [
            {"sample": sample.name, "position": at, "unit": one.unit, "stratum": one.stratum, "chance": one.chance}
            for at, one in enumerate(sample.units)
        ]
        with self._database.transaction() as connection:
            if not add_new(connection, tables.samples, [row], "name"):
                raise InputError(f"there is a sample {sample.name!r} already; choose another name")
            connection.execute(tables.sampled.insert(), drawn)

    def names(self) -> list[str]:
        """Of all samples, the oldest first."""
        return [sample.name for sample in self.all()]

    def all(self) -> list[Sample]:
        """Every sample without its units, the oldest first."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import samples

        with self._database.transaction(reading=True) as connection:
            rows = connection.execute(sa.select(samples).order_by(samples.c.at, samples.c.name)).all()
        return [Sample(row.name, row.of, json.loads(row.design), row.who, row.at, row.pairs) for row in rows]

    def get(self, name: str) -> Sample:
        """A sample with its units.

        Raises:
            UnknownNameError: there is none of this name.
        """
        import sqlalchemy as sa

        from studium.core.migrations.tables import sampled, samples

        with self._database.transaction(reading=True) as connection:
            row = connection.execute(sa.select(samples).where(samples.c.name == name)).one_or_none()
            if row is None:
                raise UnknownNameError(f"no sample {name!r}; draw one with  studium sample")
            rows = connection.execute(sa.select(sampled).where(sampled.c.sample == name).order_by(sampled.c.position))
            units = tuple(Sampled(one.unit, one.chance, one.stratum) for one in rows)
        return Sample(row.name, row.of, json.loads(row.design), row.who, row.at, row.pairs, units)
