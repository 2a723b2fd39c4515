"""The tables, declared once: Alembic migrates them, `store/` builds its statements on them.

A resource is one row of `resource` (its latest version, or the tombstone); superseded versions move to
`resource_history`, which only grows. Each value that a search can ask for is one row of a narrow table per search
parameter type. An index row names the *source* that it was taken from (a type and a FHIRPath, hashed to 32 bits by
`fhir.search.registry`), not a search parameter: parameters that read the same path share their rows, and a new
parameter over an indexed path needs no reindex.

`identity` is the 128-bit BLAKE2b digest of ``Type/id`` (`fhir.reference.identity_of`); references keep the digest of
their target, so a row stays narrow and a chain is one equality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP, UUID

if TYPE_CHECKING:
    from service.fhir.search.parameter import Kind

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_TIME: Final = TIMESTAMP(timezone=True)
_EXACT: Final = Text(collation="C")
"""Codes and URIs compare byte by byte; the C collation also serves prefix searches from a plain B-tree."""

resource: Final = Table(
    "resource",
    metadata,
    Column("key", BigInteger, Identity(always=True), primary_key=True),
    Column("identity", UUID, nullable=False, unique=True),
    Column("last_updated", _TIME, nullable=False),
    Column("version_id", Integer, nullable=False),
    Column("type", _EXACT, nullable=False),
    Column("id", _EXACT, nullable=False),
    Column("method", _EXACT, nullable=False),
    Column("content", JSON),
    CheckConstraint("(content IS NULL) = (method = 'DELETE')", name="tombstone"),
    Index("ix_resource_type_key", "type", "key", postgresql_where=text("content IS NOT NULL")),
    Index("ix_resource_type_last_updated", "type", "last_updated", "key"),
)

resource_history: Final = Table(
    "resource_history",
    metadata,
    Column("identity", UUID, nullable=False),
    Column("last_updated", _TIME, nullable=False),
    Column("version_id", Integer, nullable=False),
    Column("type", _EXACT, nullable=False),
    Column("id", _EXACT, nullable=False),
    Column("method", _EXACT, nullable=False),
    Column("content", JSON),
    PrimaryKeyConstraint("identity", "version_id"),
    Index("ix_resource_history_type_last_updated", "type", "last_updated"),
)

criteria_claim: Final = Table(
    "criteria_claim",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
)
"""How often something was made because criteria, hashed to `key`, matched nothing; see `store.write_statement`."""


def _index_table(name: str, *columns: Column[object], searched: tuple[str, ...]) -> Table:
    """An index table: `source`, the value's columns, `resource_key`; found by value and, for rewriting, by key."""
    return Table(
        name,
        metadata,
        Column("resource_key", BigInteger, nullable=False),
        Column("source", Integer, nullable=False),
        *columns,
        Index(f"ix_{name}_value", "source", *searched, "resource_key"),
        Index(f"ix_{name}_resource_key", "resource_key"),
    )


index_token: Final = _index_table(
    "index_token",
    Column("system", UUID),  # 128-bit digest of the system's URI; NULL where the value has no system
    Column("code", _EXACT, nullable=False),
    searched=("code",),
)
index_reference: Final = _index_table(
    "index_reference",
    Column("target_type", Integer, nullable=False),  # fhir.reference.type_code(type); 0 where the URL names none
    Column("target", UUID, nullable=False),
    searched=("target",),
)
index_string: Final = _index_table(
    "index_string",
    Column("value", _EXACT, nullable=False),  # folded: no case, no accents, single blanks; bounded in length
    Column("exact", _EXACT, nullable=False),
    searched=("value",),
)
index_date: Final = _index_table(
    "index_date",
    Column("low", _TIME, nullable=False),  # first instant of the value's range
    Column("high", _TIME, nullable=False),  # first instant after it
    searched=("low", "high"),
)
index_uri: Final = _index_table(
    "index_uri",
    Column("value", _EXACT, nullable=False),
    searched=("value",),
)

INDEX_TABLES: Final[dict[Kind, Table]] = {
    "token": index_token,
    "reference": index_reference,
    "string": index_string,
    "date": index_date,
    "uri": index_uri,
}
"""Search parameter type → the table with its values."""
