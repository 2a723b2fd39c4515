"""Parties to a referral whose part in it has ended.

Revision: 0014, after 0013.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NAME = "ck_referral_party_standing"


def upgrade() -> None:
    """Let there be one more standing; Tasks that ended before keep theirs until they are written again."""
    op.drop_constraint(op.f(_NAME), "referral_party", type_="check")
    op.create_check_constraint(op.f(_NAME), "referral_party", "standing IN ('named', 'performs', 'ended', 'open')")


def downgrade() -> None:
    """Take it away again: whose part has ended is no party any more."""
    op.execute("DELETE FROM referral_party WHERE standing = 'ended'")
    op.drop_constraint(op.f(_NAME), "referral_party", type_="check")
    op.create_check_constraint(op.f(_NAME), "referral_party", "standing IN ('named', 'performs', 'open')")
