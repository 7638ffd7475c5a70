"""A study's database: opened, brought to the newest schema, and used in transactions.

SQLite in the study folder by default, PostgreSQL by URL. Needs the ``coding`` extra, imported when a database opens.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from studium.errors import BusyError, InputError, MissingExtraError, StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, Table
    from sqlalchemy.exc import SQLAlchemyError

__all__ = ["BUSY_SECONDS", "Database", "add_new", "as_json", "checked", "put"]

BUSY_SECONDS = 30
"""How long a writer waits for the writer before it."""
_MIGRATION_LOCK = 7_883_486
"""Any number: the PostgreSQL advisory lock that lets one process migrate at a time."""


class Database:
    """The database of one study; created and brought to the newest schema when opened. Use it in ``with``."""

    def __init__(self, where: str | Path) -> None:
        """Open the database.

        Args:
            where: path of an SQLite file (local disk: SQLite's locks do not hold on network drives), or the URL
                of a PostgreSQL database, ``postgresql://user@host/name``.

        Raises:
            MissingExtraError: sqlalchemy, alembic or (for PostgreSQL) psycopg is not installed.
            StoreError: the database cannot be opened, is not studium's, or was written by a newer version.
        """
        self._engine = _engine(where)
        self._alone = threading.local()
        self.where = self._engine.url.render_as_string(hide_password=True)
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def alone(self, *names: str) -> Iterator[None]:
        """All that this thread reads and writes within, as one transaction: no other with these names runs meanwhile.

        So what is written follows from what was read, whoever else writes. (SQLite has one writer at a time anyway.)

        Raises:
            StoreError: the database cannot be used, or does not take it.
        """
        lock = hashlib.sha256(as_json(names).encode()).digest()[:8]
        with self.transaction() as connection:
            if connection.dialect.name == "postgresql":
                number = int.from_bytes(lock, "big", signed=True)
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")
            self._alone.connection = connection
            try:
                yield
            finally:
                self._alone.connection = None

    @contextmanager
    def transaction(self, *, reading: bool = False) -> "Iterator[Connection]":
        """A transaction: all of what is done in it, or nothing; within `alone`, a part of that one.

        Raises:
            StoreError: the database cannot be used, or does not take it.
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            if (joined := getattr(self._alone, "connection", None)) is not None:
                yield joined
                return
            with self._engine.connect().execution_options(reading=reading) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise _explained(error, self.where) from error

    def _migrate(self) -> None:
        """Bring the schema to `HEAD` in one transaction, if it is not there."""
        from studium.core.migrations.tables import HEAD

        with self.transaction(reading=True) as connection:
            if _revision(connection) == HEAD:
                return
        try:
            from alembic import command
            from alembic.config import Config
            from alembic.script import ScriptDirectory
        except ModuleNotFoundError as error:
            raise MissingExtraError("alembic", "coding") from error

        config = Config()
        config.set_main_option("script_location", "studium.core:migrations")
        known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
        with self.transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            found = _revision(connection)
            if found not in [None, *known]:
                raise StoreError(
                    f"{self.where}: expected schema {HEAD} or older, got {found}, written by a newer studium; "
                    "run  pip install --upgrade studium"
                )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _engine(where: str | Path) -> "Engine":
    try:
        import sqlalchemy as sa
    except ModuleNotFoundError as error:
        raise MissingExtraError("sqlalchemy", "coding") from error

    url = _url(where)
    if url.get_backend_name() == "postgresql":
        try:
            return sa.create_engine(url, pool_pre_ping=True)
        except ModuleNotFoundError as error:
            raise MissingExtraError("psycopg", "postgres") from error
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _url(where: str | Path) -> "URL":
    import sqlalchemy as sa

    if isinstance(where, Path) or "://" not in where:
        return sa.URL.create("sqlite", database=str(where))
    try:
        url = sa.make_url(where)
    except (sa.exc.ArgumentError, ValueError):
        raise InputError(
            "expected a database URL like postgresql://user@host/name, got one that cannot be read"
        ) from None
    if url.get_backend_name() != "postgresql":
        raise InputError(f"expected a path or a postgresql:// URL, got a {url.drivername}:// URL")
    return url.set(drivername="postgresql+psycopg")


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions by itself: _begin_sqlite does
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: "Connection") -> None:
    """Take the write lock at once: a transaction that turns from reading to writing half-way cannot wait for it."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _revision(connection: "Connection") -> str | None:
    import sqlalchemy as sa

    from studium.core.migrations.tables import VERSION_TABLE

    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()
    return revision


def _explained(error: "SQLAlchemyError", where: str) -> StoreError:
    cause = getattr(error, "orig", None) or error
    if "database is locked" in str(cause):
        return BusyError(f"{where}: another process has been writing for {BUSY_SECONDS} s; try again when it is done")
    return StoreError(
        f"{where}: the database cannot be used: {cause}; check the path or URL, its permissions and space"
    )


def add_new(connection: "Connection", table: "Table", rows: Sequence[Mapping[str, Any]], key: str) -> int:
    """Insert rows but those whose ``key`` is there already, also if another process adds it at the same time.

    Returns:
        How many were inserted.
    """
    if not rows:
        return 0
    inserted = _inserting(connection, table).on_conflict_do_nothing(index_elements=[key]).returning(table.c[key])
    return len(connection.execute(inserted, [*rows]).all())


def put(connection: "Connection", table: "Table", row: Mapping[str, Any]) -> None:
    """Insert a row, or replace the one with its primary key, also if another process does so at the same time."""
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in row.items() if name not in keys}
    inserting = _inserting(connection, table).values(**row)
    connection.execute(inserting.on_conflict_do_update(index_elements=keys, set_=rest))


def _inserting(connection: "Connection", table: "Table") -> Any:
    """An INSERT in the words of the database, which both know ON CONFLICT."""
    from sqlalchemy.dialects import postgresql, sqlite

    return {"postgresql": postgresql, "sqlite": sqlite}[connection.dialect.name].insert(table)


def checked(text: str) -> str:
    """The text, if every database can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"expected Unicode text, got {text!r}; remove the lone surrogates") from None
    if "\0" in text:
        raise InputError(f"expected text without NUL characters, got {text!r}; remove them")
    return text


def as_json(value: object) -> str:
    """A value as JSON text, if every database can hold it."""
    try:
        return checked(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"expected JSON values (and no NaN), got {value!r}: {error}") from error
