"""Whether a member of a referral hangs on it, or is only referred to.

Revision: 0015, after 0014.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tell them apart from now on; of what is there, one referral that is a member of another counts as referred to."""
    op.add_column("referral_member", sa.Column("hangs", sa.Boolean, nullable=False, server_default=sa.text("true")))
    op.execute(
        "UPDATE referral_member m SET hangs = false FROM resource r "
        "WHERE r.key = m.resource_key AND r.type = 'ServiceRequest' AND m.referral_key <> m.resource_key"
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_column("referral_member", "hangs")
