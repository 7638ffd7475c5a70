"""The records of a study. Nothing that a coder said is ever overwritten: what is said later is added."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from studium.core.annotation import Annotation
from studium.core.records.accounts import Accounts
from studium.core.records.adjudications import Adjudications
from studium.core.records.clusters import Clusters
from studium.core.records.database import Database, add_new, as_json, checked
from studium.core.records.samples import Samples
from studium.core.records.tasks import Tasks
from studium.core.records.traits import Traits

if TYPE_CHECKING:
    from sqlalchemy import Select

__all__ = ["Entry", "Records"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log: when, who, what (a short name such as "export"), and its details."""

    at: datetime
    who: str
    what: str
    detail: Mapping[str, Any]


class Records(Database):
    """The database of one study, opened in ``with``: annotations and the log; and the rest, by what it is about."""

    @cached_property
    def samples(self) -> Samples:
        """Which units were drawn to be coded, and how."""
        return Samples(self)

    @cached_property
    def tasks(self) -> Tasks:
        """Who codes which units."""
        return Tasks(self)

    @cached_property
    def adjudications(self) -> Adjudications:
        """What was decided where coders disagree."""
        return Adjudications(self)

    @cached_property
    def accounts(self) -> Accounts:
        """Who may sign in to the server, and who is signed in."""
        return Accounts(self)

    @cached_property
    def traits(self) -> Traits:
        """What coders said of themselves, with their consent."""
        return Traits(self)

    @cached_property
    def clusters(self) -> Clusters:
        """Names that people gave to clusters, and which they merged."""
        return Clusters(self)

    def annotate(self, annotations: Iterable[Annotation]) -> int:
        """Add annotations in one transaction: all of them or none; those whose ``key`` is there already are not added.

        So what is sent twice, at once or after a failure, by one process or several, is there once.

        A coder who codes a unit again adds a later annotation; the earlier one is kept.

        Returns:
            How many were added.
        """
        from studium.core.migrations import tables

        rows = [*map(_row, annotations)]
        with self.transaction() as connection:
            return add_new(connection, tables.annotations, rows, "key")

    def annotations(
        self,
        variable: str | None = None,
        coder: str | None = None,
        unit: str | None = None,
        sample: str | None = None,
        *,
        history: bool = False,
    ) -> list[Annotation]:
        """The annotations of a variable, a coder, a unit, or all of them.

        Args:
            variable: only of this variable.
            coder: only by this coder.
            unit: only of this unit.
            sample: only what was coded in this sample.
            history: also what the same coder replaced or withdrew later. Without it the latest ``at`` counts for each
                (unit, variable, coder), and of equal times the one added last. One that withdraws takes back what was
                said in its sample: what the coder said in another one, or in none, stands.

        Returns:
            In the order they were added.
        """
        asked = {"variable": variable, "coder": coder, "unit": unit, "sample": sample}
        given = {name: value for name, value in asked.items() if value is not None}
        with self.transaction(reading=True) as connection:
            rows = connection.execute(_said((*given,), history), given).all()
        return [_annotation(row) for row in rows]

    def log(self, who: str, what: str, detail: Mapping[str, Any] | None = None) -> None:
        """Add a line to the audit log, dated now; ``detail`` holds JSON values."""
        from studium.core.migrations import tables

        row = {
            "at": datetime.now(UTC),
            "who": checked(who),
            "what": checked(what),
            "detail": as_json({**(detail or {})}),
        }
        with self.transaction() as connection:
            connection.execute(tables.audit.insert(), row)

    def audit(self, what: str | None = None) -> list[Entry]:
        """The audit log, or its lines about ``what``, in the order they were added."""
        import sqlalchemy as sa

        from studium.core.migrations import tables

        query = sa.select(tables.audit).order_by("id")
        if what is not None:
            query = query.where(tables.audit.c.what == what)
        with self.transaction(reading=True) as connection:
            return [Entry(r.at, r.who, r.what, json.loads(r.detail)) for r in connection.execute(query)]


@cache
def _said(given: tuple[str, ...], history: bool) -> "Select[Any]":
    """Annotations with these columns as parameters; kept, as it takes longer to put together than to answer."""
    import sqlalchemy as sa

    from studium.core.migrations.tables import annotations as it

    query = sa.select(it).where(*(it.c[name] == sa.bindparam(name) for name in given))
    if not history:
        inner = query.add_columns(_age(it.c, "sample").label("age_there")).subquery()
        stands = sa.select(inner).where(inner.c.age_there == 1, sa.not_(inner.c.withdrawn))
        outer = stands.add_columns(_age(inner.c).label("age")).subquery()
        query = sa.select(outer).where(outer.c.age == 1)
    return query.order_by("id")


def _age(columns: Any, *more: str) -> Any:
    """1 for the last that a coder said of a unit and variable (and whatever more is the same), 2 for that before ..."""
    import sqlalchemy as sa

    same = (columns[name] for name in ("variable", "unit", "coder", *more))
    return sa.func.row_number().over(partition_by=(*same,), order_by=(columns.at.desc(), columns.id.desc()))


def _row(annotation: Annotation) -> dict[str, Any]:
    texts = ("unit", "variable", "variable_digest", "coder", "note", "sample", "key")
    said = {name: getattr(annotation, name) for name in texts}
    row: dict[str, Any] = {name: None if text is None else checked(text) for name, text in said.items()}
    rest = {name: getattr(annotation, name) for name in ("at", "weight", "seconds", "withdrawn")}
    return row | rest | {"value": as_json(annotation.value)}


def _annotation(row: Any) -> Annotation:
    first = (row.unit, row.variable, json.loads(row.value), row.coder, row.at, row.variable_digest, row.weight)
    return Annotation(*first, row.note, row.sample, row.seconds, row.withdrawn, row.key)
