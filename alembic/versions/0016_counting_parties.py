"""Whether a party to a referral sees all that belongs to it, noted beside it.

Revision: 0016, after 0015.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Note it; of Tasks that were written before, when the parties of their referral change next."""
    op.add_column("referral_party", sa.Column("counts", sa.Boolean, nullable=False, server_default=sa.text("true")))
    op.execute("UPDATE referral_party SET counts = false WHERE standing = 'ended'")


def downgrade() -> None:
    """Forget it."""
    op.drop_column("referral_party", "counts")
