"""One change of one resource, ready to be written: the new version and the index rows that find it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg
from msgspec import Struct, field

from service.fhir.reference import identity_of
from service.store.tables import INDEX_TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from service.fhir.audit.record import Record
    from service.fhir.resource import Version
    from service.fhir.search.parameter import IndexName

EVERY_KIND: Final[frozenset[IndexName]] = frozenset(INDEX_TABLES)


class Change(Struct, frozen=True, kw_only=True):
    """A version to write. Version 1 is inserted; any later one supersedes the version right before it.

    `rows` maps a search parameter type to the rows of its table, in the order of the columns after `resource_key`;
    a tombstone has none. `stale` are the kinds whose rows differ from those of the superseded version. `records` are
    put on record in the same commit.
    """

    version: Version
    rows: Mapping[Any, Sequence[tuple[Any, ...]]] = field(default_factory=dict)
    stale: frozenset[IndexName] = EVERY_KIND
    records: tuple[Record, ...] = ()

    @property
    def identity(self) -> UUID:
        """The store's identity of the changed resource."""
        return identity_of(self.version.type, self.version.id)


class Conflict(Exception):  # noqa: N818 - a signal between the store and the interactions, never shown to a client
    """Another writer was faster: the version to supersede is not the latest one, or the resource exists already."""


LOST_RACES: Final = (
    asyncpg.UniqueViolationError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)
"""What the database says of a transaction that it undoes for the sake of another, or that came too late."""
