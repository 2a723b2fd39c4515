"""Reads all audit records in the order of their chains, and asks of each whether it is as it was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from service.fhir.audit.record import Head, opened
from service.fhir.audit.verification import ChainCheck, Kept
from service.store.audit.journal import read_heads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import asyncpg

_PAGE: Final = 512
_LINKS: Final = """SELECT number, recorded, content, encode(hash, 'hex') AS hash
FROM audit_link WHERE chain = $1 AND number > $2 ORDER BY number LIMIT $3"""
_CLUES: Final = """SELECT c.number, c.clue
FROM unnest($2::bigint[], $3::timestamptz[], $4::bigint[]) AS w(clue, recorded, number)
JOIN audit_clue c ON (c.clue, c.recorded) = (w.clue, w.recorded)
WHERE c.chain = $1 AND c.number = w.number"""
_CHAINS: Final = """SELECT c.id FROM generate_series(1, (SELECT max(chain) FROM audit_link)) AS c(id)
WHERE EXISTS (SELECT FROM audit_link WHERE chain = c.id)"""
_HASHES: Final = """SELECT w.chain, w.number, encode(e.hash, 'hex')
FROM unnest($1::integer[], $2::bigint[]) AS w(chain, number)
LEFT JOIN audit_link e ON (e.chain, e.number) = (w.chain, w.number)"""


class Verified(Struct):
    """What a verification came to: how many records there are, what is wrong, and the heads of the chains."""

    records: int = 0
    problems: list[str] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)


async def count_records(connection: asyncpg.Connection[Any]) -> int:
    """About how many records there are: without gaps, as many as the last numbers say."""
    return sum(head.number for head in await read_heads(connection))


async def verify(
    connection: asyncpg.Connection[Any], noted: Iterable[Head] = (), *, on_page: Callable[[int], None] = lambda _: None
) -> Verified:
    """Walk along all chains; `noted` are heads that were written down before, which must still be there.

    Records that are added meanwhile are not waited for. `on_page` gets the number of records up to each page.
    """
    verified = Verified(heads=await read_heads(connection))
    asked = {(head.chain, head.number): head.hash for head in noted}
    for (chain,) in await connection.fetch(_CHAINS):
        check = ChainCheck(chain)
        while rows := await connection.fetch(_LINKS, chain, check.number, _PAGE):
            for kept in await _kept(connection, chain, rows):
                verified.problems += check.problems(kept)
                verified.records += len(kept.link.records) if kept.link else 1
            asked |= {(head.chain, head.number): head.hash for head in check.heads}
            check.heads.clear()
            verified.problems += await _missing(connection, asked)
            asked.clear()
            on_page(verified.records)
    verified.problems += await _missing(connection, asked)
    return verified


async def _kept(connection: asyncpg.Connection[Any], chain: int, rows: Sequence[Any]) -> list[Kept]:
    """The links of a page, with the clues that lead to each: those that should, as far as they are there."""
    links = {row["number"]: opened(row["content"]) for row in rows}
    wanted = [
        (clue, row["recorded"], row["number"]) for row in rows if (link := links[row["number"]]) for clue in link.clues
    ]
    found: dict[int, set[int]] = {}
    if wanted:
        for number, clue in await connection.fetch(_CLUES, chain, *zip(*wanted, strict=True)):
            found.setdefault(number, set()).add(clue)
    return [
        Kept(
            chain=chain,
            number=row["number"],
            recorded=row["recorded"],
            content=row["content"],
            hash=row["hash"],
            clues=frozenset(found.get(row["number"], ())),
            link=links[row["number"]],
        )
        for row in rows
    ]


async def _missing(connection: asyncpg.Connection[Any], heads: dict[tuple[int, int], str]) -> list[str]:
    """What is wrong with records that were once the last ones of their chains."""
    if not heads:
        return []
    chains, numbers = zip(*heads, strict=True)
    problems = []
    for chain, number, hash_ in await connection.fetch(_HASHES, chains, numbers):
        if hash_ is None:
            problems.append(f"record {chain}-{number} is missing: it was the last one of its chain when that was noted")
        elif hash_ != heads[chain, number]:
            problems.append(f"record {chain}-{number} is not the one that was noted as the last one of its chain")
    return problems
