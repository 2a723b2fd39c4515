"""Which organisations see a resource, and what makes them do so: members of and parties to referrals.

Revision: 0012, after 0011.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; what is stored already is seen by nobody but by the service until it is given to somebody."""
    op.create_table(
        "seen_by",
        sa.Column("resource_key", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.UUID(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("resource_key", "organisation", name=op.f("pk_seen_by")),
    )
    op.create_index(
        "ix_seen_by_organisation", "seen_by", [sa.text("uuid_hash_extended(organisation, source)"), "resource_key"]
    )
    op.create_table(
        "referral_member",
        sa.Column("referral_key", sa.BigInteger(), nullable=False),
        sa.Column("resource_key", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("referral_key", "resource_key", name=op.f("pk_referral_member")),
    )
    op.create_index("ix_referral_member_resource_key", "referral_member", ["resource_key"])
    op.create_table(
        "referral_party",
        sa.Column("referral_key", sa.BigInteger(), nullable=False),
        sa.Column("source_key", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.UUID(), nullable=False),
        sa.Column("standing", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint(
            "referral_key", "source_key", "organisation", "standing", name=op.f("pk_referral_party")
        ),
        sa.CheckConstraint("standing IN ('named', 'performs', 'open')", name=op.f("ck_referral_party_standing")),
    )
    op.create_index("ix_referral_party_source_key", "referral_party", ["source_key"])


def downgrade() -> None:
    """Drop the tables; who sees what has to be found out anew."""
    for table in ("referral_party", "referral_member", "seen_by"):
        op.drop_table(table)
