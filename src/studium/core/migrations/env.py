"""Run by Alembic: applies the revisions over the connection that `studium.core.records` has opened."""

from alembic import context

from studium.core.migrations.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=False,  # the caller's transaction holds all revisions, or none
)
context.run_migrations()
