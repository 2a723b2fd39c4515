"""How what is created comes to belong to referrals, and to be seen by their parties, as a part of a group of creates.

It comes to the same as `store.sight.link`, for what makes nobody a party: such a resource belongs to the referrals of
what it hangs on, and what it refers to belongs to them with it. `find` looks for these, and locks them, shared with
others that join and not with who changes their parties: that is done only where nobody has to be waited for. The
statement that writes then reads the parties as whoever changed them last has left them.

The locks are the session's and not a transaction's, since there is none; `let_go` gives them back after the commit.
"""

# ruff: noqa: S608 - texts are constants and names; no value is ever part of one

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.sight import SEEN, seen_number
from service.store.sight import LEADS, sees, unless_taken
from service.store.write_text import WRITTEN

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    import asyncpg

    from service.fhir.sight import Edge, Sight
    from service.store.change import Change


class Joining(Struct, frozen=True, kw_only=True):
    """A first version of what changes no party, with its references, and the sight of whoever creates it."""

    change: Change
    edges: Sequence[Edge]
    sight: Sight


class Member(Struct, frozen=True, kw_only=True):
    """What comes to belong to a referral: the change of a `number`, from 1, or a resource that is there, by its `key`.

    `maker` is who sees it already, None: nobody.
    """

    referral_key: int
    source: int
    number: int = 0
    key: int | None = None
    maker: UUID | None = None


class Births(Struct, frozen=True, kw_only=True):
    """Referrals that are new with all that belongs to them, by the numbers of their changes, from 1.

    `members` are a referral, what belongs to it, and whether that hangs on it or is only referred to; `parties` a
    referral, what names a party to it, the organisation and its standing.
    """

    members: Sequence[tuple[int, int, bool]] = ()
    parties: Sequence[tuple[int, int, UUID, str]] = ()


class Found(Struct, frozen=True, kw_only=True):
    """The `members` that a group of creates leads to, and the keys of the referrals that are `locked` for it.

    `left` are the positions of those in the group for which somebody would have to be waited for; the others are
    numbered without them.
    """

    members: Sequence[Member] = ()
    locked: Sequence[int] = ()
    left: frozenset[int] = frozenset()


_FIND: Final = f"""WITH edge AS MATERIALIZED (
  SELECT e.number, e.hangs, e.shares, e.by, e.lasting, t.key, t.type
  FROM unnest($1::integer[], $2::uuid[], $3::boolean[], $4::boolean[], $5::text[], $6::text[])
    AS e(number, target, hangs, shares, by, lasting)
  CROSS JOIN LATERAL (SELECT key, type FROM resource WHERE identity = e.target OFFSET 0) t
  WHERE e.by IS NULL OR {sees("t.key", "e.by")}),
own AS MATERIALIZED (
  SELECT DISTINCT e.number, m.referral_key
  FROM edge e CROSS JOIN LATERAL (
    SELECT m.referral_key, {LEADS} AS leads FROM referral_member m WHERE m.resource_key = e.key OFFSET 0) m
  WHERE e.hangs AND m.leads AND (e.by IS NULL OR {sees("m.referral_key", "e.by")})),
locked AS MATERIALIZED (
  SELECT referral_key, pg_try_advisory_lock_shared(referral_key) AS is_held
  FROM (SELECT DISTINCT referral_key FROM own ORDER BY referral_key) d)
SELECT o.number, o.referral_key, NULL::bigint, NULL::text, l.is_held
FROM own o JOIN locked l ON l.referral_key = o.referral_key
UNION ALL
SELECT o.number, o.referral_key, e.key, e.type, true FROM own o JOIN edge e ON e.number = o.number
WHERE e.shares AND (e.lasting IS NULL OR {sees("e.key", "e.lasting")}) AND NOT EXISTS (
  SELECT FROM referral_member m WHERE m.referral_key = o.referral_key AND m.resource_key = e.key)"""

_LET_GO: Final = "SELECT pg_advisory_unlock_shared(key) FROM unnest($1::bigint[]) AS key"

# In the order of the keys, so that two statements never wait for each other in a circle.
_JOIN: Final = f""",
member AS MATERIALIZED (
  SELECT m.referral_key, coalesce(w.key, m.key) AS key, m.source, m.maker, w.key IS NOT NULL AS hangs
  FROM unnest({{arrays}}) AS m(referral_key, source, number, key, maker)
  LEFT JOIN written w ON w.number = m.number),
joined AS (
  INSERT INTO referral_member (referral_key, resource_key, hangs)
  SELECT DISTINCT referral_key, key, hangs FROM member ORDER BY 1, 2 ON CONFLICT DO NOTHING),
granted AS (
  INSERT INTO seen_by (resource_key, source, organisation, made)
  SELECT DISTINCT m.key, m.source, p.organisation, false
  FROM member m CROSS JOIN LATERAL (
    SELECT p.organisation FROM referral_party p
    WHERE p.referral_key = m.referral_key AND p.counts
    AND {unless_taken("referral_party", "counts")}
    UNION ALL
    SELECT s.organisation FROM seen_by s WHERE s.resource_key = m.referral_key AND s.made) p
  WHERE p.organisation IS DISTINCT FROM m.maker
  ORDER BY 1, 3 ON CONFLICT DO NOTHING)"""
_BORN: Final = """,
born AS (
  INSERT INTO referral_member (referral_key, resource_key, hangs)
  SELECT f.key, w.key, m.hangs FROM unnest({members}) AS m(referral, number, hangs)
  JOIN written f ON f.number = m.referral JOIN written w ON w.number = m.number),
named AS (
  INSERT INTO referral_party (referral_key, source_key, organisation, standing, counts)
  SELECT f.key, w.key, p.organisation, p.standing, p.standing <> 'ended'
  FROM unnest({parties}) AS p(referral, number, organisation, standing)
  JOIN written f ON f.number = p.referral JOIN written w ON w.number = p.number)"""
_TYPES: Final = ("bigint", "integer", "integer", "bigint", "uuid")
_BORN_TYPES: Final = ("integer", "integer", "boolean", "integer", "integer", "uuid", "text")


async def find(connection: asyncpg.Connection[Any], group: Sequence[Joining]) -> Found:
    """Which referrals the creates come to belong to, each of them locked until `let_go`."""
    edges = [
        (number, edge.target, edge.hangs, edge.shares, *_texts_of(each.sight))
        for number, each in enumerate(group, start=1)
        for edge in each.edges
    ]
    try:
        rows = await connection.fetch(_FIND, *(list(column) for column in zip(*edges, strict=True)))
    except BaseException:
        connection.terminate()  # it may hold locks, and nobody knows which
        raise
    if not rows:
        return Found()
    left = {number for number, *_, is_held in rows if not is_held}
    staying = [number for number in range(1, len(group) + 1) if number not in left]
    places = {number: place for place, number in enumerate(staying, start=1)}
    members = [
        _own(places[number], referral_key, group[number - 1].change)
        if key is None
        else Member(referral_key=referral_key, source=seen_number(resource_type), key=key)
        for number, referral_key, key, resource_type, _ in rows
        if number in places
    ]
    locked = {row[1] for row in rows if row[2] is None and row[4]}
    return Found(members=members, locked=sorted(locked), left=frozenset(number - 1 for number in left))


def _own(number: int, referral_key: int, change: Change) -> Member:
    source = seen_number(change.version.type)
    makers = [organisation for _, organisation, _ in change.rows.get(SEEN, ())]
    return Member(referral_key=referral_key, source=source, number=number, maker=makers[0] if makers else None)


@lru_cache(maxsize=1024)
def _texts_of(sight: Sight) -> tuple[str | None, str | None]:
    """Who sees, and who does so lastingly."""
    return _text_of(sight.by), _text_of(sight.lasting)


def _text_of(organisations: Sequence[UUID] | None) -> str | None:
    """The organisations of a sight as PostgreSQL writes an array."""
    return None if organisations is None else f"{{{','.join(map(str, organisations))}}}"


async def let_go(connection: asyncpg.Connection[Any], locked: Collection[int]) -> None:
    """Give back the locks of `find`: at the latest they go with the connection.

    What was written is committed by then, so a connection that is lost now is nobody's failure.
    """
    if connection.is_closed():
        return
    try:
        await connection.execute(_LET_GO, list(locked))
    except Exception:  # noqa: BLE001 - whatever it is, the server gives the locks back when the connection is gone
        connection.terminate()
    except BaseException:
        connection.terminate()
        raise


def with_members(text: str, arguments: list[Any], members: Sequence[Member]) -> tuple[str, list[Any]]:
    """A numbered statement of `store.write_statement` that also lets the members belong to their referrals."""
    rows = [(each.referral_key, each.source, each.number, each.key, each.maker) for each in members]
    return _joined(text, len(arguments) + 1), [*arguments, *(list(column) for column in zip(*rows, strict=True))]


@lru_cache(maxsize=512)
def _joined(text: str, first: int) -> str:
    arrays = ", ".join(f"${number}::{each}[]" for number, each in enumerate(_TYPES, start=first))
    return f"{text.removesuffix(WRITTEN)}{_JOIN.format(arrays=arrays)}{WRITTEN}"


def with_births(text: str, arguments: list[Any], births: Births) -> tuple[str, list[Any]]:
    """A numbered statement of `store.write_statement` that also notes the members and parties of new referrals."""
    members, parties = zip(*births.members, strict=True), list(zip(*births.parties, strict=True)) or [()] * 4
    given = [list(column) for column in (*members, *parties)]
    return _born(text, len(arguments) + 1), [*arguments, *given]


@lru_cache(maxsize=512)
def _born(text: str, first: int) -> str:
    arrays = [f"${first + place}::{each}[]" for place, each in enumerate(_BORN_TYPES)]
    added = _BORN.format(members=", ".join(arrays[:3]), parties=", ".join(arrays[3:]))
    return f"{text.removesuffix(WRITTEN)}{added}{WRITTEN}"
