"""Looking for what criteria match, where they stand in the place of an id; by itself or in the statement that writes.

Both see the claims on the criteria (`store.write_statement`) in the same snapshot as what they match.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.outcome import failure
from service.store.search import compile_match
from service.store.search.statement import Statement
from service.store.write_text import CLAIMED, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from service.fhir.search.query import Query

_LONGEST_MATCH: Final = 500_000
"""The most characters of a statement that matches criteria: PostgreSQL takes 100 MB and half a second to plan them."""
_WITH_CLAIMS: Final = """({match}) UNION ALL
SELECT NULL, key::text, NULL, generation FROM criteria_claim WHERE key = ANY(${keys}::bigint[])"""
_UNLESS_MATCHED: Final = """WITH seen AS MATERIALIZED (
  SELECT w.key, coalesce(c.generation, 0) FROM unnest({keys}::bigint[]) AS w(key)
  LEFT JOIN criteria_claim c ON c.key = w.key),
matched AS MATERIALIZED (
{match}),
{write}
SELECT NULL AS ordinal, NULL AS type, NULL AS id, count(*) AS version_id FROM written
UNION ALL SELECT ordinal, type, id, version_id FROM matched
UNION ALL SELECT NULL, key::text, NULL, seen FROM seen AS w(key, seen) WHERE EXISTS (SELECT FROM matched)"""
_PARAMETER: Final = re.compile(r"\$(\d+)")


class Matched(Struct, frozen=True):
    """What queries match: (type, id) pairs for each, and the version ids that they were seen with.

    `claims` are the generations of the claims on them, by key (0: none yet).
    """

    found: list[list[tuple[str, str]]]
    versions: dict[tuple[str, str], int]
    claims: dict[int, int]


def matching(queries: Sequence[Query], enough: int) -> Statement:
    """The statement that finds at most `enough` resources for each query; FhirError too-costly where it is too long."""
    statement = compile_match(queries, enough=enough)
    if len(statement.text) > _LONGEST_MATCH:
        told = "The criteria of the entries have too many different forms; send the Bundle in parts."
        raise failure("too-costly", told, "Bundle.entry")
    return statement


def matched_of(rows: Iterable[Sequence[Any]], queries: int, claims: Collection[int]) -> Matched:
    """The rows of a statement that matches: ordinal, type, id and version id, or NULL, key, NULL and generation."""
    matched = Matched(found=[[] for _ in range(queries)], versions={}, claims=dict.fromkeys(claims, 0))
    for ordinal, resource_type, logical_id, version_id in rows:
        if ordinal is None:
            matched.claims[int(resource_type)] = version_id
        else:
            matched.found[ordinal].append((resource_type, logical_id))
            matched.versions[resource_type, logical_id] = version_id
    return matched


@lru_cache(maxsize=1024)
def _with_claims(match: str, number: int) -> str:
    return _WITH_CLAIMS.format(match=match, keys=number)


def with_claims(match: Statement, claims: Collection[int]) -> Statement:
    """The statement, which also finds the generations of the claims: NULL, key, NULL, generation."""
    arguments = (*match.arguments, list(claims))
    return Statement(_with_claims(match.text, len(arguments)), arguments)


def unless_matched(text: str, arguments: list[Any], match: Statement) -> tuple[str, list[Any]]:
    """A statement of `write_statement` that looks for criteria by itself, and writes nothing if they match anything.

    The first row ends with how many resources were written; where anything matched the others are what `match` finds,
    and the claims: NULL, key, NULL, generation.
    """
    return _hopeful_text(text, match.text, len(arguments)), [*arguments, *match.arguments]


@lru_cache(maxsize=512)
def _hopeful_text(text: str, match: str, before: int) -> str:
    renumbered = _PARAMETER.sub(lambda number: f"${int(number[1]) + before}", match)
    write = text.removeprefix("WITH ").removesuffix(WRITTEN)
    return _UNLESS_MATCHED.format(keys=f"${CLAIMED}", match=renumbered, write=write)
