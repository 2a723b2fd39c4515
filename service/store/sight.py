"""Who sees what, in SQL: the one condition on what is read, and the two statements that keep the rows behind it.

`link` follows the references of what was just written, and notes which resources belong to which referrals and who the
parties to these are; `grant` then makes the rows of `seen_by` say what follows from that. Both run in the transaction
that writes. A referral is locked meanwhile: of two that change it at the same time the second grants by what both did.
"""

# ruff: noqa: S608 - texts are constants and names; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.sight import OPEN_TYPES, REFERRAL, seen_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from service.fhir.sight import Edge, Party, Sight


class Linked(Struct, frozen=True, kw_only=True):
    """A resource that was just written, its identity, and what may make it, or others, belong to a referral."""

    identity: UUID
    edges: Sequence[Edge]
    parties: Sequence[Party]


def sees(key: str, by: str) -> str:
    """The condition that one of the organisations, an array, sees the resource with the key.

    Each is looked up by itself: of a list whose length it does not know, PostgreSQL 18 would rather skip through the
    index of all organisations.
    """
    return f"""EXISTS (SELECT FROM unnest({by}::uuid[]) AS o(organisation) CROSS JOIN LATERAL (
  SELECT FROM seen_by s WHERE s.resource_key = {key} AND s.organisation = o.organisation OFFSET 0) s)"""


def shows(row: str, by: str, open_types: str) -> str:
    """The condition that a row of `resource` is of one of the types, an array, or seen by one of the organisations."""
    return f"({row}.type = ANY({open_types}::text[]) OR {sees(f'{row}.key', by)})"


def is_open(resource_type: str) -> bool:
    """Whether everybody sees the resources of the type."""
    return resource_type in OPEN_TYPES


OPEN: Final = sorted(OPEN_TYPES)
"""The types that everybody sees, as an argument."""

LEADS: Final = "m.hangs OR NOT bool_or(m.hangs) OVER ()"
"""The column, over all rows `m` of `referral_member` of a resource, that says which of these referrals it follows.

A referral that only refers to what hangs on another one has no say in it.
"""


def unless_taken(parties: str, counts: str) -> str:
    """The condition that a row `p` of `parties`, of the referral of a row `m`, is not open to all, or still is.

    It is not once somebody performs the referral, with a row that `counts`.
    """
    return f"""(p.standing <> 'open' OR NOT EXISTS (
      SELECT FROM {parties} o WHERE o.referral_key = m.referral_key AND o.standing = 'performs' AND o.{counts}))"""


def _counts(party: str) -> str:
    """The condition that a row of `referral_party` lets its organisation see all that belongs to the referral.

    The row keeps what came of it when the parties changed last. Nobody becomes a party by a Task of his own: it counts
    what the referral says itself, and the Tasks of who made it, of whom it names, and of the service. Who takes on what
    nobody has taken on before him needs no other's.
    """
    return f"""({party}.standing <> 'ended' AND ({party}.source_key = {party}.referral_key
  OR NOT EXISTS (
    SELECT FROM seen_by t WHERE t.resource_key = {party}.source_key AND t.made
    AND NOT EXISTS (
      SELECT FROM seen_by f
      WHERE f.resource_key = {party}.referral_key AND f.organisation = t.organisation AND f.made OFFSET 0)
    AND NOT EXISTS (
      SELECT FROM referral_party n WHERE n.referral_key = {party}.referral_key
      AND n.source_key = {party}.referral_key AND n.organisation = t.organisation OFFSET 0) OFFSET 0)
  OR ({party}.standing = 'performs' AND NOT EXISTS (
    SELECT FROM referral_party e WHERE e.referral_key = {party}.referral_key
    AND e.source_key < {party}.source_key AND e.standing IN ('performs', 'ended') OFFSET 0))))"""


# Membership flows from a resource to what hangs on it and to what it refers to, among and next to those that were
# written; it comes from the referrals of what they hang on, and from those that they belong to already. Nothing flows
# from what a referral only refers to (`hangs` is false), and what hangs on something else (`rooted`). And what a clinic
# sees of a referral that is open to all it shares with no other one: it would keep it when somebody has claimed that.
# OFFSET 0 lets each key be looked up by itself: a join could read the whole of a table by its index.
_LINK: Final = f"""WITH RECURSIVE edge AS MATERIALIZED (
  SELECT f.key AS source, t.key AS target, e.hangs,
    e.shares AND ($12::uuid[] IS NULL OR {sees("t.key", "$12")}) AS shares
  FROM unnest($2::uuid[], $3::uuid[], $4::boolean[], $5::boolean[]) AS e(source, target, hangs, shares)
  CROSS JOIN LATERAL (SELECT key FROM resource WHERE identity = e.source OFFSET 0) f
  CROSS JOIN LATERAL (SELECT key FROM resource WHERE identity = e.target OFFSET 0) t
  WHERE $1::uuid[] IS NULL OR {sees("t.key", "$1")}),
flow AS MATERIALIZED (
  SELECT target AS source, source AS target, true AS hangs FROM edge WHERE hangs
  UNION SELECT source, target, false FROM edge WHERE shares),
written AS MATERIALIZED (SELECT key, type FROM resource WHERE identity = ANY($6::uuid[])),
rooted AS MATERIALIZED (
  SELECT k.key FROM (SELECT DISTINCT source AS key FROM flow) k
  WHERE EXISTS (SELECT FROM referral_member m WHERE m.resource_key = k.key AND m.hangs OFFSET 0)
  OR EXISTS (SELECT FROM edge e WHERE e.source = k.key AND e.hangs)
  OR EXISTS (SELECT FROM written w WHERE w.key = k.key AND w.type = '{REFERRAL}')),
belongs(resource_key, referral_key, hangs) AS (
  SELECT key, key, true FROM written WHERE type = '{REFERRAL}'
  UNION (
    SELECT m.resource_key, m.referral_key, m.hangs
    FROM (SELECT target AS key FROM edge WHERE hangs UNION SELECT key FROM written) k
    CROSS JOIN LATERAL (SELECT * FROM referral_member WHERE resource_key = k.key OFFSET 0) m
    WHERE $1::uuid[] IS NULL OR {sees("m.referral_key", "$1")})
  UNION
  SELECT f.target, b.referral_key, f.hangs FROM belongs b JOIN flow f ON f.source = b.resource_key
  WHERE b.hangs OR NOT EXISTS (SELECT FROM rooted r WHERE r.key = b.resource_key)),
locked AS MATERIALIZED (
  SELECT pg_advisory_xact_lock(k.referral_key)
  FROM (SELECT DISTINCT referral_key FROM belongs ORDER BY referral_key) k),
joined AS (
  INSERT INTO referral_member AS m (referral_key, resource_key, hangs)
  SELECT b.referral_key, b.resource_key, bool_or(b.hangs) FROM belongs b, (SELECT count(*) FROM locked) l GROUP BY 1, 2
  ON CONFLICT (referral_key, resource_key) DO UPDATE SET hangs = true WHERE excluded.hangs AND NOT m.hangs
  RETURNING resource_key),
party AS MATERIALIZED (
  SELECT DISTINCT b.referral_key, r.key AS source_key, o.identity AS organisation, p.standing
  FROM unnest($7::uuid[], $8::uuid[], $9::boolean[], $10::text[]) AS p(source, identity, is_role, standing)
  CROSS JOIN LATERAL (SELECT key, type FROM resource WHERE identity = p.source OFFSET 0) r
  JOIN belongs b ON b.resource_key = r.key AND b.hangs AND (r.type <> '{REFERRAL}' OR b.referral_key = r.key)
  CROSS JOIN LATERAL (
    SELECT p.identity WHERE NOT p.is_role
    UNION ALL
    SELECT i.target FROM (SELECT key FROM resource WHERE p.is_role AND identity = p.identity OFFSET 0) n
    CROSS JOIN LATERAL (
      SELECT target FROM index_reference WHERE resource_key = n.key AND source = ANY($11::integer[]) OFFSET 0) i) o),
gone AS (
  DELETE FROM referral_party WHERE ctid = ANY(ARRAY(
    SELECT d.ctid FROM written w
    CROSS JOIN LATERAL (SELECT ctid, * FROM referral_party WHERE source_key = w.key OFFSET 0) d
    WHERE NOT EXISTS (
      SELECT FROM party p WHERE (p.referral_key, p.source_key, p.organisation, p.standing)
        = (d.referral_key, d.source_key, d.organisation, d.standing))))
  RETURNING referral_key),
come AS (
  INSERT INTO referral_party (referral_key, source_key, organisation, standing)
  SELECT referral_key, source_key, organisation, standing FROM party
  ON CONFLICT DO NOTHING RETURNING referral_key)
SELECT ARRAY(SELECT resource_key FROM joined), ARRAY(SELECT referral_key FROM gone UNION SELECT referral_key FROM come)
"""

_GRANT: Final = f"""WITH affected AS MATERIALIZED (
  SELECT unnest($1::bigint[]) AS key
  UNION SELECT resource_key FROM referral_member WHERE referral_key = ANY($2::bigint[])),
counted AS MATERIALIZED (
  SELECT p.*, {_counts("p")} AS does
  FROM (
    SELECT DISTINCT m.referral_key FROM affected a
    CROSS JOIN LATERAL (SELECT m.referral_key FROM referral_member m WHERE m.resource_key = a.key OFFSET 0) m) f
  CROSS JOIN LATERAL (SELECT ctid, * FROM referral_party WHERE referral_key = f.referral_key OFFSET 0) p),
noted AS (
  UPDATE referral_party SET counts = NOT counts
  WHERE ctid = ANY(ARRAY(SELECT c.ctid FROM counted c WHERE c.does <> c.counts))),
granted AS MATERIALIZED (
  SELECT DISTINCT a.key, p.organisation
  FROM affected a
  CROSS JOIN LATERAL (SELECT m.referral_key FROM referral_member m WHERE m.resource_key = a.key OFFSET 0) m
  CROSS JOIN LATERAL (
    SELECT p.organisation FROM counted p
    WHERE p.referral_key = m.referral_key AND (p.does OR a.key IN (p.referral_key, p.source_key))
    AND {unless_taken("counted", "does")}
    UNION ALL
    SELECT s.organisation FROM seen_by s WHERE s.resource_key = m.referral_key AND s.made) p),
taken AS (
  DELETE FROM seen_by WHERE ctid = ANY(ARRAY(
    SELECT s.ctid FROM affected a
    CROSS JOIN LATERAL (
      SELECT s.ctid, s.organisation FROM seen_by s WHERE s.resource_key = a.key AND NOT s.made OFFSET 0) s
    WHERE NOT EXISTS (SELECT FROM granted g WHERE g.key = a.key AND g.organisation = s.organisation))))
INSERT INTO seen_by (resource_key, source, organisation, made)
SELECT g.key, n.number, g.organisation, false
FROM granted g CROSS JOIN LATERAL (SELECT r.type FROM resource r WHERE r.key = g.key OFFSET 0) r
JOIN unnest($3::text[], $4::integer[]) AS n(type, number) ON n.type = r.type
ON CONFLICT DO NOTHING"""


# Of a resource that others made: whether it hangs, or comes to, on a referral that the organisation takes no part in.
_WITHOUT_PART: Final = f"""SELECT r.type, r.id FROM unnest($1::uuid[]) AS w(identity)
CROSS JOIN LATERAL (SELECT key, type, id FROM resource WHERE identity = w.identity OFFSET 0) r
WHERE NOT EXISTS (SELECT FROM seen_by s WHERE s.resource_key = r.key AND s.organisation = $2 AND s.made)
AND EXISTS (
  SELECT FROM (
    SELECT r.key UNION ALL
    SELECT t.key FROM unnest($4::uuid[], $5::uuid[]) AS e(source, target)
    CROSS JOIN LATERAL (SELECT key FROM resource WHERE identity = e.target OFFSET 0) t
    WHERE e.source = w.identity AND {sees("t.key", "$3")}) k
  CROSS JOIN LATERAL (
    SELECT referral_key FROM referral_member WHERE resource_key = k.key AND hangs OFFSET 0) m
  WHERE NOT EXISTS (
    SELECT FROM seen_by f WHERE f.resource_key = m.referral_key AND f.organisation = $2 AND f.made OFFSET 0)
  AND NOT EXISTS (
    SELECT FROM referral_party p WHERE p.referral_key = m.referral_key AND p.organisation = ANY($3::uuid[]) AND p.counts
    AND {unless_taken("referral_party", "counts")} OFFSET 0))"""


async def without_part(connection: Any, sight: Sight, written: Sequence[Linked]) -> set[tuple[str, str]]:
    """Which of the resources the maker of the sight did not make, and changes for a referral without a part in it."""
    edges = [(one.identity, edge.target) for one in written for edge in one.edges]
    rows = await connection.fetch(
        _WITHOUT_PART,
        [one.identity for one in written],
        sight.maker,
        list(sight.by or ()),
        [source for source, _ in edges],
        [target for _, target in edges],
    )
    return {(row["type"], row["id"]) for row in rows}


async def link(
    connection: Any, sight: Sight, written: Sequence[Linked], *, roles: Sequence[int], types: Iterable[str]
) -> None:
    """Let what was written belong to the referrals that it leads to, and their parties see it.

    `roles` are the sources of the references from what stands for an organisation to this; `types` are all types.
    """
    edges = [(one.identity, edge) for one in written for edge in one.edges]
    parties = [(one.identity, party) for one in written for party in one.parties]
    row = await connection.fetchrow(
        _LINK,
        None if sight.by is None else list(sight.by),
        [source for source, _ in edges],
        [edge.target for _, edge in edges],
        [edge.hangs for _, edge in edges],
        [edge.shares for _, edge in edges],
        [one.identity for one in written],
        [source for source, _ in parties],
        [party.identity for _, party in parties],
        [party.is_role for _, party in parties],
        [party.standing for _, party in parties],
        list(roles),
        None if sight.lasting is None else list(sight.lasting),
    )
    members, referrals = row
    if members or referrals:
        numbers = {name: seen_number(name) for name in types}
        await connection.execute(_GRANT, members, referrals, list(numbers), list(numbers.values()))
