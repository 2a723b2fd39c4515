"""What is asked for together most, as one value: a code and whose it is.

Revision: 0018, after 0017.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLES = ("token", "reference", "string", "text", "date", "uri", "quantity")
_PAIRS = (
    (515063101, 622707695, 1391206072),  # Observation: code, subject, effective
    (-546560364, -1355504515, -498263624),  # Task: status, owner, authoredOn
)
"""The numbers of the sources of the code, of whose it is, and of when it was."""
_LISTED = -546560364

_FILLED = """
UPDATE index_token t SET pair = p.digest, pair_at = p.at FROM (
  SELECT c.ctid AS place, d.low AS at, encode(substring(sha256(
    int4send(c.source) || uuid_send(r.target) || coalesce(uuid_send(c.system), uuid_send({nothing}))
    || convert_to(c.code, 'UTF8')) FOR 16), 'hex')::uuid AS digest
  FROM index_token c
  JOIN index_reference r ON r.resource_key = c.resource_key AND r.source = {of}
  LEFT JOIN index_date d ON d.resource_key = c.resource_key AND d.source = {by}
  WHERE c.source = {code}
) p WHERE t.ctid = p.place"""


def upgrade() -> None:
    """Add the columns and their index, and fill them for all that is stored; make room for them where keys ascend."""
    op.add_column("index_token", sa.Column("pair", sa.UUID()))
    op.add_column("index_token", sa.Column("pair_at", postgresql.TIMESTAMP(timezone=True)))
    for code, of, by in _PAIRS:
        op.execute(_FILLED.format(code=code, of=of, by=by, nothing=f"'{0:032x}'::uuid"))
    others, listed = (sa.text(f"pair IS NOT NULL AND source {each} ({_LISTED})") for each in ("NOT IN", "IN"))
    op.create_index("ix_index_token_pair", "index_token", ["pair"], postgresql_where=others)
    listing = ["pair", "pair_at", "resource_key"]
    op.create_index("ix_index_token_listed", "index_token", listing, postgresql_where=listed)
    for each in _TABLES:
        op.execute(f"ALTER INDEX ix_index_{each}_resource_key SET (fillfactor = 100)")


def downgrade() -> None:
    """Drop them."""
    for each in _TABLES:
        op.execute(f"ALTER INDEX ix_index_{each}_resource_key RESET (fillfactor)")
    op.drop_index("ix_index_token_listed", table_name="index_token")
    op.drop_index("ix_index_token_pair", table_name="index_token")
    op.drop_column("index_token", "pair")
    op.drop_column("index_token", "pair_at")
