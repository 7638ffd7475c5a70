"""Attempts to sign in that failed: they count for all processes of a server, and outlive it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "attempts",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )
