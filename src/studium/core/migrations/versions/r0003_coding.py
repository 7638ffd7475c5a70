"""What coding together needs: samples, tasks, adjudications, coders with accounts, and names of clusters."""

import sqlalchemy as sa
from alembic import op

from studium.core.migrations.tables import Serial, UtcTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add to the annotations, and create the rest."""
    with op.batch_alter_table("annotations") as table:
        table.add_column(sa.Column("sample", sa.Text))
        table.add_column(sa.Column("seconds", sa.Double))
        table.add_column(sa.Column("withdrawn", sa.Boolean, nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("key", sa.Text))
    op.create_index("annotations_by_key", "annotations", ["key"], unique=True)
    op.create_table(
        "samples",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("of", sa.Text, nullable=False),
        sa.Column("pairs", sa.Boolean, nullable=False),
        sa.Column("design", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_table(
        "sampled",
        sa.Column("sample", sa.Text, sa.ForeignKey("samples.name"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("stratum", sa.Text),
        sa.Column("chance", sa.Double, nullable=False),
    )
    op.create_table(
        "tasks",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sample", sa.Text, sa.ForeignKey("samples.name"), nullable=False),
        sa.Column("variables", sa.Text, nullable=False),
        sa.Column("design", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_table(
        "assignments",
        sa.Column("task", sa.Text, sa.ForeignKey("tasks.name"), primary_key=True),
        sa.Column("coder", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("unit", sa.Text, nullable=False),
    )
    op.create_index("assignments_by_unit", "assignments", ["task", "unit"])
    op.create_table(
        "adjudications",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("variable", sa.Text, nullable=False),
        sa.Column("variable_digest", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("codes", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("note", sa.Text),
    )
    op.create_index("adjudications_by_variable", "adjudications", ["variable", "unit", "at", "id"])
    op.create_table(
        "traits",
        sa.Column("coder", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, sa.ForeignKey("accounts.name"), nullable=False),
        sa.Column("csrf", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("expires", UtcTime, nullable=False),
    )
    op.create_table(
        "cluster_edits",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("table", sa.Text, nullable=False),
        sa.Column("cluster", sa.Integer, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("into", sa.Integer),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_index("cluster_edits_by_table", "cluster_edits", ["table", "id"])
