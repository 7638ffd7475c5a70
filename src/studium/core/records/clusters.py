"""What people made of clusters: the names they gave them, and which they merged."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studium.core.records.database import Database

__all__ = ["ClusterEdit", "Clusters"]


@dataclass(frozen=True, slots=True)
class ClusterEdit:
    """One edit.

    Attributes:
        table: of clusters: ``kind/recipe``, such as "image/cluster-81e549e3".
        cluster: its number there.
        name: the name that it got; "" takes the name away; None if it was not renamed.
        into: number of the cluster that it was merged into; its own number parts it again; None if it was not merged.
        who: edited.
        at: when.
    """

    table: str
    cluster: int
    name: str | None
    into: int | None
    who: str
    at: datetime


class Clusters:
    """The edits in a database. They are added; for each cluster the last name and the last merge count."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def add(self, edit: ClusterEdit) -> None:
        """Keep an edit."""
        from studium.core.migrations.tables import cluster_edits
        from studium.core.records.database import checked

        row = {"table": checked(edit.table), "cluster": edit.cluster, "into": edit.into, "who": checked(edit.who)}
        row |= {"name": None if edit.name is None else checked(edit.name), "at": edit.at.astimezone(UTC)}
        with self._database.transaction() as connection:
            connection.execute(cluster_edits.insert(), row)

    def all(self, table: str) -> list[ClusterEdit]:
        """The edits of a table of clusters, the oldest first."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import cluster_edits as it

        with self._database.transaction(reading=True) as connection:
            rows = connection.execute(sa.select(it).where(it.c.table == table).order_by(it.c.id)).all()
        return [ClusterEdit(row.table, row.cluster, row.name, row.into, row.who, row.at) for row in rows]
