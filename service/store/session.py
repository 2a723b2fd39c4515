"""A session: the statements of the store on one connection, each of them a method, within the sight of who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.reference import identity_of
from service.fhir.search.seen import within_sight
from service.fhir.sight import ADMINISTRATION, EVERYTHING
from service.store.audit.statement import with_records
from service.store.change import LOST_RACES, Change, Conflict
from service.store.defined import defined
from service.store.found import found_in
from service.store.history_statement import HistoryPage, PastVersion, history_statement
from service.store.joining import with_births, with_members
from service.store.match import matched_of, matching, unless_matched, with_claims
from service.store.reading import VERSION, read_wanted, version_of, wanted
from service.store.search import compile_count, compile_includes, compile_search
from service.store.searching import page_statement
from service.store.sight import OPEN, is_open, link, sees, shows, without_part
from service.store.write_statement import write_statement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    import asyncpg

    from service.fhir.resource import Version
    from service.fhir.search.cursor import Position
    from service.fhir.search.query import Include, Query
    from service.fhir.sight import Sight
    from service.store.audit.chain import Chain
    from service.store.defined import Defined
    from service.store.found import Found
    from service.store.joining import Births, Member
    from service.store.lease import Lease
    from service.store.match import Matched
    from service.store.sight import Linked

_VREAD: Final = f"""SELECT {VERSION} FROM resource WHERE identity = $1 AND version_id = $2
UNION ALL SELECT {VERSION} FROM resource_history WHERE identity = $1 AND version_id = $2"""  # noqa: S608
_VREAD_SEEN: Final = f"""SELECT {VERSION} FROM ({_VREAD}) v
WHERE EXISTS (SELECT FROM resource r WHERE r.identity = $1 AND {sees("r.key", "$3")})"""  # noqa: S608
_CURRENT: Final = f"SELECT {VERSION} FROM resource r WHERE identity = ANY($1::uuid[])"  # noqa: S608
_SHOWN: Final = f" AND {shows('r', '$2', '$3')}"
_MADE_BY_OTHERS: Final = """SELECT type, id FROM resource r WHERE identity = ANY($1::uuid[])
AND NOT EXISTS (SELECT FROM seen_by s WHERE s.resource_key = r.key AND s.organisation = $2 AND s.made)"""
_MAKERS: Final = """SELECT r.type, r.id, s.organisation, EXISTS (
  SELECT FROM index_reference i
  WHERE i.resource_key = r.key AND i.source = ANY($2::integer[]) AND i.target = s.organisation) AS stands_for_it
FROM resource r JOIN seen_by s ON s.resource_key = r.key AND s.made WHERE r.identity = ANY($1::uuid[])"""
_LOCK_TARGETS: Final = (
    "SELECT identity, version_id FROM resource r WHERE identity = ANY($1::uuid[]) AND content IS NOT NULL"
)
_REFERRERS: Final = """SELECT DISTINCT i.target, r.type FROM index_reference i JOIN resource r ON r.key = i.resource_key
WHERE uuid_hash_extended(i.target, i.source) = ANY(ARRAY(
  SELECT uuid_hash_extended(t, s) FROM unnest($1::uuid[]) AS t, unnest($3::integer[]) AS s))
AND i.target = ANY($1::uuid[]) AND NOT r.identity = ANY($2::uuid[])"""


class Made(Struct, frozen=True, kw_only=True):
    """Who made a resource: whether it is who asks, that or an administrator, and whom the resource stands for."""

    by: UUID
    is_own: bool
    is_trusted: bool
    stands_for_it: bool


class Session:
    """The statements of the store, on one connection; what it writes has index rows by the parameters of a lease.

    Whatever it reads is within the `sight`: what is not seen is as if it were not there.
    """

    def __init__(
        self,
        connection: asyncpg.Connection[Any],
        lease: Lease | None = None,
        chain: Chain | None = None,
        sight: Sight | None = None,
    ) -> None:
        self._connection = connection
        self._lease = lease
        self._chain = chain
        self._sight = sight
        self._by = None if sight is None or sight.by is None else list(sight.by)

    async def read(self, resource_type: str, logical_id: str) -> Version | None:
        """The latest version, a tombstone included; None when there never was such a resource."""
        asked = wanted(resource_type, logical_id, self._sight)
        await read_wanted(self._connection, [asked])
        return asked.found

    async def vread(self, resource_type: str, logical_id: str, version_id: int) -> Version | None:
        """One version, current or superseded."""
        identity = identity_of(resource_type, logical_id)
        if self._by is None or is_open(resource_type):
            row = await self._connection.fetchrow(_VREAD, identity, version_id)
        else:
            row = await self._connection.fetchrow(_VREAD_SEEN, identity, version_id, self._by)
        return None if row is None else version_of(row)

    async def current(self, resources: Sequence[tuple[str, str]], *, lock: bool) -> dict[tuple[str, str], Version]:
        """The latest versions of (type, id) pairs, tombstones included, locked against other writers if asked."""
        ending = " ORDER BY identity FOR UPDATE OF r" if lock else ""
        rows = await self._shown(_CURRENT, [identity_of(*resource) for resource in resources], ending)
        versions = (version_of(row) for row in rows)
        return {(version.type, version.id): version for version in versions}

    def of_the_service(self) -> Session:
        """The same transaction as the service itself sees it: everything."""
        return Session(self._connection, self._lease, self._chain, EVERYTHING)

    async def made_by_others(self, resources: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of the (type, id) pairs belong to another than the maker of the sight, or to nobody."""
        if self._by is None or self._sight is None or not resources:
            return set()
        identities = [identity_of(*resource) for resource in resources]
        rows = await self._connection.fetch(_MADE_BY_OTHERS, identities, self._sight.maker)
        return {(row["type"], row["id"]) for row in rows}

    @property
    def trusted(self) -> frozenset[UUID]:
        """Those whose word is good for whoever asks: his own organisation, and administrators."""
        own = None if self._sight is None else self._sight.maker
        return frozenset({ADMINISTRATION} if own is None else {ADMINISTRATION, own})

    async def makers(
        self, resources: Sequence[tuple[str, str]], *, roles: Sequence[int] = ()
    ) -> dict[tuple[str, str], Made]:
        """Who made the (type, id) pairs, as far as anybody did; `roles` are the sources of what they stand for."""
        if not resources:
            return {}
        identities = [identity_of(*resource) for resource in resources]
        asker = None if self._sight is None else self._sight.maker
        trusted = self.trusted
        return {
            (row["type"], row["id"]): Made(
                by=row["organisation"],
                is_trusted=row["organisation"] in trusted,
                is_own=row["organisation"] == asker,
                stands_for_it=row["stands_for_it"],
            )
            for row in await self._connection.fetch(_MAKERS, identities, list(roles))
        }

    async def without_part(self, written: Sequence[Linked]) -> set[tuple[str, str]]:
        """Which (type, id) of others the actor's organisation changes for a referral that it takes no part in now."""
        if self._by is None or self._sight is None or not written:
            return set()
        return await without_part(self._connection, self._sight, written)

    async def link(self, written: Sequence[Linked], *, roles: Sequence[int], types: Iterable[str]) -> None:
        """Let what was just written be seen by the parties to the referrals that it belongs to; in a transaction."""
        if self._sight is not None and written:
            await link(self._connection, self._sight, written, roles=roles, types=types)

    async def history(self, page: HistoryPage) -> list[PastVersion]:
        """Up to `page.limit` versions, newest first."""
        text, arguments = history_statement(page, self._by)
        rows = await self._connection.fetch(text, *arguments)
        return [PastVersion(version=version_of(row[1:-1]), made=row[-1]) for row in rows]

    async def search(self, query: Query, *, limit: int, position: Position | None = None) -> list[Found]:
        """Up to `limit` matches beyond the position, in the order of the query; backwards the other way round."""
        statement = page_statement(query, self._sight, limit, position)
        rows = await self._connection.fetch(statement.text, *statement.arguments)
        return found_in(rows)

    async def defined(self, urls: Sequence[str], *, sources: Sequence[int]) -> list[Defined]:
        """What canonical URLs mean to who asks: see `store.defined`."""
        asker = None if self._sight is None else self._sight.maker
        return await defined(self._connection, asker, urls, sources)

    async def included(
        self,
        includes: Sequence[Include],
        keys: Sequence[int],
        *,
        references: Sequence[int],
        limit: int,
        depth: int,
        types: Sequence[str] | None = None,
    ) -> list[Found]:
        """Up to `limit` resources that go with the matches `keys`; `references` are all reference sources.

        Nothing leads to or through what is of another type than `types`, None: of any.
        """
        if not keys:
            return []
        statement = compile_includes(
            includes, keys, references=references, limit=limit, depth=depth, sight=self._sight, types=types
        )
        rows = await self._connection.fetch(statement.text, *statement.arguments)
        return found_in(rows)

    async def explain(self, query: Query) -> str:
        """How Postgres goes about a search: the plan for all values alike, so that the text tells none of them."""
        statement = compile_search(within_sight(query, self._sight), limit=query.count + 1)
        values = ", ".join("NULL" for _ in statement.arguments)
        await self._connection.execute(f"PREPARE explained AS {statement.text}")
        try:
            rows = await self._connection.fetch(f"EXPLAIN EXECUTE explained({values})")
        finally:
            await self._connection.execute("DEALLOCATE explained")
        return "\n".join(row[0] for row in rows)

    async def count(self, query: Query) -> int:
        """How many resources match."""
        statement = compile_count(within_sight(query, self._sight))
        return int(await self._connection.fetchval(statement.text, *statement.arguments))

    async def match(self, queries: Sequence[Query], claims: Collection[int] = (), *, enough: int = 2) -> Matched:
        """What each query matches, at most `enough` resources (two tell none, one and several).

        In the same snapshot: the generations of the claims on criteria with the keys `claims`. FhirError too-costly for
        queries of more different forms than one statement should have; those of one form are one part of it.
        """
        if not queries:
            return matched_of((), 0, claims)
        statement = matching([within_sight(query, self._sight) for query in queries], enough)
        if claims:
            statement = with_claims(statement, claims)
        rows = await self._connection.fetch(statement.text, *statement.arguments)
        return matched_of(rows, len(queries), claims)

    async def lock_targets(self, targets: Sequence[UUID]) -> dict[UUID, int]:
        """The version ids of those that exist of the identities; they cannot be deleted until the transaction ends."""
        rows = await self._shown(_LOCK_TARGETS, targets, " ORDER BY identity FOR SHARE OF r")
        return {row["identity"]: row["version_id"] for row in rows}

    async def _shown(self, statement: str, identities: Sequence[UUID], ending: str) -> list[asyncpg.Record]:
        """The rows of a statement on `resource` that are within the sight."""
        if self._by is None:
            rows = await self._connection.fetch(f"{statement}{ending}", identities)
        else:
            rows = await self._connection.fetch(f"{statement}{_SHOWN}{ending}", identities, self._by, OPEN)
        return list(rows)

    async def referrers(
        self, targets: Sequence[UUID], *, except_from: Sequence[UUID], sources: Sequence[int]
    ) -> list[tuple[UUID, str]]:
        """(target, type of a resource that refers to it) for the targets that others than `except_from` refer to.

        `sources` are all reference sources of the registry: they let the value index answer.
        """
        rows = await self._connection.fetch(_REFERRERS, targets, except_from, sources)
        return [(row["target"], row["type"]) for row in rows]

    async def write(
        self, changes: Sequence[Change], claims: Mapping[int, int] | None = None, *, members: Sequence[Member] = ()
    ) -> None:
        """Write all changes, or none and raise `Conflict`: a resource, or one of `claims`, is not as it was seen.

        `members` of referrals come to be in the same statement. `LapsedError` when the lease is over.
        """
        text, arguments = write_statement(changes, claims, numbered=bool(members))
        if members:
            text, arguments = with_members(text, arguments, members)
        text, arguments = self._with_records(text, arguments, changes)
        try:
            written = await self._connection.fetchval(text, *arguments)
        except LOST_RACES as error:
            raise Conflict from error
        self._require_written(written, changes)

    async def write_unless_matched(
        self,
        changes: Sequence[Change],
        queries: Sequence[Query],
        claims: Collection[int],
        *,
        births: Births | None = None,
        enough: int = 2,
    ) -> Matched | None:
        """Write all changes, and `births`, if no query matches anything; else what they match, with nothing written.

        It comes to the same as `match` and `write`, in one statement. None when it was written; `Conflict` and
        `LapsedError` as with `write`.
        """
        match = matching([within_sight(query, self._sight) for query in queries], enough)
        text, arguments = write_statement(changes, hoping=claims)
        if births and births.members:
            text, arguments = with_births(text, arguments, births)
        text, arguments = self._with_records(text, arguments, changes)
        text, arguments = unless_matched(text, arguments, match)
        try:
            (_, _, _, written), *rows = await self._connection.fetch(text, *arguments)
        except LOST_RACES as error:
            raise Conflict from error
        if rows:
            return matched_of(rows, len(queries), claims)
        self._require_written(written, changes)
        return None

    def _with_records(self, text: str, arguments: list[Any], changes: Sequence[Change]) -> tuple[str, list[Any]]:
        """The statement that writes the changes, with their audit records if there are any; LapsedError."""
        if self._chain is not None:
            if not self._connection.is_in_transaction():
                self._chain.rewind()
            if records := [record for change in changes for record in change.records]:
                text, arguments = with_records(text, arguments, self._chain.link(records), written=len(changes))
        if self._lease is not None:
            self._lease.require()
        return text, arguments

    def _require_written(self, written: int, changes: Sequence[Change]) -> None:
        """Conflict unless all changes were written; what is on record with them then is kept."""
        if written != len(changes):
            raise Conflict
        if self._chain is not None and not self._connection.is_in_transaction():
            self._chain.keep()
