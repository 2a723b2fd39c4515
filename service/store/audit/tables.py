"""The tables of audit records: links of chains, and clues that lead to them. What the records say is in `content`.

A trigger refuses to change, delete or truncate them. `recorded` leads from the newest to the oldest; a *clue* is the
64-bit number of `fhir.audit.record.clue`, and who looks by one compares what the records say.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from service.store.tables import TIME, metadata

audit_link: Final = Table(
    "audit_link",
    metadata,
    Column("chain", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),  # that of its last record
    Column("recorded", TIME, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("chain", "number"),
    Index("ix_audit_link_recorded", "recorded"),
)
audit_clue: Final = Table(
    "audit_clue",
    metadata,
    Column("clue", BigInteger, nullable=False),  # of Type/id, a patient's too, of a client's id, of a user
    Column("recorded", TIME, nullable=False),
    Column("chain", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Index("ix_audit_clue_clue", "clue", "recorded"),
)
