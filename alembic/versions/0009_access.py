"""Registered clients, access tokens and the assertions that were spent on them.

Revision: 0009, after 0008.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_EXACT = sa.Text(collation="C")
_TIME = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create the tables, and the one row that counts what was taken away."""
    op.create_table(
        "access_client",
        sa.Column("id", _EXACT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", _EXACT, nullable=False),
        sa.Column("organisation", _EXACT),
        sa.Column("scope", _EXACT, nullable=False),
        sa.Column("jwks", JSON()),
        sa.Column("jwks_url", _EXACT),
        sa.Column("issuer", _EXACT),
        sa.Column("requests_per_minute", sa.Integer()),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("disabled_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_client")),
        sa.CheckConstraint(
            "role IN ('referrer', 'clinic', 'administrator', 'researcher')", name=op.f("ck_access_client_role")
        ),
        sa.CheckConstraint(
            "organisation IS NOT NULL OR role IN ('administrator', 'researcher')",
            name=op.f("ck_access_client_organisation"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(jwks, jwks_url, issuer) = 1", name=op.f("ck_access_client_one_source_of_trust")
        ),
    )
    op.create_table(
        "access_generation",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_access_generation")),
        sa.CheckConstraint("single", name=op.f("ck_access_generation_single")),
    )
    op.execute("INSERT INTO access_generation (number) VALUES (1)")
    op.create_table(
        "access_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", _EXACT, nullable=False),
        sa.Column("scope", _EXACT, nullable=False),
        sa.Column("issued_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_access_token")),
        sa.ForeignKeyConstraint(["client_id"], ["access_client.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_access_token_expires_at", "access_token", ["expires_at"])
    op.create_index("ix_access_token_client_id", "access_token", ["client_id"])
    op.create_table(
        "spent_assertion",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_assertion")),
    )
    op.create_index("ix_spent_assertion_expires_at", "spent_assertion", ["expires_at"])


def downgrade() -> None:
    """Drop the tables; clients have to be registered anew."""
    for table in ("spent_assertion", "access_token", "access_generation", "access_client"):
        op.drop_table(table)
