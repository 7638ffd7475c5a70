"""Where a study keeps what people make: its database, opened."""

import os
from pathlib import Path

from studium.core.config import Study, read
from studium.core.records import Records

__all__ = ["FILE", "VARIABLE", "exists", "opened", "where"]

FILE = "studium.db"
"""The SQLite file in the study folder."""
VARIABLE = "STUDIUM_DATABASE"
"""The environment variable whose URL wins: a password in it stays out of the study file."""


def where(root: Path, study: Study | None = None) -> Path | str:
    """The database of a study: the URL of `VARIABLE`, that of ``[study] database``, or `FILE` in the study folder.

    Args:
        root: the study folder.
        study: its study file; None to read it, if there is one.
    """
    if url := os.environ.get(VARIABLE):
        return url
    if study is None:
        path = root / "studium.toml"
        study = read(path) if path.exists() else Study()
    return study.database or root / FILE


def exists(root: Path, study: Study | None = None) -> bool:
    """Whether anything may have been kept yet; opening a database makes it."""
    place = where(root, study)
    return place.exists() if isinstance(place, Path) else True


def opened(root: Path, study: Study | None = None) -> Records:
    """The records of a study, to be used in ``with``.

    Raises:
        MissingExtraError: sqlalchemy, alembic or (for PostgreSQL) psycopg is not installed.
        StoreError: the database cannot be opened.
    """
    return Records(where(root, study))
