"""The tables as the newest revision leaves them. A change here needs a revision in ``versions/`` and a new `HEAD`."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
)

__all__ = [
    "HEAD",
    "VERSION_TABLE",
    "Serial",
    "UtcTime",
    "accounts",
    "adjudications",
    "annotations",
    "assignments",
    "attempts",
    "audit",
    "cluster_edits",
    "metadata",
    "sampled",
    "samples",
    "sessions",
    "tasks",
    "traits",
]

HEAD = "0004"
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
    Column("sample", Text),
    Column("seconds", Double),
    Column("withdrawn", Boolean, nullable=False, server_default=false()),
    Column("key", Text),
    Index("annotations_by_key", "key", unique=True),
    Index("annotations_by_variable", "variable", "unit", "coder", "at", "id"),
    Index("annotations_by_unit", "unit"),
    Index("annotations_by_coder", "coder", "sample", "unit", "variable", "at", "id"),
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
samples = Table(
    "samples",
    metadata,
    Column("name", Text, primary_key=True),
    Column("of", Text, nullable=False),
    Column("pairs", Boolean, nullable=False),
    Column("design", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)
sampled = Table(
    "sampled",
    metadata,
    Column("sample", Text, ForeignKey("samples.name"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("unit", Text, nullable=False),
    Column("stratum", Text),
    Column("chance", Double, nullable=False),
)
tasks = Table(
    "tasks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sample", Text, ForeignKey("samples.name"), nullable=False),
    Column("variables", Text, nullable=False),
    Column("design", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)
assignments = Table(
    "assignments",
    metadata,
    Column("task", Text, ForeignKey("tasks.name"), primary_key=True),
    Column("coder", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("unit", Text, nullable=False),
    Index("assignments_by_unit", "task", "unit"),
)
adjudications = Table(
    "adjudications",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("variable", Text, nullable=False),
    Column("variable_digest", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("codes", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("note", Text),
    Index("adjudications_by_variable", "variable", "unit", "at", "id"),
)
traits = Table(
    "traits",
    metadata,
    Column("coder", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("consent", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)
accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("at", UtcTime, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account", Text, ForeignKey("accounts.name"), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("expires", UtcTime, nullable=False),
)
attempts = Table(
    "attempts",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last", Double, nullable=False),  # s since 1970
    Column("until", Double, nullable=False),
)
cluster_edits = Table(
    "cluster_edits",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("table", Text, nullable=False),
    Column("cluster", Integer, nullable=False),
    Column("name", Text),
    Column("into", Integer),
    Column("who", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index("cluster_edits_by_table", "table", "id"),
)
