"""Reads of single resources: those of one moment share a statement, whoever asks, and each finds what he sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.reference import identity_of
from service.fhir.resource import Version
from service.store.sight import is_open, sees
from service.store.stored_content import head_of, served

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from service.fhir.sight import Sight

VERSION: Final = "type, id, version_id, last_updated, method, content"
"""The columns that `version_of` takes."""

_ONE: Final = f"SELECT {VERSION} FROM resource WHERE identity = $1"  # noqa: S608 - constants only
# A row of arguments for each organisation of each who asks; none stands for one who sees everything. OFFSET 0 lets each
# be looked up by itself.
_EACH: Final = f"""SELECT k.place, v.* FROM unnest($1::integer[], $2::uuid[], $3::uuid[]) AS k(place, identity, by)
CROSS JOIN LATERAL (
  SELECT {VERSION} FROM resource r WHERE r.identity = k.identity AND (
    k.by IS NULL OR EXISTS (SELECT FROM seen_by s WHERE s.resource_key = r.key AND s.organisation = k.by))
  OFFSET 0) v"""  # noqa: S608 - constants only
# The same for those who ask for the same organisations: half of the arguments, and each resource is found once.
_ALIKE: Final = f"""SELECT k.place - 1, v.* FROM unnest($1::uuid[]) WITH ORDINALITY AS k(identity, place)
CROSS JOIN LATERAL (
  SELECT {VERSION} FROM resource r WHERE r.identity = k.identity AND {sees("r.key", "$2")} OFFSET 0) v"""  # noqa: S608


class Wanted(Struct):
    """A resource that somebody reads, by the organisations that may see it (None: anybody), and what was found."""

    identity: UUID
    by: tuple[UUID, ...] | None
    found: Version | None = None


def wanted(resource_type: str, logical_id: str, sight: Sight | None) -> Wanted:
    """A resource that somebody reads within the sight."""
    by = None if sight is None or is_open(resource_type) else sight.by
    return Wanted(identity_of(resource_type, logical_id), by)


async def read_wanted(connection: asyncpg.Connection[Any], group: Sequence[Wanted]) -> None:
    """Find the latest version of each, a tombstone included; what there never was, or is not seen, is not found."""
    if len(group) == 1 and group[0].by is None:
        row = await connection.fetchrow(_ONE, group[0].identity)
        if row is not None:
            group[0].found = version_of(row)
        return
    by = group[0].by
    if by and all(each.by == by for each in group):
        for place, *columns in await connection.fetch(_ALIKE, [each.identity for each in group], by):
            group[place].found = version_of(columns)
        return
    asked = [
        (place, each.identity, organisation)
        for place, each in enumerate(group)
        for organisation in ((None,) if each.by is None else each.by)
    ]
    if asked:
        for place, *columns in await connection.fetch(_EACH, *map(list, zip(*asked, strict=True))):
            group[place].found = version_of(columns)


def version_of(columns: Sequence[Any]) -> Version:
    """A version of the columns that `VERSION` names."""
    resource_type, logical_id, version_id, last_updated, method, content = columns
    if content is not None:
        content = served(content, head_of(resource_type, logical_id, version_id, last_updated))
    return Version(
        type=resource_type,
        id=logical_id,
        version_id=version_id,
        last_updated=last_updated,
        method=method,
        content=content,
    )
