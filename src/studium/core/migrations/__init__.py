"""The schema of ``studium.db`` and the Alembic revisions that lead to it. Imported only when a database is opened."""
