"""What processes of a server share: attempts to sign in that failed. And how far a coder is, found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table and the index."""
    op.create_table(
        "attempts",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )
    op.create_index("annotations_by_coder", "annotations", ["coder", "sample", "unit", "variable", "at", "id"])
