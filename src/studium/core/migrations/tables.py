"""The tables as the newest revision leaves them. A change here needs a revision in ``versions/`` and a new `HEAD`."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

__all__ = ["HEAD", "VERSION_TABLE", "Serial", "UtcTime", "annotations", "audit", "metadata"]

HEAD = "0002"
VERSION_TABLE = "studium_schema"
"""Not Alembic's default name: a PostgreSQL database may hold another program's ``alembic_version``."""


class UtcTime(TypeDecorator[datetime]):
    """Points in time: stored in UTC, read with a time zone (SQLite stores none)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER keys
metadata = MetaData()

# Append-only. JSON is kept as text: a column of type JSON has numeric affinity in SQLite, which turns 3.0 into 3.
annotations = Table(
    "annotations",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("variable", Text, nullable=False),
    Column("variable_digest", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("coder", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("weight", Double, nullable=False),
    Column("note", Text),
    Index("annotations_by_variable", "variable", "unit", "coder", "at", "id"),
    Index("annotations_by_unit", "unit"),
)
audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("audit_by_what", "what"),
)
