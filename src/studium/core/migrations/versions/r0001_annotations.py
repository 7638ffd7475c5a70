"""What coders say about units."""

import sqlalchemy as sa
from alembic import op

from studium.core.migrations.tables import Serial, UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the annotations."""
    op.create_table(
        "annotations",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("variable", sa.Text, nullable=False),
        sa.Column("variable_digest", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("coder", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("note", sa.Text),
    )
    op.create_index("annotations_by_variable", "annotations", ["variable", "unit", "coder", "at", "id"])
    op.create_index("annotations_by_unit", "annotations", ["unit"])
