"""Who did what that a reviewer may ask about: gates opened, exports made."""

import sqlalchemy as sa
from alembic import op

from studium.core.migrations.tables import Serial, UtcTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the audit log."""
    op.create_table(
        "audit",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("audit_by_what", "audit", ["what"])
