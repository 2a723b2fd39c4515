"""The tables, declared once: Alembic migrates them, `store/` builds its statements on them.

A resource is one row of `resource` (its latest version, or the tombstone); superseded versions move to
`resource_history`, which only grows. Each value that a search can ask for is one row of a narrow table per search
parameter type. An index row names the *source* that it was taken from (a type and a FHIRPath, hashed to 32 bits by
`fhir.search.registry`), not a search parameter: parameters that read the same path share their rows, and a new
parameter over an indexed path needs no reindex.

`identity` is the 128-bit BLAKE2b digest of ``Type/id`` (`fhir.reference.identity_of`); references keep the digest of
their target, so a row stays narrow and a chain is one equality.

Contained resources have rows here too, under keys below zero (`store.contained`) and other source numbers.

What is looked up as a whole is indexed by a 64-bit hash of source and value, then the resource's key; statements check
the value in the row. Such entries are two 64-bit integers, for which PostgreSQL splits a page after the new entry (see
``nbtsplitloc.c``): groups that grow by ascending keys fill their pages to 90 % instead of to 50 %, and what is in the
index is half as wide. The same index answers whether one resource has a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP, UUID

from service.fhir.reference import ACTING_CODES
from service.fhir.search.pairs import LISTED

if TYPE_CHECKING:
    from sqlalchemy.schema import SchemaItem

    from service.fhir.search.parameter import IndexName

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TIME: Final = TIMESTAMP(timezone=True)
EXACT: Final = Text(collation="C")
"""Codes and URIs compare byte by byte; the C collation also serves prefix searches from a plain B-tree."""

_TYPE_HASH: Final = text("hashtextextended(type, 0)")

LONGER_THAN_A_DAY: Final = "(high AT TIME ZONE 'UTC') > (low AT TIME ZONE 'UTC') + interval '1 day'"
"""Of dates: whether the range is so long that its end has to be looked for by itself."""
ACTS: Final = f"target_type IN ({', '.join(map(str, ACTING_CODES))})"
"""Of references: whether the target is somebody who acts. An index of its own answers whose patients these are, and
what is theirs, without a look at the rows: those of one therapist or clinic are on as many pages as there are rows.
"""
IS_LISTED: Final = f"source IN ({', '.join(map(str, LISTED))})"
"""Of codes with a pair: whether there may be any number of resources with the same one."""
IS_NOT_LISTED: Final = IS_LISTED.replace(" IN ", " NOT IN ")
WIDE: Final = "low IS DISTINCT FROM high"
"""Of quantities: whether it is a range, or half of one, and no plain number."""
CANONICAL_WIDE: Final = "canonical_low IS DISTINCT FROM canonical_high"

resource: Final = Table(
    "resource",
    metadata,
    Column("key", BigInteger, Identity(always=True), primary_key=True),
    Column("identity", UUID, nullable=False, unique=True),
    Column("last_updated", TIME, nullable=False),
    Column("version_id", Integer, nullable=False),
    Column("type", EXACT, nullable=False),
    Column("id", EXACT, nullable=False),
    Column("method", EXACT, nullable=False),
    Column("content", JSON),
    Column("likeness", BigInteger, nullable=False, server_default=text("0")),  # see `store.likeness`
    CheckConstraint("(content IS NULL) = (method = 'DELETE')", name="tombstone"),
    Index("ix_resource_type_key", _TYPE_HASH, "key", postgresql_where=text("content IS NOT NULL")),
    Index("ix_resource_likeness_key", "likeness", "key", postgresql_where=text("content IS NOT NULL")),
    Index("ix_resource_type_last_updated", _TYPE_HASH, "last_updated"),
)

resource_history: Final = Table(
    "resource_history",
    metadata,
    Column("identity", UUID, nullable=False),
    Column("last_updated", TIME, nullable=False),
    Column("version_id", Integer, nullable=False),
    Column("type", EXACT, nullable=False),
    Column("id", EXACT, nullable=False),
    Column("method", EXACT, nullable=False),
    Column("content", JSON),
    PrimaryKeyConstraint("identity", "version_id"),
    Index("ix_resource_history_type_last_updated", _TYPE_HASH, "last_updated"),
)

criteria_claim: Final = Table(
    "criteria_claim",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),
    Column("touched_at", TIME, nullable=False, server_default=text("now()")),
)
"""Changes whenever something is made because criteria, hashed to `key`, matched nothing; see `store.write_statement`.

Rows are of use to units of work that are under way; `store.claims` removes old ones.
"""


def _index_table(name: str, *columns: SchemaItem) -> Table:
    """An index table: the resource, the source, the ordinal of the composite's element, the value and its indexes."""
    return Table(
        name,
        metadata,
        Column("resource_key", BigInteger, nullable=False),
        Column("source", Integer, nullable=False),
        Column("element", SmallInteger, nullable=False, server_default=text("0")),
        *columns,
        # keys only ascend: what is written anew goes where the dead entries of the version before are, or splits a page
        Index(f"ix_{name}_resource_key", "resource_key", postgresql_with={"fillfactor": 100}),
    )


index_token: Final = _index_table(
    "index_token",
    Column("system", UUID),  # 128-bit digest of the system's URI; NULL where the value has no system
    Column("code", EXACT, nullable=False),
    Column("pair", UUID),  # fhir.search.pairs.pair_digest: the code and whose it is; NULL for most
    Column("pair_at", TIME),  # beside a pair: the first instant of the resource's date
    Index("ix_index_token_value", text("hashtextextended(code, source)"), "resource_key"),
    # without the key, so that equal pairs share an entry
    Index("ix_index_token_pair", "pair", postgresql_where=text(f"pair IS NOT NULL AND {IS_NOT_LISTED}")),
    Index(
        "ix_index_token_listed",
        "pair",
        "pair_at",
        "resource_key",
        postgresql_where=text(f"pair IS NOT NULL AND {IS_LISTED}"),
    ),
)
index_reference: Final = _index_table(
    "index_reference",
    Column("target_type", SmallInteger, nullable=False),  # fhir.reference.type_code(type); 0 where the URL names none
    Column("target", UUID, nullable=False),
    # Of a reference to who acts: whom the resource is about, where that is one. NULL: its other rows may tell.
    Column("subject", UUID),
    Index("ix_index_reference_value", text("uuid_hash_extended(target, source)"), "resource_key"),
    Index(
        "ix_index_reference_acting",
        "target",
        "source",
        "resource_key",
        postgresql_include=["subject"],
        postgresql_where=text(ACTS),
    ),
)
index_string: Final = _index_table(
    "index_string",
    Column("value", EXACT, nullable=False),  # folded: no case, accents, punctuation; bounded in length
    Column("exact", EXACT, nullable=False),
    Index("ix_index_string_value", "source", "value", "resource_key"),
)
index_text: Final = _index_table(
    "index_text",
    Column("value", EXACT, nullable=False),  # folded and bounded as those of index_string
    Index("ix_index_text_value", "source", "value"),  # without the key, so that equal texts share an entry
)
index_date: Final = _index_table(
    "index_date",
    Column("low", TIME, nullable=False),  # first instant of the value's range
    Column("high", TIME, nullable=False),  # first instant after it
    Index("ix_index_date_value", "source", "low", "resource_key"),
    Index("ix_index_date_long", "source", "high", "resource_key", postgresql_where=text(LONGER_THAN_A_DAY)),
)
index_uri: Final = _index_table(
    "index_uri",
    Column("value", EXACT, nullable=False),
    Index("ix_index_uri_value", text("hashtextextended(value, source)"), "resource_key"),
)
index_quantity: Final = _index_table(
    "index_quantity",
    Column("low", Numeric),  # equal to `high` for a plain number; NULL: unbounded
    Column("high", Numeric),
    Column("system", UUID),  # 128-bit digest of the unit's system
    Column("code", EXACT),
    Column("unit", EXACT),
    Column("canonical_unit", EXACT),  # that all of its kind are converted to; without UCUM, the unit behind a |
    Column("canonical_low", Numeric),
    Column("canonical_high", Numeric),
    Index("ix_index_quantity_value", "source", "low", "resource_key"),
    Index("ix_index_quantity_wide", "source", "high", "resource_key", postgresql_where=text(WIDE)),
    Index(
        "ix_index_quantity_canonical",
        "source",
        "canonical_unit",
        "canonical_low",
        "resource_key",
        postgresql_where=text("canonical_unit IS NOT NULL"),
    ),
    Index(
        "ix_index_quantity_canonical_wide",
        "source",
        "canonical_unit",
        "canonical_high",
        "resource_key",
        postgresql_where=text(f"canonical_unit IS NOT NULL AND {CANONICAL_WIDE}"),
    ),
)

seen_by: Final = Table(
    "seen_by",
    metadata,
    Column("resource_key", BigInteger, nullable=False),
    Column("source", Integer, nullable=False),  # fhir.sight.seen_number(type)
    Column("organisation", UUID, nullable=False),  # the identity of an Organization, or what stands for several
    Column("made", Boolean, nullable=False),  # whether the resource is its own, which no referral takes away
    PrimaryKeyConstraint("resource_key", "organisation"),
    Index("ix_seen_by_organisation", text("uuid_hash_extended(organisation, source)"), "resource_key"),
)
"""Which organisations see a resource: rows as those of the index, kept by `store.sight`."""

referral_member: Final = Table(
    "referral_member",
    metadata,
    Column("referral_key", BigInteger, nullable=False),
    Column("resource_key", BigInteger, nullable=False),
    Column("hangs", Boolean, nullable=False, server_default=text("true")),  # false: members refer to it, and no more
    PrimaryKeyConstraint("referral_key", "resource_key"),
    Index("ix_referral_member_resource_key", "resource_key"),
)
"""What belongs to a referral, itself included: see `fhir.sight`."""

referral_party: Final = Table(
    "referral_party",
    metadata,
    Column("referral_key", BigInteger, nullable=False),
    Column("source_key", BigInteger, nullable=False),  # the resource that names the party
    Column("organisation", UUID, nullable=False),
    Column("standing", EXACT, nullable=False),
    Column("counts", Boolean, nullable=False, server_default=text("true")),  # for all that belongs to the referral
    PrimaryKeyConstraint("referral_key", "source_key", "organisation", "standing"),
    CheckConstraint("standing IN ('named', 'performs', 'ended', 'open')", name="standing"),
    Index("ix_referral_party_source_key", "source_key"),
)
"""Who is a party to a referral, and which resource says so."""

INDEX_TABLES: Final[dict[IndexName, Table]] = {
    "token": index_token,
    "reference": index_reference,
    "string": index_string,
    "text": index_text,
    "date": index_date,
    "uri": index_uri,
    "quantity": index_quantity,
}
"""Search parameter type → the table with its values."""
