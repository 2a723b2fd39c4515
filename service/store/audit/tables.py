"""The tables of audit records. What a record says is in `record`; the other columns are what it is found by.

A trigger refuses to change, delete or truncate them. `recorded` leads from the newest to the oldest; a *clue* is the
64-bit number of `fhir.audit.record.clue`, and who looks by one compares what the record says.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from service.store.tables import metadata

_TIME: Final = TIMESTAMP(timezone=True)
_EXACT: Final = Text(collation="C")

audit_event: Final = Table(
    "audit_event",
    metadata,
    Column("chain", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("recorded", _TIME, nullable=False),
    Column("entity", BigInteger),  # clue of Type/id
    Column("client", BigInteger),  # clue of the client's id
    Column("organisation", BigInteger),  # clue of the reference to it
    Column("person", BigInteger),  # clue of the user
    Column("outcome", SmallInteger, nullable=False),
    Column("action", _EXACT, nullable=False),
    Column("interaction", _EXACT, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("chain", "number"),
    Index("ix_audit_event_recorded", "recorded"),
    Index("ix_audit_event_entity", "entity", "recorded", postgresql_where=text("entity IS NOT NULL")),
    Index("ix_audit_event_client", "client", "recorded", postgresql_where=text("client IS NOT NULL")),
    Index("ix_audit_event_organisation", "organisation", "recorded", postgresql_where=text("organisation IS NOT NULL")),
    Index("ix_audit_event_person", "person", "recorded", postgresql_where=text("person IS NOT NULL")),
)
audit_patient: Final = Table(
    "audit_patient",
    metadata,
    Column("patient", BigInteger, nullable=False),  # clue of Patient/id
    Column("recorded", _TIME, nullable=False),
    Column("chain", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Index("ix_audit_patient_patient", "patient", "recorded"),
)
